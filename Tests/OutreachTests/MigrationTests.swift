import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// Stores of other versions, and databases of something else.
@Suite(.serialized)
struct MigrationTests {
  @Test(arguments: StoreKind.allCases)
  func aNewerStoreIsRefusedAndLeftAlone(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let store = try place.store()
    try Base(10).publish(store, settings())
    try place.tamper("UPDATE store_version SET version = 99")
    let error = place.failure()
    #expect(error?.exitStatus == 65)
    #expect(error?.description.contains("version 99") == true, "\(String(describing: error))")
    #expect(try place.number("SELECT version FROM store_version") == 99)
    #expect(try place.number("SELECT count(*) FROM cases") == 3)
    try place.tamper("UPDATE store_version SET version = 4")
    #expect(try place.store().openCases().count == 3)
  }

  @Test(arguments: StoreKind.allCases)
  func aDatabaseOfSomethingElseIsLeftAlone(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    try place.tamper("CREATE TABLE shore (sea INTEGER)")
    let error = place.failure()
    #expect(error?.exitStatus == 65)
    #expect(error?.description.contains("something else") == true, "\(String(describing: error))")
    switch kind {
    case .sqlite: #expect(try place.number("SELECT count(*) FROM sqlite_schema") == 1)
    case .postgres:
      #expect(
        try place.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func twentyAtOnceMakeOneStore(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    #expect(try atOnce(20) { _ in try place.store().openCount() }.allSatisfy { $0 == 0 })
    #expect(try place.number("SELECT count(*) FROM store_version") == 1)
  }

  /// A store of the first version, made by that version's own statements, becomes one of today's:
  /// open cases stay open under their numbers, and their logs begin with their opening.
  @Test func aStoreOfTheFirstVersionIsBroughtUpToDate() throws {
    let place = try #require(try StoreKind.sqlite.fresh())
    let opened = monday.microseconds
    let due = monday.adding(days: 1).microseconds
    func insert(_ id: Int, _ account: String, _ name: String, _ closed: String) -> String {
      """
      INSERT INTO cases VALUES (
        \(id), '\(account)', 'calls', 'phone', \(opened), \(opened), \(due), 'm/1', 0.5, 0.4, 0.6,
        99.5, 'top', 0.25, -0.5, '[]', 0.125, 3, 0, 1, '[]', \(name), 12.5, 'Plus', NULL, \(closed))
      """
    }
    let rows = [
      "CREATE TABLE store_version (version INTEGER NOT NULL)",
      "INSERT INTO store_version VALUES (1)",
      """
      INSERT INTO runs VALUES (
        \(opened), 'm/1', 'runs/s.csv', 'ab', '0.1.0', 20, 10, 4, 2, 1, 0.75)
      """,
      """
      INSERT INTO decisions VALUES (\(opened), 'a0', 1, 0.25, 0.5, 'flagged', 'calls')
      """,
      insert(4, "a0", "'N \"0\" 👩'", "NULL"), insert(7, "a1", "NULL", "NULL"),
      "INSERT INTO actions (case_id, at, kind) VALUES (4, \(opened), 'opened')",
      "INSERT INTO actions (case_id, at, kind) VALUES (7, \(opened), 'opened')",
    ]
    for statement in Self.first + rows { try place.tamper(statement) }

    let store = try place.store()
    let cases = try store.openCases()
    #expect(cases.map(\.number) == [4, 7] && cases.map(\.account) == ["a0", "a1"])
    #expect(cases.map(\.name) == ["N \"0\" 👩", nil])
    #expect(cases.allSatisfy { $0.form == .predicted && $0.score?.logit == 0.25 })
    #expect(cases.allSatisfy { $0.value == 12.5 && $0.segment == "Plus" && $0.due == cases[0].due })
    #expect(try store.run(asOf: monday)?.flagged == 2 && store.run(asOf: monday)?.voiced == 0)
    #expect(try store.decisions(account: "a0").count == 1)
    #expect(try store.actions().map(\.kind) == [.opened, .opened])
    #expect(try store.damagedCases().isEmpty)
    // Today's work goes on from there.
    let taken = try store.claim(by: "ann", at: monday, until: monday.adding(days: 1))
    #expect(taken?.number == 4)
    let tuesday = date("2026-03-03")
    #expect(published(try Base(10).publish(store, settings(), at: tuesday))?.flagged == 2)
    #expect(try store.cases().map(\.number) == [4, 7, 8, 9])
    #expect(try store.damagedCases().isEmpty)
    #expect(throws: (any Error).self) { try place.tamper("DELETE FROM actions") }
  }

  /// The statements of the first version, as they were released.
  private static let first = [
    """
    CREATE TABLE runs (
      as_of INTEGER NOT NULL UNIQUE,
      model TEXT NOT NULL,
      scores_path TEXT NOT NULL,
      scores_sha256 TEXT NOT NULL,
      tacit_version TEXT NOT NULL,
      accounts INTEGER NOT NULL,
      silent INTEGER NOT NULL,
      decided INTEGER NOT NULL,
      flagged INTEGER NOT NULL,
      business_day INTEGER NOT NULL,
      cut REAL
    ) STRICT
    """,
    """
    CREATE TABLE decisions (
      as_of INTEGER NOT NULL REFERENCES runs (as_of),
      account TEXT NOT NULL,
      position INTEGER NOT NULL,
      logit REAL NOT NULL,
      probability REAL NOT NULL,
      disposition TEXT NOT NULL,
      queue TEXT,
      UNIQUE (as_of, account)
    ) STRICT
    """,
    """
    CREATE TABLE cases (
      id INTEGER PRIMARY KEY,
      account TEXT NOT NULL,
      queue TEXT NOT NULL,
      channel TEXT NOT NULL,
      as_of INTEGER NOT NULL REFERENCES runs (as_of),
      opened_at INTEGER NOT NULL,
      due INTEGER NOT NULL,
      model TEXT NOT NULL,
      probability REAL NOT NULL,
      low REAL NOT NULL,
      high REAL NOT NULL,
      percentile REAL NOT NULL,
      band TEXT NOT NULL,
      logit REAL NOT NULL,
      reference_logit REAL NOT NULL,
      reasons TEXT NOT NULL,
      other REAL NOT NULL,
      other_count INTEGER NOT NULL,
      extrapolated INTEGER NOT NULL,
      never_spoken INTEGER NOT NULL,
      exemplars TEXT NOT NULL,
      name TEXT,
      value REAL,
      segment TEXT,
      claimed_at INTEGER,
      closed_at INTEGER
    ) STRICT
    """,
    "CREATE UNIQUE INDEX one_open_case ON cases (account) WHERE closed_at IS NULL",
    "CREATE INDEX open_cases ON cases (queue, due) WHERE closed_at IS NULL",
    """
    CREATE TABLE actions (
      id INTEGER PRIMARY KEY,
      case_id INTEGER NOT NULL REFERENCES cases (id),
      at INTEGER NOT NULL,
      kind TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX actions_of_case ON actions (case_id)",
    """
    CREATE TRIGGER actions_are_not_changed BEFORE UPDATE ON actions
    BEGIN SELECT RAISE (ABORT, 'actions are only ever added'); END
    """,
    """
    CREATE TRIGGER actions_are_not_deleted BEFORE DELETE ON actions
    BEGIN SELECT RAISE (ABORT, 'actions are only ever added'); END
    """,
  ]
}
