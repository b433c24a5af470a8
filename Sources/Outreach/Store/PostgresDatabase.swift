import CLibPQ
import Foundation

/// The store in a PostgreSQL database, over libpq, by one connection.
///
/// Every transaction is READ COMMITTED; one that is `alone` takes an advisory lock first, so that
/// what it reads after that is what others of its kind have committed. Where the connection breaks,
/// it is opened anew and the transaction is run again after 0.1, 0.3, 1, 3 and 9 seconds:
/// - one that only reads, and any whose body had not begun;
/// - one that is `alone`, even where COMMIT was under way, because its body looks first whether its
///   work is done, and looks under the lock, which the broken transaction no longer holds;
/// - not another one: it would do its work twice where COMMIT had gone through.
///
/// Unchecked: the connection is used by one thread at a time, under `lock`, which is no `Mutex`
/// because a body's value need not be Sendable.
final class PostgresDatabase: StoreDatabase, @unchecked Sendable {
  let dialect = Dialect.postgres
  let name: String
  private let patience: Double
  private let lock = NSLock()
  private var connection: PostgresConnection?
  /// A server that never answered is told at once: the URL may be wrong.
  private var hasConnected = false

  private static let waits = [0.1, 0.3, 1, 3, 9]
  /// The letters "tacit" as a number.
  private static let loneKey: Int64 = 0x74_61_63_69_74

  /// - Parameters:
  ///   - url: `postgresql://host/database`, without a password.
  ///   - patience: for how many seconds another transaction is waited for.
  init(url: String, patience: Double) throws(OutreachError) {
    if let problem = StorePlace.problem(ofURL: url) { throw .unusable("[store]: \(problem)") }
    name = url
    self.patience = patience
  }

  func reading<Value>(_ body: (any StoreConnection) throws -> Value) throws -> Value {
    // One snapshot for all that a body reads.
    try transaction(["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"], mayRepeat: true, body)
  }

  func writing<Value>(
    alone: Bool, _ body: (any StoreConnection) throws -> Value
  ) throws -> Value {
    var start = ["BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"]
    if alone { start.append("SELECT pg_advisory_xact_lock(\(Self.loneKey))") }
    return try transaction(start, mayRepeat: alone, body)
  }

  /// Dead rows leave their pages; the server's write-ahead log and backups are its owner's.
  func forget() throws {
    lock.lock()
    defer { lock.unlock() }
    do {
      let connection =
        try self.connection ?? PostgresConnection(url: name, patience: patience)
      self.connection = connection
      hasConnected = true
      for table in [
        "cases", "notes", "decisions", "enrolments", "holds", "outbox", "promises",
        "participations",
      ] {
        try connection.simply("VACUUM \(table)")
      }
    } catch let failure as PostgresFailure {
      connection = nil
      throw failure.explained(name)
    }
  }

  private func transaction<Value>(
    _ start: [String], mayRepeat: Bool, _ body: (any StoreConnection) throws -> Value
  ) throws -> Value {
    lock.lock()
    defer { lock.unlock() }
    var waits = Self.waits[...]
    while true {
      var hasBegun = false
      do {
        return try attempt(start, &hasBegun, body)
      } catch let failure as PostgresFailure {
        guard hasConnected, failure.isPassing, mayRepeat || !hasBegun, let wait = waits.popFirst()
        else { throw failure.explained(name) }
        Thread.sleep(forTimeInterval: wait)
      }
    }
  }

  private func attempt<Value>(
    _ start: [String], _ hasBegun: inout Bool, _ body: (any StoreConnection) throws -> Value
  ) throws -> Value {
    let connection =
      try self.connection ?? PostgresConnection(url: name, patience: patience)
    self.connection = connection
    hasConnected = true
    do {
      for statement in start { try connection.simply(statement) }
      hasBegun = true
      let value = try body(connection)
      try connection.commit()
      return value
    } catch {
      do { try connection.simply("ROLLBACK") } catch { self.connection = nil }
      throw error
    }
  }
}

extension StorePlace {
  /// What is wrong with a URL of a project file; nil where nothing is. It is read as libpq reads it.
  static func problem(ofURL url: String) -> String? {
    guard url.utf8.starts(with: "postgresql://".utf8) || url.utf8.starts(with: "postgres://".utf8)
    else { return "`url` names no PostgreSQL database: write postgresql://host/database" }
    guard !url.utf8.contains(0), let options = PQconninfoParse(url, nil) else {
      return "`url` is no URL that PostgreSQL reads"
    }
    defer { PQconninfoFree(options) }
    var option = options
    while let keyword = option.pointee.keyword {
      if option.pointee.val != nil, ["password", "sslpassword"].contains(String(cString: keyword)) {
        return "`url` holds a password: take it out, and set PGPASSWORD or a password file "
          + "(~/.pgpass)"
      }
      option += 1
    }
    return nil
  }
}
