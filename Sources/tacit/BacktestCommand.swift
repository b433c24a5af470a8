import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

struct BacktestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backtest",
    abstract: "What Tacit would have found on past dates, had it been used then.",
    discussion: """
      Goes back to past dates, trains at each on what was known by then, and holds the scores \
      against what came after: the answers of the next label window, and the silenced detractors, \
      customers who had never spoken and first spoke as detractors within the horizon. Of those it \
      counts how many stood among the K that the team could have called, how many days ahead, and \
      how many a list by lot and plain rules would have held.

      K is what the queues of tacit.toml can begin in a label window, or --k. Known detractors are \
      also hidden among the silent, to see whether they are found again, and what is too good to \
      be true is looked for: a feature that leaks ends the back-test with status 3, by name. Where \
      too few silent customers ever spoke, the report says that nothing can be claimed.

      Try:
        tacit backtest --as-of 2026-03-02
        tacit backtest --as-of 2026-03-02 --k 200 --horizon-days 60 --figures plots
      """)

  @OptionGroup var options: ProjectOptions
  @OptionGroup var date: AsOfOption

  @Option(
    help: ArgumentHelp(
      "Past dates, a snapshot's distance apart (default: as many as can be trained, up to 6).",
      valueName: "n"))
  var origins: Int?
  @Option(
    help: ArgumentHelp(
      "Within how many days first words count (default: 90, or three label windows if longer).",
      valueName: "days"))
  var horizonDays: Int?
  @Option(
    name: .customLong("k"),
    help: ArgumentHelp(
      "How many can be called (default: what the queues can begin in a label window).",
      valueName: "n"))
  var k: Int?
  @Option(help: "A folder for plots (capture over dates, gains) as SVG, each with its CSV.")
  var figures: String?

  func validate() throws {
    for (name, value, most) in [
      ("--origins", origins, 1000), ("--horizon-days", horizonDays, 3650),
      ("--k", k, 1_000_000_000),
    ] {
      if let value, !(1...most).contains(value) {
        throw ValidationError("\(name) is \(value), expected 1 to \(most)")
      }
    }
  }

  func run() throws {
    let gnuplot = try figures.map { _ in try Gnuplot() }
    let session = try Session(options)
    let feedback = try session.requireFeedback()
    let asOf = try date.instant(in: session.histories.timeZone)
    let capacity = try Capacity(k: k, session)
    let base = try session.readBase()
    let test = Backtest(
      base: base, feedback: feedback, training: session.training,
      features: session.histories.features, asOf: asOf,
      capacity: { capacity.callable(from: $0) }, horizonDays: horizonDays, origins: origins,
      trace: try session.outreachTrace(base, try session.levelAnswers()),
      threads: options.threadCount)
    if let horizonDays, horizonDays <= session.training.gapDays {
      throw ValidationError(
        "--horizon-days is \(horizonDays), and the first \(session.training.gapDays) are guard "
          + "days (gap_days): expected more")
    }
    let bar = ProgressBar(quiet: options.quiet)
    defer { bar.clear() }
    let result = try test.run(progress: bar.report)
    bar.clear()
    let report = BacktestText(
      result, capacity: capacity.words, zone: session.histories.timeZone)
    if let figures, let gnuplot {
      try BacktestFigures(result, zone: session.histories.timeZone)
        .write(to: figures, with: gnuplot)
    }
    if options.json { try printJSON(result) } else { print(report.text) }
  }
}

/// How many accounts a team can call in a label window, and where that number is from.
struct Capacity: Sendable {
  private let fixed: Int?
  private let perDay: Int
  private let calendar: BusinessCalendar
  private let gapDays: Int
  private let windowDays: Int
  let words: String

  /// Throws `ValidationError` where neither `--k` nor a queue says it.
  init(k: Int?, _ session: Session) throws {
    let queues = session.outreach.queues
    fixed = k
    perDay = queues.reduce(0) { $0 + $1.capacity }
    calendar = session.outreach.calendar
    gapDays = session.training.gapDays
    windowDays = session.training.labelWindowDays
    if let k {
      words = "a list of \(k), as --k asks"
    } else if perDay > 0 {
      words =
        "the list that \(queues.count == 1 ? "the queue" : "the \(queues.count) queues") can begin "
        + "in \(windowDays) days: \(perDay) a business day"
    } else {
      throw ValidationError(
        "how many can be called? \(session.options.project) has no [[queue]] with a "
          + "capacity_per_business_day: give --k")
    }
  }

  /// The business days of [T + gap, T + gap + window) by what all queues begin on one; of a share of the
  /// accounts, drawn by lot, that share.
  func callable(from origin: Instant, lot: Double? = nil) -> Int {
    if let fixed { return fixed }
    let start = calendar.zone.date(of: origin.adding(days: gapDays))
    let calls = perDay * (start..<(start + windowDays)).count { calendar.isBusinessDay(date: $0) }
    return lot.map { Int(($0 * Double(calls)).rounded()) } ?? calls
  }
}
