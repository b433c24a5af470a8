import Foundation
import Histories
import Learning

extension Trainer {
  /// A fit of labelled rows with all that scoring needs of it.
  struct Fitted {
    let design: Design
    let coefficients: [Double]
    let intercept: Double
    let penalty: Penalty
    /// Of the rows it was learnt from; empty where there are none to keep.
    let outOfFold: [Double]
    let covariance: Matrix
    /// The largest x′Vx of a row.
    let maximumVariance: Double
    /// Learnt from out-of-fold logits of two-sided rows.
    let calibration: ScoreCalibration
    /// Rows, and the share of detractors among them, that the fit was made of.
    let rows: Int
    let share: Double
    /// Of the coefficients, the intercept left out: Σ (1 − L_j V_jj).
    let degreesOfFreedom: Double

    /// The columns of raw rows.
    func expand(_ raw: Matrix, threads: Int) throws(LearningError) -> Matrix {
      try design.expand(raw, threads: threads)
    }

    /// Logits of expanded rows, as the model will give them.
    func logits(_ x: Matrix, threads: Int) -> [Double] {
      x.predictorsRowByRow(
        coefficients: coefficients, intercept: intercept, threads: threads)
    }

    /// Rows that Riley's rule asks for with these degrees of freedom, R² being what held-out rows show;
    /// nil where they show none. `logLoss`: theirs.
    func requiredRows(logLoss: Double) -> Int? {
      let base = -(share * log(share) + (1 - share) * log1p(-share))
      return Inference.requiredRows(
        columns: Int(degreesOfFreedom.rounded(.up)), coxSnell: -expm1(-2 * (base - logLoss)))
    }
  }

  /// Shapes and penalty by rows held out; then the fit near the rounding floor. `joined`: one-sided
  /// rows after the two-sided ones.
  func fit(
    _ known: Respondents, joined: Respondents? = nil, weights: [Double]?
  ) throws(LearningError) -> Fitted {
    let raw = joined.map { known.raw.followed(by: $0.raw) } ?? known.raw
    let labels = known.labels + (joined?.labels ?? [])
    let folds = known.folds + (joined?.folds ?? [])
    var all = weights
    if let joined, weights != nil || joined.weights != nil {
      all =
        (weights ?? known.rows.map(\.weight)) + (joined.weights ?? joined.rows.map(\.weight))
    }
    let shaped = try fitShaped(
      raw, sources: schema.designSources, labels: labels, weights: all, folds: folds,
      mostPairs: Self.mostPairs, threads: threads)
    let x = try shaped.design.expand(raw, threads: threads)
    let data = try LogisticData(x, labels: labels, weights: all, threads: threads)
    let fit = try fitLogistic(
      data,
      parameters: LogisticParameters(
        penalty: shaped.fit.penalty, standardise: false, tolerance: Self.tolerance))
    let covariance = try fit.covariance(data)
    let penalty = fit.penalty
    let weight = data.weightSum
    let freedom = (0..<x.columns).reduce(0.0) { sum, j in
      sum + 1 - weight * penalty.lambda * (penalty.factors?[j] ?? 1) * covariance[j, j]
    }
    let two = known.labels.count
    return Fitted(
      design: shaped.design, coefficients: fit.coefficients, intercept: fit.intercept,
      penalty: penalty, outOfFold: shaped.outOfFoldLogits, covariance: covariance,
      maximumVariance: try x.predictorVariances(covariance, threads: threads).max() ?? 0,
      calibration: try ScoreCalibration.fit(
        logits: Array(shaped.outOfFoldLogits.prefix(two)), labels: known.labels,
        weights: known.weights, folds: known.folds
      ).calibration, rows: two, share: known.labels.reduce(0, +) / Double(two),
      degreesOfFreedom: freedom)
  }

