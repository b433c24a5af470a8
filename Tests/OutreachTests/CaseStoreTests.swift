import Detraction
import Foundation
import Histories
import Outreach
import Testing
import TestSupport

/// What holds on every database.
@Suite(.serialized)
struct CaseStoreTests {
  @Test(arguments: StoreKind.allCases)
  func aNightIsKeptAsItWas(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let base = Base(10) {
      "a\($0)"
    } record: {
      AccountRecord(
        account: "a\($0)", value: 1240.5, segment: "Plus", name: "N\($0)", doNotContact: $0 == 1)
    }
    let night = base.night(settings(), OpenWork(), at: monday)
    let run = try #require(published(try base.publish(try place.store(), settings())))
    #expect(run.flagged == 3 && run.decided == 4 && run.businessDay && run.cut == night.plan.cut)
    #expect(run.silent == 10 && run.accounts == 20)
    let store = try CaseStore(existing: place.place)
    #expect(try store.run(asOf: monday) == run)
    #expect(try store.openCases() == numbered(night.cases))
    #expect(try store.openCase(account: "a2") == numbered(night.cases)[1])
    #expect(try store.openCase(account: "a1") == nil)
    let decided = try store.dispositions(asOf: monday)
    #expect(decided.map(\.disposition) == [.flagged, .doNotContact])
    #expect(decided.map(\.count) == [3, 1])
  }

  @Test(arguments: StoreKind.allCases)
  func theSecondTimeChangesNothing(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let store = try place.store()
    let base = Base(10)
    let run = try #require(published(try base.publish(store, settings())))
    let cases = try store.openCases()
    let again = try store.publish(asOf: monday) { work in
      Issue.record("decided a night that is published")
      return base.night(settings(), work, at: monday)
    }
    #expect(again == .alreadyPublished(run))
    #expect(try store.openCases() == cases && store.runs() == [run])
  }

