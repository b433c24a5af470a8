import Detraction
package import Histories

extension Exercise {
  /// Deals a case to practise on: a closed one with its names replaced, or a made-up one; the same one for
  /// the same seed and store.
  /// - Parameters:
  ///   - closed: closed cases with their logs.
  ///   - now: when a made-up case opens.
  package static func deal(
    seed: UInt64, closed: [(found: Case, log: [Action])], at now: Instant, _ practice: Practice,
    zone: LocalTime
  ) -> Exercise {
    var lot = Draw(seed)
    let usable = closed.filter { one in
      one.found.state.outcome.map(isPlayable) == true
    }
    let name = "\(lot.one(of: firstNames)) \(lot.one(of: lastNames))"
    if !usable.isEmpty, lot.below(2) == 0 {
      let one = usable[lot.below(usable.count)]
      return old(one.found, one.log, name, practice, zone)
    }
    let plots = Plot.allCases.filter { $0 != .inPublic || !practice.publicChannels.isEmpty }
    return made(lot.one(of: plots), name, now, practice, zone)
  }

  private static func isPlayable(_ outcome: Action.Outcome) -> Bool {
    switch outcome {
    case .resolved, .nothingWrong, .unreached, .declined, .lost, .partedWell, .unresolved: true
    case .handedOver, .overtaken, .cancelled, .erased: false
    }
  }

  private static let firstNames = [
    "Alex", "Billie", "Charlie", "Dana", "Eli", "Francis", "Jo", "Kim", "Lou", "Noa", "Robin",
    "Sam",
  ]
  private static let lastNames = [
    "Baker", "Cole", "Dyer", "Fisher", "Mason", "Miller", "Potter", "Smith", "Taylor", "Weaver",
  ]

  // MARK: - A closed case

  /// Who it was and what they said stay out: only what was done is told.
  private static func old(
    _ closed: Case, _ log: [Action], _ name: String, _ practice: Practice, _ zone: LocalTime
  ) -> Exercise {
    let state = closed.state
    let outcome = state.outcome ?? .resolved
    var open = closed
    open.account = "practice"
    open.score?.account = "practice"
    open.number = 0
    open.exemplars = []
    open.person = Person(
      AccountRecord(account: "practice", name: name), channel: open.channel)
    open.state = CaseState()
    if let track = state.steps?.track {
      var work = StepWork()
      work.track = track
      open.state.steps = work
    }
    let before = log.prefix { $0.kind != .reached }
      .count { $0.kind == .attempted || $0.kind == .messageLeft }
    let verdict = state.verdict ?? (outcome == .nothingWrong ? .nonDetractor : .detractor)
    let told = log.filter { $0.kind != .opened && $0.kind != .noted }.map { action in
      let what = action.detail["step"] ?? action.detail["outcome"] ?? action.detail["verdict"]
      return (action.kind.rawValue + (what.map { " \($0)" } ?? "")).replacing("_", with: " ")
    }
    return Exercise(
      open,
      customer: Customer(
        findableAt: outcome == .unreached ? nil : min(before, 2) + 1, verdict: verdict,
        end: outcome, cause: state.steps?.cause, words: words(verdict, nil)), told: told, practice,
      zone: zone)
  }

  private static func words(_ verdict: Action.Verdict, _ own: String?) -> String {
    verdict == .nonDetractor
      ? "All is well, thank you for asking."
      : own ?? "To be honest, not well. It went wrong, and nobody told us why."
  }

  // MARK: - A made-up case

  private enum Plot: CaseIterable {
    case late, content, nobody, complaint, inPublic, strategic, refund, angry
  }

  private static func made(
    _ plot: Plot, _ name: String, _ now: Instant, _ practice: Practice, _ zone: LocalTime
  ) -> Exercise {
    var voice: VoicedFeedback?
    func said(_ kind: String, _ channel: String) -> VoicedFeedback {
      let at = now.adding(days: -1)
      return VoicedFeedback(kind: kind, at: at, knownAt: at, value: nil, channel: channel)
    }
    var channel = "phone"
    var customer = Customer(
      findableAt: 1, verdict: .detractor, end: .resolved, words: words(.detractor, nil))
    switch plot {
    case .late:
      customer.findableAt = 2
      customer.words = "Since you ask: two deliveries came late, and nobody said a word."
    case .content:
      customer.verdict = .nonDetractor
      customer.end = .nothingWrong
      customer.words = words(.nonDetractor, nil)
    case .nobody: customer.findableAt = nil
    case .complaint:
      voice = said("complaint", "email")
      customer.words = "The parts did not fit, and I lost a day over it."
    case .inPublic:
      channel = "email"
      voice = said("review", practice.publicChannels.first ?? "")
      customer.words = "I wrote it there because nobody answered me."
    case .strategic:
      voice = said("complaint", "phone")
      customer.words = "Forty of our people could not work on Monday."
    case .refund:
      channel = "email"
      voice = said("refund_request", "email")
      customer.end = .partedWell
      customer.words = "It is not made for a firm as small as ours. I want my money back."
    case .angry:
      voice = said("complaint", "phone")
      customer.words = "This is the third time! Do you people ever listen?"
    }
    var open = Case(
      form: voice == nil ? .predicted : .voiced, account: "practice", queue: "practice",
      channel: channel, asOf: now, openedAt: now, due: now.adding(days: 1),
      score: voice == nil ? score(plot == .late) : nil, voice: voice,
      record: AccountRecord(account: "practice", name: name))
    var work = StepWork()
    work.track = plot == .strategic ? .strategic : plot == .refund ? .light : .standard
    open.state.steps = work
    return Exercise(open, customer: customer, practice, zone: zone)
  }

  private static func score(_ isLate: Bool) -> Score {
    let late = Reason(
      feature: "late_delivery", contribution: 0.9, measure: "late_delivery.count.90d", value: 2,
      typical: 0, text: "late delivery: 2 in 90 days (typically none)", sayable: true)
    let login = Reason(
      feature: "login", contribution: 0.5, measure: "login.count.30d", value: 1, typical: 6,
      text: "login: 1 in 30 days (typically 6)", sayable: false)
    return Score(
      account: "practice", logit: 1.2, referenceLogit: -0.4, probability: 0.58, low: 0.47,
      high: 0.68,
      percentile: 98.6, band: .top, reasons: isLate ? [late, login] : [login],
      other: isLate ? 0.2 : 1.1, otherCount: 12, extrapolated: false, neverSpoken: true)
  }
}

/// Chance from a seed: SplitMix64.
private struct Draw {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(bound))
  }

  mutating func one<Value>(of values: [Value]) -> Value { values[below(values.count)] }
}
