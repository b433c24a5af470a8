/// Whether rows held out are ranked better than labels dealt by lot would have it.
///
/// The statistic is the out-of-fold ROC area of ridge refits, the best of a few penalties: in every
/// fold one Newton step from the base rate,
///
///     b = (v Z'WZ/W + λ)⁻¹ Z'W(y − ȳ)/W,  v = ȳ (1 − ȳ),
///
/// a free intercept in Z. Its matrix does not depend on the labels, so that each fold's is factored once
/// and serves all permutations. A test by permutation holds its level whatever the statistic; this one
/// ranks as the converged fit does where a signal is weak, which is where the question is open.
///
/// What was chosen by the labels must stay outside, or the labels win by their own choice: columns
/// without pairs, penalties not adapted. So the penalty is chosen inside, for every permutation anew.
package struct PermutationTest: Sendable, Codable, Equatable {
  package let permutations: Int
  /// The statistic with the labels as they are.
  package let area: Double
  /// The permutations' mean, 95 % point and largest.
  package let mean: Double
  package let upper: Double
  package let largest: Double
  /// Permutations at least as good as the labels.
  package let hits: Int
  /// (1 + hits) / (1 + permutations).
  package let p: Double
  /// Share of rows in groups that have nobody to change labels with. Of them the test knows nothing;
  /// they only make it shyer.
  package let inPlace: Double

  /// λ on the mean scale, of columns of deviation 1: from a ranking by each column's own direction to
  /// a fit that trusts thousands of rows.
  package static let lambdas = [1, 0.05, 0.0025]
}

/// Tests by permuting labels among groups (customers).
///
/// A group gives all its labels to another that has as many rows in the same strata (snapshots), so
/// that a customer's rows keep together; with fewer than 5 such groups, to one of those that has as
/// many rows. A group's rows follow each other by stratum, then as they stand. `data.x` is a
/// standardised design; labels are 0 or 1. `folds` as in `crossValidate`. The same bits on any number
/// of threads.
///
/// Throws `sizeMismatch`, `labelOutOfRange`, `badParameter`, `rankDeficient` where λ is 0 and a fold's
/// matrix has no inverse. O(rows × columns² + lambdas × permutations × rows × columns), once for all
/// folds; memory 16 × folds × columns² bytes, and at most 64 MB a thread.
package func permutationTest(
  _ data: LogisticData, folds: [Int], groups: [Int], strata: [Int]? = nil,
  lambdas: [Double] = PermutationTest.lambdas, permutations: Int = 200, seed: UInt64 = 1
) throws(LearningError) -> PermutationTest {
  let rows = data.x.rows
  for (what, count) in [
    ("folds", folds.count), ("groups", groups.count), ("strata", strata?.count ?? rows),
  ] where count != rows { throw .sizeMismatch(what: what, expected: rows, got: count) }
  for (row, label) in data.labels.enumerated() where label != 0 && label != 1 {
    throw .labelOutOfRange(row: row, value: label)
  }
  guard permutations >= 1 else {
    throw .badParameter(name: "permutations", value: Double(permutations), needed: "1 or more")
  }
  guard data.offsets == nil else {
    throw .badParameter(name: "offsets", value: 1, needed: "none")
  }
  let exchange = LabelExchange(groups: groups, strata: strata ?? [Int](repeating: 0, count: rows))
  let refits = try NullRefits(data, folds: folds)
  let width = max(8, min(40, 4_000_000 / rows / 8 * 8))
  // The labels themselves come first.
  let blocks = (permutations + width) / width
  var areas = [Double](repeating: 0, count: permutations + 1)
  for lambda in lambdas {
    let factors = try refits.factors(lambda)
    let found = StripedWork.map(stripes: blocks, threads: data.threads) { block in
      let drawn = (block * width)..<min((block + 1) * width, permutations + 1)
      let labels = drawn.map { index in
        index == 0 ? data.labels : exchange.permuted(data.labels, seed: seed, index: index)
      }
      return refits.areas(labels, factors)
    }
    for (index, area) in found.joined().enumerated() { areas[index] = max(areas[index], area) }
  }
  let others = areas.dropFirst().sorted()
  let hits = others.count { $0 >= areas[0] }
  return PermutationTest(
    permutations: permutations, area: areas[0],
    mean: others.reduce(0, +) / Double(permutations), upper: Evaluation.quantile(others, 0.95),
    largest: others.last ?? .nan, hits: hits, p: Double(1 + hits) / Double(1 + permutations),
    inPlace: exchange.inPlace)
}

