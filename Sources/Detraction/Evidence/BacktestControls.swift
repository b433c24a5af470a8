import Foundation
import Histories
import Learning

extension Backtest {
  /// How well each feature alone tells the training rows as of D apart, and the best of them with
  /// features `BacktestRule.shiftDays` older. Throws `insufficient` for a leak, by name.
  func singleFeatureControls() throws(DetractionError) -> Controls {
    let schema = try translating { try base.schema(features, asOf: asOf) }
    let trained = TrainingRows(
      base: base, feedback: feedback, training: training, asOf: asOf, trace: trace)
    let rows = judged(trained.rows)
    let labels = rows.map { $0.isDetractor ? 1.0 : 0.0 }
    let positives = labels.reduce(0, +)
    guard positives > 0, positives < Double(labels.count) else {
      throw .insufficient(
        "a back-test needs customers who answered in the label windows before \(date(asOf)), some "
          + "of them negatively and some not; got \(rows.count) answers, \(Int(positives)) negative"
      )
    }
    func areas(daysOlder days: Int) throws(DetractionError) -> [Double] {
      let raw = try base.matrix(
        schema,
        rows.map {
          VectorRow(
            account: Int32($0.account), asOf: trained.snapshots[$0.snapshot].adding(days: -days))
        }, threads: threads)
      return try translating {
        try sourceAreas(raw, sources: schema.designSources, labels: labels, threads: threads)
      }
    }
    let now = try areas(daysOlder: 0)
    let earlier = try areas(daysOlder: BacktestRule.shiftDays)
    let order = now.indices.sorted { (-now[$0], $0) < (-now[$1], $1) }
    var controls = Controls()
    for feature in order {
      let isDated = schema.features[feature].isDated || base.attributesAreDated
      let found = SingleFeature(
        feature: schema.names[feature],
        area: Self.area(now[feature], positives, Double(labels.count) - positives),
        shiftedArea: isDated ? earlier[feature] : nil)
      if let reason = Self.leak(found) { throw .insufficient(reason) }
      if controls.singleFeatures.count < 5 { controls.singleFeatures.append(found) }
      if let area = found.area.value, area > BacktestRule.suspectArea {
        controls.suspects.append(
          Suspect(
            feature: found.feature,
            reason: "alone tells detractors from the rest with an area of \(three(area)), which "
              + "is too good to be true more often than not"))
      }
    }
    return controls
  }

  /// Whether the training rows as of D are told apart better than with labels dealt by lot among the
  /// customers; nil where they cannot be.
  func permuted() throws(DetractionError) -> PermutationTest? {
    let schema = try translating { try base.schema(features, asOf: asOf) }
    let trained = TrainingRows(
      base: base, feedback: feedback, training: training, asOf: asOf, trace: trace)
    let rows = trained.rows
    let raw = try base.matrix(
      schema,
      rows.map { VectorRow(account: Int32($0.account), asOf: trained.snapshots[$0.snapshot]) },
      threads: threads)
    return try? permutationTest(
      LogisticData(
        try Design(fitting: raw, sources: schema.designSources, threads: threads)
          .expand(raw, threads: threads),
        labels: rows.map { $0.isDetractor ? 1 : 0 }, threads: threads),
      folds: rows.map { Trainer.fold(of: base.account($0.account)) },
      groups: rows.map(\.account), strata: rows.map(\.snapshot),
      permutations: BacktestRule.permutations)
  }

  /// An area with the interval of Hanley & McNeil 1982 (doi:10.1148/radiology.143.1.7063747).
  package static func area(_ area: Double, _ positives: Double, _ negatives: Double) -> Estimate {
    let (a, square) = (area, area * area)
    let variance =
      (a * (1 - a) + (positives - 1) * (a / (2 - a) - square)
        + (negatives - 1) * (2 * square / (1 + a) - square)) / (positives * negatives)
    let half = 1.959963984540054 * max(0, variance).squareRoot()
    return Estimate(value: a, low: max(0, a - half), high: min(1, a + half))
  }

  /// Why a feature is a leak by `BacktestRule`; nil where it is none.
  package static func leak(_ found: SingleFeature) -> String? {
    guard let area = found.area.value, area > BacktestRule.leakArea,
      let low = found.area.low, low > BacktestRule.suspectArea
    else { return nil }
    let start =
      "leak: \"\(found.feature)\" alone tells detractors from the rest with an area of "
      + "\(three(area)), as no honest feature does"
    guard let shifted = found.shiftedArea else {
      return start
        + ", and it has no date: an attribute that was written after the answer. Take it "
        + "out of [accounts], or map known_at there"
    }
    let kept = (shifted - 0.5) / (area - 0.5)
    guard kept < BacktestRule.leastKept else { return nil }
    return start
      + "; \(BacktestRule.shiftDays) days earlier it has \(three(shifted)). It is written "
      + "because of the answer, or dated back: take its kind out of [features], or map known_at"
  }

