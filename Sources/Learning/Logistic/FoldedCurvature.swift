/// The Hessians of all K + 1 losses of a `FoldedObjective`, at one point θ common to all:
/// H_k = (G − G_k) / W_k, where G = Σ_i h_i z_i z_i' over all rows, h = w p (1 − p), and G_k is
/// fold k's part of it.
///
/// One Gram's worth of operations gives all K + 1: rows are gathered by fold within a tile while
/// they are centred and scaled, and each fold's part is one `syrk`. 2 n p flops for θ's predictors,
/// n p² for the Grams, in float32 or float64.
struct FoldedCurvature {
  let objective: FoldedObjective
  private let inverseScale: [Double]

  init(_ objective: FoldedObjective) {
    self.objective = objective
    inverseScale = objective.scale.map { 1 / $0 }
  }

  /// A run of rows, and the folds of it that are added up together.
  private struct Unit: Sendable {
    var rows: Range<Int>
    var folds: Range<Int>
  }

  /// The lower triangles (column-major, size²) of H_0 … H_K at θ.
  func hessians(at theta: [Double], inDoubles: Bool) -> [[Double]] {
    let roots = roots(at: theta)
    var parts =
      inDoubles ? grams(roots, as: Double.self) : grams(roots, as: Float.self)
    let size = objective.size
    var total = [Double](repeating: 0, count: size * size)
    for part in parts { for k in total.indices { total[k] += part[k] } }
    if objective.foldCount == 0 { parts = [] }
    for fold in parts.indices {
      let weight = objective.trainingWeights[fold]
      for k in total.indices { parts[fold][k] = (total[k] - parts[fold][k]) / weight }
    }
    for k in total.indices { total[k] /= objective.trainingWeights[objective.full] }
    parts.append(total)
    return parts
  }

  /// The lower triangle of H_k alone, at θ.
  func hessian(of model: Int, at theta: [Double], inDoubles: Bool) -> [Double] {
    let roots = roots(at: theta)
    let gram =
      inDoubles
      ? gram(roots, leavingOut: model, as: Double.self)
      : gram(roots, leavingOut: model, as: Float.self)
    return gram.map { $0 / objective.trainingWeights[model] }
  }

  /// √h of every row, h floored at 1e-10 of the weight.
  private func roots(at theta: [Double]) -> [Float] {
    let data = objective.data
    // Curvatures need few digits: here columns far from 0 lose none that count.
    let coefficients = (0..<objective.columns).map { theta[$0] / objective.scale[$0] }
    let intercept = zip(coefficients, objective.center).reduce(theta[objective.columns]) {
      $0 - $1.0 * $1.1
    }
    let eta = data.x.linearPredictors(
      coefficients: coefficients, intercept: intercept, threads: data.threads)
    let stripes = StripedWork.bounds(of: eta.count, unit: 1024)
    let parts = StripedWork.map(stripes: stripes.count, threads: data.threads) { stripe in
      stripes[stripe].map { i in
        let weight = data.weights?[i] ?? 1
        let p = SigmoidKernel.sigmoid(-abs(eta[i] + (data.offsets?[i] ?? 0)))
        return Float((weight * max(p * (1 - p), 1e-10)).squareRoot())
      }
    }
    return Array(parts.joined())
  }

  /// G − G_fold; G for a fold that is none.
  private func gram<Scalar: GramScalar>(
    _ roots: [Float], leavingOut fold: Int, as _: Scalar.Type
  ) -> [Double] {
    let size = objective.size
    let stripes = StripedWork.bounds(
      of: objective.data.x.rows, unit: tile, maximum: max(1, min(64, 12_000_000 / (size * size))))
    let parts = StripedWork.map(stripes: stripes.count, threads: objective.data.threads) {
      stripe in
      var sums = FoldSums<Scalar>(objective, inverseScale, roots, tile: tile)
      return sums.gram(stripes[stripe]) {
        objective.folds.isEmpty || Int(objective.folds[$0]) != fold
      }
    }
    var total = [Double](repeating: 0, count: size * size)
    for part in parts { for k in total.indices { total[k] += part[k] } }
    return total
  }

  private var tile: Int { max(256, min(1024, 102_400 / objective.size / 8 * 8)) }

  /// G_0 … G_{K−1} (K = 0: G alone), lower triangles.
  ///
  /// Runs of rows are joined in order; there are as many as 96 MB of sums allow, and where those
  /// are few the folds of a run are work apart, so that all threads have some.
  private func grams<Scalar: GramScalar>(_ roots: [Float], as _: Scalar.Type) -> [[Double]] {
    let size = objective.size
    let folds = max(objective.foldCount, 1)
    let stripes = StripedWork.bounds(
      of: objective.data.x.rows, unit: tile,
      maximum: max(1, min(64, 12_000_000 / (folds * size * size))))
    let units = stripes.flatMap { rows in
      stripes.count >= 8
        ? [Unit(rows: rows, folds: 0..<folds)]
        : (0..<folds).map { Unit(rows: rows, folds: $0..<($0 + 1)) }
    }
    var parts = StripedWork.map(stripes: units.count, threads: objective.data.threads) { unit in
      var sums = FoldSums<Scalar>(objective, inverseScale, roots, tile: tile)
      return sums.grams(units[unit].rows, folds: units[unit].folds)
    }
    var result = [[Double]](repeating: [], count: folds)
    for (index, unit) in units.enumerated() {
      for (k, fold) in unit.folds.enumerated() {
        if result[fold].isEmpty {
          result[fold] = parts[index][k]
        } else {
          let part = parts[index][k]
          for e in part.indices { result[fold][e] += part[e] }
        }
      }
      parts[index] = []
    }
    return result
  }
}

