import ArgumentParser
import Foundation
import Histories
import Learning

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Hold probabilities against what happened: every metric with its interval.",
    discussion: """
      FILE is a table (CSV, plain or gzip, or Parquet) with a column that says what happened (--target) and one of probabilities \
      from 0 to 1 (--probability), whoever made them. How well they rank, what calling the first K \
      finds, and how true they are, each number with a 95 % interval from 1,000 resamplings. \
      --group names the customer of a row: customers are then resampled whole, since their rows \
      hang together. --weight is what a row counts for. --against holds the probabilities against \
      a second column of them, on the same rows and resamplings.

      Try:
        tacit evaluate scores.csv --target churned --positive Yes --probability p
        tacit evaluate scores.csv --target churned --probability new --against old --k 100,500
      """)

  @Argument(help: "The table.")
  var file: String
  @Option(help: "The column that says what happened.")
  var target: String
  @Option(help: "The value of the target that counts as positive.")
  var positive: String?
  @Option(help: "The column of probabilities.")
  var probability: String
  @Option(help: "A second column of probabilities, to be beaten.")
  var against: String?
  @Option(help: "The column whose equal values are one customer.")
  var group: String?
  @Option(help: "The column that says what a row counts for, 0 or more.")
  var weight: String?
  @Option(
    name: .customLong("k"),
    help: ArgumentHelp(
      "How many rows can be called: whole numbers, separated by commas (default: a tenth).",
      valueName: "n,n…"))
  var k: String?
  @Option(help: "A folder for plots (ROC, gains, calibration) as SVG, each with its CSV.")
  var figures: String?
  @OptionGroup var options: LearnerOptions

  func validate() throws {
    if file.hasSuffix(".npy") { throw ValidationError("\(file): evaluate reads tables, not NPY") }
    _ = try calls()
  }

  func run() throws {
    let gnuplot = try figures.map { _ in try Gnuplot() }
    let rows = try EvaluatedRows(self)
    let outcomes = try Outcomes(
      labels: rows.labels, weights: rows.weights,
      clusters: rows.groups.map(Outcomes.clusters(of:)))
    let calls =
      try calls()
      ?? [
        rows.weights == nil
          ? .weight(max(1, (Double(rows.labels.count) / 10).rounded())) : .share(0.1)
      ]
    let evaluation = try Evaluation(
      [rows.probabilities, rows.against].compactMap { $0.map(Forecast.probabilities) }, outcomes,
      cuts: calls + EvaluationReport.gains.map(Cut.share), threads: options.threads)
    let report = EvaluationReport(
      evaluation, calls: calls, names: [probability, against].compactMap { $0 },
      group: group, weight: weight, threads: options.threads)
    if let figures, let gnuplot {
      try EvaluationFigures(report, evaluation).write(to: figures, with: gnuplot)
    }
    if options.json { try printJSON(report) } else { print(report.text(file: file)) }
  }

  /// The numbers of --k.
  private func calls() throws -> [Cut]? {
    guard let k else { return nil }
    let numbers = k.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
      Int(String(decoding: $0, as: UTF8.self)) ?? 0
    }
    guard numbers.allSatisfy({ $0 > 0 }), Set(numbers).count == numbers.count else {
      throw ValidationError(
        "--k is \(k), expected different whole numbers above 0, separated by commas")
    }
    return numbers.map { .weight(Double($0)) }
  }
}

/// The columns that are evaluated, checked cell by cell.
private struct EvaluatedRows {
  let labels: [Double]
  let probabilities: [Double]
  let against: [Double]?
  let weights: [Double]?
  let groups: [UInt64]?

  init(_ command: EvaluateCommand) throws {
    func share(_ name: String) -> WantedCell {
      WantedCell(name, .numberWithin(0...1, "a probability, a number from 0 to 1,"))
    }
    var numbers = [share(command.probability)]
    if let against = command.against { numbers.append(share(against)) }
    if let weight = command.weight {
      let range = 0...Double.greatestFiniteMagnitude
      numbers.append(WantedCell(weight, .numberWithin(range, "a number from 0 up")))
    }
    let table = try LearnerTable(
      path: command.file,
      LearnerTable.Request(
        target: command.target, positive: command.positive, numbers: numbers,
        group: command.group, vectors: false), threads: command.options.threads)
    labels = table.labels ?? []
    probabilities = table.numbers[0]
    against = command.against.map { _ in table.numbers[1] }
    weights = command.weight.flatMap { _ in table.numbers.last }
    groups = table.groups
  }
}
