package import Histories

/// Late cases: told, and given to whoever is named for them.
extension CaseStore {
  /// Escalates every open case that is late and was not escalated for it before; the cases as they
  /// are then, soonest due first. A second time it changes nothing. One transaction; it waits for agents
  /// at work on a case, one case at a time, and agents pass over a case that it holds.
  package func escalate(
    by rule: EscalationRule, at now: Instant, webhooks: [String] = []
  ) throws(OutreachError) -> [Case] {
    // Alone, as it looks first whether its work is done: a broken connection is made anew.
    try writing(alone: true) { try self.escalate(by: rule, at: now, webhooks: webhooks, $0) }
  }

  /// The open cases that `escalate` would escalate.
  package func toEscalate(
    by rule: EscalationRule, at now: Instant
  ) throws(OutreachError) -> [Case] {
    try reading { db in
      try Self.late(at: now, db).filter { !rule.actions(for: $0, at: now).isEmpty }
    }
  }

  /// How many cases a run escalated.
  package func escalated(asOf: Instant) throws(OutreachError) -> Int {
    try reading {
      try $0.row(
        StoreSQL.escalatedAt, [SQLValue(asOf.microseconds), .text(Action.run)])?.int(0) ?? 0
    }
  }

  func escalate(
    by rule: EscalationRule, at now: Instant, webhooks: [String], _ db: any StoreConnection
  ) throws -> [Case] {
    var escalated: [Case] = []
    for late in try Self.late(at: now, db) where !rule.actions(for: late, at: now).isEmpty {
      // As it is now: an agent may have been quicker.
      guard
        let row = try db.row(
          StoreSQL.caseNumbered + database.dialect.forUpdate, [SQLValue(late.number)])
      else { continue }
      var one = try Case(row)
      let actions = rule.actions(for: one, at: now)
      if actions.isEmpty { continue }
      for action in actions { try Self.add(action, to: &one, db, webhooks) }
      escalated.append(one)
    }
    return escalated
  }

  private static func late(at now: Instant, _ db: any StoreConnection) throws -> [Case] {
    let now = SQLValue(now.microseconds)
    return try db.rows(StoreSQL.dueCases, [now, now]).map(Case.init)
  }
}
