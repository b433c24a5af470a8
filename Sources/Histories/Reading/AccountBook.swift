/// What the accounts file says of some accounts, for those who work with people and need no
/// histories. An account that it lacks, or a project without one, has no record.
package struct AccountBook: Sendable {
  private var records: [[UInt8]: AccountRecord] = [:]

  /// Reads the whole file and keeps the accounts asked for, by their bytes. O(rows).
  /// Throws `inputMissing`, and `dataContract` for a missing column or an account that occurs twice.
  package init(_ settings: HistorySettings, of accounts: [String]) throws(HistoriesError) {
    guard let source = settings.accounts, !accounts.isEmpty else { return }
    let wanted = Set(accounts.map { Array($0.utf8) })
    let file = try AccountsFile(source, zone: settings.timeZone, chunkBytes: 1 << 20)
    for row in file.ids.indices where wanted.contains(Array(file.ids[row].utf8)) {
      records[Array(file.ids[row].utf8)] = file.record(row)
    }
  }

  package subscript(account: String) -> AccountRecord? { records[Array(account.utf8)] }

  package func doNotContact(_ account: String) -> Bool { self[account]?.doNotContact == true }
}
