import ArgumentParser
import Foundation
import Histories
import Learning

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Hold probabilities against what happened: every metric with its interval.",
    discussion: """
      FILE is a table with a column that says what happened (--target) and one of probabilities \
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
  @Option(help: "Threads to use (default: all cores). Never changes a result.")
  var threads = ProcessInfo.processInfo.activeProcessorCount
  @Flag(help: "Report as JSON.")
  var json = false

  func validate() throws {
    try checkThreads(threads)
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
      cuts: calls + EvaluationReport.gains.map(Cut.share), threads: threads)
    let report = EvaluationReport(
      evaluation, calls: calls, names: [probability, against].compactMap { $0 },
      group: group, weight: weight, threads: threads)
    if let figures, let gnuplot {
      try EvaluationFigures(report, evaluation).write(to: figures, with: gnuplot)
    }
    if json { try printJSON(report) } else { print(report.text(file: file)) }
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
  let probabilities: [Double]?
  let against: [Double]?
  let weights: [Double]?
  let groups: [UInt64]?

  init(_ command: EvaluateCommand) throws {
    try refuseParquet(command.file)
    let table = try CSVTable(path: command.file)
    func numbers(
      _ name: String, for option: String, _ expected: String, _ isGood: (Double) -> Bool
    ) throws -> [Double] {
      let column = try table.column(name, for: option)
      return try (0..<table.rowCount).map { row in
        if case .number(let value) = table.number(row, column), isGood(value) { return value }
        throw HistoriesError.dataContract(
          "\(table.path), line \(table.line(row)): the column \"\(name)\" (\(option)) holds no "
            + "\(expected) here")
      }
    }
    let share = "probability, a number from 0 to 1"
    probabilities = try numbers(command.probability, for: "--probability", share) {
      (0...1).contains($0)
    }
    against = try command.against.map {
      try numbers($0, for: "--against", share) { (0...1).contains($0) }
    }
    weights = try command.weight.map {
      try numbers($0, for: "--weight", "number from 0 up") { $0 >= 0 }
    }
    groups = try command.group.map { name in
      let column = try table.column(name, for: "--group")
      return (0..<table.rowCount).map { AccountHash.of(table.text($0, column) ?? "") }
    }
    labels = try Self.labels(table, command.target, positive: command.positive)
  }

  private static func labels(
    _ table: CSVTable, _ target: String, positive: String?
  ) throws -> [Double] {
    let column = try table.column(target, for: "--target")
    var found = false
    let texts = Set((0..<table.rowCount).compactMap { table.text($0, column) })
    let isPlain = positive == nil && isPair(Array(texts))
    let labels = try (0..<table.rowCount).map { row in
      let cell = table.cell(row, column)
      if let positive, !cell.isEmpty {
        guard cell.elementsEqual(positive.utf8) else { return 0.0 }
        found = true
        return 1
      }
      if isPlain, let text = table.text(row, column) { return isPositive(text) ? 1 : 0 }
      if positive == nil, case .number(let value) = table.number(row, column),
        value == 0 || value == 1
      {
        return value
      }
      throw HistoriesError.dataContract(
        "\(table.path), line \(table.line(row)): the column \"\(target)\" (--target) "
          + (cell.isEmpty
            ? "is empty here"
            : "is neither 0 nor 1 here: say with --positive which value is the positive one"))
    }
    if let positive, !found {
      throw HistoriesError.dataContract(
        "\(table.path): no row of \"\(target)\" is \"\(positive)\", which --positive names")
    }
    return labels
  }
}
