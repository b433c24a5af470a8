import Foundation
package import Learning

/// Rows of one side, respondents or silent accounts, as the histories give them.
package struct ResponseRows: Sendable {
  /// Source features in columns, NaN missing. Nothing in it may come from the survey itself:
  /// invitations, reminders, how many were ignored.
  package let raw: Matrix
  /// A hash of each row's account: rows of one account share a fold, on both sides.
  package let customers: [UInt64]
  /// What the survey's mechanics say of each row (never asked, asked and ignored): strata, not
  /// features. Nil: one stratum.
  package let strata: [Int]?

  /// Throws `sizeMismatch`.
  package init(raw: Matrix, customers: [UInt64], strata: [Int]? = nil) throws(LearningError) {
    for (what, count) in [("customers", customers.count), ("strata", strata?.count ?? raw.rows)]
    where count != raw.rows {
      throw .sizeMismatch(what: what, expected: raw.rows, got: count)
    }
    self.raw = raw
    self.customers = customers
    self.strata = strata
  }

  func selecting(_ rows: [Int]) throws(LearningError) -> ResponseRows {
    try ResponseRows(raw: raw.selecting(rows: rows), customers: rows.map { customers[$0] })
  }
}

/// e(x), how likely a row is a respondent's, where both sides weigh alike: σ of a logistic fit with L2
/// penalty, chosen by grouped cross-validation (METHODS 1.3).
///
/// The sides weigh alike so that (1 − e)/e is the ratio of the two densities of x whatever the response
/// rate, and so that limits of e mean the same on every base (as `balance_classes` of balance's ipw).
package struct ResponsePropensity: Sendable, Codable, Equatable {
  package let design: Design
  package let fit: LogisticFit
  /// The 1 % point of the respondents' logits: a silent account below it has nobody like it who
  /// spoke.
  package let support: Double

  /// λ from weak to strong, half decades: the range of balance's ipw.
  static let lambdas = (0...10).map { pow(10, -5 + 0.5 * Double($0)) }
  static let folds: UInt64 = 10

  /// Fits on both sides. Beside it the out-of-fold logits, respondents first.
  /// Throws as `Design.init` and `crossValidate`. O(rows × columns²).
  static func fit(
    _ respondents: ResponseRows, _ silent: ResponseRows, sources: [DesignSource], threads: Int
  ) throws(LearningError) -> (propensity: ResponsePropensity, outOfFold: [Double]) {
    let (n, m) = (respondents.raw.rows, silent.raw.rows)
    guard n >= 2, m >= 2 else { throw .tooFewRows(rows: min(n, m), needed: 2) }
    let both = respondents.raw.followed(by: silent.raw)
    let labels = [Double](repeating: 1, count: n) + [Double](repeating: 0, count: m)
    let weights = labels.map { $0 == 1 ? 1 : Double(n) / Double(m) }
    let design = try Design(fitting: both, sources: sources, weights: weights, threads: threads)
    let data = try LogisticData(
      design.expand(both, threads: threads), labels: labels, weights: weights, threads: threads)
    let (validation, _) = try crossValidate(
      data, folds: (respondents.customers + silent.customers).map { Int($0 % folds) },
      lambdas: lambdas, parameters: LogisticParameters(penalty: .none, standardise: false))
    let fit = try fitLogistic(
      data, parameters: LogisticParameters(penalty: .l2(validation.chosen), standardise: false))
    let logits = try fit.linearPredictors(data.x, threads: threads)
    return (
      ResponsePropensity(
        design: design, fit: fit, support: Evaluation.quantile(logits.prefix(n).sorted(), 0.01)),
      validation.outOfFoldLogits
    )
  }

  /// Logits of e(x). Throws as `Design.expand`. O(rows × columns).
  package func logits(_ raw: Matrix, threads: Int) throws(LearningError) -> [Double] {
    try fit.linearPredictors(design.expand(raw, threads: threads), threads: threads)
  }

  /// Which rows lie outside the respondents' support. O(rows × columns).
  package func isOutside(_ raw: Matrix, threads: Int) throws(LearningError) -> [Bool] {
    try logits(raw, threads: threads).map { $0 < support }
  }
}

extension Matrix {
  /// The rows of both, row-major. O(rows × columns).
  func followed(by other: Matrix) -> Matrix {
    precondition(columns == other.columns)
    return Matrix(rows: rows + other.rows, columns: columns) { span in
      for row in 0..<rows {
        for column in 0..<columns { span[row * columns + column] = self[row, column] }
      }
      for row in 0..<other.rows {
        for column in 0..<columns {
          span[(rows + row) * columns + column] = other[row, column]
        }
      }
    }
  }
}
