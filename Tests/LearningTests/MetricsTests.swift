import Foundation
import Learning
import TestSupport
import Testing

/// One number of an evaluation without intervals.
func averagePrecision(scores: [Double], labels: [Double]) throws -> Double {
  let evaluation = try Evaluation(
    [.logits(scores)], Outcomes(labels: labels), replicates: 0, threads: 1)
  return evaluation.estimate(.averagePrecision).value ?? .nan
}

@Suite struct MetricsTests {
  /// Scores with many ties.
  private func sample(_ seed: UInt64, _ count: Int = 120) -> (scores: [Double], labels: [Double]) {
    var random = SplitMix64(seed)
    let scores = (0..<count).map { _ in (random.uniform() * 10).rounded() }
    return (scores, scores.map { random.uniform() * 10 < $0 ? 1 : 0 })
  }

  /// One forecast without intervals.
  private func evaluate(
    _ scores: [Double], _ labels: [Double], weights: [Double]? = nil, cuts: [Cut] = []
  ) throws -> Evaluation {
    try Evaluation(
      [.logits(scores)], Outcomes(labels: labels, weights: weights), cuts: cuts, replicates: 0,
      threads: 1)
  }

  private static let metrics: [Metric] = [
    .rocArea, .averagePrecision, .logLoss, .brier, .reliability, .resolution, .uncertainty,
    .inTheLarge, .slope, .intercept, .plugInError, .precision(.weight(50)), .recall(.weight(50)),
    .lift(.weight(50)),
    .precision(.weight(77.5)),
  ]

  @Test func areaIsTheShareOfPairsInOrder() throws {
    let (scores, labels) = sample(1)
    var won = 0.0
    var pairs = 0.0
    for i in scores.indices where labels[i] == 1 {
      for j in scores.indices where labels[j] == 0 {
        won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
        pairs += 1
      }
    }
    #expect(abs(try RocArea(scores: scores, labels: labels).area - won / pairs) < 1e-14)
    let ones = [Double](repeating: 1, count: scores.count)
    let weighted = try evaluate(scores, labels, weights: ones).estimate(.rocArea).value ?? .nan
    #expect(abs(weighted - won / pairs) < 1e-14)
  }

  @Test func weightIsRepetition() throws {
    let (scores, labels) = sample(2)
    let weights = scores.indices.map { Double($0 % 4) }
    let rows = scores.indices.flatMap { [Int](repeating: $0, count: $0 % 4) }
    let a = try evaluate(scores, labels, weights: weights, cuts: [.weight(50), .weight(77.5)])
    let b = try evaluate(
      rows.map { scores[$0] }, rows.map { labels[$0] }, cuts: [.weight(50), .weight(77.5)])
    for metric in Self.metrics {
      let (x, y) = (a.estimate(metric).value ?? .nan, b.estimate(metric).value ?? .nan)
      #expect(abs(x - y) < 1e-12, "\(metric)")
    }
    #expect(a.rows == scores.indices.count { $0 % 4 > 0 } && b.total == a.total)
  }

