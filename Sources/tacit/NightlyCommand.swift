import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

struct NightlyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nightly",
    abstract: "Score the silent and open the day's cases, exactly once.",
    discussion: """
      One run: reads the histories, scores every silent account by the champion, decides whom to \
      call within each queue's capacity, and publishes decisions and cases in one transaction. \
      Run it again for the same date and it changes nothing and says so.

      No case opens by a score on a day that is no business day. What customers said since the last \
      run opens cases too, whatever their scores, where their signal has opens_case = true.

      A team that begins: --shadow for some weeks, which decides and reports and opens nothing.

      Try:
        tacit nightly --as-of 2026-03-02
        tacit nightly --as-of 2026-03-02 --shadow
        tacit queue why 00417

      Says whether tonight's silent accounts are still those that the model was made for: steady, \
      watch or act, and what to do. drift.json beside the run's score file has the numbers. Drift \
      never keeps a case from opening.

      --engine duckdb or spark: a base too big to be moved is scored where it is, by SQL that the \
      engine's own program runs (`tacit sql` prints it); only candidates and counts come back, are \
      scored again here, and refused where the two differ. Drift is not told on such a night.
      """)

  @OptionGroup var options: ProjectOptions
  @OptionGroup var date: AsOfOption

  @Flag(help: "Decide and say what would happen; write nothing.")
  var dryRun = false
  @Flag(help: "Decide, and write scores and decisions beside the runs; open nothing.")
  var shadow = false
  @Option(help: "Who scores everybody: native, duckdb or spark.")
  var engine = NightEngine.native
  @Option(help: "Spark's master (default: its own configuration, else all cores of this machine).")
  var master: String?

  func validate() throws {
    if master != nil && engine != .spark {
      throw ValidationError("--master is for --engine spark")
    }
    if shadow && dryRun {
      throw ValidationError("--shadow writes what it decides, --dry-run nothing: give one of them")
    }
  }

  func run() throws {
    let session = try Session(options)
    _ = try session.requireFeedback()
    OutreachSettings.requireQueue(session.file)
    try session.file.check()
    let asOf = try date.instant(in: session.histories.timeZone)
    if dryRun || shadow { return try rehearse(session, asOf) }
    let place = session.outreach.store
    let lock = try RunLock(folder: session.file.folder)
    defer { withExtendedLifetime(lock) {} }
    removeLeftovers(in: runFolder(session, asOf))
    if place.mayExist {
      let store = try CaseStore(existing: place)
      if let run = try store.run(asOf: asOf) {
        try report(session, .alreadyPublished(run), store)
        return try expire(session, store)
      }
    }
    var seconds = NightSeconds()
    let version = try session.models.load()
    let (base, scorer) = try ranked(
      session, version, asOf, extending: true,
      work: place.mayExist ? try CaseStore(existing: place).openWork(asOf: asOf) : OpenWork(),
      under: "runs", &seconds)
    // Made only now: input that is refused leaves no store behind.
    let store = try CaseStore(place)
    for line in try experimentPlan(session, scorer, store) {
      if options.json { options.say(line) } else { print(line) }
    }
    let publication = try publishNight(session, scorer, store, &seconds)
    try report(
      session, publication, store, seconds, warnings: warnings(base, asOf))
    try expire(session, store)
  }

  /// The silent in their order, by native code over all histories or by an engine.
  private func ranked(
    _ session: Session, _ version: ModelVersion, _ asOf: Instant, extending: Bool,
    work: @autoclosure () throws -> OpenWork, under kind: String, _ seconds: inout NightSeconds
  ) throws -> (HistoryBase, Scorer) {
    if let dialect = engine.dialect {
      let night = try EngineNight(
        session, dialect, master: master, version, asOf, work: try work(), under: kind, &seconds)
      return (night.base, night.scorer)
    }
    let base = try seconds.spend(on: \.reading) {
      try session.readBase(extending: extending, texts: extending)
    }
    let scorer = try seconds.spend(on: \.scoring) {
      try makeScorer(session, version, base, asOf, sampling: true)
    }
    return (base, scorer)
  }

  /// An engine hands out some accounts' events: their volume says nothing of the inputs'.
  private func warnings(_ base: HistoryBase, _ asOf: Instant) -> [String] {
    engine == .native ? deliveryWarnings(base, asOf) : []
  }

  /// Removes what is too old as of the newest run. The night is published by now, whatever comes of this.
  private func expire(_ session: Session, _ store: CaseStore) throws {
    guard let newest = try store.runs().last else { return }
    let rule = session.outreach.retention
    let expired = try store.expire(by: rule, asOf: newest.asOf)
    let files = oldFiles(session, rule, newest: newest, asOf: newest.asOf)
    for file in files { unlink(file.path) }
    for folder in Set(files.map { $0.deletingLastPathComponent().path }) { rmdir(folder) }
    if let text = words(expired, files: files.count) {
      options.say("\(text) removed by [retention]")
    }
  }

  /// A night decided and not published.
  private func rehearse(_ session: Session, _ asOf: Instant) throws {
    let place = session.outreach.store
    let version = try session.models.load()
    var seconds = NightSeconds()
    let store = place.mayExist ? try CaseStore(existing: place) : nil
    let (base, scorer) = try ranked(
      session, version, asOf, extending: false,
      work: try store?.openWork(asOf: asOf) ?? OpenWork(), under: "shadow", &seconds)
    var facts = runFacts(scorer, scores: "", digest: "")
    if shadow {
      facts = try seconds.spend(on: \.scoreFile) {
        try writeScores(session, scorer, under: "shadow")
      }
    }
    let (work, volumes) = try seconds.spend(on: \.publishing) {
      (try store?.openWork(asOf: asOf) ?? OpenWork(), try store?.volumes(before: asOf) ?? [])
    }
    let night = try seconds.spend(on: \.deciding) {
      try planNight(
        scorer, feedback: try session.requireFeedback(), settings: session.outreach, work: work,
        facts: facts)
    }
    let plan = night.plan
    let drift = try seconds.spend(on: \.drift) {
      try nightDrift(session, scorer, store)?.counting(flagged: plan.volume, before: volumes)
    }
    var file: URL?
    if shadow {
      let decisions = session.file.folder.appendingPathComponent(facts.scoresPath)
        .deletingLastPathComponent().appendingPathComponent("decisions.csv")
      try night.decisionTable.write(.csv, to: decisions.path)
      file = decisions
    }
    if options.json {
      return try printJSON(
        Report(
          asOf: asOf.description, published: false, model: facts.model, silent: facts.silent,
          decisions: Dictionary(
            uniqueKeysWithValues: Disposition.allCases.filter { plan.count($0) > 0 }
              .map { ($0.rawValue, plan.count($0)) }),
          casesOpened: 0, voiced: night.cases.count { $0.form == .voiced },
          explored: plan.count(.exploration), incidents: night.incidents.map(\.feature),
          scores: facts.scoresPath, scoresSHA256: facts.scoresSHA256,
          drift: drift.map { DriftReport(state: $0.drift.state, advice: $0.drift.advice) },
          warnings: warnings(base, asOf), seconds: seconds))
    }
    let counts = Disposition.allCases.filter { plan.count($0) > 0 }
      .map { "\(grouped(plan.count($0))) \(words($0))" }
    for line in try experimentPlan(session, scorer, store) { print(line) }
    print("would be decided as of \(date.asOf): " + counts.joined(separator: ", "))
    let voiced = night.cases.count { $0.form == .voiced }
    if voiced > 0 { print(spoke(voiced) + " and would be answered") }
    for incident in night.incidents { print(words(incident)) }
    for text in warnings(base, asOf) { print("warning: \(inert(text))") }
    for line in drift?.lines(session, file: nil) ?? [] { print(line) }
    if dryRun, let store, let newest = try store.runs().last {
      let rule = session.outreach.retention
      let late = try store.toEscalate(by: session.outreach.escalation, at: asOf)
      if !late.isEmpty { print("late and to be escalated: \(grouped(late.count))") }
      let files = oldFiles(session, rule, newest: newest, asOf: asOf)
      if let text = words(try store.expiring(by: rule, asOf: asOf), files: files.count) {
        print("to be removed by [retention]: \(text)")
      }
    }
    if let file { print("decisions \(file.path)") }
  }

  private struct Report: Encodable {
    var asOf: String
    var published: Bool
    var model: String
    var silent: Int
    var decisions: [String: Int]
    var casesOpened: Int
    var voiced, explored: Int
    var incidents: [String]
    var scores: String
    var scoresSHA256: String
    var drift: DriftReport?
    /// What the days before lack against the weeks before them.
    var warnings: [String]?
    var seconds: NightSeconds?
  }

  private struct DriftReport: Encodable {
    var state: Drift.State
    var advice: [String]
    var file: String?
  }

  private func report(
    _ session: Session, _ publication: Publication, _ store: CaseStore?,
    _ seconds: NightSeconds? = nil, warnings: [String]? = nil
  ) throws {
    guard let store else { return }
    let (run, isNew) =
      switch publication {
      case .published(let run): (run, true)
      case .alreadyPublished(let run): (run, false)
      }
    let decisions = try store.dispositions(asOf: run.asOf)
    let file = driftFile(session, run.scoresPath)
    let drift = FileManager.default.contents(atPath: file.path).flatMap(NightDrift.init(contents:))
    drift?.warn(session, file: file.path)
    let incidents = try store.incidents().filter { $0.asOf == run.asOf }
    if options.json {
      return try printJSON(
        Report(
          asOf: run.asOf.description, published: isNew, model: run.model, silent: run.silent,
          decisions: Dictionary(
            uniqueKeysWithValues: decisions.map { ($0.disposition.rawValue, $0.count) }),
          casesOpened: isNew ? run.flagged + run.voiced + run.explored : 0, voiced: run.voiced,
          explored: run.explored, incidents: incidents.map(\.feature), scores: run.scoresPath,
          scoresSHA256: run.scoresSHA256,
          drift: drift.map {
            DriftReport(state: $0.drift.state, advice: $0.drift.advice, file: file.path)
          }, warnings: warnings, seconds: seconds))
    }
    let counts = decisions.map { "\($0.count) \(words($0.disposition))" }
    if isNew {
      print(
        "\(run.silent) silent accounts scored as of \(date.asOf); "
          + (counts.isEmpty ? "nobody above the cut" : counts.joined(separator: ", ")))
      if !run.businessDay { print("\(date.asOf) is no business day: no case was opened") }
      if run.voiced > 0 {
        print(spoke(run.voiced) + " and \(run.voiced == 1 ? "is" : "are") to be answered")
      }
      let late = try store.escalated(asOf: run.asOf)
      if late > 0 { print("\(late) late case\(late == 1 ? " was" : "s were") escalated") }
      for incident in incidents { print(words(incident)) }
      for text in warnings ?? [] { print("warning: \(inert(text))") }
      for line in drift?.lines(session, file: file.path) ?? [] { print(line) }
      if run.flagged + run.voiced + run.explored > 0 {
        print("next: tacit queue list --project \(options.project)")
      }
    } else {
      print(
        "the run as of \(date.asOf) is already published (\(run.flagged + run.voiced + run.explored) cases, model "
          + "\(run.model)); nothing was changed")
    }
  }
}

