import Detraction
import Foundation
import Histories
import Outreach

/// What an experiment will be able to see, said before its first night; what the project file says
/// otherwise than was registered then, once it runs. O(events) for each outcome.
func experimentPlan(_ session: Session, _ scorer: Scorer, _ store: CaseStore?) throws -> [String] {
  let outreach = session.outreach
  let edits =
    try store?.experiments().edits(
      project: outreach.experiment, outcomes: outreach.outcomes, at: scorer.asOf,
      zone: session.histories.timeZone) ?? []
  if !edits.isEmpty { return edits }
  // What outcomes are like without contact is told from all the silent.
  guard !scorer.isOfCandidates, let experiment = outreach.experiment, experiment.holdout > 0,
    scorer.asOf < experiment.ends,
    try store?.experiments().contains(where: { $0.seed == experiment.seed }) != true
  else { return [] }
  let perDay = outreach.queues.filter(\.holdout).reduce(0) { $0 + $1.capacity }
  let zone = outreach.calendar.zone
  let first = zone.date(of: max(experiment.starts, scorer.asOf))
  let last = max(first, zone.date(of: experiment.ends))
  let businessDays = (first..<last).count { outreach.calendar.isBusinessDay(date: $0) }
  let days = Int(experiment.ends.days(since: max(experiment.starts, scorer.asOf)).rounded())
  func line(_ outcome: OutcomeMeasure?, _ variance: Double, _ baseline: String) -> String {
    let seen = DetectableDifference(
      contacts: perDay * businessDays, holdout: experiment.holdout,
      among: scorer.ranking.count, variance: variance)
    return seen.map {
      ExperimentText.plan(
        $0, callsPerDay: perDay, holdout: experiment.holdout, days: days, outcome: outcome,
        baseline: baseline)
    } ?? "the experiment can see nothing\(outcome.map { " in \($0.name)" } ?? ""): \(baseline), "
      + "\(perDay * businessDays) calls in its time"
  }
  guard !outreach.outcomes.isEmpty else {
    return [
      line(nil, 0.2 * 0.8, "for a share of a fifth; [[outcome]] names what help should change")
    ]
  }
  return try outreach.outcomes.map { outcome in
    let reader = OutcomeMeasure.Reader(
      outcome, scorer.base, session.feedback, asOf: scorer.asOf)
    var silent = ArmSummary()
    // Silent when the horizon began: those silent now have said nothing in it by definition.
    let start = scorer.asOf.adding(days: -outcome.horizonDays)
    let rule = SilenceRule(silentForDays: try session.requireFeedback().silentForDays)
    for account in 0..<scorer.base.accountCount
    where scorer.base.hasFeatureEvent(account, seenAsOf: start)
      && rule.voice(of: scorer.base.feedback(account), at: start).isSilent
    {
      silent.add(reader.value(account, from: start))
    }
    let mean =
      outcome.isShare
      ? String(format: "%.1f %%", 100 * silent.mean) : String(format: "%.2f each", silent.mean)
    return line(
      outcome, silent.variance,
      "by those silent \(outcome.horizonDays) days ago: \(mean)")
  }
}
