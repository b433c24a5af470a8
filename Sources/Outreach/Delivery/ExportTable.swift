import Detraction
package import Histories

/// One cell of an export. An instant is written as ISO 8601 in UTC.
package enum ExportCell: Sendable, Equatable {
  case none
  case text(String)
  case number(Double)
  case integer(Int64)
  case flag(Bool)
  case instant(Instant)

  init(_ text: String?) { self = text.map(ExportCell.text) ?? .none }
  init(_ number: Double?) { self = number.map(ExportCell.number) ?? .none }
  init(_ flag: Bool?) { self = flag.map(ExportCell.flag) ?? .none }
  init(_ instant: Instant?) { self = instant.map(ExportCell.instant) ?? .none }
}

/// Rows on their way out: every row has a cell a column, each of the column's kind or none.
package struct ExportTable: Sendable, Equatable {
  package enum Kind: Sendable { case text, number, integer, flag, instant }

  package struct Column: Sendable, Equatable {
    package var name: String
    package var kind: Kind

    package init(_ name: String, _ kind: Kind) {
      self.name = name
      self.kind = kind
    }
  }

  package var columns: [Column]
  package var rows: [[ExportCell]]

  package init(columns: [Column], rows: [[ExportCell]]) {
    self.columns = columns
    self.rows = rows
  }
}

/// What an export can say of a case.
package enum CaseField: String, Sendable, CaseIterable {
  case number = "case"
  /// `tacit-` and the case's number: what other systems know the case by.
  case externalID = "external_id"
  case account = "account_id"
  case form, queue, channel
  case openedAt = "opened_at"
  case due
  case closeDue = "close_due"
  case asOf = "as_of"
  case model, probability, low, high, percentile, band, logit
  /// Every reason in words, and those alone that may be said to the customer.
  case reasons
  case sayable
  case value, segment, name, email, phone
  /// Who looks after the account, by the accounts file.
  case accountOwner = "account_owner"
  case preferredChannel = "preferred_channel"
  case voiceKind = "voice_kind"
  case voiceAt = "voice_at"
  case owner
  case acknowledgedAt = "acknowledged_at"
  case touches
  case lastTouch = "last_touch"
  case escalation, verdict
  case answeredAt = "answered_at"
  case outcome
  case closedAt = "closed_at"
  /// The newest.
  case note

  package var kind: ExportTable.Kind {
    switch self {
    case .number, .touches, .escalation: .integer
    case .probability, .low, .high, .percentile, .logit, .value: .number
    case .openedAt, .due, .closeDue, .asOf, .voiceAt, .acknowledgedAt, .lastTouch, .answeredAt,
      .closedAt:
      .instant
    default: .text
    }
  }

  func cell(_ one: Case, note: String?) -> ExportCell {
    let state = one.state
    return switch self {
    case .number: .integer(one.number)
    case .externalID: .text("tacit-\(one.number)")
    case .account: .text(one.account)
    case .form: .text(one.form.rawValue)
    case .queue: .text(one.queue)
    case .channel: .text(one.channel)
    case .openedAt: .instant(one.openedAt)
    case .due: .instant(one.due)
    case .closeDue: ExportCell(one.closeDue)
    case .asOf: .instant(one.asOf)
    case .model: ExportCell(one.model)
    case .probability: ExportCell(one.score?.probability)
    case .low: ExportCell(one.score?.low)
    case .high: ExportCell(one.score?.high)
    case .percentile: ExportCell(one.score?.percentile)
    case .band: ExportCell(one.score?.band.rawValue)
    case .logit: ExportCell(one.score?.logit)
    case .reasons: ExportCell(one.score?.reasons.map(\.text).joined(separator: "; "))
    case .sayable:
      ExportCell(one.score?.reasons.filter(\.sayable).map(\.text).joined(separator: "; "))
    case .value: ExportCell(one.value)
    case .segment: ExportCell(one.segment)
    case .name: ExportCell(one.person?.name)
    case .email: ExportCell(one.person?.email)
    case .phone: ExportCell(one.person?.phone)
    case .accountOwner: ExportCell(one.person?.owner)
    case .preferredChannel: ExportCell(one.person?.preferredChannel)
    case .voiceKind: ExportCell(one.voice?.kind)
    case .voiceAt: ExportCell(one.voice?.at)
    case .owner: ExportCell(state.owner)
    case .acknowledgedAt: ExportCell(state.acknowledgedAt)
    case .touches: .integer(Int64(state.touches))
    case .lastTouch: ExportCell(state.lastTouch)
    case .escalation: .integer(Int64(state.escalation))
    case .verdict: ExportCell(state.verdict?.rawValue)
    case .answeredAt: ExportCell(state.answeredAt)
    case .outcome: ExportCell(state.outcome?.rawValue)
    case .closedAt: ExportCell(state.closedAt)
    case .note: ExportCell(note)
    }
  }
}

/// Which columns an export has, by `[export.NAME]` of the project file: a name and a field, or a text
/// that is the same in every row. They stand in the order of their names' bytes.
package struct ExportMap: Sendable, Equatable {
  package enum Source: Sendable, Equatable {
    case field(CaseField)
    case constant(String)
  }

  package var columns: [(name: String, source: Source)]

  package static func == (left: ExportMap, right: ExportMap) -> Bool {
    left.columns.elementsEqual(right.columns) { $0.name == $1.name && $0.source == $1.source }
  }

  /// Every field under its own name.
  package init() { columns = CaseField.allCases.map { ($0.rawValue, .field($0)) } }

  /// The map of this name. Reports its problems; nil where there is no such map.
  package init?(_ name: String, project: ProjectFile) {
    guard let maps = project.root.table("export"), let table = maps.table(name) else {
      let known = project.root.table("export")?.keys ?? []
      let nearest = nearestName(to: name, among: known)
      project.root.report(
        nil,
        "no map is named [export.\(name)]"
          + (nearest.map { ": did you mean `\($0)`?" }
            ?? ": write [export.\(name)] columns = { \"Customer\" = \"account_id\" }"))
      return nil
    }
    table.allow(["columns"])
    columns = []
    guard let entries = table.table("columns") else {
      if table.value("columns") == nil { table.report(nil, "`columns` is missing") }
      return nil
    }
    let fields = CaseField.allCases.map(\.rawValue)
    for key in entries.keys {
      if case .table = entries.value(key), let fixed = entries.table(key) {
        fixed.allow(["constant"])
        if let text = fixed.string("constant") { columns.append((key, .constant(text))) }
        continue
      }
      guard let text = entries.string(key) else { continue }
      guard let field = CaseField(rawValue: text) else {
        let nearest = nearestName(to: text, among: fields)
        entries.report(
          key,
          "no case has the field `\(text)`"
            + (nearest.map { ": did you mean `\($0)`?" }
              ?? "; known: \(fields.joined(separator: ", "))"))
        continue
      }
      columns.append((key, .field(field)))
    }
    if columns.isEmpty { table.report("columns", "`columns` maps nothing") }
  }

  var needsNotes: Bool { columns.contains { $0.source == .field(.note) } }

  /// `notes`: the newest of each case.
  func table(_ cases: [Case], notes: [Int64: String]) -> ExportTable {
    ExportTable(
      columns: columns.map { column in
        switch column.source {
        case .field(let field): .init(column.name, field.kind)
        case .constant: .init(column.name, .text)
        }
      },
      rows: cases.map { one in
        columns.map { column in
          switch column.source {
          case .field(let field): field.cell(one, note: notes[one.number])
          case .constant(let text): .text(text)
          }
        }
      })
  }
}
