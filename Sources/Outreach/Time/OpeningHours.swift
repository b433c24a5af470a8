import Histories

/// Working hours by local date, without a zone: a team's, or those in which a customer may be
/// called.
///
/// Times are minutes after local midnight, up to 1440; dates are days since 1970-01-01. The hours of
/// a date are those of its weekday, unless something is said of the date itself. What is said of one
/// date (2026-12-24) goes before what comes every year (12-24). A yearly date shortens or removes a
/// working day and never makes one; one date may: its hours hold on a Saturday, too.
package struct OpeningHours: Sendable, Equatable {
  /// A date that comes every year; 02-29 in leap years only.
  package struct YearlyDate: Hashable, Sendable {
    package let month: Int
    package let day: Int

    package init(month: Int, day: Int) {
      self.month = month
      self.day = day
    }
  }

  /// Seven lists of spans, Monday first, each ascending and disjoint; empty on a day off.
  package let week: [[Range<Int>]]
  /// The spans of single dates: empty on a holiday, some on a half day.
  package let dates: [Int: [Range<Int>]]
  package let yearly: [YearlyDate: [Range<Int>]]

  /// 09:00 to 17:00 from Monday to Friday.
  package static let officeWeek = OpeningHours.sameHours([540..<1020], days: 0..<5)
  /// When people may be called where the project file says nothing: 08:00 to 20:00, not on Sundays.
  package static let callWeek = OpeningHours.sameHours([480..<1200], days: 0..<6)

  /// Preconditions: seven lists; every list of spans is ascending and disjoint, none of them is
  /// empty, and all lie in 0..<1440 (an upper bound may be 1440).
  package init(
    week: [[Range<Int>]], dates: [Int: [Range<Int>]] = [:],
    yearly: [YearlyDate: [Range<Int>]] = [:]
  ) {
    precondition(week.count == 7)
    for spans in week + dates.values + yearly.values { precondition(Self.areInOrder(spans)) }
    self.week = week
    self.dates = dates
    self.yearly = yearly
  }

  /// The same hours on some weekdays, none on the others.
  package static func sameHours(_ spans: [Range<Int>], days: Range<Int>) -> OpeningHours {
    OpeningHours(week: (0..<7).map { days.contains($0) ? spans : [] })
  }

  /// Whether spans of one day ascend without touching midnight twice or each other's inside.
  static func areInOrder(_ spans: [Range<Int>]) -> Bool {
    var end = 0
    for span in spans {
      guard span.lowerBound >= end, !span.isEmpty, span.upperBound <= 1440 else { return false }
      end = span.upperBound
    }
    return true
  }

  /// The spans of a date.
  func spans(on date: Int) -> [Range<Int>] { dates[date] ?? usualSpans(on: date) }

  /// The spans of a date as every year has them.
  private func usualSpans(on date: Int) -> [Range<Int>] {
    let usual = week[weekday(ofDate: date)]
    if usual.isEmpty || yearly.isEmpty { return usual }
    let civil = civilDate(daysSinceEpoch: date)
    return yearly[YearlyDate(month: civil.month, day: civil.day)] ?? usual
  }

  /// Whether weekdays and yearly dates alone leave work in every year. Years 2001 to 2028 are all
  /// kinds of years there are: seven first weekdays, leap years and others.
  var workEveryYear: Bool {
    (2001...2028).allSatisfy { year in
      Self.dates(of: year).contains { !usualSpans(on: $0).isEmpty }
    }
  }

  /// The dates of a year.
  static func dates(of year: Int) -> Range<Int> {
    daysSinceEpoch(year: year, month: 1, day: 1)..<daysSinceEpoch(year: year + 1, month: 1, day: 1)
  }
}

/// 0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday.
func weekday(ofDate date: Int) -> Int { ((date + 3) % 7 + 7) % 7 }

extension CalendarText {
  /// `MM-DD`, a date of some year; 02-29 is one.
  static func yearlyDate(_ text: String) -> OpeningHours.YearlyDate? {
    guard text.utf8.count == 5, let date = date("2000-\(text)") else { return nil }
    let civil = civilDate(daysSinceEpoch: date)
    return OpeningHours.YearlyDate(month: civil.month, day: civil.day)
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
