import Foundation

/// Reads the times of one column. The common shape `YYYY-MM-DDTHH:MM:SS` with `Z` or without is
/// read eight bytes a step; everything else goes through the general readers.
struct TimeReader {
  private let format: TimeMapping.Format
  private let zone: LocalTime
  private let isUTC: Bool
  /// Days since 1970 at which each month from January 1900 to January 2200 starts.
  private let months: [Int32]
  /// The stretch of one offset that the last local time fell into, in seconds of UTC.
  private var stretch: (from: Int64, to: Int64, offset: Int) = (0, 0, 0)
  /// The digits of the last date read, and its days since 1970; at first those of no date.
  private var date: (yearMonth: UInt64, day: UInt64, days: Int) = (.max, .max, 0)

  /// Instants outside years 0 to 9999 are refused, so that no later sum can overflow.
  private static let range: Range<Int64> = -62_167_219_200_000_000..<253_402_300_800_000_000

  init(_ mapping: TimeMapping, zone: LocalTime) {
    format = mapping.format
    self.zone = zone
    isUTC = zone == .utc
    months = (0...3600).map {
      Int32(daysSinceEpoch(year: 1900 + $0 / 12, month: $0 % 12 + 1, day: 1))
    }
  }

  /// Microseconds since 1970-01-01T00:00:00Z, or nil when the field is no time of this format.
  @inline(__always)
  mutating func read(_ field: Field) -> Int64? {
    if case .iso8601 = format, field.count == 20 || field.count == 19,
      let local = readSeconds(field.start)
    {
      if field.count == 20, field.start[19] == 0x5a { return local }
      if field.count == 19 { return isUTC ? local : utc(local) }
    }
    return readGeneral(field)
  }

  private mutating func readGeneral(_ field: Field) -> Int64? {
    let result: Int64?
    switch format {
    case .iso8601:
      guard let fields = ISO8601Fields(field.bytes).read() else { return nil }
      if let offset = fields.offsetSeconds {
        result = fields.microseconds - Int64(offset) * 1_000_000
      } else {
        result = utc(fields.microseconds)
      }
    case .pattern(let pattern):
      guard let local = pattern.read(field.bytes) else { return nil }
      result = pattern.isUTC ? local : utc(local)
    case .unix: result = Self.decimal(field, places: 6)
    case .unixMilliseconds: result = Self.decimal(field, places: 3)
    case .unixMicroseconds: result = Self.whole(field)
    }
    return result.flatMap { Self.range.contains($0) ? $0 : nil }
  }

