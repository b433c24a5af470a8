import Foundation
import TestSupport
import Testing

/// Nights and scores whose large part an engine does, beside the native ones.
@Suite(.serialized) struct EngineTests {
  private static let experiment = """

    [experiment]
    seed = "autumn 'lot' ${x}"
    starts = "2026-02-01"
    horizon_days = 180
    holdout = 0.3
    exploration_per_business_day = 4
    """

  /// The sample with a model, an experiment and one published night.
  private static func worked() throws -> URL {
    let folder = try sampleCopy()
    let file = folder.appendingPathComponent("tacit.toml")
    let text = try String(contentsOf: file, encoding: .utf8)
    try Data((text + experiment).utf8).write(to: file)
    for arguments in [["train", "--as-of", "2026-03-02"], ["nightly", "--as-of", "2026-03-02"]] {
      let run = try Program.run(arguments, in: folder)
      #expect(run.status == 0, "\(run.errors)")
    }
    return folder
  }

  private func night(_ folder: URL, _ date: String, _ more: String...) throws -> Program.Result {
    let run = try Program.run(["nightly", "--as-of", date] + more, in: folder)
    #expect(run.status == 0, "\(run.errors)")
    return run
  }

  private func shadow(_ folder: URL, _ date: String, _ more: String...) throws -> Data {
    let run = try Program.run(["nightly", "--as-of", date, "--shadow"] + more, in: folder)
    #expect(run.status == 0, "\(run.errors)")
    let decisions = folder.appendingPathComponent("shadow/\(date)/decisions.csv")
    let data = try Data(contentsOf: decisions)
    try FileManager.default.removeItem(at: decisions)
    return data
  }

  private func leftovers(_ folder: URL) -> [String] {
    (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? [])
      .filter { $0.contains(".engine-") }
  }

