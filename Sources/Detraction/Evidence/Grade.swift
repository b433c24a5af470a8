/// How far a version's scores can be believed. D does not promote.
package enum Grade: String, Codable, Sendable, CaseIterable, Comparable {
  case A, B, C, D

  /// D is the least.
  package static func < (a: Grade, b: Grade) -> Bool { a.rawValue > b.rawValue }
}

/// The published rule: what a version must show for C (below it is D), for B and for A.
///
/// The thresholds were fixed before any result was seen and are the same for every base. A fact that
/// is not known is a check not passed; only origins are asked for B where there are any. NaN passes
/// nothing.
package enum GradeRule {
  /// Label permutations that must have been tried, and the p-value above which one of that many was
  /// at least as good as the labels.
  package static let permutations = 200
  package static let permutationP = 1.0 / 201
  /// Of the out-of-fold AUC on two-sided rows: the lower end of its 99.9 % DeLong interval must be
  /// above `chance`, the AUC itself at least `leastAUC`.
  package static let chance = 0.5
  package static let leastAUC = 0.55
  /// Customers of either class.
  package static let leastOfClass = 50
  /// The area of telling respondents from silent accounts, at most: for C, B, A.
  package static let domainAUC = (c: 0.95, b: 0.90, a: 0.80)
  /// The lower end of the 95 % DeLong interval, at least.
  package static let aucLow = (b: 0.60, a: 0.65)
  /// The lower end of the 95 % interval of lift at capacity: above it for B, at least it for A.
  package static let liftLow = (b: 1.0, a: 1.5)
  /// Of the labels on the out-of-fold logits.
  package static let slope = (b: 0.7...1.4, a: 0.8...1.25)
  /// Training rows over those that Riley's rule asks for, at least.
  package static let rileyShare = (b: 0.5, a: 1.0)
  /// Share of silent accounts outside the respondents' support, at most.
  package static let outside = (b: 0.20, a: 0.10)
  /// Kish's effective share of the respondents under the odds weights, at least.
  package static let effectiveShare = 0.3
  /// Share of the back-test's origins whose AUC is above ½ by its 95 % interval, at least; and how
  /// many origins A asks for.
  package static let originShare = (b: 1.0 / 2, a: 2.0 / 3)
  package static let leastOrigins = 3
  /// Silenced detractors that the back-test must have met for A.
  package static let leastSilenced = 1
}

/// What the rule looks at, as plain numbers; nil: not known.
package struct GradeFacts: Codable, Sendable, Equatable {
  /// Label permutations tried, and (1 + those at least as good) / (1 + tried).
  package var permutations: Int?
  package var permutationP: Double?
  /// Out of fold, on two-sided rows, with the lower ends of its 95 % and 99.9 % DeLong intervals.
  package var auc: Double?
  package var aucLow: Double?
  package var aucLow999: Double?
  /// Customers with a row of either class.
  package var detractors: Int
  package var nonDetractors: Int
  /// Features found to leak, by name.
  package var leaks: [String]
  /// The area of telling respondents from silent accounts, out of fold.
  package var domainAUC: Double?
  /// The lower end of the 95 % interval of lift at capacity.
  package var liftLow: Double?
  /// The upper end of the paired 95 % interval of precision at capacity less the best single
  /// feature's.
  package var precisionGainHigh: Double?
  /// Of the labels on the out-of-fold logits.
  package var calibrationSlope: Double?
  package var rows: Int
  /// Rows that Riley's rule asks for.
  package var rileyRows: Double?
  /// Share of silent accounts outside the respondents' support.
  package var outside: Double?
  /// Kish's effective share of the respondents, 0 to 1.
  package var effectiveShare: Double?
  /// Origins of the back-test, and those of them whose AUC's 95 % interval lies above ½; 0: none run.
  package var origins: Int
  package var originsAboveChance: Int
  /// Silent accounts of the back-test that first spoke as detractors; nil: not run.
  package var silencedDetractors: Int?
  /// Whether answers of contacted silent accounts set the level.
  package var levelMeasured: Bool

  /// What is not given is not known.
  package init(
    permutations: Int? = nil, permutationP: Double? = nil, auc: Double? = nil,
    aucLow: Double? = nil, aucLow999: Double? = nil, detractors: Int, nonDetractors: Int,
    leaks: [String] = [], domainAUC: Double? = nil, liftLow: Double? = nil,
    precisionGainHigh: Double? = nil, calibrationSlope: Double? = nil, rows: Int,
    rileyRows: Double? = nil, outside: Double? = nil, effectiveShare: Double? = nil,
    origins: Int = 0, originsAboveChance: Int = 0, silencedDetractors: Int? = nil,
    levelMeasured: Bool = false
  ) {
    self.permutations = permutations
    self.permutationP = permutationP
    self.auc = auc
    self.aucLow = aucLow
    self.aucLow999 = aucLow999
    self.detractors = detractors
    self.nonDetractors = nonDetractors
    self.leaks = leaks
    self.domainAUC = domainAUC
    self.liftLow = liftLow
    self.precisionGainHigh = precisionGainHigh
    self.calibrationSlope = calibrationSlope
    self.rows = rows
    self.rileyRows = rileyRows
    self.outside = outside
    self.effectiveShare = effectiveShare
    self.origins = origins
    self.originsAboveChance = originsAboveChance
    self.silencedDetractors = silencedDetractors
    self.levelMeasured = levelMeasured
  }
}