  @Test func orderOfRowsChangesNothing() throws {
    var (scores, labels) = sample(3, 500)
    var random = SplitMix64(4)
    let weights = scores.map { _ in 1 + Double(random.below(3)) }
    let clusters = scores.map { _ in random.below(100) }
    let other = scores.map { $0 + Double(random.below(3)) }
    func run(_ order: [Int], threads: Int) throws -> Evaluation {
      try Evaluation(
        [.logits(order.map { scores[$0] }), .logits(order.map { other[$0] })],
        Outcomes(
          labels: order.map { labels[$0] }, weights: order.map { weights[$0] },
          clusters: order.map { clusters[$0] }), cuts: [.weight(50), .weight(77.5)], replicates: 80,
        threads: threads)
    }
    let straight = try run(Array(scores.indices), threads: 1)
    let shuffled = try run(scores.indices.shuffled(using: &random), threads: 3)
    for metric in Self.metrics {
      for forecast in 0...1 {
        #expect(
          straight.estimate(metric, of: forecast) == shuffled.estimate(metric, of: forecast))
      }
      #expect(straight.difference(metric) == shuffled.difference(metric))
    }
    #expect(straight.bins() == shuffled.bins())
    #expect(straight.nullFloor(threads: 1) == shuffled.nullFloor(threads: 4))
    #expect(straight.curve(of: 1) == shuffled.curve(of: 1))
    // Unclustered and unweighted rows too: what is drawn goes by rank, not by place.
    let plain = try Evaluation([.logits(scores)], Outcomes(labels: labels), threads: 1)
    (scores, labels) = (scores.reversed(), labels.reversed())
    let reversed = try Evaluation([.logits(scores)], Outcomes(labels: labels), threads: 2)
    for metric in Self.metrics.prefix(11) where metric != .rocArea {
      #expect(plain.estimate(metric) == reversed.estimate(metric), "\(metric)")
    }
  }

  @Test func splitAddsUp() throws {
    for seed in 5..<25 {
      var random = SplitMix64(UInt64(seed))
      let count = 20 + random.below(400)
      let p = (0..<count).map { _ in
        seed % 2 == 0 ? random.uniform() : (random.uniform() * 8).rounded() / 8
      }
      let labels = p.map { random.uniform() < $0 ? 1.0 : 0 }
      let weights = seed % 3 == 0 ? nil : p.map { _ in random.uniform() * 3 }
      let evaluation = try Evaluation(
        [.probabilities(p)], Outcomes(labels: labels, weights: weights), replicates: 0, threads: 1)
      func value(_ metric: Metric) -> Double { evaluation.estimate(metric).value ?? .nan }
      let split = value(.reliability) - value(.resolution) + value(.uncertainty)
      #expect(abs(split - value(.brier)) < 1e-14)
      guard seed % 2 == 1 else { continue }
      // Few scores: Murphy's own resolution, Σ of shares × (observed − base)².
      let bins = evaluation.bins()
      let base = evaluation.positives / evaluation.total
      let murphy = bins.reduce(0) {
        $0 + $1.share * ($1.observed - base) * ($1.observed - base)
      }
      #expect(abs(murphy - value(.resolution)) < 1e-14)
      #expect(bins.allSatisfy { $0.from == $0.to })
    }
  }

  @Test func tiesNeverStraddleBins() throws {
    var random = SplitMix64(6)
    for _ in 0..<50 {
      let count = 30 + random.below(500)
      let levels = 10 + random.below(60)
      let p = (0..<count).map { _ in Double(random.below(levels)) / Double(levels) }
      let labels = (0..<count).map { $0 < 2 ? Double($0) : Double(random.below(2)) }
      let bins = try Evaluation(
        [.probabilities(p)], Outcomes(labels: labels), replicates: 0, threads: 1
      ).bins()
      #expect(bins.count <= 15 && bins.reduce(0) { $0 + $1.rows } == count)
      for (a, b) in zip(bins, bins.dropFirst()) { #expect(a.to < b.from) }
      for bin in bins {
        #expect(bin.rows == p.count { $0 >= bin.from && $0 <= bin.to })
        #expect(bin.observedLow <= bin.observed && bin.observed <= bin.observedHigh)
      }
    }
  }

  @Test func tiesAtTheCutAreShared() throws {
    func called(_ k: Double) throws -> Evaluation {
      try Evaluation(
        [.logits([5, 4, 4, 4, 1])], Outcomes(labels: [1, 1, 0, 0, 1]), cuts: [.weight(k)],
        replicates: 0, threads: 1)
    }
    let three = try called(3)
    func value(_ metric: Metric) -> Double { three.estimate(metric).value ?? .nan }
    #expect(abs(value(.precision(.weight(3))) - (1 + 2.0 / 3) / 3) < 1e-15)
    #expect(abs(value(.recall(.weight(3))) - (1 + 2.0 / 3) / 3) < 1e-15)
    #expect(abs(value(.lift(.weight(3))) - (1 + 2.0 / 3) / 3 / 0.6) < 1e-15)
    #expect(throws: LearningError.self) { try called(6) }
  }

  @Test func extremeLogitsStayFinite() throws {
    let metrics = try ProbabilityMetrics(logits: [800, -800, 800], labels: [1, 0, 0])
    #expect(abs(metrics.logLoss - 800.0 / 3) < 1e-12)
    #expect(abs(metrics.brier - 1.0 / 3) < 1e-15)
  }

  @Test func calibrationLineUndoesADistortion() throws {
    var random = SplitMix64(8)
    let truth = (0..<20_000).map { _ in 1.5 * random.normal() }
    let labels = truth.map { random.uniform() < 1 / (1 + exp(-$0)) ? 1.0 : 0 }
    let line = try CalibrationLine(logits: truth.map { 2 * $0 - 1 }, labels: labels)
    #expect(abs(line.slope - 0.5) < 0.03 && abs(line.intercept - 0.5) < 0.05)
  }

  @Test func refusals() {
    #expect(throws: LearningError.oneClass(label: 1, rows: 2)) {
      try RocArea(scores: [1, 2], labels: [1, 1])
    }
    #expect(throws: LearningError.nonFinite(what: "scores", row: 1)) {
      try RocArea(scores: [1, .nan], labels: [1, 0])
    }
    #expect(throws: LearningError.sizeMismatch(what: "scores", expected: 2, got: 1)) {
      try Evaluation([.logits([1])], Outcomes(labels: [0, 1]), threads: 1)
    }
    #expect(throws: LearningError.probabilityOutOfRange(row: 1, value: 1.5)) {
      try Evaluation([.probabilities([1, 1.5])], Outcomes(labels: [0, 1]), threads: 1)
    }
    #expect(throws: LearningError.badParameter(name: "k", value: 3, needed: "above 0, at most 2.0"))
    {
      try Evaluation([.logits([1, 2])], Outcomes(labels: [0, 1]), cuts: [.weight(3)], threads: 1)
    }
  }
}
