import COpenBLAS

/// The Cholesky factor of a symmetric positive definite matrix in float32: A = L L'. O(n³/3) to make.
struct FloatCholesky: Sendable {
  let size: Int
  /// L, column-major, lower triangle.
  private let factor: ScratchBlock<Float>

  /// Factors the lower triangle (column-major) of `matrix` where it stands; nil if it is not positive
  /// definite beyond rounding.
  init?(_ matrix: ScratchBlock<Float>, size: Int) {
    BLAS.singleThreaded
    self.size = size
    factor = matrix
    var n = Int32(size)
    var info: Int32 = 0
    var uplo = CChar(UInt8(ascii: "L"))
    spotrf_(&uplo, &n, matrix.values, &n, &info)
    guard info == 0 else { return nil }
  }

  /// x with A x = b. O(size²).
  func solve(_ b: [Double]) -> [Double] {
    precondition(b.count == size)
    // Far from 1, float32 would underflow.
    let largest = b.reduce(0) { max($0, abs($1)) }
    guard largest > 0, largest.isFinite else { return b }
    var x = b.map { Float($0 / largest) }
    let n = Int32(size)
    x.withUnsafeMutableBufferPointer { x in
      for transposed in [CblasNoTrans, CblasTrans] {
        cblas_strsv(
          CblasColMajor, CblasLower, transposed, CblasNonUnit, n, factor.values, n, x.baseAddress, 1
        )
      }
    }
    return x.map { Double($0) * largest }
  }
}
