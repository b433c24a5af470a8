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

      No case opens on a day that is no business day.

      Says whether tonight's silent accounts are still those that the model was made for: steady, \
      watch or act, and what to do. drift.json beside the run's score file has the numbers. Drift \
      never keeps a case from opening.
      """)

  @OptionGroup var options: ProjectOptions
  @OptionGroup var date: AsOfOption

  @Flag(help: "Decide and say what would happen; publish nothing.")
  var dryRun = false

  func run() throws {
    let session = try Session(options)
    _ = try session.requireFeedback()
    OutreachSettings.requireQueue(session.file)
    try session.file.check()
    let asOf = try date.instant(in: session.histories.timeZone)
    let place = session.outreach.store
    if !dryRun, place.mayExist {
      let store = try CaseStore(existing: place)
      if let run = try store.run(asOf: asOf) {
        return try report(session, .alreadyPublished(run), store)
      }
    }
    let version = try session.models.load()
    let base = try session.readBase()
    let scorer = try makeScorer(session, version, base, asOf, sampling: true)
    if !dryRun {
      // Made only now: input that is refused leaves no store behind.
      let store = try CaseStore(place)
      try report(session, try publishNight(session, scorer, store), store)
    } else {
      let store = place.mayExist ? try CaseStore(existing: place) : nil
      let plan = try planNight(
        scorer, feedback: try session.requireFeedback(), settings: session.outreach,
        work: try store?.openWork(asOf: asOf) ?? OpenWork(),
        facts: runFacts(scorer, scores: "", digest: "")
      ).plan
      let counts = Disposition.allCases.map { "\(plan.count($0)) \(words($0))" }
      print("would be decided as of \(date.asOf): " + counts.joined(separator: ", "))
      let drift = try nightDrift(session, scorer, store).counting(
        flagged: plan.volume, before: try store?.volumes(before: asOf) ?? [])
      for line in drift.lines(session, file: nil) { print(line) }
    }
  }

  private struct Report: Encodable {
    var asOf: String
    var published: Bool
    var model: String
    var silent: Int
    var decisions: [String: Int]
    var casesOpened: Int
    var scores: String
    var scoresSHA256: String
    var drift: DriftReport?
  }

  private struct DriftReport: Encodable {
    var state: Drift.State
    var advice: [String]
    var file: String
  }

  private func report(
    _ session: Session, _ publication: Publication, _ store: CaseStore?
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
    if options.json {
      return try printJSON(
        Report(
          asOf: run.asOf.description, published: isNew, model: run.model, silent: run.silent,
          decisions: Dictionary(
            uniqueKeysWithValues: decisions.map { ($0.disposition.rawValue, $0.count) }),
          casesOpened: isNew ? run.flagged : 0, scores: run.scoresPath,
          scoresSHA256: run.scoresSHA256,
          drift: drift.map {
            DriftReport(state: $0.drift.state, advice: $0.drift.advice, file: file.path)
          }))
    }
    let counts = decisions.map { "\($0.count) \(words($0.disposition))" }
    if isNew {
      print(
        "\(run.silent) silent accounts scored as of \(date.asOf); "
          + (counts.isEmpty ? "nobody above the cut" : counts.joined(separator: ", ")))
      if !run.businessDay { print("\(date.asOf) is no business day: no case was opened") }
      for line in drift?.lines(session, file: file.path) ?? [] { print(line) }
      if run.flagged > 0 { print("next: tacit queue list --project \(options.project)") }
    } else {
      print(
        "the run as of \(date.asOf) is already published (\(run.flagged) cases, model "
          + "\(run.model)); nothing was changed")
    }
  }

  private func words(_ disposition: Disposition) -> String {
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
}

/// Writes the run's score file, then decides and publishes in one transaction, with `drift.json` beside
/// the score file: written under the store's lock, it is the published run's. `scorer`: with its sample.
func publishNight(_ session: Session, _ scorer: Scorer, _ store: CaseStore) throws -> Publication {
  let date = dateName(scorer.asOf, session.histories.timeZone)
  let folder = session.file.folder.appendingPathComponent("runs/\(date)")
  do {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  } catch {
    throw HistoriesError.output("cannot make \(folder.path): \(error.localizedDescription)")
  }
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
  let facts = runFacts(
    scorer, scores: "runs/\(date)/\(scores.lastPathComponent)", digest: digest)
  let feedback = try session.requireFeedback()
  let drift = try nightDrift(session, scorer, store)
  let volumes = try store.volumes(before: scorer.asOf)
  return try store.publish(asOf: scorer.asOf) { work in
    let night = try planNight(
      scorer, feedback: feedback, settings: session.outreach, work: work, facts: facts)
    try OutputFile.write(
      try drift.counting(flagged: night.plan.volume, before: volumes).contents(),
      to: driftFile(session, facts.scoresPath))
    return night
  }
}

private func runFacts(_ scorer: Scorer, scores: String, digest: String) -> RunFacts {
  RunFacts(
    model: scorer.version.version, scoresPath: scores, scoresSHA256: digest,
    tacitVersion: tacitVersion, accounts: scorer.counts.accounts, silent: scorer.counts.silent)
}
