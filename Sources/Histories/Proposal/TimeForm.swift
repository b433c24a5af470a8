/// How the times of a column are written, decided by its values.
struct TimeForm: Sendable, Equatable {
  /// As the project file names it: iso8601, unix, unix_ms, unix_us or a pattern.
  var format: String
  /// Cells that read so, and those that hold anything at all.
  var readable: Int
  var present: Int
  /// Of a day and a month in doubt: the other order, and the cells that speak against either.
  var other: String?
  var againstThis = 0
  var againstOther = 0
  /// Cells that say their own offset from UTC; always all where the format counts seconds.
  var withOffset: Int

  var isISO: Bool { format == "iso8601" }
  /// Neither order is excluded by a value.
  var isAmbiguous: Bool { other != nil && againstThis == 0 && againstOther == 0 }
  var share: Double { present == 0 ? 0 : Double(readable) / Double(present) }

  func mapping(_ column: String) -> TimeMapping? {
    switch format {
    case "iso8601": TimeMapping(column: column)
    case "unix": TimeMapping(column: column, format: .unix)
    case "unix_ms": TimeMapping(column: column, format: .unixMilliseconds)
    case "unix_us": TimeMapping(column: column, format: .unixMicroseconds)
    default:
      TimePattern(format).map { TimeMapping(column: column, format: .pattern($0)) }
    }
  }
}

/// Counts the cells of a column by the way in which they are written as dates, whatever the way.
struct TimeShapes: Sendable {
  /// A way of writing: everything about it but the digits.
  private struct Shape: Hashable {
    var yearFirst: Bool
    var separator: UInt8
    /// Between date and time; 0: a date alone.
    var between: UInt8
    var hasSeconds: Bool
    var fraction: Int
    var isUTC: Bool
  }

  private struct Count {
    var shape: Shape
    var cells = 0
    /// Cells whose first or second number (of three) can be no month.
    var firstIsDay = 0
    var secondIsDay = 0
    var shortDate = false
    var shortHour = false
  }

  /// More ways than this in one column are no way.
  private static let mostShapes = 12

  private(set) var iso = 0
  private(set) var withOffset = 0
  private(set) var isoDates = 0
  private var compact = 0
  private var counts: [Count] = []
  /// Dates that no format of the project file reads: AM and PM, two digits of a year.
  private(set) var halfDays = 0
  private(set) var shortYears = 0

  mutating func add(_ field: Field) {
    guard field.count >= 6, field.count <= 40 else { return }
    let first = field.start.pointee
    guard first.isDigit else { return }
    if let fields = ISO8601Fields(field.bytes).read() {
      iso += 1
      if field.count == 10 { isoDates += 1 }
      if fields.offsetSeconds != nil { withOffset += 1 }
      return
    }
    if field.count == 8, let date = Self.compactDate(field.bytes) {
      if date { compact += 1 }
      return
    }
    addOther(field.bytes)
  }

  mutating func add(_ other: TimeShapes) {
    iso += other.iso
    withOffset += other.withOffset
    isoDates += other.isoDates
    compact += other.compact
    halfDays += other.halfDays
    shortYears += other.shortYears
    for count in other.counts { merge(count) }
  }

  /// The format that reads most of `present` cells, or nil where it reads fewer than four in five.
  func form(present: Int) -> TimeForm? {
    var best: TimeForm?
    func offer(_ form: TimeForm) {
      if form.readable > best?.readable ?? 0 { best = form }
    }
    offer(
      TimeForm(format: "iso8601", readable: iso, present: present, withOffset: withOffset))
    offer(TimeForm(format: "yyyyMMdd", readable: compact, present: present, withOffset: 0))
    for count in counts.sorted(by: { $0.cells > $1.cells }) {
      let offsets = count.shape.isUTC ? count.cells : 0
      if count.shape.yearFirst {
        offer(
          TimeForm(
            format: Self.pattern(count, "ymd"), readable: count.cells, present: present,
            withOffset: offsets))
        continue
      }
      // A cell whose first number is above 12 speaks against the month first, and the other way.
      let dayFirst = TimeForm(
        format: Self.pattern(count, "dmy"), readable: count.cells - count.secondIsDay,
        present: present, other: Self.pattern(count, "mdy"), againstThis: count.secondIsDay,
        againstOther: count.firstIsDay, withOffset: offsets)
      let monthFirst = TimeForm(
        format: Self.pattern(count, "mdy"), readable: count.cells - count.firstIsDay,
        present: present, other: Self.pattern(count, "dmy"), againstThis: count.firstIsDay,
        againstOther: count.secondIsDay, withOffset: offsets)
      offer(count.secondIsDay > count.firstIsDay ? monthFirst : dayFirst)
    }
    guard let best, best.readable * 5 >= present * 4, present > 0 else { return nil }
    return best
  }

