package import Histories

/// When somebody is there: a team that works, or a customer who may be called (DESIGN 5.12). An
/// IANA zone, hours by local date, and pauses in which everything stands still.
///
/// The one rule on clocks: a local time is reached at the first instant at which the zone's clock
/// shows it *or later*. A time that the clock skips is reached as it skips it; of two times alike,
/// the first counts, and the repeated hour belongs to what was going on before it. So a date runs
/// from its midnight to the next one and has 23, 24 or 25 hours, a date that a zone skips has none,
/// spans never overlap, and everything here is monotonic in time.
///
/// Searches go from open stretch to open stretch: O(days walked), some half a microsecond each.
package struct BusinessCalendar: Sendable, Equatable {
  package let zone: LocalTime
  package let hours: OpeningHours
  package let pauses: TimeSpans

  /// A calendar for `due` and `businessDay(after:)` must leave work in every year, see
  /// `yearWithoutWork`: on another these two stop the program, and the rest still holds.
  package init(
    zone: LocalTime, hours: OpeningHours = .officeWeek, pauses: TimeSpans = TimeSpans()
  ) {
    self.zone = zone
    self.hours = hours
    self.pauses = pauses
  }

  /// One span on every working day, Monday first, and holidays.
  /// Preconditions: 0 ≤ opens < closes ≤ 1440, seven working days.
  package init(
    zone: LocalTime, opens: Int = 540, closes: Int = 1020,
    workingDays: [Bool] = [true, true, true, true, true, false, false], holidays: [Int]
  ) {
    self.init(
      zone: zone,
      hours: OpeningHours(
        week: workingDays.map { $0 ? [opens..<closes] : [] },
        dates: Dictionary(holidays.map { ($0, []) }) { first, _ in first }))
  }

  /// This calendar with further pauses, such as those of one case.
  package func pausing(_ more: TimeSpans) -> BusinessCalendar {
    more.spans.isEmpty
      ? self
      : BusinessCalendar(zone: zone, hours: hours, pauses: TimeSpans(pauses.spans + more.spans))
  }

  // MARK: Dates

  /// The open stretches that begin on a local date, ascending and disjoint. O(spans + log pauses).
  package func open(on date: Int) -> [Range<Instant>] {
    var stretches: [Range<Instant>] = []
    for span in hours.spans(on: date) {
      let from = instant(date: date, minutes: span.lowerBound)
      let to = instant(date: date, minutes: span.upperBound)
      if from < to { stretches += pauses.remainder(of: from..<to) }
    }
    return stretches
  }

  /// Whether people work on a date, for however short a time.
  package func isBusinessDay(date: Int) -> Bool { !open(on: date).isEmpty }

  /// Whether people work on the date of an instant.
  package func isBusinessDay(at instant: Instant) -> Bool {
    isBusinessDay(date: date(of: instant))
  }

  /// The date whose midnight was the last to be reached. It never steps back, where the date that a
  /// clock shows does when it is set back over midnight.
  package func date(of instant: Instant) -> Int {
    var date = zone.date(of: instant)
    while self.instant(date: date + 1, minutes: 0) <= instant { date += 1 }
    return date
  }

  /// The first business day later than a date.
  package func businessDay(after date: Int) -> Int {
    var stretches = OpenStretches(self, fromDate: date + 1)
    guard stretches.next() != nil else {
      preconditionFailure("a calendar with no work in a year, which reading one refuses")
    }
    return stretches.date
  }

  /// The closing time of the n-th business day after the date of `opened` (n ≥ 1).
  ///
  /// The day of opening itself never counts, whatever the hour: opened on a Monday is due on
  /// Tuesday, opened on Friday, Saturday or Sunday on Monday, a holiday moves it on by a day.
  package func due(opened: Instant, businessDays: Int) -> Instant {
    precondition(businessDays >= 1)
    var date = date(of: opened)
    for _ in 0..<businessDays { date = businessDay(after: date) }
    return open(on: date).last!.upperBound
  }

  // MARK: Business time

  /// The open time between two instants; zero when `to` is not after `from`.
  package func businessTime(from: Instant, to: Instant) -> Duration {
    guard from < to else { return .zero }
    var total: Int64 = 0
    var stretches = OpenStretches(self, from: from)
    while let stretch = stretches.next(), stretch.lowerBound < to {
      total += min(stretch.upperBound, to).microseconds - stretch.lowerBound.microseconds
    }
    return .microseconds(total)
  }

  /// The first instant by which `time` of open time has passed since `from`: the inverse of
  /// `businessTime`. Nil only where the calendar ends before, which one with work in every year
  /// never does.
  package func adding(_ time: Duration, to from: Instant) -> Instant? {
    var left = Instant(microseconds: 0).adding(time).microseconds
    if left <= 0 { return from }
    var stretches = OpenStretches(self, from: from)
    while let stretch = stretches.next() {
      let length = stretch.upperBound.microseconds - stretch.lowerBound.microseconds
      if left <= length {
        return Instant(microseconds: stretch.lowerBound.microseconds + left)
      }
      left -= length
    }
    return nil
  }

  /// The first instant at `from` or later that is open; nil where there is none within two years.
  package func nextOpen(at from: Instant) -> Instant? {
    var stretches = OpenStretches(self, from: from)
    return stretches.next()?.lowerBound
  }

  package func isOpen(at instant: Instant) -> Bool {
    // A stretch ends by the next midnight, so it began on this date.
    open(on: date(of: instant)).contains { $0.contains(instant) }
  }

  /// The earliest year in which nobody works, because of the week, of holidays or of pauses; nil
  /// where there is none. Looked at are the years that a date or a pause names, and every kind of
  /// year by the week and the yearly dates.
  package var yearWithoutWork: Int? {
    if !hours.workEveryYear { return 2001 }
    var years = Set(hours.dates.keys.map { civilDate(daysSinceEpoch: $0).year })
    for pause in pauses.spans {
      let ends = [pause.lowerBound, pause.upperBound].map {
        civilDate(daysSinceEpoch: date(of: $0)).year
      }
      years.formUnion(ends[0]...ends[1])
    }
    return years.sorted().first { year in
      !OpeningHours.dates(of: year).contains(where: isBusinessDay(date:))
    }
  }

  /// The first instant at which the zone's clock shows this time of a date, or later.
  func instant(date: Int, minutes: Int) -> Instant {
    let local = (Int64(date) * 1440 + Int64(minutes)) * 60_000_000
    let instant = zone.instant(localMicroseconds: local)
    let stretch = zone.stretch(at: instant)
    let shown = instant.microseconds + Int64(stretch.offset) * 1_000_000
    return shown == local ? instant : Instant(microseconds: stretch.from * 1_000_000)
  }
}

