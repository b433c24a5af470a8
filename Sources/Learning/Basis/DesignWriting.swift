import Foundation

extension Design {
  /// Writes `rows` rows of the design, the i-th being row `row(i)` of `x`, into a block whose rows
  /// are `rowStride` apart and whose columns `columnStride`. O(rows × width).
  ///
  /// Column by column over runs of rows that stay in cache. Unsafe code with a safe face: the caller
  /// vouches for the block's room alone.
  func write<Scalar: BlockScalar>(
    _ x: Matrix, rows: Int, row: (Int) -> Int, into target: UnsafeMutablePointer<Scalar>,
    rowStride: Int, columnStride: Int
  ) {
    let run = ColumnRun<Scalar>.capacity
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * run) { scratch in
      guard let clean = scratch.baseAddress, let from = x.values.baseAddress else { return }
      withUnsafeTemporaryAllocation(of: Scalar.self, capacity: run) { column in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: run) { places in
          guard let column = column.baseAddress else { return }
          for start in stride(from: 0, to: rows, by: run) {
            let count = min(run, rows - start)
            for i in 0..<count {
              let index = row(start + i)
              precondition(index >= 0 && index < x.rows)
              places[i] = index * x.rowStride
            }
            var values = ColumnRun<Scalar>(count: count, clean: clean, log: clean + run)
            var k = 0
            while k < columns.count {
              let source = columns[k].source
              let base = from + source * x.columnStride
              for i in 0..<count { clean[i] = base[places[i]] }
              values.clean(cleaning[source])
              while k < columns.count, columns[k].source == source {
                let to = target + start * rowStride + k * columnStride
                if rowStride == 1 {
                  values.write(columns[k], into: to)
                } else {
                  values.write(columns[k], into: column)
                  for i in 0..<count { to[i * rowStride] = column[i] }
                }
                k += 1
              }
            }
            writePairs(
              rows: count, into: target + start * rowStride, rowStride: rowStride,
              columnStride: columnStride)
          }
        }
      }
    }
  }
}

extension Design {
  /// The pairs' columns of some rows whose other columns stand.
  private func writePairs<Scalar: BlockScalar>(
    rows: Int, into target: UnsafeMutablePointer<Scalar>, rowStride: Int, columnStride: Int
  ) {
    for (k, pair) in pairs.enumerated() {
      let a = target + pair.first * columnStride
      let b = target + pair.second * columnStride
      let to = target + (columns.count + k) * columnStride
      let (mean, scale) = (Scalar(pair.mean), Scalar(pair.scale))
      if rowStride == 1 {
        for i in 0..<rows { to[i] = (a[i] * b[i] - mean) / scale }
      } else {
        for i in stride(from: 0, to: rows * rowStride, by: rowStride) {
          to[i] = (a[i] * b[i] - mean) / scale
        }
      }
    }
  }
}

/// The values of one source in a run of rows, and the standardised columns made from them.
private struct ColumnRun<Scalar: BlockScalar> {
  static var capacity: Int { 64 }

  let count: Int
  let clean: UnsafeMutablePointer<Double>
  let log: UnsafeMutablePointer<Double>
  private var hasLog = false
  private var hasMissing = false

  init(count: Int, clean: UnsafeMutablePointer<Double>, log: UnsafeMutablePointer<Double>) {
    self.count = count
    self.clean = clean
    self.log = log
  }

  /// As `SourceCleaning.clean`, in place.
  mutating func clean(_ cleaning: SourceCleaning) {
    for code in cleaning.missingCodes {
      for i in 0..<count { clean[i] = clean[i] == code ? .nan : clean[i] }
    }
    if let lower = cleaning.lower {
      for i in 0..<count { clean[i] = clean[i] < lower ? lower : clean[i] }
    }
    if let upper = cleaning.upper {
      for i in 0..<count { clean[i] = clean[i] > upper ? upper : clean[i] }
    }
    var missing = 0
    for i in 0..<count { missing += clean[i].isNaN ? 1 : 0 }
    hasMissing = missing > 0
    hasLog = false
  }

  /// (basis(x) − mean) / scale, 0 where that is missing: the values of `DesignColumn.value`.
  mutating func write(_ column: DesignColumn, into to: UnsafeMutablePointer<Scalar>) {
    let (mean, scale) = (column.mean, column.scale)
    let low = Scalar((0 - mean) / scale)
    let high = Scalar((1 - mean) / scale)
    if column.basis.usesLog, !hasLog {
      for i in 0..<count { log[i] = clean[i] == 0 ? 0 : Basis.signedLog(clean[i]) }
      hasLog = true
    }
    switch column.basis {
    case .linear: for i in 0..<count { to[i] = Scalar((clean[i] - mean) / scale) }
    case .log1p: for i in 0..<count { to[i] = Scalar((log[i] - mean) / scale) }
    case .nonzero: for i in 0..<count { to[i] = clean[i] != 0 ? high : low }
    case .step(let knot): for i in 0..<count { to[i] = clean[i] > knot ? high : low }
    case .hinge(let knot):
      for i in 0..<count {
        to[i] = Scalar(((clean[i] > knot ? clean[i] - knot : 0) - mean) / scale)
      }
    case .logHinge(let knot):
      for i in 0..<count { to[i] = Scalar(((log[i] > knot ? log[i] - knot : 0) - mean) / scale) }
    case .missing:
      for i in 0..<count { to[i] = clean[i].isNaN ? high : low }
      return
    case .level(let code):
      let code = Double(code)
      for i in 0..<count { to[i] = clean[i] == code ? high : low }
      return
    case .pooled(let codes):
      for i in 0..<count { to[i] = codes.contains { clean[i] == Double($0) } ? high : low }
      return
    }
    if hasMissing {
      for i in 0..<count where clean[i].isNaN { to[i] = 0 }
    }
  }
}
