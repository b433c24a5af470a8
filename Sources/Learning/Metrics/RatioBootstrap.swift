/// Replicates of Σ m a / Σ m b, where m is how often each unit (commonly a customer, its rows summed
/// before) is drawn with replacement: Poisson with mean 1. Rising.
///
/// A replicate without anything to divide by is left out. The same bits on any number of threads.
/// `replicates` is rounded up to eights. O(units × replicates).
package func bootstrapRatios(
  _ numerators: [Double], over denominators: [Double], replicates: Int = 1000, seed: UInt64 = 1,
  threads: Int = 1
) -> [Double] {
  precondition(numerators.count == denominators.count)
  let stripes = StripedWork.map(stripes: (replicates + 7) / 8, threads: threads) { stripe in
    let drawn = Draws(seed: seed, stripe: stripe).multiplicities(units: numerators.count)
    var above = Lanes()
    var below = Lanes()
    for unit in numerators.indices {
      let m = Lanes(drawn[unit])
      above += m * numerators[unit]
      below += m * denominators[unit]
    }
    return above / below
  }
  return stripes.flatMap { lanes in (0..<8).map { lanes[$0] } }.filter(\.isFinite).sorted()
}
