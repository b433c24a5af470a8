import Foundation
import Learning

/// What `evaluate` found, as its JSON has it; the text is made from it too.
struct EvaluationReport: Encodable {
  /// Shares of the rows whose gains are always shown.
  static let gains = [0.01, 0.05, 0.1, 0.2, 0.5]

  struct Estimate: Encodable {
    var value: Double?
    var low: Double?
    var high: Double?

    init(_ estimate: Evaluation.Estimate) {
      (value, low, high) = (estimate.value, estimate.low, estimate.high)
    }

    private enum Key: String, CodingKey { case value, low, high }

    /// What the data do not tell is null, not absent.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(value, forKey: .value)
      try container.encode(low, forKey: .low)
      try container.encode(high, forKey: .high)
    }
  }

  /// What calling the first rows finds.
  struct Call: Encodable {
    /// Sum of weights called: rows where they count alike.
    var k: Double
    var share: Double
    var precision, recall, lift: Estimate
  }

  /// One column of probabilities.
  struct Score: Encodable {
    var column: String
    /// By the names of `metrics`.
    var metrics: [String: Estimate]
    /// Root of reliability less what noise adds to it.
    var calibrationError: Estimate
    var nullFloor: NullFloor
    var calls: [Call]
    var gains: [Call]
    var bins: [CalibrationBin]
  }

  struct Difference: Encodable {
    var metric: String
    /// Sum of weights called, where the metric is of a call.
    var k: Double?
    var difference: Estimate
    /// The better column, or none where the interval holds 0 or neither end is better.
    var winner: String?
  }

  /// DeLong's test of the two ROC areas.
  struct AreaTest: Encodable { var z, p: Double }

  var rows: Int
  /// Sums of weights.
  var total, positives, baseRate: Double
  var group: String?
  /// Customers, where they are known.
  var groups: Int?
  var weight: String?
  var confidence = 0.95
  var replicates = 1000
  var scores: [Score]
  /// The first score less the second, on the same rows and resamplings.
  var differences: [Difference]?
  var areaTest: AreaTest?

  /// The metrics of whole rankings, in the order in which they are told.
  static let metrics: [(name: String, metric: Metric)] = [
    ("roc_auc", .rocArea), ("average_precision", .averagePrecision), ("log_loss", .logLoss),
    ("brier", .brier), ("reliability", .reliability), ("resolution", .resolution),
    ("uncertainty", .uncertainty), ("calibration_in_the_large", .inTheLarge),
    ("calibration_slope", .slope), ("calibration_intercept", .intercept), ("ece", .plugInError),
  ]

  init(
    _ evaluation: Evaluation, calls: [Cut], names: [String], group: String?, weight: String?,
    threads: Int
  ) {
    rows = evaluation.rows
    total = evaluation.total
    positives = evaluation.positives
    baseRate = positives / total
    self.group = group
    groups = group == nil ? nil : evaluation.units
    self.weight = weight
    func call(_ cut: Cut, of score: Int) -> Call {
      let (k, share) =
        switch cut {
        case .weight(let k): (k, k / evaluation.total)
        case .share(let share): (share * evaluation.total, share)
        }
      return Call(
        k: k, share: share,
        precision: Estimate(evaluation.estimate(.precision(cut), of: score)),
        recall: Estimate(evaluation.estimate(.recall(cut), of: score)),
        lift: Estimate(evaluation.estimate(.lift(cut), of: score)))
    }
    scores = names.enumerated().map { index, name in
      var root = Estimate(evaluation.estimate(.debiasedSquare, of: index))
      root.value = root.value.map { max($0, 0).squareRoot() }
      root.low = root.low.map { max($0, 0).squareRoot() }
      root.high = root.high.map { max($0, 0).squareRoot() }
      return Score(
        column: name,
        metrics: Dictionary(
          uniqueKeysWithValues: Self.metrics.map {
            ($0.name, Estimate(evaluation.estimate($0.metric, of: index)))
          }),
        calibrationError: root,
        nullFloor: evaluation.nullFloor(of: index, threads: threads),
        calls: calls.map { call($0, of: index) },
        gains: Self.gains.map { call(.share($0), of: index) },
        bins: evaluation.bins(of: index))
    }
    guard names.count == 2 else { return }
    let compared =
      Self.metrics.filter { $0.metric != .uncertainty }.map { ($0.name, nil, $0.metric) }
      + calls.flatMap { cut in
        let k = call(cut, of: 0).k
        return [
          ("precision", k, Metric.precision(cut)), ("recall", k, .recall(cut)),
          ("lift", k, .lift(cut)),
        ]
      }
    differences = compared.map { name, k, metric in
      let difference = evaluation.difference(metric)
      return Difference(
        metric: name, k: k, difference: Estimate(difference),
        winner: Self.winner(difference, metric).map { names[$0] })
    }
    areaTest = evaluation.areaDifference.map { AreaTest(z: $0.z, p: $0.p) }
  }

  /// The better forecast's place, where the interval leaves no doubt.
  private static func winner(_ difference: Evaluation.Estimate, _ metric: Metric) -> Int? {
    guard metric.direction != 0, let low = difference.low, let high = difference.high else {
      return nil
    }
    if low > 0 { return metric.direction > 0 ? 0 : 1 }
    if high < 0 { return metric.direction > 0 ? 1 : 0 }
    return nil
  }
}
