/// Newton's method that pays for a Hessian only where the last one no longer serves.
///
/// A step is −M g, M an approximate inverse Hessian. A pass with the Hessian makes M anew by
/// Cholesky; a pass without it costs a fraction, and corrects M by the BFGS formula instead (chord
/// steps made superlinear: Nocedal & Wright, Numerical Optimization, 2nd ed., eq. 6.17). The
/// next pass brings a Hessian when the last step did not shrink the gradient tenfold (with a fresh
/// M) or fourfold (with a corrected one).
///
/// Knows of the data only value, gradient and Hessian.
struct NewtonSolver {
  struct Solution: Sendable {
    var theta: [Double]
    var value: LogisticObjective.Value
    var inverse: InverseHessian
    /// Passes over the data.
    var passes: Int
    /// max |∂F| in reported coordinates.
    var maxGradient: Double
  }

  let objective: LogisticObjective
  let tolerance: Double
  let maximumPasses: Int
  /// max |∂F| of an internal gradient in the coordinates that are reported.
  let reported: ([Double]) -> Double

  private static let sufficientDecrease = 1e-4
  private static let halvings = 30

  /// `isNear`: the start is a sample's optimum.
  func minimise(
    from start: [Double], isNear: Bool = false, inverse warm: InverseHessian? = nil
  ) throws(LearningError) -> Solution {
    // Float32 products save time only where there are many.
    var precision: LogisticObjective.Hessian =
      objective.x.rows > 20_000 ? .single(every: 1) : .double
    var theta = start
    // Near the optimum a part of the rows gives the curvature well enough for a start.
    var first = precision
    if isNear, precision != .double {
      first = .single(every: max(1, objective.x.rows / (5_000 * theta.count)))
    }
    var value = objective.value(at: theta, hessian: warm == nil ? first : .none)
    var passes = 1
    guard value.isFinite else { throw objective.x.firstNonFinite() }
    var inverse: InverseHessian
    if let warm {
      inverse = warm
    } else {
      inverse = try self.inverse(&value, at: theta, &precision, &passes)
    }
    var withHessian = warm == nil && !isNear
    while true {
      let step = inverse.times(value.gradient).map { -$0 }
      let slope = zip(step, value.gradient).reduce(0) { $0 + $1.0 * $1.1 }
      let maxGradient = reported(value.gradient)
      if maxGradient <= tolerance, -0.5 * slope <= 0.1 * tolerance {
        return Solution(
          theta: theta, value: value, inverse: inverse, passes: passes, maxGradient: maxGradient)
      }
      guard passes < maximumPasses else {
        throw .notConverged(iterations: passes, maxGradient: maxGradient, tolerance: tolerance)
      }
      guard let (length, next) = search(theta, value, step, slope, withHessian, precision, &passes)
      else {
        // No descent along M's direction: rounding's floor, or an M that no longer fits.
        if inverse.isFresh, precision == .double {
          // The raw columns may be so large that their gradient cannot be told better.
          if value.maxGradient <= tolerance {
            return Solution(
              theta: theta, value: value, inverse: inverse, passes: passes, maxGradient: maxGradient
            )
          }
          throw .notConverged(iterations: passes, maxGradient: maxGradient, tolerance: tolerance)
        }
        precision = .double
        value = objective.value(at: theta, hessian: precision)
        passes += 1
        inverse = try self.inverse(&value, at: theta, &precision, &passes)
        withHessian = true
        continue
      }
      let ratio = next.maxGradient / value.maxGradient
      let change = zip(next.gradient, value.gradient).map { $0 - $1 }
      let moved = step.map { $0 * length }
      theta = zip(theta, moved).map { $0 + $1 }
      if withHessian, precision != .double, ratio > 0.1, next.maxGradient < 1e-4 {
        precision = .double
      }
      value = next
      if value.hessian != nil {
        inverse = try self.inverse(&value, at: theta, &precision, &passes)
      } else {
        inverse.update(step: moved, change: change)
      }
      withHessian = ratio > (withHessian ? 0.1 : 0.25)
    }
  }

  /// The first step length of 1, ½, ¼ … that descends enough (Armijo), or, where the loss is flat to
  /// rounding, that shrinks the gradient; nil if none does.
  private func search(
    _ theta: [Double], _ value: LogisticObjective.Value, _ step: [Double], _ slope: Double,
    _ withHessian: Bool, _ precision: LogisticObjective.Hessian, _ passes: inout Int
  ) -> (Double, LogisticObjective.Value)? {
    guard slope < 0 else { return nil }
    var length = 1.0
    let flat = 16 * Double.ulpOfOne * abs(value.loss)
    for halving in 0...Self.halvings {
      let trial = zip(theta, step).map { $0 + length * $1 }
      let next = objective.value(
        at: trial, hessian: withHessian && halving == 0 ? precision : .none)
      passes += 1
      if next.isFinite {
        if next.loss <= value.loss + Self.sufficientDecrease * length * slope {
          return (length, next)
        }
        if abs(next.loss - value.loss) <= flat {
          return next.maxGradient < value.maxGradient ? (length, next) : nil
        }
      }
      length /= 2
    }
    return nil
  }

