import Detraction
import Foundation
import Learning

/// What `fit` says of its model, as JSON and in words.
struct FitReport: Encodable {
  struct Seconds: Encodable { var reading, fitting, describing, writing: Double }

  struct Coefficient: Encodable {
    var feature: String
    /// How the column is made of the feature; nil for vectors that enter as they stand.
    var basis: String?
    /// Per unit of the column before standardisation.
    var coefficient: Double
    var standardError, z, p, low, high: Double?
    /// The share of resamplings in which it is not 0, where the penalty selects columns.
    var chosen: Double?
    /// Per standard deviation of the column.
    var standardised: Double
    var share: Double
  }

  struct Feature: Encodable {
    var name: String
    var share: Double
    var columns: Int
  }

  struct Pair: Encodable {
    var first, second: String
    var share: Double
    var columns: Int
  }

  /// Poisson resampling, one step of the fit each.
  struct Resamplings: Encodable {
    var replicates: Int
    var seed: UInt64
    /// What is drawn: "rows" or "groups".
    var units: String
  }

  struct Description: Encodable {
    var errors: String
    var logLikelihood, deviance, nullDeviance, aic, bic, mcFadden: Double
  }

  private(set) var rows, columns: Int
  private(set) var positives: Double
  private(set) var shapes: String
  private(set) var lambda, l1Ratio, l1, l2: Double
  private(set) var iterations: Int
  private(set) var objective, maxGradient, intercept: Double
  /// How rows were held out to choose λ: "folds" or "leave-one-out" (approximate).
  private(set) var validatedBy: String?
  private(set) var validation: [CrossValidation.Point]?
  private(set) var heldOut: LearnerModel.HeldOut?
  private(set) var inference: Description?
  private(set) var resamplings: Resamplings?
  private(set) var coefficients: [Coefficient] = []
  private(set) var features: [Feature] = []
  private(set) var pairs: [Pair] = []
  private(set) var table: TableReport?
  private(set) var warnings: [String]
  private(set) var seconds: Seconds

  init(_ command: FitCommand, _ rows: LearnerRows, _ outcome: Learner.Outcome, seconds: Seconds) {
    let model = outcome.model
    let fit = model.fit
    self.rows = fit.rows
    columns = fit.coefficients.count
    positives = rows.labels.reduce(0, +)
    shapes = command.firth ? "none, Firth" : command.wantsShapes ? "auto" : "none"
    lambda = fit.penalty.lambda
    l1Ratio = fit.penalty.l1Ratio
    l1 = lambda * l1Ratio
    l2 = lambda * (1 - l1Ratio)
    iterations = fit.iterations
    objective = fit.objective
    maxGradient = fit.maxGradient
    intercept = fit.intercept
    validatedBy = model.heldOut.map { _ in command.validation.rawValue }
    validation = model.validation
    heldOut = model.heldOut
    table = rows.table
    warnings = outcome.warnings
    self.seconds = seconds
    if let inference = outcome.inference {
      let errors =
        command.errors != .bootstrap && rows.groups != nil ? "clustered" : command.errors.rawValue
      self.inference = Description(
        errors: errors, logLikelihood: inference.logLikelihood, deviance: inference.deviance,
        nullDeviance: inference.nullDeviance, aic: inference.aic, bic: inference.bic,
        mcFadden: inference.mcFadden)
    }
    resamplings = outcome.bootstrap.map { _ in
      Resamplings(
        replicates: Learner.replicates, seed: Learner.bootstrapSeed,
        units: rows.groups == nil ? "rows" : "groups")
    }
    let known = CoefficientTable(outcome)
    let singles = model.design?.columns.count ?? columns
    for j in 0..<singles {
      let column = model.design?.columns[j]
      let unit = column?.scale ?? 1
      let deviation = model.design == nil ? (fit.isStandardised ? fit.scales[j] : nil) : 1
      let line = known.line(j)
      coefficients.append(
        Coefficient(
          feature: rows.name(column?.source ?? j),
          basis: column.map { rows.describe($0) }, coefficient: fit.coefficients[j] / unit,
          standardError: line.standardError.map { $0 / unit }, z: line.z, p: line.p,
          low: line.low.map { $0 / unit }, high: line.high.map { $0 / unit },
          chosen: known.chosen?[j], standardised: fit.coefficients[j] * (deviation ?? 1),
          share: outcome.shares[j]))
    }
    summarise(rows, model, outcome.shares)
  }

  /// Adds up the shares by feature and by pair of features.
  private mutating func summarise(
    _ rows: LearnerRows, _ model: LearnerModel, _ shares: [Double]
  ) {
    guard let design = model.design else { return }
    var bySource = [Int: Feature]()
    for (j, column) in design.columns.enumerated() {
      var feature =
        bySource[column.source] ?? Feature(name: rows.name(column.source), share: 0, columns: 0)
      feature.share += shares[j]
      feature.columns += 1
      bySource[column.source] = feature
    }
    features = bySource.sorted { ($1.value.share, $0.key) < ($0.value.share, $1.key) }.map(\.value)
    var byPair = [[Int]: Pair]()
    for (k, pair) in design.pairs.enumerated() {
      let sources = [design.columns[pair.first].source, design.columns[pair.second].source].sorted()
      var sum =
        byPair[sources]
        ?? Pair(first: rows.name(sources[0]), second: rows.name(sources[1]), share: 0, columns: 0)
      sum.share += shares[design.columns.count + k]
      sum.columns += 1
      byPair[sources] = sum
    }
    pairs = byPair.sorted {
      ($1.value.share, $0.key[0], $0.key[1]) < ($0.value.share, $1.key[0], $1.key[1])
    }.map(\.value)
  }
}

/// What is known of each column's coefficient, from whatever was made to know it.
private struct CoefficientTable {
  struct Line { var standardError, z, p, low, high: Double? }

  private let outcome: Learner.Outcome
  private let resampled: (errors: [Double], intervals: [(low: Double, high: Double)])?
  /// Shares of resamplings.
  let chosen: [Double]?

  init(_ outcome: Learner.Outcome) {
    self.outcome = outcome
    let selects = outcome.model.fit.penalty.selects
    chosen = selects ? outcome.bootstrap?.selectionFrequency : nil
    resampled = selects ? nil : outcome.bootstrap.map { ($0.standardErrors, $0.intervals) }
  }

  /// Of a column, per unit of the design's columns.
  func line(_ j: Int) -> Line {
    if let resampled {
      let error = resampled.errors[j]
      let z = error > 0 ? outcome.model.fit.coefficients[j] / error : 0
      return Line(
        standardError: error, z: z, p: Normal.twoSided(z), low: resampled.intervals[j].low,
        high: resampled.intervals[j].high)
    }
    let estimate = outcome.inference?.parameters[j]
    let profile = outcome.profiles?[j]
    return Line(
      standardError: estimate?.standardError, z: estimate?.z, p: profile?.p ?? estimate?.p,
      low: profile?.low ?? estimate?.low, high: profile?.high ?? estimate?.high)
  }
}
