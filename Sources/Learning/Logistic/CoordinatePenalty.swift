/// The penalty in a solver's own coordinates θ, a value a coordinate:
///
///     Σ_j l2_j θ_j²/2 + l1_j |θ_j|,  lower_j ≤ θ_j ≤ upper_j
///
/// Bounds are 0 or infinite. The intercept, where there is one, has no penalty and no bounds.
struct CoordinatePenalty: Sendable {
  var l1: [Double]
  var l2: [Double]
  /// −∞ or 0.
  var lower: [Double]
  /// ∞ or 0.
  var upper: [Double]

  var count: Int { l1.count }

  /// Whether a gradient exists everywhere and every direction is open.
  var isSmooth: Bool {
    l1.allSatisfy { $0 == 0 } && lower.allSatisfy { $0 < 0 } && upper.allSatisfy { $0 > 0 }
  }

  /// Whether nothing holds θ_j but the loss.
  func isFree(_ j: Int) -> Bool { l1[j] == 0 && l2[j] == 0 && lower[j] < 0 && upper[j] > 0 }

  /// Its value at θ. O(count).
  func value(at theta: [Double]) -> Double {
    var sum = 0.0
    for j in theta.indices {
      sum += 0.5 * l2[j] * theta[j] * theta[j] + l1[j] * abs(theta[j])
    }
    return sum
  }

  /// What a step adds to its value, by its slope (the l2 part) and exactly (the l1 part). O(count).
  func slope(at theta: [Double], step: [Double]) -> Double {
    var sum = 0.0
    for j in theta.indices {
      sum += l2[j] * theta[j] * step[j] + l1[j] * (abs(theta[j] + step[j]) - abs(theta[j]))
    }
    return sum
  }

  /// The subgradient of least size in coordinate j, `gradient` being that of the loss: 0 where θ_j
  /// meets the condition of Karush, Kuhn and Tucker. At 0 that is what |gradient| exceeds l1 by; at
  /// a bound only what points inside counts.
  @inline(__always)
  func residual(_ j: Int, at theta: Double, gradient: Double) -> Double {
    let g = gradient + l2[j] * theta
    if theta > 0 { return g + l1[j] }
    if theta < 0 { return g - l1[j] }
    if g + l1[j] < 0, upper[j] > 0 { return g + l1[j] }
    if g - l1[j] > 0, lower[j] < 0 { return g - l1[j] }
    return 0
  }

  /// The largest of them in size. O(count).
  func maxResidual(at theta: [Double], gradient: [Double]) -> Double {
    var largest = 0.0
    for j in theta.indices {
      let r = abs(residual(j, at: theta[j], gradient: gradient[j]))
      largest = r.isNaN ? .infinity : max(largest, r)
    }
    return largest
  }

  /// Where curvature/2 θ² − pull θ + l1_j |θ| is least within the bounds: the soft threshold.
  /// `curvature` includes l2_j.
  @inline(__always)
  func minimiser(_ j: Int, curvature: Double, pull: Double) -> Double {
    if pull > l1[j], upper[j] > 0 { return (pull - l1[j]) / curvature }
    if pull < -l1[j], lower[j] < 0 { return (pull + l1[j]) / curvature }
    return 0
  }
}
