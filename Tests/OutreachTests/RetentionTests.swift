import Detraction
import Foundation
import Histories
import Outreach
import Testing
import TestSupport

/// What leaves the store by age, and what must not.
@Suite(.serialized)
struct RetentionTests {
  /// 80 nights, ten days apart, each with cases that are closed at once; 790 days in all.
  private static let nights = (0..<80).map { monday.adding(days: 10 * $0) }
  private static let last = nights[79]

  private func history(_ kind: StoreKind) throws -> (StoreUnderTest, CaseStore)? {
    guard let place = try kind.fresh() else { return nil }
    let store = try place.store()
    let base = Base(6) {
      "a\($0)"
    } record: {
      AccountRecord(account: "a\($0)", name: "Nomen \($0)")
    }
    for (number, night) in Self.nights.enumerated() {
      _ = try store.publish(asOf: night) { work in
        var planned = base.night(settings(), work, at: night)
        planned.webhooks = ["https://crm.example/hook"]
        if number == 0 {
          planned.experiment = Experiment(
            seed: "s", starts: night, ends: night.adding(days: 90), holdout: 0.5, exploration: 1)
          planned.enrolments = [
            Enrolment(
              seed: "s", account: "a5", arm: .holdout, asOf: night, probability: 0.25, band: .high,
              queue: "calls")
          ]
          planned.cases[0].form = .exploration
          planned.plan.decisions[0].disposition = .exploration
        }
        return planned
      }
      for open in try store.openCases() {
        let at = night.adding(seconds: 3600)
        _ = try store.act(
          .number(open.number), Action(at: at, kind: .reached, actor: "ann", note: "zq-note"))
        if number == 79 { continue }
        _ = try store.act(
          .number(open.number),
          Action(
            at: at, kind: .answered, actor: "ann",
            detail: ["verdict": "detractor", "mode": "phone"]
          ))
        _ = try store.act(
          .number(open.number),
          Action(at: at, kind: .closed, actor: "ann", detail: ["outcome": "resolved"]))
      }
    }
    try place.tamper("UPDATE outbox SET delivered_at = next_at WHERE case_id % 2 = 0")
    return (place, store)
  }

  /// What later nights, the effect, the level and training read.
  private func readers(_ store: CaseStore) throws -> [String] {
    let work = try store.openWork(asOf: Self.last.adding(days: 1))
    return [
      "\(try store.volumes(before: Self.last.adding(days: 1)))", "\(try store.enrolments())",
      "\(try store.experiments())", "\(try store.levelAnswers())", "\(try store.leftAlone())",
      "\(try store.firstCases().map(\.account).sorted())", "\(try store.runs())",
      "\(work.flaggedBefore) \(work.unclaimed) \(String(describing: work.lastRun))",
      "\(work.firstReasons.map { $0.sorted { $0.key < $1.key }.map(\.value) })",
      "\(work.touches.map { "\($0.key.id) \($0.value)" }.sorted())",
      "\(work.closed.map { "\($0.key.id) \($0.value)" }.sorted())",
      "\(try store.answers(before: Self.last).rows.count)",
      "\(try store.actions().map(\.hash))", "\(try store.deadPosts())",
      "\(try store.dispositions(asOf: Self.last).map(\.count))",
      "\(try store.openCases())",
    ]
  }

