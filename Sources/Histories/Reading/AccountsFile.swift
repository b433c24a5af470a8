/// The accounts file, column by column; `record` puts a row together again.
///
/// A row that cannot be used loses its attributes, never its consent: as long as its account can
/// be read, `do_not_contact` and `do_not_profile` hold as they are written, and hold when they
/// cannot be read.
struct AccountsFile: Sendable {
  /// Columns of texts for outreach, in the order of `texts`.
  private enum TextColumn: Int, CaseIterable {
    case segment, name, email, phone, owner, preferredChannel, timeZone
  }

  let source: AccountsSource
  private(set) var ids: [String] = []
  private(set) var lines: [Int] = []
  /// By attribute, then row; NaN and −1 where the cell is empty.
  private(set) var numeric: [[Double]]
  private(set) var categorical: [[Int32]]
  /// The levels of each categorical attribute, in the order of their bytes.
  private(set) var levels: [[String]]
  /// Microseconds as of which each row is known (exclusive), `.min` where it always is.
  private(set) var knownAt: [Int64] = []
  private var value: [Double] = []
  /// By `TextColumn`; nil where the project file does not map it.
  private var texts: [PackedTexts?]
  private var updateEveryDays: [Int32] = []
  private var doNotContact: [Bool] = []
  private var doNotProfile: [Bool] = []
  /// Of what was read.
  private(set) var rows = 0
  private(set) var bytes = 0
  private(set) var bad: [(line: Int, what: RowProblem, bytes: [UInt8])] = []

  static let mostLevels = 1000

