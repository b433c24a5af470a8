/// Eight bootstrap replicates side by side.
typealias Lanes = SIMD8<Double>

/// The chance behind resampling and simulated labels: SplitMix64 read at a place, so that every
/// number depends on seed, replicate and unit alone, never on threads. Source: Steele, Lea & Flood
/// 2014, doi:10.1145/2714064.2660195.
struct Draws: Sendable {
  private let start: UInt64
  private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The numbers of one stripe of eight replicates.
  init(seed: UInt64, stripe: Int) {
    start = Self.mixed(seed &+ UInt64(stripe) &* Self.golden)
  }

  @inline(__always)
  private static func mixed(_ state: UInt64) -> UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Eight whole numbers, uniform over all of 32 bits, for one unit.
  @inline(__always)
  func uniform(_ unit: Int) -> SIMD8<Int32> {
    var state = start &+ UInt64(unit) &* (4 &* Self.golden)
    var words = SIMD4<UInt64>()
    for k in 0..<4 {
      state &+= Self.golden
      words[k] = Self.mixed(state)
    }
    return unsafeBitCast(words, to: SIMD8<Int32>.self)
  }

  /// Where the distribution function of a Poisson variable with mean 1 ends its steps, on the scale
  /// of `uniform`; ten or more is drawn once in ten million.
  private static let poissonSteps: [Int32] = {
    var steps: [Int32] = []
    var probability = 0.36787944117144233
    var sum = 0.0
    for k in 1...10 {
      sum += probability
      steps.append(Int32(clamping: Int64((sum - 0.5) * 0x1p32)))
      probability /= Double(k)
    }
    return steps
  }()

  /// How often each unit is drawn in each of the eight replicates: Poisson with mean 1, which is
  /// resampling with replacement but for the number drawn being free. O(units).
  func multiplicities(units: Int) -> [SIMD8<UInt8>] {
    let steps = Self.poissonSteps.map { SIMD8<Int32>(repeating: $0) }
    return [SIMD8<UInt8>](unsafeUninitializedCapacity: units) { buffer, count in
      for unit in 0..<units {
        let u = uniform(unit)
        var drawn = SIMD8<Int32>()
        for step in steps {
          drawn = drawn.replacing(with: drawn &+ 1, where: u .>= step)
        }
        buffer[unit] = SIMD8<UInt8>(truncatingIfNeeded: drawn)
      }
      count = units
    }
  }
}
