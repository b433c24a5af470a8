import Foundation
import Learning

/// The report for people: a line a number, with what it means in plain words.
extension EvaluationReport {
  func text(file: String) -> String {
    var lines = [heading(file)]
    for score in scores {
      lines += [""] + ranking(score) + [""] + calling(score) + [""] + truth(score) + [""]
      lines += gains(score) + [""] + bins(score)
    }
    if let differences { lines += [""] + comparison(differences) }
    return lines.joined(separator: "\n")
  }

  private func heading(_ file: String) -> String {
    let weighted = weight.map { ", weighted by \($0)" } ?? ""
    let drawn =
      groups.map { "\(whole(Double($0))) customers (\(group ?? "")), each with all its rows" }
      ?? "rows"
    return """
      \(file): \(whole(Double(rows))) rows\(weighted), \(percent(baseRate)) of them positive
      95 % intervals from \(whole(Double(replicates))) resamplings of \(drawn)
      """
  }

  private func ranking(_ score: Score) -> [String] {
    let pairs = (100 * (score.metrics["roc_auc"]?.value ?? .nan)).rounded()
    return [("How well \(score.column) ranks")] + [
      line(
        "ROC-AUC", score.metrics["roc_auc"], .plain,
        "a positive row stands above a negative one in \(whole(pairs)) of 100 pairs"),
      line(
        "average precision", score.metrics["average_precision"], .plain,
        "precision averaged over the whole list; by chance \(fixed(baseRate))"),
    ]
  }

  private func calling(_ score: Score) -> [String] {
    score.calls.flatMap { call -> [String] in
      let called = (100 * (call.precision.value ?? .nan)).rounded()
      let found = (100 * (call.recall.value ?? .nan)).rounded()
      return [("Calling the first \(whole(call.k)) (\(percent(call.share)))")] + [
        line("precision", call.precision, .percent, "of 100 called, \(whole(called)) are positive"),
        line("recall", call.recall, .percent, "of 100 positive, \(whole(found)) are called"),
        line("lift", call.lift, .plain, "times as many as calling by lot finds"),
      ]
    }
  }

  private func truth(_ score: Score) -> [String] {
    let uncertainty = baseRate * (1 - baseRate)
    let entropy = -(baseRate * log(baseRate) + (1 - baseRate) * log(1 - baseRate))
    let floor = score.nullFloor
    let error = score.calibrationError.value ?? 0
    return [("How true the probabilities of \(score.column) are")] + [
      line(
        "log loss", score.metrics["log_loss"], .plain,
        "0 is best; saying \(percent(baseRate)) of everybody gives \(fixed(entropy))"),
      line(
        "Brier score", score.metrics["brier"], .plain,
        "0 is best; saying \(percent(baseRate)) of everybody gives \(fixed(uncertainty))"),
      line(
        "= reliability", score.metrics["reliability"], .plain,
        "what wrong levels cost, noise included"),
      line(
        "− resolution", score.metrics["resolution"], .plain, "what telling rows apart earns"),
      line("+ uncertainty", score.metrics["uncertainty"], .plain, "what there is to tell"),
      line(
        "said − happened", score.metrics["calibration_in_the_large"], .signedPercent,
        verdict(
          score.metrics["calibration_in_the_large"], 0, "too low on average",
          "too high on average")),
      line(
        "slope", score.metrics["calibration_slope"], .plain,
        verdict(
          score.metrics["calibration_slope"], 1, "too extreme", "too timid")),
      line(
        "intercept", score.metrics["calibration_intercept"], .plain,
        "0 is right, on the scale of the logit, beside slope 1"),
      line(
        "calibration error", score.calibrationError, .finePercent,
        (error > floor.debiased95 ? "more than chance" : "no more than chance")
          + ": noise alone stays below \(percent(floor.debiased95, 2))"),
      line(
        "with noise (ECE)", score.metrics["ece"], .finePercent,
        "noise alone gives \(percent(floor.plugInMean, 2)), at most \(percent(floor.plugIn95, 2))"),
    ]
  }

  /// In words what an interval says against the value that is right.
  private func verdict(
    _ estimate: Estimate?, _ right: Double, _ below: String, _ above: String
  ) -> String {
    guard let low = estimate?.low, let high = estimate?.high else { return "cannot be told" }
    if high < right { return "the probabilities are \(below)" }
    if low > right { return "the probabilities are \(above)" }
    return "\(whole(right)) is right, and within the interval"
  }

