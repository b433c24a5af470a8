package import Histories

/// One training row: an account that gave feedback in the label window after a snapshot.
package struct TrainingRow: Sendable, Equatable {
  /// Index of the account in its base, and of the snapshot in the training's list.
  package var account: Int
  package var snapshot: Int
  package var isDetractor: Bool
  /// How the account stood towards speaking at the snapshot.
  package var voice: Voice
  /// What the row counts for (`OutreachTrace.weight`).
  package var weight = 1.0

  package init(
    account: Int, snapshot: Int, isDetractor: Bool, voice: Voice, weight: Double = 1
  ) {
    self.account = account
    self.snapshot = snapshot
    self.isDetractor = isDetractor
    self.voice = voice
    self.weight = weight
  }
}

/// Who was counted in and out at one snapshot.
package struct SnapshotCounts: Codable, Sendable, Equatable {
  /// Everybody with a history then.
  package var population: SilentCounts
  /// Accounts that gave two-sided feedback in the label window, known before the as-of date D.
  package var respondents = 0
  package var detractors = 0
  /// Respondents that had never spoken at the snapshot, and those that had lapsed.
  package var neverSpokenRespondents = 0
  package var lapsedRespondents = 0
  /// Accounts whose only feedback in the window came by a one-sided channel.
  package var oneSidedOnly = 0
  /// Respondents left out because outreach had contacted them before the end of the window.
  package var contacted = 0

  package init(asOf: Instant) { population = SilentCounts(asOf: asOf) }

  package var silentRespondents: Int { neverSpokenRespondents + lapsedRespondents }
}

/// The labelled rows of every snapshot of a training as of D.
///
/// A row is an account with two-sided feedback in [s + gap, s + gap + label window), known before
/// D; it is a detractor if any feedback in that window was negative. Feedback known at or after D
/// changes nothing here. Of an account that outreach contacted within the window only what it answered
/// to that counts. `snapshots` puts others in place of the training's own: a back-test asks what
/// was answered after an origin. O(events × snapshots).
package struct TrainingRows: Sendable {
  /// Snapshot by snapshot, accounts in their order.
  package var rows: [TrainingRow]
  /// Accounts that spoke by one-sided channels alone, all of them detractors: they join training
  /// only where that pays.
  package var oneSided: [TrainingRow]
  package var counts: [SnapshotCounts]
  package var snapshots: [Instant]

  package init(
    base: HistoryBase, feedback: FeedbackSettings, training: TrainingSettings, asOf: Instant,
    trace: OutreachTrace = OutreachTrace(), snapshots: [Instant]? = nil
  ) {
    let rule = SilenceRule(silentForDays: feedback.silentForDays)
    let snapshots = snapshots ?? training.snapshots(asOf: asOf)
    self.snapshots = snapshots
    let signals = Dictionary(uniqueKeysWithValues: feedback.signals.map { ($0.kind, $0.rule) })
    counts = snapshots.map(SnapshotCounts.init(asOf:))
    var found = Array(repeating: [TrainingRow](), count: snapshots.count)
    var oneSided = found
    // Account by account, so that histories that stand on disk are read once for all snapshots.
    for account in 0..<base.accountCount {
      let spoken = base.feedback(account)
      for (index, snapshot) in snapshots.enumerated()
      where base.hasFeatureEvent(account, seenAsOf: snapshot) {
        let start = snapshot.adding(days: training.gapDays)
        let end = start.adding(days: training.labelWindowDays)
        let objected = counts[index].population.objected
        let silent = counts[index].population.take(
          account, of: base, feedback: spoken, rule, trace)
        guard counts[index].population.objected == objected else { continue }
        var answered = false
        var hasOneSided = false
        var negative = false
        /// What was answered to outreach: negative or not.
        var toOutreach: Bool?
        for item in spoken
        where item.at >= start && item.at < end && item.knownAt < asOf {
          guard let rule = signals[item.kind], let isNegative = rule.isNegative(value: item.value)
          else { continue }
          if rule.isTwoSided { answered = true } else { hasOneSided = true }
          negative = negative || isNegative
          if item.kind == OutreachTrace.answerKind {
            toOutreach = (toOutreach ?? false) || isNegative
          }
        }
        guard answered || hasOneSided else { continue }
        var weight = trace.weight(account, before: end)
        if weight == 0 {
          guard let toOutreach, !trace.isContacted(account, before: snapshot) else {
            counts[index].contacted += 1
            continue
          }
          (answered, negative, weight) = (true, toOutreach, 1)
        }
        let row = TrainingRow(
          account: account, snapshot: index, isDetractor: negative, voice: silent ?? .recent,
          weight: weight)
        guard answered else {
          counts[index].oneSidedOnly += 1
          oneSided[index].append(row)
          continue
        }
        counts[index].respondents += 1
        if negative { counts[index].detractors += 1 }
        switch row.voice {
        case .neverSpoken: counts[index].neverSpokenRespondents += 1
        case .lapsed: counts[index].lapsedRespondents += 1
        case .recent: break
        }
        found[index].append(row)
      }
    }
    rows = found.flatMap(\.self)
    self.oneSided = oneSided.flatMap(\.self)
  }
}
