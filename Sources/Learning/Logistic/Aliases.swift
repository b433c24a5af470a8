/// Which columns are linear combinations of others, by their Gram matrix.
///
/// The last column, commonly the intercept, is taken first, then the others in their order: a column
/// of which those taken before leave less than 1e-10 (of its square, as the Cholesky factor's pivot
/// counts) is an alias of them, as in R's `alias`. O(size³).
struct Aliases {
  /// In order; `dependsOn` are the columns with a share in the combination, the last column among
  /// them only if it is alone (a constant).
  private(set) var found: [(column: Int, dependsOn: [Int])] = []

  /// `gram`: the lower triangle, column-major.
  init(_ gram: [Double], size: Int) {
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
      if left > 1e-10 * own {
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
  }
}
