import Detraction
import Learning

/// The file that `fit` writes and `predict` reads.
struct LearnerModel: Sealed {
  static let format = "tacit-learner"
  static let formatVersion = 1

  /// The columns of vectors from CSV or Parquet with the design made of them; nil for NPY, fitted as
  /// it stands.
  var columns: [VectorColumn]?
  var design: Design?
  var fit: LogisticFit
  /// The held-out losses by penalty, where cross-validation chose it.
  var validation: [L2CrossValidation.Point]?

  /// Reads a model and refuses one whose parts do not fit together.
  static func read(_ path: String) throws -> LearnerModel {
    let model = try SealedFile.read(LearnerModel.self, path: path).body
    func check(_ what: String, _ expected: Int, _ got: Int) throws {
      guard expected == got else {
        throw DetractionError.modelFile(
          "\(path): \(got) \(what), expected \(expected): the file was edited, restore it")
      }
    }
    if let design = model.design {
      try check("coefficients", design.columns.count, model.fit.coefficients.count)
      if let columns = model.columns {
        try check("columns of vectors", design.sources.count, columns.count)
      }
    }
    return model
  }

  /// Probability and logit of the rows `range` of vectors, in turn.
  func predict(_ x: Matrix, rows range: Range<Int>, threads: Int) throws(LearningError) -> [Double]
  {
    guard let design else { return try fit.predict(x, rows: range, threads: threads) }
    let part = range == 0..<x.rows ? x : x.selecting(rows: Array(range))
    let expanded = try design.expand(part, threads: threads)
    return try fit.predict(expanded, rows: 0..<expanded.rows, threads: threads)
  }
}
