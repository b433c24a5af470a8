/// A logistic model of one or two columns and an intercept, without penalty: what calibrating a score
/// needs. Newton's method on columns brought to mean 0 and deviation 1, steps halved until the loss
/// falls.
struct SmallLogistic: Sendable {
  /// One a column, on the columns as given.
  let coefficients: [Double]
  let intercept: Double
  /// Inverse of the information Σ w p (1 − p) x x′, intercept last, row after row.
  let covariance: [Double]

  /// Most Newton steps. A regular problem takes fewer than ten; where a direction separates the
  /// classes, each step lowers the loss by a constant factor only, for ever.
  private static let maximumSteps = 25
  /// Half the Newton decrement, mean scale, below which the next step is the last.
  private static let tolerance = 1e-13

  /// `columns`: one or two, each a value a row; `targets` in [0, 1]; `weights` 0 or more.
  /// Throws `rankDeficient`, and `separated` where no finite optimum is reached. O(rows) a step.
  init(columns: [[Double]], targets: [Double], weights: [Double]?) throws(LearningError) {
    let size = columns.count + 1
    let total = weights?.reduce(0, +) ?? Double(targets.count)
    var means: [Double] = []
    var scales: [Double] = []
    for (index, column) in columns.enumerated() {
      let (mean, scale) = Self.moments(column, weights, total)
      guard scale > 1e-13 * abs(mean), scale > 0 else {
        throw .rankDeficient(
          aliases: [.init(column: index, dependsOn: [])], columns: columns.count)
      }
      means.append(mean)
      scales.append(scale)
    }
    let standardised = columns.indices.map { k in
      columns[k].map { ($0 - means[k]) / scales[k] }
    }
    var positive = 0.0
    for row in targets.indices { positive += (weights?[row] ?? 1) * targets[row] }
    var b = [Double](repeating: 0, count: size)
    b[size - 1] = logOdds(positive / total)
    var state = Point(standardised, targets, weights, total, at: b)
    var isLast = false
    var steps = 0
    while !isLast {
      guard let factor = SmallCholesky(state.hessian, size: size) else {
        // At the start every row has the same curvature: only the columns themselves can fail.
        throw steps == 0
          ? .rankDeficient(aliases: [.init(column: 1, dependsOn: [0])], columns: columns.count)
          : Self.separated(b)
      }
      steps += 1
      guard steps <= Self.maximumSteps else { throw Self.separated(b) }
      let step = factor.solve(state.gradient)
      let decrement = zip(step, state.gradient).reduce(0) { $0 + $1.0 * $1.1 }
      isLast = decrement / 2 <= Self.tolerance
      var length = 1.0
      while true {
        let trial = b.indices.map { b[$0] - length * step[$0] }
        let next = Point(standardised, targets, weights, total, at: trial)
        // Near the optimum the fall drowns in rounding, and a full step is right.
        if isLast || next.loss <= state.loss - 1e-4 * length * decrement {
          b = trial
          state = next
          break
        }
        length /= 2
        guard length > 1e-6 else { throw Self.separated(b) }
      }
    }
    guard let factor = SmallCholesky(state.hessian, size: size) else { throw Self.separated(b) }
    let inverse = factor.inverse()
    coefficients = columns.indices.map { b[$0] / scales[$0] }
    intercept = columns.indices.reduce(b[size - 1]) { $0 - b[$1] * means[$1] / scales[$1] }
    // b_raw = T b with T = diag(1/scale) and −mean/scale in the intercept's row.
    var transform = [Double](repeating: 0, count: size * size)
    transform[size * size - 1] = 1
    for k in columns.indices {
      transform[k * size + k] = 1 / scales[k]
      transform[(size - 1) * size + k] = -means[k] / scales[k]
    }
    covariance = (0..<size * size).map { cell in
      var sum = 0.0
      for i in 0..<size {
        for j in 0..<size {
          sum +=
            transform[cell / size * size + i] * inverse[i * size + j]
            * transform[cell % size * size + j]
        }
      }
      return sum / total
    }
  }

