package import Foundation

/// The histories of some accounts of a base, as an engine wrote them: a folder of Parquet files.
///
///     events/*.parquet     account, at, known_at, kind, value, channel, id, text, source
///     accounts/*.parquet   the columns of [accounts] under their own names
///     contacts/*.parquet   those of [contacts]
///
/// `at` and `known_at` are whole microseconds since 1970-01-01T00:00:00Z (BIGINT, both always there),
/// `value` a DOUBLE, `source` the number of the `[[events]]` table from 0 (an id means something within
/// one), the rest texts; NULL is none. Rows stand in any order. `accounts` and `contacts` are asked for
/// only where the project file has them; a table may have no rows.
package struct FetchedHistories: Sendable {
  package static let events = "events"
  package static let accounts = "accounts"
  package static let contacts = "contacts"

  /// Of the fetched table of events, with their SQL types (those of DuckDB).
  package static let eventColumns = [
    (name: "account", type: "VARCHAR"), ("at", "BIGINT"), ("known_at", "BIGINT"),
    ("kind", "VARCHAR"), ("value", "DOUBLE"), ("channel", "VARCHAR"), ("id", "VARCHAR"),
    ("text", "VARCHAR"), ("source", "INTEGER"),
  ]

  /// `settings` with the fetched tables in the place of its inputs. What `HistoryBase.read` makes of them
  /// is, for each account fetched whole, to the bit what it makes of the inputs themselves: vectors by
  /// one schema, feedback, words, record (an account's people in the order of their ids).
  ///
  /// `project` is the folder of the project file, where the `duckdb` program may stand, which reads
  /// Parquet. Throws `inputMissing` where a table has no file.
  package static func settings(
    _ settings: HistorySettings, from folder: URL, project: URL
  ) throws(HistoriesError) -> HistorySettings {
    func query(
      _ table: String, _ rest: String = ""
    ) throws(HistoriesError) -> SourceQuery {
      let place = folder.appendingPathComponent(table).path
      let files = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
      guard files.contains(where: { $0.hasSuffix(".parquet") }) else {
        throw .inputMissing("\(place): the engine wrote no Parquet file there")
      }
      return SourceQuery(
        sql: "SELECT * FROM \(DuckDBProgram.table(ofParquetIn: place))\(rest)",
        server: .duckdb(folder: project.path))
    }
    var fetched = settings
    fetched.packed = nil
    fetched.isExcerpt = true
    // What the whole base may have of unusable rows, a part of it may have more.
    fetched.badRowShare = 1
    var events: [EventSource] = []
    for (number, source) in settings.events.enumerated() {
      var table = EventSource(
        path: "fetched \(source.path)", account: "account",
        at: TimeMapping(column: "at", format: .unixMicroseconds),
        knownAt: TimeMapping(column: "known_at", format: .unixMicroseconds),
        kind: .column("kind"), value: .column("value"), channel: .column("channel"),
        id: source.id == nil ? nil : "id", text: source.text == nil ? nil : "text")
      table.query = try query(Self.events, " WHERE \"source\" = \(number)")
      events.append(table)
    }
    fetched.events = events
    if let source = settings.accounts {
      fetched.accounts?.path = "fetched \(source.path)"
      fetched.accounts?.query = try query(Self.accounts)
    }
    if let source = settings.contacts {
      let person = DuckDBProgram.identifier(source.contact)
      fetched.contacts?.path = "fetched \(source.path)"
      fetched.contacts?.query = try query(Self.contacts, " ORDER BY \(person)")
    }
    return fetched
  }
}
