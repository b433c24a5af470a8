import Foundation
import Histories
import TestSupport
import Testing

/// `check` reads as a run does: the same rows, the same unusable ones, the same events of each kind; and
/// what it counts beside is what a slow count gives.
struct DataCheckTests {
  private static let spoilt = [
    "", "x", "nan", "1e400", "2025-02-30", "\"a\"b", "a,b", "\u{0}", "9999999999999999", "-1",
    "now",
  ]

  /// Rows of which some are spoilt in one field, and some stand twice.
  private func rows(_ count: Int, seed: UInt64) -> [String] {
    var draw = SplitMix64(seed)
    var rows: [String] = []
    for number in 0..<count {
      if number > 10, draw.below(20) == 0 {
        rows.append(rows[draw.below(rows.count)])
        continue
      }
      let day = 1 + draw.below(28)
      let month = 1 + draw.below(12)
      var fields = [
        "a\(draw.below(200))",
        "2025-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)T0\(draw.below(9)):00:00Z",
        "2025-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)T05:00:00Z",
        ["order", "login", "\"two\nlines\""][draw.below(3)], "\(draw.below(100))", "",
      ]
      if draw.below(15) == 0 { fields[draw.below(5)] = Self.spoilt[draw.below(Self.spoilt.count)] }
      rows.append(fields.joined(separator: ","))
    }
    return rows
  }

  @Test func itReadsWhatARunReads() throws {
    let folder = try TestFolder()
    let rows = rows(30_000, seed: 7)
    var source = TestEvent.source
    source.path = try folder.write(
      "events.csv", ([TestEvent.header] + rows).joined(separator: "\n") + "\n")
    let settings = HistorySettings(
      timeZone: try #require(LocalTime(identifier: "Europe/Berlin")), events: [source],
      badRowShare: 1)
    let asOf = try #require(Instant(asOf: "2025-12-29", zone: settings.timeZone))
    func check(_ threads: Int) -> DataCheck {
      DataCheck(settings, roles: [:], judged: [], asOf: asOf, now: asOf, threads: threads)
    }
    let base = try HistoryBase.read(settings, threads: 2)
    let one = check(1)
    let four = check(4)
    #expect(one.findings == four.findings)
    #expect(one.kinds == four.kinds)
    #expect(one.volumes == four.volumes)
    #expect(one.volumes == base.intake.volumes)
    #expect(one.files.map(\.rows) == base.intake.files.map(\.rows))
    #expect(one.files.map(\.badRows) == base.intake.files.map(\.badRows))
    #expect(base.intake.badRows > 500)
    #expect(
      one.findings.filter { $0.code == "unusable_rows" }.reduce(0) { $0 + $1.count }
        == base.intake.badRows)
    #expect(one.kinds.map(\.name) == base.kinds.map(\.name))
    #expect(one.kinds.map(\.events) == base.kinds.map(\.events))
    #expect(one.kinds.map(\.valued) == base.kinds.map(\.valued))
    // The first unusable rows are those that a run names.
    let places = one.findings.filter { $0.code == "unusable_rows" }.flatMap(\.places).map(\.line)
    #expect(base.intake.examples.prefix(3).allSatisfy { places.contains($0.line) })
    let accounts = (0..<base.accountCount).count { base.account($0).isEmpty == false }
    #expect(one.accountsWithEvents == accounts)
    // Usable rows that stand twice, by a slow count over rows that no quarantined row has the text of.
    let early = one.findings.first { $0.code == "known_before_at" }
    let repeats = one.findings.first { $0.code == "rows_repeat" }
    #expect((early?.count ?? 0) > 1000)
    let distinct = Set(rows)
    #expect((repeats?.count ?? 0) > 500 && (repeats?.count ?? 0) <= rows.count - distinct.count)
  }

  /// The same bytes under another name change nothing, packed or not, in whatever form; nearly the same
  /// bytes do.
  @Test func aFileDeliveredTwiceCountsOnce() throws {
    let folder = try TestFolder()
    let rows = rows(2_000, seed: 8)
    let text = ([TestEvent.header] + rows).joined(separator: "\n") + "\n"
    var source = TestEvent.source
    source.path = folder.path("part*")
    _ = try folder.write("part-1.csv", text)
    func events() throws -> (events: Int, passed: [String]) {
      let settings = HistorySettings(events: [source], badRowShare: 1)
      let base = try HistoryBase.read(settings, threads: 2)
      let check = DataCheck(
        settings, roles: [:], judged: [], asOf: Instant(microseconds: 0),
        now: Instant(microseconds: .max), threads: 2)
      #expect(check.kinds.map(\.events) == base.kinds.map(\.events))
      return (
        base.kinds.reduce(0) { $0 + $1.events },
        base.intake.files.filter { $0.sameAs != nil }.map {
          URL(fileURLWithPath: $0.path).lastPathComponent
        }
      )
    }
    let once = try events()
    #expect(once.passed.isEmpty && once.events > 1000)
    _ = try folder.write("part-2.csv", text)
    #expect(try events() == (once.events, ["part-2.csv"]))
    // Packed by another program, in two members, beside the plain ones.
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/bin/sh")
    gzip.arguments = [
      "-c", "gzip -c1 part-1.csv > part-3.csv.gz && gzip -c9 part-1.csv > part-4.csv.gz",
    ]
    gzip.currentDirectoryURL = folder.url
    try gzip.run()
    gzip.waitUntilExit()
    #expect(try events() == (once.events, ["part-2.csv", "part-3.csv.gz", "part-4.csv.gz"]))
    // One digit in the middle makes it another file.
    let other = text.replacing("a7,", with: "a8,", maxReplacements: 1)
    #expect(other.utf8.count == text.utf8.count && other != text)
    _ = try folder.write("part-2.csv", other)
    #expect(try events().passed == ["part-3.csv.gz", "part-4.csv.gz"])
    // Where events have an id, that decides.
    source.id = "account"
    #expect(try events().passed.isEmpty)
  }
}
