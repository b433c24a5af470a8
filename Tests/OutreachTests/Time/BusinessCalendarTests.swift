import Foundation
import Histories
import Outreach
import TestSupport
import Testing

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
  ])
  func dueAtTheEndOfTheNextBusinessDay(opened: String, days: Int, due: String) {
    let holidays = ["2026-04-03", "2026-04-06", "2027-01-01"].map { berlin.date(of: date($0)) }
    let calendar = BusinessCalendar(zone: berlin, holidays: holidays)
    #expect(calendar.due(opened: date(opened), businessDays: days) == date(due))
  }

  /// Foundation's calendar, walked day by day, is the oracle, over generated calendars in zones
  /// with offsets of half an hour, changes at midnight and none.
  @Test func dueAgreesWithFoundationOnGeneratedCalendars() throws {
    var chance = SplitMix64(11)
    for name in [
      "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe",
      "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "UTC",
    ] {
      let zone = try #require(LocalTime(identifier: name))
      var oracle = Calendar(identifier: .gregorian)
      oracle.timeZone = try #require(TimeZone(identifier: name))
      for _ in 0..<150 {
        var working = (0..<7).map { _ in Bool.random(using: &chance) }
        working[Int.random(in: 0..<7, using: &chance)] = true
        let from = Int.random(in: 12_000..<24_000, using: &chance)
        let holidays = (0..<20).map { _ in from + Int.random(in: 0..<60, using: &chance) }
        let closes = Int.random(in: 1...1440, using: &chance)
        let calendar = BusinessCalendar(
          zone: zone, opens: 0, closes: closes, workingDays: working, holidays: holidays)
        let opened = Instant(
          microseconds: (Int64(from) * 86_400 + Int64.random(in: 0..<2_000_000, using: &chance))
            * 1_000_000)
        let days = Int.random(in: 1...5, using: &chance)
        let due = calendar.due(opened: opened, businessDays: days)

        let openedDate = Date(timeIntervalSince1970: Double(opened.microseconds) / 1e6)
        var noon = try #require(
          oracle.date(bySettingHour: 12, minute: 0, second: 0, of: openedDate))
        var passed = 0
        while passed < days {
          noon = try #require(oracle.date(byAdding: .day, value: 1, to: noon))
          let fields = oracle.dateComponents([.year, .month, .day, .weekday], from: noon)
          let number = daysSinceEpoch(year: fields.year!, month: fields.month!, day: fields.day!)
          if working[(fields.weekday! + 5) % 7] && !holidays.contains(number) { passed += 1 }
        }
        let dueDate = Date(timeIntervalSince1970: Double(due.microseconds) / 1e6)
        let got = oracle.dateComponents([.year, .month, .day, .hour, .minute], from: dueDate)
        let day = oracle.dateComponents([.year, .month, .day], from: noon)
        if closes < 1440 {
          // A closing time inside a change of the clocks may move by the length of the gap.
          #expect(got.year == day.year && got.month == day.month && got.day == day.day)
          let minutes = got.hour! * 60 + got.minute!
          #expect(minutes == closes || (closes < 180 && minutes - closes <= 60), "\(name)")
        }
        #expect(due > opened)
        #expect(calendar.due(opened: opened, businessDays: days + 1) > due)
        let later = Instant(microseconds: opened.microseconds + 3_600_000_000)
        #expect(calendar.due(opened: later, businessDays: days) >= due)
        #expect(
          calendar.isBusinessDay(at: opened)
            == (working[(oracle.component(.weekday, from: openedDate) + 5) % 7]
              && !holidays.contains(zone.date(of: opened))))
      }
    }
  }
}