  @Test(arguments: StoreKind.allCases)
  func whatIsOldGoesAndNoReaderMissesIt(_ kind: StoreKind) throws {
    guard let (place, store) = try history(kind) else { return }
    let before = try readers(store)
    var rule = RetentionRule()
    rule.closedCaseDays = 700
    let waiting = try place.number("SELECT count(*) FROM outbox WHERE delivered_at IS NULL")
    let expiring = try store.expiring(by: rule, asOf: Self.last)
    // Older than 400 days and not of the newest 60 runs: twenty nights.
    let decided = try place.number("SELECT count(*) FROM decisions") ?? 0
    #expect(expiring.decisions > 0 && expiring.posts > 0 && expiring.cases > 0)
    #expect(try store.expire(by: rule, asOf: Self.last) == expiring)
    #expect(try place.number("SELECT count(*) FROM decisions") == decided - expiring.decisions)
    #expect(
      try place.number("SELECT count(DISTINCT as_of) FROM decisions") == 60)
    let limit = Self.last.adding(days: -700).microseconds
    #expect(
      try place.number(
        "SELECT count(*) FROM cases WHERE closed_at < \(limit) AND person IS NOT NULL") == 0)
    #expect(
      try place.number(
        "SELECT count(*) FROM cases WHERE closed_at >= \(limit) AND person IS NULL") == 0)
    #expect(
      try place.number(
        "SELECT count(*) FROM notes n JOIN cases c ON c.id = n.case_id WHERE closed_at < \(limit)")
        == 0)
    #expect(try place.number("SELECT count(*) FROM notes") ?? 0 > 0)
    #expect(
      try place.number("SELECT count(*) FROM outbox WHERE delivered_at IS NULL") == waiting)
    let old = Self.last.adding(days: -30).microseconds
    #expect(try place.number("SELECT count(*) FROM outbox WHERE delivered_at < \(old)") == 0)
    #expect(try readers(store) == before)
    #expect(try store.damagedCases().isEmpty)
    #expect(try store.expire(by: rule, asOf: Self.last) == CaseStore.Expired())
  }

  /// Stopped between its transactions it goes on where it was.
  @Test(arguments: StoreKind.allCases)
  func stoppedHalfWayItGoesOn(_ kind: StoreKind) throws {
    guard let (place, store) = try history(kind) else { return }
    var rule = RetentionRule()
    rule.closedCaseDays = 100
    let expiring = try store.expiring(by: rule, asOf: Self.last)
    switch kind {
    case .sqlite:
      try place.tamper(
        "CREATE TRIGGER stop BEFORE DELETE ON notes BEGIN SELECT RAISE (ABORT, 'stop'); END")
    case .postgres:
      try place.tamper(
        """
        CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'stop'; END $$;
        CREATE TRIGGER stop BEFORE DELETE ON notes FOR EACH ROW EXECUTE FUNCTION stop()
        """)
    }
    #expect(throws: OutreachError.self) { try store.expire(by: rule, asOf: Self.last) }
    let left = try store.expiring(by: rule, asOf: Self.last)
    #expect(left.decisions == 0 && left.posts == 0 && left.cases == expiring.cases)
    try place.tamper(kind == .sqlite ? "DROP TRIGGER stop" : "DROP TRIGGER stop ON notes")
    #expect(try store.expire(by: rule, asOf: Self.last).cases == expiring.cases)
    #expect(try store.expiring(by: rule, asOf: Self.last) == CaseStore.Expired())
  }

  @Test func theSectionIsReadAndOutcomesKeepTheirFiles() throws {
    let text = """
      [[queue]]
      name = "calls"
      capacity_per_business_day = 3
      channel = "phone"
      [[outcome]]
      name = "stays"
      event = "order"
      horizon_days = 180

      [retention]
      decisions_days = 30
      files_days = 7
      """
    func read(_ text: String) throws -> (RetentionRule, String) {
      let file = try project(text)
      let read = OutreachSettings(project: file, timeZone: berlin, numeric: [], categorical: [])
      do { try file.check() } catch { return (read.retention, "\(error)") }
      return (read.retention, "")
    }
    let (rule, problem) = try read(text)
    #expect(problem == "", "\(problem)")
    #expect(rule.decisionsDays == 30 && rule.filesDays == 208 && rule.closedCaseDays == 730)
    #expect(try read("[retention]\nfiles_days = 0").1.contains("files_days"))
    #expect(try read("[retention]\nfile_days = 5").1.contains("files_days"))
  }
}
