import Detraction
import Foundation
import Histories
import Outreach
import Testing
import TestSupport

/// What removes an account before capacity, what the lot decides, and what contact is worth.
struct PolicyTests {
  private let queues = [Queue(name: "calls", capacity: 3, channel: "phone")]
  private func experiment(
    holdout: Double, exploration: Int = 0, seed: String = "2026-1"
  ) -> Experiment {
    Experiment(
      seed: seed, starts: date("2026-03-01"), ends: date("2026-06-01"), holdout: holdout,
      exploration: exploration)
  }
  private func settings(
    _ experiment: Experiment? = nil, policy: ContactPolicy = ContactPolicy(),
    queues: [Queue]? = nil
  ) -> OutreachSettings {
    OutreachSettings(
      queues: queues ?? self.queues, calendar: BusinessCalendar(zone: berlin), policy: policy,
      experiment: experiment, store: .file("tacit.sqlite"))
  }

  @Test func whatRemovesComesBeforeCapacityAndSaysWhy() {
    let base = Base(12)
    func hold(_ kind: Hold.Kind, until: Instant? = nil) -> [Hold] {
      [Hold(account: "x", kind: kind, since: date("2026-02-01"), until: until)]
    }
    let lately = date("2026-02-20")
    let work = OpenWork(
      accounts: [AccountKey("a0"): .voiced],
      touches: [
        AccountKey("a1"): (lately, 1), AccountKey("a2"): (date("2026-01-01"), 3),
        AccountKey("a3"): (date("2026-01-01"), 2),
      ], closed: [AccountKey("a4"): lately],
      holds: [
        AccountKey("a5"): hold(.legal), AccountKey("a6"): hold(.snooze),
        AccountKey("a7"): hold(.complaint), AccountKey("a8"): hold(.optOut),
        AccountKey("a9"): hold(.bereavement, until: date("2026-03-01")),
      ])
    let plan = base.plan(settings(), work, at: monday)
    let found = Dictionary(uniqueKeysWithValues: plan.decisions.map { ($0.id, $0.disposition) })
    #expect(found["a0"] == .openCase && found["a1"] == .coolingDown)
    #expect(found["a2"] == .yearlyMaximum && found["a4"] == .coolingDown)
    #expect(found["a5"] == .onHold && found["a6"] == .snoozed)
    #expect(found["a7"] == .openComplaint && found["a8"] == .doNotContact)
    #expect(plan.flagged.map(\.id) == ["a3", "a9", "a10"], "a hold that is over holds nothing")
  }

  @Test func theHoldoutIsDecidedWhereItWouldHaveBeenFlaggedAndUsesNoPlace() {
    let base = Base(2000)
    let ten = [Queue(name: "calls", capacity: 100, channel: "phone")]
    let plan = base.plan(settings(experiment(holdout: 0.3), queues: ten), at: monday)
    #expect(plan.flagged.count == 100)
    let held = plan.decided(.holdout)
    let lot = OutreachLot(seed: "2026-1")
    // Down to the last that is flagged, all and only those of the lot are left alone.
    let last = plan.flagged.map(\.rank).max()!
    let drawn = (0..<last).filter { lot.isHeldOut("a\($0)", share: 0.3) }.map { "a\($0)" }
    #expect(Set(held.map(\.id)) == Set(drawn))
    #expect(held.count > 20 && held.count < 70)
    // The next night: once left alone is left alone, whatever the order now.
    let again = OpenWork(
      enrolments: [
        "2026-1": Dictionary(uniqueKeysWithValues: held.map { (AccountKey($0.id), .holdout) })
      ])
    let next = base.plan(
      settings(experiment(holdout: 0.3), queues: ten), again, at: date("2026-03-03"))
    #expect(Set(next.decided(.holdout).map(\.id)) == Set(drawn))
    // After the experiment nobody is; nor in a queue that is exempt.
    let over = base.plan(
      settings(experiment(holdout: 0.3), queues: ten), again, at: date("2026-06-01"))
    #expect(over.decided(.holdout).isEmpty)
    var exempt = ten
    exempt[0].holdout = false
    let strategic = base.plan(settings(experiment(holdout: 0.3), queues: exempt), at: monday)
    #expect(strategic.decided(.holdout).isEmpty && strategic.flagged.count == 100)
  }

