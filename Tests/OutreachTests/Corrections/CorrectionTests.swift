import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

private let nine = monday.adding(seconds: 9 * 3600)

/// Corrections in the store, on every database.
@Suite(.serialized)
struct CorrectionTests {
  private func minutes(_ count: Int) -> Instant { nine.adding(seconds: 60 * count) }

  @Test(arguments: StoreKind.allCases)
  func aPilotNeedsEvidenceOfSeveralAccounts(_ kind: StoreKind) throws {
    guard let (place, store) = try worked(kind, resolved: []) else { return }
    let practice = Practice()
    let one = try store.propose(
      "late to the islands", cause: "quality", owner: "ops", by: "anna", at: nine)
    #expect(one.number == 1 && one.state.stage == .proposed && one.state.owner == "ops")
    // The same again is the same, as after a connection that broke.
    #expect(
      try store.propose(
        "late to the islands", cause: "quality", owner: "ops", by: "anna", at: nine) == one)
    func move(
      _ to: CorrectionState.Stage, because: String? = nil, _ minute: Int
    ) throws -> CaseStore.Moved {
      try store.move(
        1, to: to, because: because, by: "anna", at: minutes(minute), practice: practice)
    }
    func refusal(_ to: CorrectionState.Stage) throws -> String {
      let error = #expect(throws: OutreachError.self) { try move(to, 1) }
      #expect(error?.exitStatus == 64)
      return error?.description ?? ""
    }
    #expect(try refusal(.pilot).hasPrefix("0 accounts speak for it and 3 are needed"))
    // Twice the same account is one account, and an account without a case links nobody.
    _ = try store.link(1, accounts: ["a0", "a0"], by: "anna", at: minutes(1))
    let missing = #expect(throws: OutreachError.self) {
      try store.link(1, accounts: ["a1", "zz"], by: "anna", at: minutes(1))
    }
    #expect(missing?.exitStatus == 66)
    #expect(try refusal(.pilot).hasPrefix("1 account speaks for it and 3 are needed"))
    _ = try store.link(1, accounts: ["a1", "a2"], by: "anna", at: minutes(2))
    #expect(try refusal(.approved).contains("after proposed comes pilot, not approved"))
    #expect(try move(.pilot, 3).correction.state.links == [1, 2, 3])
    #expect(try refusal(.proposed).contains("--because"))
    #expect(try refusal(.rolledOut).contains("one stage at a time"))
    #expect(try move(.approved, 4).correction.state.stage == .approved)
    #expect(try move(.approved, 5).updates == 0, "a second time it is there already")
    #expect(try move(.rolledOut, 6).correction.state.stage == .rolledOut)
    #expect(try move(.withdrawn, because: "came back", 7).correction.state.stage == .withdrawn)
    #expect(try refusal(.pilot).contains("proposed again"))
    #expect(try move(.proposed, because: "again", 8).correction.state.stage == .proposed)
    _ = try store.unlink(1, account: "a1", because: "another matter", by: "anna", at: minutes(9))
    #expect(try refusal(.pilot).hasPrefix("2 accounts speak for it"))
    let (found, log, linked) = try store.correction(1, at: minutes(10))
    #expect(found.correction.state.moves.count == 6 && linked.map(\.account) == ["a0", "a2"])
    #expect(log.last?.because == "another matter" && log.first?.kind == .proposed)
    // Whoever was linked is in the log by the number of a case, and a reason stands apart.
    #expect(
      try place.number(
        "SELECT count(*) FROM correction_actions WHERE detail LIKE '%a1%' OR detail LIKE '%matter%'"
      ) == 0)
    #expect(try store.damagedCorrections().isEmpty && store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func theLogIsKeptAndWhoChangesItIsFound(_ kind: StoreKind) throws {
    guard let (place, store) = try worked(kind, resolved: []) else { return }
    for title in hostileTexts {
      _ = try store.propose(title, cause: "quality", owner: title, by: "anna", at: nine)
    }
    let known = try store.corrections(at: nine)
    #expect(
      known.map(\.correction.title).elementsEqual(hostileTexts) { $0.utf8.elementsEqual($1.utf8) })
    for line in CorrectionText(zone: berlin).list(known) {
      #expect(
        line.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 0x9B && $0.value != 0x202E })
    }
    _ = try store.link(3, accounts: ["a0"], by: "anna", at: nine)
    for statement in [
      "UPDATE correction_actions SET actor = 'eve'", "DELETE FROM correction_actions",
    ] {
      #expect(throws: (any Error).self) { try place.tamper(statement) }
    }
    #expect(try store.damagedCorrections().isEmpty)
    try place.tamper(
      "UPDATE corrections SET state = replace(state, 'quality', 'venting') WHERE id = 2")
    #expect(try store.damagedCorrections() == [2])
    switch kind {
    case .sqlite: try place.tamper("DROP TRIGGER correction_actions_no_UPDATE")
    case .postgres:
      try place.tamper("ALTER TABLE correction_actions DISABLE TRIGGER correction_actions_are_kept")
    }
    try place.tamper("UPDATE correction_actions SET actor = 'bob' WHERE correction = 5")
    #expect(try store.damagedCorrections() == [2, 5])
    // Who linked a case stands in no state: the chain alone tells.
    try place.tamper(
      "UPDATE correction_actions SET actor = 'bob' WHERE correction = 3 AND kind = 'linked'")
    #expect(try store.damagedCorrections() == [2, 3, 5])
  }

  @Test(arguments: StoreKind.allCases)
  func whoAgreedVotesOnce(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: ["a0", "a1", "a2", "a3"]) else { return }
    _ = try store.propose("t", cause: "quality", owner: "ops", by: "anna", at: nine)
    _ = try store.link(1, accounts: ["a0", "a1", "a2"], by: "anna", at: nine)
    func vote(_ account: String, _ isFor: Bool, _ minute: Int) throws {
      _ = try store.vote(1, account: account, isFor: isFor, by: "anna", at: minutes(minute))
    }
    let refused = #expect(throws: OutreachError.self) { try vote("a0", true, 1) }
    #expect(refused?.description.contains("has not agreed") == true)
    // Nobody is asked whose case is not resolved.
    let open = #expect(throws: OutreachError.self) {
      try store.takePart("a4", in: .advise, by: "anna", at: minutes(1))
    }
    #expect(open?.description.contains("closed as resolved") == true)
    for account in ["a0", "a1", "a2"] {
      for _ in 0..<2 { try store.takePart(account, in: .advise, by: "anna", at: minutes(1)) }
    }
    try store.takePart("a3", in: .pilot, by: "anna", at: minutes(1))
    try vote("a0", false, 2)
    try vote("a1", false, 2)
    try vote("a1", false, 3)
    try vote("a2", true, 2)
    func move(_ to: CorrectionState.Stage, because: String? = nil) throws -> CaseStore.Moved {
      try store.move(
        1, to: to, because: because, by: "anna", at: minutes(5), practice: Practice())
    }
    #expect(try move(.pilot).votes == CaseStore.Votes(yes: 1, no: 2))
    let against = #expect(throws: OutreachError.self) { try move(.approved) }
    #expect(against?.description.contains("2 of 3 former detractors") == true)
    // Another vote makes it even; one of them counts no more when its consent is taken back.
    try vote("a3", true, 6)
    #expect(try store.correction(1, at: minutes(6)).0.votes == CaseStore.Votes(yes: 2, no: 2))
    #expect(try store.leave("a2", .advise, by: "anna", at: minutes(7)))
    #expect(try !store.leave("a2", .advise, by: "anna", at: minutes(7)))
    #expect(try store.correction(1, at: minutes(7)).0.votes == CaseStore.Votes(yes: 1, no: 2))
    #expect(throws: OutreachError.self) { try move(.approved) }
    #expect(try move(.approved, because: "the law asks for it").correction.state.stage == .approved)
    let late = #expect(throws: OutreachError.self) { try vote("a0", true, 9) }
    #expect(late?.description.contains("votes are for what is proposed") == true)
    #expect(try store.damagedCorrections().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func eightWhoLinkAtOnceLinkEachCaseOnce(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: []) else { return }
    _ = try store.propose("t", cause: "quality", owner: "ops", by: "anna", at: nine)
    let at = minutes(1)
    _ = try atOnce(8) { agent in
      try store.link(1, accounts: ["a0", "a\(agent % 4)", "a3"], by: "agent\(agent)", at: at)
    }
    let (one, log, _) = try store.correction(1, at: at)
    #expect(one.correction.state.links == [1, 2, 3, 4])
    #expect(log.map(\.number) == [1, 2, 3, 4, 5])
    #expect(try store.damagedCorrections().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func whatPointsToOneCauseIsSuggested(_ kind: StoreKind) throws {
    guard let (_, store) = try worked(kind, resolved: ["a0", "a1", "a2", "a3"]) else { return }
    let practice = Practice()
    // All four share the cause and their first reason; the two that are open still are like them.
    var groups = try store.suggestions(practice: practice, at: minutes(90))
    #expect(groups.count == 1 && groups[0].cause == "quality" && groups[0].isEnough)
    #expect(groups[0].reason == "late_delivery.count.30d" && groups[0].corrections.isEmpty)
    #expect(groups[0].impact.linked.map(\.account) == ["a0", "a1", "a2", "a3"])
    #expect(groups[0].impact.lookAlikes.map(\.account) == ["a4", "a5"])
    _ = try store.propose("t", cause: "quality", owner: "ops", by: "anna", at: minutes(90))
    _ = try store.link(1, accounts: ["a2"], by: "anna", at: minutes(90))
    groups = try store.suggestions(practice: practice, at: minutes(90))
    #expect(groups[0].corrections == [1] && groups[0].linked == 1)
    let text = CorrectionText(zone: berlin).suggestions(groups, practice: practice)
    #expect(text[0].contains("enough for a pilot; correction 1 (1 of 4 linked)"), "\(text)")
    #expect(text[2].contains("tacit corrections link 1 a0 a1 a2 a3"))
    // Who worked a2 is told; who worked none is not.
    let changes = try store.changes(for: "kim")
    #expect(changes.count == 1 && changes[0].since.map(\.stage) == [.proposed])
    #expect(try store.changes(for: "lee").isEmpty)
  }
}

