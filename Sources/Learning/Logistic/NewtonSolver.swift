/// Newton's method that pays for a Hessian only where the last one no longer serves.
///
/// A step goes to the minimum of a local model of the loss, under the penalty (`LocalModel`). A pass
/// with the Hessian makes the model anew; a pass without it costs a fraction, and corrects the model
/// by the BFGS formula instead (chord steps made superlinear: Nocedal & Wright, Numerical
/// Optimization, 2nd ed., eq. 6.17 and 6.19). The next pass brings a Hessian when the last step did
/// not shrink the subgradient tenfold (with a fresh model) or fourfold (with a corrected one). With
/// corners in the penalty that is the proximal Newton method (Lee, Sun & Saunders 2014,
/// doi:10.1137/130921428; newGLMNET: Yuan, Ho & Lin 2012).
///
/// Knows of the data only value, gradient and Hessian; of the penalty only `CoordinatePenalty`.
struct NewtonSolver {
  struct Solution: Sendable {
    var theta: [Double]
    /// F: mean loss plus penalty.
    var objective: Double
    var model: any LocalModel
    /// Passes over the data.
    var passes: Int
    /// max |∂F| in reported coordinates.
    var maxGradient: Double
  }

  /// Where the solver stands.
  private struct Point {
    var theta: [Double]
    var value: LogisticObjective.Value
    var objective: Double
    /// The largest subgradient in internal coordinates.
    var residual: Double
    var isFinite: Bool { objective.isFinite && value.isFinite }
  }

  let objective: LogisticObjective
  let penalty: CoordinatePenalty
  let tolerance: Double
  let maximumPasses: Int
  /// Where no column says anything: the curvature there is the columns' own.
  let null: [Double]
  /// max |∂F| in the coordinates that are reported, of θ and the loss's internal gradient.
  let reported: (_ theta: [Double], _ gradient: [Double]) -> Double

  private static let sufficientDecrease = 1e-4
  private static let halvings = 30

  /// `isNear`: the start is a sample's optimum.
  func minimise(
    from start: [Double], isNear: Bool = false, model warm: (any LocalModel)? = nil
  ) throws(LearningError) -> Solution {
    // Float32 products save time only where there are many.
    let rows = objective.data.rows
    var precision: LogisticObjective.Hessian = rows > 20_000 ? .single(every: 1) : .double
    // Near the optimum a part of the rows gives the curvature well enough for a start.
    var first = precision
    if isNear, precision != .double {
      first = .single(every: max(1, rows / (5_000 * start.count)))
    }
    var passes = 0
    var point = evaluate(start, warm == nil ? first : .none, &passes)
    guard point.isFinite else { throw objective.data.x.firstNonFinite() }
    var model: any LocalModel
    if let warm { model = warm } else { model = try makeModel(&point, &precision, &passes) }
    var withHessian = warm == nil && !isNear
    while true {
      let step = model.step(from: point.theta, gradient: point.value.gradient, penalty: penalty)
      let slope =
        zip(step, point.value.gradient).reduce(0) { $0 + $1.0 * $1.1 }
        + penalty.slope(at: point.theta, step: step)
      let maxGradient = reported(point.theta, point.value.gradient)
      func solution() -> Solution {
        Solution(
          theta: point.theta, objective: point.objective, model: model, passes: passes,
          maxGradient: maxGradient)
      }
      if maxGradient <= tolerance, -0.5 * slope <= 0.1 * tolerance {
        try refuseRunaway(point, step, model, &passes)
        return solution()
      }
      guard passes < maximumPasses else {
        throw .notConverged(iterations: passes, maxGradient: maxGradient, tolerance: tolerance)
      }
      guard
        let (length, next) = search(point, step, slope, withHessian ? precision : .none, &passes)
      else {
        // No descent along the model's direction: rounding's floor, or a model that no longer fits.
        if model.isFresh, precision == .double {
          // The raw columns may be so large that their gradient cannot be told better.
          if point.residual <= tolerance { return solution() }
          throw .notConverged(iterations: passes, maxGradient: maxGradient, tolerance: tolerance)
        }
        precision = .double
        point = evaluate(point.theta, precision, &passes)
        model = try makeModel(&point, &precision, &passes)
        withHessian = true
        continue
      }
      let ratio = next.residual / point.residual
      let change = zip(next.value.gradient, point.value.gradient).map { $0 - $1 }
      let moved = step.map { $0 * length }
      if withHessian, precision != .double, ratio > 0.1, next.residual < 1e-4 {
        precision = .double
      }
      point = next
      // A step that had to be shortened ends elsewhere than where the Hessian was asked for.
      if withHessian, point.value.hessian == nil {
        point = evaluate(point.theta, precision, &passes)
      }
      if point.value.hessian != nil {
        model = try makeModel(&point, &precision, &passes)
      } else {
        model.update(step: moved, change: change, penalty: penalty)
      }
      withHessian = ratio > (withHessian ? 0.1 : 0.25)
    }
  }

