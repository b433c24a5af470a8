import ArgumentParser
import Detraction
import Foundation
import Histories
import Learning

struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Fit a logistic model on vectors made elsewhere.",
    discussion: """
      DATA is CSV with a --target column, or NPY (rows × columns of float64 or float32, in either \
      order) with --labels. In CSV a column of numbers enters by itself or by its logarithm where it \
      is skewed, a missing cell by an indicator, a column of texts by its levels.

      The objective is the mean log loss plus λ/2 times the squared coefficients, the intercept \
      free: scikit-learn's C is 1 / (λ × sum of weights). Without --l2, λ is chosen by ten-fold \
      cross-validation; --group keeps rows with the same value in one fold.

      Try:
        tacit fit churn.csv --target churned --positive Yes --drop customer_id --model churn.json
        tacit fit X.npy --labels y.npy --standardise none --l2 1e-6 --model m.json --json
      """)

  enum Standardise: String, ExpressibleByArgument, CaseIterable { case none, columns }

  @Argument(help: "The vectors: CSV or NPY.")
  var data: String
  @Option(help: "The CSV column to predict.")
  var target: String?
  @Option(help: "The value of the target that counts as 1.")
  var positive: String?
  @Option(help: "CSV columns to leave out, separated by commas.")
  var drop = ""
  @Option(help: "The CSV column whose equal values share a fold.")
  var group: String?
  @Option(help: "The labels of NPY vectors, 0 or 1: y.npy.")
  var labels: String?
  @Option(help: "Whether λ falls on raw columns (none) or on standardised ones (columns).")
  var standardise = Standardise.columns
  @Option(name: .customLong("l2"), help: "The penalty λ.")
  var l2: Double?
  @Option(help: "The model file to write.")
  var model: String
  @Option(help: "Threads to use (default: all cores). Never changes a result.")
  var threads = ProcessInfo.processInfo.activeProcessorCount
  @Flag(help: "Report as JSON.")
  var json = false

  private struct Seconds: Encodable { var reading, fitting, writing: Double }

  private struct Report: Encodable {
    var rows, columns: Int
    var l2: Double
    var iterations: Int
    var objective, maxGradient: Double
    var seconds: Seconds
  }

  func validate() throws {
    try refuseParquet(data)
    try checkThreads(threads)
    if (target == nil) == (labels == nil) {
      throw ValidationError("give --target for CSV or --labels for NPY")
    }
    if data.hasSuffix(".npy") != (labels != nil) {
      throw ValidationError("--labels goes with NPY vectors, --target with CSV")
    }
  }

  func run() throws {
    var clock = PhaseClock()
    let leaveOut =
      [target, group].compactMap { $0 }
      + drop.utf8.split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) }
    let table = try LearnerTable(path: data, leaveOut: leaveOut)
    let y =
      try labels.map { try NPYFile.vector(at: $0) }
      ?? table.labels(target ?? "", positive: positive)
    let groups = try group.map { try table.texts($0) }
    let reading = clock.lap()
    let learned = try learn(table, y, groups)
    let fitting = clock.lap()
    try OutputFile.write(
      try SealedFile.bytes(learned).contents, to: URL(fileURLWithPath: model))
    let report = Report(
      rows: learned.fit.rows, columns: learned.fit.coefficients.count,
      l2: learned.fit.penalty.lambda,
      iterations: learned.fit.iterations, objective: learned.fit.objective,
      maxGradient: learned.fit.maxGradient,
      seconds: Seconds(reading: reading, fitting: fitting, writing: clock.lap()))
    if json { return try printJSON(report) }
    print(
      """
      \(report.rows) rows × \(report.columns) columns, λ = \(report.l2)
      objective \(report.objective), max |gradient| \(report.maxGradient), \
      \(report.iterations) passes
      reading \(three(reading)) s, fitting \(three(fitting)) s
      """)
  }

  private func learn(_ table: LearnerTable, _ y: [Double], _ groups: [String]?) throws
    -> LearnerModel
  {
    var x = table.x
    var design: Design?
    if !table.columns.isEmpty {
      let fitted = try Design(
        fitting: x,
        sources: table.columns.map { $0.levels.map { .categorical(levels: $0.count) } ?? .numeric },
        threads: threads)
      guard !fitted.columns.isEmpty else {
        throw DetractionError.insufficient(
          "every column has the same value in all rows: nothing to learn from")
      }
      x = try fitted.expand(x, threads: threads)
      design = fitted
    }
    let rows = try LogisticData(x, labels: y, threads: threads)
    let parameters = try LogisticParameters(
      penalty: .l2(l2 ?? 0), standardise: standardise == .columns)
    var validation: CrossValidation?
    if l2 == nil {
      let folds =
        groups.map { $0.map { Int(AccountHash.of($0) % 10) } } ?? (0..<x.rows).map { $0 % 10 }
      validation = try crossValidate(rows, folds: folds, parameters: parameters).validation
    }
    let fit = try fitLogistic(
      rows, parameters: try parameters.with(lambda: l2 ?? validation?.chosen ?? 0))
    return LearnerModel(
      columns: design == nil ? nil : table.columns, design: design, fit: fit,
      validation: validation?.points)
  }
}

/// Seconds from one lap to the next.
struct PhaseClock {
  private var last = ContinuousClock.now

  mutating func lap() -> Double {
    let now = ContinuousClock.now
    defer { last = now }
    return (now - last) / .seconds(1)
  }
}
