import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

private let nine = monday.adding(seconds: 9 * 3600)

/// What customers may expect, on every database.
@Suite(.serialized)
struct PromiseTests {
  private var standard: Practice {
    var practice = Practice()
    practice.calendar = BusinessCalendar(zone: berlin, holidays: [date("2026-03-09").day])
    return practice
  }

  private func act(
    _ store: CaseStore, _ account: String, _ kind: Action.Kind, _ at: Instant,
    _ detail: [String: String] = [:], by practice: Practice?
  ) throws {
    _ = try store.act(
      .account(account),
      Action(at: at, kind: kind, actor: "kim", detail: detail), by: practice)
  }

  /// Records of a voiced customer are many; what promises hang on is the step and its fields alone.
  private func step(
    _ store: CaseStore, _ account: String, _ step: String, _ at: Instant,
    _ detail: [String: String], _ record: [String: String] = [:], by practice: Practice
  ) throws {
    _ = try store.act(
      .account(account),
      Action(
        at: at, kind: .step, actor: "kim", detail: detail.merging(["step": step]) { $1 },
        record: record), by: practice)
  }

  private func toCorrect(_ store: CaseStore, _ account: String, _ practice: Practice) throws {
    try act(store, account, .reached, nine, by: practice)
    try act(
      store, account, .answered, nine, ["verdict": "detractor", "mode": "phone"], by: practice)
    try step(store, account, "ask", nine, [:], ["said": "late"], by: practice)
    try step(
      store, account, "acknowledge", nine, ["apologised": "yes", "said_back": "yes"],
      ["heard": "late"], by: practice)
    try step(
      store, account, "engage", nine, [:],
      ["happened": "May", "expected": "in time", "instead": "late", "wanted": "a gift"],
      by: practice)
    try step(
      store, account, "correct", nine,
      ["cause": "quality", "promised": date("2026-03-06").description],
      ["options": "refund", "chosen": "refund"], by: practice)
  }

