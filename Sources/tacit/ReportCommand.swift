import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a version's report: whom it reaches, how good it is, what nobody knows.",
    discussion: """
      Writes report.html, card.md and figures/*.csv into the version's folder (or --out). The report \
      is one file that loads nothing from elsewhere and names no account. Needs gnuplot.

      By default the champion, its silent accounts scored as of the date it was trained at; --as-of \
      scores them as of a later date, and the report then says how far they have drifted.
      """)

  @OptionGroup var options: ProjectOptions
  @Option(help: "The version (default: the champion).")
  var version = "champion"
  @Option(
    help: ArgumentHelp(
      "Score the silent as of this date (default: the version's).", valueName: "date"))
  var asOf: String?
  @Option(help: "The folder to write into (default: the version's).")
  var out: String?

  @Option(
    help: ArgumentHelp(
      "What `tacit backtest --json` printed, for the report to show.", valueName: "file"))
  var backtest: String?

  @Flag(help: "Train once for every other way of telling detractors, and compare.")
  var labelSensitivity = false

  private struct Report: Encodable {
    var version: String
    var report: String
    var card: String
    var figures: [String]
    var silent: SilentSummary
  }

  private func readBacktest() throws -> Backtest.Result? {
    guard let backtest else { return nil }
    guard let contents = FileManager.default.contents(atPath: backtest) else {
      throw DetractionError.inputMissing("no file at \(backtest)")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do { return try decoder.decode(Backtest.Result.self, from: contents) } catch {
      throw DetractionError.modelFile(
        "\(backtest) is not what `tacit backtest --json` prints: run it again")
    }
  }

  func run() throws {
    let session = try Session(options)
    _ = try session.requireFeedback()
    let gnuplot = try Gnuplot()
    let name = try session.models.version(named: version)
    let model = try session.models.load(name, heldOut: true)
    var date = model.model.asOf
    if let asOf {
      guard let instant = Instant(asOf: asOf, zone: session.histories.timeZone) else {
        throw ValidationError(
          "--as-of \(asOf) is no date: expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")
      }
      date = instant
    }
    let base = try session.readBase()
    let written = try writeReport(
      session, model, base, asOf: date, to: out.map { URL(fileURLWithPath: $0) },
      labelSensitivity: labelSensitivity, backtest: try readBacktest(), with: gnuplot)
    if options.json {
      return try printJSON(
        Report(
          version: name, report: written.report, card: written.card, figures: written.figures,
          silent: written.silent))
    }
    print(written.report)
  }
}

/// What `writeReport` wrote.
struct WrittenReport {
  var report: String
  var card: String
  var figures: [String]
  var silent: SilentSummary
}

/// Writes the report of a version loaded with its held-out rows, beside its model or into `folder`.
/// `isLot`: the base is the lot that the model was learnt from, not everybody.
func writeReport(
  _ session: Session, _ version: ModelVersion, _ base: HistoryBase, asOf: Instant,
  to folder: URL? = nil, labelSensitivity: Bool = false,
  backtest: Backtest.Result? = nil, isLot: Bool = false, with gnuplot: Gnuplot
) throws -> WrittenReport {
  let models = session.models
  let threads = session.options.threadCount
  let isLater = asOf != version.model.asOf
  let scorer = try makeScorer(session, version, base, asOf, sampling: isLater)
  let perDay = session.outreach.queues.reduce(0) { $0 + $1.capacity }
  let capacity = session.capacity(of: version.model)
  let inTraining = Double(version.model.silent.silent)
  let all = isLot ? inTraining : inTraining / (version.model.lot ?? 1)
  let callable = capacity.map { Int(($0 * all).rounded()) }
  let isChampion = (try? models.championVersion()) == version.version
  let progress = Progress(session.options, "report")
  progress.report(1, 10)
  let silent = try SilentSummary(scorer, callable: callable)
  progress.report(4, 10)
  var facts = ReportFacts(
    version: version, isChampion: isChampion, callsPerDay: perDay > 0 && !isLot ? perDay : nil,
    callable: callable, silent: silent,
    heldOut: try HeldOutFacts(version, base: base, capacity: capacity, threads: threads),
    manifest: try models.manifest(version.version), history: try models.history(),
    variants: labelSensitivity ? try scorer.labelVariants(callable: callable) : nil)
  progress.report(6, 10)
  facts.backtest = backtest
  facts.isLot = isLot
  if isLater {
    let place = session.outreach.store
    let store = try place.mayExist ? CaseStore(existing: place) : nil
    facts.drift = try nightDrift(session, scorer, store)
  }
  let page = try ReportPage(facts) { figure in
    try gnuplot.svg(figure.script, data: figure.data, width: figure.width, height: figure.height)
  }
  progress.done()
  let place = folder ?? models.place(version.version)
  let figures = place.appendingPathComponent("figures")
  do {
    try FileManager.default.createDirectory(at: figures, withIntermediateDirectories: true)
  } catch {
    throw HistoriesError.output("\(figures.path) is no folder and cannot be made one")
  }
  var names: [String] = []
  for figure in page.figures {
    let file = figures.appendingPathComponent("\(figure.name).csv")
    try OutputFile.write(figure.contents, to: file)
    names.append(file.path)
  }
  let card = place.appendingPathComponent("card.md")
  try OutputFile.write(ModelCard.contents(facts), to: card)
  let report = place.appendingPathComponent("report.html")
  try OutputFile.write(page.html, to: report)
  return WrittenReport(report: report.path, card: card.path, figures: names, silent: silent)
}
