/// What the accounts file says of one account (DESIGN 6, `[accounts]`).
///
/// Only `numeric` and `categorical` may become features; the rest is for outreach.
package struct AccountRecord: Sendable, Equatable {
  package var account: String
  /// Values of the mapped numeric and categorical attributes, in the order of the project file;
  /// nil where the cell is empty.
  package var numeric: [Double?]
  package var categorical: [String?]
  /// Money at stake, in the currency of the file.
  package var value: Double?
  package var segment: String?
  package var name: String?
  package var email: String?
  package var phone: String?
  package var owner: String?
  package var preferredChannel: String?
  package var updateEveryDays: Int?
  /// An IANA zone that `LocalTime` knows.
  package var timeZone: String?
  /// When the customer asked to be called, on that zone's clock.
  package var callTimes: [Appointment]
  /// People of the account in the order of the contacts file, those who refuse among them.
  package private(set) var contacts: [ContactRecord] = []
  package var doNotContact: Bool
  package var doNotProfile: Bool

  package init(
    account: String, numeric: [Double?] = [], categorical: [String?] = [], value: Double? = nil,
    segment: String? = nil, name: String? = nil, email: String? = nil, phone: String? = nil,
    owner: String? = nil, preferredChannel: String? = nil, updateEveryDays: Int? = nil,
    timeZone: String? = nil, callTimes: [Appointment] = [], contacts: [ContactRecord] = [],
    doNotContact: Bool = false, doNotProfile: Bool = false
  ) {
    self.account = account
    self.numeric = numeric
    self.categorical = categorical
    self.value = value
    self.segment = segment
    self.name = name
    self.email = email
    self.phone = phone
    self.owner = owner
    self.preferredChannel = preferredChannel
    self.updateEveryDays = updateEveryDays
    self.timeZone = timeZone
    self.callTimes = callTimes
    self.doNotContact = doNotContact
    self.doNotProfile = doNotProfile
    add(contacts)
  }

  /// Adds the people of the account. Where all of them refuse, so does the account.
  mutating func add(_ people: [ContactRecord]) {
    contacts += people
    if !contacts.isEmpty, contacts.allSatisfy(\.doNotContact) { doNotContact = true }
  }
}

/// One person of an account, as the contacts file says (DESIGN 6, `[contacts]`). Never a feature.
package struct ContactRecord: Sendable, Equatable {
  /// The person's id, which no other person of the account has; empty where it cannot be read, and then
  /// nobody may contact them.
  package var contact: String
  package var name: String?
  package var email: String?
  package var phone: String?
  package var role: String?
  package var preferredChannel: String?
  package var timeZone: String?
  package var callTimes: [Appointment]
  package var doNotContact: Bool

  package init(
    contact: String, name: String? = nil, email: String? = nil, phone: String? = nil,
    role: String? = nil, preferredChannel: String? = nil, timeZone: String? = nil,
    callTimes: [Appointment] = [], doNotContact: Bool = false
  ) {
    self.contact = contact
    self.name = name
    self.email = email
    self.phone = phone
    self.role = role
    self.preferredChannel = preferredChannel
    self.timeZone = timeZone
    self.callTimes = callTimes
    self.doNotContact = doNotContact
  }
}
