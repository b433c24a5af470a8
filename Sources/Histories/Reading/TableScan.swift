/// What a column of a table holds, found by looking at every cell.
package struct ScannedColumn: Sendable, Equatable {
  package enum Kind: String, Sendable, Codable {
    case numeric
    /// 0 and 1, or one of the pairs true/false, yes/no, t/f, y/n.
    case boolean
    /// Texts that repeat: see `levels`.
    case categorical
    /// The same value in all rows.
    case constant
    /// No value in any row.
    case empty
    /// A value of its own in (nearly) every row, as numbers and names of customers are.
    case identifying
    /// More distinct texts than are kept, yet not one a row.
    case tooManyLevels
  }

  package let name: String
  package let kind: Kind
  /// Cells that hold no value, and those of them with spaces only or with a mark such as NA.
  package let missing: Int
  package let blank: Int
  package let marked: Int
  /// Distinct values; an estimate within a few percent where there are many.
  package let distinct: Int
  /// The distinct texts in the order of their bytes, and the rows of each; empty for numbers.
  package let levels: [String]
  package let levelRows: [Int]
}

/// A first pass over a table: how many rows, and what its columns hold.
package struct TableScan: Sendable {
  package let rows: Int
  /// Columns that may be vectors, in the header's order.
  package let columns: [ScannedColumn]
  /// The distinct values of the target as they are written (`levels`), numbers too.
  package let target: ScannedColumn?
  package let bytes: Int

  /// Looks at every cell but those of `leaveOut`, or without `vectors` at the named columns only. `target` must have a value in every row, `numbers`
  /// (weights and the like) a number; neither is among `columns`.
  ///
  /// A column is of numbers when at least half of its cells that are not missing are numbers, and
  /// then all must be. Missing is an empty cell, one of spaces, and in a column of numbers also NA,
  /// N/A, NULL, null, None and ?.
  ///
  /// Throws `dataContract` with file and line for what is no table or breaks this. O(bytes); memory
  /// for the distinct texts only, the same result for any number of threads.
  package init(
    _ source: ByteSource, target: String? = nil, numbers: [String] = [], leaveOut: [String] = [],
    vectors: Bool = true, threads: Int
  ) throws(HistoriesError) {
    let header = try Header.read(from: source)
    let targetPlace = try target.map { (name) throws(HistoriesError) in
      try header.column(name, for: "--target")
    }
    var numberPlaces: [Int] = []
    for name in numbers { numberPlaces.append(try header.column(name, for: "an option")) }
    var skipped: Set<Int> = []
    for name in leaveOut { skipped.insert(try header.column(name, for: "an option")) }
    let looked = header.names.indices.filter {
      $0 == targetPlace || numberPlaces.contains($0) || (vectors && !skipped.contains($0))
    }
    let batches = try RowBatches(source, columns: header.names.count, threads: threads)
    let width = looked.count
    let tallies = (0..<threads).map { _ in
      let tallies = UnsafeMutablePointer<ColumnTally>.allocate(capacity: width)
      for index in 0..<width {
        (tallies + index).initialize(to: ColumnTally(keepsAll: looked[index] == targetPlace))
      }
      return tallies
    }
    defer {
      for worker in tallies {
        for index in 0..<width { worker[index].deallocate() }
        worker.deinitialize(count: width)
        worker.deallocate()
      }
    }
    let chunks = try batches.next { (chunk) throws(RowFailure) in
      let mine = tallies[chunk.worker]
      var rows = 0
      while try chunk.next() {
        rows += 1
        for index in 0..<width {
          mine[index].add(
            chunk.fields[looked[index]],
            ColumnTally.Place(chunk: chunk.number, line: chunk.line))
        }
      }
      return (rows: rows, lines: chunk.lines)
    }
    rows = chunks.reduce(0) { $0 + $1.rows }
    bytes = batches.bytes
    guard rows > 0 else {
      throw .dataContract("\(source.path) has no rows below its header: nothing to learn from")
    }
    func failure(_ place: ColumnTally.Place?, _ text: String) -> HistoriesError {
      let place = place ?? ColumnTally.Place(chunk: 0, line: 0)
      let line = chunks[..<place.chunk].reduce(1 + place.line) { $0 + $1.lines }
      return .dataContract("\(source.place(line)): \(text)")
    }
    var columns: [ScannedColumn] = []
    var found: ScannedColumn?
    for index in 0..<width {
      for worker in tallies.dropFirst() { tallies[0][index].add(worker[index]) }
      let tally = tallies[0][index]
      let name = header.names[looked[index]]
      let isTarget = looked[index] == targetPlace
      if isTarget || numberPlaces.contains(looked[index]), let place = tally.firstMissing {
        throw failure(
          place,
          "the column \"\(name)\" has no value here (in \(tally.valueless) of \(rows) rows), "
            + "expected one in every row: leave such rows out")
      }
      let isNumeric = !isTarget && (numberPlaces.contains(looked[index]) || tally.isNumeric)
      if isNumeric, let place = tally.firstOther {
        throw failure(place, TableReader.noNumber(name))
      }
      if !isNumeric, !tally.hasTooMany, let place = tally.firstNotText {
        throw failure(
          place,
          "the column \"\(name)\" is not UTF-8 here or holds a NUL byte: save the file as "
            + "UTF-8, or leave the column out")
      }
      let column = ScannedColumn(name, tally, rows: rows, asTexts: !isNumeric)
      if isTarget {
        found = column
      } else if !numberPlaces.contains(looked[index]) {
        columns.append(column)
      }
    }
    self.columns = columns
    self.target = found
  }
}

