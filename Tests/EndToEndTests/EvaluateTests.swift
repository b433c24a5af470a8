import Foundation
import TestSupport
import Testing

/// `tacit evaluate` as data staff run it.
@Suite struct EvaluateTests {
  /// 600 customers of two rows: what happened, probabilities of two models, a weight.
  private struct Sample {
    var rows: [(id: String, happened: Int, p: Double, q: Double, weight: Double)] = []

    init(_ seed: UInt64 = 1) {
      var random = SplitMix64(seed)
      func normal() -> Double {
        (-2 * log(1 - random.uniform())).squareRoot() * cos(2 * .pi * random.uniform())
      }
      for customer in 0..<600 {
        let shared = normal()
        for _ in 0..<2 {
          let logit = 1.4 * shared - 1.2
          let happened = random.uniform() < 1 / (1 + exp(-logit)) ? 1 : 0
          rows.append(
            (
              "c\(customer)", happened, 1 / (1 + exp(-logit)),
              (100 / (1 + exp(-logit - 1.5 * normal()))).rounded() / 100,
              Double(1 + random.below(3))
            ))
        }
      }
    }

    func write(_ folder: URL, order: [Int]? = nil) throws {
      let lines = (order ?? Array(rows.indices)).map { place in
        let row = rows[place]
        return "\(row.id),\(row.happened == 1 ? "Yes" : "No"),\(row.p),\(row.q),\(row.weight)\n"
      }
      let text = "customer,churned,p,\"q, old\",w\n" + lines.joined()
      try Data(text.utf8).write(to: folder.appendingPathComponent("scores.csv"))
    }
  }

  private static let basic = [
    "evaluate", "scores.csv", "--target", "churned", "--positive", "Yes", "--probability", "p",
  ]

  private struct Estimate: Codable, Equatable { var value, low, high: Double? }
  private struct Call: Codable { var k, share: Double, precision, recall, lift: Estimate }
  private struct Floor: Codable { var plug_in_mean, plug_in95, debiased95: Double }
  private struct Bin: Codable {
    var rows: Int
    var share, from, to, mean_probability, observed, observed_low, observed_high: Double
  }
  private struct Score: Codable {
    var column: String
    var metrics: [String: Estimate]
    var calibration_error: Estimate
    var null_floor: Floor
    var calls, gains: [Call]
    var bins: [Bin]
  }
  private struct Difference: Codable {
    var metric: String
    var k: Double?
    var difference: Estimate
    var winner: String?
  }
  private struct Report: Codable {
    struct AreaTest: Codable { var z, p: Double }
    var rows: Int
    var groups: Int?
    var base_rate: Double
    var scores: [Score]
    var differences: [Difference]?
    var area_test: AreaTest?
  }

  private func report(_ arguments: [String], in folder: URL) throws -> Report {
    let result = try Program.run(Self.basic + arguments + ["--json"], in: folder)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
  }

  @Test func numbersAreScikitLearns() throws {
    let folder = try temporaryFolder()
    let sample = Sample()
    try sample.write(folder)
    let report = try report(["--weight", "w", "--k", "100"], in: folder)
    struct Sent: Encodable { var y: [Int], p, w: [Double] }
    let script = """
      import json, sys
      from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
      d = json.load(open(sys.argv[1]))
      y, p, w = d["y"], d["p"], d["w"]
      print(json.dumps(dict(
          roc_auc=roc_auc_score(y, p, sample_weight=w),
          average_precision=average_precision_score(y, p, sample_weight=w),
          log_loss=log_loss(y, p, sample_weight=w), brier=brier_score_loss(y, p, sample_weight=w))))
      """
    let sent = Sent(
      y: sample.rows.map(\.happened), p: sample.rows.map(\.p), w: sample.rows.map(\.weight))
    guard let output = try Python.run(script, on: sent) else { return }
    let metrics = report.scores[0].metrics
    for (name, value) in try JSONDecoder().decode([String: Double].self, from: output) {
      #expect(abs((metrics[name]?.value ?? .nan) - value) < 1e-12, "\(name)")
    }
    for (name, estimate) in metrics {
      let (low, value, high) = (estimate.low ?? .nan, estimate.value ?? .nan, estimate.high ?? .nan)
      #expect(low <= value && value <= high, "\(name): \(low) \(value) \(high)")
    }
    let brier =
      (metrics["reliability"]?.value ?? 0) - (metrics["resolution"]?.value ?? 0)
      + (metrics["uncertainty"]?.value ?? 0)
    #expect(abs(brier - (metrics["brier"]?.value ?? 1)) < 1e-14)
    let call = report.scores[0].calls[0]
    #expect(call.k == 100 && report.scores[0].calls.count == 1)
    let lift = (call.precision.value ?? 0) / report.base_rate
    #expect(abs((call.lift.value ?? 0) - lift) < 1e-12)
    #expect(report.scores[0].gains.map(\.share) == [0.01, 0.05, 0.1, 0.2, 0.5])
    #expect(report.scores[0].bins.reduce(0) { $0 + $1.rows } == 1200)
  }

