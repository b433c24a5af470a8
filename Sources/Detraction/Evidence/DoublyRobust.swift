package import Learning

/// The detractor rate to be expected of the silent, from respondents alone:
///
///     μ = mean over silent of p + Σ w (y − p) / Σ w over respondents,
///
/// w their odds weights, p out of fold. Right if either p or w is, given that who speaks depends on x
/// alone (METHODS 1.3); wrong by the offset where it depends on satisfaction itself.
package struct DoublyRobustRate: Sendable, Codable, Equatable {
  /// With its 95 % interval: percentiles over draws of customers among the respondents. The silent
  /// are all there are, so they are not drawn.
  package let rate: Evaluation.Estimate
  /// Mean of p over the silent, and what the residuals add.
  package let model: Double
  package let correction: Double

  /// `customers` are hashes of the respondents' accounts. Throws `sizeMismatch`, `tooFewRows`,
  /// `noWeight`. O(silent + replicates × customers).
  package init(
    silentLogits: [Double], logits: [Double], labels: [Double], weights: [Double],
    customers: [UInt64], replicates: Int = 1000, seed: UInt64 = 1, threads: Int
  ) throws(LearningError) {
    for (what, count) in [
      ("labels", labels.count), ("weights", weights.count), ("customers", customers.count),
    ] where count != logits.count {
      throw .sizeMismatch(what: what, expected: logits.count, got: count)
    }
    guard !silentLogits.isEmpty, !logits.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    let unit = Outcomes.clusters(of: customers)
    var residuals = [Double](repeating: 0, count: (unit.max() ?? 0) + 1)
    var sums = residuals
    for row in logits.indices {
      let p = LogisticFit.probability(logit: logits[row])
      residuals[unit[row]] += weights[row] * (labels[row] - p)
      sums[unit[row]] += weights[row]
    }
    let total = sums.reduce(0, +)
    guard total > 0 else { throw .noWeight(rows: logits.count) }
    let mean = meanProbability(silentLogits, offset: 0, threads: threads)
    let added = residuals.reduce(0, +) / total
    model = mean
    correction = added
    let replicates = bootstrapRatios(
      residuals, over: sums, replicates: replicates, seed: seed, threads: threads)
    func rate(_ correction: Double) -> Double { min(max(mean + correction, 0), 1) }
    self.rate = .init(
      value: rate(added),
      low: replicates.isEmpty ? nil : rate(Evaluation.quantile(replicates, 0.025)),
      high: replicates.isEmpty ? nil : rate(Evaluation.quantile(replicates, 0.975)))
  }
}

/// The mean of σ(logit + offset). Not empty. O(logits).
func meanProbability(_ logits: [Double], offset: Double, threads: Int) -> Double {
  let stripes = StripedWork.bounds(of: logits.count, unit: 1024)
  let sums = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
    stripes[stripe].reduce(0.0) { $0 + LogisticFit.probability(logit: logits[$1] + offset) }
  }
  return sums.reduce(0, +) / Double(logits.count)
}

/// The offset at which the mean of σ(logit + offset) is `rate`, within 0 and 1: halving an interval,
/// as the mean rises with it. O(50 logits).
func offset(of logits: [Double], toMean rate: Double, threads: Int) -> Double {
  var (low, high) = (-40.0, 40.0)
  for _ in 0..<50 {
    let middle = (low + high) / 2
    if meanProbability(logits, offset: middle, threads: threads) < rate {
      low = middle
    } else {
      high = middle
    }
  }
  return (low + high) / 2
}
