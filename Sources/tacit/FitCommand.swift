import ArgumentParser
import Foundation
import Learning

/// `tacit fit`: the learner alone, on vectors made elsewhere.
struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Fit a logistic model on vectors made elsewhere.",
    discussion: """
      DATA is a NumPy file of rows × columns (float64 or float32, either order) with --labels.
      The objective is the mean log loss plus λ/2 times the squared coefficients; scikit-learn's C is \
      1 / (λ × number of rows). Without --l2, λ is chosen by five-fold cross-validation.
      """)

  enum Standardise: String, ExpressibleByArgument {
    case none, columns
  }

  @Argument(help: "The vectors: X.npy.")
  var data: String
  @Option(help: "The labels, 0 or 1, one a row: y.npy.")
  var labels: String
  @Option(
    help: "Whether the penalty falls on raw columns (none) or on standardised ones (columns).")
  var standardise = Standardise.columns
  @Option(help: "The penalty λ; chosen by cross-validation if not given.")
  var l2: Double?
  @Option(help: "Where to write the model.")
  var model: String
  @Option(help: "Threads to use; never changes a result. Default: all cores.")
  var threads = ProcessInfo.processInfo.activeProcessorCount
  @Flag(help: "Report as JSON.")
  var json = false

  func run() throws {
    try LearnerFailure.reported {
      var clock = PhaseClock()
      let table = try LearnerTable(vectors: data, labels: labels)
      clock.end("reading")
      let learned = try table.learn(
        l2: l2, standardise: standardise == .columns, threads: threads)
      clock.end("fitting")
      try learned.write(to: model)
      clock.end("writing")
      print(try FitReport(learned, clock.seconds).text(json: json))
    }
  }
}

/// What `fit` learns from: rows of numbers and a label each.
///
/// Other kinds of file become this same table.
struct LearnerTable {
  let x: Matrix
  let labels: [Double]

  init(vectors: String, labels: String) throws(LearningError) {
    x = try NPYFile.matrix(at: vectors)
    self.labels = try NPYFile.vector(at: labels)
  }

  /// Fits at the given λ, or at the one that five folds of every fifth row choose.
  func learn(l2: Double?, standardise: Bool, threads: Int) throws(LearningError) -> LearnerModel {
    var chosen = l2
    var validation: L2CrossValidation?
    var parameters = try LogisticParameters(
      l2: l2 ?? 0, standardise: standardise, threads: threads)
    if chosen == nil {
      let validated = try crossValidateL2(
        x, labels: labels, folds: (0..<x.rows).map { $0 % 5 }, parameters: parameters)
      validation = validated
      chosen = validated.chosen
    }
    parameters = try parameters.with(l2: chosen ?? 0)
    let fit = try fitLogistic(x, labels: labels, parameters: parameters)
    return LearnerModel(fit: fit, validation: validation?.points)
  }
}

/// The file `fit` writes and `predict` reads.
struct LearnerModel: Codable, Equatable {
  static let format = "tacit-learner"

  var format = Self.format
  var version = 1
  var fit: LogisticFit
  /// The cross-validation's held-out losses, if λ was chosen by one.
  var validation: [L2CrossValidation.Point]?

  init(fit: LogisticFit, validation: [L2CrossValidation.Point]?) {
    self.fit = fit
    self.validation = validation
  }

  init(readingFrom path: String) throws {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw LearnerFailure.modelMissing(path)
    }
    do {
      self = try JSONDecoder().decode(Self.self, from: bytes)
    } catch {
      throw LearnerFailure.modelUnreadable(path)
    }
    guard format == Self.format, version == 1 else {
      throw LearnerFailure.modelFormat(path, format: format, version: version)
    }
  }

  /// Whole or not at all.
  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    try AtomicFile.write(Array(try encoder.encode(self)) + [0x0A], to: path)
  }
}

/// What `fit` says at its end.
private struct FitReport: Encodable {
  let rows: Int
  let columns: Int
  let l2: Double
  let iterations: Int
  let objective: Double
  let max_gradient: Double
  let seconds: [String: Double]

  init(_ model: LearnerModel, _ seconds: [String: Double]) {
    rows = model.fit.rows
    columns = model.fit.coefficients.count
    l2 = model.fit.l2
    iterations = model.fit.iterations
    objective = model.fit.objective
    max_gradient = model.fit.maxGradient
    self.seconds = seconds
  }

  func text(json: Bool) throws -> String {
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
    return """
      \(rows) rows × \(columns) columns, λ = \(l2)
      objective \(objective), max |gradient| \(max_gradient), \(iterations) passes
      reading \(Self.rounded(seconds["reading"])) s, fitting \(Self.rounded(seconds["fitting"])) s, \
      writing \(Self.rounded(seconds["writing"])) s
      """
  }

  private static func rounded(_ seconds: Double?) -> Double {
    ((seconds ?? 0) * 1000).rounded() / 1000
  }
}

/// Seconds of each phase, one after another.
struct PhaseClock {
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant
  private(set) var seconds: [String: Double] = [:]

  init() { last = clock.now }

  /// Gives the time since the last call, or since the start, to a phase.
  mutating func end(_ phase: String) {
    let now = clock.now
    let (whole, atto) = (now - last).components
    seconds[phase] = Double(whole) + Double(atto) * 1e-18
    last = now
  }
}

/// What can go wrong around the learner, and the exit status of each.
enum LearnerFailure: Error, CustomStringConvertible {
  case modelMissing(String)
  case modelUnreadable(String)
  case modelFormat(String, format: String, version: Int)

  var description: String {
    switch self {
    case .modelMissing(let path): "\(path): cannot read the model"
    case .modelUnreadable(let path):
      "\(path): expected a model written by `tacit fit`, got something else or a damaged one"
    case .modelFormat(let path, let format, let version):
      "\(path): expected format \(LearnerModel.format) version 1, got \(format) version \(version)"
    }
  }

  /// Runs `body`; a failure becomes one line on stderr and an exit status.
  static func reported(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as LearningError {
      FileHandle.standardError.write(Data("tacit: \(error)\n".utf8))
      throw ExitCode(error.exitStatus)
    } catch let error as LearnerFailure {
      FileHandle.standardError.write(Data("tacit: \(error)\n".utf8))
      if case .modelMissing = error { throw ExitCode(66) }
      throw ExitCode(65)
    }
  }
}

extension LearningError {
  /// DESIGN 7: 3 insufficient, 64 usage, 65 data, 66 missing input, 74 output.
  fileprivate var exitStatus: Int32 {
    switch self {
    case .tooFewRows, .oneClass, .noWeight, .notConverged, .rankDeficient, .separated,
      .foldWithoutClass:
      3
    case .badParameter: 64
    case .file(_, "write", _): 74
    case .file: 66
    case .sizeMismatch, .nonFiniteInput, .nonFinite, .labelOutOfRange, .negativeWeight, .badLevel,
      .npy:
      65
    }
  }
}
