import Detraction
import Foundation
import Outreach
import TestSupport
import Testing

struct ArmDifferenceTests {
  private func share(_ hits: Int, _ count: Int) -> ArmSummary {
    ArmSummary((0..<count).map { $0 < hits ? 1 : 0 })
  }

  private func isNear(_ x: Double, _ y: Double, _ tolerance: Double = 1e-9) -> Bool {
    abs(x - y) <= tolerance * max(1, abs(y))
  }

  private struct Shares: Codable { var counts: [[Int]]; var intervals: [[Double]]? = nil }

  /// Newcombe's hybrid score interval against statsmodels.
  @Test func sharesAgreeWithStatsmodels() throws {
    var chance = SplitMix64(11)
    var counts = [[0, 10, 0, 10], [10, 10, 0, 10], [1890, 1890, 300, 333], [3, 40, 30, 1000]]
    for _ in 0..<200 {
      let n = Int.random(in: 10...3000, using: &chance)
      let m = Int.random(in: 10...500, using: &chance)
      counts.append([
        Int.random(in: 0...n, using: &chance), n, Int.random(in: 0...m, using: &chance), m,
      ])
    }
    let script = """
      import json, sys
      from statsmodels.stats.proportion import confint_proportions_2indep as interval
      given = json.load(open(sys.argv[1]))
      print(json.dumps({"counts": given["counts"], "intervals": [
        list(map(float, interval(a, n, b, m, method="newcomb", compare="diff", alpha=0.05)))
        for a, n, b, m in given["counts"]]}))
      """
    guard let answer = try Python.run(script, on: Shares(counts: counts)) else { return }
    let intervals = try #require(try JSONDecoder().decode(Shares.self, from: answer).intervals)
    for (count, interval) in zip(counts, intervals) {
      let ours = try #require(
        ArmDifference(
          [Stratum(contact: share(count[0], count[1]), holdout: share(count[2], count[3]))],
          isShare: true))
      #expect(isNear(ours.low, interval[0]) && isNear(ours.high, interval[1]), "\(count)")
      #expect(ours.excludesNone == (ours.low > 0 || ours.high < 0))
    }
  }

  private struct Sums: Codable { var arms: [[[Double]]]; var intervals: [[Double]]? = nil }

  /// Welch's interval against SciPy, and of strata against the same sums done by NumPy.
  @Test func sumsAgreeWithSciPy() throws {
    var chance = SplitMix64(12)
    let arms = (0..<100).map { _ in
      [10...400, 10...60].map { sizes in
        (0..<Int.random(in: sizes, using: &chance)).map { _ in
          Bool.random(using: &chance)
            ? 0 : -40 * log(Double.random(in: 1e-9..<1, using: &chance))
        }
      }
    }
    let script = """
      import json, sys
      import numpy as np
      from scipy import stats
      given = json.load(open(sys.argv[1]))
      def strata(parts):
        total = sum(len(a) + len(b) for a, b in parts)
        weights = [(len(a) + len(b)) / total for a, b in parts]
        d = sum(w * (np.mean(a) - np.mean(b)) for w, (a, b) in zip(weights, parts))
        each = [(w * w * np.var(x, ddof=1) / len(x), len(x))
          for w, pair in zip(weights, parts) for x in pair]
        v = sum(e for e, _ in each)
        t = stats.t.ppf(0.975, v * v / sum(e * e / (n - 1) for e, n in each))
        return [d - t * v ** 0.5, d + t * v ** 0.5]
      out = []
      for a, b in given["arms"]:
        i = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
        out.append([float(i.low), float(i.high)])
      out.append(list(map(float, strata(given["arms"]))))
      print(json.dumps({"arms": [], "intervals": out}))
      """
    guard let answer = try Python.run(script, on: Sums(arms: arms)) else { return }
    let intervals = try #require(try JSONDecoder().decode(Sums.self, from: answer).intervals)
    let strata = arms.map { Stratum(contact: ArmSummary($0[0]), holdout: ArmSummary($0[1])) }
    for (part, interval) in zip(strata.map { [$0] } + [strata], intervals) {
      let ours = try #require(ArmDifference(part, isShare: false))
      #expect(isNear(ours.low, interval[0], 1e-8) && isNear(ours.high, interval[1], 1e-8))
    }
  }

  private struct Points: Codable { var freedoms: [Double]; var quantiles: [Double]? = nil }

  @Test func studentsQuantileAgreesWithSciPy() throws {
    let freedoms = [1, 1.5, 2, 3.7, 9, 10.01, 29, 100, 1234.5, 1e5, 9e6, 2e7, 1e12]
    let script = """
      import json, sys
      from scipy import stats
      given = json.load(open(sys.argv[1]))
      print(json.dumps({"freedoms": [], "quantiles":
        [float(stats.t.ppf(0.975, f)) for f in given["freedoms"]]}))
      """
    guard let answer = try Python.run(script, on: Points(freedoms: freedoms)) else { return }
    let quantiles = try #require(try JSONDecoder().decode(Points.self, from: answer).quantiles)
    for (freedom, quantile) in zip(freedoms, quantiles) {
      #expect(isNear(studentQuantile975(freedom), quantile, 1e-7), "\(freedom)")
    }
  }

  /// A stratum that is too small joins the next; all are used, and order within an arm changes little.
  @Test func smallStrataAreJoined() throws {
    let small = Stratum(contact: share(3, 9), holdout: share(1, 30))
    let next = Stratum(contact: share(5, 20), holdout: share(2, 11))
    var joined = ArmSummary(Array(repeating: 1, count: 8) + Array(repeating: 0, count: 21))
    let one = try #require(ArmDifference([small, next], isShare: true))
    #expect(isNear(one.contact, joined.mean, 1e-12))
    #expect(isNear(one.contact, 8.0 / 29) && isNear(one.holdout, 3.0 / 41))
    // The last, too small, joins the one before.
    #expect(
      ArmDifference([next, small], isShare: true).map { isNear($0.contact, 8.0 / 29) } == true)
    #expect(ArmDifference([small], isShare: true) == nil && ArmDifference([], isShare: true) == nil)
    joined.add(ArmSummary([0.5, 2, 7]))
    let whole = ArmSummary(
      Array(repeating: 1, count: 8) + Array(repeating: 0, count: 21) + [0.5, 2, 7])
    #expect(joined.count == 32 && isNear(joined.mean, whole.mean))
    #expect(isNear(joined.variance, whole.variance))
  }

  /// Turning every outcome round turns the difference round, and swapping the arms as well.
  @Test func turnsRound() throws {
    let strata = [
      Stratum(contact: share(30, 50), holdout: share(4, 12)),
      Stratum(contact: share(11, 70), holdout: share(1, 40)),
    ]
    let turned = [
      Stratum(contact: share(20, 50), holdout: share(8, 12)),
      Stratum(contact: share(59, 70), holdout: share(39, 40)),
    ]
    let a = try #require(ArmDifference(strata, isShare: true))
    let b = try #require(ArmDifference(turned, isShare: true))
    #expect(isNear(a.difference, -b.difference) && isNear(a.low, -b.high) && isNear(a.high, -b.low))
    let swapped = strata.map { Stratum(contact: $0.holdout, holdout: $0.contact) }
    let c = try #require(ArmDifference(swapped, isShare: true))
    #expect(isNear(a.difference, -c.difference) && isNear(a.low, -c.high) && isNear(a.high, -c.low))
  }

  /// The example of 30 calls a day: 63 business days of a quarter, a fifth unhappy.
  @Test func thirtyCallsADaySeeSixPointSeven() throws {
    let seen = try #require(
      DetectableDifference(contacts: 30 * 63, holdout: 0.15, among: .max, variance: 0.2 * 0.8))
    #expect(seen.contacted == 1890 && seen.heldOut == 334)
    #expect(abs(seen.difference - 0.067) < 0.0005)
    // METHODS 7's table, and the way back.
    #expect(Int(SampleSize.perArm(0.2, 0.16).rounded(.up)) == 1445)
    #expect(Int(SampleSize.perArm(0.3, 0.25).rounded(.up)) == 1248)
    let accounts = SampleSize.accounts(
      difference: seen.difference, variance: 0.16, holdout: 334.0 / 2224)
    #expect(abs(accounts - 2224) < 1e-6)
    // A base that is smaller than the capacity limits it.
    let few = try #require(
      DetectableDifference(contacts: 1890, holdout: 0.15, among: 400, variance: 0.16))
    #expect(few.contacted == 340 && few.heldOut == 60 && few.difference > 2 * seen.difference)
    #expect(DetectableDifference(contacts: 0, holdout: 0.15, among: 9, variance: 0.1) == nil)
    #expect(DetectableDifference(contacts: 9, holdout: 0, among: 9, variance: 0.1) == nil)
  }

  private struct Plan: Codable {
    var holdouts: Int, contacts: Int, difference: Double, power: Double?
  }

  /// The power that statsmodels gives the difference is 80 %.
  @Test func thePowerIsEightyPercent() throws {
    let seen = try #require(DetectableDifference(contacted: 1890, heldOut: 334, variance: 25))
    let script = """
      import json, sys
      from statsmodels.stats.power import NormalIndPower
      p = json.load(open(sys.argv[1]))
      p["power"] = float(NormalIndPower().power(p["difference"] / 5, p["contacts"], 0.05,
        ratio=p["holdouts"] / p["contacts"]))
      print(json.dumps(p))
      """
    guard
      let answer = try Python.run(
        script,
        on: Plan(holdouts: 334, contacts: 1890, difference: seen.difference, power: nil))
    else { return }
    let power = try #require(try JSONDecoder().decode(Plan.self, from: answer).power)
    #expect(abs(power - 0.8) < 1e-4)
  }
}
