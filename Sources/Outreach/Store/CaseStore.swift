import Detraction
import Foundation
package import Histories

/// The store of runs, decisions, cases and actions, in SQLite or PostgreSQL.
///
/// Exactly-once stands on unique indexes, not on locks: one run an as-of date, one decision an
/// account and run, one open case an account. Each method is one transaction; any number of
/// processes may use the store at once, and a process that dies leaves it as it was before its
/// transaction. Nothing here reads the clock.
package struct CaseStore: Sendable {
  /// Where it is, for messages.
  package var name: String { database.name }
  let database: any StoreDatabase

  /// Opens the store in an SQLite file, makes it where there is none, and brings an older one up to
  /// date.
  /// - Parameter patience: for how many seconds another process's transaction is waited for.
  /// - Throws: `.unusable` when the file cannot be made or opened, `.dataContract` when it is no
  ///   store of ours or that of a newer version, `.locked`.
  package init(path: String, patience: Double = 30) throws(OutreachError) {
    try self.init(SQLiteDatabase(path: path, patience: patience))
  }

  /// Opens a store that must be there already.
  package init(existing path: String, patience: Double = 30) throws(OutreachError) {
    guard FileManager.default.fileExists(atPath: path) else {
      throw .missing("no store at \(path) yet: `tacit nightly --as-of …` makes it")
    }
    try self.init(path: path, patience: patience)
  }

  init(_ database: any StoreDatabase) throws(OutreachError) {
    self.database = database
    do { try Migration(database).run() } catch { throw Self.known(error) }
  }

  // MARK: - Runs

  /// Publishes a night in one transaction: its run, its decisions, what it opens and closes.
  ///
  /// `night` is called inside the transaction with the work that the store holds, so that what it
  /// decides cannot be overtaken; it is not called when a run as of `asOf` is there already. What
  /// it throws is passed on and nothing is written. Where a database's connection breaks it may be
  /// called again.
  /// - Throws: `OutreachError.refused` when a later run is published, `.dataContract` for a NUL in
  ///   a text, `.locked`, `.unusable`, `.inputOutput`; and whatever `night` throws.
  package func publish(
    asOf: Instant, _ night: (OpenWork) throws -> Night
  ) throws -> Publication {
    try database.writing(alone: true) { db in
      if let run = try Self.run(db, asOf) { return .alreadyPublished(run) }
      if let newest = try db.row(StoreSQL.newestRun).map(Run.init), newest.asOf > asOf {
        throw OutreachError.refused(
          "a run as of \(newest.asOf) is published, so none as of \(asOf) can be: its cases would "
            + "open in the past. Give a later --as-of, or use `tacit score` to look back")
      }
      let night = try night(try OpenWork(db, database.dialect, asOf: asOf))
      return .published(try insert(night, asOf, db))
    }
  }

  /// The work that stands open as of a date: what `decide` needs to know, outside any run.
  package func openWork(asOf: Instant) throws(OutreachError) -> OpenWork {
    try reading { try OpenWork($0, database.dialect, asOf: asOf) }
  }

  /// The published run as of a date, nil where there is none.
  package func run(asOf: Instant) throws(OutreachError) -> Run? {
    try reading { try Self.run($0, asOf) }
  }

  /// Every published run, oldest first.
  package func runs() throws(OutreachError) -> [Run] {
    try reading { try $0.rows(StoreSQL.runs).map(Run.init) }
  }

  /// The runs of a model before a date, oldest first.
  package func runs(model: String, before asOf: Instant) throws(OutreachError) -> [Run] {
    if model.utf8.contains(0) { return [] }
    return try reading {
      try $0.rows(StoreSQL.runsOfModel, [.text(model), SQLValue(asOf.microseconds)]).map(Run.init)
    }
  }

  /// `Plan.volume` of each run before a date, the newest first, at most 60.
  package func volumes(before asOf: Instant) throws(OutreachError) -> [Int] {
    try reading {
      try $0.rows(StoreSQL.volumes, [SQLValue(asOf.microseconds)]).map { try $0.int(1) }
    }
  }

  /// How often a run decided each way, in the order of `Disposition.allCases`; zeros left out.
  package func dispositions(
    asOf: Instant
  ) throws(OutreachError) -> [(disposition: Disposition, count: Int)] {
    let counts = try reading { db in
      try db.rows(StoreSQL.dispositions, [SQLValue(asOf.microseconds)]).map {
        (name: try $0.text(0), count: try $0.int(1))
      }
    }
    return Disposition.allCases.compactMap { disposition in
      counts.first { $0.name == disposition.rawValue }.map { (disposition, $0.count) }
    }
  }

  /// What every run decided about an account, oldest first.
  package func decisions(account: String) throws(OutreachError) -> [PastDecision] {
    if account.utf8.contains(0) { return [] }
    return try reading { db in
      try db.rows(StoreSQL.decisionsOf, [.text(account)]).map { row in
        guard let disposition = Disposition(rawValue: try row.text(3)) else { throw SQLRow.damaged }
        return PastDecision(
          asOf: Instant(microseconds: try row.integer(0)), rank: try row.int(1),
          probability: try row.real(2), disposition: disposition,
          queue: try row.optionalText(4))
      }
    }
  }

  // MARK: - Cases

  /// All open cases: soonest due first, then highest logit (those who spoke first), then id by bytes.
  package func openCases() throws(OutreachError) -> [Case] {
    try reading { try $0.rows(StoreSQL.openCases).map(Case.init) }
  }

  /// The open case of an account, nil where there is none.
  package func openCase(account: String) throws(OutreachError) -> Case? {
    if account.utf8.contains(0) { return nil }
    return try reading { try $0.row(StoreSQL.openCase, [.text(account)]).map(Case.init) }
  }

  /// Every case of an account, or of all, by number.
  package func cases(account: String? = nil) throws(OutreachError) -> [Case] {
    if account?.utf8.contains(0) == true { return [] }
    return try reading { db in
      let rows =
        if let account { try db.rows(StoreSQL.casesOf, [.text(account)]) } else {
          try db.rows(StoreSQL.everyCase)
        }
      return try rows.map(Case.init)
    }
  }

  package func openCount() throws(OutreachError) -> Int {
    try reading { try $0.rows(StoreSQL.openAccounts).count }
  }

  /// Every account that ever had a case, with the opening of its first.
  package func firstCases() throws(OutreachError) -> [(account: String, at: Instant)] {
    try reading { db in
      try db.rows(StoreSQL.firstCases).map {
        (account: try $0.text(0), at: Instant(microseconds: try $0.integer(1)))
      }
    }
  }

  // MARK: - Inside a transaction

  private static func run(_ db: any StoreConnection, _ asOf: Instant) throws -> Run? {
    try db.row(StoreSQL.run, [SQLValue(asOf.microseconds)]).map(Run.init)
  }

  private func insert(
    _ night: Night, _ asOf: Instant, _ db: any StoreConnection
  ) throws -> Run {
    let opened = { (form: Case.Form) in night.cases.count { $0.form == form } }
    precondition(opened(.predicted) == night.plan.flagged.count, "a case for each flag")
    let facts = night.facts
    let kept = try night.plan.decisions.filter { decision in
      guard decision.isBelowCut else { return true }
      let last = try db.row(StoreSQL.latestDisposition, [try SQLValue(decision.id)])
      return try last?.text(0) != decision.disposition.rawValue
    }
    let run = Run(
      asOf: asOf, model: facts.model, scoresPath: facts.scoresPath,
      scoresSHA256: facts.scoresSHA256, tacitVersion: facts.tacitVersion,
      accounts: facts.accounts, silent: facts.silent, decided: kept.count,
      flagged: opened(.predicted), businessDay: night.plan.businessDay, cut: night.plan.cut,
      voiced: opened(.voiced), explored: opened(.exploration))
    try db.execute(StoreSQL.insertRun, try run.values())
    for decision in kept {
      try db.execute(StoreSQL.insertDecision, try decision.values(asOf))
    }
    for closing in night.closings {
      // Agents may be at work on it: theirs comes first, then this.
      guard
        let row = try db.row(
          StoreSQL.openCase + database.dialect.forUpdate, [try SQLValue(closing.account)])
      else { continue }
      var open = try Case(row)
      try Self.add(
        Action(
          at: asOf, kind: .closed, actor: Action.run,
          detail: ["outcome": closing.outcome.rawValue]), to: &open, db, night.webhooks)
    }
    if let rule = night.escalation {
      _ = try escalate(by: rule, at: asOf, webhooks: night.webhooks, db)
    }
    var number = try db.row(StoreSQL.nextCase)?.integer(0) ?? 1
    for var open in night.cases {
      open.number = number
      number += 1
      try db.execute(StoreSQL.insertCase, try open.values())
      try Self.add(
        Action(
          at: open.openedAt, kind: .opened, actor: Action.run,
          detail: ["form": open.form.rawValue, "queue": open.queue]), to: &open, db,
        night.webhooks)
    }
    if let experiment = night.experiment {
      try db.execute(
        StoreSQL.insertExperiment,
        [
          try SQLValue(experiment.seed), SQLValue(experiment.starts.microseconds),
          SQLValue(experiment.ends.microseconds), SQLValue(experiment.holdout),
          SQLValue(experiment.exploration),
          try experiment.outcomes.map { try SQLValue(canonicalJSON($0)) } ?? .null,
        ])
    }
    for enrolment in night.enrolments {
      try db.execute(StoreSQL.insertEnrolment, try enrolment.values())
    }
    for incident in night.incidents {
      try db.execute(
        StoreSQL.insertIncident,
        [
          SQLValue(incident.asOf.microseconds), try SQLValue(incident.feature),
          SQLValue(incident.accounts), SQLValue(incident.expected), SQLValue(incident.p),
        ])
    }
    return run
  }

  /// Adds an action to an open case: the log's next entry, the state that follows, and the posts that
  /// tell of it.
  static func add(
    _ action: Action, to open: inout Case, _ db: any StoreConnection, _ webhooks: [String]
  ) throws {
    var action = action
    let last = try db.row(StoreSQL.lastAction, [SQLValue(open.number)])
    action.caseNumber = open.number
    action.number = try (last?.int(0) ?? 0) + 1
    try open.state.apply(action)
    if action.kind == .reassigned, let queue = action.detail["queue"] { open.queue = queue }
    action.hash = action.chained(after: try last?.text(1) ?? "")
    try db.execute(StoreSQL.insertAction, try action.values())
    if action.note != nil || !action.record.isEmpty {
      try db.execute(
        StoreSQL.insertNote,
        [
          SQLValue(action.caseNumber), SQLValue(action.number), try SQLValue(action.note ?? ""),
          try SQLValue(action.record.isEmpty ? nil : canonicalJSON(action.record)),
        ])
    }
    try db.execute(StoreSQL.setState, try open.stateValues())
    try settlePromises(after: action, on: open, db)
    for url in webhooks where action.kind.isPosted {
      try db.execute(
        StoreSQL.post,
        [
          SQLValue(action.caseNumber), SQLValue(action.number), try SQLValue(url),
          SQLValue(action.at.microseconds),
        ])
    }
  }

  func reading<Value>(
    _ body: (any StoreConnection) throws -> Value
  ) throws(OutreachError) -> Value {
    do { return try database.reading(body) } catch { throw Self.known(error) }
  }

  func writing<Value>(
    alone: Bool = false, _ body: (any StoreConnection) throws -> Value
  ) throws(OutreachError) -> Value {
    do { return try database.writing(alone: alone, body) } catch { throw Self.known(error) }
  }

  private static func known(_ error: any Error) -> OutreachError {
    error as? OutreachError ?? SQLRow.damaged
  }
}

/// What a run decided about an account.
package struct PastDecision: Sendable, Equatable {
  package var asOf: Instant
  package var rank: Int
  package var probability: Double
  package var disposition: Disposition
  package var queue: String?
}
