/// The unusable rows of all files, in the order of files and lines.
struct BadRowLog {
  struct Row {
    var file: String
    var line: Int
    var what: String
    var bytes: [UInt8]
    /// The `[[events]]` table, −1 for the accounts file, −2 for the contacts file.
    var group: Int
  }

  private(set) var rows: [Row] = []

  /// Those of one file, from its chunks in order.
  static func rows(
    _ results: [EventReader.ChunkResult], path: String, group: Int
  ) -> [Row] {
    var rows: [Row] = []
    var line = 1
    for result in results {
      for bad in result.bad {
        rows.append(
          Row(
            file: path, line: line + bad.lineInChunk, what: bad.what.text, bytes: bad.bytes,
            group: group))
      }
      line += result.lines
    }
    return rows
  }

  mutating func add(_ more: [Row]) { rows += more }

  mutating func add(
    _ bad: [(line: Int, what: RowProblem, bytes: [UInt8])], path: String, group: Int
  ) {
    for row in bad {
      rows.append(
        Row(file: path, line: row.line, what: row.what.text, bytes: row.bytes, group: group))
    }
  }

  var examples: [IntakeReport.BadRow] {
    rows.prefix(10).map { .init(file: $0.file, line: $0.line, what: $0.what) }
  }

  /// Refuses a source (all files of one table together) with too large a share of bad rows.
  func check(
    _ report: IntakeReport, share: Double
  ) throws(HistoriesError) {
    var totals: [(group: Int, rows: Int, bad: Int)] = []
    for file in report.files {
      let group = file.table > 0 ? file.table - 1 : file.section == "accounts" ? -1 : -2
      if let place = totals.firstIndex(where: { $0.group == group }) {
        totals[place].rows += file.rows
        totals[place].bad += file.badRows
      } else {
        totals.append((group, file.rows, file.badRows))
      }
    }
    for total in totals where Double(total.bad) > share * Double(total.rows) {
      let name =
        switch total.group {
        case -1: "[accounts]"
        case -2: "[contacts]"
        default: "[[events]] number \(total.group + 1)"
        }
      let shown = rows.filter { $0.group == total.group }.prefix(5)
      var lines = [
        "\(name): \(total.bad) of \(total.rows) rows cannot be used, more than the share of "
          + "\(share) that max_bad_row_share allows:"
      ]
      lines += shown.map { "  \($0.file), line \($0.line): \($0.what)" }
      if total.bad > shown.count { lines.append("  and \(total.bad - shown.count) more") }
      if let path = report.quarantine { lines.append("They are in \(path), each with its reason.") }
      lines.append(
        "Repair the rows or the mapping, or set max_bad_row_share under [reading].")
      throw .dataContract(lines.joined(separator: "\n"))
    }
  }

  /// Writes `file,line,what,row`: the row's bytes as they were, as one quoted field. Rows that name an
  /// erased account are left out.
  func write(to path: String, leavingOut erased: Tombstones) throws(HistoriesError) {
    let file = try OutputFile(path: path)
    try file.write("file,line,what,row\n")
    for row in rows where !erased.areNamed(inRow: row.bytes) {
      var line: [UInt8] = []
      CSVText.append(Array(row.file.utf8), to: &line)
      line += Array(",\(row.line),".utf8)
      CSVText.append(Array(row.what.utf8), to: &line)
      line.append(0x2c)
      CSVText.append(row.bytes, to: &line)
      line.append(0x0a)
      try file.write(line)
    }
    try file.commit()
  }
}

/// Writing of CSV cells.
package enum CSVText {
  /// Appends a field, quoted where RFC 4180 asks for it.
  package static func append(_ field: some Collection<UInt8>, to line: inout [UInt8]) {
    let special = field.contains { $0 == 0x2c || $0 == 0x22 || $0 == 0x0a || $0 == 0x0d }
    guard special else {
      line.append(contentsOf: field)
      return
    }
    line.append(0x22)
    for byte in field {
      if byte == 0x22 { line.append(0x22) }
      line.append(byte)
    }
    line.append(0x22)
  }
}
