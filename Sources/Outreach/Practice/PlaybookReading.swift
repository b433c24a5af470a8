import Foundation
import Histories

extension Playbook {
  /// Reads one file. What is wrong with it goes into `problems`, each with its line; nil then.
  init?(
    file: String, contents: Data, _ practice: Practice, _ common: inout PlaybookWords,
    _ problems: inout [String]
  ) {
    let name = String(file.dropLast(".toml".utf8.count))
    let isCommon = name.utf8.elementsEqual(Self.common.utf8)
    let conditions = Condition.allCases.map(\.rawValue)
    let words = ["phrases", "said", "options"]
    let document: ProjectFile
    do {
      document = try ProjectFile(
        path: file, contents: contents,
        keys: isCommon ? words : conditions + ["by_name", "advice", "parts"] + words)
    } catch {
      problems += error.problems
      return nil
    }
    let known = problems.count
    let reader = PlaybookReader(document: document, practice: practice)
    let read = reader.words()
    if isCommon {
      common = read
      problems += reader.problems()
      return nil
    }
    let book = reader.playbook(name, read)
    problems += reader.problems()
    guard let book, problems.count == known else { return nil }
    self = book
  }
}

/// Reads the tables of one playbook, and collects what is wrong with it.
private final class PlaybookReader {
  let document: ProjectFile
  let practice: Practice
  private var found: [String] = []

  init(document: ProjectFile, practice: Practice) {
    self.document = document
    self.practice = practice
  }

  /// Everything wrong, told with its line.
  func problems() -> [String] {
    var all: [String] = []
    do { try document.check() } catch { all = error.problems }
    return all + found
  }

  func playbook(_ name: String, _ words: PlaybookWords) -> Playbook? {
    let root = document.root
    let forms = names("form") ?? []
    let silent = [Case.Form.predicted, .exploration].map(\.rawValue)
    let known = [Case.Form.voiced.rawValue] + silent + practice.forms
    guard !forms.isEmpty else {
      root.report(
        root.value("form") == nil ? nil : "form",
        "`form` is missing: \"voiced\" for customers who spoke, [\"predicted\", \"exploration\"] for "
          + "those who have not")
      return nil
    }
    let isKnown = require(forms, in: known, "form")
    let isSilent = forms.allSatisfy(silent.contains)
    if isKnown, !isSilent, forms.contains(where: silent.contains) {
      root.report("form", "`form` mixes customers who spoke with those who have not: two files")
    }
    var conditions: [Playbook.Condition: [String]] = [:]
    let isAnyForm = isSilent ? Set(forms).count == 2 : forms.contains(Case.Form.voiced.rawValue)
    if !isAnyForm { conditions[.form] = forms }
    if root.boolean("public") == true { conditions[.isPublic] = ["true"] }
    for condition in [Playbook.Condition.cause, .kind, .track, .channel] {
      guard let values = names(condition.rawValue) else { continue }
      conditions[condition] = values
      switch condition {
      case .cause: require(values, in: practice.causes.map(\.name), "cause")
      case .track: require(values, in: Track.allCases.map(\.rawValue), "track")
      default: break
      }
    }
    for condition in [Playbook.Condition.isPublic, .cause, .kind]
    where isSilent && conditions[condition] != nil {
      root.report(
        condition.rawValue,
        "`\(condition.rawValue)` is known of customers who spoke, and this is for those who have not"
      )
    }
    return Playbook(
      name: name, isSilent: isSilent, conditions: conditions,
      byName: root.boolean("by_name") ?? false, advice: root.string("advice"),
      parts: parts(
        Playbook.parts(isSilent: isSilent, isPublic: conditions[.isPublic] != nil)), words: words)
  }

  func words() -> PlaybookWords {
    var words = PlaybookWords()
    words.phrases = texts("phrases")
    words.said = texts("said", [.date])
    words.options = texts("options")
    if let table = document.root.table("options") {
      for cause in words.options.keys.sorted() {
        require(cause, in: practice.causes.map(\.name), table, cause)
      }
    }
    return words
  }

