import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

struct PlanTests {
  @Test func theUnhappiestAreFlaggedUpToCapacity() {
    let plan = Base(10).plan(settings(), at: monday)
    #expect(plan.flagged.map(\.id) == ["a0", "a1", "a2"])
    #expect(plan.decisions.count == 3 && plan.cut == Base(10).ranking[2].logit)
  }

  @Test func equalLogitsAreOrderedByAccount() {
    var ranking = [3, 1, 2, 0].map {
      RankedAccount(account: $0, logit: 1, probability: 0.7, neverSpoken: true)
    }
    ranking.append(RankedAccount(account: 9, logit: 2, probability: 0.9, neverSpoken: true))
    #expect(ranking.sorted().map(\.account) == [9, 0, 1, 2, 3])
  }

  @Test func theFirstQueueThatFitsTakesTheAccountAndAFullOneDoesNotFallThrough() {
    let queues = [
      Queue(
        name: "key", rule: QueueRule([.segment(["key"])]), capacity: 1, channel: "phone"),
      Queue(name: "rest", capacity: 2, channel: "email"),
    ]
    let base = Base(6) { id in
      "a\(id)"
    } record: {
      AccountRecord(account: "a\($0)", segment: [0, 1, 3].contains($0) ? "key" : "other")
    }
    let plan = base.plan(settings(queues), at: monday)
    #expect(
      plan.decisions.map { "\($0.id) \($0.disposition.rawValue) \($0.queue?.name ?? "-")" } == [
        "a0 flagged key", "a1 no_capacity key", "a2 flagged rest", "a4 flagged rest",
      ])
  }

  @Test func rulesComeBeforeCapacityAndUseNone() {
    let base = Base(8) {
      "a\($0)"
    } record: {
      AccountRecord(account: "a\($0)", doNotContact: $0 == 1 || $0 == 7)
    }
    let work = OpenWork(accounts: [AccountKey("a0"): .predicted, AccountKey("a3"): .voiced])
    let plan = base.plan(settings(), work, at: monday)
    #expect(
      plan.decisions.map { "\($0.rank) \($0.id) \($0.disposition.rawValue)" } == [
        "1 a0 open_case", "2 a1 do_not_contact", "3 a2 flagged", "4 a3 open_case", "5 a4 flagged",
        "6 a5 flagged",
      ])
  }

  @Test func unclaimedCasesUseCapacity() {
    let base = Base(8)
    #expect(base.plan(settings(), OpenWork(unclaimed: ["calls": 2]), at: monday).flagged.count == 1)
    let full = base.plan(settings(), OpenWork(unclaimed: ["calls": 9]), at: monday)
    #expect(full.flagged.isEmpty && full.count(.noCapacity) == 3)
    #expect(base.plan(settings(), OpenWork(unclaimed: ["other": 9]), at: monday).flagged.count == 3)
  }

  @Test func noCaseOpensOnADayThatIsNoBusinessDay() {
    let base = Base(8)
    for day in ["2026-02-28", "2026-03-01"] {
      let plan = base.plan(settings(), at: date(day))
      #expect(plan.flagged.isEmpty && !plan.businessDay && plan.count(.noCapacity) == 3)
    }
    let holiday = settings(holidays: [berlin.date(of: monday)])
    #expect(base.plan(holiday, at: monday).flagged.isEmpty)
    // 23:30 UTC on Sunday is Monday in Berlin.
    #expect(base.plan(settings(), at: date("2026-03-01T23:30Z")).flagged.count == 3)
  }

  @Test func aNarrowQueueThatNeverFillsMakesFewRows() {
    let queues = [
      Queue(name: "key", rule: QueueRule([.segment(["key"])]), capacity: 20, channel: "phone"),
      Queue(name: "rest", capacity: 30, channel: "email"),
    ]
    let base = Base(50_000) {
      "a\($0)"
    } record: {
      AccountRecord(account: "", segment: $0 % 10_000 == 9_999 ? "key" : "other")
    }
    let plan = base.plan(settings(queues), at: monday)
    #expect(plan.flagged.count == 35)
    #expect(plan.count(.noCapacity) == 5 && plan.decisions.count == 40)
    #expect(plan.decisions.last?.id == "a49999")
  }

  @Test func nobodyToRankAndNoRoomAtAll() {
    #expect(Base(0).plan(settings(), at: monday).decisions.isEmpty)
    let none = settings([Queue(name: "q", capacity: 0, channel: "x")])
    let plan = Base(5).plan(none, at: monday)
    #expect(plan.decisions.isEmpty && plan.cut == nil)
  }

  @Test func attributesDecide() {
    let record = AccountRecord(
      account: "a", numeric: [12], categorical: ["Plus", nil], value: 50_000, segment: "key")
    func fits(_ condition: QueueRule.Condition) -> Bool { QueueRule([condition]).fits(record) }
    #expect(fits(.value(.init(atLeast: 50_000))) && !fits(.value(.init(above: 50_000))))
    #expect(fits(.value(.init(atMost: 50_000))) && !fits(.value(.init(below: 50_000))))
    #expect(fits(.numeric(0, .init(atLeast: 1, below: 13))))
    #expect(fits(.categorical(0, ["Basic", "Plus"])) && !fits(.categorical(0, ["plus"])))
    #expect(!fits(.categorical(1, [""])) && fits(.segment(["key"])))
    #expect(!QueueRule([.segment(["key"]), .value(.init(below: 1))]).fits(record))
    #expect(!QueueRule([.value(.init())]).fits(nil) && QueueRule().fits(nil))
  }

  /// Against the rules of DESIGN 5.8 written once more, queue by queue instead of account by
  /// account, over generated bases.
  @Test func agreesWithTheRulesReadQueueByQueue() {
    var chance = SplitMix64(5)
    for _ in 0..<400 {
      let segments = ["x", "y", "z"]
      let count = Int.random(in: 0...60, using: &chance)
      let records = (0..<count).map {
        AccountRecord(
          account: "a\($0)", segment: segments.randomElement(using: &chance),
          doNotContact: Int.random(in: 0..<5, using: &chance) == 0)
      }
      let base = Base(count) {
        "a\($0)"
      } record: {
        records[$0]
      }
      let queues = (0..<Int.random(in: 1...3, using: &chance)).map { number in
        Queue(
          name: "q\(number)",
          rule: QueueRule([.segment(segments.filter { _ in Bool.random(using: &chance) })]),
          capacity: Int.random(in: 0...20, using: &chance), channel: "c")
      }
      let open = Set((0..<count).filter { _ in Int.random(in: 0..<6, using: &chance) == 0 })
      let work = OpenWork(
        accounts: Dictionary(
          uniqueKeysWithValues: open.map { (AccountKey("a\($0)"), .predicted) }),
        unclaimed: ["q0": Int.random(in: 0...5, using: &chance)])
      let plan = base.plan(settings(queues), work, at: monday)

      var expected: Set<Int> = []
      var taken: Set<Int> = []
      for queue in queues {
        let fitting = (0..<count).filter { queue.rule.fits(records[$0]) && !taken.contains($0) }
        taken.formUnion(fitting)
        let free = max(0, queue.capacity - (work.unclaimed[queue.name] ?? 0))
        expected.formUnion(
          fitting.filter { !records[$0].doNotContact && !open.contains($0) }.prefix(free))
      }
      #expect(Set(plan.flagged.map { Int($0.account) }) == expected)
      // One decision for each account of the first C, and each account at most once, in order.
      let firsts = records.map { record in queues.firstIndex { $0.rule.fits(record) } }
      let capacity = queues.indices.reduce(0) { sum, queue in
        sum + min(queues[queue].capacity, firsts.count { $0 == queue })
      }
      #expect(plan.decisions.prefix(capacity).map(\.rank) == Array(1..<(capacity + 1)))
      #expect(zip(plan.decisions, plan.decisions.dropFirst()).allSatisfy { $0.rank < $1.rank })
      #expect(
        plan.decisions.dropFirst(capacity).allSatisfy {
          $0.disposition != .noQueue && $0.disposition != .noCapacity
        })
    }
  }
}
