import Foundation
import Histories
import TestSupport
import Testing

private let header = "account,at,kind,value"

private func settings(_ path: String, share: Double = 0.01) -> HistorySettings {
  HistorySettings(
    events: [
      EventSource(
        path: path, account: "account", at: TimeMapping(column: "at"), kind: .column("kind"),
        value: .column("value"))
    ], badRowShare: share)
}

/// What reading `bytes` comes to: the base, or the error.
private func read(
  _ bytes: [UInt8], share: Double = 0.01, name: String = "events.csv", chunkBytes: Int = 1 << 20
) throws -> Result<HistoryBase, HistoriesError> {
  let folder = try TestFolder()
  let path = try folder.write(name, bytes)
  do throws(HistoriesError) {
    return .success(
      try HistoryBase.read(settings(path, share: share), threads: 2, chunkBytes: chunkBytes))
  } catch {
    return .failure(error)
  }
}

private func read(_ text: String, share: Double = 0.01) throws -> Result<
  HistoryBase, HistoriesError
> {
  try read(Array(text.utf8), share: share)
}

private func expectRefused(
  _ result: Result<HistoryBase, HistoriesError>, _ status: Int32 = 65, _ parts: String...,
  location: SourceLocation = #_sourceLocation
) {
  switch result {
  case .success: Issue.record("was taken", sourceLocation: location)
  case .failure(let error):
    #expect(error.exitStatus == status, sourceLocation: location)
    for part in parts {
      #expect(error.description.contains(part), "\(error)", sourceLocation: location)
    }
  }
}

private func gzip(_ bytes: [UInt8], in folder: TestFolder) throws -> [UInt8] {
  let path = try folder.write("plain", bytes)
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/gzip")
  process.arguments = ["-k", path]
  try process.run()
  process.waitUntilExit()
  let data = try Data(contentsOf: URL(fileURLWithPath: path + ".gz"))
  try FileManager.default.removeItem(atPath: path + ".gz")
  return Array(data)
}

@Suite struct ReadingTests {
  @Test func badFilesAreRefusedWithFileLineAndWhatWasExpected() throws {
    expectRefused(try read(""), 65, "events.csv is empty", "header line")
    expectRefused(try read("\n\n"), 65, "is empty")
    expectRefused(try read(header + "\n"), 65, "no events", "no rows below the header")
    expectRefused(
      try read("account,att,kind,value\na,2024-01-01,x,1\n"), 65, "line 1", "no column \"at\"",
      "did you mean \"att\"?", "It has: account, att, kind, value")
    expectRefused(
      try read("account,at,kind,at\na,2024-01-01,x,1\n"), 65, "line 1",
      "columns 2 and 4 are both called \"at\"")
    expectRefused(
      try read(header + "\na,2024-01-01,x,1\nb,2024-01-01,\"x,1\nc,2024-01-01,x,1\n"), 65,
      "line 3", "never closed")
    expectRefused(try read([0xff, 0xfe] + Array("account".utf8)), 65, "UTF-8")
    do throws(HistoriesError) {
      _ = try HistoryBase.read(settings("/nowhere/events-*.csv"), threads: 1)
      Issue.record("read what is not there")
    } catch {
      #expect(error.exitStatus == 66)
      #expect(error.description.contains("/nowhere/events-*.csv: no such files"))
    }
  }

