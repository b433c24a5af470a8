/// A fitted logistic model: logit P(y = 1 | x) = intercept + Σ coefficients_j x_j.
package struct LogisticFit: Sendable, Codable, Equatable {
  /// On the raw columns.
  package let coefficients: [Double]
  package let intercept: Double
  /// Weighted means of the training columns; empty unless standardised.
  package let means: [Double]
  /// Weighted deviations (ddof 0) of the training columns, 1 for a constant one; empty unless
  /// standardised.
  package let scales: [Double]
  package let penalty: Penalty
  /// F at the optimum: mean log loss plus penalty.
  package let objective: Double
  /// max |∂F| there, over the penalised coordinates and the intercept.
  package let maxGradient: Double
  /// Passes over all rows.
  package let iterations: Int
  package let weightSum: Double
  package let rows: Int

  package var isStandardised: Bool { !scales.isEmpty }

  /// The logit of every row. Throws `sizeMismatch`, `nonFiniteInput`. O(rows × columns).
  package func linearPredictors(_ x: Matrix, threads: Int = 1) throws(LearningError) -> [Double] {
    guard x.columns == coefficients.count else {
      throw .sizeMismatch(
        what: "columns of the matrix", expected: coefficients.count, got: x.columns)
    }
    let eta = x.linearPredictors(
      coefficients: coefficients, intercept: intercept, threads: threads)
    guard eta.allSatisfy(\.isFinite) else { throw x.firstNonFinite() }
    return eta
  }

  /// The probability of label 1 at a logit.
  package static func probability(logit: Double) -> Double { SigmoidKernel.sigmoid(logit) }
}

/// Fits METHODS 2.1.
///
/// The same input gives the same bits with any number of threads. Throws `LearningError`: values,
/// rank deficiency or separation without penalty, no convergence. O(passes × rows × columns), and rows × columns² where a Hessian is made.
package func fitLogistic(
  _ data: LogisticData, parameters: LogisticParameters
) throws(LearningError) -> LogisticFit {
  let solved = try data.solve(parameters)
  return solved.fit(data, parameters)
}
