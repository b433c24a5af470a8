package import Learning

/// What a ranking is worth at the team's capacity, on labelled rows that stand for the silent by their
/// odds weights (all alike if nil), with intervals by customer.
package struct CapacityMetrics: Sendable, Codable, Equatable {
  /// Share of all weight that is called.
  package let share: Double
  package let precision: Evaluation.Estimate
  package let recall: Evaluation.Estimate
  package let lift: Evaluation.Estimate
  package let auc: Evaluation.Estimate
  /// Mean probability less the rate that happened.
  package let inTheLarge: Evaluation.Estimate
  package let slope: Evaluation.Estimate

  /// `share`: capacity over silent accounts, above 0, at most 1. `customers` are hashes of accounts.
  /// Throws as `Evaluation`. O(rows log rows + 1,000 rows).
  package init(
    logits: [Double], labels: [Double], weights: [Double]?, customers: [UInt64], share: Double,
    threads: Int
  ) throws(LearningError) {
    let evaluation = try Evaluation(
      [.logits(logits)],
      Outcomes(labels: labels, weights: weights, clusters: Outcomes.clusters(of: customers)),
      cuts: [.share(share)], threads: threads)
    self.share = share
    precision = evaluation.estimate(.precision(.share(share)))
    recall = evaluation.estimate(.recall(.share(share)))
    lift = evaluation.estimate(.lift(.share(share)))
    auc = evaluation.estimate(.rocArea)
    inTheLarge = evaluation.estimate(.inTheLarge)
    slope = evaluation.estimate(.slope)
  }
}

/// Two rankings of the same held-out rows at the team's capacity: does the second do better?
package struct CapacityComparison: Sendable, Codable, Equatable {
  /// Precision at capacity.
  package let first: Evaluation.Estimate
  package let second: Evaluation.Estimate
  /// The second's less the first's, paired by customer.
  package let difference: Evaluation.Estimate
  /// Whether the interval of the difference lies wholly above 0.
  package var secondWins: Bool { (difference.low ?? 0) > 0 }

  /// Rows as in `CapacityMetrics`. Throws as `Evaluation`.
  init(
    _ first: [Double], against second: [Double], labels: [Double], weights: [Double]?,
    customers: [UInt64], share: Double, threads: Int
  ) throws(LearningError) {
    let evaluation = try Evaluation(
      [.logits(second), .logits(first)],
      Outcomes(labels: labels, weights: weights, clusters: Outcomes.clusters(of: customers)),
      cuts: [.share(share)], threads: threads)
    let metric = Metric.precision(.share(share))
    self.first = evaluation.estimate(metric, of: 1)
    self.second = evaluation.estimate(metric, of: 0)
    difference = evaluation.difference(metric)
  }
}
