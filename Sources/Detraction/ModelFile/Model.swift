import Foundation
package import Histories
package import Learning

/// A trained model: everything scoring needs and everything a reader of its numbers asks, and no
/// account's data (DESIGN 8).
package struct Model: Sealed {
  package static let format = "tacit-model"
  package static let formatVersion = 3

  package var name: String
  package var asOf: Instant
  package var timeZone: String
  package var feedback: FeedbackSettings
  package var training: TrainingSettings
  package var schema: FeatureSchema
  /// Column k of the design has coefficient k on its standardised scale.
  package var design: Design
  package var coefficients: [Double]
  package var intercept: Double
  package var penalty: Penalty
  /// Covariance (H + L)⁻¹ of the standardised coefficients, intercept last: the lower triangle row
  /// by row, (p + 1)(p + 2)/2 numbers.
  package var covariance: [Double]
  /// The largest x′Vx of a training row: beyond it a score is marked `extrapolated`.
  package var maximumVariance: Double
  /// From the raw logit to the respondents' probability, learnt out of fold.
  package var calibration: ScoreCalibration
  package var reference: Reference
  package var populations: [SnapshotCounts]
  package var silent: SilentCounts
  /// The share of all accounts, drawn by lot, that it was learnt from and counted in; nil: all of them.
  package var lot: Double?
  /// Nil, as grading and propensity, for a model of a back-test, which is judged by what came after.
  package var evidence: Evidence?
  /// What stands for the evidence where only complaints were to be learnt from.
  package var complaints: ComplaintsEvidence?
  package var grading: Grading?
  /// Who speaks: marks accounts that nobody like them spoke for.
  package var propensity: ResponsePropensity?
  package var dataDigest: String
  package var projectDigest: String
  /// OpenBLAS's kernel: other kinds of processor give the same numbers to 1e-9, not to the bit.
  package var processor: String
  package var golden: [GoldenVector]

  /// The silent population that scores are held against.
  package struct Reference: Codable, Sendable {
    /// Mean of each design column.
    package var means: [Double]
    /// Median of each source feature among the accounts that have it; nil where most have none.
    package var typical: [Double?]
    /// Logits at or above which a score is in the top, high and medium band (99, 95, 80 %).
    package var bandLimits: [Double]
    /// How the silent logits and each source feature were spread: deciles, or levels.
    package var logits: ReferenceBins
    package var features: [ReferenceBins]
  }

  /// How the model did on customers it had not seen, out of fold, a customer's rows together, and how
  /// far that holds for the silent. Two-sided rows alone.
  package struct Evidence: Codable, Sendable {
    package var rows: Int
    package var customers: Int
    /// Rows of detractors; and customers with a row of either class.
    package var detractors: Int
    package var detractorCustomers: Int
    package var otherCustomers: Int
    /// With its 95 % interval and the lower end of the 99.9 % one, clustered by customer.
    package var auc: Double
    package var aucLow: Double
    package var aucHigh: Double
    package var aucLow999: Double
    /// Of calibrated probabilities.
    package var logLoss: Double
    package var brier: Double
    /// AUC over the rows of accounts that were silent at their snapshot, and of those that had never
    /// spoken; nil with one class.
    package var silentAUC: Double?
    package var neverSpokenAUC: Double?
    /// Of the uncalibrated logits.
    package var calibrationSlope: Double
    package var calibrationIntercept: Double
    /// Rows that Riley's rule asks for; nil where held-out rows show no skill.
    package var requiredRows: Int?
    /// At the team's capacity, rows weighted like the silent.
    package var capacity: CapacityMetrics
    package var bestFeature: BestFeature?
    package var overlap: Overlap
    /// Nil with too few one-sided rows to ask.
    package var pooling: PoolingChoice?
    package var weighting: WeightedTraining
    package var permutation: PermutationTest
    package var level: SilentLevel
    /// The level apart for those never asked and those who ignored a question; nil without survey
    /// mechanics or answers.
    package var askedLevels: [AskedLevel]?
    /// Trainings like this one on past dates, judged by what came after; nil: not tried.
    package var stability: Backtest.Stability?

    /// What the grade looks at.
    package var facts: GradeFacts {
      GradeFacts(
        permutations: permutation.permutations, permutationP: permutation.p, auc: auc,
        aucLow: aucLow, aucLow999: aucLow999, detractors: detractorCustomers,
        nonDetractors: otherCustomers, domainAUC: overlap.domainAUC.value,
        liftLow: capacity.lift.low,
        precisionGainHigh: bestFeature?.precision.difference.high,
        calibrationSlope: calibrationSlope, rows: rows, rileyRows: requiredRows.map(Double.init),
        outside: overlap.outside, effectiveShare: overlap.effectiveShare,
        origins: stability?.origins.count ?? 0, originsAboveChance: stability?.aboveChance ?? 0,
        silencedDetractors: stability?.silenced.customers,
        levelMeasured: level.isMeasured)
    }
  }

  /// The feature that alone ranks these very rows best, with hindsight, against the model at capacity.
  package struct BestFeature: Codable, Sendable {
    package var name: String
    /// The feature first, the model second.
    package var precision: CapacityComparison
  }

  /// A made-up vector with the logit this model gave it when written; scored again at load.
  package struct GoldenVector: Codable, Sendable {
    package var values: [Double?]
    package var logit: Double
  }
}

