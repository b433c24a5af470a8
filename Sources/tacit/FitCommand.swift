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
      DATA is a table with a --target column (CSV, plain or gzip, or Parquet), or NPY (rows × columns \
      of float64 or float32, in either order) with --labels. What the columns of a table hold is \
      found out and said: numbers, texts, ids, constants; an empty cell is missing.

      Shapes: `auto` gives each feature thresholds, bends and levels, and pairs of features where \
      they predict rows that were held out; `none` takes numbers as they stand. A table without \
      a named penalty gets `auto`.

      Penalty: the objective is the mean log loss + λ Σ ((1 − a)/2 b² + a |b|), b the coefficients of \
      standardised columns, the intercept free. So scikit-learn's C is 1 / (λ × sum of weights) and \
      glmnet's lambda is λ. --l2 and --l1 name their parts of it; without them λ is chosen by \
      cross-validation, --group keeping rows with the same value in one fold. With L1 columns have no \
      standard errors; instead the report says in which share of resamplings a column is chosen (up \
      to \(Learner.mostInferenceColumns) columns).

      Try:
        tacit fit churn.csv --target churned --positive Yes --model churn.json
        tacit fit churn.csv --target churned --positive Yes --l1-ratio 1 --model lasso.json
        tacit fit X.npy --labels y.npy --standardise none --l2 1e-6 --model m.json --json
      """)

  enum Standardise: String, ExpressibleByArgument, CaseIterable { case none, columns }
  enum Shapes: String, ExpressibleByArgument, CaseIterable { case auto, none }
  enum Rule: String, ExpressibleByArgument, CaseIterable {
    case minimum
    case oneStandardError = "one-standard-error"

    var learning: CrossValidation.Rule { self == .minimum ? .minimum : .oneStandardError }
  }
  enum Errors: String, ExpressibleByArgument, CaseIterable { case model, robust, bootstrap }
  enum Validation: String, ExpressibleByArgument, CaseIterable {
    case folds
    case leaveOneOut = "leave-one-out"
  }

  @Argument(help: "The vectors: CSV, Parquet or NPY.")
  var data: String
  @Option(help: "The column to predict.")
  var target: String?
  @Option(help: "The value of the target that counts as 1.")
  var positive: String?
  @Option(help: "Columns to leave out, separated by commas.")
  var drop = ""
  @Option(help: "The labels of NPY vectors, 0 or 1: y.npy.")
  var labels: String?
  @Option(help: "A weight a row: a column, or for NPY vectors a file w.npy.")
  var weight: String?
  @Option(help: "Where each row's logit starts from: a column, or a file. Not part of predictions.")
  var offset: String?
  @Option(
    help: "Rows that belong together: a column, or a file. They share a fold and an error.")
  var group: String?
  @Option(
    help: "The fold of each row, from 0: a column, or a file. Default: ten, with shapes five.")
  var folds: String?
  @Option(help: "How features enter: auto or none.")
  var shapes: Shapes?
  @Option(help: "Whether the penalty falls on raw NPY columns (none) or standardised ones.")
  var standardise = Standardise.columns
  @Option(name: .customLong("l2"), help: "λ (1 − a), fixed.")
  var l2: Double?
  @Option(name: .customLong("l1"), help: "λ a, fixed.")
  var l1: Double?
  @Option(
    name: .customLong("l1-ratio"),
    help: "a where λ is chosen: 0 ridge, 1 lasso, between them the elastic net.")
  var l1Ratio = 0.0
  @Option(help: "λ of the least held-out loss, or the largest within a standard error of it.")
  var rule = Rule.minimum
  @Option(
    help: """
      How λ is chosen with --shapes none: by folds, or for ridge quickly, each row left out by one \
      Newton step from the fit with it.
      """)
  var validation = Validation.folds
  @Option(help: "Features without penalty, separated by commas.")
  var unpenalised = ""
  @Option(help: "Features that may only raise the probability, separated by commas.")
  var increasing = ""
  @Option(help: "Features that may only lower it.")
  var decreasing = ""
  @Flag(
    help: "Firth's bias-reduced fit with profile-likelihood intervals, for few or separated rows.")
  var firth = false
  @Option(
    help: """
      Standard errors: model, robust (sandwich) or bootstrap (of the score, with its own intervals). \
      With --group they are clustered, or whole groups are resampled.
      """)
  var errors = Errors.model
  @Flag(
    help: "Calibrate the probabilities on held-out rows, as shapes always do; not the logit.")
  var calibrate = false
  @Option(help: "The model file to write.")
  var model: String
  @OptionGroup var options: LearnerOptions
  @Flag(help: "No messages but errors.")
  var quiet = false

  var isNPY: Bool { data.hasSuffix(".npy") }
  var hasFixedPenalty: Bool { l1 != nil || l2 != nil || firth }
  var wantsShapes: Bool {
    shapes.map { $0 == .auto } ?? (!isNPY && !hasFixedPenalty && l1Ratio == 0)
  }

  func validate() throws {
    if isNPY {
      if labels == nil { throw ValidationError("give --labels y.npy with NPY vectors") }
      for (name, given) in [
        ("--target", target != nil), ("--positive", positive != nil), ("--drop", !drop.isEmpty),
        ("--unpenalised", !unpenalised.isEmpty), ("--increasing", !increasing.isEmpty),
        ("--decreasing", !decreasing.isEmpty),
      ] where given {
        throw ValidationError("\(name) names columns, and NPY vectors have none")
      }
    } else {
      if target == nil { throw ValidationError("give --target, the column to predict") }
      if labels != nil {
        throw ValidationError("--labels goes with NPY vectors, --target with tables")
      }
      if standardise == .none {
        throw ValidationError(
          "columns of a table are always standardised: --standardise none goes with NPY vectors")
      }
    }
    if wantsShapes, hasFixedPenalty || l1Ratio != 0 {
      throw ValidationError(
        "--shapes auto chooses its own penalty: leave --l1, --l2, --l1-ratio and --firth out, or "
          + "use --shapes none")
    }
    if firth, l1 != nil || l2 != nil || l1Ratio != 0 {
      throw ValidationError("--firth has its own penalty: leave --l1, --l2 and --l1-ratio out")
    }
    if hasFixedPenalty, l1Ratio != 0 {
      throw ValidationError("--l1-ratio is for a chosen λ: with --l1 and --l2 both parts are given")
    }
    if hasFixedPenalty, calibrate {
      throw ValidationError("--calibrate needs held-out rows: leave the penalty to be chosen")
    }
    for (name, value) in [("--l1", l1), ("--l2", l2)] {
      if let value, !(value.isFinite && value >= 0) {
        throw ValidationError("\(name) is \(value), expected a finite number, 0 or more")
      }
    }
    if firth, errors == .bootstrap {
      throw ValidationError("--firth has profile-likelihood intervals: leave --errors out")
    }
    if validation == .leaveOneOut { try validateLeaveOneOut() }
    guard l1Ratio >= 0, l1Ratio <= 1 else {
      throw ValidationError("--l1-ratio is \(l1Ratio), expected 0 to 1")
    }
  }

  private func validateLeaveOneOut() throws {
    func refuse(_ reason: String) -> ValidationError {
      ValidationError("--validation leave-one-out \(reason)")
    }
    if wantsShapes { throw refuse("goes with --shapes none: shapes are chosen by folds") }
    if hasFixedPenalty {
      throw refuse("chooses λ: leave --l1, --l2 and --firth out, or leave it out")
    }
    if l1Ratio != 0 || !increasing.isEmpty || !decreasing.isEmpty {
      throw refuse(
        "is for ridge: with L1, --increasing or --decreasing the choice of columns may hang on the "
          + "row left out, which one Newton step does not see; use --validation folds")
    }
    if group != nil {
      throw refuse(
        "would leave the other rows of a row's --group in training: use --validation folds")
    }
    if folds != nil { throw refuse("leaves each row out by itself: leave --folds out") }
  }

  func run() throws {
    var clock = PhaseClock()
    let rows = try LearnerRows(self)
    for line in rows.table?.lines ?? [] { say(line) }
    let reading = clock.lap()
    let learner = Learner(self, rows)
    let fitted = try learner.learn()
    let fitting = clock.lap()
    let outcome = try learner.describe(fitted)
    let describing = clock.lap()
    try OutputFile.write(
      try SealedFile.bytes(outcome.model).contents, to: URL(fileURLWithPath: model))
    let report = FitReport(
      self, rows, outcome,
      seconds: .init(
        reading: reading, fitting: fitting, describing: describing,
        writing: clock.lap()))
    if options.json { return try printJSON(report) }
    for line in report.lines { print(line) }
  }

  func say(_ line: String) {
    if !quiet { printToStandardError(line) }
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
