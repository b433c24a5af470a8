import Foundation
import Histories
import TestSupport
import Testing

/// Reads each text (hex, a line each) with Python's `csv`: "error" where it is refused in strict
/// mode or is no table (no header, header names twice, rows of another width), else its cells.
private let script = """
  import csv, io, sys
  def parse(text):
      try:
          rows = [r for r in csv.reader(io.StringIO(text, newline=''), strict=True) if r]
      except csv.Error:
          return 'error'
      if not rows: return 'error'
      named = [n for n in rows[0] if n]
      if len(set(named)) < len(named): return 'error'
      if any(len(r) != len(rows[0]) for r in rows): return 'error'
      return '/'.join(','.join(c.encode('latin-1').hex() for c in r) for r in rows)
  for line in sys.stdin:
      print(parse(bytes.fromhex(line.strip()).decode('latin-1')))
  """

@Suite struct CSVDifferentialTests {
  /// A table of small random cells, then up to three random mutations.
  private func text(_ draw: inout SplitMix64) -> [UInt8] {
    let tokens = ["a", "b", "1", ",", "\"", "\"\"", "\n", "\r\n", " ", "é", "\",\"", "\"\n"]
    var parts: [String] = []
    let columns = 1 + draw.below(4)
    for row in 0..<(1 + draw.below(6)) {
      for column in 0..<columns {
        if column > 0 { parts.append(",") }
        let inside = (0..<draw.below(4)).map { _ in tokens[draw.below(3)] }.joined()
        if row == 0 {
          parts.append(draw.below(2) == 0 ? "h\(column)" : "\"h\(column)\"")
        } else if draw.below(2) == 0 {
          let inner = ["\"\"", ",", "\n", "\r\n", "é", ""][draw.below(6)]
          parts += ["\"", inside, inner, inside, "\""]
        } else {
          parts.append(inside)
        }
      }
      parts.append(draw.below(3) == 0 ? "\r\n" : "\n")
    }
    for _ in 0..<draw.below(4) {
      let place = draw.below(parts.count)
      switch draw.below(3) {
      case 0: parts.remove(at: place)
      case 1: parts.insert(tokens[draw.below(tokens.count)], at: place)
      default: parts[place] = tokens[draw.below(tokens.count)]
      }
      if parts.isEmpty { parts = ["a"] }
    }
    return Array(parts.joined().utf8)
  }

  @Test func tablesAreWhatPythonReads() throws {
    let venv = Shared.root.appendingPathComponent(".venv/bin/python")
    let python =
      FileManager.default.isExecutableFile(atPath: venv.path)
      ? venv : URL(fileURLWithPath: "/usr/bin/python3")
    guard FileManager.default.isExecutableFile(atPath: python.path) else {
      print("SKIPPED: tablesAreWhatPythonReads: no Python here (make venv)")
      return
    }
    var draw = SplitMix64(2026)
    let texts = (0..<4000).map { _ in text(&draw) }
    let folder = try TestFolder()
    let input = try folder.write(
      "texts", texts.map { $0.map { padded(hex: $0) }.joined() + "\n" }.joined())
    let process = Process()
    process.executableURL = python
    process.arguments = ["-c", script]
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: input))
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let expected = String(decoding: output, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false
    ).dropLast().map(String.init)
    try #require(expected.count == texts.count)
    var taken = 0
    for (index, text) in texts.enumerated() {
      let path = try folder.write("table.csv", text)
      for chunkBytes in [16 + index % 40, 1 << 20] {
        let got = cells(path, chunkBytes)
        #expect(got == expected[index], "\(String(decoding: text, as: UTF8.self).debugDescription)")
      }
      if expected[index] != "error" { taken += 1 }
    }
    // Neither all tables nor all errors, or the test would show little.
    #expect(taken > 1500 && taken < 3500, "\(taken)")
  }

  private func cells(_ path: String, _ chunkBytes: Int) -> String {
    guard let table = try? CSVTable(path: path, chunkBytes: chunkBytes) else { return "error" }
    let head = table.header.map { $0.utf8.map { padded(hex: $0) }.joined() }.joined(separator: ",")
    let rows = (0..<table.rowCount).map { row in
      table.header.indices.map { table.cell(row, $0).map { padded(hex: $0) }.joined() }
        .joined(separator: ",")
    }
    return ([head] + rows).joined(separator: "/")
  }

  private func padded(hex byte: UInt8) -> String {
    let text = String(byte, radix: 16)
    return text.utf8.count == 1 ? "0" + text : text
  }
}
