import Detraction
import Foundation
import Histories
import Outreach
import Testing
import TestSupport

private let now = date("2026-03-10")
private let facts = settings([
  Queue(name: "calls", capacity: 4, channel: "phone"),
  Queue(name: "other", capacity: 4, channel: "chat"),
])

private func newStore(_ kind: StoreKind, test: String = #function) throws -> CaseStore? {
  guard let store = try kind.fresh(test: test)?.store() else { return nil }
  try Base(4).publish(store, facts)
  return store
}

private func rows(_ text: String) throws -> [OutcomeRow] {
  let path = try temporaryFolder().appendingPathComponent("outcomes.csv").path
  try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  return try OutcomeFile.read(
    path, columns: OutcomeFile.Column.allCases.map { ($0.rawValue, $0) }, mapped: false,
    queues: facts.queues.map(\.name), zone: berlin, now: now)
}

@Suite struct ImportTests {
  private func imported(
    _ store: CaseStore, _ text: String, _ mode: CaseStore.ImportMode = .upsert
  ) throws -> CaseStore.ImportReport {
    try store.importOutcomes(
      try rows(text), mode: mode, settings: facts, at: now,
      record: { AccountRecord(account: $0, name: "N", doNotContact: $0 == "shy") })
  }

  private let file = """
    account_id,at,kind,outcome,verdict,mode,view,note,agent
    a0,2026-03-03T10:00,reached,resolved,detractor,phone,,"called, ""angry"" then",ann
    a1,2026-03-03T11:00,,,,,not_at_risk,,bob
    a2,2026-03-04T09:00,attempted,,,,,,
    a3,2026-03-04T09:30,outcome,unreached,,,,,ann
    a2,2026-03-03T09:00,messaged,,,,,,
    nobody,2026-03-04T09:00,reached,,,,,,
    a1,2026-02-01,reached,,,,,,
    a1,2026-03-04,,,,,,,

    """

