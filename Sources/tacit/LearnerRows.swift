import Detraction
import Foundation
import Histories
import Learning

/// What `fit` learns from: vectors with their labels, weights, offsets, groups and folds, read from
/// a table by column or from NPY files side by side.
final class LearnerRows {
  /// Empty for NPY, whose columns have no names.
  let columns: [VectorColumn]
  private(set) var x: Matrix
  let labels: [Double]
  let weights: [Double]?
  let offsets: [Double]?
  /// A code a row, equal for rows that belong together.
  let groups: [Int]?
  let folds: [Int]
  let threads: Int
  /// What was found in a table; nil for NPY.
  let table: TableReport?

  /// Where no column names them: ten for a path of penalties; five where shapes are tried, which take
  /// hundreds of fits.
  private static func defaultFolds(_ command: FitCommand) -> Int { command.wantsShapes ? 5 : 10 }

  init(_ command: FitCommand) throws {
    threads = command.options.threads
    if command.isNPY {
      columns = []
      table = nil
      x = try NPYFile.matrix(at: command.data)
      labels = try NPYFile.vector(at: command.labels ?? "")
      weights = try command.weight.map { try NPYFile.vector(at: $0) }
      offsets = try command.offset.map { try NPYFile.vector(at: $0) }
      let keys = try command.group.map { try NPYFile.vector(at: $0).map(\.bitPattern) }
      groups = keys.map(Self.codes)
      folds = try Self.folds(
        command.folds.map { try NPYFile.vector(at: $0) }, named: command.folds ?? "", keys,
        rows: x.rows, count: Self.defaultFolds(command))
      return
    }
    let numbers = [command.weight, command.offset, command.folds].compactMap { $0 }
    let read = try LearnerTable(
      path: command.data,
      LearnerTable.Request(
        target: command.target, positive: command.positive,
        numbers: numbers.map { WantedCell($0, .number) },
        group: command.group, drop: list(command.drop)), threads: threads)
    func numbered(_ name: String?) -> [Double]? {
      name.flatMap { numbers.firstIndex(of: $0) }.map { read.numbers[$0] }
    }
    guard !read.columns.isEmpty else {
      throw DetractionError.insufficient(
        "\(command.data): no column is left to learn from: "
          + (read.report?.columns.contains { $0.kind == .constant } == true
            ? "others have the same value in all rows" : "all are ids, empty or left out"))
    }
    columns = read.columns
    x = read.x
    labels = read.labels ?? []
    table = read.report
    weights = numbered(command.weight)
    offsets = numbered(command.offset)
    groups = read.groups.map(Self.codes)
    folds = try Self.folds(
      numbered(command.folds), named: "\"\(command.folds ?? "")\"", read.groups,
      rows: x.rows, count: Self.defaultFolds(command))
  }

  /// Gives the vectors away, so that they can be made over in their own room: then none are left here.
  func takeX() -> Matrix {
    defer { x = .zeros(rows: 0, columns: 0) }
    return x
  }

  /// The weighted share of label 1.
  var prevalence: Double {
    var (sum, total) = (0.0, 0.0)
    for row in labels.indices {
      sum += (weights?[row] ?? 1) * labels[row]
      total += weights?[row] ?? 1
    }
    return sum / total
  }

  /// Codes from 0 in the order of first appearance.
  private static func codes(_ keys: [UInt64]) -> [Int] {
    var code: [UInt64: Int] = [:]
    return keys.map { key in
      if let known = code[key] { return known }
      code[key] = code.count
      return code.count - 1
    }
  }

  /// The given folds, or `count` by a hash of the group's key or the row's number, so that rows in a
  /// rhythm do not fall into one fold.
  private static func folds(
    _ given: [Double]?, named: String, _ keys: [UInt64]?, rows: Int, count: Int
  ) throws
    -> [Int]
  {
    if let given {
      return try given.enumerated().map { row, fold in
        guard fold >= 0, fold < 10_000, fold == fold.rounded() else {
          throw HistoriesError.dataContract(
            "\(named), row \(row + 1): a fold is a whole number from 0, got \(fold)")
        }
        return Int(fold)
      }
    }
    return (0..<rows).map { row in
      Int(mixed(keys?[row] ?? UInt64(row)) % UInt64(count))
    }
  }

  /// SplitMix64's output function (Steele et al. 2014, doi:10.1145/2660193.2660195).
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The name of a source feature: its column's, or its place in NPY vectors.
  func name(_ source: Int) -> String {
    columns.isEmpty ? "column \(source)" : columns[source].name
  }

  var sources: [DesignSource] {
    columns.isEmpty
      ? [DesignSource](repeating: .numeric, count: x.columns)
      : columns.map { $0.levels.map { .categorical(levels: $0.count) } ?? .numeric }
  }
}

/// The names in a list separated by commas.
func list(_ text: String) -> [String] {
  text.utf8.split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) }
}
