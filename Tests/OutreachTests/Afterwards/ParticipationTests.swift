import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

private let later = date("2026-03-03")

/// Lists of customers for others, and blocks of calls, on every database.
@Suite(.serialized)
struct ParticipationTests {
  private func worked(_ kind: StoreKind, resolved: [String]) throws -> (
    place: StoreUnderTest, store: CaseStore
  )? {
    try OutreachTests.worked(
      kind, resolved: resolved,
      record: {
        AccountRecord(
          account: "a\($0)", value: 10, name: "N \(hostileTexts[$0])", email: "e\($0)@x")
      })
  }

  private func accounts(_ table: ExportTable) -> [String] {
    table.rows.map { if case .text(let text) = $0[0] { text } else { "" } }
  }

  @Test(arguments: StoreKind.allCases)
  func listsHonourConsentAndHolds(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: ["a0", "a1", "a2", "a3"]) else { return }
    for account in ["a0", "a1", "a2", "a3"] {
      try store.takePart(account, in: .story, by: "anna", at: later)
    }
    try store.takePart("a0", in: .referral, by: "anna", at: later)
    #expect(try accounts(store.participants(.story, at: later)) == ["a0", "a1", "a2", "a3"])
    #expect(try accounts(store.participants(.referral, at: later)) == ["a0"])
    #expect(try store.participants(.advise, at: later).rows.isEmpty)
    #expect(try store.participants(.story, at: later.adding(seconds: -1)).rows.isEmpty)
    #expect(try store.leave("a1", .story, by: "anna", at: later))
    try store.hold(Hold(account: "a2", kind: .optOut, since: later, until: nil), by: "anna")
    let table = try store.participants(.story, at: later) { $0 == "a3" }
    #expect(accounts(table) == ["a0"])
    #expect(table.rows[0].count == table.columns.count)
    // Agreeing again after taking it back.
    try store.takePart("a1", in: .story, by: "anna", at: later)
    #expect(try accounts(store.participants(.story, at: later)).contains("a1"))
  }

  @Test(arguments: StoreKind.allCases)
  func aSegmentTellsWhoOptedOutWithoutTheirAddress(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: ["a0", "a1", "a2", "a3"]) else { return }
    try store.hold(Hold(account: "a1", kind: .optOut, since: later, until: nil), by: "anna")
    try store.hold(Hold(account: "a2", kind: .bereavement, since: later, until: nil), by: "anna")
    let table = try store.segment(
      where: { $0.state.steps?.cause == "quality" }, at: later, refused: { $0 == "a3" })
    #expect(accounts(table) == ["a0", "a1", "a3"])
    #expect(table.columns.map(\.name).prefix(4) == ["account_id", "opt_out", "name", "email"])
    #expect(table.rows.map { $0[1] } == [.flag(false), .flag(true), .flag(true)])
    #expect(table.rows[0][3] == .text("e0@x"))
    for row in table.rows.dropFirst() {
      #expect(row[2] == .none && row[3] == .none && row[4] == .none)
    }
    #expect(table.rows.allSatisfy { $0.count == table.columns.count })
    #expect(try store.segment(where: { $0.state.outcome == .lost }, at: later).rows.isEmpty)
    #expect(
      try store.segment(where: { _ in true }, at: monday).rows.isEmpty, "closed later than that")
  }

  @Test(arguments: StoreKind.allCases)
  func whoIsErasedIsPromisedNothingAndCountsNoMore(_ kind: StoreKind) throws {
    guard let (place, store) = try worked(kind, resolved: ["a0", "a1", "a2"]) else { return }
    for account in ["a0", "a1", "a2"] {
      try store.takePart(account, in: .advise, by: "anna", at: later)
    }
    _ = try store.propose("t", cause: "quality", owner: "ops", by: "anna", at: later)
    _ = try store.link(1, accounts: ["a0", "a1", "a2", "a3"], by: "anna", at: later)
    _ = try store.vote(1, account: "a0", isFor: true, by: "anna", at: later)
    _ = try store.move(1, to: .pilot, by: "anna", at: later, practice: lightPractice)
    let promise = try #require(
      try store.promises(at: later).first { $0.account == "a0" && $0.kind == .update })
    _ = try store.keepPromise(
      promise.number, by: "anna", at: later, note: "told a0 in person", practice: lightPractice)
    let before = try store.promises(at: later).count
    _ = try store.erase(["a0", "a3"], by: "anna", at: later)
    let (one, log, _) = try store.correction(1, at: later)
    #expect(one.impact.linked.map(\.account) == ["a1", "a2"])
    #expect(one.votes == CaseStore.Votes() && log.count == 7)
    #expect(!one.impact.lookAlikes.contains { $0.account.utf8.starts(with: "[".utf8) })
    #expect(try accounts(store.participants(.advise, at: later)) == ["a1", "a2"])
    #expect(try accounts(store.segment(where: { _ in true }, at: later)) == ["a1", "a2"])
    let promises = try store.promises(at: later)
    #expect(promises.count == before)
    #expect(promises.allSatisfy { $0.account != "a0" && $0.account != "a3" })
    #expect(
      promises.filter { $0.account.utf8.starts(with: "[".utf8) }.allSatisfy {
        $0.isSettled(at: later)
      })
    #expect(try place.number("SELECT count(*) FROM promises WHERE note IS NOT NULL") == 0)
    #expect(
      try store.move(
        1, to: .proposed, because: "again", by: "anna", at: later, practice: lightPractice
      ).updates == 0)
    let few = #expect(throws: OutreachError.self) {
      try store.move(1, to: .pilot, by: "anna", at: later, practice: lightPractice)
    }
    #expect(few?.description.hasPrefix("2 accounts speak") == true)
    #expect(try store.damagedCorrections().isEmpty && store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func aBlockTakesWhatFitsAndNobodyElseHasIt(_ kind: StoreKind) throws {
    // Where a0 lives it is the middle of the night.
    let record = { @Sendable (number: Int) in
      AccountRecord(
        account: "a\(number)", timeZone: number == 0 ? "America/Los_Angeles" : nil)
    }
    guard let (_, store) = try OutreachTests.worked(kind, resolved: [], record: record)
    else { return }
    let reach = Reach(calls: CallRules(team: BusinessCalendar(zone: berlin, holidays: [])))
    let queues = [Queue(name: "calls", capacity: 6, channel: "phone", minutes: 20)]
    let (now, until) = (date("2026-03-02T09:00"), date("2026-03-02T13:00"))
    let two = try store.claimBlock(
      by: "anna", minutes: 59, of: queues, at: now, until: until, reach: reach)
    #expect(two.map(\.account) == ["a1", "a2"])
    #expect(two.allSatisfy { $0.state.owner == "anna" && $0.state.leaseUntil == until })
    #expect(
      try store.claimBlock(by: "ben", minutes: 19, of: queues, at: now, until: until).isEmpty)
    #expect(
      try store.claimBlock(
        by: "ben", minutes: 60, queue: "none", of: queues, at: now, until: until
      ).isEmpty)
    let blocks = try atOnce(4) { agent in
      try store.claimBlock(by: "b\(agent)", minutes: 60, of: queues, at: now, until: until)
        .map(\.account)
    }
    #expect(blocks.flatMap(\.self).sorted() == ["a0", "a3", "a4", "a5"])
    #expect(blocks.allSatisfy { $0.count <= 3 })
    #expect(try store.damagedCases().isEmpty)
  }
}

