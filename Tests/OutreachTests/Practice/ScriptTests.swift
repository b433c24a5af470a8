import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

private func reason(
  _ kind: String, _ measure: String = "count.90d", value: Double? = 2, typical: Double? = 0,
  adds: Double = 0.9, sayable: Bool = true, text: String = ""
) -> Reason {
  Reason(
    feature: kind, contribution: adds, measure: "\(kind).\(measure)", value: value,
    typical: typical, text: text, sayable: sayable)
}

private func lines(_ script: Script) -> String {
  script.parts.flatMap(\.lines).joined(separator: "\n")
}

struct ScriptTests {
  private let usual = Practice()

  private func said(_ open: Case, by practice: Practice? = nil) throws -> String {
    lines(try (practice ?? usual).script(for: open, agent: "anna", zone: berlin))
  }

  // MARK: - Customers who have not spoken

  @Test func onlyWhatMayBeSaidIsSaid() throws {
    let late = "we have been late with deliveries to you"
    func fact(_ reasons: Reason...) throws -> Bool {
      try said(playedCase(reasons: reasons)).contains(late)
    }
    #expect(try fact(reason("late_delivery")))
    #expect(try fact(reason("late_delivery", "sum.90d", value: 11)))
    #expect(try fact(reason("late_delivery", "active_days.30d", value: 1)))
    #expect(try fact(reason("late_delivery", "days_since_last", value: 3, typical: 40)))
    // Not sayable; speaks against the flag; did not happen; long ago; a habit, which is a number.
    #expect(try !fact(reason("late_delivery", sayable: false)))
    #expect(try !fact(reason("late_delivery", adds: -0.9)))
    #expect(try !fact(reason("late_delivery", value: 0, typical: 2)))
    #expect(try !fact(reason("late_delivery", value: nil)))
    #expect(try !fact(reason("late_delivery", "days_since_last", value: 400, typical: 40)))
    #expect(try !fact(reason("late_delivery", "mean_gap", value: 4)))
    #expect(try !fact(reason("late_delivery_x")))
    // Without a phrase nothing is said, and its line is left out.
    let bare = try said(playedCase(reasons: [reason("login")]))
    #expect(bare.contains("how have things been with us lately?") && !bare.contains("We know that"))
    let two = try said(
      playedCase(reasons: [reason("price_rise"), reason("late_delivery"), reason("outage")]))
    #expect(two.contains("We know that our prices have gone up and \(late). How was that"))
    #expect(!two.contains("service"))
  }

