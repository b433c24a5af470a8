import Detraction
import Foundation
import Learning
import TestSupport
import Testing

/// The silent rate on drawn populations whose truth is known.
@Suite struct SilentLevelTests {
  enum Bias: String, CaseIterable {
    case none, onFeatures, onSatisfaction
  }

  /// Logits as a respondents' model would give them, to the silent and to respondents, with everybody's
  /// answer. Where speaking depends on satisfaction, the odds of the unhappy are 1.7 times the others.
  struct Population {
    var silentLogits: [Double] = []
    var silentLabels: [Double] = []
    var logits: [Double] = []
    var labels: [Double] = []
    var weights: [Double] = []
    /// The silent rate that chance itself has no part in.
    var expected = 0.0
    var customers: [UInt64] { labels.indices.map(UInt64.init) }
    var truth: Double { silentLabels.reduce(0, +) / Double(silentLabels.count) }

    init(_ bias: Bias, size: Int = 8_000, seed: UInt64) {
      var random = SplitMix64(seed)
      var propensity: [Double] = []
      for _ in 0..<size {
        let eta = -1.6 + 0.9 * random.normal()
        let isDetractor = random.uniform() < 1 / (1 + exp(-eta))
        let r =
          switch bias {
          case .none: -0.8
          case .onFeatures: -0.8 - 0.7 * (eta + 1.6)
          case .onSatisfaction: isDetractor ? -0.45 : -1.0
          }
        // The model of respondents: logit P(y | x, spoke) = logit P(y | x) + log of the ratio.
        func spoke(_ r: Double) -> Double { 1 / (1 + exp(-r)) }
        let g = bias == .onSatisfaction ? log(spoke(-0.45) / spoke(-1.0)) : 0
        if random.uniform() < spoke(r) {
          logits.append(eta + g)
          labels.append(isDetractor ? 1 : 0)
          propensity.append(bias == .onFeatures ? r : -0.8)
        } else {
          silentLogits.append(eta + g)
          expected += 1 / (1 + exp(-eta))
          silentLabels.append(isDetractor ? 1 : 0)
        }
      }
      weights = OddsWeights(propensityLogits: propensity).values
      expected = bias == .onSatisfaction ? truth : expected / Double(silentLogits.count)
    }

    func robust(replicates: Int = 1000, threads: Int = 1) throws -> DoublyRobustRate {
      try DoublyRobustRate(
        silentLogits: silentLogits, logits: logits, labels: labels, weights: weights,
        customers: customers, replicates: replicates, threads: threads)
    }

    /// Answers of so many silent accounts drawn by lot.
    func answers(_ count: Int, seed: UInt64) throws -> SilentAnswers {
      var random = SplitMix64(seed)
      let drawn = Array(silentLogits.indices).shuffled(using: &random).prefix(count)
      return try SilentAnswers(
        logits: drawn.map { silentLogits[$0] }, labels: drawn.map { silentLabels[$0] },
        attempts: count * 2)
    }

    func level(_ answers: SilentAnswers, replicates: Int = 1000, threads: Int = 1) throws
      -> SilentLevel
    {
      try SilentLevel(
        answers: answers, silentLogits: silentLogits, silent: silentLogits.count,
        respondents: labels.count, respondentDetractors: labels.count { $0 == 1 },
        doublyRobust: robust(replicates: replicates, threads: threads), threads: threads)
    }
  }

