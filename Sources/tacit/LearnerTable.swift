import Detraction
import Foundation
import Histories
import Learning

/// What the learner alone works on: rows of vectors made elsewhere, from CSV or NPY.
struct LearnerTable {
  /// A column of the vectors: its name, and its levels where it holds texts.
  struct Column: Codable, Sendable, Equatable {
    var name: String
    var levels: [String]?
  }

  /// Empty for NPY, whose columns have no names.
  var columns: [Column]
  var x: Matrix
  private var table: CSVTable?

  /// Reads NPY (every column a number) or, by any other name, CSV. A CSV column is numeric when
  /// half of its cells that are not empty are numbers, and then all must be; else it is
  /// categorical, and of UTF-8 texts; `known` are the columns of a model, which
  /// must then be there and decide what each is. `leaveOut` are no vectors: target, group, ids.
  init(path: String, leaveOut: [String], known: [Column]? = nil) throws {
    if path.hasSuffix(".npy") {
      columns = []
      x = try NPYFile.matrix(at: path)
      return
    }
    let table = try CSVTable(path: path)
    self.table = table
    for name in leaveOut { _ = try table.column(name, for: "an option") }
    let columns =
      try known
      ?? table.header.enumerated().filter { !leaveOut.contains($0.element) }.map {
        try Self.infer(table, path, $0.offset, $0.element)
      }
    let places = try columns.map { try table.column($0.name, for: "the model") }
    let codes = columns.map { column in
      column.levels.map { levels in
        Dictionary(uniqueKeysWithValues: zip(levels.map { Array($0.utf8) }, 0...))
      }
    }
    var values = [Double](repeating: .nan, count: table.rowCount * columns.count)
    for row in 0..<table.rowCount {
      for (index, place) in places.enumerated() {
        let cell = row * columns.count + index
        if let codes = codes[index] {
          if let code = codes[Array(table.cell(row, place))] { values[cell] = Double(code) }
        } else {
          switch table.number(row, place) {
          case .number(let number): values[cell] = number
          case .empty: break
          case .invalid:
            throw HistoriesError.dataContract(
              "\(path), line \(table.line(row)): the column \"\(columns[index].name)\" holds no "
                + "finite decimal number here, expected one as in other rows, or an empty cell")
          }
        }
      }
    }
    self.columns = columns
    x = try Matrix(rows: table.rowCount, columns: columns.count, elements: values)
  }

  private static func infer(_ table: CSVTable, _ path: String, _ place: Int, _ name: String) throws
    -> Column
  {
    var levels: Set<[UInt8]> = []
    var (numbers, others) = (0, 0)
    for row in 0..<table.rowCount {
      switch table.number(row, place) {
      case .number: numbers += 1
      case .empty: continue
      case .invalid: others += 1
      }
      levels.insert(Array(table.cell(row, place)))
    }
    // One `nan` among numbers must not turn every number into a category of its own.
    if numbers >= others { return Column(name: name, levels: nil) }
    for row in 0..<table.rowCount where table.text(row, place) == nil {
      throw HistoriesError.dataContract(
        "\(path), line \(table.line(row)): the column \"\(name)\" is not UTF-8 here")
    }
    let sorted = levels.sorted { $0.lexicographicallyPrecedes($1) }
    return Column(name: name, levels: sorted.map { String(decoding: $0, as: UTF8.self) })
  }

  /// The cells of a named CSV column, as texts.
  func texts(_ name: String) throws -> [String] {
    guard let table else {
      throw HistoriesError.dataContract("an NPY file has no column \"\(name)\": use CSV")
    }
    let place = try table.column(name, for: "an option")
    return (0..<table.rowCount).map { table.text($0, place) ?? "" }
  }

  /// Labels from a CSV column: 1 where the cell is `positive`, or the cell itself when it is 0 or 1.
  func labels(_ target: String, positive: String?) throws -> [Double] {
    let cells = try texts(target)
    if let positive {
      guard cells.contains(positive) else {
        throw HistoriesError.dataContract(
          "no row of \"\(target)\" is \"\(positive)\": --positive names the value to predict")
      }
      return cells.map { $0 == positive ? 1 : 0 }
    }
    return try cells.enumerated().map { row, cell in
      switch cell {
      case "0", "0.0": 0
      case "1", "1.0": 1
      default:
        throw HistoriesError.dataContract(
          "row \(row + 1) of \"\(target)\" is neither 0 nor 1: say with --positive which value is "
            + "to be predicted")
      }
    }
  }
}

/// The file that `fit` writes and `predict` reads.
struct LearnerModel: Sealed {
  static let format = "tacit-learner"
  static let formatVersion = 1

  /// The columns of CSV vectors with the design made of them; nil for NPY, fitted as it stands.
  var columns: [LearnerTable.Column]?
  var design: Design?
  var fit: LogisticFit
  /// The held-out losses by penalty, where cross-validation chose it.
  var validation: [CrossValidation.Point]?

  func logits(_ table: LearnerTable, threads: Int) throws -> [Double] {
    let x = try design?.expand(table.x, threads: threads) ?? table.x
    return try fit.linearPredictors(x, threads: threads)
  }
}