  @Test func theBetterModelWins() throws {
    let folder = try temporaryFolder()
    try Sample().write(folder)
    let report = try report(["--against", "q, old", "--group", "customer"], in: folder)
    #expect(report.groups == 600 && report.rows == 1200 && report.scores.count == 2)
    #expect(report.scores[0].calls[0].k == 120)
    // Rows of a customer hang together: DeLong's test does not hold.
    #expect(report.area_test == nil)
    let winners = Dictionary(
      uniqueKeysWithValues: (report.differences ?? []).map { ($0.metric, $0.winner) })
    for name in ["roc_auc", "average_precision", "log_loss", "brier", "resolution"] {
      #expect(winners[name] == .some("p"), "\(name)")
    }
    #expect(winners["calibration_slope"] == .some(nil))
    // p is the truth, q is p with noise: too extreme.
    #expect((report.scores[1].metrics["calibration_slope"]?.high ?? 1) < 0.8)
    #expect(report.scores[1].calibration_error.value ?? 0 > report.scores[1].null_floor.debiased95)
    #expect(
      report.scores[0].calibration_error.value ?? 1 < 2 * report.scores[0].null_floor.debiased95)
  }

  @Test func textIsForPeopleAndTheSameEveryTime() throws {
    let folder = try temporaryFolder()
    let sample = Sample()
    try sample.write(folder)
    let arguments = Self.basic + ["--against", "q, old", "--k", "50,300"]
    let first = try Program.run(arguments + ["--threads", "1"], in: folder)
    #expect(first.status == 0, "\(first.errors)")
    for piece in [
      "1,200 rows", "ROC-AUC", "of 100 pairs", "Calling the first 50", "Calling the first 300",
      "calibration error", "noise alone", "p against q, old", "DeLong", "better",
    ] {
      #expect(first.output.contains(piece), "\(piece)")
    }
    var random = SplitMix64(2)
    try sample.write(folder, order: sample.rows.indices.shuffled(using: &random))
    let shuffled = try Program.run(arguments + ["--threads", "3"], in: folder)
    #expect(shuffled.output == first.output)
    let json = try Program.run(arguments + ["--json", "--threads", "2"], in: folder)
    #expect(json.output.contains("\"null_floor\"") && json.output.contains("\"plug_in95\""))
    // An option less changes nothing in the rest.
    let alone = try Program.run(Self.basic + ["--k", "50,300"], in: folder)
    let table = alone.output.split(separator: "\n").first { $0.contains("ROC-AUC") }
    #expect(table.map { first.output.contains($0) } == true)
  }

  struct Trial: Sendable, CustomTestStringConvertible {
    var name, text: String
    var arguments: [String] = []
    var status: Int32
    var says: [String]
    var testDescription: String { name }
  }

  static let trials: [Trial] = [
    Trial(name: "above 1", text: "y,p\n0,0.5\n1,1.5\n", status: 65, says: ["line 3", "\"p\""]),
    Trial(name: "below 0", text: "y,p\n0,-0.1\n1,0.5\n", status: 65, says: ["line 2", "0 to 1"]),
    Trial(name: "no number", text: "y,p\n0,0.5\n1,high\n", status: 65, says: ["line 3"]),
    Trial(name: "nan", text: "y,p\n0,0.5\n1,nan\n", status: 65, says: ["line 3"]),
    Trial(name: "missing", text: "y,p\n0,0.5\n1,\n", status: 65, says: ["line 3"]),
    Trial(
      name: "a line in quotes", text: "y,p,t\n0,0.5,\"a\nb\"\n1,2,c\n", status: 65,
      says: ["line 4"]),
    Trial(name: "one class", text: "y,p\n1,0.5\n1,0.6\n", status: 3, says: ["only one class"]),
    Trial(
      name: "no such value", text: "y,p\na,0.5\nb,0.6\n", arguments: ["--positive", "c"],
      status: 65, says: ["\"c\""]),
    Trial(name: "three values", text: "y,p\n0,0.5\n1,0.5\n2,0.6\n", status: 65, says: ["\"y\""]),
    Trial(
      name: "no such column", text: "y,P\n0,0.5\n1,0.6\n", status: 65, says: ["\"p\"", "y, P"]),
    Trial(
      name: "weight below 0", text: "y,p,w\n0,0.5,1\n1,0.6,-1\n", arguments: ["--weight", "w"],
      status: 65, says: ["line 3", "\"w\""]),
    Trial(
      name: "weights of one class", text: "y,p,w\n0,0.5,0\n1,0.6,1\n",
      arguments: ["--weight", "w"], status: 3, says: ["class"]),
    Trial(
      name: "more than all", text: "y,p\n0,0.5\n1,0.6\n", arguments: ["--k", "3"], status: 64,
      says: ["k is 3"]),
    Trial(
      name: "no rows called", text: "y,p\n0,0.5\n1,0.6\n", arguments: ["--k", "0"], status: 64,
      says: ["--k"]),
    Trial(name: "empty", text: "", status: 65, says: ["empty"]),
    Trial(name: "header alone", text: "y,p\n", status: 65, says: ["rows"]),
    Trial(name: "no target", text: "y,p\n0,0.5\n,0.6\n", status: 65, says: ["line 3", "\"y\""]),
  ]

  @Test(arguments: trials) func badInputIsRefused(_ trial: Trial) throws {
    let folder = try temporaryFolder()
    try Data(trial.text.utf8).write(to: folder.appendingPathComponent("scores.csv"))
    let result = try Program.run(
      ["evaluate", "scores.csv", "--target", "y", "--probability", "p"] + trial.arguments,
      in: folder)
    #expect(result.status == trial.status, "\(result.status): \(result.errors)")
    for piece in trial.says { #expect(result.errors.contains(piece), "\(result.errors)") }
    #expect(result.output.isEmpty)
  }

  /// The same rows as CSV, gzip and Parquet (written by DuckDB, numbers of 32 bits and texts about
  /// them) say the same; what is wrong in Parquet is said with its row.
  @Test func everyFormatSaysTheSame() throws {
    let folder = try temporaryFolder()
    guard let duckdb = try DuckDB.linked(into: folder) else { return }
    try Sample().write(folder)
    let place = folder.path
    try duckdb.run(
      """
      CREATE TABLE s AS SELECT 'a' || chr(10) || 'b' AS note, customer, churned,
        round(p, 4)::DOUBLE AS p, "q, old"::DOUBLE AS "q, old", w::FLOAT AS w
      FROM read_csv('\(place)/scores.csv', types = {'churned': 'VARCHAR'})
      """, "COPY s TO '\(place)/scores.csv' (HEADER)",
      "COPY s TO '\(place)/scores.csv.gz' (HEADER)", "COPY s TO '\(place)/scores.parquet'")
    let options =
      Self.basic.dropFirst(2) + [
        "--against", "q, old", "--group", "customer", "--weight", "w", "--k", "100", "--json",
      ]
    func evaluate(_ file: String, _ more: String...) throws -> String {
      let result = try Program.run(["evaluate", file] + options + more, in: folder)
      #expect(result.status == 0, "\(file): \(result.errors)")
      return result.output
    }
    let table = try evaluate("scores.csv")
    #expect(table.contains("roc_auc"))
    for file in ["scores.csv.gz", "scores.parquet"] { #expect(try evaluate(file) == table) }
    #expect(try evaluate("scores.parquet", "--threads", "3") == table)
    try duckdb.run(
      """
      COPY (SELECT note, churned, CASE WHEN customer = 'c350' THEN 1.5 ELSE p END AS p
        FROM read_parquet('\(place)/scores.parquet')) TO '\(place)/bad.parquet'
      """)
    let bad = try Program.run(
      ["evaluate", "bad.parquet"] + Self.basic.dropFirst(2), in: folder)
    // Rows 701 and 702 are that customer's.
    #expect(bad.status == 65 && bad.errors.contains("bad.parquet, row 701: "), "\(bad.errors)")
    #expect(bad.errors.contains("\"p\"") && bad.errors.contains("0 to 1"))
    try duckdb.run(
      """
      COPY (SELECT note, CASE WHEN customer <> 'c350' THEN churned END AS churned, p
        FROM read_parquet('\(place)/scores.parquet')) TO '\(place)/bad.parquet'
      """)
    let missing = try Program.run(
      ["evaluate", "bad.parquet"] + Self.basic.dropFirst(2), in: folder)
    #expect(missing.status == 65 && missing.errors.contains("row 701: "), "\(missing.errors)")
  }

  /// Two rows, equal scores, probabilities of 0 and 1: what cannot be told is null, and nothing fails.
  @Test func smallestTables() throws {
    let folder = try temporaryFolder()
    for text in ["y,p\n0,0.5\n1,0.5\n", "y,p\n0,1\n1,0\n", "y,p\n1,1\n0,0\n1,0.3\n"] {
      try Data(text.utf8).write(to: folder.appendingPathComponent("scores.csv"))
      let arguments = ["evaluate", "scores.csv", "--target", "y", "--probability", "p"]
      let json = try Program.run(arguments + ["--json"], in: folder)
      #expect(json.status == 0, "\(json.errors)")
      let report = try JSONDecoder().decode(Report.self, from: Data(json.output.utf8))
      #expect(report.scores[0].metrics["roc_auc"]?.value != nil)
      #expect(report.scores[0].metrics["calibration_slope"]?.value == nil)
      #expect(json.output.contains("null"))
      #expect(try Program.run(arguments, in: folder).status == 0)
    }
  }

  @Test func figuresComeWithTheirNumbers() throws {
    let folder = try temporaryFolder()
    try Sample().write(folder)
    let arguments = Self.basic + ["--against", "q, old", "--figures", "plots"]
    let result = try Program.run(arguments, in: folder)
    if result.status == 69 {
      print("SKIPPED: figuresComeWithTheirNumbers: gnuplot not found")
      #expect(result.errors.contains("gnuplot-nox"))
      return
    }
    #expect(result.status == 0, "\(result.errors)")
    let plots = folder.appendingPathComponent("plots")
    var bytes: [String: Data] = [:]
    for name in ["roc", "gains", "calibration"] {
      let svg = try Data(contentsOf: plots.appendingPathComponent("\(name).svg"))
      let text = String(decoding: svg, as: UTF8.self)
      #expect(text.contains("<svg") && text.contains("q, old"), "\(name)")
      bytes[name] = svg
      let csv = try String(
        contentsOf: plots.appendingPathComponent("\(name).csv"), encoding: .utf8)
      #expect(csv.hasPrefix("score,") && csv.contains("\n\"q, old\",") && csv.contains("\np,"))
    }
    let roc = try String(contentsOf: plots.appendingPathComponent("roc.csv"), encoding: .utf8)
    #expect(roc.contains("\np,0.0,0.0\n") && roc.contains("\np,1.0,1.0\n"))
    #expect(try Program.run(arguments, in: folder).status == 0)
    for (name, svg) in bytes {
      #expect(try Data(contentsOf: plots.appendingPathComponent("\(name).svg")) == svg)
    }
  }

  /// A column's name is data to the plots: no mark-up, no command.
  @Test func namesAreNoScript() throws {
    let folder = try temporaryFolder()
    let name = "<b>`touch pwned`\" ; system('touch pwned') \\n $p"
    let field = "\"" + name.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    let lines = (0..<40).map { "\($0 % 3 == 0 ? 1 : 0),0.\(10 + $0)\n" }.joined()
    try Data(("y,\(field)\n" + lines).utf8).write(to: folder.appendingPathComponent("scores.csv"))
    let result = try Program.run(
      [
        "evaluate", "scores.csv", "--target", "y", "--probability", name, "--figures", "plots",
      ], in: folder)
    if result.status == 69 { return print("SKIPPED: namesAreNoScript: gnuplot not found") }
    #expect(result.status == 0, "\(result.errors)")
    let found = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(found.sorted() == ["plots", "scores.csv"])
    for plot in ["roc", "gains", "calibration"] {
      let svg = folder.appendingPathComponent("plots/\(plot).svg")
      let text = String(decoding: try Data(contentsOf: svg), as: UTF8.self)
      #expect(!text.contains("<b>"))
      let parse = "import json, sys, xml.dom.minidom as m; m.parse(json.load(open(sys.argv[1])))"
      _ = try Python.run(parse, on: svg.path)
    }
  }

  /// Without gnuplot nothing is written, and the message says what to install.
  @Test func figuresNeedGnuplot() throws {
    let folder = try temporaryFolder()
    try Sample().write(folder)
    let process = Process()
    process.executableURL = Program.url
    process.arguments = Self.basic + ["--figures", "plots"]
    process.currentDirectoryURL = folder
    process.environment = ["PATH": "/nowhere"]
    let errors = Pipe()
    process.standardError = errors
    process.standardOutput = Pipe()
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(process.terminationStatus == 69 && text.contains("gnuplot-nox"), "\(text)")
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("plots").path))
  }
}
