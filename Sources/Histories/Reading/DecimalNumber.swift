import Foundation

/// A value on its way into an encoded event: whole units of 10^-places in 32 bits where that is how
/// it was written (any number of up to eight characters is), else a double.
struct EncodedValue {
  enum Form: UInt8 { case none = 0, scaled = 1, double = 2 }
  var form = Form.none
  var places: UInt8 = 0
  var bits: UInt64 = 0

  static let none = EncodedValue()

  init() {}

  init(_ value: Double) {
    form = .double
    bits = value.bitPattern
  }

  /// Nil when the field, which is not empty, is not a number.
  @inline(__always)
  init?(_ field: Field) {
    if let packed = DecimalNumber.packed(field) {
      form = .scaled
      places = UInt8(truncatingIfNeeded: packed &>> 32)
      bits = packed & 0xffff_ffff
    } else {
      guard let number = DecimalNumber(field) else { return nil }
      form = .double
      bits = number.value.bitPattern
    }
  }
}

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

  /// Nil when the field (with eight readable bytes) is not a number, or is beyond the range of doubles.
  init?(_ field: Field) {
    let end = field.start + field.count
    var place = field.start
    digits = 0
    exponent = 0
    isNegative = false
    if let packed = Self.packed(field) {
      digits = packed & 0xffff_ffff
      exponent = -Int(packed >> 32)
      return
    }
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

  /// Up to eight digits with or without a point, all at once: the digits, and the places behind
  /// the point in the upper half; nil for every other text.
  @inline(__always)
  static func packed(_ field: Field) -> UInt64? {
    guard field.count &- 1 < 8, field.count > 0 else { return nil }
    let zeros: UInt64 = 0x3030_3030_3030_3030
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let bits = UInt64(field.count &* 8)
    let loaded = UInt64(
      littleEndian: UnsafeRawPointer(field.start).loadUnaligned(as: UInt64.self))
    // The last character goes into the highest byte, zeros before the first one.
    var word = loaded &<< (64 &- bits)
    if bits < 64 { word |= zeros &>> bits }
    let point = word ^ (ones &* 0x2e)
    let found = (point &- ones) & ~point & highs
    var places: UInt64 = 0
    if found != 0 {
      // What stands before the point moves up over it.
      let bit = UInt64(truncatingIfNeeded: found.trailingZeroBitCount &- 7)
      let whole = word & ((1 &<< bit) &- 1)
      word = (((word &>> bit) &>> 8) &<< bit) &<< 8 | whole &<< 8 | 0x30
      places = 7 &- (bit &>> 3)
      if field.count == 1 { return nil }
    }
    let value = word ^ zeros
    guard ((value &+ 0x7676_7676_7676_7676) | value) & highs == 0 else { return nil }
    // Pairs of digits, then fours, then all eight, each in one multiplication.
    let pairs = (value &* 10) &+ (value &>> 8)
    let low = (pairs & 0xff_0000_00ff) &* 0x000f_4240_0000_0064
    let high = ((pairs &>> 16) & 0xff_0000_00ff) &* 0x0000_2710_0000_0001
    return (low &+ high) &>> 32 | places &<< 32
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
    let value = text.withUnsafeBytes {
      strtod($0.baseAddress!.assumingMemoryBound(to: CChar.self), nil)
    }
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
}