  @Test(arguments: [
    ("a,2024-01-01,x,nan", "`value` is not a finite decimal number"),
    ("a,2024-01-01,x,inf", "`value`"), ("a,2024-01-01,x,0x1p3", "`value`"),
    ("a,2024-01-01,x,1e400", "`value`"), ("a,2024-01-01,x,1_000", "`value`"),
    ("a,2024-01-01,x, 1", "`value`"), ("a,2024-01-01,x,.", "`value`"),
    ("a,2024-01-01,x,1e", "`value`"), ("a,2024-01-01,x,--1", "`value`"),
    ("a,2023-02-29,x,1", "`at` is not a time that exists, written as ISO 8601"),
    ("a,2024-04-31T00:00:00Z,x,1", "`at`"), ("a,2024-01-01T24:00:00Z,x,1", "`at`"),
    ("a,2024-1-1,x,1", "`at`"), ("a,,x,1", "`at`"), ("a,2024-01-01T00:00:00:Z,x,1", "`at`"),
    (",2024-01-01,x,1", "`account` is empty"), ("a,2024-01-01,,1", "`kind` is empty"),
    ("a,2024-01-01,x", "3 fields, the header has 4"),
    ("a,2024-01-01,x,1,2", "5 fields, the header has 4"),
    ("a\u{0}b,2024-01-01,x,1", "`account` is not UTF-8 or holds a NUL byte"),
    ("a,2024-01-01,x\u{0},1", "`kind` is not UTF-8 or holds a NUL byte"),
    ("\"a\"b,2024-01-01,x,1", "between a closing quote and the next comma"),
    (String(repeating: "k", count: 257) + ",2024-01-01,x,1", "longer than 256 bytes"),
  ])
  func badRowsAreCountedAndShown(row: String, what: String) throws {
    let good = String(repeating: "b,2024-01-01,x,1\n", count: 3)
    let text = header + "\n" + good + row + "\n" + good
    expectRefused(
      try read(text), 65, "1 of 7 rows", "max_bad_row_share", "events.csv, line 5: ", what)
    let base = try read(text, share: 0.5).get()
    #expect(base.intake.badRows == 1 && base.intake.rows == 7)
    #expect(base.intake.examples.map(\.line) == [5])
    #expect(base.kinds.map(\.events) == [6])
  }

