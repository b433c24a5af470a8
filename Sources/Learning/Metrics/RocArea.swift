import Foundation

/// The area under the ROC curve with DeLong's standard error.
///
/// A positive row's component is the share of negatives below it, ties counted half; a negative row's
/// the share of positives above it. The area is the mean of either kind; its variance is that of the
/// two means. Source: DeLong et al. 1988; one sort as in Sun & Xu 2014, doi:10.1109/LSP.2014.2337313.
/// O(n log n).
package struct RocArea: Sendable, Equatable {
  /// The probability that a positive row scores above a negative one, ties counted half.
  package let area: Double
  package let standardError: Double
  package let positives: Int
  package let negatives: Int
  /// Structural components, in row order.
  private let ofPositives: [Double]
  private let ofNegatives: [Double]

  /// `labels` are 0 or 1. Throws `oneClass`, `sizeMismatch`, `nonFinite`, `labelOutOfRange`.
  package init(scores: [Double], labels: [Double]) throws(LearningError) {
    try Scored.check(scores, labels, weights: nil)
    positives = labels.count { $0 == 1 }
    negatives = labels.count - positives
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    var component = [Double](repeating: 0, count: scores.count)
    var (positivesBelow, negativesBelow) = (0, 0)
    var start = 0
    while start < order.count {
      var end = start
      var tiedPositives = 0
      while end < order.count, scores[order[end]] == scores[order[start]] {
        if labels[order[end]] == 1 { tiedPositives += 1 }
        end += 1
      }
      let tiedNegatives = end - start - tiedPositives
      for row in order[start..<end] {
        component[row] =
          labels[row] == 1
          ? (Double(negativesBelow) + Double(tiedNegatives) / 2) / Double(negatives)
          : (Double(positives - positivesBelow) - Double(tiedPositives) / 2) / Double(positives)
      }
      positivesBelow += tiedPositives
      negativesBelow += tiedNegatives
      start = end
    }
    ofPositives = component.indices.filter { labels[$0] == 1 }.map { component[$0] }
    ofNegatives = component.indices.filter { labels[$0] == 0 }.map { component[$0] }
    area = ofPositives.reduce(0, +) / Double(positives)
    standardError = Self.covariance(ofPositives, ofNegatives, ofPositives, ofNegatives)
      .squareRoot()
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
    let shared = Self.covariance(ofPositives, ofNegatives, other.ofPositives, other.ofNegatives)
    let variance =
      standardError * standardError + other.standardError * other.standardError - 2 * shared
    let error = max(variance, 0).squareRoot()
    let difference = area - other.area
    let z = error > 0 ? difference / error : 0
    return Difference(
      difference: difference, standardError: error, z: z, p: erfc(abs(z) / 2.0.squareRoot()))
  }

  /// The covariance of two areas from their components; the divisors are n − 1 and n.
  private static func covariance(
    _ positivesA: [Double], _ negativesA: [Double], _ positivesB: [Double], _ negativesB: [Double]
  ) -> Double {
    covariance(positivesA, positivesB) / Double(positivesA.count)
      + covariance(negativesA, negativesB) / Double(negativesA.count)
  }

  /// With divisor n − 1; 0 for a single value.
  private static func covariance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count > 1 else { return 0 }
    let meanA = a.reduce(0, +) / Double(a.count)
    let meanB = b.reduce(0, +) / Double(b.count)
    return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / Double(a.count - 1)
  }
}