/// Whom a correction would help, by hand and as a property.
struct CorrectionImpactTests {
  private func predicted(
    _ number: Int64, value: Double? = nil, p: Double = 0.5, reason: String = "r1",
    like: [String] = []
  ) -> Case {
    var score = score("a\(number)", probability: p)
    score.reasons[0].feature = reason
    var one = Case(
      form: .predicted, account: "a\(number)", queue: "calls", channel: "phone", asOf: monday,
      openedAt: monday, due: monday, score: score,
      exemplars: like.map { Exemplar(account: $0, distance: 1) },
      record: value.map { AccountRecord(account: "a\(number)", value: $0) })
    one.number = number
    return one
  }

  private func closed(_ one: Case, _ outcome: Action.Outcome, at: Instant) throws -> Case {
    var one = one
    try one.state.apply(
      Action(at: at, kind: .closed, actor: "kim", detail: ["outcome": outcome.rawValue]))
    return one
  }

  @Test func byHand() throws {
    let now = monday.adding(days: 100)
    var spoke = predicted(7, reason: "r1")
    try spoke.state.apply(
      Action(
        at: monday, kind: .answered, actor: "kim",
        detail: ["verdict": "non-detractor", "mode": "phone"]))
    var voiced = predicted(8)
    voiced.form = .voiced
    let linked = [predicted(1, value: 100, reason: "r1"), predicted(2, reason: "r1")]
    let others = [
      predicted(3, value: 50, p: 0.5, reason: "x", like: ["k", "a1"]),
      predicted(4, value: 10, p: 0.2, reason: "r1"),
      predicted(5, value: 1000, reason: "r2", like: ["k"]),
      try closed(predicted(6, value: 7, p: 1), .unreached, at: monday.adding(days: 10)),
      try closed(predicted(9), .unreached, at: monday.adding(days: 9)), spoke, voiced,
      try closed(predicted(10), .overtaken, at: now),
      try closed(predicted(11), .nothingWrong, at: now),
      predicted(12, p: 0.25, reason: "r1"),
    ]
    let impact = CorrectionImpact(linked: linked, among: linked + others, at: now)
    #expect(impact.sharedReason == "r1")
    #expect(impact.linked.map(\.account) == ["a1", "a2"])
    #expect(impact.lookAlikes.map(\.account) == ["a12", "a3", "a4", "a6"])
    #expect(impact.linkedValue == 100 && impact.withoutValue == 2)
    #expect(abs(impact.expected - (25 + 2 + 7)) < 1e-12)
    #expect(abs(impact.low - (50.0 / 3 + 10.0 / 9 + 7)) < 1e-12)
    #expect(abs(impact.high - (100.0 / 3 + 10.0 / 3 + 7)) < 1e-12)
    // One linked predicted case shares its reason with nobody.
    let single = CorrectionImpact(linked: [linked[0]], among: others, at: now)
    #expect(single.sharedReason == nil && single.lookAlikes.map(\.account) == ["a3"])
    #expect(CorrectionImpact(linked: [], among: others, at: now).total == 0)
  }

