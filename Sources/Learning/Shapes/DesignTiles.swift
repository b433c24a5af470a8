/// The standardised columns of all rows, in the order of the folds, tile by tile: kept if they are
/// few, else made from the source features each time that they are asked for, so that memory never
/// holds a second copy of a large table.
///
/// A tile is column-major. `@unchecked Sendable`: `kept` is written only while it is made, disjoint
/// tiles by several threads.
final class DesignTiles<Scalar: BlockScalar>: @unchecked Sendable {
  let design: Design
  let rows: FoldedRows
  private let raw: Matrix
  private let kept: UnsafeMutablePointer<Scalar>?

  var columns: Int { design.width }

  /// `mostKept`: the bytes of columns above which they are not kept; never changes a bit.
  init(_ design: Design, _ raw: Matrix, _ rows: FoldedRows, mostKept: Int, threads: Int) {
    self.design = design
    self.raw = raw
    self.rows = rows
    let bytes = rows.count * design.width * MemoryLayout<Scalar>.stride
    guard bytes > 0, bytes <= mostKept else {
      kept = nil
      return
    }
    kept = .allocate(capacity: rows.count * design.width)
    StripedWork.run(stripes: rows.tiles.count, threads: threads) { tile in
      guard let kept = self.kept else { return }
      write(rows.tiles[tile], into: kept + rows.tiles[tile].lowerBound * columns)
    }
  }

  deinit { kept?.deallocate() }

  private func write(_ range: Range<Int>, into target: UnsafeMutablePointer<Scalar>) {
    rows.order.withUnsafeBufferPointer { order in
      design.write(
        raw, rows: range.count, row: { order[range.lowerBound + $0] }, into: target, rowStride: 1,
        columnStride: range.count)
    }
  }

  /// Hands out tiles to one thread.
  func reader() -> Reader { Reader(self) }

  struct Reader: ~Copyable {
    private let tiles: DesignTiles
    private let scratch: UnsafeMutablePointer<Scalar>?

    fileprivate init(_ tiles: DesignTiles) {
      self.tiles = tiles
      scratch =
        tiles.kept == nil
        ? .allocate(capacity: max(1, FoldedRows.tile * tiles.columns)) : nil
    }

    deinit { scratch?.deallocate() }

    /// The tile's values, column after column, as many in each as the tile has rows; valid until the
    /// next call.
    func read(_ tile: Int) -> UnsafePointer<Scalar> {
      let range = tiles.rows.tiles[tile]
      if let kept = tiles.kept { return UnsafePointer(kept + range.lowerBound * tiles.columns) }
      guard let scratch else { preconditionFailure("a reader of tiles that are not kept") }
      tiles.write(range, into: scratch)
      return UnsafePointer(scratch)
    }
  }
}
