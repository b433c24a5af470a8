import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

struct ExerciseTests {
  private let practice = Practice()

  private func deal(_ seed: UInt64, _ closed: [(found: Case, log: [Action])] = []) -> Exercise {
    Exercise.deal(seed: seed, closed: closed, at: monday, practice, zone: berlin)
  }

  /// Whoever does what comes next reaches the end, and is right each time; no seed leads astray.
  @Test func whoKnowsThePracticeIsAlwaysRight() {
    var ends: Set<String> = []
    var books: Set<String> = []
    for seed in 0..<60 as Range<UInt64> {
      var exercise = deal(seed)
      var count = 0
      while count < 20 {
        count += 1
        let words = exercise.next.words
        let reply = exercise.answer(words)
        #expect(reply.isRight == true, "seed \(seed), \(words): \(reply.text)")
        if reply.text.contains("The playbook, ") { books.insert(words) }
        guard !reply.isOver else { break }
      }
      #expect(!exercise.open.isOpen && count < 20)
      ends.insert(exercise.open.state.outcome?.rawValue ?? "")
    }
    #expect(ends == ["resolved", "nothing_wrong", "unreached", "parted_well"])
    #expect(books.isSuperset(of: ["ask", "acknowledge", "correct", "public_reply", "invite"]))
  }

  /// Whatever is typed, in whatever order: nothing that the rules refuse is let through, and what is wrong
  /// is said with its reason.
  @Test func wrongOrdersAreRefusedWithTheReason() throws {
    var random = SplitMix64(7)
    let moves =
      ["call", "write", "public_reply", "invite", "answered detractor", "answered non-detractor"]
      + Step.allCases.map(\.rawValue) + ["skip engage", "close resolved", "close nothing_wrong"]
    for seed in 0..<100 as Range<UInt64> {
      var exercise = deal(seed)
      for _ in 0..<30 {
        let before = exercise.open
        let usual = exercise.next.words
        let word = moves[random.below(moves.count)]
        let reply = exercise.answer(word)
        #expect(!reply.text.isEmpty)
        if word == usual { #expect(reply.isRight == true, "\(word): \(reply.text)") }
        if reply.isRight == false, reply.text.hasPrefix("Not yet") {
          #expect(exercise.open == before, "\(word): \(reply.text)")
        }
        if reply.isOver { break }
      }
    }
    // Silent: nothing to apologise for yet.
    let seed = try #require((0..<60).first { deal($0).open.form == .predicted })
    var silent = deal(seed)
    let reply = silent.answer("acknowledge")
    #expect(reply.isRight == false && reply.text.contains("ask first"))
    #expect(silent.answer("close resolved").text.contains("has not said"))
    #expect(silent.answer("aks").text.contains("did you mean ask?"))
    #expect(silent.answer("answered").text.contains("what?"))
    #expect(silent.answer("  ").text.isEmpty && silent.answer("quit").isOver)
    #expect(silent.open.account == "practice")
  }

  @Test func theSameSeedDealsTheSameCase() {
    for seed in 0..<10 as Range<UInt64> {
      #expect(deal(seed).open == deal(seed).open && deal(seed).next == deal(seed).next)
    }
    #expect(Set((0..<40).map { deal($0).open.voice?.kind ?? "" }).count > 2)
  }

  /// Closed cases are dealt without who it was or what they said.
  @Test func aClosedCaseKeepsItsSecrets() {
    var closed = playedCase(spoke: "complaint", name: "Ada Lovelace")
    closed.account = "secret-account"
    closed.person?.email = "secret@example.com"
    closed.person?.owner = "secret-owner"
    closed.exemplars = [Exemplar(account: "secret-other", distance: 1)]
    closed.state.closedAt = monday
    closed.state.outcome = .lost
    let log = [
      Action(at: monday, kind: .attempted, actor: "secret-agent"),
      Action(
        at: monday, kind: .reached, actor: "secret-agent", note: "secret",
        record: ["heard": "secret"]),
      Action(at: monday, kind: .closed, actor: "secret-agent", detail: ["outcome": "lost"]),
    ]
    var texts = ""
    var dealt = 0
    for seed in 0..<40 as Range<UInt64> {
      var exercise = deal(seed, [(closed, log)])
      guard exercise.open.asOf == closed.asOf, exercise.open.voice == closed.voice else { continue }
      dealt += 1
      texts += CaseListing(zone: berlin).detail(exercise.open)
      var isOver = false
      while !isOver {
        let reply = exercise.answer(exercise.next.words)
        #expect(reply.isRight == true)
        isOver = reply.isOver
        texts += reply.text
      }
      #expect(exercise.open.state.outcome == .lost)
    }
    #expect(dealt > 5 && !texts.contains("secret") && !texts.contains("Lovelace"))
    #expect(texts.contains("What was done in the real case: attempted, reached, closed lost."))
  }
}
