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

  package init(
    feature: String, contribution: Double, measure: String, value: Double?, typical: Double?,
    text: String, sayable: Bool
  ) {
    self.feature = feature
    self.contribution = contribution
    self.measure = measure
    self.value = value
    self.typical = typical
    self.text = text
    self.sayable = sayable
  }
}

/// A known detractor close to a flagged account in contribution space.
package struct Exemplar: Codable, Sendable, Equatable {
  package var account: String
  /// Euclidean distance in contribution space, logit units.
  package var distance: Double

  package init(account: String, distance: Double) {
    self.account = account
    self.distance = distance
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
