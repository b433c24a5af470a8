package import Histories

/// When a team works: an IANA zone, working days and hours, holidays (DESIGN 5.12).
///
/// All rules are about local dates and wall-clock times, so a day on which the clocks change is a
/// day like any other. Dates are days since 1970-01-01.
package struct BusinessCalendar: Sendable, Equatable {
  package let zone: LocalTime
  /// Opening and closing time, in minutes after local midnight; `closes` may be 1440.
  package let opens: Int
  package let closes: Int
  /// Monday first; at least one is true.
  package let workingDays: [Bool]
  /// Ascending, without repeats.
  package let holidays: [Int]

  /// Preconditions: 0 ≤ opens < closes ≤ 1440, seven working days of which one at least is true.
  package init(
    zone: LocalTime, opens: Int = 540, closes: Int = 1020,
    workingDays: [Bool] = [true, true, true, true, true, false, false], holidays: [Int] = []
  ) {
    precondition(0 <= opens && opens < closes && closes <= 1440)
    precondition(workingDays.count == 7 && workingDays.contains(true))
    self.zone = zone
    self.opens = opens
    self.closes = closes
    self.workingDays = workingDays
    self.holidays = Set(holidays).sorted()
  }

  /// Whether people work on a date. O(log holidays).
  package func isBusinessDay(date: Int) -> Bool {
    workingDays[weekday(ofDate: date)] && !isHoliday(date)
  }

  /// Whether people work on the local date of an instant.
  package func isBusinessDay(at instant: Instant) -> Bool {
    isBusinessDay(date: zone.date(of: instant))
  }

  /// The first business day later than a date.
  package func businessDay(after date: Int) -> Int {
    var next = date + 1
    while !isBusinessDay(date: next) { next += 1 }
    return next
  }

  /// The closing time of the n-th business day after the local date of `opened` (n ≥ 1).
  ///
  /// The day of opening itself never counts, whatever the hour: opened on a Monday is due on
  /// Tuesday, opened on Friday, Saturday or Sunday on Monday, a holiday moves it on by a day.
  package func due(opened: Instant, businessDays: Int) -> Instant {
    precondition(businessDays >= 1)
    var date = zone.date(of: opened)
    for _ in 0..<businessDays { date = businessDay(after: date) }
    let minutes = Int64(date) * 1440 + Int64(closes)
    return zone.instant(localMicroseconds: minutes * 60_000_000)
  }

  private func isHoliday(_ date: Int) -> Bool {
    var low = 0
    var high = holidays.count
    while low < high {
      let middle = (low + high) / 2
      if holidays[middle] < date { low = middle + 1 } else { high = middle }
    }
    return low < holidays.count && holidays[low] == date
  }
}

/// 0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday.
func weekday(ofDate date: Int) -> Int { ((date + 3) % 7 + 7) % 7 }
