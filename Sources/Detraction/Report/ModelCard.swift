import Learning
import Histories
package import Foundation

/// `card.md` of a version: what it is, what it is for, how good, and what it cannot do.
package enum ModelCard {
  private typealias Number = ReportNumber

  package static func contents(_ facts: ReportFacts) -> Data {
    let model = facts.model
    let silent = facts.silent
    var lines = ["# \(plain(model.name)) \(facts.version.version)", ""]
    lines += [
      "Ranks silent accounts by the probability \(model.meaning).", "",
      "| | |", "|---|---|", "| as of | \(model.asOf) (\(model.timeZone)) |",
      "| grade | \(model.grading?.grade.rawValue ?? "none") |",
      "| features, columns | \(model.schema.count), \(model.coefficients.count) |",
    ]
    if let lot = model.lotWords { lines.append("| learnt from and counted in | \(lot) |") }
    if let evidence = model.evidence {
      lines += [
        "| learnt from | \(Number.grouped(evidence.rows)) answers of "
          + "\(Number.grouped(evidence.customers)) customers, \(Number.grouped(evidence.detractors)) "
          + "negative |",
        "| AUC, customers held out | \(Number.fixed(evidence.auc)) (95 %: "
          + "\(Number.fixed(evidence.aucLow)) to \(Number.fixed(evidence.aucHigh))) |",
        "| calibration slope | \(Number.fixed(evidence.calibrationSlope)) |",
      ]
    }
    if let stability = model.evidence?.stability, !stability.origins.isEmpty {
      lines.append(
        "| past dates with an AUC surely above ½ | \(stability.aboveChance) of "
          + "\(stability.origins.count) |")
    }
    if let evidence = model.complaints {
      lines += [
        "| learnt from complaints alone | \(Number.grouped(evidence.labelled)) of "
          + "\(Number.grouped(evidence.complained)) accounts, against all others |",
        "| AUC of those who complained, accounts held out | "
          + EvidenceSections.estimate(evidence.auc) { Number.fixed($0) } + " |",
        "| AUC on answers of silent accounts drawn by lot | "
          + EvidenceSections.estimate(evidence.answersAUC ?? .init()) { Number.fixed($0) } + " |",
        "| unhappy told from vocal | \(evidence.isIdentified ? "yes" : "no") |",
      ]
    }
    if let rules = facts.heldOut?.rules {
      for rule in rules {
        lines.append(
          "| precision at capacity: \(plain(rule.name)) | "
            + EvidenceSections.estimate(rule.precision, Number.percent) + " |")
      }
    }
    lines += [
      "| silent accounts | \(Number.grouped(silent.silent)) |",
      "| of them unhappy\(silent.isMeasured ? "" : facts.level?.isOpen == true ? ", open" : ", not measured") | \(Number.whole(silent.hidden.low)) to "
        + "\(Number.whole(silent.hidden.high)) |", "",
      "## For", "",
      "Choosing whom to call to help, by people who see the reasons. Not for prices, credit, "
        + "contracts or the level of service; not for any decision without a person.", "",
      "## Limits", "",
      silent.isMeasured
        ? "- The level of the silent rests on answers of silent accounts drawn by lot."
        : "- The level of the silent is not measured until some drawn by lot have been asked; counts "
          + "and money are ranges.",
      "- Reasons are associations, not causes. Risk is not the same as being helped by a call.",
      "- Scores marked `extrapolated` lie outside what training saw.",
    ]
    if model.isComplaintsOnly {
      lines.append(
        "- Nobody is known to be content: neither calibration nor precision can be had from these data."
      )
    }
    lines += (model.complaints?.doubts ?? []).map { "- \(plain($0))" }
    if let reasons = model.grading?.reasons, !reasons.isEmpty {
      lines += ["", "## What keeps it from a better grade", ""] + reasons.map { "- \(plain($0))" }
    }
    lines += [
      "", "## Where it comes from", "", "- data: SHA-256 `\(model.dataDigest)`",
      "- project file: SHA-256 `\(model.projectDigest)`",
      "- program: Tacit \(facts.manifest?.tacit ?? "of a version not recorded"), processor "
        + "\(model.processor)", "",
    ]
    return Data(lines.joined(separator: "\n").utf8)
  }

  /// A text of the user's within Markdown: what would be markup is escaped, a line stays one line.
  private static func plain(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\", "`", "*", "_", "[", "]", "<", ">", "#", "|", "!":
        result.append("\\")
        result.append(scalar)
      default: result.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
      }
    }
    return String(result)
  }
}
