/// What a Newton step goes by: the curvature of the mean loss near a point.
protocol LocalModel: Sendable {
  /// Made from a Hessian at this very point, not corrected since.
  var isFresh: Bool { get }
  /// As a start elsewhere: no longer fresh.
  var asStart: any LocalModel { get }

  /// From θ, with the loss's gradient there, to the minimum of model and penalty.
  func step(from theta: [Double], gradient: [Double], penalty: CoordinatePenalty) -> [Double]

  /// BFGS: the least change of the model (in its own norm) that maps the step to the change of the
  /// loss's gradient. Skipped where their product is not clearly positive.
  mutating func update(step: [Double], change: [Double], penalty: CoordinatePenalty)
}

/// A dense approximate inverse of the Hessian, with the penalty's l2 part in it: the model where the
/// penalty is smooth. O(size²) to apply and to correct.
struct InverseHessian: LocalModel {
  private let size: Int
  private var elements: [Double]
  private(set) var isFresh: Bool

  init(_ factor: Cholesky) {
    size = factor.size
    elements = factor.inverse()
    isFresh = true
  }

  var asStart: any LocalModel {
    var copy = self
    copy.isFresh = false
    return copy
  }

  func step(from theta: [Double], gradient: [Double], penalty: CoordinatePenalty) -> [Double] {
    times((0..<size).map { -(gradient[$0] + penalty.l2[$0] * theta[$0]) })
  }

  func times(_ vector: [Double]) -> [Double] {
    elements.withUnsafeBufferPointer { m in
      vector.withUnsafeBufferPointer { v in
        (0..<size).map { i in
          var sum = 0.0
          for j in 0..<size { sum += m[i * size + j] * v[j] }
          return sum
        }
      }
    }
  }

  mutating func update(step: [Double], change: [Double], penalty: CoordinatePenalty) {
    isFresh = false
    let change = (0..<size).map { change[$0] + penalty.l2[$0] * step[$0] }
    guard let product = clearProduct(step, change) else { return }
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

/// The model where the penalty has corners or bounds.
extension QuadraticModel: LocalModel {
  var asStart: any LocalModel {
    var copy = self
    copy.isFresh = false
    return copy
  }

  func step(from theta: [Double], gradient: [Double], penalty: CoordinatePenalty) -> [Double] {
    var target = theta
    var slope = gradient
    let residual = penalty.maxResidual(at: theta, gradient: gradient)
    _ = minimise(
      &target, gradient: &slope, penalty: penalty, tolerance: max(1e-6 * residual, 1e-16))
    return zip(target, theta).map { $0 - $1 }
  }

  mutating func update(step: [Double], change: [Double], penalty: CoordinatePenalty) {
    isFresh = false
    guard let product = clearProduct(step, change) else { return }
    let mapped = hessian.withUnsafeBufferPointer { h in
      (0..<size).map { i in
        var sum = 0.0
        for j in 0..<size { sum += h[i * size + j] * step[j] }
        return sum
      }
    }
    let curvature = zip(step, mapped).reduce(0) { $0 + $1.0 * $1.1 }
    guard curvature > 0 else { return }
    hessian.withUnsafeMutableBufferPointer { h in
      for i in 0..<size {
        for j in 0..<size {
          h[i * size + j] += change[i] * change[j] / product - mapped[i] * mapped[j] / curvature
        }
      }
    }
  }
}

/// Their inner product, where it is clearly positive.
private func clearProduct(_ step: [Double], _ change: [Double]) -> Double? {
  let product = zip(step, change).reduce(0) { $0 + $1.0 * $1.1 }
  let norms = step.reduce(0) { $0 + $1 * $1 } * change.reduce(0) { $0 + $1 * $1 }
  return product > 1e-10 * norms.squareRoot() ? product : nil
}