  @Test(arguments: StoreKind.allCases)
  func everyKindByHand(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: []) else { return }
    let practice = standard
    try toCorrect(store, "a0", practice)
    try step(
      store, "a0", "communicate", nine, ["manner": "email", "every_days": "7"], by: practice)
    try act(
      store, "a0", .appointed, nine,
      ["from": "2026-03-03T14:00:00Z", "to": "2026-03-03T15:00:00Z"], by: practice)
    func all(_ now: Instant) throws -> [String] {
      try store.promises(at: now).map { "\($0.kind.rawValue) \($0.state(at: now).rawValue)" }
    }
    var promises = try store.promises(at: nine)
    #expect(promises.map(\.kind) == [.callback, .promised, .update])
    #expect(promises.allSatisfy { $0.owner == "kim" && $0.account == "a0" && $0.manner == "email" })
    // A date is over when the team closes on it; every 7 days is Monday, a holiday, so Tuesday.
    #expect(promises[1].due == date("2026-03-06T17:00"))
    #expect(promises[2].due == date("2026-03-10T17:00"))
    #expect(try store.promises(at: nine.adding(seconds: -1)).isEmpty)
    // A contact before the appointment keeps nothing, one within it does.
    try act(store, "a0", .messaged, date("2026-03-03T14:59"), by: practice)
    #expect(try all(date("2026-03-03T15:30"))[0] == "callback open")
    try act(store, "a0", .attempted, date("2026-03-03T15:30"), by: practice)
    #expect(try all(date("2026-03-03T15:30"))[0] == "callback kept")
    // What they are told of is told again as often, while the case is open.
    let told = date("2026-03-04T10:00")
    let kept = try store.keepPromise(
      promises[2].number, by: "lee", at: told, note: "rang", practice: practice)
    #expect(kept.keptBy == "lee" && kept.state(at: told) == .kept)
    let twice = #expect(throws: OutreachError.self) {
      try store.keepPromise(kept.number, by: "kim", at: told, practice: practice)
    }
    #expect(twice?.exitStatus == 64 && twice?.description.contains("kept already") == true)
    let none = #expect(throws: OutreachError.self) {
      try store.keepPromise(99, by: "kim", at: told, practice: practice)
    }
    #expect(none?.exitStatus == 66)
    promises = try store.promises(at: told)
    #expect(
      promises.filter { $0.kind == .update }.map(\.due) == [
        date("2026-03-10T17:00"), date("2026-03-11T17:00"),
      ])
    // The customer agrees in time: what was promised is kept, the rest of the case ends, and they are
    // asked again 30 days later, on a Saturday, so on Monday.
    let done = date("2026-03-05T11:00")
    try step(
      store, "a0", "validate", done, ["agreed": "yes", "thanked": "yes"], by: practice)
    try act(store, "a0", .closed, done, ["outcome": "resolved"], by: practice)
    #expect(
      try all(done) == [
        "callback kept", "promised kept", "update kept", "update ended", "follow_up open",
      ])
    #expect(try store.promises(at: done).last?.due == date("2026-04-06T17:00"))
    let late = date("2026-04-07")
    #expect(try all(late).last == "follow_up broken")
    let ended = try #require(try store.promises(at: done).first { $0.state(at: done) == .ended })
    let over = #expect(throws: OutreachError.self) {
      try store.keepPromise(ended.number, by: "kim", at: done, practice: practice)
    }
    #expect(over?.description.contains("has ended") == true)
    // Kept late is broken, and needs nobody any more.
    let followUp = try #require(try store.promises(at: late).last)
    let lateKept = try store.keepPromise(
      followUp.number, by: "kim", at: late, practice: practice)
    #expect(lateKept.state(at: late) == .broken && lateKept.isSettled(at: late))
    let report = ServiceReport(
      try store.cases(), try store.actions(), promises: try store.promises(at: late),
      settings: settings(), now: late)
    #expect(report.promises.map { [$0.kept, $0.broken, $0.open, $0.ended] } == [[3, 1, 0, 1]])
    #expect(
      ServiceText(zone: berlin).lines(report).contains(
        "promises with kim: 3 kept, 1 broken, 0 open, 1 ended"))
    #expect(
      Metrics.text(report, run: nil, drift: nil).contains(
        "tacit_promises{owner=\"kim\",state=\"broken\"} 1\n"))
  }

  @Test(arguments: StoreKind.allCases)
  func aNewerPromiseTakesThePlaceOfTheOlder(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: []) else { return }
    let practice = standard
    try toCorrect(store, "a0", practice)
    let tuesday = date("2026-03-03T10:00")
    try step(
      store, "a0", "correct", tuesday,
      ["cause": "quality", "promised": "2026-03-08T11:30:00Z"],
      ["options": "refund", "chosen": "refund"], by: practice)
    for day in ["04", "05"] {
      try act(
        store, "a0", .appointed, tuesday,
        ["from": "2026-03-\(day)T14:00:00Z", "to": "2026-03-\(day)T15:00:00Z"], by: practice)
    }
    let promises = try store.promises(at: tuesday)
    // A time of day is that time, on a Sunday, too.
    #expect(promises.map(\.kind) == [.callback, .callback, .promised, .promised])
    #expect(promises.map { $0.state(at: tuesday) } == [.ended, .open, .ended, .open])
    #expect(promises[3].due == Instant(iso8601: Array("2026-03-08T11:30:00Z".utf8)[...], zone: nil))
    // Who is gone is promised nothing any more, nor is who is to be left alone.
    try store.hold(
      Hold(account: "a0", kind: .bereavement, since: tuesday, until: nil), by: "kim")
    #expect(try store.promises(at: tuesday).allSatisfy { $0.state(at: tuesday) == .ended })
  }

  @Test(arguments: StoreKind.allCases)
  func aMoveIsToldToThoseItConcerns(_ kind: StoreKind) throws {
    guard
      let (_, store) = try worked(
        kind, resolved: ["a0", "a1", "a2", "a3"],
        record: { number in
          var record = AccountRecord(account: "a\(number)")
          record.updateEveryDays = number == 1 ? 3 : nil
          return record
        })
    else { return }
    let practice = lightPractice
    let at = date("2026-03-03T10:00")
    _ = try store.propose("t", cause: "quality", owner: "ops", by: "anna", at: at)
    _ = try store.link(1, accounts: ["a0", "a1", "a2", "a3", "a4"], by: "anna", at: at)
    try store.hold(Hold(account: "a2", kind: .snooze, since: at, until: nil), by: "anna")
    func updates() throws -> [Promise] {
      try store.promises(at: at).filter { $0.correction == 1 }
    }
    let moved = try store.move(
      1, to: .pilot, by: "anna", at: at, practice: practice, refused: { $0 == "a3" })
    #expect(moved.updates == 3)
    #expect(try updates().map(\.account) == ["a1", "a0", "a4"])
    #expect(try updates().map(\.owner) == ["kim", "kim", "ops"])
    #expect(
      try updates().map(\.due) == [
        date("2026-03-06T17:00"), date("2026-03-17T17:00"), date("2026-03-17T17:00"),
      ])
    // Who is to be told already is told once.
    let told = try #require(try updates().first)
    _ = try store.keepPromise(told.number, by: "kim", at: at, practice: practice)
    #expect(
      try store.move(1, to: .approved, by: "anna", at: at, practice: practice).updates == 2)
    #expect(try updates().count { $0.account == "a0" } == 1)
    #expect(try updates().count { $0.account == "a1" } == 2)
    _ = try store.unlink(1, account: "a0", because: "another matter", by: "anna", at: at)
    #expect(try updates().first { $0.account == "a0" }?.state(at: at) == .ended)
    #expect(try store.damagedCorrections().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func oneOfEightKeepsIt(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: ["a0"]) else { return }
    let number = try #require(try store.promises(at: date("2026-03-03")).first?.number)
    let kept = try atOnce(8) { agent in
      do {
        _ = try store.keepPromise(
          number, by: "agent\(agent)", at: date("2026-03-04"), practice: lightPractice)
        return 1
      } catch OutreachError.refused { return 0 }
    }
    #expect(kept.reduce(0, +) == 1)
  }

  /// Whatever is done in whatever order, every promise stands in one place at every instant, and
  /// the report counts each once.
  @Test(arguments: StoreKind.allCases)
  func promisesAreConserved(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: ["a3"]) else { return }
    var practice = standard
    practice.minimumCases = 2
    for account in ["a0", "a1", "a2"] { try toCorrect(store, account, practice) }
    var random = SplitMix64(11)
    func pick<Value>(_ values: [Value]) -> Value {
      values[Int(random.next() % UInt64(values.count))]
    }
    _ = try store.propose("t", cause: "quality", owner: "ops", by: "anna", at: nine)
    _ = try store.link(1, accounts: ["a0", "a1", "a3"], by: "anna", at: nine)
    var now = date("2026-03-02T12:00")
    var made = 0
    for _ in 0..<120 {
      now = now.adding(seconds: Int(random.next() % 50_000))
      let account = pick(["a0", "a1", "a2", "a3"])
      let from = now.adding(seconds: Int(random.next() % 90_000))
      let action: Action? =
        switch random.next() % 9 {
        case 0:
          Action(
            at: now, kind: .appointed, actor: "kim",
            detail: [
              "from": from.description, "to": from.adding(seconds: 3600).description,
            ])
        case 1: Action(at: now, kind: pick([.attempted, .reached, .messaged]), actor: "kim")
        case 2:
          Action(
            at: now, kind: .step, actor: "kim",
            detail: ["step": "correct", "cause": "quality", "promised": from.description],
            record: ["options": "refund", "chosen": "refund"])
        case 3:
          Action(
            at: now, kind: .step, actor: "kim",
            detail: ["step": "communicate", "manner": "email", "every_days": "1"])
        case 4:
          Action(
            at: now, kind: .step, actor: "kim",
            detail: ["step": "validate", "agreed": pick(["yes", "no"]), "thanked": "yes"])
        case 5 where random.next() % 6 == 0:
          Action(
            at: now, kind: .closed, actor: "kim",
            detail: ["outcome": pick(["resolved", "lost", "unreached"])])
        default: nil
        }
      if let action {
        // What comes out of order is refused and leaves nothing.
        _ = try? store.act(.account(account), action, by: practice)
      } else if random.next() % 2 == 0 {
        let open = try store.promises(at: now).filter { !$0.isSettled(at: now) }
        if !open.isEmpty {
          _ = try store.keepPromise(pick(open).number, by: "kim", at: now, practice: practice)
        }
      } else if random.next() % 5 == 0 {
        try store.hold(
          Hold(account: account, kind: .snooze, since: now, until: now.adding(seconds: 60)),
          by: "kim")
      } else {
        let stage = pick(CorrectionState.Stage.allCases)
        _ = try? store.move(
          1, to: stage, because: "so", by: "anna", at: now, practice: practice)
      }
      let count = try store.promises(at: now).count
      #expect(count >= made, "none goes")
      made = count
    }
    #expect(made > 20)
    for step in 0..<40 {
      let instant = nine.adding(seconds: step * 100_000)
      let promises = try store.promises(at: instant)
      let report = ServiceReport([], [], promises: promises, settings: settings(), now: instant)
      let counted = report.promises.reduce(0) { $0 + $1.kept + $1.broken + $1.open + $1.ended }
      #expect(counted == promises.count)
      // What is kept, broken or ended stays so.
      let later = instant.adding(days: 3)
      for (one, then) in zip(promises, promises.map { $0.state(at: later) }) {
        if one.state(at: instant) != .open { #expect(one.state(at: instant) == then) }
      }
    }
    #expect(try store.damagedCases().isEmpty && store.damagedCorrections().isEmpty)
  }
}

extension Instant {
  /// Days since 1970-01-01, in Berlin.
  fileprivate var day: Int { berlin.date(of: self) }
}
