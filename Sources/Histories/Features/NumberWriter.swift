/// A growing buffer of output bytes that knows how to write numbers fast.
package final class NumberWriter {
  private var start: UnsafeMutablePointer<UInt8>
  private var place: UnsafeMutablePointer<UInt8>
  private var end: UnsafeMutablePointer<UInt8>
  /// Room that any number fits in.
  private static let longest = 48

  /// Room for `capacity` bytes; grows as needed.
  package init(capacity: Int) {
    let capacity = max(capacity, 256)
    start = .allocate(capacity: capacity)
    place = start
    end = start + capacity
  }

  deinit { start.deallocate() }

  /// A copy of the bytes written so far.
  package var written: [UInt8] { Array(UnsafeBufferPointer(start: start, count: place - start)) }

  /// The bytes written so far, where they stand.
  func withWritten<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: start, count: place - start))
  }

  @inline(__always)
  private func need(_ count: Int) {
    if end - place < count { grow(count) }
  }

  private func grow(_ count: Int) {
    let used = place - start
    let capacity = max(used + count, (end - start) * 2)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: start, count: used)
    start.deallocate()
    start = larger
    place = larger + used
    end = larger + capacity
  }

  @inline(__always)
  package func append(byte: UInt8) {
    need(1)
    place.pointee = byte
    place += 1
  }

  /// A CSV field, quoted where RFC 4180 asks for it.
  package func append(field: some Collection<UInt8>) {
    need(2 * field.count + 2)
    let isPlain =
      field.withContiguousStorageIfAvailable { bytes in
        for byte in bytes where byte <= 0x2c {
          if byte == 0x2c || byte == 0x22 || byte == 0x0a || byte == 0x0d { return false }
        }
        if let start = bytes.baseAddress { place.update(from: start, count: bytes.count) }
        place += bytes.count
        return true
      } ?? false
    if isPlain { return }
    let special = field.contains { $0 == 0x2c || $0 == 0x22 || $0 == 0x0a || $0 == 0x0d }
    if special { append(byte: 0x22) }
    for byte in field {
      if byte == 0x22 { append(byte: byte) }
      append(byte: byte)
    }
    if special { append(byte: 0x22) }
  }

  /// A row of CSV cells, each after a comma. Four zeros in a row, which most counts are, are one step.
  @inline(__always)
  package func append(cells row: UnsafePointer<Double>, count: Int) {
    need(count &* Self.longest)
    let bits = UnsafeRawPointer(row)
    var place = place
    var index = 0
    while index < count {
      if index &+ 4 <= count,
        bits.loadUnaligned(fromByteOffset: index &* 8, as: SIMD4<UInt64>.self) == .zero
      {
        UnsafeMutableRawPointer(place).storeBytes(
          of: UInt64(0x302c_302c_302c_302c).littleEndian, as: UInt64.self)
        place += 8
        index &+= 4
        continue
      }
      place.pointee = 0x2c
      place += 1
      Self.write(row[index], at: &place)
      index &+= 1
    }
    self.place = place
  }

  /// One cell: the shortest decimal that reads back as `value`; nothing for NaN (missing).
  package func append(_ value: Double) {
    need(Self.longest)
    Self.write(value, at: &place)
  }

  func append(raw values: UnsafePointer<Double>, count: Int) {
    need(count * 8)
    UnsafeMutableRawPointer(place).copyMemory(from: values, byteCount: count * 8)
    place += count * 8
  }

  @inline(__always)
  private static func write(_ value: Double, at place: inout UnsafeMutablePointer<UInt8>) {
    if value >= 0, value < 10, value == Double(UInt8(value)) {
      place.pointee = 0x30 &+ UInt8(value)
      place += 1
    } else if !value.isNaN {
      writeLonger(value, at: &place)
    }
  }

  private static func writeLonger(_ value: Double, at place: inout UnsafeMutablePointer<UInt8>) {
    var magnitude = value
    if value < 0 {
      place.pointee = 0x2d
      place += 1
      magnitude = -value
    }
    if magnitude < 1e15, magnitude == Double(Int64(magnitude)) {
      write(digits: UInt64(bitPattern: Int64(magnitude)), at: &place)
    } else if let decimal = ShortDecimal(magnitude) {
      // No whole number lies between a double that is none and what reads back as it.
      write(decimal, whole: UInt64(bitPattern: Int64(magnitude)), at: &place)
    } else {
      for byte in magnitude.description.utf8 {
        place.pointee = byte
        place += 1
      }
    }
  }

  @inline(__always)
  private static func write(digits value: UInt64, at place: inout UnsafeMutablePointer<UInt8>) {
    guard value < 100_000_000 else { return writeMany(digits: value, at: &place) }
    let digits = eightDigits(value)
    let zeros = min((digits ^ Self.zeros).trailingZeroBitCount &>> 3, 7)
    store(digits &>> UInt64(truncatingIfNeeded: 8 &* zeros), at: place)
    place += 8 &- zeros
  }

  private static func writeMany(
    digits value: UInt64, at place: inout UnsafeMutablePointer<UInt8>
  ) {
    let upper = value / 100_000_000
    write(digits: upper, at: &place)
    store(eightDigits(value &- upper &* 100_000_000), at: place)
    place += 8
  }

  /// `whole` is the decimal without its fraction. Up to 16 bytes behind it are written too, which the
  /// next write covers.
  private static func write(
    _ decimal: ShortDecimal, whole: UInt64, at place: inout UnsafeMutablePointer<UInt8>
  ) {
    write(digits: whole, at: &place)
    place.pointee = 0x2e
    place += 1
    var fraction = decimal.digits &- whole &* ShortDecimal.powers[decimal.places]
    if decimal.places <= 16 {
      fraction = fraction &* ShortDecimal.powers[16 &- decimal.places]
    } else {
      // Below one: zeros, and the first of up to 17 digits.
      let first = fraction / 10_000_000_000_000_000
      for _ in 17..<decimal.places {
        place.pointee = 0x30
        place += 1
      }
      place.pointee = 0x30 &+ UInt8(truncatingIfNeeded: first)
      place += 1
      fraction = fraction &- first &* 10_000_000_000_000_000
    }
    // 16 digits; zeros at the end are left out.
    let upper = fraction / 100_000_000
    let (high, low) = (eightDigits(upper), eightDigits(fraction &- upper &* 100_000_000))
    store(high, at: place)
    store(low, at: place + 8)
    place +=
      low == zeros
      ? 8 &- (high ^ zeros).leadingZeroBitCount &>> 3
      : 16 &- (low ^ zeros).leadingZeroBitCount &>> 3
  }

  /// Eight digits 0.
  private static let zeros: UInt64 = 0x3030_3030_3030_3030

  @inline(__always)
  private static func store(_ digits: UInt64, at place: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(place).storeBytes(of: digits.littleEndian, as: UInt64.self)
  }

  /// The digits of a number below 10^8 with zeros before it, the first one in the lowest byte:
  /// split into fours, pairs and digits, each split at once in all parts. 10486 / 2^20 and
  /// 103 / 2^10 cut to the quotient by 100 below 10^4 and by 10 below 100.
  @inline(__always)
  private static func eightDigits(_ value: UInt64) -> UInt64 {
    let upper = value / 10_000
    let fours = upper | (value &- upper &* 10_000) &<< 32
    let hundreds = ((fours &* 10486) &>> 20) & 0x0000_007f_0000_007f
    let pairs = hundreds | (fours &- hundreds &* 100) &<< 16
    let tens = ((pairs &* 103) &>> 10) & 0x000f_000f_000f_000f
    return (tens | (pairs &- tens &* 10) &<< 8) | 0x3030_3030_3030_3030
  }
}

