/// How dates, weekdays and spans of a day are written in project files and in cells.
package enum CalendarText {
  package static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  /// 0 for `mon` to 6 for `sun`.
  package static func weekday(_ text: Substring.UTF8View) -> Int? {
    weekdays.firstIndex { $0.utf8.elementsEqual(text) }
  }

  /// A date that exists, `YYYY-MM-DD`, of 1970 to 2199: days since 1970-01-01.
  package static func date(_ text: String) -> Int? {
    guard text.utf8.count == 10, let instant = Instant(asOf: text, zone: .utc) else { return nil }
    let date = LocalTime.utc.date(of: instant)
    return (1970...2199).contains(civilDate(daysSinceEpoch: date).year) ? date : nil
  }

  /// Minutes after midnight of `HH:MM-HH:MM`, 00:00 to 24:00, the first before the second.
  package static func span(_ text: Substring.UTF8View) -> Range<Int>? {
    let ends = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
      .map(minutes)
    guard ends.count == 2, let from = ends[0], let to = ends[1], from < to else { return nil }
    return from..<to
  }

  package static func text(_ span: Range<Int>) -> String {
    func time(_ minutes: Int) -> String { "\(padded(minutes / 60, 2)):\(padded(minutes % 60, 2))" }
    return "\(time(span.lowerBound))-\(time(span.upperBound))"
  }

  package static func text(date: Int) -> String {
    let civil = civilDate(daysSinceEpoch: date)
    return "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
  }

  private static func minutes(_ text: Substring.UTF8View) -> Int? {
    let bytes = text.filter { $0 != UInt8(ascii: " ") }
    let digits = bytes.enumerated().filter { $0.offset != 2 }.map { Int($0.element) - 0x30 }
    guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"),
      digits.allSatisfy({ (0...9).contains($0) })
    else { return nil }
    let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
    return minute < 60 && hour * 60 + minute <= 1440 ? hour * 60 + minute : nil
  }
}
