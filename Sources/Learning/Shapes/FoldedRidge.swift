/// K + 1 ridge fits of one logistic model as one computation: problem k < K leaves fold k out,
/// problem K takes all rows.
///
///     F_k(θ) = 1/W_k Σ_{i not in fold k} w_i [softplus(η_i) − y_i η_i] + ½ Σ_j penalty_kj θ_j²
///
/// A penalty of infinity leaves the column out of that problem, so that folds may differ in their
/// columns. One pass over the rows serves all problems: their predictors are one matrix product, so
/// are their gradients. Where rows are many, one Hessian serves all problems too (`FoldedSolver`).
///
/// Rows lie in the order of their folds. Sums are made by fixed stripes, added in their order.
struct FoldedRidge<Scalar: BlockScalar>: Sendable {
  var blocks: [ColumnBlock<Scalar>]
  let rows: FoldedRows
  let threads: Int

  var columns: Int { blocks.reduce(0) { $0 + $1.columns } }
  var problems: Int { rows.folds.count + 1 }
  private var tile: Int { max(64, min(512, 100_000 / max(columns, 1) / 8 * 8)) }

  struct State: Sendable {
    /// Intercept last.
    var theta: [Double]
    var loss = Double.infinity
    var gradient: [Double] = []
    /// The linear predictor of every row, held out or not.
    var predictors: [Double] = []
    var maxGradient: Double { gradient.reduce(0) { max($0, abs($1)) } }
  }

  /// Whether problem k learns from rows of fold f.
  private func learns(_ problem: Int, from fold: Int) -> Bool { problem != fold }

  // MARK: passes

