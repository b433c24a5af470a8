/// The days of a synthetic base: where each begins in UTC, its weekday and its text.
///
/// Days are those of Europe/Berlin: UTC+1, and UTC+2 from the last Sunday of March to the last of
/// October (the rule since 1996). An event's place in its day is elapsed time since local midnight.
struct Calendar: Sendable {
  /// Weeks of history before the as-of date; the last one ends with the as-of date's midnight.
  static let historyWeeks = 104
  /// The longest time an account may have been a customer, in days.
  static let longestTenureDays = 2_900

  static let secondsPerDay = 86_400
  /// The as-of date as written: yyyy-MM-dd.
  let asOfText: String
  /// Days from 1970-01-01 to the first day of the table; the table ends with the as-of date.
  private let firstDay: Int
  /// Seconds from 1970 to local midnight, of each day of the table.
  private let midnights: [Int]
  /// "yyyy-MM-dd" of each day of the table.
  private let dates: [DateText]
  /// The as-of instant, and the one where the silence window before it begins.
  let asOf: Int
  let silentSince: Int
  /// How busy each week of the history is, by the month it begins in; 1 is ordinary.
  private let seasons: [Double]
  /// For a week's seven days in order, the running share of events: of private users, then office.
  private let dayShares: [Double]

  /// Takes a date between 2005-01-01 and 2099-12-31, written yyyy-MM-dd.
  init(asOf text: String) throws(SynthesisError) {
    guard let day = Self.parse(text) else { throw .badDate(text) }
    let first = day - Self.longestTenureDays - 2
    asOfText = text
    firstDay = first
    midnights = (first...day).map { $0 * Self.secondsPerDay - Self.offset(ofDay: $0) }
    dates = (first...day).map { DateText(Self.text(ofDay: $0)) }
    asOf = midnights[midnights.count - 1]
    silentSince = midnights[midnights.count - 1] - Law.silentForDays * Self.secondsPerDay
    seasons = (0..<Self.historyWeeks).map { week in
      let month = Self.date(ofDay: day - 7 * (Self.historyWeeks - week)).month
      return [0.92, 0.94, 1, 1, 1.02, 0.98, 0.9, 0.88, 1.02, 1.06, 1.2, 1.28][month - 1]
    }
    func running(_ mondayFirst: [Double]) -> [Double] {
      let start = Self.weekday(ofDay: day)
      var sum = 0.0
      let total = mondayFirst.reduce(0, +)
      return (0..<7).map { offset in
        sum += mondayFirst[(start + offset) % 7]
        return sum / total
      }
    }
    dayShares = running([12, 12, 12, 13, 15, 19, 17]) + running([21, 21, 20, 19, 16, 2, 1])
  }

  /// How busy a week is.
  func season(week: Int) -> Double {
    seasons[week]
  }

  /// The day of the week, 0 ... 6 from the week's beginning, at a share of the week's events.
  func dayOfWeek(_ share: Double, office: Bool) -> Int {
    let first = office ? 7 : 0
    var day = 0
    while day < 6 && share >= dayShares[first + day] { day += 1 }
    return day
  }

  /// The instant, in seconds from 1970 UTC, of a moment counted in days before the as-of date.
  func instant(daysBefore: Int, second: Int) -> Int {
    midnights[midnights.count - 1 - daysBefore] + second
  }

  /// The UTC date of an instant, as ten bytes, and the second of that day.
  func date(of instant: Int) -> (text: DateText, second: Int) {
    let day = instant / Self.secondsPerDay
    return (dates[day - firstDay], instant - day * Self.secondsPerDay)
  }

  // MARK: The Gregorian calendar, days from 1970-01-01

  /// Days from 1970-01-01 to a date (Hinnant, "chrono-compatible low-level date algorithms").
  static func day(year: Int, month: Int, day: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let era = y / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The date of a day, the inverse of `day(year:month:day:)`.
  static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let z = day + 719_468
    let era = z / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1
    )
  }

  /// Monday = 0.
  static func weekday(ofDay day: Int) -> Int {
    (day + 3) % 7
  }

  private static func text(ofDay day: Int) -> String {
    let (year, month, day) = date(ofDay: day)
    return "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
  }

  private static func parse(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else {
      return nil
    }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for byte in bytes[range] {
        guard byte >= 48 && byte <= 57 else { return nil }
        value = value * 10 + Int(byte - 48)
      }
      return value
    }
    guard let y = number(0..<4), let m = number(5..<7), let d = number(8..<10),
      (2005...2099).contains(y), (1...12).contains(m), (1...31).contains(d)
    else { return nil }
    let result = day(year: y, month: m, day: d)
    return date(ofDay: result) == (y, m, d) ? result : nil
  }

  /// Seconds by which local midnight of a day comes before UTC's.
  private static func offset(ofDay day: Int) -> Int {
    let year = date(ofDay: day).year
    func lastSunday(_ month: Int) -> Int {
      let last = Self.day(year: year, month: month, day: 31)
      return last - (weekday(ofDay: last) + 1) % 7
    }
    return day > lastSunday(3) && day <= lastSunday(10) ? 7_200 : 3_600
  }
}

/// The ten bytes of a date, held in registers.
struct DateText {
  let first: UInt64
  let last: UInt16

  init(_ text: String) {
    let bytes = Array(text.utf8)
    first = bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    last = UInt16(bytes[8]) | UInt16(bytes[9]) << 8
  }
}