/// The shortest decimal that reads back as a given double, the nearest one among those: the last
/// steps of R. Giulietti's Schubfach (https://drive.google.com/file/d/1luHhyQF9zKlM8yJ1nebU0OgVYhfC6CBN),
/// with exact integers instead of its tables, which the range allows: for 10^-3 ≤ x < 10^9 one
/// product of 128 bits is all there is.
struct ShortDecimal {
  /// The value is `digits` · 10^-`places`; the last digits may be zeros. At most 17 digits.
  let digits: UInt64
  let places: Int

  static let powers: [UInt64] = (0...19).map { exponent in
    (0..<exponent).reduce(UInt64(1)) { power, _ in power * 10 }
  }

  /// Nil outside the range above, for whole numbers and for powers of two.
  @inline(__always)
  init?(_ value: Double) {
    guard value >= 1e-3, value < 1e9, value.significandBitPattern != 0 else { return nil }
    // value = m · 2^q with 2^52 < m < 2^53, −62 ≤ q ≤ −23.
    let m = value.significandBitPattern | (1 << 52)
    let q = Int(value.exponentBitPattern) &- 1075
    // 10^k ≤ 2^q < 10^(k+1), by ⌊q · log10 2⌋, and 10^-k has at most 19 zeros.
    let k = (q &* 1_262_611) &>> 22
    let scale = Self.powers[-k]
    // In units of 10^k the value is product / 2^shift, and whatever is not further from it than
    // scale / 2^shift reads back as it. 24 ≤ shift ≤ 63.
    let product = (2 &* m).multipliedFullWidth(by: scale)
    let shift = UInt64(truncatingIfNeeded: 1 &- q)
    let one: UInt64 = 1 &<< shift
    let floor = product.high &<< (64 &- shift) | product.low &>> shift
    let rest = product.low & (one &- 1)
    // An even m owns both ends of its interval of rounding.
    let reach = m & 1 == 0 ? scale : scale &- 1
    // At most one multiple of ten units lies in the interval: it is shorter than all others. Which way it
    // goes is a toss-up, so nothing here branches but the choice.
    let last = floor % 10
    let below = Self.shifted(last, shift)
    let above = Self.shifted(10 &- last, shift)
    let reachesBelow = below.high == 0 && (below.low | rest) <= reach
    let isBorrowing: UInt64 = above.low < rest ? 1 : 0
    let reachesAbove = above.high == isBorrowing && (above.low &- rest) <= reach
    // Of the two neighbours the nearer one lies within: an interval is longer than a unit.
    let half = one &>> 1
    let nearest = rest > half || (rest == half && floor & 1 == 1) ? floor &+ 1 : floor
    digits = reachesBelow ? floor &- last : reachesAbove ? floor &- last &+ 10 : nearest
    places = -k
  }

  /// `value` · 2^`shift`, below ten and from 1 to 63.
  @inline(__always)
  private static func shifted(_ value: UInt64, _ shift: UInt64) -> (high: UInt64, low: UInt64) {
    (value &>> (64 &- shift), value &<< shift)
  }
}