/// Writes the run's score file, then decides and publishes in one transaction.
func publishNight(
  _ session: Session, _ scorer: Scorer, _ store: CaseStore, _ seconds: inout NightSeconds
) throws -> Publication {
  let facts = try seconds.spend(on: \.scoreFile) {
    try writeScores(session, scorer, under: "runs")
  }
  let feedback = try session.requireFeedback()
  let drift = try seconds.spend(on: \.drift) { try nightDrift(session, scorer, store) }
  var deciding = NightSeconds()
  let publication = try seconds.spend(on: \.publishing) {
    let volumes = try store.volumes(before: scorer.asOf)
    return try store.publish(asOf: scorer.asOf) { work in
      try deciding.spend(on: \.deciding) {
        let night = try planNight(
          scorer, feedback: feedback, settings: session.outreach, work: work, facts: facts)
        if let drift {
          try OutputFile.write(
            try drift.counting(flagged: night.plan.volume, before: volumes).contents(),
            to: driftFile(session, facts.scoresPath))
        }
        return night
      }
    }
  }
  seconds.deciding = deciding.deciding
  seconds.publishing -= deciding.deciding
  return publication
}

/// Where a run's files stand: in `runs`, or in `shadow` where nothing is published.
func runFolder(_ session: Session, _ asOf: Instant, under kind: String = "runs") -> URL {
  session.file.folder.appendingPathComponent(kind)
    .appendingPathComponent(dateName(asOf, session.histories.timeZone))
}

