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
  package var threads: Int

  package init(
    base: HistoryBase, feedback: FeedbackSettings, training: TrainingSettings,
    schema: FeatureSchema, asOf: Instant, threads: Int
  ) {
    self.base = base
    self.feedback = feedback
    self.training = training
    self.schema = schema
    self.asOf = asOf
    self.threads = threads
  }

  /// What one training gives: the model, and the known detractors it saw, by account and snapshot
  /// (the sidecar of DESIGN 8, which erasure can edit).
  package struct Result {
    package var model: Model
    package var knownDetractors: [KnownDetractor]
  }

  /// Penalties tried, per unit of mean loss on standardised columns.
  static let penalties: [Double] = (0..<13).map { pow(10, -4 + 0.375 * Double($0)) }
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
    let labelled = TrainingRows(base: base, feedback: feedback, training: training, asOf: asOf)
    let rows = labelled.rows
    try requireBothClasses(rows)

    let raw = try vectors(of: rows, at: labelled.snapshots)
    let labels = rows.map { $0.isDetractor ? 1.0 : 0.0 }
    return try translating {
      let design = try Design(
        fitting: raw, sources: schema.designSources, threads: threads)
      let x = try design.expand(raw, threads: threads)
      let folds = rows.map { Self.fold(of: base.account($0.account)) }
      let data = try LogisticData(x, labels: labels, threads: threads)
      let (validation, _) = try crossValidate(
        data, folds: folds, lambdas: Self.penalties,
        parameters: LogisticParameters(penalty: .none, standardise: false))
      let fit = try fitLogistic(
        data,
        parameters: LogisticParameters(
          penalty: .l2(validation.chosen), standardise: false, tolerance: Self.tolerance))
      let covariance = try fit.covariance(data)
      let silent = SilentPopulation(base: base, feedback: feedback, asOf: asOf)
      guard !silent.accounts.isEmpty else {
        throw DetractionError.insufficient(
          "no account is silent as of \(asOf): of \(silent.counts.accounts) with a history "
            + "\(silent.counts.recent) spoke in the last \(feedback.silentForDays) days and "
            + "\(silent.counts.objected) may not be profiled")
      }
      var model = Model(
        name: name, asOf: asOf, timeZone: timeZone, feedback: feedback, training: training,
        schema: schema, design: design, coefficients: fit.coefficients,
        intercept: fit.intercept, l2: fit.penalty.lambda, covariance: lowerTriangle(covariance),
        maximumVariance: try x.predictorVariances(covariance, threads: threads).max() ?? 0,
        calibration: .none,
        reference: Model.Reference(
          means: [], typical: [], bandLimits: [], logitDeciles: [], featureDeciles: []),
        populations: labelled.counts, silent: silent.counts,
        evidence: try evidence(rows: rows, labels: labels, logits: validation.outOfFoldLogits),
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
