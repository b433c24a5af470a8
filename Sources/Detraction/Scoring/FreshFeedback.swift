package import Histories
import Learning

/// A published night of the past.
package struct PastNight: Sendable {
  package var asOf: Instant
  /// Where its score file is.
  package var scores: String

  package init(asOf: Instant, scores: String) {
    self.asOf = asOf
    self.scores = scores
  }
}

/// What has been said since earlier nights scored those who were silent then.
///
/// A row is training's own (DESIGN 2): an account that a past night scored and that gave two-sided
/// feedback in that night's label window, known before tonight; accounts that outreach had contacted
/// before the window's end are left out. Windows do not overlap: of the nights, the oldest is taken,
/// then each that is a label window or more after the one taken before. The probability is the
/// respondents', by the logit that the night published: answers that come by themselves are
/// respondents', whatever level was measured for the silent.
package struct FreshFeedback: Sendable {
  package var fresh: Drift.Fresh?
  /// Nights whose score file is there and cannot be read: their answers are not counted.
  package var unreadable: [PastNight] = []
  /// As many nights are looked at, the latest.
  static let mostNights = 6

  /// `nights`: of the scorer's own model, before its date, oldest first; those whose score file is
  /// gone are to be left out. O(events + rows of at most 6 score files).
  package init(
    _ scorer: Scorer, nights: [PastNight], trace: OutreachTrace
  ) throws(DetractionError) {
    let model = scorer.model
    var anchors: [PastNight] = []
    for night in nights {
      if let last = anchors.last,
        night.asOf < last.asOf.adding(days: model.training.labelWindowDays)
      {
        continue
      }
      anchors.append(night)
    }
    anchors = Array(anchors.suffix(Self.mostNights))
    let rows = TrainingRows(
      base: scorer.base, feedback: model.feedback, training: model.training, asOf: scorer.asOf,
      trace: trace, snapshots: anchors.map(\.asOf)
    ).rows.filter(\.voice.isSilent)
    var said: [(known: Instant, row: TrainingRow, probability: Double)] = []
    for (index, night) in anchors.enumerated() {
      let own = rows.filter { $0.snapshot == index }
      guard !own.isEmpty else { continue }
      guard
        let logits = try? Self.logits(
          own.map(\.account), in: night.scores, base: scorer.base, threads: scorer.threads)
      else {
        unreadable.append(night)
        continue
      }
      for (row, logit) in zip(own, logits) where !logit.isNaN {
        said.append(
          (Self.known(row, since: night.asOf, scorer), row, model.probability(logit: logit)))
      }
    }
    guard !said.isEmpty else { return }
    said.sort { ($0.known, $0.row.account) < ($1.known, $1.row.account) }
    fresh = try translating {
      try Drift.Fresh(
        probabilities: said.map(\.probability), labels: said.map { $0.row.isDetractor ? 1 : 0 },
        customers: said.map { UInt64($0.row.account) }, threads: scorer.threads)
    }
  }

  /// When the first of the answers that make a row was known.
  private static func known(
    _ row: TrainingRow, since night: Instant, _ scorer: Scorer
  ) -> Instant {
    let start = night.adding(days: scorer.model.training.gapDays)
    let twoSided = Set(scorer.model.feedback.signals.filter(\.rule.isTwoSided).map(\.kind))
    return scorer.base.feedback(row.account)
      .filter { $0.at >= start && twoSided.contains($0.kind) }
      .map { max($0.at, $0.knownAt) }.min() ?? scorer.asOf
  }

  /// The logits that a score file gives to accounts, NaN where it has none. O(file), parts of it at a
  /// time.
  private static func logits(
    _ accounts: [Int], in path: String, base: HistoryBase, threads: Int
  ) throws -> [Double] {
    var logits = [Double](repeating: .nan, count: accounts.count)
    let ids = accounts.map { base.account($0) }
    let places = Dictionary(
      ids.indices.map { (AccountHash.of(ids[$0]), $0) }, uniquingKeysWith: { first, _ in first })
    let reader = try TableReader(
      ByteSource.file(path), cells: [WantedCell("logit", .number)], text: "account_id",
      threads: threads)
    while true {
      let parts = try reader.next()
      if parts.isEmpty { return logits }
      for part in parts {
        for row in 0..<part.rows {
          guard let place = places[part.textHash(row)],
            part.text(row).elementsEqual(ids[place].utf8)
          else { continue }
          logits[place] = part.values[row]
        }
      }
    }
  }
}
