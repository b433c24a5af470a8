/// Which rows of a matrix take part: all, or one block of 32 in every so many, by stride and not by
/// first rows.
struct RowSample: Sendable {
  private static let block = 32
  /// 1: all rows.
  let every: Int

  static let all = RowSample(every: 1)

  /// How many of `rows` rows take part; whole blocks only, unless all do.
  func count(of rows: Int) -> Int {
    every == 1 ? rows : rows / (Self.block * every) * Self.block
  }

  /// The row of the matrix that is the i-th to take part.
  @inline(__always)
  func row(_ i: Int) -> Int {
    every == 1 ? i : i / Self.block * (Self.block * every) + i % Self.block
  }

  /// Calls `body` with every run of rows that lie together: the first one's place among those that
  /// take part and in the matrix, and their number.
  @inline(__always)
  func forEachRun(_ range: Range<Int>, _ body: (_ place: Int, _ row: Int, _ count: Int) -> Void) {
    guard every > 1 else { return body(range.lowerBound, range.lowerBound, range.count) }
    var place = range.lowerBound
    while place < range.upperBound {
      let end = min((place / Self.block + 1) * Self.block, range.upperBound)
      body(place, row(place), end - place)
      place = end
    }
  }

  /// The values, one a row of the matrix, of the rows that take part.
  func copy(_ values: [Double], _ range: Range<Int>, to target: UnsafeMutablePointer<Double>) {
    values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      forEachRun(range) { place, row, count in
        (target + (place - range.lowerBound)).update(from: base + row, count: count)
      }
    }
  }
}

/// Hands out a matrix tile by tile: where it lies if it can be used as it is, else from scratch, rows
/// gathered and columns centred there. Never more than one tile is copied at a time.
struct TileReader: ~Copyable {
  private let x: Matrix
  private let sample: RowSample
  private let tile: Int
  private let minus: [Double]?
  private let scratch: UnsafeMutablePointer<Double>?

  /// `minus`: what is subtracted from each column's values.
  init(_ x: Matrix, _ sample: RowSample, tile: Int, minus: [Double]?) {
    self.x = x
    self.sample = sample
    self.tile = tile
    self.minus = minus
    let isDirect = sample.every == 1 && minus == nil
    scratch = isDirect || x.columns == 0 ? nil : .allocate(capacity: tile * x.columns)
  }

  deinit { scratch?.deallocate() }

  /// Whether tiles are read where they lie.
  var isDirect: Bool { scratch == nil }

  /// The rows, at most a tile of them; valid until the next call. Nil without rows or columns.
  func read(_ rows: Range<Int>) -> BLAS.Rows? {
    guard let scratch else { return BLAS.Rows(x, rows) }
    guard let base = x.values.baseAddress, !rows.isEmpty else { return nil }
    precondition(rows.count <= tile)
    let columns = x.columns
    sample.forEachRun(rows) { place, row, count in
      precondition(row + count <= x.rows)
      let first = place - rows.lowerBound
      if x.order == .rowMajor {
        (scratch + first * columns).update(from: base + row * columns, count: count * columns)
      } else {
        for j in 0..<columns {
          (scratch + j * tile + first).update(from: base + j * x.rows + row, count: count)
        }
      }
    }
    if let minus { subtract(minus, rows.count, scratch) }
    return BLAS.Rows(
      start: UnsafePointer(scratch), count: rows.count, columns: columns, order: x.order,
      stride: Int32(x.order == .rowMajor ? columns : tile))
  }

  private func subtract(_ minus: [Double], _ count: Int, _ scratch: UnsafeMutablePointer<Double>) {
    let columns = x.columns
    minus.withUnsafeBufferPointer { minus in
      if x.order == .rowMajor {
        for i in 0..<count {
          for j in 0..<columns { scratch[i * columns + j] -= minus[j] }
        }
      } else {
        for j in 0..<columns {
          for i in 0..<count { scratch[j * tile + i] -= minus[j] }
        }
      }
    }
  }
}
