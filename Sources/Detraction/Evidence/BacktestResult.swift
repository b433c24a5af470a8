package import Histories
package import Learning

extension Backtest {
  /// What a back-test found. Shares are 0 to 1, intervals 95 %; nil is what the data do not tell.
  package struct Result: Codable, Sendable, Equatable {
    package var asOf: Instant
    package var labelWindowDays: Int
    package var gapDays: Int
    /// Within so many days of an origin first words count.
    package var horizonDays: Int
    /// Oldest first.
    package var origins: [Origin]
    /// Origins that could not be trained, with the reason.
    package var skipped: [Skipped]
    /// All origins together: each ranked by itself, intervals by customer.
    package var answers: Answers?
    package var silenced: Silenced
    package var masking: Masking?
    /// Why there is no masking.
    package var maskingMissing: String?
    package var controls: Controls
    /// What may be said of the silenced detractors, and in one sentence why.
    package var claim: Claim
    package var statement: String
    /// What a reader has to know of these data.
    package var notes: [String]
  }

  /// How a way of training did on past dates.
  package struct Stability: Codable, Sendable, Equatable {
    package struct Origin: Codable, Sendable, Equatable {
      package var at: Instant
      /// Answers of the label window that followed, and the AUC of the scores given before.
      package var rows: Int
      package var auc: Estimate
    }

    /// Oldest first.
    package var origins: [Origin]
    /// Why there are none.
    package var missing: String?
    package var silenced: Silenced
    /// What may be said of the silenced detractors; nil without origins.
    package var statement: String?

    /// Origins whose AUC lies above ½ by its 95 % interval.
    package var aboveChance: Int { origins.count { ($0.auc.low ?? 0) > 0.5 } }
  }

  package enum Claim: String, Codable, Sendable {
    /// The list held more silenced detractors than one by lot.
    case beyondChance = "beyond_chance"
    case tooFew = "too_few"
    /// The interval of the lift holds 1.
    case notTold = "not_told_from_chance"
    case worseThanChance = "worse_than_chance"
    /// The team could have called everybody.
    case everybodyCalled = "everybody_called"
  }

  package typealias Estimate = Evaluation.Estimate

  package struct Skipped: Codable, Sendable, Equatable {
    package var at: Instant
    package var reason: String
  }

  /// One past date: a model that saw only what was known before it, and what came after.
  package struct Origin: Codable, Sendable, Equatable {
    package var at: Instant
    /// Rows and detractors that trained it, and the digest of all that training saw.
    package var trainingRows: Int
    package var trainingDetractors: Int
    package var trainingDigest: String
    package var features: Int
    package var columns: Int
    /// The single feature that told the training rows apart best, with its area there.
    package var bestFeature: String?
    package var bestFeatureArea: Double?
    /// Accounts that the team could call in the label window, and accounts silent then.
    package var capacity: Int
    package var silent: Int
    package var answers: Answers?
    /// Why there are none.
    package var answersMissing: String?
    package var silenced: Silenced
  }

  /// Two-sided feedback in the label window after the origin, known before the as-of date.
  package struct Answers: Codable, Sendable, Equatable {
    package var all: Group
    /// By how the account stood towards speaking at the origin.
    package var neverSpoken: Group
    package var lapsed: Group
    package var recent: Group
    /// Capacity as a share of the silent: where precision and lift are measured.
    package var callable: Double
    /// Precision at capacity less that of the best single feature, on the same resamples.
    package var precisionGain: Estimate
  }

  package struct Group: Codable, Sendable, Equatable {
    package var rows = 0
    package var customers = 0
    package var detractors = 0
    package var auc = Estimate()
    package var averagePrecision = Estimate()
    package var precision = Estimate()
    package var lift = Estimate()
    package var calibrationSlope = Estimate()
  }