  @Test func aNightByAnEngineDecidesTheSame() throws {
    let folder = try Self.worked()
    guard try DuckDB.linked(into: folder) != nil else { return }
    let hasSpark = try Spark.linked(into: folder)
    // A business day with open cases, cooling down, words that were said since, the lot of both kinds.
    let native = try shadow(folder, "2026-03-05")
    #expect(native.split(separator: 0x0a).count > 30)
    #expect(try shadow(folder, "2026-03-05", "--engine", "duckdb") == native)
    if hasSpark {
      #expect(
        try shadow(folder, "2026-03-05", "--engine", "spark", "--master", "local[2]") == native)
    }
    #expect(leftovers(folder) == [])
    // Models stand under the folder's name.
    let other = try temporaryFolder().appendingPathComponent(folder.lastPathComponent)
    try FileManager.default.copyItem(at: folder, to: other)
    _ = try night(folder, "2026-03-05")
    let engine = try night(other, "2026-03-05", "--engine", "duckdb")
    #expect(engine.errors.contains("all alike"))
    func cases(_ folder: URL) throws -> String {
      try Program.run("queue", "list", "--json", in: folder).output
    }
    #expect(try cases(folder) == cases(other))
    #expect(
      try night(other, "2026-03-05", "--engine", "duckdb").output.contains("already published"))
    #expect(try cases(folder) == cases(other))
    #expect(leftovers(other) == [])
  }

  private struct Trained: Decodable, Equatable {
    var version: String
    var rows, detractors: Int
    var lot: Double?
    var silent: Silent

    struct Silent: Decodable, Equatable {
      var accounts, recent, neverSpoken, lapsed: Int
    }
  }

  private func train(_ folder: URL, _ more: String...) throws -> Trained {
    let run = try Program.run(["train", "--as-of", "2026-03-02", "--json"] + more, in: folder)
    #expect(run.status == 0, "\(run.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Trained.self, from: Data(run.output.utf8))
  }

  @Test func aTrainingByAnEngineIsTheNativeOne() throws {
    let folder = try sampleCopy()
    guard try DuckDB.linked(into: folder) != nil, try Spark.linked(into: folder) else { return }
    // A version's name holds the digest of all that the model is.
    #expect(try train(folder, "--engine", "duckdb") == train(folder))
    let lot = try train(folder, "--engine", "duckdb", "--share", "0.4")
    #expect(lot.lot == 0.4)
    let card = folder.appendingPathComponent("models/sample/\(lot.version)/card.md")
    #expect(try String(contentsOf: card, encoding: .utf8).contains("a lot of 40 % of all accounts"))
    #expect(
      try train(folder, "--engine", "spark", "--master", "local[2]", "--share", "0.4") == lot)
    #expect(leftovers(folder) == [])
    // The lot is of accounts, each whole.
    let other = try sampleCopy()
    let script = """
      import csv, hashlib, json, os, sys
      folder = json.load(open(sys.argv[1]))
      for name in ["events.csv", "accounts.csv"]:
          path = os.path.join(folder, name)
          rows = list(csv.reader(open(path, newline="")))
          at = rows[0].index("account_id")
          drawn = lambda id: int(hashlib.sha256(b"tacit lot" + id.encode()).hexdigest(), 16) < 0.4 * 2**256
          with open(path, "w", newline="") as file:
              csv.writer(file).writerows([rows[0]] + [row for row in rows[1:] if drawn(row[at])])
      print("{}")
      """
    guard try Python.run(script, on: other.path) != nil else { return }
    var native = try train(other)
    #expect(native.silent.accounts > 300)
    native.version = lot.version
    native.lot = 0.4
    #expect(native == lot)
  }

  @Test func labelledRowsByDuckDBAreTheNativeOnes() throws {
    let folder = try sampleCopy()
    guard let duckDB = try DuckDB.linked(into: folder) else { return }
    for more in [["rows.csv"], ["rows.parquet", "--engine", "duckdb"]] {
      let run = try Program.run(
        ["features", "--as-of", "2026-03-02", "--labelled", "--out"] + more, in: folder)
      #expect(run.status == 0, "\(run.errors)")
    }
    func cells(_ source: String, _ without: String) -> String {
      "(UNPIVOT (SELECT COLUMNS(*)::VARCHAR FROM \(source)) "
        + "ON COLUMNS(* EXCLUDE (account_id, as_of\(without))) INTO NAME cell VALUE v)"
    }
    let said = try duckDB.run(
      ".mode csv", ".headers off",
      """
      SELECT count(*), count(DISTINCT (account_id, as_of)), count(*) FILTER (WHERE a.v IS NULL
        OR b.v IS NULL OR CASE WHEN try_cast(a.v AS DOUBLE) IS NULL THEN a.v <> b.v ELSE
          abs(a.v::DOUBLE - b.v::DOUBLE) > 1e-9 * greatest(1, abs(a.v::DOUBLE)) END)
      FROM \(cells("read_csv('\(folder.path)/rows.csv', all_varchar = true)", "")) AS a
      FULL JOIN \(cells("read_parquet('\(folder.path)/rows.parquet')", ", \"offset\"")) AS b
      USING (account_id, as_of, cell)
      """)
    let counts = said.split { !$0.isNumber }.compactMap { Int($0) }
    try #require(counts.count == 3)
    #expect(counts[0] > 50_000 && counts[1] > 700 && counts[2] == 0, "\(said)")
  }

  @Test func scoresByDuckDBAreTheNativeOnes() throws {
    let folder = try Self.worked()
    guard let duckDB = try DuckDB.linked(into: folder) else { return }
    let native = try Program.run(
      "score", "--as-of", "2026-03-05", "--out", "scores.jsonl", in: folder)
    #expect(native.status == 0, "\(native.errors)")
    let script = try Program.run("sql", "--dialect", "duckdb", "--as-of", "2026-03-05", in: folder)
    #expect(script.status == 0, "\(script.errors)")
    let file = folder.appendingPathComponent("score.sql")
    // Run from elsewhere: the paths of the script start in the project's folder.
    try Data(
      script.output.replacing("'events.csv'", with: "'\(folder.path)/events.csv'")
        .replacing("'accounts.csv'", with: "'\(folder.path)/accounts.csv'").utf8
    ).write(to: file)
    let said = try duckDB.run(".mode json", ".read \(file.path)")
    let rows = try #require(
      try JSONSerialization.jsonObject(with: Data(said.utf8)) as? [[String: Any]])
    var byAccount: [String: [String: Any]] = [:]
    for row in rows {
      let account = try #require(row["account_id"] as? String)
      byAccount[account] = row
    }
    let text = try String(
      contentsOf: folder.appendingPathComponent("scores.jsonl"), encoding: .utf8)
    let lines = text.split(separator: "\n")
    #expect(lines.count == rows.count && rows.count > 1000)
    for line in lines {
      let want = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let account = try #require(want["account_id"] as? String)
      let got = try #require(byAccount[account])
      for key in ["logit", "probability"] {
        let (a, b) = (want[key] as? Double ?? .nan, got[key] as? Double ?? .infinity)
        #expect(abs(a - b) <= 1e-9 * max(1, abs(a)), "\(key)")
      }
      #expect(got["band"] as? String == want["band"] as? String)
      #expect(got["model"] as? String == want["model"] as? String)
      let reasons = try #require(want["reasons"] as? [[String: Any]])
      let said = try #require(got["reasons"] as? String)
      let theirs = try #require(
        try JSONSerialization.jsonObject(with: Data(said.utf8)) as? [[String: Any]])
      #expect(
        theirs.map { $0["feature"] as? String } == reasons.map { $0["feature"] as? String })
    }
  }
}