/// Writes the scores of all the silent into a folder of the date's.
private func writeScores(
  _ session: Session, _ scorer: Scorer, under kind: String
) throws -> RunFacts {
  let place = "\(kind)/\(dateName(scorer.asOf, session.histories.timeZone))"
  let folder = session.file.folder.appendingPathComponent(place)
  try OutputFile.makeFolder(folder)
  let progress = Progress(session.options, "scoring")
  let partial = folder.appendingPathComponent(
    ".scores-\(ProcessInfo.processInfo.processIdentifier).csv")
  let digest = try ScoreFile.write(scorer, to: partial.path, progress: progress.report)
  progress.done()
  // Named by its digest: whoever writes the same name writes the same bytes.
  let scores = folder.appendingPathComponent("scores-\(digest.prefix(8)).csv")
  guard rename(partial.path, scores.path) == 0 else {
    throw HistoriesError.output("cannot rename \(partial.path) to \(scores.path)")
  }
  return runFacts(scorer, scores: "\(place)/\(scores.lastPathComponent)", digest: digest)
}

private func runFacts(_ scorer: Scorer, scores: String, digest: String) -> RunFacts {
  RunFacts(
    model: scorer.version.version, scoresPath: scores, scoresSHA256: digest,
    tacitVersion: tacitVersion, accounts: scorer.counts.accounts, silent: scorer.counts.silent)
}

/// What was decided, in words.
func words(_ disposition: Disposition) -> String {
  switch disposition {
  case .flagged: "cases opened"
  case .holdout: "left alone by lot"
  case .exploration: "drawn by lot to be asked"
  case .openCase: "already being worked"
  case .coolingDown: "contacted too lately"
  case .snoozed: "snoozed"
  case .onHold: "on hold"
  case .yearlyMaximum: "contacted as often as a year allows"
  case .doNotContact: "not to be contacted"
  case .openComplaint: "with a complaint that others handle"
  case .incident: "part of an incident"
  case .notWorthIt: "whose contact costs more than it brings"
  case .noQueue: "that no queue takes"
  case .noCapacity: "beyond capacity"
  }
}

private func spoke(_ count: Int) -> String {
  count == 1 ? "1 customer spoke" : "\(grouped(count)) customers spoke"
}

func words(_ incident: Incident) -> String {
  "incident: \(grouped(incident.accounts)) flagged accounts share one first reason, "
    + "\(inert(incident.feature)), where \(fixed(incident.expected, 1)) were to be expected: one cause "
    + "to be looked into, so no case was opened for them"
}

private func fixed(_ value: Double, _ decimals: Int) -> String {
  String(format: "%.\(decimals)f", value)
}
