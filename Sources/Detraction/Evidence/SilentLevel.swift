import Foundation
package import Learning

/// What contacted silent accounts, drawn by lot, answered.
package struct SilentAnswers: Sendable {
  /// The model's logit of each account that answered, and whether it was unhappy (1) or not (0).
  package let logits: [Double]
  package let labels: [Double]
  /// One over each account's chance of being drawn, up to a factor; nil: all alike.
  package let weights: [Double]?
  /// Accounts drawn and tried, those that were not reached or said nothing among them.
  package let attempts: Int

  /// Throws `sizeMismatch`, `labelOutOfRange`, `nonFinite`, `negativeWeight`, and `badParameter` for
  /// fewer attempts than answers.
  package init(
    logits: [Double], labels: [Double], weights: [Double]? = nil, attempts: Int
  ) throws(LearningError) {
    for (what, count) in [("labels", labels.count), ("weights", weights?.count ?? logits.count)]
    where count != logits.count {
      throw .sizeMismatch(what: what, expected: logits.count, got: count)
    }
    for row in logits.indices {
      guard logits[row].isFinite else { throw .nonFinite(what: "logits", row: row) }
      guard labels[row] == 0 || labels[row] == 1 else {
        throw .labelOutOfRange(row: row, value: labels[row])
      }
      guard let weight = weights?[row] else { continue }
      guard weight.isFinite else { throw .nonFinite(what: "weights", row: row) }
      guard weight >= 0 else { throw .negativeWeight(row: row, value: weight) }
    }
    guard attempts >= logits.count else {
      throw .badParameter(
        name: "attempts", value: Double(attempts), needed: "\(logits.count) answers or more")
    }
    self.logits = logits
    self.labels = labels
    self.weights = weights
    self.attempts = attempts
  }

  package static let none = SilentAnswers(none: ())

  private init(none: ()) {
    logits = []
    labels = []
    weights = nil
    attempts = 0
  }
}

