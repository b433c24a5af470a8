import Histories
import Outreach
import TestSupport
import Testing

/// The order of the practice, tried by agents who do anything at all: whatever was accepted, the log
/// reads as the practice says.
struct StepRulesTests {
  private static let remedies = [
    Remedy(name: "refund", text: "a refund", cost: 20, approver: "lead", yearlyLimit: 1),
    Remedy(name: "voucher", text: "a voucher"),
  ]

  private func open(_ form: Case.Form, channel: String, voice: String? = nil) -> Case {
    Case(
      form: form, account: "a", queue: "calls", channel: channel, asOf: monday, openedAt: monday,
      due: monday.adding(days: 1),
      voice: voice.map {
        VoicedFeedback(kind: "complaint", at: monday, knownAt: monday, value: nil, channel: $0)
      })
  }

  /// Any action, whole or not.
  private func anything(_ random: inout SplitMix64, at: Instant) -> Action {
    func action(
      _ kind: Action.Kind, _ detail: [String: String] = [:], _ record: [String: String] = [:],
      by actor: String = "anna"
    ) -> Action { Action(at: at, kind: kind, actor: actor, detail: detail, record: record) }
    switch random.below(9) {
    case 0: return action([.attempted, .messageLeft, .reached, .messaged][random.below(4)])
    case 1: return action(random.below(2) == 0 ? .publicReply : .invited)
    case 2:
      return action(
        .answered,
        ["verdict": random.below(2) == 0 ? "detractor" : "non-detractor", "mode": "phone"])
    case 3:
      return action(
        .skipped, ["step": Step.allCases[random.below(6)].rawValue],
        random.below(3) == 0 ? [:] : ["because": "known"])
    case 4:
      return action(.approved, ["remedy": "refund"], by: random.below(2) == 0 ? "lead" : "anna")
    case 5:
      let outcomes = Action.Outcome.allCases
      return action(.closed, ["outcome": outcomes[random.below(outcomes.count)].rawValue])
    case 6: return action(.tracked, ["track": Track.allCases[random.below(3)].rawValue])
    default:
      let step = Step.allCases[random.below(6)]
      let fields = step.fields(on: .strategic)
      var detail = ["step": step.rawValue]
      var record: [String: String] = [:]
      for field in fields.required + fields.optional where random.below(12) > 0 {
        switch field.kind {
        case .text: record[field.rawValue] = "words"
        case .yes: detail[field.rawValue] = "yes"
        case .either: detail[field.rawValue] = random.below(3) == 0 ? "no" : "yes"
        case .date: detail[field.rawValue] = monday.adding(days: 3).description
        case .days: detail[field.rawValue] = "2"
        case .choice:
          detail[field.rawValue] =
            field == .remedy ? Self.remedies[random.below(2)].name : "quality"
        }
      }
      return action(.step, detail, record)
    }
  }

  @Test func whateverIsAcceptedReadsAsThePractice() throws {
    var random = SplitMix64(6)
    var closed: [Action.Outcome: Int] = [:]
    for trial in 0..<6_000 {
      let form: Case.Form = trial % 2 == 0 ? .voiced : trial % 4 == 1 ? .predicted : .exploration
      let isPublic = form == .voiced && trial % 6 == 0
      var one = open(
        form, channel: trial % 3 == 0 ? "phone" : "email", voice: isPublic ? "social" : "email")
      let practice = Practice(
        tracks: ["calls": Track.allCases[trial / 2 % 3]], remedies: Self.remedies)
      var log: [Action] = []
      var at = monday
      while one.isOpen, log.count < 60, at < monday.adding(days: 20) {
        at = at.advanced(hours: 1 + random.below(9))
        let action = anything(&random, at: at)
        // The outcomes of runs are not people's.
        if let outcome = action.detail["outcome"],
          ["handed_over", "overtaken", "cancelled", "erased", "declined", "lost"].contains(outcome)
        {
          continue
        }
        guard practice.refusal(of: action, on: one) == nil else { continue }
        try one.state.apply(action)
        log.append(action)
      }
      check(log, one, practice, isPublic: isPublic)
      if let outcome = one.state.outcome { closed[outcome, default: 0] += 1 }
    }
    // The walk saw every way to end.
    for outcome in [Action.Outcome.resolved, .nothingWrong, .unreached, .partedWell, .unresolved] {
      #expect(closed[outcome, default: 0] > 3, "\(outcome): \(closed)")
    }
  }

