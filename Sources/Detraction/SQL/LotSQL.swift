package import Histories

/// The histories of accounts drawn by lot, for a training where a base is too big to be fetched whole.
///
/// A lot over accounts keeps every estimate what it is for all: who speaks, who is silent and for how
/// long are drawn alike. One account is in the lot on any day and engine, or is not: SHA-256 of its id.
package enum LotSQL {
  /// What the script writes: a folder of Parquet files each. `counts` has one row: events, and set_aside
  /// (those that cannot be used), of the whole base; the others are read by `FetchedHistories`.
  package static func outputs(of settings: HistorySettings) -> [String] {
    [counts, FetchedHistories.events]
      + (settings.accounts == nil ? [] : [FetchedHistories.accounts])
      + (settings.contacts == nil ? [] : [FetchedHistories.contacts])
  }

  package static let counts = "counts"

  /// A script that writes `outputs` into `place`, of a share of all accounts (1: all). The events are
  /// read twice. Throws `dataContract` for a source that the engine cannot read.
  package static func script(
    _ settings: HistorySettings, share: Double, folder: String, dialect: SQLDialect,
    to place: String
  ) throws(DetractionError) -> String {
    let sources = EventSQL(settings: settings, dialect: dialect, folder: folder)
    var statements = try sources.preamble()
    func write(_ query: String, _ output: String) {
      statements.append(dialect.write(query, to: "\(place)/\(output)"))
    }
    write(
      """
      SELECT count(*) AS events, count(*) FILTER (WHERE account IS NULL) AS set_aside
      FROM (
      \(try sources.events())
      ) AS events
      """, counts)
    let rows = try sources.rows { account in
      let digest = dialect.sha256("concat('tacit lot', \(account))")
      return "\(account) IS NOT NULL AND \(digest) < '\(dialect.bound(ofShare: share))'"
    }
    write(rows.events, FetchedHistories.events)
    if let accounts = rows.accounts { write(accounts, FetchedHistories.accounts) }
    if let contacts = rows.contacts { write(contacts, FetchedHistories.contacts) }
    return statements.map { $0 + ";\n" }.joined(separator: "\n")
  }
}
