import Detraction
import Foundation
package import Histories

/// What people do with cases. Each method is one transaction: the action's entry in the log, the state
/// that follows from it, and the posts that tell of it.
extension CaseStore {
  /// Which case is meant.
  package enum CaseName: Sendable {
    case number(Int64)
    /// The open case of an account.
    case account(String)
  }

  /// Takes the next case: one that was given to the agent, else nobody's, or one whose lease has ended,
  /// soonest due first; of one queue where it is named. Nil where there is none. Two who ask at once get two cases.
  ///
  /// A customer who may not be called now is passed over and stays as they are. Where the first in
  /// line may be, that is one statement; else O(those passed over), read in growing pages.
  /// - Parameter refused: whether an account must not be contacted after all; such a case closes as
  ///   declined, as one does whose people all refuse, and the next is taken.
  package func claim(
    by agent: String, queue: String? = nil, at now: Instant, until: Instant,
    webhooks: [String] = [], reach: Reach = Reach(), refused: (String) -> Bool = { _ in false }
  ) throws(OutreachError) -> Case? {
    try writing { db in
      let suffix = self.database.dialect.skippingClaimed
      /// Nil where the case is not for now; it was closed if nobody may be contacted at all.
      func take(_ row: SQLRow) throws -> Case? {
        var open = try Case(row)
        let mayContact = reach.leaveOut(&open)
        if try !mayContact || Self.isHeldBack(open.account, at: now, db) || refused(open.account) {
          try Self.add(
            Action(
              at: now, kind: .closed, actor: Action.run,
              detail: ["outcome": Action.Outcome.declined.rawValue]), to: &open, db, webhooks)
          return nil
        }
        guard reach.calls?.mayCall(open, at: now) ?? true else { return nil }
        try Self.claim(&open, agent, now, until, db, webhooks)
        return open
      }
      for assigned in try db.rows(StoreSQL.assigned, [try SQLValue(agent)]) {
        let place = try assigned.text(1)
        guard queue.map({ $0.utf8.elementsEqual(place.utf8) }) ?? true,
          let row = try db.row(
            StoreSQL.caseNumbered + suffix, [SQLValue(try assigned.integer(0))]),
          case let one = try Case(row), one.isOpen, one.state.leaseUntil == nil,
          one.state.owner.map({ $0.utf8.elementsEqual(agent.utf8) }) == true
        else { continue }
        if let taken = try take(row) { return taken }
      }
      guard let first = try Self.firstClaimable(queue, now, suffix, db) else { return nil }
      if let taken = try take(first) { return taken }
      let line = WaitingLine(db, queue: queue, at: now, after: try WaitingLine.Place(first))
      while let waiting = try line.next() {
        guard reach.calls?.mayCall(waiting, at: now) ?? true,
          let row = try db.row(
            StoreSQL.claimNumbered + suffix,
            [SQLValue(now.microseconds), SQLValue(waiting.number)])
        else { continue }
        if let taken = try take(row) { return taken }
      }
      return nil
    }
  }

  /// When the first of those who wait to be claimed may be called; nil where nobody waits, or none of
  /// them may be called within a year. O(those who wait).
  package func nextCall(
    queue: String? = nil, at now: Instant, reach: Reach
  ) throws(OutreachError) -> Instant? {
    guard let calls = reach.calls else { return nil }
    return try reading { db in
      let line = WaitingLine(db, queue: queue, at: now, after: .first)
      var soonest: Instant?
      // Most share their hours with others.
      var met: [[CallPlace]: Instant?] = [:]
      while var waiting = try line.next() {
        guard reach.leaveOut(&waiting) else { continue }
        let isUsual = calls.binds(waiting) && waiting.state.appointment == nil
        let next: Instant?
        if isUsual, let known = met[waiting.callPlaces] {
          next = known
        } else {
          next = calls.nextCall(waiting, at: now)
          if isUsual { met[waiting.callPlaces] = .some(next) }
        }
        if let next { soonest = min(soonest ?? next, next) }
      }
      return soonest
    }
  }

  /// Takes one case by name, whether or not the customer may be called now.
  package func claim(
    _ name: CaseName, by agent: String, at now: Instant, until: Instant, webhooks: [String] = [],
    reach: Reach = Reach(), refused: (String) -> Bool = { _ in false }
  ) throws(OutreachError) -> Case {
    try writing { db in
      var open = try self.locked(name, db)
      let mayContact = reach.leaveOut(&open)
      if try !mayContact || Self.isHeldBack(open.account, at: now, db) || refused(open.account) {
        throw OutreachError.refused(
          "the account is not to be contacted, or is on hold: the case is left as it is")
      }
      try Self.claim(&open, agent, now, until, db, webhooks)
      return open
    }
  }

  /// Adds one action to a case. An action of the same kind, detail, instant and actor that stands there
  /// already is not added again: saying a thing twice is saying it once.
  /// - Parameters:
  ///   - practice: by whose rules the action is refused where it comes out of order; nil for work
  ///     that was done elsewhere.
  ///   - reach: nil to add it whomever it names and whenever it was.
  package func act(
    _ name: CaseName, _ action: Action, by practice: Practice? = nil, webhooks: [String] = [],
    reach: Reach? = nil
  ) throws(OutreachError) -> Case {
    try writing { db in
      var open = try self.locked(name, db)
      let before = try db.rows(StoreSQL.actionsOf, [SQLValue(open.number)]).map(Action.init)
      let isThere = before.contains {
        $0.kind == action.kind && $0.at == action.at && $0.actor == action.actor
          && $0.detail == action.detail && $0.note == action.note && $0.record == action.record
      }
      if !isThere {
        if open.isOpen, let practice {
          if let why = practice.refusal(of: action, on: open) { throw OutreachError.refused(why) }
          try Self.checkLimit(action, of: open, practice, db)
        }
        if open.isOpen { try reach?.check(action, open) }
        try Self.add(action, to: &open, db, webhooks)
        if let practice { try Self.makePromise(after: action, on: open, by: practice, db) }
      }
      _ = reach?.leaveOut(&open)
      return open
    }
  }

