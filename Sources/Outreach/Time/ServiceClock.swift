package import Histories

/// The spans in which a case waits for the customer, and the team's clock stands still.
package struct Waits: Sendable, Equatable {
  /// The waits that are over.
  package private(set) var over: [Range<Instant>]
  /// When the wait that is not over began.
  package private(set) var since: Instant?

  package init(over: [Range<Instant>] = [], since: Instant? = nil) {
    self.over = over
    self.since = since
  }

  /// The case begins to wait; nothing when it does already.
  package mutating func pause(at instant: Instant) {
    if since == nil { since = instant }
  }

  /// The wait is over; nothing when there is none.
  package mutating func resume(at instant: Instant) {
    guard let begun = since else { return }
    if begun < instant { over.append(begun..<instant) }
    since = nil
  }
}

/// What a queue promises about each of its cases.
package struct ServiceLevel: Sendable, Equatable {
  /// By the end of which business day after the opening somebody has taken it up (≥ 1).
  package var acknowledgeBusinessDays: Int
  /// By the end of which one it is closed; nil when nothing is promised.
  package var closeBusinessDays: Int?

  package init(acknowledgeBusinessDays: Int = 1, closeBusinessDays: Int? = nil) {
    self.acknowledgeBusinessDays = acknowledgeBusinessDays
    self.closeBusinessDays = closeBusinessDays
  }
}

/// How far a case has gone beyond what was promised.
package enum Escalation: Int, Sendable, Codable, Comparable, CaseIterable {
  case none = 0
  case notAcknowledged = 1
  case notClosed = 2

  package static func < (left: Escalation, right: Escalation) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The clocks of one case: the team's, which runs in business time and stands while the case waits
/// for the customer, and the customer's own, which never stands.
///
/// Everything is a pure function of what happened. Asked about a past instant, it says what was so
/// then: what came later changes nothing of it.
package struct ServiceClock: Sendable {
  package let calendar: BusinessCalendar
  package let opened: Instant
  /// By when it was promised to be taken up, and closed (nil: nothing is promised), waits apart.
  package let due: Instant
  package let closeDue: Instant?
  package let acknowledged: Instant?
  package let closed: Instant?
  package let waits: Waits

  /// A closed case that nobody acknowledged was acknowledged by closing it.
  package init(
    calendar: BusinessCalendar, opened: Instant, due: Instant, closeDue: Instant? = nil,
    acknowledged: Instant? = nil, closed: Instant? = nil, waits: Waits = Waits()
  ) {
    self.calendar = calendar
    self.opened = opened
    self.due = due
    self.closeDue = closeDue
    self.acknowledged = [acknowledged, closed].compactMap { $0 }.min()
    self.closed = closed
    self.waits = waits
  }

  /// The clocks of a case opened under a service level.
  package init(
    calendar: BusinessCalendar, level: ServiceLevel, opened: Instant,
    acknowledged: Instant? = nil, closed: Instant? = nil, waits: Waits = Waits()
  ) {
    self.init(
      calendar: calendar, opened: opened,
      due: calendar.due(opened: opened, businessDays: level.acknowledgeBusinessDays),
      closeDue: level.closeBusinessDays.map { calendar.due(opened: opened, businessDays: $0) },
      acknowledged: acknowledged, closed: closed, waits: waits)
  }

  /// The end of the last business day promised, moved on by the business time spent waiting before
  /// it; nil while a wait is not over that began before it.
  package var acknowledgeBy: Instant? { deadline(due) }

  /// The same for closing; nil also when nothing is promised.
  package var closeBy: Instant? { closeDue.flatMap(deadline) }

  /// Whether the promise was kept, as of `now`; nil while it can still be.
  package func acknowledgedInTime(at now: Instant) -> Bool? {
    Self.inTime(acknowledged, by: acknowledgeBy, at: now)
  }

  /// The same for closing; nil also when nothing is promised.
  package func closedInTime(at now: Instant) -> Bool? {
    closeDue == nil ? nil : Self.inTime(closed, by: closeBy, at: now)
  }

  /// The level an open case stands at: 2 when its closing is overdue, else 1 when it is still to be
  /// acknowledged and overdue, else 0. A closed case is at 0.
  package func escalation(at now: Instant) -> Escalation {
    if let closed, closed <= now { return .none }
    if closedInTime(at: now) == false { return .notClosed }
    if let acknowledged, acknowledged <= now { return .none }
    return acknowledgedInTime(at: now) == false ? .notAcknowledged : .none
  }

  /// Business time from opening to closing, or to `now` while it is open, waits left out.
  package func teamAge(at now: Instant) -> Duration {
    let end = min(now, closed ?? now)
    var spans = waits.over
    if let since = waits.since, since < end { spans.append(since..<end) }
    return calendar.pausing(TimeSpans(spans)).businessTime(from: opened, to: end)
  }

  /// Wall time from opening to closing, or to `now` while it is open.
  package func customerAge(at now: Instant) -> Duration {
    max(.zero, min(now, closed ?? now).time(since: opened))
  }

  /// Nil while the clock stands.
  private func deadline(_ due: Instant) -> Instant? {
    let promised = calendar.businessTime(from: opened, to: due)
    guard let moved = calendar.pausing(TimeSpans(waits.over)).adding(promised, to: opened) else {
      return nil
    }
    if let since = waits.since, since < moved { return nil }
    return moved
  }

  private static func inTime(_ done: Instant?, by deadline: Instant?, at now: Instant) -> Bool? {
    if let done, done <= now { return deadline.map { done <= $0 } ?? true }
    guard let deadline, deadline < now else { return nil }
    return false
  }
}
