import Detraction
package import Histories

/// How well the team keeps what it promises, as of an instant: by queue, by owner, by outcome.
///
/// The team's time is business time, in which a case that waits for the customer stands still; the
/// customer's is wall time. What happened after the instant is not counted; who holds a case, and whether
/// it waits, is as the store has it.
package struct ServiceReport: Sendable {
  /// How many kept a promise, of those of which it can be said.
  package struct Kept: Sendable, Equatable, Encodable {
    package var kept = 0
    package var of = 0

    package init(kept: Int = 0, of: Int = 0) {
      self.kept = kept
      self.of = of
    }

    mutating func add(_ inTime: Bool?) {
      guard let inTime else { return }
      of += 1
      if inTime { kept += 1 }
    }
  }

  package struct QueueLine: Sendable, Encodable {
    package var queue: String
    package var open = 0
    package var unclaimed = 0
    /// The next move is the customer's.
    package var waiting = 0
    package var overdue = 0
    package var escalated = 0
    /// Beyond a promise, and not yet escalated for it: what `tacit queue escalate` would do.
    package var escalationsDue = 0
    /// Of the cases opened in the last `recentDays`.
    package var acknowledged = Kept()
    package var closed = Kept()
    /// Open cases by wall time: up to 1, 3, 7 days, longer.
    package var ageing = [0, 0, 0, 0]
    /// Hours of business time that open cases have run: the middle one and the oldest; nil without any.
    package var middleHours: Double?
    package var oldestHours: Double?
  }

  package struct OverdueLine: Sendable, Equatable, Encodable {
    package var queue: String
    /// Nil: nobody holds them.
    package var owner: String?
    package var cases: Int
    /// Those of them that were escalated.
    package var escalated = 0
    /// The earliest that one of them was due.
    package var since: Instant
  }

  package struct OutcomeLine: Sendable, Equatable, Encodable {
    package var outcome: Action.Outcome
    package var cases: Int
    /// Contacts and attempts.
    package var contacts: Int
  }

  /// Promises to customers with one agent, every one ever made in exactly one place.
  package struct PromiseLine: Sendable, Equatable, Encodable {
    package var owner: String
    package var kept = 0
    package var broken = 0
    package var open = 0
    package var ended = 0
  }

  /// A remedy as it was given: counted once a case.
  package struct RemedyLine: Sendable, Equatable, Encodable {
    package var remedy: String
    package var given = 0
    package var approvals = 0
    /// Of all of them; nil of one that the project has no more.
    package var cost: Double?
  }

  package struct Flow: Sendable, Hashable {
    package var queue: String
    package var name: String
  }

  /// Shares are of cases opened in so many days.
  package static let recentDays = 30

  package var now: Instant
  /// The project's queues in its order, then those it no longer has.
  package var queues: [QueueLine] = []
  /// By queue in that order, then the most first.
  package var overdue: [OverdueLine] = []
  /// In the order of `Action.Outcome`; those that occurred.
  package var outcomes: [OutcomeLine] = []
  /// Appointments kept by a contact within their time, of those that are over; and those to come.
  package var appointments = Kept()
  package var appointmentsToCome = 0
  /// By owner, and by name; those that occurred, in the order of bytes.
  package var promises: [PromiseLine] = []
  package var remedies: [RemedyLine] = []
  /// Cases ever opened by queue and form, open now by both, and closed by queue and outcome.
  package var opened: [Flow: Int] = [:]
  package var openNow: [Flow: Int] = [:]
  package var closedBy: [Flow: Int] = [:]

  /// - Parameters:
  ///   - cases: all of the store, their actions, and what was promised.
  /// - Complexity: O(cases × days they ran + actions).
  package init(
    _ cases: [Case], _ actions: [Action], promises: [Promise] = [], settings: OutreachSettings,
    now: Instant
  ) {
    self.now = now
    let cases = cases.filter { $0.openedAt <= now && $0.asOf <= now }
    let named = settings.queues.map(\.name)
    let names = named + Set(cases.map(\.queue)).subtracting(named).sorted()
    let recent = now.adding(days: -Self.recentDays)
    var late: [Flow: (cases: Int, escalated: Int, since: Instant)] = [:]
    for name in names {
      var line = QueueLine(queue: name)
      var hours: [Double] = []
      for one in cases where one.queue == name {
        let clock = ServiceClock(one, calendar: settings.calendar)
        opened[Flow(queue: name, name: one.form.rawValue), default: 0] += 1
        if one.openedAt >= recent {
          // What a run ended in time was no work of the team's.
          let ended = one.state.acknowledgedAt == nil && one.state.outcome?.isOfRun == true
          let acknowledged = clock.acknowledgedInTime(at: now)
          if !(ended && acknowledged == true) { line.acknowledged.add(acknowledged) }
          let closed = clock.closedInTime(at: now)
          if !(ended && closed == true) { line.closed.add(closed) }
        }
        if let closedAt = one.state.closedAt, closedAt <= now {
          closedBy[Flow(queue: name, name: one.state.outcome?.rawValue ?? ""), default: 0] += 1
          continue
        }
        openNow[Flow(queue: name, name: one.form.rawValue), default: 0] += 1
        line.open += 1
        if one.state.owner == nil { line.unclaimed += 1 }
        if one.state.waitingSince != nil { line.waiting += 1 }
        let escalation = clock.escalation(at: now)
        if escalation > .none {
          line.overdue += 1
          let since =
            (escalation == .notClosed ? clock.closeBy : clock.acknowledgeBy) ?? one.due
          let key = Flow(queue: name, name: one.state.owner ?? "")
          let before = late[key] ?? (0, 0, since)
          late[key] = (
            before.cases + 1, before.escalated + (one.state.escalation > 0 ? 1 : 0),
            min(before.since, since)
          )
        }
        if one.state.escalation > 0 { line.escalated += 1 }
        if one.escalationDue(at: now, settings.calendar) != nil { line.escalationsDue += 1 }
        let age = clock.customerAge(at: now)
        line.ageing[age <= .days(1) ? 0 : age <= .days(3) ? 1 : age <= .days(7) ? 2 : 3] += 1
        hours.append(clock.teamAge(at: now) / .seconds(3600))
      }
      hours.sort()
      line.middleHours = hours.isEmpty ? nil : hours[hours.count / 2]
      line.oldestHours = hours.last
      queues.append(line)
    }
    for name in names {
      overdue += late.filter { $0.key.queue == name }.map {
        OverdueLine(
          queue: name, owner: $0.key.name.isEmpty ? nil : $0.key.name, cases: $0.value.cases,
          escalated: $0.value.escalated, since: $0.value.since)
      }.sorted { ($1.cases, $0.owner ?? "") < ($0.cases, $1.owner ?? "") }
    }
    let done = cases.filter { ($0.state.closedAt ?? Instant(microseconds: .max)) <= now }
    for outcome in Action.Outcome.allCases {
      let own = done.filter { $0.state.outcome == outcome }
      if own.isEmpty { continue }
      outcomes.append(
        OutcomeLine(
          outcome: outcome, cases: own.count,
          contacts: own.reduce(0) { $0 + $1.state.touches }))
    }
    countAppointments(actions)
    countPromises(promises)
    countRemedies(actions, settings.practice)
  }

  private mutating func countPromises(_ promises: [Promise]) {
    var lines: [AccountKey: PromiseLine] = [:]
    for one in promises where one.madeAt <= now {
      let key = AccountKey(one.owner)
      var line = lines[key] ?? PromiseLine(owner: one.owner)
      switch one.state(at: now) {
      case .kept: line.kept += 1
      case .broken: line.broken += 1
      case .open: line.open += 1
      case .ended: line.ended += 1
      }
      lines[key] = line
    }
    self.promises = lines.values.sorted {
      $0.owner.utf8.lexicographicallyPrecedes($1.owner.utf8)
    }
  }

  private mutating func countRemedies(_ actions: [Action], _ practice: Practice) {
    var given: [AccountKey: Set<Int64>] = [:]
    var approved: [AccountKey: Set<Int64>] = [:]
    for action in actions where action.at <= now {
      guard let name = action.detail[StepField.remedy.rawValue] else { continue }
      if action.kind == .step { given[AccountKey(name), default: []].insert(action.caseNumber) }
      if action.kind == .approved {
        approved[AccountKey(name), default: []].insert(action.caseNumber)
      }
    }
    let names = Set(given.keys).union(approved.keys).map(\.id).sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
    remedies = names.map { name in
      let many = given[AccountKey(name)]?.count ?? 0
      return RemedyLine(
        remedy: name, given: many, approvals: approved[AccountKey(name)]?.count ?? 0,
        cost: practice.remedy(named: name).map { Double(many) * $0.cost })
    }
  }

  /// An appointment is kept by a contact or an attempt within its time. One that was moved, or whose case
  /// closed, before it began is none.
  private mutating func countAppointments(_ actions: [Action]) {
    var log: [Int64: [Action]] = [:]
    for action in actions where action.at <= now {
      log[action.caseNumber, default: []].append(action)
    }
    for number in log.keys.sorted() {
      let own = log[number] ?? []
      for (place, action) in own.enumerated() where action.kind == .appointed {
        let ends = ["from", "to"].map { key in
          action.detail[key].flatMap { Instant(iso8601: Array($0.utf8)[...], zone: nil) }
        }
        guard let from = ends[0], let to = ends[1] else { continue }
        let later = own[(place + 1)...]
        if later.contains(where: { ($0.kind == .appointed || $0.kind == .closed) && $0.at < from })
        {
          continue
        }
        let isKept = later.contains { $0.kind.isTouch && $0.at >= from && $0.at <= to }
        if isKept || to < now {
          appointments.add(isKept)
        } else {
          appointmentsToCome += 1
        }
      }
    }
  }
}

extension ServiceClock {
  /// The clocks of a case, by what was promised when it opened: moving it on changes no promise.
  package init(_ one: Case, calendar: BusinessCalendar) {
    self.init(
      calendar: calendar, opened: one.openedAt, due: one.due, closeDue: one.closeDue,
      acknowledged: one.state.acknowledgedAt, closed: one.state.closedAt,
      waits: Waits(
        over: one.state.pauses.filter { $0.from < $0.to }.map { $0.from..<$0.to },
        since: one.state.waitingSince))
  }
}

extension Action.Outcome {
  /// Whether a run ends cases with it, not the team.
  var isOfRun: Bool {
    switch self {
    case .overtaken, .cancelled, .erased, .handedOver: true
    case .resolved, .nothingWrong, .unreached, .declined, .lost, .partedWell, .unresolved: false
    }
  }
}

extension Duration {
  fileprivate static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}
