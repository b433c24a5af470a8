import Histories
import Outreach
import TestSupport
import Testing

private let always = OpeningHours.sameHours([0..<1440], days: 0..<7)

struct BusinessCalendarTests {
  @Test(arguments: [
    ("2026-03-01", 1, "2026-03-02T17:00"),  // opened on a Sunday
    ("2026-03-02", 1, "2026-03-03T17:00"),  // on a Monday: that day does not count
    ("2026-03-02T23:59", 1, "2026-03-03T17:00"),
    ("2026-03-06T16:59", 1, "2026-03-09T17:00"),  // on a Friday
    ("2026-03-06", 3, "2026-03-11T17:00"),
    ("2026-03-27", 1, "2026-03-30T17:00"),  // over the change to summer time
    ("2026-10-23", 1, "2026-10-26T17:00"),  // and back
    ("2026-04-02", 1, "2026-04-07T17:00"),  // Good Friday and Easter Monday
    ("2026-12-31", 1, "2027-01-04T17:00"),  // over the end of the year
    ("2026-12-23", 1, "2026-12-24T12:30"),  // a half day
    ("2026-12-24T09:00", 1, "2026-12-28T17:00"),  // Christmas comes every year
    ("2027-12-23", 1, "2027-12-24T17:00"),  // and that half day once
    ("2026-07-31", 1, "2026-08-17T17:00"),  // two weeks off
  ])
  func dueAtTheEndOfTheNextBusinessDay(opened: String, days: Int, due: String) {
    let holidays = ["2026-04-03", "2026-04-06", "2027-01-01"].map { (day($0), [Range<Int>]()) }
    let calendar = BusinessCalendar(
      zone: berlin,
      hours: OpeningHours(
        week: OpeningHours.officeWeek.week,
        dates: Dictionary(uniqueKeysWithValues: holidays + [(day("2026-12-24"), [540..<750])]),
        yearly: [.init(month: 12, day: 25): [], .init(month: 12, day: 26): []]),
      pauses: TimeSpans([date("2026-08-03")..<date("2026-08-15")]))
    #expect(calendar.due(opened: date(opened), businessDays: days) == date(due))
  }

  /// A day is as long as its zone makes it.
  @Test(arguments: [
    ("Europe/Berlin", "2026-03-29", 23 * 60), ("Europe/Berlin", "2026-10-25", 25 * 60),
    ("Australia/Lord_Howe", "2026-10-04", 23 * 60 + 30),
    ("Australia/Lord_Howe", "2026-04-05", 24 * 60 + 30),
    ("Asia/Kathmandu", "1986-01-01", 24 * 60 - 15), ("Pacific/Apia", "2011-12-30", 0),
    ("Pacific/Apia", "2011-12-31", 24 * 60), ("America/Sao_Paulo", "2018-11-04", 23 * 60),
    ("America/St_Johns", "2006-10-29", 25 * 60), ("Antarctica/Troll", "2019-03-31", 22 * 60),
    ("Asia/Kolkata", "2026-03-29", 24 * 60),
  ])
  func daysAreAsLongAsTheirZoneMakesThem(name: String, date: String, minutes: Int) {
    let calendar = BusinessCalendar(zone: zone(name), hours: always)
    let stretches = calendar.open(on: day(date))
    #expect(stretches.count == (minutes == 0 ? 0 : 1))
    #expect(stretches.map { $0.upperBound.minutes - $0.lowerBound.minutes }.reduce(0, +) == minutes)
    #expect(calendar.isBusinessDay(date: day(date)) == (minutes > 0))
  }

