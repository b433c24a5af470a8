package import Histories
package import Learning

/// How a version did on the respondents that its folds had not seen, beside plain rules: everything a
/// report says of them, no account's own numbers in it.
package struct HeldOutFacts: Sendable {
  /// One way of choosing whom to call.
  package struct Rule: Sendable {
    package var name: String
    package var auc: Evaluation.Estimate
    package var precision: Evaluation.Estimate
    package var recall: Evaluation.Estimate
    package var lift: Evaluation.Estimate
    package var curve: [CurvePoint]
  }

  package struct Segment: Sendable {
    package var name: String
    package var rows = 0
    package var detractors = 0
    package var probability = 0.0
    /// Of all rows at capacity, those of the segment; and the detractors among them.
    package var called = 0
    package var found = 0
  }

  package let rows: Int
  package let customers: Int
  package let detractors: Int
  /// Rows of accounts that were silent at their snapshot.
  package let silentBefore: Int
  /// Share of the rows called, that of the silent accounts the team can call; and how many rows that
  /// is.
  package let share: Double
  package let called: Int
  /// The version first, then plain rules; calling by lot is the base rate.
  package let rules: [Rule]
  package let bins: [CalibrationBin]
  package let noise: NullFloor
  package let slope: Evaluation.Estimate
  package let intercept: Evaluation.Estimate
  package let brier: Evaluation.Estimate
  /// Out-of-fold logits of detractors and of the others.
  package let logits: (detractors: [Double], others: [Double])
  package let segments: [Segment]

  /// Share of negative answers, rows counting as they do in training.
  package let baseRate: Double

  /// Without a capacity, this share of the list is taken.
  static let defaultShare = 0.05
  /// Rows by which the best single feature is chosen, at most.
  private static let mostChosenBy = 4_000

  /// Nil where the version keeps no held-out rows, or of one class only. `capacity`: share of the
  /// silent accounts that can be called. O(rows × features + 1000 × rows).
  package init?(
    _ version: ModelVersion, base: HistoryBase, capacity: Double?, threads: Int
  ) throws(DetractionError) {
    let known = version.heldOut.compactMap { row in
      base.index(of: row.account).map { (row: row, account: $0) }
    }
    let labels = known.map { $0.row.isDetractor ? 1.0 : 0.0 }
    guard labels.contains(0), labels.contains(1) else { return nil }
    let logits = known.map(\.row.logit)
    let wanted = capacity ?? Self.defaultShare
    rows = labels.count
    detractors = labels.count { $0 == 1 }
    customers = Set(known.map(\.account)).count
    silentBefore = known.count { $0.row.wasSilent }
    called = max(1, min(rows, Int((wanted * Double(rows)).rounded())))
    share = Double(called) / Double(rows)
    let cut = Cut.share(share)
    let weights = known.map(\.row.weight)
    baseRate = zip(weights, labels).reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0, +)
    var names = ["Tacit"]
    var forecasts = [Forecast.logits(logits)]
    let places = known.map { VectorRow(account: Int32($0.account), asOf: $0.row.asOf) }
    if let best = try SingleFeature(
      version.model.schema, base, places, labels, most: Self.mostChosenBy, threads: threads)
    {
      names.append("best single feature: \(best.name)")
      forecasts.append(.logits(Self.ranks(best.scores)))
    }
    let values = known.map { base.record($0.account)?.value }
    if values.contains(where: { $0 != nil }) {
      names.append("highest value first")
      forecasts.append(.logits(Self.ranks(values.map { $0 ?? -.greatestFiniteMagnitude })))
    }
    let calibration = version.model.calibration
    let said = forecasts.count
    forecasts.append(.logits(logits.map { calibration.calibrated(logit: $0) }))
    do {
      let clusters = Outcomes.clusters(of: known.map { AccountHash.of($0.row.account) })
      let evaluation = try Evaluation(
        forecasts,
        try Outcomes(
          labels: labels, weights: weights.contains { $0 != 1 } ? weights : nil, clusters: clusters),
        cuts: [cut], threads: threads)
      rules = names.enumerated().map { index, name in
        Rule(
          name: name, auc: evaluation.estimate(.rocArea, of: index),
          precision: evaluation.estimate(.precision(cut), of: index),
          recall: evaluation.estimate(.recall(cut), of: index),
          lift: evaluation.estimate(.lift(cut), of: index), curve: evaluation.curve(of: index))
      }
      bins = evaluation.bins(of: said)
      noise = evaluation.nullFloor(of: said, threads: threads)
      slope = evaluation.estimate(.slope)
      intercept = evaluation.estimate(.intercept)
      brier = evaluation.estimate(.brier, of: said)
    } catch { throw .learning(error) }
    self.logits = (
      logits.indices.filter { labels[$0] == 1 }.map { logits[$0] },
      logits.indices.filter { labels[$0] == 0 }.map { logits[$0] }
    )
    segments = Self.segments(
      known.map { base.record($0.account)?.segment }, labels, logits, called, version.model)
  }

  /// Places in the order of the scores, from −1 to 1, ties at their middle: what a rule ranks by,
  /// whatever its scale.
  private static func ranks(_ scores: [Double]) -> [Double] {
    let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
    var ranks = [Double](repeating: 0, count: scores.count)
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
      let middle = Double(start + end - 1) / 2
      for row in order[start..<end] {
        ranks[row] = 2 * (middle + 0.5) / Double(scores.count) - 1
      }
      start = end
    }
    return ranks
  }

  private static func segments(
    _ names: [String?], _ labels: [Double], _ logits: [Double], _ called: Int,
    _ model: Model
  ) -> [Segment] {
    let first = Set(logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }.prefix(called))
    var segments: [String: Segment] = [:]
    for row in logits.indices {
      guard let name = names[row] else { continue }
      var segment = segments[name] ?? Segment(name: name)
      segment.rows += 1
      segment.probability += model.probability(logit: logits[row])
      if labels[row] == 1 { segment.detractors += 1 }
      if first.contains(row) {
        segment.called += 1
        if labels[row] == 1 { segment.found += 1 }
      }
      segments[name] = segment
    }
    return segments.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}

