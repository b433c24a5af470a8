import Foundation

/// A point in time: whole microseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Inside Tacit every instant is UTC (DESIGN 5.12); zones matter only where local dates are read,
/// counted or printed. The range is that of a 64-bit count, about ±292,000 years.
package struct Instant: Hashable, Comparable, Sendable, Codable {
  package var microseconds: Int64

  package static let microsecondsPerDay: Int64 = 86_400_000_000

  package init(microseconds: Int64) { self.microseconds = microseconds }

  package static func < (left: Instant, right: Instant) -> Bool {
    left.microseconds < right.microseconds
  }

  /// This instant moved by whole days of 86,400 s (windows and label windows are such days).
  package func adding(days: Int) -> Instant {
    Instant(microseconds: microseconds + Int64(days) * Self.microsecondsPerDay)
  }

  /// Days of 86,400 s from `other` to this instant, fractions kept.
  package func days(since other: Instant) -> Double {
    Double(microseconds - other.microseconds) / Double(Self.microsecondsPerDay)
  }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let value = Instant(iso8601: Array(text.utf8)[...], zone: nil) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "not an instant: \(text)"))
    }
    self = value
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Instant: CustomStringConvertible {
  /// ISO 8601 in UTC, with the fraction only where there is one: `2026-03-01T00:00:00Z`.
  package var description: String {
    let day = microseconds.flooredDivision(by: Self.microsecondsPerDay)
    var rest = microseconds - day * Self.microsecondsPerDay
    let (year, month, dayOfMonth) = civilDate(daysSinceEpoch: Int(day))
    let fraction = rest % 1_000_000
    rest /= 1_000_000
    var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
    text += "T\(padded(Int(rest / 3600), 2)):\(padded(Int(rest / 60 % 60), 2))"
    text += ":\(padded(Int(rest % 60), 2))"
    if fraction != 0 { text += ".\(padded(Int(fraction), 6))" }
    return text + "Z"
  }
}

extension Instant {
  /// Reads ISO 8601: `2026-03-01`, `2026-03-01T09:30`, `…:05`, `….123456789`, with `T` or a space,
  /// and `Z`, `+01`, `+0100` or `+01:00`. Digits past the microsecond are cut off.
  ///
  /// Without an offset the text is local time in `zone`; a local time that a clock change skips is
  /// taken one hour later, one that it repeats is taken the first time. With `zone` nil an offset
  /// (or `Z`) is required, except that nothing is. Nil for anything else, dates that do not exist
  /// among them.
  package init?(iso8601 bytes: ArraySlice<UInt8>, zone: LocalTime?) {
    let fields = bytes.withUnsafeBufferPointer { ISO8601Fields($0).read() }
    guard let fields else { return nil }
    let local = fields.microseconds
    if let offset = fields.offsetSeconds {
      microseconds = local - Int64(offset) * 1_000_000
    } else if let zone {
      microseconds = zone.instant(localMicroseconds: local).microseconds
    } else {
      return nil
    }
  }

  /// The as-of date a person types: `YYYY-MM-DD` is local midnight in `zone`, a full instant is
  /// taken as it stands (DESIGN 5.12).
  package init?(asOf text: String, zone: LocalTime) {
    self.init(iso8601: Array(text.utf8)[...], zone: zone)
  }
}

/// The fields of an ISO 8601 text, read strictly byte by byte.
struct ISO8601Fields {
  private var rest: Slice<UnsafeBufferPointer<UInt8>>
  init(_ bytes: UnsafeBufferPointer<UInt8>) { rest = bytes[...] }

  /// Microseconds since 1970 on the clock of the text, and that clock's offset where written.
  consuming func read() -> (microseconds: Int64, offsetSeconds: Int?)? {
    guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2),
      (1...12).contains(month), (1...daysIn(month: month, year: year)).contains(day)
    else { return nil }
    let date = Int64(daysSinceEpoch(year: year, month: month, day: day))
    var microseconds = date * Instant.microsecondsPerDay
    if rest.isEmpty { return (microseconds, nil) }
    guard take("T") || take("t") || take(" "), let hour = digits(2), take(":"),
      let minute = digits(2), hour < 24, minute < 60
    else { return nil }
    microseconds += Int64(hour * 3600 + minute * 60) * 1_000_000
    if take(":") {
      guard let second = digits(2), second < 60 else { return nil }
      microseconds += Int64(second) * 1_000_000
      if take(".") || take(",") {
        var unit: Int64 = 100_000
        var count = 0
        while let byte = rest.first, byte.isDigit {
          microseconds += Int64(byte - 0x30) * unit
          unit /= 10
          count += 1
          rest = rest.dropFirst()
        }
        guard (1...9).contains(count) else { return nil }
      }
    }
    if rest.isEmpty { return (microseconds, nil) }
    if take("Z") || take("z") { return rest.isEmpty ? (microseconds, 0) : nil }
    let sign = take("+") ? 1 : take("-") ? -1 : 0
    guard sign != 0, let hours = digits(2), hours <= 18 else { return nil }
    var offset = hours * 3600
    if !rest.isEmpty {
      _ = take(":")
      guard let minutes = digits(2), minutes < 60 else { return nil }
      offset += minutes * 60
    }
    return rest.isEmpty ? (microseconds, sign * offset) : nil
  }

  private mutating func digits(_ count: Int) -> Int? {
    guard rest.count >= count else { return nil }
    var value = 0
    for byte in rest.prefix(count) {
      guard byte.isDigit else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    rest = rest.dropFirst(count)
    return value
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest = rest.dropFirst()
    return true
  }
}

