import Detraction
package import Histories

/// What leaves the store as files.
extension CaseStore {
  /// Cases as a table: the open ones as in the queue, soonest due first, or every case by number.
  package func exported(
    _ map: ExportMap, queue: String? = nil, all: Bool = false
  ) throws(OutreachError) -> ExportTable {
    try reading { db in
      let rows = try db.rows(all ? StoreSQL.everyCase : StoreSQL.openCases)
      let cases = try rows.map(Case.init).filter { one in
        queue.map { one.queue.utf8.elementsEqual($0.utf8) } ?? true
      }
      return map.table(cases, notes: map.needsNotes ? try Self.notes(db, all: all) : [:])
    }
  }

  /// What a hand-over did.
  package struct HandOver: Sendable, Equatable, Encodable {
    package var handedOver = 0
    /// Left out and left open: those who opted out or must not be contacted, those on another hold,
    /// and those that somebody works.
    package var optedOut = 0
    package var onHold = 0
    package var held = 0

    private enum CodingKeys: String, CodingKey {
      case handedOver = "handed_over"
      case optedOut = "opted_out"
      case onHold = "on_hold"
      case held
    }
  }

  /// Hands a segment to a mail tool: writes its open cases to a file and closes them as handed over.
  ///
  /// `write` is called inside the transaction that closes the cases, and must make the file stand before
  /// it returns. So no case is closed without a file, and two who hand over at once never write the same
  /// case. Who dies between the two leaves the cases open: the next hand-over writes them again, to
  /// the same place the same rows. Where there is nobody to hand over `write` is not called, so that
  /// a repetition never empties the file of the first.
  package func handOver(
    queues: [String], map: ExportMap, by actor: String, at now: Instant, webhooks: [String] = [],
    refused: (String) -> Bool = { _ in false }, write: (ExportTable) throws -> Void
  ) throws -> HandOver {
    try database.writing(alone: false) { db in
      var report = HandOver()
      var chosen: [Case] = []
      for row in try db.rows(StoreSQL.openCases + database.dialect.forUpdate) {
        let one = try Case(row)
        guard queues.contains(where: { $0.utf8.elementsEqual(one.queue.utf8) }) else { continue }
        if try Self.isHeld(one.account, [.optOut], at: now, db) || refused(one.account) {
          report.optedOut += 1
        } else if try Self.isHeldBack(one.account, at: now, db) {
          report.onHold += 1
        } else if one.state.isHeld(at: now) {
          report.held += 1
        } else {
          chosen.append(one)
        }
      }
      if chosen.isEmpty { return report }
      try write(map.table(chosen, notes: map.needsNotes ? try Self.notes(db, all: false) : [:]))
      for var one in chosen {
        try Self.add(Action(at: now, kind: .claimed, actor: actor), to: &one, db, webhooks)
        try Self.add(
          Action(
            at: now, kind: .closed, actor: actor,
            detail: ["outcome": Action.Outcome.handedOver.rawValue]), to: &one, db, webhooks)
      }
      report.handedOver = chosen.count
      return report
    }
  }

  /// What customers answered who were contacted, as events that training can read: a row an answer,
  /// `value` 1 for a detractor and 0 for a non-detractor, `channel` the mode in which they were asked
  /// (the case's channel where the answer does not say). An agent's opinion is no answer and is not
  /// among them; nor is what was answered or known after `now`.
  package func answers(before now: Instant) throws(OutreachError) -> ExportTable {
    let rows: [[ExportCell]] = try reading { db in
      try db.rows(StoreSQL.answers).compactMap { row in
        let detail: [String: String] = try decoded(try row.text(6))
        guard let verdict = detail["verdict"].flatMap(Action.Verdict.init) else { return nil }
        let at = Instant(microseconds: try row.integer(5))
        let known =
          detail["known_at"].flatMap { Instant(iso8601: Array($0.utf8)[...], zone: nil) } ?? at
        guard at < now, known < now else { return nil }
        return [
          .text(try row.text(0)), .instant(at), .instant(known), .text(Self.answerKind),
          .number(verdict == .detractor ? 1 : 0), .text(verdict.rawValue),
          .text(try detail["mode"] ?? row.text(3)), .text(try row.text(2)),
          .integer(try row.integer(1)), .instant(Instant(microseconds: try row.integer(4))),
        ]
      }
    }
    return ExportTable(
      columns: [
        .init("account_id", .text), .init("at", .instant), .init("known_at", .instant),
        .init("kind", .text), .init("value", .number), .init("verdict", .text),
        .init("channel", .text), .init("form", .text), .init("case", .integer),
        .init("as_of", .instant),
      ], rows: rows)
  }

  /// The kind of event that an answer to outreach is.
  package static let answerKind = OutreachTrace.answerKind

  private static func notes(_ db: any StoreConnection, all: Bool) throws -> [Int64: String] {
    var newest: [Int64: String] = [:]
    for row in try db.rows(all ? StoreSQL.notes : StoreSQL.notesOfOpen) {
      newest[try row.integer(0)] = try row.text(1)
    }
    return newest
  }

  /// Whether a hold of one of these kinds stands.
  static func isHeld(
    _ account: String, _ kinds: [Hold.Kind], at now: Instant, _ db: any StoreConnection
  ) throws -> Bool {
    try db.rows(StoreSQL.holdsOf, [.text(account)]).contains { row in
      guard let kind = Hold.Kind(rawValue: try row.text(1)) else { throw SQLRow.damaged }
      return try kinds.contains(kind)
        && Hold(
          account: account, kind: kind, since: Instant(microseconds: try row.integer(2)),
          until: try row.optionalInteger(3).map { Instant(microseconds: $0) }
        ).holds(at: now)
    }
  }
}
