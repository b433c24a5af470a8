import Detraction
import Foundation
import Histories
import Outreach
import Testing
import TestSupport

/// What happens to a case that is late.
@Suite(.serialized)
struct EscalationTests {
  private static let queues = [
    Queue(name: "calls", capacity: 3, channel: "phone", dueBusinessDays: 1, closeBusinessDays: 3),
    Queue(name: "second", capacity: 0, channel: "phone"),
  ]
  private static let plain = settings(queues)
  private static let rule = EscalationRule(
    calendar: plain.calendar, notAcknowledged: .owner("lead"), notClosed: .queue("second"))
  /// Monday's cases are due on Tuesday at 17:00, and to be closed on Thursday at 17:00.
  private static let due = date("2026-03-03T17:00")
  private static let closeDue = date("2026-03-05T17:00")

  /// Three cases of Monday.
  private func begun(_ kind: StoreKind) throws -> (StoreUnderTest, CaseStore)? {
    guard let place = try kind.fresh() else { return nil }
    let store = try place.store()
    _ = try store.publish(asOf: monday) { work in
      var night = Base(10).night(Self.plain, work, at: monday)
      for index in night.cases.indices { night.cases[index].closeDue = Self.closeDue }
      return night
    }
    return (place, store)
  }

  private func kinds(_ store: CaseStore, _ number: Int64) throws -> [Action.Kind] {
    try store.actions(of: number).map(\.kind)
  }