  /// Inverts the Hessian of `value`; where float32 was too coarse for it, makes it again in float64.
  private func inverse(
    _ value: inout LogisticObjective.Value, at theta: [Double],
    _ precision: inout LogisticObjective.Hessian, _ passes: inout Int
  ) throws(LearningError) -> InverseHessian {
    let size = theta.count
    guard var hessian = value.hessian else { preconditionFailure("a Hessian was asked for") }
    var factor = Cholesky(hessian, size: size)
    if factor.leastPivot < 1e-4, precision != .double {
      precision = .double
      value = objective.value(at: theta, hessian: precision)
      passes += 1
      hessian = value.hessian ?? hessian
      factor = Cholesky(hessian, size: size)
    }
    let column = factor.leastPivotColumn
    if factor.leastPivot < 1e-11, column == size - 1 || objective.penalty[column] == 0 {
      try refuseSeparation(theta)
      throw .rankDeficient(column: min(column, size - 2), columns: size - 1)
    }
    var jitter = 1e-10 * (0..<size).reduce(0) { $0 + hessian[$1 * size + $1] } / Double(size)
    while factor.leastPivot == 0 {
      guard jitter.isFinite, jitter > 0 else {
        throw .rankDeficient(column: min(column, size - 2), columns: size - 1)
      }
      for j in 0..<size { hessian[j * size + j] += jitter }
      factor = Cholesky(hessian, size: size)
      jitter *= 10
    }
    if objective.penalty.contains(0), column < size - 1 {
      try refuseFlatness(theta, factor)
    }
    return InverseHessian(factor)
  }

  /// Without a penalty, a coefficient beyond 10 deviations that the loss hardly feels any more
  /// (curvature under 1e-6) runs to infinity: the classes are separated along it.
  private func refuseFlatness(_ theta: [Double], _ factor: Cholesky) throws(LearningError) {
    guard theta.dropLast().contains(where: { abs($0) > 10 }) else { return }
    let inverse = factor.inverse()
    let size = theta.count
    for j in 0..<(size - 1)
    where abs(theta[j]) > 10 && objective.penalty[j] == 0 && inverse[j * size + j] > 1e6 {
      throw .separated(column: j, standardisedCoefficient: theta[j])
    }
  }

  private func refuseSeparation(_ theta: [Double]) throws(LearningError) {
    for j in 0..<(theta.count - 1) where abs(theta[j]) > 10 && objective.penalty[j] == 0 {
      throw .separated(column: j, standardisedCoefficient: theta[j])
    }
  }
}

/// A dense approximate inverse of the Hessian. O(size²) to apply and to correct.
struct InverseHessian: Sendable {
  private let size: Int
  private var elements: [Double]
  /// Made from a Hessian at this very point, not corrected since.
  private(set) var isFresh: Bool

  init(_ factor: Cholesky) {
    size = factor.size
    elements = factor.inverse()
    isFresh = true
  }

  /// As a start elsewhere: no longer fresh.
  var asStart: InverseHessian {
    var copy = self
    copy.isFresh = false
    return copy
  }

  func times(_ vector: [Double]) -> [Double] {
    elements.withUnsafeBufferPointer { m in
      (0..<size).map { i in
        var sum = 0.0
        for j in 0..<size { sum += m[i * size + j] * vector[j] }
        return sum
      }
    }
  }

  /// BFGS: the least change of M (in its own norm) that maps the gradient's change to the step.
  /// Skipped where their product is not clearly positive.
  mutating func update(step: [Double], change: [Double]) {
    isFresh = false
    let product = zip(step, change).reduce(0) { $0 + $1.0 * $1.1 }
    let norms = step.reduce(0) { $0 + $1 * $1 } * change.reduce(0) { $0 + $1 * $1 }
    guard product > 1e-10 * norms.squareRoot() else { return }
    let mapped = times(change)
    let curvature = zip(change, mapped).reduce(0) { $0 + $1.0 * $1.1 }
    let factor = (1 + curvature / product) / product
    elements.withUnsafeMutableBufferPointer { m in
      for i in 0..<size {
        for j in 0..<size {
          m[i * size + j] +=
            factor * step[i] * step[j] - (mapped[i] * step[j] + step[i] * mapped[j]) / product
        }
      }
    }
  }
}
