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
  /// How such a training is tried on past dates, and how many can be called; nil: not tried.
  package var backtest: Backtest?
  /// What silent accounts answered that were drawn at random.
  package var answers = LevelAnswers()
  /// Whether the model is held against its own respondents and the silent; a back-test holds it against
  /// what came after instead.
  package var isJudged = true

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
    /// Every two-sided row with its out-of-fold logit, in training's order.
    package var heldOut: [HeldOutRow] = []
  }

  /// Reasons speak of one feature each, as yet.
  static let mostPairs = 0
  static let folds = 10
  /// Of the final fit, max |gradient| on the mean scale: near the rounding floor, so that kinds of
  /// processor that sum in other orders agree to 1e-9 in every coefficient.
  static let tolerance = 1e-12
  /// One-sided rows below which it is not asked whether they pay.
  static let leastOneSided = 30
  /// With fewer rows than this of either class nothing is learnt that a person could not count.
  static let minimumOfClass = 10

  /// The fold of an account: all its rows share it.
  static func fold(of account: String) -> Int {
    Int(AccountHash.of(account) % UInt64(folds))
  }

  /// Trains as of D. Throws `insufficient` (3) when one class is (nearly) absent, nobody is silent, or
  /// a feature leaks. O(rows × columns²) and two walks over the histories.
  package func train(name: String, timeZone: String, projectDigest: String)
    throws(DetractionError) -> Result
  {
    if feedback.isOneSided {
      return try trainOnComplaints(
        name: name, timeZone: timeZone, projectDigest: projectDigest)
    }
    let labelled = TrainingRows(
      base: base, feedback: feedback, training: training, asOf: asOf, trace: trace)
    let rows = labelled.rows
    try requireBothClasses(rows)
    let silent = try requireSilent()
    let known = try Respondents(rows, at: labelled.snapshots, self)
    try refuseLeaks(known, labelled.snapshots)
    var fitted = try translating { try fit(known, weights: known.weights) }
    let oneSided = labelled.oneSided
    let inquiry =
      isJudged
      ? try inquire(
        known,
        oneSided.count < Self.leastOneSided
          ? nil : try Respondents(oneSided, at: labelled.snapshots, self), fitted, silent) : nil
    if let inquiry, inquiry.joined != nil || inquiry.weighting.wins {
      fitted = try translating {
        try fit(known, joined: inquiry.joined, weights: inquiry.trainingWeights(known))
      }
    }
    let (reference, silentLogits) = try reference(of: silent, fitted)
    let answers = try answered(by: fitted)
    let judgement = try inquiry.map { (inquiry) throws(DetractionError) in
      try Judgement(
        self, known, fitted, inquiry, silentLogits: silentLogits, answers: answers,
        stability: try backtest?.stability(), askedLevels: askedLevels(silent.counts))
    }
    var model = Model(
      name: name, asOf: asOf, timeZone: timeZone, feedback: feedback, training: training,
      schema: schema, design: fitted.design, coefficients: fitted.coefficients,
      intercept: fitted.intercept, penalty: fitted.penalty,
      covariance: lowerTriangle(fitted.covariance), maximumVariance: fitted.maximumVariance,
      calibration: fitted.calibration, reference: reference, populations: labelled.counts,
      silent: silent.counts, evidence: judgement?.evidence, grading: judgement?.grading,
      propensity: inquiry?.study.propensity, dataDigest: dataDigest(known.raw, rows),
      projectDigest: projectDigest, processor: openBLASCoreName(), golden: [])
    model.golden = try golden(model)
    let detractors = rows.filter(\.isDetractor).map {
      KnownDetractor(account: base.account($0.account), asOf: labelled.snapshots[$0.snapshot])
    }
    // One-sided rows, where they joined, come last.
    let heldOut = zip(rows, fitted.outOfFold).map { row, logit in
      HeldOutRow(
        account: base.account(row.account), asOf: labelled.snapshots[row.snapshot],
        isDetractor: row.isDetractor, wasSilent: row.voice.isSilent, weight: row.weight,
        logit: logit)
    }
    return Result(
      model: model, knownDetractors: detractors, heldOut: heldOut)
  }

  /// Everybody silent as of D; throws `insufficient` (3) where nobody is.
  func requireSilent() throws(DetractionError) -> SilentPopulation {
    let silent = SilentPopulation(base: base, feedback: feedback, asOf: asOf, trace: trace)
    guard !silent.accounts.isEmpty else {
      throw DetractionError.insufficient(
        "no account is silent as of \(asOf): of \(silent.counts.accounts) with a history "
          + "\(silent.counts.recent) spoke in the last \(feedback.silentForDays) days and "
          + "\(silent.counts.objected) may not be profiled")
    }
    return silent
  }
}
