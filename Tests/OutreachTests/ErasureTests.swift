import Detraction
import Foundation
import GRDB
import Histories
import Outreach
import Testing
import TestSupport

/// A person taken out of the store.
@Suite(.serialized)
struct ErasureTests {
  private static let gone = ["zq-gone-0", "zq-gone, \"1\"", "zq-gone-7"]
  private static let tuesday = date("2026-03-03T10:00")
  private static let urls = ["https://crm.example/hook"]

  private static let base = Base(10) {
    $0 == 0 ? gone[0] : $0 == 1 ? gone[1] : $0 == 7 ? gone[2] : "stays-\($0)"
  } record: {
    let id = [0: gone[0], 1: gone[1], 7: gone[2]][$0] ?? "stays-\($0)"
    return AccountRecord(
      account: id, value: 98_765.25, segment: "zq-segment", name: "Zq Nomen \($0)",
      email: "zq\($0)@example.org")
  }

  /// Three cases of Monday: the first being worked and enrolled, the second closed, the third somebody
  /// else's and likened to the first; another account known by a hold and a decision alone.
  private func worked(_ kind: StoreKind) throws -> (StoreUnderTest, CaseStore)? {
    guard let place = try kind.fresh() else { return nil }
    let store = try place.store()
    _ = try store.publish(asOf: monday) { work in
      var night = Self.base.night(settings(), work, at: monday)
      night.webhooks = Self.urls
      night.experiment = Experiment(
        seed: "spring", starts: monday, ends: monday.adding(days: 90), holdout: 0.5,
        exploration: 0)
      night.enrolments = [Self.gone[0], Self.gone[2], "stays-2"].map {
        Enrolment(
          seed: "spring", account: $0, arm: $0 == Self.gone[2] ? .holdout : .contact, asOf: monday,
          probability: 0.8765432, band: .top, queue: "calls")
      }
      for index in night.cases.indices {
        night.cases[index].exemplars = [Exemplar(account: "stays-9", distance: 0.5)]
        if index == 2 {
          night.cases[index].exemplars.append(Exemplar(account: Self.gone[0], distance: 0.6))
        }
      }
      return night
    }
    let now = Self.tuesday
    let later = now.adding(days: 1)
    for (account, agent) in [(Self.gone[0], "ann"), (Self.gone[1], "ben")] {
      _ = try store.claim(
        .account(account), by: agent, at: now, until: later, webhooks: Self.urls)
      _ = try store.act(
        .account(account),
        Action(at: now, kind: .noted, actor: agent, note: "zq-note of \(account)"))
      _ = try store.act(
        .account(account),
        Action(
          at: now, kind: .answered, actor: agent,
          detail: ["verdict": "detractor", "mode": "phone"]), webhooks: Self.urls)
    }
    _ = try store.act(
      .account(Self.gone[1]),
      Action(at: later, kind: .closed, actor: "ben", detail: ["outcome": "resolved"]),
      webhooks: Self.urls)
    try store.hold(
      Hold(account: Self.gone[2], kind: .legal, since: now, until: nil), by: "ann")
    try store.hold(Hold(account: "stays-2", kind: .snooze, since: now, until: later), by: "ann")
    return (place, store)
  }

  /// Everything in a store's tables as one text.
  private func everything(_ place: StoreUnderTest) throws -> String {
    let tables = [
      "runs", "decisions", "cases", "actions", "notes", "holds", "experiments", "enrolments",
      "incidents", "outbox", "erasures",
    ]
    switch place.place {
    case .file(let path):
      return try DatabaseQueue(path: path).read { db in
        try tables.map { "\(try Row.fetchAll(db, sql: "SELECT * FROM \($0)"))" }.joined()
      }
    case .postgres(let url):
      return try tables.map {
        try PostgresServer.sql(
          "SELECT coalesce(string_agg(t::text, ';'), '') FROM \($0) t", on: url)
      }.joined()
    }
  }

