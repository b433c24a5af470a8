package import Histories

/// What a feature schema is made from, so that it can be made where the base is not: one event for each
/// kind and channel, with a value and without, at the instant when the first of them is seen; and one row
/// of the accounts file for each level of a categorical attribute, the first that is known. Read as
/// histories, they give the schema that all histories give.
package enum SchemaSQL {
  /// A script that writes `events` and `accounts` into `place`, as `FetchedHistories` reads them.
  package static func script(
    _ settings: HistorySettings, folder: String, dialect: SQLDialect, to place: String
  ) throws(DetractionError) -> String {
    let sources = EventSQL(settings: settings, dialect: dialect, folder: folder)
    let seen = "min(greatest(\(dialect.identifier("at")), known_at))"
    let none = "CAST(NULL AS \(dialect.text))"
    let events = """
      SELECT 'any' AS account, \(seen) AS \(dialect.identifier("at")), \(seen) AS known_at, kind,
        max(value) AS value, channel, \(none) AS id, \(none) AS text, 0 AS source
      FROM (
      \(try sources.events())
      ) AS events
      WHERE account IS NOT NULL
      GROUP BY kind, channel, value IS NULL
      """
    var statements = try sources.preamble()
    statements.append(dialect.write(events, to: "\(place)/events"))
    if let accounts = try sources.firstAccounts() {
      statements.append(dialect.write(accounts, to: "\(place)/accounts"))
    }
    return statements.map { $0 + ";\n" }.joined(separator: "\n")
  }
}
