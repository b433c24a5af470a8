import Histories
import Learning

/// What a statistician reads: how the version did on customers it had not seen, and what it is.
enum EvidenceSections {
  private typealias Number = ReportNumber

  static func grade(_ facts: ReportFacts) -> ReportSection {
    guard let grading = facts.model.grading else {
      return .missing(
        "grade", "Grade", "This version has no grade: train it anew with this program.")
    }
    var section = ReportSection(id: "grade", title: "Grade", html: "")
    section.html += HTMLText.paragraph(
      "\(grading.grade.rawValue). The rule was fixed before any result was seen and is the same for "
        + "every base. What keeps it from the next grade up, and what is not known:")
    section.html += HTMLText.list(grading.reasons)
    section.html += HTMLText.table(
      ["check", "for grade", "value", "needed", "passed"],
      grading.checks.map { check in
        [
          check.name, check.grade.rawValue,
          check.value.map { Number.fixed($0, $0 == $0.rounded() ? 0 : 3) } ?? "–", check.needed,
          check.passed ? "yes" : "no",
        ]
      })
    return section
  }

  static func population(_ facts: ReportFacts) -> ReportSection {
    let model = facts.model
    var section = ReportSection(id: "population", title: "Who was learnt from", html: "")
    let silent = model.silent
    section.html += HTMLText.paragraph(
      "As of \(facts.date(model.asOf)): \(Number.grouped(silent.accounts)) accounts with a history; "
        + "\(Number.grouped(silent.silent)) silent (\(Number.grouped(silent.neverSpoken)) never "
        + "spoke, \(Number.grouped(silent.lapsed)) not in the last \(model.feedback.silentForDays) "
        + "days), \(Number.grouped(silent.recent)) spoke lately, \(Number.grouped(silent.objected)) "
        + "may not be profiled."
        + (model.evidence.map {
          " Learnt from \(Number.grouped($0.rows)) answers of \(Number.grouped($0.customers)) customers."
        } ?? "")
        + (model.complaints.map {
          " Learnt from \(Number.grouped($0.labelled)) complaints of "
            + "\(Number.grouped($0.complained)) accounts (“one-sided only”), against all others."
        } ?? ""))
    let zone = model.timeZone
    section.html += HTMLText.table(
      [
        "snapshot (\(zone))", "accounts", "silent", "answered", "negative", "silent before",
        "one-sided only", "contacted, left out", "may not be profiled",
      ],
      model.populations.map { counts -> [String] in
        let numbers = [
          counts.population.accounts, counts.population.silent, counts.respondents,
          counts.detractors, counts.silentRespondents, counts.oneSidedOnly, counts.contacted,
          counts.population.objected,
        ]
        return [facts.date(counts.population.asOf)] + numbers.map(Number.grouped)
      })
    return section
  }

  static func discrimination(_ facts: ReportFacts) -> ReportSection {
    guard let heldOut = facts.heldOut else {
      return missing(facts, "discrimination", "Telling apart")
    }
    var section = ReportSection(id: "discrimination", title: "Telling apart", html: "")
    section.html += HTMLText.paragraph(
      "On \(Number.grouped(heldOut.rows)) answers of \(Number.grouped(heldOut.customers)) customers, "
        + "\(Number.grouped(heldOut.detractors)) negative, \(Number.grouped(heldOut.silentBefore)) "
        + "of accounts that were silent before. Each was scored by a fit that saw no answer of the "
        + "same customer. At capacity: the first \(Number.grouped(heldOut.called)) of them "
        + "(\(Number.percent(heldOut.share)))"
        + (heldOut.called < 10 ? ", too few to tell much." : "."))
    section.html += HTMLText.table(
      ["rule", "AUC (95 %)", "precision at capacity", "recall", "lift"],
      heldOut.rules.map { rule -> [String] in
        [
          rule.name, estimate(rule.auc) { Number.fixed($0) },
          estimate(rule.precision, Number.percent), estimate(rule.recall, Number.percent),
          estimate(rule.lift) { Number.fixed($0, 2) },
        ]
      })
    section.html += HTMLText.paragraph(
      "The best single feature was chosen on these very rows, with hindsight: it flatters the rule.",
      class: "note")
    if let permutation = facts.model.evidence?.permutation {
      section.html += HTMLText.paragraph(
        "With labels dealt by lot \(Number.grouped(permutation.permutations)) times, "
          + "\(Number.grouped(permutation.hits)) did at least as well as the true ones "
          + "(p = \(Number.fixed(permutation.p, 4))).")
    }
    section.add(ReportFigures.gains(heldOut, hasCapacity: facts.callable != nil))
    section.add(ReportFigures.precision(heldOut))
    return section
  }

