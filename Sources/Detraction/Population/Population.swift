package import Histories

/// Where an account stands towards speaking, at one moment (DESIGN 2, *silent at t*).
package enum Voice: String, Codable, Sendable {
  /// No feedback before t at all, as far as was known at t.
  case neverSpoken
  /// Spoke once, but not within the silence window before t.
  case lapsed
  /// Spoke within the silence window before t.
  case recent

  package var isSilent: Bool { self != .recent }
}

/// The one rule by which training, back-test and scoring tell who is silent.
package struct SilenceRule: Sendable {
  package let silentForDays: Int

  package init(silentForDays: Int) { self.silentForDays = silentForDays }

  /// Silent at t: no feedback known before t with `at` in [t − silent_for_days, t).
  package func voice(of feedback: [HistoryBase.Feedback], at t: Instant) -> Voice {
    let start = t.adding(days: -silentForDays)
    var voice = Voice.neverSpoken
    for spoken in feedback where spoken.at < t && spoken.knownAt < t {
      if spoken.at >= start { return .recent }
      voice = .lapsed
    }
    return voice
  }
}

/// One training row: an account that gave feedback in the label window after a snapshot.
package struct TrainingRow: Sendable, Equatable {
  /// Index of the account in its base, and of the snapshot in the training's list.
  package var account: Int
  package var snapshot: Int
  package var isDetractor: Bool
  /// How the account stood towards speaking at the snapshot.
  package var voice: Voice
}

/// Who was counted in and out at one snapshot.
package struct SnapshotCounts: Codable, Sendable, Equatable {
  package var asOf: Instant
  /// Accounts with a history then, of which `objected` may not be profiled.
  package var accounts = 0
  package var objected = 0
  /// Accounts that gave two-sided feedback in the label window, known before the as-of date D.
  package var respondents = 0
  package var detractors = 0
  /// Respondents that were silent at the snapshot.
  package var silentRespondents = 0
  /// Accounts whose only feedback in the window came by a one-sided channel: not in training.
  package var oneSidedOnly = 0

  package init(asOf: Instant) { self.asOf = asOf }
}

/// The silent accounts at one moment, with the counts around them.
package struct SilentPopulation: Sendable {
  /// Account indices of the base, in its order.
  package var accounts: [Int] = []
  package var counts: SilentCounts

  package struct SilentCounts: Codable, Sendable, Equatable {
    package var asOf: Instant
    /// Accounts with a history, split into the next four.
    package var accounts = 0
    package var objected = 0
    package var recent = 0
    package var lapsed = 0
    package var neverSpoken = 0

    package var silent: Int { lapsed + neverSpoken }
  }

  /// Everybody with a history at `asOf` who may be profiled and is silent by the rule.
  package init(base: HistoryBase, feedback: FeedbackSettings, asOf: Instant) {
    let rule = SilenceRule(silentForDays: feedback.silentForDays)
    counts = SilentCounts(asOf: asOf)
    for account in 0..<base.accountCount where base.hasFeatureEvent(account, seenAsOf: asOf) {
      counts.accounts += 1
      if base.record(account)?.doNotProfile == true {
        counts.objected += 1
        continue
      }
      switch rule.voice(of: base.feedback(account), at: asOf) {
      case .recent: counts.recent += 1
      case .lapsed:
        counts.lapsed += 1
        accounts.append(account)
      case .neverSpoken:
        counts.neverSpoken += 1
        accounts.append(account)
      }
    }
  }
}

/// The labelled rows of every snapshot of a training as of D.
///
/// A row is an account with two-sided feedback in [s + gap, s + gap + label window), known before
/// D; it is a detractor if any feedback in that window was negative. Feedback known at or after D
/// changes nothing here. O(accounts × snapshots).
package struct TrainingRows: Sendable {
  package var rows: [TrainingRow] = []
  package var counts: [SnapshotCounts] = []
  package var snapshots: [Instant]

  package init(
    base: HistoryBase, feedback: FeedbackSettings, training: TrainingSettings, asOf: Instant
  ) {
    let rule = SilenceRule(silentForDays: feedback.silentForDays)
    snapshots = training.snapshots(asOf: asOf)
    let signals = Dictionary(uniqueKeysWithValues: feedback.signals.map { ($0.kind, $0.rule) })
    for (index, snapshot) in snapshots.enumerated() {
      var counts = SnapshotCounts(asOf: snapshot)
      let start = snapshot.adding(days: training.gapDays)
      let end = start.adding(days: training.labelWindowDays)
      for account in 0..<base.accountCount where base.hasFeatureEvent(account, seenAsOf: snapshot) {
        counts.accounts += 1
        if base.record(account)?.doNotProfile == true {
          counts.objected += 1
          continue
        }
        let spoken = base.feedback(account)
        var answered = false
        var oneSided = false
        var negative = false
        for item in spoken
        where item.at >= start && item.at < end && item.knownAt < asOf {
          guard let rule = signals[item.kind], let isNegative = rule.isNegative(value: item.value)
          else { continue }
          if rule.isTwoSided { answered = true } else { oneSided = true }
          negative = negative || isNegative
        }
        guard answered else {
          if oneSided { counts.oneSidedOnly += 1 }
          continue
        }
        let voice = rule.voice(of: spoken, at: snapshot)
        counts.respondents += 1
        if negative { counts.detractors += 1 }
        if voice.isSilent { counts.silentRespondents += 1 }
        rows.append(
          TrainingRow(account: account, snapshot: index, isDetractor: negative, voice: voice))
      }
      self.counts.append(counts)
    }
  }
}
