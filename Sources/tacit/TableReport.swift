import Detraction
import Histories

extension ScannedColumn {
  /// Whether a model can learn from the column.
  var isUsable: Bool {
    switch kind {
    case .numeric, .boolean, .categorical: true
    case .constant, .empty, .identifying, .tooManyLevels: false
    }
  }
}

/// What was found in a table that nobody may have looked at.
struct TableReport: Encodable {
  struct Column: Encodable {
    var name: String
    var kind: ScannedColumn.Kind
    var used: Bool
    /// Rows without a value.
    var missing: Int
    /// Distinct values; an estimate where there are many.
    var distinct: Int
  }

  let rows: Int
  let columns: [Column]
  /// The same in words: a summary, what was left out, what was taken as missing.
  let lines: [String]

  private enum CodingKeys: CodingKey { case rows, columns }

  init(path: String, _ scan: TableScan) {
    rows = scan.rows
    columns = scan.columns.map {
      Column(
        name: $0.name, kind: $0.kind, used: $0.isUsable, missing: $0.missing,
        distinct: $0.distinct)
    }
    func count(_ kind: ScannedColumn.Kind, _ word: String) -> String? {
      let count = scan.columns.count { $0.kind == kind }
      return count == 0 ? nil : "\(count) \(word)"
    }
    let kinds = [
      count(.numeric, "of numbers"), count(.boolean, "of yes and no"),
      count(.categorical, "of texts"),
    ].compactMap { $0 }
    let used = columns.count { $0.used }
    let listed = kinds.isEmpty ? "" : " (\(kinds.joined(separator: ", ")))"
    lines =
      ["\(path): \(rows) rows, \(used) of \(columns.count) columns used\(listed)"]
      + scan.columns.compactMap(Self.line)
  }

  private static func line(_ column: ScannedColumn) -> String? {
    let left = "left out: \"\(column.name)\""
    switch column.kind {
    case .constant: return "\(left), the same value in every row"
    case .empty: return "\(left), no value in any row"
    case .identifying: return "\(left), a value of its own in (nearly) every row, as ids have"
    case .tooManyLevels: return "\(left), about \(column.distinct) different texts"
    case .numeric, .boolean, .categorical:
      var taken: [String] = []
      if column.blank > 0 { taken.append("\(column.blank) cells of spaces") }
      if column.marked > 0 { taken.append("\(column.marked) marked as NA, null or ?") }
      return taken.isEmpty
        ? nil : "\"\(column.name)\": \(taken.joined(separator: " and ")) taken as missing"
    }
  }
}