  static func calibration(_ facts: ReportFacts) -> ReportSection {
    guard let heldOut = facts.heldOut else { return missing(facts, "calibration", "Probabilities") }
    var section = ReportSection(id: "calibration", title: "Probabilities", html: "")
    section.html += HTMLText.table(
      ["measure", "value (95 %)", "best"],
      [
        ["slope of the labels on the logits", estimate(heldOut.slope) { Number.fixed($0) }, "1"],
        ["intercept", estimate(heldOut.intercept) { Number.fixed($0) }, "0"],
        ["Brier score", estimate(heldOut.brier) { Number.fixed($0, 4) }, "0"],
        [
          "calibration error that noise alone gives (95 % point)",
          Number.fixed(heldOut.noise.plugIn95), "",
        ],
      ])
    section.add(ReportFigures.calibration(heldOut))
    section.html += HTMLText.paragraph(
      "Slope and intercept are of the raw logits; the plot is after calibration, which was learnt on "
        + "these rows out of fold and has few parameters.", class: "note")
    section.html += HTMLText.paragraph(
      "This is the level among respondents. That of silent accounts is another question: see what "
        + "cannot be known.", class: "note")
    return section
  }

  static func scores(_ facts: ReportFacts) -> ReportSection {
    var section = ReportSection(id: "scores", title: "Scores", html: "")
    section.add(ReportFigures.histograms(facts.heldOut, facts.silent))
    return section
  }

  static func model(_ facts: ReportFacts) -> ReportSection {
    let model = facts.model
    var section = ReportSection(id: "model", title: "The model", html: "")
    section.html += HTMLText.paragraph(
      "A logistic regression of \(Number.grouped(model.coefficients.count)) columns made from "
        + "\(Number.grouped(model.schema.count)) features, "
        + (model.design.pairs.isEmpty
          ? "none of them a pair" : "\(Number.grouped(model.design.pairs.count)) of them pairs")
        + "; its penalties are chosen by cross-validation over customers."
        + (model.isComplaintsOnly
          ? " It is the first of two factors: what makes a customer unhappy; the other, what makes an "
            + "unhappy one complain, stays out of every score." : ""))
    if let shapes = ReportFigures.shapes(model) { section.add(shapes) }
    section.add(ReportFigures.coefficients(model))
    return section
  }

  static func labels(_ facts: ReportFacts) -> ReportSection {
    let title = "Other labels"
    guard !facts.model.isComplaintsOnly else {
      return .missing(
        "labels", title, "Not held against each other: " + ComplaintsSection.noAnswers)
    }
    guard let variants = facts.variants else {
      return .missing(
        "labels", title,
        "Whether other feedback would call other customers first was not tried: `tacit report "
          + "--label-sensitivity` trains once for each.")
    }
    guard !variants.isEmpty else {
      return .missing("labels", title, "Customers speak by one kind of feedback only.")
    }
    var section = ReportSection(id: "labels", title: title, html: "")
    section.html += HTMLText.paragraph(
      "What makes a detractor is a choice of the project file. Trained anew with fewer kinds of "
        + "feedback, on the same snapshots and features; rows are always those of two-sided "
        + "feedback.")
    var rows: [[String]] = []
    if let evidence = facts.model.evidence {
      rows.append([
        "as the project file says", Number.grouped(evidence.rows),
        Number.grouped(evidence.detractors),
        area(evidence.auc, evidence.aucLow, evidence.aucHigh), "100 %",
      ])
    }
    for variant in variants {
      rows.append([
        variant.name, variant.rows.map(Number.grouped) ?? "–",
        variant.detractors.map(Number.grouped) ?? "–",
        area(variant.auc, variant.aucLow, variant.aucHigh), Number.percent(variant.shared),
      ])
    }
    let first = Number.grouped(variants[0].compared)
    section.html += HTMLText.table(
      [
        "a detractor by", "answers", "negative", "AUC (95 %)",
        "of the first \(first) silent, the same",
      ], rows)
    section.html += HTMLText.list(
      variants.compactMap { variant in variant.obstacle.map { "\(variant.name): \($0)" } })
    return section
  }

  static func segments(_ facts: ReportFacts) -> ReportSection {
    let title = "Segments"
    guard !facts.silent.segments.isEmpty else {
      return .missing(
        "segments", title, "The accounts file maps no `segment`, so none is audited.")
    }
    var section = ReportSection(id: "segments", title: title, html: "")
    section.html += HTMLText.paragraph(
      "Whether the list treats segments alike. Used for this audit; a segment is a feature only if it "
        + "is mapped as one.")
    let held = facts.heldOut?.segments ?? []
    section.html += HTMLText.table(
      [
        "segment", "silent", "on the list", "share on it", "mean probability", "answers",
        "negative", "said", "recall at capacity",
      ],
      facts.silent.segments.map { segment in
        row(segment, held.first { $0.name.utf8.elementsEqual(segment.name.utf8) })
      })
    guard !facts.model.isComplaintsOnly else {
      section.html += HTMLText.paragraph(
        "Rates and recall of segments are missing: " + ComplaintsSection.noAnswers, class: "note")
      return section
    }
    section.html += HTMLText.paragraph(
      "“negative” is the share of a segment's respondents who answered negatively and “said” the "
        + "mean probability given to them (held out): where they differ, the segment's level is off.",
      class: "note")
    return section
  }

