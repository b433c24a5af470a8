import Foundation
import Learning
import TestSupport
import Testing

/// What the intervals and the null floor promise.
@Suite struct MetricsIntervalTests {
  /// Rows of a known process, in customers of `size` rows that share an effect of deviation `shared`.
  private func draw(
    _ random: inout SplitMix64, _ count: Int, size: Int = 1, shared: Double = 0
  ) -> (p: [Double], labels: [Double], clusters: [Int]) {
    var (p, labels, clusters): ([Double], [Double], [Int]) = ([], [], [])
    while p.count < count {
      let effect = shared * random.normal()
      let x = random.normal()
      for _ in 0..<size {
        let logit = 1.2 * x + 0.3 * random.normal() - 1
        clusters.append(p.count / size)
        p.append(1 / (1 + exp(-logit)))
        labels.append(random.uniform() < 1 / (1 + exp(-logit - effect)) ? 1 : 0)
      }
    }
    return (p, labels, clusters)
  }

  private static let judged: [Metric] = [
    .rocArea, .averagePrecision, .logLoss, .brier, .inTheLarge, .slope, .intercept,
    .precision(.share(0.1)),
    .recall(.share(0.1)), .resolution, .debiasedSquare,
  ]

  /// How often intervals of `count` rows hold what a hundred times as many tell.
  private func coverage(size: Int, shared: Double, clustered: Bool) throws -> [Metric: Double] {
    var random = SplitMix64(11)
    let big = draw(&random, 60_000, size: size, shared: shared)
    let truth = try Evaluation(
      [.probabilities(big.p)], Outcomes(labels: big.labels), cuts: [.share(0.1)], replicates: 0,
      threads: 2)
    let trials = 120
    var held: [Metric: Int] = [:]
    for _ in 0..<trials {
      let rows = draw(&random, 600, size: size, shared: shared)
      let evaluation = try Evaluation(
        [.probabilities(rows.p)],
        Outcomes(labels: rows.labels, clusters: clustered ? rows.clusters : nil),
        cuts: [.share(0.1)],
        replicates: 120, threads: 2)
      for metric in Self.judged {
        let estimate = evaluation.estimate(metric)
        let value = truth.estimate(metric).value ?? .nan
        if let low = estimate.low, let high = estimate.high, low <= value, value <= high {
          held[metric, default: 0] += 1
        }
      }
    }
    return held.mapValues { Double($0) / Double(trials) }
  }

  @Test func intervalsHoldTheTruth() throws {
    let alone = try coverage(size: 1, shared: 0, clustered: false)
    print("coverage, rows alone:", alone.map { "\($0.key) \($0.value)" }.sorted())
    for metric in Self.judged {
      #expect((0.89...1).contains(alone[metric] ?? 0), "\(metric) \(alone[metric] ?? 0)")
    }
    let together = try coverage(size: 6, shared: 1.5, clustered: true)
    print("coverage, customers of six:", together.map { "\($0.key) \($0.value)" }.sorted())
    for metric in [Metric.logLoss, .brier, .inTheLarge, .intercept] {
      #expect((together[metric] ?? 0) > 0.87, "\(metric) \(together[metric] ?? 0)")
    }
    // Rows taken for independent promise too much.
    let blind = try coverage(size: 6, shared: 1.5, clustered: false)
    #expect((blind[.inTheLarge] ?? 1) < (together[.inTheLarge] ?? 0) - 0.05)
  }

  /// Twice every row, in one cluster: the same draws, the same numbers.
  @Test func aClusterOfTwoRowsIsARowOfWeightTwo() throws {
    var random = SplitMix64(12)
    let rows = draw(&random, 300)
    let twice = rows.p.indices.flatMap { [$0, $0] }
    let a = try Evaluation(
      [.probabilities(rows.p)],
      Outcomes(
        labels: rows.labels, weights: rows.p.map { _ in 2 }, clusters: Array(rows.p.indices)),
      cuts: [.share(0.1)], threads: 2)
    let b = try Evaluation(
      [.probabilities(twice.map { rows.p[$0] })],
      Outcomes(labels: twice.map { rows.labels[$0] }, clusters: twice), cuts: [.share(0.1)],
      threads: 1)
    // All but the debiased error: noise knows that a row of weight 2 was seen once.
    for metric in Self.judged where metric != .debiasedSquare {
      let (x, y) = (a.estimate(metric), b.estimate(metric))
      for (u, v) in [(x.value, y.value), (x.low, y.low), (x.high, y.high)] {
        #expect(abs((u ?? .nan) - (v ?? .nan)) < 1e-12, "\(metric)")
      }
    }
    #expect(b.units == 300 && b.rows == 600)
  }

