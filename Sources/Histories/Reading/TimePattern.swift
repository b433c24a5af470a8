/// A pattern of a date and time, such as `yyyy-MM-dd HH:mm:ss.SSS`: `yyyy`, `MM`, `dd`, `HH`,
/// `mm`, `ss` are digits of that width, `M`, `d`, `H` one digit or two, `S…` that many digits of
/// a fraction (those past the microsecond are cut off); other characters stand for themselves.
/// Letters other than `T` and `Z` must be quoted `'like this'`; `Z` at the end says UTC.
package struct TimePattern: Sendable, Equatable {
  package enum Part: Sendable, Equatable {
    case year, month, day, hour, minute, second
    case loose(Unicode.Scalar)
    case fraction(Int)
    case literal(UInt8)
  }

  package let parts: [Part]
  package let isUTC: Bool

  /// Nil unless the pattern has a year, a month and a day, each field once, and nothing unknown.
  package init?(_ text: String) {
    var parts: [Part] = []
    let bytes = Array(text.utf8)
    var place = 0
    while place < bytes.count {
      let byte = bytes[place]
      var run = 1
      while place + run < bytes.count, bytes[place + run] == byte { run += 1 }
      switch (Unicode.Scalar(byte), run) {
      case ("y", 4): parts.append(.year)
      case ("M", 2): parts.append(.month)
      case ("d", 2): parts.append(.day)
      case ("H", 2): parts.append(.hour)
      case ("m", 2): parts.append(.minute)
      case ("s", 2): parts.append(.second)
      case ("M", 1), ("d", 1), ("H", 1): parts.append(.loose(Unicode.Scalar(byte)))
      case ("S", 1...9): parts.append(.fraction(run))
      case ("'", _):
        guard let close = bytes[(place + 1)...].firstIndex(of: 0x27) else { return nil }
        parts += bytes[(place + 1)..<close].map(Part.literal)
        run = close + 1 - place
      case ("T", 1), ("Z", 1): parts.append(.literal(byte))
      default:
        let isLetter = (0x41...0x5a).contains(byte & 0xdf)
        if isLetter || byte >= 0x80 || byte.isDigit { return nil }
        parts += Array(repeating: Part.literal(byte), count: run)
      }
      place += run
    }
    let fields = parts.filter { if case .literal = $0 { false } else { true } }
    func count(_ wanted: Part, _ loose: Unicode.Scalar?) -> Int {
      fields.count { $0 == wanted || (loose != nil && $0 == .loose(loose!)) }
    }
    let fractions = fields.count { if case .fraction = $0 { true } else { false } }
    guard count(.year, nil) == 1, count(.month, "M") == 1, count(.day, "d") == 1,
      count(.hour, "H") <= 1, count(.minute, nil) <= 1, count(.second, nil) <= 1, fractions <= 1
    else { return nil }
    self.parts = parts
    isUTC = parts.last == .literal(0x5a)
  }

  /// Microseconds since 1970 on the clock that the text was written by; nil when it does not fit
  /// the pattern or does not exist.
  func read(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    var place = 0
    var year = 0
    var month = 0
    var day = 0
    var time: Int64 = 0

    func digits(_ least: Int, _ most: Int) -> Int? {
      var value = 0
      var count = 0
      while count < most, place < bytes.count, bytes[place].isDigit {
        value = value * 10 + Int(bytes[place] - 0x30)
        place += 1
        count += 1
      }
      return count >= least ? value : nil
    }

    for part in parts {
      switch part {
      case .literal(let byte):
        guard place < bytes.count, bytes[place] == byte else { return nil }
        place += 1
      case .year:
        guard let value = digits(4, 4) else { return nil }
        year = value
      case .month, .loose("M"):
        guard let value = digits(part == .month ? 2 : 1, 2) else { return nil }
        month = value
      case .day, .loose("d"):
        guard let value = digits(part == .day ? 2 : 1, 2) else { return nil }
        day = value
      case .hour, .loose:
        guard let value = digits(part == .hour ? 2 : 1, 2), value < 24 else { return nil }
        time += Int64(value) * 3_600_000_000
      case .minute:
        guard let value = digits(2, 2), value < 60 else { return nil }
        time += Int64(value) * 60_000_000
      case .second:
        guard let value = digits(2, 2), value < 60 else { return nil }
        time += Int64(value) * 1_000_000
      case .fraction(let width):
        guard var value = digits(width, width) else { return nil }
        for _ in 0..<max(0, 6 - width) { value *= 10 }
        for _ in 0..<max(0, width - 6) { value /= 10 }
        time += Int64(value)
      }
    }
    guard place == bytes.count, (1...12).contains(month),
      day >= 1, day <= daysIn(month: month, year: year)
    else { return nil }
    let date = Int64(daysSinceEpoch(year: year, month: month, day: day))
    return date * Instant.microsecondsPerDay + time
  }
}
