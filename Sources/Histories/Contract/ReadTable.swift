import Foundation

/// The table of what was read, as aligned lines: a row a file, of an `[[events]]` table with many
/// files one row for all of them, and the total.
struct ReadTable {
  let lines: [String]

  /// More files of one table than this are told in one row.
  private static let mostFiles = 10

  init(_ files: [IntakeReport.File]) {
    guard !files.isEmpty else {
      lines = []
      return
    }
    let tables = Set(files.filter { $0.section == "events" }.map(\.table)).count
    var rows = [["section", "path", "rows", "bytes", "seconds", "rows/s", "quarantined"]]
    var rest = files[...]
    while let first = rest.first {
      let group = rest.prefix { $0.section == first.section && $0.table == first.table }
      rest = rest.dropFirst(group.count)
      let section =
        tables > 1 && first.table > 0 ? "\(first.section) \(first.table)" : first.section
      if group.count > Self.mostFiles, let last = group.last {
        let name = "\(first.path) … \(last.path) (\(group.count) files)"
        rows.append(Self.cells(section, name, group))
      } else {
        rows += group.map { Self.cells(section, $0.path, [$0]) }
      }
    }
    if files.count > 1 { rows.append(Self.cells("total", "", files[...])) }
    lines = alignedLines(rows, texts: 2)
  }

  private static func cells(
    _ section: String, _ path: String, _ files: ArraySlice<IntakeReport.File>
  ) -> [String] {
    let rows = files.reduce(0) { $0 + $1.rows }
    let seconds = files.reduce(0) { $0 + $1.seconds }
    return [
      section, path, grouped(rows), grouped(files.reduce(0) { $0 + $1.bytes }),
      String(format: "%.2f", seconds),
      seconds > 0 ? grouped(Int((Double(rows) / seconds).rounded())) : "–",
      grouped(files.reduce(0) { $0 + $1.badRows }),
    ]
  }

  /// `1234567` as `1,234,567`.
  private static func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude).utf8)
    var text = number < 0 ? [UInt8(ascii: "-")] : []
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { text.append(UInt8(ascii: ",")) }
      text.append(digit)
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Columns as wide as their widest cell: the first `texts` to the left, numbers to the right.
package func alignedLines(_ rows: [[String]], texts: Int) -> [String] {
  var widths = [Int](repeating: 0, count: rows.first?.count ?? 0)
  for row in rows {
    for (column, cell) in row.enumerated() {
      widths[column] = max(widths[column], cell.unicodeScalars.count)
    }
  }
  return rows.map { row in
    let cells = row.enumerated().map { column, cell in
      let spaces = String(repeating: " ", count: widths[column] - cell.unicodeScalars.count)
      return column < texts ? cell + spaces : spaces + cell
    }
    let line = cells.joined(separator: "  ")
    return String(line.prefix(through: line.lastIndex { $0 != " " } ?? line.startIndex))
  }
}

/// The table of what was read, for people.
package func readTable(_ files: [IntakeReport.File]) -> [String] { ReadTable(files).lines }
