/// One model on its way down the path: where it stands, its quadratic model there, and what it tries
/// next. It never sees rows: `PathSolver` brings it values and curvatures.
///
/// `@unchecked Sendable`: a class so that its Hessian is changed in place; between two joins of the
/// solver's threads exactly one of them touches it.
final class PathModel: @unchecked Sendable {
  /// The penalty in the model's coordinates at one λ.
  struct Terms: Sendable {
    let l1Ratio: Double
    let factors: [Double]
    let signs: [Penalty.Sign]
    /// A unit of θ_j in penalised units: deviation_j / scale_j where the fit standardises.
    let units: [Double]
    /// (center − mean) / scale, which takes a gradient to the columns that the fit would centre.
    let shifts: [Double]
    /// Columns that do not vary in the model's rows; their coefficient is 0.
    let isConstant: [Bool]

    /// At λ; nil: the limit λ → ∞, where every penalised coefficient is 0.
    func penalty(_ lambda: Double?) -> CoordinatePenalty {
      let p = factors.count
      var result = CoordinatePenalty(
        l1: [Double](repeating: 0, count: p + 1), l2: [Double](repeating: 0, count: p + 1),
        lower: [Double](repeating: -.infinity, count: p + 1),
        upper: [Double](repeating: .infinity, count: p + 1))
      for j in 0..<p {
        let weight = (lambda ?? 0) * factors[j]
        result.l1[j] = weight * l1Ratio * units[j]
        result.l2[j] = weight * (1 - l1Ratio) * units[j] * units[j]
        let isHeld = isConstant[j] || (lambda == nil && factors[j] > 0)
        if isHeld || signs[j] == .nonNegative { result.lower[j] = 0 }
        if isHeld || signs[j] == .nonPositive { result.upper[j] = 0 }
      }
      return result
    }

    /// The largest subgradient, in the coordinates that are penalised.
    func residual(_ penalty: CoordinatePenalty, _ theta: [Double], _ gradient: [Double]) -> Double {
      let p = factors.count
      var largest = abs(gradient[p])
      for j in 0..<p {
        let r = penalty.residual(
          j, at: theta[j], gradient: gradient[j] + shifts[j] * gradient[p])
        largest = max(largest, abs(r) / units[j])
      }
      return largest
    }
  }

  /// The answer at one λ.
  struct Solution: Sendable {
    var theta: [Double]
    var heldOutLoss: Double
    /// The largest subgradient left.
    var residual: Double
    /// Passes since the answer before.
    var passes: Int
  }

  let terms: Terms
  private let tolerance: Double
  private(set) var theta: [Double]
  private(set) var gradient: [Double]
  private var heldOutLoss = 0.0
  private var curvature: QuadraticModel
  private(set) var solutions: [Solution] = []
  private var lambdas: [Double?] = []
  private var penalty: CoordinatePenalty
  private var previousL1: [Double]?
  /// The largest subgradient at θ and the present λ.
  private(set) var residual = Double.infinity
  /// What the last step left of it; nil where λ has changed since.
  private(set) var ratio: Double?
  private(set) var passes = 0

  /// The step under trial: θ + length · step.
  private var step: [Double] = []
  private var length = 1.0
  private var slope = 0.0
  /// Where the next value is wanted.
  private(set) var trial: [Double]

  init(start: [Double], terms: Terms, tolerance: Double) {
    self.terms = terms
    self.tolerance = tolerance
    theta = start
    trial = start
    gradient = []
    curvature = QuadraticModel(lower: [], size: 0)
    penalty = terms.penalty(nil)
  }

  var isDone: Bool { solutions.count == lambdas.count }

  /// Goes on down these λ from where it stands.
  func begin(_ lambdas: [Double?]) {
    self.lambdas = lambdas
    solutions = []
    passes = 0
    previousL1 = nil
    trial = theta
    penalty = terms.penalty(lambdas[0])
    if !gradient.isEmpty {
      residual = terms.residual(penalty, theta, gradient)
      settle()
    }
  }

  /// Whether even new Grams at the full model's point have not brought it on: it lies too far from
  /// there, as fold models do where few rows almost separate the classes.
  var needsOwnHessian: Bool { passes >= 6 && step.isEmpty && (ratio ?? 0) > 0.1 }

  /// A new Hessian (lower triangle) for the model, instead of the old one and its corrections.
  func take(hessian: consuming [Double]) {
    curvature = QuadraticModel(lower: hessian, size: theta.count)
  }

  func dropHessian() { curvature = QuadraticModel(lower: [], size: 0) }

