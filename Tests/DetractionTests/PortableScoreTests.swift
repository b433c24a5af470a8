import Detraction
import Foundation
import Learning
import TestSupport
import Testing

/// Every kind of design column, and pairs of them, as ONNX and SQL: onnxruntime and DuckDB give the
/// logit that the design and the fit give here.
@Suite struct PortableScoreTests {
  private static let levels = ["a", "b 'q'", "ü", "rare 1", "rare 2"]

  /// Sources: three of numbers, one of texts; all bases, some with pairs of them.
  private static let design = """
    {"sources": [{"numeric": {}}, {"numeric": {}}, {"numeric": {}}, {"categorical": {"levels": 5}}],
     "cleaning": [
       {"missingCodes": [-999999, 77], "lower": -5, "upper": 40.5}, {"missingCodes": [], "upper": 1e6},
       {"missingCodes": []}, {"missingCodes": []}],
     "columns": [
       {"source": 0, "basis": {"linear": {}}, "mean": 1.5, "scale": 2.5},
       {"source": 0, "basis": {"missing": {}}, "mean": 0.2, "scale": 0.4},
       {"source": 0, "basis": {"nonzero": {}}, "mean": 0.7, "scale": 0.45},
       {"source": 0, "basis": {"step": {"knot": 3}}, "mean": 0.3, "scale": 0.46},
       {"source": 0, "basis": {"hinge": {"knot": -1.25}}, "mean": 2.2, "scale": 3.1},
       {"source": 1, "basis": {"log1p": {}}, "mean": 0.1, "scale": 3},
       {"source": 1, "basis": {"logHinge": {"knot": 0.5}}, "mean": 0.9, "scale": 1.7},
       {"source": 2, "basis": {"log1p": {}}, "mean": 1e-9, "scale": 2e-9},
       {"source": 3, "basis": {"level": {"_0": 1}}, "mean": 0.2, "scale": 0.4},
       {"source": 3, "basis": {"pooled": {"_0": [3, 4]}}, "mean": 0.3, "scale": 0.46},
       {"source": 3, "basis": {"missing": {}}, "mean": 0.1, "scale": 0.3}],
     "pairs": [
       {"first": 0, "second": 6, "mean": 0.11, "scale": 1.2},
       {"first": 3, "second": 8, "mean": -0.05, "scale": 0.9},
       {"first": 5, "second": 10, "mean": 0.01, "scale": 1.1}],
     "dropped": []}
    """

  @Test func everyBasisAndPairs() throws {
    let design = try JSONDecoder().decode(Design.self, from: Data(Self.design.utf8))
    var random = SplitMix64(21)
    let rows = 4_000
    var elements: [Double] = []
    for _ in 0..<rows {
      let a = [
        Double.nan, -999_999, 77, 0, 3, -1.25, 40.5, 1e300, -1e300, random.uniform() * 60 - 10,
        random.uniform() * 9, random.uniform() * 3,
      ][random.below(12)]
      let b = [
        Double.nan, 0, 1e308, -1e300, exp(40 * random.uniform() - 20),
        -exp(40 * random.uniform() - 20),
      ][random.below(6)]
      let c = [Double.nan, 0, 1e-9 * exp(4 * random.uniform() - 2)][random.below(3)]
      let text = random.below(7)
      elements += [a, b, c, text < Self.levels.count ? Double(text) : .nan]
    }
    let x = try Matrix(rows: rows, columns: 4, elements: elements)
    let expanded = try design.expand(x)
    let labels = (0..<rows).map {
      Double(($0 * 7_919 + Int(expanded[$0, 3] * 10)) % 3 == 0 ? 1 : 0)
    }
    let fit = try fitLogistic(
      LogisticData(expanded, labels: labels), parameters: LogisticParameters(penalty: .l2(1e-4)))
    #expect(fit.coefficients.allSatisfy { abs($0) > 1e-6 }, "\(fit.coefficients)")
    let expected = try fit.linearPredictors(expanded)

    let names = ["n \"1\"", "große Menge", "tiny", "text"]
    let columns = names.enumerated().map {
      VectorColumn(name: $1, levels: $0 == 3 ? Self.levels : nil)
    }
    let score = PortableScore(columns: columns, design: design, fit: fit)
    let folder = try temporaryFolder()
    try Data(ONNXFile.contents(score)).write(to: folder.appendingPathComponent("m.onnx"))
    try Data(ScoreSQL.query(score).utf8).write(to: folder.appendingPathComponent("m.sql"))
    // The table as CSV: missing cells empty, and some texts that are no level.
    var table = "row,\"n \"\"1\"\"\",große Menge,tiny,text\n"
    for row in 0..<rows {
      let text = x[row, 3].isNaN ? ["", "unseen"][row % 2] : Self.levels[Int(x[row, 3])]
      let numbers = (0..<3).map { x[row, $0].isNaN ? "" : "\(x[row, $0])" }
      table += "\(row),\(numbers.joined(separator: ",")),\(text)\n"
    }
    try Data(table.utf8).write(to: folder.appendingPathComponent("t.csv"))
    guard let duckdb = try DuckDB.linked(into: folder) else { return }
    let types =
      "{'row': 'BIGINT', 'n \"1\"': 'DOUBLE', 'große Menge': 'DOUBLE', 'tiny': 'DOUBLE', 'text': 'VARCHAR'}"
    let answer = try duckdb.run(
      "CREATE VIEW vectors AS FROM read_csv('\(folder.path)/t.csv', header = true, columns = \(types))",
      ".read \(folder.path)/m.sql")
    try Data(answer.utf8).write(to: folder.appendingPathComponent("sql.csv"))
    struct Input: Encodable {
      var folder: String
      var expected: [Double]
    }
    let verdict = try #require(
      try Python.run(
        """
        import csv, json, sys, numpy as np, onnxruntime
        given = json.load(open(sys.argv[1]))
        folder, expected = given["folder"], np.array(given["expected"])
        rows = list(csv.DictReader(open(folder + "/t.csv", newline="", encoding="utf-8")))
        feeds = {n: np.array([float(r[n] or "nan") for r in rows]).reshape(-1, 1)
                 for n in ('n "1"', "große Menge", "tiny")}
        feeds["text"] = np.array([r["text"] for r in rows], dtype=object).reshape(-1, 1)
        session = onnxruntime.InferenceSession(folder + "/m.onnx")
        onnx = session.run(["logit"], feeds)[0].ravel()
        answer = list(csv.DictReader(open(folder + "/sql.csv", newline="", encoding="utf-8")))
        sql = np.array([float(r["logit"]) for r in answer])
        scale = np.maximum(1, np.abs(expected))
        print(json.dumps({"onnx": float((np.abs(onnx - expected) / scale).max()),
                          "sql": float((np.abs(sql - expected) / scale).max()),
                          "columns": list(answer[0])}))
        """, on: Input(folder: folder.path, expected: expected)))
    struct Verdict: Decodable {
      var onnx, sql: Double
      var columns: [String]
    }
    let found = try JSONDecoder().decode(Verdict.self, from: verdict)
    #expect(found.onnx < 1e-12 && found.sql < 1e-12, "\(found)")
    #expect(found.columns == ["row"] + names + ["logit", "probability"])
  }
}
