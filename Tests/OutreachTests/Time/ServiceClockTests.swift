import Histories
import Outreach
import TestSupport
import Testing

private let office = BusinessCalendar(zone: berlin)

private func clock(
  opened: String = "2026-03-02", acknowledged: String? = nil, closed: String? = nil,
  waits: Waits = Waits(), close: Int? = 3
) -> ServiceClock {
  ServiceClock(
    calendar: office, level: ServiceLevel(closeBusinessDays: close), opened: date(opened),
    acknowledged: acknowledged.map { date($0) }, closed: closed.map { date($0) }, waits: waits)
}

struct ServiceClockTests {
  @Test func promisesAndHowTheyAreKept() {
    let open = clock()
    #expect(open.acknowledgeBy == date("2026-03-03T17:00"))
    #expect(open.closeBy == date("2026-03-05T17:00"))
    #expect(clock(close: nil).closeBy == nil)
    #expect(open.acknowledgedInTime(at: date("2026-03-03T17:00")) == nil)
    #expect(open.acknowledgedInTime(at: date("2026-03-03T17:01")) == false)
    #expect(open.closedInTime(at: date("2026-03-06")) == false)
    #expect(clock(close: nil).closedInTime(at: date("2030-03-06")) == nil)

    // At the last moment is in time; what happens later is not known earlier.
    let kept = clock(acknowledged: "2026-03-03T17:00", closed: "2026-03-05T09:00")
    #expect(kept.acknowledgedInTime(at: date("2026-03-03T16:00")) == nil)
    #expect(kept.acknowledgedInTime(at: date("2026-04-01")) == true)
    #expect(kept.closedInTime(at: date("2026-04-01")) == true)
    let late = clock(acknowledged: "2026-03-03T17:01")
    #expect(late.acknowledgedInTime(at: date("2026-04-01")) == false)
    // Closing acknowledges.
    #expect(clock(closed: "2026-03-03").acknowledgedInTime(at: date("2026-03-04")) == true)
  }

  @Test(arguments: [
    (nil, nil, "2026-03-03T17:00", 0), (nil, nil, "2026-03-03T17:01", 1),
    (nil, nil, "2026-03-05T17:01", 2), ("2026-03-04", nil, "2026-03-03T18:00", 1),
    ("2026-03-04", nil, "2026-03-04T00:00", 0), ("2026-03-04", nil, "2026-03-06", 2),
    ("2026-03-04", "2026-03-07", "2026-03-06", 2), ("2026-03-04", "2026-03-07", "2026-03-07", 0),
  ])
  func escalatesWhatIsOverdue(acknowledged: String?, closed: String?, now: String, level: Int) {
    let clock = clock(acknowledged: acknowledged, closed: closed)
    #expect(clock.escalation(at: date(now)).rawValue == level)
  }

  /// Both clocks: business time for the team, wall time for the customer.
  @Test func agesOnBothClocks() {
    let open = clock(opened: "2026-03-06T16:00")
    #expect(open.teamAge(at: date("2026-03-09T10:00")) == .seconds(2 * 3600))
    #expect(open.customerAge(at: date("2026-03-09T10:00")) == .seconds(66 * 3600))
    #expect(open.teamAge(at: date("2026-03-01")) == .zero)
    #expect(open.customerAge(at: date("2026-03-01")) == .zero)
    let closed = clock(opened: "2026-03-06T16:00", closed: "2026-03-09T10:00")
    #expect(closed.teamAge(at: date("2026-04-09")) == .seconds(2 * 3600))
    #expect(closed.customerAge(at: date("2026-04-09")) == .seconds(66 * 3600))
  }

