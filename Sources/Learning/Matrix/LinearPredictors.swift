import COpenBLAS

extension Matrix {
  /// X b + intercept for every row. Bits as those of `predict`. O(rows × columns).
  package func linearPredictors(
    coefficients: [Double], intercept: Double, threads: Int
  ) -> [Double] {
    let kernel = PredictorKernel(self, coefficients, intercept)
    let stripes = StripedWork.bounds(of: rows, unit: PredictorKernel.tile)
    return [Double](unsafeUninitializedCapacity: rows) { buffer, count in
      count = rows
      // Stripes write to places of their own.
      nonisolated(unsafe) let target = buffer
      StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
        kernel.run(stripes[stripe]) { row, count, eta in
          _ = UnsafeMutableBufferPointer(rebasing: target[row..<(row + count)])
            .update(from: UnsafeBufferPointer(start: eta, count: count))
        }
      }
    }
  }
}

extension LogisticFit {
  /// Probability and logit of the rows `range`, in turn: 2 × rows values.
  ///
  /// One pass: each value of the matrix is read once, and only where a row's logit is not finite is
  /// the reason looked for. Each row is summed by itself in a fixed order, so that its bits depend
  /// neither on its neighbours nor on the threads. Floor: 8 × columns bytes a row from memory.
  /// Throws `sizeMismatch`, `nonFiniteInput`. O(rows × columns).
  package func predict(
    _ x: Matrix, rows range: Range<Int>, threads: Int
  ) throws(LearningError) -> [Double] {
    guard x.columns == coefficients.count else {
      throw .sizeMismatch(
        what: "columns of the matrix", expected: coefficients.count, got: x.columns)
    }
    precondition(range.lowerBound >= 0 && range.upperBound <= x.rows)
    let kernel = PredictorKernel(x, coefficients, intercept)
    let stripes = StripedWork.bounds(of: range.count, unit: PredictorKernel.tile)
    var isFinite = true
    let pairs = [Double](unsafeUninitializedCapacity: 2 * range.count) { buffer, count in
      count = 2 * range.count
      // Stripes write to places of their own.
      nonisolated(unsafe) let target = buffer
      let finite = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
        let part = UnsafeMutableBufferPointer(
          rebasing: target[(2 * stripes[stripe].lowerBound)..<(2 * stripes[stripe].upperBound)])
        let from = range.lowerBound + stripes[stripe].lowerBound
        return kernel.predict(from..<(from + stripes[stripe].count), into: part)
      }
      isFinite = finite.allSatisfy(\.self)
    }
    guard isFinite else { throw x.firstNonFinite(in: range) }
    return pairs
  }
}

/// Sums of rows times coefficients, tile by tile.
///
/// Row-major rows are summed in eight lanes, then the lanes in order; column-major ones column after
/// column. Unsafe code with a safe face: pointers stay inside the matrix, which lives as long.
private struct PredictorKernel: Sendable {
  /// Rows in a tile: its predictors stay in the first-level cache.
  static let tile = 1024
  /// Whether the processor has the registers that `row_sums` and `sigmoid_pairs` are written for; the
  /// bits are the same.
  private static let isWide = has_wide_registers() != 0
  private typealias Lanes = SIMD8<Double>

  private let x: Matrix
  private let coefficients: [Double]
  private let intercept: Double

  init(_ x: Matrix, _ coefficients: [Double], _ intercept: Double) {
    precondition(coefficients.count == x.columns)
    self.x = x
    self.coefficients = coefficients
    self.intercept = intercept
  }

  /// Calls `body` with the first row of each tile, how many there are, and their predictors.
  func run(_ range: Range<Int>, _ body: (Int, Int, UnsafePointer<Double>) -> Void) {
    let eta = UnsafeMutablePointer<Double>.allocate(capacity: Self.tile + 1)
    eta.initialize(repeating: intercept, count: Self.tile + 1)
    defer { eta.deallocate() }
    coefficients.withUnsafeBufferPointer { b in
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.tile) {
        let count = min(Self.tile, range.upperBound - start)
        if let b = b.baseAddress, let values = x.values.baseAddress {
          if x.order == .rowMajor {
            rows(values + start * x.columns, count, b, eta)
          } else {
            columns(values + start, count, b, eta)
          }
        }
        body(start, count, eta)
      }
    }
  }

  /// Writes probability and logit of each row in turn; whether all logits are finite.
  func predict(_ range: Range<Int>, into pairs: UnsafeMutableBufferPointer<Double>) -> Bool {
    precondition(pairs.count == 2 * range.count)
    guard let target = pairs.baseAddress else { return true }
    var checks = SIMD2<Double>(repeating: 0)
    var isFinite = true
    run(range) { row, count, eta in
      if Self.isWide {
        let finite = sigmoid_pairs(eta, count, target + 2 * (row - range.lowerBound)) != 0
        isFinite = isFinite && finite
        return
      }
      for i in stride(from: 0, to: count, by: 2) {
        // The tile has room for one more.
        let logits = UnsafeRawPointer(eta + i).loadUnaligned(as: SIMD2<Double>.self)
        let probabilities = SigmoidKernel.sigmoid(logits)
        let place = target + 2 * (row - range.lowerBound + i)
        place[0] = probabilities[0]
        place[1] = logits[0]
        checks[0] += logits[0] * 0
        guard i + 1 < count else { break }
        place[2] = probabilities[1]
        place[3] = logits[1]
        checks[1] += logits[1] * 0
      }
    }
    return isFinite && checks == SIMD2(repeating: 0)
  }

  @inline(__always)
  private func rows(
    _ values: UnsafePointer<Double>, _ count: Int, _ b: UnsafePointer<Double>,
    _ eta: UnsafeMutablePointer<Double>
  ) {
    let p = x.columns
    if Self.isWide { return row_sums(values, count, p, b, intercept, eta) }
    let whole = p & ~7
    for i in 0..<count {
      let row = values + i * p
      var sums = Lanes(repeating: 0)
      for j in stride(from: 0, to: whole, by: 8) {
        sums +=
          UnsafeRawPointer(row + j).loadUnaligned(as: Lanes.self)
          * UnsafeRawPointer(b + j).loadUnaligned(as: Lanes.self)
      }
      var rest = intercept
      for j in whole..<p { rest += row[j] * b[j] }
      let half = sums.lowHalf + sums.highHalf
      let quarter = half.lowHalf + half.highHalf
      eta[i] = rest + (quarter[0] + quarter[1])
    }
  }

  private func columns(
    _ values: UnsafePointer<Double>, _ count: Int, _ b: UnsafePointer<Double>,
    _ eta: UnsafeMutablePointer<Double>
  ) {
    eta.update(repeating: intercept, count: count)
    let whole = count & ~7
    for j in 0..<x.columns {
      let column = values + j * x.rows
      let factor = b[j]
      for i in stride(from: 0, to: whole, by: 8) {
        let place = UnsafeMutableRawPointer(eta + i)
        let sums =
          place.loadUnaligned(as: Lanes.self)
          + UnsafeRawPointer(column + i).loadUnaligned(as: Lanes.self) * factor
        place.storeBytes(of: sums, as: Lanes.self)
      }
      for i in whole..<count { eta[i] += column[i] * factor }
    }
  }
}
