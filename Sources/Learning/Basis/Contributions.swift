/// A linear predictor taken apart by source feature, against a reference row:
///
///     contribution(source) = Σ_k β_k (z_k − reference_k) over the source's columns,
///     logit = reference logit + Σ contributions
///
/// Exact but for the rounding of the sums.
package struct Contributions: Sendable {
  private let sources: [Int]
  private let sourceCount: Int
  private let coefficients: [Double]
  private let reference: [Double]
  /// The logit of the reference row.
  package let referenceLogit: Double

  /// `coefficients`, `intercept`: of the design's standardised columns. `reference`: a row of such
  /// columns, commonly the mean of a population. Throws `sizeMismatch`.
  package init(
    _ design: Design, coefficients: [Double], intercept: Double, reference: [Double]
  ) throws(LearningError) {
    guard coefficients.count == design.columns.count else {
      throw .sizeMismatch(
        what: "coefficients", expected: design.columns.count, got: coefficients.count)
    }
    guard reference.count == design.columns.count else {
      throw .sizeMismatch(
        what: "reference values", expected: design.columns.count, got: reference.count)
    }
    sources = design.columns.map(\.source)
    sourceCount = design.sources.count
    self.coefficients = coefficients
    self.reference = reference
    referenceLogit = zip(coefficients, reference).reduce(intercept) { $0 + $1.0 * $1.1 }
  }

  /// The contribution of every source in one expanded row. O(columns).
  package func of(row z: [Double]) -> [Double] {
    precondition(z.count == coefficients.count)
    var result = [Double](repeating: 0, count: sourceCount)
    for k in coefficients.indices {
      result[sources[k]] += coefficients[k] * (z[k] - reference[k])
    }
    return result
  }
}
