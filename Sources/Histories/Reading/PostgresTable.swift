import CLibPQ
import Foundation

/// A query to be answered by a PostgreSQL server; `service` names a section of the service file, nil
/// leaves all to the environment.
struct PostgresQuery: Sendable, Equatable {
  var sql: String
  var service: String?
}

/// The rows of one query as CSV with a header, streamed by `COPY (…) TO STDOUT (FORMAT binary)` in a
/// transaction that may only read: times as ISO 8601, instants with a Z, numbers so that they read
/// back exactly, NULL as an empty field. Memory: a row, whatever their number.
///
/// One connection, one reader at a time.
final class PostgresTable {
  private let connection: PostgresReading
  private let columns: [PostgresColumn]
  private var rows: PostgresRows
  /// CSV made and not yet taken.
  private var made: [UInt8] = []
  private var taken = 0
  private var isDone: Bool

  /// `header`: the names of the columns are wanted and no row; the query is not run then. `reads` is
  /// what messages call it. Throws `service` where no server answers, `dataContract` where it
  /// refuses the query or a column is of a type that is not read.
  init(_ query: PostgresQuery, header: Bool, reads: String) throws(HistoriesError) {
    connection = try PostgresReading(service: query.service, reads: reads)
    try connection.run("BEGIN READ ONLY")
    columns = try connection.columns(of: query.sql)
    rows = PostgresRows(columns.map(\.type))
    for (place, column) in columns.enumerated() {
      if place > 0 { made.append(0x2c) }
      CSVText.append(column.name.utf8, to: &made)
    }
    made.append(0x0a)
    isDone = header
    // The query was one statement by itself, so it is one in parentheses; a line of its own, so that
    // a comment at its end stays one.
    if !header { try connection.startCopy("COPY (\(query.sql)\n) TO STDOUT (FORMAT binary)") }
  }

  /// Fills `target`; fewer bytes than asked for mean that the server has said all and said so.
  func read(into target: UnsafeMutableRawBufferPointer) throws(HistoriesError) -> Int {
    var filled = 0
    while filled < target.count {
      if taken == made.count {
        made.removeAll(keepingCapacity: true)
        taken = 0
        if try !more() { break }
        continue
      }
      let part = min(made.count - taken, target.count - filled)
      target[filled..<(filled + part)].copyBytes(from: made[taken..<(taken + part)])
      taken += part
      filled += part
    }
    return filled
  }

  private func more() throws(HistoriesError) -> Bool {
    if isDone { return false }
    let message = try connection.nextCopyData(rowsBefore: rows.count)
    guard let message else {
      isDone = true
      guard rows.isComplete, connection.copied == rows.count else {
        throw connection.cutShort(after: rows.count)
      }
      return false
    }
    defer { PQfreemem(message.baseAddress) }
    guard rows.add(UnsafeRawBufferPointer(message), to: &made) else {
      throw connection.cutShort(after: rows.count)
    }
    return true
  }
}

/// One connection that only reads. All failures become messages without data here.
private final class PostgresReading {
  private let handle: OpaquePointer
  private let reads: String
  /// Rows that the server says it sent, known at the end.
  private(set) var copied = -1

  init(service: String?, reads: String) throws(HistoriesError) {
    self.reads = reads
    var settings = [("fallback_application_name", "tacit"), ("client_encoding", "UTF8")]
    if let service { settings.append(("service", service)) }
    if getenv("PGCONNECT_TIMEOUT") == nil { settings.append(("connect_timeout", "10")) }
    let keys = CStrings(settings.map(\.0))
    let values = CStrings(settings.map(\.1))
    guard let handle = PQconnectdbParams(keys.pointers, values.pointers, 0) else {
      throw .service("\(reads): no memory for a connection to PostgreSQL")
    }
    self.handle = handle
    // Notices may quote rows; nobody asked for them.
    _ = PQsetNoticeProcessor(handle, { _, _ in }, nil)
    guard PQstatus(handle) == CONNECTION_OK else {
      throw .service("\(reads): PostgreSQL does not answer: \(words)")
    }
  }

  deinit { PQfinish(handle) }

  func run(_ sql: String) throws(HistoriesError) {
    PQclear(try checked(PQexec(handle, sql)))
  }