extension ColumnTally {
  var isNumeric: Bool { numbers > 0 ? numbers >= others : others + marked == 0 }

  /// Cells without a value; a mark is a value among texts.
  var missing: Int { empty + blank + (isNumeric ? marked : 0) }
  /// As many of a column that may hold no mark either.
  var valueless: Int { empty + blank + marked }
}

extension ScannedColumn {
  /// From this many rows on a value of its own in each is no chance.
  private static let fewestIds = 20
  private static let pairs: [Set<String>] = [
    ["0", "1"], ["false", "true"], ["no", "yes"], ["f", "t"], ["n", "y"],
  ]

  init(_ name: String, _ tally: ColumnTally, rows: Int, asTexts: Bool) {
    self.name = name
    missing = tally.missing
    blank = tally.blank
    marked = asTexts ? 0 : tally.marked
    distinct = tally.hasTooMany || !asTexts ? tally.sample.estimate : tally.texts.count
    let present = rows - missing
    let order =
      asTexts && !tally.hasTooMany
      ? (0..<tally.texts.count).sorted {
        tally.texts[$0].lexicographicallyPrecedes(tally.texts[$1])
      } : []
    let texts = order.map { String(decoding: tally.texts[$0], as: UTF8.self) }
    let isPair: Bool
    if asTexts {
      isPair = texts.count == 2 && Self.pairs.contains(Set(texts.map { $0.lowercased() }))
    } else {
      isPair = tally.least == 0 && tally.most == 1 && tally.isWhole
    }
    kind =
      if present == 0 {
        .empty
      } else if distinct == 1, missing == 0 {
        .constant
      } else if isPair {
        .boolean
      } else if asTexts {
        present >= Self.fewestIds && tally.sample.distinctShare >= 0.9
          ? .identifying : tally.hasTooMany ? .tooManyLevels : .categorical
      } else {
        Self.isNumbering(name, tally, present) ? .identifying : .numeric
      }
    levels = texts
    levelRows = order.map { tally.texts.counts[$0] }
  }

  /// Whether whole numbers, one of its own in every row, look like a numbering: they fill their
  /// range as no measured quantity would without a repeat (below e⁻²⁵ for numbers drawn at random),
  /// or the column is called an id.
  private static func isNumbering(_ name: String, _ tally: ColumnTally, _ present: Int) -> Bool {
    guard tally.isWhole, present >= 100, tally.sample.distinctShare == 1 else { return false }
    let range = (tally.most - tally.least + 1) / Double(present)
    if range <= min(10, Double(present) / 50) { return true }
    // id, ID; customer_id, customerID, customerId; not paid, VALID.
    let end = Array(name.utf8.suffix(3))
    let before = end.count == 3 ? end[0] : 0x5f
    let isLower = (0x61...0x7a).contains(before)
    let isUpper = (0x41...0x5a).contains(before)
    switch String(decoding: end.suffix(2), as: UTF8.self) {
    case "id": return !isLower && !isUpper
    case "ID": return !isUpper
    case "Id": return true
    default: return false
    }
  }
}
