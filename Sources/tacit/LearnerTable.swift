import Detraction
import Foundation
import Histories
import Learning

/// What the learner alone works on: rows of vectors made elsewhere, from CSV, Parquet or NPY.
///
/// CSV and Parquet are read twice, as streams: once to find what the columns hold, once into the
/// matrix. Memory: the matrix and a few megabytes a thread.
struct LearnerTable {
  /// What is wanted of a table besides its vectors; all by the names of columns.
  struct Request {
    var target: String?
    /// The value of the target that counts as 1.
    var positive: String?
    /// Columns of numbers with a value in every row, such as weights.
    var numbers: [WantedCell] = []
    var group: String?
    /// Columns left out of the vectors.
    var drop: [String] = []
    /// False for one who wants no vectors at all.
    var vectors = true
  }

  /// Empty for NPY, whose columns have no names.
  let columns: [VectorColumn]
  let x: Matrix
  /// 0 or 1 a row, where a target was asked for.
  let labels: [Double]?
  /// As asked for: a list a column.
  let numbers: [[Double]]
  /// The stable hash of each row's group: equal groups have equal ones.
  let groups: [UInt64]?
  /// Nil for NPY.
  let report: TableReport?

  /// Throws `HistoriesError` with file and line for what cannot be read, `LearningError` where the
  /// matrix would not fit into memory.
  init(path: String, _ request: Request = Request(), threads: Int) throws {
    if path.hasSuffix(".npy") {
      columns = []
      x = try NPYFile.matrix(at: path)
      (labels, numbers, groups, report) = (nil, [], nil, nil)
      return
    }
    let source = try Self.source(path)
    let scan = try TableScan(
      source, target: request.target, numbers: request.numbers.map(\.name),
      leaveOut: request.drop + [request.group].compactMap { $0 }, vectors: request.vectors,
      threads: threads)
    let report = TableReport(path: path, scan)
    self.report = report
    columns = scan.columns.filter(\.isUsable).map {
      VectorColumn(name: $0.name, levels: $0.levels.isEmpty ? nil : $0.levels)
    }
    var cells = Self.cells(columns)
    var values: [Double]?
    if let target = scan.target {
      values = try labelValues(target, positive: request.positive, path: path)
      cells.append(WantedCell(target.name, .level(target.levels)))
    }
    cells += request.numbers
    let reader = try TableReader(source, cells: cells, text: request.group, threads: threads)
    var matrix = try MatrixBuilder(rows: scan.rows, columns: columns.count, for: path)
    var labels: [Double] = []
    var numbers = request.numbers.map { _ in [Double]() }
    var groups: [UInt64] = []
    let afterVectors = columns.count
    let afterTarget = afterVectors + (values == nil ? 0 : 1)
    var rows = 0
    while true {
      let parts = try reader.next()
      if parts.isEmpty { break }
      for part in parts {
        rows += part.rows
        guard rows <= scan.rows else { break }
        matrix.append(part.values, width: cells.count)
        for row in 0..<part.rows {
          let start = row * cells.count
          if let values { labels.append(values[Int(part.values[start + afterVectors])]) }
          for index in numbers.indices {
            numbers[index].append(part.values[start + afterTarget + index])
          }
          if request.group != nil { groups.append(part.textHash(row)) }
        }
      }
    }
    guard rows == scan.rows else {
      throw HistoriesError.dataContract(
        "\(path) changed while it was read: \(scan.rows) rows, then \(rows); try again")
    }
    x = matrix.finish()
    self.labels = values == nil ? nil : labels
    self.numbers = numbers
    self.groups = request.group == nil ? nil : groups
  }

  /// What a design is made from.
  var sources: [DesignSource] {
    columns.isEmpty
      ? [DesignSource](repeating: .numeric, count: x.columns)
      : columns.map { $0.levels.map { .categorical(levels: $0.count) } ?? .numeric }
  }

  /// A table by its name: Parquet, or else CSV, plain or gzip.
  static func source(_ path: String) throws -> ByteSource {
    path.hasSuffix(".parquet") ? try DuckDBProgram.rows(ofParquet: path) : .file(path)
  }

  static func cells(_ columns: [VectorColumn]) -> [WantedCell] {
    columns.map { WantedCell($0.name, $0.levels.map { .level($0) } ?? .number) }
  }
}

/// 0 or 1 for each value of a target: 1 for `positive`, or for 1, true, yes, t or y of a pair.
///
/// Throws `dataContract` where the values do not say by themselves which is which.
private func labelValues(_ target: ScannedColumn, positive: String?, path: String) throws
  -> [Double]
{
  let values = target.levels
  func refuse(_ text: String) -> HistoriesError {
    .dataContract("\(path): the target \"\(target.name)\" \(text)")
  }
  guard target.kind != .tooManyLevels, !values.isEmpty else {
    throw refuse("has about \(target.distinct) different values, expected two")
  }
  let named = values.count <= 10 ? ": " + values.joined(separator: ", ") : ""
  if let positive {
    let isNumber = Double(positive) != nil
    let labels = values.map { value in
      value.utf8.elementsEqual(positive.utf8) || (isNumber && Double(value) == Double(positive))
    }
    guard labels.contains(true) else {
      throw refuse("has no value \"\(positive)\", which --positive names\(named)")
    }
    return labels.map { $0 ? 1 : 0 }
  }
  guard values.count <= 2 || isPair(values) else {
    throw refuse(
      "has \(values.count) different values, expected two; with --positive VALUE one is held "
        + "against all others\(named)")
  }
  guard isPair(values) else {
    throw refuse(
      "has the values \(values.map { "\"\($0)\"" }.joined(separator: " and ")): say with --positive "
        + "which one is to be predicted")
  }
  return values.map { isPositive($0) ? 1 : 0 }
}

/// Whether a value of a plain pair is its positive one.
func isPositive(_ value: String) -> Bool {
  pairs.map(\.1).contains(value.lowercased()) || Double(value) == 1
}

private let pairs = [("0", "1"), ("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y")]

/// Whether all values, however written, are those of one pair whose order is plain.
func isPair(_ values: [String]) -> Bool {
  values.allSatisfy { [0, 1].contains(Double($0)) }
    || pairs.contains { pair in
      values.allSatisfy { [pair.0, pair.1].contains($0.lowercased()) }
    }
}
