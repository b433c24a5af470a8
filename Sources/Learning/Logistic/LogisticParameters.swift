import Foundation

/// How to fit: checked once, here.
package struct LogisticParameters: Sendable, Equatable, Codable {
  /// λ of METHODS 2.1, at least 0: scikit-learn's C is 1 / (λ W).
  package let l2: Double
  /// Whether the penalty falls on standardised coefficients (weighted mean, deviation with ddof 0)
  /// or on raw ones.
  package let standardise: Bool
  /// Stop at max |∂F| below it (mean scale, in the coordinates that are penalised) and half the
  /// Newton decrement below a tenth of it.
  package let tolerance: Double
  /// Most passes over the data.
  package let maximumIterations: Int
  /// Never changes a result.
  package let threads: Int

  /// Throws `LearningError.badParameter`.
  package init(
    l2: Double, standardise: Bool = true, tolerance: Double = 1e-9, maximumIterations: Int = 200,
    threads: Int = ProcessInfo.processInfo.activeProcessorCount
  ) throws(LearningError) {
    guard l2.isFinite, l2 >= 0 else {
      throw .badParameter(name: "l2", value: l2, needed: "a finite number, 0 or more")
    }
    guard tolerance.isFinite, tolerance > 0 else {
      throw .badParameter(name: "tolerance", value: tolerance, needed: "a finite number above 0")
    }
    guard maximumIterations >= 1 else {
      throw .badParameter(
        name: "maximumIterations", value: Double(maximumIterations), needed: "1 or more")
    }
    guard threads >= 1 else {
      throw .badParameter(name: "threads", value: Double(threads), needed: "1 or more")
    }
    self.l2 = l2
    self.standardise = standardise
    self.tolerance = tolerance
    self.maximumIterations = maximumIterations
    self.threads = threads
  }

  /// The same with another λ and tolerance. Throws `LearningError.badParameter`.
  package func with(l2: Double, tolerance: Double? = nil) throws(LearningError) -> Self {
    try Self(
      l2: l2, standardise: standardise, tolerance: tolerance ?? self.tolerance,
      maximumIterations: maximumIterations, threads: threads)
  }
}
