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
  let tiles: DesignTiles<Scalar>
  let threads: Int

  var rows: FoldedRows { tiles.rows }
  var columns: Int { tiles.columns }
  var problems: Int { rows.folds.count + 1 }

  struct State: Sendable {
    /// Intercept last.
    var theta: [Double]
    /// Of the problem under `penalties`; none before it was evaluated.
    var loss = Double.infinity
    var gradient: [Double] = []
    var penalties: [Double] = []
    /// The linear predictor of every row, held out or not.
    var predictors: [Double] = []
    var maxGradient: Double { gradient.reduce(0) { max($0, abs($1)) } }
  }

  typealias Point = (problem: Int, theta: [Double])

  // MARK: passes

  /// Loss, gradient and predictors of some problems at their points. O(rows × columns × points).
  func evaluate(_ points: [Point], penalties: [[Double]]) -> [State] {
    let count = points.count
    let p = columns
    // Column after column, one a point.
    let coefficients = points.flatMap { $0.theta.dropLast().map { Scalar($0) } }
    let predictors = MatrixStorage(uninitialized: rows.count * count)
    let stripes = rows.stripes
    let parts = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      pass(stripes[stripe], points, coefficients, predictors)
    }
    return points.indices.map { a in
      let problem = points[a].problem
      let weight = rows.weight(without: problem)
      var gradient = [Double](repeating: 0, count: p + 1)
      var loss = 0.0
      for part in parts {
        loss += part.losses[a]
        for j in 0..<p { gradient[j] += Double(part.gradients[a * p + j]) }
        gradient[p] += part.intercepts[a]
      }
      loss /= weight
      for j in 0...p { gradient[j] /= weight }
      for j in 0..<p {
        let penalty = penalties[problem][j]
        if penalty.isFinite {
          let value = points[a].theta[j]
          loss += 0.5 * penalty * value * value
          gradient[j] += penalty * value
        } else {
          gradient[j] = 0
        }
      }
      let own = (a * rows.count)..<((a + 1) * rows.count)
      return State(
        theta: points[a].theta, loss: loss, gradient: gradient, penalties: penalties[problem],
        predictors: withExtendedLifetime(predictors) { Array(predictors.values[own]) })
    }
  }

  /// Brings an evaluated state under other penalties, which needs no rows. O(columns).
  func repenalise(_ state: inout State, _ penalties: [Double]) {
    guard !state.gradient.isEmpty else { return }
    for j in 0..<columns where penalties[j].isFinite {
      let value = state.theta[j]
      let more = penalties[j] - state.penalties[j]
      state.loss += 0.5 * more * value * value
      state.gradient[j] += more * value
    }
    state.penalties = penalties
  }

  /// Sums over the rows of a stripe, a point each.
  private struct Part: Sendable {
    var losses: [Double]
    var intercepts: [Double]
    /// Column after column, one a point.
    var gradients: [Scalar]
  }

  private func pass(
    _ stripe: FoldedRows.Stripe, _ points: [Point], _ coefficients: [Scalar],
    _ predictors: MatrixStorage
  ) -> Part {
    let count = points.count
    let p = columns
    let reader = tiles.reader()
    var part = Part(
      losses: [Double](repeating: 0, count: count),
      intercepts: [Double](repeating: 0, count: count),
      gradients: [Scalar](repeating: 0, count: p * count))
    var residuals = [Scalar](repeating: 0, count: FoldedRows.tile * count)
    residuals.withUnsafeMutableBufferPointer { residuals in
      guard let e = residuals.baseAddress, let target = predictors.mutableValues.baseAddress
      else { return }
      for tile in stripe.tiles {
        let range = rows.tiles[tile]
        let n = range.count
        let z = reader.read(tile)
        coefficients.withUnsafeBufferPointer { theta in
          guard let theta = theta.baseAddress else {
            e.update(repeating: 0, count: n * count)
            return
          }
          Scalar.multiply(
            z, n, transposed: false, theta, p, beta: 0, into: e, n, m: n, n: count, k: p)
        }
        for a in 0..<count {
          let (loss, residual) = rows.losses(
            range, from: e + a * n, plus: points[a].theta[p],
            into: target + a * rows.count + range.lowerBound)
          // Rows held out count nothing.
          if points[a].problem == stripe.fold {
            (e + a * n).update(repeating: 0, count: n)
          } else {
            part.losses[a] += loss
            part.intercepts[a] += residual
          }
        }
        part.gradients.withUnsafeMutableBufferPointer { sums in
          guard let sums = sums.baseAddress else { return }
          Scalar.multiply(
            z, n, transposed: true, e, n, beta: 1, into: sums, p, m: p, n: count, k: n)
        }
      }
    }
    return part
  }

  // MARK: curvature

  /// Σ w p (1 − p) z z' over the rows that a problem learns from, at the given predictors, of some
  /// columns (ascending) and the intercept's column of ones, which is last. O(rows × active²).
  func gram(of problem: Int, predictors: [Double], active: [Int]) -> CurvatureGram {
    let gram = CurvatureGram(
      active: active + [columns], of: columns + 1, weight: rows.weight(without: problem))
    let size = gram.size
    let edges = StripedWork.bounds(of: size, unit: 64, maximum: max(1, size / 192))
    let blocks = edges.indices.flatMap { j in (j..<edges.count).map { (edges[j], edges[$0]) } }
    let lot = 8
    let scratch = ScratchBlock<Float>(count: lot * FoldedRows.tile * size)
    let learned = rows.stripes.filter { $0.fold != problem }.flatMap(\.tiles)
    for start in stride(from: 0, to: learned.count, by: lot) {
      let part = learned[start..<min(start + lot, learned.count)]
      let firsts = part.reduce(into: [0]) { $0.append($0[$0.count - 1] + rows.tiles[$1].count) }
      let count = firsts[firsts.count - 1]
      StripedWork.run(stripes: part.count, threads: threads) { k in
        let reader = tiles.reader()
        let tile = part[part.startIndex + k]
        let z = reader.read(tile)
        let n = rows.tiles[tile].count
        let roots = rows.rootCurvatures(rows.tiles[tile], predictors)
        for (place, column) in active.enumerated() {
          let from = z + column * n
          let to = scratch.values + place * count + firsts[k]
          for i in 0..<n { to[i] = Float(from[i]) * roots[i] }
        }
        let to = scratch.values + (size - 1) * count + firsts[k]
        for i in 0..<n { to[i] = roots[i] }
      }
      StripedWork.run(stripes: blocks.count, threads: threads) { block in
        let (left, right) = blocks[block]
        Float.multiply(
          scratch.values + right.lowerBound * count, count, transposed: true,
          scratch.values + left.lowerBound * count, count, beta: 1,
          into: gram.values + left.lowerBound * size + right.lowerBound, size, m: right.count,
          n: left.count, k: count)
      }
    }
    return gram
  }
}

/// Room that threads fill in disjoint parts. `@unchecked Sendable` for that.
final class ScratchBlock<Scalar: BlockScalar>: @unchecked Sendable {
  let values: UnsafeMutablePointer<Scalar>

  init(count: Int) { values = .allocate(capacity: max(1, count)) }

  deinit { values.deallocate() }
}