  /// Whatever the reasons are, a silent customer hears nothing of them but the phrases.
  @Test func nothingUnsayableIsEverSaid() throws {
    let books = leastBooks.merging([
      "common.toml": "[phrases]\n"
        + (0..<6).map { "kind\($0) = \"phrase\($0)\"\n" }.joined()
    ]) { $1 }
    let practice = try practice(playbooks: books)
    var random = SplitMix64(20_260_302)
    for _ in 0..<400 {
      let reasons = (0..<random.below(5)).map { place in
        reason(
          "kind\(random.below(8))",
          ["count.30d", "sum.7d", "mean.90d", "days_since_last", "trend.30d_90d"][random.below(5)],
          value: random.below(4) == 0 ? nil : Double(random.below(3)) * 777.25,
          typical: random.below(3) == 0 ? nil : Double(random.below(3)) * 333.5,
          adds: random.uniform() - 0.4, sayable: random.below(2) == 0, text: "secret\(place)")
      }
      let open = playedCase(reasons: reasons)
      let script = try practice.script(for: open, agent: "anna", zone: berlin)
      let text = script.text
      #expect(!text.contains("secret") && !text.contains("777") && !text.contains("333"))
      for number in 0..<8 {
        let mayBe = reasons.contains {
          $0.feature == "kind\(number)" && $0.sayable && $0.contribution > 0 && $0.value != nil
        }
        #expect(!text.contains("kind\(number)"))
        if !mayBe { #expect(!text.contains("phrase\(number)"), "\(reasons)") }
      }
      for part in ["0.61", "61", "99.7", "top", "1.6"] { #expect(!lines(script).contains(part)) }
    }
  }

  // MARK: - Customers who spoke

  @Test func factsAreWhatTheySaid() throws {
    #expect(
      try said(playedCase(spoke: "complaint")).contains("your complaint of Thursday 26 February."))
    var open = playedCase(spoke: "something")
    #expect(try said(open).contains("what you told us on Thursday 26 February."))
    open.state.steps = StepWork()
    open.state.steps?.form = "review"
    #expect(try said(open).contains("your review of Thursday 26 February."))
    var asked = playedCase(reasons: [reason("late_delivery")])
    asked.state.verdict = .detractor
    let heard = try said(asked)
    #expect(heard.contains("what you have told me.") && !heard.contains("late with deliveries"))
  }

  @Test func optionsAreTheCausesAndTheRemediesThatMayBeOffered() throws {
    let practice = try practice(
      """
      [practice]
      company = "Northwind"
      [[remedy]]
      name = "again"
      text = "a new delivery"
      [[remedy]]
      name = "back"
      text = "your money back"
      approver = "chief"
      """)
    var open = playedCase(spoke: "complaint")
    #expect(try said(open, by: practice).contains("Here is what is possible: a new delivery."))
    #expect(try said(open, by: practice).contains("this is anna from Northwind."))
    open.state.steps = StepWork()
    open.state.steps?.cause = "needs_training"
    #expect(
      try said(open, by: practice).contains("at a time that suits you; or a new delivery."))
    let script = try practice.script(for: open, agent: nil, zone: berlin)
    #expect(script.needsApproval.map(\.name) == ["back"])
    #expect(script.text.contains("your money back (back, by chief)"))
    #expect(lines(script).contains("[your name]") && !lines(script).contains("money"))
    open.state.steps?.remedy = "back"
    open.state.steps?.approvedBy = "chief"
    #expect(try said(open, by: practice).contains("; or your money back."))
    // Spent ones are not offered.
    let spent = try practice.script(for: open, agent: nil, spent: ["again"], zone: berlin)
    #expect(!lines(spent).contains("a new delivery"))
    // Without any, the line is left out; so is that of a promise, until there is one.
    let bare = try said(playedCase(spoke: "complaint"))
    #expect(!bare.contains("Here is what is possible") && !bare.contains("It will be done"))
    open.state.steps?.promised = date("2026-03-09T17:00")
    #expect(try said(open).contains("It will be done by Monday 9 March."))
  }

