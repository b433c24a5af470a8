/// What the standardisation of each fold's training rows needs: weights, means and deviations of all
/// rows but the fold's own.
struct FoldStatistics: Sendable {
  /// Σ w of each fold's own rows.
  let foldWeights: [Double]
  /// Of the training rows of each fold (all rows but its own).
  let training: [Training]

  struct Training: Sendable {
    let weight: Double
    /// Σ w y.
    let positiveWeight: Double
    let rows: Int
    let means: [Double]
    /// 0 for a constant column.
    let deviations: [Double]
  }

  /// One pass over the rows; sums are taken around `center` (the means of all rows), so that a large
  /// mean costs no digits. A training sum is added up from the other folds' sums, never subtracted
  /// from the whole: a column that varies in one fold only is exactly constant without it.
  /// O(rows × columns + folds² × columns).
  init(of data: LogisticData, folds: [Int32], count: Int, around center: [Double]) {
    let parts = Self.sums(data, folds, count, center)
    foldWeights = parts.map(\.weight)
    let p = data.x.columns
    training = (0..<count).map { fold in
      var sum = FoldSums(columns: p)
      for other in 0..<count where other != fold { sum.add(parts[other]) }
      var means = center
      var deviations = [Double](repeating: 0, count: p)
      for j in 0..<p where sum.weight > 0 {
        let mean = sum.sums[j] / sum.weight
        means[j] += mean
        let deviation = Swift.max(sum.squares[j] / sum.weight - mean * mean, 0).squareRoot()
        let largest = Swift.max(abs(sum.least[j] + center[j]), abs(sum.most[j] + center[j]))
        deviations[j] = sum.least[j] < sum.most[j] && deviation > 1e-13 * largest ? deviation : 0
      }
      return Training(
        weight: sum.weight, positiveWeight: sum.positive, rows: sum.rows, means: means,
        deviations: deviations)
    }
  }

  private static func sums(
    _ data: LogisticData, _ folds: [Int32], _ count: Int, _ center: [Double]
  ) -> [FoldSums] {
    let x = data.x
    let p = x.columns
    // About 32 MB of sums at most.
    let stripes = StripedWork.bounds(
      of: x.rows, unit: 256, maximum: max(1, min(64, 1_000_000 / (count * max(p, 1)))))
    let parts = StripedWork.map(stripes: stripes.count, threads: data.threads) { stripe in
      var sums = [FoldSums](repeating: FoldSums(columns: p), count: count)
      for i in stripes[stripe] {
        let fold = Int(folds[i])
        let weight = data.weights?[i] ?? 1
        sums[fold].rows += 1
        sums[fold].weight += weight
        sums[fold].positive += weight * data.labels[i]
      }
      // By blocks of rows, which stay in cache where columns are walked.
      var start = stripes[stripe].lowerBound
      while start < stripes[stripe].upperBound {
        let block = start..<min(start + 512, stripes[stripe].upperBound)
        for j in 0..<p where x.order == .columnMajor {
          for i in block { sums[Int(folds[i])].add(x, i, j, center[j], data.weights?[i] ?? 1) }
        }
        for i in block where x.order == .rowMajor {
          sums[Int(folds[i])].add(x, i, center, data.weights?[i] ?? 1)
        }
        start = block.upperBound
      }
      return sums
    }
    var result = [FoldSums](repeating: FoldSums(columns: p), count: count)
    for part in parts {
      for fold in 0..<count { result[fold].add(part[fold]) }
    }
    return result
  }
}

/// Sums of one fold's rows around the center.
private struct FoldSums: Sendable {
  var rows = 0
  var weight = 0.0
  var positive = 0.0
  var sums: [Double]
  var squares: [Double]
  /// Least and most of the values with weight.
  var least: [Double]
  var most: [Double]

  init(columns: Int) {
    sums = [Double](repeating: 0, count: columns)
    squares = sums
    least = [Double](repeating: .infinity, count: columns)
    most = [Double](repeating: -.infinity, count: columns)
  }

  @inline(__always)
  mutating func add(_ x: Matrix, _ row: Int, _ column: Int, _ center: Double, _ weight: Double) {
    guard weight > 0 else { return }
    let d = x.values[row * x.rowStride + column * x.columnStride] - center
    sums[column] += weight * d
    squares[column] += weight * d * d
    least[column] = Swift.min(least[column], d)
    most[column] = Swift.max(most[column], d)
  }

  @inline(__always)
  mutating func add(_ x: Matrix, _ row: Int, _ center: [Double], _ weight: Double) {
    for j in center.indices { add(x, row, j, center[j], weight) }
  }

  mutating func add(_ other: FoldSums) {
    rows += other.rows
    weight += other.weight
    positive += other.positive
    for j in sums.indices {
      sums[j] += other.sums[j]
      squares[j] += other.squares[j]
      least[j] = Swift.min(least[j], other.least[j])
      most[j] = Swift.max(most[j], other.most[j])
    }
  }
}
