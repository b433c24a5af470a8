import Foundation

/// The area under the ROC curve with DeLong's standard error.
///
/// A positive row's component is the share of negatives below it, ties counted half; a negative row's
/// the share of positives above it. The area is the mean of either kind; its variance is that of the
/// two means. Source: DeLong et al. 1988; one sort as in Sun & Xu 2014, doi:10.1109/LSP.2014.2337313.
/// Where rows hang together (a customer's), components are summed within clusters first: Obuchowski
/// 1997, doi:10.2307/2533958. O(n log n).
package struct RocArea: Sendable, Equatable {
  /// The probability that a positive row scores above a negative one, ties counted half.
  package let area: Double
  package let standardError: Double
  package let positives: Int
  package let negatives: Int
  /// Structural components, in row order.
  private let ofPositives: [Double]
  private let ofNegatives: [Double]
  /// Their clusters; nil: each row for itself.
  private let clusters: Clusters?

  private struct Clusters: Sendable, Equatable {
    var ofPositives: [Int]
    var ofNegatives: [Int]
  }

  /// `labels` are 0 or 1; `clusters`, numbers from 0 below the number of rows, are equal where rows
  /// hang together. Throws `oneClass`, `sizeMismatch`, `nonFinite`, `labelOutOfRange`, and
  /// `badParameter` for a cluster out of range.
  package init(
    scores: [Double], labels: [Double], clusters: [Int]? = nil
  ) throws(LearningError) {
    try Scored.check(scores, labels, weights: nil)
    if let clusters { try Scored.check(clusters: clusters, rows: labels.count) }
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
    let grouped = clusters.map { clusters in
      Clusters(
        ofPositives: clusters.indices.filter { labels[$0] == 1 }.map { clusters[$0] },
        ofNegatives: clusters.indices.filter { labels[$0] == 0 }.map { clusters[$0] })
    }
    self.clusters = grouped
    let (v10, v01) = (ofPositives, ofNegatives)
    let variance =
      grouped.map { Self.covariance($0, v10, v01, v10, v01) } ?? Self.covariance(v10, v01, v10, v01)
    standardError = max(variance, 0).squareRoot()
  }

  /// The 95 % interval: of the area itself up to 0.95, of its logit beyond.
  package var interval: (low: Double, high: Double) { interval(z: 1.959963984540054) }

  /// The interval of another level, `z` being its normal quantile: 3.290526731491926 for 99.9 %.
  package func interval(z: Double) -> (low: Double, high: Double) {
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

  /// This area minus another of the same rows, labels and clusters. Throws `sizeMismatch`.
  package func minus(_ other: RocArea) throws(LearningError) -> Difference {
    guard positives == other.positives, negatives == other.negatives else {
      throw .sizeMismatch(
        what: "positive rows of the other score", expected: positives, got: other.positives)
    }
    let shared =
      clusters.map {
        Self.covariance($0, ofPositives, ofNegatives, other.ofPositives, other.ofNegatives)
      } ?? Self.covariance(ofPositives, ofNegatives, other.ofPositives, other.ofNegatives)
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

  /// The same with clusters: S10/m + S01/n + 2 S11/(m n) of Obuchowski's, summed by cluster.
  private static func covariance(
    _ clusters: Clusters, _ positivesA: [Double], _ negativesA: [Double], _ positivesB: [Double],
    _ negativesB: [Double]
  ) -> Double {
    let count =
      1 + max(clusters.ofPositives.max() ?? 0, clusters.ofNegatives.max() ?? 0)
    let (m, n) = (Double(positivesA.count), Double(negativesA.count))
    /// Each cluster's sum of a − mean, and whether it has any.
    func sums(_ values: [Double], _ of: [Int]) -> (sums: [Double], clusters: Set<Int>) {
      let mean = values.reduce(0, +) / Double(values.count)
      var sums = [Double](repeating: 0, count: count)
      for (value, cluster) in zip(values, of) { sums[cluster] += value - mean }
      return (sums, Set(of))
    }
    func product(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    func correction(_ clusters: Int) -> Double {
      clusters > 1 ? Double(clusters) / Double(clusters - 1) : 0
    }
    let (xA, withPositives) = sums(positivesA, clusters.ofPositives)
    let (yA, withNegatives) = sums(negativesA, clusters.ofNegatives)
    let (xB, _) = sums(positivesB, clusters.ofPositives)
    let (yB, _) = sums(negativesB, clusters.ofNegatives)
    let all = withPositives.union(withNegatives).count
    return correction(withPositives.count) * product(xA, xB) / (m * m)
      + correction(withNegatives.count) * product(yA, yB) / (n * n)
      + correction(all) * (product(xA, yB) + product(yA, xB)) / (m * n)
  }

  /// With divisor n − 1; 0 for a single value.
  private static func covariance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count > 1 else { return 0 }
    let meanA = a.reduce(0, +) / Double(a.count)
    let meanB = b.reduce(0, +) / Double(b.count)
    return zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) } / Double(a.count - 1)
  }
}
