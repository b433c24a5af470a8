/// The contacts file: the people of each account, in the order of its rows.
///
/// As in the accounts file a row that cannot be used loses its attributes, never its consent; one
/// whose person cannot be told counts as somebody who refuses.
struct ContactsFile: Sendable {
  let table: ByteSource
  private var people: PeopleColumns
  private var accounts = PackedTexts()
  private var contacts = PackedTexts()
  /// Rows by the stable hash of their account, then as they stand in the file.
  private var order: [(hash: UInt64, row: Int32)] = []
  /// Of what was read.
  private(set) var rows = 0
  private(set) var bytes = 0
  private(set) var bad: [(line: Int, what: RowProblem, bytes: [UInt8])] = []
  /// Rows of a person whom an earlier row of the account has, and the line of that.
  private(set) var duplicates: [(line: Int, earlier: Int)] = []

  /// Throws what opening the source does, and `dataContract` for a missing column or, unless it
  /// `mayBeEmpty`, no row at all. Rows of erased accounts are passed over. O(n log n).
  init(
    _ source: ContactsSource, erased tombstones: Tombstones, chunkBytes: Int = 1 << 20,
    mayBeEmpty: Bool = false
  ) throws(HistoriesError) {
    table = try source.table()
    let path = table.path
    let header = try Header.read(from: table, chunkBytes: chunkBytes)
    let account = try header.column(source.account, for: "account")
    let contact = try header.column(source.contact, for: "contact")
    people = try PeopleColumns(header, texts: source.column) {
      $0 == .doNotContact ? source.doNotContact : nil
    }
    var lines: [Int] = []

    func take(_ fields: UnsafeBufferPointer<Field>, line: Int) -> RowProblem? {
      if let problem = EventReader.checkAccount(fields[account]) { return problem }
      let id = fields[account]
      if tombstones.contains(UnsafeRawBufferPointer(start: id.start, count: id.count)) {
        return nil
      }
      order.append((AccountHash.of(id.start, id.count), Int32(lines.count)))
      accounts.append(id.text)
      lines.append(line)
      if let problem = EventReader.checkAccount(fields[contact], key: "contact") {
        contacts.append(nil)
        people.appendConsent(fields, refusing: true)
        return problem
      }
      contacts.append(fields[contact].text)
      do throws(RowProblem) {
        people.append(try people.read(fields))
        return nil
      } catch {
        people.appendConsent(fields)
        return error
      }
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
        "no contacts: \(path) has no rows below the header, and who may not be contacted stands "
          + "there: fetch it again, or leave [contacts] out")
    }
    order.sort { ($0.hash, $0.row) < ($1.hash, $1.row) }
    findDuplicates(lines)
  }

  /// Within the rows of one hash, nearly always of one account.
  private mutating func findDuplicates(_ lines: [Int]) {
    var hash: UInt64?
    var first: [[[UInt8]]: Int] = [:]
    for (rowHash, row) in order {
      if rowHash != hash { first.removeAll(keepingCapacity: true) }
      hash = rowHash
      guard let contact = contacts[Int(row)], let account = accounts[Int(row)] else { continue }
      let person = [Array(account.utf8), Array(contact.utf8)]
      if let earlier = first[person] {
        duplicates.append((lines[Int(row)], lines[earlier]))
      } else {
        first[person] = Int(row)
      }
    }
    duplicates.sort { $0.line < $1.line }
  }

  /// Throws `dataContract` where an account has a person twice.
  func refuseDuplicates() throws(HistoriesError) {
    guard let first = duplicates.first else { return }
    throw .dataContract(
      "\(table.place(first.line)): the same contact of the same account as on \(table.unit) "
        + "\(first.earlier): keep one row a person"
        + (duplicates.count > 1 ? " (\(duplicates.count) rows are such)" : ""))
  }

  /// Rows of an account, as they stand in the file. O(log n + rows).
  private func rows(of account: String) -> [Int] {
    let hash = AccountHash.of(account)
    var low = 0
    var high = order.count
    while low < high {
      let middle = (low + high) / 2
      if order[middle].hash < hash { low = middle + 1 } else { high = middle }
    }
    return order[low...].prefix { $0.hash == hash }.map { Int($0.row) }
      .filter { accounts[$0]?.utf8.elementsEqual(account.utf8) == true }
  }

  /// The people of an account, those who refuse among them.
  subscript(account: String) -> [ContactRecord] {
    rows(of: account).map { row in
      ContactRecord(
        contact: contacts[row] ?? "", name: people.text(.name, row),
        email: people.text(.email, row), phone: people.text(.phone, row),
        role: people.text(.role, row), preferredChannel: people.text(.preferredChannel, row),
        timeZone: people.text(.timeZone, row),
        callTimes: people.text(.callTimes, row).flatMap(Appointment.list) ?? [],
        doNotContact: contacts[row] == nil || people.flag(.doNotContact, row))
    }
  }

  /// How many accounts, and rows of them, are none of those that `isKnown`.
  func unknown(_ isKnown: (String) -> Bool) -> (accounts: Int, rows: Int) {
    var unknown: Set<[UInt8]> = []
    var rows = 0
    for (_, row) in order {
      guard let account = accounts[Int(row)], !isKnown(account) else { continue }
      unknown.insert(Array(account.utf8))
      rows += 1
    }
    return (unknown.count, rows)
  }
}

extension ContactsSource {
  fileprivate func column(_ text: PeopleColumns.Text) -> String? {
    switch text {
    case .segment, .owner: nil
    case .name: name
    case .email: email
    case .phone: phone
    case .role: role
    case .preferredChannel: preferredChannel
    case .timeZone: timeZone
    case .callTimes: callTimes
    }
  }
}
