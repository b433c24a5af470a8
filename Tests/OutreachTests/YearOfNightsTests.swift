import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// Nights with a team at work between them: the store grows by what happened.
///
/// With TACIT_YEAR_STORE set to a path it is there that a year is put, of the accounts that stand at the
/// top of the score file TACIT_YEAR_SCORES; benchmarks/nights.py has the next night run on it.
@Suite(.serialized)
struct YearOfNightsTests {
  /// A queue that fills, and one that soon never does because few fit it: those whom it contacted of late
  /// and those who must not be contacted are not written down night after night.
  @Test(arguments: StoreKind.allCases)
  func rowsGrowByWhatHappened(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let store = try place.store()
    var year = Year(ids: (0..<1000).map { "a\($0)" }, capacity: 8)
    year.experiment = Experiment(
      seed: "winter", starts: monday, ends: monday.adding(days: 365), holdout: 0.3, exploration: 1)
    let nights = 25
    try year.play(nights, on: store, from: monday)
    func count(_ what: String) throws -> Int {
      try place.number("SELECT count(*) FROM \(what)") ?? 0
    }
    let (cases, decisions) = (try count("cases"), try count("decisions"))
    #expect(cases > 80)
    // Two C a night above the cut, and for each account what became of it: a case, cooling down, again.
    let heldOut = try count("enrolments WHERE arm = 'holdout'")
    #expect(heldOut > 20)
    #expect(
      decisions < 2 * 8 * nights + 3 * cases + heldOut,
      "\(decisions) decisions, \(cases) cases, \(heldOut) left alone")
    // What is not written again is still known: a strategic account of the first night cools down.
    let first = try #require(try store.cases().first { $0.queue == "strategic" })
    let told = try store.decisions(account: first.account).map(\.disposition)
    #expect(told.first == .flagged && told.contains(.coolingDown))
    #expect(try store.damagedCases().isEmpty)
  }

  @Test func aYearForTheBenchmark() throws {
    let environment = ProcessInfo.processInfo.environment
    guard let path = environment["TACIT_YEAR_STORE"], let scores = environment["TACIT_YEAR_SCORES"],
      let model = environment["TACIT_YEAR_MODEL"]
    else { return }
    let end = date("2026-03-03")
    let ids = try String(contentsOfFile: scores, encoding: .utf8)
      .split(separator: "\n").map(String.init)
    let store = try CaseStore(path: path)
    var year = Year(ids: ids, capacity: Int(environment["TACIT_YEAR_CAPACITY"] ?? "") ?? 600)
    year.model = model
    year.scores = environment["TACIT_YEAR_FILE"] ?? year.scores
    year.experiment = Experiment(
      seed: "winter", starts: date("2025-03-01"), ends: date("2027-03-01"), holdout: 0.15,
      exploration: 20)
    try year.play(365, on: store, from: end.adding(days: -365)) { night, seconds in
      guard night % 30 == 0 || night == 364 else { return }
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
      print("night \(night + 1): \(size) bytes, published in \(seconds) s")
    }
  }
}

/// Nights and the work between them, the same whenever they are played.
private struct Year {
  /// In the order of a base's ranking.
  var ids: [String]
  var capacity: Int
  var model = "sample/2026-03-01-0a1b2c3d"
  var scores = "runs/2026-03-02/scores.csv"
  var experiment: Experiment?
  private var chance = SplitMix64(20_260_302)
  /// Cases that stand open, with the day they are to be closed on.
  private var open: [(number: Int64, closes: Int)] = []

  init(ids: [String], capacity: Int) {
    self.ids = ids
    self.capacity = capacity
  }

  mutating func play(
    _ nights: Int, on store: CaseStore, from start: Instant,
    each: (Int, Double) throws -> Void = { _, _ in }
  ) throws {
    for night in 0..<nights {
      let asOf = start.adding(days: night)
      var publication: Publication?
      let ranking = ranked(night)
      let took = try ContinuousClock().measure {
        publication = try store.publish(asOf: asOf) { decided($0, ranking, at: asOf) }
      }
      try each(night, took / .seconds(1))
      guard case .published = publication else { continue }
      try work(on: store, night, asOf)
    }
  }

