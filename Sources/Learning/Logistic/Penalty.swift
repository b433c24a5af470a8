/// What is added to the mean loss, and on which side of zero a coefficient may lie (METHODS 2.1):
///
///     λ Σ_j factor_j [(1 − a)/2 b_j² + a |b_j|],  sign_j b_j ≥ 0
///
/// over the coefficients b of the penalised columns (standardised ones if the fit standardises). The
/// intercept is free. As in glmnet: λ is `lambda`, a is `alpha`, factors are `penalty.factor` (not
/// rescaled); scikit-learn's C is 1 / (λ W) and its `l1_ratio` is a.
package struct Penalty: Sendable, Equatable, Codable {
  /// Where a coefficient may lie.
  package enum Sign: String, Sendable, Codable {
    case free, nonNegative, nonPositive
  }

  /// λ, at least 0.
  package let lambda: Double
  /// a: 0 for L2, 1 for L1, between them the elastic net.
  package let l1Ratio: Double
  /// A multiple of λ for each column, 0 leaves it unpenalised; nil: all 1.
  package let factors: [Double]?
  /// A side of zero for each column; nil: all free.
  package let signs: [Sign]?

  /// No penalty, all columns free.
  package static let none = Penalty(unchecked: 0, l1Ratio: 0, factors: nil, signs: nil)

  /// Throws `LearningError.badParameter`.
  package init(
    lambda: Double, l1Ratio: Double = 0, factors: [Double]? = nil, signs: [Sign]? = nil
  ) throws(LearningError) {
    guard lambda.isFinite, lambda >= 0 else {
      throw .badParameter(name: "lambda", value: lambda, needed: "a finite number, 0 or more")
    }
    guard l1Ratio >= 0, l1Ratio <= 1 else {
      throw .badParameter(name: "l1Ratio", value: l1Ratio, needed: "0 to 1")
    }
    for factor in factors ?? [] where !(factor.isFinite && factor >= 0) {
      throw .badParameter(
        name: "penalty factor", value: factor, needed: "a finite number, 0 or more")
    }
    self.init(unchecked: lambda, l1Ratio: l1Ratio, factors: factors, signs: signs)
  }

  /// The same with a λ known to be good.
  func unchecked(lambda: Double) -> Penalty {
    Penalty(unchecked: lambda, l1Ratio: l1Ratio, factors: factors, signs: signs)
  }

  private init(unchecked lambda: Double, l1Ratio: Double, factors: [Double]?, signs: [Sign]?) {
    self.lambda = lambda
    self.l1Ratio = l1Ratio
    self.factors = factors
    self.signs = signs
  }

  /// λ (1 − a)/2 b² on every column.
  package static func l2(_ lambda: Double) throws(LearningError) -> Penalty {
    try Penalty(lambda: lambda)
  }

  /// λ |b| on every column.
  package static func l1(_ lambda: Double) throws(LearningError) -> Penalty {
    try Penalty(lambda: lambda, l1Ratio: 1)
  }

  /// The same with another λ. Throws `LearningError.badParameter`.
  package func with(lambda: Double) throws(LearningError) -> Penalty {
    try Penalty(lambda: lambda, l1Ratio: l1Ratio, factors: factors, signs: signs)
  }

  /// λ a factor_j: what |b_j| costs.
  func l1(_ column: Int) -> Double { lambda * l1Ratio * (factors?[column] ?? 1) }

  /// λ (1 − a) factor_j: what b_j²/2 costs.
  func l2(_ column: Int) -> Double { lambda * (1 - l1Ratio) * (factors?[column] ?? 1) }

  /// The same in coordinates one unit of which is `ratio` penalised units, with a free intercept
  /// last.
  func inCoordinates(ratio: [Double]) -> CoordinatePenalty {
    let columns = ratio.indices
    func bounds(_ barred: Sign, _ open: Double) -> [Double] {
      columns.map { signs?[$0] == barred ? 0 : open } + [open]
    }
    return CoordinatePenalty(
      l1: columns.map { l1($0) * ratio[$0] } + [0],
      l2: columns.map { l2($0) * ratio[$0] * ratio[$0] } + [0],
      lower: bounds(.nonNegative, -.infinity), upper: bounds(.nonPositive, .infinity))
  }
}
