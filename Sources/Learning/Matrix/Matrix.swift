/// A dense rows × columns matrix of float64 values that never change.
///
/// Values lie in one block, row after row or column after column, owned or mapped from a file
/// (`NPYFile`). Copies share the block. A mapped file must not be cut short while the matrix lives.
package struct Matrix: Sendable {
  /// How the values follow each other in memory.
  package enum Order: String, Sendable, Codable {
    case rowMajor, columnMajor
  }

  package let rows: Int
  package let columns: Int
  package let order: Order
  var storage: MatrixStorage

  /// The matrix of `elements`, which follow each other in `order`.
  ///
  /// Throws `LearningError.sizeMismatch` unless there are rows × columns of them. O(rows × columns).
  package init(
    rows: Int, columns: Int, order: Order = .rowMajor, elements: [Double]
  ) throws(LearningError) {
    guard elements.count == rows * columns else {
      throw .sizeMismatch(
        what: "elements of a \(rows) × \(columns) matrix", expected: rows * columns,
        got: elements.count)
    }
    let storage = MatrixStorage(uninitialized: elements.count)
    _ = storage.mutableValues.initialize(from: elements)
    self.init(rows: rows, columns: columns, order: order, storage: storage)
  }

  /// The matrix whose values `fill` writes into the given span (zeros before). O(rows × columns).
  package init(
    rows: Int, columns: Int, order: Order = .rowMajor, fill: (inout MutableSpan<Double>) -> Void
  ) {
    let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: rows * columns)
    buffer.initialize(repeating: 0)
    var span = buffer.mutableSpan
    fill(&span)
    self.init(
      rows: rows, columns: columns, order: order, storage: MatrixStorage(owning: buffer))
  }

  init(rows: Int, columns: Int, order: Order, storage: MatrixStorage) {
    precondition(rows >= 0 && columns >= 0 && storage.values.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.order = order
    self.storage = storage
  }

  /// A matrix of zeros.
  package static func zeros(rows: Int, columns: Int, order: Order = .rowMajor) -> Matrix {
    Matrix(rows: rows, columns: columns, order: order) { _ in }
  }

  /// Distance in memory between a row and the next.
  var rowStride: Int { order == .rowMajor ? columns : 1 }
  /// Distance in memory between a column and the next.
  var columnStride: Int { order == .rowMajor ? 1 : rows }
  /// The values; alive as long as the matrix is.
  var values: UnsafeBufferPointer<Double> { storage.values }

  /// The value at a row and a column, counted from 0.
  package subscript(row: Int, column: Int) -> Double {
    precondition(row >= 0 && row < rows && column >= 0 && column < columns)
    return storage.values[row * rowStride + column * columnStride]
  }

  /// One row's values in column order. O(columns).
  package func row(_ row: Int) -> [Double] {
    (0..<columns).map { self[row, $0] }
  }

  /// One column's values in row order. O(rows).
  package func column(_ column: Int) -> [Double] {
    (0..<rows).map { self[$0, column] }
  }

  /// The named rows in the named order (repeats allowed), row-major. O(selected × columns).
  package func selecting(rows selected: [Int]) -> Matrix {
    Matrix(gathering: selected.count, from: self, threads: 1) { selected[$0] }
  }

  /// The named columns in the named order, in this matrix's order. O(rows × selected).
  package func selecting(columns selected: [Int]) -> Matrix {
    let result = MatrixStorage(zeros: rows * selected.count)
    let target = result.mutableValues
    for row in 0..<rows {
      for (k, column) in selected.enumerated() {
        target[order == .rowMajor ? row * selected.count + k : k * rows + row] = self[row, column]
      }
    }
    return Matrix(rows: rows, columns: selected.count, order: order, storage: result)
  }

  /// Gathers `count` rows of `source`, the i-th being `row(i)`, row-major, on several threads.
  init(gathering count: Int, from source: Matrix, threads: Int, row: @Sendable (Int) -> Int) {
    let columns = source.columns
    let rowStride = source.rowStride
    let columnStride = source.columnStride
    let storage = MatrixStorage(uninitialized: count * columns)
    let stripes = StripedWork.bounds(of: count, unit: 256)
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      let target = storage.mutableValues.baseAddress
      let from = source.values.baseAddress
      guard let target, let from else { return }
      let range = stripes[stripe]
      if columnStride == 1 {
        for i in range {
          let index = row(i)
          precondition(index >= 0 && index < source.rows)
          (target + i * columns).update(from: from + index * rowStride, count: columns)
        }
      } else {
        // By blocks of rows, so that the rows written stay in cache while columns are walked.
        var start = range.lowerBound
        while start < range.upperBound {
          let block = start..<min(start + 64, range.upperBound)
          for j in 0..<columns {
            let column = from + j * columnStride
            for i in block {
              let index = row(i)
              precondition(index >= 0 && index < source.rows)
              target[i * columns + j] = column[index * rowStride]
            }
          }
          start = block.upperBound
        }
      }
    }
    self.init(rows: count, columns: columns, order: .rowMajor, storage: storage)
  }
}

/// The block of values behind a `Matrix`.
///
/// `@unchecked Sendable`: written only while one owner builds it (disjoint parts by several threads),
/// never after a `Matrix` holds it.
final class MatrixStorage: @unchecked Sendable {
  let values: UnsafeBufferPointer<Double>
  /// Whether the values are in memory of its own, not in a file.
  let isOwned: Bool
  private let release: () -> Void

  init(
    values: UnsafeBufferPointer<Double>, isOwned: Bool = false, release: @escaping () -> Void
  ) {
    self.values = values
    self.isOwned = isOwned
    self.release = release
  }

  convenience init(owning buffer: UnsafeMutableBufferPointer<Double>) {
    self.init(values: UnsafeBufferPointer(buffer), isOwned: true) { buffer.deallocate() }
  }

  /// The first `count` values of a block, which nobody else may use any more.
  convenience init(first count: Int, of storage: MatrixStorage) {
    self.init(
      values: UnsafeBufferPointer(rebasing: storage.values[..<count]), isOwned: storage.isOwned
    ) { withExtendedLifetime(storage) {} }
  }

  convenience init(zeros count: Int) {
    let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: count)
    buffer.initialize(repeating: 0)
    self.init(owning: buffer)
  }

  /// For one who then writes every value.
  convenience init(uninitialized count: Int) {
    self.init(owning: UnsafeMutableBufferPointer<Double>.allocate(capacity: count))
  }

  /// For the one who builds an owned block.
  var mutableValues: UnsafeMutableBufferPointer<Double> {
    UnsafeMutableBufferPointer(mutating: values)
  }

  /// The values in an array; the block lives until they are copied, which a mere `Array(values)` at
  /// its last use would not see to.
  func copied() -> [Double] { withExtendedLifetime(self) { Array(values) } }

  deinit { release() }
}
