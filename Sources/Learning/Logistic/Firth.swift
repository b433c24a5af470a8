import Foundation

/// A logistic fit by Firth's penalised likelihood: finite where classes separate, and with less bias
/// in small data. Coefficients on the raw columns.
package struct FirthFit: Sendable {
  package let coefficients: [Double]
  package let intercept: Double
  /// A line a column, then the intercept: standard errors of the information at the optimum.
  package let parameters: [ParameterEstimate]
  package let covariance: ParameterCovariance
  /// l*, with the penalty ½ log det I.
  package let penalisedLogLikelihood: Double
  package let iterations: Int

  private let solver: FirthSolver
  private let optimum: FirthObjective.Point

  /// The same as a fit that predicts; its objective is −l* / W, the rows' own data.
  package func fit(_ data: LogisticData) -> LogisticFit {
    LogisticFit(
      coefficients: coefficients, intercept: intercept, means: [], scales: [], penalty: .none,
      objective: -penalisedLogLikelihood / data.weightSum,
      maxGradient: (solver.objective.score(optimum)?.score ?? []).reduce(0) { max($0, abs($1)) }
        / data.weightSum,
      iterations: iterations, weightSum: data.weightSum, rows: data.x.rows)
  }

  /// What the penalised likelihood says of one parameter, the others at their best.
  package struct Profile: Sendable, Equatable, Codable {
    /// The 95 % interval: 2 (l*_max − l*) ≤ 3.841.
    package let low: Double
    package let high: Double
    /// Of the parameter being 0, by twice the difference of l*.
    package let p: Double
  }

  /// Fits by steps M U*, capped at 5 deviations and halved up to 25 times, to max |U*| / W ≤ 1e-10 in
  /// standardised columns; M is the inverse of the augmented information, then corrected by BFGS.
  ///
  /// Throws as `LogisticData`, `rankDeficient`, `notConverged`. O(iterations × rows × columns²).
  package init(_ data: LogisticData, maximumIterations: Int = 500) throws(LearningError) {
    let objective = try FirthObjective(data)
    let p = data.x.columns
    solver = FirthSolver(objective: objective, maximumIterations: maximumIterations)
    var start = [Double](repeating: 0, count: p + 1)
    start[p] = log(data.positiveWeight / (data.weightSum - data.positiveWeight))
    guard let first = objective.point(start) else {
      throw try objective.dependentColumn()
    }
    let (optimum, iterations) = try solver.maximise(from: first, along: nil)
    self.optimum = optimum
    self.iterations = iterations
    penalisedLogLikelihood = optimum.likelihood
    covariance = ParameterCovariance(
      center: objective.center, scale: objective.scale, elements: optimum.covariance)
    let raw = covariance.raw()
    coefficients = (0..<p).map { optimum.theta[$0] / objective.scale[$0] }
    intercept = (0..<p).reduce(optimum.theta[p]) {
      $0 - optimum.theta[$1] / objective.scale[$1] * objective.center[$1]
    }
    parameters = (coefficients + [intercept]).enumerated().map {
      ParameterEstimate($1, variance: raw[$0, $0])
    }
  }

  /// The profile of a column, or of the intercept if `parameter` is the number of columns.
  ///
  /// About ten constrained fits. Throws `notConverged`.
  package func profile(_ parameter: Int) throws(LearningError) -> Profile {
    precondition(parameter >= 0 && parameter < parameters.count)
    let objective = solver.objective
    // The parameter as a function of θ.
    var functional = [Double](repeating: 0, count: objective.size)
    if parameter < coefficients.count {
      functional[parameter] = 1 / objective.scale[parameter]
    } else {
      for j in coefficients.indices { functional[j] = -objective.center[j] / objective.scale[j] }
      functional[parameter] = 1
    }
    let error = parameters[parameter].standardError
    let low = try solver.bound(optimum, functional, error: -error)
    let high = try solver.bound(optimum, functional, error: error)
    let null = try solver.constrained(optimum, functional, at: 0)
    let statistic = max(0, 2 * (optimum.likelihood - null.likelihood))
    return Profile(low: low, high: high, p: Normal.twoSided(statistic.squareRoot()))
  }
}

extension FirthObjective {
  /// The error for an information that cannot be inverted at the start.
  func dependentColumn() throws(LearningError) -> LearningError {
    let width = size
    let sums = rows.total(
      of: rows.rows, size: width * width, threads: data.threads, fill: rows.write
    ) { z, range, sums in
      if let weights = data.weights {
        for (i, row) in range.enumerated() where weights[row] == 0 {
          for k in 0..<width { z[i * width + k] = 0 }
        }
      }
      BLAS.addGram(z, count: range.count, columns: width, into: sums)
    }
    guard sums.allSatisfy(\.isFinite) else { return data.x.firstNonFinite() }
    return .rankDeficient(
      aliases: Aliases(sums, size: width).found.map {
        .init(column: $0.column, dependsOn: $0.dependsOn)
      }, columns: width - 1)
  }
}

/// Maximises Firth's penalised likelihood, freely or with one linear functional of θ held.
struct FirthSolver: Sendable {
  let objective: FirthObjective
  let maximumIterations: Int

  private static let tolerance = 1e-10
  private static let stepCap = 5.0
  private static let halvings = 25