  @Test func explorationKnowsNoScoreAndTakesNoPlace() {
    let base = Base(3000)
    let plan = base.plan(settings(experiment(holdout: 0.2, exploration: 40)), at: monday)
    let drawn = plan.decided(.exploration)
    #expect(drawn.count == 40 && plan.flagged.count == 3)
    let mean = drawn.map { Double($0.rank) }.reduce(0, +) / 40
    // The mean place of 40 of 3,000: 1,500 with a deviation of 137.
    #expect(abs(mean - 1500) < 550)
    // Another order of the same accounts draws the same; who was drawn is not drawn again.
    var turned = base
    turned.ranking = base.ranking.reversed()
    let other = turned.plan(settings(experiment(holdout: 0.2, exploration: 40)), at: monday)
    #expect(Set(other.decided(.exploration).map(\.id)) == Set(drawn.map(\.id)))
    let after = OpenWork(
      enrolments: [
        "2026-1": Dictionary(uniqueKeysWithValues: drawn.map { (AccountKey($0.id), .exploration) })
      ])
    let next = base.plan(
      settings(experiment(holdout: 0.2, exploration: 40)), after, at: date("2026-03-03"))
    #expect(Set(next.decided(.exploration).map(\.id)).isDisjoint(with: drawn.map(\.id)))
    #expect(
      base.plan(settings(experiment(holdout: 0.2, exploration: 40)), at: date("2026-03-01"))
        .decided(.exploration).isEmpty, "a Sunday")
  }

  @Test func theLotHangsOnSeedAndAccountAlone() {
    let ids = (0..<20_000).map { "a\($0)" }
    let (one, two) = (OutreachLot(seed: "2026-1"), OutreachLot(seed: "2026-2"))
    let first = ids.map { one.isHeldOut($0, share: 0.15) }
    let second = ids.map { two.isHeldOut($0, share: 0.15) }
    let share = Double(first.count { $0 }) / 20_000
    #expect(abs(share - 0.15) < 0.01)
    let both = Double(zip(first, second).count { $0 && $1 }) / 20_000
    #expect(abs(both - 0.0225) < 0.005, "another seed is another lot")
    #expect(ids.reversed().map { one.isHeldOut($0, share: 0.15) } == first.reversed())
  }

  @Test func expectedValueOrdersAndRefusesWhatCostsMoreThanItBrings() {
    // The unhappiest is worth nothing, the third most.
    let worth = [0.0, 10, 10_000, 100, 5_000]
    let base = Base(5) {
      "a\($0)"
    } record: {
      AccountRecord(account: "a\($0)", value: worth[$0])
    }
    let queue = [
      Queue(name: "calls", capacity: 4, channel: "phone", cost: 8, minutes: 10)
    ]
    let plan = base.plan(
      settings(policy: ContactPolicy(effect: 0.1), queues: queue), at: monday)
    #expect(plan.flagged.map(\.id).first == "a2")
    let p = base.ranking.map(\.probability)
    let value = (0..<5).map { (p[$0] * worth[$0] * 0.1 - 8) / 10 }
    let expected = (0..<5).filter { value[$0] > 0 }.sorted { value[$0] > value[$1] }
    #expect(plan.flagged.map(\.id) == expected.map { "a\($0)" })
    #expect(plan.decided(.notWorthIt).map(\.id).contains("a0"))
  }

  /// Against the tail summed by exact counting.
  @Test func aSurgeIsOneIncidentAndChanceIsNone() {
    let night = ["late": 5, "bills": 15, "quiet": 10]
    let usual = Array(repeating: night, count: 20)
    func tonight(_ late: Int) -> [String] {
      Array(repeating: "late", count: late) + Array(repeating: "bills", count: 30 - late)
    }
    #expect(surges(tonight(8), before: usual, asOf: monday).isEmpty)
    let found = surges(tonight(20), before: usual, asOf: monday)
    #expect(found.map(\.feature) == ["late"] && found[0].accounts == 20)
    #expect(abs(found[0].expected - 5) < 0.1 && found[0].p < 1e-6)
    #expect(
      surges(tonight(20), before: Array(usual.prefix(4)), asOf: monday).isEmpty, "too few nights")
    // Nights drawn from the usual shares hardly ever are one.
    var random = SplitMix64(5)
    var alarms = 0
    for _ in 0..<2000 {
      let drawn = (0..<30).map { _ -> String in
        let u = random.below(30)
        return u < 5 ? "late" : u < 20 ? "bills" : "quiet"
      }
      if !surges(drawn, before: usual, asOf: monday).isEmpty { alarms += 1 }
    }
    #expect(alarms <= 8, "0.001 of 2,000 are 2")
  }
}

/// The work on a case as a log, and the state that follows from it.
struct WorkedCaseTests {
  private func store() throws -> CaseStore {
    let path = try temporaryFolder().appendingPathComponent("tacit.sqlite").path
    let store = try CaseStore(path: path)
    try Base(10).publish(store, settings())
    return store
  }
  private let nine = date("2026-03-02T09:00")
  private let ten = date("2026-03-02T10:00")
  private let one = date("2026-03-02T13:00")

