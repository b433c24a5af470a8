import Foundation
import Histories
import TestSupport
import Testing

/// Reads each text (hex, a line each) with Python's `csv`: "error" where it is refused in strict
/// mode or is no table (no header, header names twice or not UTF-8, rows of another width), else its
/// rows, each with the line on which it starts.
///
/// Two differences are meant, and taken out beforehand: a carriage return that ends no line is data
/// here (Python refuses it), and so is a NUL. A byte order mark is dropped by Python's decoders, not
/// by its `csv`. A header whose names hold a lone carriage return, but no line feed, is refused.
private let script = """
  import csv, json, re, sys
  lone = re.compile(r'\\r(?!\\n|\\Z)')
  def parse(text):
      if text.startswith('\\xef\\xbb\\xbf'): text = text[3:]
      text = lone.sub('\\u0101', text).replace('\\0', '\\u0102')
      back = lambda c: c.replace('\\u0101', '\\r').replace('\\u0102', '\\0').encode('latin-1')
      lines = [l for l in re.split(r'(?<=\\n)', text) if l]
      reader = csv.reader(lines, strict=True)
      rows, starts, line = [], [], 1
      try:
          for row in reader:
              if row: rows.append([back(c) for c in row]); starts.append(line)
              line = reader.line_num + 1
      except csv.Error:
          return 'error'
      if not rows: return 'error'
      named = [n for n in rows[0] if n]
      if len(set(named)) < len(named): return 'error'
      for name in rows[0]:
          try: name.decode('utf-8')
          except UnicodeDecodeError: return 'error'
          if b'\\r' in name and b'\\n' not in name: return 'error'
      if any(len(r) != len(rows[0]) for r in rows): return 'error'
      return '/'.join([','.join(c.hex() for c in rows[0])]
          + [str(n) + ':' + ','.join(c.hex() for c in r) for n, r in zip(starts[1:], rows[1:])])
  csv.field_size_limit(1 << 30)
  texts = json.load(open(sys.argv[1]))
  print(json.dumps([parse(bytes.fromhex(t).decode('latin-1')) for t in texts]))
  """

@Suite struct CSVDifferentialTests {
  /// A table of small random cells, then up to three random mutations of tokens and two of bytes.
  private func text(_ draw: inout SplitMix64, longest: Int) -> [UInt8] {
    let tokens = [
      "a", "b", "1", ",", "\"", "\"\"", "\n", "\r\n", " ", "é", "\",\"", "\"\n", "\r", "\0", "\n\n",
      "\u{FEFF}", "\",\"\n", ",,",
    ]
    var parts: [String] = []
    if draw.below(8) == 0 { parts.append("\u{FEFF}") }
    let columns = 1 + draw.below(4)
    let end = draw.below(3) == 0 ? "\r\n" : "\n"
    for row in 0..<(1 + draw.below(6)) {
      for column in 0..<columns {
        if column > 0 { parts.append(",") }
        var inside = (0..<draw.below(4)).map { _ in tokens[draw.below(3)] }.joined()
        if draw.below(200) == 0 {
          inside += String(repeating: "x", count: draw.below(longest))
        }
        if row == 0 {
          parts.append(draw.below(2) == 0 ? "h\(column)" : "\"h\(column)\"")
        } else if draw.below(2) == 0 {
          let inner = ["\"\"", ",", "\n", "\r\n", "é", "", "\r", "\0"][draw.below(8)]
          parts += ["\"", inside, inner, inside, "\""]
        } else {
          parts.append(inside)
        }
      }
      parts.append(draw.below(6) == 0 ? ["\n", "\r\n", "\n\n", "\r\n\r\n"][draw.below(4)] : end)
    }
    if draw.below(5) == 0 { parts.removeLast() }
    for _ in 0..<draw.below(4) {
      let place = draw.below(max(parts.count, 1))
      switch draw.below(3) {
      case 0 where parts.count > 1: parts.remove(at: place)
      case 1: parts.insert(tokens[draw.below(tokens.count)], at: place)
      default: parts[place] = tokens[draw.below(tokens.count)]
      }
    }
    var bytes = Array(parts.joined().utf8)
    for _ in 0..<(draw.below(3) == 0 ? draw.below(3) : 0) where !bytes.isEmpty {
      let special: [UInt8] = [0x22, 0x2c, 0x0a, 0x0d, 0x00, 0xff, 0x61]
      bytes[draw.below(bytes.count)] = special[draw.below(special.count)]
    }
    return bytes
  }