  @Test func latin1IsABadRowAndTheRawRowIsQuarantined() throws {
    let folder = try TestFolder()
    let bad = [UInt8(ascii: "M"), 0xfc, UInt8(ascii: "l")] + Array("\"er,2024-01-01,x,1".utf8)
    let rows =
      Array((header + "\na,2024-01-01,x,1\n").utf8) + bad + Array("\nb,2024-01-01,x,\n".utf8)
    let path = try folder.write("events.csv", rows)
    let quarantine = URL(fileURLWithPath: folder.path("bad.csv"))
    let base = try HistoryBase.read(
      settings(path, share: 0.5), threads: 1, quarantine: quarantine)
    #expect(base.intake.quarantine == quarantine.path)
    let written = Array(try Data(contentsOf: quarantine))
    let expected =
      Array("file,line,what,row\n\(path),3,`account` is not UTF-8 or holds a NUL byte,\"".utf8)
      + [UInt8(ascii: "M"), 0xfc, UInt8(ascii: "l")] + Array("\"\"er,2024-01-01,x,1\"\n".utf8)
    #expect(written == expected)
    // Refused because of its share, the quarantine file is there all the same.
    try FileManager.default.removeItem(at: quarantine)
    #expect(throws: HistoriesError.self) {
      try HistoryBase.read(settings(path), threads: 1, quarantine: quarantine)
    }
    #expect(Array(try Data(contentsOf: quarantine)) == expected)
  }

  @Test func quotesCrlfAndByteOrderMark() throws {
    let text =
      "\u{feff}\"account\",at,kind,value\r\n\"a,\"\"b\"\"\nc\",\"2024-01-01\",\"x\",\"1.5\"\r\n"
      + "\r\n0012,2024-01-01,x,\r\n\"é\",2024-01-01,x,2"
    for chunkBytes in 16...90 {
      let base = try read(Array(text.utf8), chunkBytes: chunkBytes).get()
      let ids = (0..<base.accountCount).map(base.account)
      #expect(Set(ids) == ["a,\"b\"\nc", "0012", "é"])
      #expect(base.kinds == (try read(text).get()).kinds)
      #expect(base.kinds[0].valued == 2)
    }
  }

  @Test func linesAreRightBehindQuotedLineEndsAndAcrossChunks() throws {
    var text = header + "\n"
    for index in 0..<200 {
      text += index % 3 == 0 ? "\"a\nb\",2024-01-01,x,1\n" : "a,2024-01-01,x,1\n"
    }
    let line = text.utf8.count { $0 == 0x0a } + 1
    text += "a,never,x,1\n" + String(repeating: "a,2024-01-01,x,1\n", count: 50)
    for chunkBytes in [1, 13, 64, 1000, 1 << 20] {
      let base = try read(Array(text.utf8), share: 0.5, chunkBytes: chunkBytes).get()
      #expect(base.intake.examples.map(\.line) == [line])
      #expect(base.intake.rows == 251)
    }
  }

  @Test func gzipWithSeveralMembersIsReadAndABrokenOneRefused() throws {
    let folder = try TestFolder()
    let first = try gzip(Array((header + "\na,2024-01-01,x,1\nb,2024-01-0").utf8), in: folder)
    let second = try gzip(Array("1,x,1\n".utf8), in: folder)
    let base = try read(first + second, name: "events.csv.gz", chunkBytes: 7).get()
    #expect(base.kinds[0].events == 2)
    let many = try gzip(
      Array((header + "\n" + (0..<5000).map { "a\($0),2024-01-01,x,\($0)\n" }.joined()).utf8),
      in: folder)
    expectRefused(
      try read(Array(many.dropLast(20)), name: "events.csv.gz"), 65, "truncated gzip")
    expectRefused(try read(Array(many.prefix(5)), name: "events.csv.gz"), 65, "truncated gzip")
    var broken = many
    broken[many.count / 2] ^= 0xff
    expectRefused(try read(broken, name: "events.csv.gz"), 65, "corrupt gzip")
    expectRefused(try read(many + [1, 2, 3], name: "events.csv.gz"), 65, "gzip")
  }

  @Test func aMegabyteInAFieldAndAMillionEventsOfOneAccount() throws {
    let long = String(repeating: "y", count: 1 << 20)
    let source = EventSource(
      path: "", account: "account", at: TimeMapping(column: "at"), kind: .column("kind"),
      text: "text")
    let folder = try TestFolder()
    var mapped = source
    mapped.path = try folder.write(
      "long.csv", "account,at,kind,text\na,2024-01-01,x,\(long)\nb,2024-01-01,x,\"\(long)\n\"\n")
    let base = try HistoryBase.read(
      HistorySettings(events: [mapped]), threads: 2, chunkBytes: 1000)
    #expect(base.accountCount == 2 && base.intake.badRows == 0)
    expectRefused(
      try read(header + "\na,2024-01-01,x,\(long)\n"), 65, "line 2: `value` is not a finite")

    // All at the same instant, so that time alone does not sort them.
    var text = header + "\n"
    for index in 0..<1_000_000 { text += "a,2024-01-01T00:00:00Z,x,\(index &* 7919 % 1000)\n" }
    let one = try read(text).get()
    let date = Instant(asOf: "2024-01-02", zone: .utc)!
    let schema = try one.schema(FeatureSettings(windowsDays: [7]), asOf: date)
    let cells = try one.vectors(schema, rows: [VectorRow(account: 0, asOf: date)], threads: 2)
    #expect(schema.names[1...3] == ["x.count.7d", "x.sum.7d", "x.mean.7d"])
    #expect(cells[1] == 1_000_000 && cells[2] == 499_500_000)
  }

  @Test func anAsOfDateBeforeAllEventsIsInsufficient() throws {
    let base = try read(header + "\na,2024-01-01,x,1\n").get()
    do throws(HistoriesError) {
      _ = try base.schema(FeatureSettings(), asOf: Instant(asOf: "2024-01-01", zone: .utc)!)
      Issue.record("made a schema of nothing")
    } catch {
      #expect(error.exitStatus == 3)
      #expect(error.description.contains("the first one is at 2024-01-01T00:00:00Z"))
    }
  }

  @Test func timesInAllFormats() throws {
    let folder = try TestFolder()
    let berlin = LocalTime(identifier: "Europe/Berlin")!
    func first(_ format: TimeMapping.Format, _ text: String) throws -> String? {
      let path = try folder.write("t.csv", "a,t\nx,\"\(text)\"\n")
      let source = EventSource(
        path: path, account: "a", at: TimeMapping(column: "t", format: format),
        kind: .constant("k"))
      let base = try? HistoryBase.read(
        HistorySettings(timeZone: berlin, events: [source]), threads: 1)
      return base?.firstEvent(0)?.description
    }
    #expect(try first(.iso8601, "2024-07-01") == "2024-06-30T22:00:00Z")
    #expect(try first(.iso8601, "2024-07-01T12:30") == "2024-07-01T10:30:00Z")
    #expect(try first(.iso8601, "2024-07-01 12:30:01") == "2024-07-01T10:30:01Z")
    #expect(try first(.iso8601, "2024-07-01T12:30:01Z") == "2024-07-01T12:30:01Z")
    #expect(try first(.iso8601, "2024-07-01T12:30:01.25+05:30") == "2024-07-01T07:00:01.250000Z")
    #expect(try first(.iso8601, "2024-03-31T02:30:00") == "2024-03-31T01:30:00Z")
    #expect(try first(.iso8601, "2024-10-27T02:30:00") == "2024-10-27T00:30:00Z")
    #expect(try first(.unix, "1289241911.72836") == "2010-11-08T18:45:11.728360Z")
    #expect(try first(.unix, "-1") == "1969-12-31T23:59:59Z")
    #expect(try first(.unix, "1e9") == nil)
    #expect(try first(.unix, "99999999999999") == nil)
    #expect(try first(.unixMilliseconds, "1289241911728.5") == "2010-11-08T18:45:11.728500Z")
    #expect(try first(.unixMicroseconds, "1289241911728500") == "2010-11-08T18:45:11.728500Z")
    #expect(try first(.unixMicroseconds, "-1") == "1969-12-31T23:59:59.999999Z")
    #expect(try first(.unixMicroseconds, "-62167219200000000") == "0000-01-01T00:00:00Z")
    for text in [
      "1289241911728500.5", "1e9", "-", "+1", "253402300800000000", "1234567890123456789",
    ] {
      #expect(try first(.unixMicroseconds, text) == nil)
    }
    let plain = TimePattern("yyyy-MM-dd HH:mm:ss")!
    #expect(try first(.pattern(plain), "2024-07-01 12:30:01") == "2024-07-01T10:30:01Z")
    #expect(try first(.pattern(plain), "2024-07-01T12:30:01") == nil)
    let german = TimePattern("d.M.yyyy H:mm")!
    #expect(try first(.pattern(german), "1.7.2024 9:05") == "2024-07-01T07:05:00Z")
    #expect(
      try first(.pattern(TimePattern("yyyy/MM/dd'T'HH:mm:ss.SSSZ")!), "2024/07/01T01:02:03.004Z")
        == "2024-07-01T01:02:03.004000Z")
    for pattern in ["yyyy-MM", "yyyy-MM-dd hh:mm", "yy-MM-dd", "yyyy-MM-dd q", ""] {
      #expect(TimePattern(pattern) == nil)
    }
  }

  /// Numbers are what the C library says they are, to the bit, in every way of writing them.
  @Test func numbersAreCorrectlyRounded() throws {
    var draw = SplitMix64(77)
    var texts = [
      "0.1", "-0", "+5", ".5", "5.", "1e3", "1E-3", "123456789012345", "9007199254740993",
      "0.30000000000000004", "2.2250738585072014e-308", "4.9e-324", "1e-400",
      "1.7976931348623157e308",
      "00000000000000000000001.5", "179769313486231580793e289",
    ]
    for value in 0..<2000 {
      texts += ["\(value)", "\(value).", ".\(value)", "\(value / 10).\(value % 10)", "\(value).25"]
    }
    for _ in 0..<5000 {
      let digits = (0..<(1 + draw.below(20))).map { _ in String(draw.below(10)) }.joined()
      let fraction = (0..<draw.below(20)).map { _ in String(draw.below(10)) }.joined()
      let exponent = draw.below(4) == 0 ? "e\(draw.below(600) - 300)" : ""
      texts.append((draw.below(2) == 0 ? "-" : "") + digits + "." + fraction + exponent)
    }
    texts = texts.filter { strtod($0, nil).isFinite }
    var rows = header + "\n"
    for (index, text) in texts.enumerated() { rows += "a\(index),2024-01-01,x,\(text)\n" }
    let base = try read(rows).get()
    #expect(base.intake.badRows == 0)
    let date = Instant(asOf: "2024-01-02", zone: .utc)!
    let schema = try FeatureSchema(
      kinds: ["x"], features: [.mean(kind: "x", window: .days(7))], levels: [[]], timeZone: "UTC",
      roles: [:])
    for (index, text) in texts.enumerated() {
      let row = VectorRow(account: Int32(base.index(of: "a\(index)")!), asOf: date)
      let value = try base.vectors(schema, rows: [row], threads: 1)[0]
      #expect(value == strtod(text, nil), "\(text)")
    }
  }

  @Test func hashesAreThoseOfTheSpecification() {
    // From the xxHash command line: printf TEXT | xxhsum -H64
    #expect(AccountHash.of("") == 0xef46_db37_51d8_e999)
    #expect(AccountHash.of("a") == 0xd24e_c4f1_a98c_6e5b)
    #expect(AccountHash.of("abc") == 0x44bc_2cf5_ad77_0999)
    #expect(
      AccountHash.of("The quick brown fox jumps over the lazy dog") == 0x0b24_2d36_1fda_71bc)
  }
}