  /// A Friday that never was is no business day: Thursday's cases are due on Monday.
  @Test func aSkippedDateIsNoBusinessDay() {
    let apia = zone("Pacific/Apia")
    let calendar = BusinessCalendar(zone: apia)
    #expect(
      calendar.due(opened: date("2011-12-29T12:00", apia), businessDays: 1)
        == date("2012-01-02T17:00", apia))
  }

  /// In St John's the clock went from one minute past midnight back to the day before: what is
  /// opened in that hour again is not due a day earlier than what was opened before it.
  @Test func aDateNeverStepsBack() {
    let calendar = BusinessCalendar(
      zone: zone("America/St_Johns"), hours: .sameHours([0..<1440], days: 0..<7))
    let midnight = calendar.zone.midnight(date: day("2006-10-29"))
    let later = Instant(minutes: midnight.minutes + 30)
    #expect(calendar.zone.date(of: later) == day("2006-10-28"))
    #expect(calendar.date(of: later) == day("2006-10-29"))
    #expect(
      calendar.due(opened: later, businessDays: 1)
        == calendar.due(opened: midnight, businessDays: 1))
  }

  /// Spans that the clock skips are short or empty, never crossed; those it repeats run once.
  @Test func spansInsideAChangeOfTheClocks() {
    func open(_ spans: [Range<Int>], _ date: String) -> [Range<Int>] {
      let calendar = BusinessCalendar(
        zone: berlin, hours: OpeningHours.sameHours(spans, days: 0..<7))
      let midnight = berlin.midnight(date: day(date)).minutes
      return calendar.open(on: day(date)).map {
        ($0.lowerBound.minutes - midnight)..<($0.upperBound.minutes - midnight)
      }
    }
    // 02:00 becomes 03:00.
    #expect(open([60..<150, 160..<200], "2026-03-29") == [60..<120, 120..<140])
    #expect(open([125..<175, 180..<240], "2026-03-29") == [120..<180])
    // 03:00 becomes 02:00.
    #expect(open([60..<150, 160..<200], "2026-10-25") == [60..<150, 160..<260])
  }

  @Test func businessTimeOfOrdinaryDays() {
    let calendar = BusinessCalendar(
      zone: berlin, hours: OpeningHours.sameHours([540..<750, 810..<1020], days: 0..<5))
    func hours(_ from: String, _ to: String) -> Double {
      calendar.businessTime(from: date(from), to: date(to)) / .seconds(3600)
    }
    #expect(hours("2026-03-02T09:00", "2026-03-02T17:00") == 7)
    #expect(hours("2026-03-02T12:00", "2026-03-02T14:00") == 1)
    #expect(hours("2026-03-06T16:30", "2026-03-09T09:15") == 0.75)
    #expect(hours("2026-03-02T17:00", "2026-03-03T09:00") == 0)
    #expect(hours("2026-03-03", "2026-03-02") == 0)
    #expect(
      calendar.adding(.seconds(3600), to: date("2026-03-06T16:30")) == date("2026-03-09T09:30"))
    #expect(calendar.adding(.zero, to: date("2026-03-07")) == date("2026-03-07"))
    // Ending with a day is ending on that day.
    #expect(
      calendar.adding(.seconds(7 * 3600), to: date("2026-03-06")) == date("2026-03-06T17:00"))
  }

  /// To the microsecond, on generated calendars: `adding` inverts `businessTime`, which is additive,
  /// and everything is monotonic in time.
  @Test func propertiesOnGeneratedCalendars() throws {
    var chance = SplitMix64(17)
    for round in 0..<4000 {
      let place = notedDays[round % notedDays.count]
      let noted = day(place.date)
      let window = ((noted - 10) * 1440)..<((noted + 10) * 1440)
      let calendar = BusinessCalendar(
        zone: zone(place.zone), hours: chance.hours(near: noted),
        pauses: TimeSpans(chance.stretches(2, in: window).map(instants)))
      let range = Int64(window.lowerBound) * 60_000_000..<Int64(window.upperBound) * 60_000_000
      let times = (0..<3).map { _ in Instant(microseconds: .random(in: range, using: &chance)) }
        .sorted()
      let (a, b, c) = (times[0], times[1], times[2])
      let first = calendar.businessTime(from: a, to: b)
      let whole = calendar.businessTime(from: a, to: c)
      #expect(whole == first + calendar.businessTime(from: b, to: c))

      let back = try #require(calendar.adding(first, to: a))
      #expect(back <= b && calendar.businessTime(from: back, to: b) == .zero)
      let amount = Duration.microseconds(Int64.random(in: 1...200_000_000_000, using: &chance))
      let end = try #require(calendar.adding(amount, to: a))
      #expect(calendar.businessTime(from: a, to: end) == amount)
      #expect(
        calendar.businessTime(from: a, to: Instant(microseconds: end.microseconds - 1)) < amount)
      #expect(try #require(calendar.adding(amount, to: b)) >= end)

      let days = 1 + chance.below(4)
      let due = calendar.due(opened: a, businessDays: days)
      #expect(due > a && due <= calendar.due(opened: b, businessDays: days))
      #expect(due < calendar.due(opened: a, businessDays: days + 1))
      #expect(!calendar.isOpen(at: due) || calendar.open(on: calendar.date(of: due)).count > 0)
      #expect(calendar.isOpen(at: Instant(microseconds: due.microseconds - 1)))
      let next = try #require(calendar.nextOpen(at: a))
      #expect(calendar.isOpen(at: next) && calendar.businessTime(from: a, to: next) == .zero)
      #expect(calendar.date(of: a) <= calendar.date(of: b))
    }
  }

  @Test func aYearWithoutWorkIsFound() {
    let year = Dictionary(
      uniqueKeysWithValues: (day("2027-01-01")...day("2027-12-31")).map { ($0, [Range<Int>]()) })
    func calendar(_ hours: OpeningHours, _ pauses: [Range<Instant>] = []) -> BusinessCalendar {
      BusinessCalendar(zone: berlin, hours: hours, pauses: TimeSpans(pauses))
    }
    #expect(calendar(.officeWeek).yearWithoutWork == nil)
    #expect(
      calendar(OpeningHours(week: OpeningHours.officeWeek.week, dates: year)).yearWithoutWork
        == 2027)
    let long = date("2026-11-03")..<date("2028-06-01")
    #expect(calendar(.officeWeek, [long]).yearWithoutWork == 2027)
    #expect(calendar(.officeWeek, [date("2026-02-03")..<date("2027-10-01")]).yearWithoutWork == nil)
    // Open on leap days alone.
    var yearly: [OpeningHours.YearlyDate: [Range<Int>]] = [:]
    for day in day("2023-01-01")...day("2023-12-31") {
      let civil = civilDate(daysSinceEpoch: day)
      yearly[.init(month: civil.month, day: civil.day)] = []
    }
    #expect(calendar(OpeningHours(week: always.week, yearly: yearly)).yearWithoutWork != nil)
    // No work at all ends a search instead of going on for ever.
    let never = calendar(OpeningHours(week: Array(repeating: [], count: 7)))
    #expect(never.nextOpen(at: monday) == nil && never.adding(.seconds(1), to: monday) == nil)
    #expect(never.businessTime(from: monday, to: date("2036-01-01")) == .zero)
    #expect(never.yearWithoutWork != nil)
  }
}
