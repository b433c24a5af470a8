import Foundation
import Histories
import Learning

/// Learning where only the unhappy speak: who complained is known, of all others nothing (METHODS 1.5).
///
/// P(complains) = P(unhappy | history) · P(complains | unhappy, history), both logistic in the same
/// columns; the model is the first factor. Which labels were there chooses no knot: columns are plain
/// ones, logged where their tails are heavy. The ridge is that which best foretells held-out labels in a
/// fit of the labels alone: their loss is the only one that can be seen, and the penalty stands against
/// the same information, that of the labels, in either fit.
extension Trainer {
  /// λ from strong to weak, half decades.
  private static let ridges = (0...10).map { pow(10, -1 - 0.5 * Double($0)) }
  /// Fits of the evidence: each holds out two of the ten folds.
  private static let heldOutFits = 5

  func trainOnComplaints(
    name: String, timeZone: String, projectDigest: String
  ) throws(DetractionError) -> Result {
    let found = ComplaintsRows(self)
    try requireComplaints(found)
    let silent = try requireSilent()
    let known = try Respondents(found.rows, at: found.snapshots, self)
    try refuseLeaks(known, found.snapshots)
    let learnt = try translating { try split(known) }
    let (reference, silentLogits) = try reference(of: silent, learnt.fitted)
    let answers = try answered(by: learnt.fitted)
    let evidence =
      isJudged
      ? try judge(found, known, learnt, silentLogits: silentLogits, answers: answers) : nil
    let fitted = learnt.fitted
    var model = Model(
      name: name, asOf: asOf, timeZone: timeZone, feedback: feedback, training: training,
      schema: schema, design: fitted.design, coefficients: fitted.coefficients,
      intercept: fitted.intercept, penalty: fitted.penalty,
      covariance: lowerTriangle(fitted.covariance), maximumVariance: fitted.maximumVariance,
      calibration: fitted.calibration, reference: reference, populations: found.counts,
      silent: silent.counts, complaints: evidence, grading: evidence.map { Grading($0.facts) },
      dataDigest: dataDigest(known.raw, found.rows), projectDigest: projectDigest,
      processor: openBLASCoreName(), golden: [])
    model.golden = try golden(model)
    return Result(
      model: model,
      knownDetractors: found.rows.filter(\.isDetractor).map {
        KnownDetractor(account: base.account($0.account), asOf: found.snapshots[$0.snapshot])
      })
  }

  private func requireComplaints(_ found: ComplaintsRows) throws(DetractionError) {
    let others = Set(found.rows.lazy.filter { !$0.isDetractor }.map(\.account)).count
    guard min(found.complained.count, others) >= Self.minimumOfClass else {
      throw .insufficient(
        "[feedback] has one-sided signals alone, so that training needs at least "
          + "\(Self.minimumOfClass) accounts that complained in the label windows, and as many that "
          + "did not; got \(found.complained.count) and \(others) as of \(asOf) (snapshots every "
          + "\(training.everyDays) days, \(training.count) of them): a later as-of date, more "
          + "snapshots, or a signal by which satisfied customers speak too may help")
    }
  }

  /// The two factors, and the first of them as scoring takes it.
  private struct Learnt {
    let fitted: Fitted
    let split: PositiveUnlabelled
    let data: LogisticData
    let parameters: LogisticParameters
  }

  private func split(_ known: Respondents) throws(LearningError) -> Learnt {
    let design = try Design(
      fitting: known.raw, sources: schema.designSources, shapes: .logged, weights: known.weights,
      threads: threads)
    let data = try LogisticData(
      design.expand(known.raw, threads: threads), labels: known.labels, weights: known.weights,
      threads: threads)
    let ridge = try crossValidate(
      data, folds: known.folds, lambdas: Self.ridges,
      parameters: LogisticParameters(penalty: .none, standardise: false)
    ).validation.chosen
    let parameters = try LogisticParameters(penalty: .l2(ridge), standardise: false)
    let split = try fitPositiveUnlabelled(data, parameters: parameters)
    let fitted = Fitted(
      design: design, coefficients: split.classifier.coefficients,
      intercept: split.classifier.intercept, penalty: parameters.penalty, outOfFold: [],
      covariance: split.covariance,
      maximumVariance: try data.x.predictorVariances(split.covariance, threads: threads).max() ?? 0,
      calibration: .none, rows: known.rows.count,
      share: known.labels.reduce(0, +) / Double(known.labels.count), degreesOfFreedom: .nan)
    return Learnt(fitted: fitted, split: split, data: data, parameters: parameters)
  }

  private func judge(
    _ found: ComplaintsRows, _ known: Respondents, _ learnt: Learnt, silentLogits: [Double],
    answers: SilentAnswers
  ) throws(DetractionError) -> ComplaintsEvidence {
    return try translating {
      let even = found.even(known)
      let logits = try heldOut(known, learnt)
      let area = try RocArea(
        scores: even.map { logits[$0] }, labels: even.map { known.labels[$0] },
        clusters: Outcomes.clusters(of: even.map { known.customers[$0] }))
      let customers = Set(known.customers).count
      let level = try SilentLevel(
        answers: answers, silentLogits: silentLogits, silent: silentLogits.count,
        complained: found.complained.count, isIdentified: learnt.split.isIdentified,
        threads: threads)
      return try ComplaintsEvidence(
        labelled: found.labelled, unlabelled: found.unlabelled,
        complained: found.complained.count, customers: customers, rows: known.rows.count,
        othersShare: found.share.others, split: learnt.split, data: learnt.data, area: area,
        permutation: try permutation(
          known, kept: found.fewer(known, most: Judgement.mostPermuted)),
        answers: answers, level: level)
    }
  }

  /// Each row's place among the rows held out with it, by the fit that had seen no row of its account,
  /// as log odds: fits of other folds differ in level, which says nothing of who comes first.
  private func heldOut(_ known: Respondents, _ learnt: Learnt) throws(LearningError) -> [Double] {
    let fold = known.folds.map { $0 % Self.heldOutFits }
    var places = [Double](repeating: 0, count: fold.count)
    for k in 0..<Self.heldOutFits {
      let seen = fold.indices.filter { fold[$0] != k }
      let held = fold.indices.filter { fold[$0] == k }
      let labels = seen.map { known.labels[$0] }
      guard labels.contains(1), labels.contains(0) else {
        throw .foldWithoutClass(fold: k, label: labels.contains(1) ? 0 : 1, rows: labels.count)
      }
      guard !held.isEmpty else { continue }
      let split = try fitPositiveUnlabelled(
        LogisticData(
          learnt.data.x.selecting(rows: seen), labels: labels,
          weights: known.weights.map { weights in seen.map { weights[$0] } }, threads: threads),
        parameters: learnt.parameters, method: learnt.split.method)
      let ranks = midRanks(
        split.classifier.logits(learnt.data.x.selecting(rows: held), threads: threads))
      for (row, rank) in zip(held, ranks) { places[row] = rank }
    }
    return places
  }
}
