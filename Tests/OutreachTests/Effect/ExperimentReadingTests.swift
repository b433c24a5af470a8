import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

struct ExperimentReadingTests {
  private static let outcome = OutcomeMeasure(
    name: "retention", measure: .happens(event: "order", wanted: true), horizonDays: 60)

  /// Arms as `decide` gives them on two nights, in bands by rank.
  private func enrolments(_ base: Base, _ seed: String, capacity: Int) -> [Enrolment] {
    var arms: [AccountKey: Enrolment.Arm] = [:]
    var enrolments: [Enrolment] = []
    for day in ["2026-03-02", "2026-03-03"] {
      let open = arms.filter { $0.value == .contact }.mapValues { _ in Case.Form.predicted }
      let plan = base.plan(
        LotTests.settings(seed, capacity: capacity),
        OpenWork(accounts: open, enrolments: [seed: arms]),
        at: date(day))
      for one in plan.decisions where arms[AccountKey(one.id)] == nil {
        let arm: Enrolment.Arm
        switch one.disposition {
        case .flagged: arm = .contact
        case .holdout: arm = .holdout
        default: continue
        }
        arms[AccountKey(one.id)] = arm
        let place = 10 * one.rank / base.ids.count
        enrolments.append(
          Enrolment(
            seed: seed, account: one.id, arm: arm, asOf: date(day), probability: one.probability,
            band: place < 1 ? .top : place < 3 ? .high : place < 6 ? .medium : .low,
            queue: "calls"))
      }
    }
    return enrolments
  }

  private static let shares: [Band: Double] = [.top: 0.5, .high: 0.6, .medium: 0.75, .low: 0.85]

