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
    let special = field.contains { $0 == 0x2c || $0 == 0x22 || $0 == 0x0a || $0 == 0x0d }
    if special { append(byte: 0x22) }
    for byte in field {
      if byte == 0x22 { append(byte: byte) }
      append(byte: byte)
    }
    if special { append(byte: 0x22) }
  }

  /// A row of CSV cells, each after a comma.
  @inline(__always)
  package func append(cells row: UnsafePointer<Double>, count: Int) {
    need(count &* Self.longest)
    var place = place
    for index in 0..<count {
      place.pointee = 0x2c
      place += 1
      Self.write(row[index], at: &place)
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
    if magnitude < 1e15, magnitude == Double(UInt64(magnitude)) {
      write(digits: UInt64(magnitude), at: &place)
    } else if let decimal = ShortDecimal(magnitude) {
      write(decimal, at: &place)
    } else {
      for byte in magnitude.description.utf8 {
        place.pointee = byte
        place += 1
      }
    }
  }

  @inline(__always)
  private static func write(digits value: UInt64, at place: inout UnsafeMutablePointer<UInt8>) {
    var count = 1
    var bound: UInt64 = 10
    while count < 19, value >= bound {
      count &+= 1
      bound = bound &* 10
    }
    place += count
    var rest = value
    for back in 1...count {
      let quotient = rest / 10
      place[-back] = 0x30 &+ UInt8(truncatingIfNeeded: rest &- quotient &* 10)
      rest = quotient
    }
  }

  private static func write(
    _ decimal: ShortDecimal, at place: inout UnsafeMutablePointer<UInt8>
  ) {
    let unit = ShortDecimal.powers[decimal.places]
    let whole = decimal.digits / unit
    write(digits: whole, at: &place)
    place.pointee = 0x2e
    place += 1
    writeFraction(decimal.digits &- whole &* unit, decimal.places, at: &place)
  }

  /// `places` digits of `value`, zeros before it, eight a step; up to seven bytes behind them are
  /// written too, which the next write covers.
  @inline(__always)
  private static func writeFraction(
    _ value: UInt64, _ places: Int, at place: inout UnsafeMutablePointer<UInt8>
  ) {
    var rest = value
    var left = places
    while left > 0 {
      let count = (left &- 1) & 7 &+ 1
      left &-= count
      let unit: UInt64 = left == 0 ? 1 : left == 8 ? 100_000_000 : 10_000_000_000_000_000
      let part = left == 0 ? rest : rest / unit
      rest = rest &- part &* unit
      UnsafeMutableRawPointer(place).storeBytes(
        of: (eightDigits(part) &>> UInt64(64 &- 8 &* count)).littleEndian, as: UInt64.self)
      place += count
    }
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
/// with exact integers instead of its tables, which the range allows: for 10^-3 ≤ x < 10^9 all
/// products fit in 128 bits.
struct ShortDecimal {
  /// The value is `digits` · 10^-`places`.
  let digits: UInt64
  let places: Int

  static let powers: [UInt64] = (0...19).map { exponent in
    (0..<exponent).reduce(UInt64(1)) { power, _ in power * 10 }
  }

  /// Nil outside the range above, for whole numbers and for powers of two.
  init?(_ value: Double) {
    guard value >= 1e-3, value < 1e9, value.significandBitPattern != 0 else { return nil }
    // value = m · 2^q with 2^52 < m < 2^53, −62 ≤ q ≤ −23.
    let m = value.significandBitPattern | (1 << 52)
    let q = Int(value.exponentBitPattern) - 1075
    // 10^k ≤ 2^q < 10^(k+1), by ⌊q · log10 2⌋, and 10^-k has at most 19 zeros.
    let k = (q * 1_262_611) >> 22
    let scale = UInt128(Self.powers[-k])
    let shift = UInt128(2 - q)
    let middle = UInt128(4 * m) * scale
    let half = 2 * scale
    let lower = middle - half
    let upper = middle + half
    // An even m owns both ends of its interval of rounding.
    let closed = m & 1 == 0
    func holds(_ candidate: UInt64) -> Bool {
      let place = UInt128(candidate) << shift
      return closed ? place >= lower && place <= upper : place > lower && place < upper
    }
    let floor = UInt64(truncatingIfNeeded: middle >> shift)
    // At most one multiple of ten units lies in the interval: it is shorter than all others.
    let tens = floor / 10 * 10
    var chosen: UInt64
    if holds(tens) {
      chosen = tens
    } else if holds(tens + 10) {
      chosen = tens + 10
    } else {
      let below = holds(floor)
      let above = holds(floor + 1)
      if below, above {
        let distance = middle - UInt128(floor) << shift
        let unit = UInt128(1) << shift
        let isUpper = 2 * distance > unit || (2 * distance == unit && floor & 1 == 1)
        chosen = isUpper ? floor + 1 : floor
      } else {
        chosen = above ? floor + 1 : floor
      }
    }
    var places = -k
    while places > 1, chosen % 10 == 0 {
      chosen /= 10
      places -= 1
    }
    digits = chosen
    self.places = places
  }
}