  private func gains(_ score: Score) -> [String] {
    [("Cumulative gains"), padded("  called", 22) + "of the positives"]
      + score.gains.map { call in
        line(
          percent(call.share), call.recall, .percent,
          "\(fixed(call.lift.value ?? .nan, 2)) times as many as by lot")
      }
  }

  private func bins(_ score: Score) -> [String] {
    [
      ("Said and happened, rows of like probability together"),
      "  " + padded("said", 20) + padded("rows", -9) + padded("said on average", -17)
        + padded("happened", -10) + "   95 % interval",
    ]
      + score.bins.map { bin in
        "  " + padded("\(percent(bin.from)) … \(percent(bin.to))", 20)
          + padded(whole(Double(bin.rows)), -9) + padded(percent(bin.meanProbability), -17)
          + padded(percent(bin.observed), -10)
          + "   \(percent(bin.observedLow)) … \(percent(bin.observedHigh))"
      }
  }

  private func comparison(_ differences: [Difference]) -> [String] {
    let names = scores.map(\.column)
    let test: [String] =
      areaTest.map { test in
        let p = test.p < 0.0001 ? "P < 0.0001" : "P = \(fixed(test.p))"
        return ["  ROC-AUC by DeLong's test of no difference: \(p)"]
      } ?? []
    let head =
      "  " + padded("", 20) + padded("difference", -12) + "   " + padded("95 % interval", 22)
      + "better"
    let rows = differences.map { row -> String in
      let name = Self.titles[row.metric] ?? row.metric
      let at = row.k.map { " at \(whole($0))" } ?? ""
      let isPercent = ["precision", "recall", "ece", "calibration_in_the_large"]
        .contains(row.metric)
      return line(
        name + at, row.difference, isPercent ? .signedPercent : .signed,
        row.winner ?? (Self.judged(row.metric) ? "no clear winner" : ""))
    }
    return ["\(names[0]) against \(names[1]), on the same rows and resamplings", head] + rows + test
  }

  private static let titles = [
    "roc_auc": "ROC-AUC", "average_precision": "average precision", "log_loss": "log loss",
    "brier": "Brier score", "calibration_in_the_large": "said − happened",
    "calibration_slope": "slope", "calibration_intercept": "intercept", "ece": "with noise (ECE)",
  ]

  /// Whether more or less of it is better at all.
  private static func judged(_ name: String) -> Bool {
    !["calibration_in_the_large", "calibration_slope", "calibration_intercept"].contains(name)
  }

  // MARK: Columns

  private enum Style { case plain, percent, finePercent, signed, signedPercent }

  private func line(
    _ name: String, _ estimate: Estimate?, _ style: Style, _ meaning: String
  ) -> String {
    func shown(_ value: Double) -> String {
      switch style {
      case .plain: fixed(value)
      case .percent: percent(value)
      case .finePercent: percent(value, 2)
      case .signed: (value < 0 ? "" : "+") + fixed(value)
      case .signedPercent: (value < 0 ? "" : "+") + percent(value, 2)
      }
    }
    let value = estimate?.value.map(shown) ?? "–"
    var interval = ""
    if let low = estimate?.low, let high = estimate?.high {
      interval = "\(shown(low)) … \(shown(high))"
    }
    return "  " + padded(name, 20) + padded(value, -12) + "   " + padded(interval, 22) + meaning
  }

  /// Filled with spaces to a width of characters: on the right, on the left where it is negative.
  private func padded(_ text: String, _ width: Int) -> String {
    let filling = String(repeating: " ", count: max(0, abs(width) - text.unicodeScalars.count))
    return width < 0 ? filling + text : text + filling
  }

  private func fixed(_ value: Double, _ digits: Int = 4) -> String {
    guard value.isFinite else { return "–" }
    return (value < 0 ? "−" : "") + String(format: "%.\(digits)f", abs(value))
  }

  private func percent(_ value: Double, _ digits: Int = 1) -> String {
    value.isFinite ? fixed(100 * value, digits) + " %" : "–"
  }

  /// A count with its thousands apart; with one digit behind the point where it is no whole number.
  private func whole(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    guard value == value.rounded(), abs(value) < 1e15 else { return fixed(value, 1) }
    var digits = Array(String(Int(value)))
    var place = digits.count - 3
    while place > 0, digits[place - 1] != "-" {
      digits.insert(",", at: place)
      place -= 3
    }
    return String(digits)
  }
}
