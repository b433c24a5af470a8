/// A cell wanted of every row.
package struct WantedCell: Sendable {
  package enum Kind: Sendable {
    /// A number; NaN where it is missing.
    case number
    /// A number of a range in every row; the text says which ("a probability, 0 to 1").
    case numberWithin(ClosedRange<Double>, String)
    /// The place of the cell's text among these; NaN for any other.
    case level([String])
  }

  package let name: String
  package let kind: Kind

  package init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }
}

/// Consecutive rows of a table as numbers.
package struct TableRows: Sendable {
  package let rows: Int
  /// Rows × wanted cells, row by row.
  package let values: [Double]
  /// Cells with a text that is none of the levels asked for.
  package let unseen: Int
  /// The wanted texts one after another, and where each ends; empty if none was wanted.
  private let bytes: [UInt8]
  private let ends: [Int]

  package var hasTexts: Bool { !ends.isEmpty }

  /// The text of a row, from 0.
  package func text(_ row: Int) -> ArraySlice<UInt8> {
    bytes[(row == 0 ? 0 : ends[row - 1])..<ends[row]]
  }

  /// Its stable hash.
  package func textHash(_ row: Int) -> UInt64 { text(row).withUnsafeBufferPointer(TextTable.hash) }

  init(_ chunk: inout RowBatches.Chunk, _ cells: [PlacedCell], text: Int?) throws(RowFailure) {
    let width = cells.count
    // A row ends with a line end, so there are no more of them.
    let values = UnsafeMutableBufferPointer<Double>.allocate(
      capacity: chunk.mostRows * max(width, 1))
    defer { values.deallocate() }
    var rows = 0
    var unseen = 0
    var bytes: [UInt8] = []
    var ends: [Int] = []
    while try chunk.next() {
      let target = values.baseAddress! + rows * width
      for index in 0..<width {
        let field = chunk.fields[cells[index].place]
        guard let levels = cells[index].levels else {
          if let number = DecimalNumber(field), cells[index].range?.contains(number.value) != false
          {
            target[index] = number.value
          } else if let expected = cells[index].expected {
            throw RowFailure(
              lineInChunk: chunk.line,
              text: "the column \"\(cells[index].name)\" does not hold \(expected) here")
          } else if ColumnTally.isBlank(field) || ColumnTally.isMark(field) {
            target[index] = .nan
          } else {
            throw RowFailure(
              lineInChunk: chunk.line, text: TableReader.noNumber(cells[index].name))
          }
          continue
        }
        if let level = levels.find(field.bytes) {
          target[index] = Double(level)
        } else {
          target[index] = .nan
          if !ColumnTally.isBlank(field) { unseen += 1 }
        }
      }
      if let text {
        bytes.append(contentsOf: chunk.fields[text].bytes)
        ends.append(bytes.count)
      }
      rows += 1
    }
    self.rows = rows
    self.values = Array(values[..<(rows * width)])
    self.unseen = unseen
    self.bytes = bytes
    self.ends = ends
  }
}

/// A wanted cell against a header.
struct PlacedCell {
  let name: String
  let place: Int
  let levels: TextTable?
  let range: ClosedRange<Double>?
  let expected: String?

  init(_ cell: WantedCell, _ header: Header) throws(HistoriesError) {
    name = cell.name
    place = try header.column(cell.name, for: "the vectors")
    var levels: [String] = []
    switch cell.kind {
    case .number:
      (self.levels, range, expected) = (nil, nil, nil)
      return
    case .numberWithin(let range, let expected):
      (self.levels, self.range, self.expected) = (nil, range, expected)
      return
    case .level(let known): levels = known
    }
    let table = TextTable()
    for level in levels {
      Array(level.utf8).withUnsafeBufferPointer { _ = table.add($0, hash: TextTable.hash($0)) }
    }
    (self.levels, range, expected) = (table, nil, nil)
  }
}

/// Reads the wanted cells of a table, some chunks at a time.
package final class TableReader {
  private let batches: RowBatches
  private let cells: [PlacedCell]
  private let text: Int?
  private let threads: Int

  /// `text`: a column whose texts are wanted too. Throws `dataContract` for a column that is not
  /// there (with the nearest name) and what opening the source does.
  package init(
    _ source: ByteSource, cells: [WantedCell], text: String? = nil, threads: Int
  ) throws(HistoriesError) {
    let header = try Header.read(from: source)
    var placed: [PlacedCell] = []
    for cell in cells { placed.append(try PlacedCell(cell, header)) }
    self.cells = placed
    self.text = try text.map { (name) throws(HistoriesError) in
      try header.column(name, for: "an option")
    }
    self.threads = threads
    batches = try RowBatches(source, columns: header.names.count, threads: threads)
  }

  /// The next rows in the order of the file, in parts whose bounds depend on the file alone; none at
  /// the end. Throws `dataContract` with the line of the first cell that is not what it should be.
  package func next() throws(HistoriesError) -> [TableRows] {
    try batches.next(2 * threads) { (chunk) throws(RowFailure) in
      try TableRows(&chunk, cells, text: text)
    }
  }

  static func noNumber(_ column: String) -> String {
    "the column \"\(column)\" holds no finite decimal number here, expected one as in other rows, or "
      + "an empty cell"
  }
}
