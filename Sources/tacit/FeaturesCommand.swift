import ArgumentParser
import Detraction
import Foundation
import Histories

/// `tacit features`: the vectors of all accounts as of a date, as a file.
struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Write the feature vector of every account as of a date.",
    discussion: """
      One row for each account with an event that may be a feature, happened before the date and \
      was known before it. OUT ending in .npy is a float64 array, with OUT.features.txt and \
      OUT.accounts.csv beside it; anything else is CSV: account_id, then one column a feature, an \
      empty cell where a number is missing.

      With --labelled a row is what a training as of the date would learn from: an account that answered \
      in the label window after a snapshot, its features as of that snapshot, is_detractor, was_silent \
      and weight. To learn from such rows by other means, or to see that it was done right:
        tacit features --as-of 2026-03-02 --labelled --out rows.csv

      --engine duckdb or spark: the engine's own program makes the vectors where the data is, and writes \
      Parquet (OUT ends in .parquet; Spark writes a folder). --controls 0.1 keeps of the labelled rows a \
      tenth of those who were content, by lot; weight (or offset, for a fit without weights) makes up \
      for it:
        tacit features --engine spark --as-of 2026-03-02 --labelled --controls 0.1 --out rows.parquet
        tacit fit rows.parquet --target is_detractor --group account_id --weight weight \
      --drop as_of,was_silent,offset --model model.json

      --explain NAME says what one feature is, such as order.count.30d, or what an aggregate makes, \
      such as overdue, or with "all" every sort there is: what it means, what an account without \
      such an event gets, its unit, what asks for it, and its meaning as SQL. It reads no data.
      """)

  @OptionGroup var options: ProjectOptions

  @Option(help: AsOfOption.help)
  var asOf: String?

  @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
  var out: String?

  @Option(help: ArgumentHelp("Say what a feature is, and do nothing else.", valueName: "name"))
  var explain: String?

  @Option(help: "Who makes the vectors: native, duckdb or spark.")
  var engine = NightEngine.native
  @Option(help: "Spark's master (default: its own configuration, else all cores of this machine).")
  var master: String?
  @Flag(help: "The labelled rows of a training in place of everybody as of the date.")
  var labelled = false
  @Option(help: "With --labelled and --engine: the share kept of the rows that are no detractors.")
  var controls: Double?

  func validate() throws {
    if master != nil && engine != .spark { throw ValidationError("--master is for --engine spark") }
    if labelled, engine == .native, out?.hasSuffix(".npy") == true {
      throw ValidationError("--labelled writes CSV: name a file that ends in .csv")
    }
    if let controls {
      guard labelled, engine != .native else {
        throw ValidationError("--controls is for --labelled by an engine")
      }
      guard controls > 0, controls <= 1 else {
        throw ValidationError("--controls is \(controls), expected a share above 0 and at most 1")
      }
    }
    if let explain {
      if asOf != nil || out != nil {
        throw ValidationError("--explain \(explain) goes without --as-of and --out")
      }
      return
    }
    if asOf == nil { throw ValidationError("Missing expected argument '--as-of <date>'") }
    guard let out else { throw ValidationError("Missing expected argument '--out <file>'") }
    if engine == .native {
      try refuseParquet(out)
    } else if !out.hasSuffix(".parquet") {
      throw ValidationError("--out \(out): an engine writes Parquet, expected a name that ends so")
    }
  }

  func run() throws {
    if let explain { return try printExplanation(of: explain) }
    guard let asOf, let out else { return }
    if let dialect = engine.dialect { return try write(asOf: asOf, to: out, by: dialect) }
    if labelled { return try writeLabelled(asOf: asOf, to: out) }
    try write(asOf: asOf, to: out)
  }

  private func printExplanation(of name: String) throws {
    let features = try FeatureExplainer(project: options.project).features(name)
    let explained = features.map(FeatureExplainer.Explained.init)
    if options.json {
      try printJSON(explained)
    } else {
      for line in explained.flatMap(\.lines) { print(line) }
      print(FeatureExplainer.vocabulary)
    }
  }

  private func write(asOf text: String, to out: String) throws {
    let session = try Session(options)
    let asOf = try AsOfOption.instant(text, in: session.histories.timeZone)
    var clock = PhaseClock()
    let progress = Progress(options, "reading")
    let result = try VectorFile.write(
      session.histories, roles: session.feedback?.roles ?? [:], asOf: asOf, to: out,
      format: out.hasSuffix(".npy") ? .npy : .csv, threads: options.threadCount,
      quarantine: session.quarantine, progress: { progress.report($0, $1) })
    progress.done()
    let seconds = clock.lap()
    for line in result.intake.lines { options.say(line) }
    options.say(
      "\(result.rows) accounts × \(result.schema.count) features as of \(text) in "
        + "\(three(seconds)) s: \(out)")
    if options.json { try printJSON(report(result, asOf, out, seconds)) }
  }

  private func writeLabelled(asOf text: String, to out: String) throws {
    let session = try Session(options)
    let feedback = try session.requireFeedback()
    let asOf = try AsOfOption.instant(text, in: session.histories.timeZone)
    var clock = PhaseClock()
    let base = try session.readBase()
    let schema = try base.schema(session.histories.features, asOf: asOf)
    let rows = try LabelledFile.write(
      Trainer(
        base: base, feedback: feedback, training: session.training, schema: schema, asOf: asOf,
        trace: try session.outreachTrace(base, try session.levelAnswers()),
        threads: options.threadCount),
      to: URL(fileURLWithPath: out))
    try say(rows, schema, asOf, text, out, clock.lap())
  }

  private func write(asOf text: String, to out: String, by dialect: SQLDialect) throws {
    let session = try Session(options)
    let asOf = try AsOfOption.instant(text, in: session.histories.timeZone)
    let labels =
      labelled
      ? FeatureSQL.Labels(
        feedback: try session.requireFeedback(), training: session.training,
        controls: controls ?? 1) : nil
    var clock = PhaseClock()
    let result = try EngineFeatures(
      session, dialect, master: master, labels: labels, asOf,
      to: URL(fileURLWithPath: out).absoluteURL)
    try say(result.rows, result.schema, asOf, text, out, clock.lap())
  }

  private func say(
    _ rows: Int, _ schema: FeatureSchema, _ asOf: Instant, _ text: String, _ out: String,
    _ seconds: Double
  ) throws {
    options.say(
      "\(grouped(rows)) \(labelled ? "training rows" : "accounts") × \(schema.count) features as of "
        + "\(text) in \(three(seconds)) s: \(out)")
    if options.json {
      try printJSON(
        Report(
          asOf: asOf.description, accounts: rows, features: schema.names, out: out,
          seconds: seconds))
    }
  }

  private struct Report: Encodable {
    var asOf: String
    var accounts: Int
    var features: [String]
    var out: String
    var seconds: Double
    var quarantine: String?
    var read: ReadReport?
  }

  private func report(
    _ result: VectorFile, _ asOf: Instant, _ out: String, _ seconds: Double
  ) -> Report {
    Report(
      asOf: asOf.description, accounts: result.rows, features: result.schema.names, out: out,
      seconds: seconds, quarantine: result.intake.quarantine,
      read: ReadReport(result.intake.files))
  }
}
