import Foundation

/// The 97.5 % point of the normal distribution.
let normalQuantile975 = 1.959963984540054

/// The 97.5 % point of Student's t with any degrees of freedom of 1 or more (also broken ones), to 1e-9 of
/// itself. By halving, of the tail I(ν/(ν + t²); ν/2, ½).
package func studentQuantile975(_ freedom: Double) -> Double {
  if freedom > 1e7 { return normalQuantile975 }
  var (low, high) = (1.9, 13.0)
  while high - low > 1e-10 {
    let t = (low + high) / 2
    let tail = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
    if tail > 0.05 { low = t } else { high = t }
  }
  return (low + high) / 2
}

/// The regularised incomplete beta function I(x; a, b), by its continued fraction (Lentz's method, as in
/// Press et al., Numerical Recipes, 6.4). 0 < x < 1. O(√max(a, b)).
private func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  // The fraction converges fast on this side of the mean only.
  if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
  func logGamma(_ z: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(z, &sign)
  }
  let front = exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x)) / a
  var (c, d) = (1.0, 1 / (1 - (a + b) * x / (a + 1)))
  var value = d
  for m in 1...10_000 {
    let m = Double(m)
    for term in [
      m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
      -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
    ] {
      d = 1 / (1 + term * d)
      c = 1 + term / c
      value *= c * d
    }
    if abs(c * d - 1) < 1e-15 { break }
  }
  return front * value
}
