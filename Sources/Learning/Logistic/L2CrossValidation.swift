/// How well each λ predicted rows it had not seen.
package struct L2CrossValidation: Sendable, Codable, Equatable {
  package struct Point: Sendable, Codable, Equatable {
    package let l2: Double
    /// Weighted mean log loss of held-out rows.
    package let logLoss: Double
    /// Its standard error over folds: √(Σ W_k (l_k − l)² / Σ W_k / (K − 1)), as glmnet's cvsd.
    package let standardError: Double
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
  /// Every row's logit, at the chosen λ, from the fold that had not seen it.
  package let outOfFoldLogits: [Double]

  /// The λ by the rule asked for.
  package var chosen: Double { rule == .minimum ? minimum : oneStandardError }

  /// From strong to almost none for standardised columns: half decades from 1 to 10^−5.
  package static let defaultLambdas: [Double] = [
    1, 0.31622776601683794, 0.1, 0.031622776601683791, 0.01, 0.0031622776601683794, 0.001,
    0.00031622776601683794, 0.0001, 0.000031622776601683795, 0.00001,
  ]
}

/// Chooses λ by K-fold cross-validation.
///
/// `folds` gives every row's fold, 0 ..< K, so that the caller can keep an account's rows together.
/// Columns are standardised inside each fold. `parameters.penalty.lambda` is not used; its tolerance is loosened
/// to 1e-7, far below any standard error. Every fold is solved on the same matrix with the weights
/// of its held-out rows at 0, from the full data's optimum and curvature at the same λ: a few
/// passes without a Hessian. Throws as `fitLogistic`, and `foldWithoutClass`.
/// O(λs × K × few × rows × columns).
package func crossValidateL2(
  _ data: LogisticData, folds: [Int],
  lambdas: [Double] = L2CrossValidation.defaultLambdas, rule: L2CrossValidation.Rule = .minimum,
  parameters: LogisticParameters
) throws(LearningError) -> L2CrossValidation {
  let (x, labels, weights) = (data.x, data.labels, data.weights)
  guard folds.count == x.rows else {
    throw .sizeMismatch(what: "folds", expected: x.rows, got: folds.count)
  }
  guard !lambdas.isEmpty else {
    throw .badParameter(name: "number of lambdas", value: 0, needed: "1 or more")
  }
  let count = (folds.max() ?? 0) + 1
  guard count >= 2, (folds.min() ?? 0) >= 0, count <= x.rows else {
    throw .badParameter(name: "number of folds", value: Double(count), needed: "2 to \(x.rows)")
  }
  let loose = max(parameters.tolerance, 1e-7)
  let statistics = try ColumnStatistics(of: data)
  let scale = statistics.units
  let training = try (0..<count).map { (fold) throws(LearningError) in
    try TrainingFold(fold, of: data, folds: folds, standardise: parameters.standardise)
  }
  var points: [L2CrossValidation.Point] = []
  var logits: [[Double]] = []
  var start: [Double]?
  for l2 in lambdas.sorted(by: >) {
    let parameters = try parameters.with(lambda: l2, tolerance: loose)
    let full = try data.solve(
      parameters, statistics: parameters.standardise ? statistics : nil,
      center: statistics.means, scale: scale, start: start, model: nil)
    start = full.solution.theta
    var outOfFold = [Double](repeating: 0, count: x.rows)
    var losses: [Double] = []
    for fold in training {
      let solved = try fold.data.solve(
        parameters, statistics: fold.statistics, center: statistics.means, scale: scale,
        start: full.solution.theta, model: full.solution.model.asStart)
      let (coefficients, intercept) = solved.objective.raw(solved.solution.theta)
      let eta = x.linearPredictors(
        coefficients: coefficients, intercept: intercept, threads: data.threads)
      var loss = 0.0
      for row in fold.heldOut {
        outOfFold[row] = eta[row]
        let weight = weights?[row] ?? 1
        loss += weight * (SigmoidKernel.softplus(eta[row]) - labels[row] * eta[row])
      }
      losses.append(fold.heldOutWeight > 0 ? loss / fold.heldOutWeight : 0)
    }
    let foldWeights = training.map(\.heldOutWeight)
    let total = foldWeights.reduce(0, +)
    let mean = zip(losses, foldWeights).reduce(0) { $0 + $1.0 * $1.1 } / total
    let spread = zip(losses, foldWeights).reduce(0) { $0 + $1.1 * ($1.0 - mean) * ($1.0 - mean) }
    points.append(
      .init(
        l2: l2, logLoss: mean, standardError: (spread / total / Double(count - 1)).squareRoot()))
    logits.append(outOfFold)
  }
  var best = 0
  for k in points.indices where points[k].logLoss < points[best].logLoss { best = k }
  let limit = points[best].logLoss + points[best].standardError
  let within = points.firstIndex { $0.logLoss <= limit } ?? best
  return L2CrossValidation(
    points: points, minimum: points[best].l2, oneStandardError: points[within].l2, rule: rule,
    outOfFoldLogits: logits[rule == .minimum ? best : within])
}

/// The rows of all folds but one, as the whole data with the weights of the one at 0.
private struct TrainingFold: Sendable {
  let data: LogisticData
  let statistics: ColumnStatistics?
  let heldOut: [Int]
  let heldOutWeight: Double

  init(
    _ fold: Int, of data: LogisticData, folds: [Int], standardise: Bool
  ) throws(LearningError) {
    var weights = data.weights ?? [Double](repeating: 1, count: data.x.rows)
    var heldOut: [Int] = []
    var heldOutWeight = 0.0
    for row in folds.indices where folds[row] == fold {
      heldOut.append(row)
      heldOutWeight += weights[row]
      weights[row] = 0
    }
    self.heldOut = heldOut
    self.heldOutWeight = heldOutWeight
    do throws(LearningError) {
      self.data = try LogisticData(
        data.x, labels: data.labels, weights: weights, offsets: data.offsets, threads: data.threads)
    } catch .oneClass(let label, _) {
      throw .foldWithoutClass(fold: fold, label: 1 - label, rows: data.x.rows - heldOut.count)
    } catch {
      throw error
    }
    statistics =
      standardise
      ? try ColumnStatistics(of: self.data) : nil
  }
}