  /// Whatever the order in which cases were linked and stand in the store, the bits are the same.
  @Test func theOrderOfInsertionDoesNotMatter() {
    var random = SplitMix64(7)
    for _ in 0..<50 {
      let cases = (1...Int64(30)).map { number in
        predicted(
          number, value: random.next() % 4 == 0 ? nil : Double(random.next() % 1_000_003) / 7,
          p: Double(1 + random.next() % 97) / 99, reason: "r\(random.next() % 3)",
          like: random.next() % 5 == 0 ? ["a\(1 + random.next() % 30)"] : [])
      }
      let linked = Array(cases.prefix(Int(2 + random.next() % 10)))
      let one = CorrectionImpact(linked: linked, among: cases, at: monday)
      let two = CorrectionImpact(
        linked: linked.shuffled(using: &random), among: cases.shuffled(using: &random), at: monday)
      #expect(one == two)
      #expect(one.low <= one.expected && one.expected <= one.high)
      #expect(Set(one.linked.map(\.account)).isDisjoint(with: one.lookAlikes.map(\.account)))
    }
  }
}

/// A store with six cases, a0 to a5; those named were worked by kim until the customer agreed.
func worked(
  _ kind: StoreKind, resolved: [String], practice: Practice = lightPractice,
  record: @escaping @Sendable (Int) -> AccountRecord? = { _ in nil }
) throws -> (place: StoreUnderTest, store: CaseStore)? {
  guard let place = try kind.fresh() else { return nil }
  let store = try place.store()
  let base = Base(20, record: record)
  try base.publish(store, settings([Queue(name: "calls", capacity: 6, channel: "phone")]))
  for account in resolved { try resolve(account, in: store, practice) }
  return (place, store)
}

/// The light track, in Berlin.
let lightPractice: Practice = {
  var practice = Practice(tracks: ["calls": .light])
  practice.calendar = BusinessCalendar(zone: berlin, holidays: [])
  return practice
}()

func resolve(_ account: String, in store: CaseStore, _ practice: Practice) throws {
  let actions: [(Action.Kind, [String: String], [String: String])] = [
    (.reached, [:], [:]),
    (.answered, ["verdict": "detractor", "mode": "phone"], [:]),
    (.step, ["step": "ask"], ["said": "late"]),
    (.step, ["step": "acknowledge", "apologised": "yes"], ["heard": "late twice"]),
    (.step, ["step": "correct", "cause": "quality"], ["chosen": "refund"]),
    (.step, ["step": "validate", "agreed": "yes", "thanked": "yes"], [:]),
    (.closed, ["outcome": "resolved"], [:]),
  ]
  for (place, action) in actions.enumerated() {
    _ = try store.act(
      .account(account),
      Action(
        at: nine.adding(seconds: 60 * (10 + place)), kind: action.0, actor: "kim",
        detail: action.1, record: action.2), by: practice)
  }
}
