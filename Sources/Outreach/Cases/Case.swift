package import Detraction
package import Histories

/// One flagged account to be worked: everything an agent needs, as it was when the case opened.
package struct Case: Sendable, Equatable {
  package var queue: String
  package var channel: String
  /// The as-of date of the run that flagged the account, which is when its case opens.
  package var asOf: Instant
  package var openedAt: Instant
  package var due: Instant
  /// Name and version of the model that scored the account.
  package var model: String
  package var score: Score
  /// Nearest first.
  package var exemplars: [Exemplar]
  /// From the accounts file, at the time of the run.
  package var name: String?
  package var value: Double?
  package var segment: String?

  package var account: String { score.account }

  /// The case that a flagged decision opens at `asOf`; `score` is that of its account.
  package init(
    flag: Decision, asOf: Instant, calendar: BusinessCalendar, model: String, score: Score,
    exemplars: [Exemplar], record: AccountRecord?
  ) {
    guard flag.disposition == .flagged, let queue = flag.queue,
      AccountKey(flag.id) == AccountKey(score.account)
    else { preconditionFailure("a case opens for a flagged decision, with its account's score") }
    self.init(
      queue: queue.name, channel: queue.channel, asOf: asOf, openedAt: asOf,
      due: calendar.due(opened: asOf, businessDays: queue.dueBusinessDays), model: model,
      score: score, exemplars: exemplars, name: record?.name, value: record?.value,
      segment: record?.segment)
  }

  package init(
    queue: String, channel: String, asOf: Instant, openedAt: Instant, due: Instant, model: String,
    score: Score, exemplars: [Exemplar], name: String?, value: Double?, segment: String?
  ) {
    self.queue = queue
    self.channel = channel
    self.asOf = asOf
    self.openedAt = openedAt
    self.due = due
    self.model = model
    self.score = score
    self.exemplars = exemplars
    self.name = name
    self.value = value
    self.segment = segment
  }
}

extension Case: Encodable {
  private enum CodingKeys: String, CodingKey {
    case account = "account_id"
    case queue, channel, due, probability, low, high, percentile, band, logit
    case referenceLogit = "reference_logit"
    case reasons, other
    case otherCount = "other_count"
    case exemplars, extrapolated
    case unlikeAny = "unlike_any_known"
    case neverSpoken = "never_spoken"
    case model
    case asOf = "as_of"
    case openedAt = "opened_at"
    case name, value, segment
  }

  /// A flat object; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(account, forKey: .account)
    try object.encode(queue, forKey: .queue)
    try object.encode(channel, forKey: .channel)
    try object.encode(due, forKey: .due)
    try object.encode(score.probability, forKey: .probability)
    try object.encode(score.low, forKey: .low)
    try object.encode(score.high, forKey: .high)
    try object.encode(score.percentile, forKey: .percentile)
    try object.encode(score.band, forKey: .band)
    try object.encode(score.logit, forKey: .logit)
    try object.encode(score.referenceLogit, forKey: .referenceLogit)
    try object.encode(score.reasons.map(ReasonObject.init), forKey: .reasons)
    try object.encode(score.other, forKey: .other)
    try object.encode(score.otherCount, forKey: .otherCount)
    try object.encode(exemplars.map(ExemplarObject.init), forKey: .exemplars)
    try object.encode(exemplars.isUnlikeAny, forKey: .unlikeAny)
    try object.encode(score.extrapolated, forKey: .extrapolated)
    try object.encode(score.neverSpoken, forKey: .neverSpoken)
    try object.encode(model, forKey: .model)
    try object.encode(asOf, forKey: .asOf)
    try object.encode(openedAt, forKey: .openedAt)
    try object.encode(name, forKey: .name)
    try object.encode(value, forKey: .value)
    try object.encode(segment, forKey: .segment)
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
