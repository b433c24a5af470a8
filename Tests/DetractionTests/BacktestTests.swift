import Detraction
import Foundation
import Histories
import Learning
import TestSupport
import Testing

/// The parts of a back-test, each against its definition.
@Suite struct BacktestTests {
  static func instant(_ text: String) -> Instant {
    Instant(iso8601: Array(text.utf8)[...], zone: nil)!
  }

  /// Places in a ranking of many, ties shared, against sorting them all.
  @Test func ranksAreThoseOfTheWholeList() {
    var random = SplitMix64(7)
    for _ in 0..<200 {
      let all = (0..<random.below(40) + 1).map { _ in Double(random.below(12)) / 4 - 1 }
      let few = all.filter { _ in random.below(3) == 0 }
      var ranks = Ranks(of: few)
      for score in all { ranks.pass(score) }
      for (score, standing) in zip(few, ranks.standings(of: few)) {
        #expect(standing.above == Double(all.count { $0 > score }))
        #expect(standing.tied == Double(all.count { $0 == score }))
      }
      // Whoever is on the list: over everybody the chances add up to k.
      var everybody = Ranks(of: all)
      for score in all { everybody.pass(score) }
      let k = Double(random.below(all.count + 1))
      let sum = everybody.standings(of: all).reduce(0) { $0 + $1.isCalled(k) }
      #expect(abs(sum - k) < 1e-9)
    }
  }

  @Test func theExactIntervalIsScipys() throws {
    let cases = [
      [0.0, 10], [10, 10], [3, 10], [17, 41], [2.5, 12], [0.3, 7], [400, 1000], [1, 20_000],
    ]
    let script = """
      import json, sys
      from scipy.stats import beta
      out = []
      for x, n in json.load(open(sys.argv[1])):
        out.append([0.0 if x == 0 else beta.ppf(.025, x, n - x + 1),
                    1.0 if x == n else beta.ppf(.975, x + 1, n - x)])
      print(json.dumps(out))
      """
    guard let data = try Python.run(script, on: cases) else { return }
    let expected = try JSONDecoder().decode([[Double]].self, from: data)
    for (item, ends) in zip(cases, expected) {
      let ours = exactShare(found: item[0], of: item[1])
      #expect(abs(ours.low - ends[0]) < 1e-10 && abs(ours.high - ends[1]) < 1e-10, "\(item)")
    }
  }

  /// What an account's first words were, at the edges.
  @Test func firstWordsAtTheEdges() throws {
    let t = Self.instant("2026-01-01T00:00:00Z")
    let d = Self.instant("2026-07-01T00:00:00Z")
    let test = try Self.test(asOf: d, horizonDays: 90)
    func words(_ spoken: (days: Double, known: Double?, kind: String, value: Double?)...)
      -> Backtest.FirstWords
    {
      func after(_ days: Double) -> Instant {
        Instant(microseconds: t.microseconds + Int64(days * 86_400e6))
      }
      return test.firstWords(
        spoken.map {
          HistoryBase.Feedback(
            at: after($0.days), knownAt: after($0.known ?? $0.days), kindIndex: 0, kind: $0.kind,
            value: $0.value)
        }, after: t)
    }
    func detractor(_ days: Int) -> Backtest.FirstWords { .detractor(t.adding(days: days)) }
    #expect(words() == .none)
    #expect(words((5, nil, "nps", 3)) == detractor(5))
    #expect(words((5, nil, "nps", 9)) == .otherwise)
    #expect(words((5, nil, "nps", nil)) == .otherwise, "no verdict is no complaint")
    #expect(words((5, nil, "nps", 9), (6, nil, "complaint", nil)) == .otherwise)
    #expect(words((5, nil, "nps", 9), (5, nil, "complaint", nil)) == detractor(5))
    #expect(words((0, nil, "complaint", nil)) == .guarded)
    #expect(words((0.999, nil, "complaint", nil)) == .guarded)
    #expect(words((1, nil, "complaint", nil)) == detractor(1))
    #expect(words((89.999, nil, "complaint", nil)) != .none)
    #expect(words((90, nil, "complaint", nil)) == .none)
    #expect(words((5, 181, "complaint", nil)) == .none, "known at D is not known before it")
    #expect(words((5, 181, "nps", 9), (20, nil, "complaint", nil)) == detractor(20))
    #expect(words((-3, 2, "complaint", nil)) == .otherwise, "spoken before, and not known then")
  }

  /// By default the latest origin's horizon and label window are over before D.
  @Test func originsLeaveRoomForTheirHorizon() throws {
    let d = Self.instant("2026-07-01T00:00:00Z")
    let test = try Self.test(asOf: d, horizonDays: nil)
    #expect(test.horizonDays == 90)
    #expect(test.origin(0) == d.adding(days: -90))
    #expect(test.origin(2) == d.adding(days: -150))
    let short = try Self.test(asOf: d, horizonDays: 10)
    #expect(short.origin(0) == d.adding(days: -31), "the label window is longer than the horizon")
  }

  @Test func theClaimFollowsItsRule() {
    func claim(_ customers: Int, _ low: Double, _ high: Double, called: Int = 50) -> Backtest.Claim
    {
      var silenced = Backtest.Silenced()
      silenced.accounts = 100
      silenced.called = called
      silenced.customers = customers
      silenced.lift = Backtest.Estimate(value: (low + high) / 2, low: low, high: high)
      return Backtest.claim(silenced)
    }
    #expect(claim(9, 2, 3) == .tooFew)
    #expect(claim(10, 2, 3) == .beyondChance)
    #expect(claim(10, 1, 3) == .notTold)
    #expect(claim(10, 0.2, 0.9) == .worseThanChance)
    #expect(claim(10, 2, 3, called: 100) == .everybodyCalled)
  }

  /// A feature that tells everything is a leak when it had not told so 30 days before, or has no date.
  @Test func leaksByTheRule() {
    func leak(_ area: Double, _ shifted: Double?, _ rows: Double = 500) -> Bool {
      Backtest.leak(
        Backtest.SingleFeature(
          feature: "canary", area: Backtest.area(area, rows, rows), shiftedArea: shifted))?
        .contains("canary") == true
    }
    #expect(leak(0.99, 0.55))
    #expect(!leak(0.99, 0.97))
    #expect(leak(0.99, nil))
    #expect(!leak(0.94, 0.5) && !leak(0.94, nil))
    #expect(!leak(0.96, 0.5, 4), "so few rows do it by chance")
  }

  /// A back-test of the shipped sample's settings over a base of a few rows.
  static func test(asOf: Instant, horizonDays: Int?) throws -> Backtest {
    let folder = try sampleCopy()
    let file = try ProjectFile(path: folder.appendingPathComponent("tacit.toml").path)
    let settings = HistorySettings(project: file)
    let feedback = try #require(FeedbackSettings(project: file))
    return Backtest(
      base: try HistoryBase.read(settings, roles: feedback.roles, threads: 2), feedback: feedback,
      training: TrainingSettings(project: file), features: settings.features, asOf: asOf,
      capacity: { _ in 100 }, horizonDays: horizonDays, threads: 2)
  }
}
