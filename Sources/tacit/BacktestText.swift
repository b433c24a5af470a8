import Detraction
import Foundation
import Histories
import Learning

/// A back-test for people: the claim first, then the numbers behind it.
struct BacktestText {
  private let result: Backtest.Result
  private let capacity: String
  private let zone: LocalTime

  init(_ result: Backtest.Result, capacity: String, zone: LocalTime) {
    self.result = result
    self.capacity = capacity
    self.zone = zone
  }

  var text: String {
    ([heading, silenced, answers, masking, controls, notes] as [[String]])
      .filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
  }

  private var heading: [String] {
    let dates = result.origins.map { localDate($0.at, zone) }
    let span =
      dates.count == 1
      ? "one past date, \(dates[0])"
      : "\(dates.count) past dates, \(dates.first ?? "") to \(dates.last ?? "")"
    var lines = [
      "Back-test as of \(localDate(result.asOf, zone)): \(span), a model trained at each on what "
        + "was known by then",
      result.statement,
    ]
    lines += result.skipped.map { "left out: \(localDate($0.at, zone)), \($0.reason)" }
    return lines
  }

  private var silenced: [String] {
    let all = result.silenced
    var lines = [
      "Silenced detractors: had never spoken, and first spoke as detractors within "
        + "\(result.horizonDays) days. Called: \(capacity)"
    ]
    var table = Table(
      [
        "date", "never spoke", "called", "detractors", "on the list", "by lot", "lift",
        "days ahead",
      ])
    for origin in result.origins {
      table.add([localDate(origin.at, zone)] + row(origin.silenced))
    }
    if result.origins.count > 1 { table.add(["together"] + row(all)) }
    lines += table.lines
    guard all.detractors > 0 else { return lines + rest(all) }
    lines.append("")
    lines.append(sentence(all))
    var rules = Table([
      "at the same k", "on the list", "share", "lift", "the model's share less it",
    ])
    rules.add([
      "the model", tenth(all.captured), percent(all.captureShare.value), tenth(all.lift.value), "",
    ])
    for baseline in all.baselines.sorted(by: { $0.captured > $1.captured }) {
      rules.add([
        words(baseline.rule), tenth(baseline.captured), percent(baseline.captureShare),
        tenth(baseline.lift), points(baseline.difference),
      ])
    }
    rules.add([
      "by lot", tenth(all.byLot), percent(all.byLot / Double(all.detractors)), "1.0", "",
    ])
    return lines + rules.lines + rest(all)
  }

  private func row(_ silenced: Backtest.Silenced) -> [String] {
    [
      whole(silenced.accounts), whole(silenced.called), whole(silenced.detractors),
      tenth(silenced.captured), tenth(silenced.byLot),
      silenced.lift.value.map {
        String(format: "%.1f", $0) + " (" + tenth(silenced.lift.low) + "–"
          + tenth(silenced.lift.high) + ")"
      } ?? "–",
      silenced.leadDays.map {
        "\(Int($0.median.rounded())) (\(Int($0.lower.rounded()))–\(Int($0.upper.rounded())))"
      } ?? "–",
    ]
  }

  private func sentence(_ all: Backtest.Silenced) -> String {
    let origins = result.origins.count
    let size = whole(all.called / max(1, origins))
    let called = origins == 1 ? "the list of \(size)" : "lists of about \(size)"
    let many = all.detractors == all.customers ? "" : ", counted at each date,"
    return "Of the \(whole(all.detractors)) who first spoke as detractors in the next "
      + "\(result.horizonDays) days\(many) \(called) held \(tenth(all.captured)); drawn by lot "
      + "\(origins == 1 ? "it" : "they") would have held \(tenth(all.byLot))."
  }

  private func rest(_ all: Backtest.Silenced) -> [String] {
    var lines: [String] = []
    if let precision = all.precisionAtLeast, all.detractors > 0 {
      lines.append(
        "Precision: at least \(percent(precision)) of those called. The others did not speak, which "
          + "does not say that they were content.")
      lines.append(
        "Those who speak up tend to be the unhappiest: among those who stay silent the lift may be "
          + "lower.")
    }
    var left: [String] = []
    if all.guarded > 0 {
      left.append(
        "\(whole(all.guarded)) first complained within \(result.gapDays) guard day"
          + "\(result.gapDays == 1 ? "" : "s") of a date and count nowhere")
    }
    if all.spokeOtherwise > 0 {
      left.append("\(whole(all.spokeOtherwise)) first spoke and were content")
    }
    if !left.isEmpty { lines.append(left.joined(separator: "; ") + ".") }
    return lines
  }

  private var answers: [String] {
    var lines = [
      "Answers: two-sided feedback in the \(result.labelWindowDays) days from \(result.gapDays) "
        + "after each date, precision and lift among the share that can be called"
    ]
    var table = Table([
      "date", "trained on", "answers", "negative", "AUC (95 %)", "average precision", "precision",
      "lift", "slope",
    ])
    for origin in result.origins {
      let date = localDate(origin.at, zone)
      if let answers = origin.answers {
        table.add([date, whole(origin.trainingRows)] + row(answers.all))
      } else {
        lines.append("\(date): \(origin.answersMissing ?? "")")
      }
    }
    if let all = result.answers {
      table.add(["together", ""] + row(all.all))
      table.add(["· never spoken", ""] + row(all.neverSpoken))
      table.add(["· lapsed", ""] + row(all.lapsed))
      table.add(["· spoke lately", ""] + row(all.recent))
    }
    lines += table.lines
    if let gain = result.answers?.precisionGain, gain.value != nil {
      lines.append(
        "Precision less that of the best single feature, chosen on the training rows: \(points(gain))."
      )
    }
    return lines
  }

