import Foundation

/// P(X ≥ k) of a binomial of n trials with chance p. Terms by their logarithms. O(n − k).
func binomialTail(_ k: Int, of n: Int, chance p: Double) -> Double {
  if k <= 0 { return 1 }
  if k > n || p <= 0 { return 0 }
  if p >= 1 { return 1 }
  let all = logFactorial(n)
  return min(
    1,
    (k...n).reduce(0.0) { sum, i in
      let ways = all - logFactorial(i) - logFactorial(n - i)
      return sum + exp(ways + Double(i) * log(p) + Double(n - i) * log1p(-p))
    })
}

/// log n!.
private func logFactorial(_ n: Int) -> Double {
  var sign: Int32 = 0
  return lgamma_r(Double(n) + 1, &sign)
}
