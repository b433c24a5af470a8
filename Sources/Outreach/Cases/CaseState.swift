package import Histories

/// Where the work on a case stands: the sum of its actions.
package struct CaseState: Sendable, Equatable, Codable {
  /// Who holds the case, and until when without a further action.
  package var owner: String?
  package var leaseUntil: Instant?
  /// When somebody first took it in hand.
  package var acknowledgedAt: Instant?
  package var reachedAt: Instant?
  /// Contacts and attempts, and the last of them.
  package var touches = 0
  package var lastTouch: Instant?
  /// Since when the next move is the customer's, and for how long it was before (seconds).
  package var waitingSince: Instant?
  package var pauses: [Pause] = []
  package var appointment: Pause?
  package var escalation = 0
  package var verdict: Action.Verdict?
  package var answeredAt: Instant?
  package var closedAt: Instant?
  package var outcome: Action.Outcome?
  /// Nil while nothing of the practice was done.
  package var steps: StepWork?

  package struct Pause: Sendable, Equatable, Codable {
    package var from: Instant
    package var to: Instant

    package init(from: Instant, to: Instant) {
      self.from = from
      self.to = to
    }
  }

  package init() {}

  package func isHeld(at now: Instant) -> Bool {
    owner != nil && (leaseUntil.map { now < $0 } ?? true)
  }

  /// The state after one more action. Throws `refused` for a step out of order, with what to do.
  package mutating func apply(_ action: Action) throws(OutreachError) {
    guard closedAt == nil else {
      throw .refused(
        "the case is closed (\(outcome?.rawValue ?? "without an outcome")): nothing is added to it")
    }
    let actor = action.actor
    if action.kind != .opened, actor != Action.run, let owner, owner != actor,
      isHeld(at: action.at), action.kind != .noted, action.kind != .escalated
    {
      throw .refused(
        "the case is held by another: it must be released, or its lease must end, first")
    }
    if action.kind.isTouch {
      touches += 1
      lastTouch = action.at
      acknowledgedAt = acknowledgedAt ?? action.at
    }
    if action.kind.isOfPractice {
      var work = steps ?? StepWork()
      try work.apply(action)
      steps = work
    }
    switch action.kind {
    case .opened, .noted, .opinion, .step, .skipped, .publicReply, .invited, .tracked, .approved,
      .referred:
      break
    case .claimed:
      owner = actor
      leaseUntil = action.detail["until"].flatMap {
        Instant(iso8601: Array($0.utf8)[...], zone: nil)
      }
      acknowledgedAt = acknowledgedAt ?? action.at
    case .released:
      guard owner != nil else { throw .refused("nobody holds the case") }
      owner = nil
      leaseUntil = nil
    case .attempted, .messageLeft, .messaged: break
    case .reached: reachedAt = reachedAt ?? action.at
    case .answered:
      guard let verdict = action.detail["verdict"].flatMap(Action.Verdict.init) else {
        throw .refused("an answer is detractor or non-detractor")
      }
      self.verdict = verdict
      answeredAt = action.at
    case .waiting:
      guard waitingSince == nil else { throw .refused("the case waits for the customer already") }
      waitingSince = action.at
    case .resumed:
      guard let since = waitingSince else {
        throw .refused("the case does not wait for the customer")
      }
      pauses.append(Pause(from: since, to: action.at))
      waitingSince = nil
    case .appointed:
      let ends = ["from", "to"].map { key in
        action.detail[key].flatMap { Instant(iso8601: Array($0.utf8)[...], zone: nil) }
      }
      guard let from = ends[0], let to = ends[1], from < to else {
        throw .refused("an appointment has a beginning and a later end")
      }
      appointment = Pause(from: from, to: to)
    case .escalated:
      escalation = action.detail["level"].flatMap { Int($0) } ?? escalation + 1
    case .reassigned:
      owner = action.detail["owner"]
      leaseUntil = nil
    case .closed:
      guard let outcome = action.detail["outcome"].flatMap(Action.Outcome.init) else {
        throw .refused(
          "a case closes with an outcome: "
            + Action.Outcome.allCases.map(\.rawValue).joined(separator: ", "))
      }
      if let since = waitingSince {
        pauses.append(Pause(from: since, to: action.at))
        waitingSince = nil
      }
      closedAt = action.at
      self.outcome = outcome
      owner = nil
      leaseUntil = nil
    }
  }
}
