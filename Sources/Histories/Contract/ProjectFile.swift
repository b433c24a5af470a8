package import Foundation
import TOMLKit

/// A project file (`tacit.toml`) as read: a tree of values with the place of each, and the list of
/// everything found wrong with it so far, so that all problems are told at once.
///
/// Each module decodes the sections that are its own from `root` through `ProjectTable`; the
/// caller then calls `check()`, which throws if anybody complained.
package final class ProjectFile {
  /// The file's own path, as given, and the folder that its relative paths start from.
  package let path: String
  package let folder: URL
  /// The bytes, whose digest a model records.
  package let contents: Data
  private let document: [(key: String, value: ProjectValue)]
  private let lines: ProjectLines
  fileprivate var problems: [String] = []

  /// The top-level keys that exist, over all modules (DESIGN 6).
  private static let sections = [
    "time_zone", "reading", "events", "accounts", "contacts", "feedback", "features", "training",
    "level",
    "model", "store", "calendar", "calls", "queue", "policy", "experiment", "webhooks", "outcome",
    "practice", "remedy", "escalation", "retention",
    "export", "import",
  ]

  /// Reads and parses `path`. Throws `inputMissing` (66) when it is not there and `projectFile`
  /// (78) when it is no TOML or a top-level key is unknown.
  package convenience init(path: String) throws(HistoriesError) {
    guard let contents = FileManager.default.contents(atPath: path) else {
      throw .inputMissing(
        "no project file at \(path): say where it is with --project "
          + "(datasets/sample/tacit.toml shows one)")
    }
    try self.init(path: path, contents: contents, keys: Self.sections)
  }

  /// Parses a project file that is not yet written, to stand at `path`.
  package convenience init(path: String, text: String) throws(HistoriesError) {
    try self.init(path: path, contents: Data(text.utf8), keys: Self.sections)
  }

  /// Parses the contents of any file of a project's that is written in TOML; `keys` are those that
  /// may stand at its top. Throws `projectFile` where it is no TOML.
  package init(path: String, contents: Data, keys: [String]) throws(HistoriesError) {
    self.path = path
    folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    self.contents = contents
    guard let text = String(validating: contents, as: UTF8.self) else {
      throw .projectFile(path: path, problems: ["the file is not UTF-8"])
    }
    lines = ProjectLines(text)
    // TOML has none anywhere, and the text behind a NUL would be passed over.
    if let place = contents.firstIndex(where: {
      $0 < 0x20 && ![9, 10, 13].contains($0) || $0 == 0x7f
    }) {
      let line = 1 + contents[..<place].count { $0 == 0x0a }
      throw .projectFile(
        path: path, problems: ["line \(line): not TOML: a control character stands there"])
    }
    if let (line, expected) = TOMLBrackets.firstUnsound(Array(contents)) {
      throw .projectFile(path: path, problems: ["line \(line): not TOML: expected \(expected)"])
    }
    do {
      document = ProjectValue.entries(of: try TOMLTable(string: text))
    } catch let error as TOMLParseError {
      throw .projectFile(
        path: path,
        problems: ["line \(error.source.begin.line): not TOML: \(error.description)"])
    } catch {
      throw .projectFile(path: path, problems: ["not TOML: \(error)"])
    }
    root.allow(keys)
  }

  /// The whole document as a table.
  package var root: ProjectTable { ProjectTable(file: self, place: [], entries: document) }

  /// Throws every problem found so far, in the order of their lines.
  package func check() throws(HistoriesError) {
    if !problems.isEmpty { throw .projectFile(path: path, problems: problems) }
  }

  /// A path in the project file, relative to the file's folder.
  package func resolve(_ path: String) -> String {
    path.hasPrefix("/") ? path : folder.appendingPathComponent(path).path
  }

  fileprivate func report(_ place: [ProjectStep], _ text: String) {
    let line = lines.line(of: place)
    problems.append((line.map { "line \($0): " } ?? "") + text)
  }
}

/// One step into the document: a key, or a place in an array (from 0).
enum ProjectStep: Equatable {
  case key(String)
  case index(Int)
}

