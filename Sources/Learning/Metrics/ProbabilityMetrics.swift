/// How good logits are as probabilities.
package struct ProbabilityMetrics: Sendable, Equatable {
  /// Mean of softplus(η) − y η, from the logit itself (never log of a sigmoid).
  package let logLoss: Double
  /// Mean of (p − y)².
  package let brier: Double
  /// Mean of p minus mean of y.
  package let inTheLarge: Double

  /// Throws `sizeMismatch`, `nonFinite`, `labelOutOfRange`, `oneClass`, and for bad weights. O(n).
  package init(
    logits: [Double], labels: [Double], weights: [Double]? = nil
  ) throws(LearningError) {
    try Scored.check(logits, labels, weights: weights)
    var loss = 0.0
    var square = 0.0
    var difference = 0.0
    var total = 0.0
    for row in logits.indices {
      let weight = weights?[row] ?? 1
      let d = SigmoidKernel.sigmoid(logits[row]) - labels[row]
      loss += weight * (SigmoidKernel.softplus(logits[row]) - labels[row] * logits[row])
      square += weight * d * d
      difference += weight * d
      total += weight
    }
    logLoss = loss / total
    brier = square / total
    inTheLarge = difference / total
  }
}
