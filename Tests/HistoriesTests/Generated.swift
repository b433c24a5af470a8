import Foundation
import Histories
import TestSupport

/// One event as tests think of it.
struct TestEvent: Equatable {
  var account: String
  var at: Instant
  var knownAt: Instant
  var kind: String
  var value: Double?
  var channel: String?

  var row: String {
    let value = value.map { "\($0)" } ?? ""
    return "\(account),\(at),\(knownAt),\(kind),\(value),\(channel ?? "")"
  }

  static let header = "account,at,known_at,kind,value,channel"

  static let source = EventSource(
    path: "", account: "account", at: TimeMapping(column: "at"),
    knownAt: TimeMapping(column: "known_at"), kind: .column("kind"), value: .column("value"),
    channel: .column("channel"))
}

/// A folder with CSV files, gone at the end of the test.
final class TestFolder: Sendable {
  let url: URL
  init() throws { url = try temporaryFolder() }
  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = url.appendingPathComponent(name).path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

/// Every feature there is, in every window.
let everyFeature = FeatureSettings(
  windowsDays: [1, 7, 30, 90, 365], lifetime: true, aggregates: .list(Aggregate.allCases),
  open: [OpenItems(opened: "ticket", resolved: "login")])

/// Histories around clock changes, leap days and window borders of `asOf`, with many ties, and
/// rows that repeat.
func generatedEvents(
  _ count: Int, accounts: Int, asOf: Instant, zone: LocalTime, seed: UInt64
) -> [TestEvent] {
  var draw = SplitMix64(seed)
  let day = Instant.microsecondsPerDay
  var special: [Int64] = [asOf.microseconds, asOf.microseconds - 1, asOf.microseconds + 1]
  for days in [1, 7, 30, 90, 365] as [Int64] {
    for shift in [-1, 0, 1] as [Int64] { special.append(asOf.microseconds - days * day + shift) }
  }
  for text in [
    "2024-02-29T12:00:00Z", "2024-02-29T23:30:00Z", "2024-03-31T00:59:59Z", "2024-03-31T01:00:00Z",
    "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2023-12-31T23:30:00Z",
  ] {
    special.append(Instant(asOf: text, zone: .utc)!.microseconds)
  }
  let kinds = ["order", "login", "ticket", "nps", "survey_sent"]
  var events: [TestEvent] = []
  while events.count < count {
    if let last = events.last, draw.below(12) == 0 {
      events.append(last)
      continue
    }
    let at: Int64
    switch draw.below(4) {
    case 0: at = special[draw.below(special.count)]
    case 1:
      at = asOf.microseconds - Int64(draw.below(800)) * day + Int64(draw.below(3)) * 3_600_000_000
    default:
      at =
        asOf.microseconds - Int64(draw.below(900 * 86_400)) * 1_000_000 + Int64(draw.below(40))
        * day
    }
    let late = draw.below(4) == 0 ? Int64(draw.below(100)) * day : 0
    events.append(
      TestEvent(
        account: "a\(draw.below(accounts))", at: Instant(microseconds: at),
        knownAt: Instant(microseconds: at + late), kind: kinds[draw.below(kinds.count)],
        value: draw.below(3) == 0 ? nil : Double(draw.below(2000) - 300) / 100,
        channel: [nil, "web", "phone", "e-mail"][draw.below(4)]))
  }
  return events
}

let testRoles: [String: KindRole] = ["nps": .feedback, "survey_sent": .mechanics]

/// Reads events (written as one file in `folder`) into a base.
func base(
  of events: [TestEvent], in folder: TestFolder, zone: LocalTime, threads: Int = 2,
  chunkBytes: Int = 1 << 20, name: String = "events.csv"
) throws -> HistoryBase {
  var source = TestEvent.source
  source.path = try folder.write(
    name, ([TestEvent.header] + events.map(\.row)).joined(separator: "\n") + "\n")
  return try HistoryBase.read(
    HistorySettings(timeZone: zone, events: [source]), roles: testRoles, threads: threads,
    chunkBytes: chunkBytes)
}

/// Every account's vector as of `date`, by id: bits, so that missing cells compare too.
func vectors(
  _ base: HistoryBase, _ schema: FeatureSchema, _ date: Instant, threads: Int = 2
) throws -> [String: [UInt64]] {
  let rows = (0..<base.accountCount).map { VectorRow(account: Int32($0), asOf: date) }
  let cells = try base.vectors(schema, rows: rows, threads: threads)
  var found: [String: [UInt64]] = [:]
  for account in 0..<base.accountCount where base.hasFeatureEvent(account, seenAsOf: date) {
    let start = account * schema.count
    found[base.account(account)] = cells[start..<(start + schema.count)].map {
      $0.isNaN ? UInt64.max : $0.bitPattern
    }
  }
  return found
}