  @Test func pairedDifferencesSeeWhatTwoIntervalsCannot() throws {
    var random = SplitMix64(13)
    let rows = draw(&random, 4000)
    let worse = rows.p.map { p in
      1 / (1 + exp(-log(p / (1 - p)) - 0.5 * random.normal()))
    }
    let evaluation = try Evaluation(
      [.probabilities(rows.p), .probabilities(worse)], Outcomes(labels: rows.labels),
      cuts: [.weight(400)], threads: 2)
    for metric in [Metric.rocArea, .averagePrecision, .logLoss, .brier] {
      let (a, b) = (evaluation.estimate(metric), evaluation.estimate(metric, of: 1))
      let difference = evaluation.difference(metric)
      #expect(abs((difference.value ?? 0) - ((a.value ?? 0) - (b.value ?? 0))) < 1e-15)
      let sign = Double(metric.direction)
      #expect(sign * (difference.low ?? 0) > 0 && sign * (difference.high ?? 0) > 0, "\(metric)")
    }
    let delong = try #require(evaluation.areaDifference)
    #expect(delong.p < 0.001)
    // DeLong's error and the bootstrap's agree.
    let clustered = try Evaluation(
      [.probabilities(rows.p), .probabilities(worse)],
      Outcomes(labels: rows.labels, clusters: Array(rows.p.indices)), threads: 2)
    #expect(clustered.areaDifference == nil)
    let boot = clustered.difference(.rocArea)
    let width = ((boot.high ?? 0) - (boot.low ?? 0)) / (2 * 1.96 * delong.standardError)
    #expect(abs(width - 1) < 0.1)
    // A forecast against itself.
    let same = try Evaluation(
      [.probabilities(rows.p), .probabilities(rows.p)], Outcomes(labels: rows.labels), threads: 2)
    for metric in [Metric.rocArea, .logLoss, .reliability] {
      let difference = same.difference(metric)
      #expect([difference.value, difference.low, difference.high] == [0, 0, 0])
    }
  }

  /// The one-step bootstrap of the line against the information's own errors.
  @Test func lineIntervalsAreTheInformations() throws {
    var random = SplitMix64(14)
    let rows = draw(&random, 3000)
    let evaluation = try Evaluation(
      [.probabilities(rows.p)], Outcomes(labels: rows.labels), threads: 2)
    let line = try CalibrationLine(
      logits: rows.p.map { log($0 / (1 - $0)) }, labels: rows.labels)
    for (metric, error) in [(Metric.slope, line.slopeError), (.intercept, line.interceptError)] {
      let estimate = evaluation.estimate(metric)
      let width = ((estimate.high ?? 0) - (estimate.low ?? 0)) / (2 * 1.96 * error)
      #expect(abs(width - 1) < 0.1, "\(metric) \(width)")
    }
  }

  /// Logits raised by 1 leave the slope alone and lower the intercept by it: in every replicate.
  @Test func lineStepsHangTogether() throws {
    var random = SplitMix64(16)
    let rows = draw(&random, 400)
    let logits = rows.p.map { log($0 / (1 - $0)) }
    let evaluation = try Evaluation(
      [.logits(logits), .logits(logits.map { $0 + 1 })], Outcomes(labels: rows.labels), threads: 2)
    let (lowered, slope) = (evaluation.difference(.intercept), evaluation.estimate(.slope))
    for (a, b) in [
      (lowered.value, slope.value), (lowered.low, slope.low), (lowered.high, slope.high),
    ] {
      #expect(abs((a ?? .nan) - (b ?? .nan)) < 1e-8)
    }
  }

  /// METHODS 3.5, measured on another sample of exact probabilities: 15 bins.
  @Test(arguments: [
    (200, 0.073, 0.098), (1000, 0.032, 0.045), (5000, 0.014, 0.020), (20_000, 0.007, 0.010),
  ])
  func nullFloorIsAsMeasured(_ rows: Int, _ mean: Double, _ high: Double) throws {
    var random = SplitMix64(15)
    let logits = (0..<rows).map { _ in 1.2 * random.normal() - 2 }
    let labels = logits.map { random.uniform() < 1 / (1 + exp(-$0)) ? 1.0 : 0 }
    let evaluation = try Evaluation(
      [.logits(logits)], Outcomes(labels: labels), replicates: 0, threads: 2)
    let floor = evaluation.nullFloor(threads: 2)
    print("null floor, \(rows) rows: \(floor.plugInMean) (\(floor.plugIn95))")
    #expect(abs(floor.plugInMean / mean - 1) < 0.15 && abs(floor.plugIn95 / high - 1) < 0.2)
    #expect(floor.debiased95 < floor.plugIn95)
    // The sample itself is one such draw.
    #expect((evaluation.estimate(.plugInError).value ?? 1) < 1.3 * floor.plugIn95)
    #expect(abs(evaluation.estimate(.debiasedSquare).value ?? 1) < floor.plugIn95 * floor.plugIn95)
  }
}
