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
  package var doNotContact: Bool
  package var doNotProfile: Bool

  package init(
    account: String, numeric: [Double?] = [], categorical: [String?] = [], value: Double? = nil,
    segment: String? = nil, name: String? = nil, email: String? = nil, phone: String? = nil,
    owner: String? = nil, preferredChannel: String? = nil, updateEveryDays: Int? = nil,
    timeZone: String? = nil, doNotContact: Bool = false, doNotProfile: Bool = false
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
    self.doNotContact = doNotContact
    self.doNotProfile = doNotProfile
  }
}
