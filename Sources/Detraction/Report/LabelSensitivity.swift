import Histories
import Learning

/// What becomes of a version when other feedback makes a detractor: trained anew on the same snapshots
/// and features, and its list of silent accounts held against the version's own.
package struct LabelVariant: Codable, Sendable, Equatable {
  package var name: String
  package var rows: Int?
  package var detractors: Int?
  package var auc: Double?
  package var aucLow: Double?
  package var aucHigh: Double?
  /// Share of the version's first `compared` silent accounts that this one puts first too.
  package var shared: Double?
  package var compared: Int
  /// Why it could not be trained.
  package var obstacle: String?
}

extension Scorer {
  /// The variants of a project's labels: every two-sided kind of feedback by itself where there are
  /// several; the two-sided ones without any one-sided, and with one of them, where there are
  /// several. One training each. Rows are always those of two-sided feedback; the one-sided only make
  /// some of them negative; nothing where all signals are one-sided.
  package func labelVariants(callable: Int?) throws(DetractionError) -> [LabelVariant] {
    let signals = model.feedback.signals
    let twoSided = signals.filter(\.rule.isTwoSided)
    let oneSided = signals.filter { !$0.rule.isTwoSided }
    var variants: [(String, [FeedbackSettings.Signal])] = []
    if twoSided.count > 1 {
      variants += twoSided.map { ("\($0.kind) alone", [$0]) }
    }
    guard !twoSided.isEmpty else { return [] }
    let names = twoSided.map(\.kind).joined(separator: ", ")
    if !oneSided.isEmpty { variants.append(("\(names) alone", twoSided)) }
    if oneSided.count > 1 {
      variants += oneSided.map { ("\(names) and \($0.kind)", twoSided + [$0]) }
    }
    var found: [LabelVariant] = []
    for (name, signals) in variants {
      found.append(try variant(name, signals, callable: callable))
    }
    return found
  }

  private func variant(
    _ name: String, _ signals: [FeedbackSettings.Signal], callable: Int?
  ) throws(DetractionError) -> LabelVariant {
    let compared = min(ranking.count, callable ?? max(1, ranking.count / 20))
    var variant = LabelVariant(name: name, compared: compared)
    var feedback = model.feedback
    feedback.signals = signals
    var trainer = Trainer(
      base: base, feedback: feedback, training: model.training, schema: model.schema,
      asOf: model.asOf, threads: threads)
    trainer.isJudged = false
    let trained: Trainer.Result
    do {
      trained = try trainer.train(
        name: model.name, timeZone: model.timeZone, projectDigest: model.projectDigest)
    } catch {
      guard case .insufficient(let reason) = error else { throw error }
      variant.obstacle = reason
      return variant
    }
    let labels = trained.heldOut.map { $0.isDetractor ? 1.0 : 0.0 }
    let clusters = Outcomes.clusters(of: trained.heldOut.map { AccountHash.of($0.account) })
    let area = try translating {
      try RocArea(scores: trained.heldOut.map(\.logit), labels: labels, clusters: clusters)
    }
    (variant.rows, variant.detractors) = (labels.count, labels.count { $0 == 1 })
    (variant.auc, variant.aucLow, variant.aucHigh) = (
      area.area, area.interval.low, area.interval.high
    )
    let other = try Scorer(
      version: ModelVersion(version: name, model: trained.model, knownDetractors: []), base: base,
      asOf: asOf, sayable: [], threads: threads)
    let first = Set(ranking.prefix(compared).map(\.account))
    let both = other.ranking.prefix(compared).count { first.contains($0.account) }
    variant.shared = Double(both) / Double(compared)
    return variant
  }
}
