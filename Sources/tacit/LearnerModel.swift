import Detraction
import Learning

/// The file that `fit` writes and `predict` reads.
struct LearnerModel: Sealed {
  static let format = "tacit-learner"
  static let formatVersion = 1

  /// The columns of CSV vectors with the design made of them; nil for NPY, fitted as it stands.
  var columns: [LearnerTable.Column]?
  var design: Design?
  var fit: LogisticFit
  /// The held-out losses by penalty, where cross-validation chose it.
  var validation: [L2CrossValidation.Point]?

  func logits(_ table: LearnerTable, threads: Int) throws -> [Double] {
    let x = try design?.expand(table.x, threads: threads) ?? table.x
    return try fit.linearPredictors(x, threads: threads)
  }
}
