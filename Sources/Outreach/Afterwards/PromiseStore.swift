import Foundation
package import Histories

/// Promises in the store: made, kept and ended by what is done on cases, and kept by hand.
extension CaseStore {
  /// Every promise made by an instant: soonest due first.
  package func promises(at now: Instant) throws(OutreachError) -> [Promise] {
    try reading { db in
      try db.rows(StoreSQL.promises).map(Promise.init).filter { $0.madeAt <= now }
    }
  }

  /// Says that a promise was kept, once: a second time is refused. A customer who is told how an open
  /// case goes is told again as often as they asked, so that the next such promise is made.
  /// - Throws: `missing` where there is no such promise, `refused` where it is kept or ended already.
  package func keepPromise(
    _ number: Int64, by actor: String, at now: Instant, note: String? = nil,
    practice: Practice
  ) throws(OutreachError) -> Promise {
    try writing { db in
      guard
        let row = try db.row(StoreSQL.promise, [SQLValue(number)])
      else { throw OutreachError.missing("no promise has the number \(number)") }
      let before = try Promise(row)
      if before.madeAt > now {
        throw OutreachError.refused("promise \(number) was made later than that")
      }
      let changed = try db.execute(
        StoreSQL.keepPromise,
        [
          SQLValue(now.microseconds), try SQLValue(actor), try SQLValue(note), SQLValue(number),
        ])
      guard let after = try db.row(StoreSQL.promise, [SQLValue(number)]).map(Promise.init) else {
        throw SQLRow.damaged
      }
      guard changed == 1 else {
        throw OutreachError.refused(
          after.keptAt == nil
            ? "promise \(number) has ended: nobody waits for it any more"
            : "promise \(number) is kept already, and is kept once")
      }
      if after.kind == .update, after.correction == nil,
        let one = try db.row(StoreSQL.caseNumbered, [SQLValue(after.caseNumber)]).map(Case.init),
        one.isOpen
      {
        let due = practice.dueIn(practice.updateDays(of: one), after: now)
        try Self.insert(
          NewPromise(kind: .update, due: due), on: one.number, of: nil, by: after.owner, at: now, db
        )
      }
      return after
    }
  }

  // MARK: - Inside a transaction

  /// Makes what an action promises. A newer promise of its kind takes the place of one that is open.
  static func makePromise(
    after action: Action, on one: Case, by practice: Practice, _ db: any StoreConnection
  ) throws {
    guard let new = practice.promise(by: action, on: one) else { return }
    if action.kind == .closed {
      let known = try db.row(StoreSQL.hasFollowUp, [SQLValue(one.number)])?.int(0) ?? 0
      if known > 0 { return }
    }
    if new.kind != .callback {
      try db.execute(
        StoreSQL.endPromises,
        [SQLValue(action.at.microseconds), SQLValue(one.number), .text(new.kind.rawValue)])
    }
    try insert(new, on: one.number, of: nil, by: action.actor, at: action.at, db)
  }

  /// Keeps and ends what an action settles.
  ///
  /// A contact in its time keeps a callback; the customer's word that it is resolved, and closing so,
  /// keeps what was promised. Closing ends what hangs on the case; as resolved it leaves the follow-up
  /// and what is told of corrections; where the customer wants no contact or is gone it ends everything of
  /// the account. A case that gives way to the customer's own voice leaves its promises standing.
  static func settlePromises(
    after action: Action, on one: Case, _ db: any StoreConnection
  ) throws {
    let at = SQLValue(action.at.microseconds)
    let number = SQLValue(one.number)
    func keepPromised() throws {
      try db.execute(StoreSQL.keepPromised, [at, try SQLValue(action.actor), number])
    }
    switch action.kind {
    case .attempted, .messageLeft, .reached, .messaged:
      try db.execute(
        StoreSQL.keepCallback, [at, try SQLValue(action.actor), number, at, at])
    case .appointed:
      try db.execute(StoreSQL.endCallback, [at, number, at])
    case .step:
      if action.detail["step"] == Step.validate.rawValue, one.state.steps?.agreed == true {
        try keepPromised()
      }
    case .closed:
      switch one.state.outcome {
      case .overtaken, nil: break
      case .resolved:
        try keepPromised()
        for kind in [Promise.Kind.callback, .update] {
          try db.execute(StoreSQL.endPromises, [at, number, .text(kind.rawValue)])
        }
      case .declined, .lost, .partedWell, .erased, .cancelled:
        try endPromises(ofAccount: one.account, at: action.at, db)
      case .unreached, .unresolved, .nothingWrong, .handedOver:
        try db.execute(StoreSQL.endPromisesOfCase, [at, number])
      }
    default: break
    }
  }

  static func endPromises(
    ofAccount account: String, at now: Instant, _ db: any StoreConnection
  ) throws {
    try db.execute(
      StoreSQL.endPromisesOfAccount, [SQLValue(now.microseconds), try SQLValue(account)])
  }

  /// What erasure takes beside the account's cases: its promises end without their notes, and what
  /// it agreed to is gone. Before the cases get another name.
  static func eraseAfterwards(
    _ account: String, at now: Instant, _ db: any StoreConnection
  ) throws {
    try endPromises(ofAccount: account, at: now, db)
    try db.execute(StoreSQL.erasePromiseNotes, [try SQLValue(account)])
    try db.execute(StoreSQL.eraseParticipations, [try SQLValue(account)])
  }

  static func insert(
    _ new: NewPromise, on caseNumber: Int64, of correction: Int64?, by owner: String,
    at now: Instant, _ db: any StoreConnection
  ) throws {
    try db.execute(
      StoreSQL.insertPromise,
      [
        SQLValue(caseNumber), SQLValue(correction), .text(new.kind.rawValue),
        SQLValue(now.microseconds), SQLValue(new.starts?.microseconds),
        SQLValue(new.due.microseconds), try SQLValue(owner),
      ])
  }
}
