/// A quadratic model of the mean loss, given by its Hessian, and its minimum under a penalty with
/// corners and bounds.
///
/// Coordinate descent on the Gram matrix (Friedman, Hastie & Tibshirani 2010,
/// doi:10.18637/jss.v033.i01, "covariance updates") over a working set. Once the signs of a sweep
/// are those of the one before, the coordinates that are not zero are solved for exactly, as far as
/// no sign changes (Lee, Battle, Raina & Ng 2006, "feature-sign search"): correlated columns cost a
/// few Cholesky factors of the active set and not thousands of sweeps.
struct QuadraticModel: Sendable {
  let size: Int
  /// Full, symmetric, size × size; without the penalty.
  var hessian: [Double]
  var isFresh = true

  /// `lower` is the lower triangle, column-major. O(size²).
  init(lower: [Double], size: Int) {
    precondition(lower.count == size * size)
    self.size = size
    hessian = lower
    for j in 0..<size {
      for i in (j + 1)..<max(size, j + 1) { hessian[i * size + j] = lower[j * size + i] }
    }
  }

  struct Outcome: Sendable {
    /// The largest subgradient left, in size (`CoordinatePenalty.maxResidual`).
    var residual: Double
    /// Sweeps over the working set.
    var sweeps: Int
  }

  /// Moves `theta` to the minimum of model and penalty, and `gradient`, the model's own (the loss
  /// part), with it.
  ///
  /// Ends when every subgradient, of all coordinates, is at most `tolerance`, or when rounding or
  /// `maximumSweeps` stop it: the outcome says where. `previousL1` are the l1 weights at which
  /// `theta` was the minimum, where it was: then coordinates with |gradient_j| ≥ 2 l1_j −
  /// previousL1_j enter the working set at once (the strong rule: Tibshirani et al. 2012,
  /// doi:10.1111/j.1467-9868.2011.01004.x); the check at the end finds what it missed.
  /// O(sweeps × working set² + working set × size).
  func minimise(
    _ theta: inout [Double], gradient: inout [Double], penalty: CoordinatePenalty,
    tolerance: Double, previousL1: [Double]? = nil, maximumSweeps: Int = 2000
  ) -> Outcome {
    precondition(theta.count == size && gradient.count == size && penalty.count == size)
    var isIn = (0..<size).map { j in
      theta[j] != 0 || penalty.l1[j] == 0
        || previousL1.map { abs(gradient[j]) >= 2 * penalty.l1[j] - $0[j] } ?? false
        || penalty.residual(j, at: theta[j], gradient: gradient[j]) != 0
    }
    var outcome = Outcome(residual: .infinity, sweeps: 0)
    while true {
      let members = (0..<size).filter { isIn[$0] }
      var set = WorkingSet(self, members, theta, gradient, penalty)
      set.minimise(tolerance: tolerance, sweeps: &outcome.sweeps, most: maximumSweeps)
      apply(set, to: &theta, &gradient)
      outcome.residual = penalty.maxResidual(at: theta, gradient: gradient)
      if outcome.residual <= tolerance || outcome.sweeps >= maximumSweeps { return outcome }
      var grew = false
      for j in 0..<size
      where !isIn[j] && penalty.residual(j, at: theta[j], gradient: gradient[j]) != 0 {
        isIn[j] = true
        grew = true
      }
      if !grew { return outcome }
    }
  }

  /// Takes over the working set's point and carries its moves to every coordinate's gradient.
  private func apply(_ set: WorkingSet, to theta: inout [Double], _ gradient: inout [Double]) {
    hessian.withUnsafeBufferPointer { h in
      gradient.withUnsafeMutableBufferPointer { g in
        for (k, j) in set.members.enumerated() {
          let change = set.theta[k] - theta[j]
          theta[j] = set.theta[k]
          guard change != 0 else { continue }
          let row = j * size
          for i in 0..<size { g[i] += change * h[row + i] }
        }
      }
    }
  }
}

/// The coordinates that descent moves, gathered: their part of the Hessian lies together.
private struct WorkingSet {
  let members: [Int]
  var theta: [Double]
  private var gradient: [Double]
  private let hessian: [Double]
  private let penalty: CoordinatePenalty

  private var count: Int { members.count }

