package import Histories

/// Everybody with a history at one moment, counted at each exclusion.
package struct SilentCounts: Codable, Sendable, Equatable {
  package var asOf: Instant
  /// Accounts with a history, split into objected, recent, lapsed and neverSpoken.
  package var accounts = 0
  /// May not be profiled.
  package var objected = 0
  package var recent = 0
  package var lapsed = 0
  package var neverSpoken = 0
  /// Of the silent (lapsed and never spoken): never asked, asked within the silence window and
  /// ignored it, asked before that only. Zeros where the project names no survey mechanics.
  package var neverAsked = 0
  package var ignored = 0
  package var askedEarlier = 0
  /// Of the silent: contacted by outreach before.
  package var contacted = 0

  package init(asOf: Instant) { self.asOf = asOf }

  package var silent: Int { lapsed + neverSpoken }

  /// Of the silent, those asked in this way.
  func count(of asked: Asked) -> Int {
    switch asked {
    case .never: neverAsked
    case .ignored: ignored
    case .earlier: askedEarlier
    }
  }

  /// Counts one account with a history; nil where it may not be profiled or is not silent.
  mutating func take(
    _ account: Int, of base: HistoryBase, feedback: [HistoryBase.Feedback], _ rule: SilenceRule,
    _ trace: OutreachTrace
  ) -> Voice? {
    accounts += 1
    if base.record(account)?.doNotProfile == true {
      objected += 1
      return nil
    }
    let voice = rule.voice(of: feedback, at: asOf)
    switch voice {
    case .recent:
      recent += 1
      return nil
    case .lapsed: lapsed += 1
    case .neverSpoken: neverSpoken += 1
    }
    if base.hasMechanics {
      switch rule.asked(by: base.mechanics(account), at: asOf) {
      case .never: neverAsked += 1
      case .ignored: ignored += 1
      case .earlier: askedEarlier += 1
      }
    }
    if trace.isContacted(account, before: asOf) { contacted += 1 }
    return voice
  }
}

/// The silent accounts at one moment, with the counts around them.
package struct SilentPopulation: Sendable {
  /// Account indices of the base, in its order.
  package var accounts: [Int] = []
  /// Of each: never spoken at all, as against lapsed.
  package var neverSpoken: [Bool] = []
  package var counts: SilentCounts

  /// Everybody with a history at `asOf` who may be profiled and is silent by the rule. O(events).
  package init(
    base: HistoryBase, feedback: FeedbackSettings, asOf: Instant,
    trace: OutreachTrace = OutreachTrace()
  ) {
    let rule = SilenceRule(silentForDays: feedback.silentForDays)
    counts = SilentCounts(asOf: asOf)
    for account in 0..<base.accountCount where base.hasFeatureEvent(account, seenAsOf: asOf) {
      let voice = counts.take(account, of: base, feedback: base.feedback(account), rule, trace)
      guard let voice else { continue }
      accounts.append(account)
      neverSpoken.append(voice == .neverSpoken)
    }
  }
}
