import Foundation
package import Histories

/// One row of an outcome file, checked.
package struct OutcomeRow: Sendable, Equatable {
  package var line: Int
  /// The case, by its number or by its account; where both stand they must agree.
  package var caseNumber: Int64?
  package var account: String?
  package var at: Instant
  package var agent: String
  /// What the row says was done, in the order in which it is recorded.
  package var actions: [Action]
  /// Set where the row asks for a case to be opened for a customer who spoke.
  package var opening: Opening?

  package struct Opening: Sendable, Equatable {
    package var queue: String
    package var channel: String?
  }
}

/// A file of outcomes from elsewhere, such as a CRM's export: CSV, a row what was done about a
/// case. It is checked as a whole; an empty cell says nothing and overwrites nothing.
package enum OutcomeFile {
  /// The columns it may have.
  package enum Column: String, Sendable, CaseIterable {
    case number = "case"
    case account = "account_id"
    case at
    /// An `Action.Kind`, or `outcome` for the end of the case.
    case kind
    case outcome, verdict
    /// How the customer was asked: a word such as phone.
    case mode
    /// What the agent thinks, in a word such as not_at_risk: never a label.
    case view
    case note, agent
    /// Of an appointment.
    case from, to
    /// Where a reassigned case goes, or a new one; the form and channel of a new one.
    case queue, form, channel
  }

  /// Who did what a row without an agent says.
  package static let usualAgent = "import"

  /// `[import.NAME] columns`: the file's header by column. Every column under its own name without one.
  /// Reports its problems.
  package static func columns(
    _ name: String?, project: ProjectFile
  ) -> [(header: String, column: Column)] {
    guard let name else { return Column.allCases.map { ($0.rawValue, $0) } }
    let maps = project.root.table("import")
    guard let table = maps?.table(name) else {
      let nearest = nearestName(to: name, among: maps?.keys ?? [])
      project.root.report(
        nil,
        "no map is named [import.\(name)]"
          + (nearest.map { ": did you mean `\($0)`?" }
            ?? ": write [import.\(name)] columns = { \"Customer\" = \"account_id\" }"))
      return []
    }
    table.allow(["columns"])
    guard let entries = table.table("columns") else {
      if table.value("columns") == nil { table.report(nil, "`columns` is missing") }
      return []
    }
    let known = Column.allCases.map(\.rawValue)
    var columns: [(header: String, column: Column)] = []
    for key in entries.keys {
      guard let text = entries.string(key) else { continue }
      guard let column = Column(rawValue: text) else {
        let nearest = nearestName(to: text, among: known)
        entries.report(
          key,
          "an outcome has no `\(text)`"
            + (nearest.map { ": did you mean `\($0)`?" }
              ?? "; known: \(known.joined(separator: ", "))"))
        continue
      }
      if columns.contains(where: { $0.column == column }) {
        entries.report(key, "two headers are mapped to `\(text)`")
      }
      columns.append((key, column))
    }
    return columns
  }

  /// Reads and checks the whole file.
  /// - Parameters:
  ///   - columns: of `columns(_:project:)`; a header that the file lacks is as if its cells were empty,
  ///     where no map asks for it.
  ///   - mapped: whether a map asks for the headers.
  ///   - queues: names of the project's queues.
  ///   - now: nothing happened after it.
  /// - Throws: `dataContract` with every problem and its line, no cell's text among them but words of ours;
  ///   `HistoriesError` where the file is not there or no CSV.
  package static func read(
    _ path: String, columns: [(header: String, column: Column)], mapped: Bool, queues: [String],
    zone: LocalTime, now: Instant
  ) throws -> [OutcomeRow] {
    let table = try CSVTable(path: path)
    var places: [Column: Int] = [:]
    for (header, column) in columns {
      let place = table.header.firstIndex { $0.utf8.elementsEqual(header.utf8) }
      if place == nil, mapped { _ = try table.column(header, for: column.rawValue) }
      places[column] = place
    }
    if !mapped {
      let known = Column.allCases.map(\.rawValue)
      for name in table.header where !known.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
        let nearest = nearestName(to: name, among: known)
        throw OutreachError.dataContract(
          "\(path), line 1: an outcome has no column \"\(name)\""
            + (nearest.map { ": did you mean \"\($0)\"?" }
              ?? "; known: \(known.joined(separator: ", ")). Or map the columns by [import.NAME]"))
      }
    }
    if places[.at] == nil { _ = try table.column("at", for: "at") }
    if places[.number] == nil, places[.account] == nil {
      _ = try table.column("account_id", for: "account_id")
    }
    var problems: [String] = []
    var rows: [OutcomeRow] = []
    for row in 0..<table.rowCount {
      var reader = RowReading(
        table: table, row: row, places: places, queues: queues, zone: zone, now: now)
      if let found = reader.checked() { rows.append(found) }
      problems += reader.problems.map { "\(path), line \(table.line(row)): \($0)" }
    }
    if !problems.isEmpty {
      throw OutreachError.dataContract(
        (problems + ["nothing was imported: \(problems.count) problems"]).joined(separator: "\n"))
    }
    return rows
  }
}