  /// The practice, said of a whole log and not of its next action.
  private func check(_ log: [Action], _ one: Case, _ practice: Practice, isPublic: Bool) {
    func place(_ fits: (Action) -> Bool) -> Int? { log.firstIndex(where: fits) }
    let unhappy = place { $0.kind == .answered && $0.detail["verdict"] == "detractor" }
    let steps = log.enumerated().filter { $0.element.kind == .step }
    let contact = place {
      [.attempted, .messageLeft, .reached, .messaged].contains($0.kind)
    }
    for (index, action) in steps {
      let step = action.detail["step"].flatMap(Step.init)
      if step == .ask || step == .acknowledge { #expect(contact.map { $0 < index } == true) }
      if one.form != .voiced, step != .ask {
        #expect(unhappy.map { $0 < index } == true, "a silent customer's matter was worked unsaid")
      }
      if one.form == .voiced { #expect(step != .ask) }
      if step == .acknowledge {
        #expect(action.record["heard"] != nil && action.detail["apologised"] == "yes")
        if isPublic {
          #expect(place { $0.kind == .publicReply }.map { $0 < index } == true)
          #expect(place { $0.kind == .invited }.map { $0 < index } == true)
        }
      }
      if step == .correct, action.detail["remedy"] == "refund" {
        let before = log[..<index]
        #expect(before.contains { $0.kind == .approved && $0.actor == "lead" })
      }
    }
    for (index, action) in log.enumerated() where action.kind == .skipped {
      #expect(action.record["because"] != nil && action.detail["step"] != "validate", "\(index)")
    }
    switch one.state.outcome {
    case .resolved:
      let last = steps.last { $0.element.detail["step"] == "validate" }?.element
      #expect(last?.detail["agreed"] == "yes" && last?.detail["thanked"] == "yes")
      #expect(one.form == .voiced || unhappy != nil)
    case .nothingWrong:
      #expect(one.form != .voiced)
      #expect(log.last { $0.kind == .answered }?.detail["verdict"] == "non-detractor")
    case .unreached:
      #expect(!log.contains { $0.kind == .reached })
      if one.channel == "phone" {
        let tries = log.filter { [.attempted, .messageLeft].contains($0.kind) }
        #expect(tries.count >= practice.attempts)
        #expect(log.contains { $0.kind == .messaged && $0.at > tries[0].at })
      }
    default: break
    }
  }

  @Test func anUnresolvedMatterIsCorrectedAgain() throws {
    var one = open(.voiced, channel: "email")
    let practice = Practice(tracks: ["calls": .light])
    func act(
      _ kind: Action.Kind, _ detail: [String: String] = [:], _ record: [String: String] = [:]
    ) throws {
      let action = Action(
        at: monday, kind: kind, actor: "anna", detail: detail, record: record)
      #expect(practice.refusal(of: action, on: one) == nil)
      try one.state.apply(action)
    }
    try act(.messaged)
    try act(.step, ["step": "acknowledge", "apologised": "yes"], ["heard": "late"])
    try act(.step, ["step": "correct", "cause": "quality"], ["chosen": "a new date"])
    #expect(practice.nextStep(of: one) == .validate)
    try act(.step, ["step": "validate", "agreed": "no"])
    #expect(practice.nextStep(of: one) == .correct)
    #expect(one.state.steps?.isSettled(.acknowledge) == true)
  }

  /// Nine o'clock and eleven are two hours apart on the team's clock, on either side of a change of clocks.
  @Test func triesAreAtDifferentHoursOfTheTeamsDay() throws {
    func refusal(_ times: [String]) throws -> String? {
      var one = open(.predicted, channel: "phone")
      for time in times {
        try one.state.apply(Action(at: date(time), kind: .attempted, actor: "anna"))
      }
      try one.state.apply(
        Action(at: date(times[0]).adding(days: 30), kind: .messaged, actor: "anna"))
      var practice = Practice(attempts: 2)
      practice.calendar = BusinessCalendar(zone: berlin)
      return practice.refusal(
        of: Action(
          at: date(times[0]).adding(days: 30), kind: .closed, actor: "anna",
          detail: ["outcome": "unreached"]), on: one)
    }
    #expect(try refusal(["2026-03-27T09:10", "2026-03-30T11:08"]) == nil)
    #expect(try refusal(["2026-03-27T09:10", "2026-03-30T10:08"])?.contains("1 of 2") == true)
    #expect(try refusal(["2026-10-23T09:10", "2026-10-26T08:10"])?.contains("1 of 2") == true)
    #expect(try refusal(["2026-03-02T00:30", "2026-03-03T23:30"])?.contains("1 of 2") == true)
  }

  /// What the customer said stands beside the log, comes back with it, and is no part of its chain.
  @Test(arguments: StoreKind.allCases)
  func recordsStandBesideTheLog(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let store = try place.store()
    try Base(10).publish(store, settings())
    let practice = Practice()
    let nine = monday.advanced(hours: 9)
    let said = "\u{202E}=2+3 \"'; DROP TABLE notes\n<b>👩\u{200D}👩"
    _ = try store.act(
      .account("a0"), Action(at: nine, kind: .reached, actor: "anna"), by: practice)
    _ = try store.act(
      .account("a0"),
      Action(
        at: nine, kind: .step, actor: "anna", detail: ["step": "ask"], record: ["said": said]),
      by: practice)
    let log = try store.actions(of: 1)
    #expect(log[2].record == ["said": said] && log[2].note == nil)
    #expect(try store.cases(account: "a0")[0].state.steps?.done == [.ask])
    try place.tamper("DELETE FROM notes")
    #expect(try store.damagedCases().isEmpty)
    #expect(try store.actions(of: 1)[2].record.isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func aRemedyIsGivenAsOftenAsItsLimitSays(_ kind: StoreKind) throws {
    guard let place = try kind.fresh() else { return }
    let store = try place.store()
    try Base(10).publish(store, settings())
    let practice = Practice(
      tracks: ["calls": .light], remedies: [Remedy(name: "gift", text: "a gift", yearlyLimit: 1)])
    func act(
      _ kind: Action.Kind, hours: Int, _ detail: [String: String],
      _ record: [String: String] = [:]
    ) throws {
      _ = try store.act(
        .account("a0"),
        Action(
          at: monday.advanced(hours: hours), kind: kind, actor: "anna", detail: detail,
          record: record), by: practice)
    }
    try act(.reached, hours: 9, [:])
    try act(.step, hours: 9, ["step": "ask"], ["said": "late"])
    try act(.answered, hours: 9, ["verdict": "detractor", "mode": "phone"])
    try act(.step, hours: 9, ["step": "acknowledge", "apologised": "yes"], ["heard": "late"])
    let gift = ["step": "correct", "cause": "quality", "remedy": "gift"]
    try act(.step, hours: 9, gift, ["chosen": "gift"])
    try act(.step, hours: 10, ["step": "validate", "agreed": "no"])
    let error = #expect(throws: OutreachError.self) {
      try act(.step, hours: 11, gift, ["chosen": "gift"])
    }
    #expect(error?.description.contains("yearly_limit is 1") == true)
    try act(.step, hours: 24 * 366 + 9, gift, ["chosen": "gift"])
  }
}

extension Instant {
  fileprivate func advanced(hours: Int) -> Instant {
    Instant(microseconds: microseconds + Int64(hours) * 3_600_000_000)
  }
}
