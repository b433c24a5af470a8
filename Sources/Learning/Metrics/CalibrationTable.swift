/// Rows of neighbouring probabilities, and how many of them were positive.
package struct CalibrationBin: Sendable, Equatable, Encodable {
  package let rows: Int
  /// Share of all weight.
  package let share: Double
  /// The least and the largest probability in it.
  package let from: Double
  package let to: Double
  package let meanProbability: Double
  /// Share of positives with its 95 % interval (Wilson 1927, on Kish's count of rows).
  package let observed: Double
  package let observedLow: Double
  package let observedHigh: Double
}

/// What calibration errors are where the probabilities are exactly right: noise alone, from labels
/// drawn by the probabilities themselves, rows independent.
package struct NullFloor: Sendable, Equatable, Encodable {
  /// Mean of the plug-in error and its 95 % point.
  package let plugInMean: Double
  package let plugIn95: Double
  /// 95 % point of the debiased error, the root of `Metric.debiasedSquare` or 0.
  package let debiased95: Double
}

extension Evaluation {
  /// The bins of `Metric.reliability` from the least probability up. O(rows).
  package func bins(of forecast: Int = 0) -> [CalibrationBin] {
    let rows = ranked[forecast].rows
    var bins: [CalibrationBin] = []
    var start = 0
    for end in rows.indices where rows[end].endsBin {
      let part = rows[start...end]
      var (weight, squares, probability, positive) = (0.0, 0.0, 0.0, 0.0)
      for row in part {
        weight += row.weight
        squares += row.weight * row.weight
        probability += row.weight * row.probability
        if row.isPositive { positive += row.weight }
      }
      let observed = positive / weight
      let interval = Self.wilson(observed, count: weight * weight / squares)
      bins.append(
        CalibrationBin(
          rows: part.count, share: weight / total, from: rows[end].probability,
          to: rows[start].probability, meanProbability: probability / weight, observed: observed,
          observedLow: interval.low, observedHigh: interval.high))
      start = end + 1
    }
    return bins.reversed()
  }

  /// Wilson's 95 % interval of a share.
  private static func wilson(_ share: Double, count n: Double) -> (low: Double, high: Double) {
    let z = 1.959963984540054
    let centre = share + z * z / (2 * n)
    let half = z * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    let scale = 1 + z * z / n
    // At 0 and 1 an end is the share itself, but for rounding.
    return (min(share, (centre - half) / scale), max(share, (centre + half) / scale))
  }

  /// Simulates the calibration errors of exact probabilities (METHODS 3.5). `simulations` is rounded
  /// up to eights. O(simulations × rows).
  package func nullFloor(
    of forecast: Int = 0, simulations: Int = 1000, seed: UInt64 = 2, threads: Int
  ) -> NullFloor {
    let rows = ranked[forecast].rows
    let stripes = StripedWork.map(stripes: (simulations + 7) / 8, threads: threads) { stripe in
      let draws = Draws(seed: seed, stripe: stripe)
      var (gap, gap2, noise) = (Lanes(), Lanes(), Lanes())
      var positive = Lanes()
      var (weight, squares, probability) = (0.0, 0.0, 0.0)
      for (place, row) in rows.enumerated() {
        let limit = Int32(clamping: Int64((row.probability - 0.5) * 0x1p32))
        let isPositive = draws.uniform(place) .< SIMD8<Int32>(repeating: limit)
        positive += row.weight * Lanes(SIMD8<Int32>().replacing(with: 1, where: isPositive))
        weight += row.weight
        squares += row.weight * row.weight
        probability += row.weight * row.probability
        guard row.endsBin else { continue }
        let d = (probability - positive) / weight
        let y = positive / weight
        gap += weight * d.replacing(with: -d, where: d .< 0)
        gap2 += weight * d * d
        let count = weight * weight / squares
        if count > 1.5 { noise += weight * y * (1 - y) / (count - 1) }
        positive = Lanes()
        (weight, squares, probability) = (0, 0, 0)
      }
      let debiased = (gap2 - noise) / total
      return (
        plugIn: gap / total,
        debiased: debiased.replacing(with: 0, where: debiased .< 0).squareRoot()
      )
    }
    let plugIn = stripes.flatMap { stripe in (0..<8).map { stripe.plugIn[$0] } }.sorted()
    let debiased = stripes.flatMap { stripe in (0..<8).map { stripe.debiased[$0] } }.sorted()
    return NullFloor(
      plugInMean: plugIn.reduce(0, +) / Double(plugIn.count),
      plugIn95: Self.quantile(plugIn, 0.95), debiased95: Self.quantile(debiased, 0.95))
  }
}