  /// The log of a case, or of all.
  package func actions(of number: Int64? = nil) throws(OutreachError) -> [Action] {
    try reading { db in
      let rows =
        if let number { try db.rows(StoreSQL.actionsOf, [SQLValue(number)]) } else {
          try db.rows(StoreSQL.everyAction)
        }
      return try rows.map(Action.init)
    }
  }

  /// Checks every case's log: its chain of hashes, and that the state which is kept follows from it.
  /// What is wrong comes back as the numbers of cases.
  package func damagedCases() throws(OutreachError) -> [Int64] {
    try reading { db in
      let cases = try db.rows(StoreSQL.everyCase).map(Case.init)
      let actions = try db.rows(StoreSQL.everyAction).map(Action.init)
      let logs = Dictionary(grouping: actions, by: \.caseNumber)
      return cases.filter { one in
        var state = CaseState()
        var hash = ""
        for (place, action) in (logs[one.number] ?? []).enumerated() {
          hash = action.chained(after: hash)
          guard action.number == place + 1, hash == action.hash,
            (try? state.apply(action)) != nil
          else { return true }
        }
        return state != one.state || logs[one.number] == nil
      }.map(\.number)
    }
  }

  // MARK: - Holds

  /// Leaves an account alone: what was promised to it ends.
  package func hold(_ hold: Hold, by actor: String) throws(OutreachError) {
    _ = try writing { db in
      try db.execute(
        StoreSQL.hold,
        [
          try SQLValue(hold.account), .text(hold.kind.rawValue),
          SQLValue(hold.since.microseconds), SQLValue(hold.until?.microseconds),
          try SQLValue(actor),
        ])
      try Self.endPromises(ofAccount: hold.account, at: hold.since, db)
    }
  }

  /// Whether there was such a hold.
  package func lift(_ kind: Hold.Kind, of account: String) throws(OutreachError) -> Bool {
    try writing { db in
      try db.execute(StoreSQL.unhold, [try SQLValue(account), .text(kind.rawValue)]) > 0
    }
  }

  // MARK: - Inside a transaction

  /// How often a remedy may be given to one account.
  private static func checkLimit(
    _ action: Action, of open: Case, _ practice: Practice, _ db: any StoreConnection
  ) throws {
    let field = StepField.remedy.rawValue
    guard action.kind == .step, let name = action.detail[field],
      let limit = practice.remedy(named: name)?.yearlyLimit
    else { return }
    let given = try db.rows(
      StoreSQL.stepsOfAccount,
      [try SQLValue(open.account), SQLValue(action.at.adding(days: -365).microseconds)]
    ).count { row in
      let detail: [String: String] = try decoded(try row.text(0))
      return detail[field] == name
    }
    if given >= limit {
      throw OutreachError.refused(
        "\(name) was given to this account \(given) time\(given == 1 ? "" : "s") within a year, "
          + "and its yearly_limit is \(limit): offer another")
    }
  }

  private static func firstClaimable(
    _ queue: String?, _ now: Instant, _ suffix: String, _ db: any StoreConnection
  ) throws -> SQLRow? {
    guard let queue else {
      return try db.row(StoreSQL.claimAny + suffix, [SQLValue(now.microseconds)])
    }
    return try db.row(
      StoreSQL.claimFromQueue + suffix, [SQLValue(now.microseconds), try SQLValue(queue)])
  }

  private static func claim(
    _ open: inout Case, _ agent: String, _ now: Instant, _ until: Instant,
    _ db: any StoreConnection, _ webhooks: [String]
  ) throws {
    try add(
      Action(at: now, kind: .claimed, actor: agent, detail: ["until": until.description]),
      to: &open, db, webhooks)
  }

  private func locked(_ name: CaseName, _ db: any StoreConnection) throws -> Case {
    let suffix = database.dialect.forUpdate
    switch name {
    case .number(let number):
      guard let row = try db.row(StoreSQL.caseNumbered + suffix, [SQLValue(number)]) else {
        throw OutreachError.missing("no case has the number \(number)")
      }
      return try Case(row)
    case .account(let account):
      guard !account.utf8.contains(0),
        let row = try db.row(StoreSQL.openCase + suffix, [.text(account)])
      else { throw OutreachError.missing("no open case for account \(account)") }
      return try Case(row)
    }
  }

  static func isHeldBack(
    _ account: String, at now: Instant, _ db: any StoreConnection
  ) throws -> Bool {
    try db.rows(StoreSQL.holdsOf, [.text(account)]).contains { row in
      guard let kind = Hold.Kind(rawValue: try row.text(1)), kind != .complaint
      else { return false }
      return Hold(
        account: account, kind: kind, since: Instant(microseconds: try row.integer(2)),
        until: try row.optionalInteger(3).map { Instant(microseconds: $0) }
      ).holds(at: now)
    }
  }
}
