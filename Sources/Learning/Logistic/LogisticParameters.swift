/// How to fit: checked once, here.
package struct LogisticParameters: Sendable, Equatable, Codable {
  package let penalty: Penalty
  /// Whether the penalty falls on standardised coefficients (weighted mean, deviation with ddof 0)
  /// or on raw ones.
  package let standardise: Bool
  /// Stop at max |∂F| below it (mean scale, in the coordinates that are penalised) and half the
  /// Newton decrement below a tenth of it.
  package let tolerance: Double
  /// Most passes over the data.
  package let maximumIterations: Int

  /// Throws `LearningError.badParameter`.
  package init(
    penalty: Penalty, standardise: Bool = true, tolerance: Double = 1e-9,
    maximumIterations: Int = 200
  ) throws(LearningError) {
    guard tolerance.isFinite, tolerance > 0 else {
      throw .badParameter(name: "tolerance", value: tolerance, needed: "a finite number above 0")
    }
    guard maximumIterations >= 1 else {
      throw .badParameter(
        name: "maximumIterations", value: Double(maximumIterations), needed: "1 or more")
    }
    self.penalty = penalty
    self.standardise = standardise
    self.tolerance = tolerance
    self.maximumIterations = maximumIterations
  }

  /// The same with another λ and tolerance. Throws `LearningError.badParameter`.
  package func with(lambda: Double, tolerance: Double? = nil) throws(LearningError) -> Self {
    try Self(
      penalty: penalty.with(lambda: lambda), standardise: standardise,
      tolerance: tolerance ?? self.tolerance, maximumIterations: maximumIterations)
  }
}
