import Foundation
import TestSupport
import Testing

/// Input that is wrong gets a message with the place and what was expected, the exit status of its
/// kind, and no output.
@Suite struct BadInputTests {
  struct Trial: Sendable, CustomTestStringConvertible {
    var name: String
    var events: [UInt8]
    var status: Int32
    var says: [String]
    var asOf = "2026-01-01"
    var project = Trial.project
    var command = "features"
    var testDescription: String { name }

    static let project = """
      time_zone = "UTC"
      [reading]
      max_bad_row_share = 0
      [[events]]
      path = "events.csv"
      account = "account"
      at = "at"
      kind = "kind"
      value = "value"
      [feedback]
      [[feedback.signal]]
      kind = "nps"
      detractor = { at_most = 6 }
      [[queue]]
      name = "all"
      capacity_per_business_day = 5
      channel = "phone"
      """

    init(
      _ name: String, _ events: String, _ status: Int32, _ says: String..., asOf: String? = nil,
      command: String? = nil
    ) {
      self.init(name, bytes: Array(events.utf8), status, says)
      self.asOf = asOf ?? self.asOf
      self.command = command ?? self.command
    }

    init(_ name: String, bytes: [UInt8], _ status: Int32, _ says: [String]) {
      self.name = name
      events = bytes
      self.status = status
      self.says = says
    }
  }

  static let header = "account,at,kind,value\n"
  static let good = "a,2025-06-01T00:00:00Z,order,1\n"

  static let trials: [Trial] = [
    Trial("empty file", "", 65, "events.csv", "empty"),
    Trial("header only", header, 65, "events.csv"),
    Trial("missing column", "account,at,kind,amount\n" + good, 65, "events.csv", "value"),
    Trial("duplicate header", "account,at,kind,value,value\n" + good, 65, "value"),
    Trial(
      "nan", header + good + "a,2025-06-02T00:00:00Z,order,nan\n", 65, "events.csv", "3", "value"),
    Trial("inf", header + good + "a,2025-06-02T00:00:00Z,order,inf\n", 65, "3"),
    Trial("1e400", header + good + "a,2025-06-02T00:00:00Z,order,1e400\n", 65, "3"),
    Trial("0x1p3", header + good + "a,2025-06-02T00:00:00Z,order,0x1p3\n", 65, "3"),
    Trial("no such date", header + good + "a,2025-02-30T00:00:00Z,order,1\n", 65, "3"),
    Trial(
      "open quote", header + good + "a,2025-06-02T00:00:00Z,\"order,1\n", 65, "events.csv", "quote"),
    Trial(
      "NUL", bytes: Array((header + good).utf8) + Array("a\0b,2025-06-02T00:00:00Z,order,1\n".utf8),
      65, ["3"]),
    Trial(
      "Latin-1",
      bytes: Array((header + good).utf8) + [0x4D, 0xFC]
        + Array(",2025-06-02T00:00:00Z,order,1\n".utf8), 65, ["3", "UTF-8"]),
    Trial("as-of before all", header + good, 3, "2020", asOf: "2020-01-01"),
    Trial(
      "no detractor",
      header
        + (0..<200).map {
          "c\($0),2025-06-01T00:00:00Z,order,1\nc\($0),2025-11-15T00:00:00Z,nps,9\n"
        }.joined(),
      3, "detractors", command: "train"),
    Trial(
      "all detractors",
      header
        + (0..<200).map {
          "c\($0),2025-06-01T00:00:00Z,order,1\nc\($0),2025-11-15T00:00:00Z,nps,2\n"
        }.joined(),
      3, "non-detractors", command: "train"),
    Trial(
      "one feedback", header + good + "a,2025-11-15T00:00:00Z,nps,2\n", 3, "detractors",
      command: "train"),
  ]