  private func expected(_ texts: [[UInt8]], test: String = #function) throws -> [String]? {
    guard let output = try Python.run(script, on: texts.map(hex), test: test) else { return nil }
    return try JSONDecoder().decode([String].self, from: output)
  }

  private func compare(_ texts: [[UInt8]], chunks: (Int, Int) -> [Int], test: String = #function)
    throws -> Int
  {
    guard let expected = try expected(texts, test: test) else { return -1 }
    try #require(expected.count == texts.count)
    let folder = try TestFolder()
    var wrong = 0
    for (index, text) in texts.enumerated() {
      let path = try folder.write("table.csv", text)
      for chunkBytes in chunks(index, text.count) {
        let got = rows(path, chunkBytes)
        guard got != expected[index] else { continue }
        wrong += 1
        if wrong < 10 {
          Issue.record(
            """
            chunks of \(chunkBytes): \(String(decoding: text, as: UTF8.self).debugDescription)
            got \(got)
            not \(expected[index])
            """)
        }
      }
    }
    #expect(wrong == 0)
    return expected.count { $0 != "error" }
  }

  /// Thirty thousand files in chunks of three sizes each, one so small that rows are longer.
  @Test func tablesAreWhatPythonReads() throws {
    var draw = SplitMix64(2026)
    let texts = (0..<30_000).map { _ in text(&draw, longest: 3000) }
    let taken = try compare(texts) { index, _ in [3 + index % 40, 1 << 20] }
    // Neither all tables nor all errors, or the test would show little.
    #expect(taken == -1 || (taken > 8000 && taken < 25_000), "\(taken)")
  }

  /// Every place in the file as the end of the first chunk, and all later ones with it.
  @Test func everySplitGivesTheSameRows() throws {
    var draw = SplitMix64(7)
    let texts = (0..<1500).map { _ in text(&draw, longest: 40) }
    let taken = try compare(texts) { _, count in Array(3...max(3, count + 1)) }
    #expect(taken == -1 || taken > 300, "\(taken)")
  }

  private func hex(_ bytes: [UInt8]) -> String { bytes.map { padded(hex: $0) }.joined() }

  private func rows(_ path: String, _ chunkBytes: Int) -> String {
    guard let table = try? CSVTable(path: path, chunkBytes: chunkBytes) else { return "error" }
    let head = table.header.map { hex(Array($0.utf8)) }.joined(separator: ",")
    let rows = (0..<table.rowCount).map { row in
      "\(table.line(row)):"
        + table.header.indices.map { hex(Array(table.cell(row, $0))) }.joined(separator: ",")
    }
    return ([head] + rows).joined(separator: "/")
  }

  private func padded(hex byte: UInt8) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: [digits[Int(byte >> 4)], digits[Int(byte & 15)]], as: UTF8.self)
  }
}

/// A gzip file is all there and all right, or nothing of it counts.
@Suite struct GzipTests {
  private static let text =
    "account,at,kind,value\n" + "\"a, \"\"x\"\"\",2024-01-01,order,1\r\nb,2024-01-02,order,\"2\"\n"
    + "c,2024-01-03,\"of\ntwo lines\",3\n"

  /// What Python's gzip makes of each list of parts, a member each.
  private func gzip(_ members: [[String]], test: String = #function) throws -> [[UInt8]]? {
    let script = """
      import base64, gzip, json, sys
      out = [base64.b64encode(b''.join(gzip.compress(m.encode(), mtime=0) for m in f)).decode()
          for f in json.load(open(sys.argv[1]))]
      print(json.dumps(out))
      """
    guard let output = try Python.run(script, on: members, test: test) else { return nil }
    return try JSONDecoder().decode([String].self, from: output)
      .map { [UInt8](Data(base64Encoded: $0) ?? Data()) }
  }