  /// Asks who speaks, and whether one-sided rows or weights would pay.
  func inquire(
    _ known: Respondents, _ voiced: Respondents?, _ fitted: Fitted, _ silent: SilentPopulation
  ) throws(DetractionError) -> Inquiry {
    let sample = try SilentSample(silent, self)
    return try translating {
      // Ways of training are compared on plain columns: what differs is the rows.
      let design = try Design(
        fitting: known.raw, sources: schema.designSources, weights: known.weights,
        threads: threads)
      let x = try design.expand(known.raw, threads: threads)
      let study = try ResponseStudy(
        respondents: try known.response, silent: sample.response,
        sources: schema.designSources, names: schema.names, recency: schema.recency,
        silentProbabilities: fitted.logits(
          try fitted.expand(sample.raw, threads: threads), threads: threads
        ).map { fitted.calibration.probability(logit: $0) }, threads: threads)
      let share = min(
        1,
        backtest?.capacity(asOf).map { Double($0) / Double(silent.accounts.count) }
          ?? Self.defaultShare)
      let ridge = try LogisticParameters(penalty: .none, standardise: false)
      let pooling = try voiced.map { (voiced) throws(LearningError) in
        try PoolingChoice(
          twoSided: .init(x: x, labels: known.labels, folds: known.folds),
          oneSided: .init(
            x: try design.expand(voiced.raw, threads: threads), labels: voiced.labels,
            folds: voiced.folds),
          weights: study.weights.values, customers: known.customers, share: share,
          lambdas: Self.lambdas, parameters: ridge, threads: threads)
      }
      let weighting = try WeightedTraining(
        x, labels: known.labels, weights: study.weights, folds: known.folds,
        customers: known.customers, share: share, lambdas: Self.lambdas, parameters: ridge,
        threads: threads)
      return Inquiry(
        share: share, study: study, pooling: pooling, weighting: weighting,
        joined: pooling?.joins == true ? voiced : nil)
    }
  }

  /// λ for comparisons of trainings, from strong to weak.
  private static let lambdas = (0...6).map { pow(10, 0.5 - 0.5 * Double($0)) }
  /// Of the silent, called where no queue says how many.
  static let defaultShare = 0.05

  /// Refuses by name a feature that tells detractors from the rest as no honest one does.
  func refuseLeaks(_ known: Respondents, _ snapshots: [Instant]) throws(DetractionError) {
    let areas = try translating {
      try sourceAreas(
        known.raw, sources: schema.designSources, labels: known.labels, threads: threads)
    }
    guard areas.contains(where: { $0 > BacktestRule.leakArea }) else { return }
    let older = try base.matrix(
      schema,
      known.rows.map {
        VectorRow(
          account: Int32($0.account),
          asOf: snapshots[$0.snapshot].adding(days: -BacktestRule.shiftDays))
      }, threads: threads)
    let earlier = try translating {
      try sourceAreas(
        older, sources: schema.designSources, labels: known.labels, threads: threads)
    }
    let positives = known.labels.reduce(0, +)
    for feature in areas.indices {
      let isDated = schema.features[feature].isDated || base.attributesAreDated
      let found = Backtest.SingleFeature(
        feature: schema.names[feature],
        area: Backtest.area(
          areas[feature], positives, Double(known.labels.count) - positives),
        shiftedArea: isDated ? earlier[feature] : nil)
      if let reason = Backtest.leak(found) { throw .insufficient(reason) }
    }
  }

  /// The answers of silent accounts drawn at random, known before D, with the logits that a model
  /// gives them as of the day they were drawn; accounts that are not in the base, or may not be
  /// profiled, are left out.
  func answered(by fitted: Fitted) throws(DetractionError) -> SilentAnswers {
    var rows: [VectorRow] = []
    var labels: [Double] = []
    var attempts = 0
    for answer in answers.answers where answer.knownAt < asOf {
      guard let account = base.index(of: answer.account),
        base.record(account)?.doNotProfile != true,
        base.hasFeatureEvent(account, seenAsOf: answer.drawnAt)
      else { continue }
      attempts += 1
      guard answer.outcome != .unreached else { continue }
      rows.append(VectorRow(account: Int32(account), asOf: answer.drawnAt))
      labels.append(answer.outcome == .detractor ? 1 : 0)
    }
    let raw = try base.matrix(schema, rows, threads: threads)
    return try translating {
      let logits = fitted.logits(try fitted.expand(raw, threads: threads), threads: threads)
      return try SilentAnswers(
        logits: logits.map { fitted.calibration.calibrated(logit: $0) }, labels: labels,
        attempts: attempts)
    }
  }
}

/// What a training asked before it settled how to learn.
struct Inquiry {
  /// Share of the silent that can be called in a label window.
  let share: Double
  let study: ResponseStudy
  let pooling: PoolingChoice?
  let weighting: WeightedTraining
  /// One-sided rows, where they join.
  let joined: Respondents?

  func trainingWeights(_ known: Respondents) -> [Double]? {
    guard weighting.wins else { return known.weights }
    return zip(study.weights.flattened(weighting.tau), known.rows).map { $0 * $1.weight }
  }
}
