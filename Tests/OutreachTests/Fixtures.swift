import Detraction
import Foundation
import Histories
import Outreach
import TestSupport

let berlin = LocalTime(identifier: "Europe/Berlin")!

func date(_ text: String, _ zone: LocalTime = berlin) -> Instant {
  Instant(asOf: text, zone: zone)!
}

/// A Monday.
let monday = date("2026-03-02")

/// Accounts numbered from 0, the first the unhappiest, and what the accounts file says of them.
struct Base: Sendable {
  var ids: [String]
  var records: [AccountRecord?]
  var ranking: [RankedAccount]

  init(
    _ count: Int, id: (Int) -> String = { "a\($0)" }, record: (Int) -> AccountRecord? = { _ in nil }
  ) {
    ids = (0..<count).map(id)
    records = (0..<count).map(record)
    ranking = (0..<count).map {
      let logit = 3 - 6 * Double($0) / Double(count)
      return RankedAccount(
        account: Int32($0), logit: logit, probability: 1 / (1 + exp(-logit)), neverSpoken: false)
    }
  }

  func plan(_ settings: OutreachSettings, _ work: OpenWork = OpenWork(), at asOf: Instant) -> Plan {
    decide(
      ranking, asOf: asOf, settings: settings, work: work, id: { ids[Int($0)] },
      record: { records[Int($0)] })
  }

  func night(_ settings: OutreachSettings, _ work: OpenWork, at asOf: Instant) -> Night {
    let plan = plan(settings, work, at: asOf)
    return Night(
      facts: RunFacts(
        model: "sample/2026-03-01-0a1b2c3d", scoresPath: "runs/2026-03-02/scores.csv",
        scoresSHA256: String(repeating: "0f", count: 32), tacitVersion: "0.1.0",
        accounts: ids.count + 10, silent: ids.count),
      plan: plan,
      cases: plan.flagged.compactMap { flag in
        guard let queue = flag.queue else { return nil }
        return Case(
          form: .predicted, account: flag.id, queue: queue.name, channel: queue.channel,
          asOf: asOf, openedAt: asOf,
          due: settings.calendar.due(opened: asOf, businessDays: queue.dueBusinessDays),
          model: "sample/2026-03-01-0a1b2c3d",
          score: score(flag.id, logit: flag.logit, probability: flag.probability),
          exemplars: [
            Exemplar(account: "k1", distance: 0.41), Exemplar(account: "k2", distance: 1),
          ],
          record: records[Int(flag.account)])
      })
  }

  @discardableResult
  func publish(
    _ store: CaseStore, _ settings: OutreachSettings, at asOf: Instant = monday
  ) throws -> Publication {
    try store.publish(asOf: asOf) { night(settings, $0, at: asOf) }
  }
}

func settings(
  _ queues: [Queue] = [Queue(name: "calls", capacity: 3, channel: "phone")],
  holidays: [Int] = []
) -> OutreachSettings {
  OutreachSettings(
    queues: queues, calendar: BusinessCalendar(zone: berlin, holidays: holidays),
    store: .file("tacit.sqlite"))
}

/// As the store numbers them, from 1.
func numbered(_ cases: [Case]) -> [Case] {
  cases.enumerated().map { place, one in
    var one = one
    one.number = Int64(place + 1)
    return one
  }
}

func score(_ account: String, logit: Double = 1.6, probability: Double = 0.61) -> Score {
  Score(
    account: account, logit: logit, referenceLogit: -0.2, probability: probability,
    low: probability * 0.8, high: min(1, probability * 1.2), percentile: 99.7, band: .top,
    reasons: [
      Reason(
        feature: "late_delivery.count.30d", contribution: 0.9, measure: "late_delivery.count.30d",
        value: 2, typical: 0,
        text: "2 late deliveries in 30 days (typically none)", sayable: true),
      Reason(
        feature: "ticket.days_open", contribution: 0.6, measure: "ticket.days_open",
        value: 11, typical: nil,
        text: "ticket open for 11 days (typically none)", sayable: true),
      Reason(
        feature: "order.days_since_last", contribution: 0.5, measure: "order.days_since_last",
        value: 64, typical: 12,
        text: "no order for 64 days (own habit: 12)", sayable: false),
      Reason(
        feature: "tenure_days", contribution: -0.3, measure: "tenure_days",
        value: 1461, typical: 700,
        text: "a customer for 4 years", sayable: true),
    ],
    other: 0.1, otherCount: 19, extrapolated: false, neverSpoken: true)
}

/// Writes a project file into a folder of its own and opens it.
func project(_ text: String) throws -> ProjectFile {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("tacit-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  let path = folder.appendingPathComponent("tacit.toml").path
  try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  return try ProjectFile(path: path)
}

/// Ids and names as they come from the world outside.
let hostileTexts = [
  "'; DROP TABLE cases; --", "\"quoted\"", "=HYPERLINK(\"http://x\")", "line\nbreak\r\n",
  "\u{1B}[2J\u{1B}]0;owned\u{7}", "\u{202E}txt.exe", "שלום", "e\u{301}", "\u{E9}",
  "👩\u{200D}👩\u{200D}👧", "\"\u{200D}", "<script>alert(1)</script>", " ", "007", "7", "%s%n",
  "tab\there", "\u{9B}31m", "\u{2028}", "\u{FEFF}bom", "NULL",
  String(repeating: "long ", count: 2048), String(repeating: "\u{301}", count: 5000),
]
