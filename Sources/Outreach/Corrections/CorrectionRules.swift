extension Case {
  /// Whether the customer is to be told of what changes.
  var wantsUpdates: Bool {
    state.steps?.manner != "none" && state.outcome != .declined && state.outcome != .lost
  }
}

extension Practice {
  /// Why a correction cannot go to a stage, and what to do first; nil where it can.
  package func refusal(
    of stage: CorrectionState.Stage, for state: CorrectionState, accounts: Int,
    votes: CaseStore.Votes, because: String?
  ) -> String? {
    let hasReason = because?.isEmpty == false
    guard state.stage.next == stage else {
      let order = CorrectionState.Stage.allCases
      let isBack =
        stage == .withdrawn || state.stage == .withdrawn
        || (order.firstIndex(of: stage) ?? 0) < (order.firstIndex(of: state.stage) ?? 0)
      if !isBack || (state.stage == .withdrawn && stage != .proposed) {
        return state.stage == .withdrawn
          ? "the correction was withdrawn: it can be proposed again, for a reason"
          : "after \(state.stage.rawValue) comes \(state.stage.next?.rawValue ?? "nothing"), not "
            + "\(stage.rawValue): one stage at a time"
      }
      return hasReason ? nil : "going back has a reason: --because …"
    }
    if accounts < minimumCases {
      return
        "\(accounts) account\(accounts == 1 ? "" : "s") speak\(accounts == 1 ? "s" : "") for it "
        + "and \(minimumCases) are needed (minimum_cases of [practice]): no change rests on one "
        + "complaint. Link more cases, or wait"
    }
    if stage == .approved, votes.yes + votes.no >= Self.leastVotes, votes.no > votes.yes,
      !hasReason
    {
      return "\(votes.no) of \(votes.yes + votes.no) former detractors who voted are against it: "
        + "change it, or say why it is approved all the same (--because …)"
    }
    return nil
  }

  /// From how many votes on a majority binds.
  static let leastVotes = 3
}
