/// A time at which a customer asked to be called, on the customer's own clock: on weekdays, every
/// week, or on one date.
package struct Appointment: Sendable, Equatable {
  package enum Days: Sendable, Equatable {
    /// 0 for Monday to 6 for Sunday.
    case weekdays(ClosedRange<Int>)
    /// Days since 1970-01-01.
    case date(Int)
  }

  package var days: Days
  /// Minutes after local midnight.
  package var minutes: Range<Int>

  package init(days: Days, minutes: Range<Int>) {
    self.days = days
    self.minutes = minutes
  }

  /// Reads `mon 17:00-19:00`, `mon-fri 08:00-09:00` or `2026-03-04 15:00-15:30`; nil for anything
  /// else, such as a date that does not exist.
  package init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: " "))
    guard parts.count == 2, let minutes = CalendarText.span(parts[1]) else { return nil }
    if let date = CalendarText.date(String(Substring(parts[0]))) {
      self.init(days: .date(date), minutes: minutes)
      return
    }
    let ends = parts[0].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
      .map(CalendarText.weekday)
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
      first <= last
    else { return nil }
    self.init(days: .weekdays(first...last), minutes: minutes)
  }
}

extension Appointment: CustomStringConvertible {
  /// The text that reads back as this appointment.
  package var description: String {
    let names = CalendarText.weekdays
    let when =
      switch days {
      case .weekdays(let days):
        days.count == 1
          ? names[days.lowerBound] : "\(names[days.lowerBound])-\(names[days.upperBound])"
      case .date(let date): CalendarText.text(date: date)
      }
    return "\(when) \(CalendarText.text(minutes))"
  }
}

extension Appointment {
  /// Reads several, apart by `;`, such as `mon-fri 08:00-09:00; sat 10:00-12:00`; none of an empty
  /// text. Nil where one of them is none.
  package static func list(_ text: String) -> [Appointment]? {
    if text.isEmpty { return [] }
    var all: [Appointment] = []
    for part in text.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false) {
      let spaced = part.drop { $0 == 0x20 }
      let end = spaced.lastIndex { $0 != 0x20 }.map { spaced.index(after: $0) }
      guard let end, let one = Appointment(String(Substring(spaced[..<end]))) else { return nil }
      all.append(one)
    }
    return all
  }
}
