import COpenBLAS

/// A number type of a block of columns and of the products made from it.
protocol BlockScalar: BinaryFloatingPoint, Sendable {
  /// C = A B + beta C, all row-major: A is m × k, or k × m if `transposed`.
  static func multiply(
    _ a: UnsafePointer<Self>, _ aStride: Int, transposed: Bool, _ b: UnsafePointer<Self>,
    _ bStride: Int, beta: Self, into c: UnsafeMutablePointer<Self>, _ cStride: Int, m: Int,
    n: Int, k: Int)
}

extension Float: BlockScalar {
  static func multiply(
    _ a: UnsafePointer<Float>, _ aStride: Int, transposed: Bool, _ b: UnsafePointer<Float>,
    _ bStride: Int, beta: Float, into c: UnsafeMutablePointer<Float>, _ cStride: Int, m: Int,
    n: Int, k: Int
  ) {
    guard m > 0, n > 0, k > 0 else { return }
    _ = BLAS.coreName  // OpenBLAS on one thread before its first call
    cblas_sgemm(
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, Int32(m), Int32(n),
      Int32(k), 1, a, Int32(aStride), b, Int32(bStride), beta, c, Int32(cStride))
  }
}

extension Double: BlockScalar {
  static func multiply(
    _ a: UnsafePointer<Double>, _ aStride: Int, transposed: Bool, _ b: UnsafePointer<Double>,
    _ bStride: Int, beta: Double, into c: UnsafeMutablePointer<Double>, _ cStride: Int, m: Int,
    n: Int, k: Int
  ) {
    guard m > 0, n > 0, k > 0 else { return }
    _ = BLAS.coreName
    cblas_dgemm(
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, Int32(m), Int32(n),
      Int32(k), 1, a, Int32(aStride), b, Int32(bStride), beta, c, Int32(cStride))
  }
}

/// Standardised columns of all rows, row-major.
///
/// `@unchecked Sendable`: written only while it is made, disjoint rows by several threads.
final class ColumnBlock<Scalar: BlockScalar>: @unchecked Sendable {
  let rows: Int
  let columns: Int
  let values: UnsafeMutablePointer<Scalar>

  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    values = .allocate(capacity: max(1, rows * columns))
  }

  deinit { values.deallocate() }

  /// The columns of a design, its i-th row being row `order[i]` of `x`. O(rows × columns).
  convenience init(_ design: Design, _ x: Matrix, order: [Int], threads: Int) {
    self.init(rows: order.count, columns: design.width)
    let stripes = StripedWork.bounds(of: rows, unit: 256)
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      let range = stripes[stripe]
      design.write(
        x, rows: range.count, row: { order[range.lowerBound + $0] },
        into: values + range.lowerBound * columns, stride: columns)
    }
  }
}
