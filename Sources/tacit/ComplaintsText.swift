import Detraction
import Foundation
import Histories
import Learning

/// What `train` says of a model learnt from complaints alone.
func complaintsLines(_ model: Model) -> [String] {
  guard let evidence = model.complaints, let grading = model.grading else { return [] }
  let silent = model.silent
  var lines = [
    "complaints only: every signal of [feedback] is one-sided, so nobody is known to be content; "
      + "learnt from who complained against everybody else",
    "a probability means \(model.meaning)",
    "\(grouped(evidence.labelled)) complaints of \(grouped(evidence.complained)) accounts over "
      + "\(model.populations.count) snapshots, and \(grouped(evidence.unlabelled)) times that an "
      + "account did not complain"
      + (evidence.othersShare < 1
        ? " (\(percent(evidence.othersShare)) of those who never did, by lot)" : ""),
    "those who complained rank above the others, accounts held out: AUC "
      + "\(three(evidence.auc.value ?? .nan)) (95 %: \(three(evidence.auc.low ?? .nan)) to "
      + "\(three(evidence.auc.high ?? .nan))); against the truly content no lower where the unhappy "
      + "complain by lot",
    "as of \(dateName(model.asOf, LocalTime(identifier: model.timeZone) ?? .utc)): \(silent.accounts) accounts with a history, \(silent.silent) silent "
      + "(\(silent.neverSpoken) never spoke, \(silent.lapsed) not lately), \(silent.recent) spoke "
      + "lately, \(silent.objected) may not be profiled",
  ]
  let unhappy = range(evidence.prevalence ?? .init())
  switch (evidence.isIdentified, evidence.method) {
  case (true, .sarEM):
    lines.append(
      "unhappy told from vocal: \(unhappy) of accounts are unhappy, and who of them complains depends "
        + "on the history too")
  case (true, .joint):
    lines.append(
      "unhappy told from vocal: \(unhappy) of accounts are unhappy, and "
        + "\(percent(evidence.labelledShare ?? .nan)) of those complain in a label window, by lot")
  case (false, _):
    lines.append(
      "unhappy cannot be told from vocal: the list may be led by those who like to complain, and how "
        + "many are unhappy is open. Ask silent accounts drawn by lot and give their answers in [level]"
    )
    lines += evidence.doubts.map { "  \($0)" }
  }
  if let shown = evidence.answersAUC {
    lines.append(
      "answers of silent accounts drawn by lot are ranked with AUC \(three(shown.value ?? .nan)) "
        + "(95 %: \(three(shown.low ?? .nan)) to \(three(shown.high ?? .nan)))")
  }
  lines.append(levelLine(evidence.level, silent: silent.silent))
  lines.append("grade \(grading.grade.rawValue)")
  return lines + grading.reasons.map { "  \($0)" }
}

/// How many of the silent are unhappy, and by what.
func levelLine(_ level: SilentLevel, silent: Int) -> String {
  if level.isOpen {
    return "how many of the \(grouped(silent)) silent are unhappy is open: complaints alone do not "
      + "bound it (\(level.answers) answers of silent accounts drawn at random, "
      + "\(SilentLevel.leastAnswers) needed)"
  }
  let rate = level.silentRate
  let low = Int(((rate.low ?? 0) * Double(silent)).rounded())
  let high = Int(((rate.high ?? 1) * Double(silent)).rounded())
  let range = "\(grouped(low)) to \(grouped(high)) of the silent are unhappy"
  return level.isMeasured
    ? "\(range) (95 %), measured by \(level.answers) answers of silent accounts drawn at random"
    : "\(range) if the unhappy speak half to twice as readily: not measured "
      + "(\(level.answers) answers of silent accounts drawn at random, "
      + "\(SilentLevel.leastAnswers) needed)"
}

func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

func range(_ estimate: Evaluation.Estimate) -> String {
  guard let value = estimate.value else { return "an unknown share" }
  guard let low = estimate.low, let high = estimate.high else { return percent(value) }
  return "\(percent(value)) (\(percent(low)) to \(percent(high)))"
}
