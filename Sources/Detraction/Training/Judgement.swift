import Foundation
import Histories
import Learning

/// What a training found out about itself: everything that says how far its scores can be believed.
struct Judgement {
  let evidence: Model.Evidence
  let grading: Grading

  /// Rows of the permutation test at most, by whole customers.
  static let mostPermuted = 50_000

  /// `fitted`: the fit that will score; `silentLogits`: its own, of all the silent.
  init(
    _ trainer: Trainer, _ known: Respondents, _ fitted: Trainer.Fitted, _ inquiry: Inquiry,
    silentLogits: [Double], answers: SilentAnswers, stability: Backtest.Stability?,
    askedLevels: [Model.AskedLevel]?
  ) throws(DetractionError) {
    let threads = trainer.threads
    let calibrate = { fitted.calibration.calibrated(logit: $0) }
    let logits = Array(fitted.outOfFold.prefix(known.labels.count))
    let calibrated = logits.map(calibrate)
    let share = inquiry.share
    let odds = zip(inquiry.study.weights.values, known.rows).map { $0 * $1.weight }
    let labels = known.labels
    (evidence, grading) = try translating {
      let clusters = Outcomes.clusters(of: known.customers)
      let area = try RocArea(scores: logits, labels: labels, clusters: clusters)
      let metrics = try ProbabilityMetrics(
        logits: calibrated, labels: labels, weights: known.weights)
      let line = try CalibrationLine(logits: logits, labels: labels, weights: known.weights)
      func partArea(_ isPart: (Voice) -> Bool) throws(LearningError) -> Double? {
        let part = known.rows.indices.filter { isPart(known.rows[$0].voice) }
        let labels = part.map { labels[$0] }
        guard labels.contains(0), labels.contains(1) else { return nil }
        return try RocArea(scores: part.map { logits[$0] }, labels: labels).area
      }
      let capacity = try CapacityMetrics(
        logits: calibrated, labels: labels, weights: odds, customers: known.customers,
        share: share, threads: threads)
      var bestFeature: Model.BestFeature?
      if let rule = SingleRule(
        known.raw, schema: trainer.schema, labels: labels, threads: threads)
      {
        bestFeature = Model.BestFeature(
          name: rule.name,
          precision: try CapacityComparison(
            logOdds(ofRanks: known.raw.column(rule.feature).map(rule.score)),
            against: calibrated, labels: labels, weights: odds, customers: known.customers,
            share: share, threads: threads))
      }
      // Whole customers by their hash, so that the rows left are those of any order.
      let keep = min(1, Double(Self.mostPermuted) / Double(known.customers.count))
      let permutation = try trainer.permutation(
        known, kept: known.customers.indices.filter { unitShare(known.customers[$0]) < keep })
      let level = try SilentLevel(
        answers: answers, silentLogits: silentLogits.map(calibrate), silent: silentLogits.count,
        respondents: Set(known.customers).count,
        respondentDetractors: Set(
          known.customers.indices.filter { labels[$0] == 1 }.map { known.customers[$0] }
        ).count,
        doublyRobust: try DoublyRobustRate(
          silentLogits: silentLogits.map(calibrate), logits: calibrated, labels: labels,
          weights: odds, customers: known.customers, threads: threads), threads: threads)
      let detractors = Set(known.rows.filter(\.isDetractor).map(\.account)).count
      let others = Set(known.rows.filter { !$0.isDetractor }.map(\.account)).count
      let required = fitted.requiredRows(logLoss: metrics.logLoss)
      let evidence = Model.Evidence(
        rows: labels.count, customers: Set(known.customers).count,
        detractors: labels.count { $0 == 1 }, detractorCustomers: detractors,
        otherCustomers: others, auc: area.area, aucLow: area.interval.low,
        aucHigh: area.interval.high, aucLow999: area.interval(z: 3.290526731491926).low,
        logLoss: metrics.logLoss,
        brier: metrics.brier, silentAUC: try partArea(\.isSilent),
        neverSpokenAUC: try partArea { $0 == .neverSpoken }, calibrationSlope: line.slope,
        calibrationIntercept: line.intercept, requiredRows: required, capacity: capacity,
        bestFeature: bestFeature, overlap: inquiry.study.overlap, pooling: inquiry.pooling,
        weighting: inquiry.weighting, permutation: permutation, level: level,
        askedLevels: askedLevels, stability: stability)
      return (evidence, Grading(evidence.facts))
    }
  }
}

extension Trainer {
  /// Labels dealt by lot, on columns that no label chose. `kept`: the rows to try it on.
  func permutation(_ known: Respondents, kept: [Int]) throws(LearningError) -> PermutationTest {
    let raw = kept.count < known.rows.count ? known.raw.selecting(rows: kept) : known.raw
    let design = try Design(
      fitting: raw, sources: schema.designSources, shapes: .logged, threads: threads)
    let data = try LogisticData(
      design.expand(raw, threads: threads), labels: kept.map { known.labels[$0] },
      threads: threads)
    return try permutationTest(
      data, folds: kept.map { known.folds[$0] },
      groups: Outcomes.clusters(of: kept.map { known.customers[$0] }),
      strata: kept.map { known.rows[$0].snapshot }, permutations: GradeRule.permutations)
  }
}

/// Log odds of the places in the order of some scores, ties at their middle: what a rule ranks by,
/// whatever its scale.
private func logOdds(ofRanks scores: [Double]) -> [Double] {
  midRanks(scores).map { logOdds(min(max($0, 1e-9), 1 - 1e-9)) }
}