/// The open stretches of a calendar from an instant on, cut to it, one after another.
struct OpenStretches: IteratorProtocol {
  private let calendar: BusinessCalendar
  private let from: Instant
  /// The date of the stretches at hand, and of the one given last.
  private(set) var date: Int
  private var stretches: [Range<Instant>]
  private var place = 0

  init(_ calendar: BusinessCalendar, from: Instant) {
    self.calendar = calendar
    self.from = from
    date = calendar.date(of: from)
    stretches = calendar.open(on: date)
  }

  init(_ calendar: BusinessCalendar, fromDate date: Int) {
    self.calendar = calendar
    self.date = date
    stretches = calendar.open(on: date)
    from = Instant(microseconds: .min)
  }

  /// Nil after two years and some without any, time in pauses not counted.
  mutating func next() -> Range<Instant>? {
    var closedDays = 0
    while closedDays < 800 {
      while place < stretches.count {
        let stretch = stretches[place]
        place += 1
        if stretch.upperBound > from { return max(stretch.lowerBound, from)..<stretch.upperBound }
      }
      date += 1
      closedDays += 1
      if !calendar.pauses.spans.isEmpty,
        let pause = calendar.pauses.span(at: calendar.instant(date: date, minutes: 0))
      {
        date = max(date, calendar.date(of: pause.upperBound))
      }
      stretches = calendar.open(on: date)
      place = 0
    }
    return nil
  }
}
