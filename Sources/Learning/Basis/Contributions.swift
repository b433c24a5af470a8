/// A linear predictor taken apart by source feature, against a reference row:
///
///     contribution(source) = Σ_k β_k (z_k − reference_k) over the source's columns,
///     logit = reference logit + Σ contributions
///
/// Exact but for the rounding of the sums.
package struct Contributions: Sendable {
  private let sources: [Int]
  private let sourceCount: Int
  private let coefficients: [Double]
  private let reference: [Double]
  /// The logit of the reference row.
  package let referenceLogit: Double

  /// `coefficients`, `intercept`: of the design's standardised columns. `reference`: a row of such
  /// columns, commonly the mean of a population. Throws `sizeMismatch`.
  package init(
    _ design: Design, coefficients: [Double], intercept: Double, reference: [Double]
  ) throws(LearningError) {
    guard coefficients.count == design.columns.count else {
      throw .sizeMismatch(
        what: "coefficients", expected: design.columns.count, got: coefficients.count)
    }
    guard reference.count == design.columns.count else {
      throw .sizeMismatch(
        what: "reference values", expected: design.columns.count, got: reference.count)
    }
    sources = design.columns.map(\.source)
    sourceCount = design.sources.count
    self.coefficients = coefficients
    self.reference = reference
    referenceLogit = zip(coefficients, reference).reduce(intercept) { $0 + $1.0 * $1.1 }
  }

  /// The contribution of every source in one expanded row. O(columns).
  package func of(row z: [Double]) -> [Double] {
    precondition(z.count == coefficients.count)
    var result = [Double](repeating: 0, count: sourceCount)
    for k in coefficients.indices {
      result[sources[k]] += coefficients[k] * (z[k] - reference[k])
    }
    return result
  }

  /// The contributions of every expanded row: rows × sources. Throws `sizeMismatch`.
  /// O(rows × columns).
  package func of(_ z: Matrix, threads: Int = 1) throws(LearningError) -> Matrix {
    guard z.columns == coefficients.count else {
      throw .sizeMismatch(
        what: "columns of the expanded rows", expected: coefficients.count, got: z.columns)
    }
    let storage = MatrixStorage(zeros: z.rows * sourceCount)
    let stripes = StripedWork.bounds(of: z.rows, unit: 256)
    StripedWork.run(stripes: stripes.count, threads: threads) { stripe in
      let target = storage.mutableValues
      for row in stripes[stripe] {
        for k in coefficients.indices {
          target[row * sourceCount + sources[k]] += coefficients[k] * (z[row, k] - reference[k])
        }
      }
    }
    return Matrix(rows: z.rows, columns: sourceCount, order: .rowMajor, storage: storage)
  }
}

extension Matrix {
  /// The mean of every column. O(rows × columns).
  package func columnMeans() -> [Double] {
    guard rows > 0 else { return [Double](repeating: 0, count: columns) }
    return (0..<columns).map { j in
      var sum = 0.0
      for i in 0..<rows { sum += self[i, j] }
      return sum / Double(rows)
    }
  }
}