/// A value of the project file, with tables in the order of their keys' bytes.
package enum ProjectValue {
  case string(String)
  case integer(Int)
  case number(Double)
  case boolean(Bool)
  case array([ProjectValue])
  case table([(key: String, value: ProjectValue)])
  /// A TOML date or time: no key takes one, a date is written as text here.
  case other

  fileprivate static func entries(of table: TOMLTable) -> [(key: String, value: ProjectValue)] {
    table.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }.compactMap {
      key in table[key].map { (key, ProjectValue($0)) }
    }
  }

  private init(_ value: any TOMLValueConvertible) {
    switch value.type {
    case .string: self = value.string.map(Self.string) ?? .other
    case .int: self = value.int.map(Self.integer) ?? .other
    case .double: self = value.double.map(Self.number) ?? .other
    case .bool: self = value.bool.map(Self.boolean) ?? .other
    case .array: self = .array(value.array.map { $0.map { ProjectValue($0) } } ?? [])
    case .table: self = .table(value.table.map(Self.entries(of:)) ?? [])
    default: self = .other
    }
  }

  fileprivate var typeName: String {
    switch self {
    case .string: "a text"
    case .integer: "a whole number"
    case .number: "a number"
    case .boolean: "true or false"
    case .array: "a list"
    case .table: "a table"
    case .other: "a date or time"
    }
  }
}

/// One table of the project file. A getter returns nil when the key is absent, and reports a
/// problem (returning nil as well) when it holds something else than was expected.
package struct ProjectTable {
  private let file: ProjectFile
  private let place: [ProjectStep]
  private let entries: [(key: String, value: ProjectValue)]

  fileprivate init(
    file: ProjectFile, place: [ProjectStep], entries: [(key: String, value: ProjectValue)]
  ) {
    self.file = file
    self.place = place
    self.entries = entries
  }

  package var keys: [String] { entries.map(\.key) }

  package func value(_ key: String) -> ProjectValue? {
    entries.first { $0.key == key }?.value
  }

  /// Reports every key that is not in `known`, with the nearest one that is.
  package func allow(_ known: [String]) {
    for (key, _) in entries where !known.contains(key) {
      let nearest = nearestName(to: key, among: known)
      report(
        key,
        "unknown key `\(key)`"
          + (nearest.map { ": did you mean `\($0)`?" }
            ?? "; known here: \(known.joined(separator: ", "))"))
    }
  }

  /// Says that something is wrong with `key` (or with the table, when nil).
  package func report(_ key: String?, _ text: String) {
    file.report(place + (key.map { [.key($0)] } ?? []), text)
  }

  package func string(_ key: String) -> String? {
    guard let value = value(key) else { return nil }
    guard case .string(let text) = value else { return mismatch(key, "a text", value) }
    return text
  }

  package func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = value(key) else { return nil }
    guard case .integer(let number) = value else {
      return mismatch(key, "a whole number", value)
    }
    guard range.contains(number) else {
      let limit = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
      report(key, "`\(key)` is \(number), expected \(range.lowerBound) \(limit)")
      return nil
    }
    return number
  }

  package func number(_ key: String) -> Double? {
    guard let value = value(key) else { return nil }
    switch value {
    case .integer(let number): return Double(number)
    case .number(let number) where number.isFinite: return number
    default: return mismatch(key, "a finite number", value)
    }
  }

  package func boolean(_ key: String) -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .boolean(let flag) = value else { return mismatch(key, "true or false", value) }
    return flag
  }

  package func strings(_ key: String) -> [String]? {
    guard let value = value(key) else { return nil }
    guard case .array(let items) = value else { return mismatch(key, "a list of texts", value) }
    var texts: [String] = []
    for item in items {
      guard case .string(let text) = item else { return mismatch(key, "a list of texts", item) }
      texts.append(text)
    }
    return texts
  }

  package func integers(_ key: String, in range: ClosedRange<Int>) -> [Int]? {
    guard let value = value(key) else { return nil }
    guard case .array(let items) = value else {
      return mismatch(key, "a list of whole numbers", value)
    }
    var numbers: [Int] = []
    for item in items {
      guard case .integer(let number) = item, range.contains(number) else {
        return mismatch(key, "a list of whole numbers from \(range.lowerBound)", item)
      }
      numbers.append(number)
    }
    return numbers
  }

  package func table(_ key: String) -> ProjectTable? {
    guard let value = value(key) else { return nil }
    guard case .table(let entries) = value else { return mismatch(key, "a table", value) }
    return ProjectTable(file: file, place: place + [.key(key)], entries: entries)
  }

  /// The tables of `[[key]]`, in the order of the file; empty when absent.
  package func tables(_ key: String) -> [ProjectTable] {
    guard let value = value(key) else { return [] }
    guard case .array(let items) = value else {
      report(key, "`\(key)` is \(value.typeName), expected tables: write [[\(key)]]")
      return []
    }
    var tables: [ProjectTable] = []
    for (index, item) in items.enumerated() {
      guard case .table(let entries) = item else {
        report(key, "`\(key)` holds \(item.typeName), expected tables: write [[\(key)]]")
        return []
      }
      tables.append(
        ProjectTable(file: file, place: place + [.key(key), .index(index)], entries: entries))
    }
    return tables
  }

  /// A text that must be there and not be empty.
  package func required(_ key: String) -> String? {
    if value(key) == nil {
      report(nil, "`\(key)` is missing")
      return nil
    }
    guard let text = string(key) else { return nil }
    if text.isEmpty {
      report(key, "`\(key)` is empty")
      return nil
    }
    return text
  }

  private func mismatch<Value>(
    _ key: String, _ expected: String, _ found: ProjectValue
  ) -> Value? {
    report(key, "`\(key)` is \(found.typeName), expected \(expected)")
    return nil
  }
}

