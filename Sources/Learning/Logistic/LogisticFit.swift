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
  /// λ (METHODS 2.1).
  package let l2: Double
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

/// Fits METHODS 2.1 with a = 0 on rows × columns finite values.
///
/// `labels` lie in [0, 1], one a row, commonly 0 or 1; `weights` are 0 or more (all 1 if nil). A
/// weight of 2 is the row twice. The same input gives the same bits with any number of threads.
/// Throws `LearningError`: sizes, values, one class, rank deficiency or separation without penalty,
/// no convergence. O(passes × rows × columns), and rows × columns² where a Hessian is made.
package func fitLogistic(
  _ x: Matrix, labels: [Double], weights: [Double]? = nil, parameters: LogisticParameters
) throws(LearningError) -> LogisticFit {
  let data = try LogisticData(x, labels: labels, weights: weights, threads: parameters.threads)
  let solved = try data.solve(parameters)
  return solved.fit(data, parameters)
}