  private func evaluate(
    _ theta: [Double], _ hessian: LogisticObjective.Hessian, _ passes: inout Int
  ) -> Point {
    let value = objective.value(at: theta, hessian: hessian)
    passes += 1
    return Point(
      theta: theta, value: value, objective: value.loss + penalty.value(at: theta),
      residual: penalty.maxResidual(at: theta, gradient: value.gradient))
  }

  /// The first step length of 1, ½, ¼ … that descends enough (Armijo), or, where F is flat to
  /// rounding, that shrinks the subgradient; nil if none does.
  private func search(
    _ point: Point, _ step: [Double], _ slope: Double, _ hessian: LogisticObjective.Hessian,
    _ passes: inout Int
  ) -> (Double, Point)? {
    guard slope < 0 else { return nil }
    var length = 1.0
    let flat = 16 * Double.ulpOfOne * abs(point.objective)
    for halving in 0...Self.halvings {
      let trial = zip(point.theta, step).map { $0 + length * $1 }
      let next = evaluate(trial, halving == 0 ? hessian : .none, &passes)
      if next.isFinite {
        if next.objective <= point.objective + Self.sufficientDecrease * length * slope {
          return (length, next)
        }
        if abs(next.objective - point.objective) <= flat {
          return next.residual < point.residual ? (length, next) : nil
        }
      }
      length /= 2
    }
    return nil
  }

  /// The model of the Hessian at hand; where float32 was too coarse for it, of one made again in
  /// float64. Takes the Hessian out of `point`.
  ///
  /// Columns that neither a penalty nor the others decide are refused, with those they depend on.
  private func makeModel(
    _ point: inout Point, _ precision: inout LogisticObjective.Hessian, _ passes: inout Int
  ) throws(LearningError) -> any LocalModel {
    guard var hessian = point.value.hessian else { preconditionFailure("a Hessian was asked for") }
    point.value.hessian = nil
    let size = point.theta.count
    var (block, members) = withoutCorners(hessian)
    var factor = Cholesky(block, size: members.count)
    if factor.leastPivot < 1e-4, precision != .double {
      precision = .double
      point = evaluate(point.theta, precision, &passes)
      hessian = point.value.hessian ?? hessian
      point.value.hessian = nil
      (block, members) = withoutCorners(hessian)
      factor = Cholesky(block, size: members.count)
    }
    let column = members[factor.leastPivotColumn]
    if factor.leastPivot < 1e-11, column == size - 1 || penalty.l2[column] == 0 {
      _ = try nullInverse(&passes)
      throw separated(point.theta)
    }
    var jitter = 1e-10 * members.indices.reduce(0) { $0 + block[$1 * members.count + $1] }
    jitter /= Double(members.count)
    while factor.leastPivot == 0 {
      guard jitter.isFinite, jitter > 0 else { throw separated(point.theta) }
      for k in members.indices { block[k * members.count + k] += jitter }
      factor = Cholesky(block, size: members.count)
      jitter *= 10
    }
    try refuseFlatness(point.theta, factor, members, &passes)
    return penalty.isSmooth
      ? InverseHessian(factor) : QuadraticModel(lower: hessian, size: size)
  }

  /// The part of the Hessian whose coordinates have no |θ| in the penalty, with the l2 part added:
  /// there the penalised loss must be strictly convex by itself.
  private func withoutCorners(_ hessian: [Double]) -> (block: [Double], members: [Int]) {
    let size = penalty.count
    let members = (0..<size).filter { penalty.l1[$0] == 0 }
    var block = hessian
    if members.count < size {
      block = []
      block.reserveCapacity(members.count * members.count)
      for j in members {
        // The lower triangle; the other half is not read.
        for i in members { block.append(hessian[min(i, j) * size + max(i, j)]) }
      }
    }
    for (k, j) in members.enumerated() { block[k * members.count + k] += penalty.l2[j] }
    return (block, members)
  }