  /// Accounts that had never spoken at the origin, and those of them that first spoke as detractors
  /// within the horizon.
  package struct Silenced: Codable, Sendable, Equatable {
    /// Never spoken, with a history, may be profiled; over several dates, of all of them.
    package var accounts = 0
    /// How many were called.
    package var called = 0
    /// Silenced detractors, over several dates counted at each; and how many customers they are.
    package var detractors = 0
    package var customers = 0
    /// First spoke, and not as detractors.
    package var spokeOtherwise = 0
    /// First spoke as detractors within the guard days: on the list, but counted nowhere.
    package var guarded = 0
    /// Contacted by outreach before they spoke: counted nowhere either.
    package var contacted = 0
    /// Of the detractors on the list, ties at its end shared; and what a list by lot would hold.
    package var captured = 0.0
    package var byLot = 0.0
    package var captureShare = Estimate()
    package var lift = Estimate()
    /// captured ÷ called: a lower bound of precision, since who did not speak is not known to be
    /// content.
    package var precisionAtLeast: Double?
    /// From the origin to the first words of those captured.
    package var leadDays: Lead?
    package var baselines: [Baseline] = []
    /// Share captured by share called.
    package var gains: [Gain] = []

    package init() {}
  }

  /// Quartiles of days.
  package struct Lead: Codable, Sendable, Equatable {
    package var lower: Double
    package var median: Double
    package var upper: Double
  }

  /// A plain rule on the same accounts at the same k.
  package struct Baseline: Codable, Sendable, Equatable {
    package var rule: Rule
    package var captured: Double
    package var captureShare: Double?
    package var lift: Double?
    /// The model's capture share less this rule's, by customer.
    package var difference: Estimate
  }

  package enum Rule: String, Codable, Sendable, CaseIterable {
    case highestValue = "highest_value"
    case leastRecent = "least_recent"
    case mostTickets = "most_tickets"
    case bestFeature = "best_single_feature"
  }

  package struct Gain: Codable, Sendable, Equatable {
    package var called: Double
    package var captured: Double
    /// The best single feature's.
    package var bestFeature: Double?
  }

  /// Known detractors hidden among the silent, each as of its own snapshot.
  package struct Masking: Codable, Sendable, Equatable {
    /// Known detractors (customers), masked in each repeat, and repeats.
    package var known: Int
    package var masked: Int
    package var repeats: Int
    /// Silent accounts that they were hidden among, and how many of all were called.
    package var pool: Int
    package var called: Int
    /// Share of the masked among the called: the mean over repeats, with the exact interval of as
    /// many customers as were masked at all; and the least and the most of a repeat.
    package var recall: Estimate
    package var least: Double
    package var most: Double
    /// What a list by lot would hold.
    package var byLot: Double
    package var lift: Estimate
    /// Whether the drawing was weighted towards those like the silent.
    package var weighted: Bool
  }

  /// What would show a back-test to be too good to be true.
  package struct Controls: Codable, Sendable, Equatable {
    package var suspects: [Suspect] = []
    /// The single features that tell the training rows apart best, five of them.
    package var singleFeatures: [SingleFeature] = []
    package var shifts: [Shift] = []
    /// The source features with the largest shares of the logit's variance, five of them.
    package var variance: [VarianceShare] = []
    /// Labels permuted among the training rows as of D.
    package var permuted: PermutationTest?
  }

  package struct Suspect: Codable, Sendable, Equatable {
    package var feature: String?
    package var reason: String
  }

  package struct SingleFeature: Codable, Sendable, Equatable {
    package var feature: String
    package var area: Estimate
    /// The same with features `BacktestRule.shiftDays` older; nil where there is no date to shift by.
    package var shiftedArea: Double?

    package init(feature: String, area: Estimate, shiftedArea: Double?) {
      self.feature = feature
      self.area = area
      self.shiftedArea = shiftedArea
    }
  }

  /// The model's AUC with features from days before the origin, on rows that had a history then.
  package struct Shift: Codable, Sendable, Equatable {
    package var days: Int
    package var rows: Int
    package var auc: Double?
    package var shifted: Estimate
    package var fall: Estimate
  }

  package struct VarianceShare: Codable, Sendable, Equatable {
    package var feature: String
    package var share: Double
  }
}
