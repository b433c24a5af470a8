import Foundation

/// A decimal number as written: sign, digits and power of ten; or a double where the digits are
/// too many for that. Strict: no `nan`, `inf`, hexadecimal, spaces, separators or overflow.
struct DecimalNumber {
  /// |value| = `digits` · 10^`exponent`, unless `rounded` holds the value.
  var digits: UInt64
  var exponent: Int
  var isNegative: Bool
  private var rounded: Double?

  /// A longer field is no number.
  static let longestField = 1000

  /// Exact powers of ten: 10^22 is the last that a double holds exactly.
  private static let powers: [Double] = (0...22).map { pow(10, Double($0)) }

  /// Nil when the field is not a number, or is beyond the range of doubles.
  @inline(__always)
  init?(_ field: Field) {
    let end = field.start + field.count
    var place = field.start
    digits = 0
    exponent = 0
    isNegative = false
    if place < end, place.pointee == 0x2d || place.pointee == 0x2b {
      isNegative = place.pointee == 0x2d
      place += 1
    }
    let first = place
    while place < end, place.pointee.isDigit {
      digits = digits &* 10 &+ UInt64(place.pointee &- 0x30)
      place += 1
    }
    var count = place - first
    if place < end, place.pointee == 0x2e {
      place += 1
      let fraction = place
      while place < end, place.pointee.isDigit {
        digits = digits &* 10 &+ UInt64(place.pointee &- 0x30)
        place += 1
      }
      exponent = fraction - place
      count -= exponent
    }
    guard count > 0 else { return nil }
    if place < end || count > 15 {
      guard readRest(field, at: place, end: end, digitCount: count) else { return nil }
    }
  }

  /// The exponent, and the numbers whose digits do not fit: correctly rounded by the C library.
  private mutating func readRest(
    _ field: Field, at start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, digitCount: Int
  ) -> Bool {
    var place = start
    if place < end {
      guard place.pointee == 0x65 || place.pointee == 0x45 else { return false }
      place += 1
      if place < end, place.pointee == 0x2d || place.pointee == 0x2b { place += 1 }
      guard place < end else { return false }
      while place < end, place.pointee.isDigit { place += 1 }
      guard place == end else { return false }
    }
    guard field.count <= Self.longestField else { return false }
    let text = Array(field.bytes) + [0]
    let value = text.withUnsafeBytes { strtod($0.baseAddress!.assumingMemoryBound(to: CChar.self), nil) }
    guard value.isFinite else { return false }
    rounded = value
    return true
  }

  /// The correctly rounded double; zero has no sign. With at most 15 digits both
  /// factors are exact, so that one rounding remains (Clinger 1990, doi:10.1145/93548.93557).
  var value: Double {
    if let rounded { return rounded + 0 }
    let magnitude = Double(digits) / Self.powers[-exponent]
    return (isNegative ? -magnitude : magnitude) + 0
  }

  /// The value in units of 10^-scale, when that is how it was written and 32 bits hold it.
  @inline(__always)
  var scaled: (units: Int32, scale: Int)? {
    guard rounded == nil, exponent >= -7, digits <= 0x7fff_ffff else { return nil }
    return (isNegative ? -Int32(digits) : Int32(digits), -exponent)
  }
}
