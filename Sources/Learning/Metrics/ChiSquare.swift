import Foundation

/// The chi-square distribution.
package enum ChiSquare {
  /// P(χ² ≤ x) with so many degrees of freedom, the regularised lower incomplete gamma function
  /// P(ν/2, x/2): its series below the mean, the continued fraction of its complement above
  /// (Lentz's way). Source: DLMF 8.11.4 and 8.9.2. Errors below 1e-12.
  package static func cumulative(_ x: Double, degrees: Int) -> Double {
    guard x > 0 else { return 0 }
    let (a, z) = (Double(degrees) / 2, x / 2)
    let front = exp(a * log(z) - z - lgamma(a))
    if z < a + 1 {
      var term = 1 / a
      var sum = term
      var n = a
      while term > sum * 1e-16 {
        n += 1
        term *= z / n
        sum += term
      }
      return min(1, front * sum)
    }
    let tiny = 1e-300
    var b = z + 1 - a
    var c = 1 / tiny
    var d = 1 / b
    var h = d
    for i in 1...10_000 {
      let k = -Double(i) * (Double(i) - a)
      b += 2
      d = k * d + b
      d = 1 / (abs(d) < tiny ? tiny : d)
      c = b + k / c
      if abs(c) < tiny { c = tiny }
      h *= d * c
      if abs(d * c - 1) < 1e-15 { break }
    }
    return 1 - front * h
  }

  /// x with P(χ² ≤ x) = `level`, below 1. By halving an interval around it.
  package static func quantile(_ level: Double, degrees: Int) -> Double {
    var low = 0.0
    var high = Double(degrees) + 10
    while cumulative(high, degrees: degrees) < level, high < 1e9 { high *= 2 }
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if cumulative(middle, degrees: degrees) < level { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
