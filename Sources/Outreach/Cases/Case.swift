package import Detraction
package import Histories

/// One account to be worked: everything an agent needs, as it was when the case opened, and how far
/// the work is.
package struct Case: Sendable, Equatable {
  /// Why it was opened.
  package enum Form: String, Sendable, Codable, CaseIterable {
    /// By a score.
    case predicted
    /// By what the customer said.
    case voiced
    /// By lot among the silent, to learn how many are unhappy.
    case exploration
  }

  /// Its number in the store, from 1; 0 before it is there.
  package var number: Int64 = 0
  package var form: Form
  package var account: String
  package var queue: String
  package var channel: String
  /// The as-of date of the run that opened it.
  package var asOf: Instant
  /// From when the clock runs: the run, or when what the customer said was known.
  package var openedAt: Instant
  /// By when it is to be acknowledged, and by when closed if that is asked.
  package var due: Instant
  package var closeDue: Instant?
  /// Name and version of the model, and the score: nil for a customer who spoke and was not scored.
  package var model: String?
  package var score: Score?
  /// Nearest first.
  package var exemplars: [Exemplar] = []
  /// What the customer said that opened it.
  package var voice: VoicedFeedback?
  /// What the customer said before the case opened, the latest few, oldest first: for those who work it,
  /// never in a log.
  package var said: [HistoryBase.Words] = []
  /// From the accounts file, at the time of the run.
  package var person: Person?
  package var value: Double?
  package var segment: String?
  package var state = CaseState()

  package init(
    form: Form, account: String, queue: String, channel: String, asOf: Instant, openedAt: Instant,
    due: Instant, closeDue: Instant? = nil, model: String? = nil, score: Score? = nil,
    exemplars: [Exemplar] = [], voice: VoicedFeedback? = nil, record: AccountRecord? = nil
  ) {
    self.form = form
    self.account = account
    self.queue = queue
    self.channel = channel
    self.asOf = asOf
    self.openedAt = openedAt
    self.due = due
    self.closeDue = closeDue
    self.model = model
    self.score = score
    self.exemplars = exemplars
    self.voice = voice
    person = record.flatMap { Person($0, channel: channel) }
    value = record?.value
    segment = record?.segment
  }

  package var name: String? { person?.name }
  package var isOpen: Bool { state.closedAt == nil }
}

/// The event by which a customer spoke.
package struct VoicedFeedback: Sendable, Equatable, Codable {
  package var kind: String
  package var at: Instant
  package var knownAt: Instant
  package var value: Double?
  package var channel: String?

  package init(kind: String, at: Instant, knownAt: Instant, value: Double?, channel: String?) {
    self.kind = kind
    self.at = at
    self.knownAt = knownAt
    self.value = value
    self.channel = channel
  }
}

/// Whom to talk to, from the accounts file and the contacts file; never a feature, never in a log.
package struct Person: Sendable, Equatable, Codable {
  package var name: String?
  package var email: String?
  package var phone: String?
  package var owner: String?
  package var preferredChannel: String?
  package var updateEveryDays: Int?
  package var timeZone: String?
  /// As `Appointment.list` reads it.
  package var callTimes: String?
  /// People of the account who may be contacted; nil where none are known.
  package var contacts: [Contact]?

  /// Nil where the files say nothing of these. Of the people those who prefer `channel` come first,
  /// then they stand as in the file; what a row leaves open of zone and call times is the account's.
  package init?(_ record: AccountRecord, channel: String) {
    name = record.name
    email = record.email
    phone = record.phone
    owner = record.owner
    preferredChannel = record.preferredChannel
    updateEveryDays = record.updateEveryDays
    timeZone = record.timeZone
    callTimes = Self.text(record.callTimes)
    let people = record.contacts.filter { !$0.doNotContact }
    let prefers = { (person: ContactRecord) in
      person.preferredChannel?.utf8.elementsEqual(channel.utf8) == true
    }
    let ordered = people.filter(prefers) + people.filter { !prefers($0) }
    if !ordered.isEmpty {
      contacts = ordered.map { person in
        var contact = Contact(person)
        contact.timeZone = person.timeZone ?? record.timeZone
        contact.callTimes = Self.text(person.callTimes) ?? callTimes
        return contact
      }
    }
    if name == nil, email == nil, phone == nil, owner == nil, preferredChannel == nil,
      updateEveryDays == nil, timeZone == nil, callTimes == nil, contacts == nil
    {
      return nil
    }
  }

  fileprivate static func text(_ times: [Appointment]) -> String? {
    times.isEmpty ? nil : times.map(\.description).joined(separator: "; ")
  }
}

