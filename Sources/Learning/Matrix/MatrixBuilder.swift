/// A row-major matrix that grows by runs of rows up to a size known before.
package struct MatrixBuilder: ~Copyable {
  private let storage: MatrixStorage
  private let rows: Int
  private let columns: Int
  private var filled = 0

  /// Throws `noRoom` where memory could not hold it; `what` names the data.
  package init(rows: Int, columns: Int, for what: String) throws(LearningError) {
    try PhysicalMemory.check(8 * rows * columns, for: what)
    self.rows = rows
    self.columns = columns
    storage = MatrixStorage(uninitialized: rows * columns)
  }

  /// Appends rows of `width` values each, of which the first `columns` count. O(values).
  package mutating func append(_ values: [Double], width: Int) {
    guard width > 0, columns > 0 else { return }
    let count = values.count / width
    precondition(width >= columns && values.count == count * width && filled + count <= rows)
    values.withUnsafeBufferPointer { source in
      guard let from = source.baseAddress, let to = storage.mutableValues.baseAddress else {
        return
      }
      if width == columns {
        (to + filled * columns).update(from: from, count: values.count)
      } else {
        for row in 0..<count {
          (to + (filled + row) * columns).update(from: from + row * width, count: columns)
        }
      }
    }
    filled += count
  }

  /// The matrix, all of whose rows must have been appended.
  package consuming func finish() -> Matrix {
    precondition(filled == rows || columns == 0)
    return Matrix(rows: rows, columns: columns, order: .rowMajor, storage: storage)
  }
}
