import Foundation

/// Takes the K + 1 models of a `FoldedObjective` down a path of λs, together.
///
/// Every pass over the rows serves all models that are not done, each at the λ it has reached. A
/// model's next point is the minimum of its quadratic model (coordinate descent on a Gram), whose
/// Hessian comes from the full model's Gram less the fold's own part and is corrected by every
/// step; Grams are made anew where that saves more passes than it costs. What accepts an answer is
/// the subgradient of the loss itself, never the quadratic model's.
final class PathSolver {
  let objective: FoldedObjective
  let models: [PathModel]
  private let tolerance: Double
  private let maximumPasses: Int
  private var inDoubles: Bool
  /// Since the last Grams.
  private var passes = 0
  private(set) var totalPasses = 0
  private(set) var totalGrams = 0

  init(
    _ objective: FoldedObjective, models: [PathModel], tolerance: Double, maximumPasses: Int
  ) {
    self.objective = objective
    self.models = models
    self.tolerance = tolerance
    self.maximumPasses = maximumPasses
    // Float32 products save time only where there are many.
    inDoubles = objective.data.x.rows <= 20_000
  }

  /// Goes down `lambdas` (nil: every penalised coefficient 0) from where the models stand.
  /// Throws `notConverged`, `nonFiniteInput`.
  func run(
    _ lambdas: [Double?], progress: ((Int) -> Void)? = nil
  ) throws(LearningError) {
    let isFirst = totalPasses == 0
    for model in models { model.begin(lambdas) }
    if !isFirst { propose(models.indices.filter { !models[$0].isDone }) }
    while true {
      let active = models.indices.filter { !models[$0].isDone }
      progress?(models.reduce(0) { $0 + $1.solutions.count })
      guard !active.isEmpty else { return }
      let values = objective.values(of: active, at: active.map { models[$0].trial })
      totalPasses += 1
      passes += 1
      let absorbed = StripedWork.map(stripes: active.count, threads: objective.data.threads) {
        [models] in
        models[active[$0]].absorb(values[$0])
      }
      guard !absorbed.contains(false) else { throw objective.data.x.firstNonFinite() }
      let going = active.filter { !models[$0].isDone }
      for k in going where models[k].passes >= maximumPasses {
        throw .notConverged(
          iterations: models[k].passes, maxGradient: models[k].residual, tolerance: tolerance)
      }
      if totalPasses == 1 || isWorthNewGrams(going) { refresh(going) }
      for k in going where models[k].needsOwnHessian {
        models[k].take(
          hessian: FoldedCurvature(objective).hessian(
            of: k, at: models[k].theta, inDoubles: inDoubles))
        totalGrams += 1
      }
      propose(going)
    }
  }

  private func propose(_ active: [Int]) {
    StripedWork.run(stripes: active.count, threads: objective.data.threads) { [models] in
      models[active[$0]].propose()
    }
  }

  /// Whether new Grams save more passes than they cost, now or further down: each step's ratio
  /// foretells how many passes its model still needs, against a fresh Gram's 1.5 digits a pass; and
  /// old age alone slows every λ by a little.
  private func isWorthNewGrams(_ active: [Int]) -> Bool {
    var saved = 0.0
    for k in active {
      guard let ratio = models[k].ratio, models[k].residual > tolerance else { continue }
      let digits = log(models[k].residual / tolerance)
      saved += digits / max(-log(ratio), 0.1) - digits / 3.5
    }
    let count = Double(models.count)
    // Of Grams, in passes of all models.
    let cost = 0.5 + Double(objective.size) / (8 * count)
    return saved / count > cost || Double(passes) > 8 * cost
  }

  /// Grams at the full model's point, for all models.
  private func refresh(_ active: [Int]) {
    if passes <= 1, totalPasses > 1, !inDoubles {
      // Even fresh ones do not serve: perhaps for lack of digits.
      inDoubles = active.contains { models[$0].residual < 1e-4 }
    }
    // The old ones make room first: together they may be as large as the data.
    for model in models { model.dropHessian() }
    var hessians = FoldedCurvature(objective).hessians(
      at: models[objective.full].theta, inDoubles: inDoubles)
    for k in models.indices.reversed() { models[k].take(hessian: hessians.removeLast()) }
    totalGrams += 1
    passes = 0
  }
}
