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
    let scorer = try makeScorer(session, version, base, asOf)
    if !dryRun {
      // Made only now: input that is refused leaves no store behind.
      let store = try CaseStore(place)
      try report(session, try publishNight(session, scorer, store), store)
    } else {
      let plan = try planNight(
        scorer, feedback: try session.requireFeedback(), settings: session.outreach,
        work: try dryRunWork(session, asOf), facts: runFacts(scorer, scores: "", digest: "")
      ).plan
      let counts = Disposition.allCases.map { "\(plan.count($0)) \(words($0))" }
      print("would be decided as of \(date.asOf): " + counts.joined(separator: ", "))
    }
  }

  private func dryRunWork(_ session: Session, _ asOf: Instant) throws -> OpenWork {
    let place = session.outreach.store
    return place.mayExist ? try CaseStore(existing: place).openWork(asOf: asOf) : OpenWork()
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
    if options.json {
      return try printJSON(
        Report(
          asOf: run.asOf.description, published: isNew, model: run.model, silent: run.silent,
          decisions: Dictionary(
            uniqueKeysWithValues: decisions.map { ($0.disposition.rawValue, $0.count) }),
          casesOpened: isNew ? run.flagged : 0, scores: run.scoresPath,
          scoresSHA256: run.scoresSHA256))
    }
    let counts = decisions.map { "\($0.count) \(words($0.disposition))" }
    if isNew {
      print(
        "\(run.silent) silent accounts scored as of \(date.asOf); "
          + (counts.isEmpty ? "nobody above the cut" : counts.joined(separator: ", ")))
      if !run.businessDay { print("\(date.asOf) is no business day: no case was opened") }
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

/// Writes the run's score file, then decides and publishes in one transaction.
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
  return try store.publish(asOf: scorer.asOf) { work in
    try planNight(
      scorer, feedback: feedback, settings: session.outreach, work: work, facts: facts)
  }
}

private func runFacts(_ scorer: Scorer, scores: String, digest: String) -> RunFacts {
  RunFacts(
    model: scorer.version.version, scoresPath: scores, scoresSHA256: digest,
    tacitVersion: tacitVersion, accounts: scorer.counts.accounts, silent: scorer.counts.silent)
}
