package import Detraction
package import Histories

/// Decides a night and makes its cases: what customers said, whom the lot draws, whom the scores flag.
///
/// A word that asks for an answer opens a voiced case whatever the score, due from when it was known, and
/// overtakes an open case of the same account that a score or the lot had opened. Throws as the scorer.
package func planNight(
  _ scorer: Scorer, feedback: FeedbackSettings, settings: OutreachSettings, work: OpenWork,
  facts: RunFacts
) throws(DetractionError) -> Night {
  let base = scorer.base
  let asOf = scorer.asOf
  let voices = Voices(base, feedback, settings.voices, since: work.lastRun, asOf: asOf)
  var work = work
  // What was registered when an experiment began stands, whatever became of the project file.
  var settings = settings
  settings.experiment = work.experiments.registered(settings.experiment)
  var closings: [(account: String, outcome: Action.Outcome)] = []
  var cases: [Case] = []
  for key in work.accounts.keys.filter(voices.ended.contains).sorted(by: {
    $0.id.utf8.lexicographicallyPrecedes($1.id.utf8)
  }) {
    closings.append((key.id, .cancelled))
    work.accounts[key] = nil
  }
  for (account, said) in voices.opening {
    let id = base.account(Int(account))
    let key = AccountKey(id)
    let record = base.record(Int(account))
    guard record?.doNotContact != true, work.accounts[key] != .voiced,
      !(work.holds[key] ?? []).contains(where: { $0.holds(at: asOf) && $0.kind != .snooze }),
      let queue = settings.queues.first(where: { $0.mode == .people && $0.rule.fits(record) })
    else { continue }
    if work.accounts[key] != nil { closings.append((id, .overtaken)) }
    work.accounts[key] = .voiced
    cases.append(
      Case(
        form: .voiced, account: id, queue: queue.name,
        channel: settings.voices.rule(of: said.kind)?.channel ?? said.channel ?? queue.channel,
        asOf: asOf, openedAt: said.knownAt,
        due: settings.calendar.due(opened: said.knownAt, businessDays: queue.dueBusinessDays),
        closeDue: queue.closeBusinessDays.map {
          settings.calendar.due(opened: said.knownAt, businessDays: $0)
        }, voice: said, record: record))
    cases[cases.count - 1].said = words(base, account, asOf)
  }
  var plan = decide(
    scorer.ranking, asOf: asOf, settings: settings, work: work,
    id: { base.account(Int($0)) }, record: { base.record(Int($0)) })
  let experiment = settings.experiment.flatMap { $0.isRunning(at: asOf) ? $0 : nil }
  let arms = experiment.flatMap { work.enrolments[$0.seed] } ?? [:]
  // Whom the lot left alone on an earlier night is left alone on all, and nothing more is to be said.
  let chosen = plan.decisions.filter {
    $0.disposition == .flagged || $0.disposition == .exploration
      || ($0.disposition == .holdout && arms[AccountKey($0.id)] == nil)
  }
  let places = chosen.map(\.place)
  let scores = try scorer.scores(at: places)
  let flagged = chosen.indices.filter { chosen[$0].disposition == .flagged }
  let incidents = surges(
    flagged.compactMap { scores[$0].reasons.first?.feature }, before: work.firstReasons,
    asOf: asOf)
  let surging = Set(incidents.map(\.feature))
  var incidental: Set<Int32> = []
  // Those left alone by lot as well: arms that lost different accounts could not be compared.
  for index in chosen.indices where chosen[index].disposition != .exploration {
    if let feature = scores[index].reasons.first?.feature, surging.contains(feature) {
      incidental.insert(chosen[index].account)
    }
  }
  for index in plan.decisions.indices where incidental.contains(plan.decisions[index].account) {
    plan.decisions[index].disposition = .incident
  }
  let exemplars = try scorer.exemplars(at: places)
  var enrolments: [Enrolment] = []
  for index in chosen.indices {
    let decision = chosen[index]
    guard let queue = decision.queue, !incidental.contains(decision.account) else { continue }
    if let experiment, arms[AccountKey(decision.id)] == nil,
      queue.holdout || decision.disposition == .exploration
    {
      let arm: Enrolment.Arm =
        switch decision.disposition {
        case .holdout: .holdout
        case .exploration: .exploration
        default: .contact
        }
      enrolments.append(
        Enrolment(
          seed: experiment.seed, account: decision.id, arm: arm, asOf: asOf,
          probability: decision.probability, band: scores[index].band, queue: queue.name))
    }
    if decision.disposition == .holdout { continue }
    cases.append(
      Case(
        form: decision.disposition == .flagged ? .predicted : .exploration,
        account: decision.id, queue: queue.name, channel: queue.channel, asOf: asOf,
        openedAt: asOf,
        due: settings.calendar.due(opened: asOf, businessDays: queue.dueBusinessDays),
        closeDue: queue.closeBusinessDays.map {
          settings.calendar.due(opened: asOf, businessDays: $0)
        }, model: scorer.version.version, score: scores[index], exemplars: exemplars[index],
        record: base.record(Int(decision.account))))
    cases[cases.count - 1].said = words(base, decision.account, asOf)
  }
  return Night(
    facts: facts, plan: plan, cases: cases, closings: closings,
    experiment: enrolments.isEmpty ? nil : experiment?.registering(settings.outcomes),
    enrolments: enrolments, incidents: incidents, webhooks: settings.webhooks,
    escalation: settings.escalation)
}

