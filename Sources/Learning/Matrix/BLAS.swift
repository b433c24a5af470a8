import COpenBLAS

/// The few routines used of OpenBLAS, one wrapper each, all on one thread: the work is split into
/// stripes above (`StripedWork`), never below.
enum BLAS {
  /// Evaluated once, before the first call of any routine.
  static let singleThreaded: Void = openblas_prepare()

  /// The name of the processor kind whose kernels OpenBLAS uses, such as "Haswell": bits are equal on
  /// one kind only.
  static var coreName: String {
    _ = singleThreaded
    return String(cString: openblas_get_corename())
  }

  /// A run of a matrix's rows where they lie: `count` rows from `first`.
  struct Rows {
    let start: UnsafePointer<Double>
    let count: Int
    let columns: Int
    let order: Matrix.Order
    let stride: Int32
  }

  /// Walks over rows where they lie, asking for their cache lines a few at a time.
  struct Prefetch {
    private let start: UnsafePointer<Double>?
    /// Runs of consecutive values, and the distance between their starts.
    private let runs: Int
    private let runLength: Int
    private let stride: Int
    private var run = 0
    private var offset = 0

    init(_ rows: Rows?) {
      start = rows?.start
      let isRowMajor = rows?.order == .rowMajor
      runs = rows.map { isRowMajor ? 1 : $0.columns } ?? 0
      runLength = rows.map { isRowMajor ? $0.count * $0.columns : $0.count } ?? 0
      stride = rows.map { Int($0.stride) } ?? 0
    }

    /// Asks for the next `lines` lines of 64 bytes, as far as there are any.
    @inline(__always)
    mutating func advance(lines: Int) {
      guard let start else { return }
      for _ in 0..<lines where run < runs {
        prefetch_line(start + run * stride + offset)
        offset += 8
        if offset >= runLength {
          offset = 0
          run += 1
        }
      }
    }
  }

  /// y += X b: `b` has a value a column, `y` one a row.
  static func accumulate(
    rows: Rows, times b: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>
  ) {
    _ = singleThreaded
    // Row-major n × p is a column-major p × n.
    if rows.order == .rowMajor {
      cblas_dgemv(
        CblasColMajor, CblasTrans, Int32(rows.columns), Int32(rows.count), 1, rows.start,
        rows.stride, b, 1, 1, y, 1)
    } else {
      cblas_dgemv(
        CblasColMajor, CblasNoTrans, Int32(rows.count), Int32(rows.columns), 1, rows.start,
        rows.stride, b, 1, 1, y, 1)
    }
  }

  /// g += X' r: `r` has a value a row, `g` one a column.
  static func accumulate(
    transposed rows: Rows, times r: UnsafePointer<Double>, into g: UnsafeMutablePointer<Double>
  ) {
    _ = singleThreaded
    if rows.order == .rowMajor {
      cblas_dgemv(
        CblasColMajor, CblasNoTrans, Int32(rows.columns), Int32(rows.count), 1, rows.start,
        rows.stride, r, 1, 1, g, 1)
    } else {
      cblas_dgemv(
        CblasColMajor, CblasTrans, Int32(rows.count), Int32(rows.columns), 1, rows.start,
        rows.stride, r, 1, 1, g, 1)
    }
  }

  /// The lower triangle (column-major) of C = Z' Z, Z being `count` × `columns` in either order with
  /// leading dimension `stride`.
  static func gram(
    _ z: UnsafePointer<Float>, count: Int, columns: Int, order: Matrix.Order, stride: Int,
    into c: UnsafeMutablePointer<Float>
  ) {
    _ = singleThreaded
    cblas_ssyrk(
      CblasColMajor, CblasLower, order == .rowMajor ? CblasNoTrans : CblasTrans, Int32(columns),
      Int32(count), 1, z, Int32(stride), 0, c, Int32(columns))
  }

  /// As the float32 one.
  static func gram(
    _ z: UnsafePointer<Double>, count: Int, columns: Int, order: Matrix.Order, stride: Int,
    into c: UnsafeMutablePointer<Double>
  ) {
    _ = singleThreaded
    cblas_dsyrk(
      CblasColMajor, CblasLower, order == .rowMajor ? CblasNoTrans : CblasTrans, Int32(columns),
      Int32(count), 1, z, Int32(stride), 0, c, Int32(columns))
  }
}

extension BLAS.Rows {
  init?(_ matrix: Matrix, _ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= matrix.rows)
    guard let base = matrix.values.baseAddress, !range.isEmpty, matrix.columns > 0 else {
      return nil
    }
    start = base + range.lowerBound * matrix.rowStride
    count = range.count
    columns = matrix.columns
    order = matrix.order
    // Leading dimension: the longer stride of the two.
    stride = Int32(matrix.order == .rowMajor ? matrix.columns : matrix.rows)
  }
}

/// The Cholesky factor of a symmetric positive definite matrix: A = L L'. O(n³/3) to make.
struct Cholesky: Sendable {
  let size: Int
  /// L, column-major, lower triangle.
  private(set) var factor: [Double]
  /// The least pivot L_jj² / A_jj, and its j: what part of column j the columns before it leave
  /// unexplained. 0 where the factorisation broke down.
  private(set) var leastPivot = 1.0
  private(set) var leastPivotColumn = 0

  /// Factors the lower triangle (column-major) of a `size` × `size` matrix. Where it is not positive
  /// definite, `leastPivot` is 0 and the factor must not be used.
  init(_ matrix: [Double], size: Int) {
    precondition(matrix.count == size * size)
    _ = BLAS.singleThreaded
    self.size = size
    factor = matrix
    var n = Int32(size)
    var info: Int32 = 0
    var uplo = CChar(UInt8(ascii: "L"))
    factor.withUnsafeMutableBufferPointer { a in
      dpotrf_(&uplo, &n, a.baseAddress, &n, &info)
    }
    if info != 0 {
      leastPivot = 0
      leastPivotColumn = Int(info) - 1
      return
    }
    for j in 0..<size {
      let pivot = factor[j * size + j] * factor[j * size + j] / matrix[j * size + j]
      if pivot < leastPivot {
        leastPivot = pivot
        leastPivotColumn = j
      }
    }
  }

  /// x with A x = b. O(size²).
  func solve(_ b: [Double]) -> [Double] {
    precondition(b.count == size && leastPivot > 0)
    var x = b
    var n = Int32(size)
    var one: Int32 = 1
    var info: Int32 = 0
    var uplo = CChar(UInt8(ascii: "L"))
    factor.withUnsafeBufferPointer { a in
      x.withUnsafeMutableBufferPointer { x in
        dpotrs_(&uplo, &n, &one, a.baseAddress, &n, x.baseAddress, &n, &info)
      }
    }
    return x
  }

  /// A⁻¹, full and symmetric. O(size³).
  func inverse() -> [Double] {
    precondition(leastPivot > 0)
    var result = factor
    var n = Int32(size)
    var info: Int32 = 0
    var uplo = CChar(UInt8(ascii: "L"))
    result.withUnsafeMutableBufferPointer { a in
      dpotri_(&uplo, &n, a.baseAddress, &n, &info)
    }
    for j in 0..<size {
      for i in 0..<j { result[j * size + i] = result[i * size + j] }
    }
    return result
  }
}
