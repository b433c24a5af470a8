import Detraction
import Foundation
import Learning
import TestSupport
import Testing

/// Who speaks: propensity, weights and overlap beside scikit-learn and the formulas of balance.
@Suite struct ResponseTests {
  struct Sides {
    var respondents: [[Double]]
    var silent: [[Double]]
    var detractors: [Double] = []
  }

  static func matrix(_ rows: [[Double]]) throws -> Matrix {
    try Matrix(rows: rows.count, columns: rows[0].count, elements: Array(rows.joined()))
  }

  static func response(_ rows: [[Double]], from: UInt64, strata: [Int]? = nil) throws
    -> ResponseRows
  {
    try ResponseRows(
      raw: matrix(rows), customers: rows.indices.map { from + UInt64($0) }, strata: strata)
  }

  /// Two numeric features, one with gaps, and one of three levels; who responds depends on the first
  /// and the last by `bias`.
  static func sides(_ count: Int, bias: Double, rate: Double = 0.3, seed: UInt64) -> Sides {
    var random = SplitMix64(seed)
    var sides = Sides(respondents: [], silent: [])
    for _ in 0..<count {
      let level = Double(random.below(3))
      let a = random.normal()
      let b = random.uniform() < 0.2 ? Double.nan : random.normal() + a
      let eta = log(rate / (1 - rate)) + bias * (a + (level == 2 ? 1 : 0))
      let row = [a, b, level]
      if random.uniform() < 1 / (1 + exp(-eta)) {
        sides.respondents.append(row)
        let p = 1 / (1 + exp(1.5 - a - (level == 1 ? 0.5 : 0)))
        sides.detractors.append(random.uniform() < p ? 1 : 0)
      } else {
        sides.silent.append(row)
      }
    }
    return sides
  }

  static let sources: [DesignSource] = [.numeric, .numeric, .categorical(levels: 3)]
  static let names = ["a", "b", "level"]

  static func study(_ sides: Sides, threads: Int = 2) throws -> ResponseStudy {
    try ResponseStudy(
      respondents: response(sides.respondents, from: 0),
      silent: response(sides.silent, from: 1_000_000), sources: sources, names: names,
      threads: threads)
  }

  private struct Sent: Codable {
    var respondents, silent: [[Double?]]
    var l2: Double
  }

  private struct Answer: Codable {
    var e, weights, before, after: [Double]
    var deff, ess, outside, area: Double
    var clipped, trimmed: Int
  }

  /// balance: ipw's odds with balanced classes, weights_stats' Kish, weighted_comparisons' asmd with
  /// std_type "target" (divisor v1² − v2, weights of the target 1).
  private static let script = """
    import json, sys
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    d = json.load(open(sys.argv[1]))
    R, S = (np.array(d[k], dtype=float) for k in ("respondents", "silent"))
    n, m = len(R), len(S)
    X, r = np.r_[R, S], np.r_[np.ones(n), np.zeros(m)]
    w = np.where(r == 1, 1.0, n / m)
    def standard(v):
        known = ~np.isnan(v)
        mean = np.average(v[known], weights=w[known])
        sd = np.sqrt(np.average((v[known] - mean) ** 2, weights=w[known]))
        return np.where(known, (v - mean) / sd, 0)
    levels = [k for k in range(3)]
    counts = [w[X[:, 2] == k].sum() for k in levels]
    base = int(np.argmax(counts))
    Z = np.c_[standard(X[:, 0]), standard(X[:, 1]), standard(np.isnan(X[:, 1]).astype(float)),
              *[standard((X[:, 2] == k).astype(float)) for k in levels if k != base]]
    fit = LogisticRegression(C=1 / (d["l2"] * w.sum()), tol=1e-12, max_iter=100000)
    fit.fit(Z, r, sample_weight=w)
    e = fit.predict_proba(Z)[:, 1]
    support = np.quantile(fit.decision_function(Z)[:n], 0.01)
    outside = (fit.decision_function(Z)[n:] < support).mean()
    c = np.clip(e[:n], 0.01, 0.99)
    raw = (1 - c) / c
    most = min(np.quantile(raw, 0.99), 20 * raw.mean())
    odds = np.minimum(raw, most)
    odds *= n / odds.sum()
    def asmd(weights):
        result = []
        for j in range(3):
            parts = [np.isnan(X[:, j]).astype(float)]
            parts += [X[:, j]] if j < 2 else [(X[:, j] == k).astype(float) for k in levels]
            largest = 0
            for v in parts:
                ours, theirs = ~np.isnan(v[:n]), ~np.isnan(v[n:])
                t = v[n:][theirs]
                v1 = len(t)
                sd = np.sqrt(v1 / (v1 ** 2 - v1) * ((t - t.mean()) ** 2).sum())
                if sd > 0:
                    mean = np.average(v[:n][ours], weights=weights[ours])
                    largest = max(largest, abs(mean - t.mean()) / sd)
            result.append(largest)
        return result
    print(json.dumps(dict(
      e=e.tolist(), weights=odds.tolist(), before=asmd(np.ones(n)), after=asmd(odds),
      deff=(odds ** 2).mean() / odds.mean() ** 2, ess=odds.sum() ** 2 / (odds ** 2).sum(),
      outside=outside, area=0.5, clipped=int((c != e[:n]).sum()),
      trimmed=int((raw > most).sum()))))
    """