  /// With 400 answers: bias at most half a point over 100 bases, intervals that cover in 90 of 100; two
  /// points in 95 of 100 only with 1,600.
  @Test(arguments: Bias.allCases) func levelFromAnswers(_ bias: Bias) throws {
    var errors: [Double] = []
    var (covered, near, farWith1600) = (0, 0, 0)
    for base in 0..<100 {
      let population = Population(bias, seed: UInt64(base) &+ 40_000)
      let truth = population.truth
      let level = try population.level(
        population.answers(400, seed: UInt64(base)), replicates: 8)
      let rate = try #require(level.rate)
      let value = try #require(rate.value)
      errors.append(value - truth)
      if try #require(rate.low) <= truth, truth <= (try #require(rate.high)) { covered += 1 }
      if abs(value - truth) <= 0.02 { near += 1 }
      let many = try population.level(
        population.answers(1_600, seed: UInt64(base)), replicates: 8)
      if abs(try #require(many.rate?.value) - truth) > 0.02 { farWith1600 += 1 }
    }
    let mean = errors.reduce(0, +) / 100
    #expect(abs(mean) <= 0.005)
    #expect(covered >= 90)
    #expect(near < 95 && farWith1600 <= 5)
  }

  /// From respondents alone: right where speaking depends on what is seen, wrong by the offset where it
  /// depends on satisfaction, and then the sensitivity range holds the truth.
  @Test(arguments: Bias.allCases) func doublyRobust(_ bias: Bias) throws {
    var errors: [Double] = []
    var (covered, inRange) = (0, 0)
    for base in 0..<100 {
      let population = Population(bias, size: 4_000, seed: UInt64(base) &+ 90_000)
      let level = try population.level(.none)
      let rate = level.doublyRobust.rate
      let truth = population.expected
      errors.append(try #require(rate.value) - truth)
      if try #require(rate.low) <= truth, truth <= (try #require(rate.high)) { covered += 1 }
      let range = level.silentRate
      if try #require(range.low) <= truth, truth <= (try #require(range.high)) { inRange += 1 }
    }
    let mean = errors.reduce(0, +) / 100
    if bias == .onSatisfaction {
      #expect(mean > 0.04)
      #expect(covered < 50)
    } else {
      #expect(abs(mean) <= 0.005)
      #expect(covered >= 88)
    }
    #expect(inRange >= 90)
  }

  /// The offset beside a generalised linear model with an offset and robust errors (statsmodels).
  @Test func agreesWithStatsmodels() throws {
    struct Sent: Codable { var eta, y, w: [Double] }
    struct Answer: Codable { var offset, error, slope, slopeError: Double }
    let script = """
      import json, sys
      import numpy as np
      import statsmodels.api as sm
      d = json.load(open(sys.argv[1]))
      eta, y, w = (np.array(d[k]) for k in ("eta", "y", "w"))
      m = len(y)
      fit = sm.GLM(y, np.ones(m), sm.families.Binomial(), offset=eta, freq_weights=w).fit(tol=1e-14)
      o = fit.params[0]
      p = 1 / (1 + np.exp(-eta - o))
      error = np.sqrt((w ** 2 * (y - p) ** 2).sum() * m / (m - 1)) / (w * p * (1 - p)).sum()
      line = sm.GLM(y, sm.add_constant(eta), sm.families.Binomial(),
                    freq_weights=w / w.mean()).fit(tol=1e-14)
      print(json.dumps(dict(offset=o, error=error, slope=line.params[1], slopeError=line.bse[1])))
      """
    let population = Population(.onSatisfaction, seed: 3)
    var random = SplitMix64(5)
    let answers = try SilentAnswers(
      logits: Array(population.silentLogits.prefix(300)),
      labels: Array(population.silentLabels.prefix(300)),
      weights: (0..<300).map { _ in 0.5 + 3 * random.uniform() }, attempts: 900)
    // So many silent that none of them are sampled away.
    let level = try SilentLevel(
      answers: answers, silentLogits: population.silentLogits, silent: 1 << 50, respondents: 10,
      respondentDetractors: 2, doublyRobust: population.robust(), threads: 1)
    let sent = Sent(eta: answers.logits, y: answers.labels, w: answers.weights ?? [])
    guard let output = try Python.run(script, on: sent) else { return }
    let answer = try JSONDecoder().decode(Answer.self, from: output)
    #expect(abs(try #require(level.offset?.value) - answer.offset) < 1e-9)
    #expect(abs(try #require(level.offsetError) - answer.error) < 1e-9)
    #expect(abs(try #require(level.slope) - answer.slope) < 1e-7)
    #expect(abs(try #require(level.slopeError) - answer.slopeError) < 1e-7)
  }

  /// A sample that is all of the silent leaves nothing open.
  @Test func finitePopulation() throws {
    let population = Population(.none, size: 1_000, seed: 4)
    let level = try population.level(
      SilentAnswers(
        logits: population.silentLogits, labels: population.silentLabels,
        attempts: population.silentLogits.count))
    #expect(level.offsetError == 0)
    #expect(abs(try #require(level.rate?.value) - population.truth) < 1e-10)
    #expect(level.rate?.low == level.rate?.high)
  }

  /// Weights undo a draw that favoured the risky.
  @Test func designWeights() throws {
    let population = Population(.none, size: 30_000, seed: 6)
    var random = SplitMix64(7)
    var (logits, labels, weights): ([Double], [Double], [Double]) = ([], [], [])
    for k in population.silentLogits.indices {
      // The truth is flatter than the model, so that the level depends on whom one asks.
      let chance = population.silentLogits[k] > -1 ? 0.3 : 0.05
      guard random.uniform() < chance else { continue }
      logits.append(3 * population.silentLogits[k])
      labels.append(population.silentLabels[k])
      weights.append(1 / chance)
    }
    func rate(_ weights: [Double]?) throws -> Double {
      try #require(
        SilentLevel(
          answers: SilentAnswers(
            logits: logits, labels: labels, weights: weights, attempts: logits.count),
          silentLogits: population.silentLogits.map { 3 * $0 },
          silent: population.silentLogits.count, respondents: 10, respondentDetractors: 1,
          doublyRobust: population.robust(), threads: 2
        ).rate?.value)
    }
    #expect(abs(try rate(weights) - population.truth) < 0.02)
    #expect(abs(try rate(nil) - population.truth) > 0.03)
  }

  @Test func notMeasuredIsARange() throws {
    let population = Population(.none, seed: 8)
    let few = try population.level(population.answers(99, seed: 1))
    #expect(!few.isMeasured && few.rate == nil && few.offset == nil && few.slope == nil)
    #expect(few.silentRate.value == nil && few.silentRate.low ?? 1 < few.silentRate.high ?? 0)
    #expect(few.probability(logit: -1).value == nil)
    #expect(few.sensitivity.map(\.oddsRatio) == [0.5, 1, 2])
    #expect(few.sensitivity[0].rate > few.sensitivity[1].rate)
    #expect(few.sensitivity[1].rate > few.sensitivity[2].rate)
    #expect(
      abs(few.sensitivity[1].rate - (few.doublyRobust.rate.value ?? 0)) < 1e-9)
    // Odds ratios at one logit are a shift.
    let p = few.probability(logit: 0.3)
    let odds = { (p: Double) in p / (1 - p) }
    #expect(abs(odds(try #require(p.high)) / odds(try #require(p.low)) - 4) < 1e-9)
    // One kind of answer only says nothing of the level.
    let same = try population.level(
      SilentAnswers(
        logits: Array(population.silentLogits.prefix(200)),
        labels: [Double](repeating: 0, count: 200), attempts: 200))
    #expect(!same.isMeasured && same.detractors == 0)
  }

