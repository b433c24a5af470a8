import CLibPQ
import Foundation
import Histories

/// What went wrong at a PostgreSQL server, or on the way to it.
struct PostgresFailure: Error {
  /// SQLSTATE; empty where no server answered.
  var state: String
  var reason: String
  /// The connection is gone.
  var isLost: Bool
  /// It went while COMMIT was under way: whether the transaction stands is not known.
  var wasCommitting = false

  /// Whether the same transaction on a new connection may well succeed: the connection is gone, or
  /// two transactions were in each other's way.
  var isPassing: Bool { isLost || state == "40001" || state == "40P01" }

  func explained(_ name: String) -> OutreachError {
    let words = state.isEmpty ? reason : "\(reason), SQLSTATE \(state)"
    if wasCommitting {
      return .service(
        "the connection to the store \(name) broke while the change was being kept (\(words)): look "
          + "whether it is there before you make it again")
    }
    switch state {
    case "40001", "40P01", "55P03":
      return .locked("another run holds the store \(name): try again when it is done")
    case "42501", "25006", "3F000":
      return .unusable("the store \(name) may not be written (\(words)): nothing was changed")
    case "53100":
      return .inputOutput("no space left for the store \(name): nothing was changed")
    case "XX001", "XX002":
      return .dataContract("the store \(name) is damaged (\(words)): restore it from a backup")
    default:
      return isLost || state.hasPrefix("53")
        ? .service("the store \(name) cannot be reached (\(words)): nothing was changed")
        : .inputOutput("the store \(name) failed (\(words)): nothing was changed")
    }
  }
}

/// One connection to a PostgreSQL server. Values and rows go as text; statements are prepared once.
/// Not to be used by two threads at a time.
final class PostgresConnection: StoreConnection {
  private let handle: OpaquePointer
  /// Names of prepared statements by their text.
  private var prepared: [String: String] = [:]