/// One of several people of an account.
package struct Contact: Sendable, Equatable, Codable {
  package var contact: String
  package var name: String?
  package var email: String?
  package var phone: String?
  package var role: String?
  package var preferredChannel: String?
  package var timeZone: String?
  package var callTimes: String?

  init(_ record: ContactRecord) {
    contact = record.contact
    name = record.name
    email = record.email
    phone = record.phone
    role = record.role
    preferredChannel = record.preferredChannel
    timeZone = record.timeZone
    callTimes = Person.text(record.callTimes)
  }
}

extension Case: Encodable {
  private enum CodingKeys: String, CodingKey {
    case number = "case"
    case account = "account_id"
    case form, queue, channel, due
    case closeDue = "close_due"
    case probability, low, high, percentile, band, logit
    case referenceLogit = "reference_logit"
    case reasons, other
    case otherCount = "other_count"
    case exemplars, extrapolated
    case unlikeAny = "unlike_any_known"
    case neverSpoken = "never_spoken"
    case model
    case asOf = "as_of"
    case openedAt = "opened_at"
    case voice, said, person, name, value, segment, state
  }

  /// A flat object; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(number, forKey: .number)
    try object.encode(account, forKey: .account)
    try object.encode(form, forKey: .form)
    try object.encode(queue, forKey: .queue)
    try object.encode(channel, forKey: .channel)
    try object.encode(due, forKey: .due)
    try object.encode(closeDue, forKey: .closeDue)
    try object.encode(score?.probability, forKey: .probability)
    try object.encode(score?.low, forKey: .low)
    try object.encode(score?.high, forKey: .high)
    try object.encode(score?.percentile, forKey: .percentile)
    try object.encode(score?.band, forKey: .band)
    try object.encode(score?.logit, forKey: .logit)
    try object.encode(score?.referenceLogit, forKey: .referenceLogit)
    try object.encode((score?.reasons ?? []).map(ReasonObject.init), forKey: .reasons)
    try object.encode(score?.other, forKey: .other)
    try object.encode(score?.otherCount, forKey: .otherCount)
    try object.encode(exemplars.map(ExemplarObject.init), forKey: .exemplars)
    try object.encode(exemplars.isUnlikeAny, forKey: .unlikeAny)
    try object.encode(score?.extrapolated, forKey: .extrapolated)
    try object.encode(score?.neverSpoken, forKey: .neverSpoken)
    try object.encode(model, forKey: .model)
    try object.encode(asOf, forKey: .asOf)
    try object.encode(openedAt, forKey: .openedAt)
    try object.encode(voice, forKey: .voice)
    try object.encode(said, forKey: .said)
    try object.encode(person, forKey: .person)
    try object.encode(name, forKey: .name)
    try object.encode(value, forKey: .value)
    try object.encode(segment, forKey: .segment)
    try object.encode(state, forKey: .state)
  }
}

/// A reason as an object in which every key stands, null where there is no value.
private struct ReasonObject: Encodable {
  var reason: Reason

  private enum CodingKeys: String, CodingKey {
    case feature, contribution, value, typical, text, sayable, threshold, pattern
  }

  func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(reason.feature, forKey: .feature)
    try object.encode(reason.contribution, forKey: .contribution)
    try object.encode(reason.value, forKey: .value)
    try object.encode(reason.typical, forKey: .typical)
    try object.encode(reason.text, forKey: .text)
    try object.encode(reason.sayable, forKey: .sayable)
    try object.encode(reason.threshold, forKey: .threshold)
    try object.encode(reason.pattern, forKey: .pattern)
  }
}

/// An exemplar as those who work a case may see it: what is shared, not the other person.
private struct ExemplarObject: Encodable {
  var distance: Double
  var percentile: Double?
  var shared: [String]

  init(_ exemplar: Exemplar) {
    distance = exemplar.distance
    percentile = exemplar.percentile
    shared = exemplar.shared
  }
}