/// What contact costs beside what it brings.
struct WorkCostTests {
  @Test func remediesAndQueuesAreCountedOnceACase() throws {
    var settings = settings([
      Queue(name: "calls", capacity: 3, channel: "phone", cost: 4)
    ])
    settings.practice = Practice(remedies: [
      Remedy(name: "voucher", text: "a voucher", cost: 10, approver: "lead"),
      Remedy(name: "refund", text: "a refund", cost: 25),
    ])
    var cases: [Case] = []
    var actions: [Action] = []
    func open(_ number: Int64, _ account: String, _ day: Int, _ given: [String]) throws {
      let at = monday.adding(days: day)
      var one = Case(
        form: .predicted, account: account, queue: "calls", channel: "phone", asOf: at,
        openedAt: at,
        due: at)
      one.number = number
      if !given.isEmpty {
        actions.append(Action(caseNumber: number, at: at, kind: .reached, actor: "kim"))
      }
      for name in given {
        actions.append(
          Action(
            caseNumber: number, at: at, kind: .step, actor: "kim",
            detail: name.isEmpty ? ["step": "ask"] : ["step": "correct", "remedy": name]))
      }
      for action in actions where action.caseNumber == number { try one.state.apply(action) }
      cases.append(one)
    }
    try open(1, "a", 0, ["voucher", "voucher", "refund"])
    try open(2, "a", 40, ["voucher"])
    try open(3, "b", 0, [""])
    try open(4, "c", 0, [])
    actions.append(
      Action(
        caseNumber: 1, at: monday, kind: .approved, actor: "lead", detail: ["remedy": "voucher"]))
    let costs = WorkCost(cases, actions, settings: settings)
    let month = monday.adding(days: 30)
    #expect(costs.of("a", from: monday, to: month) == 39)
    #expect(costs.of("a", from: monday, to: monday.adding(days: 41)) == 53)
    #expect(costs.of("b", from: monday, to: month) == 4)
    #expect(
      costs.of("c", from: monday, to: month) == 0 && costs.of("d", from: monday, to: month) == 0)
    let report = ServiceReport(
      cases, actions, settings: settings, now: monday.adding(days: 50))
    #expect(report.remedies.map(\.remedy) == ["refund", "voucher"])
    #expect(report.remedies.map { [$0.given, $0.approvals] } == [[1, 0], [2, 1]])
    #expect(report.remedies.map(\.cost) == [25, 20])
    #expect(
      ServiceText(zone: berlin).lines(report).contains(
        "remedy voucher: given 2 times, cost 20.00, approved 1"))
  }

  @Test func anExperimentSaysWhatIsLeftAfterCost() throws {
    let experiment = Experiment(
      seed: "s", starts: monday, ends: monday.adding(days: 1), holdout: 0.5, exploration: 0)
    let outcome = OutcomeMeasure(name: "spend", measure: .sum(event: "order"), horizonDays: 30)
    let enrolled = (0..<40).map {
      Enrolment(
        seed: "s", account: "a\($0)", arm: $0 < 20 ? .contact : .holdout, asOf: monday,
        probability: 0.5, band: .top, queue: "calls")
    }
    func value(_ one: Enrolment) -> Double? {
      (one.arm == .contact ? 100 : 80) + Double(one.account.utf8.count)
    }
    func reading(_ cost: (Enrolment) -> Double) -> ExperimentReading {
      ExperimentReading(
        experiment, outcome, enrolled, asOf: monday.adding(days: 31), value: value, cost: cost)
    }
    let one = reading { $0.arm == .contact ? 12 : 2 }
    let difference = try #require(one.overall?.difference)
    #expect(one.cost == 12 && one.holdoutCost == 2)
    #expect(abs((one.net?.difference ?? 0) - (difference - 10)) < 1e-9)
    let text = ExperimentText(zone: berlin).lines(one).joined(separator: "\n")
    #expect(
      text.contains("it cost 12.00 for each of the contacted, 2.00 for each of those left alone; "),
      "\(text)")
    let free = ExperimentText(zone: berlin).lines(reading { _ in 0 }).joined(separator: "\n")
    #expect(!free.contains("cost"))
    // Before its day nothing is said, of cost neither; of a share no money is left.
    let early = ExperimentReading(
      experiment, outcome, enrolled, asOf: monday.adding(days: 5), value: value
    ) { _ in 1 }
    #expect(early.cost == nil && early.net == nil)
    let share = ExperimentReading(
      experiment,
      OutcomeMeasure(name: "stays", measure: .happens(event: "x", wanted: true), horizonDays: 30),
      enrolled, asOf: monday.adding(days: 31), value: { _ in 1 }
    ) { _ in 3 }
    #expect(share.net == nil && share.cost == 3)
  }
}
