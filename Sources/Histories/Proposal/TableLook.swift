import Foundation

/// A column of a table that nobody has described, by what its cells hold.
struct SeenColumn: Sendable {
  enum Content: Sendable, Equatable {
    case empty
    case time(TimeForm)
    case boolean
    case number
    case email
    case phone
    /// Sentences.
    case prose
    /// Texts that repeat.
    case category
    case text
  }

  let name: String
  let words: HeaderWords
  let content: Content
  let rows: Int
  let present: Int
  /// An estimate where there are many.
  let distinct: Int
  /// Of numbers.
  let least: Double
  let most: Double
  let isWhole: Bool
  /// Cells that are neither empty nor a number, where the content is numbers.
  let notNumbers: Int
  /// The texts that repeat (at most 1,000), most frequent first; empty for others.
  let levels: [(text: String, rows: Int)]
  /// Why its cells, which look like times, cannot be read.
  let unreadable: String?
  let isUnique: Bool
  /// Cells whose values are a sample of the distinct ones.
  let sample: [UInt64]
  let sampleLevel: Int

  var time: TimeForm? { if case .time(let form) = content { form } else { nil } }
  var filled: Double { rows == 0 ? 0 : Double(present) / Double(rows) }
  var isWholeNumber: Bool { content == .number && isWhole && notNumbers == 0 }

  /// Whether `[accounts]` reads all its cells as yes or no.
  var isFlag: Bool {
    content == .boolean
      && levels.allSatisfy {
        ["true", "false", "yes", "no", "0", "1"].contains($0.text.lowercased())
      }
  }

  /// Whole numbers of so few values that they may be points on a scale.
  var scale: ClosedRange<Int>? {
    guard isWholeNumber, least >= -10, most <= 10, distinct >= 2, most > least else { return nil }
    return Int(least)...Int(most)
  }

  /// The share of this column's values that another one has too, from samples of both.
  func shareFound(in other: SeenColumn) -> Double {
    let level = max(sampleLevel, other.sampleLevel)
    let mine = sample.filter { $0.leadingZeroBitCount >= level }
    guard !mine.isEmpty else { return 0 }
    let theirs = Set(other.sample)
    return Double(mine.count { theirs.contains($0) }) / Double(mine.count)
  }
}

/// A table that nobody has described: files with the same header.
struct TableLook: Sendable {
  /// As the user gave them, one or several parts.
  let paths: [String]
  let sources: [ByteSource]
  let rows: Int
  let badRows: Int
  let bytes: Int
  /// False where only the beginning was looked at.
  let isWhole: Bool
  let columns: [SeenColumn]

  /// No more than this many chunks of 1 MiB are looked at, so that a look at any file takes seconds.
  static let mostChunks = 512

  var noun: String? { nounOfTable(paths[0]) }
  func column(_ name: String) -> SeenColumn? { columns.first { $0.name == name } }

  /// Throws `dataContract` for what is no table, `inputMissing`, `service`.
  init(
    paths: [String], sources: [ByteSource], header: [String], threads: Int
  ) throws(HistoriesError) {
    self.paths = paths
    self.sources = sources
    let width = header.count
    let looks = (0..<threads).map { _ in
      let looks = UnsafeMutablePointer<CellTally>.allocate(capacity: width)
      for index in 0..<width { (looks + index).initialize(to: CellTally()) }
      return looks
    }
    defer {
      for worker in looks {
        for index in 0..<width { worker[index].texts.deallocate() }
        worker.deinitialize(count: width)
        worker.deallocate()
      }
    }
    var rows = 0
    var bad = 0
    var bytes = 0
    var isWhole = true
    for source in sources {
      let batches = try RowBatches(source, columns: width, threads: threads)
      let parts = try batches.next(Self.mostChunks) { (chunk) throws(RowFailure) in
        let mine = looks[chunk.worker]
        var rows = 0
        var bad = 0
        chunk.eachGoodRow(bad: &bad) { fields, place in
          rows += 1
          for index in 0..<width { mine[index].add(fields[index], place) }
        }
        return (rows, bad)
      }
      rows += parts.reduce(0) { $0 + $1.0 }
      bad += parts.reduce(0) { $0 + $1.1 }
      bytes += batches.bytes
      isWhole = isWhole && parts.count < Self.mostChunks
    }
    for worker in looks.dropFirst() {
      for index in 0..<width { looks[0][index].add(worker[index]) }
    }
    self.rows = rows
    self.badRows = bad
    self.bytes = bytes
    self.isWhole = isWhole
    columns = (0..<width).map { SeenColumn(header[$0], looks[0][$0], rows: rows) }
  }
}

extension RowBatches.Chunk {
  /// Calls `body` for every row that has one field a column, and counts the others.
  mutating func eachGoodRow(
    bad: inout Int, _ body: (UnsafeMutablePointer<Field>, ColumnTally.Place) -> Void
  ) {
    while true {
      do throws(RowFailure) {
        guard try next() else { return }
      } catch {
        bad += 1
        continue
      }
      body(fields, ColumnTally.Place(chunk: number, line: line))
    }
  }
}

