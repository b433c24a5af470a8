package import Detraction
package import Histories

/// The part of a night that an engine does where the base is too big to move: from the
/// scores of everybody to the few whom `decide` may have to look at, and counts of all the others.
///
/// Whoever a queue could reach stands above a threshold of that queue: the logit of its N-th account
/// that may be contacted, that the lot does not leave alone and that said nothing since, N being what the
/// queue takes a day and as many more as the store and exploration could remove. Everybody who stands as
/// high is a candidate, ties and those whom a rule removes too, and all of a queue that has not so many;
/// likewise above the cut of the whole ranking, and first in the lot of exploration. So `decide` comes to
/// the same decisions over the candidates as over all.
package struct CandidateSQL {
  private let dialect: SQLDialect
  private let queues: [Queue]
  private let experiment: Experiment?
  private let asOf: Instant
  /// Accounts that the store may remove from a queue's reach.
  private let removable: Int

  /// Throws `insufficient` where accounts are taken by expected value: that order needs all of them.
  package init(
    _ settings: OutreachSettings, work: OpenWork, asOf: Instant, dialect: SQLDialect
  ) throws(DetractionError) {
    guard settings.policy.effect == nil else {
      throw .insufficient(
        "[policy] effect takes accounts by what contact is expected to bring, and that order is made "
          + "over all of them: run the night natively, or leave `effect` out")
    }
    self.dialect = dialect
    queues = settings.queues
    let registered = work.experiments.registered(settings.experiment)
    experiment = registered.flatMap { $0.isRunning(at: asOf) ? $0 : nil }
    self.asOf = asOf
    let arms = experiment.flatMap { work.enrolments[$0.seed] } ?? [:]
    removable =
      work.accounts.count + work.touches.count + work.closed.count + work.holds.count + arms.count
  }

  /// Columns to be added to everybody's scores: queue (the first that fits, by its place), people_queue
  /// (whether one that people work does), held_out and lot.
  package var columns: [(name: String, expression: String)] {
    func first(_ places: [Int]) -> String {
      let cases = places.map { "WHEN \(condition(queues[$0].rule)) THEN \($0)" }
      return cases.isEmpty ? "CAST(NULL AS INT)" : "CASE \(cases.joined(separator: " ")) END"
    }
    let people = queues.indices.filter { queues[$0].mode == .people }
    var heldOut = "FALSE"
    var lot = "CAST(NULL AS \(dialect == .duckdb ? "VARCHAR" : "STRING"))"
    if let experiment {
      heldOut = "\(digest("holdout", experiment)) < '\(dialect.bound(ofShare: experiment.holdout))'"
      if experiment.exploration > 0 { lot = digest("exploration", experiment) }
    }
    return [
      ("queue", first(Array(queues.indices))),
      ("people_queue", "\(first(people)) IS NOT NULL"), ("held_out", heldOut), ("lot", lot),
    ]
  }

  /// Whether a row of `scores`, which has `columns` and silent, eligible, called and logit, is a
  /// candidate.
  package func isCandidate(in scores: String) -> String {
    // Everybody, where there are fewer.
    func above(_ count: Int, _ rows: String) -> String {
      "coalesce(logit >= (SELECT CASE WHEN count(*) = \(count) THEN min(logit) END FROM "
        + "(SELECT logit FROM \(scores) WHERE \(rows) ORDER BY logit DESC LIMIT \(count)) "
        + "AS reached), TRUE)"
    }
    // Whom people called open a case of their own, which removes them.
    let free = "silent AND eligible AND NOT held_out AND NOT called"
    let capacity = queues.reduce(0) { $0 + $1.capacity }
    var conditions = [above(max(capacity, 1), "silent")]
    for (place, queue) in queues.enumerated() {
      // Who is drawn for exploration uses no place.
      let most = max(queue.capacity, 1) + removable + (experiment?.exploration ?? 0)
      conditions.append("(queue = \(place) AND \(above(most, "\(free) AND queue = \(place)")))")
    }
    if let experiment, experiment.exploration > 0 {
      let reach = experiment.exploration + removable
      conditions.append(
        "lot <= (SELECT max(lot) FROM (SELECT lot FROM \(scores) WHERE \(free) AND people_queue "
          + "ORDER BY lot LIMIT \(reach)) AS drawn)")
    }
    return "(silent AND (\(conditions.joined(separator: "\n    OR "))))"
  }

  /// What a free day would flag, by queue and score: a query over a stage called `scores` with
  /// `columns`.
  package func flags(model: String) -> String {
    let exempt = queues.indices.filter { !queues[$0].holdout }.map(String.init)
    let left =
      exempt.isEmpty
      ? "held_out" : "(held_out AND queue NOT IN (\(exempt.joined(separator: ", "))))"
    let names = queues.enumerated().map {
      "WHEN \($0.offset) THEN \(dialect.literal($0.element.name))"
    }
    let room = queues.enumerated().map { "WHEN \($0.offset) THEN \($0.element.capacity)" }
    return """
      SELECT account_id, \(dialect.literal(asOf.description)) AS as_of,
        \(dialect.literal(model)) AS model, CASE queue \(names.joined(separator: " ")) END AS queue,
        place, logit, probability, band, reasons
      FROM (SELECT *, row_number() OVER (PARTITION BY queue ORDER BY logit DESC, account_id) AS place
        FROM scores
        WHERE silent AND eligible AND NOT \(left) AND queue IS NOT NULL) AS reached
      WHERE place <= CASE queue \(room.joined(separator: " ")) END
      """
  }

  private func digest(_ purpose: String, _ experiment: Experiment) -> String {
    let begun = "\(experiment.seed)\u{1F}\(purpose)\u{1F}"
    return dialect.sha256("concat(\(dialect.literal(begun)), account_id)")
  }

  private func condition(_ rule: QueueRule) -> String {
    func texts(_ column: String, _ names: [String]) -> String {
      names.isEmpty
        ? "FALSE"
        : "\(column) IN (\(names.map(dialect.literal).joined(separator: ", ")))"
    }
    func span(_ column: String, _ span: QueueRule.Span) -> String {
      let bounds = [
        (">=", span.atLeast), ("<=", span.atMost), (">", span.above), ("<", span.below),
      ].compactMap { sign, bound in bound.map { "\(column) \(sign) \(SQLText.literal($0))" } }
      return bounds.isEmpty
        ? "\(column) IS NOT NULL" : "(\(bounds.joined(separator: " AND ")))"
    }
    let conditions = rule.conditions.map { condition in
      switch condition {
      case .segment(let names): texts("segment", names)
      case .value(let bounds): span("worth", bounds)
      case .categorical(let place, let names): texts("c\(place)", names)
      case .numeric(let place, let bounds): span("n\(place)", bounds)
      }
    }
    return conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND ")
  }
}
