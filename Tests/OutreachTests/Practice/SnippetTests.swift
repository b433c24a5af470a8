import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

private let nine = monday.adding(seconds: 9 * 3600)
private let ten = monday.adding(seconds: 10 * 3600)

/// The library of what worked, and the search over cases, on every database.
@Suite(.serialized)
struct SnippetTests {
  /// Open cases a0 … a4; of the accounts file a name, an e-mail address and a telephone.
  private func opened(_ kind: StoreKind) throws -> CaseStore? {
    guard let place = try kind.fresh() else { return nil }
    let store = try place.store()
    let base = Base(
      12, id: { "a%_\($0)" },
      record: {
        AccountRecord(
          account: "a%_\($0)", name: "The Añez\($0) Bakery", email: "Rosa\($0)@Example.com",
          phone: "+49 (30) 555-10\($0)")
      })
    try base.publish(store, settings([Queue(name: "calls", capacity: 5, channel: "phone")]))
    return store
  }

  private func work(
    _ store: CaseStore, _ account: String, close outcome: Action.Outcome? = nil,
    cause: String? = nil, by agent: String = "anna", said: String = "it was late"
  ) throws {
    func act(
      _ kind: Action.Kind, _ detail: [String: String] = [:], _ record: [String: String] = [:]
    )
      throws
    {
      _ = try store.act(
        .account(account),
        Action(at: nine, kind: kind, actor: agent, detail: detail, record: record))
    }
    try act(.reached)
    try act(.answered, ["verdict": "detractor", "mode": "phone"])
    try act(.step, ["step": "acknowledge", "form": "service"], ["heard": said])
    if let cause { try act(.step, ["step": "correct", "cause": cause]) }
    if let outcome { try act(.closed, ["outcome": outcome.rawValue]) }
  }

