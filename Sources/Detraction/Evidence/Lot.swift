import Foundation

/// Chance that hangs on a seed and a place alone, never on threads or the order of rows: SplitMix64
/// read at a place (Steele, Lea & Flood 2014, doi:10.1145/2714064.2660195).
struct Lot: Sendable {
  private let start: UInt64

  init(seed: UInt64) { start = Self.mixed(seed &+ 0x9E37_79B9_7F4A_7C15) }

  private static func mixed(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Uniform in (0, 1), by a place such as a stable hash.
  func uniform(at place: UInt64) -> Double {
    (Double(Self.mixed(start ^ Self.mixed(place &+ 0x9E37_79B9_7F4A_7C15)) >> 11) + 0.5) * 0x1p-53
  }

  /// `count` of the items, drawn without replacement, each with a chance in proportion to its weight;
  /// those of weight 0 only when the others are used up. Ascending by index. Source: Efraimidis &
  /// Spirakis 2006, doi:10.1016/j.ipl.2005.11.003. O(items log items).
  func draw(_ count: Int, places: [UInt64], weights: [Double]) -> [Int] {
    let keys = places.indices.map { -log(uniform(at: places[$0])) / weights[$0] }
    return places.indices.sorted { (keys[$0], places[$0]) < (keys[$1], places[$1]) }
      .prefix(count).sorted()
  }

  /// The 95 % percentile interval of Σ sum ÷ Σ count under resampling of whole units; nil for none.
  /// O(replicates × units).
  func meanInterval(_ units: [(sum: Double, count: Double)], replicates: Int)
    -> (low: Double, high: Double)?
  {
    guard !units.isEmpty else { return nil }
    let means = (0..<replicates).map { replicate -> Double in
      var (sum, count) = (0.0, 0.0)
      for draw in units.indices {
        let u = uniform(at: UInt64(replicate) << 32 | UInt64(draw))
        let unit = units[Int(u * Double(units.count))]
        sum += unit.sum
        count += unit.count
      }
      return sum / count
    }.sorted()
    return (quantile(means, 0.025), quantile(means, 0.975))
  }
}
