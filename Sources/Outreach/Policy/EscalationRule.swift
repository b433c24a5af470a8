package import Histories

/// `[escalation]`: to whom a case goes that nobody took up in time, and one that was not closed in time.
///
/// One rule for the house and not one a queue: a retention lead says once who hears of what is late. A
/// case that is late is escalated with or without the section; the section says where it goes.
package struct EscalationRule: Sendable, Equatable {
  package enum Target: Sendable, Equatable {
    case owner(String)
    case queue(String)
  }

  package var notAcknowledged: Target?
  package var notClosed: Target?
  package var calendar: BusinessCalendar
  /// Queues that no person works: their cases are escalated where they are.
  package var batchQueues: [String]

  package init(
    calendar: BusinessCalendar, notAcknowledged: Target? = nil, notClosed: Target? = nil,
    batchQueues: [String] = []
  ) {
    self.calendar = calendar
    self.notAcknowledged = notAcknowledged
    self.notClosed = notClosed
    self.batchQueues = batchQueues
  }

  init(_ table: ProjectTable?, calendar: BusinessCalendar, queues: [Queue]) {
    self.init(
      calendar: calendar, batchQueues: queues.filter { $0.mode == .batch }.map(\.name))
    guard let table else { return }
    table.allow(["not_acknowledged", "not_closed"])
    notAcknowledged = Self.target(table, "not_acknowledged", queues)
    notClosed = Self.target(table, "not_closed", queues)
    if notClosed != nil, queues.allSatisfy({ $0.closeBusinessDays == nil }) {
      table.report(
        "not_closed", "no queue promises when a case is closed: add close_business_days to one")
    }
  }

  private static func target(
    _ section: ProjectTable, _ key: String, _ queues: [Queue]
  ) -> Target? {
    guard section.value(key) != nil else { return nil }
    guard case .table = section.value(key), let table = section.table(key) else {
      section.report(key, "write `\(key)` = { owner = \"…\" } or { queue = \"…\" }")
      return nil
    }
    table.allow(["owner", "queue"])
    guard (table.value("owner") == nil) != (table.value("queue") == nil) else {
      section.report(key, "`\(key)` goes to an `owner` or to a `queue`, one of them")
      return nil
    }
    if table.value("owner") != nil {
      guard let owner = table.required("owner") else { return nil }
      if owner == Action.run {
        table.report("owner", "`owner` is \"\(owner)\", which is no person")
      }
      return .owner(owner)
    }
    guard let name = table.required("queue") else { return nil }
    guard let queue = queues.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      let nearest = nearestName(to: name, among: queues.map(\.name))
      table.report(
        "queue",
        "no queue is named `\(name)`" + (nearest.map { ": did you mean `\($0)`?" } ?? ""))
      return nil
    }
    if queue.mode == .batch { table.report("queue", "nobody works the batch queue `\(name)`") }
    return .queue(name)
  }

  /// What is added to a case's log now: nothing where it is not late, or was escalated for it before.
  ///
  /// What nobody took up in time goes to the target. What was not closed in time goes to the target as
  /// well, and its holder loses it, at work or not. Without a target the holder keeps the case, but for
  /// one whose time is over.
  func actions(for one: Case, at now: Instant) -> [Action] {
    guard let due = one.escalationDue(at: now, calendar) else { return [] }
    func action(_ kind: Action.Kind, _ detail: [String: String] = [:]) -> Action {
      Action(at: now, kind: kind, actor: Action.run, detail: detail)
    }
    let escalated = action(.escalated, ["level": "\(due.rawValue)"])
    let isBatch = batchQueues.contains { $0.utf8.elementsEqual(one.queue.utf8) }
    let lapsed = one.state.owner != nil && !one.state.isHeld(at: now)
    switch isBatch ? nil : due == .notClosed ? notClosed : notAcknowledged {
    case .owner(let owner):
      if one.state.owner == owner, !lapsed { return [escalated] }
      return [escalated, action(.reassigned, ["owner": owner])]
    case .queue(let queue):
      if one.state.owner == nil, one.queue.utf8.elementsEqual(queue.utf8) { return [escalated] }
      return [escalated, action(.reassigned, ["queue": queue])]
    case nil:
      return lapsed ? [escalated, action(.released)] : [escalated]
    }
  }
}

extension Case {
  /// The level to which the case is to be escalated now; nil where it is not late, or stands there
  /// already. One that somebody took up since is not escalated for having waited; one that waits
  /// for the customer is not late.
  package func escalationDue(at now: Instant, _ calendar: BusinessCalendar) -> Escalation? {
    guard isOpen else { return nil }
    let level = ServiceClock(self, calendar: calendar).escalation(at: now)
    if level == .notAcknowledged, state.acknowledgedAt != nil { return nil }
    return level.rawValue > state.escalation ? level : nil
  }
}
