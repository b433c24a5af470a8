import Foundation

/// Where a store is: an SQLite file, or a PostgreSQL database behind a URL.
package enum StorePlace: Sendable, Equatable {
  case file(String)
  /// `postgresql://host/database`, without a password: that comes from the environment, a service
  /// file or a password file.
  case postgres(String)
}

extension CaseStore {
  /// Opens a store, makes its tables where there are none, and brings older ones up to date.
  package init(_ place: StorePlace, patience: Double = 30) throws(OutreachError) {
    switch place {
    case .file(let path): try self.init(path: path, patience: patience)
    case .postgres(let url): try self.init(PostgresDatabase(url: url, patience: patience))
    }
  }

  /// Opens a store that must be there already: an SQLite file is not made.
  package init(existing place: StorePlace, patience: Double = 30) throws(OutreachError) {
    switch place {
    case .file(let path): try self.init(existing: path, patience: patience)
    case .postgres: try self.init(place, patience: patience)
    }
  }
}

extension StorePlace {
  /// Whether something is there to be opened: an SQLite file, or a database that may have one.
  package var mayExist: Bool {
    switch self {
    case .file(let path): FileManager.default.fileExists(atPath: path)
    case .postgres: true
    }
  }
}