  /// The names and types of what a query gives, without running it.
  func columns(of sql: String) throws(HistoriesError) -> [PostgresColumn] {
    PQclear(try checked(PQprepare(handle, "", sql, 0, nil)))
    let result = try checked(PQdescribePrepared(handle, ""))
    defer { PQclear(result) }
    guard PQnfields(result) > 0 else {
      throw .dataContract("\(reads) gives no rows: write a SELECT")
    }
    var columns: [PostgresColumn] = []
    for place in 0..<PQnfields(result) {
      let name = String(cString: PQfname(result, place))
      guard let type = PostgresType(PQftype(result, place)) else {
        throw .dataContract(
          "\(reads): the column \"\(name)\" is of the type "
            + "\(try typeName(PQftype(result, place))), which is not read: cast it, "
            + "\(DuckDBProgram.identifier(name))::text")
      }
      columns.append(PostgresColumn(name: name, type: type))
    }
    return columns
  }

  private func typeName(_ type: Oid) throws(HistoriesError) -> String {
    let result = try checked(PQexec(handle, "SELECT pg_catalog.format_type(\(type), NULL)"))
    defer { PQclear(result) }
    return String(cString: PQgetvalue(result, 0, 0))
  }

  func startCopy(_ sql: String) throws(HistoriesError) {
    PQclear(try checked(PQexecParams(handle, sql, 0, nil, nil, nil, nil, 0)))
  }

  /// The next bytes, which the caller frees by `PQfreemem`; nil at the end, when the server has said
  /// that the whole query succeeded.
  func nextCopyData(
    rowsBefore: Int
  ) throws(HistoriesError) -> UnsafeMutableBufferPointer<CChar>? {
    var bytes: UnsafeMutablePointer<CChar>?
    let count = PQgetCopyData(handle, &bytes, 0)
    if count > 0 { return UnsafeMutableBufferPointer(start: bytes, count: Int(count)) }
    guard count == -1 else { throw lost(words, after: rowsBefore) }
    let result = try checked(PQgetResult(handle), after: rowsBefore)
    copied = Int(String(cString: PQcmdTuples(result))) ?? -1
    PQclear(result)
    // An error may still follow.
    while let rest = PQgetResult(handle) { PQclear(try checked(rest, after: rowsBefore)) }
    return nil
  }

  func cutShort(after rows: Int) -> HistoriesError {
    lost("its answer is cut short", after: rows)
  }

  private func lost(_ words: String, after rows: Int) -> HistoriesError {
    .service(
      "\(reads): PostgreSQL went away after \(rows) rows (\(words)): nothing was taken from it; run "
        + "again when it is there")
  }

  /// A result that is none becomes a failure. Of the server's words the primary message is kept:
  /// details quote rows; and not even that where it may itself quote a value (class 22, data
  /// exceptions).
  private func checked(
    _ result: OpaquePointer?, after rows: Int = 0
  ) throws(HistoriesError) -> OpaquePointer {
    guard let result else { throw lost(words, after: rows) }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_COPY_OUT: return result
    default: break
    }
    defer { PQclear(result) }
    func field(_ code: Unicode.Scalar) -> String? {
      PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
    }
    // PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_MESSAGE_HINT.
    let state = field("C") ?? ""
    var message = field("M") ?? words
    if state.hasPrefix("22") {
      message = "a value cannot be computed or cast; the server's words would quote it"
    } else if state.hasPrefix("42"), let hint = field("H") {
      message += ". \(hint)"
    }
    let said = state.isEmpty ? message : "\(message), SQLSTATE \(state)"
    // Connection, resources, shutting down.
    if state.isEmpty || ["08", "53", "57"].contains(where: state.hasPrefix) {
      throw lost(said, after: rows)
    }
    throw .dataContract("\(reads): PostgreSQL refuses: \(said)")
  }

  /// libpq's own words on one line. They name hosts, databases and users, never a password.
  private var words: String {
    String(cString: PQerrorMessage(handle)).split(whereSeparator: \.isNewline)
      .map { String($0.drop { $0 == " " || $0 == "\t" }) }.joined(separator: "; ")
  }
}