  /// 1,000 experiments each with no effect, a help, a harm, and for sums with none and a help: the
  /// interval holds the truth in 95 of 100, by a binomial test at 1 in 1,000 (929 to 971 of 1,000).
  @Test func theIntervalCoversTheTruth() throws {
    let base = Base(420)
    var found: [String] = []
    for (isShare, effect) in [(true, 0.0), (true, 0.08), (true, -0.12), (false, 0), (false, 6)] {
      var chance = SplitMix64(77)
      let outcome =
        isShare
        ? Self.outcome
        : OutcomeMeasure(name: "spend", measure: .sum(event: "order"), horizonDays: 60)
      var (covered, shown) = (0, 0)
      for round in 0..<1000 {
        let seed = "round-\(round)"
        let experiment = LotTests.experiment(seed)
        let drawn = enrolments(base, seed, capacity: 170)
        let reading = ExperimentReading(
          experiment, outcome, drawn, asOf: date("2027-03-02")
        ) { one in
          let share = Self.shares[one.band]! + (isShare && one.arm == .contact ? effect : 0)
          let happened = Double.random(in: 0..<1, using: &chance) < share
          if isShare { return happened ? 1 : 0 }
          let spent = happened ? -30 * log(Double.random(in: 1e-12..<1, using: &chance)) : 0
          return spent + (one.arm == .contact ? effect : 0)
        }
        let overall = try #require(reading.overall)
        if overall.low <= effect && effect <= overall.high { covered += 1 }
        if overall.excludesNone { shown += 1 }
        #expect(drawn.count { $0.arm == .contact } > 320 && reading.state == .read)
      }
      found.append("\(isShare ? "share" : "sum") \(effect): \(covered) covered, \(shown) shown")
      #expect((929...971).contains(covered), "\(isShare) \(effect): \(covered)")
      if effect == 0 { #expect(shown == 1000 - covered) }
    }
    print("of 1,000 experiments: " + found.joined(separator: "; "))
  }

  private func enrolment(
    _ account: String, _ arm: Enrolment.Arm, _ day: String = "2026-03-02", band: Band = .top,
    seed: String = "s"
  ) -> Enrolment {
    Enrolment(
      seed: seed, account: account, arm: arm, asOf: date(day), probability: 0.5, band: band,
      queue: "calls")
  }

  private var experiment: Experiment {
    Experiment(
      seed: "s", starts: date("2026-03-01"), ends: date("2026-06-01"), holdout: 0.2,
      exploration: 0)
  }

  /// Before the last horizon is over nobody's outcome is even looked at.
  @Test func nothingIsReadBeforeItsDay() throws {
    let drawn = [
      enrolment("a", .contact), enrolment("b", .holdout), enrolment("c", .contact, "2026-05-20"),
      enrolment("d", .exploration), enrolment("e", .contact, seed: "other"),
      enrolment("f", .contact, "2026-05-29"),
    ]
    for day in ["2026-05-25", "2026-07-30"] {
      let reading = ExperimentReading(experiment, Self.outcome, drawn, asOf: date(day)) { _ in
        Issue.record("looked before the reading date")
        return nil
      }
      #expect(reading.state == .running && reading.overall == nil && reading.moreAccounts == nil)
      #expect(reading.readOn == date("2026-06-01").adding(days: 60))
      let isLate = day == "2026-07-30"
      #expect(
        (reading.contact.complete, reading.contact.running) == (isLate ? 3 : 1, isLate ? 0 : 1))
      #expect((reading.holdout.complete, reading.holdout.running) == (1, 0))
      #expect(reading.bands.allSatisfy { $0.difference == nil })
      let text = ExperimentText(zone: berlin).lines(reading).joined(separator: "\n")
      #expect(text.contains("nothing can be said yet: 2026-07-31 is when"))
      #expect(text.contains("\(isLate ? 4 : 2) of \(isLate ? 4 : 3) accounts have had theirs"))
      #expect(!text.contains("points"))
      let object = try #require(
        try JSONSerialization.jsonObject(with: JSONEncoder().encode(reading)) as? [String: Any])
      #expect(object["difference"] is NSNull && object["state"] as? String == "running")
    }
  }

  @Test func saysWhatItKnowsAndHowManyMore() throws {
    func reading(_ count: Int, _ held: Int, _ value: @escaping (Int) -> Double?) -> [String] {
      let drawn =
        (0..<count).map { enrolment("\($0)", .contact) }
        + (0..<held).map { enrolment("\($0)", .holdout, band: $0 < held / 2 ? .top : .low) }
      return ExperimentText(zone: berlin).lines(
        ExperimentReading(experiment, Self.outcome, drawn, asOf: date("2026-08-01")) {
          value(Int($0.account)! + ($0.arm == .holdout ? 1000 : 0))
        })
    }
    #expect(
      reading(30, 4) { _ in 1 } == [
        "retention (order within 60 days)",
        "  nothing can be said: 30 contacted and 4 left alone are too few; 16 more accounts",
      ])
    let shown = reading(400, 100) { $0 < 1000 ? ($0 < 320 ? 1 : 0) : ($0 < 1050 ? 1 : 0) }
    #expect(
      shown[1].hasPrefix("  80.0 % of the contacted, 50.0 % of those left alone: +30.0 points"))
    #expect(
      shown.count == 4 && shown[2].contains("band top") && shown[3].contains("too few to say"))
    let unclear = reading(400, 100) { $0 < 1000 ? ($0 < 204 ? 1 : 0) : ($0 < 1050 ? 1 : 0) }
    #expect(unclear[2].contains("no effect is shown: to tell a difference as small as this"))
    let gone = reading(40, 20) { $0 % 10 == 0 ? nil : 1 }
    #expect(gone.last == "  6 accounts have no history any more: not counted")
  }

  @Test func theFirstNightSaysWhatCanBeSeen() throws {
    let seen = try #require(
      DetectableDifference(contacts: 1890, holdout: 0.15, among: 100_000, variance: 0.16))
    #expect(
      ExperimentText.plan(
        seen, callsPerDay: 30, holdout: 0.15, days: 90, outcome: nil, baseline: "if a fifth leave")
        == "at 30 calls a day and 15 % held out you can see a difference of 6.7 points after a "
        + "quarter (1,890 contacted, 334 left alone; if a fifth leave)")
  }

  @Test func outcomesAreReadFromTheProjectFile() throws {
    let file = try project(
      """
      [[outcome]]
      name = "retention"
      event = "order"
      horizon_days = 90
      [[outcome]]
      name = "stays"
      event = "cancellation"
      happens = false
      horizon_days = 60
      [[outcome]]
      name = "spend"
      event = "order"
      sum = true
      horizon_days = 30
      [[outcome]]
      name = "score"
      feedback = "negative"
      horizon_days = 120
      """)
    let outcomes = OutcomeMeasure.all(project: file, hasFeedback: true)
    try file.check()
    #expect(
      outcomes == [
        OutcomeMeasure(
          name: "retention", measure: .happens(event: "order", wanted: true), horizonDays: 90),
        OutcomeMeasure(
          name: "stays", measure: .happens(event: "cancellation", wanted: false), horizonDays: 60),
        OutcomeMeasure(name: "spend", measure: .sum(event: "order"), horizonDays: 30),
        OutcomeMeasure(name: "score", measure: .nextFeedback, horizonDays: 120),
      ])
    #expect(outcomes[1].words == "no cancellation within 60 days")
  }

  @Test func everyProblemOfAnOutcomeIsTold() throws {
    let file = try project(
      """
      [[outcome]]
      name = "a"
      event = "order"
      [[outcome]]
      name = "a"
      evnt = "order"
      horizon_days = 5
      [[outcome]]
      name = "b"
      event = "order"
      happens = true
      sum = true
      horizon_days = 5
      [[outcome]]
      name = "b"
      event = "order"
      feedback = "negative"
      horizon_days = 0
      [[outcome]]
      name = "b"
      feedback = "positive"
      happens = true
      horizon_days = 9
      [[outcome]]
      name = "c"
      feedback = "negative"
      horizon_days = 9
      """)
    _ = OutcomeMeasure.all(project: file, hasFeedback: false)
    let error = #expect(throws: HistoriesError.self) { try file.check() }
    guard case .projectFile(_, let problems) = error else { return }
    for part in [
      "`horizon_days` is missing", "did you mean `event`?", "`happens` or `sum`, not both",
      "an outcome has an `event`", "`horizon_days` is 0, expected 1 to 1000",
      "`feedback` is \"positive\"", "goes with `event`", "needs [feedback]",
    ] { #expect(problems.contains { $0.contains(part) }, "\(part)") }
  }
}