  /// Throws `dataContract` for a missing column, no row at all, or an account that occurs twice.
  init(_ source: AccountsSource, zone: LocalTime, chunkBytes: Int) throws(HistoriesError) {
    self.source = source
    numeric = source.numeric.map { _ in [] }
    categorical = source.categorical.map { _ in [] }
    levels = source.categorical.map { _ in [] }
    let path = source.path
    let header = try Header.read(from: path, chunkBytes: chunkBytes)
    func column(_ name: String?, _ key: String) throws(HistoriesError) -> Int? {
      guard let name else { return nil }
      return try header.column(name, for: key)
    }
    let account = try header.column(source.account, for: "account")
    let known = try column(source.knownAt?.column, "known_at")
    var times = source.knownAt.map { TimeReader($0, zone: zone) }
    var numericColumns: [Int] = []
    for name in source.numeric { numericColumns.append(try header.column(name, for: "numeric")) }
    var categoryColumns: [Int] = []
    for name in source.categorical {
      categoryColumns.append(try header.column(name, for: "categorical"))
    }
    let valueColumn = try column(source.value, "value")
    let textColumns = [
      try column(source.segment, "segment"), try column(source.name, "name"),
      try column(source.email, "email"), try column(source.phone, "phone"),
      try column(source.owner, "owner"), try column(source.preferredChannel, "preferred_channel"),
      try column(source.timeZone, "time_zone"),
    ]
    texts = textColumns.map { $0 == nil ? nil : PackedTexts() }
    var knownZones: Set<[UInt8]> = []
    let everyColumn = try column(source.updateEveryDays, "update_every_days")
    let contactColumn = try column(source.doNotContact, "do_not_contact")
    let profileColumn = try column(source.doNotProfile, "do_not_profile")
    // Keyed by bytes: `String` holds canonically equivalent texts for equal.
    var met: [[[UInt8]: Int32]] = source.categorical.map { _ in [:] }

    /// Keeps a row, or of a bad one its consent.
    func take(_ fields: UnsafeBufferPointer<Field>, line: Int) -> RowProblem? {
      if let problem = EventReader.checkAccount(fields[account]) { return problem }
      guard let problem = takeWhole(fields, line: line) else { return nil }
      ids.append(fields[account].text ?? "")
      lines.append(line)
      self.knownAt.append(.min)
      for index in numeric.indices { numeric[index].append(.nan) }
      for index in categorical.indices { categorical[index].append(-1) }
      for index in texts.indices { texts[index]?.append(nil) }
      self.value.append(.nan)
      updateEveryDays.append(-1)
      doNotContact.append(Self.boolean(fields, contactColumn) ?? true)
      doNotProfile.append(Self.boolean(fields, profileColumn) ?? true)
      return problem
    }

    /// Reads a whole row before any column grows, so that a bad row leaves no trace.
    func takeWhole(_ fields: UnsafeBufferPointer<Field>, line: Int) -> RowProblem? {
      var knownAt = Int64.min
      if let known {
        guard let time = times!.read(fields[known]) else {
          return .notTime(key: "`known_at`", format: source.knownAt!.format.name)
        }
        knownAt = time
      }
      func number(_ column: Int?, _ key: String) -> Double? {
        guard let column, fields[column].count > 0 else { return .nan }
        return DecimalNumber(fields[column])?.value
      }
      var numbers: [Double] = []
      for (index, column) in numericColumns.enumerated() {
        guard let value = number(column, "") else {
          return .notNumber(key: "attribute \"\(source.numeric[index])\"")
        }
        numbers.append(value)
      }
      guard let value = number(valueColumn, "") else { return .notNumber(key: "`value`") }
      var categories: [String?] = []
      for (index, column) in categoryColumns.enumerated() {
        guard let text = fields[column].text else {
          return .notText(key: "attribute \"\(source.categorical[index])\"")
        }
        categories.append(text.isEmpty ? nil : text)
      }
      var strings: [String?] = []
      for (index, column) in textColumns.enumerated() {
        guard let column else {
          strings.append(nil)
          continue
        }
        guard let text = fields[column].text else {
          return .notText(key: "`\(TextColumn.allCases[index])`")
        }
        strings.append(text.isEmpty ? nil : text)
      }
      if let name = strings[TextColumn.timeZone.rawValue], !knownZones.contains(Array(name.utf8)) {
        guard LocalTime.isKnown(name) else { return .notZone(key: "`time_zone`") }
        knownZones.insert(Array(name.utf8))
      }
      var every: Int32 = -1
      if let everyColumn, fields[everyColumn].count > 0 {
        guard let text = fields[everyColumn].text, let days = Int32(text), days > 0 else {
          return .notWholeNumber(key: "`update_every_days`")
        }
        every = days
      }
      guard let contact = Self.boolean(fields, contactColumn) else {
        return .notBoolean(key: "`do_not_contact`")
      }
      guard let profile = Self.boolean(fields, profileColumn) else {
        return .notBoolean(key: "`do_not_profile`")
      }
      ids.append(fields[account].text ?? "")
      lines.append(line)
      self.knownAt.append(knownAt)
      for (index, number) in numbers.enumerated() { numeric[index].append(number) }
      for (index, text) in categories.enumerated() {
        var level: Int32 = -1
        if let text {
          let key = Array(text.utf8)
          level = met[index][key] ?? Int32(met[index].count)
          met[index][key] = level
        }
        categorical[index].append(level)
      }
      for (index, text) in strings.enumerated() { texts[index]?.append(text) }
      self.value.append(value)
      updateEveryDays.append(every)
      doNotContact.append(contact)
      doNotProfile.append(profile)
      return nil
    }

    try forEachRow(of: path, columns: header.names.count, chunkBytes: chunkBytes) {
      (row) throws(HistoriesError) in
      rows += 1
      if let problem = row.problem ?? take(row.fields, line: row.line) {
        bad.append((row.line, problem, Array(row.bytes)))
      }
    }
    bytes = try ByteStream(path: path).size
    guard rows > 0 else {
      throw .dataContract(
        "no accounts: \(path) has no rows below the header, and who may not be contacted or "
          + "profiled stands there: fetch it again, or leave [accounts] out")
    }
    try refuseDuplicates()
    try orderLevels(met)
  }

