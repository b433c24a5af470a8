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

    package init(x: Matrix, labels: [Double], folds: [Int]) {
      self.x = x
      self.labels = labels
      self.folds = folds
    }
  }

  /// Fits both ways on the same folds, the penalty chosen each time, and judges held-out two-sided
  /// rows only. `weights`: their odds weights, or nil; `share`: capacity over silent accounts.
  /// Throws as `crossValidate` and `Evaluation`.
  package init(
    twoSided: Rows, oneSided: Rows, weights: [Double]?, customers: [UInt64], share: Double,
    lambdas: [Double], parameters: LogisticParameters, threads: Int
  ) throws(LearningError) {
    func outOfFold(_ x: Matrix, _ labels: [Double], _ folds: [Int]) throws(LearningError)
      -> [Double]
    {
      try crossValidate(
        LogisticData(x, labels: labels, threads: threads), folds: folds, lambdas: lambdas,
        parameters: parameters
      ).validation.outOfFoldLogits
    }
    let alone = try outOfFold(twoSided.x, twoSided.labels, twoSided.folds)
    let pooled = Array(
      try outOfFold(
        twoSided.x.followed(by: oneSided.x), twoSided.labels + oneSided.labels,
        twoSided.folds + oneSided.folds
      ).prefix(twoSided.labels.count))
    twoSidedRows = twoSided.labels.count
    oneSidedRows = oneSided.labels.count
    precision = try CapacityComparison(
      alone, against: pooled, labels: twoSided.labels, weights: weights, customers: customers,
      share: share, threads: threads)
    auc = try RocArea(scores: alone, labels: twoSided.labels).area
    pooledAUC = try RocArea(scores: pooled, labels: twoSided.labels).area
  }
}