  /// The inverse Hessian of the coordinates without corners where no column says anything. Throws
  /// `rankDeficient` with the columns that depend on the intercept and those before them.
  private func nullInverse(_ passes: inout Int) throws(LearningError) -> [Double] {
    let point = evaluate(null, .double, &passes)
    guard let hessian = point.value.hessian else { preconditionFailure("a Hessian was asked for") }
    let (block, members) = withoutCorners(hessian)
    let factor = Cholesky(block, size: members.count)
    guard factor.leastPivot >= 1e-11 else {
      let aliases = Aliases(block, size: members.count).found.map { alias in
        LearningError.Alias(
          column: members[alias.column], dependsOn: alias.dependsOn.map { members[$0] })
      }
      throw .rankDeficient(aliases: aliases, columns: penalty.count - 1)
    }
    return factor.inverse()
  }

  /// Without a penalty, a coefficient beyond 10 deviations that the loss hardly feels any more runs
  /// to infinity: the classes are separated along it. Hardly: curvature under 1e-6, and under a
  /// thousandth of what the columns themselves leave it. At most one pass more.
  private func refuseFlatness(
    _ theta: [Double], _ factor: Cholesky, _ members: [Int], _ passes: inout Int
  ) throws(LearningError) {
    let size = members.count
    let suspects = members.indices.filter { k in
      members[k] < theta.count - 1 && abs(theta[members[k]]) > 10 && penalty.l2[members[k]] == 0
    }
    guard !suspects.isEmpty else { return }
    let inverse = factor.inverse()
    let flat = suspects.filter { inverse[$0 * size + $0] > 1e6 }
    guard !flat.isEmpty else { return }
    let null = try nullInverse(&passes)
    for k in flat where inverse[k * size + k] > 1e3 * null[k * size + k] {
      var direction = [Double](repeating: 0, count: theta.count)
      for (l, j) in members.enumerated() { direction[j] = inverse[k * size + l] }
      if movesSoftLabels(direction) { continue }
      throw .separated(column: members[k], standardisedCoefficient: theta[members[k]])
    }
  }

  /// Whether a direction moves rows whose labels lie between 0 and 1 (0.01 of what it moves others by
  /// at least). Their loss rises without bound both ways: however flat it is here, as under a label
  /// of 0.999999, the optimum along the direction is finite, and no separation. O(rows × columns)
  /// where there are such labels.
  private func movesSoftLabels(_ direction: [Double]) -> Bool {
    let data = objective.data
    guard data.labels.contains(where: { $0 > 0 && $0 < 1 }) else { return false }
    let (coefficients, intercept) = objective.raw(direction)
    let moves = data.x.linearPredictors(
      coefficients: coefficients, intercept: intercept, threads: data.threads)
    var (all, soft) = (0.0, 0.0)
    for i in moves.indices where data.weights?[i] ?? 1 > 0 {
      all = max(all, abs(moves[i]))
      if data.labels[i] > 0, data.labels[i] < 1 { soft = max(soft, abs(moves[i])) }
    }
    return soft > 0.01 * all
  }

  /// Names the free column with the largest coefficient.
  private func separated(_ theta: [Double]) -> LearningError {
    let column = (0..<(theta.count - 1)).filter { penalty.l1[$0] == 0 && penalty.l2[$0] == 0 }
      .max { abs(theta[$0]) < abs(theta[$1]) }
    return .separated(column: column ?? 0, standardisedCoefficient: theta[column ?? 0])
  }

  /// Where classes are separated the gradient fades with the curvature: it may be small and yet no
  /// optimum near. Then one more Newton step, which elsewhere ends a fit, shrinks it only e-fold.
  /// Looked at where the step is long beside the gradient (curvature under 1e-5) in a column without
  /// penalty. One pass more there, none elsewhere.
  private func refuseRunaway(
    _ point: Point, _ step: [Double], _ model: any LocalModel, _ passes: inout Int
  ) throws(LearningError) {
    let suspects = (0..<(point.theta.count - 1)).filter {
      penalty.isFree($0) && abs(step[$0]) > 1e5 * point.residual
    }.sorted { (abs(step[$1]), $0) < (abs(step[$0]), $1) }
    guard point.residual > 1e-13, !suspects.isEmpty else { return }
    let next = evaluate(zip(point.theta, step).map { $0 + $1 }, .none, &passes)
    guard next.residual > 0.2 * point.residual, next.objective < point.objective else { return }
    // What a pull at one column alone would move: a level of labels near 1 beside it has its own.
    let zero = [Double](repeating: 0, count: point.theta.count)
    for column in suspects {
      var pull = zero
      pull[column] = -1
      let direction = model.step(from: zero, gradient: pull, penalty: penalty)
      if movesSoftLabels(direction) { continue }
      throw .separated(column: column, standardisedCoefficient: point.theta[column])
    }
  }
}
