/// How high a score stands among the silent accounts of its run.
package enum Band: String, Codable, Sendable, CaseIterable {
  case top, high, medium, low
}

/// One source's additive part in a score's logit (DESIGN 2: reason).
package struct Reason: Codable, Sendable, Equatable {
  /// The source: a kind of event, with all features made of it, `tenure_days` or an attribute.
  package var feature: String
  /// Logit units, summed over the source's features; positive pushes towards detractor.
  package var contribution: Double
  /// The one of those features that `value`, `typical` and `text` speak of, such as
  /// `order.count.30d`.
  package var measure: String
  /// The account's value and the silent population's typical one, in the feature's unit; nil
  /// where the account has none.
  package var value: Double?
  package var typical: Double?
  /// In words, with both values: "2 late deliveries in 30 days (typically none)".
  package var text: String
  /// Whether it may be mentioned to the customer (DESIGN 9).
  package var sayable: Bool
  /// Where the model has a step between the typical value and this one, in the feature's unit: above
  /// it is one side, at it and below the other.
  package var threshold: Double?
  /// What is associated with what, at this value: "more than 45 days goes with negative answers".
  package var pattern: String?

  package init(
    feature: String, contribution: Double, measure: String, value: Double?, typical: Double?,
    text: String, sayable: Bool, threshold: Double? = nil, pattern: String? = nil
  ) {
    self.feature = feature
    self.contribution = contribution
    self.measure = measure
    self.value = value
    self.typical = typical
    self.text = text
    self.sayable = sayable
    self.threshold = threshold
    self.pattern = pattern
  }
}

/// A known detractor close to a flagged account in contribution space.
///
/// Who it is is for audits and erasure: those who work a case see what is shared, not the other person.
package struct Exemplar: Codable, Sendable, Equatable {
  package var account: String
  /// Euclidean distance in contribution space, logit units.
  package var distance: Double
  /// Share of known detractors that have another known detractor at this distance or nearer, in
  /// percent: 100 is further than any of them stands from the next; nil for a single one.
  package var percentile: Double?
  /// Names of the reasons that push both the same way, the strongest first, at most three.
  package var shared: [String]

  /// Beyond this percentile an account is like no known detractor.
  static let unlikeFrom = 95.0

  package init(
    account: String, distance: Double, percentile: Double? = nil, shared: [String] = []
  ) {
    self.account = account
    self.distance = distance
    self.percentile = percentile
    self.shared = shared
  }

  private enum CodingKeys: String, CodingKey { case account, distance, percentile, shared }

  /// What an older run wrote has neither percentile nor shared reasons.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    account = try values.decode(String.self, forKey: .account)
    distance = try values.decode(Double.self, forKey: .distance)
    percentile = try values.decodeIfPresent(Double.self, forKey: .percentile)
    shared = try values.decodeIfPresent([String].self, forKey: .shared) ?? []
  }
}

extension [Exemplar] {
  /// Whether the nearest known detractor is further away than known detractors are from each other.
  package var isUnlikeAny: Bool {
    (first?.percentile).map { $0 > Exemplar.unlikeFrom } ?? false
  }
}

/// The score of one silent account: the reasons and `other` sum to `logit - referenceLogit`.
package struct Score: Codable, Sendable, Equatable {
  package var account: String
  /// The raw linear predictor, and that of the silent population's mean.
  package var logit: Double
  package var referenceLogit: Double
  /// That feedback, if this account gave any in the label window, would be negative; with its
  /// 95 % interval.
  package var probability: Double
  package var low: Double
  package var high: Double
  /// Share of the run's silent accounts scored at or below this one, in percent.
  package var percentile: Double
  package var band: Band
  /// At most four, largest contribution first; the rest of the sum is in `other`.
  package var reasons: [Reason]
  package var other: Double
  /// How many source features stand behind `other`.
  package var otherCount: Int
  /// Whether the account lies outside what training saw.
  package var extrapolated: Bool
  /// Never spoke at all, as against having lapsed into silence.
  package var neverSpoken: Bool

  package init(
    account: String, logit: Double, referenceLogit: Double, probability: Double, low: Double,
    high: Double, percentile: Double, band: Band, reasons: [Reason], other: Double,
    otherCount: Int, extrapolated: Bool, neverSpoken: Bool
  ) {
    self.account = account
    self.logit = logit
    self.referenceLogit = referenceLogit
    self.probability = probability
    self.low = low
    self.high = high
    self.percentile = percentile
    self.band = band
    self.reasons = reasons
    self.other = other
    self.otherCount = otherCount
    self.extrapolated = extrapolated
    self.neverSpoken = neverSpoken
  }
}