/// The known name nearest to `name` by edits, if it is near enough to be meant.
package func nearestName(to name: String, among known: [String]) -> String? {
  let distances = known.map { (distance: editDistance(Array(name.utf8), Array($0.utf8)), name: $0) }
  guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
  let length = max(name.utf8.count, best.name.utf8.count)
  return best.distance < length && best.distance <= max(2, name.utf8.count / 3) ? best.name : nil
}

/// Levenshtein distance over bytes, O(a·b).
func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let cost = x == y ? diagonal : 1 + min(diagonal, row[j], row[j + 1])
      diagonal = row[j + 1]
      row[j + 1] = cost
    }
  }
  return row[b.count]
}

/// Finds the line on which a place of the document is written: the parser below keeps no
/// positions of keys, so headers and keys are looked for in the text.
private struct ProjectLines {
  private let lines: [Substring]

  init(_ text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// The line (from 1) of the last step that can be found, or nil at the root.
  func line(of place: [ProjectStep]) -> Int? {
    var path = ""
    var from = 0
    var found: Int? = nil
    for step in place {
      switch step {
      case .key(let key):
        let header = path.isEmpty ? key : "\(path).\(key)"
        if let line = lines.indices.first(where: {
          $0 >= from && (starts($0, "[\(header)]") || starts($0, "[[\(header)]]"))
        }) {
          from = line
          found = line
        } else if let line = sectionLines(from).first(where: { names($0, key) }) {
          from = line
          found = line
        }
        path = header
      case .index(let wanted):
        let headers = lines.indices.filter { $0 >= from && starts($0, "[[\(path)]]") }
        if wanted < headers.count {
          from = headers[wanted]
          found = from
        }
      }
    }
    return found.map { $0 + 1 }
  }

  /// The lines from a header up to the next one.
  private func sectionLines(_ from: Int) -> Range<Int> {
    let next = lines.indices.first { $0 > from && starts($0, "[") } ?? lines.count
    return from..<next
  }

  private func starts(_ line: Int, _ prefix: String) -> Bool {
    trimmed(line).starts(with: prefix.utf8)
  }

  /// Whether `key =` stands on the line, at its start or inside an inline table.
  private func names(_ line: Int, _ key: String) -> Bool {
    let bytes = Array(trimmed(line))
    let name = Array(key.utf8)
    guard bytes.count > name.count else { return false }
    for start in 0..<(bytes.count - name.count)
    where bytes[start..<(start + name.count)].elementsEqual(name) {
      let before = start == 0 ? UInt8(ascii: " ") : bytes[start - 1]
      let boundary = [UInt8(ascii: " "), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: "\"")]
      let after = bytes[(start + name.count)...].first { $0 != 0x20 && $0 != 0x22 }
      if boundary.contains(before), after == UInt8(ascii: "=") || after == UInt8(ascii: ".") {
        return true
      }
    }
    return false
  }

  private func trimmed(_ line: Int) -> Substring.UTF8View.SubSequence {
    lines[line].utf8.drop { $0 == 0x20 || $0 == 0x09 }
  }
}
