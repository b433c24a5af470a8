package import Detraction
import Foundation
package import Histories

/// An experiment in words, for those who do not know statistics.
package struct ExperimentText {
  private let zone: LocalTime

  package init(zone: LocalTime) { self.zone = zone }

  /// Two lines and one a band, once there is something to say; else what is missing.
  package func lines(_ reading: ExperimentReading) -> [String] {
    let name = clipped(inert(reading.outcome.name), to: 40)
    let words = clipped(inert(reading.outcome.words), to: 60)
    var lines = ["\(name) (\(words))"]
    let days = reading.outcome.horizonDays
    switch reading.state {
    case .running:
      let complete = reading.contact.complete + reading.holdout.complete
      let enrolled = complete + reading.contact.running + reading.holdout.running
      lines += [
        "  nothing can be said yet: \(dayName(reading.readOn, zone)) is when the last account's \(days) days "
          + "are over;",
        "  \(grouped(complete)) of \(grouped(enrolled)) accounts have had theirs "
          + "(\(grouped(all(reading.contact))) to be contacted, "
          + "\(grouped(all(reading.holdout))) left alone by lot).",
        "  No difference stands here before that day: who looks again and again finds one",
        "  where there is none.",
      ]
    case .tooFew:
      lines.append(
        "  nothing can be said: \(grouped(all(reading.contact))) contacted and "
          + "\(grouped(all(reading.holdout))) left alone are too few"
          + (reading.moreAccounts.map { "; \(grouped($0)) more accounts" } ?? ""))
    case .read:
      guard let overall = reading.overall else { break }
      lines.append(
        "  \(mean(overall.contact, reading)) of the contacted, \(mean(overall.holdout, reading)) of "
          + "those left alone: \(verdict(overall, reading))")
      if let cost = reading.cost, let other = reading.holdoutCost, cost > 0 || other > 0 {
        lines.append(
          "  it cost \(decimal(cost, 2)) for each of the contacted, \(decimal(other, 2)) for each of "
            + "those left alone"
            + (reading.net.map { "; after cost \(verdict($0, reading)) each" } ?? ""))
      }
      if !overall.excludesNone {
        lines.append(
          "  no effect is shown"
            + (reading.moreAccounts.map {
              ": to tell a difference as small as this from none takes about \(grouped($0)) more "
                + "accounts, in a new experiment"
            } ?? ""))
      }
      for band in reading.bands {
        let counts = "\(grouped(band.contact)) and \(grouped(band.holdout)) accounts"
        lines.append(
          "    band \(band.band.rawValue): "
            + (band.difference.map { "\(verdict($0, reading)); \(counts)" }
              ?? "too few to say (\(counts))"))
      }
      if reading.gone > 0 {
        lines.append("  \(grouped(reading.gone)) accounts have no history any more: not counted")
      }
    }
    return lines
  }

  /// What an experiment can see, before its first night. `baseline`: where `variance` is from.
  package static func plan(
    _ detectable: DetectableDifference, callsPerDay: Int, holdout: Double, days: Int,
    outcome: OutcomeMeasure?, baseline: String
  ) -> String {
    let size =
      outcome?.isShare ?? true
      ? "\(decimal(100 * detectable.difference, 1)) points" : decimal(detectable.difference, 2)
    return
      "at \(grouped(callsPerDay)) calls a day and \(decimal(100 * holdout, 0)) % held out you can "
      + "see a difference of \(size) "
      + (outcome.map { "in \(inert($0.name)) " } ?? "")
      + "after \(days == 90 ? "a quarter" : "\(days) days") "
      + "(\(grouped(detectable.contacted)) contacted, \(grouped(detectable.heldOut)) left alone; "
      + "\(baseline))"
  }

  private func verdict(_ d: ArmDifference, _ reading: ExperimentReading) -> String {
    let unit = reading.outcome.isShare ? " points" : ""
    func number(_ x: Double) -> String {
      let text = reading.outcome.isShare ? decimal(100 * x, 1) : decimal(x, 2)
      return (x > 0 ? "+" : "") + text
    }
    return "\(number(d.difference))\(unit), 95 % between \(number(d.low)) and \(number(d.high))"
  }

  private func mean(_ x: Double, _ reading: ExperimentReading) -> String {
    reading.outcome.isShare ? "\(decimal(100 * x, 1)) %" : "\(decimal(x, 2)) each"
  }

  private func all(_ progress: ExperimentReading.Progress) -> Int {
    progress.complete + progress.running
  }
}

/// A number with so many decimals and a real minus sign.
func decimal(_ number: Double, _ decimals: Int) -> String {
  let text = String(format: "%.\(decimals)f", abs(number))
  let isZero = !text.utf8.contains { $0 >= UInt8(ascii: "1") && $0 <= UInt8(ascii: "9") }
  return (number < 0 && !isZero ? "−" : "") + text
}

/// The local day of an instant, `YYYY-MM-DD`: a horizon of days that a change of clocks falls into ends an
/// hour off midnight.
func dayName(_ instant: Instant, _ zone: LocalTime) -> String {
  dateName(zone.midnight(date: zone.date(of: instant)), zone)
}
