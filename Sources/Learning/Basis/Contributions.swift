/// A linear predictor taken apart by source feature and by pair of them, against a reference row:
///
///     contribution(term) = Σ_k β_k (z_k − reference_k) over the term's columns,
///     logit = reference logit + Σ contributions
///
/// Exact but for the rounding of the sums.
package struct Contributions: Sendable {
  /// What a contribution is of.
  package enum Term: Sendable, Hashable {
    case source(Int)
    /// Two source features together, beyond what each adds alone; the lower index first.
    case pair(Int, Int)
  }

  /// All sources in their order, then the pairs that have columns in theirs.
  package let terms: [Term]
  /// The term of each column.
  private let termOf: [Int]
  private let coefficients: [Double]
  private let reference: [Double]
  /// The logit of the reference row.
  package let referenceLogit: Double

  /// `coefficients`, `intercept`: of the design's standardised columns, pairs last. `reference`: a
  /// row of such columns, commonly the mean of a population. Throws `sizeMismatch`.
  package init(
    _ design: Design, coefficients: [Double], intercept: Double, reference: [Double]
  ) throws(LearningError) {
    guard coefficients.count == design.width else {
      throw .sizeMismatch(
        what: "coefficients", expected: design.width, got: coefficients.count)
    }
    guard reference.count == design.width else {
      throw .sizeMismatch(
        what: "reference values", expected: design.width, got: reference.count)
    }
    let pairs = design.pairs.map { pair in
      let (a, b) = (design.columns[pair.first].source, design.columns[pair.second].source)
      return a < b ? (a, b) : (b, a)
    }
    var places: [Term: Int] = [:]
    var terms = design.sources.indices.map { Term.source($0) }
    for (a, b) in pairs.sorted(by: { $0 < $1 }) where places[.pair(a, b)] == nil {
      places[.pair(a, b)] = terms.count
      terms.append(.pair(a, b))
    }
    self.terms = terms
    termOf = design.columns.map(\.source) + pairs.map { places[.pair($0.0, $0.1)] ?? 0 }
    self.coefficients = coefficients
    self.reference = reference
    referenceLogit = zip(coefficients, reference).reduce(intercept) { $0 + $1.0 * $1.1 }
  }

  /// The contribution of every term in one expanded row. O(columns).
  package func of(row z: [Double]) -> [Double] {
    precondition(z.count == coefficients.count)
    var result = [Double](repeating: 0, count: terms.count)
    for k in coefficients.indices {
      result[termOf[k]] += coefficients[k] * (z[k] - reference[k])
    }
    return result
  }
}