  /// `YYYY-MM-DD` `T` or space `HH:MM:SS` in 19 bytes, years 1900 to 2199; nil for all else.
  @inline(__always)
  private mutating func readSeconds(_ start: UnsafePointer<UInt8>) -> Int64? {
    let raw = UnsafeRawPointer(start)
    let separator = start[10]
    guard separator == 0x54 || separator == 0x20 else { return nil }
    // XOR with the expected text turns digits into 0…9 and everything fixed into 0; adding 0x76
    // to a digit and 0x7f to the rest then sets the high bit of each byte that is wrong.
    let a = UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self)) ^ 0x2d30_302d_3030_3030
    let b =
      UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      ^ (separator == 0x54 ? 0x3030_3a30_3054_3030 : 0x3030_3a30_3020_3030)
    // Bytes 11 to 18 again, so that the load stays inside the text: "HH:MM:SS".
    let c =
      UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 11, as: UInt64.self))
      ^ 0x3030_3a30_303a_3030
    let wrong =
      ((a &+ 0x7f76_767f_7676_7676) | a) | ((b &+ 0x7676_7f76_767f_7676) | b)
      | ((c &+ 0x7676_7f76_767f_7676) | c)
    guard wrong & 0x8080_8080_8080_8080 == 0 else { return nil }
    // Each byte times ten plus the next one: pairs of digits stand in the even bytes.
    let time = (c &* 10) &+ (c >> 8)
    let hour = Int(time & 0xff)
    let minute = Int((time >> 24) & 0xff)
    let second = Int((time >> 48) & 0xff)
    guard hour < 24, minute < 60, second < 60 else { return nil }
    // Most logs say the same date many times in a row.
    let dayDigits = b & 0xffff
    if a != date.yearMonth || dayDigits != date.day {
      guard let days = days(a, dayDigits) else { return nil }
      date = (a, dayDigits, days)
    }
    return Int64(date.days &* 86_400 &+ hour &* 3600 &+ minute &* 60 &+ second) &* 1_000_000
  }

  /// Days since 1970 of the digits of `YYYY-MM-` and `DD`, a byte each; nil for no date.
  private func days(_ yearMonth: UInt64, _ dayDigits: UInt64) -> Int? {
    let pairs = (yearMonth &* 10) &+ (yearMonth >> 8)
    let year = Int(pairs & 0xff) &* 100 &+ Int((pairs >> 16) & 0xff)
    let month = Int((pairs >> 40) & 0xff)
    let day = Int(((dayDigits &* 10) &+ (dayDigits >> 8)) & 0xff)
    guard year >= 1900, year < 2200, month >= 1, month <= 12 else { return nil }
    let index = (year &- 1900) &* 12 &+ month &- 1
    let date = Int(months[index]) &+ day &- 1
    guard day >= 1, date < Int(months[index &+ 1]) else { return nil }
    return date
  }

  /// The instant of a local time, by the last stretch where it lies well inside.
  private mutating func utc(_ local: Int64) -> Int64 {
    if isUTC { return local }
    let second = local.flooredDivision(by: 1_000_000) - Int64(stretch.offset)
    if second - 172_800 >= stretch.from, second + 172_800 < stretch.to {
      return local - Int64(stretch.offset) * 1_000_000
    }
    let instant = zone.instant(localMicroseconds: local)
    stretch = zone.stretch(at: instant)
    // The first and last stretch have no end: keep the comparison above from overflowing.
    stretch.from = max(stretch.from, .min / 2)
    stretch.to = min(stretch.to, .max / 2)
    return instant.microseconds
  }

  /// A whole number of at most 18 digits.
  private static func whole(_ field: Field) -> Int64? {
    var bytes = field.bytes[...]
    let isNegative = bytes.first == 0x2d
    if isNegative { bytes = bytes.dropFirst() }
    guard (1...18).contains(bytes.count), bytes.allSatisfy(\.isDigit) else { return nil }
    let value = bytes.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    return isNegative ? -value : value
  }

  /// A plain decimal times 10^places, digits beyond those cut off; at most 15 whole digits.
  private static func decimal(_ field: Field, places: Int) -> Int64? {
    var bytes = field.bytes[...]
    let isNegative = bytes.first == 0x2d
    if isNegative { bytes = bytes.dropFirst() }
    var value: Int64 = 0
    var whole = 0
    while let byte = bytes.first, byte.isDigit {
      whole += 1
      guard whole <= 15 else { return nil }
      value = value * 10 + Int64(byte - 0x30)
      bytes = bytes.dropFirst()
    }
    guard whole > 0 else { return nil }
    // Times in milliseconds are microseconds after three places, in seconds after six.
    var missing = places
    if bytes.first == 0x2e {
      bytes = bytes.dropFirst()
      guard !bytes.isEmpty, bytes.count <= 30 else { return nil }
      while let byte = bytes.first, byte.isDigit {
        if missing > 0 {
          let (product, overflow) = value.multipliedReportingOverflow(by: 10)
          if overflow { return nil }
          value = product + Int64(byte - 0x30)
          missing -= 1
        }
        bytes = bytes.dropFirst()
      }
    }
    guard bytes.isEmpty else { return nil }
    for _ in 0..<missing {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      value = product
    }
    return isNegative ? -value : value
  }
}