  /// Defaults, which the URL may set otherwise: a dead server is noticed within a minute or so.
  private static let defaults = [
    ("connect_timeout", "10"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
    ("keepalives_count", "3"), ("tcp_user_timeout", "60000"),
    ("fallback_application_name", "tacit"),
  ]

  /// - Parameter patience: for how many seconds another transaction's locks are waited for.
  init(url: String, patience: Double) throws(PostgresFailure) {
    var settings = Self.defaults
    if getenv("PGCONNECT_TIMEOUT") != nil { settings.removeFirst() }
    // What stands before the URL gives way to it, what stands after overrides it.
    settings += [("dbname", url), ("client_encoding", "UTF8")]
    let keys = CStrings(settings.map(\.0))
    let values = CStrings(settings.map(\.1))
    guard let handle = PQconnectdbParams(keys.pointers, values.pointers, 1) else {
      throw PostgresFailure(state: "", reason: "out of memory", isLost: true)
    }
    self.handle = handle
    guard PQstatus(handle) == CONNECTION_OK else {
      throw PostgresFailure(state: "", reason: Self.words(handle), isLost: true)
    }
    let encoding = PQparameterStatus(handle, "server_encoding").map { String(cString: $0) } ?? "?"
    guard encoding == "UTF8" else {
      throw PostgresFailure(
        state: "3F000", reason: "its encoding is \(encoding), expected UTF8", isLost: false)
    }
    // Whatever the server's or the user's settings are: numbers come back to the bit, what is
    // published survives power loss, waiting ends, and a client that hangs lets go of its locks.
    try simply("SET client_min_messages = error")
    try simply("SET extra_float_digits = 1")
    try simply("SET lock_timeout = \(max(1, Int(patience * 1000)))")
    try simply("SET idle_in_transaction_session_timeout = '10min'")
    try simply(
      "SELECT set_config('synchronous_commit', 'on', false) "
        + "WHERE current_setting('synchronous_commit') IN ('off', 'local')")
  }

  deinit { PQfinish(handle) }

  var isLost: Bool { PQstatus(handle) != CONNECTION_OK }

  /// A statement without values, not prepared.
  func simply(_ sql: String) throws(PostgresFailure) {
    PQclear(try checked(PQexec(handle, sql)))
  }

  func commit() throws(PostgresFailure) {
    do throws(PostgresFailure) {
      let result = try checked(PQexec(handle, "COMMIT"))
      defer { PQclear(result) }
      // The server answers ROLLBACK where the transaction had failed before.
      guard String(cString: PQcmdStatus(result)) == "COMMIT" else {
        throw PostgresFailure(state: "25P02", reason: "the transaction had failed", isLost: false)
      }
    } catch {
      var failure = error
      failure.wasCommitting = failure.isLost
      throw failure
    }
  }

  func execute(_ sql: String, _ values: [SQLValue]) throws -> Int {
    let result = try run(sql, values)
    defer { PQclear(result) }
    return Int(String(cString: PQcmdTuples(result))) ?? 0
  }

  func rows(_ sql: String, _ values: [SQLValue]) throws -> [SQLRow] {
    let result = try run(sql, values)
    defer { PQclear(result) }
    let columns = PQnfields(result)
    let types = (0..<columns).map { PQftype(result, $0) }
    var rows: [SQLRow] = []
    rows.reserveCapacity(Int(PQntuples(result)))
    for row in 0..<PQntuples(result) {
      var values: [SQLValue] = []
      values.reserveCapacity(Int(columns))
      for column in 0..<columns {
        values.append(try Self.value(result, row, column, types[Int(column)]))
      }
      rows.append(SQLRow(values: values))
    }
    return rows
  }

  private func run(_ sql: String, _ values: [SQLValue]) throws -> OpaquePointer {
    let name = try prepare(sql)
    let texts = CStrings(try values.map { try $0.wireText })
    return try checked(
      PQexecPrepared(handle, name, Int32(values.count), texts.pointers, nil, nil, 0))
  }

  private func prepare(_ sql: String) throws(PostgresFailure) -> String {
    if let name = prepared[sql] { return name }
    let name = "s\(prepared.count)"
    PQclear(try checked(PQprepare(handle, name, Dialect.postgres.placed(sql), 0, nil)))
    prepared[sql] = name
    return name
  }

  /// A result that is none becomes a failure. Of the server's words only the primary message is
  /// kept: details quote rows; and not even that where the message itself may quote a value
  /// (class 22, data exceptions).
  private func checked(_ result: OpaquePointer?) throws(PostgresFailure) -> OpaquePointer {
    guard let result else {
      throw PostgresFailure(state: "", reason: Self.words(handle), isLost: isLost)
    }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return result
    default: break
    }
    defer { PQclear(result) }
    // PG_DIAG_SQLSTATE and PG_DIAG_MESSAGE_PRIMARY.
    let field = { (code: UInt8) in
      PQresultErrorField(result, Int32(code)).map { String(cString: $0) }
    }
    let state = field(UInt8(ascii: "C")) ?? ""
    let message =
      state.hasPrefix("22") ? "a value is not of its column's type" : field(UInt8(ascii: "M"))
    throw PostgresFailure(state: state, reason: message ?? Self.words(handle), isLost: isLost)
  }

  private static func value(
    _ result: OpaquePointer, _ row: Int32, _ column: Int32, _ type: Oid
  ) throws(OutreachError) -> SQLValue {
    if PQgetisnull(result, row, column) == 1 { return .null }
    let text = String(
      decoding: UnsafeRawBufferPointer(
        start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column))),
      as: UTF8.self)
    switch type {
    case 20, 21, 23:  // int8, int2, int4
      guard let number = Int64(text) else { throw SQLRow.damaged }
      return .integer(number)
    case 701:  // float8
      guard let number = Double(text) else { throw SQLRow.damaged }
      return .real(number)
    default: return .text(text)
    }
  }

  /// libpq's own words, on one line. They name hosts, databases and users, never a password.
  private static func words(_ handle: OpaquePointer) -> String {
    String(cString: PQerrorMessage(handle)).split(whereSeparator: \.isNewline)
      .map { $0.drop { $0 == " " || $0 == "\t" } }.joined(separator: "; ")
  }
}

extension SQLValue {
  /// As PostgreSQL reads it, nil for null. A number's text has all of its bits.
  fileprivate var wireText: String? {
    get throws(OutreachError) {
      switch self {
      case .null: return nil
      case .integer(let value): return "\(value)"
      case .real(let value): return "\(value)"
      case .text(let text):
        _ = try SQLValue(text)
        return text
      }
    }
  }
}