/// One row being read, with what is wrong with it.
private struct RowReading {
  let table: CSVTable
  let row: Int
  let places: [OutcomeFile.Column: Int]
  let queues: [String]
  let zone: LocalTime
  let now: Instant
  var problems: [String] = []

  init(
    table: CSVTable, row: Int, places: [OutcomeFile.Column: Int], queues: [String],
    zone: LocalTime, now: Instant
  ) {
    self.table = table
    self.row = row
    self.places = places
    self.queues = queues
    self.zone = zone
    self.now = now
  }

  mutating func checked() -> OutcomeRow? {
    var texts: [OutcomeFile.Column: String] = [:]
    for column in OutcomeFile.Column.allCases {
      guard let place = places[column] else { continue }
      guard let raw = table.text(row, place) else {
        problems.append("`\(column.rawValue)` is not UTF-8")
        continue
      }
      let text = FormulaText.unescaped(raw)
      if text.isEmpty { continue }
      if text.utf8.contains(0) {
        problems.append("`\(column.rawValue)` has a NUL byte in it")
        continue
      }
      texts[column] = text
    }
    let number = number(texts[.number])
    let account = texts[.account]
    if let account, account.utf8.count > 256 {
      problems.append("`account_id` is longer than 256 bytes")
    }
    if texts[.number] == nil, account == nil { problems.append("neither `case` nor `account_id`") }
    let at = instant(texts[.at], "at")
    if texts[.at] == nil { problems.append("`at` is empty") }
    if let at, at > now { problems.append("`at` is later than now") }
    let agent = texts[.agent] ?? OutcomeFile.usualAgent
    if agent.utf8.count > 64 || agent == Action.run {
      problems.append("`agent` is longer than 64 bytes, or \"\(Action.run)\"")
    }
    let opening = opening(texts)
    let actions = actions(texts, at, agent)
    guard problems.isEmpty, let at else { return nil }
    return OutcomeRow(
      line: table.line(row), caseNumber: number, account: account, at: at, agent: agent,
      actions: actions, opening: opening)
  }

  private mutating func number(_ text: String?) -> Int64? {
    guard let text else { return nil }
    // As `external_id` has it, too.
    let digits = text.utf8.starts(with: "tacit-".utf8) ? String(text.dropFirst(6)) : text
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(digits) else {
      problems.append("`case` is no case's number")
      return nil
    }
    return number
  }

  private mutating func instant(_ text: String?, _ name: String) -> Instant? {
    guard let text else { return nil }
    guard let instant = Instant(asOf: text, zone: zone) else {
      problems.append("`\(name)` is no time: expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")
      return nil
    }
    return instant
  }

  private mutating func choice<Value: RawRepresentable & CaseIterable>(
    _ text: String?, _ name: String, _ type: Value.Type
  ) -> Value? where Value.RawValue == String {
    guard let text else { return nil }
    if let value = Value(rawValue: text) { return value }
    let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
    problems.append("`\(name)` is none of: \(known)")
    return nil
  }

