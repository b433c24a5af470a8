import Foundation

/// How far long work has come, for who waits for it.
package struct FitProgress: Sendable, Equatable {
  /// What is going on, in a word or two.
  package let stage: String
  package let done: Int
  package let total: Int

  package typealias Handler = @Sendable (FitProgress) -> Void
}

/// The fits of one data set along a path of λs.
package struct PathFit: Sendable, Codable, Equatable {
  /// In descending order of λ; each has its λ in its penalty.
  package let fits: [LogisticFit]
  /// Passes over all rows.
  package let passes: Int

  package var lambdas: [Double] { fits.map(\.penalty.lambda) }
}

/// Fits METHODS 2.1 at every λ, each from the one before.
///
/// `lambdas` are those of METHODS 2.3.6 if nil (`lambdaPath`). `parameters.penalty.lambda` is not
/// used. There is no early stop: every λ gets its fit. The same input gives the same bits with any
/// number of threads. Throws as `fitLogistic`, and `badParameter` for a λ. Columns that the penalty
/// leaves free and that repeat others get any of their solutions.
/// O(passes × rows × columns), few passes a λ, and rows × columns² where a Gram is made.
package func fitPath(
  _ data: LogisticData, lambdas: [Double]? = nil, parameters: LogisticParameters,
  progress: FitProgress.Handler? = nil
) throws(LearningError) -> PathFit {
  let run = try PathRun(data, folds: [], foldCount: 0, parameters: parameters)
  try run.solve(lambdas, stage: "fitting the path", progress: progress)
  return run.path
}

/// λs from strong to almost none, for a largest gradient |∂L_j| / factor_j of the model without
/// penalised columns.
///
/// L1 and elastic net (METHODS 2.3.6, as glmnet): 100 in equal steps of log λ from the least λ at
/// which all penalised coefficients are 0, largest / a, to 1e-4 of it (1e-2 where there are not more
/// rows than columns). Below a = 0.01 there is no such λ, and the loss changes slowly with it: 25,
/// quarter decades from 100 × largest (coefficients of standardised columns are then within about
/// a hundredth of 0) over six decades, four where rows are few.
package func lambdaPath(largest: Double, l1Ratio: Double, rows: Int, columns: Int) -> [Double] {
  let isRidge = l1Ratio < 0.01
  let top = (largest > 0 ? largest : 1) * (isRidge ? 100 : 1 / l1Ratio)
  let decades = isRidge ? (rows > columns ? 6.0 : 4) : rows > columns ? 4.0 : 2
  let count = isRidge ? (rows > columns ? 25 : 17) : 100
  return (0..<count).map { top * pow(10, -decades * Double($0) / Double(count - 1)) }
}

/// The K + 1 models of one data set set up and solved along a path.
struct PathRun {
  let data: LogisticData
  let parameters: LogisticParameters
  private let statistics: ColumnStatistics
  let foldStatistics: FoldStatistics?
  let solver: PathSolver

  /// Throws as `fitLogistic`, and `foldWithoutClass`. O(rows × columns).
  init(
    _ data: LogisticData, folds: [Int32], foldCount: Int, parameters: LogisticParameters
  ) throws(LearningError) {
    let x = data.x
    let p = x.columns
    let penalty = parameters.penalty
    try Self.check("penalty factors", penalty.factors?.count, p)
    try Self.check("signs", penalty.signs?.count, p)
    try GramMemory.check(columns: p)
    let statistics = try ColumnStatistics(of: data)
    let center = statistics.means
    let scale = statistics.units
    var training: [FoldStatistics.Training] = []
    var foldStatistics: FoldStatistics?
    if foldCount > 0 {
      let made = FoldStatistics(of: data, folds: folds, count: foldCount, around: center)
      for (fold, rows) in made.training.enumerated() {
        guard rows.positiveWeight > 0 else {
          throw .foldWithoutClass(fold: fold, label: 1, rows: rows.rows)
        }
        guard rows.positiveWeight < rows.weight else {
          throw .foldWithoutClass(fold: fold, label: 0, rows: rows.rows)
        }
      }
      training = made.training
      foldStatistics = made
    }
    training.append(
      FoldStatistics.Training(
        weight: data.weightSum, positiveWeight: data.positiveWeight, rows: x.rows, means: center,
        deviations: statistics.deviations))
    let objective = FoldedObjective(
      data, folds: folds, foldCount: foldCount, trainingWeights: training.map(\.weight),
      center: center, scale: scale)
    let models = training.map { rows in
      let isStandardised = parameters.standardise
      let terms = PathModel.Terms(
        l1Ratio: penalty.l1Ratio, factors: penalty.factors ?? [Double](repeating: 1, count: p),
        signs: penalty.signs ?? [Penalty.Sign](repeating: .free, count: p),
        units: (0..<p).map {
          let unit = rows.deviations[$0] > 0 ? rows.deviations[$0] : 1
          return isStandardised ? unit / scale[$0] : 1 / scale[$0]
        },
        shifts: (0..<p).map {
          (center[$0] - (isStandardised ? rows.means[$0] : 0)) / scale[$0]
        },
        isConstant: rows.deviations.map { $0 == 0 })
      var start = [Double](repeating: 0, count: p + 1)
      start[p] = log(rows.positiveWeight / (rows.weight - rows.positiveWeight))
      return PathModel(start: start, terms: terms, tolerance: parameters.tolerance)
    }
    self.data = data
    self.parameters = parameters
    self.statistics = statistics
    self.foldStatistics = foldStatistics
    solver = PathSolver(
      objective, models: models, tolerance: parameters.tolerance,
      maximumPasses: parameters.maximumIterations)
    centers = center
    scales = scale
  }