/// What refits from the base rate share: rows by fold, and each fold's matrix.
private struct NullRefits: Sendable {
  private let data: LogisticData
  private let rowsOf: [[Int]]
  /// Σ w of the rows a fold trains on.
  private let trainingWeights: [Double]
  /// v Z'WZ/W of each fold's training rows: the lower triangle, column-major.
  private let hessians: [[Double]]
  /// The base rate of all rows.
  private let rate: Double
  private static let tile = 256

  private var size: Int { data.x.columns + 1 }

  /// O(rows × columns²).
  init(_ data: LogisticData, folds: [Int]) throws(LearningError) {
    let count = (folds.max() ?? 0) + 1
    guard count >= 2, (folds.min() ?? 0) >= 0, count <= data.x.rows else {
      throw .badParameter(
        name: "number of folds", value: Double(count), needed: "2 to \(data.x.rows)")
    }
    var byFold = [[Int]](repeating: [], count: count)
    for (row, fold) in folds.enumerated() { byFold[fold].append(row) }
    let rowsOf = byFold
    let size = data.x.columns + 1
    let weights = rowsOf.map { rows in rows.reduce(0) { $0 + (data.weights?[$1] ?? 1) } }
    let total = weights.reduce(0, +)
    let rate = data.positiveWeight / total
    let grams = StripedWork.map(stripes: count, threads: data.threads) { fold in
      Self.gram(data, rowsOf[fold])
    }
    var all = [Double](repeating: 0, count: size * size)
    for gram in grams { for cell in all.indices { all[cell] += gram[cell] } }
    let sum = all
    hessians = StripedWork.map(stripes: count, threads: data.threads) { fold in
      let scale = rate * (1 - rate) / max(total - weights[fold], .leastNormalMagnitude)
      return sum.indices.map { scale * (sum[$0] - grams[fold][$0]) }
    }
    self.data = data
    self.rowsOf = rowsOf
    self.rate = rate
    trainingWeights = weights.map { total - $0 }
  }

  /// The folds' matrices with the penalty, factored. O(folds × columns³).
  func factors(_ lambda: Double) throws(LearningError) -> [Cholesky] {
    let size = size
    let factors = StripedWork.map(stripes: hessians.count, threads: data.threads) { fold in
      var matrix = hessians[fold]
      for j in 0..<(size - 1) { matrix[j * size + j] += lambda }
      return Cholesky(matrix, size: size)
    }
    if let bad = factors.first(where: { $0.leastPivot < 1e-13 }) {
      throw .rankDeficient(
        aliases: [.init(column: bad.leastPivotColumn, dependsOn: [])], columns: size - 1)
    }
    return factors
  }

  /// Σ w z z' over rows, an intercept last in z: the lower triangle, column-major.
  private static func gram(_ data: LogisticData, _ rows: [Int]) -> [Double] {
    let size = data.x.columns + 1
    var sum = [Double](repeating: 0, count: size * size)
    var part = sum
    forTiles(data, rows) { z, range in
      if let weights = data.weights {
        for (k, row) in rows[range].enumerated() {
          let root = weights[row].squareRoot()
          for j in 0..<size { z[k * size + j] *= root }
        }
      }
      part.withUnsafeMutableBufferPointer {
        guard let target = $0.baseAddress else { return }
        BLAS.gram(
          z, count: range.count, columns: size, order: .rowMajor, stride: size, into: target)
      }
      for cell in sum.indices { sum[cell] += part[cell] }
    }
    return sum
  }