/// One unit's scratch: rows of a tile, scaled and sorted by fold.
private struct FoldSums<Scalar: GramScalar>: ~Copyable {
  private let objective: FoldedObjective
  private let inverseScale: [Double]
  private let roots: [Float]
  private let tile: Int
  /// Leading dimension; whole cache lines.
  private let stride: Int
  private let z: UnsafeMutablePointer<Scalar>
  private let product: UnsafeMutablePointer<Scalar>

  init(_ objective: FoldedObjective, _ inverseScale: [Double], _ roots: [Float], tile: Int) {
    self.objective = objective
    self.inverseScale = inverseScale
    self.roots = roots
    self.tile = tile
    let size = objective.size
    let isRowMajor = objective.data.x.order == .rowMajor
    stride = isRowMajor ? (size + 15) / 16 * 16 : tile + 16
    z = .allocate(capacity: isRowMajor ? stride * tile : stride * size)
    product = .allocate(capacity: size * size)
    product.initialize(repeating: Scalar(0), count: size * size)
  }

  deinit {
    z.deallocate()
    product.deallocate()
  }

  /// Σ h z z' over the rows that `isIn` names, collected until a tile is full; lower triangle.
  mutating func gram(_ range: Range<Int>, _ isIn: (Int) -> Bool) -> [Double] {
    var sums = [[Double](repeating: 0, count: objective.size * objective.size)]
    var pending: [Int] = []
    pending.reserveCapacity(tile)
    for row in range where isIn(row) {
      pending.append(row)
      if pending.count == tile {
        add(pending, [tile], into: &sums)
        pending.removeAll(keepingCapacity: true)
      }
    }
    if !pending.isEmpty { add(pending, [pending.count], into: &sums) }
    return sums[0]
  }

  /// Σ h z z' over the rows of each fold, lower triangles.
  mutating func grams(_ range: Range<Int>, folds: Range<Int>) -> [[Double]] {
    let size = objective.size
    if folds.count == 1 {
      let objective = objective
      return [
        gram(range) { objective.folds.isEmpty || Int(objective.folds[$0]) == folds.lowerBound }
      ]
    }
    var sums = [[Double]](
      repeating: [Double](repeating: 0, count: size * size), count: folds.count)
    var start = range.lowerBound
    while start < range.upperBound {
      let rows = start..<min(start + tile, range.upperBound)
      // Counting sort by fold.
      var counts = [Int](repeating: 0, count: folds.count)
      for row in rows { counts[Int(objective.folds[row])] += 1 }
      var next = counts
      var sum = 0
      for k in counts.indices {
        next[k] = sum
        sum += counts[k]
      }
      var pending = [Int](repeating: 0, count: rows.count)
      for row in rows {
        let fold = Int(objective.folds[row])
        pending[next[fold]] = row
        next[fold] += 1
      }
      add(pending, counts, into: &sums)
      start = rows.upperBound
    }
    return sums
  }

  /// Adds the products of rows that lie fold after fold, `counts` of each.
  private mutating func add(_ rows: [Int], _ counts: [Int], into sums: inout [[Double]]) {
    let size = objective.size
    let order = objective.data.x.order
    scaleRows(rows)
    var first = 0
    for k in counts.indices where counts[k] > 0 {
      Scalar.gram(
        order == .rowMajor ? z + first * stride : z + first, count: counts[k], columns: size,
        order: order, stride: stride, into: product)
      sums[k].withUnsafeMutableBufferPointer { sums in
        for j in 0..<size {
          for i in j..<size { sums[j * size + i] += product[j * size + i].asDouble }
        }
      }
      first += counts[k]
    }
  }

  /// Writes √h (x − center) / scale of the rows, √h for the intercept last.
  private mutating func scaleRows(_ rows: [Int]) {
    let x = objective.data.x
    let p = objective.columns
    guard let from = x.values.baseAddress else { return }
    objective.center.withUnsafeBufferPointer { center in
      inverseScale.withUnsafeBufferPointer { inverse in
        roots.withUnsafeBufferPointer { roots in
          rows.withUnsafeBufferPointer { rows in
            if x.order == .rowMajor {
              for k in 0..<rows.count {
                let row = from + rows[k] * p
                let to = z + k * stride
                let h = Double(roots[rows[k]])
                for j in 0..<p { to[j] = Scalar((row[j] - center[j]) * (inverse[j] * h)) }
                to[p] = Scalar(h)
              }
            } else {
              for j in 0..<p {
                let column = from + j * x.rows
                let to = z + j * stride
                for k in 0..<rows.count {
                  to[k] = Scalar(
                    (column[rows[k]] - center[j]) * (inverse[j] * Double(roots[rows[k]])))
                }
              }
              let to = z + p * stride
              for k in 0..<rows.count { to[k] = Scalar(Double(roots[rows[k]])) }
            }
          }
        }
      }
    }
  }
}
