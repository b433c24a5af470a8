import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// The lot of DESIGN 5.14, through `decide`.
struct LotTests {
  static func experiment(_ seed: String, holdout: Double = 0.15) -> Experiment {
    Experiment(
      seed: seed, starts: date("2026-01-01"), ends: date("2026-12-31"), holdout: holdout,
      exploration: 0)
  }

  static func settings(
    _ seed: String?, capacity: Int, holdout: Double = 0.15, exempt: Bool = false
  ) -> OutreachSettings {
    OutreachSettings(
      queues: [
        Queue(name: "calls", capacity: capacity, channel: "phone", holdout: !exempt)
      ],
      calendar: BusinessCalendar(zone: berlin, holidays: []),
      experiment: seed.map { experiment($0, holdout: holdout) }, store: .file("tacit.sqlite"))
  }

  private func heldOut(_ plan: Plan) -> Set<String> { Set(plan.decided(.holdout).map(\.id)) }

  @Test func isTheSameOnAnyNightInAnyOrderAndAnySubset() {
    let base = Base(4000)
    let settings = Self.settings("spring", capacity: 4000)
    let first = heldOut(base.plan(settings, at: monday))
    #expect(first.count > 450 && first.count < 750)
    #expect(heldOut(base.plan(settings, at: date("2026-09-15"))) == first)
    var turned = base
    turned.ids.reverse()
    #expect(heldOut(turned.plan(settings, at: monday)) == first)
    var part = base
    part.ranking = base.ranking.filter { $0.account % 3 == 0 }
    let some = heldOut(part.plan(settings, at: monday))
    #expect(some == first.filter { Int($0.dropFirst())! % 3 == 0 })
    // Another seed is another lot, as good as independent: 600 of 4,000 each, 90 in both.
    let other = heldOut(base.plan(Self.settings("summer", capacity: 4000), at: monday))
    let both = Double(first.intersection(other).count)
    #expect(other != first && abs(both - 4000 * 0.0225) < 4 * (4000 * 0.0225 * 0.9775).squareRoot())
  }

  /// 100,000 accounts in 4 bands by 5 segments: the held-out of each cell are binomial, so the sum of
  /// squares is chi-square with 20 degrees of freedom (99.9 %: 45.3; 0.1 %: 5.9).
  @Test func isBalancedOverBandsAndSegments() {
    let count = 100_000
    let base = Base(count) { "customer-\($0)" }
    for seed in ["2026-q1", "2026-q2", "another"] {
      let plan = base.plan(Self.settings(seed, capacity: count), at: monday)
      var held = [Int](repeating: 0, count: 20)
      for one in plan.decided(.holdout) {
        held[(one.rank - 1) / 25_000 * 5 + Int(one.account) % 5] += 1
      }
      let expected = 5000 * 0.15
      let chi = held.reduce(0.0) {
        $0 + (Double($1) - expected) * (Double($1) - expected) / (expected * 0.85)
      }
      #expect(chi < 45.3 && chi > 5.9, "\(seed): \(chi)")
    }
  }

  /// Who is held out does not depend on capacity, and takes no place of it.
  @Test func isDrawnBeforeCapacityAndUsesNone() {
    let base = Base(2000)
    let all = heldOut(base.plan(Self.settings("s", capacity: 2000), at: monday))
    for capacity in [1, 7, 50, 400] {
      let plan = base.plan(Self.settings("s", capacity: capacity), at: monday)
      #expect(plan.flagged.count == capacity)
      let reached = plan.flagged.map(\.rank).max() ?? 0
      let held = heldOut(plan)
      #expect(held == all.intersection(base.ids.prefix(reached)))
      #expect(
        Set(plan.flagged.map(\.id)) == Set(base.ids.prefix(reached)).subtracting(all))
    }
  }

  @Test func exemptQueuesAreNeverInIt() {
    let base = Base(3000)
    let exempt = base.plan(Self.settings("s", capacity: 3000, exempt: true), at: monday)
    #expect(exempt.count(.holdout) == 0 && exempt.flagged.count == 3000)
    let none = base.plan(Self.settings("s", capacity: 3000, holdout: 0), at: monday)
    #expect(none.count(.holdout) == 0)
    // Nor is anybody before the experiment starts or after it has ended.
    for day in ["2025-12-31", "2026-12-31", "2027-03-01"] {
      let plan = base.plan(Self.settings("s", capacity: 3000), at: date(day))
      #expect(plan.count(.holdout) == 0)
    }
  }

  /// The arm that an account was given stays, whatever the share becomes; the store keeps the first.
  @Test func isSettledOnce() throws {
    let base = Base(500)
    let first = base.plan(Self.settings("s", capacity: 500), at: monday)
    let arms = Dictionary(
      uniqueKeysWithValues: first.decisions.map {
        (AccountKey($0.id), $0.disposition == .holdout ? Enrolment.Arm.holdout : .contact)
      })
    let work = OpenWork(enrolments: ["s": arms])
    for share in [0.0, 0.5] {
      let again = base.plan(Self.settings("s", capacity: 500, holdout: share), work, at: monday)
      #expect(heldOut(again) == heldOut(first))
    }
    let store = try CaseStore(
      path: try temporaryFolder().appendingPathComponent("tacit.sqlite").path)
    func enrolment(_ arm: Enrolment.Arm, _ asOf: Instant) -> Enrolment {
      Enrolment(
        seed: "s", account: "a0", arm: arm, asOf: asOf, probability: 0.5, band: .top,
        queue: "calls")
    }
    for (arm, day) in [(Enrolment.Arm.holdout, "2026-03-02"), (.contact, "2026-03-03")] {
      _ = try store.publish(asOf: date(day)) { work in
        var night = base.night(Self.settings(nil, capacity: 0), work, at: date(day))
        night.experiment = Self.experiment("s")
        night.enrolments = [enrolment(arm, date(day))]
        return night
      }
    }
    #expect(try store.enrolments() == [enrolment(.holdout, date("2026-03-02"))])
    #expect(try store.openWork(asOf: date("2026-03-04")).enrolments["s"]?.count == 1)
  }
}
