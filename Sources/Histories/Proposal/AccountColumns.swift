/// Which column of each table names the account, found by the ids that tables share and by headers.
struct AccountColumns: Sendable {
  struct Choice: Sendable {
    var column: SeenColumn
    /// For the comment beside it.
    var reason: String
  }

  /// What a table is to the accounts.
  enum Role: String, Sendable {
    case accounts, contacts, events
    /// Its rows name no account, but another table's row that does.
    case bridged
    case unused
  }

  /// By table.
  private(set) var choices: [Choice?]
  private(set) var roles: [Role]
  /// A second account column of a table whose rows are between two accounts.
  private(set) var partners: [SeenColumn?]
  /// Of bridged tables: their column, the other table, and its column.
  private(set) var bridges: [(column: SeenColumn, table: Int, key: SeenColumn)?]
  private(set) var questions: [String] = []

  init(_ tables: [TableLook]) {
    choices = tables.map { _ in nil }
    roles = tables.map { _ in .unused }
    partners = tables.map { _ in nil }
    bridges = tables.map { _ in nil }
    guard let pivot = Self.pivot(tables) else { return }
    for index in tables.indices {
      if index == pivot.table {
        choices[index] = Choice(column: pivot.column, reason: Self.reason(pivot.column))
      } else if let found = Self.match(pivot, in: tables[index], tables[pivot.table]) {
        let share = percent(found.overlap)
        choices[index] = Choice(
          column: found.column,
          reason: "\(share) of the ids are also in \(tables[pivot.table].paths[0]); "
            + Self.reason(found.column))
      } else if let own = Self.candidates(tables[index])
        .filter({ Self.headerScore($0) >= 3 })
        .max(by: { Self.headerScore($0) < Self.headerScore($1) })
      {
        choices[index] = Choice(column: own, reason: "by its header alone")
        questions.append(
          "\(tables[index].paths[0]): hardly any id in \"\(own.name)\" is in "
            + "\(tables[pivot.table].paths[0]) too: are they the same customers?")
      }
    }
    for index in tables.indices { decideRole(index, tables) }
    for index in tables.indices where choices[index] == nil { bridge(index, tables) }
  }

  /// The column whose ids join most tables, by header where tables do not tell.
  private static func pivot(_ tables: [TableLook]) -> (table: Int, column: SeenColumn)? {
    var best: (score: Double, table: Int, column: SeenColumn)?
    for (index, table) in tables.enumerated() {
      for column in candidates(table) {
        var score = 2 * headerScore(column)
        var isShared = false
        for (other, otherTable) in tables.enumerated() where other != index {
          guard let found = match((index, column), in: otherTable, table) else { continue }
          score += 2 + found.overlap + headerScore(found.column)
          isShared = true
        }
        // Another text in every row, which nothing else has and nobody calls a customer, is no account.
        if column.isUnique, !isShared, headerScore(column) < 2 { continue }
        if !column.isUnique { score += 0.5 }
        if score > best?.score ?? -.infinity { best = (score, index, column) }
      }
    }
    return best.map { ($0.table, $0.column) }
  }

  private static func match(
    _ pivot: (table: Int, column: SeenColumn), in table: TableLook, _ pivotTable: TableLook
  ) -> (column: SeenColumn, overlap: Double)? {
    var best: (column: SeenColumn, overlap: Double, score: Double)?
    for column in candidates(table) where areAlike(column, table, pivot.column, pivotTable) {
      let overlap = max(
        column.shareFound(in: pivot.column), pivot.column.shareFound(in: column))
      guard overlap >= 0.3 else { continue }
      let score = overlap + headerScore(column)
      if score > best?.score ?? -.infinity { best = (column, overlap, score) }
    }
    return best.map { ($0.column, $0.overlap) }
  }

  /// Whole numbers from 1 on are in any numbering: their headers must agree.
  private static func areAlike(
    _ a: SeenColumn, _ aTable: TableLook, _ b: SeenColumn, _ bTable: TableLook
  ) -> Bool {
    if a.content != .number && b.content != .number { return true }
    if a.words.mean(.account), b.words.mean(.account) { return true }
    func words(_ column: SeenColumn, _ table: TableLook) -> Set<String> {
      let own = column.words.without(.id)
      return own.isEmpty ? Set(HeaderWords(table.noun ?? "").words) : Set(own)
    }
    return !words(a, aTable).isDisjoint(with: words(b, bTable))
  }