/// The one numeric feature that ranks the rows best, chosen on these very rows: a rule that a person
/// could have had with hindsight.
private struct SingleFeature {
  let name: String
  /// Higher is called first.
  let scores: [Double]

  /// Nil without a numeric feature.
  init?(
    _ schema: FeatureSchema, _ base: HistoryBase, _ rows: [VectorRow], _ labels: [Double],
    most: Int, threads: Int
  ) throws(DetractionError) {
    let stride = max(1, (rows.count + most - 1) / most)
    let sample = Array(Swift.stride(from: 0, to: rows.count, by: stride))
    let raw = try base.matrix(schema, sample.map { rows[$0] }, threads: threads)
    let sampled = sample.map { labels[$0] }
    let areas = StripedWork.map(stripes: schema.count, threads: threads) { feature -> Double? in
      guard schema.features[feature].isNumber else { return nil }
      let values = raw.column(feature).map { $0.isNaN ? -Double.greatestFiniteMagnitude : $0 }
      return try? RocArea(scores: values, labels: sampled).area
    }
    var best: (feature: Int, area: Double)?
    for (feature, area) in areas.enumerated() {
      guard let area, abs(area - 0.5) > abs((best?.area ?? 0.5) - 0.5) else { continue }
      best = (feature, area)
    }
    guard let best else { return nil }
    name = schema.names[best.feature]
    let sign: Double = best.area < 0.5 ? -1 : 1
    var scores: [Double] = []
    scores.reserveCapacity(rows.count)
    for start in Swift.stride(from: 0, to: rows.count, by: Trainer.chunk) {
      let part = Array(rows[start..<min(start + Trainer.chunk, rows.count)])
      scores += try base.matrix(schema, part, threads: threads).column(best.feature)
        .map { sign * ($0.isNaN ? -Double.greatestFiniteMagnitude : $0) }
    }
    self.scores = scores
  }
}