  /// What was given to somebody is what they are handed next, and nobody else is.
  @Test(arguments: StoreKind.allCases)
  func whatIsGivenToAnAgentComesFirst(_ kind: StoreKind) throws {
    guard let (_, store) = try begun(kind) else { return }
    let nine = date("2026-03-02T09:00")
    let until = nine.adding(days: 1)
    _ = try store.act(
      .account("a2"),
      Action(at: nine, kind: .reassigned, actor: "ann", detail: ["owner": "lead"]))
    #expect(try store.claim(by: "ann", at: nine, until: until)?.account == "a0")
    #expect(try store.claim(by: "lead", queue: "second", at: nine, until: until) == nil)
    let given = try #require(try store.claim(by: "lead", at: nine, until: until))
    #expect(given.account == "a2" && given.state.leaseUntil == until)
    #expect(try store.claim(by: "lead", at: nine, until: until)?.account == "a1")
    #expect(try store.claim(by: "lead", at: nine, until: until) == nil)
    #expect(try store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func eachLevelOnceAndToWhomItGoes(_ kind: StoreKind) throws {
    guard let (place, store) = try begun(kind) else { return }
    let urls = ["https://crm.example/hook"]
    func escalate(_ now: Instant) throws -> [Int64] {
      try store.escalate(by: Self.rule, at: now, webhooks: urls).map(\.number)
    }
    #expect(try store.openCases().allSatisfy { $0.due == Self.due })
    // One is taken up in time and worked, one is taken up and waits for its customer.
    let morning = date("2026-03-03T09:00")
    _ = try store.claim(.account("a0"), by: "ann", at: morning, until: morning.adding(days: 9))
    _ = try store.claim(.account("a1"), by: "ben", at: morning, until: morning.adding(days: 1))
    _ = try store.act(
      .account("a1"), Action(at: morning, kind: .waiting, actor: "ben"))
    #expect(try escalate(Self.due).isEmpty)
    #expect(
      try store.toEscalate(by: Self.rule, at: Self.due.adding(seconds: 1)).map(\.number) == [3])
    #expect(try kinds(store, 3) == [.opened])
    #expect(try escalate(Self.due.adding(seconds: 1)) == [3])
    #expect(try kinds(store, 3) == [.opened, .escalated, .reassigned])
    #expect(try store.actions(of: 3)[1].detail == ["level": "1"])
    let given = try #require(try store.openCase(account: "a2"))
    #expect(given.state.owner == "lead" && given.state.escalation == 1 && given.queue == "calls")
    #expect(try escalate(Self.due.adding(seconds: 2)).isEmpty)
    #expect(try escalate(Self.closeDue).isEmpty)
    // Not closed in time: at work or not, the holder loses it. Who waits is not late.
    #expect(try escalate(Self.closeDue.adding(seconds: 1)) == [1, 3])
    for number: Int64 in [1, 3] {
      let one = try #require(try store.openCases().first { $0.number == number })
      #expect(one.queue == "second" && one.state.owner == nil && one.state.escalation == 2)
    }
    #expect(try kinds(store, 1) == [.opened, .claimed, .escalated, .reassigned])
    #expect(try escalate(Self.closeDue.adding(days: 30)).isEmpty)
    #expect(try kinds(store, 2) == [.opened, .claimed, .waiting])
    #expect(try store.damagedCases().isEmpty)
    // Three escalations and three hand-overs were told.
    #expect(try place.number("SELECT count(*) FROM outbox") == 6)
    let report = ServiceReport(
      try store.cases(), try store.actions(), settings: Self.plain,
      now: Self.closeDue.adding(days: 1))
    #expect(report.queues.map(\.escalated) == [0, 2])
    #expect(report.queues.allSatisfy { $0.escalationsDue == 0 })
    #expect(report.overdue.map(\.escalated) == [2])
  }

  /// Without a target a case stays with who works it, and comes back from who let it lapse.
  @Test(arguments: StoreKind.allCases)
  func withoutATargetOnlyTheLapsedComeBack(_ kind: StoreKind) throws {
    guard let (_, store) = try begun(kind) else { return }
    let morning = date("2026-03-03T09:00")
    _ = try store.claim(.account("a0"), by: "ann", at: morning, until: morning.adding(days: 9))
    _ = try store.claim(.account("a1"), by: "ben", at: morning, until: morning.adding(days: 1))
    let told = try store.escalate(
      by: EscalationRule(calendar: Self.plain.calendar), at: Self.closeDue.adding(seconds: 1))
    #expect(told.map(\.state.owner) == ["ann", nil, nil])
    #expect(try kinds(store, 2) == [.opened, .claimed, .escalated, .released])
    // Nobody's but escalated: the next level does not come, since there is none.
    #expect(told.allSatisfy { $0.state.escalation == 2 })
  }

  @Test(arguments: StoreKind.allCases)
  func manyAtOnceBesideAgentsEscalateOnce(_ kind: StoreKind) throws {
    guard let (place, store) = try begun(kind) else { return }
    let late = Self.due.adding(seconds: 1)
    let taken = try atOnce(12) { number -> Int in
      let own = try place.store()
      if number % 2 == 0 { return try own.escalate(by: Self.rule, at: late).count }
      _ = try own.claim(by: "agent\(number)", at: late, until: late.adding(days: 1))
      return 0
    }
    #expect(try store.damagedCases().isEmpty)
    let cases = try store.openCases()
    let escalated = cases.filter { $0.state.escalation == 1 }
    #expect(taken.reduce(0, +) == escalated.count)
    for one in cases {
      let kinds = try kinds(store, one.number)
      #expect(kinds.count { $0 == .escalated } == one.state.escalation)
      // Who was quicker has it.
      #expect(one.state.owner == (one.state.escalation == 1 ? "lead" : one.state.owner))
      #expect(one.state.owner != nil)
    }
  }

  /// A night escalates with what it opens, all or nothing, once.
  @Test(arguments: StoreKind.allCases)
  func aNightEscalatesWithinItsTransaction(_ kind: StoreKind) throws {
    guard let (_, store) = try begun(kind) else { return }
    let wednesday = date("2026-03-04")
    func night(_ work: OpenWork) -> Night {
      var night = Base(20).night(Self.plain, work, at: wednesday)
      night.escalation = Self.rule
      // One ends this night: nobody is told that it is late.
      night.closings = [("a0", .cancelled)]
      return night
    }
    #expect(throws: OutreachError.self) {
      try store.publish(asOf: wednesday) { work in
        var broken = night(work)
        // Of no experiment that is there, and written after the escalation.
        broken.enrolments = [
          Enrolment(
            seed: "none", account: "a9", arm: .contact, asOf: wednesday, probability: 0.5,
            band: .top, queue: "calls")
        ]
        return broken
      }
    }
    #expect(try store.openCases().allSatisfy { $0.state.escalation == 0 })
    _ = try store.publish(asOf: wednesday) { night($0) }
    #expect(try store.escalated(asOf: wednesday) == 2)
    #expect(try kinds(store, 1) == [.opened, .closed])
    #expect(try kinds(store, 2) == [.opened, .escalated, .reassigned])
    _ = try store.publish(asOf: wednesday) { night($0) }
    #expect(try store.escalate(by: Self.rule, at: wednesday.adding(seconds: 60)).isEmpty)
    #expect(try store.escalated(asOf: wednesday) == 2)
    #expect(try store.damagedCases().isEmpty)
  }

  @Test func theSectionIsRead() throws {
    let queue = """
      [[queue]]
      name = "calls"
      capacity_per_business_day = 3
      channel = "phone"
      close_business_days = 5
      [[queue]]
      name = "mail"
      capacity_per_business_day = 3
      channel = "email"
      mode = "batch"

      """
    func read(_ text: String) throws -> (EscalationRule, String) {
      let file = try project(queue + text)
      let settings = OutreachSettings(
        project: file, timeZone: berlin, numeric: [], categorical: [])
      do { try file.check() } catch { return (settings.escalation, "\(error)") }
      return (settings.escalation, "")
    }
    let (rule, problem) = try read(
      "[escalation]\nnot_acknowledged = { owner = \"lead\" }\nnot_closed = { queue = \"calls\" }")
    #expect(problem == "" && rule.notAcknowledged == .owner("lead"))
    #expect(rule.notClosed == .queue("calls") && rule.batchQueues == ["mail"])
    for (text, word) in [
      ("not_acknowledged = { queue = \"cals\" }", "did you mean `calls`?"),
      ("not_acknowledged = { queue = \"mail\" }", "batch"),
      ("not_acknowledged = { queue = \"calls\", owner = \"x\" }", "one of them"),
      ("not_acknowledged = \"lead\"", "owner ="),
      ("not_aknowledged = { owner = \"x\" }", "not_ack"),
      ("not_closed = { owner = \"tacit\" }", "no person"),
    ] {
      let problem = try read("[escalation]\n" + text).1
      #expect(problem.contains(word), "\(text): \(problem)")
    }
  }
}