  @Test(arguments: trials) func isRefused(_ trial: Trial) throws {
    let folder = try temporaryFolder()
    try Data(trial.events).write(to: folder.appendingPathComponent("events.csv"))
    try Data(trial.project.utf8).write(to: folder.appendingPathComponent("tacit.toml"))
    var arguments = [trial.command, "--as-of", trial.asOf]
    if trial.command == "features" { arguments += ["--out", "out.csv"] }
    let result = try Program.run(arguments, in: folder)
    #expect(result.status == trial.status, "\(result.errors)")
    for text in trial.says {
      #expect(result.errors.contains(text), "no “\(text)” in: \(result.errors)")
    }
    #expect(!result.errors.contains("Fatal"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(
      Set(left).subtracting(["events.csv", "tacit.toml", "quarantine.csv"]).isEmpty, "\(left)")
  }

  /// One bad cell among numbers must not make a category of every number.
  @Test(arguments: ["nan", "inf", "1e400", "0x1p3", "M\u{FC}ller"])
  func theLearnerRefusesWhatIsNoNumber(_ cell: String) throws {
    let folder = try temporaryFolder()
    let rows = (0..<60).map { "\($0 % 7),\($0 % 2)\n" }.joined()
    let text = try #require("x,y\n\(rows)\(cell),1\n".data(using: .isoLatin1))
    try text.write(to: folder.appendingPathComponent("d.csv"))
    let fit = try Program.run("fit", "d.csv", "--target", "y", "--model", "m.json", in: folder)
    #expect(fit.status == 65)
    #expect(fit.errors.contains("d.csv, line 62") && fit.errors.contains("\"x\""), "\(fit.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["d.csv"])
  }

  @Test func theLearnerRefusesTextsThatAreNotUTF8AndColumnsThatNeverChange() throws {
    let folder = try temporaryFolder()
    func fit(_ bytes: [UInt8]) throws -> Program.Result {
      try Data(bytes).write(to: folder.appendingPathComponent("d.csv"))
      return try Program.run("fit", "d.csv", "--target", "y", "--model", "m.json", in: folder)
    }
    let rows = (0..<60).map { "p\($0 % 7),\($0 % 2)\n" }.joined()
    let latin = try fit(
      Array("x,y\n\(rows)".utf8) + [0xFC] + Array(",1\n".utf8) + [0xFD, 0x2C, 0x30])
    #expect(latin.status == 65)
    #expect(latin.errors.contains("line 62: the column \"x\" is not UTF-8"), "\(latin.errors)")
    let constant = try fit(Array("x,y\n4,0\n4,1\n4,0\n4,1\n".utf8))
    #expect(constant.status == 3)
    #expect(constant.errors.contains("the same value in all rows"), "\(constant.errors)")
  }

  @Test func aTruncatedGzipIsRefused() throws {
    let folder = try temporaryFolder()
    let rows = (0..<50_000).map { "c\($0 % 977),2025-06-01T00:00:00Z,order,\($0)\n" }.joined()
    try Data((Self.header + rows).utf8).write(to: folder.appendingPathComponent("events.csv"))
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
    gzip.arguments = [folder.appendingPathComponent("events.csv").path]
    try gzip.run()
    gzip.waitUntilExit()
    let file = folder.appendingPathComponent("events.csv.gz")
    let whole = try Data(contentsOf: file)
    try Trial.project.replacing("events.csv", with: "events.csv.gz")
      .write(to: folder.appendingPathComponent("tacit.toml"), atomically: true, encoding: .utf8)
    #expect(try features(folder).status == 0)
    try whole.prefix(whole.count - 9).write(to: file)
    let cut = try features(folder)
    #expect(cut.status == 65)
    #expect(cut.errors.contains("events.csv.gz"))
    var flipped = whole
    flipped[whole.count / 2] ^= 0x10
    try flipped.write(to: file)
    #expect(try features(folder).status == 65)
  }

  @Test func aMegabyteFieldAndAMillionEventsAreRead() throws {
    let folder = try temporaryFolder()
    let long = "a,2025-06-01T00:00:00Z,order,1," + String(repeating: "x", count: 1_000_000) + "\n"
    try Data(("account,at,kind,value,note\n" + long).utf8)
      .write(to: folder.appendingPathComponent("events.csv"))
    try Trial.project.write(
      to: folder.appendingPathComponent("tacit.toml"), atomically: true, encoding: .utf8)
    #expect(try features(folder).status == 0)
    var million = Data(Self.header.utf8)
    for second in 0..<1_000_000 {
      million += Data("a,2025-06-\(10 + second % 20)T00:\(10 + second % 50):00Z,order,1\n".utf8)
    }
    try million.write(to: folder.appendingPathComponent("events.csv"))
    let result = try features(folder)
    #expect(result.status == 0, "\(result.errors)")
  }

  private func features(_ folder: URL) throws -> Program.Result {
    try Program.run("features", "--as-of", "2026-01-01", "--out", "out.csv", in: folder)
  }
}
