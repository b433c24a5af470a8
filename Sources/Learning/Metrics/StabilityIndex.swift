import Foundation

/// How values were spread when a model was made: shares of bins between cuts, and of missing values.
///
/// Cuts are the distinct deciles, first to ninth, so that a value which many rows share (a zero) keeps a
/// bin of its own side; a bin holds values above the cut before it, up to its own cut. The last bin is
/// empty where a tenth of the values share the largest: what lies beyond them is new.
package struct ReferenceBins: Sendable, Codable, Equatable {
  /// Rising; one fewer than the bins.
  package let cuts: [Double]
  /// Of each bin, then of missing values; they sum to 1.
  package let shares: [Double]
  /// Values looked at.
  package let count: Int

  /// NaN is missing. Throws `tooFewRows` for none. O(n log n).
  package init(of values: [Double]) throws(LearningError) {
    guard !values.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    let sorted = values.filter { !$0.isNaN }.sorted()
    var cuts: [Double] = []
    for tenth in 1..<10 where !sorted.isEmpty {
      let cut = sorted[(tenth * sorted.count - 1) / 10]
      if cut != cuts.last { cuts.append(cut) }
    }
    self.cuts = cuts
    count = values.count
    shares = Self.counts(values, cuts).map { Double($0) / Double(values.count) }
  }

  /// Levels of a categorical feature as bins: a value is its code, 0 ..< levels. O(n + levels).
  package init(of codes: [Double], levels: Int) throws(LearningError) {
    guard !codes.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    cuts = (0..<max(levels - 1, 0)).map(Double.init)
    count = codes.count
    shares = Self.counts(codes, cuts).map { Double($0) / Double(codes.count) }
  }

  /// Values in each bin, missing ones last. O(n log bins).
  private static func counts(_ values: [Double], _ cuts: [Double]) -> [Int] {
    var counts = [Int](repeating: 0, count: cuts.count + 2)
    for value in values {
      guard !value.isNaN else {
        counts[cuts.count + 1] += 1
        continue
      }
      var (low, high) = (0, cuts.count)
      while low < high {
        let middle = (low + high) / 2
        if value <= cuts[middle] { high = middle } else { low = middle + 1 }
      }
      counts[low] += 1
    }
    return counts
  }

  /// Shares of other values in the same bins, as `shares`. O(n log bins).
  package func shares(of values: [Double]) -> [Double] {
    Self.counts(values, cuts).map { Double($0) / Double(max(values.count, 1)) }
  }

  /// How far `values` have moved from the reference. O(n log bins).
  package func index(of values: [Double]) -> StabilityIndex {
    StabilityIndex(
      reference: shares.map { $0 * Double(count) },
      fresh: Self.counts(values, cuts).map(Double.init))
  }
}

/// The population stability index Σ (a − r) ln(a / r) over bins, with what chance alone gives.
///
/// Where nothing changed, index / (1/N + 1/M) is nearly χ² with bins − 1 degrees of freedom (METHODS
/// 4.5; Yurdakul & Naranjo 2020). That fails for bins of few rows, so that bins are joined with their
/// neighbour until either side expects at least 5 (Cochran's rule); a bin still empty counts as half a
/// row.
package struct StabilityIndex: Sendable, Codable, Equatable {
  /// 0 where fewer than two bins are left.
  package let index: Double
  /// Bins after joining.
  package let bins: Int
  /// 1/N + 1/M, what the index is measured in.
  private let unit: Double
  /// Pearson's statistic of the two samples, which keeps nearer to χ² where bins are small.
  private let pearson: Double

  private static let least = 5.0

  /// Counts of the same bins. O(bins).
  init(reference: [Double], fresh: [Double]) {
    let m = reference.reduce(0, +)
    let n = fresh.reduce(0, +)
    var joined: [(r: Double, a: Double)] = []
    var open = (r: 0.0, a: 0.0)
    // Where nothing changed both samples have the pooled shares.
    func isFull(_ bin: (r: Double, a: Double)) -> Bool {
      (bin.r + bin.a) / (m + n) * min(m, n) >= Self.least
    }
    for (r, a) in zip(reference, fresh) {
      open.r += r
      open.a += a
      if isFull(open) {
        joined.append(open)
        open = (0, 0)
      }
    }
    if open.r + open.a > 0 {
      if joined.isEmpty {
        joined.append(open)
      } else {
        joined[joined.count - 1].r += open.r
        joined[joined.count - 1].a += open.a
      }
    }
    bins = joined.count
    pearson = joined.reduce(0) { sum, bin in
      let a = (bin.r + bin.a) / (m + n) * n
      let r = (bin.r + bin.a) / (m + n) * m
      return sum + (bin.a - a) * (bin.a - a) / a + (bin.r - r) * (bin.r - r) / r
    }
    unit = n > 0 && m > 0 ? 1 / n + 1 / m : .infinity
    index =
      joined.count < 2
      ? 0
      : joined.reduce(0) { sum, bin in
        let a = max(bin.a, 0.5) / n
        let r = max(bin.r, 0.5) / m
        return sum + (a - r) * log(a / r)
      }
  }

  /// What chance alone exceeds with probability 1 − `level`, for many rows; infinite where fewer than
  /// two bins are left.
  package func null(_ level: Double) -> Double {
    bins < 2 ? .infinity : unit * ChiSquare.quantile(level, degrees: bins - 1)
  }

  /// Whether the index is beyond `null`, and not by small bins alone: Pearson's statistic is beyond
  /// its own bound as well.
  package func isBeyondChance(_ level: Double) -> Bool {
    bins >= 2 && index > null(level)
      && pearson > ChiSquare.quantile(level, degrees: bins - 1)
  }
}