/// What one worker learns of one column. The owner deallocates `texts`.
private struct CellTally {
  var texts = ColumnTally(keepsAll: true)
  var times = TimeShapes()
  var emails = 0
  var phones = 0
  var spaced = 0
  var bytes = 0

  mutating func add(_ field: Field, _ place: ColumnTally.Place) {
    texts.add(field, place)
    guard field.count > 0 else { return }
    times.add(field)
    bytes += field.count
    var digits = 0
    var others = 0
    var at = -1
    var dotAfter = false
    var spaces = 0
    for (index, byte) in field.bytes.prefix(320).enumerated() {
      switch byte {
      case 0x30...0x39: digits += 1
      case 0x20: spaces += 1
      case 0x2b, 0x28, 0x29, 0x2d, 0x2f: break
      case 0x2e: dotAfter = dotAfter || at > 0
      case 0x40:
        at = index
        others += 1
      default: others += 1
      }
    }
    if at > 0, dotAfter, spaces == 0 { emails += 1 }
    if others == 0, (7...15).contains(digits), field.count > digits { phones += 1 }
    if spaces > 0 { spaced += 1 }
  }

  mutating func add(_ other: CellTally) {
    texts.add(other.texts)
    times.add(other.times)
    emails += other.emails
    phones += other.phones
    spaced += other.spaced
    bytes += other.bytes
  }
}

extension SeenColumn {
  fileprivate init(_ name: String, _ tally: CellTally, rows: Int) {
    let texts = tally.texts
    self.name = name
    words = HeaderWords(name)
    self.rows = rows
    let present = rows - texts.empty - texts.blank
    self.present = present
    distinct = texts.sample.estimate
    least = texts.least
    most = texts.most
    isWhole = texts.isWhole
    notNumbers = texts.others + texts.marked
    isUnique = present == rows && rows > 1 && texts.sample.distinctShare == 1
    (sample, sampleLevel) = texts.sample.kept
    unreadable = tally.times.unreadable(present: present)
    let repeats = !texts.hasTooMany && texts.texts.count <= 1000
    let levels: [(text: String, rows: Int)] =
      repeats
      ? (0..<texts.texts.count).map {
        (String(decoding: texts.texts[$0], as: UTF8.self), texts.texts.counts[$0])
      }.sorted {
        $0.1 != $1.1 ? $0.1 > $1.1 : $0.0.utf8.lexicographicallyPrecedes($1.0.utf8)
      } : []
    self.levels = levels
    func isMost(_ count: Int) -> Bool { count * 5 >= present * 4 }
    let isNumeric = texts.numbers > 0 && isMost(texts.numbers)
    if present == 0 {
      content = .empty
    } else if let form = Self.time(tally, present: present, words: words, isUnique: isUnique) {
      content = .time(form)
    } else if distinct <= 2, !levels.isEmpty, Self.isPair(levels.map(\.text)) {
      content = .boolean
    } else if isMost(tally.emails) {
      content = .email
    } else if isMost(tally.phones) || (words.mean(.phone) && isNumeric && distinct * 2 > present) {
      content = .phone
    } else if isNumeric {
      content = .number
    } else if isMost(tally.spaced), tally.bytes > 25 * present, distinct * 4 > present {
      content = .prose
    } else {
      content = !levels.isEmpty && distinct * 2 <= present ? .category : .text
    }
  }

  private static func isPair(_ levels: [String]) -> Bool {
    let pairs: [Set<String>] = [
      ["0", "1"], ["false", "true"], ["no", "yes"], ["f", "t"], ["n", "y"], ["ja", "nein"],
    ]
    let lower = Set(levels.map { $0.lowercased() })
    return pairs.contains { lower.isSubset(of: $0) }
      && (lower.count == 2 || !lower.isSubset(of: ["0", "1"]))
  }

  /// Seconds, milliseconds or microseconds since 1970 are numbers within these years; others of that size are told
  /// by their header, or by being a numbering.
  private static func time(
    _ tally: CellTally, present: Int, words: HeaderWords, isUnique: Bool
  ) -> TimeForm? {
    let texts = tally.texts
    if let form = tally.times.form(present: present) {
      // Eight digits may be a number as well.
      if form.format != "yyyyMMdd" || words.mean(.time) { return form }
    }
    guard texts.numbers == present, !words.mean(.phone) else { return nil }
    // 1990 to 2035.
    let seconds = 631_152_000.0...2_051_222_400.0
    for (format, unit) in [("unix", 1.0), ("unix_ms", 1e3), ("unix_us", 1e6)]
    where format != "unix_us" || texts.isWhole {
      guard texts.least >= seconds.lowerBound * unit, texts.most <= seconds.upperBound * unit
      else { continue }
      let isNumbering = isUnique && texts.isWhole && texts.most - texts.least < Double(present) * 3
      guard words.mean(.time) || (!isNumbering && !words.mean(.id)) else { continue }
      return TimeForm(format: format, readable: present, present: present, withOffset: present)
    }
    return nil
  }
}
