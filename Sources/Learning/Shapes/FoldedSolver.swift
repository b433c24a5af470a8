/// Minimises all problems of a `FoldedRidge` together.
///
/// L-BFGS (Nocedal & Wright, Numerical Optimization, 2nd ed., algorithm 7.4) whose first matrix is the
/// inverse of a given Hessian, steps halved until they descend. A problem that has arrived takes no
/// part in the passes that the others still need.
struct FoldedSolver<Scalar: BlockScalar> {
  typealias Ridge = FoldedRidge<Scalar>

  let ridge: Ridge
  let penalties: [[Double]]
  private let memory = 8

  private struct Progress: Sendable {
    var state: Ridge.State
    var steps: [(step: [Double], change: [Double], product: Double)] = []
    var direction: [Double] = []
    var slope = 0.0
    var length = 1.0
    var isDone = false
  }

  /// From `start`, with the Hessian's factor for each problem over its columns. Stops where half the
  /// predicted decrease is below `decrement` and max |∂F| below `gradient`; or after
  /// `maximumPasses`, or where rounding allows no descent. Returns the states and the passes.
  func solve(
    from start: [Ridge.State], factors: [Factor], decrement: Double, gradient: Double,
    maximumPasses: Int
  ) -> (states: [Ridge.State], passes: Int) {
    var all = start.map { Progress(state: $0) }
    var passes = 0
    let fresh = all.indices.filter { all[$0].state.gradient.isEmpty }
    if !fresh.isEmpty {
      let states = ridge.evaluate(
        fresh.map { (factors[$0].problem, all[$0].state.theta) }, penalties: penalties)
      for (k, state) in zip(fresh, states) { all[k].state = state }
      passes += 1
    }
    let first = all
    all = StripedWork.map(stripes: all.count, threads: ridge.threads) { k in
      turned(first[k], factors[k], decrement, gradient)
    }
    while passes < maximumPasses {
      let moving = all.indices.filter { !all[$0].isDone }
      if moving.isEmpty { break }
      let before = moving.map { all[$0] }
      let states = ridge.evaluate(
        zip(moving, before).map { k, problem in
          (
            factors[k].problem,
            zip(problem.state.theta, problem.direction).map { $0 + problem.length * $1 }
          )
        }, penalties: penalties)
      passes += 1
      let after = StripedWork.map(stripes: moving.count, threads: ridge.threads) { k in
        stepped(before[k], to: states[k], factors[moving[k]], decrement, gradient)
      }
      for (k, problem) in zip(moving, after) { all[k] = problem }
    }
    return (all.map(\.state), passes)
  }

  /// The problem at the state that its step led to, or with half the step if that does not descend.
  private func stepped(
    _ problem: Progress, to next: Ridge.State, _ factor: Factor, _ decrement: Double,
    _ gradient: Double
  ) -> Progress {
    var problem = problem
    let old = problem.state
    let flat = 16 * Double.ulpOfOne * abs(old.loss)
    let descends = next.loss <= old.loss + 1e-4 * problem.length * problem.slope
    guard descends || (abs(next.loss - old.loss) <= flat && next.maxGradient < old.maxGradient)
    else {
      problem.length /= 2
      problem.isDone = problem.length < 1e-3
      return problem
    }
    let step = zip(next.theta, old.theta).map { $0 - $1 }
    let change = zip(next.gradient, old.gradient).map { $0 - $1 }
    let product = dot(step, change)
    if product > 1e-10 * (dot(step, step) * dot(change, change)).squareRoot() {
      problem.steps.append((step, change, product))
      if problem.steps.count > memory { problem.steps.removeFirst() }
    }
    problem.state = next
    return turned(problem, factor, decrement, gradient)
  }

  /// The problem with its next direction, or ended.
  private func turned(
    _ before: Progress, _ factor: Factor, _ decrement: Double, _ gradient: Double
  ) -> Progress {
    var problem = before
    var q = problem.state.gradient
    var alphas: [Double] = []
    for (step, change, product) in problem.steps.reversed() {
      let alpha = dot(step, q) / product
      for j in q.indices { q[j] -= alpha * change[j] }
      alphas.append(alpha)
    }
    var direction = factor.solve(q)
    for ((step, change, product), alpha) in zip(problem.steps, alphas.reversed()) {
      let beta = dot(change, direction) / product
      for j in direction.indices { direction[j] += (alpha - beta) * step[j] }
    }
    problem.direction = direction.map { -$0 }
    problem.slope = dot(problem.direction, problem.state.gradient)
    problem.length = 1
    problem.isDone =
      -0.5 * problem.slope <= decrement && problem.state.maxGradient <= gradient
    return problem
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for j in a.indices { sum += a[j] * b[j] }
    return sum
  }

  /// The Hessian of one problem over the columns that it has.
  struct Factor: Sendable {
    let problem: Int
    /// Ascending, the intercept last.
    let active: [Int]
    let cholesky: FloatCholesky

    func solve(_ gradient: [Double]) -> [Double] {
      let part = cholesky.solve(active.map { gradient[$0] })
      var result = [Double](repeating: 0, count: gradient.count)
      for (k, j) in active.enumerated() { result[j] = part[k] }
      return result
    }
  }

  /// The Hessian of all rows at their fit (the last state), which serves every fold: it differs from
  /// theirs by a part in K, which L-BFGS makes good. O(rows × columns²).
  func sharedGram(at states: [Ridge.State]) -> [CurvatureGram] {
    [
      ridge.gram(
        of: ridge.rows.folds.count, predictors: states[states.count - 1].predictors,
        active: Array(0..<ridge.columns))
    ]
  }

  /// The Hessian of each problem at its state. With few rows a column those held out hide, in that of
  /// all rows, directions that a fold knows nothing of. O(problems × rows × columns²).
  func ownGrams(at states: [Ridge.State], of problems: [Int]) -> [CurvatureGram] {
    problems.indices.map { k in
      ridge.gram(
        of: problems[k], predictors: states[k].predictors,
        active: penalties[problems[k]].indices.filter { penalties[problems[k]][$0].isFinite })
    }
  }

  /// One factor a problem, of its own Hessian or of the one that serves all; in that case problems of
  /// equal penalties share theirs.
  func factors(_ grams: [CurvatureGram], of problems: [Int]) -> [Factor] {
    let leaders = problems.indices.map { k in
      grams.count > 1
        ? k : problems.indices.first { penalties[problems[$0]] == penalties[problems[k]] } ?? k
    }
    let own = problems.indices.filter { leaders[$0] == $0 }
    let made = StripedWork.map(stripes: own.count, threads: ridge.threads) { at in
      let penalties = penalties[problems[own[at]]]
      let active = penalties.indices.filter { penalties[$0].isFinite } + [ridge.columns]
      return Factor(
        problem: problems[own[at]], active: active,
        cholesky: grams[grams.count > 1 ? own[at] : 0].factor(active, penalties: penalties))
    }
    return problems.indices.map { k in
      let made = made[own.firstIndex(of: leaders[k]) ?? 0]
      return Factor(problem: problems[k], active: made.active, cholesky: made.cholesky)
    }
  }
}