  /// Whether most cells are dates that cannot be read as they are, and why.
  func unreadable(present: Int) -> String? {
    if halfDays * 5 >= present * 4, present > 0 { return "times with AM and PM" }
    if shortYears * 5 >= present * 4, present > 0 { return "dates with two digits of the year" }
    return nil
  }

  private mutating func merge(_ count: Count) {
    guard let index = counts.firstIndex(where: { $0.shape == count.shape }) else {
      if counts.count < Self.mostShapes { counts.append(count) }
      return
    }
    counts[index].cells += count.cells
    counts[index].firstIsDay += count.firstIsDay
    counts[index].secondIsDay += count.secondIsDay
    counts[index].shortDate = counts[index].shortDate || count.shortDate
    counts[index].shortHour = counts[index].shortHour || count.shortHour
  }

  /// Nil where the eight bytes are not all digits; whether they are a date of 1900 to 2199.
  private static func compactDate(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool? {
    guard bytes.allSatisfy(\.isDigit) else { return nil }
    let digits = bytes.map { Int($0 - 0x30) }
    let year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3]
    let month = digits[4] * 10 + digits[5]
    let day = digits[6] * 10 + digits[7]
    return (1900..<2200).contains(year) && (1...12).contains(month) && day >= 1
      && day <= daysIn(month: month, year: year)
  }

  private mutating func addOther(_ bytes: UnsafeBufferPointer<UInt8>) {
    var place = 0
    func number() -> (value: Int, digits: Int)? {
      var value = 0
      let start = place
      while place < bytes.count, bytes[place].isDigit, place - start < 10 {
        value = value * 10 + Int(bytes[place] - 0x30)
        place += 1
      }
      return place == start ? nil : (value, place - start)
    }
    func take(_ byte: UInt8) -> Bool {
      guard place < bytes.count, bytes[place] == byte else { return false }
      place += 1
      return true
    }
    guard let a = number(), place < bytes.count else { return }
    let separator = bytes[place]
    guard [0x2e, 0x2f, 0x2d].contains(separator), take(separator), let b = number(),
      take(separator), let c = number()
    else { return }
    let yearFirst = a.digits == 4
    guard yearFirst ? b.digits <= 2 && c.digits <= 2 : a.digits <= 2 && b.digits <= 2 else {
      return
    }
    var count = Count(
      shape: Shape(
        yearFirst: yearFirst, separator: separator, between: 0, hasSeconds: false, fraction: 0,
        isUTC: false), cells: 1)
    if place < bytes.count, bytes[place] == 0x20 || bytes[place] == 0x54 {
      count.shape.between = bytes[place]
      place += 1
      guard let hour = number(), hour.value < 24, hour.digits <= 2, take(0x3a),
        let minute = number(), minute.digits == 2, minute.value < 60
      else { return }
      count.shortHour = hour.digits == 1
      if take(0x3a) {
        guard let second = number(), second.digits == 2, second.value < 60 else { return }
        count.shape.hasSeconds = true
        if take(0x2e) {
          guard let fraction = number(), fraction.digits <= 9 else { return }
          count.shape.fraction = fraction.digits
        }
      }
      if take(0x5a) { count.shape.isUTC = true }
    }
    if place < bytes.count {
      let rest = bytes[place...].filter { $0 != 0x20 && $0 != 0x2e }.map { $0 | 0x20 }
      if rest == Array("am".utf8) || rest == Array("pm".utf8) { halfDays += 1 }
      return
    }
    guard yearFirst || c.digits == 4 else {
      if c.digits == 2 { shortYears += 1 }
      return
    }
    let (month, day) = yearFirst ? (b, c) : (a, b)
    guard month.value >= 1, day.value >= 1, month.value <= 31, day.value <= 31 else { return }
    if yearFirst {
      guard month.value <= 12 else { return }
      count.shortDate = month.digits == 1 || day.digits == 1
    } else {
      guard a.value <= 12 || b.value <= 12 else { return }
      count.shortDate = a.digits == 1 || b.digits == 1
      count.firstIsDay = a.value > 12 ? 1 : 0
      count.secondIsDay = b.value > 12 ? 1 : 0
    }
    merge(count)
  }

  private static func pattern(_ count: Count, _ order: String) -> String {
    let (day, month) = count.shortDate ? ("d", "M") : ("dd", "MM")
    let mark = String(Unicode.Scalar(count.shape.separator))
    var text =
      switch order {
      case "ymd": ["yyyy", month, day].joined(separator: mark)
      case "dmy": [day, month, "yyyy"].joined(separator: mark)
      default: [month, day, "yyyy"].joined(separator: mark)
      }
    guard count.shape.between != 0 else { return text }
    text += String(Unicode.Scalar(count.shape.between)) + (count.shortHour ? "H:mm" : "HH:mm")
    if count.shape.hasSeconds { text += ":ss" }
    if count.shape.fraction > 0 {
      text += "." + String(repeating: "S", count: count.shape.fraction)
    }
    return text + (count.shape.isUTC ? "Z" : "")
  }
}
