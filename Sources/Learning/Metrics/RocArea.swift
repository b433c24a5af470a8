import Foundation

/// The area under the ROC curve with DeLong's standard error.
///
/// With midranks T over positives, negatives and both: area = Σ T_both(positives) / (m n) −
/// (m + 1) / (2 n). Source: Sun & Xu 2014, doi:10.1109/LSP.2014.2337313; DeLong et al. 1988.
/// O(n log n).
package struct RocArea: Sendable, Equatable {
  /// The probability that a positive row scores above a negative one, ties counted half.
  package let area: Double
  package let standardError: Double
  package let positives: Int
  package let negatives: Int
  /// Structural components: a value a positive row, a value a negative one, in row order.
  private let ofPositives: [Double]
  private let ofNegatives: [Double]

  /// `labels` are 0 or 1. Throws `oneClass`, `sizeMismatch`, `nonFinite`, `labelOutOfRange`.
  package init(scores: [Double], labels: [Double]) throws(LearningError) {
    try Scored.check(scores, labels, weights: nil)
    var positive: [Double] = []
    var negative: [Double] = []
    for (score, label) in zip(scores, labels) {
      if label == 1 { positive.append(score) } else { negative.append(score) }
    }
    let m = Double(positive.count)
    let n = Double(negative.count)
    let both = Self.midranks(positive + negative)
    let ranksOfPositives = Self.midranks(positive)
    let ranksOfNegatives = Self.midranks(negative)
    ofPositives = positive.indices.map { (both[$0] - ranksOfPositives[$0]) / n }
    ofNegatives = negative.indices.map {
      1 - (both[positive.count + $0] - ranksOfNegatives[$0]) / m
    }
    area = both[..<positive.count].reduce(0, +) / (m * n) - (m + 1) / (2 * n)
    positives = positive.count
    negatives = negative.count
    let variance =
      Self.covariance(ofPositives, ofPositives) / m + Self.covariance(ofNegatives, ofNegatives) / n
    standardError = variance.squareRoot()
  }

  /// The 95 % interval: of the area itself up to 0.95, of its logit beyond.
  package var interval: (low: Double, high: Double) {
    let z = 1.959963984540054
    guard area > 0.95, area < 1 else {
      return (max(0, area - z * standardError), min(1, area + z * standardError))
    }
    let logit = log(area / (1 - area))
    let half = z * standardError / (area * (1 - area))
    return (SigmoidKernel.sigmoid(logit - half), SigmoidKernel.sigmoid(logit + half))
  }

  /// The difference between two scores' areas on the same rows.
  package struct Difference: Sendable, Equatable {
    package let difference: Double
    package let standardError: Double
    package let z: Double
    /// Two-sided.
    package let p: Double
  }

  /// This area minus another of the same rows and labels. Throws `sizeMismatch`.
  package func minus(_ other: RocArea) throws(LearningError) -> Difference {
    guard positives == other.positives, negatives == other.negatives else {
      throw .sizeMismatch(
        what: "positive rows of the other score", expected: positives, got: other.positives)
    }
    let m = Double(positives)
    let n = Double(negatives)
    let shared =
      Self.covariance(ofPositives, other.ofPositives) / m
      + Self.covariance(ofNegatives, other.ofNegatives) / n
    let variance =
      standardError * standardError + other.standardError * other.standardError - 2 * shared
    let error = max(variance, 0).squareRoot()
    let difference = area - other.area
    let z = error > 0 ? difference / error : 0
    return Difference(
      difference: difference, standardError: error, z: z, p: erfc(abs(z) / 2.0.squareRoot()))
  }

  /// The area where each row counts as its weight. Throws as `init`, and for bad weights.
  /// O(n log n).
  package static func weighted(
    scores: [Double], labels: [Double], weights: [Double]
  ) throws(LearningError) -> Double {
    try Scored.check(scores, labels, weights: weights)
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    var below = 0.0
    var sum = 0.0
    var positive = 0.0
    var start = 0
    while start < order.count {
      var end = start
      var tiedPositive = 0.0
      var tiedNegative = 0.0
      while end < order.count, scores[order[end]] == scores[order[start]] {
        let row = order[end]
        if labels[row] == 1 { tiedPositive += weights[row] } else { tiedNegative += weights[row] }
        end += 1
      }
      sum += tiedPositive * (below + tiedNegative / 2)
      below += tiedNegative
      positive += tiedPositive
      start = end
    }
    return sum / (positive * below)
  }

  /// Ranks from 1, equal values sharing the mean of theirs.
  static func midranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for k in start..<end { ranks[order[k]] = 0.5 * Double(start + end - 1) + 1 }
      start = end
    }
    return ranks
  }

  /// With divisor n − 1; 0 for a single value.
  private static func covariance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count > 1 else { return 0 }
    let meanA = a.reduce(0, +) / Double(a.count)
    let meanB = b.reduce(0, +) / Double(b.count)
    return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / Double(a.count - 1)
  }
}

/// Checks shared by everything that compares scores with labels.
enum Scored {
  static func check(
    _ scores: [Double], _ labels: [Double], weights: [Double]?
  ) throws(LearningError) {
    guard labels.count == scores.count else {
      throw .sizeMismatch(what: "labels", expected: scores.count, got: labels.count)
    }
    if let weights, weights.count != scores.count {
      throw .sizeMismatch(what: "weights", expected: scores.count, got: weights.count)
    }
    guard !scores.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    var seen = [0.0, 0.0]
    for row in scores.indices {
      guard scores[row].isFinite else { throw .nonFinite(what: "scores", row: row) }
      let label = labels[row]
      guard label == 0 || label == 1 else { throw .labelOutOfRange(row: row, value: label) }
      let weight = weights?[row] ?? 1
      guard weight.isFinite else { throw .nonFinite(what: "weights", row: row) }
      guard weight >= 0 else { throw .negativeWeight(row: row, value: weight) }
      seen[Int(label)] += weight
    }
    guard seen[0] > 0 else { throw .oneClass(label: 1, rows: scores.count) }
    guard seen[1] > 0 else { throw .oneClass(label: 0, rows: scores.count) }
  }
}