  @Test(arguments: StoreKind.allCases)
  func whatAFileSaysIsRecordedOnce(_ kind: StoreKind) throws {
    guard let store = try newStore(kind) else { return }
    let report = try imported(store, file)
    #expect(report.rows == 8 && report.added == 7 && report.opened == 0 && report.unchanged == 0)
    #expect(report.skipped == [.noCase: 1, .beforeOpening: 1, .empty: 1])
    let first = try #require(try store.cases(account: "a0").first)
    #expect(first.state.outcome == .resolved && first.state.verdict == .detractor)
    #expect(first.state.reachedAt == date("2026-03-03T10:00") && first.state.touches == 1)
    #expect(
      try store.actions(of: first.number).map(\.kind) == [.opened, .reached, .answered, .closed])
    #expect(try store.actions(of: first.number)[1].note == "called, \"angry\" then")
    // In the order of time, whatever that of the lines.
    #expect(try store.actions(of: 3).map(\.kind) == [.opened, .messaged, .attempted])
    #expect(try store.damagedCases().isEmpty)
    let before = (try store.cases(), try store.actions())
    let again = try imported(store, file)
    #expect(again.added == 0 && again.unchanged == 7 && again.skipped == report.skipped)
    #expect(try store.cases() == before.0 && store.actions() == before.1)
    // Known later, said the same.
    let later = try store.importOutcomes(
      try rows(file), mode: .upsert, settings: facts, at: date("2026-04-01"))
    #expect(later.added == 0)
  }

  @Test(arguments: StoreKind.allCases)
  func emptyCellsOverwriteNothing(_ kind: StoreKind) throws {
    guard let store = try newStore(kind) else { return }
    _ = try imported(store, "account_id,at,verdict,mode\na0,2026-03-03,detractor,phone\n")
    let before = try store.cases()
    let report = try imported(
      store, "account_id,at,kind,outcome,verdict,mode,note\na0,2026-03-04,,,,,\n")
    #expect(report.skipped == [.empty: 1])
    #expect(try store.cases() == before)
    #expect(try store.cases()[0].state.verdict == .detractor)
  }

  @Test(arguments: StoreKind.allCases)
  func modesSayWhatMayBeOpened(_ kind: StoreKind) throws {
    let text = """
      account_id,at,kind,form,queue,channel,agent,note
      new,2026-03-05T10:00,reached,voiced,other,mail,ann,"said: ""=x"" ok"
      shy,2026-03-05T10:00,reached,voiced,other,,ann,
      a0,2026-03-05T10:00,reached,voiced,other,,ann,
      a1,2026-03-05T10:00,reached,,,,ann,

      """
    guard var store = try newStore(kind) else { return }
    var report = try imported(store, text, .update)
    #expect(report.opened == 0 && report.added == 2 && report.skipped == [.noCase: 2])
    store = try #require(try newStore(kind))
    report = try imported(store, text, .create)
    #expect(report.opened == 1 && report.added == 1)
    #expect(report.skipped == [.notToContact: 1, .caseOpen: 1, .notNew: 1])
    let new = try #require(try store.openCase(account: "new"))
    #expect(new.form == .voiced && new.queue == "other" && new.channel == "mail")
    #expect(new.person?.name == "N" && new.openedAt == date("2026-03-05T10:00"))
    #expect(new.due == facts.calendar.due(opened: new.openedAt, businessDays: 1))
    let cases = try store.cases()
    #expect(try imported(store, text, .create).opened == 0 && store.cases() == cases)
    store = try #require(try newStore(kind))
    report = try imported(store, text, .upsert)
    #expect(report.opened == 1 && report.added == 3 && report.skipped == [.notToContact: 1])
    #expect(try imported(store, text, .upsert).added == 0)
    #expect(try store.damagedCases().isEmpty)
  }

  @Test func everyProblemIsToldAndNothingOfTheRow() throws {
    let text = """
      case,account_id,at,kind,outcome,verdict,mode,view,note,agent,form,queue
      ,a0,yesterday,reached,,,,,Secret Person,ann,,
      x,,2026-03-03,dance,,,,,,,,
      ,,2026-03-03,,,,,,,,,
      1,,2027-01-01,outcome,,,,,,,,
      1,,2026-03-03,,great,,,,,,,
      1,,2026-03-03,,,detractor,,,,,,
      1,,2026-03-03,opinion,,,,Secret words of a person,,,,
      ,b,2026-03-03,,,,,,,,voiced,secret
      ,b,2026-03-03,,,,,,,,predicted,calls
      1,,2026-03-03,claimed,,,,,,,,
      1,,2026-03-03,,erased,,,,,,,

      """
    let error = #expect(throws: OutreachError.self) { try rows(text) }
    let said = error?.description ?? ""
    #expect(error?.exitStatus == 65)
    for (line, part) in [
      (2, "`at` is no time"), (3, "no case's number"), (3, "`kind` is none of"),
      (4, "neither `case` nor `account_id`"), (5, "later than now"), (5, "needs `outcome`"),
      (6, "`outcome` is none of"), (7, "needs its `mode`"), (8, "`view` is no word"),
      (9, "names none of the project's queues"), (10, "`form` is not voiced"),
      (11, "a file cannot say"), (12, "only `tacit erase`"),
    ] {
      let found = said.split(separator: "\n").contains {
        $0.contains("line \(line):") && $0.contains(part)
      }
      #expect(found, "line \(line) \(part): \(said)")
    }
    for text in ["Secret", "secret", "dance", "great", "yesterday"] {
      #expect(!said.contains(text))
    }
  }

  @Test(arguments: StoreKind.allCases)
  func whatTheStateForbidsIsCounted(_ kind: StoreKind) throws {
    guard let store = try newStore(kind) else { return }
    _ = try store.claim(
      .account("a0"), by: "zoe", at: date("2026-03-03"), until: date("2026-03-20"))
    let report = try imported(
      store,
      """
      account_id,at,kind,agent,case,outcome
      a0,2026-03-04,reached,ann,,
      a0,2026-03-04,reached,zoe,,
      a1,2026-03-04,resumed,ann,,
      a1,2026-03-05,waiting,ann,,
      a2,2026-03-05,reached,ann,1,
      ,2026-03-05,outcome,ann,4,lost
      ,2026-03-06,reached,ann,4,

      """)
    #expect(
      report.skipped == [.held: 1, .outOfOrder: 1, .otherAccount: 1, .closed: 1],
      "\(report.skipped)")
    #expect(report.added == 3)
  }

  @Test(arguments: StoreKind.allCases)
  func whatWentOutComesBackIn(_ kind: StoreKind) throws {
    guard let store = try hostileStore(kind) else { return }
    let path = try temporaryFolder().appendingPathComponent("out.csv").path
    let file = try project(
      """
      [export.crm]
      columns = { "Kunde" = "account_id", "Notiz" = "note", "Fall" = "external_id", "Wann" = "opened_at" }
      [import.crm]
      columns = { "Notiz" = "note", "Fall" = "case", "Wann" = "at" }
      """)
    try store.exported(try #require(ExportMap("crm", project: file))).write(.csv, to: path)
    let columns = OutcomeFile.columns("crm", project: file)
    try file.check()
    let found = try OutcomeFile.read(
      path, columns: columns, mapped: true, queues: [], zone: berlin, now: now)
    let report = try store.importOutcomes(found, mode: .update, settings: facts, at: now)
    #expect(report.added == hostileCells.count && report.skipped.isEmpty)
    let notes = try store.actions().filter { $0.actor == OutcomeFile.usualAgent }.map(\.note)
    #expect(notes.map { Array($0?.utf8 ?? "".utf8) } == hostileCells.map { Array($0.utf8) })
    #expect(try store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func anAnswerIsALabelAndAnOpinionIsNot(_ kind: StoreKind) throws {
    guard let store = try kind.fresh()?.store() else { return }
    let base = Base(3)
    _ = try store.publish(asOf: monday) { work in
      var night = base.night(settings(), work, at: monday)
      night.cases[2].form = .exploration
      night.cases[2].score = nil
      night.plan.decisions[2].disposition = .exploration
      return night
    }
    _ = try imported(
      store,
      """
      account_id,at,kind,verdict,mode,view,agent,outcome
      a0,2026-03-03T10:00Z,answered,detractor,chat,,ann,
      a1,2026-03-03T10:00Z,opinion,,,not_at_risk,ann,nothing_wrong
      a2,2026-03-03T11:00Z,opinion,,,not_at_risk,ann,
      a2,2026-03-04T11:00Z,,non-detractor,phone,,ann,

      """)
    let table = try store.answers(before: date("2026-04-01"))
    #expect(
      table.columns.map(\.name).prefix(7) == [
        "account_id", "at", "known_at", "kind", "value", "verdict", "channel",
      ])
    #expect(
      table.rows.map { Array($0.prefix(8)) } == [
        [
          .text("a0"), .instant(date("2026-03-03T10:00Z")), .instant(now),
          .text("outreach_answer"), .number(1), .text("detractor"), .text("chat"),
          .text("predicted"),
        ],
        [
          .text("a2"), .instant(date("2026-03-04T11:00Z")), .instant(now),
          .text("outreach_answer"), .number(0), .text("non-detractor"), .text("phone"),
          .text("exploration"),
        ],
      ])
    // Known only from the import on.
    #expect(try store.answers(before: now).rows.isEmpty)
    let level = try store.levelAnswers()
    #expect(level.map(\.account) == ["a2"] && level[0].outcome == .nonDetractor)
    // An opinion alone leaves the state without a verdict, so no label of any kind comes of it.
    #expect(try store.cases(account: "a1")[0].state.verdict == nil)
  }
}
