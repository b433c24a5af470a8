import COpenBLAS

extension BLAS {
  /// H += X B for several B at once, `count` values a row lying together: `b` is `count` × columns
  /// and `h` `count` × rows, both column-major.
  static func accumulate(
    rows: Rows, times b: UnsafePointer<Double>, count: Int, into h: UnsafeMutablePointer<Double>
  ) {
    if count == 1 { return accumulate(rows: rows, times: b, into: h) }
    _ = coreName  // OpenBLAS on one thread before its first call
    cblas_dgemm(
      CblasColMajor, CblasNoTrans, rows.order == .rowMajor ? CblasNoTrans : CblasTrans,
      Int32(count), Int32(rows.count), Int32(rows.columns), 1, b, Int32(count), rows.start,
      rows.stride, 1, h, Int32(count))
  }

  /// G += X' R, `r` being `count` × rows, column-major. `g` is columns × `count`, column-major,
  /// where X is row-major, and `count` × columns where it is column-major: what is faster.
  static func accumulate(
    transposed rows: Rows, times r: UnsafePointer<Double>, count: Int,
    into g: UnsafeMutablePointer<Double>
  ) {
    if count == 1 { return accumulate(transposed: rows, times: r, into: g) }
    _ = coreName
    if rows.order == .rowMajor {
      cblas_dgemm(
        CblasColMajor, CblasNoTrans, CblasTrans, Int32(rows.columns), Int32(count),
        Int32(rows.count), 1, rows.start, rows.stride, r, Int32(count), 1, g,
        Int32(rows.columns))
    } else {
      cblas_dgemm(
        CblasColMajor, CblasNoTrans, CblasNoTrans, Int32(count), Int32(rows.columns),
        Int32(rows.count), 1, r, Int32(count), rows.start, rows.stride, 1, g, Int32(count))
    }
  }
}
