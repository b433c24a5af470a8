package import Histories

/// What is no longer needed leaves the store by age. Runs, cases, the log of the work, enrolments and
/// experiments stay: cooling down, the effect of contact, the level and training read them.
extension CaseStore {
  /// How much is, or was, too old.
  package struct Expired: Sendable, Equatable, Encodable {
    package var decisions = 0
    package var posts = 0
    /// Closed cases that still have notes, a person, or what was said.
    package var cases = 0

    package init() {}
  }

  /// What `expire` would remove.
  package func expiring(
    by rule: RetentionRule, asOf: Instant
  ) throws(OutreachError) -> Expired {
    try reading { db in
      var expiring = Expired()
      for row in try db.rows(StoreSQL.oldDecisions, [Self.limit(rule.decisionsDays, asOf)]) {
        expiring.decisions += try row.int(1)
      }
      expiring.posts =
        try db.row(StoreSQL.countOldPosts, [Self.limit(rule.deliveredDays, asOf)])?.int(0) ?? 0
      expiring.cases =
        try db.row(StoreSQL.countOldCases, [Self.limit(rule.closedCaseDays, asOf)])?.int(0) ?? 0
      return expiring
    }
  }

  /// Removes what is too old as of a date, in transactions of a night's decisions, 1000 posts or 500 cases,
  /// so that agents wait for none of them long. Stopped half-way, the next one goes on.
  package func expire(by rule: RetentionRule, asOf: Instant) throws(OutreachError) -> Expired {
    var expired = Expired()
    let nights = try reading {
      try $0.rows(StoreSQL.oldDecisions, [Self.limit(rule.decisionsDays, asOf)]).map(\.values[0])
    }
    for night in nights {
      expired.decisions += try writing { try $0.execute(StoreSQL.expireDecisions, [night]) }
    }
    expired.posts = try inBatches { db in
      let rows = try db.rows(StoreSQL.oldestPosts, [Self.limit(rule.deliveredDays, asOf)])
      for row in rows { try db.execute(StoreSQL.expirePost, row.values) }
      return rows.count
    }
    expired.cases = try inBatches { db in
      let rows = try db.rows(StoreSQL.oldestCases, [Self.limit(rule.closedCaseDays, asOf)])
      for row in rows {
        try db.execute(StoreSQL.eraseNotes, row.values)
        try db.execute(StoreSQL.expirePromiseNotes, row.values)
        try db.execute(StoreSQL.expireCase, row.values)
      }
      return rows.count
    }
    return expired
  }

  private func inBatches(
    _ body: (any StoreConnection) throws -> Int
  ) throws(OutreachError) -> Int {
    var total = 0
    while true {
      let count = try writing(body)
      if count == 0 { return total }
      total += count
    }
  }

  private static func limit(_ days: Int, _ asOf: Instant) -> SQLValue {
    SQLValue(asOf.adding(days: -days).microseconds)
  }
}
