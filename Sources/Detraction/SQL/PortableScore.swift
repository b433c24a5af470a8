package import Learning

/// A model's logit over the columns of a table, as other programs can compute it:
///
///     logit = intercept + Σ_k coefficients_k · design column_k
///
/// (its columns, then its pairs). Printed by `ScoreSQL` and `ONNXFile`, each exhaustive over `Basis`.
package struct PortableScore: Sendable {
  /// The sources of the design; without one, the columns themselves.
  package let sources: [VectorColumn]
  /// Whether the columns have names of their own: those of NPY vectors do not.
  package let isNamed: Bool
  /// Nil where the coefficients are of the raw columns.
  package let design: Design?
  package let coefficients: [Double]
  package let intercept: Double
  /// From the logit to the probability.
  package let calibration: ScoreCalibration

  /// `columns`: nil for NPY vectors, whose columns are then called x0, x1 …
  package init(
    columns: [VectorColumn]?, design: Design?, fit: LogisticFit,
    calibration: ScoreCalibration = .none
  ) {
    let width = design?.sources.count ?? fit.coefficients.count
    sources = columns ?? (0..<width).map { VectorColumn(name: "x\($0)", levels: nil) }
    isNamed = columns != nil
    self.design = design
    coefficients = fit.coefficients
    intercept = fit.intercept
    self.calibration = calibration
  }

  /// The outputs of what is printed; throws `modelFile` where a column has the name of one.
  package static let outputs = ["logit", "probability"]

  package func checkNames(_ path: String) throws(DetractionError) {
    for source in sources where Self.outputs.contains(source.name) {
      throw .modelFile(
        "\(path): the model has a column \"\(source.name)\", and so is an output called: rename the "
          + "column and fit anew")
    }
  }
}
