import Foundation

/// Each kind of calibration fitted on its own. Rows as in `Scored`: finite logits, labels 0 or 1.
extension ScoreCalibration {
  /// Platt's line through logits, by maximum likelihood on his smoothed targets
  /// (N₊ + 1)/(N₊ + 2) and 1/(N₋ + 2), N being sums of weights.
  ///
  /// A falling line, or equal logits, give slope 0: the score then says nothing. Throws as
  /// `RocArea`. O(rows) a step of Newton's.
  package static func fitPlatt(
    logits: [Double], labels: [Double], weights: [Double]? = nil
  ) throws(LearningError) -> ScoreCalibration {
    try Scored.check(logits, labels, weights: weights)
    let limits = PlattTargets(labels, weights)
    let targets = labels.map { $0 == 1 ? limits.positive : limits.negative }
    if let fit = try? SmallLogistic(columns: [logits], targets: targets, weights: weights),
      fit.coefficients[0] >= 0
    {
      return .platt(slope: fit.coefficients[0], intercept: fit.intercept)
    }
    return .platt(slope: 0, intercept: constant(targets, weights))
  }

  /// Beta calibration: a logistic model on ln s and −ln(1 − s), s = sigmoid(logit), without penalty;
  /// a coefficient below 0 is dropped and the rest fitted again, the better one of two such fits.
  ///
  /// Throws as `RocArea`, and `separated` where the logits tell the classes apart without error.
  /// O(rows) a step of Newton's.
  package static func fitBeta(
    logits: [Double], labels: [Double], weights: [Double]? = nil
  ) throws(LearningError) -> ScoreCalibration {
    try Scored.check(logits, labels, weights: weights)
    let rising = logits.map { -SigmoidKernel.softplus(-$0) }
    let falling = logits.map { SigmoidKernel.softplus($0) }
    do throws(LearningError) {
      let both = try SmallLogistic(columns: [rising, falling], targets: labels, weights: weights)
      let (a, b) = (both.coefficients[0], both.coefficients[1])
      if a >= 0, b >= 0 { return .beta(a: a, b: b, c: both.intercept) }
    } catch .rankDeficient {
      // Both columns are one: either alone says as much.
    }
    var best = ScoreCalibration.beta(a: 0, b: 0, c: constant(labels, weights))
    var least = best.logLoss(logits, labels, weights)
    for isRising in [true, false] {
      let column = isRising ? rising : falling
      guard let fit = try? SmallLogistic(columns: [column], targets: labels, weights: weights),
        fit.coefficients[0] >= 0
      else { continue }
      let k = fit.coefficients[0]
      let candidate = ScoreCalibration.beta(
        a: isRising ? k : 0, b: isRising ? 0 : k, c: fit.intercept)
      let loss = candidate.logLoss(logits, labels, weights)
      if loss < least { (best, least) = (candidate, loss) }
    }
    return best
  }

  /// The rising step function with the least squared error, by pooling adjacent violators, equal
  /// logits pooled first; joined to a polygon by the ends of its steps, and kept within Platt's
  /// targets, so that no probability is 0 or 1.
  ///
  /// Throws as `RocArea`. O(rows log rows).
  package static func fitIsotonic(
    logits: [Double], labels: [Double], weights: [Double]? = nil
  ) throws(LearningError) -> ScoreCalibration {
    try Scored.check(logits, labels, weights: weights)
    struct Block {
      var low, high, positive, weight: Double
      var mean: Double { positive / weight }
    }
    var blocks: [Block] = []
    let order = logits.indices.filter { (weights?[$0] ?? 1) > 0 }
      .sorted { (logits[$0], labels[$0], $0) < (logits[$1], labels[$1], $1) }
    var next = 0
    while next < order.count {
      let logit = logits[order[next]]
      var block = Block(low: logit, high: logit, positive: 0, weight: 0)
      while next < order.count, logits[order[next]] == logit {
        let weight = weights?[order[next]] ?? 1
        block.weight += weight
        block.positive += weight * labels[order[next]]
        next += 1
      }
      while let last = blocks.last, last.mean >= block.mean {
        block = Block(
          low: last.low, high: block.high, positive: last.positive + block.positive,
          weight: last.weight + block.weight)
        blocks.removeLast()
      }
      blocks.append(block)
    }
    let limits = PlattTargets(labels, weights)
    var knots: [(logit: Double, probability: Double)] = []
    for block in blocks {
      let mean = min(max(block.mean, limits.negative), limits.positive)
      knots.append((block.low, mean))
      if block.high > block.low { knots.append((block.high, mean)) }
    }
    // Blocks beyond a limit became one step: its inner knots say nothing.
    let kept = knots.indices.filter { k in
      k == 0 || k == knots.count - 1 || knots[k - 1].probability != knots[k].probability
        || knots[k + 1].probability != knots[k].probability
    }
    return .isotonic(
      try IsotonicKnots(
        logits: kept.map { knots[$0].logit }, probabilities: kept.map { knots[$0].probability }))
  }

  /// Mean log loss of the calibrated logits.
  func logLoss(_ logits: [Double], _ labels: [Double], _ weights: [Double]?) -> Double {
    var sum = 0.0
    var total = 0.0
    for row in logits.indices {
      let weight = weights?[row] ?? 1
      let logit = calibrated(logit: logits[row])
      sum += weight * (SigmoidKernel.softplus(logit) - labels[row] * logit)
      total += weight
    }
    return sum / total
  }

  /// The log odds of the weighted mean target.
  private static func constant(_ targets: [Double], _ weights: [Double]?) -> Double {
    guard let weights else { return logOdds(targets.reduce(0, +) / Double(targets.count)) }
    return logOdds(
      zip(targets, weights).reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0, +))
  }
}

/// Platt's targets in place of 1 and 0: as if each class had one more row, seen as likely as not.
struct PlattTargets {
  let positive: Double
  let negative: Double

  init(_ labels: [Double], _ weights: [Double]?) {
    var sums = [0.0, 0.0]
    for row in labels.indices { sums[labels[row] == 1 ? 1 : 0] += weights?[row] ?? 1 }
    positive = (sums[1] + 1) / (sums[1] + 2)
    negative = 1 / (sums[0] + 2)
  }
}
