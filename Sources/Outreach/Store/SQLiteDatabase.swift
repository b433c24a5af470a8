import GRDB

/// The store in one SQLite file. Every writing transaction holds the write lock from its start.
struct SQLiteDatabase: StoreDatabase {
  let dialect = Dialect.sqlite
  let name: String
  private let queue: DatabaseQueue

  /// - Parameter patience: for how many seconds another process's transaction is waited for.
  init(path: String, patience: Double) throws(OutreachError) {
    name = path
    var configuration = Configuration()
    configuration.busyMode = .timeout(patience)
    configuration.prepareDatabase { db in
      for statement in Dialect.connection { try db.execute(sql: statement) }
    }
    do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch {
      throw Self.explained(error, path)
    }
  }

  func reading<Value>(_ body: (any StoreConnection) throws -> Value) throws -> Value {
    do { return try queue.read { try body(Connection(db: $0)) } } catch let error as DatabaseError {
      throw Self.explained(error, name)
    }
  }

  func writing<Value>(
    alone: Bool, _ body: (any StoreConnection) throws -> Value
  ) throws -> Value {
    do {
      var value: Value?
      try queue.writeWithoutTransaction { db in
        try db.inTransaction(.immediate) {
          value = try body(Connection(db: db))
          return .commit
        }
      }
      return value!
    } catch let error as DatabaseError {
      throw Self.explained(error, name)
    }
  }

  /// Writes the file anew, without a free page. O(file).
  func forget() throws {
    do { try queue.vacuum() } catch let error as DatabaseError {
      throw Self.explained(error, name)
    }
  }

  private struct Connection: StoreConnection {
    let db: Database

    func execute(_ sql: String, _ values: [SQLValue]) throws -> Int {
      let statement = try db.cachedStatement(sql: sql)
      try statement.execute(arguments: StatementArguments(values.map(\.databaseValue)))
      return db.changesCount
    }

    func rows(_ sql: String, _ values: [SQLValue]) throws -> [SQLRow] {
      let statement = try db.cachedStatement(sql: sql)
      let rows = try Row.fetchCursor(
        statement, arguments: StatementArguments(values.map(\.databaseValue)))
      var found: [SQLRow] = []
      while let row = try rows.next() {
        found.append(SQLRow(values: row.databaseValues.map(SQLValue.init)))
      }
      return found
    }
  }

  /// SQLite's own words carry no row's contents.
  private static func explained(_ error: any Error, _ path: String) -> OutreachError {
    guard let error = error as? DatabaseError else { return SQLRow.damaged }
    let reason = error.message ?? error.resultCode.description
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return .locked("another run holds the store \(path): try again when it is done")
    case .SQLITE_NOTADB:
      return .dataContract("\(path) is no SQLite database: name another file in [store] path")
    case .SQLITE_CORRUPT:
      return .dataContract("the store \(path) is damaged (\(reason)): restore it from a backup")
    case .SQLITE_CANTOPEN:
      return .unusable(
        "the store \(path) cannot be opened or made (\(reason)): its folder must be there and "
          + "be writable, and the path must not name a folder")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
      return .unusable("the store \(path) may not be written (\(reason)): nothing was changed")
    case .SQLITE_FULL:
      return .inputOutput("no space left for the store \(path): nothing was changed")
    default:
      return .inputOutput("the store \(path) failed (\(reason)): nothing was changed")
    }
  }
}

extension SQLValue {
  fileprivate init(_ value: DatabaseValue) {
    switch value.storage {
    case .null: self = .null
    case .int64(let integer): self = .integer(integer)
    case .double(let real): self = .real(real)
    case .string(let text): self = .text(text)
    case .blob(let data): self = .text(String(decoding: data, as: UTF8.self))
    }
  }

  fileprivate var databaseValue: DatabaseValue {
    switch self {
    case .null: .null
    case .integer(let value): value.databaseValue
    case .real(let value): value.databaseValue
    case .text(let text): text.databaseValue
    }
  }
}
