import COpenBLAS

/// A number type of standardised columns and of the products made from them.
protocol BlockScalar: BinaryFloatingPoint, Sendable {
  /// C = A B + beta C, all column-major: A is m × k, or k × m if `transposed`.
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
    BLAS.singleThreaded
    cblas_sgemm(
      CblasColMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, Int32(m), Int32(n),
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
    BLAS.singleThreaded
    cblas_dgemm(
      CblasColMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, Int32(m), Int32(n),
      Int32(k), 1, a, Int32(aStride), b, Int32(bStride), beta, c, Int32(cStride))
  }
}
