/// How well each λ predicted rows it had not seen.
package struct CrossValidation: Sendable, Codable, Equatable {
  package struct Point: Sendable, Codable, Equatable {
    package let lambda: Double
    /// Weighted mean log loss of held-out rows, their offsets included.
    package let logLoss: Double
    /// Its standard error over folds: √(Σ W_k (l_k − l)² / Σ W_k / (K − 1)), as glmnet's cvsd.
    package let standardError: Double
    /// Coefficients that are not 0 in the fit on all rows.
    package let nonzero: Int
  }

  /// Which λ a fit should take.
  package enum Rule: String, Sendable, Codable {
    /// The least held-out loss.
    case minimum
    /// The largest λ whose loss is within one standard error of the least.
    case oneStandardError
  }

  /// In descending order of λ.
  package let points: [Point]
  /// λ of the least held-out loss (the larger one of equals).
  package let minimum: Double
  /// The largest λ within one standard error of it.
  package let oneStandardError: Double
  /// The rule asked for.
  package let rule: Rule
  /// Every row's logit, without its offset, at the chosen λ, from the fold that had not seen it.
  package let outOfFoldLogits: [Double]

  /// The λ by the rule asked for.
  package var chosen: Double { rule == .minimum ? minimum : oneStandardError }

  init(points: [Point], rule: Rule, outOfFoldLogits: (_ chosen: Int) -> [Double]) {
    let (best, within) = Self.choose(points)
    self.points = points
    self.rule = rule
    minimum = points[best].lambda
    oneStandardError = points[within].lambda
    self.outOfFoldLogits = outOfFoldLogits(rule == .minimum ? best : within)
  }

  /// The place of the λ that the rule takes.
  static func choose(_ points: [Point], _ rule: Rule) -> Int {
    let (best, within) = choose(points)
    return rule == .minimum ? best : within
  }

  /// The places of the least loss and of the largest λ within one standard error of it.
  private static func choose(_ points: [Point]) -> (best: Int, within: Int) {
    var best = 0
    for k in points.indices where points[k].logLoss < points[best].logLoss { best = k }
    let limit = points[best].logLoss + points[best].standardError
    return (best, points.firstIndex { $0.logLoss <= limit } ?? best)
  }
}

/// Chooses λ by K-fold cross-validation, and fits the whole path on all rows beside it.
///
/// `folds` gives every row's fold, 0 ..< K, so that the caller can keep an account's rows together; a
/// fold without rows is allowed and says nothing. Columns are standardised inside each fold.
/// `lambdas` and `parameters` as in `fitPath`, but the tolerance is loosened to 1e-6, which leaves
/// the objective within about 1e-10 and held-out losses far below their standard error, unless
/// `tolerance` says otherwise: fit the chosen λ with `fitLogistic` for more digits. All K + 1
/// models go down the path together (`PathSolver`). Throws as `fitPath`, and `foldWithoutClass`.
/// O(passes × rows × columns × K), about two passes a λ, and rows × columns² for a Gram now and
/// then.
package func crossValidate(
  _ data: LogisticData, folds: [Int], lambdas: [Double]? = nil,
  rule: CrossValidation.Rule = .minimum, parameters: LogisticParameters,
  tolerance: Double? = nil, progress: FitProgress.Handler? = nil
) throws(LearningError) -> (validation: CrossValidation, path: PathFit) {
  let x = data.x
  guard folds.count == x.rows else {
    throw .sizeMismatch(what: "folds", expected: x.rows, got: folds.count)
  }
  let count = (folds.max() ?? 0) + 1
  guard count >= 2, (folds.min() ?? 0) >= 0, count <= x.rows else {
    throw .badParameter(name: "number of folds", value: Double(count), needed: "2 to \(x.rows)")
  }
  let run = try PathRun(
    data, folds: folds.map(Int32.init), foldCount: count,
    parameters: parameters.with(
      lambda: parameters.penalty.lambda,
      tolerance: tolerance ?? max(parameters.tolerance, 1e-6)))
  try run.solve(lambdas, stage: "cross-validating", progress: progress)
  let path = run.path
  let models = run.solver.models.prefix(count)
  let weights = run.foldStatistics?.foldWeights ?? []
  let total = weights.reduce(0, +)
  let points = path.fits.enumerated().map { k, fit in
    let sums = models.map { $0.solutions[k].heldOutLoss }
    let mean = sums.reduce(0, +) / total
    var spread = 0.0
    for (sum, weight) in zip(sums, weights) where weight > 0 {
      spread += weight * (sum / weight - mean) * (sum / weight - mean)
    }
    return CrossValidation.Point(
      lambda: fit.penalty.lambda, logLoss: mean,
      standardError: (spread / total / Double(count - 1)).squareRoot(),
      nonzero: fit.coefficients.count { $0 != 0 })
  }
  let validation = CrossValidation(points: points, rule: rule) { chosen in
    run.solver.objective.outOfFoldLogits(at: models.map { $0.solutions[chosen].theta })
  }
  return (validation, path)
}
