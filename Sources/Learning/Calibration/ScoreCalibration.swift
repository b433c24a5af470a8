import Foundation

/// ln(p / (1 − p)).
package func logOdds(_ p: Double) -> Double { log(p / (1 - p)) }

/// How a model's raw logit becomes a probability that can be taken at its word.
///
/// Every case is elementary (products, exp, log, a search among knots), so that it can be printed in
/// other languages, and none ever lowers a probability as the logit rises. Rows are ranked by the raw
/// logit all the same: a step of the isotonic case makes ties.
package enum ScoreCalibration: Sendable, Equatable, Codable {
  /// p = sigmoid(logit).
  case none
  /// logit p = slope · logit + intercept. Platt 1999; slope 0 or more.
  case platt(slope: Double, intercept: Double)
  /// logit p = a ln s − b ln(1 − s) + c with s = sigmoid(logit); a, b 0 or more. Kull et al. 2017.
  case beta(a: Double, b: Double, c: Double)
  /// p is interpolated between knots linearly in the logit, and constant beyond the outer ones.
  case isotonic(IsotonicKnots)

  /// The calibrated logit, finite for a finite one. O(1); O(log knots) where isotonic.
  package func calibrated(logit: Double) -> Double {
    switch self {
    case .none: logit
    case .platt(let slope, let intercept): slope * logit + intercept
    case .beta(let a, let b, let c):
      c - a * SigmoidKernel.softplus(-logit) + b * SigmoidKernel.softplus(logit)
    case .isotonic(let knots): logOdds(knots.probability(logit: logit))
    }
  }

  /// The calibrated probability. O(1); O(log knots) where isotonic.
  package func probability(logit: Double) -> Double {
    switch self {
    case .isotonic(let knots): knots.probability(logit: logit)
    default: SigmoidKernel.sigmoid(calibrated(logit: logit))
    }
  }

  /// What to add to a calibrated logit where positives are known to be more or less common than
  /// they were in training, all else alike: logit π′ − logit π (METHODS 3.4).
  ///
  /// Throws `badParameter` for a share outside (0, 1).
  package static func priorShift(from: Double, to: Double) throws(LearningError) -> Double {
    for (name, share) in [("the share of positives in training", from), ("the known share", to)] {
      guard share > 0, share < 1 else {
        throw .badParameter(name: name, value: share, needed: "between 0 and 1, neither of both")
      }
    }
    return logOdds(to) - logOdds(from)
  }
}

/// A rising step function smoothed to a polygon: probabilities at logits.
package struct IsotonicKnots: Sendable, Equatable, Codable {
  /// Rising.
  package let logits: [Double]
  /// One a logit, never falling, between 0 and 1 and neither of both.
  package let probabilities: [Double]

  /// Throws `sizeMismatch`, `tooFewRows`, and `badParameter` for values out of order or range.
  package init(logits: [Double], probabilities: [Double]) throws(LearningError) {
    guard logits.count == probabilities.count else {
      throw .sizeMismatch(
        what: "probabilities of knots", expected: logits.count, got: probabilities.count)
    }
    guard !logits.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    for k in logits.indices {
      guard logits[k].isFinite, k == 0 || logits[k] > logits[k - 1] else {
        throw .badParameter(
          name: "logit of knot \(k)", value: logits[k], needed: "finite and above the one before")
      }
      guard probabilities[k] > 0, probabilities[k] < 1,
        k == 0 || probabilities[k] >= probabilities[k - 1]
      else {
        throw .badParameter(
          name: "probability of knot \(k)", value: probabilities[k],
          needed: "between 0 and 1 and not below the one before")
      }
    }
    self.logits = logits
    self.probabilities = probabilities
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      logits: container.decode([Double].self, forKey: .logits),
      probabilities: container.decode([Double].self, forKey: .probabilities))
  }

  /// The same as a sum: the first probability, and for each two neighbours of different ones
  /// slope · (min(max(logit, from), to) − from). For printing in other languages.
  package var ramps: [(from: Double, to: Double, slope: Double)] {
    (1..<max(logits.count, 1)).compactMap { k in
      let rise = probabilities[k] - probabilities[k - 1]
      let width = logits[k] - logits[k - 1]
      return rise == 0 ? nil : (logits[k - 1], logits[k], rise / width)
    }
  }

  /// O(log knots).
  func probability(logit: Double) -> Double {
    // The first knot above the logit.
    var low = 0
    var high = logits.count
    while low < high {
      let middle = (low + high) / 2
      if logits[middle] <= logit { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return probabilities[0] }
    guard low < logits.count else { return probabilities[logits.count - 1] }
    let part = (logit - logits[low - 1]) / (logits[low] - logits[low - 1])
    return probabilities[low - 1] + part * (probabilities[low] - probabilities[low - 1])
  }
}
