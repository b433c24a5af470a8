/// Which columns are linear combinations of others, by their Gram matrix.
///
/// The last column, commonly the intercept, is taken first, then the others in their order: a column
/// of which those taken before leave less than 1e-10 (of its square, as the Cholesky factor's pivot
/// counts) is an alias of them, as in R's `alias`. Where there is none, less than 1e-8, 1e-6, 1e-4:
/// whoever asks has seen that some column hardly stands by itself. O(size³).
struct Aliases {
  /// In order; `dependsOn` are the columns with a share in the combination, the last one left out:
  /// none is a constant.
  private(set) var found: [(column: Int, dependsOn: [Int])] = []

  /// `gram`: the lower triangle, column-major.
  init(_ gram: [Double], size: Int) {
    for tolerance in [1e-10, 1e-8, 1e-6, 1e-4] where found.isEmpty {
      found = Self.find(gram, size, tolerance)
    }
  }

  private static func find(_ gram: [Double], _ size: Int, _ tolerance: Double)
    -> [(column: Int, dependsOn: [Int])]
  {
    var found: [(column: Int, dependsOn: [Int])] = []
    func element(_ i: Int, _ j: Int) -> Double { gram[min(i, j) * size + max(i, j)] }
    // Rows of the factor of the columns kept so far.
    var kept: [Int] = []
    var factor: [[Double]] = []
    for column in [size - 1] + Array(0..<(size - 1)) {
      // L y = G_kept,column, by forward substitution.
      var y: [Double] = []
      for (k, row) in factor.enumerated() {
        var sum = element(kept[k], column)
        for l in 0..<k { sum -= row[l] * y[l] }
        y.append(sum / row[k])
      }
      let own = element(column, column)
      let left = own - y.reduce(0) { $0 + $1 * $1 }
      if left > tolerance * own {
        kept.append(column)
        factor.append(y + [left.squareRoot()])
        continue
      }
      // L' a = y: the combination itself.
      var a = y
      for k in kept.indices.reversed() {
        for l in (k + 1)..<max(kept.count, k + 1) { a[k] -= factor[l][k] * a[l] }
        a[k] /= factor[k][k]
      }
      let shares = kept.indices.filter {
        abs(a[$0]) * element(kept[$0], kept[$0]).squareRoot() > 1e-4 * own.squareRoot()
      }
      found.append((column, shares.map { kept[$0] }.filter { $0 != size - 1 }.sorted()))
    }
    return found
  }
}