  /// A word that may stand in the log, which nothing is ever taken out of.
  private mutating func word(_ text: String?, _ name: String) -> String? {
    guard let text else { return nil }
    let fits = text.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F || $0 == 0x2D
    }
    if fits, text.utf8.count <= 32 { return text }
    problems.append(
      "`\(name)` is no word of at most 32 letters, digits, - and _; what is longer is a `note`")
    return nil
  }

  private mutating func opening(_ texts: [OutcomeFile.Column: String]) -> OutcomeRow.Opening? {
    guard let form = texts[.form] else { return nil }
    guard form == Case.Form.voiced.rawValue else {
      problems.append("`form` is not voiced, the only one that a file can open")
      return nil
    }
    guard let queue = texts[.queue], queues.contains(where: { $0.utf8.elementsEqual(queue.utf8) })
    else {
      problems.append("`queue` names none of the project's queues, which a new case needs")
      return nil
    }
    if texts[.account] == nil { problems.append("a new case needs `account_id`") }
    return .init(queue: queue, channel: word(texts[.channel], "channel"))
  }

  /// The row's own kind first, then what its other cells say, the end of the case last.
  private mutating func actions(
    _ texts: [OutcomeFile.Column: String], _ at: Instant?, _ agent: String
  ) -> [Action] {
    var kind: Action.Kind?
    if let text = texts[.kind], text != "outcome" {
      kind = Action.Kind(rawValue: text)
      if kind == nil {
        let known = Action.Kind.allCases.filter { $0 != .opened }.map(\.rawValue)
        problems.append("`kind` is none of: \(known.joined(separator: ", ")), outcome")
      }
    }
    let outcome = choice(texts[.outcome], "outcome", Action.Outcome.self)
    let verdict = choice(texts[.verdict], "verdict", Action.Verdict.self)
    let mode = word(texts[.mode], "mode")
    let view = word(texts[.view], "view")
    if texts[.kind] == "outcome" || kind == .closed, texts[.outcome] == nil {
      problems.append("the end of a case needs `outcome`")
    }
    if outcome == .erased {
      problems.append("`outcome` is erased, which only `tacit erase` says")
    }
    if verdict != nil, texts[.mode] == nil {
      problems.append("a `verdict` needs its `mode`: how was the customer asked?")
    }
    var details: [(Action.Kind, [String: String])] = []
    switch kind {
    case nil: break
    case .opened, .claimed:
      problems.append("`kind` is \(kind!.rawValue), which a file cannot say")
    case .answered:
      if texts[.verdict] == nil { problems.append("an answer needs `verdict`") }
    case .opinion:
      if texts[.view] == nil { problems.append("an opinion needs `view`") }
    case .closed: break
    case .appointed:
      let from = instant(texts[.from], "from")
      let to = instant(texts[.to], "to")
      if let from, let to, from < to {
        details.append((.appointed, ["from": from.description, "to": to.description]))
      } else {
        problems.append("an appointment needs `from` and a later `to`")
      }
    case .reassigned:
      if let queue = texts[.queue], queues.contains(where: { $0.utf8.elementsEqual(queue.utf8) }) {
        details.append((.reassigned, ["queue": queue]))
      } else {
        problems.append("`queue` names none of the project's queues")
      }
    case let other?: details.append((other, [:]))
    }
    if let verdict, let mode {
      details.append((.answered, ["verdict": verdict.rawValue, "mode": mode]))
    }
    if let view { details.append((.opinion, ["view": view])) }
    if let outcome { details.append((.closed, ["outcome": outcome.rawValue])) }
    if details.isEmpty, texts[.note] != nil { details.append((.noted, [:])) }
    guard let at else { return [] }
    return details.enumerated().map { place, one in
      Action(
        at: at, kind: one.0, actor: agent, detail: one.1, note: place == 0 ? texts[.note] : nil)
    }
  }
}
