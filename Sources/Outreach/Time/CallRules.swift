package import Histories
import Synchronization

/// When a team's customers may be called: while the team works, in lawful hours on the customer's own
/// clock, at the times that the customer asked for. Binds cases by phone; what is written needs
/// consent and no hour.
///
/// A time that an agent and a customer agreed on (`appointed`) goes before all of it: nobody calls
/// before, then the call may be made whatever the hour, since the customer asked for it; once it is
/// over, missed or not, the usual hours bind again. Where several people may be called, one who may be
/// called now is enough. Who has no zone has the team's.
package struct CallRules: Sendable {
  /// The channel whose cases are calls.
  package static let channel = "phone"

  package let team: BusinessCalendar
  private let lawful: OpeningHours
  private let windows = WindowBook()

  package init(team: BusinessCalendar, lawful: OpeningHours = .callWeek) {
    self.team = team
    self.lawful = lawful
  }

  package init(_ settings: OutreachSettings) {
    self.init(team: settings.calendar, lawful: settings.calls)
  }

  package func binds(_ open: Case) -> Bool {
    open.channel.utf8.elementsEqual(Self.channel.utf8)
  }

  /// Whether somebody of the case may be called at an instant; true of a case that is no call.
  package func mayCall(_ open: Case, at now: Instant) -> Bool {
    if !binds(open) { return true }
    if let agreed = open.state.appointment, now < agreed.to { return agreed.from <= now }
    return open.callPlaces.contains { window($0).mayCall(at: now) }
  }

  /// The first instant at `now` or later at which somebody may be called; nil where there is none
  /// within a year. O(people × days walked).
  package func nextCall(_ open: Case, at now: Instant) -> Instant? {
    if !binds(open) { return now }
    if let agreed = open.state.appointment, now < agreed.to { return max(agreed.from, now) }
    return open.callPlaces.compactMap { window($0).nextCallTime(after: now) }.min()
  }

  /// Whether a call then is lawful on the customer's clock, whatever the team's hours and the
  /// customer's wishes: that of one person where they are named, else of anybody of the case.
  package func isLawful(_ open: Case, contact: String?, at now: Instant) -> Bool {
    if let agreed = open.state.appointment, agreed.from <= now, now < agreed.to { return true }
    return lawfulPlaces(open, contact).contains { window($0).customer.isOpen(at: now) }
  }

  /// The first instant at `now` or later at which it is, on that customer's clock.
  package func nextLawful(
    _ open: Case, contact: String?, at now: Instant
  ) -> (instant: Instant, zone: LocalTime)? {
    lawfulPlaces(open, contact).compactMap { place in
      let customer = window(place).customer
      return customer.nextOpen(at: now).map { ($0, customer.zone) }
    }.min { $0.instant < $1.instant }
  }

  /// The clock of the person who is called first.
  package func zone(_ open: Case) -> LocalTime {
    open.callPlaces.first.map { window($0).customer.zone } ?? team.zone
  }

  private func lawfulPlaces(_ open: Case, _ contact: String?) -> [CallPlace] {
    let named = open.person?.contacts?.filter { person in
      contact.map { person.contact.utf8.elementsEqual($0.utf8) } ?? false
    }
    return named?.isEmpty == false ? named!.map(\.callPlace) : open.callPlaces
  }

  private func window(_ place: CallPlace) -> CallWindow {
    windows.find(place) {
      CallWindow(
        team: team, lawful: lawful, zone: place.zone.flatMap(LocalTime.init(identifier:)),
        appointments: place.times.flatMap(Appointment.list) ?? [])
    }
  }
}

/// What decides about somebody's hours: customers of one zone who asked for the same share a window.
struct CallPlace: Hashable, Sendable {
  var zone: String?
  var times: String?
}

extension Case {
  /// Of the people who may be contacted, or of the account where nobody is named.
  var callPlaces: [CallPlace] {
    if let people = person?.contacts, !people.isEmpty { return people.map(\.callPlace) }
    return [CallPlace(zone: person?.timeZone, times: person?.callTimes)]
  }
}

extension Contact {
  var callPlace: CallPlace { CallPlace(zone: timeZone, times: callTimes) }
}

/// Windows by place, since making a zone costs a millisecond and there are few places.
private final class WindowBook: Sendable {
  private let known = Mutex<[CallPlace: CallWindow]>([:])

  func find(_ place: CallPlace, _ make: () -> CallWindow) -> CallWindow {
    if let window = known.withLock({ $0[place] }) { return window }
    let window = make()
    known.withLock { $0[place] = window }
    return window
  }
}
