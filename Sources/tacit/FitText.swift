import Detraction
import Foundation
import Learning
import Outreach

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
    if let resamplings {
      let what =
        coefficients.contains { $0.chosen != nil }
        ? "\"chosen in\" is the share" : "errors and intervals are those"
      lines.append(
        "\(what) of \(resamplings.replicates) resamplings of \(resamplings.units), seed "
          + "\(resamplings.seed)")
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
      "on rows held out (\(validatedBy == "folds" ? "\(h.folds) folds" : "one by one, each by a Newton step")): AUC \(three(h.auc)) (\(three(h.aucLow)) to "
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
    let chosen = c.chosen.map { String(format: ", chosen in %.0f %%", 100 * $0) } ?? ""
    return basis + significant(c.coefficient) + interval + chosen
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
