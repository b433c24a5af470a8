/// A whole CSV file in memory as cells of bytes, plain or gzip. Every row must have as many
/// fields as the header.
package struct CSVTable: Sendable {
  package let path: String
  package let header: [String]
  private var bytes: [UInt8] = []
  /// The end of each cell in `bytes`, row by row.
  private var ends: [UInt32] = []
  private var lines: [Int] = []

  package var rowCount: Int { lines.count }

  /// Throws `inputMissing` when the file cannot be read and `dataContract`, with file and line,
  /// when it is no CSV of that shape. O(bytes).
  package init(path: String, chunkBytes: Int = 1 << 20) throws(HistoriesError) {
    self.path = path
    header = try Header.read(from: path, chunkBytes: chunkBytes).names
    let columns = header.count
    _ = try forEachRow(of: .file(path), columns: columns, chunkBytes: chunkBytes) {
      (row) throws(HistoriesError) in
      if let problem = row.problem {
        throw .dataContract("\(path), line \(row.line): \(problem.text)")
      }
      for field in row.fields {
        bytes.append(contentsOf: field.bytes)
        ends.append(UInt32(truncatingIfNeeded: bytes.count))
      }
      guard bytes.count <= Int(UInt32.max) else {
        throw .dataContract("\(path) is larger than 4 GiB: split it")
      }
      lines.append(row.line)
    }
    // Numbers are read eight bytes a step.
    bytes.append(contentsOf: repeatElement(0, count: 8))
  }

  /// The place of a column; throws with the nearest name. `key` says what it is wanted for.
  package func column(_ name: String, for key: String) throws(HistoriesError) -> Int {
    if let place = header.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) { return place }
    let nearest = nearestName(to: name, among: header)
    throw .dataContract(
      "\(path), line 1: no column \"\(name)\" (for \(key))"
        + (nearest.map { ": did you mean \"\($0)\"?" } ?? ".")
        + " It has: \(header.joined(separator: ", "))")
  }

  /// The line of the file on which a row starts, from 1.
  package func line(_ row: Int) -> Int { lines[row] }

  /// A cell's bytes, unquoted; rows from 0.
  package func cell(_ row: Int, _ column: Int) -> ArraySlice<UInt8> {
    let index = row * header.count + column
    return bytes[(index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])]
  }

  /// A cell as text, nil when it is not UTF-8.
  package func text(_ row: Int, _ column: Int) -> String? {
    String(validating: cell(row, column), as: UTF8.self)
  }

  package enum Number: Equatable, Sendable {
    case number(Double)
    case empty
    /// Neither empty nor a finite decimal number.
    case invalid
  }

  /// A cell as a number, strictly and correctly rounded.
  package func number(_ row: Int, _ column: Int) -> Number {
    let cell = cell(row, column)
    if cell.isEmpty { return .empty }
    return bytes.withUnsafeBufferPointer {
      DecimalNumber(Field(start: $0.baseAddress! + cell.startIndex, count: cell.count))
        .map { .number($0.value) } ?? .invalid
    }
  }
}

/// One row as `forEachRow` hands it out; valid during the call only.
struct FileRow {
  var line: Int
  /// What keeps the row from having one field a column; `fields` is then empty.
  var problem: RowProblem?
  var fields: UnsafeBufferPointer<Field>
  var bytes: UnsafeBufferPointer<UInt8>
}

/// Reads a table row by row, in order, without its header; its bytes, on disk or of a program's output.
/// Lines are rows, from 1, where nobody has seen its lines.
func forEachRow(
  of table: ByteSource, columns: Int, chunkBytes: Int = RowChunks.defaultChunkBytes,
  _ body: (FileRow) throws(HistoriesError) -> Void
) throws(HistoriesError) -> Int {
  let chunks = try RowChunks(table, chunkBytes: chunkBytes)
  let buffer = ChunkBuffer()
  let fields = UnsafeMutablePointer<Field>.allocate(capacity: max(columns, 1))
  defer { fields.deallocate() }
  var line = 1
  var number = 0
  while try chunks.next(into: buffer) {
    var rows = RowReader(buffer, columns: columns, fields: fields)
    defer { rows.deallocate() }
    if buffer.chunk == 0 { _ = rows.next() }
    while let count = rows.next() {
      let problem: RowProblem? =
        count != columns
        ? .fields(found: count, expected: columns) : rows.malformed ? .quote : nil
      number += 1
      try body(
        FileRow(
          line: table.countsRows ? number : line + rows.rowLine, problem: problem,
          fields: UnsafeBufferPointer(start: fields, count: problem == nil ? columns : 0),
          bytes: rows.rowBytes))
    }
    line += rows.lines
  }
  return table.countsRows ? chunks.stream.consumed : chunks.stream.size
}
