/// The calibration chosen for out-of-fold logits, with what the choice rests on.
package struct CalibrationChoice: Sendable, Equatable {
  package struct Candidate: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case platt, beta, isotonic }
    package let kind: Kind
    /// Mean log loss of rows calibrated by a fit on the other rows.
    package let logLoss: Double
    /// How much better than the default, with the standard error of that; 0 for the default.
    package let gain: Double
    package let standardError: Double
  }

  /// Fitted on all rows.
  package let calibration: ScoreCalibration
  /// The default first.
  package let candidates: [Candidate]

  /// From so many rows beta is the default, below it Platt's two numbers are all there are.
  private static let rowsForBeta = 1000
  /// Below so many rows of a class left-out rows cannot decide between them.
  private static let leastOfClass = 50
  /// From so many positive rows a free rising curve is a candidate.
  private static let positivesForIsotonic = 1000
}

extension ScoreCalibration {
  /// Fits and chooses by the rules of METHODS 3: below 1,000 rows (or 50 of a class) Platt; from
  /// there on beta, unless Platt (or isotonic, from 1,000 positive rows on) is better by more than one
  /// standard error in log loss on rows left out. Rows without weight count for nothing.
  ///
  /// `logits` should be out of fold, else the level of a model that has seen its rows is learnt.
  /// `folds` are numbers from 0, one a row, equal where rows hang together (a customer's); without
  /// them ten folds are dealt by rank, so that the order of rows does not matter.
  /// Throws as `RocArea`, `sizeMismatch`, and `foldWithoutClass`. O(rows log rows).
  package static func fit(
    logits: [Double], labels: [Double], weights: [Double]? = nil, folds: [Int]? = nil
  ) throws(LearningError) -> CalibrationChoice {
    try Scored.check(logits, labels, weights: weights)
    if let folds, folds.count != logits.count {
      throw .sizeMismatch(what: "folds", expected: logits.count, got: folds.count)
    }
    let kinds = CalibrationChoice.allowed(labels, weights)
    guard kinds.count > 1 else {
      return CalibrationChoice(
        calibration: try fitPlatt(logits: logits, labels: labels, weights: weights),
        candidates: [])
    }
    let order = logits.indices.sorted {
      (logits[$0], labels[$0], weights?[$0] ?? 1, $0)
        < (logits[$1], labels[$1], weights?[$1] ?? 1, $1)
    }
    var dealt = [Int](repeating: 0, count: logits.count)
    for (rank, row) in order.enumerated() { dealt[row] = folds?[row] ?? rank % 10 }
    let losses = try kinds.map { (kind) throws(LearningError) in
      try crossFitted(kind, logits, labels, weights, dealt)
    }
    // Sums in rank order.
    let candidates = kinds.indices.map { k in
      CalibrationChoice.candidate(kinds[k], losses[k], against: losses[0], weights, order)
    }
    let best = candidates.dropFirst().filter { $0.gain > $0.standardError }
      .max { $0.gain < $1.gain }
    return CalibrationChoice(
      calibration: try (best ?? candidates[0]).kind.fit(logits, labels, weights),
      candidates: candidates)
  }

  /// The log loss of every row under a calibration fitted on the other folds.
  private static func crossFitted(
    _ kind: CalibrationChoice.Candidate.Kind, _ logits: [Double], _ labels: [Double],
    _ weights: [Double]?, _ folds: [Int]
  ) throws(LearningError) -> [Double] {
    var losses = [Double](repeating: 0, count: logits.count)
    for fold in Set(folds).sorted() {
      let rest = folds.indices.filter { folds[$0] != fold && (weights?[$0] ?? 1) > 0 }
      for label in [0.0, 1.0] where !rest.contains(where: { labels[$0] == label }) {
        throw .foldWithoutClass(fold: fold, label: Int(label), rows: folds.count)
      }
      let calibration = try kind.fit(
        rest.map { logits[$0] }, rest.map { labels[$0] }, weights.map { w in rest.map { w[$0] } })
      for row in folds.indices where folds[row] == fold {
        let logit = calibration.calibrated(logit: logits[row])
        losses[row] = SigmoidKernel.softplus(logit) - labels[row] * logit
      }
    }
    return losses
  }
}

extension CalibrationChoice {
  /// The default first.
  fileprivate static func allowed(_ labels: [Double], _ weights: [Double]?) -> [Candidate.Kind] {
    let rows = labels.indices.filter { (weights?[$0] ?? 1) > 0 }
    let positives = rows.count { labels[$0] == 1 }
    guard rows.count >= rowsForBeta, positives >= leastOfClass,
      rows.count - positives >= leastOfClass
    else { return [.platt] }
    return positives >= positivesForIsotonic ? [.beta, .platt, .isotonic] : [.beta, .platt]
  }

  fileprivate static func candidate(
    _ kind: Candidate.Kind, _ losses: [Double], against standard: [Double], _ weights: [Double]?,
    _ order: [Int]
  ) -> Candidate {
    var total = 0.0
    var sum = 0.0
    var gains = 0.0
    for row in order {
      let weight = weights?[row] ?? 1
      total += weight
      sum += weight * losses[row]
      gains += weight * (standard[row] - losses[row])
    }
    let gain = gains / total
    var square = 0.0
    for row in order {
      let deviation = (weights?[row] ?? 1) * (standard[row] - losses[row] - gain)
      square += deviation * deviation
    }
    return Candidate(
      kind: kind, logLoss: sum / total, gain: gain, standardError: square.squareRoot() / total)
  }
}

extension CalibrationChoice.Candidate.Kind {
  /// Where the logits tell the classes apart without error beta has no optimum, and Platt's smoothed
  /// targets stand in for it.
  fileprivate func fit(
    _ logits: [Double], _ labels: [Double], _ weights: [Double]?
  ) throws(LearningError) -> ScoreCalibration {
    switch self {
    case .platt: return try .fitPlatt(logits: logits, labels: labels, weights: weights)
    case .isotonic: return try .fitIsotonic(logits: logits, labels: labels, weights: weights)
    case .beta:
      do throws(LearningError) {
        return try .fitBeta(logits: logits, labels: labels, weights: weights)
      } catch .separated {
        return try .fitPlatt(logits: logits, labels: labels, weights: weights)
      }
    }
  }
}
