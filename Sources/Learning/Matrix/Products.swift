import COpenBLAS

extension Matrix {
  /// What `linearPredictors` gives but for rounding, each row summed by itself, column after column:
  /// a row's bits do not depend on the rows beside it, as those of the BLAS kernels do, so that an
  /// account's score does not change with its neighbours. O(rows × columns).
  package func predictorsRowByRow(coefficients: [Double], intercept: Double, threads: Int)
    -> [Double]
  {
    precondition(coefficients.count == columns)
    let result = MatrixStorage(uninitialized: rows)
    let stripes = StripedWork.bounds(of: rows, unit: 256)
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      let target = result.mutableValues
      for row in stripes[stripe] {
        var sum = intercept
        for column in 0..<columns { sum += coefficients[column] * self[row, column] }
        target[row] = sum
      }
    }
    return result.copied()
  }

  /// X Bᵀ: rows × rows of `other`, row-major, one matrix product a stripe of rows.
  /// Throws `sizeMismatch` unless both have as many columns. O(rows × other rows × columns).
  package func times(transposeOf other: Matrix, threads: Int) throws(LearningError) -> Matrix {
    guard columns == other.columns else {
      throw .sizeMismatch(
        what: "columns of the other matrix", expected: columns, got: other.columns)
    }
    precondition(order == .rowMajor && other.order == .rowMajor)
    let result = MatrixStorage(zeros: rows * other.rows)
    let stripes = StripedWork.bounds(of: rows, unit: 256)
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      guard let a = values.baseAddress, let b = other.values.baseAddress,
        let c = result.mutableValues.baseAddress
      else { return }
      let range = stripes[stripe]
      BLAS.multiply(
        a + range.lowerBound * columns, rows: range.count, transposed: b, count: other.rows,
        columns: columns, into: c + range.lowerBound * other.rows)
    }
    return Matrix(rows: rows, columns: other.rows, order: .rowMajor, storage: result)
  }

  /// [x, 1] V [x, 1]ᵀ of every row, V being (columns + 1)² and symmetric, the intercept last: the
  /// variance of its linear predictor. Throws `sizeMismatch`. O(rows × columns²).
  package func predictorVariances(_ covariance: Matrix, threads: Int) throws(LearningError)
    -> [Double]
  {
    guard covariance.rows == columns + 1, covariance.columns == columns + 1 else {
      throw .sizeMismatch(
        what: "size of the covariance", expected: columns + 1, got: covariance.rows)
    }
    let rows = CenteredRows(
      self, center: [Double](repeating: 0, count: columns),
      scale: [Double](repeating: 1, count: columns))
    return rows.quadraticForms(Array(covariance.values), rows: 0..<rows.rows, threads: threads)
  }

  /// ‖x_i − y_j‖² for every pair of rows, by one product: ‖x‖² + ‖y‖² − 2 x·y, at least 0.
  /// Throws `sizeMismatch`. O(rows × other rows × columns).
  package func squaredDistances(to other: Matrix, threads: Int) throws(LearningError) -> Matrix {
    let products = try times(transposeOf: other, threads: threads)
    let (ours, theirs) = (squaredNorms(), other.squaredNorms())
    return Matrix(rows: rows, columns: other.rows) { span in
      for i in 0..<rows {
        for j in 0..<other.rows {
          span[i * other.rows + j] = max(0, ours[i] + theirs[j] - 2 * products[i, j])
        }
      }
    }
  }

  private func squaredNorms() -> [Double] {
    (0..<rows).map { row in
      (0..<columns).reduce(0) { $0 + self[row, $1] * self[row, $1] }
    }
  }

  /// Every column times its factor, row-major. O(rows × columns).
  package func scalingColumns(by factors: [Double]) -> Matrix {
    precondition(factors.count == columns)
    return Matrix(rows: rows, columns: columns) { span in
      for row in 0..<rows {
        for column in 0..<columns {
          span[row * columns + column] = self[row, column] * factors[column]
        }
      }
    }
  }

  /// The sum of every column, in row order. O(rows × columns).
  package func columnSums() -> [Double] {
    var sums = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns { sums[column] += self[row, column] }
    }
    return sums
  }
}

extension BLAS {
  /// C = A Bᵀ, all row-major without gaps: A `rows` × `columns`, B `count` × `columns`.
  static func multiply(
    _ a: UnsafePointer<Double>, rows: Int, transposed b: UnsafePointer<Double>, count: Int,
    columns: Int, into c: UnsafeMutablePointer<Double>
  ) {
    guard rows > 0, count > 0, columns > 0 else { return }
    _ = coreName  // OpenBLAS on one thread before its first call
    cblas_dgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(count), Int32(columns), 1, a,
      Int32(columns), b, Int32(columns), 0, c, Int32(count))
  }
}

/// The kind of processor whose kernels OpenBLAS uses: bits are equal on one kind only.
package func openBLASCoreName() -> String { BLAS.coreName }