  @Test func waitingForTheCustomerStopsTheTeamsClock() {
    var waits = Waits()
    waits.resume(at: monday)
    #expect(waits == Waits())
    waits.pause(at: date("2026-03-03T15:00"))
    waits.pause(at: date("2026-03-03T16:00"))
    let waiting = clock(waits: waits)
    #expect(waiting.acknowledgeBy == nil && waiting.closeBy == nil)
    #expect(waiting.escalation(at: date("2026-06-01")) == .none)
    #expect(waiting.teamAge(at: date("2026-06-01")) == .seconds(14 * 3600))
    #expect(waiting.customerAge(at: date("2026-03-04")) == .seconds(48 * 3600))

    waits.resume(at: date("2026-03-05T10:00"))
    let resumed = clock(waits: waits)
    #expect(resumed.acknowledgeBy == date("2026-03-05T12:00"))
    #expect(resumed.closeBy == date("2026-03-09T12:00"))
    #expect(resumed.teamAge(at: date("2026-03-05T12:00")) == .seconds(16 * 3600))
    #expect(resumed.escalation(at: date("2026-03-05T12:01")) == .notAcknowledged)

    // A wait that begins when it is too late changes no promise.
    let late = clock(waits: Waits(since: date("2026-03-04T10:00")))
    #expect(late.acknowledgeBy == date("2026-03-03T17:00") && late.closeBy == nil)
    #expect(late.escalation(at: date("2026-06-01")) == .notAcknowledged)
  }

  /// Pause and resume conserve time, to the microsecond: what the team worked and what it waited is
  /// what passed, and a promise moves by exactly what was waited before it.
  @Test func pausesConserveTime() throws {
    var chance = SplitMix64(23)
    for round in 0..<3000 {
      let place = notedDays[round % notedDays.count]
      let noted = day(place.date)
      let calendar = BusinessCalendar(zone: zone(place.zone), hours: chance.hours(near: noted))
      let from = Int64(noted - 8) * 86_400_000_000
      let range = from..<(from + 16 * 86_400_000_000)
      let times = (0..<8).map { _ in Instant(microseconds: .random(in: range, using: &chance)) }
        .sorted()
      let opened = times[0]
      var waits = Waits()
      for index in [1, 3, 5] {
        waits.pause(at: times[index])
        waits.resume(at: times[index + 1])
      }
      let days = 1 + chance.below(4)
      func clock(_ waits: Waits) -> ServiceClock {
        ServiceClock(
          calendar: calendar, level: ServiceLevel(acknowledgeBusinessDays: days), opened: opened,
          waits: waits)
      }
      func waited(until end: Instant) -> Duration {
        waits.over.reduce(.zero) {
          $0 + calendar.businessTime(from: $1.lowerBound, to: min($1.upperBound, end))
        }
      }
      let now = times[7]
      #expect(
        clock(waits).teamAge(at: now) + waited(until: now) == clock(Waits()).teamAge(at: now))
      #expect(clock(waits).customerAge(at: now) == now.time(since: opened))
      let plain = try #require(clock(Waits()).acknowledgeBy)
      #expect(plain == calendar.due(opened: opened, businessDays: days))
      let moved = try #require(clock(waits).acknowledgeBy)
      #expect(moved >= plain)
      #expect(
        calendar.businessTime(from: opened, to: moved) - waited(until: moved)
          == calendar.businessTime(from: opened, to: plain))

      // A wait that is not over yet: while it lasts, nothing is overdue that was not before.
      var begun = waits
      begun.pause(at: now)
      let before = clock(waits).escalation(at: now)
      let later = now.adding(days: 400)
      #expect(clock(begun).escalation(at: later) == before)
      #expect(clock(begun).teamAge(at: later) == clock(waits).teamAge(at: now))
      // Asked about a past instant, what came later changes nothing.
      let past = times[2 + chance.below(5)]
      var known = Waits()
      for index in [1, 3, 5] where times[index] <= past {
        known.pause(at: times[index])
        if times[index + 1] <= past { known.resume(at: times[index + 1]) }
      }
      #expect(clock(known).teamAge(at: past) == clock(waits).teamAge(at: past))
      #expect(clock(known).escalation(at: past) == clock(waits).escalation(at: past))
    }
  }
}
