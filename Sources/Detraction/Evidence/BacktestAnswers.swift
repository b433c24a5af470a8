import Histories
import Learning

extension Backtest {
  /// Scored accounts with two-sided feedback after an origin, one row each.
  struct Answered {
    var accounts: [Int32] = []
    var labels: [Double] = []
    var voices: [Voice] = []
    var logits: [Double] = []
    /// The logits of the calibrated probabilities.
    var said: [Double] = []
    /// Places within their origin, where several are together.
    var places: [Double] = []
    /// The best single feature's scores; empty where there is none.
    var best: [Double] = []
    /// By `BacktestRule.shifts`: logits with features from days earlier, nil without a history then.
    var shifted: [[Double?]] = []

    func selecting(_ rows: [Int]) -> Answered {
      Answered(
        accounts: rows.map { accounts[$0] }, labels: rows.map { labels[$0] },
        voices: rows.map { voices[$0] }, logits: rows.map { logits[$0] },
        said: rows.map { said[$0] },
        places: places.isEmpty ? [] : rows.map { places[$0] },
        best: best.isEmpty ? [] : rows.map { best[$0] })
    }

    var detractors: Int { labels.count { $0 == 1 } }
    /// With a single row of a label nothing has an interval.
    var hasBoth: Bool { min(detractors, labels.count - detractors) >= 2 }
  }

  func answered(_ at: Instant, _ model: Model, _ best: SingleRule?)
    throws(DetractionError) -> Answered
  {
    let rows = TrainingRows(
      base: base, feedback: feedback, training: training, asOf: asOf, trace: trace,
      snapshots: [at]
    ).rows
    var answered = Answered(
      accounts: rows.map { Int32($0.account) }, labels: rows.map { $0.isDetractor ? 1 : 0 },
      voices: rows.map(\.voice))
    try forEachChunk(answered.accounts, asOf: at, model.schema) {
      (_, raw) throws(DetractionError) in
      let logits = model.logits(try model.expand(raw, threads: threads), threads: threads)
      answered.logits += logits
      answered.said += logits.map { model.calibration.calibrated(logit: $0) }
      if let best { answered.best += raw.column(best.feature).map(best.score) }
    }
    for days in BacktestRule.shifts {
      let earlier = at.adding(days: -days)
      var logits: [Double?] = []
      try forEachChunk(answered.accounts, asOf: earlier, model.schema) {
        (part, raw) throws(DetractionError) in
        let all = model.logits(try model.expand(raw, threads: threads), threads: threads)
        logits += zip(part, all).map {
          base.hasFeatureEvent(Int($0), seenAsOf: earlier) ? $1 : nil
        }
      }
      answered.shifted.append(logits)
    }
    return answered
  }

  /// What tells the answers of one origin; nil where nearly all said the same.
  func answers(_ answered: Answered, callable: Double) throws(DetractionError) -> Answers? {
    guard answered.hasBoth else { return nil }
    return try groups(answered, callable: callable) { rows in
      Forecasts(ranks: .logits(rows.logits), clusters: nil)
    }
  }

  func missing(_ answered: Answered) -> String {
    "\(answered.labels.count) gave two-sided feedback in the label window, "
      + "\(answered.detractors) of them negative: at least 2 of either are needed"
  }

  /// All origins together. Each is ranked by itself, since a team calls date by date: scores are
  /// turned into places within their origin. Resampled by customer, with all of theirs.
  func pooledAnswers(_ past: [PastOrigin]) throws(DetractionError) -> Answers? {
    var all = Answered()
    for origin in past where origin.answered.hasBoth {
      let rows = origin.answered
      all.accounts += rows.accounts
      all.labels += rows.labels
      all.voices += rows.voices
      all.logits += rows.logits
      all.said += rows.said
      all.places += midRanks(rows.logits)
      if !rows.best.isEmpty { all.best += midRanks(rows.best) }
    }
    guard all.hasBoth else { return nil }
    if all.best.count != all.labels.count { all.best = [] }
    let called = past.reduce(0) { $0 + $1.result.capacity }
    let silent = past.reduce(0) { $0 + $1.result.silent }
    return try groups(all, callable: min(1, Double(called) / Double(max(1, silent)))) { rows in
      Forecasts(
        ranks: .probabilities(rows.places),
        clusters: Outcomes.clusters(of: rows.accounts.map { UInt64($0) }))
    }
  }

  /// What ranks rows, and which of them are resampled together.
  private struct Forecasts {
    var ranks: Forecast
    var clusters: [Int]?
  }

  private func groups(
    _ rows: Answered, callable: Double, _ forecasts: (Answered) -> Forecasts
  ) throws(DetractionError) -> Answers {
    let cut = Cut.share(callable)
    var gain = Estimate()
    func group(_ rows: Answered, withGain: Bool = false) throws -> Group {
      var group = Group(
        rows: rows.labels.count, customers: Set(rows.accounts).count, detractors: rows.detractors)
      guard rows.hasBoth else { return group }
      let forecasts = forecasts(rows)
      let outcomes = try Outcomes(labels: rows.labels, clusters: forecasts.clusters)
      let both =
        [forecasts.ranks]
        + (withGain && !rows.best.isEmpty ? [.probabilities(midRanks(rows.best))] : [])
      let evaluation = try Evaluation(
        both, outcomes, cuts: [cut], replicates: BacktestRule.replicates, threads: threads)
      group.auc = evaluation.estimate(.rocArea)
      group.averagePrecision = evaluation.estimate(.averagePrecision)
      group.precision = evaluation.estimate(.precision(cut))
      group.lift = evaluation.estimate(.lift(cut))
      if both.count == 2 { gain = evaluation.difference(.precision(cut)) }
      group.calibrationSlope = try Evaluation(
        [.logits(rows.said)], outcomes, replicates: BacktestRule.replicates, threads: threads
      ).estimate(.slope)
      return group
    }
    func spoken(_ voice: Voice) -> Answered {
      rows.selecting(rows.voices.indices.filter { rows.voices[$0] == voice })
    }
    return try translating {
      let all = try group(rows, withGain: true)
      return Answers(
        all: all, neverSpoken: try group(spoken(.neverSpoken)), lapsed: try group(spoken(.lapsed)),
        recent: try group(spoken(.recent)), callable: callable, precisionGain: gain)
    }
  }
}

/// (rank − ½) ÷ n, rising with the score, those tied in the middle of their places.
func midRanks(_ scores: [Double]) -> [Double] {
  let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
  var ranks = [Double](repeating: 0, count: scores.count)
  var start = 0
  while start < order.count {
    var end = start
    while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
    for row in order[start..<end] {
      ranks[row] = Double(start + end) / 2 / Double(scores.count)
    }
    start = end
  }
  return ranks
}
