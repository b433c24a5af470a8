package import Learning

/// Whether rows from one-sided channels (complaints, refunds) join training.
///
/// Only the unhappy speak there, so that pooled blindly they teach who complains. They join only if
/// with them precision at capacity rises on held-out two-sided rows, surely: the paired interval by
/// customer lies above 0.
package struct PoolingChoice: Sendable, Codable, Equatable {
  package let twoSidedRows: Int
  package let oneSidedRows: Int
  /// Two-sided training first, pooled second.
  package let precision: CapacityComparison
  /// AUC on the held-out two-sided rows without and with the one-sided ones.
  package let auc: Double
  package let pooledAUC: Double
  package var joins: Bool { precision.secondWins }

  /// Rows of one kind on the same design.
  package struct Rows: Sendable {
    package let x: Matrix
    package let labels: [Double]
    /// Of the customer: the same in both kinds.
    package let folds: [Int]
    /// What they count in training.
    package let weights: [Double]

    /// `weights`: all 1 if nil.
    package init(x: Matrix, labels: [Double], folds: [Int], weights: [Double]? = nil) {
      self.x = x
      self.labels = labels
      self.folds = folds
      self.weights = weights ?? [Double](repeating: 1, count: labels.count)
    }
  }

  /// Fits both ways on the same folds, the penalty chosen each time, and judges held-out two-sided
  /// rows only. `weights`: what these count there, their odds weights or nil; `share`: capacity over silent accounts.
  /// Throws as `crossValidate` and `Evaluation`.
  package init(
    twoSided: Rows, oneSided: Rows, weights: [Double]?, customers: [UInt64], share: Double,
    lambdas: [Double], parameters: LogisticParameters, threads: Int
  ) throws(LearningError) {
    func outOfFold(_ rows: Rows) throws(LearningError) -> [Double] {
      try crossValidate(
        LogisticData(rows.x, labels: rows.labels, weights: rows.weights, threads: threads),
        folds: rows.folds, lambdas: lambdas, parameters: parameters
      ).validation.outOfFoldLogits
    }
    let alone = try outOfFold(twoSided)
    let both = Rows(
      x: twoSided.x.followed(by: oneSided.x), labels: twoSided.labels + oneSided.labels,
      folds: twoSided.folds + oneSided.folds, weights: twoSided.weights + oneSided.weights)
    let pooled = Array(try outOfFold(both).prefix(twoSided.labels.count))
    twoSidedRows = twoSided.labels.count
    oneSidedRows = oneSided.labels.count
    precision = try CapacityComparison(
      alone, against: pooled, labels: twoSided.labels, weights: weights, customers: customers,
      share: share, threads: threads)
    auc = try RocArea(scores: alone, labels: twoSided.labels).area
    pooledAUC = try RocArea(scores: pooled, labels: twoSided.labels).area
  }
}
