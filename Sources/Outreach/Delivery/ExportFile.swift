import Foundation
package import Histories

/// How an export is written.
package enum ExportFormat: String, Sendable, CaseIterable { case csv, jsonl, parquet }

extension ExportTable {
  /// Writes the table beside its place, syncs and renames it.
  /// - Parameter formulaSafe: of CSV, whether a text that a spreadsheet would run gets an
  ///   apostrophe before it (`FormulaText`); not where a program reads the file.
  /// - Throws: `HistoriesError.output`, and `service` where Parquet is asked for and there is no
  ///   `duckdb` program.
  package func write(
    _ format: ExportFormat, to path: String, formulaSafe: Bool = true
  ) throws(HistoriesError) {
    switch format {
    case .csv:
      try write(to: path) { (file) throws(HistoriesError) in
        let names = columns.map { ExportCell.text($0.name) }
        for row in [names] + rows {
          try file.write(row.map { $0.csv(formulaSafe) }.joined(separator: ",") + "\r\n")
        }
      }
    case .jsonl:
      try write(to: path) { (file) throws(HistoriesError) in try writeLines(to: file) }
    case .parquet:
      try DuckDBProgram.writeParquet(
        columns: columns.map { ($0.name, $0.kind.sqlType) }, to: path
      ) { (lines) throws(HistoriesError) in
        try write(to: lines) { (file) throws(HistoriesError) in try writeLines(to: file) }
      }
    }
  }

  private func write(
    to path: String, _ body: (OutputFile) throws(HistoriesError) -> Void
  ) throws(HistoriesError) {
    let file = try OutputFile(path: path)
    try body(file)
    try file.commit()
  }

  /// An object a row, its keys in the order of the columns, null where there is nothing.
  private func writeLines(to file: OutputFile) throws(HistoriesError) {
    let keys = columns.map { jsonText($0.name) + ":" }
    for row in rows {
      let cells = zip(keys, row).map { $0 + $1.json }
      try file.write("{" + cells.joined(separator: ",") + "}\n")
    }
  }
}

extension ExportTable.Kind {
  fileprivate var sqlType: String {
    switch self {
    case .text: "VARCHAR"
    case .number: "DOUBLE"
    case .integer: "BIGINT"
    case .flag: "BOOLEAN"
    case .instant: "TIMESTAMPTZ"
    }
  }
}

extension ExportCell {
  /// Only a text can be taken for a formula: a number stays one, also below zero.
  fileprivate func csv(_ formulaSafe: Bool) -> String {
    switch self {
    case .none: ""
    case .text(let text): csvText(formulaSafe ? FormulaText.escaped(text) : text)
    case .number(let number): "\(number)"
    case .integer(let integer): "\(integer)"
    case .flag(let flag): "\(flag)"
    case .instant(let instant): instant.description
    }
  }

  fileprivate var json: String {
    switch self {
    case .none: "null"
    case .text(let text): jsonText(text)
    case .number(let number): number.isFinite ? "\(number)" : "null"
    case .integer(let integer): "\(integer)"
    case .flag(let flag): "\(flag)"
    case .instant(let instant): jsonText(instant.description)
    }
  }
}

/// Texts in a CSV cell that a spreadsheet would take for a formula, and how they are kept from it.
///
/// A text whose first byte after any apostrophes is `=`, `+`, `-`, `@`, a tab or an end of line (or a
/// full-width form of a sign) gets one apostrophe more before it. Taking one off such a text gives the
/// original back, whatever it was.
package enum FormulaText {
  package static func escaped(_ text: String) -> String { isCaught(text) ? "'" + text : text }

  package static func unescaped(_ text: String) -> String {
    text.utf8.first == 0x27 && isCaught(text)
      ? String(decoding: text.utf8.dropFirst(), as: UTF8.self) : text
  }

  private static func isCaught(_ text: String) -> Bool {
    let scalar = text.unicodeScalars.first { $0 != "'" }
    return switch scalar {
    case "=", "+", "-", "@", "\t", "\r", "\n", "\u{FF1D}", "\u{FF0B}", "\u{FF0D}", "\u{FF20}": true
    default: false
    }
  }
}

/// RFC 4180: quoted where it must be, and where another separator or a space at an end could mislead a
/// reader. An empty text is `""`, so that it is told from nothing.
private func csvText(_ text: String) -> String {
  let isPlain =
    text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x2C && $0 != 0x3B && $0 != 0x7C }
    && !text.isEmpty
  if isPlain { return text }
  var bytes: [UInt8] = [0x22]
  for byte in text.utf8 {
    if byte == 0x22 { bytes.append(byte) }
    bytes.append(byte)
  }
  return String(decoding: bytes + [0x22], as: UTF8.self)
}

/// A JSON string. Beside what JSON asks for, `<`, `>`, `&` and the separators that end a line of
/// script are written by number, so that a page which embeds the text runs none of it.
private func jsonText(_ text: String) -> String {
  var written = String.UnicodeScalarView("\"".unicodeScalars)
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": written.append(contentsOf: ["\\", scalar])
    case "\0"..<" ", "\u{7F}"..<"\u{A0}", "<", ">", "&", "\u{2028}", "\u{2029}":
      let digits = String(scalar.value, radix: 16)
      let zeros = String(repeating: "0", count: 4 - digits.utf8.count)
      written.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
    default: written.append(scalar)
    }
  }
  written.append("\"")
  return String(written)
}
