package import Histories

/// When one customer may be called: while the team works, within lawful hours on the customer's own
/// clock, and at the times that the customer asked for, if any.
///
/// An appointment on one date binds until it is over: nobody calls before, and one that was missed
/// stops no call after it. Weekly ones bind always.
package struct CallWindow: Sendable {
  package let team: BusinessCalendar
  /// The customer's zone and the hours in which a call is lawful there.
  package let customer: BusinessCalendar
  private let appointments: BusinessCalendar?
  /// When the appointments cease to bind; nil when some come every week.
  private let bindUntil: Instant?

  /// - Parameters:
  ///   - lawful: on the customer's clock (`[calls]`).
  ///   - zone: the customer's; the team's when not known.
  package init(
    team: BusinessCalendar, lawful: OpeningHours, zone: LocalTime? = nil,
    appointments: [Appointment] = []
  ) {
    self.team = team
    let zone = zone ?? team.zone
    customer = BusinessCalendar(zone: zone, hours: lawful)
    let hours = appointments.hours
    let asked = BusinessCalendar(zone: zone, hours: hours)
    self.appointments = appointments.isEmpty ? nil : asked
    bindUntil =
      hours.week.allSatisfy(\.isEmpty)
      ? hours.dates.keys.compactMap { asked.open(on: $0).last?.upperBound }.max()
        ?? Instant(microseconds: .min)
      : nil
  }

  /// Whether the customer may be called at an instant.
  package func mayCall(at instant: Instant) -> Bool {
    calendars(at: instant).allSatisfy { $0.isOpen(at: instant) }
  }

  /// The first instant at `from` or later at which the customer may be called; nil where there is
  /// none within a year. O(days walked).
  package func nextCallTime(after from: Instant) -> Instant? {
    let limit = from.adding(days: 366)
    var instant = from
    while instant < limit {
      let before = instant
      for calendar in calendars(at: before) {
        guard let open = calendar.nextOpen(at: instant) else {
          instant = limit
          break
        }
        instant = open
      }
      // All were open at once, as none moved it on.
      if instant == before { return instant }
      // What binds changes there: look again, without stepping over the first free instant.
      if let bindUntil, before < bindUntil { instant = min(instant, bindUntil) }
    }
    return nil
  }

  /// The calendars that bind at an instant.
  private func calendars(at instant: Instant) -> [BusinessCalendar] {
    guard let appointments, bindUntil.map({ instant < $0 }) ?? true else {
      return [team, customer]
    }
    return [team, customer, appointments]
  }
}
