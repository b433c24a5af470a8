import Learning

/// What a version learnt from complaints alone can show, in place of what answers of content customers
/// would.
enum ComplaintsSection {
  private typealias Number = ReportNumber

  /// Why a section that needs answers of content customers has none.
  static let noAnswers =
    "[feedback] has one-sided signals alone: nobody is known to be content, so that there is nothing "
    + "to hold a forecast against."

  static func section(_ facts: ReportFacts) -> ReportSection? {
    guard facts.model.isComplaintsOnly else { return nil }
    guard let evidence = facts.model.complaints else {
      return .missing(
        "complaints", "Learnt from complaints alone",
        "No evidence was gathered when this version was trained: train it anew with this program.")
    }
    var section = ReportSection(
      id: "complaints", title: "Learnt from complaints alone", html: "")
    section.html += HTMLText.paragraph(
      "Only the unhappy speak here, so that who complained is known and of all others nothing: some of "
        + "them are unhappy too. Two things are learnt from the same histories: what makes a customer "
        + "unhappy, and what makes an unhappy one complain. A probability in this report means "
        + "\(facts.model.meaning).")
    section.html += HTMLText.paragraph(verdict(evidence))
    section.html += HTMLText.list(evidence.doubts)
    section.html += HTMLText.table(
      ["measure", "value (95 %)"],
      [
        ["complaints in the label windows", Number.grouped(evidence.labelled)],
        ["accounts that complained", Number.grouped(evidence.complained)],
        ["times that an account did not", Number.grouped(evidence.unlabelled)],
        [
          "share taken of the accounts that never complained, by lot",
          Number.percent(evidence.othersShare),
        ],
        ["customers learnt from", Number.grouped(evidence.customers)],
        [
          "AUC of those who complained against all others, accounts held out",
          EvidenceSections.estimate(evidence.auc) { Number.fixed($0) },
        ],
        [
          "AUC on answers of silent accounts drawn by lot",
          evidence.answersAUC.map { EvidenceSections.estimate($0) { Number.fixed($0) } }
            ?? "– (\(Number.grouped(evidence.level.answers)) of \(SilentLevel.leastAnswers) answers)",
        ],
        [
          "share of accounts that are unhappy, by the split",
          evidence.prevalence.map { EvidenceSections.estimate($0, Number.percent) } ?? "open",
        ],
        [
          "share of the unhappy that complain in a label window, by the split",
          evidence.labelledShare.map(Number.percent) ?? "open",
        ],
        ["steps of the search for the split", Number.grouped(evidence.iterations)],
      ])
    section.html += HTMLText.paragraph(
      "With complaints dealt by lot among customers \(Number.grouped(evidence.permutation.permutations)) "
        + "times, \(Number.grouped(evidence.permutation.hits)) did at least as well as the true ones "
        + "(p = \(Number.fixed(evidence.permutation.p, 4))).")
    section.html += HTMLText.paragraph(
      "Among all others are unhappy customers: where the unhappy complain by lot, the AUC of unhappy "
        + "against content customers is no lower than that of those who complained. Where some kinds "
        + "of customers complain more readily than others, it may be. The split takes both parts for "
        + "logistic and the times of one account for independent: its interval is too narrow where "
        + "they are not.", class: "note")
    return section
  }

  private static func verdict(_ evidence: ComplaintsEvidence) -> String {
    let advice =
      "Ask silent accounts drawn by lot and give their answers in [level]: "
      + "\(SilentLevel.leastAnswers) show whether the list holds, and set its level."
    if evidence.isIdentified {
      return evidence.method == .joint
        ? "The complaints tell the two apart: the unhappy complain by lot, one as readily as another."
        : "The complaints tell the two apart: who of the unhappy complains depends on the history, and "
          + "the list leaves that out. It rests on both parts being logistic. " + advice
    }
    return "The complaints cannot tell the two apart. The list may be led by customers who like to "
      + "complain, and how many are unhappy is open. "
      + (evidence.level.isMeasured
        ? "What the answers of silent accounts drawn by lot say stands beside. Why:"
        : advice + " Why:")
  }
}
