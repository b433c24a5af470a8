import Histories

/// What may come next on a case. The log itself takes any order, since others may have worked the case
/// elsewhere; who works it here is told what is missing, and why.
extension Practice {
  /// The steps of a case in their order. One who is silent is asked, and enters the rest when they say
  /// that they are unhappy.
  package func steps(of open: Case) -> [Step] {
    let steps = track(of: open).steps
    return open.form == .voiced
      ? steps : open.state.verdict == .detractor ? [.ask] + steps : [.ask]
  }

  /// The first step that is neither done nor skipped; nil where all are.
  package func nextStep(of open: Case) -> Step? {
    steps(of: open).first { open.state.steps?.isSettled($0) != true }
  }

  /// Why an action cannot be done now, and what to do first; nil where it can.
  package func refusal(of action: Action, on open: Case) -> String? {
    switch action.kind {
    case .step: stepRefusal(action, open)
    case .skipped: skipRefusal(action, open)
    case .invited:
      isPublic(open)
        ? nil : "the customer did not post in public: there is nobody to invite to a private talk"
    case .publicReply:
      isPublic(open) ? nil : "the customer did not post in public: answer them, not the public"
    case .approved: approvalRefusal(action, open)
    case .closed: closingRefusal(action, open)
    default: nil
    }
  }

  func isPublic(_ open: Case) -> Bool {
    [open.voice?.channel, open.channel].contains { channel in
      channel.map { one in publicChannels.contains { $0.utf8.elementsEqual(one.utf8) } } ?? false
    }
  }

  private func stepRefusal(_ action: Action, _ open: Case) -> String? {
    guard let step = action.detail["step"].flatMap(Step.init) else { return "no such step" }
    let track = track(of: open)
    let steps = steps(of: open)
    guard steps.contains(step) else {
      if open.form != .voiced, open.state.verdict == .nonDetractor {
        return
          "the customer said that all is well: there is nothing to put right, so close the case as "
          + "nothing_wrong"
      }
      if open.form != .voiced, open.state.verdict != .detractor {
        return "the customer has not said that anything is wrong: ask first, and record the answer "
          + "(`answered`). Apologise for nothing that was not raised"
      }
      return step == .ask
        ? "the customer spoke: there is nothing to ask first, so acknowledge what they said"
        : "the \(track.rawValue) track has no step \(step.rawValue): set another track if it is needed"
    }
    if let before = steps.prefix(while: { $0 != step }).first(where: {
      open.state.steps?.isSettled($0) != true
    }) {
      return
        "\(step.rawValue) comes after \(before.rawValue), which is not done: do it, or skip it "
        + "and say why"
    }
    if step == .ask || step == .acknowledge, open.state.touches == 0 {
      return "nobody has spoken with the customer or written to them yet: record that first "
        + "(`reached` or `messaged`)"
    }
    let fields = step.fields(on: track)
    let given = Set(action.detail.keys).union(action.record.keys)
    let missing = fields.required.filter { !given.contains($0.rawValue) }
    if !missing.isEmpty {
      return "\(step.rawValue) is not whole; still to be said: "
        + missing.map { "\($0.rawValue) (\($0.meaning))" }.joined(separator: "; ")
    }
    switch step {
    case .acknowledge where isPublic(open):
      if open.state.steps?.publicReply == nil || open.state.steps?.invitation == nil {
        return "the customer posted in public: two things come first, a reply where they posted "
          + "(`public_reply`) and an invitation to speak in private (`invited`)"
      }
    case .acknowledge where open.channel == "phone":
      if open.state.reachedAt == nil, action.record["because"] == nil {
        return "this one is acknowledged by phone: record the call (`reached`), or say why another "
          + "way was right (because=…)"
      }
    case .correct:
      if let name = action.detail["remedy"], let remedy = remedy(named: name),
        let approver = remedy.approver, open.state.steps?.approvedBy == nil
      {
        return "\(name) needs the approval of \(approver) before it is promised: "
          + "`tacit queue approve`"
      }
    case .validate where action.detail["agreed"] == "yes" && action.detail["thanked"] != "yes":
      return "the customer agrees: thank them, and say so (thanked=yes)"
    default: break
    }
    return nil
  }