  private func refuseDuplicates() throws(HistoriesError) {
    var first: [[UInt8]: Int] = [:]
    for (row, id) in ids.enumerated() {
      if let earlier = first.updateValue(row, forKey: Array(id.utf8)) {
        throw .dataContract(
          "\(source.path), line \(lines[row]): the same account as on line \(lines[earlier]): "
            + "keep one row an account")
      }
    }
  }

  /// Numbers levels in the order of their bytes, whatever the order of rows.
  private mutating func orderLevels(_ met: [[[UInt8]: Int32]]) throws(HistoriesError) {
    for (index, table) in met.enumerated() {
      guard table.count <= Self.mostLevels else {
        throw .dataContract(
          "\(source.path): the categorical attribute \"\(source.categorical[index])\" has "
            + "\(table.count) different values, at most \(Self.mostLevels) are taken: leave it out")
      }
      let sorted = table.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      levels[index] = sorted.map { String(decoding: $0.key, as: UTF8.self) }
      var renumbered = Array(repeating: Int32(0), count: sorted.count)
      for (new, entry) in sorted.enumerated() { renumbered[Int(entry.value)] = Int32(new) }
      for row in categorical[index].indices where categorical[index][row] >= 0 {
        categorical[index][row] = renumbered[Int(categorical[index][row])]
      }
    }
  }

  /// An empty cell is false; nil when it is no boolean.
  private static func boolean(_ fields: UnsafeBufferPointer<Field>, _ column: Int?) -> Bool? {
    guard let column, fields[column].count > 0 else { return false }
    guard fields[column].count <= 5 else { return nil }
    let lowered = fields[column].bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    switch String(decoding: lowered, as: UTF8.self) {
    case "true", "1", "yes": return true
    case "false", "0", "no": return false
    default: return nil
    }
  }

  func forbidsContact(_ row: Int) -> Bool { doNotContact[row] }

  func record(_ row: Int) -> AccountRecord {
    func text(_ column: TextColumn) -> String? { texts[column.rawValue]?[row] }
    var record = AccountRecord(account: ids[row])
    record.numeric = numeric.map { $0[row].isNaN ? nil : $0[row] }
    record.categorical = categorical.indices.map { index in
      let level = categorical[index][row]
      return level < 0 ? nil : levels[index][Int(level)]
    }
    record.value = value[row].isNaN ? nil : value[row]
    record.segment = text(.segment)
    record.name = text(.name)
    record.email = text(.email)
    record.phone = text(.phone)
    record.owner = text(.owner)
    record.preferredChannel = text(.preferredChannel)
    record.timeZone = text(.timeZone)
    record.updateEveryDays = updateEveryDays[row] < 0 ? nil : Int(updateEveryDays[row])
    record.doNotContact = doNotContact[row]
    record.doNotProfile = doNotProfile[row]
    return record
  }
}

extension AccountsSource {
  /// The accounts that the file, as it is now, forbids to contact. Reads the whole file: O(bytes).
  package func accountsNotToContact(zone: LocalTime) throws(HistoriesError) -> [String] {
    guard let doNotContact else { return [] }
    var consent = AccountsSource(path: path, account: account)
    consent.doNotContact = doNotContact
    let file = try AccountsFile(consent, zone: zone, chunkBytes: 1 << 20)
    return file.ids.indices.filter { file.forbidsContact($0) }.map { file.ids[$0] }
  }
}

/// A column of texts, one after another in one array: their bytes and 8 more each. An empty text is
/// none.
private struct PackedTexts: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  mutating func append(_ text: String?) {
    if let text { bytes.append(contentsOf: text.utf8) }
    ends.append(bytes.count)
  }

  subscript(_ row: Int) -> String? {
    let from = row == 0 ? 0 : ends[row - 1]
    return from == ends[row] ? nil : String(decoding: bytes[from..<ends[row]], as: UTF8.self)
  }
}