  private func cells(_ table: CSVTable) -> [[UInt8]] {
    (0..<table.rowCount).flatMap { row in
      table.header.indices.map { Array(table.cell(row, $0)) }
    }
  }

  /// The rows as events of a base; its error's text and status otherwise.
  private func read(_ bytes: [UInt8], in folder: TestFolder) throws -> Result<Int, HistoriesError> {
    let path = try folder.write("events.csv.gz", bytes)
    let source = EventSource(
      path: path, account: "account", at: TimeMapping(column: "at"), kind: .column("kind"),
      value: .column("value"))
    do throws(HistoriesError) {
      let base = try HistoryBase.read(
        HistorySettings(events: [source]), roles: [:], threads: 1, chunkBytes: 16)
      return .success(base.accountCount)
    } catch {
      return .failure(error)
    }
  }

  @Test func membersSplitAtEveryByteAreOneFile() throws {
    let text = Array(Self.text.utf8)
    let splits = (0...text.count).map { place in
      [text[..<place], text[place...]].map { String(decoding: $0, as: UTF8.self) }
    }
    let whole = [
      [Self.text], ["", Self.text, ""], text.map { String(decoding: [$0], as: UTF8.self) },
    ]
    guard let files = try gzip(splits + whole) else { return }
    let folder = try TestFolder()
    let plain = cells(try CSVTable(path: try folder.write("plain.csv", text)))
    try #require(plain.count == 12)
    for (index, bytes) in files.enumerated() {
      let path = try folder.write("t.csv.gz", bytes)
      for chunkBytes in [3, 16 + index % 50, 1 << 20] {
        #expect(cells(try CSVTable(path: path, chunkBytes: chunkBytes)) == plain, "\(index)")
      }
    }
  }

  /// Cut anywhere but between members, which nobody can see, it is refused.
  @Test func aFileCutAtAnyByteIsRefused() throws {
    guard let files = try gzip([[Self.text, Self.text], [Self.text]]) else { return }
    let (file, first) = (files[0], files[1])
    let folder = try TestFolder()
    guard case .success(3) = try read(first, in: folder) else {
      Issue.record("the whole file is not read")
      return
    }
    for count in 0..<file.count where count != first.count {
      guard case .failure(let error) = try read(Array(file[..<count]), in: folder) else {
        Issue.record("cut after \(count) bytes it was read")
        continue
      }
      #expect(error.exitStatus == 65, "\(count): \(error)")
    }
  }

  /// Every bit of every byte: the header's time and system are of no matter, all else is refused.
  @Test func aFileChangedInAnyBitIsRefusedOrTheSame() throws {
    guard let files = try gzip([[Self.text]]) else { return }
    let file = files[0]
    let folder = try TestFolder()
    var same = 0
    for place in file.indices {
      for bit in 0..<8 {
        var changed = file
        changed[place] ^= 1 << bit
        switch try read(changed, in: folder) {
        case .success(let accounts):
          same += 1
          // Flags of text, time, extra flags, system: RFC 1952 gives them no meaning for the data. Nor
          // have the bits that fill the last byte before the check sum.
          let isIdle = place == 3 || (4...9).contains(place) || place == file.count - 9
          #expect(accounts == 3 && isIdle, "byte \(place), bit \(bit)")
        case .failure(let error):
          #expect(error.exitStatus == 65, "byte \(place), bit \(bit): \(error)")
        }
      }
    }
    #expect(same >= 48, "\(same)")
    for extra in [[0], [0x1f], [0x1f, 0x8b], Array(file.prefix(12))] as [[UInt8]] {
      guard case .failure(let error) = try read(file + extra, in: folder) else {
        Issue.record("\(extra) after the end was passed over")
        continue
      }
      #expect(error.exitStatus == 65)
    }
  }
}