  /// Attempts that reach nobody are no answers.
  @Test func unreachedAreABound() throws {
    let population = Population(.none, seed: 9)
    let level = try population.level(population.answers(400, seed: 2))
    #expect(level.answers == 400 && level.attempts == 800)
    let low = Double(level.detractors) / 800
    #expect(level.contactedBounds == .init(low: low, high: low + 0.5))
    let all = population.silentLabels.count + population.labels.count
    let spoken = Double(population.labels.count { $0 == 1 }) / Double(all)
    #expect(level.baseBounds.low == spoken)
    #expect(
      abs(
        (level.baseBounds.high ?? 0) - spoken - Double(population.silentLabels.count) / Double(all))
        < 1e-12)
    #expect(throws: LearningError.self) {
      try SilentAnswers(logits: [0, 1], labels: [0, 1], attempts: 1)
    }
    #expect(throws: LearningError.self) { try SilentAnswers(logits: [0], labels: [2], attempts: 1) }
  }

  /// Where it depends on the score how much likelier the unhappy speak, the slope tells.
  @Test func slopeTest() throws {
    let population = Population(.none, size: 20_000, seed: 10)
    let right = try population.level(population.answers(1_500, seed: 3))
    #expect(try #require(right.slopeP) > 0.01)
    var steep = population
    steep.silentLogits = population.silentLogits.map { 2 * $0 }
    let wrong = try steep.level(steep.answers(1_500, seed: 3))
    #expect(try #require(wrong.slopeP) < 0.001 && abs(try #require(wrong.slope) - 0.5) < 0.2)
  }

  @Test func threadsAndCustomers() throws {
    let population = Population(.onFeatures, size: 3_000, seed: 11)
    #expect(
      try population.level(population.answers(200, seed: 1), threads: 1)
        == population.level(population.answers(200, seed: 1), threads: 3))
    // A customer's rows drawn together: as uncertain as if they were one.
    let twice = try DoublyRobustRate(
      silentLogits: population.silentLogits, logits: population.logits + population.logits,
      labels: population.labels + population.labels,
      weights: population.weights + population.weights,
      customers: population.customers + population.customers, threads: 1)
    let once = try population.robust()
    func width(_ rate: DoublyRobustRate) throws -> Double {
      try #require(rate.rate.high) - #require(rate.rate.low)
    }
    #expect(abs(try width(twice) / width(once) - 1) < 1e-9)
  }
}
