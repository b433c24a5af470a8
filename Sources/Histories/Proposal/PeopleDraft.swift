/// The lines of `[accounts]` or `[contacts]`: which column is what, with reasons.
struct PeopleDraft: Sendable {
  struct Line: Sendable {
    var key: String
    var value: String
    var reason: String
  }

  private(set) var lines: [Line] = []
  private(set) var notes: [String] = []
  private(set) var roles: [String: String] = [:]
  private(set) var questions: [String] = []
  /// Rows that cannot be used as they are.
  private(set) var unusable = 0

  /// Of customers who are known by one row each (`isContacts`: of people, several an account).
  init(_ table: TableLook, account: SeenColumn, reason: String, isContacts: Bool) {
    add("account", account, reason)
    unusable = account.rows - account.present + table.badRows
    if isContacts {
      let own = table.columns.first {
        free($0) && $0.isUnique && $0.content != .email && $0.time == nil && !$0.words.mean(.name)
      }
      if let id = own ?? table.columns.first(where: { $0.content == .email }) {
        add(
          "contact", id,
          id.isUnique
            ? "another in every row" : "no id of people: their e-mail address stands for it")
        if id.content == .email { roles[id.name] = nil }
      }
    } else if let column = table.columns.first(where: {
      $0.time != nil && $0.words.mean(.modified) && $0.filled == 1
    }), let form = column.time {
      lines.append(
        Line(
          key: "known_at", value: timeValue(column, form),
          reason: "when a row last changed: what it says was not known before. Leave it out to use "
            + "today's attributes for the past too"))
      roles[column.name] = "known_at"
      unusable += form.present - form.readable
    }
    take(table, "email", "addresses in most rows") { $0.content == .email }
    take(table, "phone", "numbers to call in most rows") { $0.content == .phone }
    take(table, "name", "by its header") { column in
      [.text, .category, .prose].contains(column.content) && column.words.mean(.name)
        && !column.words.mean(.owner)
    }
    take(table, "preferred_channel", "by its header") {
      $0.words.mean(.preferredChannel) && $0.content == .category
    }
    take(table, "time_zone", "by its header and contents") { column in
      column.words.mean(.zone) && !column.levels.isEmpty
        && column.levels.allSatisfy { $0.text.isEmpty || LocalTime.isKnown($0.text) }
    }
    flags(table, isContacts: isContacts)
    if isContacts {
      take(table, "role", "by its header") { $0.words.mean(.role) && $0.content == .category }
    } else {
      take(table, "owner", "by its header") {
        $0.words.mean(.owner) && [.category, .text, .email].contains($0.content)
      }
      take(table, "segment", "by its header") { column in
        column.content == .category && column.words.mean(.segment) && column.distinct <= 50
      }
      take(table, "value", "money at stake, by its header; never a feature") { column in
        column.content == .number && column.words.mean(.money)
          && column.notNumbers * 200 <= column.rows
      }
      attributes(table)
    }
    let left = table.columns.filter { free($0) }
    if !left.isEmpty {
      notes.append("not used: " + left.map { "\($0.name)\(Self.why($0))" }.joined(separator: ", "))
    }
    for column in table.columns where column.present == 0 {
      notes.append("empty in every row: \(column.name)")
    }
  }

  private func free(_ column: SeenColumn) -> Bool {
    roles[column.name] == nil && column.present > 0
  }

  private mutating func add(_ key: String, _ column: SeenColumn, _ reason: String) {
    lines.append(Line(key: key, value: ProjectText.string(column.name), reason: reason))
    roles[column.name] = key
  }

  /// The first column not yet used that fits.
  private mutating func take(
    _ table: TableLook, _ key: String, _ reason: String, where fits: (SeenColumn) -> Bool
  ) {
    if let column = table.columns.first(where: { free($0) && fits($0) }) {
      add(key, column, reason)
    }
  }

  private mutating func flags(_ table: TableLook, isContacts: Bool) {
    let keys: [(String, HeaderWords.Meaning)] =
      [("do_not_contact", .doNotContact)] + (isContacts ? [] : [("do_not_profile", .doNotProfile)])
    for (key, meaning) in keys {
      guard let column = table.columns.first(where: { free($0) && $0.words.mean(meaning) }) else {
        continue
      }
      if column.isFlag {
        let yes = column.levels.filter { ["true", "yes", "1"].contains($0.text.lowercased()) }
          .reduce(0) { $0 + $1.rows }
        add(key, column, "yes in \(grouped(yes)) of \(grouped(column.rows)) rows")
      } else {
        questions.append(
          "\(table.paths[0]): \"\(column.name)\" seems to be \(key), which takes true, false, yes, no, "
            + "1, 0: write it so and add it, or people who refused may be contacted")
      }
    }
    let consent = table.columns.first {
      free($0) && $0.content == .boolean && $0.words.mean(.consent)
    }
    if let consent {
      questions.append(
        "\(table.paths[0]): \"\(consent.name)\" seems to say who may be contacted; Tacit asks who may "
          + "not (do_not_contact): turn it round in the export and add it")
      roles[consent.name] = "consent"
    }
  }

  private mutating func attributes(_ table: TableLook) {
    let usable = table.columns.filter { free($0) && !$0.words.mean(.protected) }
    let numeric = usable.filter {
      $0.content == .number && $0.notNumbers * 200 <= $0.rows && !$0.words.mean(.id) && !$0.isUnique
        && $0.least < $0.most
    }
    if !numeric.isEmpty {
      lines.append(
        Line(
          key: "numeric", value: ProjectText.list(numeric.map(\.name)),
          reason: "numbers that repeat"))
    }
    let categorical = usable.filter {
      ($0.content == .category || $0.content == .boolean) && $0.distinct >= 2 && $0.distinct <= 50
        && !$0.words.mean(.name) && !$0.words.mean(.owner)
    }
    if !categorical.isEmpty {
      let counts = categorical.map { "\($0.name) \($0.distinct)" }.joined(separator: ", ")
      lines.append(
        Line(
          key: "categorical", value: ProjectText.list(categorical.map(\.name)),
          reason: "different values: \(counts)"))
    }
    for column in numeric { roles[column.name] = "numeric" }
    for column in categorical { roles[column.name] = "categorical" }
    unusable += numeric.map(\.notNumbers).max() ?? 0
  }

  private static func why(_ column: SeenColumn) -> String {
    if column.words.mean(.protected) { return " (a protected attribute)" }
    if column.words.mean(.birth) { return " (a date of birth)" }
    switch column.content {
    case .time: return " (a time)"
    case .prose: return " (free text)"
    case .category, .text: return column.distinct > 50 ? " (too many different values)" : ""
    case .number: return column.isUnique ? " (another in every row)" : ""
    default: return ""
    }
  }
}

/// A time mapping as the project file writes it.
func timeValue(_ column: SeenColumn, _ form: TimeForm) -> String {
  form.isISO
    ? ProjectText.string(column.name)
    : "{ column = \(ProjectText.string(column.name)), format = \(ProjectText.string(form.format)) }"
}
