import Detraction
import Foundation
import Learning
import Outreach

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
  private(set) var validation: [CrossValidation.Point]?
  private(set) var heldOut: LearnerModel.HeldOut?
  private(set) var inference: Description?
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
    validation = model.validation
    heldOut = model.heldOut
    table = rows.table
    warnings = outcome.warnings
    self.seconds = seconds
    if let inference = outcome.inference {
      let errors =
        rows.groups != nil ? "clustered" : command.errors == .robust ? "robust" : "model"
      self.inference = Description(
        errors: errors, logLikelihood: inference.logLikelihood, deviance: inference.deviance,
        nullDeviance: inference.nullDeviance, aic: inference.aic, bic: inference.bic,
        mcFadden: inference.mcFadden)
    }
    let singles = model.design?.columns.count ?? columns
    for j in 0..<singles {
      let column = model.design?.columns[j]
      let unit = column?.scale ?? 1
      let deviation = model.design == nil ? (fit.isStandardised ? fit.scales[j] : nil) : 1
      let estimate = outcome.inference?.parameters[j]
      let profile = outcome.profiles?[j]
      coefficients.append(
        Coefficient(
          feature: rows.name(column?.source ?? j),
          basis: column.map { rows.describe($0) }, coefficient: fit.coefficients[j] / unit,
          standardError: estimate.map { $0.standardError / unit }, z: estimate?.z,
          p: profile?.p ?? estimate?.p, low: (profile?.low ?? estimate?.low).map { $0 / unit },
          high: (profile?.high ?? estimate?.high).map { $0 / unit },
          standardised: fit.coefficients[j] * (deviation ?? 1), share: outcome.shares[j]))
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

extension FitReport {
  /// For people: what was learnt, from what, and how well it held on rows it had not seen.
  var lines: [String] {
    var lines = [
      "\(rows) rows, \(Int(positives.rounded())) of them 1 (\(String(format: "%.1f %%", 100 * positives / Double(rows))))"
    ]
    if features.isEmpty { lines += coefficientLines } else { lines += featureLines }
    lines.append("")
    if let heldOut { lines += heldOutLines(heldOut) }
    lines.append(penaltyLine)
    if let inference {
      lines.append(
        "deviance \(significant(inference.deviance)) of \(significant(inference.nullDeviance)) without features, "
          + "AIC \(significant(inference.aic)), BIC \(significant(inference.bic)); \(inference.errors) errors"
      )
    }
    lines.append(
      "objective \(objective), max |gradient| \(maxGradient), \(iterations) passes; reading "
        + "\(three(seconds.reading)) s, fitting \(three(seconds.fitting)) s")
    return lines + warnings.map { "note: \($0)" }
  }

  private var penaltyLine: String {
    let kind = l1Ratio == 0 ? "ridge" : l1Ratio == 1 ? "lasso" : "elastic net, a = \(l1Ratio)"
    if lambda == 0 { return "no penalty, \(columns) columns" }
    let kept = coefficients.count { $0.standardised != 0 }
    let chosen = validation == nil ? "" : ", chosen among \(validation?.count ?? 0)"
    let selected = l1Ratio > 0 ? "\(kept) of \(columns)" : "\(columns)"
    return "λ = \(significant(lambda)) (\(kind)\(chosen)), \(selected) columns"
  }

  private func heldOutLines(_ h: LearnerModel.HeldOut) -> [String] {
    [
      "on rows held out (\(h.folds) folds): AUC \(three(h.auc)) (\(three(h.aucLow)) to "
        + "\(three(h.aucHigh))), log loss \(significant(h.logLoss)) (\(significant(h.nullLogLoss)) without features), "
        + "Brier \(significant(h.brier))",
      "calibration there: slope \(significant(h.calibrationSlope)) (below 1: too extreme), intercept "
        + "\(significant(h.calibrationIntercept))",
    ]
  }

  /// A line a feature, by share; its coefficients where they are few.
  private var featureLines: [String] {
    let shown = 25
    let width = max(7, features.prefix(shown).map { Outreach.columns(name($0.name)) }.max() ?? 0)
    var lines = ["", padded("feature", to: width) + "   share of the logit"]
    for feature in features.prefix(shown) {
      let own = coefficients.filter { $0.feature == feature.name && $0.standardised != 0 }
      let text =
        own.count <= 4
        ? own.map { short($0) }.joined(separator: ", ") : "\(own.count) shapes"
      lines.append(
        "\(padded(name(feature.name), to: width))  \(percentColumn(feature.share))  \(text)")
    }
    if features.count > shown {
      let rest = features.dropFirst(shown).reduce(0) { $0 + $1.share }
      lines.append("\(padded("\(features.count - shown) more", to: width))  \(percentColumn(rest))")
    }
    if !pairs.isEmpty {
      let total = pairs.reduce(0) { $0 + $1.share }
      lines.append("\(padded("\(pairs.count) pairs", to: width))  \(percentColumn(total))")
      for pair in pairs.prefix(10) {
        lines.append(
          "  \(padded("\(name(pair.first)) × \(name(pair.second))", to: width - 2))  \(percentColumn(pair.share))"
        )
      }
    }
    return lines
  }

  private var coefficientLines: [String] {
    let shown = 50
    let kept = coefficients.filter { $0.standardised != 0 }
    let interval = kept.contains { $0.low != nil } ? " (95 % interval)" : ""
    var lines = ["", "column        coefficient\(interval)"]
    for c in kept.prefix(shown) {
      lines.append("\(padded(c.feature, to: 12))  \(short(c))")
    }
    if kept.count > shown { lines.append("\(kept.count - shown) more") }
    if kept.count < coefficients.count {
      lines.append("\(coefficients.count - kept.count) others are 0")
    }
    return lines
  }

  /// A column's name, harmless and not too long.
  private func name(_ text: String) -> String { clipped(inert(text), to: 32) }

  private func percentColumn(_ share: Double) -> String {
    padded(String(format: "%5.1f %%", 100 * share), to: 9)
  }

  private func short(_ c: Coefficient) -> String {
    let basis = c.basis.map { $0 == "as it is" ? "" : "\(name($0)) " } ?? ""
    let interval =
      c.low.flatMap { low in c.high.map { " (\(significant(low)) to \(significant($0)))" } } ?? ""
    return basis + significant(c.coefficient) + interval
  }
}

extension LearnerRows {
  /// How a column is made of its feature, in a few words.
  func describe(_ column: DesignColumn) -> String {
    func level(_ code: Int) -> String { columns[column.source].levels?[code] ?? "\(code)" }
    return switch column.basis {
    case .linear: "as it is"
    case .log1p: "log"
    case .missing: "missing"
    case .nonzero: "not 0"
    case .step(let knot): "above \(significant(knot))"
    case .hinge(let knot): "beyond \(significant(knot))"
    case .logHinge(let knot): "log beyond \(significant(knot))"
    case .level(let code): "= \(level(code))"
    case .pooled(let codes): "one of \(codes.count) rare levels"
    }
  }
}

/// Four significant digits.
func significant(_ value: Double) -> String { String(format: "%.4g", value) }
