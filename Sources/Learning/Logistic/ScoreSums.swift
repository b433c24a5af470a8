import COpenBLAS

/// Which rows belong together, such as the rows of one customer: sums over a cluster run over its
/// rows in row order, clusters follow in the order of their codes.
struct Clusters: Sendable {
  /// Rows, cluster after cluster.
  private let order: [Int32]
  /// Where in `order` each cluster begins, and the end.
  private let starts: [Int32]

  var count: Int { starts.count - 1 }

  /// `codes`: any whole number a row; equal ones are one cluster. O(rows log rows), or O(rows) where
  /// codes do not fall; 8 bytes a row.
  init(_ codes: [Int], rows: Int) throws(LearningError) {
    guard codes.count == rows else {
      throw .sizeMismatch(what: "groups", expected: rows, got: codes.count)
    }
    var order = (0..<Int32(rows)).map { $0 }
    if zip(codes, codes.dropFirst()).contains(where: { $0 > $1 }) {
      order.sort { (codes[Int($0)], $0) < (codes[Int($1)], $1) }
    }
    var starts: [Int32] = []
    for i in 0..<rows where i == 0 || codes[Int(order[i])] != codes[Int(order[i - 1])] {
      starts.append(Int32(i))
    }
    starts.append(Int32(rows))
    self.order = order
    self.starts = starts
  }

  /// The rows of one cluster.
  func rows(_ cluster: Int) -> ArraySlice<Int32> {
    order[Int(starts[cluster])..<Int(starts[cluster + 1])]
  }
}

/// Rows as z = (x − center) / scale with a 1 last.
struct CenteredRows: Sendable {
  private let x: Matrix
  private let center: [Double]
  private let inverseScale: [Double]

  /// Values of one row of z.
  var width: Int { center.count + 1 }
  var rows: Int { x.rows }

  init(_ x: Matrix, center: [Double], scale: [Double]) {
    precondition(center.count == x.columns && scale.count == x.columns)
    self.x = x
    self.center = center
    inverseScale = scale.map { 1 / $0 }
  }

  /// Rows of z in a tile: about 400 KB.
  var tile: Int { max(32, min(512, 51_200 / width / 8 * 8)) }

  /// Adds `factor` z of a row to `sums`.
  @inline(__always)
  func add(_ row: Int, times factor: Double, to sums: UnsafeMutablePointer<Double>) {
    let from = x.values.baseAddress! + row * x.rowStride
    let stride = x.columnStride
    let p = center.count
    center.withUnsafeBufferPointer { center in
      inverseScale.withUnsafeBufferPointer { inverse in
        if stride == 1 {
          for j in 0..<p { sums[j] += (from[j] - center[j]) * inverse[j] * factor }
        } else {
          for j in 0..<p { sums[j] += (from[j * stride] - center[j]) * inverse[j] * factor }
        }
      }
    }
    sums[p] += factor
  }

  /// Writes z of some rows, row after row.
  func write(_ rows: Range<Int>, to z: UnsafeMutablePointer<Double>) {
    z.update(repeating: 0, count: rows.count * width)
    for (i, row) in rows.enumerated() { add(row, times: 1, to: z + i * width) }
  }

  /// A tile (row-major, `width` values an item), its items, and the sums to add to.
  typealias TileBody =
    @Sendable (
      UnsafeMutablePointer<Double>, Range<Int>, UnsafeMutablePointer<Double>
    ) -> Void

