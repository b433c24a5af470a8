import Histories

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

extension [Appointment] {
  /// All of them as hours; those that overlap become one.
  var hours: OpeningHours {
    func merged(_ fits: (Appointment.Days) -> Bool) -> [Range<Int>] {
      var spans: [Range<Int>] = []
      for span in filter({ fits($0.days) }).map(\.minutes)
        .sorted(by: { $0.lowerBound < $1.lowerBound })
      {
        if let last = spans.last, span.lowerBound <= last.upperBound {
          spans[spans.count - 1] = last.lowerBound..<Swift.max(last.upperBound, span.upperBound)
        } else {
          spans.append(span)
        }
      }
      return spans
    }
    func holds(_ days: Appointment.Days, weekday: Int) -> Bool {
      if case .weekdays(let days) = days { days.contains(weekday) } else { false }
    }
    var dates: [Int: [Range<Int>]] = [:]
    for case .date(let date) in map(\.days) {
      dates[date] = merged { $0 == .date(date) || holds($0, weekday: weekday(ofDate: date)) }
    }
    return OpeningHours(
      week: (0..<7).map { day in merged { holds($0, weekday: day) } }, dates: dates)
  }
}