  /// From a start, with a'θ kept at the start's value if `functional` a is given.
  func maximise(
    from start: FirthObjective.Point, along functional: [Double]?
  ) throws(LearningError) -> (point: FirthObjective.Point, iterations: Int) {
    var point = start
    var largest = Double.infinity
    guard var (score, curvature) = objective.score(point) else { throw failure(0, largest) }
    var inverse = InverseHessian(curvature)
    let none = Penalty.none.inCoordinates(
      ratio: [Double](repeating: 1, count: objective.size - 1))
    var flatSteps = 0
    for iteration in 1...maximumIterations {
      var step = inverse.times(score)
      var free = score
      if let a = functional {
        // Keep a'step = 0: take away M a times the multiplier; what is left of the score is U − μ a.
        let turned = inverse.times(a)
        let multiplier = dot(a, step) / dot(a, turned)
        for k in step.indices {
          step[k] -= multiplier * turned[k]
          free[k] -= multiplier * a[k]
        }
      }
      largest = free.reduce(0) { max($0, abs($1)) } / objective.data.weightSum
      let longest = step.reduce(0) { max($0, abs($1)) }
      if largest <= Self.tolerance, longest <= 1e-7 { return (point, iteration) }
      guard let next = ascend(point, step, min(1, Self.stepCap / longest)),
        let (nextScore, nextCurvature) = objective.score(next)
      else {
        if inverse.isFresh {
          if isFloor(largest, longest) { return (point, iteration) }
          throw failure(iteration, largest)
        }
        inverse = InverseHessian(curvature)
        continue
      }
      flatSteps = next.likelihood <= point.likelihood + flatness(point) ? flatSteps + 1 : 0
      if flatSteps >= 3, isFloor(largest, longest) { return (next, iteration) }
      inverse.update(
        step: zip(next.theta, point.theta).map { $0 - $1 },
        change: zip(score, nextScore).map { $0 - $1 }, penalty: none)
      (point, score, curvature) = (next, nextScore, nextCurvature)
    }
    throw failure(maximumIterations, largest)
  }

  /// Where rounding, of a badly conditioned information above all, leaves no way further up.
  private func isFloor(_ gradient: Double, _ step: Double) -> Bool {
    gradient <= 1e-7 && step <= 1e-4
  }

  private func flatness(_ point: FirthObjective.Point) -> Double {
    1e-14 * abs(point.likelihood)
  }

  private func failure(_ iterations: Int, _ largest: Double) -> LearningError {
    .notConverged(iterations: iterations, maxGradient: largest, tolerance: Self.tolerance)
  }

  /// The first of the step, its half, its quarter … that does not lower l* but for rounding.
  private func ascend(
    _ point: FirthObjective.Point, _ step: [Double], _ first: Double
  ) -> FirthObjective.Point? {
    var length = first
    for _ in 0...Self.halvings {
      if let next = objective.point(zip(point.theta, step).map { $0 + length * $1 }),
        next.likelihood >= point.likelihood - flatness(point)
      {
        return next
      }
      length /= 2
    }
    return nil
  }

  /// The best point with a'θ = `value`, from another point by the better of two guesses: along M a,
  /// where a quadratic l* would have it, and along `tangent` (a'tangent = 1), if given.
  func constrained(
    _ start: FirthObjective.Point, _ functional: [Double], at value: Double,
    tangent: [Double]? = nil
  ) throws(LearningError) -> FirthObjective.Point {
    let turned = (0..<objective.size).map { i in
      (0..<objective.size).reduce(0.0) {
        $0 + start.covariance[i * objective.size + $1] * functional[$1]
      }
    }
    let distance = value - dot(functional, start.theta)
    let scaled = turned.map { $0 / dot(functional, turned) }
    let guesses = [scaled, tangent].compactMap { direction in
      direction.flatMap { direction in
        objective.point(zip(start.theta, direction).map { $0 + distance * $1 })
      }
    }
    guard let best = guesses.max(by: { $0.likelihood < $1.likelihood }) else {
      throw failure(0, .infinity)
    }
    return try maximise(from: best, along: functional).point
  }

  /// Where √(2 (l*_max − l*)) of the profile passes 1.96 on the side of `error`'s sign.
  ///
  /// The root is close to linear in the parameter: secants through the last two points, kept inside
  /// the bracket; while nothing above is known, at most three times as far out. Where a constrained
  /// fit fails, one half-way to the last that went well is tried. Throws `notConverged`.
  func bound(
    _ optimum: FirthObjective.Point, _ functional: [Double], error: Double
  ) throws(LearningError) -> Double {
    let center = dot(functional, optimum.theta)
    let target = Normal.twoSided95
    var inside = 0.0
    var outside = Double.infinity
    var last = (distance: 0.0, root: 0.0, point: optimum)
    var tangent: [Double]?
    var distance = target
    for _ in 0..<200 {
      let found = try? constrained(
        last.point, functional, at: center + distance * error, tangent: tangent)
      guard let found else {
        distance = (last.distance + distance) / 2
        guard abs(distance - last.distance) > 1e-6 * distance else { break }
        continue
      }
      let root = max(0, 2 * (optimum.likelihood - found.likelihood)).squareRoot()
      if abs(root - target) < 1e-9 { return center + distance * error }
      if root < target { inside = distance } else { outside = distance }
      let gap = distance - last.distance
      let next = distance + (target - root) * gap / (root - last.root)
      tangent = zip(found.theta, last.point.theta).map { ($0 - $1) / (gap * error) }
      last = (distance, root, found)
      if outside.isInfinite {
        distance = next > inside ? min(next, 3 * inside) : 3 * inside
      } else if outside - inside <= 1e-11 * outside {
        return center + inside * error
      } else {
        distance = next > inside && next < outside ? next : (inside + outside) / 2
      }
    }
    throw failure(200, .infinity)
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
