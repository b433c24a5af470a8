import Foundation

/// Where a store is: an SQLite file, or a PostgreSQL database behind a URL.
package enum StorePlace: Sendable, Equatable {
  case file(String)
  /// `postgresql://host/database`, without a password: that comes from the environment, a service
  /// file or a password file.
  case postgres(String)

  /// What is wrong with a URL of a project file; nil where nothing is.
  static func problem(ofURL url: String) -> String? {
    guard url.utf8.starts(with: "postgresql://".utf8) || url.utf8.starts(with: "postgres://".utf8)
    else { return "`url` names no PostgreSQL database: write postgresql://host/database" }
    guard let parts = URLComponents(string: url) else { return "`url` is no URL" }
    let secret = parts.queryItems?.contains { $0.name == "password" } == true
    return parts.password != nil || secret
      ? "`url` holds a password: take it out, and set PGPASSWORD or a password file (~/.pgpass)"
      : nil
  }
}

extension CaseStore {
  /// Opens a store, makes its tables where there are none, and brings older ones up to date.
  package init(_ place: StorePlace, patience: Double = 30) throws(OutreachError) {
    switch place {
    case .file(let path): try self.init(path: path, patience: patience)
    case .postgres: throw .unusable("a store behind a `url` is not supported yet")
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
