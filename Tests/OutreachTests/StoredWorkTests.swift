import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

private let nine = monday.adding(seconds: 9 * 3600)
private let ten = monday.adding(seconds: 10 * 3600)
private let eleven = monday.adding(seconds: 11 * 3600)

/// What people do with cases, on every database.
@Suite(.serialized)
struct StoredWorkTests {
  /// Three open cases: a0, a1 and a2, all of one queue.
  private func opened(_ kind: StoreKind, webhooks: [String] = []) throws -> (
    place: StoreUnderTest, store: CaseStore
  )? {
    guard let place = try kind.fresh() else { return nil }
    let store = try place.store()
    let base = Base(10)
    _ = try store.publish(asOf: monday) { work in
      var night = base.night(settings(), work, at: monday)
      night.webhooks = webhooks
      return night
    }
    return (place, store)
  }

  @Test(arguments: StoreKind.allCases)
  func casesAreTakenInTheirOrderAndOnce(_ kind: StoreKind) throws {
    guard let (_, store) = try opened(kind) else { return }
    var taken: [String] = []
    while let open = try store.claim(by: "ann", at: nine, until: ten) {
      #expect(open.state.owner == "ann" && open.state.leaseUntil == ten)
      #expect(open.state.acknowledgedAt == nine)
      taken.append(open.account)
    }
    #expect(taken == ["a0", "a1", "a2"])
    #expect(try store.claim(by: "bob", queue: "none", at: nine, until: ten) == nil)
    #expect(try store.openWork(asOf: date("2026-03-03")).unclaimed.isEmpty)
    #expect(try store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func aLeaseThatEndedIsTakenByAnother(_ kind: StoreKind) throws {
    guard let (_, store) = try opened(kind) else { return }
    let first = try #require(try store.claim(by: "ann", queue: "calls", at: nine, until: ten))
    #expect(throws: OutreachError.self) {
      try store.claim(.number(first.number), by: "bob", at: ten.adding(seconds: -1), until: eleven)
    }
    let second = try store.claim(by: "bob", queue: "calls", at: ten, until: eleven)
    #expect(second?.number == first.number && second?.state.owner == "bob")
    #expect(second?.state.acknowledgedAt == nine)
    #expect(try store.actions(of: first.number).map(\.kind) == [.opened, .claimed, .claimed])
  }

  @Test(arguments: StoreKind.allCases)
  func whatIsSaidTwiceIsSaidOnce(_ kind: StoreKind) throws {
    let url = "https://desk.example/hook"
    guard let (place, store) = try opened(kind, webhooks: [url]) else { return }
    let steps = [
      Action(at: nine, kind: .attempted, actor: "ann"),
      Action(at: nine, kind: .noted, actor: "ann", note: "rang twice\u{202E} '; --"),
      Action(
        at: ten, kind: .answered, actor: "ann", detail: ["verdict": "detractor", "mode": "phone"]),
      Action(at: eleven, kind: .closed, actor: "ann", detail: ["outcome": "resolved"]),
    ]
    for step in steps.dropLast() {
      for _ in 0..<2 { _ = try store.act(.account("a1"), step, webhooks: [url]) }
    }
    let closed = try store.act(.account("a1"), steps[3], webhooks: [url])
    #expect(try store.act(.number(closed.number), steps[3], webhooks: [url]) == closed)
    let log = try store.actions(of: closed.number)
    #expect(log.map(\.kind) == [.opened, .attempted, .noted, .answered, .closed])
    #expect(log.map(\.number) == [1, 2, 3, 4, 5])
    #expect(log[2].note == steps[1].note)
    #expect(log[3].detail == steps[2].detail)
    #expect(Set(log.map(\.hash)).count == 5 && log.allSatisfy { $0.hash.utf8.count == 64 })
    #expect(closed.state.verdict == .detractor && closed.state.outcome == .resolved)
    #expect(try store.openCase(account: "a1") == nil)
    #expect(try store.cases(account: "a1") == [closed])
    // Three openings, one answer, one closing are told; trying and notes are not.
    #expect(try place.number("SELECT count(*) FROM outbox") == 5)
    let after = try store.openWork(asOf: date("2026-03-03"))
    let touch = try #require(after.touches[AccountKey("a1")])
    #expect(touch.last == nine && touch.count == 1)
    #expect(after.closed[AccountKey("a1")] == eleven)
    #expect(try store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func aStepOutOfOrderLeavesNothing(_ kind: StoreKind) throws {
    guard let (_, store) = try opened(kind) else { return }
    let before = try store.actions()
    let refused = #expect(throws: OutreachError.self) {
      try store.act(.account("a0"), Action(at: nine, kind: .resumed, actor: "ann"))
    }
    #expect(refused?.exitStatus == 64)
    let missing = #expect(throws: OutreachError.self) {
      try store.act(.number(99), Action(at: nine, kind: .noted, actor: "ann"))
    }
    #expect(missing?.exitStatus == 66)
    let nul = #expect(throws: OutreachError.self) {
      try store.act(.account("a0"), Action(at: nine, kind: .noted, actor: "ann", note: "a\u{0}b"))
    }
    #expect(nul?.exitStatus == 65)
    #expect(try store.actions() == before)
  }

  @Test(arguments: StoreKind.allCases)
  func aHoldKeepsAnAccountFromBeingCalled(_ kind: StoreKind) throws {
    guard let (_, store) = try opened(kind) else { return }
    try store.hold(
      Hold(account: "a0", kind: .bereavement, since: monday, until: nil), by: "ann")
    try store.hold(
      Hold(account: "a2", kind: .bereavement, since: monday, until: ten), by: "ann")
    #expect(throws: OutreachError.self) {
      try store.claim(.account("a2"), by: "bob", at: nine, until: ten)
    }
    // a0 is held back and closes; a1 is refused by the caller and closes; a2's hold has ended.
    let taken = try store.claim(by: "bob", at: ten, until: eleven) { $0 == "a1" }
    #expect(taken?.account == "a2")
    #expect(try store.cases(account: "a0").first?.state.outcome == .declined)
    #expect(try store.cases(account: "a1").first?.state.outcome == .declined)
    let holds = try store.openWork(asOf: eleven).holds
    #expect(holds[AccountKey("a0")]?.count == 1 && holds[AccountKey("a2")]?.count == 1)
    #expect(try store.lift(.bereavement, of: "a0"))
    #expect(try !store.lift(.bereavement, of: "a0"))
    #expect(try store.openWork(asOf: eleven).holds[AccountKey("a0")] == nil)
  }

  /// All three forms of a case, an experiment, its enrolments and an incident; then a second night
  /// in which a customer speaks whose case is open.
  @Test(arguments: StoreKind.allCases)
  func aNightWithEverythingComesBackAsItWent(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let store = try place.store()
    let base = Base(10) {
      "a\($0)"
    } record: {
      AccountRecord(account: "a\($0)", value: 0.1 + 0.2, segment: "ß", name: "Ω\($0)")
    }
    func voiced(_ account: String, at asOf: Instant) -> Case {
      Case(
        form: .voiced, account: account, queue: "calls", channel: "email", asOf: asOf,
        openedAt: asOf.adding(seconds: -7201), due: asOf.adding(days: 1),
        closeDue: asOf.adding(days: 3),
        voice: VoicedFeedback(
          kind: "complaint", at: asOf.adding(seconds: -9000), knownAt: asOf.adding(seconds: -7200),
          value: -1e-300, channel: "email"),
        record: AccountRecord(account: account, name: "V"))
    }
    let drawn = Case(
      form: .exploration, account: "x1", queue: "calls", channel: "phone", asOf: monday,
      openedAt: monday, due: monday.adding(days: 1), model: "m/1",
      score: score("x1", logit: -5e-324, probability: 0.1))
    let experiment = Experiment(
      seed: "spring ✓", starts: monday, ends: monday.adding(days: 90), holdout: 0.15, exploration: 2
    )
    let enrolled = [("a0", Enrolment.Arm.contact), ("x1", .exploration), ("h1", .holdout)].map {
      Enrolment(
        seed: experiment.seed, account: $0.0, arm: $0.1, asOf: monday, probability: 1.0 / 3,
        band: .top, queue: "calls")
    }
    let incident = Incident(
      asOf: monday, feature: "late_delivery.count.30d", accounts: 812, expected: 17.3, p: 1e-200)
    var wanted: [Case] = []
    let run = try #require(
      published(
        try store.publish(asOf: monday) { work in
          var night = base.night(settings(), work, at: monday)
          night.cases += [voiced("v1", at: monday), drawn]
          night.experiment = experiment
          night.enrolments = enrolled
          night.incidents = [incident]
          wanted = numbered(night.cases)
          return night
        }))
    #expect(run.flagged == 3 && run.voiced == 1 && run.explored == 1)
    #expect(try store.cases() == wanted)
    #expect(try store.cases(account: "v1") == [wanted[3]])
    #expect(try store.openCases().first?.account == "v1", "those who spoke come first")
    #expect(try store.experiments() == [experiment])
    #expect(try store.enrolments().map(\.account) == ["a0", "h1", "x1"])
    #expect(try Set(store.enrolments().map(\.arm)) == Set(Enrolment.Arm.allCases))
    #expect(try store.enrolments().allSatisfy { $0.probability == 1.0 / 3 })
    #expect(try store.incidents() == [incident])
    #expect(try store.leftAlone().map(\.account) == ["h1"])
    #expect(try store.firstCases().count == 5)

    _ = try store.act(
      .account("x1"),
      Action(at: nine, kind: .answered, actor: "ann", detail: ["verdict": "non-detractor"]))
    #expect(try store.levelAnswers().map(\.account) == ["x1"])

    // The same experiment and people again; a0 speaks, so that the case of the score gives way.
    let tuesday = date("2026-03-03")
    _ = try store.publish(asOf: tuesday) { work in
      #expect(work.accounts.count == 5 && work.lastRun == monday)
      #expect(work.enrolments[experiment.seed]?.count == 3)
      #expect(work.flaggedBefore == [3])
      #expect(work.firstReasons == [["late_delivery.count.30d": 3]])
      var night = base.night(settings(), work, at: tuesday)
      night.closings = [("a0", .overtaken), ("nobody", .cancelled)]
      night.cases.append(voiced("a0", at: tuesday))
      night.experiment = experiment
      night.enrolments = enrolled
      return night
    }
    #expect(try store.cases(account: "a0").map(\.form) == [.predicted, .voiced])
    #expect(try store.cases(account: "a0").first?.state.outcome == .overtaken)
    #expect(try store.openCase(account: "a0")?.form == .voiced)
    #expect(try store.enrolments().count == 3 && store.experiments().count == 1)
    #expect(try store.decisions(account: "a0").map(\.disposition) == [.flagged, .openCase])
    #expect(try store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func theLogIsOnlyAddedTo(_ kind: StoreKind) throws {
    guard let (place, store) = try opened(kind) else { return }
    for statement in ["UPDATE actions SET actor = 'eve'", "DELETE FROM actions WHERE number = 1"] {
      #expect(throws: (any Error).self) { try place.tamper(statement) }
    }
    #expect(try store.damagedCases().isEmpty)
  }

  /// Whoever changes a kept state or the log behind the triggers' back is found out.
  @Test(arguments: StoreKind.allCases)
  func whatWasTamperedWithIsFound(_ kind: StoreKind) throws {
    guard let (place, store) = try opened(kind) else { return }
    let claimed = try #require(try store.claim(by: "ann", at: nine, until: ten))
    let state = #"{"escalation":0,"pauses":[],"touches":7}"#
    try place.tamper("UPDATE cases SET state = '\(state)' WHERE id = 2")
    #expect(try store.damagedCases() == [2])
    switch kind {
    case .sqlite: try place.tamper("DROP TRIGGER actions_are_not_changed")
    case .postgres: try place.tamper("ALTER TABLE actions DISABLE TRIGGER actions_are_kept")
    }
    try place.tamper("UPDATE actions SET actor = 'bob' WHERE kind = 'claimed'")
    #expect(try store.damagedCases() == [claimed.number, 2])
  }

  @Test(arguments: StoreKind.allCases)
  func idsAreOrderedByTheirBytes(_ kind: StoreKind) throws {
    guard let store = try kind.fresh()?.store() else { return }
    let ids = ["b", "A", "a", "B", "ä", "~", "_", "1", " x", "é", "e\u{301}", "Z", "👩", "z"]
    let base = Base(ids.count, id: { ids[$0] })
    // All due at once, and all of one logit.
    let queues = [Queue(name: "calls", capacity: 99, channel: "phone")]
    _ = try store.publish(asOf: monday) { work in
      var night = base.night(settings(queues), work, at: monday)
      for place in night.cases.indices { night.cases[place].score?.logit = 1 }
      return night
    }
    let sorted = ids.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    #expect(try store.openCases().map(\.account) == sorted)
    #expect(try store.claim(by: "ann", at: nine, until: ten)?.account == sorted[0])
  }
}
