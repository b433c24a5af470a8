package import Histories

/// The rows of a training from one-sided feedback alone: every account with a history at a snapshot that
/// may be profiled and was not contacted, labelled 1 where it spoke in the label window (known before
/// D). The others are unlabelled, not happy.
///
/// Of large bases a sample of whole accounts: those that ever complained in a window stay, the others by
/// their hash, each for 1 / its chance, so that an account is in or out at every snapshot alike. Twenty
/// rows of the others for each label leave the label's own chance as good as all of what is not known:
/// the likelihood's curvature is off by one in twenty at most.
package struct ComplaintsRows {
  /// `isDetractor` is the label. By snapshot, then account.
  package let rows: [TrainingRow]
  package let snapshots: [Instant]
  package let counts: [SnapshotCounts]
  /// Rows with and without a label before sampling, and the accounts that ever had one.
  package let labelled: Int
  package let unlabelled: Int
  package let complained: Set<Int>
  /// Of accounts that complained, and of the others: the share taken.
  package let share: (complained: Double, others: Double)

  /// Rows at most, whatever the base.
  package static let most = 200_000
  /// Cells of the vectors at most: 80 MB, and their columns about twice that.
  private static let mostCells = 10_000_000
  private static let othersPerLabel = 20
  private static let leastOthers = 20_000

  /// `most`: about so many rows. Two passes over accounts × snapshots.
  package init(_ trainer: Trainer, most: Int = Self.most) {
    let found = TrainingRows(
      base: trainer.base, feedback: trainer.feedback, training: trainer.training,
      asOf: trainer.asOf, trace: trainer.trace)
    snapshots = found.snapshots
    counts = found.counts
    let accounts = trainer.base.accountCount
    let labels = Set(found.oneSided.map { $0.snapshot * accounts + $0.account })
    let complained = Set(found.oneSided.map(\.account))
    var ofComplained = 0
    var ofOthers = 0
    Self.forEach(trainer, snapshots) { row in
      if complained.contains(row.account) { ofComplained += 1 } else { ofOthers += 1 }
    }
    let most = min(most, Self.mostCells / max(1, trainer.schema.count))
    let kept = min(1, Double(most / 2) / Double(max(1, ofComplained)))
    let room = most - Int(kept * Double(ofComplained))
    let wanted = min(room, max(Self.leastOthers, Self.othersPerLabel * labels.count))
    let share = (complained: kept, others: min(1, Double(wanted) / Double(max(1, ofOthers))))
    var rows: [TrainingRow] = []
    Self.forEach(trainer, snapshots) { found in
      let isOne = complained.contains(found.account)
      let hash = AccountHash.of(trainer.base.account(found.account))
      guard unitShare(hash) < (isOne ? share.complained : share.others) else { return }
      var row = found
      row.isDetractor = labels.contains(row.snapshot * accounts + row.account)
      if !isOne { row.weight *= share.complained / share.others }
      rows.append(row)
    }
    self.rows = rows
    self.share = share
    self.complained = complained
    labelled = labels.count
    unlabelled = ofComplained + ofOthers - labels.count
  }

  /// Every row that may be learnt from, its label left open.
  private static func forEach(
    _ trainer: Trainer, _ snapshots: [Instant], _ body: (TrainingRow) -> Void
  ) {
    let base = trainer.base
    let training = trainer.training
    let rule = SilenceRule(silentForDays: trainer.feedback.silentForDays)
    for (index, snapshot) in snapshots.enumerated() {
      let end = snapshot.adding(days: training.gapDays + training.labelWindowDays)
      for account in 0..<base.accountCount
      where base.hasFeatureEvent(account, seenAsOf: snapshot)
        && base.record(account)?.doNotProfile != true
      {
        let weight = trainer.trace.weight(account, before: end)
        guard weight > 0 else { continue }
        body(
          TrainingRow(
            account: account, snapshot: index, isDetractor: false,
            voice: rule.voice(of: base.feedback(account), at: snapshot), weight: weight))
      }
    }
  }

  /// All labelled rows, and those of the others that are an even sample of all, whether their account
  /// complained at another time or not: for measures that do not weigh.
  func even(_ known: Respondents) -> [Int] {
    let least = min(share.complained, share.others)
    return rows.indices.filter { rows[$0].isDetractor || unitShare(known.customers[$0]) < least }
  }

  /// At most about `most` rows, by whole accounts, those that complained before the others. Accounts are
  /// taken by whether they ever complained, whenever that was, so that labels dealt by lot among those
  /// of the same snapshots are as likely as the true ones where labels say nothing.
  func fewer(_ known: Respondents, most: Int) -> [Int] {
    let ofComplained = rows.count { complained.contains($0.account) }
    let first = min(1, Double(most / 2) / Double(max(1, ofComplained)))
    let room = Double(most) - first * Double(ofComplained)
    let second = min(1, room / Double(max(1, rows.count - ofComplained)))
    return rows.indices.filter {
      unitShare(mixed(known.customers[$0]))
        < (complained.contains(rows[$0].account) ? first : second)
    }
  }
}

/// The place of a hash in [0, 1).
func unitShare(_ hash: UInt64) -> Double { Double(hash >> 11) * 0x1p-53 }

/// Another hash of the same account, for a lot that must not follow the first (SplitMix64's finish).
private func mixed(_ hash: UInt64) -> UInt64 {
  var z = hash &+ 0x9E37_79B9_7F4A_7C15
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}
