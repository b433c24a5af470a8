import Foundation
package import Histories

/// Corrections in the store. Each method is one transaction; saying a thing twice is saying it once.
extension CaseStore {
  /// Proposes a correction. The same title at the same instant by the same agent is the same one.
  package func propose(
    _ title: String, cause: String, owner: String, by actor: String, at now: Instant
  ) throws(OutreachError) -> Correction {
    // Alone, since numbers follow one another.
    try writing(alone: true) { db in
      let same = try db.row(
        StoreSQL.proposedAt,
        [SQLValue(now.microseconds), try SQLValue(actor), try SQLValue(title)])
      if let same { return try self.locked(try same.integer(0), db) }
      let number = try db.row(StoreSQL.nextCorrection)?.integer(0) ?? 1
      var correction = Correction(number: number, title: title, state: CorrectionState())
      try db.execute(
        StoreSQL.insertCorrection,
        [
          SQLValue(number), try SQLValue(title),
          try SQLValue(canonicalJSON(correction.state)),
        ])
      try Self.add(
        CorrectionAction(
          at: now, kind: .proposed, actor: actor, detail: ["cause": cause, "owner": owner]),
        to: &correction, db)
      return correction
    }
  }

  /// Links the newest case of each account, open or closed.
  /// - Throws: `missing` for an account without a case; nothing is linked then.
  package func link(
    _ number: Int64, accounts: [String], by actor: String, at now: Instant
  ) throws(OutreachError) -> Correction {
    try writing { db in
      var correction = try self.locked(number, db)
      for account in accounts {
        let cases = try Self.cases(of: account, db)
        if cases.contains(where: { correction.state.links.contains($0.number) }) { continue }
        guard let newest = cases.last else {
          throw OutreachError.missing("no case for account \(account): nothing was linked")
        }
        try Self.add(
          CorrectionAction(
            at: now, kind: .linked, actor: actor, detail: ["case": String(newest.number)]),
          to: &correction, db)
      }
      return correction
    }
  }

  /// Takes an account's cases off a correction again, and ends what was promised about it.
  package func unlink(
    _ number: Int64, account: String, because: String, by actor: String, at now: Instant
  ) throws(OutreachError) -> Correction {
    try writing { db in
      var correction = try self.locked(number, db)
      let linked = try Self.cases(of: account, db).map(\.number).filter {
        correction.state.links.contains($0)
      }
      if linked.isEmpty {
        throw OutreachError.missing("account \(account) is not linked to correction \(number)")
      }
      for one in linked {
        try Self.add(
          CorrectionAction(
            at: now, kind: .unlinked, actor: actor, detail: ["case": String(one)],
            because: because), to: &correction, db)
        try db.execute(
          StoreSQL.endUpdates, [SQLValue(now.microseconds), SQLValue(one), SQLValue(number)])
      }
      return correction
    }
  }

  /// What a move did.
  package struct Moved: Sendable, Equatable {
    package var correction: Correction
    /// Customers who are to be told, each as often as they asked for.
    package var updates: Int
    package var votes: Votes
  }

  /// Moves a correction: forward one stage at a time with enough evidence, or elsewhere for a reason.
  /// Each linked customer is then to be told, but those who want no word of it (`none`, declined, on
  /// hold, `refused`), or are told already.
  /// - Throws: `refused` with what is missing.
  package func move(
    _ number: Int64, to stage: CorrectionState.Stage, because: String? = nil,
    by actor: String, at now: Instant, practice: Practice,
    refused: (String) -> Bool = { _ in false }
  ) throws(OutreachError) -> Moved {
    try writing { db in
      var correction = try self.locked(number, db)
      let votes = try Self.votes(correction.state, db)
      if correction.state.stage == stage {
        return Moved(correction: correction, updates: 0, votes: votes)
      }
      let linked = try Self.linkedCases(correction.state, db)
      let accounts = Set(linked.map { AccountKey($0.account) }).count
      if let why = practice.refusal(
        of: stage, for: correction.state, accounts: accounts, votes: votes, because: because)
      {
        throw OutreachError.refused(why)
      }
      try Self.add(
        CorrectionAction(
          at: now, kind: .moved, actor: actor, detail: ["stage": stage.rawValue],
          because: because), to: &correction, db)
      var updates = 0
      // By the newest linked case of each account, in the order of their numbers.
      var seen: Set<AccountKey> = []
      let newest = linked.reversed().filter { seen.insert(AccountKey($0.account)).inserted }
      for one in newest.reversed() {
        guard one.wantsUpdates, try !Self.isHeldBack(one.account, at: now, db),
          !refused(one.account),
          try db.row(
            StoreSQL.hasUpdate, [try SQLValue(one.account), SQLValue(number)])?.int(0) == 0
        else { continue }
        let agent = try db.row(
          StoreSQL.lastAgent, [SQLValue(one.number), .text(Action.run)])?.text(0)
        try Self.insert(
          NewPromise(
            kind: .update, due: practice.dueIn(practice.updateDays(of: one), after: now)),
          on: one.number, of: number, by: agent ?? correction.state.owner, at: now, db)
        updates += 1
      }
      return Moved(correction: correction, updates: updates, votes: votes)
    }
  }

