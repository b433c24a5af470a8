/// The recalibration logit' = intercept + slope · logit that fits the labels best: slope below 1 says
/// that the logits are too extreme, an intercept off 0 that their level is.
package struct CalibrationLine: Sendable, Equatable {
  package let slope: Double
  package let intercept: Double
  /// From the information of the weighted likelihood, rows taken as independent.
  package let slopeError: Double
  package let interceptError: Double

  /// Throws as `RocArea`, `rankDeficient` where all logits are equal, `separated`. O(n) a step of
  /// Newton's.
  package init(
    logits: [Double], labels: [Double], weights: [Double]? = nil
  ) throws(LearningError) {
    try Scored.check(logits, labels, weights: weights)
    let fit = try SmallLogistic(columns: [logits], targets: labels, weights: weights)
    slope = fit.coefficients[0]
    intercept = fit.intercept
    slopeError = fit.covariance[0].squareRoot()
    interceptError = fit.covariance[3].squareRoot()
  }
}
