import Histories

/// What no data of respondents can tell, said once and plainly.
enum LimitsSection {
  private typealias Number = ReportNumber

  static func section(_ facts: ReportFacts) -> ReportSection {
    let model = facts.model
    var section = ReportSection(id: "limits", title: "What cannot be known", html: "")
    section.html += HTMLText.paragraph(
      "The probability says \(model.meaning). It is learnt from those who did "
        + (model.isComplaintsOnly ? "complain" : "give some")
        + ". Whether an account that stays silent is unhappy is never seen; three things "
        + "stand between.")
    section.html += HTMLText.list([
      "Order. The ranking of silent accounts holds if unhappy customers are as much readier (or less "
        + "ready) to speak at one history as at another. That cannot be checked without asking the "
        + "silent.",
      "Level. How many silent accounts are unhappy needs answers of silent accounts drawn by lot: 400 "
        + "give it to 1.5 points (one standard deviation), 1,600 to 2 points in 95 of 100 cases. "
        + "Until then every count and every sum of money here is a range.",
      model.isComplaintsOnly
        ? "Speech. Only the unhappy speak, so that what makes a customer unhappy and what makes one "
          + "complain must be told apart by complaints alone. Where that fails, the list may hold those "
          + "who like to complain."
        : "Overlap. Where silent accounts have histories that no respondent had, nothing was learnt; such "
          + "scores are marked `extrapolated`.",
    ])
    let silent = facts.silent
    let n = Double(max(1, silent.silent))
    guard facts.level?.isOpen != true else {
      section.html += HTMLText.paragraph(
        "The complaints do not bound how many silent accounts are unhappy: none of them to all of them."
      )
      return section
    }
    section.html += HTMLText.table(
      [
        silent.isMeasured
          ? "by the answers of silent accounts" : "if an unhappy silent customer is",
        "silent and unhappy", "share of the silent",
      ],
      zip(
        silent.isMeasured
          ? ["lower end (95 %)", "measured", "upper end (95 %)"]
          : [
            "twice as ready to speak as the others", "as ready (an assumption like the others)",
            "half as ready",
          ], [silent.hidden.low, silent.hidden.middle, silent.hidden.high]
      ).map { [$0, Number.whole($1), Number.percent($1 / n)] },
      caption: silent.isMeasured
        ? "The level, measured" : "Sensitivity (odds ratios 2, 1 and ½); not measured")
    if let bounds = bounds(model) { section.html += HTMLText.paragraph(bounds) }
    return section
  }

  /// Manski's bounds for all accounts of the last snapshot: those who answered are known, of the
  /// others anything can be true.
  private static func bounds(_ model: Model) -> String? {
    guard let last = model.populations.last, last.population.accounts > 0, last.respondents > 0
    else {
      return nil
    }
    let rate = Double(last.respondents) / Double(last.population.accounts)
    let known = Double(last.detractors) / Double(last.population.accounts)
    return "Without any assumption: at the last snapshot \(Number.percent(rate)) of the accounts "
      + "answered in the label window, \(Number.percent(Double(last.detractors) / Double(last.respondents))) "
      + "of them negatively, so that between \(Number.percent(known)) and "
      + "\(Number.percent(known + 1 - rate)) of all accounts may be unhappy, and between 0 % and "
      + "100 % of the silent ones. Everything narrower rests on the model and on what is said above."
  }
}
