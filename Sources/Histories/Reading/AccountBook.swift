/// What the accounts file and the contacts file say of some accounts, for those who work with people
/// and need no histories. An account that both lack has no record.
package struct AccountBook: Sendable {
  private var records: [[UInt8]: AccountRecord] = [:]

  /// Reads the whole files and keeps the accounts asked for, by their bytes. O(rows).
  /// Throws `inputMissing`, and `dataContract` for a missing column or an account that occurs twice.
  package init(_ settings: HistorySettings, of accounts: [String]) throws(HistoriesError) {
    if accounts.isEmpty { return }
    if let source = settings.accounts {
      let wanted = Set(accounts.map { Array($0.utf8) })
      let file = try AccountsFile(
        source, zone: settings.timeZone, erased: settings.erased, chunkBytes: 1 << 20)
      for row in file.ids.indices where wanted.contains(Array(file.ids[row].utf8)) {
        records[Array(file.ids[row].utf8)] = file.record(row)
      }
    }
    guard let source = settings.contacts else { return }
    let contacts = try ContactsFile(source, erased: settings.erased)
    for account in accounts {
      let people = contacts[account]
      let key = Array(account.utf8)
      guard !people.isEmpty, records[key]?.contacts.isEmpty ?? true else { continue }
      records[key, default: AccountRecord(account: account, unread: settings.accounts)].add(people)
    }
  }

  package subscript(account: String) -> AccountRecord? { records[Array(account.utf8)] }

  package func doNotContact(_ account: String) -> Bool { self[account]?.doNotContact == true }
}

extension AccountRecord {
  /// Of an account that the accounts file does not have.
  init(account: String, unread source: AccountsSource?) {
    self.init(
      account: account, numeric: source?.numeric.map { _ in nil } ?? [],
      categorical: source?.categorical.map { _ in nil } ?? [])
  }
}
