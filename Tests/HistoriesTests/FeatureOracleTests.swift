import Foundation
import Histories
import TestSupport
import Testing

private let zone = LocalTime(identifier: "Europe/Berlin")!
private let asOf = Instant(asOf: "2024-11-01", zone: zone)!

/// Every feature held against DuckDB on the SQL that the feature's own explanation shows.
@Suite struct FeatureOracleTests {
  @Test func everyFeatureIsWhatItsSQLSays() throws {
    let folder = try TestFolder()
    guard let duckDB = try DuckDB.linked(into: folder.url) else { return }
    for seed in [31, 32] as [UInt64] {
      let events = generatedEvents(1500, accounts: 60, asOf: asOf, zone: zone, seed: seed)
      let base = try base(of: events, in: folder, zone: zone)
      let schema = try base.schema(everyFeature, asOf: asOf)
      // Sixteen of a kind and window, thirteen of a kind and six of none; a pair; three channels.
      #expect(schema.count == 3 * (6 * 4 + 11) + 1 + 2 + 3 + 2)
      for date in [asOf, asOf.adding(days: -5), asOf.adding(days: -214)] {
        let got = try vectors(base, schema, date)
        let expected = try oracle(duckDB, folder, schema, date)
        #expect(got.count > 40)
        for (account, cells) in got {
          for (index, feature) in schema.features.enumerated() {
            let want = expected[account]![index]
            let value = cells[index] == .max ? nil : Double(bitPattern: cells[index])
            let same: Bool
            if let want, let value {
              same = abs(value - want) <= 1e-12 * max(1, abs(want))
            } else {
              same = want == nil && value == nil
            }
            #expect(
              same,
              """
              \(feature.name) of \(account) at \(date): \(value.map { "\($0)" } ?? "missing"), \
              expected \(want.map { "\($0)" } ?? "missing")
              """)
          }
        }
      }
    }
  }

  /// What DuckDB makes of each feature's SQL over `events.csv`: nil is NULL.
  private func oracle(
    _ duckDB: DuckDB, _ folder: TestFolder, _ schema: FeatureSchema, _ date: Instant
  ) throws -> [String: [Double?]] {
    let t = "(timestamptz '\(date)' AT TIME ZONE 'UTC')"
    let seen =
      "(SELECT at, kind, value, channel FROM log WHERE account = who.account AND at < \(t) "
      + "AND known_at < \(t))"
    let kinds = "(" + schema.kinds.map { "'\($0)'" }.joined(separator: ", ") + ")"
    var script = """
      CREATE TABLE log AS SELECT account, "at"::TIMESTAMPTZ AT TIME ZONE 'UTC' AS "at",
        known_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS known_at, kind, value::DOUBLE AS value, channel
      FROM read_csv('\(folder.path("events.csv"))', header = true, all_varchar = true);
      CREATE TABLE who AS SELECT DISTINCT account FROM log;
      CREATE MACRO seconds(x) AS epoch(x);
      CREATE MACRO local(x) AS timezone('\(schema.timeZone)', timezone('UTC', x));
      CREATE MACRO local_date(x) AS local(x)::DATE;
      CREATE MACRO local_hour(x) AS hour(local(x));
      CREATE MACRO max_but_one(x) AS max(x, 2)[2];

      """
    for (index, feature) in schema.features.enumerated() {
      let sql = feature.sql
        .replacing(/(\d+) days/) { "INTERVAL (\($0.1) * 86400) SECONDS" }
        .replacing("(kinds)", with: kinds)
        .replacing(/\bt\b/, with: t)
        .replacing(/\bseen\b/, with: seen)
        // Not a name in DuckDB.
        .replacing(/\bat\b/, with: "\"at\"")
      script += "SELECT \(index), who.account, (\(sql)) FROM who;\n"
    }
    let file = try folder.write("oracle.sql", script)
    var cells: [String: [Double?]] = [:]
    for line in try duckDB.run(".headers off", ".read \(file)").split(whereSeparator: \.isNewline) {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      let index = try #require(Int(fields[0]))
      cells[String(fields[1]), default: Array(repeating: nil, count: schema.count)][index] =
        Double(fields[2])
    }
    return cells
  }
}
