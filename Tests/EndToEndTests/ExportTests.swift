import Foundation
import TestSupport
import Testing

/// A model read back by other programs: onnxruntime and DuckDB give predict's logit to 1e-12.
@Suite struct ExportTests {
  /// Fits on `train`, then holds what onnxruntime and DuckDB make of `rows` against `predict`.
  private func hold(_ train: String, _ rows: String, target: String, _ more: [String] = []) throws {
    let folder = URL(fileURLWithPath: rows).deletingLastPathComponent()
    func run(_ arguments: [String]) throws {
      let result = try Program.run(arguments, in: folder)
      #expect(result.status == 0, "\(arguments): \(result.errors)")
    }
    try run(["fit", train, "--target", target, "--model", "m.json"] + more)
    try run(["predict", rows, "--model", "m.json", "--out", "p.npy"])
    try run(["export", "--model", "m.json", "--out", "m.onnx"])
    try run(["export", "--model", "m.json", "--out", "m.sql"])
    guard let duckdb = try DuckDB.linked(into: folder) else { return }
    let prepared = try Python.run(
      """
      import csv, json, sys, numpy as np, onnxruntime
      folder, path = json.load(open(sys.argv[1]))
      columns = json.load(open(folder + "/m.json"))["body"]["columns"]
      rows = list(csv.DictReader(open(path, newline="", encoding="utf-8")))
      feeds, views = {}, []
      for column in columns:
          name = column["name"]
          cells = [row[name] for row in rows]
          quoted = '"' + name.replace('"', '""') + '"'
          if column.get("levels") is None:
              cells = [float(c) if c.strip() else np.nan for c in cells]
              feeds[name] = np.array(cells).reshape(-1, 1)
              views.append(f"CAST(nullif(trim({quoted}), '') AS DOUBLE) AS {quoted}")
          else:
              feeds[name] = np.array(cells, dtype=object).reshape(-1, 1)
              views.append(f"nullif({quoted}, '') AS {quoted}")
      options = onnxruntime.SessionOptions()
      session = onnxruntime.InferenceSession(folder + "/m.onnx", options, ["CPUExecutionProvider"])
      np.save(folder + "/onnx.npy", np.hstack(session.run(["probability", "logit"], feeds)))
      source = "read_csv('" + path.replace("'", "''") + "', all_varchar = true, header = true, " \\
          "delim = ',', quote = '\\"', escape = '\\"')"
      print(json.dumps("CREATE VIEW vectors AS SELECT " + ", ".join(views) + " FROM " + source))
      """, on: [folder.path, rows])
    guard let prepared else { return }
    let answer = try duckdb.run(
      try JSONDecoder().decode(String.self, from: prepared), ".read \(folder.path)/m.sql")
    try Data(answer.utf8).write(to: folder.appendingPathComponent("sql.csv"))
    let verdict = try #require(
      try Python.run(
        """
        import csv, json, sys, numpy as np
        folder = json.load(open(sys.argv[1]))
        ours = np.load(folder + "/p.npy")
        table = csv.DictReader(open(folder + "/sql.csv", newline="", encoding="utf-8"))
        sql = np.array([[float(r["probability"]), float(r["logit"])] for r in table])
        onnx = np.load(folder + "/onnx.npy")
        scale = np.maximum(1, np.abs(ours[:, 1]))
        print(json.dumps([len(ours)] + [
            float(v) for theirs in (onnx, sql) if theirs.shape == ours.shape for v in (
                (np.abs(theirs[:, 1] - ours[:, 1]) / scale).max(),
                np.abs(theirs[:, 0] - ours[:, 0]).max())]))
        """, on: folder.path))
    let found = try JSONDecoder().decode([Double].self, from: verdict)
    #expect(found.count == 5, "\(found)")
    #expect(found.dropFirst().allSatisfy { $0 < 1e-12 }, "\(found)")
  }

  @Test func telco() throws {
    guard let path = Shared.path("data/telco_classic/Telco-Customer-Churn.csv") else { return }
    let folder = try temporaryFolder()
    let copy = folder.appendingPathComponent("telco.csv")
    try FileManager.default.copyItem(atPath: path, toPath: copy.path)
    try hold("telco.csv", copy.path, target: "Churn")
  }

  /// Missing cells, zeros, huge and tiny numbers, names and levels with quotes, commas, line ends and
  /// other scripts, rare levels, and levels that the model has not seen.
  @Test(arguments: 1...3) func hostileTables(_ seed: UInt64) throws {
    let folder = try temporaryFolder()
    var random = SplitMix64(seed)
    let levels = [
      "", "plain", "O'Brien \"q\"", "naïve, ü", "日本語", "a\\b", "--; DROP", "x\ny", " lead", "%s",
      "e\u{301}", "\u{E9}", "NULL",
    ]
    func table(_ rows: Int, unseen: Bool) -> Data {
      var text = "\"a \"\"b\"\", c\",zero,heavy,tiny,große 'Menge',x,text,y\n"
      func cell(_ value: Double) -> String { random.below(8) == 0 ? "" : "\(value)" }
      for _ in 0..<rows {
        let a = random.uniform()
        let zero = random.below(3) > 0 ? 0 : random.uniform() * 9
        let heavy = exp(20 * random.uniform() - 10) * (random.below(2) == 0 ? 1 : -1)
        let tiny = 1e-9 * exp(6 * random.uniform())
        let extreme = unseen && random.below(20) == 0
        var level = levels[random.below(levels.count)]
        if random.below(20) == 0 { level = "rare \(random.below(30))" }
        if unseen, random.below(9) == 0 { level = "new '\"" }
        let z = a + (level == "plain" ? 1 : 0) + (heavy > 0 ? 1 : 0) - 1.5
        text +=
          [
            "\(a)", cell(zero), extreme ? "1e308" : cell(heavy), cell(tiny),
            extreme ? "-1e300" : "\(random.below(9))", extreme ? "-0" : cell(-3 * a),
            "\"" + level.replacing("\"", with: "\"\"") + "\"",
            random.uniform() < 1 / (1 + exp(-z)) ? "yes" : "no",
          ].joined(separator: ",") + "\n"
      }
      return Data(text.utf8)
    }
    try table(4_000, unseen: false).write(to: folder.appendingPathComponent("train.csv"))
    let rows = folder.appendingPathComponent("rows.csv")
    try table(2_000, unseen: true).write(to: rows)
    try hold("train.csv", rows.path, target: "y")
  }

  /// A model of NPY vectors: one input of rows × columns, SQL columns x0, x1 …
  @Test func arrays() throws {
    let folder = try temporaryFolder()
    let made = try Python.run(
      """
      import json, sys, numpy as np
      folder = json.load(open(sys.argv[1]))
      rng = np.random.default_rng(1)
      x = rng.normal(size=(3000, 12))
      np.save(folder + "/x.npy", x)
      np.save(folder + "/y.npy", (x[:, 0] + rng.normal(size=3000) > 0) * 1.0)
      np.savetxt(folder + "/x.csv", x, delimiter=",", header=",".join(f"x{j}" for j in range(12)),
                 comments="", fmt="%.17g")
      """, on: folder.path)
    guard made != nil, let duckdb = try DuckDB.linked(into: folder) else { return }
    for arguments in [
      ["fit", "x.npy", "--labels", "y.npy", "--l2", "1e-3", "--model", "m.json"],
      ["predict", "x.npy", "--model", "m.json", "--out", "p.npy"],
      ["export", "--model", "m.json", "--out", "m.onnx"],
      ["export", "--model", "m.json", "--out", "m.sql"],
    ] {
      let result = try Program.run(arguments, in: folder)
      #expect(result.status == 0, "\(arguments): \(result.errors)")
    }
    let answer = try duckdb.run(
      "CREATE VIEW vectors AS FROM '\(folder.path)/x.csv'", ".read \(folder.path)/m.sql")
    try Data(answer.utf8).write(to: folder.appendingPathComponent("sql.csv"))
    let verdict = try #require(
      try Python.run(
        """
        import json, sys, numpy as np, onnxruntime
        folder = json.load(open(sys.argv[1]))
        ours = np.load(folder + "/p.npy")
        session = onnxruntime.InferenceSession(folder + "/m.onnx")
        onnx = np.hstack(session.run(["probability", "logit"], {"x": np.load(folder + "/x.npy")}))
        sql = np.genfromtxt(folder + "/sql.csv", delimiter=",", names=True)
        print(json.dumps([float(np.abs(onnx - ours).max()),
            float(np.abs(sql["logit"] - ours[:, 1]).max()),
            float(np.abs(sql["probability"] - ours[:, 0]).max())]))
        """, on: folder.path))
    let found = try JSONDecoder().decode([Double].self, from: verdict)
    #expect(found.allSatisfy { $0 < 1e-12 }, "\(found)")
  }

  @Test func namesThatClash() throws {
    let folder = try temporaryFolder()
    let rows = (0..<60).map { "\($0 % 7),\($0 % 2)\n" }.joined()
    try Data("logit,y\n\(rows)".utf8).write(to: folder.appendingPathComponent("d.csv"))
    let fit = try Program.run(
      "fit", "d.csv", "--target", "y", "--l2", "0.1", "--model", "m.json", in: folder)
    #expect(fit.status == 0)
    let clash = try Program.run("export", "--model", "m.json", "--out", "m.onnx", in: folder)
    #expect(clash.status == 65 && clash.errors.contains("\"logit\""), "\(clash.errors)")
    let suffix = try Program.run("export", "--model", "m.json", "--out", "m.xml", in: folder)
    #expect(suffix.status == 64 && suffix.errors.contains(".onnx or .sql"), "\(suffix.errors)")
  }
}