  /// Records what a former detractor thinks of a correction. Only of those who agreed to advise or to
  /// take part in pilots, while it is proposed or in its pilot.
  package func vote(
    _ number: Int64, account: String, isFor: Bool, by actor: String, at now: Instant
  ) throws(OutreachError) -> Correction {
    try writing { db in
      var correction = try self.locked(number, db)
      guard correction.state.stage == .proposed || correction.state.stage == .pilot else {
        throw OutreachError.refused(
          "correction \(number) is \(correction.state.stage.rawValue): votes are for what is proposed "
            + "or in its pilot")
      }
      guard let known = try Self.voter(account, db) else {
        throw OutreachError.refused(
          "account \(account) has not agreed to advise or to take part in pilots: ask, and record it "
            + "(`tacit queue consent \(account) advise`)")
      }
      // One vote an account, whichever of its cases it agreed on.
      let cases = Set(try Self.cases(of: account, db).map(\.number))
      let before = correction.state.votes.first { cases.contains($0.caseNumber) }
      if before?.isFor == isFor { return correction }
      try Self.add(
        CorrectionAction(
          at: now, kind: .voted, actor: actor,
          detail: [
            "case": String(before?.caseNumber ?? known), "vote": isFor ? "yes" : "no",
          ]), to: &correction, db)
      return correction
    }
  }

  // MARK: - Inside a transaction

  static func add(
    _ action: CorrectionAction, to correction: inout Correction, _ db: any StoreConnection
  ) throws {
    var action = action
    let last = try db.row(StoreSQL.lastCorrectionAction, [SQLValue(correction.number)])
    action.correction = correction.number
    action.number = try (last?.int(0) ?? 0) + 1
    try correction.state.apply(action)
    action.hash = action.chained(after: try last?.text(1) ?? "")
    try db.execute(StoreSQL.insertCorrectionAction, try action.values())
    if let because = action.because {
      try db.execute(
        StoreSQL.insertCorrectionNote,
        [SQLValue(action.correction), SQLValue(action.number), try SQLValue(because)])
    }
    try db.execute(
      StoreSQL.setCorrection,
      [try SQLValue(canonicalJSON(correction.state)), SQLValue(correction.number)])
  }

  private func locked(_ number: Int64, _ db: any StoreConnection) throws -> Correction {
    let sql = StoreSQL.correction + database.dialect.forUpdate
    guard let row = try db.row(sql, [SQLValue(number)]) else { throw Self.noCorrection(number) }
    return try Correction(row)
  }

  static func noCorrection(_ number: Int64) -> OutreachError {
    .missing("no correction has the number \(number): `tacit corrections list` shows them")
  }

  /// By number, erased ones apart.
  static func cases(of account: String, _ db: any StoreConnection) throws -> [Case] {
    try db.rows(StoreSQL.standingCasesOf, [try SQLValue(account)]).map(Case.init)
  }

  /// The case on which an account agreed to advise or to take part in pilots; nil where it did not.
  static func voter(_ account: String, _ db: any StoreConnection) throws -> Int64? {
    for row in try db.rows(StoreSQL.takingPart, [try SQLValue(account)]) {
      guard let kind = Participation(rawValue: try row.text(1)) else { throw SQLRow.damaged }
      if kind == .advise || kind == .pilot { return try row.integer(0) }
    }
    return nil
  }
}