  @Test func claimsPassOnAndLeasesEnd() throws {
    let store = try store()
    let first = try #require(try store.claim(by: "anna", at: nine, until: one))
    let second = try #require(try store.claim(by: "ben", at: nine, until: ten))
    #expect(first.account == "a0" && second.account == "a1")
    #expect(first.state.owner == "anna" && first.state.acknowledgedAt == nine)
    #expect(throws: OutreachError.self, "held by another") {
      try store.act(.account("a0"), Action(at: ten, kind: .attempted, actor: "ben"))
    }
    // Ben's hour is over; Anna's is not.
    let again = try #require(try store.claim(by: "carl", at: ten, until: one))
    #expect(again.account == "a1" && again.state.owner == "carl")
    #expect(try store.claim(by: "dora", at: ten, until: one)?.account == "a2")
    #expect(try store.claim(by: "emil", at: ten, until: one) == nil)
    #expect(try store.damagedCases().isEmpty)
    #expect(try store.openWork(asOf: date("2026-03-03")).unclaimed.isEmpty)
  }

  @Test func whoMustNotBeContactedIsPassedOver() throws {
    let store = try store()
    try store.hold(
      Hold(account: "a0", kind: .bereavement, since: nine, until: nil), by: "anna")
    let taken = try #require(
      try store.claim(by: "anna", at: ten, until: one, refused: { $0 == "a1" }))
    #expect(taken.account == "a2")
    #expect(try store.cases(account: "a0")[0].state.outcome == .declined)
    #expect(try store.lift(.bereavement, of: "a0") && !store.lift(.bereavement, of: "a0"))
  }

  @Test func theStateFollowsFromTheLog() throws {
    let store = try store()
    func act(_ kind: Action.Kind, _ at: Instant, _ detail: [String: String] = [:]) throws -> Case {
      try store.act(
        .account("a0"), Action(at: at, kind: kind, actor: "anna", detail: detail, note: "secret"))
    }
    _ = try act(.attempted, nine)
    _ = try act(.reached, ten)
    _ = try act(.answered, ten, ["verdict": "detractor", "mode": "phone"])
    _ = try act(.waiting, ten)
    #expect(throws: OutreachError.self, "waits already") { try act(.waiting, one) }
    let waited = try act(.resumed, one)
    #expect(waited.state.touches == 2 && waited.state.verdict == .detractor)
    #expect(waited.state.pauses.map(\.from) == [ten] && waited.state.pauses.map(\.to) == [one])
    // Saying it twice is saying it once.
    #expect(try act(.resumed, one).state == waited.state)
    _ = try act(.closed, one, ["outcome": "resolved"])
    #expect(try store.openCase(account: "a0") == nil)
    #expect(throws: OutreachError.self, "closed") {
      try store.act(.number(1), Action(at: one, kind: .noted, actor: "anna"))
    }
    let log = try store.actions(of: 1)
    #expect(
      log.map(\.kind) == [.opened, .attempted, .reached, .answered, .waiting, .resumed, .closed])
    #expect(log.map(\.number) == Array(1...7))
    #expect(Set(log.map(\.hash)).count == 7)
    #expect(try store.damagedCases().isEmpty)
    let touches = try store.openWork(asOf: date("2026-03-03")).touches
    #expect(touches[AccountKey("a0")]?.count == 2)
  }

  @Test func answersOfThoseDrawnByLotAreTheLevelsAndOpinionsAreNone() throws {
    let path = try temporaryFolder().appendingPathComponent("tacit.sqlite").path
    let store = try CaseStore(path: path)
    let base = Base(10)
    let many = settings([Queue(name: "calls", capacity: 4, channel: "phone")])
    _ = try store.publish(asOf: monday) { work in
      var night = base.night(many, work, at: monday)
      for index in 0..<3 { night.cases[index].form = .exploration }
      night.plan.decisions = night.plan.decisions.filter { $0.id == "a3" }
      return night
    }
    func act(_ account: String, _ kind: Action.Kind, _ detail: [String: String]) throws {
      _ = try store.act(
        .account(account), Action(at: ten, kind: kind, actor: "anna", detail: detail))
    }
    try act("a0", .answered, ["verdict": "non-detractor", "mode": "phone"])
    try act("a1", .opinion, ["view": "not at risk"])
    try act("a2", .closed, ["outcome": "unreached"])
    try act("a3", .answered, ["verdict": "detractor", "mode": "phone"])
    let level = try store.levelAnswers()
    #expect(level.map(\.account) == ["a0", "a2"])
    #expect(level.map(\.outcome) == [.nonDetractor, .unreached])
  }
}