/// What an account said lately, as its case keeps it: few words of some length, for somebody who is about
/// to speak with the customer.
private func words(
  _ base: HistoryBase, _ account: Int32, _ asOf: Instant
) -> [HistoryBase.Words] {
  let (most, longest) = (5, 2000)
  return base.words(Int(account), knownBefore: asOf, limit: most).map { said in
    guard said.text.utf8.count > longest else { return said }
    var cut = said
    cut.text = ""
    for scalar in said.text.unicodeScalars {
      if cut.text.utf8.count + 4 > longest { break }
      cut.text.unicodeScalars.append(scalar)
    }
    cut.text += "…"
    return cut
  }
}

/// What `surges` holds first reasons against; fixed before any result was seen.
package enum SurgeRule {
  /// Nights that must have been seen, and accounts that must share the reason tonight.
  package static let leastNights = 5
  package static let leastAccounts = 10
  /// The chance of as many by the nights before, over all features together, is below this.
  package static let falseAlarm = 0.001
}

/// First reasons that so many of tonight's flagged share as the nights before make all but impossible.
///
/// Tonight's count of a feature is binomial, with the share of the nights before (half a count more than
/// was seen, so that what is new is not impossible); its upper tail, times the features, must be below
/// `SurgeRule.falseAlarm`. O(features × flagged).
package func surges(
  _ tonight: [String], before: [[String: Int]], asOf: Instant
) -> [Incident] {
  let nights = before.filter { !$0.isEmpty }
  guard nights.count >= SurgeRule.leastNights else { return [] }
  var past: [String: Int] = [:]
  for night in nights { past.merge(night, uniquingKeysWith: +) }
  let total = Double(past.values.reduce(0, +))
  let counts = Dictionary(grouping: tonight, by: \.self).mapValues(\.count)
  let features = Double(Set(past.keys).union(counts.keys).count)
  return counts.keys.sorted().compactMap { feature in
    let count = counts[feature] ?? 0
    guard count >= SurgeRule.leastAccounts else { return nil }
    let share = (Double(past[feature] ?? 0) + 0.5) / (total + 0.5 * features)
    let p = min(1, binomialTail(count, of: tonight.count, chance: share) * features)
    guard p < SurgeRule.falseAlarm else { return nil }
    return Incident(
      asOf: asOf, feature: feature, accounts: count,
      expected: share * Double(tonight.count), p: p)
  }
}