  @Test(arguments: StoreKind.allCases)
  func theNextNightSeesTheOpenCases(_ kind: StoreKind) throws {
    guard let store = try kind.fresh()?.store() else { return }
    let base = Base(10)
    try base.publish(store, settings())
    let work = try store.openWork(asOf: date("2026-03-03"))
    #expect(Set(work.accounts.keys) == Set(["a0", "a1", "a2"].map { AccountKey($0) }))
    #expect(work.unclaimed == ["calls": 3])
    let tuesday = date("2026-03-03")
    let more = settings([Queue(name: "calls", capacity: 5, channel: "phone")])
    let run = try #require(published(try base.publish(store, more, at: tuesday)))
    #expect(run.flagged == 2)
    #expect(try store.openCases().map(\.account) == ["a0", "a1", "a2", "a3", "a4"])
    #expect(
      try store.dispositions(asOf: tuesday).map { "\($0.disposition) \($0.count)" } == [
        "flagged 2", "openCase 3",
      ])
  }

  @Test(arguments: StoreKind.allCases)
  func anEarlierDateIsRefused(_ kind: StoreKind) throws {
    guard let store = try kind.fresh()?.store() else { return }
    let base = Base(10)
    try base.publish(store, settings())
    let before = try store.openCases()
    let error = #expect(throws: OutreachError.self) {
      try base.publish(store, settings(), at: date("2026-02-27"))
    }
    #expect(error?.exitStatus == 64)
    #expect(try store.openCases() == before)
    #expect(try store.run(asOf: date("2026-02-27")) == nil)
  }

  @Test(arguments: StoreKind.allCases)
  func whatFailsInsideLeavesNothing(_ kind: StoreKind) throws {
    struct Failure: Error {}
    guard let store = try kind.fresh()?.store() else { return }
    let base = Base(10)
    #expect(throws: Failure.self) {
      try store.publish(asOf: monday) { _ in throw Failure() }
    }
    // The same account twice breaks the index after the run's row and other rows are written.
    let twins = Base(10) { "a\($0 / 2)" }
    #expect(throws: OutreachError.self) { try twins.publish(store, settings()) }
    #expect(try store.run(asOf: monday) == nil && store.openCases().isEmpty)
    #expect(try store.dispositions(asOf: monday).isEmpty)
    #expect(published(try base.publish(store, settings()))?.flagged == 3)
  }

  @Test(arguments: StoreKind.allCases)
  func hostileTextComesBackAsItWent(_ kind: StoreKind) throws {
    guard let store = try kind.fresh()?.store() else { return }
    let texts = hostileTexts
    let many = settings([Queue(name: "Robert'); DROP TABLE cases;--", capacity: 99, channel: "x")])
    let base = Base(texts.count) {
      texts[$0]
    } record: {
      AccountRecord(account: texts[$0], segment: texts[$0], name: texts[$0])
    }
    try base.publish(store, many)
    let cases = try store.openCases()
    #expect(cases.map { Array($0.account.utf8) } == texts.map { Array($0.utf8) })
    for (open, text) in zip(cases, texts) {
      #expect(open.name.map { Array($0.utf8) } == Array(text.utf8))
      #expect(open.segment.map { Array($0.utf8) } == Array(text.utf8))
      #expect(try store.openCase(account: text) == open)
    }
    #expect(try store.openWork(asOf: date("2026-03-03")).accounts.count == texts.count)
  }

  @Test(arguments: StoreKind.allCases)
  func aNulIsRefused(_ kind: StoreKind) throws {
    guard let store = try kind.fresh()?.store() else { return }
    for (id, segment) in [("a\u{0}b", "n"), ("a", "n\u{0}")] {
      let base = Base(1) { _ in
        id
      } record: { _ in
        AccountRecord(account: id, segment: segment)
      }
      let error = #expect(throws: OutreachError.self) { try base.publish(store, settings()) }
      #expect(error?.exitStatus == 65 && error?.description.contains("NUL") == true)
    }
    #expect(try store.run(asOf: monday) == nil)
    #expect(try store.openCase(account: "a\u{0}") == nil)
  }

  @Test(arguments: StoreKind.allCases)
  func anotherRunHoldingTheStoreIsToldAndLeftAlone(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let store = try place.store()
    let base = Base(10)
    _ = try store.publish(asOf: monday) { work in
      let other = try place.store(patience: 0.05)
      let error = #expect(throws: OutreachError.self) { try base.publish(other, settings()) }
      #expect(error?.exitStatus == 75)
      return base.night(settings(), work, at: monday)
    }
    #expect(try store.openCases().count == 3)
  }

  @Test(arguments: StoreKind.allCases)
  func twentyThreadsAtOnceEndWithOneRun(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let base = Base(1000)
    let many = settings([Queue(name: "calls", capacity: 50, channel: "phone")])
    let runs = try atOnce(20) { _ in published(try base.publish(try place.store(), many)) }
    #expect(runs.count == 20 && runs.compactMap { $0 }.count == 1)
    #expect(try place.store().openCases().count == 50)
  }

  /// Not a measurement, a guard against an accidental square: some 30 ms on the machine of
  /// DESIGN 10.
  @Test(arguments: StoreKind.allCases)
  func aBaseOfTwoHundredThousandIsDecidedAtOnce(_ kind: StoreKind) throws {
    let base = Base(200_000) {
      "a\($0)"
    } record: {
      AccountRecord(account: "a\($0)", segment: $0 % 97 == 0 ? "key" : "other")
    }
    let queues = [
      Queue(name: "key", rule: QueueRule([.segment(["key"])]), capacity: 5000, channel: "phone"),
      Queue(name: "rest", capacity: 300, channel: "email"),
    ]
    guard let store = try kind.fresh()?.store() else { return }
    let clock = ContinuousClock()
    let time = try clock.measure { try base.publish(store, settings(queues)) }
    print("200,000 ranked accounts decided and published in \(time)")
    #expect(time < .seconds(5))
    #expect(try store.run(asOf: monday)?.flagged == 300 + 2062)
  }

}
