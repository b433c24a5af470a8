import Foundation
import TestSupport
import Testing

/// `predict` against NumPy, and what it says of models and data that do not fit.
@Suite struct PredictTests {
  /// A folder with `d.csv` of 60,000 rows (two chunks) (x, t, id and y) and the model `m.json` fitted on it.
  private func fitted() throws -> URL {
    let folder = try temporaryFolder()
    var random = SplitMix64(11)
    var text = "id,x,t,y\n"
    for row in 0..<60_000 {
      let x = random.below(6) == 0 ? "" : "\(random.uniform() * 9 - 3)"
      text += "k\(row),\(x),\(["a", "b", "c"][random.below(3)]),\(random.below(2))\n"
    }
    try Data(text.utf8).write(to: folder.appendingPathComponent("d.csv"))
    let fit = try Program.run(
      "fit", "d.csv", "--target", "y", "--l2", "0.01", "--model", "m.json", in: folder)
    #expect(fit.status == 0, "\(fit.errors)")
    return folder
  }

  private func read(_ file: String, in folder: URL) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
  }

  /// NPY in every order and type: NumPy's logit to rounding, the same bits from one thread and many,
  /// from part of the rows and all of them, and in CSV and NPY.
  @Test(arguments: [(1, 20_000), (7, 9_001), (50, 5_003), (203, 1_111)])
  func arraysAgainstNumPy(_ columns: Int, _ rows: Int) throws {
    let folder = try temporaryFolder()
    let make = try Python.run(
      """
      import json, sys, numpy as np
      folder, n, p = json.load(open(sys.argv[1]))
      n, p = int(n), int(p)
      rng = np.random.default_rng(p)
      x = rng.integers(-90, 90, size=(n, p)) / 1.0
      y = (x @ rng.normal(size=p) + 30 * rng.normal(size=n) > 0) * 1.0
      save = lambda name, a: np.save(folder + "/" + name, a)
      save("y.npy", y); save("C.npy", x); save("F.npy", np.asfortranarray(x))
      save("f4.npy", x.astype("f4")); save("i1.npy", x.astype("i1")); save("i8.npy", x.astype("i8"))
      save("part.npy", x[777:])
      bad = x.copy(); bad[901, p // 2] = np.nan; save("bad.npy", bad)
      save("wide.npy", np.hstack([x, x]))
      """, on: [folder.path, "\(rows)", "\(columns)"])
    guard make != nil else { return }
    func run(_ arguments: String..., status: Int32 = 0) throws -> String {
      let result = try Program.run(arguments, in: folder)
      #expect(result.status == status, "\(arguments): \(result.errors)")
      return result.errors
    }
    _ = try run(
      "fit", "C.npy", "--labels", "y.npy", "--standardise", "none", "--l2", "1e-3", "--model",
      "m.json")
    for (file, threads) in [("C", 1), ("F", 2), ("f4", 3), ("i1", 2), ("i8", 2), ("part", 2)] {
      _ = try run(
        "predict", "\(file).npy", "--model", "m.json", "--out", "\(file).out.npy", "--threads",
        "\(threads)")
    }
    _ = try run("predict", "C.npy", "--model", "m.json", "--out", "C.out.csv", "--threads", "3")
    let verdict = try #require(
      try Python.run(
        """
        import json, sys, numpy as np
        folder = json.load(open(sys.argv[1]))
        fit = json.load(open(folder + "/m.json"))["body"]["fit"]
        x = np.load(folder + "/C.npy")
        eta = x @ np.array(fit["coefficients"]) + fit["intercept"]
        out = {k: np.load(folder + f"/{k}.out.npy") for k in ("C", "F", "f4", "i1", "i8", "part")}
        text = np.loadtxt(folder + "/C.out.csv", delimiter=",", skiprows=1)
        scale = np.maximum(1, np.abs(x) @ np.abs(fit["coefficients"]))
        def same(a, b): return bool((a.view("u8") == b.view("u8")).all())
        print(json.dumps({
            "logit": float((np.abs(out["C"][:, 1] - eta) / scale).max()),
            "columns": float((np.abs(out["F"][:, 1] - eta) / scale).max()),
            "probability": float(np.abs(out["C"][:, 0] - 1 / (1 + np.exp(-eta))).max()),
            "types": all(same(out[k], out["C"]) for k in ("f4", "i1", "i8")),
            "part": same(out["part"], out["C"][777:].copy()),
            "text": bool((text[:, 1:] == out["C"]).all() and (text[:, 0] == np.arange(len(x))).all()),
            "shape": list(out["C"].shape)}))
        """, on: folder.path))
    struct Verdict: Decodable {
      var logit, columns, probability: Double
      var types, part, text: Bool
      var shape: [Int]
    }
    let found = try JSONDecoder().decode(Verdict.self, from: verdict)
    #expect(found.logit < 1e-15 && found.columns < 1e-15 && found.probability < 1e-14, "\(found)")
    #expect(found.types && found.part && found.text && found.shape == [rows, 2], "\(found)")
    let bad = try run("predict", "bad.npy", "--model", "m.json", "--out", "no.csv", status: 65)
    #expect(bad.contains("row 901 ") && bad.contains("column \(columns / 2) "), "\(bad)")
    let wide = try run("predict", "wide.npy", "--model", "m.json", "--out", "no.csv", status: 65)
    #expect(wide.contains("expected \(columns), got \(2 * columns)"), "\(wide)")
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("no.csv").path))
  }

  /// A row's prediction does not depend on the rows about it, on threads, on other columns or their
  /// order; a text never met counts as missing and is told.
  @Test func tablesAreStreamed() throws {
    let folder = try fitted()
    func predict(_ file: String, _ arguments: String...) throws -> (String, String) {
      let result = try Program.run(
        ["predict", file, "--model", "m.json", "--out", "p.csv"] + arguments, in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return (try read("p.csv", in: folder), result.errors)
    }
    let whole = try predict("d.csv", "--id", "id", "--threads", "1").0
    #expect(try predict("d.csv", "--id", "id", "--threads", "3").0 == whole)
    let lines = whole.split(separator: "\n")
    #expect(lines.count == 60_001 && lines[0] == "id,probability,logit")
    #expect(lines[60_000].hasPrefix("k59999,"))
    let numbered = try predict("d.csv").0.split(separator: "\n")
    #expect(numbered[0] == "row,probability,logit" && numbered[60_000].hasPrefix("59999,"))
    let source = try read("d.csv", in: folder).split(separator: "\n")
    let cells = source[12_346].split(separator: ",", omittingEmptySubsequences: false)
    try Data("t,extra,x,id\n\(cells[2]),9,\(cells[1]),\"a,\"\"b\"\nz,9, ,w\n".utf8)
      .write(to: folder.appendingPathComponent("two.csv"))
    let (two, said) = try predict("two.csv", "--id", "id")
    let expected = lines[12_346].split(separator: ",")
    #expect(
      two.split(separator: "\n")[1] == "\"a,\"\"b\",\(expected[1]),\(expected[2])", "\(two)")
    #expect(said.contains("1 cells hold texts that the model has not seen"), "\(said)")
  }

  /// What is wrong with the data is said with its place; nothing is written.
  @Test(arguments: [
    ("t,id\na,1\n", "no column \"x\""), ("x,T\n1,a\n", "no column \"t\""),
    ("x,t\n1,a\nfive,a\n", "line 3: the column \"x\" holds no finite decimal number"),
    ("x,t\n1,a\n1e999,a\n", "line 3"), ("x,t\n1,a\n1\n", "line 3: 1 fields, the header has 2"),
    ("", "is empty"),
  ]) func badTables(_ text: String, _ says: String) throws {
    let folder = try fitted()
    try Data(text.utf8).write(to: folder.appendingPathComponent("bad.csv"))
    let result = try Program.run(
      "predict", "bad.csv", "--model", "m.json", "--out", "p.csv", in: folder)
    #expect(result.status == 65)
    #expect(result.errors.contains("bad.csv") && result.errors.contains(says), "\(result.errors)")
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(left == ["bad.csv", "d.csv", "m.json"])
  }

  /// Every byte of a model file counts: whatever is changed, predict and export refuse it.
  @Test func changedModels() throws {
    let folder = try fitted()
    let model = folder.appendingPathComponent("m.json")
    let whole = try Data(contentsOf: model)
    let text = String(decoding: whole, as: UTF8.self)
    func refuse(_ data: Data, _ says: String?, _ name: String) throws {
      try data.write(to: model)
      for command in [["predict", "d.csv"], ["export"]] {
        let result = try Program.run(
          command + ["--model", "m.json", "--out", command.count == 1 ? "o.sql" : "o.csv"],
          in: folder)
        #expect(result.status == 65, "\(name): \(result.errors)")
        #expect(result.errors.contains(says ?? "m.json"), "\(name): \(result.errors)")
        #expect(!result.errors.contains("Fatal"), "\(name): \(result.errors)")
      }
    }
    var random = SplitMix64(8)
    for _ in 0..<12 {
      var flipped = whole
      let place = random.below(whole.count)
      flipped[place] ^= UInt8(1 << random.below(8))
      try refuse(flipped, nil, "byte \(place)")
    }
    func replaced(_ old: String, _ new: String) throws -> Data {
      try #require(text.contains(old))
      return Data(text.replacing(old, with: new, maxReplacements: 1).utf8)
    }
    try refuse(
      try replaced("\"format\":", "\"format\":\"tacit-learner\",\"format\":"), "repeated", "twice")
    try refuse(
      try replaced("\"intercept\":", "\"intercept\":1,\"intercept\":"), "repeated", "repeated key")
    try refuse(
      try replaced("\"formatVersion\":", "\"formatVersion\":9"), "this program reads version",
      "newer format")
    let start = try #require(text.range(of: "\"coefficients\":[")).upperBound
    let comma = try #require(text[start...].firstIndex(of: ","))
    try refuse(
      Data((text[..<start] + text[text.index(after: comma)...]).utf8), "digest",
      "a coefficient less")
    try refuse(Data(), "header", "empty")
    try refuse(whole.dropLast(whole.count / 2), "m.json", "cut")
    let absent = try Program.run(
      "predict", "d.csv", "--model", "none.json", "--out", "o.csv", in: folder)
    #expect(absent.status == 66 && absent.errors.contains("none.json"))
  }
}