  private func row(_ group: Backtest.Group) -> [String] {
    [
      whole(group.rows), whole(group.detractors), three(group.auc), two(group.averagePrecision),
      group.precision.value.map(percent) ?? "–", tenth(group.lift.value),
      two(group.calibrationSlope),
    ]
  }

  private var masking: [String] {
    guard let masking = result.masking else {
      return result.maskingMissing.map { ["Known detractors could not be hidden: \($0)"] } ?? []
    }
    return [
      "Hidden: \(whole(masking.masked)) of \(whole(masking.known)) known detractors among "
        + "\(whole(masking.pool)) silent, drawn \(masking.repeats) times, a plain model fitted without them",
      "  the list of \(whole(masking.called)) held \(percent(masking.recall.value)) of them "
        + "(95 %: \(percent(masking.recall.low)) to \(percent(masking.recall.high)); over the "
        + "drawings \(percent(masking.least)) to \(percent(masking.most))), by lot "
        + "\(percent(masking.byLot))",
    ]
  }

  private var controls: [String] {
    let controls = result.controls
    var lines = ["Too good to be true?"]
    lines += controls.suspects.map {
      "  SUSPECT " + ($0.feature.map { "\"\($0)\" " } ?? "") + $0.reason
    }
    if let best = controls.singleFeatures.first {
      let shifted = best.shiftedArea.map {
        ", \(String(format: "%.3f", $0)) with features \(BacktestRule.shiftDays) days older"
      }
      lines.append(
        "  best single feature: \(best.feature), area \(three(best.area))\(shifted ?? "")")
    }
    let shifts = controls.shifts.filter { $0.shifted.value != nil }
    if !shifts.isEmpty {
      lines.append(
        "  AUC with older features: "
          + shifts.map {
            "\($0.days) days \(String(format: "%.3f", $0.shifted.value ?? .nan)) "
              + "(of \(String(format: "%.3f", $0.auc ?? .nan)))"
          }.joined(separator: ", ") + "; it should fall smoothly")
    }
    if let most = controls.variance.first {
      lines.append(
        "  largest part of the logit's variance: \(most.feature), \(percent(most.share))")
    }
    if let test = controls.permuted {
      lines.append(
        "  labels dealt by lot \(test.permutations) times: \(test.hits) were ranked as well as the "
          + "labels (p = \(String(format: "%.3f", test.p)))")
    }
    if controls.suspects.isEmpty { lines.append("  nothing found") }
    return lines
  }

  private var notes: [String] { result.notes.map { "Note: \($0)." } }

  private func words(_ rule: Backtest.Rule) -> String {
    switch rule {
    case .highestValue: "highest value first"
    case .leastRecent: "longest without an event"
    case .mostTickets: "most tickets in 90 days"
    case .bestFeature: "best single feature"
    }
  }

  private func whole(_ number: Int) -> String { grouped(number) }
  private func tenth(_ value: Double?) -> String { value.map { String(format: "%.1f", $0) } ?? "–" }
  private func percent(_ value: Double?) -> String {
    value.map { String(format: "%.1f %%", 100 * $0) } ?? "–"
  }
  private func three(_ estimate: Backtest.Estimate) -> String {
    guard let value = estimate.value else { return "–" }
    return String(format: "%.3f", value)
      + (estimate.low.map { String(format: " (%.3f–%.3f)", $0, estimate.high ?? .nan) } ?? "")
  }
  private func two(_ estimate: Backtest.Estimate) -> String {
    estimate.value.map { String(format: "%.2f", $0) } ?? "–"
  }
  private func points(_ estimate: Backtest.Estimate) -> String {
    guard let value = estimate.value else { return "–" }
    return String(format: "%+.1f points", 100 * value)
      + (estimate.low.map {
        String(format: " (%+.1f to %+.1f)", 100 * $0, 100 * (estimate.high ?? .nan))
      } ?? "")
  }
}

/// A table for a terminal: the first column to the left, the others to the right.
private struct Table {
  private var rows: [[String]]

  init(_ header: [String]) { rows = [header] }

  mutating func add(_ row: [String]) { rows.append(row) }

  var lines: [String] {
    let widths = rows[0].indices.map { column in
      rows.map { $0[column].unicodeScalars.count }.max() ?? 0
    }
    return rows.map { row in
      "  "
        + row.enumerated().map { column, cell in
          let room = String(repeating: " ", count: widths[column] - cell.unicodeScalars.count)
          return column == 0 ? cell + room : room + cell
        }.joined(separator: "  ")
    }.map { line in
      var line = line
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

/// The local date of an instant, YYYY-MM-DD.
func localDate(_ instant: Instant, _ zone: LocalTime) -> String {
  let (year, month, day) = civilDate(daysSinceEpoch: zone.date(of: instant))
  return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
}
