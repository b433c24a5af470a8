import Histories

/// A case to practise on: the rules of the practice answer, a made-up customer behaves. Nothing of it is in
/// the store.
package struct Exercise: Sendable {
  /// What can be done next.
  package enum Move: Sendable, Equatable {
    case call, write, publicReply, invite
    case answered(Action.Verdict)
    case step(Step)
    case skip(Step)
    case close(Action.Outcome)

    package var words: String {
      switch self {
      case .call: "call"
      case .write: "write"
      case .publicReply: "public_reply"
      case .invite: "invite"
      case .answered(let verdict): "answered \(verdict.rawValue)"
      case .step(let step): step.rawValue
      case .skip(let step): "skip \(step.rawValue)"
      case .close(let outcome): "close \(outcome.rawValue)"
      }
    }

    var meaning: String {
      switch self {
      case .call: "the customer is called"
      case .write: "the customer is written to in person"
      case .publicReply: "the post is answered where others read it"
      case .invite: "the customer is invited to speak in private"
      case .answered: "what the customer answered goes into the record"
      case .step(let step): step.meaning
      case .skip: "a step is left out, for a reason that is written down"
      case .close: "the case closes with its outcome"
      }
    }
  }

  /// How the customer behind it behaves.
  struct Customer: Sendable, Equatable {
    /// Which call finds them, from 1; nil: none does, and letters find no answer.
    var findableAt: Int?
    /// What those say who are asked.
    var verdict: Action.Verdict
    /// How the case ends when all is done.
    var end: Action.Outcome
    var cause: String?
    /// How they sound; by what they say when they are asked or heard.
    var words: String
  }

  package struct Reply: Sendable, Equatable {
    package var text: String
    /// Whether what was asked for was the right thing; nil for what was no answer.
    package var isRight: Bool?
    package var isOver = false
  }

  /// As an agent would see it, as far as it is worked.
  package internal(set) var open: Case
  /// What was done when it was a real case; empty for a made-up one.
  var told: [String] = []
  let customer: Customer
  let practice: Practice
  let zone: LocalTime
  private var now: Instant
  private var calls = 0
  private var isFound = false
  private var hasAnswered = false
  private var moves: [String] = []
  private var misses = 0

  init(
    _ open: Case, customer: Customer, told: [String] = [], _ practice: Practice, zone: LocalTime
  ) {
    self.open = open
    self.customer = customer
    self.told = told
    self.practice = practice
    self.zone = zone
    now = open.openedAt
  }

  /// Every word that is understood.
  package static let words =
    ["call", "write", "public_reply", "invite", "answered", "skip", "close"]
    + Step.allCases.map(\.rawValue) + ["script", "help", "quit"]

  package static let help = """
    call, write, public_reply, invite: contact
    ask, acknowledge, engage, correct, communicate, validate: a step, its record filled in for you
    answered detractor or answered non-detractor: what they said of being content
    skip STEP; close resolved, unresolved, nothing_wrong, unreached, declined, lost or parted_well
    script: what to say; quit
    """

  // MARK: - Answering

  /// What comes of one line that the trainee typed.
  package mutating func answer(_ line: String) -> Reply {
    var reply = reply(to: line)
    reply.text = reply.text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .flatMap { wrapped(String($0), to: 100) }.joined(separator: "\n")
    return reply
  }

  private mutating func reply(to line: String) -> Reply {
    var words = line.utf8.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    if words.first == "step" || words.first == "act" { words.removeFirst() }
    guard let first = words.first else { return Reply(text: "", isRight: nil) }
    switch first {
    case "help", "?": return Reply(text: Self.help, isRight: nil)
    case "script": return Reply(text: scriptText(nil), isRight: nil)
    case "quit", "exit", "q": return Reply(text: "", isRight: nil, isOver: true)
    default: break
    }
    guard let move = Self.move(first, words.dropFirst().first) else {
      let near = nearestName(to: first, among: Self.words)
      let known = Self.words.contains(first)
      return Reply(
        text: known
          ? "\(first) what? `help` says what can be done"
          : "that is not understood"
            + (near.map { ": did you mean \($0)?" } ?? ": `help` says what can be done"),
        isRight: nil)
    }
    return make(move)
  }

  static func move(_ word: String, _ object: String?) -> Move? {
    switch word {
    case "call", "reached", "attempted", "phone": .call
    case "write", "messaged", "mail", "email": .write
    case "public_reply", "reply": .publicReply
    case "invite", "invited": .invite
    case "answered": object.flatMap(Action.Verdict.init).map(Move.answered)
    case "skip": object.flatMap(Step.init).map(Move.skip)
    case "close": object.flatMap(Action.Outcome.init).map(Move.close)
    default: Step(rawValue: word).map(Move.step)
    }
  }

  private mutating func make(_ move: Move) -> Reply {
    let usual = next
    let action = action(move)
    if let why = practice.refusal(of: action, on: open) { return miss("Not yet: \(why).") }
    if move == .call, open.state.reachedAt != nil {
      return miss("You have spoken with them already: what did you call them for?")
    }
    if case .step = move, !isFound {
      return miss("Not yet: nobody has found them so far, so nothing has been said.")
    }
    if case .answered(let verdict) = move {
      guard hasAnswered else {
        return miss("Not yet: they have not said how things are. Speak with them and ask.")
      }
      if verdict != customer.verdict {
        return miss("Read again what they said: \"\(customer.words)\"")
      }
    }
    if case .close = move, move != usual {
      return miss("Not yet: the rules would let it go, but here comes first: \(usual.meaning).")
    }
    do { try open.state.apply(action) } catch { return miss("Not yet: \(error.description).") }
    now = Instant(microseconds: now.microseconds + (move == .call ? 3 : 1) * 3_600_000_000)
    moves.append(move.words)
    let isRight = move == usual
    if !isRight { misses += 1 }
    var lines = [
      isRight
        ? "Right: \(move.meaning)."
        : "It can be done. What comes first by the practice: \(usual.meaning)."
    ]
    lines += world(move)
    if let part = Self.part(of: move), case let text = scriptText(part), !text.isEmpty {
      lines.append(text)
    }
    if case .close = move {
      return Reply(text: (lines + summary).joined(separator: "\n"), isRight: isRight, isOver: true)
    }
    return Reply(text: lines.joined(separator: "\n"), isRight: isRight)
  }

  private mutating func miss(_ text: String) -> Reply {
    misses += 1
    return Reply(text: text, isRight: false)
  }

  // MARK: - What comes next

  /// What an agent who knows the practice does next.
  package var next: Move {
    let work = open.state.steps
    if practice.waitsInPublic(open) { return work?.publicReply == nil ? .publicReply : .invite }
    let isCalled = open.channel == "phone"
    if customer.findableAt == nil {
      if isCalled, (work?.attempts.count ?? 0) < practice.attempts { return .call }
      return work?.wrote == nil ? .write : .close(.unreached)
    }
    if isCalled, open.state.reachedAt == nil { return .call }
    if !isCalled, !isFound || open.state.touches == 0 { return .write }
    if customer.end == .declined { return .close(.declined) }
    if open.form != .voiced, open.state.verdict == nil {
      return work?.isSettled(.ask) == true ? .answered(customer.verdict) : .step(.ask)
    }
    if work?.agreed == false { return .close(customer.end) }
    if let step = practice.nextStep(of: open) { return .step(step) }
    return .close(practice.hasSpoken(open) ? customer.end : .nothingWrong)
  }

  /// The entry of the log, with a record that is whole.
  private func action(_ move: Move) -> Action {
    func made(
      _ kind: Action.Kind, _ detail: [String: String] = [:], _ record: [String: String] = [:]
    ) -> Action {
      Action(at: now, kind: kind, actor: "trainee", detail: detail, record: record)
    }
    switch move {
    case .call:
      return made(customer.findableAt.map { calls + 1 >= $0 } == true ? .reached : .attempted)
    case .write: return made(.messaged)
    case .publicReply: return made(.publicReply)
    case .invite: return made(.invited)
    case .answered(let verdict):
      return made(.answered, ["verdict": verdict.rawValue, "mode": open.channel])
    case .close(let outcome): return made(.closed, ["outcome": outcome.rawValue])
    case .skip(let step):
      return made(.skipped, ["step": step.rawValue], [StepField.because.rawValue: "practice"])
    case .step(let step):
      var (detail, record) = (["step": step.rawValue], [String: String]())
      for field in step.fields(on: practice.track(of: open)).required {
        let name = field.rawValue
        switch field.kind {
        case .text: record[name] = "practice"
        case .yes: detail[name] = "yes"
        case .either: detail[name] = agrees ? "yes" : "no"
        case .date: detail[name] = now.adding(days: 7).description
        case .days: detail[name] = "7"
        case .choice:
          let choices = practice.choices(of: field)
          let own = field == .cause ? customer.cause : field == .offer ? "none" : "email"
          detail[name] = own.flatMap { choices.contains($0) ? $0 : nil } ?? choices.first ?? ""
        }
      }
      if step == .validate, agrees { detail[StepField.thanked.rawValue] = "yes" }
      return made(.step, detail, record)
    }
  }

  private var agrees: Bool {
    [.resolved, .partedWell, .nothingWrong].contains(customer.end)
  }

  // MARK: - What the customer does

  private mutating func world(_ move: Move) -> [String] {
    switch move {
    case .call:
      calls += 1
      guard let at = customer.findableAt, calls >= at else { return ["Nobody picks up."] }
      isFound = true
      if customer.end == .declined { return ["They pick up: \"I do not want to talk about it.\""] }
      if open.form == .voiced { hasAnswered = true }
      return ["They pick up." + (open.form == .voiced ? " \"\(customer.words)\"" : "")]
    case .write, .invite:
      if customer.findableAt == nil { return ["No answer comes."] }
      isFound = true
      if customer.end == .declined { return ["They write back: \"Please leave it.\""] }
      if open.form == .voiced { hasAnswered = true }
      return open.form == .voiced ? ["They write back: \"\(customer.words)\""] : []
    case .step(.ask):
      hasAnswered = true
      return ["They say: \"\(customer.words)\""]
    case .step(.validate):
      return [agrees ? "They say: \"Yes, that is settled.\"" : "They say: \"No. It is not.\""]
    default: return []
    }
  }

  // MARK: - What is shown

  private static func part(of move: Move) -> [Playbook.Part]? {
    switch move {
    case .publicReply: [.publicReply]
    case .invite: [.invitation]
    case .step(.ask): [.question, .listening]
    case .step(.acknowledge): [.empathy]
    case .step(.engage): [.facts]
    case .step(.correct): [.options]
    case .step(.validate): [.positiveClose, .offer]
    default: nil
    }
  }

  /// The script, or some parts of it: of the case as it is after the move, but in public before it.
  private func scriptText(_ parts: [Playbook.Part]?) -> String {
    var shown = open
    if parts == [.publicReply] || parts == [.invitation] {
      shown.state.steps?.publicReply = nil
      shown.state.steps?.invitation = nil
    }
    guard var script = try? practice.script(for: shown, agent: nil, zone: zone) else { return "" }
    guard let parts else { return script.text }
    script.parts.removeAll { !parts.contains($0.part) }
    return script.parts.map { spoken in
      "The playbook, \(spoken.part.title):\n"
        + spoken.lines.flatMap { wrapped(inert($0), to: 96) }.map { "  " + $0 }
        .joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private var summary: [String] {
    let again = misses == 0 ? "each right at once" : "\(misses) not at once"
    return ["", "What you did (\(again)): \(moves.joined(separator: ", "))."]
      + (told.isEmpty ? [] : ["What was done in the real case: \(told.joined(separator: ", "))."])
      + ["It was practice: nothing is changed."]
  }
}