  private func skipRefusal(_ action: Action, _ open: Case) -> String? {
    guard let step = action.detail["step"].flatMap(Step.init) else { return "no such step" }
    guard steps(of: open).contains(step) else {
      return "\(step.rawValue) is no step of this case: there is nothing to skip"
    }
    if action.record["because"]?.isEmpty != false {
      return "a step is skipped for a reason: because=…"
    }
    if step == .validate {
      return "the customer says whether it is resolved, nobody else: close the case as unresolved, "
        + "declined or lost where they cannot be asked"
    }
    return nil
  }

  private func approvalRefusal(_ action: Action, _ open: Case) -> String? {
    guard let name = action.detail["remedy"], let remedy = remedy(named: name) else {
      return "no such remedy"
    }
    guard let approver = remedy.approver else { return "\(name) needs nobody's approval" }
    return approver.utf8.elementsEqual(action.actor.utf8)
      ? nil : "\(name) is approved by \(approver), nobody else"
  }

  private func closingRefusal(_ action: Action, _ open: Case) -> String? {
    let work = open.state.steps
    let spoke = open.form == .voiced || open.state.verdict == .detractor
    switch action.detail["outcome"].flatMap(Action.Outcome.init) {
    case .resolved:
      guard spoke else {
        return "the customer has not said that anything was wrong: close it as nothing_wrong when "
          + "they said that all is well, else as unreached, declined or lost"
      }
      guard work?.agreed == true else {
        let next = nextStep(of: open).map { "; next is \($0.rawValue): \($0.meaning)" } ?? ""
        return "it is resolved when the customer says so (step validate, agreed=yes)" + next
      }
    case .nothingWrong:
      guard open.form != .voiced, open.state.verdict == .nonDetractor else {
        return open.form == .voiced
          ? "the customer said that something is wrong: it closes as resolved, unresolved, declined, "
            + "lost or parted_well"
          : "nothing is wrong when the customer says so: record it (`answered --verdict "
            + "non-detractor`)"
      }
    case .unreached: return unreachedRefusal(open)
    case .partedWell, .unresolved:
      guard spoke, work?.isSettled(.acknowledge) == true else {
        return "the customer is heard first: step acknowledge"
      }
    default: break
    }
    return nil
  }

  /// A customer who is called is tried at different hours of the day, then written to.
  private func unreachedRefusal(_ open: Case) -> String? {
    let work = open.state.steps
    if open.state.reachedAt != nil { return "somebody was reached: it cannot close as unreached" }
    guard open.channel == "phone" else {
      return work?.wrote == nil && open.state.touches == 0
        ? "nobody has tried yet: write to the customer first (`messaged`)" : nil
    }
    var hours: [Int] = []
    for at in work?.attempts ?? [] {
      // On the team's clock: across a change of clocks nine is nine.
      let offset = Int64(calendar.zone.stretch(at: at).offset) * 1_000_000
      let hour = Int((at.microseconds + offset).flooredDivision(by: 3_600_000_000) % 24)
      let isFar = hours.allSatisfy { min(abs($0 - hour), 24 - abs($0 - hour)) >= 2 }
      if isFar { hours.append(hour) }
    }
    if hours.count < attempts {
      return "\(hours.count) of \(attempts) tries at different hours of the day were made: another "
        + "hour, at least two from those before, may find them"
    }
    guard let wrote = work?.wrote, let first = work?.attempts.first, wrote > first else {
      return
        "after \(attempts) calls the customer is written to in person (`messaged`), so that they "
        + "can answer when it suits them"
    }
    return nil
  }

  /// What a field that is one of a list may be.
  package func choices(of field: StepField) -> [String] {
    switch field {
    case .offer: ["user_group", "advisory_board", "event", "pilot", "none"]
    case .manner: ["phone", "email", "message", "none"]
    case .form: forms
    case .cause: causes.map(\.name)
    case .remedy: remedies.map(\.name)
    default: []
    }
  }

  package func remedy(named name: String) -> Remedy? {
    remedies.first { $0.name.utf8.elementsEqual(name.utf8) }
  }
}