  @Test func aPlaybookForOthersIsRefused() throws {
    let angry = try #require(usual.playbooks.named("voiced-angry"))
    let loud = try usual.script(
      for: playedCase(spoke: "complaint"), agent: nil, playbook: angry, zone: berlin)
    #expect(loud.playbook == "voiced-angry" && loud.others.isEmpty)
    let error = #expect(throws: OutreachError.self) {
      try usual.script(for: playedCase(), agent: nil, playbook: angry, zone: berlin)
    }
    #expect(error?.exitStatus == 64)
    let silent = usual.playbooks.named("silent-phone")
    #expect(throws: OutreachError.self) {
      try usual.script(for: playedCase(spoke: "nps"), agent: nil, playbook: silent, zone: berlin)
    }
  }

  // MARK: - Text

  @Test func aNameIsPutInOnceAndItsPlaceCloses() throws {
    let book = leastVoiced.replacing(
      "\"Hello {name}.\"",
      with: "\"Hello {name}, hello.\\nThanks, {name}.\\n{name}, thank you.\\n{name}\"")
    let practice = try practice(playbooks: leastBooks.merging(["v.toml": book]) { $1 })
    func empathy(_ name: String?) throws -> [String]? {
      try practice.script(
        for: playedCase(spoke: "nps", name: name), agent: nil, zone: berlin
      ).parts.first { $0.part == .empathy }?.lines
    }
    #expect(try empathy("Ada") == ["Hello Ada, hello.", "Thanks, Ada.", "Ada, thank you.", "Ada"])
    for nobody in [nil, "", "  "] {
      #expect(try empathy(nobody)?.prefix(3) == ["Hello, hello.", "Thanks.", "Thank you."])
    }
    #expect(try empathy("{facts} {name}")?.first == "Hello {facts} {name}, hello.")
  }

  @Test func everyLineFitsAndIsInert() throws {
    var text = ""
    for hostile in hostileTexts {
      var open = playedCase(spoke: hostile, name: hostile, reasons: [reason(hostile)])
      open.account = hostile
      var script = try usual.script(for: open, agent: hostile, zone: berlin)
      script.snippets = [
        Snippet(
          number: 1, part: .empathy, form: hostile, cause: hostile, text: hostile, cases: 1,
          resolved: 1, answered: 1)
      ]
      script.said = [("heard", hostile)]
      text += script.text
      let object = try JSONSerialization.jsonObject(with: try script.json()) as? [String: Any]
      // The reader of the test drops a byte order mark.
      let bare = hostile.unicodeScalars.drop { $0 == "\u{FEFF}" }
      #expect(
        (object?["account_id"] as? String).map { Array($0.utf8) } == Array(String(bare).utf8))
    }
    for line in text.unicodeScalars.split(separator: "\n") {
      let visible = line.filter {
        $0.properties.generalCategory != .nonspacingMark && $0 != "\u{200D}"
      }
      #expect(visible.count <= 100)
      for scalar in line {
        let category = scalar.properties.generalCategory
        #expect(category != .control && category != .lineSeparator)
        #expect(category != .format || scalar == "\u{200D}")
      }
    }
    #expect(text.contains("\\u{1B}[2J") && text.contains("\\u{202E}txt.exe"))
  }

  /// Said by people to people: none of the words that machines, lawyers and call centres use.
  private static let neverSaid = [
    "valued", "inconvenience", "our records", "score", "algorithm", "risk", "churn", "detractor",
    "silent", "model", "predict", "probab", "system", "notice", "data", "unfortunately", "policy",
    "as per", "kindly", "reach out", "touch base", "rest assured", "convenience", "feedback",
    "case ", "ticket", "flag", "log in", "logged", "usage", "less often", "happy", "feel",
    "totally", "absolutely", "understand how", "frustrat", "apolog", "regret", "escalat", "process",
  ]

  @Test func everyDefaultTextIsPlain() throws {
    let practice = try practice("[[remedy]]\nname = \"a\"\ntext = \"a month free of charge\"\n")
    var said: Set<String> = []
    for name in ["Ada Lovelace", nil] {
      for cause in [nil] + Practice.usualCauses.map({ $0.name as String? }) {
        for track in Track.allCases {
          for (kind, by, answered) in [
            (nil, "", "phone"), (nil, "", "email"), ("complaint", "email", "phone"),
            ("nps", "web", "email"), ("review", "review", "email"),
            ("cancellation", "web", "email"),
          ] {
            var open = playedCase(
              spoke: kind, by: by, answered: answered, track: track, name: name,
              reasons: [reason("late_delivery"), reason("ticket_resolved"), reason("outage")])
            open.state.steps?.cause = cause
            open.state.steps?.promised = cause == nil ? nil : date("2026-03-09")
            for book in [nil] + practice.playbooks.all.filter(\.byName).map({ $0 as Playbook? })
            where book == nil || kind != nil {
              let script = try practice.script(
                for: open, agent: "Anna", playbook: book, zone: berlin)
              #expect(
                script.parts.count == (script.playbook == "voiced-public" ? 2 : kind == nil ? 3 : 4)
              )
              said.formUnion(script.parts.flatMap(\.lines))
            }
          }
        }
      }
    }
    #expect(said.count > 60)
    for line in said {
      let lower = line.lowercased()
      for word in Self.neverSaid { #expect(!lower.contains(word), "\(word) in: \(line)") }
      for slip in ["{", "}", "  ", " ,", " .", "..", ",,", ";;", "!"] {
        #expect(!line.contains(slip), "\(slip) in: \(line)")
      }
      #expect(line.utf8.first.map { (0x41...0x5A).contains($0) } == true, "\(line)")
      #expect([".", "?", ",", "]"].contains { line.hasSuffix($0) }, "\(line)")
      #expect(line.utf8.count < 240, "\(line)")
    }
  }
}
