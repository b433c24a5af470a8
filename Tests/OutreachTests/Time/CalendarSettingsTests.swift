import Foundation
import Histories
import Outreach
import TestSupport
import Testing

private func decode(_ text: String) throws -> OutreachSettings {
  let file = try project(text)
  let settings = OutreachSettings(project: file, timeZone: berlin, numeric: [], categorical: [])
  try file.check()
  return settings
}

struct CalendarSettingsTests {
  @Test func readsEverything() throws {
    let settings = try decode(
      """
      [[queue]]
      name = "q"
      capacity_per_business_day = 1
      channel = "phone"
      close_business_days = 5

      [calendar]
      hours = ["09:00-12:30", "13:30-17:00"]
      days = ["mon", "tue", "sat"]
      holidays = ["2026-12-28", "12-25", "02-29"]

      [calendar.half_days]
      2026-12-29 = "09:00-12:00"
      12-31 = ["09:00-10:00", "11:00-12:00"]

      [[calendar.pause]]
      from = "2026-08-03"
      to = "2026-08-14"

      [[calendar.pause]]
      from = "2026-06-01T12:00"
      to = "2026-06-01T14:00"

      [calls]
      hours = "10:00-18:00"
      holidays = ["01-01"]
      """)
    let split = [540..<750, 810..<1020]
    #expect(
      settings.calendar
        == BusinessCalendar(
          zone: berlin,
          hours: OpeningHours(
            week: [split, split, [], [], [], split, []],
            dates: [day("2026-12-28"): [], day("2026-12-29"): [540..<720]],
            yearly: [
              .init(month: 12, day: 25): [], .init(month: 2, day: 29): [],
              .init(month: 12, day: 31): [540..<600, 660..<720],
            ]),
          pauses: TimeSpans([
            date("2026-08-03")..<date("2026-08-15"),
            date("2026-06-01T12:00")..<date("2026-06-01T14:00"),
          ])))
    #expect(
      settings.calls
        == OpeningHours(
          week: OpeningHours.sameHours([600..<1080], days: 0..<6).week,
          yearly: [.init(month: 1, day: 1): []]))
    #expect(settings.queues[0].serviceLevel == ServiceLevel(closeBusinessDays: 5))
  }

  @Test func hoursByDaySayTheDays() throws {
    let settings = try decode(
      "[calendar.hours]\nmon = \"08:00-12:00\"\nfri = [\"08:00-10:00\", \"10:00-11:00\"]\ntue = []")
    #expect(
      settings.calendar.hours.week == [
        [480..<720], [], [], [], [480..<600, 600..<660], [], [],
      ])
    #expect(settings.calls == .callWeek)
  }

  @Test(arguments: [
    ("[calendar]\nhours = []", "line 2: `hours` is an empty list"),
    (
      "[calendar]\nhours = [\"13:00-17:00\", \"09:00-12:00\"]",
      "line 2: the spans of `hours` overlap"
    ),
    (
      "[calendar]\nhours = [\"09:00-12:00\", \"11:59-13:00\"]",
      "line 2: the spans of `hours` overlap"
    ),
    ("[calendar]\nhours = \"22:00-06:00\"", "one over midnight is two"),
    ("[calendar]\nhours = \"09:00-09:00\"", "line 2: `hours` is \"09:00-09:00\""),
    ("[calendar]\nhours = 9", "line 2: `hours` is a whole number, expected a list of texts"),
    ("[calendar.hours]\nmonday = \"09:00-17:00\"", "unknown key `monday`"),
    ("[calendar.hours]\nmon = []", "line 1: no day has hours"),
    ("[calendar]\ndays = [\"mon\"]\n[calendar.hours]\nmon = \"09:00-17:00\"", "leave `days` out"),
    ("[calendar]\ndays = [\"mno\"]", "no day is named `mno`: did you mean `mon`?"),
    ("[calendar]\nholidays = [\"02-30\"]", "line 2: \"02-30\" is no date that exists"),
    ("[calendar]\nholidays = [\"2400-01-01\"]", "line 2: \"2400-01-01\" is no date"),
    ("[calendar.half_days]\n12-24 = \"9-12\"", "line 2: `12-24` is \"9-12\", expected a span"),
    ("[calendar.half_days]\n24-12 = \"09:00-12:00\"", "line 2: \"24-12\" is no date that exists"),
    (
      "[calendar]\nholidays = [\"12-24\"]\n[calendar.half_days]\n12-24 = \"09:00-12:00\"",
      "line 4: \"12-24\" is a holiday and a half day"
    ),
    ("[[calendar.pause]]\nfrom = \"2026-08-03\"", "line 1: `to` is missing"),
    (
      "[[calendar.pause]]\nfrom = \"2026-08-03\"\nto = \"2026-08-02\"",
      "line 3: the pause ends before"
    ),
    (
      "[[calendar.pause]]\nfrom = \"3 August\"\nto = \"2026-08-02\"",
      "line 2: `from` is \"3 August\""
    ),
    ("[[calendar.pause]]\nfrom = \"2026-08-03\"\ntill = \"2026-08-02\"", "unknown key `till`"),
    (
      "[[calendar.pause]]\nfrom = \"2026-08-03\"\nto = \"2028-01-01\"",
      "line 1: holidays and pauses leave no working day in 2027"
    ),
    ("[calendar]\nhalf_day = 1", "unknown key `half_day`: did you mean `half_days`?"),
    ("[calls]\nhour = \"08:00-20:00\"", "line 2: unknown key `hour`: did you mean `hours`?"),
    ("[calls]\nhours = \"20:00-08:00\"", "line 2: `hours` is"),
    ("[calls]\ndays = []", "line 2: `days` leaves no working day"),
    ("[call]\ndays = []", "unknown key `call`: did you mean `calls`?"),
    (
      "[[queue]]\nname = \"q\"\ncapacity_per_business_day = 1\nchannel = \"x\"\n"
        + "due_business_days = 3\nclose_business_days = 2",
      "line 6: `close_business_days` is 2, less than the 3 of `due_business_days`"
    ),
  ])
  func aProblemNamesItsLineAndWhatToWrite(text: String, problem: String) throws {
    do {
      _ = try decode(text)
      Issue.record("taken: \(text)")
    } catch HistoriesError.projectFile(_, let problems) {
      #expect(problems.contains { $0.contains(problem) }, "\(problems)")
    }
  }

  /// A calendar on which nobody ever works ends the reading, not the patience.
  @Test func aYearWithoutWorkIsRefused() throws {
    let all = (day("2024-01-01")...day("2024-12-31")).map { number in
      let civil = civilDate(daysSinceEpoch: number)
      return "\"\(padded(civil.month, 2))-\(padded(civil.day, 2))\""
    }
    #expect(throws: HistoriesError.self) {
      _ = try decode("[calendar]\nholidays = [\(all.joined(separator: ", "))]")
    }
    let leapDayFree = all.filter { $0 != "\"02-29\"" }.joined(separator: ", ")
    #expect(throws: HistoriesError.self) { _ = try decode("[calls]\nholidays = [\(leapDayFree)]") }
    #expect(throws: HistoriesError.self) {
      _ = try decode("[calendar]\nholidays = [\(leapDayFree)]")
    }
  }
}
