import Foundation
import TestSupport
import Testing

/// Histories from Parquet and from SQL: the same vectors, byte for byte, as from CSV.
struct SourceTests {
  private static let asOf = "2026-03-02"

  /// The sample with its events read otherwise: `source` in place of the line with the path.
  private func project(_ folder: URL, _ name: String, _ source: String) throws -> String {
    let file = folder.appendingPathComponent("tacit.toml")
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains("path = \"events.csv\"\n"))
    let other = folder.appendingPathComponent(name)
    try Data(text.replacing("path = \"events.csv\"\n", with: source + "\n").utf8).write(to: other)
    return name
  }

  private func vectors(_ folder: URL, _ project: String) throws -> Data {
    let run = try Program.run(
      "features", "--project", project, "--as-of", Self.asOf, "--out", "\(project).csv", in: folder)
    #expect(run.status == 0, "\(run.errors)")
    return try Data(contentsOf: folder.appendingPathComponent("\(project).csv"))
  }

  @Test func parquetAndQueriesGiveTheSameBytesAsCSV() throws {
    let folder = try sampleCopy()
    guard let duckdb = try DuckDB.linked(into: folder) else { return }
    let path = folder.path
    let typed =
      "SELECT account_id, CAST(\"at\" AS TIMESTAMPTZ) AS \"at\", kind, CAST(value AS DOUBLE) AS value, "
      + "channel FROM read_csv('\(path)/events.csv', all_varchar = true)"
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("history/2025"), withIntermediateDirectories: true)
    try duckdb.run(
      "SET TimeZone = 'America/New_York'",
      "COPY (\(typed)) TO '\(path)/events.parquet' (FORMAT parquet)",
      "COPY (\(typed) WHERE kind = 'login') TO '\(path)/history/a.parquet' (FORMAT parquet)",
      "COPY (\(typed) WHERE kind <> 'login') TO '\(path)/history/2025/b.parquet' (FORMAT parquet)",
      // Times without a zone are UTC here, as the project has it below.
      "COPY (SELECT * REPLACE (make_timestamp(epoch_us(\"at\")) AS \"at\") FROM (\(typed))) "
        + "TO '\(path)/naive.parquet' (FORMAT parquet)")
    let csv = try vectors(folder, "tacit.toml")
    #expect(csv.count > 100_000)
    #expect(try vectors(folder, project(folder, "one.toml", "path = \"events.parquet\"")) == csv)
    #expect(try vectors(folder, project(folder, "two.toml", "path = \"history\"")) == csv)
    #expect(
      try vectors(folder, project(folder, "glob.toml", "path = \"event*.parquet\"")) == csv)
    let query = """
      query = '''
      select account_id, \"at\", kind, value, channel from \"history/**/*.parquet\" -- both; of them
      ;
      '''
      via = "duckdb"
      """
    #expect(try vectors(folder, project(folder, "query.toml", query)) == csv)
    // The zone of the project is that of times without one.
    let naive = try project(folder, "naive.toml", "path = \"naive.parquet\"")
    let plain = try project(folder, "utc.toml", "path = \"events.csv\"")
    for name in [naive, plain] {
      let file = folder.appendingPathComponent(name)
      let text = try String(contentsOf: file, encoding: .utf8)
      try Data(text.replacing("Europe/Berlin", with: "UTC").utf8).write(to: file)
    }
    #expect(try vectors(folder, naive) == vectors(folder, plain))
  }

  @Test func aSourceThatFailsIsNamedAndNothingIsWritten() throws {
    let folder = try sampleCopy()
    guard try DuckDB.linked(into: folder) != nil else { return }
    func failure(_ source: String) throws -> (Int32, String) {
      let run = try Program.run(
        "features", "--project", project(folder, "bad.toml", source), "--as-of", Self.asOf, "--out",
        "bad.csv", in: folder)
      #expect(
        !FileManager.default.fileExists(atPath: folder.appendingPathComponent("bad.csv").path))
      return (run.status, run.errors)
    }
    // After a hundred thousand good rows.
    let late = """
      query = "select account_id, \\"at\\", kind, case when i < 100000 then value else error('boom') end as value, channel from (select *, row_number() over () as i from 'events.csv')"
      via = "duckdb"
      """
    let (status, said) = try failure(late)
    #expect(status == 65 && said.contains("boom"), "\(status): \(said)")
    let (wrong, words) = try failure("query = \"select * from nothing\"\nvia = \"duckdb\"")
    #expect(wrong == 65 && words.contains("nothing"), "\(words)")
    try Data("PAR1 and no more".utf8).write(to: folder.appendingPathComponent("torn.parquet"))
    let (torn, tornWords) = try failure("path = \"torn.parquet\"")
    #expect(torn == 65 && tornWords.contains("torn.parquet"), "\(tornWords)")
    let (column, columnWords) = try failure(
      "query = 'select account_id, \"at\", kind, value from \"events.csv\"'\nvia = \"duckdb\"")
    #expect(column == 65 && columnWords.contains("channel"), "\(columnWords)")
    // Tables of a warehouse, which nobody but Spark reaches.
    let (spark, sparkWords) = try failure("query = \"select * from crm.events\"\nvia = \"spark\"")
    #expect(spark == 69 && sparkWords.contains("--engine spark"), "\(sparkWords)")
    for (source, part) in [
      ("query = \"select 1\"", "Add via"), ("query = \"select 1\"\nvia = \"oracle\"", "oracle"),
      ("path = \"events.csv\"\nvia = \"duckdb\"", "there is none"),
      ("path = \"events.csv\"\nquery = \"select 1\"\nvia = \"duckdb\"", "not both"),
    ] {
      let (status, said) = try failure(source)
      #expect(status == 78 && said.contains(part), "\(status): \(said)")
    }
  }
}
