import Foundation

/// The exact 95 % interval of a share (Clopper & Pearson 1934): the shares that do not make what was
/// found, or more, or less, rarer than 2.5 %.
///
/// With x found of n its ends are the quantiles of Beta(x, n − x + 1) and Beta(x + 1, n − x); x may
/// be fractional (shared ties). A mean of numbers between 0 and 1 varies no more than a share does,
/// so that it may stand for x ÷ n. O(log precision) continued fractions.
package func exactShare(
  found x: Double, of n: Double, tail: Double = 0.025
) -> (low: Double, high: Double) {
  precondition(n > 0 && x >= 0 && x <= n)
  return (
    x <= 0 ? 0 : betaQuantile(tail, x, n - x + 1),
    x >= n ? 1 : betaQuantile(1 - tail, x + 1, n - x)
  )
}

/// The x with I_x(a, b) = p, by bisection.
private func betaQuantile(_ p: Double, _ a: Double, _ b: Double) -> Double {
  var (low, high) = (0.0, 1.0)
  while true {
    let middle = (low + high) / 2
    guard middle > low, middle < high else { return middle }
    if regularisedBeta(middle, a, b) < p { low = middle } else { high = middle }
  }
}

/// I_x(a, b). Errors below 1e-12 for the counts of people.
private func regularisedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  guard x > 0 else { return 0 }
  guard x < 1 else { return 1 }
  // The fraction converges fast on this side of the mean.
  guard x <= (a + 1) / (a + b + 2) else { return 1 - betaFraction(1 - x, b, a) }
  return betaFraction(x, a, b)
}

/// I_x(a, b) for an x not above the mean by much, by Lentz's continued fraction (Numerical Recipes, 6.4).
private func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
  let front = exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x))
  let least = 1e-300
  func away(_ value: Double) -> Double { abs(value) < least ? least : value }
  var c = 1.0
  var d = 1 / away(1 - (a + b) * x / (a + 1))
  var h = d
  for step in 1...10_000 {
    let m = Double(step)
    let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    h *= d * c
    let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    h *= d * c
    if abs(d * c - 1) < 1e-15 { break }
  }
  return front * h / a
}

/// ln Γ(x) for x > 0; the C library's writes its sign to a global.
private func logGamma(_ x: Double) -> Double {
  var sign: Int32 = 0
  return lgamma_r(x, &sign)
}