/// How many of the silent are unhappy: the level, which respondents alone cannot tell (METHODS 1.4).
///
/// Measured: one offset on the respondents' logits, fitted to the answers of silent accounts drawn by
/// lot. With that offset the mean over the silent agrees with the sample whatever the shape of the
/// model's error. Not measured: a range over how much likelier the unhappy are to speak, half to
/// twice.
package struct SilentLevel: Sendable, Codable, Equatable {
  /// The silent rate if the odds of speaking of an unhappy customer are so many times a happy one's.
  package struct Sensitivity: Sendable, Codable, Equatable {
    package let oddsRatio: Double
    package let rate: Double
  }

  package let answers: Int
  package let detractors: Int
  package let attempts: Int
  /// Whether there are answers enough: 100, with 5 of either kind.
  package let isMeasured: Bool
  /// Whether nothing bounds the level until it is measured: complaints that cannot be told apart.
  package let isOpen: Bool
  /// What is added to a silent account's logit, with its 95 % interval and standard error (robust;
  /// less for a sample that is much of the silent). Nil unless measured.
  package let offset: Evaluation.Estimate?
  package let offsetError: Double?
  /// Slope of the answers on the logits: where it surely differs from 1 (`slopeP`, two-sided), how much
  /// likelier the unhappy speak depends on the score, and the rate holds but the ranking's spread does
  /// not. Nil unless measured, or where the answers have no finite slope.
  package let slope: Double?
  package let slopeError: Double?
  package let slopeP: Double?
  /// The silent rate by the offset. Nil unless measured.
  package let rate: Evaluation.Estimate?
  /// From respondents alone.
  package let doublyRobust: DoublyRobustRate
  /// At odds ratios ½, 1, 2 around the doubly robust rate; rates fall. Empty where the level is open.
  package let sensitivity: [Sensitivity]
  /// The contacted accounts' rate if nobody, or everybody, of the unreached were unhappy; nil without
  /// attempts.
  package let contactedBounds: Evaluation.Estimate?
  /// The whole base's rate if nobody, or everybody, of the silent were unhappy (Manski): what is known
  /// without any assumption.
  package let baseBounds: Evaluation.Estimate
  /// What brings the silent logits to the doubly robust rate.
  package let respondentOffset: Double

  package static let leastAnswers = 100
  package static let leastOfKind = 5
  package static let oddsRatios = [0.5, 1, 2]

  /// `silentLogits`: the model's, of the silent or of a sample by stride; `silent`: how many there are;
  /// `respondents` and `respondentDetractors`: customers. O(100 silent logits).
  package init(
    answers: SilentAnswers, silentLogits: [Double], silent: Int, respondents: Int,
    respondentDetractors: Int, doublyRobust: DoublyRobustRate, isOpen: Bool = false, threads: Int
  ) throws(LearningError) {
    guard !silentLogits.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    self.answers = answers.labels.count
    self.attempts = answers.attempts
    detractors = answers.labels.count { $0 == 1 }
    isMeasured =
      answers.labels.count >= Self.leastAnswers
      && min(detractors, answers.labels.count - detractors) >= Self.leastOfKind
    self.doublyRobust = doublyRobust
    self.isOpen = isOpen && !isMeasured
    let robust = min(max(doublyRobust.rate.value ?? 0.5, 1e-6), 1 - 1e-6)
    let respondentOffset = Detraction.offset(of: silentLogits, toMean: robust, threads: threads)
    self.respondentOffset = respondentOffset
    sensitivity = (self.isOpen ? [] : Self.oddsRatios).map { ratio in
      Sensitivity(
        oddsRatio: ratio,
        rate: meanProbability(
          silentLogits, offset: respondentOffset - log(ratio), threads: threads))
    }
    let share = Double(respondents) / Double(max(respondents + silent, 1))
    let spoken = Double(respondentDetractors) / Double(max(respondents + silent, 1))
    baseBounds = .init(low: spoken, high: spoken + 1 - share)
    contactedBounds = Self.bounds(answers)
    guard isMeasured else {
      (offset, offsetError, slope, slopeError, slopeP, rate) = (nil, nil, nil, nil, nil, nil)
      return
    }
    let (value, error) = Self.fit(answers, of: silent)
    let (low, high) = (value - Self.z * error, value + Self.z * error)
    func mean(_ offset: Double) -> Double {
      meanProbability(silentLogits, offset: offset, threads: threads)
    }
    offset = .init(value: value, low: low, high: high)
    offsetError = error
    self.rate = .init(value: mean(value), low: mean(low), high: mean(high))
    let line = try? CalibrationLine(
      logits: answers.logits, labels: answers.labels, weights: Self.meanOne(answers.weights))
    slope = line?.slope
    slopeError = line?.slopeError
    slopeP = line.map { erfc(abs($0.slope - 1) / $0.slopeError / 2.0.squareRoot()) }
  }

  private static let z = 1.959963984540054

  /// o with Σ w (y − σ(logit + o)) = 0 by Newton's method inside a shrinking bracket, and its error:
  /// √(Σ w² (y − p)² m/(m − 1) (1 − m/N)) / Σ w p (1 − p).
  private static func fit(_ answers: SilentAnswers, of silent: Int) -> (Double, Double) {
    func sums(_ o: Double) -> (residual: Double, curvature: Double, square: Double) {
      var sums = (residual: 0.0, curvature: 0.0, square: 0.0)
      for row in answers.labels.indices {
        let w = answers.weights?[row] ?? 1
        let p = LogisticFit.probability(logit: answers.logits[row] + o)
        let r = answers.labels[row] - p
        sums.residual += w * r
        sums.curvature += w * p * (1 - p)
        sums.square += w * w * r * r
      }
      return sums
    }
    var (low, high) = (-40.0, 40.0)
    var o = 0.0
    for _ in 0..<100 {
      let now = sums(o)
      if now.residual > 0 { low = o } else { high = o }
      let next = o + now.residual / now.curvature
      let step = next > low && next < high ? next : (low + high) / 2
      if abs(step - o) < 1e-13 { break }
      o = step
    }
    let end = sums(o)
    let m = Double(answers.labels.count)
    let unseen = max(0, 1 - m / Double(max(silent, 1)))
    return (o, (end.square * m / (m - 1) * unseen).squareRoot() / end.curvature)
  }

  private static func meanOne(_ weights: [Double]?) -> [Double]? {
    weights.map { weights in
      let mean = weights.reduce(0, +) / Double(weights.count)
      return weights.map { $0 / mean }
    }
  }

  private static func bounds(_ answers: SilentAnswers) -> Evaluation.Estimate? {
    guard answers.attempts > 0 else { return nil }
    let attempts = Double(answers.attempts)
    let unhappy = answers.labels.reduce(0, +)
    let unreached = attempts - Double(answers.labels.count)
    return .init(low: unhappy / attempts, high: (unhappy + unreached) / attempts)
  }

  /// The probability of a silent account with this logit, with its range: the offset's 95 % interval
  /// where measured, else odds ratios ½ to 2.
  package func probability(logit: Double) -> Evaluation.Estimate {
    func p(_ offset: Double) -> Double { LogisticFit.probability(logit: logit + offset) }
    if let offset, let value = offset.value, let low = offset.low, let high = offset.high {
      return .init(value: p(value), low: p(low), high: p(high))
    }
    if isOpen { return .init(low: 0, high: 1) }
    return .init(
      low: p(respondentOffset - log(Self.oddsRatios[2])),
      high: p(respondentOffset - log(Self.oddsRatios[0])))
  }

  /// The same for a rate over all the silent, for counts and money: measured, or a range alone.
  package var silentRate: Evaluation.Estimate {
    isOpen
      ? .init(low: 0, high: 1)
      : rate ?? .init(low: sensitivity.last?.rate, high: sensitivity.first?.rate)
  }
}