  @Test(arguments: [0.3, 1.0, 2.5]) func agreesWithPython(bias: Double) throws {
    let sides = Self.sides(3_000, bias: bias, seed: UInt64(bias * 10))
    let study = try Self.study(sides)
    func gaps(_ rows: [[Double]]) -> [[Double?]] { rows.map { $0.map { $0.isNaN ? nil : $0 } } }
    let sent = Sent(
      respondents: gaps(sides.respondents), silent: gaps(sides.silent),
      l2: study.overlap.lambda)
    guard let output = try Python.run(Self.script, on: sent) else { return }
    let answer = try JSONDecoder().decode(Answer.self, from: output)
    let logits = try study.propensity.logits(Self.matrix(sides.respondents), threads: 1)
    for (logit, e) in zip(logits, answer.e) {
      #expect(abs(LogisticFit.probability(logit: logit) - e) < 1e-6)
    }
    for (ours, theirs) in zip(study.weights.values, answer.weights) {
      #expect(abs(ours - theirs) < 1e-4 * max(1, theirs))
    }
    #expect(abs(study.overlap.designEffect - answer.deff) < 1e-4)
    #expect(abs(study.overlap.effectiveSize - answer.ess) < 1e-4 * answer.ess)
    #expect(abs(study.overlap.outside - answer.outside) < 2e-3)
    #expect(study.overlap.clipped == answer.clipped)
    #expect(abs(study.overlap.trimmed - answer.trimmed) <= 1)
    for k in 0..<3 {
      #expect(abs(study.overlap.features[k].before - answer.before[k]) < 1e-10)
      #expect(abs(study.overlap.features[k].after - answer.after[k]) < 1e-4)
    }
  }