  private let centers: [Double]
  private let scales: [Double]

  private static func check(_ what: String, _ count: Int?, _ columns: Int) throws(LearningError) {
    guard count == nil || count == columns else {
      throw .sizeMismatch(what: what, expected: columns, got: count ?? 0)
    }
  }

  /// Solves the path from the models without penalised columns down; λs in any order.
  func solve(
    _ lambdas: [Double]?, stage: String, progress: FitProgress.Handler?
  ) throws(LearningError) {
    for lambda in lambdas ?? [] where !(lambda.isFinite && lambda >= 0) {
      throw .badParameter(name: "lambda", value: lambda, needed: "a finite number, 0 or more")
    }
    guard lambdas?.isEmpty != true else {
      throw .badParameter(name: "number of lambdas", value: 0, needed: "1 or more")
    }
    try solver.run([nil])
    let full = solver.models[solver.objective.full]
    let path =
      lambdas?.sorted(by: >)
      ?? lambdaPath(
        largest: full.largestPenalisedGradient, l1Ratio: parameters.penalty.l1Ratio,
        rows: data.x.rows, columns: data.x.columns)
    let total = path.count * solver.models.count
    try solver.run(path) { done in
      progress?(FitProgress(stage: stage, done: done, total: total))
    }
    self.lambdas.values = path
  }

  /// Filled by `solve`.
  private final class Lambdas { var values: [Double] = [] }
  private let lambdas = Lambdas()

  /// The full model's fits. O(rows × columns × λs).
  var path: PathFit {
    let objective = solver.objective
    let full = solver.models[objective.full]
    let losses = objective.losses(at: full.solutions.map(\.theta))
    let isStandardised = parameters.standardise
    let fits = lambdas.values.indices.map { k in
      let solution = full.solutions[k]
      let theta = solution.theta
      let coefficients = (0..<data.x.columns).map { theta[$0] / scales[$0] }
      let intercept = zip(coefficients, centers).reduce(theta[data.x.columns]) { $0 - $1.0 * $1.1 }
      return LogisticFit(
        coefficients: coefficients, intercept: intercept,
        means: isStandardised ? centers : [], scales: isStandardised ? scales : [],
        penalty: parameters.penalty.unchecked(lambda: lambdas.values[k]),
        objective: losses[k] / data.weightSum
          + full.terms.penalty(lambdas.values[k]).value(at: theta),
        maxGradient: solution.residual, iterations: solution.passes, weightSum: data.weightSum,
        rows: data.x.rows)
    }
    return PathFit(fits: fits, passes: solver.totalPasses)
  }
}

extension PathModel {
  /// max |∂L_j| / factor_j over penalised columns that may move that way, in penalised coordinates.
  var largestPenalisedGradient: Double {
    var largest = 0.0
    for (j, factor) in terms.factors.enumerated() where factor > 0 && !terms.isConstant[j] {
      let g = gradient[j] + terms.shifts[j] * (gradient.last ?? 0)
      if terms.signs[j] == .nonNegative && g > 0 || terms.signs[j] == .nonPositive && g < 0 {
        continue
      }
      largest = max(largest, abs(g) / terms.units[j] / factor)
    }
    return largest
  }
}
