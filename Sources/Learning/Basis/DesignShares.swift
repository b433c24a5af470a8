extension LogisticFit {
  /// What part of the logit's variance over some rows each column of a design carries:
  ///
  ///     share_j = b_j cov(z_j, η) / var(η),  η = Σ_j b_j z_j
  ///
  /// as `logitShares` of the expanded rows, which are never in memory all at once. Shares add up to 1;
  /// all are 0 if the logit does not vary. Throws as `Design.expand`. O(rows × width).
  package func logitShares(
    _ design: Design, _ x: Matrix, weights: [Double]? = nil, threads: Int = 1
  ) throws(LearningError) -> [Double] {
    guard coefficients.count == design.width else {
      throw .sizeMismatch(what: "coefficients", expected: design.width, got: coefficients.count)
    }
    guard x.columns == design.sources.count else {
      throw .sizeMismatch(
        what: "source features of the rows", expected: design.sources.count, got: x.columns)
    }
    try Design.check(x, design.sources, threads: threads)
    let stripes = StripedWork.bounds(of: x.rows, unit: 128, maximum: 16)
    let parts = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      ShareSums(of: stripes[stripe], x, design, coefficients, weights)
    }
    let width = design.width
    let weight = parts.reduce(0) { $0 + $1.weight }
    let mean = parts.reduce(0) { $0 + $1.predictor } / weight
    let parted = (0..<width).map { j in
      let product = parts.reduce(0) { $0 + $1.products[j] } / weight
      let column = parts.reduce(0) { $0 + $1.columns[j] } / weight
      return coefficients[j] * (product - column * mean)
    }
    let variance = parted.reduce(0, +)
    return parted.map { variance > 0 ? $0 / variance : 0 }
  }
}

/// Σ w, Σ w η, Σ w z and Σ w z η of a run of rows.
private struct ShareSums: Sendable {
  var weight = 0.0
  var predictor = 0.0
  var columns: [Double]
  var products: [Double]

  init(
    of range: Range<Int>, _ x: Matrix, _ design: Design, _ coefficients: [Double],
    _ weights: [Double]?
  ) {
    let width = design.width
    columns = [Double](repeating: 0, count: width)
    products = columns
    let tile = 128
    let scratch = ScratchBlock<Double>(count: tile * width)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: tile) {
      let count = min(tile, range.upperBound - start)
      design.write(
        x, rows: count, row: { start + $0 }, into: scratch.values, rowStride: width, columnStride: 1
      )
      for i in 0..<count {
        let z = scratch.values + i * width
        let w = weights?[start + i] ?? 1
        var eta = 0.0
        for j in 0..<width { eta += coefficients[j] * z[j] }
        weight += w
        predictor += w * eta
        for j in 0..<width {
          columns[j] += w * z[j]
          products[j] += w * eta * z[j]
        }
      }
    }
  }
}
