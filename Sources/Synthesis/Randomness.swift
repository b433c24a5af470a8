/// A stream of random numbers known by its name: (seed, account, purpose).
///
/// SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195): a counter that grows by a
/// fixed odd step, mixed by a bijection. A stream is opened anywhere at no cost, so an account's
/// life depends on nothing but the seed and its own number, never on the thread that lives it.
struct RandomStream {
  /// What a stream is for. An account's purposes draw apart, so that more events, or another
  /// response bias, leave its temperament, its incidents and its truth as they were.
  enum Purpose: UInt64 {
    case attributes = 1
    case satisfaction = 2
    case activity = 3
    case recording = 4
    case response = 5
    case truth = 6
  }

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15
  private var counter: UInt64
  private var spareNormal: Double?

  init(seed: UInt64, account: Int, purpose: Purpose) {
    let perSeed = Self.mix(seed &+ Self.step)
    let perAccount = Self.mix(perSeed ^ (UInt64(account) &* 0xD6E8_FEB8_6659_FD93))
    counter = Self.mix(perAccount &+ purpose.rawValue &* 0xA076_1D64_78BD_642F)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private mutating func bits() -> UInt64 {
    counter &+= Self.step
    return Self.mix(counter)
  }

  /// Uniform on [0, 1), a multiple of 2⁻⁵³.
  mutating func uniform() -> Double {
    Double(bits() >> 11) * 0x1p-53
  }

  /// Uniform on 0 ..< count (bias below count · 2⁻⁵³).
  mutating func below(_ count: Int) -> Int {
    Int(uniform() * Double(count))
  }

  /// True with the given probability.
  mutating func chance(_ probability: Double) -> Bool {
    uniform() < probability
  }

  /// Standard normal, by Marsaglia's polar method (doi:10.1137/1006063): two at a time.
  mutating func normal() -> Double {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    while true {
      let x = 2 * uniform() - 1
      let y = 2 * uniform() - 1
      let square = x * x + y * y
      if square < 1 && square > 0 {
        let factor = (-2 * Portable.log(square) / square).squareRoot()
        spareNormal = y * factor
        return x * factor
      }
    }
  }

  /// Exponential with mean 1.
  mutating func exponential() -> Double {
    -Portable.log(1 - uniform())
  }

  /// Standard logistic: the log-odds of a uniform number.
  mutating func logistic() -> Double {
    let u = max(uniform(), 0x1p-53)
    return Portable.log(u / (1 - u))
  }

  /// Poisson by inversion, in pieces of mean at most 16; O(1 + mean).
  mutating func poisson(_ mean: Double) -> Int {
    var total = 0
    var left = mean
    while left > 16 {
      total += poissonPiece(16)
      left -= 16
    }
    return total + poissonPiece(left)
  }

  private mutating func poissonPiece(_ mean: Double) -> Int {
    let u = uniform()
    if u < 1 - mean { return 0 }  // exp(-m) ≥ 1 - m: the common case needs no exponential
    var term = Portable.exp(-mean)
    var cumulative = term
    var count = 0
    while u >= cumulative && count < 128 {
      count += 1
      term *= mean / Double(count)
      cumulative += term
    }
    return count
  }
}

/// Exponential and logarithm made of IEEE additions, multiplications and divisions alone.
///
/// A system's `exp` may take another path on another processor and differ in the last bit; these
/// cannot, and a base must come out the same, byte for byte, everywhere. Relative error below 1e-14.
package enum Portable {
  private static let ln2High = 0x1.62e42feep-1  // the leading 33 bits: k · ln2High is exact
  private static let ln2Low = 0x1.a39ef35793c76p-33

  private static let nearest = 0x1.8p52  // added and taken away: rounds to a whole number

  /// eˣ for any finite x; beyond ±700 the value at ±700.
  package static func exp(_ value: Double) -> Double {
    let x = min(max(value, -700), 700)
    let k = (x * 0x1.71547652b82fep+0 + nearest) - nearest
    let r = (x - k * ln2High) - k * ln2Low
    // Taylor, even and odd powers apart, |r| ≤ ½ ln 2: the first term left out is r¹³/13! < 2e-16.
    let q = r * r
    var even = q * (1 / 479001600) + 1 / 3628800
    var odd = q * (1 / 39916800) + 1 / 362880
    even = even * q + 1 / 40320
    odd = odd * q + 1 / 5040
    even = even * q + 1 / 720
    odd = odd * q + 1 / 120
    even = even * q + 1 / 24
    odd = odd * q + 1 / 6
    even = even * q + 1 / 2
    odd = odd * q + 1
    let sum = 1 + (even * q + odd * r)
    return sum * Double(bitPattern: UInt64(Int64(k) + 1023) << 52)
  }

  /// Natural logarithm of a positive normal number.
  package static func log(_ value: Double) -> Double {
    let bits = value.bitPattern
    var exponent = Double(Int(bits >> 52) - 1_023)
    var m = Double(bitPattern: bits & 0xF_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000)
    if m > 1.4142135623730951 {
      m *= 0.5
      exponent += 1
    }
    // ln m = 2 artanh t, |t| ≤ 0.172: the first term left out is below 1e-15.
    let t = (m - 1) / (m + 1)
    let square = t * t
    var sum = square * (1 / 17) + 1 / 15
    sum = sum * square + 1 / 13
    sum = sum * square + 1 / 11
    sum = sum * square + 1 / 9
    sum = sum * square + 1 / 7
    sum = sum * square + 1 / 5
    sum = sum * square + 1 / 3
    sum = sum * square + 1
    return exponent * ln2High + (exponent * ln2Low + 2 * t * sum)
  }

  /// 1 / (1 + e⁻ˣ).
  static func logistic(_ x: Double) -> Double {
    1 / (1 + exp(-x))
  }
}