extension Model {
  /// The design columns of raw feature rows (schema order, NaN missing). O(rows × columns).
  package func expand(_ raw: Matrix, threads: Int) throws(DetractionError) -> Matrix {
    do { return try design.expand(raw, threads: threads) } catch { throw .learning(error) }
  }

  /// What `meaning` says, of a respondent, for a raw logit. O(1).
  package func probability(logit: Double) -> Double { calibration.probability(logit: logit) }

  /// Whether answers of silent accounts drawn at random set the level of the silent.
  package var levelIsMeasured: Bool { level?.isMeasured ?? false }

  /// What it was learnt from, where that was not every account.
  package var lotWords: String? {
    lot.map { "a lot of \(String(format: "%g", 100 * $0)) % of all accounts" }
  }

  /// How many of the silent are unhappy; nil for a model of a back-test.
  package var level: SilentLevel? { evidence?.level ?? complaints?.level }

  /// Whether it was learnt from one-sided feedback alone.
  package var isComplaintsOnly: Bool { feedback.isOneSided }

  /// What its probability says of an account.
  package var meaning: String {
    isComplaintsOnly
      ? "that the account is unhappy enough to complain, whether or not it ever does"
      : "that feedback, if the account gave any in the label window of "
        + "\(training.labelWindowDays) days, would be negative"
  }

  /// The same of a silent account: with the level's offset where that is measured, else as a
  /// respondent's. O(1).
  package func silentProbability(logit: Double) -> Double {
    LogisticFit.probability(
      logit: calibration.calibrated(logit: logit) + (level?.offset?.value ?? 0))
  }

  /// Its 95 % interval from the predictor's standard error and the measured level's: their squares
  /// add up, being of different rows.
  func silentInterval(logit: Double, standardError: Double) -> (low: Double, high: Double) {
    let z = 1.959963984540054
    let middle = calibration.calibrated(logit: logit)
    let offset = level?.offset?.value ?? 0
    let spread = z * (level?.offsetError ?? 0)
    func end(_ sign: Double) -> Double {
      let own = calibration.calibrated(logit: logit + sign * z * standardError) - middle
      let reach = (own * own + spread * spread).squareRoot()
      return LogisticFit.probability(logit: middle + offset + sign * reach)
    }
    return (end(-1), end(1))
  }

  /// Logits of expanded rows. O(rows × columns).
  package func logits(_ expanded: Matrix, threads: Int) -> [Double] {
    expanded.predictorsRowByRow(
      coefficients: coefficients, intercept: intercept, threads: threads)
  }

  /// The logit of one raw vector, nil being missing.
  func logit(_ values: [Double?]) throws(DetractionError) -> Double {
    let raw: Matrix
    do {
      raw = try Matrix(rows: 1, columns: values.count, elements: values.map { $0 ?? .nan })
    } catch { throw .learning(error) }
    return logits(try expand(raw, threads: 1), threads: 1)[0]
  }

  /// The covariance as a full matrix of (columns + 1)² numbers.
  func covarianceMatrix() -> Matrix {
    let size = coefficients.count + 1
    return Matrix(rows: size, columns: size) { span in
      var next = 0
      for row in 0..<size {
        for column in 0...row {
          span[row * size + column] = covariance[next]
          span[column * size + row] = covariance[next]
          next += 1
        }
      }
    }
  }

  /// Checks that the parts fit each other, and scores the golden vectors again: a processor, a
  /// library or a file that computes something else is refused before it scores anybody.
  package func check(path: String) throws(DetractionError) {
    let p = design.width
    let sizes =
      [
        ("coefficients", coefficients.count, p), ("reference.means", reference.means.count, p),
        ("covariance", covariance.count, (p + 1) * (p + 2) / 2),
        ("design.sources", design.sources.count, schema.count),
        ("reference.typical", reference.typical.count, schema.count),
        ("reference.bandLimits", reference.bandLimits.count, 3),
        ("reference.features", reference.features.count, schema.count),
      ]
      + ([reference.logits] + reference.features).map { bins in
        ("reference.shares", bins.shares.count, bins.cuts.count + 2)
      }
    for (name, found, expected) in sizes where found != expected {
      throw .modelFile("\(path): `\(name)` has \(found) entries, expected \(expected)")
    }
    for (index, vector) in golden.enumerated() {
      let logit = try logit(vector.values)
      guard abs(logit - vector.logit) <= 1e-9 * max(1, abs(vector.logit)) else {
        throw .modelFile(
          "\(path): golden vector \(index) scores \(logit), expected \(vector.logit): the model or "
            + "the program was changed")
      }
    }
  }
}