  private static func separated(_ b: [Double]) -> LearningError {
    let column = b.dropLast().indices.max { abs(b[$0]) < abs(b[$1]) } ?? 0
    return .separated(column: column, standardisedCoefficient: b[column])
  }

  private static func moments(
    _ column: [Double], _ weights: [Double]?, _ total: Double
  ) -> (mean: Double, scale: Double) {
    var sum = 0.0
    for row in column.indices { sum += (weights?[row] ?? 1) * column[row] }
    let mean = sum / total
    var square = 0.0
    for row in column.indices {
      square += (weights?[row] ?? 1) * (column[row] - mean) * (column[row] - mean)
    }
    return (mean, (square / total).squareRoot())
  }

  /// Loss, gradient and Hessian at one point, all divided by the sum of weights.
  private struct Point {
    var loss = 0.0
    var gradient: [Double]
    /// Row after row, symmetric.
    var hessian: [Double]

    init(
      _ x: [[Double]], _ targets: [Double], _ weights: [Double]?, _ total: Double, at b: [Double]
    ) {
      let last = b.count - 1
      let second = x.count > 1
      typealias Lanes = SigmoidKernel.Lanes
      let zero = Lanes(repeating: 0)
      var sum = zero
      var (g0, g1, g2) = (zero, zero, zero)
      var (h00, h01, h02, h11, h12, h22) = (zero, zero, zero, zero, zero, zero)
      for row in stride(from: 0, to: targets.count, by: 2) {
        // Two rows at a time; the one after the last has no weight.
        let isLast = row + 1 == targets.count
        let next = isLast ? row : row + 1
        let x0 = Lanes(x[0][row], x[0][next])
        let x1 = second ? Lanes(x[1][row], x[1][next]) : zero
        let value = SigmoidKernel.rows(
          eta: second ? x0 * b[0] + x1 * b[1] + b[last] : x0 * b[0] + b[last],
          label: Lanes(targets[row], targets[next]),
          weight: Lanes(weights?[row] ?? 1, isLast ? 0 : weights?[next] ?? 1))
        let (r, h) = (value.residual, value.curvature)
        sum += value.loss
        g0 += r * x0
        g1 += r * x1
        g2 += r
        h00 += h * x0 * x0
        h01 += h * x0 * x1
        h02 += h * x0
        h11 += h * x1 * x1
        h12 += h * x1
        h22 += h
      }
      loss = sum.sum()
      loss /= total
      gradient = (second ? [g0, g1, g2] : [g0, g2]).map { $0.sum() / total }
      hessian = (second ? [h00, h01, h02, h01, h11, h12, h02, h12, h22] : [h00, h02, h02, h22])
        .map { $0.sum() / total }
    }
  }
}

/// L with A = L L′ for a matrix of a few rows. O(size³).
struct SmallCholesky {
  private let size: Int
  private var factor: [Double]

  /// Nil where `matrix` (row after row, symmetric) is not positive definite beyond rounding.
  init?(_ matrix: [Double], size: Int) {
    self.size = size
    factor = matrix
    for i in 0..<size {
      for j in 0...i {
        var sum = matrix[i * size + j]
        for k in 0..<j { sum -= factor[i * size + k] * factor[j * size + k] }
        if i == j {
          guard sum > 1e-13 * matrix[i * size + i] else { return nil }
          factor[i * size + i] = sum.squareRoot()
        } else {
          factor[i * size + j] = sum / factor[j * size + j]
        }
      }
    }
  }

  /// x with A x = b.
  func solve(_ b: [Double]) -> [Double] {
    var x = b
    for i in 0..<size {
      for k in 0..<i { x[i] -= factor[i * size + k] * x[k] }
      x[i] /= factor[i * size + i]
    }
    for i in (0..<size).reversed() {
      for k in (i + 1)..<size { x[i] -= factor[k * size + i] * x[k] }
      x[i] /= factor[i * size + i]
    }
    return x
  }

  /// A⁻¹, row after row.
  func inverse() -> [Double] {
    (0..<size).flatMap { column in
      solve((0..<size).map { $0 == column ? 1 : 0 })
    }
  }
}