  /// Alike sides: nothing to tell, weights nearly even. Apart: weights bring the means together.
  @Test func balances() throws {
    let alike = try Self.study(Self.sides(4_000, bias: 0, seed: 1)).overlap
    #expect(try #require(alike.domainAUC.low) < 0.51)
    #expect(alike.effectiveShare > 0.95 && alike.outside < 0.03)
    let apart = try Self.study(Self.sides(4_000, bias: 1, seed: 2)).overlap
    #expect(try #require(apart.domainAUC.value) > 0.7)
    #expect(apart.effectiveShare < 0.7)
    #expect(
      apart.features[0].before > 0.5
        && apart.features[0].after < 0.25 * apart.features[0].before)
    let far = try Self.study(Self.sides(4_000, bias: 6, seed: 3)).overlap
    #expect(try #require(far.domainAUC.value) > 0.95)
    #expect(far.outside > 0.5)
  }

  /// How rare speaking is changes neither what weights mean nor where they are clipped.
  @Test func rarityOfSpeakingChangesNothing() throws {
    let sides = Self.sides(3_000, bias: 0.8, seed: 5)
    var repeated = sides
    repeated.silent = (0..<20).flatMap { _ in sides.silent }
    let once = try Self.study(sides)
    let often = try ResponseStudy(
      respondents: Self.response(repeated.respondents, from: 0),
      silent: ResponseRows(
        raw: Self.matrix(repeated.silent),
        customers: repeated.silent.indices.map {
          UInt64(1_000_000 + $0 % sides.silent.count)
        }), sources: Self.sources, names: Self.names, threads: 2)
    #expect(once.overlap.lambda == often.overlap.lambda)
    #expect(abs(once.overlap.effectiveShare - often.overlap.effectiveShare) < 1e-4)
    #expect(once.overlap.clipped == often.overlap.clipped)
  }

  @Test func scoreMassOutside() throws {
    let sides = Self.sides(2_000, bias: 2, seed: 6)
    let probabilities = sides.silent.map { $0[0] < -1 ? 0.9 : 0.1 }
    let study = try ResponseStudy(
      respondents: Self.response(sides.respondents, from: 0),
      silent: Self.response(sides.silent, from: 1_000_000), sources: Self.sources,
      names: Self.names, silentProbabilities: probabilities, threads: 1)
    let mass = probabilities.indices.filter { study.isOutside[$0] }.reduce(0) {
      $0 + probabilities[$1]
    }
    #expect(study.overlap.outsideScores == mass / probabilities.reduce(0, +))
    #expect(study.overlap.outsideScores ?? 0 > study.overlap.outside)
    #expect(
      try study.propensity.isOutside(Self.matrix(sides.silent), threads: 2) == study.isOutside)
  }

  /// Never asked and asked: each by itself, and together by their share of the silent.
  @Test func strata() throws {
    var random = SplitMix64(7)
    let sides = Self.sides(6_000, bias: 0.8, seed: 8)
    let ours = sides.respondents.map { _ in random.uniform() < 0.8 ? 0 : 1 }
    let theirs = sides.silent.map { _ in random.uniform() < 0.3 ? 0 : 1 }
    let study = try ResponseStudy(
      respondents: Self.response(sides.respondents, from: 0, strata: ours),
      silent: Self.response(sides.silent, from: 1_000_000, strata: theirs),
      sources: Self.sources, names: Self.names, threads: 2)
    #expect(study.isStratified && study.overlap.strata.map(\.stratum) == [0, 1])
    let first = ours.indices.filter { ours[$0] == 0 }.reduce(0) { $0 + study.weights.values[$1] }
    let share = Double(theirs.count { $0 == 0 }) / Double(theirs.count)
    #expect(abs(first / Double(ours.count) - share) < 1e-12)
    // A stratum of the silent that nobody speaks for: reported, and weights are made for all.
    let alone = try ResponseStudy(
      respondents: Self.response(sides.respondents, from: 0, strata: ours.map { _ in 0 }),
      silent: Self.response(sides.silent, from: 1_000_000, strata: theirs),
      sources: Self.sources, names: Self.names, threads: 2)
    #expect(!alone.isStratified)
    #expect(alone.overlap.strata.last?.respondents == 0)
    #expect(alone.overlap.strata.last?.domainAUC == nil)
    #expect(try alone.weights == Self.study(sides).weights)
  }

  @Test func threadsChangeNothing() throws {
    let sides = Self.sides(1_500, bias: 1, seed: 9)
    #expect(try Self.study(sides, threads: 1).overlap == Self.study(sides, threads: 3).overlap)
    #expect(try Self.study(sides, threads: 1).weights == Self.study(sides, threads: 3).weights)
  }

  @Test func oddsWeights() {
    let even = OddsWeights(propensityLogits: [Double](repeating: 0.7, count: 10))
    #expect(even.values.allSatisfy { abs($0 - 1) < 1e-15 } && even.designEffect == 1)
    let weights = OddsWeights(propensityLogits: (0..<1000).map { Double($0) / 100 - 4.5 })
    #expect(abs(weights.values.reduce(0, +) - 1000) < 1e-9)
    #expect(weights.clipped > 0 && weights.trimmed > 0)
    #expect(weights.flattened(0).allSatisfy { $0 == 1 })
    let half = weights.flattened(0.5)
    #expect(abs(half.reduce(0, +) - 1000) < 1e-9)
    #expect((half.max() ?? 0) < (weights.values.max() ?? 0))
  }

  /// A model of the wrong shape, respondents where it fits best: weights may win, and are only taken
  /// where they do; with the right shape plain training stays.
  @Test func weightedTraining() throws {
    let parameters = try LogisticParameters(penalty: .none, standardise: false)
    func choice(_ truth: (Double) -> Double, seed: UInt64) throws -> WeightedTraining {
      var random = SplitMix64(seed)
      var (x, y, e): ([[Double]], [Double], [Double]) = ([], [], [])
      while y.count < 3_000 {
        let z = [random.normal(), random.normal()]
        let logit = -0.5 - 1.5 * z[0]
        guard random.uniform() < 1 / (1 + exp(-logit)) else { continue }
        x.append(z)
        e.append(logit)
        y.append(random.uniform() < 1 / (1 + exp(-(truth(z[0]) + 0.7 * z[1]))) ? 1 : 0)
      }
      return try WeightedTraining(
        Self.matrix(x), labels: y, weights: OddsWeights(propensityLogits: e),
        folds: y.indices.map { $0 % 5 }, customers: y.indices.map(UInt64.init), share: 0.1,
        lambdas: [0.1, 0.01, 1e-3, 1e-4], parameters: parameters, threads: 2)
    }
    let right = try choice({ -1 + 0.8 * $0 }, seed: 1)
    #expect(!right.wins && right.candidates.map(\.tau) == WeightedTraining.taus)
    // Risk falls among those who speak, and rises among those who do not.
    let wrong = try choice({ $0 < -0.3 ? -2 - 1.2 * ($0 + 0.3) : -2 + 2.5 * ($0 + 0.3) }, seed: 2)
    #expect(wrong.tau > 0)
    #expect(wrong.wins)
    #expect(wrong.candidates.map(\.logLoss).min() ?? 1 < wrong.candidates[0].logLoss)
  }

  @Test func refusals() throws {
    let sides = Self.sides(100, bias: 0, seed: 1)
    #expect(throws: LearningError.self) {
      try ResponseRows(raw: Self.matrix(sides.silent), customers: [1])
    }
    #expect(throws: LearningError.self) {
      try ResponseStudy(
        respondents: Self.response(sides.respondents, from: 0),
        silent: Self.response(sides.silent, from: 1_000_000), sources: Self.sources, names: ["a"],
        threads: 1)
    }
  }
}