  /// The sum, in a fixed order, of what `body` adds to an array of `size` zeros for every tile of
  /// `count` items that `fill` has written; behind the tile lie `spare` values for the body's use.
  ///
  /// As many arrays are held as fit 64 MB, 4 at least, whatever the threads.
  func total(
    of count: Int, size: Int, spare: Int = 0, threads: Int,
    fill: @Sendable (Range<Int>, UnsafeMutablePointer<Double>) -> Void, body: TileBody
  ) -> [Double] {
    let tile = self.tile
    let stripes = StripedWork.bounds(
      of: count, unit: tile, maximum: max(4, min(64, (64 << 20) / (8 * size))))
    let parts = StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      var sums = [Double](repeating: 0, count: size)
      let z = UnsafeMutablePointer<Double>.allocate(capacity: tile * width + spare)
      defer { z.deallocate() }
      sums.withUnsafeMutableBufferPointer { sums in
        var start = stripes[stripe].lowerBound
        while start < stripes[stripe].upperBound {
          let range = start..<min(start + tile, stripes[stripe].upperBound)
          fill(range, z)
          body(z, range, sums.baseAddress!)
          start = range.upperBound
        }
      }
      return sums
    }
    var total = [Double](repeating: 0, count: size)
    for part in parts {
      for k in 0..<size { total[k] += part[k] }
    }
    return total
  }
}

/// The scores factor_i z_i of the rows, summed within clusters, a tile of clusters at a time: the
/// n × (p + 1) matrix of them is never held.
struct ScoreSums: Sendable {
  let rows: CenteredRows
  /// One a row: w (p − y).
  let factors: [Double]
  /// nil: every row by itself.
  let clusters: Clusters?
  let threads: Int

  var count: Int { clusters?.count ?? rows.rows }

  /// Writes the sums of some clusters, row-major, `rows.width` values each.
  func write(_ range: Range<Int>, to z: UnsafeMutablePointer<Double>) {
    let width = rows.width
    z.update(repeating: 0, count: range.count * width)
    for (i, cluster) in range.enumerated() {
      if let clusters {
        for row in clusters.rows(cluster) {
          rows.add(Int(row), times: factors[Int(row)], to: z + i * width)
        }
      } else {
        rows.add(cluster, times: factors[cluster], to: z + i * width)
      }
    }
  }

  /// Σ s s' over clusters, s being a cluster's sum: full, symmetric. O(clusters × columns²).
  func meat() -> [Double] {
    let width = rows.width
    var sums = rows.total(
      of: count, size: width * width, threads: threads, fill: write
    ) { z, range, sums in
      BLAS.addGram(z, count: range.count, columns: width, into: sums)
    }
    mirrorLower(&sums, size: width)
    return sums
  }
}

/// Copies the lower triangle (column-major) over the upper one.
func mirrorLower(_ matrix: inout [Double], size: Int) {
  for j in 0..<size {
    for i in 0..<j { matrix[j * size + i] = matrix[i * size + j] }
  }
}

extension BLAS {
  /// C += Z'Z, the lower triangle (column-major), Z being `count` × `columns`, row-major.
  static func addGram(
    _ z: UnsafePointer<Double>, count: Int, columns: Int, into c: UnsafeMutablePointer<Double>
  ) {
    _ = coreName  // OpenBLAS on one thread before its first call
    cblas_dsyrk(
      CblasColMajor, CblasLower, CblasNoTrans, Int32(columns), Int32(count), 1, z, Int32(columns),
      1, c, Int32(columns))
  }

  /// C += A' B, all row-major without gaps: A `count` × `rows`, B `count` × `columns`.
  static func addProduct(
    transposed a: UnsafePointer<Double>, rows: Int, _ b: UnsafePointer<Double>, columns: Int,
    count: Int, into c: UnsafeMutablePointer<Double>
  ) {
    _ = coreName
    cblas_dgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, Int32(rows), Int32(columns), Int32(count), 1, a,
      Int32(rows), b, Int32(columns), 1, c, Int32(columns))
  }

  /// A B of two `size` × `size` matrices, row-major, B symmetric.
  static func product(_ a: [Double], symmetric b: [Double], size: Int) -> [Double] {
    var c = [Double](repeating: 0, count: size * size)
    multiply(a, rows: size, transposed: b, count: size, columns: size, into: &c)
    return c
  }
}