  /// Rows a tile at a time, row-major with a 1 at their end, and their places in `rows`.
  private static func forTiles(
    _ data: LogisticData, _ rows: [Int], _ body: (UnsafeMutablePointer<Double>, Range<Int>) -> Void
  ) {
    let x = data.x
    let size = x.columns + 1
    withUnsafeTemporaryAllocation(of: Double.self, capacity: tile * size) { scratch in
      guard let z = scratch.baseAddress, let values = x.values.baseAddress else { return }
      for start in stride(from: 0, to: rows.count, by: tile) {
        let range = start..<min(start + tile, rows.count)
        for (k, row) in rows[range].enumerated() {
          let from = values + row * x.rowStride
          for j in 0..<(size - 1) { z[k * size + j] = from[j * x.columnStride] }
          z[k * size + size - 1] = 1
        }
        body(z, range)
      }
    }
  }

  /// The out-of-fold ROC area for each of several label vectors.
  /// O(label vectors × rows × (columns + log rows)).
  func areas(_ labels: [[Double]], _ factors: [Cholesky]) -> [Double] {
    let width = labels.count
    let size = size
    let parts = rowsOf.map { gradient(labels, $0) }
    var total = [Double](repeating: 0, count: width * size)
    for part in parts { for k in total.indices { total[k] += part[k] } }
    var scores = [Double](repeating: 0, count: width * data.x.rows)
    for (fold, rows) in rowsOf.enumerated() {
      var b = [Double](repeating: 0, count: width * size)
      for slot in 0..<width {
        let solved = factors[fold].solve(
          (0..<size).map {
            (total[slot * size + $0] - parts[fold][slot * size + $0]) / trainingWeights[fold]
          })
        for j in 0..<size { b[j * width + slot] = solved[j] }
      }
      var eta = [Double](repeating: 0, count: width * Self.tile)
      Self.forTiles(data, rows) { z, range in
        for k in 0..<(width * range.count) { eta[k] = 0 }
        eta.withUnsafeMutableBufferPointer { eta in
          guard let target = eta.baseAddress else { return }
          BLAS.accumulate(
            rows: tileRows(z, range.count), times: b, count: width, into: target)
        }
        for (k, row) in rows[range].enumerated() {
          for slot in 0..<width { scores[slot * data.x.rows + row] = eta[k * width + slot] }
        }
      }
    }
    return labels.enumerated().map { slot, labels in
      Self.area(scores[(slot * data.x.rows)..<((slot + 1) * data.x.rows)], labels)
    }
  }

  /// Z'W(y − ȳ) over rows, for each label vector: columns × label vectors, column-major.
  private func gradient(_ labels: [[Double]], _ rows: [Int]) -> [Double] {
    let width = labels.count
    var result = [Double](repeating: 0, count: width * size)
    var residuals = [Double](repeating: 0, count: width * Self.tile)
    Self.forTiles(data, rows) { z, range in
      for (k, row) in rows[range].enumerated() {
        let weight = data.weights?[row] ?? 1
        for slot in 0..<width {
          residuals[k * width + slot] = weight * (labels[slot][row] - rate)
        }
      }
      result.withUnsafeMutableBufferPointer {
        guard let target = $0.baseAddress else { return }
        BLAS.accumulate(
          transposed: tileRows(z, range.count), times: residuals, count: width, into: target)
      }
    }
    return result
  }

  private func tileRows(_ z: UnsafeMutablePointer<Double>, _ count: Int) -> BLAS.Rows {
    BLAS.Rows(
      start: UnsafePointer(z), count: count, columns: size, order: .rowMajor, stride: Int32(size))
  }

  /// The ROC area, ties counted half. O(rows log rows).
  private static func area(_ scores: ArraySlice<Double>, _ labels: [Double]) -> Double {
    let first = scores.startIndex
    let order = labels.indices.sorted { scores[first + $0] < scores[first + $1] }
    var (pairs, positives, negatives) = (0.0, 0.0, 0.0)
    var start = 0
    while start < order.count {
      var end = start
      var ones = 0.0
      while end < order.count, scores[first + order[end]] == scores[first + order[start]] {
        ones += labels[order[end]]
        end += 1
      }
      let zeros = Double(end - start) - ones
      pairs += ones * (negatives + zeros / 2)
      positives += ones
      negatives += zeros
      start = end
    }
    return pairs / (positives * negatives)
  }
}
