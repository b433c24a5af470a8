import Detraction
import Foundation
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
  var validation: [CrossValidation.Point]?
  /// The fits on all rows at every penalty tried, raw columns; where nothing else was chosen.
  var path: Path?
  /// What was tried of shapes and pairs, and what it paid.
  var trials: [ShapedFit.Trial]?
  /// How well rows were predicted by fits that had not seen them.
  var heldOut: HeldOut?
  /// From the logit to the probability.
  var calibration = ScoreCalibration.none
  /// The weighted share of label 1 in training.
  var prevalence: Double?
  /// Of the coefficients and the intercept, for intervals of scores: that of the report's errors.
  var covariance: ParameterCovariance?

  struct Path: Codable, Sendable {
    var lambdas: [Double]
    /// A list a λ.
    var coefficients: [[Double]]
    var intercepts: [Double]

    init(_ path: PathFit) {
      lambdas = path.lambdas
      coefficients = path.fits.map(\.coefficients)
      intercepts = path.fits.map(\.intercept)
    }
  }

  struct HeldOut: Codable, Sendable {
    var folds: Int
    var auc, aucLow, aucHigh: Double
    /// `nullLogLoss`: of the base rate; `calibratedLogLoss`: after the best slope (0 or more) and
    /// intercept.
    var logLoss, calibratedLogLoss, nullLogLoss, brier: Double
    /// Of the uncalibrated logits: slope below 1 says that they are too extreme.
    var calibrationSlope, calibrationIntercept: Double

    init(
      logits: [Double], labels: [Double], weights: [Double]?, groups: [Int]?, folds: [Int],
      threads: Int
    ) throws(LearningError) {
      self.folds = (folds.max() ?? 0) + 1
      let metrics = try ProbabilityMetrics(logits: logits, labels: labels, weights: weights)
      logLoss = metrics.logLoss
      brier = metrics.brier
      let total = weights?.reduce(0, +) ?? Double(labels.count)
      let base = labels.indices.reduce(0) { $0 + (weights?[$1] ?? 1) * labels[$1] } / total
      nullLogLoss = -(base * log(base) + (1 - base) * log1p(-base))
      let line = try CalibrationLine(logits: logits, labels: labels, weights: weights)
      // Turned round, a model would profit from being wrong: then the base rate is the best of it.
      calibratedLogLoss =
        line.slope <= 0
        ? nullLogLoss
        : try ProbabilityMetrics(
          logits: logits.map { line.intercept + line.slope * $0 }, labels: labels, weights: weights
        ).logLoss
      calibrationSlope = line.slope
      calibrationIntercept = line.intercept
      if weights == nil, groups == nil {
        let roc = try RocArea(scores: logits, labels: labels)
        auc = roc.area
        (aucLow, aucHigh) = roc.interval
      } else {
        let evaluation = try Evaluation(
          [.logits(logits)], Outcomes(labels: labels, weights: weights, clusters: groups),
          replicates: 200, threads: threads)
        let area = evaluation.estimate(.rocArea)
        auc = area.value ?? 0.5
        aucLow = area.low ?? auc
        aucHigh = area.high ?? auc
      }
    }
  }

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
      try check("coefficients", design.width, model.fit.coefficients.count)
      if let columns = model.columns {
        try check("columns of vectors", design.sources.count, columns.count)
      }
    }
    if let covariance = model.covariance {
      try check("columns of the covariance", model.fit.coefficients.count, covariance.columns)
    }
    return model
  }

  /// Probability and logit of the rows `range` of vectors, in turn. `shift` is added to the
  /// calibrated logit before it becomes the probability (`ScoreCalibration.priorShift`).
  ///
  /// With a covariance five values a row: probability, logit, the ends of the probability's 95 %
  /// interval and the logit's standard error. The ends are those of logit ± 1.96 errors (METHODS 2.7),
  /// made probabilities as the logit itself is. O(rows × columns²) then.
  func predict(
    _ x: Matrix, rows range: Range<Int>, shift: Double = 0,
    covariance: ParameterCovariance? = nil, threads: Int
  ) throws(LearningError) -> [Double] {
    var (x, range) = (x, range)
    if let design {
      let part = range == 0..<x.rows ? x : x.selecting(rows: Array(range))
      x = try design.expand(part, threads: threads)
      range = 0..<x.rows
    }
    var pairs = try fit.predict(x, rows: range, threads: threads)
    func probability(_ logit: Double) -> Double {
      LogisticFit.probability(logit: calibration.calibrated(logit: logit) + shift)
    }
    if calibration != .none || shift != 0 {
      for row in 0..<range.count { pairs[2 * row] = probability(pairs[2 * row + 1]) }
    }
    guard let covariance else { return pairs }
    let variances = try covariance.variances(of: x, rows: range, threads: threads)
    var results: [Double] = []
    results.reserveCapacity(5 * range.count)
    for row in 0..<range.count {
      let error = max(variances[row], 0).squareRoot()
      let logit = pairs[2 * row + 1]
      results.append(pairs[2 * row])
      results.append(logit)
      results.append(probability(logit - Normal.twoSided95 * error))
      results.append(probability(logit + Normal.twoSided95 * error))
      results.append(error)
    }
    return results
  }
}