  private func parts(_ wanted: [Playbook.Part]) -> [Playbook.Part: [String]] {
    guard let table = document.root.table("parts") else {
      document.root.report(
        nil, "[parts] is missing: \(wanted.map(\.rawValue).joined(separator: ", "))")
      return [:]
    }
    table.allow(wanted.map(\.rawValue))
    var parts: [Playbook.Part: [String]] = [:]
    for part in wanted {
      guard let text = table.required(part.rawValue) else { continue }
      let lines = text.utf8.split(separator: UInt8(ascii: "\n"))
        .map { trimmed(String(decoding: $0, as: UTF8.self)) }.filter { !$0.isEmpty }
      if lines.isEmpty { table.report(part.rawValue, "`\(part.rawValue)` says nothing") }
      for line in lines {
        check(line, part.isPublic ? [.agent, .company] : Placeholder.talk, part.isPublic)
      }
      parts[part] = lines
    }
    return parts
  }

  private func texts(_ key: String, _ placeholders: [Placeholder] = []) -> [String: String] {
    guard let table = document.root.table(key) else { return [:] }
    var texts: [String: String] = [:]
    for name in table.keys {
      guard let text = table.required(name) else { continue }
      check(text, placeholders)
      texts[name] = text
    }
    return texts
  }

  /// A text or a list of texts.
  private func names(_ key: String) -> [String]? {
    let root = document.root
    switch root.value(key) {
    case nil: return nil
    case .string: return root.required(key).map { [$0] }
    default:
      guard let names = root.strings(key) else { return nil }
      if names.isEmpty { root.report(key, "`\(key)` is empty") }
      return names
    }
  }

  @discardableResult
  private func require(_ names: [String], in known: [String], _ key: String) -> Bool {
    names.allSatisfy { require($0, in: known, document.root, key) }
  }

  @discardableResult
  private func require(
    _ name: String, in known: [String], _ table: ProjectTable, _ key: String
  ) -> Bool {
    if known.contains(where: { $0.utf8.elementsEqual(name.utf8) }) { return true }
    table.report(
      key,
      "no \(key == name ? "cause" : key) is named \"\(name)\""
        + (nearestName(to: name, among: known).map { ": did you mean \"\($0)\"?" }
          ?? ": expected one of \(known.joined(separator: ", "))"))
    return false
  }

  /// Reports what stands in braces and is no placeholder.
  private func check(_ text: String, _ known: [Placeholder], _ isRead: Bool = false) {
    for name in Template(text).names where !known.contains(where: { $0.rawValue == name }) {
      let names = known.map { "{\($0.rawValue)}" }
      let why =
        if isRead, Placeholder(rawValue: name) != nil {
          ": others read this part, so it must not say who the customer is or what they told us"
        } else if names.isEmpty {
          ": none is known here"
        } else {
          nearestName(to: "{\(name)}", among: names).map { ": did you mean \($0)?" }
            ?? "; known here: \(names.joined(separator: ", "))"
        }
      let problem = "\(line(of: "{\(name)}"))unknown placeholder {\(name)}\(why)"
      if !found.contains(problem) { found.append(problem) }
    }
  }

  /// Where a text stands first.
  private func line(of text: String) -> String {
    let lines = document.contents.split(separator: 0x0A, omittingEmptySubsequences: false)
    let place = lines.firstIndex { $0.range(of: Data(text.utf8)) != nil }
    return place.map { "line \($0 + 1): " } ?? ""
  }
}

extension HistoriesError {
  /// What is wrong with a file, without its name.
  fileprivate var problems: [String] {
    if case .projectFile(_, let problems) = self { problems } else { [description] }
  }
}

/// Without spaces and line ends at its ends.
func trimmed(_ text: String) -> String {
  let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
  let bytes = text.utf8.drop(while: isSpace)
  let end = bytes.lastIndex { !isSpace($0) }.map { bytes.index(after: $0) } ?? bytes.startIndex
  return String(decoding: bytes[..<end], as: UTF8.self)
}