  @Test(arguments: StoreKind.allCases)
  func nothingOfThePersonStays(_ kind: StoreKind) throws {
    guard let (place, store) = try worked(kind) else { return }
    let others = try store.cases().filter { $0.account == "stays-2" }
    let decided = try store.decisions(account: "stays-2")
    #expect(try everything(place).contains("zq-gone-0"))
    let known = try store.known(of: Self.gone)
    #expect(known.cases == 2 && known.open == 1 && known.enrolments == 2)
    #expect(known.holds == 1 && known.exemplars == 1 && known.decisions == 2)
    let erased = try store.erase(
      Self.gone, by: "dpo", at: Self.tuesday.adding(days: 2), webhooks: Self.urls)
    #expect(erased == known)
    let left = try everything(place)
    for trace in ["zq-gone", "zq-note", "Nomen 0", "Nomen 1", "Nomen 7", "zq0@"] {
      #expect(!left.contains(trace), "\(trace) stands there")
    }
    // The log is whole, and says that the case ended so.
    #expect(try store.damagedCases().isEmpty)
    let cases = try store.cases()
    #expect(cases.map(\.state.outcome) == [.erased, .resolved, nil])
    #expect(cases[0].person == nil && cases[0].score == nil && cases[0].segment == nil)
    #expect(try store.actions(of: 1).map(\.kind).last == .closed)
    // One post tells of the end, under the new name; none that waited is left.
    #expect(
      try place.number("SELECT count(*) FROM outbox WHERE case_id IN (1, 2)") == 1)
    #expect(try store.answers(before: date("2026-04-01")).rows.isEmpty)
    // Whom the lot drew is counted, and nobody is found by it.
    let enrolments = try store.enrolments()
    #expect(enrolments.map(\.arm).count { $0 == .holdout } == 1 && enrolments.count == 3)
    #expect(enrolments.filter { $0.probability == 0 }.count == 2)
    // Others are as they were, but for who was like them.
    var other = try #require(others.first)
    other.exemplars.removeAll { $0.account == Self.gone[0] }
    #expect(cases[2] == other && other.exemplars.count == 1)
    #expect(try store.decisions(account: "stays-2") == decided)
    for account in Self.gone {
      #expect(try store.openCase(account: account) == nil)
      #expect(try store.decisions(account: account).isEmpty)
    }
    #expect(try store.known(of: Self.gone).isNothing)
    #expect(try store.erase(Self.gone, by: "dpo", at: monday, webhooks: Self.urls).isNothing)
    #expect(try place.number("SELECT count(*) FROM erasures") == 3)
    try store.forget()
    #expect(try store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func whatFailsHalfWayLeavesAllOfIt(_ kind: StoreKind) throws {
    guard let (place, store) = try worked(kind) else { return }
    let before = try everything(place)
    // The second account's entry fails, after the first was taken out.
    switch kind {
    case .sqlite:
      try place.tamper(
        "CREATE TRIGGER stop BEFORE INSERT ON erasures WHEN NEW.number = 2 "
          + "BEGIN SELECT RAISE (ABORT, 'stop'); END")
    case .postgres:
      try place.tamper(
        "ALTER TABLE erasures ADD CONSTRAINT stop CHECK (number <> 2)")
    }
    #expect(throws: OutreachError.self) {
      try store.erase(Self.gone, by: "dpo", at: Self.tuesday, webhooks: Self.urls)
    }
    #expect(try everything(place) == before)
    try place.tamper(
      kind == .sqlite ? "DROP TRIGGER stop" : "ALTER TABLE erasures DROP CONSTRAINT stop")
    #expect(try store.erase(Self.gone, by: "dpo", at: Self.tuesday).cases == 2)
  }

  /// Not only the rows: the bytes of the file.
  @Test func theBytesLeaveTheFile() throws {
    let (place, store) = try #require(try worked(.sqlite))
    guard case .file(let path) = place.place else { return }
    func has(_ text: String) throws -> Bool {
      try Data(contentsOf: URL(fileURLWithPath: path)).range(of: Data(text.utf8)) != nil
    }
    #expect(try has("zq-gone-0") && has("Zq Nomen 0") && has("zq-note of zq-gone-0"))
    _ = try store.erase(Self.gone, by: "dpo", at: Self.tuesday)
    try store.forget()
    for text in ["zq-gone", "Zq Nomen 0", "Zq Nomen 1", "zq-note", "zq0@"] {
      #expect(try !has(text), "\(text) is in the file")
    }
    #expect(try has("Zq Nomen 2"))
  }

  /// Rows of the accounts leave a file, the others stay as they are, byte for byte.
  @Test func rowsLeaveFiles() throws {
    let folder = try temporaryFolder()
    func file(_ name: String, _ text: String) throws -> String {
      let path = folder.appendingPathComponent(name).path
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return path
    }
    let kept = "b,\"zq, not \"\"mine\"\"\"\r\n\"b\n2\",a\r\n"
    let path = try file(
      "a.csv", "account_id,text\r\na,1\r\n\(kept)\"a\",2\r\n\"=x\",3\r\n\"'=x\",4\r\na")
    let removal = try #require(
      try RowRemoval(path: path, accounts: ["a", "=x", "nobody"]))
    #expect(removal.rows == 5)
    let digest = removal.sha256
    try removal.write(to: path)
    let text = "account_id,text\r\n" + kept
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    #expect(digest == sha256(Data(text.utf8)))
    #expect(try RowRemoval(path: path, accounts: ["a", "=x"]) == nil)
    #expect(try RowRemoval(path: path, column: "id", accounts: ["b"]) == nil)
    let bad = try file(
      "q.csv",
      "file,line,what,row\ne.csv,3,no,\"a,x\"\ne.csv,4,no,\"\"\"a\"\";1\"\ne.csv,5,no,b a\n")
    let quarantined = try #require(try RowRemoval(quarantine: bad, accounts: ["a"]))
    #expect(quarantined.rows == 2)
    try quarantined.write(to: bad)
    #expect(
      try String(contentsOfFile: bad, encoding: .utf8)
        == "file,line,what,row\ne.csv,5,no,b a\n")
  }
}