  private static func row(
    _ segment: SilentSummary.Segment, _ held: HeldOutFacts.Segment?
  ) -> [String] {
    func share(_ a: Int, _ b: Int) -> String {
      b > 0 ? Number.percent(Double(a) / Double(b)) : "–"
    }
    var cells = [
      segment.name, Number.grouped(segment.silent), Number.grouped(segment.called),
      share(segment.called, segment.silent), Number.percent(segment.probability),
    ]
    guard let held else { return cells + ["–", "–", "–", "–"] }
    cells.append(Number.grouped(held.rows))
    cells.append(share(held.detractors, held.rows))
    cells.append(Number.percent(held.probability / Double(held.rows)))
    cells.append(share(held.found, held.detractors))
    return cells
  }

  static func causes(_ facts: ReportFacts) -> ReportSection {
    var section = ReportSection(
      id: "causes", title: "The silent behind each voice", html: "")
    let causes = facts.silent.causes
    let days = facts.model.training.count * facts.model.training.everyDays
    let spoke = causes.reduce(0) { $0 + $1.spoke }
    if spoke > 0 {
      let hidden = facts.silent.hidden
      section.html += HTMLText.paragraph(
        "Within the last \(days) days \(Number.grouped(spoke)) customers "
          + (facts.model.isComplaintsOnly ? "complained" : "answered negatively") + ". Today "
          + "\(Number.whole(hidden.low)) to \(Number.whole(hidden.high)) silent accounts may be unhappy"
          + (facts.silent.isMeasured ? "" : " (not measured)")
          + ": \(Number.fixed(hidden.low / Double(spoke), 1)) to "
          + "\(Number.fixed(hidden.high / Double(spoke), 1)) for each who spoke.")
    }
    section.html += HTMLText.paragraph(
      "Known detractors by what pushes their score most, and the silent accounts that look the same: "
        + "the same leading reason, and a score at least as high as the middle one of those who "
        + "spoke. Associations, not causes. How many of them are unhappy is a range until it is "
        + "measured.")
    section.html += HTMLText.table(
      [
        "leading reason", "spoke", "silent look-alikes", "their yearly value",
        facts.silent.isMeasured ? "of them unhappy" : "of them unhappy (not measured)",
        "silent for each who spoke",
      ],
      causes.map { row($0, hasValue: facts.silent.value != nil) })
    let echoes = facts.silent.echoes
    if let largest = echoes.first {
      section.html += HTMLText.paragraph(
        "Of the first \(Number.grouped(facts.silent.listed)) of the list, "
          + "\(Number.grouped(facts.silent.listed - facts.silent.unlikeAny)) are as near to a known "
          + "detractor as known detractors are to each other; they stand behind "
          + "\(Number.grouped(echoes.count)) voices, the largest group of "
          + "\(Number.grouped(largest.alike)). \(Number.grouped(facts.silent.unlikeAny)) are unlike any "
          + "known detractor.")
      section.add(ReportFigures.echoes(facts.silent))
    }
    section.html += HTMLText.paragraph(
      "“spoke” counts customers within the last \(days) days whose "
        + (facts.model.isComplaintsOnly ? "complaint" : "negative answer") + " training saw; "
        + "“silent for each who spoke” is unhappy look-alikes over those.", class: "note")
    return section
  }

  private static func row(_ cause: SilentSummary.Cause, hasValue: Bool) -> [String] {
    let (low, high) = (cause.unhappy.low, cause.unhappy.high)
    let spoke = Double(cause.spoke)
    return [
      cause.name, Number.grouped(cause.spoke), Number.grouped(cause.alike),
      hasValue ? Number.whole(cause.value) : "–",
      "\(Number.whole(low)) to \(Number.whole(high))",
      cause.spoke == 0
        ? "–" : "\(Number.fixed(low / spoke, 1)) to \(Number.fixed(high / spoke, 1))",
    ]
  }

  private static func area(_ value: Double?, _ low: Double?, _ high: Double?) -> String {
    guard let value else { return "–" }
    return Number.fixed(value) + " (" + Number.fixed(low) + " to " + Number.fixed(high) + ")"
  }

  /// "0.71 (0.66 to 0.75)"
  static func estimate(
    _ estimate: Evaluation.Estimate, _ text: (Double?) -> String
  ) -> String {
    guard estimate.value != nil else { return "–" }
    guard estimate.low != nil else { return text(estimate.value) }
    return "\(text(estimate.value)) (\(text(estimate.low)) to \(text(estimate.high)))"
  }

  private static func missing(
    _ facts: ReportFacts, _ id: String, _ title: String
  ) -> ReportSection {
    .missing(
      id, title,
      facts.model.isComplaintsOnly
        ? ComplaintsSection.noAnswers
          + " What can be shown stands under “Learnt from complaints alone”."
        : "This version keeps no out-of-fold scores (held-out.csv): train it anew with this program."
    )
  }
}
