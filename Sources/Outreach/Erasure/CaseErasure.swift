import Detraction
package import Histories

/// Taking a person out of the store.
///
/// What is deleted: notes, holds, posts not yet delivered, decisions, and of each case who it was, what
/// was said, the score with its reasons, money and segment. What stays: that there was a case, in which
/// queue, what agents did and when, and that the lot drew somebody of a band on a night, all under
/// a number that hangs on nothing of the person. The log's chain of hashes has no account in it, so
/// that it still holds.
extension CaseStore {
  /// What the store knows of an account, or what of it went.
  package struct Erased: Sendable, Equatable, Encodable {
    package var cases = 0
    /// Of them, those that were open and closed as erased.
    package var open = 0
    package var decisions = 0
    package var enrolments = 0
    package var holds = 0
    /// Cases of others that named the account among the known detractors near to them.
    package var exemplars = 0

    package init() {}
    package var isNothing: Bool { self == Erased() }

    mutating func add(_ other: Erased) {
      cases += other.cases
      open += other.open
      decisions += other.decisions
      enrolments += other.enrolments
      holds += other.holds
      exemplars += other.exemplars
    }
  }

  /// What `erase` would take out. O(store).
  package func known(of accounts: [String]) throws(OutreachError) -> Erased {
    try reading { db in
      var known = Erased()
      for account in accounts { known.add(try Self.known(account, db)) }
      known.exemplars = try Self.likened(to: accounts, db).count
      return known
    }
  }

  /// Takes accounts out of the store, in one transaction. Open cases close as erased, which webhooks are
  /// told under the account's new name. A second time it changes nothing.
  package func erase(
    _ accounts: [String], by actor: String, at now: Instant, webhooks: [String] = []
  ) throws(OutreachError) -> Erased {
    try writing(alone: true) { db in
      var erased = Erased()
      for account in accounts {
        let known = try Self.known(account, db)
        if known.isNothing { continue }
        erased.add(known)
        try self.erase(account, known, actor, now, webhooks, db)
      }
      for (number, others) in try Self.likened(to: accounts, db) {
        try db.execute(
          StoreSQL.setExemplars, [try SQLValue(canonicalJSON(others)), SQLValue(number)])
        erased.exemplars += 1
      }
      return erased
    }
  }

  /// Takes the bytes of what was erased out of the database's files. O(store).
  package func forget() throws(OutreachError) {
    do { try database.forget() } catch {
      throw error as? OutreachError ?? SQLRow.damaged
    }
  }

  /// The score file of a run has fewer rows now, and another name and digest. Done twice it changes
  /// nothing. Whether a run had the file.
  package func moveScores(
    from path: String, to newPath: String, sha256: String, rows: Int
  ) throws(OutreachError) -> Bool {
    try writing(alone: true) {
      try $0.execute(
        StoreSQL.moveScores,
        [SQLValue(rows), try SQLValue(newPath), try SQLValue(sha256), try SQLValue(path)]) > 0
    }
  }

  // MARK: - Inside a transaction

  private func erase(
    _ account: String, _ known: Erased, _ actor: String, _ now: Instant, _ webhooks: [String],
    _ db: any StoreConnection
  ) throws {
    let number = try db.row(StoreSQL.nextErasure)?.integer(0) ?? 1
    let name = try SQLValue("[erased \(number)]")
    try Self.eraseAfterwards(account, at: now, db)
    let account = try SQLValue(account)
    for row in try db.rows(StoreSQL.casesOf + database.dialect.forUpdate, [account]) {
      var one = try Case(row)
      let id = SQLValue(one.number)
      try db.execute(StoreSQL.erasePosts, [id])
      if one.isOpen {
        try Self.add(
          Action(
            at: now, kind: .closed, actor: Action.run,
            detail: ["outcome": Action.Outcome.erased.rawValue]), to: &one, db, webhooks)
      }
      try db.execute(StoreSQL.eraseNotes, [id])
      try db.execute(StoreSQL.eraseSnippets, [id])
      try db.execute(StoreSQL.eraseCase, [name, SQLValue(now.microseconds), id])
    }
    try db.execute(StoreSQL.eraseHolds, [account])
    try db.execute(StoreSQL.eraseDecisions, [account])
    try db.execute(StoreSQL.eraseEnrolments, [name, account])
    try db.execute(
      StoreSQL.insertErasure,
      [
        SQLValue(number), SQLValue(now.microseconds), try SQLValue(actor), SQLValue(known.cases),
        SQLValue(known.decisions), SQLValue(known.enrolments),
      ])
  }

  private static func known(_ account: String, _ db: any StoreConnection) throws -> Erased {
    let account = try SQLValue(account)
    var known = Erased()
    let cases = try db.rows(StoreSQL.casesOf, [account]).map(Case.init)
    known.cases = cases.count
    known.open = cases.count { $0.isOpen }
    if let row = try db.row(StoreSQL.knownAs, [account, account, account]) {
      known.decisions = try row.int(0)
      known.enrolments = try row.int(1)
      known.holds = try row.int(2)
    }
    return known
  }

  /// Cases that name one of the accounts among their exemplars, with those that stay.
  private static func likened(
    to accounts: [String], _ db: any StoreConnection
  ) throws -> [(number: Int64, others: [Exemplar])] {
    let gone = Set(accounts.map { AccountKey($0) })
    return try db.rows(StoreSQL.exemplars).compactMap { row in
      let exemplars: [Exemplar] = try decoded(try row.text(1))
      let others = exemplars.filter { !gone.contains(AccountKey($0.account)) }
      return others.count == exemplars.count ? nil : (try row.integer(0), others)
    }
  }
}
