import Foundation
import Learning
import TestSupport
import Testing

@Suite struct MetricsTests {
  /// Scores with many ties.
  private func sample(_ seed: UInt64, _ count: Int = 120) -> (scores: [Double], labels: [Double]) {
    var random = SplitMix64(seed)
    let scores = (0..<count).map { _ in (random.uniform() * 10).rounded() }
    return (scores, scores.map { random.uniform() * 10 < $0 ? 1 : 0 })
  }

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
    #expect(
      abs(try RocArea.weighted(scores: scores, labels: labels, weights: ones) - won / pairs)
        < 1e-14)
  }

  @Test func weightIsRepetition() throws {
    let (scores, labels) = sample(2)
    let weights = scores.indices.map { Double($0 % 4) }
    let rows = scores.indices.flatMap { [Int](repeating: $0, count: $0 % 4) }
    let s = rows.map { scores[$0] }
    let y = rows.map { labels[$0] }
    #expect(
      abs(
        try RocArea.weighted(scores: scores, labels: labels, weights: weights)
          - RocArea(scores: s, labels: y).area) < 1e-14)
    #expect(
      abs(
        try averagePrecision(scores: scores, labels: labels, weights: weights)
          - averagePrecision(scores: s, labels: y)) < 1e-14)
    let a = try TopK(k: 30, scores: scores, labels: labels, weights: weights)
    let b = try TopK(k: 30, scores: s, labels: y)
    #expect(abs(a.truePositives - b.truePositives) < 1e-12 && abs(a.lift - b.lift) < 1e-12)
  }

  @Test func tiesAtTheCutAreShared() throws {
    let top = try TopK(k: 3, scores: [5, 4, 4, 4, 1], labels: [1, 1, 0, 0, 1])
    #expect(abs(top.truePositives - (1 + 2.0 / 3)) < 1e-15)
    #expect(abs(top.precision - (1 + 2.0 / 3) / 3) < 1e-15)
    #expect(abs(top.recall - (1 + 2.0 / 3) / 3) < 1e-15)
    #expect(abs(top.lift - (1 + 2.0 / 3) / 3 / 0.6) < 1e-15)
    #expect(throws: LearningError.self) {
      try TopK(k: 6, scores: [5, 4, 4, 4, 1], labels: [1, 1, 0, 0, 1])
    }
  }

  /// scikit-learn 1.9: average_precision_score([1,0,1,1,0],[.8,.8,.6,.4,.2]) = .6388888888888888.
  @Test func averagePrecisionAsScikitLearn() throws {
    let value = try averagePrecision(
      scores: [0.8, 0.8, 0.6, 0.4, 0.2], labels: [1, 0, 1, 1, 0])
    #expect(abs(value - 0.6388888888888888) < 1e-15)
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
    #expect(throws: LearningError.sizeMismatch(what: "labels", expected: 2, got: 1)) {
      try averagePrecision(scores: [1, 2], labels: [1])
    }
  }
}