  /// Loss, gradient and predictors of some problems at their points. O(rows × columns × points).
  func evaluate(_ points: [(problem: Int, theta: [Double])], penalties: [[Double]]) -> [State] {
    let count = points.count
    let p = columns
    // Row-major p × points.
    let coefficients = (0..<(p * count)).map { Scalar(points[$0 % count].theta[$0 / count]) }
    let predictors = MatrixStorage(uninitialized: rows.count * count)
    let stripes = rows.stripes
    let parts = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      pass(stripes[stripe], points, coefficients, predictors)
    }
    return points.indices.map { a in
      let problem = points[a].problem
      let weight = rows.weight(without: problem)
      var state = State(theta: points[a].theta)
      var gradient = [Double](repeating: 0, count: p + 1)
      var loss = 0.0
      for part in parts {
        loss += part.losses[a]
        for j in 0...p { gradient[j] += part.gradients[j * count + a] }
      }
      loss /= weight
      for j in 0...p { gradient[j] /= weight }
      for j in 0..<p {
        let penalty = penalties[problem][j]
        if penalty.isFinite {
          loss += 0.5 * penalty * state.theta[j] * state.theta[j]
          gradient[j] += penalty * state.theta[j]
        } else {
          gradient[j] = 0
        }
      }
      state.loss = loss
      state.gradient = gradient
      state.predictors = (0..<rows.count).map { predictors.values[$0 * count + a] }
      return state
    }
  }

  private struct Part: Sendable {
    var losses: [Double]
    /// (p + 1) × points, sums over rows.
    var gradients: [Double]
  }

  private func pass(
    _ stripe: FoldedRows.Stripe, _ points: [(problem: Int, theta: [Double])],
    _ coefficients: [Scalar], _ predictors: MatrixStorage
  ) -> Part {
    let count = points.count
    let p = columns
    var part = Part(
      losses: [Double](repeating: 0, count: count),
      gradients: [Double](repeating: 0, count: (p + 1) * count))
    var sums = [Scalar](repeating: 0, count: p * count)
    var eta = [Scalar](repeating: 0, count: tile * count)
    let isActive = points.map { learns($0.problem, from: stripe.fold) }
    let target = predictors.mutableValues
    var start = stripe.range.lowerBound
    while start < stripe.range.upperBound {
      let range = start..<min(start + tile, stripe.range.upperBound)
      eta.withUnsafeMutableBufferPointer { eta in
        guard let e = eta.baseAddress else { return }
        coefficients.withUnsafeBufferPointer { theta in
          product(range, theta.baseAddress, count, e)
        }
        for i in range {
          let y = rows.labels[i]
          let w = rows.weights?[i] ?? 1
          let offset = rows.offsets?[i] ?? 0
          for a in 0..<count {
            let at = (i - range.lowerBound) * count + a
            let value = Double(e[at]) + points[a].theta[p] + offset
            target[i * count + a] = value
            guard isActive[a] else {
              e[at] = 0
              continue
            }
            part.losses[a] += w * (SigmoidKernel.softplus(value) - y * value)
            let residual = w * (SigmoidKernel.sigmoid(value) - y)
            part.gradients[p * count + a] += residual
            e[at] = Scalar(residual)
          }
        }
        sums.withUnsafeMutableBufferPointer { sums in
          guard let g = sums.baseAddress else { return }
          var first = 0
          for block in blocks {
            Scalar.multiply(
              block.values + range.lowerBound * block.columns, block.columns, transposed: true, e,
              count, beta: 1, into: g + first * count, count, m: block.columns, n: count,
              k: range.count)
            first += block.columns
          }
        }
      }
      start = range.upperBound
    }
    for k in sums.indices { part.gradients[k] = Double(sums[k]) }
    return part
  }

  /// Z θ of some rows.
  private func product(
    _ range: Range<Int>, _ theta: UnsafePointer<Scalar>?, _ count: Int,
    _ eta: UnsafeMutablePointer<Scalar>
  ) {
    for i in 0..<range.count * count { eta[i] = 0 }
    guard let theta else { return }
    var first = 0
    for block in blocks {
      Scalar.multiply(
        block.values + range.lowerBound * block.columns, block.columns, transposed: false,
        theta + first * count, count, beta: 1, into: eta, count, m: range.count, n: count,
        k: block.columns)
      first += block.columns
    }
  }

  // MARK: curvature

  /// Σ w p (1 − p) z z' over the rows that a problem learns from, at the given predictors, of some
  /// columns (ascending) and the intercept's column of ones, which is last. O(rows × active²).
  func gram(of problem: Int, predictors: [Double], active: [Int]) -> Gram {
    let gram = Gram(active: active + [columns], of: columns + 1)
    let size = gram.size
    let step = 128
    let edges = stride(from: 0, to: size, by: step).map { $0..<min($0 + step, size) }
    let tasks = edges.indices.flatMap { j in (j..<edges.count).map { (edges[j], edges[$0]) } }
    let gathers = gathers(active)
    let tile = 1024
    let scratch = ColumnBlock<Float>(rows: tile, columns: size)
    for fold in rows.folds.indices where fold != problem {
      var start = rows.folds[fold].lowerBound
      while start < rows.folds[fold].upperBound {
        let range = start..<min(start + tile, rows.folds[fold].upperBound)
        let strips = StripedWork.bounds(of: range.count, unit: 64)
        StripedWork.run(stripes: strips.count, threads: threads) { strip in
          for i in strips[strip] {
            let row = range.lowerBound + i
            let p = SigmoidKernel.sigmoid(predictors[row])
            let root = Float(((rows.weights?[row] ?? 1) * max(p * (1 - p), 1e-10)).squareRoot())
            var to = scratch.values + i * size
            for (block, columns) in zip(blocks, gathers) {
              let from = block.values + row * block.columns
              for (k, j) in columns.enumerated() { to[k] = Float(from[j]) * root }
              to += columns.count
            }
            to[0] = root
          }
        }
        StripedWork.run(stripes: tasks.count, threads: threads) { task in
          // Row-major with the lower index first: the lower triangle, column-major.
          let (lower, upper) = tasks[task]
          Float.multiply(
            scratch.values + lower.lowerBound, size, transposed: true,
            scratch.values + upper.lowerBound, size, beta: 1,
            into: gram.values + lower.lowerBound * size + upper.lowerBound, size, m: lower.count,
            n: upper.count, k: range.count)
        }
        start = range.upperBound
      }
    }
    gram.weight = rows.weight(without: problem)
    return gram
  }

  /// The columns of each block among some of all.
  private func gathers(_ active: [Int]) -> [[Int]] {
    var first = 0
    return blocks.map { block in
      defer { first += block.columns }
      return active.filter { $0 >= first && $0 < first + block.columns }.map { $0 - first }
    }
  }

  /// A Gram matrix in float32, lower triangle, column-major; `@unchecked Sendable`: written only
  /// while it is made, disjoint parts by several threads.
  final class Gram: @unchecked Sendable {
    /// Where each column stands; −1: not there.
    private var places: [Int]
    let size: Int
    fileprivate let values: UnsafeMutablePointer<Float>
    /// Σ w of its rows.
    fileprivate(set) var weight = 1.0

    fileprivate init(active: [Int], of columns: Int) {
      places = [Int](repeating: -1, count: columns)
      for (place, column) in active.enumerated() { places[column] = place }
      size = active.count
      values = .allocate(capacity: size * size)
      values.initialize(repeating: 0, count: size * size)
    }

    deinit { values.deallocate() }

    /// The factor of the mean Gram matrix of some of its columns (ascending, the intercept last) plus
    /// their penalties. O(n³/3).
    func factor(_ active: [Int], penalties: [Double]) -> Cholesky {
      let n = active.count
      let places = active.map { self.places[$0] }
      var diagonal = 0.0
      var matrix = [Double](repeating: 0, count: n * n)
      for j in 0..<n {
        let column = values + places[j] * size
        for i in j..<n { matrix[j * n + i] = Double(column[places[i]]) / weight }
        diagonal += matrix[j * n + j]
        if j < n - 1 { matrix[j * n + j] += penalties[active[j]] }
      }
      // What float32 sums may be off by.
      var jitter = 1e-7 * diagonal / Double(n)
      while true {
        for j in 0..<n { matrix[j * n + j] += jitter }
        let factor = Cholesky(matrix, size: n)
        if factor.leastPivot > 0 { return factor }
        jitter = max(jitter * 10, 1e-12)
      }
    }
  }
}