  /// The whole model with older features, all origins together, each ranked by itself.
  func shifts(_ past: [PastOrigin]) throws(DetractionError) -> [Shift] {
    var shifts: [Shift] = []
    for (index, days) in BacktestRule.shifts.enumerated() {
      var labels: [Double] = []
      var now: [Double] = []
      var then: [Double] = []
      var accounts: [UInt64] = []
      for origin in past {
        let rows = origin.answered
        let kept = rows.labels.indices.filter { rows.shifted[index][$0] != nil }
        labels += kept.map { rows.labels[$0] }
        now += midRanks(kept.map { rows.logits[$0] })
        then += midRanks(kept.compactMap { rows.shifted[index][$0] })
        accounts += kept.map { UInt64(rows.accounts[$0]) }
      }
      var shift = Shift(days: days, rows: labels.count, shifted: Estimate(), fall: Estimate())
      let positives = labels.count { $0 == 1 }
      if min(positives, labels.count - positives) >= 2 {
        try translating {
          let evaluation = try Evaluation(
            [.probabilities(now), .probabilities(then)],
            try Outcomes(labels: labels, clusters: Outcomes.clusters(of: accounts)),
            replicates: BacktestRule.replicates, threads: threads)
          shift.auc = evaluation.estimate(.rocArea).value
          shift.shifted = evaluation.estimate(.rocArea, of: 1)
          shift.fall = evaluation.difference(.rocArea)
        }
      }
      shifts.append(shift)
    }
    return shifts
  }

  /// The source features whose parts of the logit vary most among silent accounts: the covariance of
  /// the part with the logit over the logit's variance, so that all shares add up to 1. The five
  /// largest, over at most `BacktestRule.mostPool` accounts.
  func variance(_ at: Instant, _ model: Model, among accounts: [Int32])
    throws(DetractionError) -> [VarianceShare]
  {
    let step = max(1, (accounts.count + BacktestRule.mostPool - 1) / BacktestRule.mostPool)
    let sample = stride(from: 0, to: accounts.count, by: step).map { accounts[$0] }
    guard sample.count > 1 else { return [] }
    let parts = try translating {
      try Contributions(
        model.design, coefficients: model.coefficients, intercept: model.intercept,
        reference: model.reference.means)
    }
    var sums = [Double](repeating: 0, count: parts.terms.count)
    var products = sums
    var (sum, square) = (0.0, 0.0)
    try forEachChunk(sample, asOf: at, model.schema) { (_, raw) throws(DetractionError) in
      let x = try model.expand(raw, threads: threads)
      for row in 0..<x.rows {
        let found = parts.of(row: x.row(row))
        let logit = found.reduce(0, +)
        for (term, part) in found.enumerated() {
          sums[term] += part
          products[term] += part * logit
        }
        sum += logit
        square += logit * logit
      }
    }
    let n = Double(sample.count)
    let variance = square - sum * sum / n
    guard variance > 0 else { return [] }
    let names = model.schema.names
    let shares = parts.terms.indices.map { term in
      let name =
        switch parts.terms[term] {
        case .source(let source): names[source]
        case .pair(let a, let b): "\(names[a]) with \(names[b])"
        }
      return VarianceShare(
        feature: name, share: (products[term] - sums[term] * sum / n) / variance)
    }
    return shares.enumerated().sorted {
      (-$0.element.share, $0.offset) < (-$1.element.share, $1.offset)
    }
    .prefix(5).map(\.element)
  }

  /// Suspects that only the origins' models show.
  func suspects(_ controls: Controls) -> [Suspect] {
    var suspects: [Suspect] = []
    for found in controls.variance where found.share > BacktestRule.varianceShare {
      suspects.append(
        Suspect(
          feature: found.feature,
          reason: "makes \(Int((100 * found.share).rounded())) % of the variance of the logit: the "
            + "ranking is all but this one feature"))
    }
    if let shift = controls.shifts.first(where: { $0.days == BacktestRule.shiftDays }),
      let auc = shift.auc, let shifted = shift.shifted.value, auc > 0.5,
      (shifted - 0.5) / (auc - 0.5) < BacktestRule.leastKept, (shift.fall.low ?? 0) > 0
    {
      suspects.append(
        Suspect(
          feature: nil,
          reason: "with features \(shift.days) days older the model's AUC falls from \(three(auc)) "
            + "to \(three(shifted)): a cliff, as where the last days before an answer hold the "
            + "answer itself"))
    }
    return suspects
  }
}

extension Feature {
  /// Whether it is made from events, which have dates of their own.
  var isDated: Bool {
    switch self {
    case .numeric, .categorical: false
    default: true
    }
  }
}

/// A number with three decimals.
private func three(_ value: Double) -> String { String(format: "%.3f", value) }