/// Local time in one IANA zone: offsets from UTC by a table of the zone's changes.
///
/// Built once for years 1900–2200; a look-up is a binary search over some hundreds of changes.
package struct LocalTime: Sendable, Equatable {
  package let identifier: String
  /// `starts[i]` (UTC seconds) is when `offsets[i]` (seconds east of UTC) begins to hold.
  private let starts: [Int64]
  private let offsets: [Int]

  /// Nil when the system knows no zone of that name.
  package init?(identifier: String) {
    guard let zone = TimeZone(identifier: identifier) else { return nil }
    var starts: [Int64] = [.min]
    var date = Date(timeIntervalSince1970: -2_208_988_800)
    var offsets = [zone.secondsFromGMT(for: date)]
    while let next = zone.nextDaylightSavingTimeTransition(after: date),
      next.timeIntervalSince1970 < 7_258_118_400
    {
      let offset = zone.secondsFromGMT(for: next)
      if offset != offsets[offsets.count - 1] {
        starts.append(Int64(next.timeIntervalSince1970.rounded()))
        offsets.append(offset)
      }
      date = next
    }
    self.identifier = identifier
    self.starts = starts
    self.offsets = offsets
  }

  /// Whether `init(identifier:)` makes a zone of the name, without the work of it.
  package static func isKnown(_ identifier: String) -> Bool {
    TimeZone(identifier: identifier) != nil
  }

  package static let utc = LocalTime(identifier: "UTC")!

  /// The stretch of time around `instant` with one offset from UTC, so that a caller with many
  /// neighbouring instants looks up once: seconds in [from, to), and the offset in seconds.
  package func stretch(at instant: Instant) -> (from: Int64, to: Int64, offset: Int) {
    let second = instant.microseconds.flooredDivision(by: 1_000_000)
    var low = 0
    var high = starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= second { low = middle } else { high = middle }
    }
    return (starts[low], low + 1 < starts.count ? starts[low + 1] : .max, offsets[low])
  }

  /// The local date of an instant, as days since 1970-01-01.
  package func date(of instant: Instant) -> Int {
    let offset = Int64(stretch(at: instant).offset) * 1_000_000
    return Int((instant.microseconds + offset).flooredDivision(by: Instant.microsecondsPerDay))
  }

  /// The instant of a local wall-clock time given as microseconds "since 1970" on that clock.
  /// Skipped times move on by the length of the gap; repeated ones are taken the first time.
  package func instant(localMicroseconds local: Int64) -> Instant {
    let guess = Instant(microseconds: local)
    let day = Instant.microsecondsPerDay
    let before = stretch(at: Instant(microseconds: guess.microseconds - day)).offset
    let after = stretch(at: Instant(microseconds: guess.microseconds + day)).offset
    let early = Instant(microseconds: local - Int64(before) * 1_000_000)
    if stretch(at: early).offset == before { return early }
    let late = Instant(microseconds: local - Int64(after) * 1_000_000)
    return stretch(at: late).offset == after ? late : early
  }

  /// Local midnight at the start of a date given as days since 1970-01-01.
  package func midnight(date: Int) -> Instant {
    instant(localMicroseconds: Int64(date) * Instant.microsecondsPerDay)
  }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, `days_from_civil`).
package func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
  let y = month <= 2 ? year - 1 : year
  let era = (y >= 0 ? y : y - 399) / 400
  let yearOfEra = y - era * 400
  let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/// The proleptic Gregorian date of a day count (H. Hinnant, `civil_from_days`).
package func civilDate(daysSinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
  let z = days + 719_468
  let era = (z >= 0 ? z : z - 146_096) / 146_097
  let dayOfEra = z - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let mp = (5 * dayOfYear + 2) / 153
  let month = mp < 10 ? mp + 3 : mp - 9
  let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return (year, month, dayOfYear - (153 * mp + 2) / 5 + 1)
}

func daysIn(month: Int, year: Int) -> Int {
  switch month {
  case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
  case 4, 6, 9, 11: 30
  default: 31
  }
}

/// A number with leading zeros to a width; a sign comes before them.
package func padded(_ number: Int, _ width: Int) -> String {
  let digits = String(number.magnitude)
  let zeros = String(repeating: "0", count: max(0, width - digits.utf8.count))
  return (number < 0 ? "-" : "") + zeros + digits
}

extension UInt8 {
  var isDigit: Bool { self >= 0x30 && self <= 0x39 }
}

extension Int64 {
  /// Division rounded towards minus infinity; `divisor` is positive.
  package func flooredDivision(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
