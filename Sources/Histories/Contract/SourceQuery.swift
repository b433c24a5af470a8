import Foundation

/// SQL whose rows stand in place of a file's.
package struct SourceQuery: Sendable, Equatable {
  /// Who answers it.
  package enum Server: Sendable, Equatable {
    /// The `duckdb` program, run in the project's folder, so that paths in the query start there.
    case duckdb(folder: String)
    /// A PostgreSQL server, found by libpq's own ways: a service of the service file, the
    /// environment, the password file.
    case postgres(service: String?)
    /// Apache Spark, in whose script the query stands when it runs the whole (`--engine spark`).
    case spark
  }

  package var sql: String
  package var server: Server

  package init(sql: String, server: Server) {
    self.sql = sql
    self.server = server
  }

  /// What messages call its rows: its beginning.
  package var name: String {
    let words = sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let start =
      words.utf8.count <= 60 ? words : String(words.unicodeScalars.prefix(57)) + "…"
    return "query \"\(start)\""
  }

  /// Its text without what ends a statement, so that it can stand in parentheses.
  package var statement: String {
    var bytes = Array(sql.utf8)
    while let last = bytes.last, last <= 0x20 || last == UInt8(ascii: ";") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Throws `service` where who should answer is not there or is an engine that runs the whole,
  /// `dataContract` with their own words where they refuse.
  package func rows(named name: String) throws(HistoriesError) -> ByteSource {
    switch server {
    case .duckdb(let folder):
      try DuckDBProgram.rows(ofQuery: statement, named: name, folder: folder)
    case .postgres(let service):
      .postgres(PostgresQuery(sql: statement, service: service), path: name)
    case .spark:
      throw .service(
        "\(name): via = \"spark\" is answered by Spark alone, and this reads without an engine: use "
          + "`features` or `nightly` with --engine spark, or let a path, \"duckdb\" or \"postgres\" "
          + "give the rows")
    }
  }
}

extension HistorySettings {
  /// Whether some rows come from tables of Spark's own catalogue.
  package var readsWarehouse: Bool {
    (events.map(\.query) + [accounts?.query, contacts?.query]).contains { $0?.server == .spark }
  }
}

extension ProjectTable {
  /// The keys that say where a table's rows come from.
  static let sourceKeys = ["path", "query", "via", "service"]

  /// What libpq would take, and a project file must not have: it is copied, versioned and read by
  /// people who may not see the database.
  private static let connectionKeys = [
    "password", "url", "dsn", "connection", "host", "port", "user", "dbname",
  ]

  /// `path`, with the project's folder put before it, or `query` with `via`; nil where the problem
  /// was reported.
  func source(_ project: ProjectFile) -> (path: String, query: SourceQuery?)? {
    if value("query") != nil {
      return query(project).map { ($0.name, $0) }
    }
    for key in ["via", "service"] where value(key) != nil {
      report(
        key, "`\(key)` says who answers a `query`, and there is none: give a query or a path")
      return nil
    }
    return required("path").map { (project.resolve($0), nil) }
  }

  private func query(_ project: ProjectFile) -> SourceQuery? {
    guard let sql = required("query") else { return nil }
    if value("path") != nil {
      report("query", "a source has a `path` or a `query`, not both")
    }
    let service = value("service") == nil ? nil : required("service")
    switch string("via") {
    case "duckdb":
      refuseService("duckdb reads files")
      return SourceQuery(sql: sql, server: .duckdb(folder: project.folder.path))
    case "spark":
      refuseService("Spark's own configuration says where its tables are")
      return SourceQuery(sql: sql, server: .spark)
    case "postgres":
      if let service, Self.isConnection(service) {
        report(
          "service",
          "`service` holds a connection string, expected the name of a section of the service file: "
            + Self.whereConnectionsStand)
        return nil
      }
      return SourceQuery(sql: sql, server: .postgres(service: service))
    case nil:
      if value("via") == nil {
        report(
          nil,
          "who answers the query? Add via = \"duckdb\", via = \"postgres\" or via = \"spark\"")
      }
    case let other? where Self.isConnection(other):
      // Not repeated: there may be a password in it.
      report(
        "via",
        "`via` holds a connection string, expected \"duckdb\", \"postgres\" or \"spark\": "
          + Self.whereConnectionsStand)
    case let other?:
      report("via", "`via` is \"\(other)\", expected \"duckdb\", \"postgres\" or \"spark\"")
    }
    return nil
  }

  private func refuseService(_ reason: String) {
    if value("service") != nil {
      report("service", "`service` is for via = \"postgres\": \(reason)")
    }
  }

  /// Says why a password, or anything else of a connection, is refused. To be called before the
  /// keys are checked; what it returns is no longer unknown.
  func refuseConnection() -> [String] {
    let found = Self.connectionKeys.filter { value($0) != nil }
    for key in found {
      report(key, "`\(key)` does not belong into a project file: " + Self.whereConnectionsStand)
    }
    return found
  }

  private static func isConnection(_ text: String) -> Bool {
    text.utf8.contains(UInt8(ascii: "=")) || text.contains("://")
  }

  private static let whereConnectionsStand =
    "it is copied and kept with others' files. Write the connection in ~/.pg_service.conf and "
    + "name it here (service = \"…\"), or set PGHOST, PGDATABASE, PGUSER; the password in ~/.pgpass "
    + "or PGPASSWORD"
}
