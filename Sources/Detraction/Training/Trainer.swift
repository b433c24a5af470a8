import Foundation
package import Histories
import Learning

/// Histories in, a model out: snapshots, labelled rows, vectors, penalty by grouped
/// cross-validation, fit, evidence out of fold, and the silent population as reference.
package struct Trainer {
  package var base: HistoryBase
  package var feedback: FeedbackSettings
  package var training: TrainingSettings
  package var schema: FeatureSchema
  package var asOf: Instant
  /// What outreach did, which is not the customers' own history.
  package var trace: OutreachTrace
  package var threads: Int
  /// Accounts (by index) of which training sees no row: a back-test masks what it knows of them.
  package var masked: Set<Int> = []

  package init(
    base: HistoryBase, feedback: FeedbackSettings, training: TrainingSettings,
    schema: FeatureSchema, asOf: Instant, trace: OutreachTrace = OutreachTrace(), threads: Int
  ) {
    self.base = base
    self.feedback = feedback
    self.training = training
    self.schema = schema
    self.asOf = asOf
    self.trace = trace
    self.threads = threads
  }

  /// What one training gives: the model, and the known detractors it saw, by account and snapshot
  /// (the sidecar of DESIGN 8, which erasure can edit).
  package struct Result {
    package var model: Model
    package var knownDetractors: [KnownDetractor]
  }

  /// Reasons speak of one feature each, as yet.
  static let mostPairs = 0
  static let folds = 10
  /// Of the final fit, max |gradient| on the mean scale: near the rounding floor, so that kinds of
  /// processor that sum in other orders agree to 1e-9 in every coefficient.
  static let tolerance = 1e-12
  /// With fewer rows than this of either class nothing is learnt that a person could not count.
  static let minimumOfClass = 10

  /// The fold of an account: all its rows share it.
  static func fold(of account: String) -> Int {
    Int(AccountHash.of(account) % UInt64(folds))
  }

  /// Trains as of D. Throws `insufficient` (3) when one class is (nearly) absent or nobody is
  /// silent. O(rows × columns²) and one walk over the histories.
  package func train(name: String, timeZone: String, projectDigest: String)
    throws(DetractionError) -> Result
  {
    let labelled = TrainingRows(
      base: base, feedback: feedback, training: training, asOf: asOf, trace: trace)
    let rows = labelled.rows.filter { !masked.contains($0.account) }
    try requireBothClasses(rows)
    let silent = SilentPopulation(base: base, feedback: feedback, asOf: asOf, trace: trace)
    guard !silent.accounts.isEmpty else {
      throw DetractionError.insufficient(
        "no account is silent as of \(asOf): of \(silent.counts.accounts) with a history "
          + "\(silent.counts.recent) spoke in the last \(feedback.silentForDays) days and "
          + "\(silent.counts.objected) may not be profiled")
    }
    let raw = try vectors(of: rows, at: labelled.snapshots)
    let labels = rows.map { $0.isDetractor ? 1.0 : 0.0 }
    let weights = rows.contains { $0.weight != 1 } ? rows.map(\.weight) : nil
    let folds = rows.map { Self.fold(of: base.account($0.account)) }
    return try translating {
      let shaped = try fitShaped(
        raw, sources: schema.designSources, labels: labels, weights: weights, folds: folds,
        mostPairs: Self.mostPairs, threads: threads)
      let x = try shaped.design.expand(raw, threads: threads)
      let data = try LogisticData(x, labels: labels, weights: weights, threads: threads)
      let fit = try fitLogistic(
        data,
        parameters: LogisticParameters(
          penalty: shaped.fit.penalty, standardise: false, tolerance: Self.tolerance))
      let covariance = try fit.covariance(data)
      let calibration = try ScoreCalibration.fit(
        logits: shaped.outOfFoldLogits, labels: labels, weights: weights, folds: folds
      ).calibration
      var model = Model(
        name: name, asOf: asOf, timeZone: timeZone, feedback: feedback, training: training,
        schema: schema, design: shaped.design, coefficients: fit.coefficients,
        intercept: fit.intercept, penalty: fit.penalty, covariance: lowerTriangle(covariance),
        maximumVariance: try x.predictorVariances(covariance, threads: threads).max() ?? 0,
        calibration: calibration,
        reference: Model.Reference(
          means: [], typical: [], bandLimits: [], logitDeciles: [], featureDeciles: []),
        populations: labelled.counts, silent: silent.counts,
        evidence: try evidence(rows: rows, labels: labels, logits: shaped.outOfFoldLogits),
        dataDigest: dataDigest(raw, rows), projectDigest: projectDigest,
        processor: openBLASCoreName(), golden: [])
      model.reference = try reference(of: silent, model: model)
      model.golden = try golden(model)
      let known = rows.filter(\.isDetractor).map {
        KnownDetractor(
          account: base.account($0.account), asOf: labelled.snapshots[$0.snapshot])
      }
      return Result(model: model, knownDetractors: known)
    }
  }
}