  /// Takes the value at the trial point: accepts it, and the λs that it answers, or shortens the
  /// step. False where the value is not finite and no step is left to shorten.
  func absorb(_ value: FoldedObjective.Value) -> Bool {
    passes += 1
    let isFinite = value.gradient.allSatisfy(\.isFinite)
    if !step.isEmpty {
      let end = isFinite ? slopeAtTrial(value.gradient) : .infinity
      // A convex function whose slope at the end of the step is no more than half of its fall at
      // the start has decreased enough; the loss itself need not be known, nor its last digits.
      if !(end <= 0.5 * abs(slope)), length > 1e-10 {
        let secant = slope / (slope - end)
        length *= secant.isFinite ? min(max(secant, 0.1), 0.7) : 0.1
        trial = zip(theta, step).map { $0 + length * $1 }
        ratio = 1
        return true
      }
      if isFinite { correct(value.gradient) }
    }
    guard isFinite else { return false }
    theta = trial
    gradient = value.gradient
    heldOutLoss = value.heldOutLoss
    let before = residual
    residual = terms.residual(penalty, theta, gradient)
    ratio = before.isFinite && before > 0 ? residual / before : nil
    step = []
    settle()
    return true
  }

  /// Records every λ that θ answers and stops at the first that it does not.
  private func settle() {
    while !isDone, residual <= tolerance || isAtRoundingFloor {
      solutions.append(
        Solution(theta: theta, heldOutLoss: heldOutLoss, residual: residual, passes: passes))
      passes = 0
      ratio = nil
      guard !isDone else { return }
      previousL1 = penalty.l1
      penalty = terms.penalty(lambdas[solutions.count])
      residual = terms.residual(penalty, theta, gradient)
    }
  }

  /// Raw columns may be so large that their gradient cannot be told better than that of scaled ones.
  private var isAtRoundingFloor: Bool {
    passes > 20 && penalty.maxResidual(at: theta, gradient: gradient) <= tolerance
  }

  /// Where a step is not under trial already: the minimum of the quadratic model at the present λ.
  func propose() {
    guard !isDone, step.isEmpty else { return }
    var target = theta
    var modelGradient = gradient
    _ = curvature.minimise(
      &target, gradient: &modelGradient, penalty: penalty,
      tolerance: max(1e-3 * residual, 0.05 * tolerance), previousL1: previousL1)
    previousL1 = nil
    step = zip(target, theta).map { $0 - $1 }
    slope = zip(gradient, step).reduce(0) { $0 + $1.0 * $1.1 }
    for j in theta.indices {
      let side = theta[j] == 0 ? step[j].magnitude : theta[j] > 0 ? step[j] : -step[j]
      slope += penalty.l2[j] * theta[j] * step[j] + penalty.l1[j] * side
    }
    length = 1
    trial = target
  }

  /// The slope of loss and penalty along the step at its end, from the left.
  private func slopeAtTrial(_ gradient: [Double]) -> Double {
    var sum = 0.0
    for j in trial.indices {
      let sign = trial[j] != 0 ? trial[j] : theta[j]
      let side = sign == 0 ? step[j].magnitude : sign > 0 ? step[j] : -step[j]
      sum += (gradient[j] + penalty.l2[j] * trial[j]) * step[j] + penalty.l1[j] * side
    }
    return sum
  }

  /// BFGS (Nocedal & Wright, Numerical Optimization, 2nd ed., eq. 6.19): the Hessian changes least
  /// so that it maps the last step to the gradient's change. The path goes on much as it went, so
  /// the next step profits. O(size²).
  private func correct(_ gradient: [Double]) {
    let size = theta.count
    let s = zip(trial, theta).map { $0 - $1 }
    let y = zip(gradient, self.gradient).map { $0 - $1 }
    let product = zip(s, y).reduce(0) { $0 + $1.0 * $1.1 }
    let mapped = curvature.times(s)
    let bent = zip(s, mapped).reduce(0) { $0 + $1.0 * $1.1 }
    guard bent > 0, product > 1e-8 * bent else { return }
    curvature.hessian.withUnsafeMutableBufferPointer { h in
      y.withUnsafeBufferPointer { y in
        mapped.withUnsafeBufferPointer { m in
          for j in 0..<size {
            let (a, b) = (y[j] / product, m[j] / bent)
            for i in 0..<size { h[j * size + i] += a * y[i] - b * m[i] }
          }
        }
      }
    }
  }
}

extension QuadraticModel {
  /// H s. O(size²).
  fileprivate func times(_ s: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: size)
    hessian.withUnsafeBufferPointer { h in
      result.withUnsafeMutableBufferPointer { r in
        for j in 0..<size where s[j] != 0 {
          let factor = s[j]
          for i in 0..<size { r[i] += factor * h[j * size + i] }
        }
      }
    }
    return result
  }
}
