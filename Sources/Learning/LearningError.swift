/// What the learner refuses, with the numbers of both sides. Rows and columns count from 0.
///
/// No message holds a row's contents; `position` texts are places ("row 7, column 3"), never values
/// that identify a customer.
package enum LearningError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A column and those it is a linear combination of (with a constant); none: it is constant.
  package struct Alias: Equatable, Sendable {
    package let column: Int
    package let dependsOn: [Int]

    package init(column: Int, dependsOn: [Int]) {
      self.column = column
      self.dependsOn = dependsOn
    }
  }

  /// Two sizes that had to agree do not.
  case sizeMismatch(what: String, expected: Int, got: Int)
  /// Fewer rows than the work needs.
  case tooFewRows(rows: Int, needed: Int)
  /// Fewer groups of rows than the work needs.
  case tooFewGroups(groups: Int, needed: Int)
  /// All rows with weight carry the same label.
  case oneClass(label: Int, rows: Int)
  /// NaN or infinity in the design matrix.
  case nonFiniteInput(row: Int, column: Int)
  /// NaN or infinity in a vector (labels, weights, scores).
  case nonFinite(what: String, row: Int)
  /// A label outside [0, 1].
  case labelOutOfRange(row: Int, value: Double)
  /// A probability outside [0, 1].
  case probabilityOutOfRange(row: Int, value: Double)
  /// A weight below zero.
  case negativeWeight(row: Int, value: Double)
  /// Weights that sum to nothing.
  case noWeight(rows: Int)
  /// A parameter outside its range.
  case badParameter(name: String, value: Double, needed: String)
  /// A category code outside 0 ..< levels.
  case badLevel(row: Int, source: Int, value: Double, levels: Int)
  /// The iterations ended above the tolerance.
  case notConverged(iterations: Int, maxGradient: Double, tolerance: Double)
  /// Values that are finite, while their squares or sums are not.
  case tooLarge(column: Int)
  /// More columns than their Gram matrices have memory for.
  case tooManyColumns(columns: Int, bytes: Double, limit: Double)
  /// Columns that are linear combinations of others (or constant), and no penalty decides between
  /// them.
  case rankDeficient(aliases: [Alias], columns: Int)
  /// Without a penalty a combination of columns separates the classes: no finite optimum.
  case separated(column: Int, standardisedCoefficient: Double)
  /// Standard errors of a fit whose penalty selects columns.
  case noStandardErrors
  /// A fold that lacks one of the classes.
  case foldWithoutClass(fold: Int, label: Int, rows: Int)
  /// More bytes of memory than there are.
  case noRoom(what: String, bytes: Int, allowed: Int)
  /// A file that is not the NPY file it should be.
  case npy(path: String, problem: String)
  /// The operating system refused a file.
  case file(path: String, operation: String, reason: String)

  package var description: String { text { "column \($0) (counted from 0)" } }

  /// The message with columns by their names, where those are known. A column beyond them keeps its
  /// number.
  package func named(columns: [String]) -> String {
    text { columns.indices.contains($0) ? "column \"\(columns[$0])\"" : "column \($0)" }
  }

  private func text(_ name: (Int) -> String) -> String {
    switch self {
    case .sizeMismatch(let what, let expected, let got):
      "\(what): expected \(expected), got \(got)"
    case .tooFewRows(let rows, let needed):
      "too few rows: got \(rows), need at least \(needed)"
    case .tooFewGroups(let groups, let needed):
      "too few groups of rows: got \(groups), need at least \(needed)"
    case .oneClass(let label, let rows):
      "only one class: all \(rows) rows with weight have label \(label); both are needed"
    case .nonFiniteInput(let row, let column):
      "not a finite number in the matrix at row \(row) (counted from 0), \(name(column))"
    case .nonFinite(let what, let row):
      "\(what): not a finite number at row \(row) (counted from 0)"
    case .labelOutOfRange(let row, let value):
      "label at row \(row) (counted from 0) is \(value); labels lie between 0 and 1"
    case .probabilityOutOfRange(let row, let value):
      "probability at row \(row) (counted from 0) is \(value); probabilities lie between 0 and 1"
    case .negativeWeight(let row, let value):
      "weight at row \(row) (counted from 0) is \(value); weights are 0 or more"
    case .noWeight(let rows):
      "the weights of all \(rows) rows are 0; at least one must be positive"
    case .badParameter(let name, let value, let needed):
      "\(name) is \(value); it must be \(needed)"
    case .badLevel(let row, let source, let value, let levels):
      "categorical source \(source) has code \(value) at row \(row) (counted from 0); codes are "
        + "whole numbers from 0 to \(levels - 1), or NaN for missing"
    case .notConverged(let iterations, let maxGradient, let tolerance):
      "not converged: max |gradient| is \(maxGradient) after \(iterations) iterations, tolerance "
        + "\(tolerance); allow more iterations, a penalty, or a looser tolerance"
    case .tooLarge(let column):
      "\(name(column)) has values so large that their squares or sums are not finite (beyond about "
        + "1e150); divide it by a constant or drop it"
    case .tooManyColumns(let columns, let bytes, let limit):
      "\(columns) columns: their Gram matrices need \(Self.gigabytes(bytes)), the limit is "
        + "\(Self.gigabytes(limit)) (half of this machine's memory); drop columns"
    case .rankDeficient(let aliases, let columns):
      Self.listing(aliases, columns, name) + "; drop what repeats, or use a penalty above 0"
    case .separated(let column, let coefficient):
      "the classes can be separated without error: the standardised coefficient of \(name(column)) "
        + "reached \(coefficient) with almost no curvature left; use a penalty above 0"
    case .noStandardErrors:
      "standard errors do not hold for coefficients that an L1 penalty or a side of zero selects; "
        + "use the selection frequencies of a bootstrap, or a penalty without L1"
    case .foldWithoutClass(let fold, let label, let rows):
      "fold \(fold) leaves no training row with label \(label) (\(rows) rows in all); "
        + "use fewer folds or more rows"
    case .noRoom(let what, let bytes, let allowed):
      "\(what) would take \(bytes >> 20) MiB of memory, \(allowed >> 20) MiB are allowed: "
        + "take fewer rows or columns, or NPY of float64, which is read from the file"
    case .npy(let path, let problem):
      "\(path): \(problem)"
    case .file(let path, let operation, let reason):
      "\(path): cannot \(operation): \(reason)"
    }
  }

  /// At most five columns of either list, then how many more.
  private static func listing(
    _ aliases: [Alias], _ columns: Int, _ name: (Int) -> String
  ) -> String {
    func joined(_ texts: [String], _ separator: String) -> String {
      texts.prefix(5).joined(separator: separator)
        + (texts.count > 5 ? "\(separator)\(texts.count - 5) more" : "")
    }
    return "of \(columns) columns "
      + joined(
        aliases.map { alias in
          alias.dependsOn.isEmpty
            ? "\(name(alias.column)) is constant"
            : "\(name(alias.column)) is a linear combination of "
              + joined(alias.dependsOn.map(name), " and ")
        }, ", ")
  }

  private static func gigabytes(_ bytes: Double) -> String {
    "\((bytes / 1e8).rounded() / 10) GB"
  }

  /// The exit status of DESIGN 7: 3 where the data cannot carry a model, 65 for data that breaks
  /// its contract, 64 for a parameter, 66 and 73 for files.
  package var exitStatus: Int32 {
    switch self {
    case .tooFewRows, .tooFewGroups, .oneClass, .noWeight, .notConverged, .rankDeficient,
      .separated,
      .foldWithoutClass, .tooManyColumns:
      3
    case .sizeMismatch, .tooLarge, .noRoom, .nonFiniteInput, .nonFinite, .labelOutOfRange,
      .probabilityOutOfRange, .negativeWeight, .badLevel, .npy:
      65
    case .badParameter, .noStandardErrors: 64
    case .file(_, let operation, _): operation.hasPrefix("write") ? 73 : 66
    }
  }
}
