package import Detraction
package import Histories

/// `[[outcome]]`: what help should change in an account's history, within a horizon.
///
/// Every measure is turned so that more of it is better: a share of accounts to which the good thing
/// happened, or the mean of what they spent.
package struct OutcomeMeasure: Sendable, Equatable {
  package enum Measure: Sendable, Equatable {
    /// Whether an event of the kind happened, and whether that is wanted.
    case happens(event: String, wanted: Bool)
    /// The sum of the values of a kind of event.
    case sum(event: String)
    /// Whether the next that the customer says is negative, which is not wanted. Who says nothing said
    /// nothing negative: all that were drawn are counted, since contact may change who speaks.
    case nextFeedback
  }

  package var name: String
  package var measure: Measure
  package var horizonDays: Int

  package init(name: String, measure: Measure, horizonDays: Int) {
    self.name = name
    self.measure = measure
    self.horizonDays = horizonDays
  }

  /// A share of accounts, not a mean of sums.
  package var isShare: Bool {
    if case .sum = measure { false } else { true }
  }

  /// What is counted, in words: "no cancellation within 90 days".
  package var words: String {
    let within = "within \(horizonDays) days"
    return switch measure {
    case .happens(let event, let wanted): "\(wanted ? "" : "no ")\(event) \(within)"
    case .sum(let event): "sum of \(event) \(within)"
    case .nextFeedback: "next feedback not negative \(within)"
    }
  }

  /// Decodes all `[[outcome]]` and reports their problems to the file. `feedback`: whether there is a
  /// `[feedback]` that says what is negative.
  package static func all(project: ProjectFile, hasFeedback: Bool) -> [OutcomeMeasure] {
    var outcomes: [OutcomeMeasure] = []
    for table in project.root.tables("outcome") {
      guard let outcome = OutcomeMeasure(table, hasFeedback: hasFeedback) else { continue }
      if outcomes.contains(where: { $0.name.utf8.elementsEqual(outcome.name.utf8) }) {
        table.report("name", "two outcomes are named `\(outcome.name)`: names must differ")
      }
      outcomes.append(outcome)
    }
    return outcomes
  }

  private init?(_ table: ProjectTable, hasFeedback: Bool) {
    table.allow(["name", "event", "happens", "sum", "feedback", "horizon_days"])
    let name = table.required("name")
    if table.value("horizon_days") == nil {
      table.report(nil, "`horizon_days` is missing: within how many days should help show?")
    }
    let days = table.integer("horizon_days", in: 1...1000)
    let happens = table.boolean("happens")
    let isSum = table.boolean("sum") ?? false
    var measure: Measure?
    switch (table.value("event") != nil, table.value("feedback") != nil) {
    case (true, false):
      let event = table.required("event")
      if isSum, happens != nil {
        table.report("sum", "an outcome has `happens` or `sum`, not both")
      }
      measure = event.map { isSum ? .sum(event: $0) : .happens(event: $0, wanted: happens ?? true) }
    case (false, true):
      for key in ["happens", "sum"] where table.value(key) != nil {
        table.report(key, "`\(key)` goes with `event`, not with `feedback`")
      }
      if let text = table.string("feedback"), text != "negative" {
        table.report("feedback", "`feedback` is \"\(text)\", expected \"negative\"")
      } else if !hasFeedback {
        table.report("feedback", "`feedback` needs [feedback], which says what is negative")
      } else {
        measure = .nextFeedback
      }
    default:
      table.report(
        nil,
        "an outcome has an `event`, such as event = \"order\" with happens = true or sum = true, or "
          + "feedback = \"negative\"")
    }
    guard let name, let days, let measure else { return nil }
    self.init(name: name, measure: measure, horizonDays: days)
  }
}

extension OutcomeMeasure {
  /// What is measured of accounts, looked up once.
  package struct Reader: Sendable {
    private let outcome: OutcomeMeasure
    private let base: HistoryBase
    private let feedback: FeedbackSettings?
    private let asOf: Instant
    /// The kind's place in the base; nil where nobody ever did it.
    private let kind: Int?

    package init(
      _ outcome: OutcomeMeasure, _ base: HistoryBase, _ feedback: FeedbackSettings?, asOf: Instant
    ) {
      self.outcome = outcome
      self.base = base
      self.feedback = feedback
      self.asOf = asOf
      switch outcome.measure {
      case .happens(let event, _), .sum(let event):
        kind = base.kinds.firstIndex { $0.name.utf8.elementsEqual(event.utf8) }
      case .nextFeedback: kind = nil
      }
    }

    /// The measure of an account over [start, start + horizon), from what was known before the date;
    /// 0 or 1 for a share. O(events).
    package func value(_ account: Int, from start: Instant) -> Double {
      let window = start..<start.adding(days: outcome.horizonDays)
      switch outcome.measure {
      case .happens(_, let wanted):
        let happened =
          kind.map { base.tally(account, kind: $0, in: window, knownBefore: asOf).count > 0 }
          ?? false
        return happened == wanted ? 1 : 0
      case .sum:
        return kind.map { base.tally(account, kind: $0, in: window, knownBefore: asOf).sum } ?? 0
      case .nextFeedback:
        for word in base.feedback(account)
        where window.contains(word.at) && word.at < asOf && word.knownAt < asOf {
          let signal = feedback?.signals.first { $0.kind.utf8.elementsEqual(word.kind.utf8) }
          if let isNegative = signal?.rule.isNegative(value: word.value) {
            return isNegative ? 0 : 1
          }
        }
        return 1
      }
    }
  }
}
