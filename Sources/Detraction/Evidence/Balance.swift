import Learning

/// How far respondents lie from the silent in one source feature: absolute standardised mean
/// differences |mean_w(x; respondents) − mean(x; silent)| / sd(x; silent), before and after weighting.
///
/// Above 0.1 is commonly called out of balance. A source's difference is the largest of its parts: the
/// mean of present values, the share missing, the share of every level. Source: `asmd` of Meta's balance
/// (std_type "target").
package struct FeatureBalance: Sendable, Codable, Equatable {
  package let name: String
  package let before: Double
  package let after: Double
}

/// All sources in their order. `weights`: of the respondents. O(rows × sources).
func featureBalance(
  respondents: Matrix, silent: Matrix, weights: [Double], sources: [DesignSource],
  names: [String], threads: Int
) -> [FeatureBalance] {
  StripedWork.map(stripes: sources.count, threads: threads) { source in
    let ours = respondents.column(source)
    let theirs = silent.column(source)
    var (before, after) = (0.0, 0.0)
    func compare(_ value: (Double) -> Double?) {
      let target = SideMoments(theirs, nil, value)
      guard target.deviation > 0 else { return }
      let plain = SideMoments(ours, nil, value)
      let weighted = SideMoments(ours, weights, value)
      guard plain.weight > 0, weighted.weight > 0 else { return }
      before = max(before, abs(plain.mean - target.mean) / target.deviation)
      after = max(after, abs(weighted.mean - target.mean) / target.deviation)
    }
    compare { $0.isNaN ? 1 : 0 }
    switch sources[source] {
    case .numeric: compare { $0.isNaN ? nil : $0 }
    case .categorical(let levels):
      for level in 0..<levels { compare { $0 == Double(level) ? 1 : 0 } }
    }
    return FeatureBalance(name: names[source], before: before, after: after)
  }
}

/// Weighted mean of present values, and their deviation with divisor n − 1 (weights being counts).
private struct SideMoments {
  private(set) var weight = 0.0
  private(set) var mean = 0.0
  private(set) var deviation = 0.0

  /// Of what `value` makes of each value, nil being absent.
  init(_ values: [Double], _ weights: [Double]?, _ value: (Double) -> Double?) {
    var square = 0.0
    for row in values.indices {
      let w = weights?[row] ?? 1
      guard w > 0, let value = value(values[row]) else { continue }
      weight += w
      let d = value - mean
      mean += d * w / weight
      square += w * d * (value - mean)
    }
    if weight > 1 { deviation = (square / (weight - 1)).squareRoot() }
  }
}