  /// Columns that may hold ids.
  static func candidates(_ table: TableLook) -> [SeenColumn] {
    table.columns.filter { column in
      guard column.filled > 0.5 else { return false }
      switch column.content {
      case .text: return true
      case .email: return column.words.mean(.account)
      case .category: return column.distinct >= 20 || column.words.mean(.account)
      case .number:
        return column.isWhole && column.notNumbers * 100 <= column.rows && column.least >= 0
          && (column.distinct >= 20 || column.words.mean(.id))
          && !column.words.mean(.money) && !column.words.mean(.quantity)
      default: return false
      }
    }
  }

  static func headerScore(_ column: SeenColumn) -> Double {
    let words = column.words
    var score = 0.0
    if words.mean(.account) { score += 3 }
    if words.words.contains(where: { HeaderWords.Meaning.otherThing.texts.contains($0) }) {
      score -= 4
    }
    if words.mean(.person) { score -= 2 }
    if words.mean(.id) || words.words.count == 1 { score += 0.5 }
    for other in [HeaderWords.Meaning.name, .owner, .channel, .segment, .role, .text, .email]
    where words.mean(other) && !words.mean(.id) { score -= 3 }
    if words.mean(.strongKind) || words.mean(.weakKind) { score -= 2 }
    return score
  }

  private static func reason(_ column: SeenColumn) -> String {
    let ids =
      column.isUnique
      ? "an id of its own in each of \(grouped(column.rows)) rows"
      : "about \(grouped(column.distinct)) ids in \(grouped(column.rows)) rows"
    return column.content == .email ? ids + "; e-mail addresses: personal data as ids" : ids
  }

  private mutating func decideRole(_ index: Int, _ tables: [TableLook]) {
    guard let account = choices[index]?.column else { return }
    let table = tables[index]
    let times = table.columns.contains { $0.time != nil && !$0.words.mean(.birth) }
    let people = table.columns.contains { $0.content == .email || $0.content == .phone }
    let others = Self.candidates(table).filter {
      $0.isUnique && $0.name != account.name && ($0.words.mean(.id) || $0.words.mean(.otherThing))
    }
    if account.isUnique, others.isEmpty || !times || people {
      roles[index] = .accounts
    } else if people, !account.isUnique,
      table.columns.contains(where: {
        $0.isUnique && $0.name != account.name || $0.content == .email
      }), !table.columns.contains(where: { $0.words.mean(.strongKind) })
    {
      roles[index] = .contacts
    } else if times {
      roles[index] = .events
      // Both ends of a row are accounts where most ids of one are ids of the other.
      partners[index] = Self.candidates(table).first {
        $0.name != account.name && !$0.isUnique && Self.headerScore($0) >= 0
          && Self.headerScore(account) < 3 && $0.shareFound(in: account) >= 0.3
          && account.shareFound(in: $0) >= 0.3
      }
    }
  }

  private mutating func bridge(_ index: Int, _ tables: [TableLook]) {
    let table = tables[index]
    guard table.columns.contains(where: { $0.time != nil }) else { return }
    for (other, otherTable) in tables.enumerated()
    where other != index && choices[other] != nil && roles[other] != .contacts {
      for key in Self.candidates(otherTable) where key.isUnique {
        for column in Self.candidates(table)
        where Self.areAlike(column, table, key, otherTable) && column.shareFound(in: key) >= 0.8 {
          bridges[index] = (column, other, key)
          roles[index] = .bridged
          return
        }
      }
    }
  }
}

/// `98.7 %`: to a tenth, and never 100 nor 0 where it is not all or none.
func percent(_ share: Double) -> String {
  var tenths = Int((share * 1000).rounded())
  if share < 1 { tenths = min(tenths, 999) }
  if share > 0 { tenths = max(tenths, 1) }
  return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
}

/// A whole number with commas between thousands.
func grouped(_ value: Int) -> String {
  var digits = Array(String(value.magnitude).utf8)
  var place = digits.count - 3
  while place > 0 {
    digits.insert(UInt8(ascii: ","), at: place)
    place -= 3
  }
  return (value < 0 ? "-" : "") + String(decoding: digits, as: UTF8.self)
}
