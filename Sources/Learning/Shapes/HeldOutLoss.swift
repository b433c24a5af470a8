/// The log loss of held-out logits, as they are and calibrated.
struct HeldOutLoss {
  /// Weighted means: as they are, and calibrated.
  let logLoss: Double
  let mean: Double
  /// Calibrated, a row, in the order of the folds.
  private let losses: [Double]

  /// Calibrated: with the best intercept and slope; with the base rate alone where that slope is not
  /// above 0, as logits that point the wrong way know nothing; as they are where they part the classes
  /// and no slope is best. O(rows).
  init(_ logits: [Double], _ rows: FoldedRows) {
    let weights = rows.weights
    func losses(_ a: Double, _ b: Double) -> [Double] {
      logits.indices.map { i in
        let eta = a + b * logits[i]
        return SigmoidKernel.softplus(eta) - rows.labels[i] * eta
      }
    }
    func mean(_ values: [Double]) -> Double {
      var (sum, weight) = (0.0, 0.0)
      for i in values.indices {
        sum += (weights?[i] ?? 1) * values[i]
        weight += weights?[i] ?? 1
      }
      return sum / weight
    }
    let asTheyAre = losses(0, 1)
    logLoss = mean(asTheyAre)
    self.losses =
      switch Self.line(logits, rows) {
      case .some(let line): losses(line.intercept, line.slope)
      case .none: asTheyAre
      }
    self.mean = mean(self.losses)
  }

  /// The best intercept and slope, the slope 0 or more; nil if there are none.
  private static func line(
    _ logits: [Double], _ rows: FoldedRows
  ) -> (intercept: Double, slope: Double)? {
    let baseRate = (intercept: rows.logOdds(without: rows.folds.count), slope: 0.0)
    do throws(LearningError) {
      let fit = try SmallLogistic(columns: [logits], targets: rows.labels, weights: rows.weights)
      return fit.coefficients[0] > 0 ? (fit.intercept, fit.coefficients[0]) : baseRate
    } catch {
      if case .separated(_, let coefficient) = error, coefficient > 0 { return nil }
      return baseRate
    }
  }

  /// The weighted mean of what this saves against `other`, and its standard error.
  func gain(over other: HeldOutLoss, _ rows: FoldedRows) -> (Double, standardError: Double) {
    let gain = other.mean - mean
    var square = 0.0
    var weight = 0.0
    for i in losses.indices {
      let w = rows.weights?[i] ?? 1
      let d = other.losses[i] - losses[i] - gain
      square += w * d * d
      weight += w
    }
    return (gain, square.squareRoot() / weight)
  }
}
