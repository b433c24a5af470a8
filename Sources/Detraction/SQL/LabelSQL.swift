import Histories

/// The rows of a training as of a date (DESIGN 2; `TrainingRows`), as stages over `events`:
///
///     snapshots → answers (who answered in the label window after which) → chosen (of those who are no
///     detractors the lot)
struct LabelSQL {
  let labels: FeatureSQL.Labels
  let asOf: Instant
  let sources: EventSQL

  /// The last, `chosen`, has a row an account and snapshot: account, t, negative.
  var stages: [(name: String, body: String)] {
    let dialect = sources.dialect
    let at = dialect.identifier("at")
    let snapshots = labels.training.snapshots(asOf: asOf)
      .map { "(CAST(\($0.microseconds) AS BIGINT))" }
    let start = Int64(labels.training.gapDays) * Instant.microsecondsPerDay
    let end = start + Int64(labels.training.labelWindowDays) * Instant.microsecondsPerDay
    func isKind(_ signal: FeedbackSettings.Signal) -> String {
      "kind = \(dialect.literal(signal.kind))"
    }
    func isNegative(_ signal: FeedbackSettings.Signal) -> String {
      guard case .value(let comparison, let limit) = signal.rule else { return "TRUE" }
      let sign =
        switch comparison {
        case .atMost: "<="
        case .atLeast: ">="
        case .below: "<"
        case .above: ">"
        }
      return "value \(sign) \(SQLText.literal(limit))"
    }
    let signals = labels.feedback.signals
    let told = signals.map {
      $0.rule.isTwoSided ? "(\(isKind($0)) AND value IS NOT NULL)" : isKind($0)
    }
    let answered = signals.filter(\.rule.isTwoSided).map(isKind)
    let negative = signals.map { "(\(isKind($0)) AND \(isNegative($0)))" }
    func any(_ conditions: [String]) -> String {
      conditions.isEmpty ? "FALSE" : "(\(conditions.joined(separator: " OR ")))"
    }
    var kept = "answered"
    if labels.controls < 1 {
      let lot = dialect.sha256("concat('tacit controls', account)")
      kept += " AND (negative OR \(lot) < '\(dialect.bound(ofShare: labels.controls))')"
    }
    let present = sources.isErased("account").map { " AND NOT \($0)" } ?? ""
    return [
      (
        "snapshots",
        "SELECT * FROM (VALUES \(snapshots.joined(separator: ", "))) AS dates (t)"
      ),
      (
        "answers",
        "SELECT account, t, bool_or(\(any(answered))) AS answered, "
          + "bool_or(\(any(negative))) AS negative\n"
          + "FROM events JOIN snapshots ON \(at) >= t + \(start) AND \(at) < t + \(end)\n"
          + "WHERE known_at < \(asOf.microseconds) AND \(any(told))\(present)\nGROUP BY account, t"
      ), ("chosen", "SELECT account, t, negative FROM answers WHERE \(kept)"),
    ]
  }
}

extension FeatureSQL {
  /// In place of everybody as of one date, the labelled rows of a training as of it (DESIGN 2): of each
  /// snapshot the accounts that answered in its label window.
  package struct Labels: Sendable {
    package var feedback: FeedbackSettings
    package var training: TrainingSettings
    /// Which share of the rows of no detractor is kept, by a lot over accounts; detractors all are.
    package var controls: Double

    package init(feedback: FeedbackSettings, training: TrainingSettings, controls: Double) {
      self.feedback = feedback
      self.training = training
      self.controls = controls
    }
  }
}
