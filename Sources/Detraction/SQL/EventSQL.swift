import Histories

/// The events and accounts of a project as an engine reads them.
///
/// A row that native reading would set aside (no account, kind or time, a value that is no number)
/// keeps its place with NULL for an account, so that one pass counts such rows too. What only bytes
/// can tell (a file delivered twice, a row cut short) is native reading's alone: an engine fails on it
/// or never sees it.
package struct EventSQL {
  let settings: HistorySettings
  let dialect: SQLDialect
  /// The project's folder, from which paths in the script start.
  let folder: String

  /// Statements before the query: the zone of local times, and in Spark the files as views.
  /// Throws `dataContract` for a source that the engine cannot read.
  func preamble() throws(DetractionError) -> [String] {
    var statements: [String] = []
    switch dialect {
    case .duckdb:
      statements.append("SET TimeZone = \(dialect.literal(settings.timeZone.identifier))")
    case .spark:
      statements += [
        "SET spark.sql.variable.substitute = false", "SET spark.sql.caseSensitive = true",
        "SET spark.sql.ansi.enabled = true",
        "SET TIME ZONE \(dialect.literal(settings.timeZone.identifier))",
      ]
      for (index, source) in settings.events.enumerated() where source.query == nil {
        statements.append(view("tacit events \(index)", source.path))
      }
      if let accounts = settings.accounts, accounts.query == nil {
        statements.append(view("tacit accounts", accounts.path))
      }
      if let contacts = settings.contacts, contacts.query == nil {
        statements.append(view("tacit contacts", contacts.path))
      }
    }
    return statements
  }

  private func view(_ name: String, _ path: String) -> String {
    var options = ["path \(dialect.literal(relative(path)))"]
    if isParquet(path) {
      if !path.hasSuffix(".parquet") { options.append("recursiveFileLookup 'true'") }
    } else {
      options += [
        "header 'true'", "multiLine 'true'", "quote '\"'", "escape '\"'", "mode 'FAILFAST'",
      ]
    }
    return "CREATE OR REPLACE TEMPORARY VIEW \(dialect.identifier(name))\n"
      + "USING \(isParquet(path) ? "parquet" : "csv") OPTIONS (\(options.joined(separator: ", ")))"
  }

  /// A folder, or a name that ends so, is Parquet; anything else CSV.
  private func isParquet(_ path: String) -> Bool {
    if path.hasSuffix(".parquet") { return true }
    return !path.hasSuffix(".csv") && !path.hasSuffix(".csv.gz") && !path.hasSuffix(".gz")
      && !path.hasSuffix(".txt") && !path.hasSuffix(".tsv")
  }

  /// The path as the project file has it, where it stands in the project's folder.
  private func relative(_ path: String) -> String {
    path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path
  }

  /// What stands behind FROM for a table of the project.
  func table(
    _ name: String, path: String, query: SourceQuery?
  ) throws(DetractionError) -> String {
    if let query {
      switch (query.server, dialect) {
      case (.duckdb, .duckdb), (.spark, .spark): return "(\(query.statement)\n)"
      default:
        throw .histories(
          .dataContract(
            "\(query.name) is not for \(dialect.rawValue): an engine reads files, and queries that it "
              + "answers itself (via = \"\(dialect.rawValue)\")"))
      }
    }
    switch dialect {
    case .spark: return dialect.identifier(name)
    case .duckdb:
      var pattern = relative(path)
      if isParquet(path) {
        if !path.hasSuffix(".parquet") { pattern += "/**/*.parquet" }
        return "read_parquet(\(dialect.literal(pattern)), union_by_name = true)"
      }
      return "read_csv(\(dialect.literal(pattern)), header = true, all_varchar = true, "
        + "delim = ',', quote = '\"', escape = '\"', union_by_name = true)"
    }
  }

  /// All events: account, at, known_at (microseconds), kind, value, channel, and where there are ids
  /// source and id; the rows that were set aside have no account and no kind. `whole`: with source, id
  /// and text whatever there is.
  func events(whole: Bool = false) throws(DetractionError) -> String {
    var parts: [String] = []
    for (index, source) in settings.events.enumerated() {
      parts.append(try rows(source, index, whole: whole))
    }
    return parts.joined(separator: "\nUNION ALL\n")
  }

  /// What is known of some accounts, a query a table: their events, and the rows of the accounts and
  /// contacts files; times of events in microseconds. As `FetchedHistories` reads them.
  package struct AccountRows {
    package var events: String
    package var accounts: String?
    package var contacts: String?
  }

  /// The rows of the accounts of which a condition holds, given the expression of an account.
  func rows(where isChosen: (String) -> String) throws(DetractionError) -> AccountRows {
    func table(
      _ name: String, _ path: String, _ query: SourceQuery?, _ account: String
    ) throws(DetractionError) -> String {
      let from = try self.table("tacit \(name)", path: path, query: query)
      let account = "CAST(\(dialect.identifier(account)) AS \(dialect.text))"
      return "SELECT * FROM \(from) AS whole_row\nWHERE \(isChosen(account))"
    }
    var rows = AccountRows(
      events: "SELECT * FROM (\n\(try events(whole: true))\n) AS mapped_events\n"
        + "WHERE \(isChosen("account"))")
    if let file = settings.accounts {
      rows.accounts = try table("accounts", file.path, file.query, file.account)
    }
    if let file = settings.contacts {
      rows.contacts = try table("contacts", file.path, file.query, file.account)
    }
    return rows
  }

  /// A condition on an account's id; nil where nobody is erased.
  func isErased(_ account: String) -> String? {
    let digests = settings.erased.hexadecimalDigests
    if digests.isEmpty { return nil }
    let digest = dialect.sha256("concat('tacit erase', \(account))")
    return "\(digest) IN (\(digests.map { "'\($0)'" }.joined(separator: ", ")))"
  }

  /// Whether some event has an id by which a second delivery is known.
  var hasIds: Bool { settings.events.contains { $0.id != nil } }

  private func rows(
    _ source: EventSource, _ index: Int, whole isWhole: Bool
  ) throws(DetractionError) -> String {
    let from = try table("tacit events \(index)", path: source.path, query: source.query)
    let isText = source.query == nil && !isParquet(source.path)
    func column(_ name: String) -> String { dialect.identifier(name) }
    func text(_ name: String) -> String { "CAST(\(column(name)) AS \(dialect.text))" }
    let account = text(source.account)
    let kind: String
    switch source.kind {
    case .column(let name): kind = text(name)
    case .constant(let text): kind = dialect.literal(text)
    }
    var whole = [
      "\(account) <> ''", "\(dialect.byteCount(account)) <= 256", "\(kind) <> ''",
      "\(dialect.byteCount(kind)) <= 256",
    ]
    var value = "CAST(NULL AS DOUBLE)"
    switch source.value {
    case .column(let name):
      value = "TRY_CAST(\(column(name)) AS DOUBLE)"
      whole.append("(\(empty(name)) OR \(number(column(name), isText: isText)))")
    case .constant(let number): value = SQLText.literal(number)
    case nil: break
    }
    var channel = "CAST(NULL AS \(dialect.text))"
    switch source.channel {
    case .column(let name): channel = "nullif(\(text(name)), '')"
    case .constant(let text): channel = dialect.literal(text)
    case nil: break
    }
    let at = micros(source.at)
    var columns = [
      "\(account) AS \(column("account"))", "\(at) AS \(column("at"))",
      "\(source.knownAt.map(micros) ?? at) AS \(column("known_at"))",
      "\(kind) AS \(column("kind"))", "\(value) AS \(column("value"))",
      "\(channel) AS \(column("channel"))",
    ]
    func optional(_ name: String?) -> String {
      name.map { "nullif(\(text($0)), '')" } ?? "CAST(NULL AS \(dialect.text))"
    }
    var extras: [String] = []
    if hasIds || isWhole {
      columns.append("\(index) AS \(column("source"))")
      columns.append("\(optional(source.id)) AS \(column("id"))")
      extras = ["source", "id"]
    }
    if isWhole {
      columns.append("\(optional(source.text)) AS \(column("text"))")
      extras.append("text")
    }
    columns.append("(\(whole.joined(separator: " AND "))) AS \(column("whole"))")
    let isUsable =
      "\(column("whole")) AND \(column("at")) IS NOT NULL AND \(column("known_at")) IS NOT NULL"
    let names = ["account", "kind"].map {
      "CASE WHEN \(isUsable) THEN \(column($0)) END AS \(column($0))"
    }
    let others = (["at", "known_at", "value", "channel"] + extras).map(column)
    var whereClause = ""
    if let only = source.onlyWhere { whereClause = "\n    WHERE NOT \(empty(only))" }
    return """
      SELECT \((names + others).joined(separator: ", "))
        FROM (SELECT
          \(columns.joined(separator: ",\n    "))
          FROM \(from) AS \(column("row"))\(whereClause)) AS \(column("mapped"))
      """
  }

  /// One row an account: numeric attributes n0 … and categorical ones c0 … in their order, from when
  /// they are known, consent, and how often the account stands there. A row that cannot be used
  /// loses its attributes, never its consent. Nil without `[accounts]`.
  func accounts() throws(DetractionError) -> String? {
    guard let source = settings.accounts else { return nil }
    let from = try table("tacit accounts", path: source.path, query: source.query)
    func column(_ name: String) -> String { dialect.identifier(name) }
    func text(_ name: String) -> String { "CAST(\(column(name)) AS \(dialect.text))" }
    var columns: [String] = []
    for (index, name) in source.numeric.enumerated() {
      columns.append("TRY_CAST(\(column(name)) AS DOUBLE) AS \(column("n\(index)"))")
    }
    for (index, name) in source.categorical.enumerated() {
      columns.append("nullif(\(text(name)), '') AS \(column("c\(index)"))")
    }
    if let name = source.value {
      columns.append("TRY_CAST(\(column(name)) AS DOUBLE) AS \(column("worth"))")
    }
    if let name = source.segment {
      columns.append("nullif(\(text(name)), '') AS \(column("segment"))")
    }
    let known = source.knownAt.map(micros) ?? "CAST(NULL AS BIGINT)"
    func flag(_ name: String?) -> String {
      guard let name else { return "FALSE" }
      return "CASE WHEN \(empty(name)) OR lower(\(text(name))) IN ('false', '0', 'no') "
        + "THEN FALSE ELSE TRUE END"
    }
    let attributes =
      source.numeric.indices.map { "n\($0)" } + source.categorical.indices.map { "c\($0)" }
      + (source.value == nil ? [] : ["worth"]) + (source.segment == nil ? [] : ["segment"])
    let kept = attributes.map {
      "max(CASE WHEN \(column("whole")) THEN \(column($0)) END) AS \(column($0))"
    }
    let inner =
      columns + [
        "\(text(source.account)) AS \(column("account"))", "\(known) AS \(column("known_at"))",
        "\(isWhole(source)) AS \(column("whole"))",
        "\(flag(source.doNotContact)) AS \(column("refuses"))",
        "\(flag(source.doNotProfile)) AS \(column("objects"))",
      ]
    let outer =
      [column("account")] + kept + [
        "max(CASE WHEN \(column("whole")) THEN \(column("known_at")) END) AS \(column("known_at"))",
        "bool_or(\(column("refuses"))) AS \(column("refuses"))",
        "bool_or(\(column("objects"))) AS \(column("objects"))",
        "count(*) AS \(column("copies"))",
      ]
    return """
      SELECT \(outer.joined(separator: ",\n    "))
      FROM (SELECT
          \(inner.joined(separator: ",\n    "))
          FROM \(from) AS \(column("row"))) AS \(column("mapped"))
      WHERE \(column("account")) <> ''
      GROUP BY \(column("account"))
      """
  }

  /// Whether a row of the accounts file can be used.
  private func isWhole(_ source: AccountsSource) -> String {
    let isText = source.query == nil && !isParquet(source.path)
    var conditions = (source.numeric + (source.value.map { [$0] } ?? [])).map {
      "(\(empty($0)) OR \(number(dialect.identifier($0), isText: isText)))"
    }
    if let known = source.knownAt { conditions.append("\(micros(known)) IS NOT NULL") }
    return conditions.isEmpty
      ? "TRUE" : "coalesce(\(conditions.joined(separator: " AND ")), FALSE)"
  }

  /// Rows of the accounts file that can be used: of each level of each categorical attribute the one
  /// known first, with a column more. Nil without `[accounts]`.
  func firstAccounts() throws(DetractionError) -> String? {
    guard let source = settings.accounts else { return nil }
    let from = try table("tacit accounts", path: source.path, query: source.query)
    let known = source.knownAt.map(micros) ?? "0"
    let account = "CAST(\(dialect.identifier(source.account)) AS \(dialect.text))"
    let parts = source.categorical.map { name in
      """
      SELECT * FROM (SELECT *, row_number() OVER (
          PARTITION BY CAST(\(dialect.identifier(name)) AS \(dialect.text))
          ORDER BY \(known), \(account)) AS tacit_place FROM \(from) AS whole_row
        WHERE \(account) <> '' AND \(isWhole(source))) AS placed
      WHERE tacit_place = 1
      """
    }
    // Each row once, whatever it was chosen for.
    return parts.isEmpty
      ? "SELECT * FROM \(from) AS whole_row LIMIT 1" : parts.joined(separator: "\nUNION\n")
  }

  private func empty(_ name: String) -> String {
    "coalesce(CAST(\(dialect.identifier(name)) AS \(dialect.text)), '') = ''"
  }

  /// Whether a column holds a finite number; as text, in the strict form of native reading.
  private func number(_ column: String, isText: Bool) -> String {
    let most = SQLText.literal(Double.greatestFiniteMagnitude)
    let finite =
      "TRY_CAST(\(column) AS DOUBLE) BETWEEN \(SQLText.literal(-Double.greatestFiniteMagnitude)) "
      + "AND \(most)"
    guard isText else { return finite }
    let form = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
    let fits =
      dialect == .duckdb
      ? "regexp_matches(\(column), '\(form)')" : "\(column) RLIKE '\(form)'"
    return "(\(fits) AND \(finite))"
  }

  /// A column of times as microseconds since 1970, NULL where it is none.
  private func micros(_ time: TimeMapping) -> String {
    let column = dialect.identifier(time.column)
    let text = "CAST(\(column) AS \(dialect.text))"
    func scaled(_ factor: Int) -> String {
      let number = "TRY_CAST(\(text) AS DECIMAL(30, 9)) * \(factor)"
      // DuckDB rounds a decimal on its way to an integer; native reading cuts it off, as Spark does.
      return dialect == .duckdb ? "CAST(trunc(\(number)) AS BIGINT)" : "CAST(\(number) AS BIGINT)"
    }
    switch time.format {
    case .iso8601:
      return dialect == .duckdb
        ? "epoch_us(TRY_CAST(\(column) AS TIMESTAMPTZ))"
        : "unix_micros(TRY_CAST(\(column) AS TIMESTAMP))"
    case .unix: return scaled(1_000_000)
    case .unixMilliseconds: return scaled(1000)
    case .unixMicroseconds:
      let fits =
        dialect == .duckdb
        ? "regexp_matches(\(text), '^-?[0-9]{1,18}$')" : "\(text) RLIKE '^-?[0-9]{1,18}$'"
      return "CASE WHEN \(fits) THEN CAST(\(text) AS BIGINT) END"
    case .pattern(let pattern):
      switch dialect {
      case .duckdb:
        let naive = "try_strptime(\(text), \(dialect.literal(pattern.strptime)))"
        return pattern.isUTC ? "epoch_us(\(naive))" : "epoch_us(CAST(\(naive) AS TIMESTAMPTZ))"
      case .spark:
        return "unix_micros(try_to_timestamp(\(text), \(dialect.literal(pattern.javaTime))))"
      }
    }
  }
}

extension TimePattern {
  /// As `strptime` has it.
  fileprivate var strptime: String {
    parts.map { part in
      switch part {
      case .year: "%Y"
      case .month: "%m"
      case .day: "%d"
      case .hour: "%H"
      case .minute: "%M"
      case .second: "%S"
      case .loose(let field): field == "M" ? "%-m" : field == "d" ? "%-d" : "%-H"
      case .fraction: "%f"
      case .literal(let byte): byte == UInt8(ascii: "%") ? "%%" : String(Unicode.Scalar(byte))
      }
    }.joined()
  }

  /// As Java's DateTimeFormatter has it; the Z of UTC as the offset that it is.
  fileprivate var javaTime: String {
    parts.enumerated().map { place, part in
      switch part {
      case .year: "yyyy"
      case .month: "MM"
      case .day: "dd"
      case .hour: "HH"
      case .minute: "mm"
      case .second: "ss"
      case .loose(let field): String(field)
      case .fraction(let width): String(repeating: "S", count: width)
      case .literal(let byte):
        if isUTC && place == parts.count - 1 {
          "X"
        } else {
          byte == UInt8(ascii: "'") ? "''" : "'\(Unicode.Scalar(byte))'"
        }
      }
    }.joined()
  }
}
