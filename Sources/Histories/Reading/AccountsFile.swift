/// The accounts file, column by column; `record` puts a row together again.
///
/// A row that cannot be used loses its attributes, never its consent: as long as its account can
/// be read, `do_not_contact` and `do_not_profile` hold as they are written, and hold when they
/// cannot be read.
struct AccountsFile: Sendable {
  let source: AccountsSource
  let table: ByteSource
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
  private var people: PeopleColumns
  private var updateEveryDays: [Int32] = []
  /// Of what was read.
  private(set) var rows = 0
  private(set) var bytes = 0
  /// Erased accounts that the file still has: left out, and counted with those of the events.
  private(set) var erased: [String] = []
  /// Rows of an account that an earlier row has, and the line of that.
  private(set) var duplicates: [(line: Int, earlier: Int)] = []
  private(set) var bad: [(line: Int, what: RowProblem, bytes: [UInt8])] = []

  static let mostLevels = 1000

  /// Throws what opening the source does, and `dataContract` for a missing column or, unless it
  /// `mayBeEmpty`, no row at all.
  init(
    _ source: AccountsSource, zone: LocalTime, erased tombstones: Tombstones = Tombstones(),
    chunkBytes: Int, mayBeEmpty: Bool = false
  ) throws(HistoriesError) {
    self.source = source
    numeric = source.numeric.map { _ in [] }
    categorical = source.categorical.map { _ in [] }
    levels = source.categorical.map { _ in [] }
    table = try source.table()
    let path = table.path
    let header = try Header.read(from: table, chunkBytes: chunkBytes)
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
    people = try PeopleColumns(header, texts: source.column, flags: source.column)
    let everyColumn = try column(source.updateEveryDays, "update_every_days")
    // Keyed by bytes: `String` holds canonically equivalent texts for equal.
    var met: [[[UInt8]: Int32]] = source.categorical.map { _ in [:] }

    /// Keeps a row, or of a bad one its consent.
    func take(_ fields: UnsafeBufferPointer<Field>, line: Int) -> RowProblem? {
      if let problem = EventReader.checkAccount(fields[account]) { return problem }
      if !tombstones.isEmpty, tombstones.contains(UnsafeRawBufferPointer(fields[account].bytes)) {
        erased.append(fields[account].text ?? "")
        return nil
      }
      guard let problem = takeWhole(fields, line: line) else { return nil }
      ids.append(fields[account].text ?? "")
      lines.append(line)
      self.knownAt.append(.min)
      for index in numeric.indices { numeric[index].append(.nan) }
      for index in categorical.indices { categorical[index].append(-1) }
      self.value.append(.nan)
      updateEveryDays.append(-1)
      people.appendConsent(fields)
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
      var every: Int32 = -1
      if let everyColumn, fields[everyColumn].count > 0 {
        guard let text = fields[everyColumn].text, let days = Int32(text), days > 0 else {
          return .notWholeNumber(key: "`update_every_days`")
        }
        every = days
      }
      let row: PeopleColumns.Row
      do throws(RowProblem) { row = try people.read(fields) } catch { return error }
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
      self.value.append(value)
      updateEveryDays.append(every)
      people.append(row)
      return nil
    }

    bytes = try forEachRow(of: table, columns: header.names.count, chunkBytes: chunkBytes) {
      (row) throws(HistoriesError) in
      rows += 1
      if let problem = row.problem ?? take(row.fields, line: row.line) {
        bad.append((row.line, problem, Array(row.bytes)))
      }
    }
    guard rows > 0 || mayBeEmpty else {
      throw .dataContract(
        "no accounts: \(path) has no rows below the header, and who may not be contacted or "
          + "profiled stands there: fetch it again, or leave [accounts] out")
    }
    findDuplicates()
    try orderLevels(met)
  }

  private mutating func findDuplicates() {
    var first: [[UInt8]: Int] = [:]
    for (row, id) in ids.enumerated() {
      let id = Array(id.utf8)
      if let earlier = first[id] {
        duplicates.append((lines[row], lines[earlier]))
      } else {
        first[id] = row
      }
    }
  }

  /// Throws `dataContract` where an account occurs twice.
  func refuseDuplicates() throws(HistoriesError) {
    guard let first = duplicates.first else { return }
    throw .dataContract(
      "\(table.place(first.line)): the same account as on \(table.unit) \(first.earlier): "
        + "keep one row an account"
        + (duplicates.count > 1 ? " (\(duplicates.count) rows are such)" : ""))
  }

  /// Numbers levels in the order of their bytes, whatever the order of rows.
  private mutating func orderLevels(_ met: [[[UInt8]: Int32]]) throws(HistoriesError) {
    for (index, known) in met.enumerated() {
      guard known.count <= Self.mostLevels else {
        throw .dataContract(
          "\(table.path): the categorical attribute \"\(source.categorical[index])\" has "
            + "\(known.count) different values, at most \(Self.mostLevels) are taken: leave it out")
      }
      let sorted = known.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      levels[index] = sorted.map { String(decoding: $0.key, as: UTF8.self) }
      var renumbered = Array(repeating: Int32(0), count: sorted.count)
      for (new, entry) in sorted.enumerated() { renumbered[Int(entry.value)] = Int32(new) }
      for row in categorical[index].indices where categorical[index][row] >= 0 {
        categorical[index][row] = renumbered[Int(categorical[index][row])]
      }
    }
  }

  func forbidsContact(_ row: Int) -> Bool { people.flag(.doNotContact, row) }

  func record(_ row: Int) -> AccountRecord {
    var record = AccountRecord(account: ids[row])
    record.numeric = numeric.map { $0[row].isNaN ? nil : $0[row] }
    record.categorical = categorical.indices.map { index in
      let level = categorical[index][row]
      return level < 0 ? nil : levels[index][Int(level)]
    }
    record.value = value[row].isNaN ? nil : value[row]
    record.segment = people.text(.segment, row)
    record.name = people.text(.name, row)
    record.email = people.text(.email, row)
    record.phone = people.text(.phone, row)
    record.owner = people.text(.owner, row)
    record.preferredChannel = people.text(.preferredChannel, row)
    record.timeZone = people.text(.timeZone, row)
    record.updateEveryDays = updateEveryDays[row] < 0 ? nil : Int(updateEveryDays[row])
    record.callTimes = people.text(.callTimes, row).flatMap(Appointment.list) ?? []
    record.doNotContact = people.flag(.doNotContact, row)
    record.doNotProfile = people.flag(.doNotProfile, row)
    return record
  }
}

extension AccountsSource {
  fileprivate func column(_ text: PeopleColumns.Text) -> String? {
    switch text {
    case .segment: segment
    case .name: name
    case .email: email
    case .phone: phone
    case .owner: owner
    case .role: nil
    case .preferredChannel: preferredChannel
    case .timeZone: timeZone
    case .callTimes: callTimes
    }
  }

  fileprivate func column(_ flag: PeopleColumns.Flag) -> String? {
    switch flag {
    case .doNotContact: doNotContact
    case .doNotProfile: doNotProfile
    }
  }
}