  @Test(arguments: StoreKind.allCases)
  func whatWorkedIsKeptAndTheBestComesFirst(_ kind: StoreKind) throws {
    guard let store = try opened(kind) else { return }
    #expect(try store.snippets().isEmpty)
    func add(_ text: String, _ part: Playbook.Part = .empathy, _ account: String) throws -> Int64 {
      try store.addSnippet(text, part: part, account: account, by: "anna", at: ten)
    }
    let early = #expect(throws: OutreachError.self) { try add("x", .empathy, "a%_0") }
    #expect(early?.description.contains("nobody has answered") == true)
    try work(store, "a%_0")
    try work(store, "a%_1", close: .resolved, cause: "quality")
    try work(store, "a%_2", close: .resolved, cause: "quality")
    #expect(try add("I see, {name}.", .empathy, "a%_0") == 1)
    #expect(try add("I hear that it was late.", .empathy, "a%_1") == 2)
    #expect(try add("Here is the plan.", .options, "a%_1") == 3)
    #expect(try add("I hear that it was late.", .empathy, "a%_2") == 2)
    let twice = #expect(throws: OutreachError.self) {
      try add(" I hear that it was late. ", .empathy, "a%_2")
    }
    #expect(twice?.description.contains("already") == true)
    let all = try store.snippets()
    #expect(all.map(\.number) == [2, 3, 1])
    #expect(all[0].cases == 2 && all[0].resolved == 2 && all[2].resolved == 0)
    #expect(all[0].form == "service" && all[0].cause == "quality" && all[2].cause == nil)
    #expect(try store.snippets(part: .options).map(\.number) == [3])
    #expect(try store.snippets(cause: "quality").map(\.number) == [2, 3])
    #expect(try store.snippets(form: "review").isEmpty)
    // They stand under the script of a case like theirs.
    try work(store, "a%_3")
    let script = try store.script(
      account: "a%_3", by: nil, at: ten, Practice(), zone: berlin)
    #expect(script.snippets.map(\.number) == [2, 1, 3])
    #expect(script.text.contains("others said\n  empathy: I hear that it was late."))
    try work(store, "a%_4", cause: "venting")
    let venting = try store.script(
      account: "a%_4", by: nil, at: ten, Practice(), zone: berlin)
    #expect(venting.snippets.map(\.number) == [1])
    // What is dropped is gone, from all its cases; its number is not used again.
    try store.dropSnippet(2)
    #expect(try store.snippets().map(\.number) == [3, 1])
    #expect(throws: OutreachError.self) { try store.dropSnippet(2) }
    #expect(try add("One more.", .empathy, "a%_0") == 5)
    // Nothing stays of what was said on an erased customer's case.
    _ = try store.erase(["a%_1"], by: "dpo", at: ten)
    #expect(try store.snippets().map(\.number) == [1, 5])
    #expect(throws: OutreachError.self) { try add("{nme}", .facts, "a%_0") }
    #expect(throws: OutreachError.self) { try add("  ", .facts, "a%_0") }
    #expect(throws: OutreachError.self) { try add("x", .facts, "nobody") }
  }

  @Test(arguments: [
    "as a%_0 said", "dear Añez0", "DEAR AN\u{303}EZ0!", "the bakery was closed", "the añez0 bakery",
    "write to rosa0@example.com", "or other@example.org", "call 55510-0 0", "call 030 555100",
    "call +49 30 555 100", "order 12345678",
  ])
  func nothingOfTheCustomersIsKept(_ text: String) throws {
    let store = try #require(try opened(.sqlite))
    try work(store, "a%_0")
    let error = #expect(throws: OutreachError.self) {
      try store.addSnippet(text, part: .empathy, account: "a%_0", by: "anna", at: ten)
    }
    #expect(error?.description.contains("write it without") == true, "\(String(describing: error))")
    for part in ["Añez", "rosa", "555", "Bakery"] {
      #expect(error?.description.contains(part) == false)
    }
    #expect(try store.snippets().isEmpty)
  }

  @Test(arguments: [
    "The truth is that it was late, {name}.", "We had 3 of 4 on 2 March at 17:00.", "a", "50 @ 3",
    "and so on",
  ])
  func plainWordsAreKept(_ text: String) throws {
    let store = try #require(try opened(.sqlite))
    try work(store, "a%_0")
    #expect(
      try store.addSnippet(text, part: .empathy, account: "a%_0", by: "anna", at: ten) == 1)
  }

  // MARK: - Whose eyes

  @Test(arguments: StoreKind.allCases)
  func wordsAreForThoseWhoWorkTheCase(_ kind: StoreKind) throws {
    guard let store = try opened(kind) else { return }
    _ = try store.claim(.account("a%_0"), by: "anna", at: nine, until: ten)
    try work(store, "a%_0", said: "My secret")
    func said(_ agent: String?, at now: Instant = nine) throws -> [String] {
      try store.script(account: "a%_0", by: agent, at: now, Practice(), zone: berlin)
        .said.map(\.text)
    }
    #expect(try said("anna") == ["My secret"])
    #expect(try said("ben").isEmpty && said(nil).isEmpty)
    // The lease is over.
    #expect(try said("anna", at: ten).isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func casesAreFoundAndTextIsForThoseWhoWorkedThem(_ kind: StoreKind) throws {
    guard let store = try opened(kind) else { return }
    try work(store, "a%_0", close: .resolved, cause: "quality", by: "anna", said: "Late TWICE")
    try work(store, "a%_1", cause: "quality", by: "ben", said: "late twice, 100 % late")
    try work(store, "a%_2", cause: "venting", by: "ben", said: "rude")
    _ = try store.act(
      .account("a%_1"), Action(at: ten, kind: .noted, actor: "anna", note: "I looked at it"))
    func found(_ question: CaseQuestion, _ agent: String = "anna") throws -> [(String, Bool)] {
      try store.search(question, by: agent).map { ($0.found.account, $0.said != nil) }
    }
    #expect(try found(CaseQuestion(cause: "quality")).map(\.0) == ["a%_1", "a%_0"])
    // To have left a note on another's case is not to have worked it.
    #expect(try found(CaseQuestion(cause: "quality")).map(\.1) == [false, true])
    #expect(try found(CaseQuestion(cause: "quality"), "ben").map(\.1) == [true, false])
    // By what was said only one's own are found.
    #expect(try found(CaseQuestion(text: "late twice")).map(\.0) == ["a%_0"])
    #expect(try found(CaseQuestion(text: "late twice"), "ben").map(\.0) == ["a%_1"])
    #expect(try found(CaseQuestion(text: "100 %"), "ben").map(\.0) == ["a%_1"])
    #expect(try found(CaseQuestion(text: "100 %")).isEmpty)
    let late = try store.propose("late", cause: "quality", owner: "ops", by: "lead", at: ten)
    _ = try store.link(late.number, accounts: ["a%_1"], by: "lead", at: ten)
    #expect(
      try found(CaseQuestion(correction: late.number)).map(\.0) == ["a%_1"])
    #expect(throws: OutreachError.self) { try found(CaseQuestion(correction: 99)) }
    #expect(try found(CaseQuestion(text: "_ate")).isEmpty)
    #expect(try found(CaseQuestion(account: "a%_2")).map(\.0) == ["a%_2"])
    #expect(try found(CaseQuestion(account: "a%_2", cause: "quality")).isEmpty)
    #expect(try found(CaseQuestion(account: "a")).isEmpty)
    let own = try #require(try store.search(CaseQuestion(account: "a%_1"), by: "ben").first)
    #expect(own.said?.map(\.text) == ["late twice, 100 % late", "I looked at it"])
    #expect(own.said?.map(\.field) == ["heard", "note"])
    // Who holds it now may read it.
    _ = try store.act(.account("a%_2"), Action(at: ten, kind: .claimed, actor: "cleo"))
    #expect(try found(CaseQuestion(account: "a%_2"), "cleo").map(\.1) == [true])
  }
}
