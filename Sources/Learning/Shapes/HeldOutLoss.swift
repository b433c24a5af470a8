/// The log loss of held-out logits, as they are and with the best intercept and slope.
struct HeldOutLoss {
  /// Weighted means: as they are, and calibrated.
  let logLoss: Double
  let mean: Double
  /// Calibrated, a row, in the order of the folds.
  private let losses: [Double]

  /// A logistic fit in one variable by Newton's method. O(rows).
  init(_ logits: [Double], _ rows: FoldedRows) {
    func total(_ value: (Int) -> Double) -> Double {
      var sum = 0.0
      for i in logits.indices { sum += (rows.weights?[i] ?? 1) * value(i) }
      return sum
    }
    func loss(_ i: Int, _ a: Double, _ b: Double) -> Double {
      let eta = a + b * logits[i]
      return SigmoidKernel.softplus(eta) - rows.labels[i] * eta
    }
    let weight = total { _ in 1 }
    logLoss = total { loss($0, 0, 1) } / weight
    var (a, b) = (0.0, 1.0)
    var best = logLoss
    for _ in 0..<20 {
      var gradient = (0.0, 0.0)
      var hessian = (1e-9, 0.0, 1e-9)
      for i in logits.indices {
        let w = rows.weights?[i] ?? 1
        let p = SigmoidKernel.sigmoid(a + b * logits[i])
        let (r, h) = (w * (p - rows.labels[i]), w * p * (1 - p))
        gradient.0 += r
        gradient.1 += r * logits[i]
        hessian.0 += h
        hessian.1 += h * logits[i]
        hessian.2 += h * logits[i] * logits[i]
      }
      let determinant = hessian.0 * hessian.2 - hessian.1 * hessian.1
      let da = (hessian.2 * gradient.0 - hessian.1 * gradient.1) / determinant
      let db = (hessian.0 * gradient.1 - hessian.1 * gradient.0) / determinant
      var length = 1.0
      var next = total { loss($0, a - da, b - db) } / weight
      while next > best, length > 1e-3 {
        length /= 2
        next = total { loss($0, a - length * da, b - length * db) } / weight
      }
      guard next < best - 1e-12 else { break }
      (a, b, best) = (a - length * da, b - length * db, next)
    }
    mean = best
    losses = logits.indices.map { loss($0, a, b) }
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
