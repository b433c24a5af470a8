package import Histories

extension CaseStore {
  /// What rows may do.
  package enum ImportMode: String, Sendable, CaseIterable {
    /// Add to cases, and open those that rows ask for.
    case upsert
    /// Only add to cases that are there.
    case update
    /// Only open cases, and add to those.
    case create
  }

  /// Why a row, or an action of one, was passed over.
  package enum ImportSkip: String, Sendable, CaseIterable {
    case noCase = "no_case"
    case otherAccount = "other_account"
    case beforeOpening = "before_opening"
    case closed
    /// Somebody else holds the case.
    case held
    /// The case was not so far, or further: nobody to release, no wait to end.
    case outOfOrder = "out_of_order"
    /// The row asks for no new case, and nothing else was wanted.
    case notNew = "not_new"
    case caseOpen = "case_open"
    case notToContact = "not_to_contact"
    case empty
    case erased
  }

  package struct ImportReport: Sendable, Equatable {
    package var rows = 0
    package var opened = 0
    /// Actions that are new, and those that stood there already.
    package var added = 0
    package var unchanged = 0
    package var skipped: [ImportSkip: Int] = [:]
  }

  /// Records what a file says was done, in one transaction: a file is in the store or it is not, and who
  /// is stopped half-way starts again without asking how far it went. Rows are taken in the order of
  /// their times, then of their lines. The same file a second time adds nothing: an action of the same
  /// case, kind, detail, time and agent is the same action.
  ///
  /// A row that names an account is about the case that was open at its time. `record`: what the
  /// accounts file says, for new cases; of those not to be contacted none opens. `isErased`: of whom
  /// nothing is taken in.
  package func importOutcomes(
    _ rows: [OutcomeRow], mode: ImportMode, settings: OutreachSettings, at now: Instant,
    record: (String) -> AccountRecord? = { _ in nil }, isErased: (String) -> Bool = { _ in false }
  ) throws(OutreachError) -> ImportReport {
    let gone = rows.indices.filter { rows[$0].account.map(isErased) ?? false }
    let order = Set(rows.indices).subtracting(gone).sorted { (rows[$0].at, $0) < (rows[$1].at, $1) }
    // Alone, since it may open cases, whose numbers follow one another; done twice it changes nothing.
    return try writing(alone: true) { db in
      var report = ImportReport(rows: rows.count)
      if !gone.isEmpty { report.skipped[.erased] = gone.count }
      for place in order {
        try self.take(rows[place], mode, settings, now, record, db, &report)
      }
      return report
    }
  }

  private func take(
    _ row: OutcomeRow, _ mode: ImportMode, _ settings: OutreachSettings, _ now: Instant,
    _ record: (String) -> AccountRecord?, _ db: any StoreConnection,
    _ report: inout ImportReport
  ) throws {
    func skip(_ reason: ImportSkip) { report.skipped[reason, default: 0] += 1 }
    if mode == .create, row.opening == nil { return skip(.notNew) }
    if row.actions.isEmpty, row.opening == nil { return skip(.empty) }
    let suffix = database.dialect.forUpdate
    var found: Case
    if let number = row.caseNumber {
      guard let known = try db.row(StoreSQL.caseNumbered + suffix, [SQLValue(number)]) else {
        return skip(.noCase)
      }
      found = try Case(known)
      if let account = row.account, !account.utf8.elementsEqual(found.account.utf8) {
        return skip(.otherAccount)
      }
    } else {
      let account = row.account ?? ""
      let cases = try db.rows(StoreSQL.casesOf + suffix, [try SQLValue(account)]).map(Case.init)
      let then = cases.last { one in
        one.openedAt <= row.at && one.state.closedAt.map { row.at <= $0 } ?? true
      }
      if let then {
        found = then
        if mode == .create, !(found.form == .voiced && found.openedAt == row.at) {
          return skip(.caseOpen)
        }
        if row.opening != nil, found.openedAt == row.at { report.unchanged += 1 }
      } else if let opening = row.opening, mode != .update {
        if cases.contains(where: \.isOpen) { return skip(.caseOpen) }
        let kinds = Hold.Kind.allCases.filter { $0 != .snooze }
        let known = record(account)
        if try known?.doNotContact == true || Self.isHeld(account, kinds, at: now, db) {
          return skip(.notToContact)
        }
        found = try open(row, opening, account, known, settings, db)
        report.opened += 1
      } else {
        return skip(cases.contains { row.at < $0.openedAt } ? .beforeOpening : .noCase)
      }
    }
    if row.at < found.openedAt { return skip(.beforeOpening) }
    let before = try db.rows(StoreSQL.actionsOf, [SQLValue(found.number)]).map(Action.init)
    for var action in row.actions {
      if before.contains(where: { $0.says(action) }) {
        report.unchanged += 1
        continue
      }
      // The second clock: the customer answered then, and we know it from now on.
      if action.kind == .answered { action.detail["known_at"] = now.description }
      if let reason = Self.obstacle(to: action, found) {
        skip(reason)
        continue
      }
      try Self.add(action, to: &found, db, settings.webhooks)
      try Self.makePromise(after: action, on: found, by: settings.practice, db)
      report.added += 1
    }
  }

  private func open(
    _ row: OutcomeRow, _ opening: OutcomeRow.Opening, _ account: String, _ record: AccountRecord?,
    _ settings: OutreachSettings, _ db: any StoreConnection
  ) throws -> Case {
    guard let run = try db.row(StoreSQL.newestRun).map(Run.init) else {
      throw OutreachError.refused(
        "no run is published yet, and a case opens in one: run `tacit nightly` first")
    }
    guard
      let queue = settings.queues.first(where: { $0.name.utf8.elementsEqual(opening.queue.utf8) })
    else { throw OutreachError.refused("a new case needs a queue of the project") }
    let channel = opening.channel ?? queue.channel
    var new = Case(
      form: .voiced, account: account, queue: queue.name, channel: channel, asOf: run.asOf,
      openedAt: row.at,
      due: settings.calendar.due(opened: row.at, businessDays: queue.dueBusinessDays),
      voice: VoicedFeedback(
        kind: OutcomeFile.usualAgent, at: row.at, knownAt: row.at, value: nil,
        channel: opening.channel), record: record)
    new.number = try db.row(StoreSQL.nextCase)?.integer(0) ?? 1
    try db.execute(StoreSQL.insertCase, try new.values())
    try Self.add(
      Action(
        at: row.at, kind: .opened, actor: row.agent,
        detail: ["form": new.form.rawValue, "queue": new.queue]), to: &new, db,
      settings.webhooks)
    return new
  }

  /// What keeps an action from being added; nil where nothing does.
  private static func obstacle(to action: Action, _ one: Case) -> ImportSkip? {
    let state = one.state
    if state.closedAt != nil { return .closed }
    if let since = state.waitingSince, [.resumed, .closed].contains(action.kind), action.at < since
    {
      return .outOfOrder
    }
    var after = state
    if (try? after.apply(action)) != nil { return nil }
    return state.isHeld(at: action.at) && state.owner != action.actor ? .held : .outOfOrder
  }
}

extension Action {
  /// Whether it is the same action; when it became known does not matter.
  fileprivate func says(_ other: Action) -> Bool {
    func facts(_ detail: [String: String]) -> [String: String] {
      detail.filter { $0.key != "known_at" }
    }
    return kind == other.kind && at == other.at && actor == other.actor
      && facts(detail) == facts(other.detail)
  }
}
