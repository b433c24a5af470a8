/// Who must not be contacted, as the accounts file and the contacts file are now: asked again when a
/// case is taken and when something is said to have been done.
package struct Consent: Sendable {
  private var refusing: Set<[UInt8]> = []
  private var contacts: ContactsFile?

  /// Reads both files whole, of them ids and consent alone. O(bytes).
  package init(_ settings: HistorySettings) throws(HistoriesError) {
    if let source = settings.accounts, let column = source.doNotContact {
      var consent = AccountsSource(path: source.path, account: source.account)
      consent.query = source.query
      consent.doNotContact = column
      let file = try AccountsFile(consent, zone: settings.timeZone, chunkBytes: 1 << 20)
      try file.refuseDuplicates()
      for row in file.ids.indices where file.forbidsContact(row) {
        refusing.insert(Array(file.ids[row].utf8))
      }
    }
    if let source = settings.contacts {
      var consent = ContactsSource(
        path: source.path, account: source.account, contact: source.contact)
      consent.query = source.query
      consent.doNotContact = source.doNotContact
      contacts = try ContactsFile(consent, erased: settings.erased)
      try contacts?.refuseDuplicates()
    }
  }

  /// Whether an account refuses, or all of its people do.
  package func refuses(_ account: String) -> Bool {
    if refusing.contains(Array(account.utf8)) { return true }
    guard let people = contacts?[account], !people.isEmpty else { return false }
    return people.allSatisfy(\.doNotContact)
  }

  /// Whether a person of an account refuses; nil of one whom the file does not know.
  package func refuses(_ contact: String, of account: String) -> Bool? {
    contacts?[account].first { $0.contact.utf8.elementsEqual(contact.utf8) }?.doNotContact
  }
}
