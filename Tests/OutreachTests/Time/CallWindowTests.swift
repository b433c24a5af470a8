import Histories
import Outreach
import TestSupport
import Testing

private let office = BusinessCalendar(zone: berlin)

struct CallWindowTests {
  @Test(
    arguments: [
      ("Europe/Berlin", [], "2026-03-02T03:00", "2026-03-02T09:00"),
      ("Europe/Berlin", [], "2026-03-02T10:30", "2026-03-02T10:30"),
      ("Europe/Berlin", [], "2026-03-06T17:00", "2026-03-09T09:00"),
      // 08:00 in New York is 14:00 in Berlin, for three weeks in March 13:00.
      ("America/New_York", [], "2026-03-02", "2026-03-02T14:00"),
      ("America/New_York", [], "2026-03-09", "2026-03-09T13:00"),
      // 09:00 in Berlin is half past one in Kolkata.
      ("Asia/Kolkata", [], "2026-03-02", "2026-03-02T09:00"),
      ("Asia/Kolkata", [], "2026-03-02T15:30", "2026-03-03T09:00"),
      ("Europe/Berlin", ["wed 15:00-19:00"], "2026-03-02", "2026-03-04T15:00"),
      ("Europe/Berlin", ["wed 15:00-19:00"], "2026-03-04T17:00", "2026-03-11T15:00"),
      ("America/New_York", ["mon-fri 10:00-11:00"], "2026-03-02", "2026-03-02T16:00"),
      ("Europe/Berlin", ["thu 15:00-16:00", "tue 15:00-16:00"], "2026-03-02", "2026-03-03T15:00"),
      // One date binds until it is over, then no more.
      ("Europe/Berlin", ["2026-03-05 10:00-11:00"], "2026-03-02", "2026-03-05T10:00"),
      ("Europe/Berlin", ["2026-03-05 10:00-11:00"], "2026-03-05T11:00", "2026-03-05T11:00"),
      ("Europe/Berlin", ["2026-03-07 10:00-11:00"], "2026-03-02", "2026-03-09T09:00"),
      (
        "Europe/Berlin", ["2026-03-05 10:00-11:00", "fri 16:00-17:00"], "2026-03-05T12:00",
        "2026-03-06T16:00"
      ),
    ] as [(String, [String], String, String)])
  func nextCall(zoneName: String, appointments: [String], from: String, call: String) throws {
    let window = CallWindow(
      team: office, lawful: .callWeek, zone: LocalTime(identifier: zoneName),
      appointments: try appointments.map { try #require(Appointment($0)) })
    #expect(window.nextCallTime(after: date(from)) == date(call))
    #expect(window.mayCall(at: date(call)))
    #expect(window.mayCall(at: date(from)) == (from == call))
  }

  @Test func noTimeAtAllIsSaidSo() throws {
    // 09:00 to 17:00 in Berlin is the night in Auckland but for the hours of the northern winter.
    let narrow = CallWindow(
      team: office, lawful: .sameHours([600..<1080], days: 0..<7),
      zone: LocalTime(identifier: "Pacific/Auckland"))
    #expect(narrow.nextCallTime(after: monday) == nil && !narrow.mayCall(at: monday))
    let sunday = CallWindow(
      team: office, lawful: .callWeek, appointments: [try #require(Appointment("sun 10:00-12:00"))])
    #expect(sunday.nextCallTime(after: monday) == nil)
    // Without a zone of the customer's own, the team's.
    #expect(sunday.customer.zone == berlin)
  }

  @Test(arguments: [
    "mon 17:00-19:00", "mon-fri 08:00-09:00", "2026-03-04 15:00-15:30",
    "sat-sun 00:00-24:00",
  ])
  func appointmentsReadBack(text: String) throws {
    #expect(try #require(Appointment(text)).description == text)
  }

  @Test(arguments: [
    "", "mon", "mon 17-19", "mon 19:00-17:00", "moon 17:00-19:00", "fri-mon 10:00-11:00",
    "2026-02-29 15:00-16:00", "mon-tue-wed 10:00-11:00", "mon 10:00-24:01", "mon 10:00-11:00 x",
    "mon\u{301} 10:00-11:00", "- 10:00-11:00", "1026-03-04 15:00-16:00",
  ])
  func noAppointment(text: String) {
    #expect(Appointment(text) == nil)
  }
}
