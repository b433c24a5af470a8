import Foundation
import TestSupport
import Testing

/// `fit` on tables that somebody else made.
@Suite struct ReaderTests {
  struct Trial: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var status: Int32 = 65
    var says: [String]
    var arguments = ["--target", "y"]
    var testDescription: String { name }

    init(_ name: String, _ text: String, _ says: String...) {
      self.init(name, Array(text.utf8), says)
    }

    init(_ name: String, _ bytes: [UInt8], _ says: [String]) {
      self.name = name
      self.bytes = bytes
      self.says = says
    }

    func with(_ arguments: String..., status: Int32 = 65) -> Trial {
      var trial = self
      trial.arguments = arguments
      trial.status = status
      return trial
    }
  }

  /// 60 good rows of x and y, y from the row's number.
  private static func rows(_ y: (Int) -> String) -> String {
    (0..<60).map { "\($0 % 7),\(y($0))\n" }.joined()
  }

  static let good = "x,y\n" + rows { "\($0 % 2)" }

  static let trials: [Trial] = [
    Trial("empty", "", "d.csv is empty", "header"),
    Trial("header only", "x,y\n", "d.csv has no rows"),
    Trial("repeated name", "x,y,x\n1,0,1\n", "line 1: columns 1 and 3 are both called \"x\""),
    Trial("ragged", good + "1,0,5\n", "line 62: 3 fields, the header has 2", "quotes"),
    Trial("nan", good + "nan,1\n", "line 62", "\"x\"", "no finite decimal number"),
    Trial("1e400", good + "1e400,1\n", "line 62", "\"x\""),
    Trial(
      "no UTF-8",
      Array("x,y\n".utf8) + Array(rows { "\($0 % 2)" }.replacing(",", with: "a,").utf8)
        + [0xFC, 0x2C, 0x31, 0x0A], ["line 62", "\"x\"", "UTF-8"]),
    Trial("NUL", "x,y\n" + rows { "\($0 % 2)" }.replacing(",", with: "a,") + "a\0,1\n", "NUL"),
    Trial("a label is missing", good + "1,\n", "line 62", "\"y\"", "no value"),
    Trial(
      "three labels", "x,y\n" + rows { ["a", "b", "c"][$0 % 3] }, "3 different values", "a, b, c"),
    Trial(
      "no order", "x,y\n" + rows { ["red", "blue"][$0 % 2] }, "\"blue\" and \"red\"", "--positive"),
    Trial("1 and 2", "x,y\n" + rows { "\($0 % 2 + 1)" }, "\"1\" and \"2\"", "--positive"),
    Trial("no such target", good, "no column \"yy\"", "did you mean \"y\"?")
      .with("--target", "yy"),
    Trial("no such value", good, "has no value \"Y\"", "0, 1")
      .with("--target", "y", "--positive", "Y"),
    Trial("one label", "x,y\n" + rows { _ in "1" }, "only one class")
      .with("--target", "y", status: 3),
    Trial("open quote", good + "\"1,0\n1,1\n", "line 62: a quote opens here"),
  ]

  @Test(arguments: trials) func isRefused(_ trial: Trial) throws {
    let folder = try temporaryFolder()
    try Data(trial.bytes).write(to: folder.appendingPathComponent("d.csv"))
    let result = try Program.run(
      ["fit", "d.csv", "--model", "m.json", "--l2", "0.1"] + trial.arguments, in: folder)
    #expect(result.status == trial.status, "\(result.errors)")
    for text in trial.says {
      #expect(result.errors.contains(text), "no “\(text)” in: \(result.errors)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["d.csv"])
  }

  /// Pairs whose order is plain need no --positive, and give the model of 0 and 1.
  @Test(arguments: [("No", "Yes"), ("FALSE", "TRUE"), ("false", "true"), ("n", "y"), ("0", "1.0")])
  func plainPairs(_ no: String, _ yes: String) throws {
    let folder = try temporaryFolder()
    func model(_ no: String, _ yes: String, _ more: String...) throws -> Data {
      let text = "x,y\n" + Self.rows { $0 % 3 == 0 ? yes : no }
      try Data(text.utf8).write(to: folder.appendingPathComponent("d.csv"))
      let result = try Program.run(
        ["fit", "d.csv", "--target", "y", "--model", "m.json", "--l2", "0.1"] + more, in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return try Data(contentsOf: folder.appendingPathComponent("m.json"))
    }
    let plain = try model("0", "1")
    #expect(try model(no, yes) == plain)
    #expect(try model("red", "blue", "--positive", "blue") == plain)
    #expect(try model("red", "blue", "--positive", "red") != plain)
  }

  /// The same rows as CSV, gzip and Parquet, on one thread and on three, give the same bytes.
  @Test func oneModelFromEveryFormat() throws {
    let folder = try temporaryFolder()
    let csv = folder.appendingPathComponent("d.csv")
    var random = SplitMix64(5)
    var text = "n,\"a \"\"b\"\", c\",t,y\n"
    for row in 0..<60_000 {
      let number = random.below(9) == 0 ? "" : "\(random.uniform() * 100 - 50)"
      let level = ["", "x", "O'B", "ü,v", "l\nm"][random.below(5)]
      text += "\(number),\(Float(random.uniform())),\"\(level)\",\(row % 3 == 0 ? "yes" : "no")\n"
    }
    try Data(text.utf8).write(to: csv)
    func model(_ file: String, _ threads: Int) throws -> Data {
      let result = try Program.run(
        "fit", file, "--target", "y", "--l2", "0.001", "--model", "m.json", "--threads",
        "\(threads)", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return try Data(contentsOf: folder.appendingPathComponent("m.json"))
    }
    let plain = try model("d.csv", 1)
    #expect(try model("d.csv", 3) == plain)
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
    gzip.arguments = ["-k", csv.path]
    try gzip.run()
    gzip.waitUntilExit()
    #expect(try model("d.csv.gz", 2) == plain)
    guard let duckdb = try DuckDB.linked(into: folder) else { return }
    // A path that is a pattern and has a quote in it.
    let name = "d[1] o'f.parquet"
    try duckdb.run(
      """
      COPY (SELECT CAST(n AS DOUBLE) AS n, CAST("a ""b"", c" AS DOUBLE) AS "a ""b"", c", t, y
        FROM read_csv('\(csv.path)', all_varchar = true, quote = '"', escape = '"', delim = ','))
      TO '\(folder.path)/p.parquet'
      """)
    try FileManager.default.moveItem(
      at: folder.appendingPathComponent("p.parquet"), to: folder.appendingPathComponent(name))
    #expect(try model(name, 2) == plain)
    try Data("no Parquet".utf8).write(to: folder.appendingPathComponent("bad.parquet"))
    let bad = try Program.run(
      "fit", "bad.parquet", "--target", "y", "--model", "n.json", in: folder)
    #expect(bad.status == 65 && bad.errors.contains("bad.parquet"), "\(bad.errors)")
    let absent = try Program.run(
      "fit", "absent.parquet", "--target", "y", "--model", "n.json", in: folder)
    #expect(absent.status == 66, "\(absent.errors)")
  }

  /// float32 columns of Parquet are the doubles they are, not the decimals they print as.
  @Test func float32OfParquetIsWidened() throws {
    let folder = try temporaryFolder()
    guard let duckdb = try DuckDB.linked(into: folder) else { return }
    try duckdb.run(
      """
      COPY (SELECT CAST(0.1 * (i % 7) AS FLOAT) AS x, i % 2 AS y FROM range(100) r(i))
      TO '\(folder.path)/f.parquet';
      COPY (SELECT CAST(CAST(0.1 * (i % 7) AS FLOAT) AS DOUBLE) AS x, i % 2 AS y FROM range(100) r(i))
      TO '\(folder.path)/d.parquet'
      """)
    func model(_ file: String) throws -> Data {
      let result = try Program.run(
        "fit", file, "--target", "y", "--l2", "0.1", "--model", "m.json", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return try Data(contentsOf: folder.appendingPathComponent("m.json"))
    }
    #expect(try model("f.parquet") == model("d.parquet"))
  }

  /// Without the program Parquet cannot be read, and the message says what to install.
  @Test func noProgramForParquet() throws {
    let folder = try temporaryFolder()
    try Data("x".utf8).write(to: folder.appendingPathComponent("d.parquet"))
    let result = try Program.run(
      ["fit", "d.parquet", "--target", "y", "--model", "m.json"], in: folder,
      environment: ["PATH": "/nowhere"])
    #expect(result.status == 69)
    #expect(result.errors.contains("pip install duckdb-cli"), "\(result.errors)")
  }

  /// A matrix far larger than the memory allowed is fitted from its file, to the same bytes as one
  /// that was read into memory.
  @Test func aMatrixLargerThanMemory() throws {
    let folder = try temporaryFolder()
    guard
      try Python.run(
        """
        import json, sys, numpy as np
        folder = json.load(open(sys.argv[1]))
        x = np.random.default_rng(3).normal(size=(1_200_000, 30))
        y = (x[:, 0] + 0.3 * x[:, 1] + np.random.default_rng(4).normal(size=len(x)) > 1) * 1.0
        np.save(folder + "/x.npy", x)
        np.save(folder + "/y.npy", y)
        # A header of odd length keeps the values from being mapped where they lie.
        with open(folder + "/x.npy", "rb") as f: whole = f.read()
        length = int.from_bytes(whole[8:10], "little")
        with open(folder + "/memory.npy", "wb") as f:
            f.write(whole[:8] + (length + 1).to_bytes(2, "little") + whole[10:9 + length] + b" \\n")
            f.write(whole[10 + length:])
        """, on: folder.path) != nil
    else { return }
    func fit(_ file: String, _ model: String, megabytes: Int?) throws -> Program.Result {
      try Program.run(
        [
          "fit", file, "--labels", "y.npy", "--standardise", "none", "--l2", "1e-6", "--model",
          model, "--threads", "1",
        ], in: folder, dataMegabytes: megabytes)
    }
    // OpenBLAS alone reserves 128 MiB a thread, most of which it never touches.
    let mapped = try fit("x.npy", "mapped.json", megabytes: 230)
    #expect(mapped.status == 0, "\(mapped.errors)")
    let refused = try fit("memory.npy", "refused.json", megabytes: 230)
    #expect(refused.status == 65 && refused.errors.contains("274 MiB"), "\(refused.errors)")
    let owned = try fit("memory.npy", "owned.json", megabytes: nil)
    #expect(owned.status == 0, "\(owned.errors)")
    let models = try ["mapped.json", "owned.json"].map {
      try Data(contentsOf: folder.appendingPathComponent($0))
    }
    #expect(models[0] == models[1])
    #expect(
      !FileManager.default.fileExists(atPath: folder.appendingPathComponent("refused.json").path))
    try FileManager.default.removeItem(at: folder)
  }
}