  init(
    _ model: QuadraticModel, _ members: [Int], _ theta: [Double], _ gradient: [Double],
    _ penalty: CoordinatePenalty
  ) {
    self.members = members
    guard members.count < model.size else {
      self.theta = theta
      self.gradient = gradient
      hessian = model.hessian
      self.penalty = penalty
      return
    }
    self.theta = members.map { theta[$0] }
    self.gradient = members.map { gradient[$0] }
    self.penalty = CoordinatePenalty(
      l1: members.map { penalty.l1[$0] }, l2: members.map { penalty.l2[$0] },
      lower: members.map { penalty.lower[$0] }, upper: members.map { penalty.upper[$0] })
    var gathered = [Double](repeating: 0, count: members.count * members.count)
    model.hessian.withUnsafeBufferPointer { h in
      for (k, j) in members.enumerated() {
        for (l, i) in members.enumerated() {
          gathered[k * members.count + l] = h[j * model.size + i]
        }
      }
    }
    hessian = gathered
  }

  mutating func minimise(tolerance: Double, sweeps: inout Int, most: Int) {
    var pattern = theta.map(Self.sign)
    var best = Double.infinity
    var withoutGain = 0
    while sweeps < most {
      sweeps += 1
      sweep()
      var residual = penalty.maxResidual(at: theta, gradient: gradient)
      if residual <= tolerance { return }
      let now = theta.map(Self.sign)
      if now == pattern, solveActive() {
        residual = penalty.maxResidual(at: theta, gradient: gradient)
        if residual <= tolerance { return }
      }
      pattern = theta.map(Self.sign)
      // The floor of rounding: many sweeps without a lower residual.
      withoutGain = residual < 0.9 * best ? 0 : withoutGain + 1
      best = min(best, residual)
      if withoutGain >= 50, best < 1e-9 { return }
    }
  }

  private static func sign(_ value: Double) -> Int8 { value > 0 ? 1 : value < 0 ? -1 : 0 }

  /// Every coordinate once, to its own minimum.
  private mutating func sweep() {
    let n = count
    hessian.withUnsafeBufferPointer { h in
      gradient.withUnsafeMutableBufferPointer { g in
        for j in 0..<n {
          let curvature = h[j * n + j] + penalty.l2[j]
          guard curvature > 0 else { continue }
          let old = theta[j]
          let new = penalty.minimiser(
            j, curvature: curvature, pull: h[j * n + j] * old - g[j])
          guard new != old else { continue }
          theta[j] = new
          let change = new - old
          for i in 0..<n { g[i] += change * h[j * n + i] }
        }
      }
    }
  }

  /// Steps to the minimum over the coordinates that are not held at 0, their signs kept: as far as
  /// the first that would change, which is then 0. False where their Hessian is not positive
  /// definite.
  private mutating func solveActive() -> Bool {
    let n = count
    let active = (0..<n).filter { theta[$0] != 0 || penalty.isOpen($0) }
    guard !active.isEmpty else { return false }
    let size = active.count
    var block = [Double](repeating: 0, count: size * size)
    for (k, j) in active.enumerated() {
      for l in k..<size { block[k * size + l] = hessian[j * n + active[l]] }
      block[k * size + k] += penalty.l2[j]
    }
    let factor = Cholesky(block, size: size)
    guard factor.leastPivot > 1e-13 else { return false }
    let step = factor.solve(
      active.map { -penalty.residual($0, at: theta[$0], gradient: gradient[$0]) })
    guard step.allSatisfy(\.isFinite) else { return false }
    var length = 1.0
    var first: Int?
    for (k, j) in active.enumerated() where !penalty.isOpen(j) {
      if theta[j] * (theta[j] + step[k]) < 0, -theta[j] / step[k] < length {
        length = -theta[j] / step[k]
        first = k
      }
    }
    hessian.withUnsafeBufferPointer { h in
      gradient.withUnsafeMutableBufferPointer { g in
        for (k, j) in active.enumerated() {
          let target = k == first ? 0 : theta[j] + length * step[k]
          let change = target - theta[j]
          theta[j] = target
          for i in 0..<n { g[i] += change * h[j * n + i] }
        }
      }
    }
    return true
  }
}

extension CoordinatePenalty {
  /// Whether θ_j passes through 0 as through any other value.
  fileprivate func isOpen(_ j: Int) -> Bool { l1[j] == 0 && lower[j] < 0 && upper[j] > 0 }
}
