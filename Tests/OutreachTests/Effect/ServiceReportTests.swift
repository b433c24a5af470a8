import Detraction
import Foundation
import Histories
import Outreach
import Testing

struct ServiceReportTests {
  private let calls = OutreachSettings(
    queues: [
      Queue(name: "calls", capacity: 9, channel: "phone", dueBusinessDays: 1, closeBusinessDays: 3)
    ], calendar: BusinessCalendar(zone: berlin, holidays: []), store: .file("tacit.sqlite"))

  private func opened(
    _ number: Int64, _ day: String = "2026-03-02T10:00", queue: String = "calls",
    form: Case.Form = .predicted
  ) -> Case {
    let at = date(day)
    var one = Case(
      form: form, account: "a\(number)", queue: queue, channel: "phone", asOf: at, openedAt: at,
      due: calls.calendar.due(opened: at, businessDays: 1),
      closeDue: calls.calendar.due(opened: at, businessDays: 3), score: score("a\(number)"))
    one.number = number
    return one
  }

  private func act(
    _ one: inout Case, _ kind: Action.Kind, _ at: String, by actor: String = "kim",
    _ detail: [String: String] = [:]
  ) throws -> Action {
    let action = Action(
      caseNumber: one.number, at: date(at), kind: kind, actor: actor, detail: detail)
    try one.state.apply(action)
    return action
  }

  /// A Monday's cases, looked at on Friday at 12:00: due on Tuesday at 17:00, to be closed by Thursday
  /// at 17:00.
  @Test func everyFigureByHand() throws {
    var (good, late, waits, nobody, ended) = (
      opened(1), opened(2), opened(3), opened(4), opened(5, form: .voiced)
    )
    var actions: [Action] = []
    actions.append(try act(&good, .claimed, "2026-03-03T16:59"))
    actions.append(try act(&good, .attempted, "2026-03-03T17:00"))
    actions.append(try act(&good, .reached, "2026-03-05T09:00"))
    actions.append(try act(&good, .closed, "2026-03-05T16:00", ["outcome": "resolved"]))
    actions.append(try act(&late, .claimed, "2026-03-04T09:00"))
    actions.append(
      try act(
        &late, .appointed, "2026-03-04T09:05",
        ["from": "2026-03-05T09:00:00Z", "to": "2026-03-05T10:00:00Z"]))
    actions.append(try act(&late, .attempted, "2026-03-05T10:30"))
    // Waits since before its closing was due: that clock stands.
    actions.append(try act(&waits, .claimed, "2026-03-03T09:00", by: "lee"))
    actions.append(
      try act(
        &waits, .appointed, "2026-03-03T09:05", by: "lee",
        ["from": "2026-03-09T09:00:00Z", "to": "2026-03-09T10:00:00Z"]))
    actions.append(try act(&waits, .waiting, "2026-03-03T10:00", by: "lee"))
    // Overtaken on Tuesday morning: nobody's merit.
    actions.append(
      try act(&ended, .closed, "2026-03-03T00:00", by: "tacit", ["outcome": "overtaken"]))
    let cases = [good, late, waits, nobody, ended, opened(6, "2026-03-09T08:00")]
    let report = ServiceReport(cases, actions, settings: calls, now: date("2026-03-06T12:00"))
    let line = try #require(report.queues.first)
    #expect(report.queues.count == 1 && line.open == 3 && line.unclaimed == 1)
    #expect(line.waiting == 1 && line.overdue == 2 && line.escalationsDue == 2)
    #expect(line.acknowledged == kept(2, of: 4), "\(line.acknowledged)")
    #expect(line.closed == kept(1, of: 3), "\(line.closed)")
    #expect(line.ageing == [0, 0, 3, 0])
    // Monday 10 to 17, three days of 8 hours, Friday 9 to 12; waiting: Monday and an hour on Tuesday.
    #expect(line.oldestHours == 34 && line.middleHours == 34)
    #expect(report.overdue.map(\.owner) == [nil, "kim"])
    #expect(
      report.overdue.allSatisfy { $0.cases == 1 && $0.since == date("2026-03-05T17:00") })
    #expect(report.appointments == kept(1, of: 1) && report.appointmentsToCome == 1)
    #expect(report.outcomes.map(\.outcome) == [.resolved, .overtaken])
    #expect(report.outcomes.map(\.cases) == [1, 1] && report.outcomes.map(\.contacts) == [2, 0])
    let text = ServiceText(zone: berlin).lines(report)
    #expect(
      text[0] == "calls: 3 open, 2 overdue, 2 to be escalated, 1 with nobody, "
        + "1 waiting for the customer")
    #expect(
      text[1]
        == "  acknowledged in time 2 of 4 (50 %), closed in time 1 of 3 (33 %), of the last 30 "
        + "days")
    #expect(text.contains { $0.hasPrefix("overdue: calls, nobody's: 1, the first since") })
    #expect(text.contains("appointments: 1 of 1 (100 %) kept, 1 to come"))
    #expect(text.contains("closed as resolved: 1, 2.0 contacts each"))
  }

  private func kept(_ kept: Int, of all: Int) -> ServiceReport.Kept {
    ServiceReport.Kept(kept: kept, of: all)
  }

  /// What came after the instant is not there.
  @Test func thePastIsAsItWas() throws {
    var one = opened(1)
    let actions = [
      try act(&one, .claimed, "2026-03-04T09:00"),
      try act(&one, .closed, "2026-03-05T16:00", ["outcome": "lost"]),
    ]
    func report(_ day: String) -> ServiceReport {
      ServiceReport([one], actions, settings: calls, now: date(day))
    }
    #expect(report("2026-03-01").queues[0].open == 0)
    #expect(report("2026-03-03T12:00").queues[0].overdue == 0)
    #expect(report("2026-03-03T17:01").queues[0].overdue == 1)
    #expect(report("2026-03-05T15:00").queues[0].open == 1)
    #expect(report("2026-03-05T16:00").queues[0].open == 0)
    #expect(report("2026-03-05T15:00").outcomes.isEmpty)
    #expect(report("2026-05-05").queues[0].acknowledged.of == 0)
  }

  @Test func metricsAreInThePrometheusFormat() throws {
    var closed = opened(2, queue: "a\"b\\c\nd")
    _ = try act(&closed, .closed, "2026-03-02T12:00", ["outcome": "resolved"])
    let report = ServiceReport(
      [opened(1), closed], [], settings: calls, now: date("2026-03-02T13:00"))
    let text = Metrics.text(report, run: nil, drift: .watch)
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.contains("tacit_open_cases{queue=\"calls\"} 1"))
    #expect(lines.contains("tacit_open_cases{queue=\"a\\\"b\\\\c\\nd\"} 0"))
    #expect(
      lines.contains(
        "tacit_cases_closed_total{queue=\"a\\\"b\\\\c\\nd\",outcome=\"resolved\"} 1"))
    #expect(lines.contains("tacit_drift_state{state=\"watch\"} 1"))
    #expect(lines.contains("tacit_drift_state{state=\"act\"} 0"))
    #expect(text.hasSuffix("\n") && !text.contains("last_run"))
    // Every sample follows the type of its own family, which stands once.
    let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
    #expect(Set(types).count == types.count)
    for line in lines where !line.hasPrefix("#") {
      #expect(types.contains { line.hasPrefix($0 + "{") || line.hasPrefix($0 + " ") }, "\(line)")
    }
  }
}