  /// Scores move a little from week to week.
  private func ranked(_ night: Int) -> [RankedAccount] {
    var noise = SplitMix64(UInt64(night / 7))
    return ids.indices.map { index in
      let logit = 3 - 6 * Double(index) / Double(ids.count) + 0.2 * (noise.uniform() - 0.5)
      return RankedAccount(
        account: Int32(index), logit: logit, probability: 1 / (1 + exp(-logit)), neverSpoken: false)
    }.sorted()
  }

  /// Every fortieth account must not be contacted; every fiftieth is of the queue that never fills.
  private func record(_ account: Int32) -> AccountRecord? {
    AccountRecord(
      account: ids[Int(account)], segment: account % 50 == 0 ? "strategic" : "small",
      doNotContact: account % 40 == 39)
  }

  private func decided(
    _ work: OpenWork, _ ranking: [RankedAccount], at asOf: Instant
  ) -> Night {
    var settings = settings([
      Queue(
        name: "strategic", rule: QueueRule([.segment(["strategic"])]),
        capacity: capacity / 6 + 1, channel: "phone"),
      Queue(name: "everyone", capacity: capacity - capacity / 6 - 1, channel: "email"),
    ])
    settings.experiment = experiment
    let plan = decide(
      ranking, asOf: asOf, settings: settings, work: work, id: { ids[Int($0)] },
      record: { record($0) })
    let chosen = plan.decisions.filter {
      [.flagged, .exploration, .holdout].contains($0.disposition)
    }
    let arms = experiment.flatMap { work.enrolments[$0.seed] } ?? [:]
    return Night(
      facts: RunFacts(
        model: model, scoresPath: scores, scoresSHA256: String(repeating: "0f", count: 32),
        tacitVersion: "0.1.0", accounts: ids.count, silent: ids.count),
      plan: plan,
      cases: chosen.filter { $0.disposition != .holdout }.compactMap { one in
        guard let queue = one.queue else { return nil }
        return Case(
          form: one.disposition == .flagged ? .predicted : .exploration, account: one.id,
          queue: queue.name, channel: queue.channel, asOf: asOf, openedAt: asOf,
          due: settings.calendar.due(opened: asOf, businessDays: 1), model: model,
          score: score(one.id, logit: one.logit, probability: one.probability),
          exemplars: [
            Exemplar(account: "k1", distance: 0.41), Exemplar(account: "k2", distance: 1),
          ], record: record(one.account))
      },
      experiment: chosen.isEmpty ? nil : experiment,
      enrolments: chosen.compactMap { one in
        guard let experiment, let queue = one.queue, arms[AccountKey(one.id)] == nil
        else { return nil }
        return Enrolment(
          seed: experiment.seed, account: one.id,
          arm: one.disposition == .holdout
            ? .holdout : one.disposition == .exploration ? .exploration : .contact,
          asOf: asOf, probability: one.probability, band: .top, queue: queue.name)
      })
  }

  /// A day at the desk: all but a few cases are claimed and contacted, half of those contacted answer, and
  /// what is claimed closes within ten days.
  private mutating func work(on store: CaseStore, _ night: Int, _ asOf: Instant) throws {
    let nine = asOf.adding(seconds: 9 * 3600)
    let fortnight = asOf.adding(days: 14)
    let closing = open.filter { $0.closes <= night }
    open.removeAll { $0.closes <= night }
    for (number, _) in closing {
      _ = try store.act(
        .number(number),
        Action(at: nine, kind: .closed, actor: "ann", detail: ["outcome": "resolved"]))
    }
    for queue in ["strategic", "everyone"] {
      while chance.uniform() > 0.001,
        let taken = try store.claim(by: "ann", queue: queue, at: nine, until: fortnight)
      {
        _ = try store.act(
          .number(taken.number), Action(at: nine, kind: .attempted, actor: "ann"))
        if chance.uniform() < 0.5 {
          _ = try store.act(
            .number(taken.number),
            Action(
              at: nine.adding(seconds: 600), kind: .answered, actor: "ann",
              detail: ["verdict": "detractor", "mode": "phone"], note: "late twice, wants a date"))
        }
        open.append((taken.number, night + 1 + chance.below(10)))
      }
    }
  }
}
