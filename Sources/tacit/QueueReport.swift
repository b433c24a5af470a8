import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

/// `tacit queue report`: how well the team keeps what it promises, whether contact helps, and how much
/// unhappiness nobody has heard of.
struct QueueReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Says how well cases are worked, and whether that helps.",
    discussion: """
      Service levels as of an instant: what was acknowledged and closed in time, how old open cases \
      are, what is overdue and with whom, appointments kept, promises kept and broken by who made \
      them, remedies given and what they cost, contacts by outcome.

      Then each [[outcome]] of the experiment: the difference between those contacted and those left \
      alone by lot, once its day has come. Before that day there are counts only.

      The histories are read only when an outcome can be read, or with --impact.
      """)

  @OptionGroup var options: ProjectOptions

  @Option(
    help: ArgumentHelp(
      "The date to report on: YYYY-MM-DD (local midnight) or a full instant.", valueName: "date"))
  var asOf: String?

  @Option(
    help: ArgumentHelp("The moment to report on, in place of --as-of.", valueName: "instant"))
  var now: String?

  @Flag(
    help: """
      Also count hidden detractors and the money with them, by segment, against the month before, and \
      say how customers went on.
      """)
  var impact = false

  @Option(
    help: ArgumentHelp("Write the figures for Prometheus to this file as well.", valueName: "file"))
  var metrics: String?

  func validate() throws {
    guard (asOf == nil) != (now == nil) else {
      throw ValidationError("give --as-of or --now, one of them: when is the report for?")
    }
  }

  private struct Report: Encodable {
    var service: ServiceReport
    var drift: Drift.State?
    var effect: [ExperimentReading]
    /// What the project file says otherwise than was registered when an experiment began.
    var edits: [String]
    var impact: HiddenImpact?
    var impactBefore: HiddenImpact?
    var conduct: [LaterConduct]
  }

  func run() throws {
    let session = try Session(options)
    let zone = session.histories.timeZone
    let text = asOf ?? now ?? ""
    guard let moment = Instant(asOf: text, zone: zone) else {
      throw ValidationError(
        "\(text) is no date: expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")
    }
    let store = try CaseStore(existing: session.outreach.store)
    let (cases, actions) = (try store.cases(), try store.actions())
    let service = ServiceReport(
      cases, actions, promises: try store.promises(at: moment), settings: session.outreach,
      now: moment)
    let runs = try store.runs().filter { $0.asOf <= moment }
    let drift = runs.last.flatMap { run in
      FileManager.default.contents(atPath: driftFile(session, run.scoresPath).path)
        .flatMap(NightDrift.init(contents:))?.drift.state
    }
    if let metrics {
      try OutputFile.write(
        Data(Metrics.text(service, run: runs.last, drift: drift).utf8),
        to: URL(fileURLWithPath: metrics))
    }
    let histories = Histories(session)
    let costs = WorkCost(cases, actions, settings: session.outreach)
    let effect = try effect(session, store, moment, histories, costs)
    let edits = try store.experiments().edits(
      project: session.outreach.experiment, outcomes: session.outreach.outcomes, at: moment,
      zone: zone)
    let (hidden, before) = try impact ? hidden(session, runs, histories) : (nil, nil)
    let conduct = try impact ? conduct(session, runs, moment, histories) : []
    if options.json {
      return try printJSON(
        Report(
          service: service, drift: drift, effect: effect, edits: edits, impact: hidden,
          impactBefore: before,
          conduct: conduct))
    }
    var lines = ServiceText(zone: zone).lines(service)
    if let run = runs.last {
      lines.append(
        "last run: as of \(dateName(run.asOf, zone)), \(grouped(run.silent)) silent accounts scored"
          + (drift.map { ", drift \($0.rawValue)" } ?? ""))
    }
    if effect.isEmpty {
      let hasOutcome = !session.outreach.outcomes.isEmpty
      lines.append(
        "whether contact helps is not known: "
          + (hasOutcome
            ? "no experiment has begun: add [experiment] with a seed, a start and a holdout"
            : "name what help should change with [[outcome]]"))
    } else {
      lines.append("does contact help?")
      for reading in effect { lines += ExperimentText(zone: zone).lines(reading).map { "  " + $0 } }
    }
    lines += edits
    if let hidden { lines += ImpactText(zone: zone).lines(hidden, before: before) }
    if impact, hidden == nil { lines.append("no score file of a run is there to count from") }
    for one in conduct { lines += ImpactText(zone: zone).lines(one) }
    print(lines.joined(separator: "\n"))
  }

  /// The base, read once and only when it is asked for.
  private final class Histories {
    private let session: Session
    private var read: HistoryBase?

    init(_ session: Session) { self.session = session }

    func base() throws -> HistoryBase {
      if let read { return read }
      let base = try session.readBase()
      read = base
      return base
    }
  }

  private func effect(
    _ session: Session, _ store: CaseStore, _ moment: Instant, _ histories: Histories,
    _ costs: WorkCost
  ) throws -> [ExperimentReading] {
    let enrolments = try store.enrolments()
    var readings: [ExperimentReading] = []
    for experiment in try store.experiments() where experiment.starts <= moment {
      for outcome in experiment.outcomes(project: session.outreach.outcomes) {
        guard ExperimentReading.readingDate(experiment, outcome) <= moment else {
          readings.append(
            ExperimentReading(experiment, outcome, enrolments, asOf: moment) { _ in nil })
          continue
        }
        let base = try histories.base()
        let reader = OutcomeMeasure.Reader(outcome, base, session.feedback, asOf: moment)
        readings.append(
          ExperimentReading(experiment, outcome, enrolments, asOf: moment) { one in
            base.index(of: one.account).map { reader.value($0, from: one.asOf) }
          } cost: { one in
            costs.of(
              one.account, from: one.asOf, to: one.asOf.adding(days: outcome.horizonDays))
          })
      }
    }
    return readings
  }

  /// The newest run whose score file is there, and the last one 28 days or more before it.
  private func hidden(
    _ session: Session, _ runs: [Run], _ histories: Histories
  ) throws -> (HiddenImpact?, HiddenImpact?) {
    let there = runs.filter { FileManager.default.fileExists(atPath: scores($0, session)) }
    guard let newest = there.last else { return (nil, nil) }
    func impact(_ run: Run) throws -> HiddenImpact {
      try HiddenImpact(
        run, scores: scores(run, session), model: try session.models.load(run.model).model,
        base: try histories.base(), threads: options.threadCount)
    }
    let earlier = there.last { $0.asOf.adding(days: 28) <= newest.asOf }
    return (try impact(newest), try earlier.map(impact))
  }

  private func conduct(
    _ session: Session, _ runs: [Run], _ moment: Instant, _ histories: Histories
  ) throws -> [LaterConduct] {
    guard let feedback = session.feedback else { return [] }
    return try session.outreach.outcomes.compactMap { outcome in
      guard
        let run = runs.last(where: {
          $0.asOf.adding(days: outcome.horizonDays) <= moment
            && FileManager.default.fileExists(atPath: scores($0, session))
        })
      else { return nil }
      return try LaterConduct(
        outcome, run, scores: scores(run, session), base: try histories.base(),
        feedback: feedback, now: moment, threads: options.threadCount)
    }
  }

  private func scores(_ run: Run, _ session: Session) -> String {
    session.file.folder.appendingPathComponent(run.scoresPath).path
  }
}
