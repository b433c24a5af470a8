import Crypto
import Foundation
package import Histories
package import Learning

extension Trainer {
  /// Rows asked of the histories and expanded at a time, so that memory does not grow with a base.
  static let chunk = 8192

  func requireBothClasses(_ rows: [TrainingRow]) throws(DetractionError) {
    let detractors = rows.count { $0.isDetractor }
    let others = rows.count - detractors
    guard min(detractors, others) >= Self.minimumOfClass else {
      throw .insufficient(
        "training needs at least \(Self.minimumOfClass) detractors and \(Self.minimumOfClass) "
          + "non-detractors among those who gave two-sided feedback in the label windows; got "
          + "\(detractors) and \(others) as of \(asOf) (snapshots every \(training.everyDays) days, "
          + "\(training.count) of them): a later as-of date, more snapshots, or another "
          + "`detractor` rule may help; where such answers will never come, leave only signals with "
          + "`detractor = \"always\"` in [feedback], and `train` learns from complaints alone")
    }
  }

  func vectors(of rows: [TrainingRow], at snapshots: [Instant]) throws(DetractionError) -> Matrix {
    try base.matrix(
      schema, rows.map { VectorRow(account: Int32($0.account), asOf: snapshots[$0.snapshot]) },
      threads: threads)
  }

  /// Means, medians, band limits and bins over the silent population as of D; and all its logits,
  /// rising.
  func reference(of silent: SilentPopulation, _ fitted: Fitted) throws(DetractionError)
    -> (Model.Reference, logits: [Double])
  {
    var sample = SilentSpread(of: silent.accounts.count, features: schema.count)
    var logits: [Double] = []
    logits.reserveCapacity(silent.accounts.count)
    for start in Swift.stride(from: 0, to: silent.accounts.count, by: Self.chunk) {
      let accounts = silent.accounts[start..<min(start + Self.chunk, silent.accounts.count)]
      let raw = try base.matrix(
        schema, accounts.map { VectorRow(account: Int32($0), asOf: asOf) }, threads: threads)
      let x = try translating { try fitted.expand(raw, threads: threads) }
      logits += fitted.logits(x, threads: threads)
      sample.take(raw, x)
    }
    logits.sort()
    var typical: [Double?] = []
    var bins: [ReferenceBins] = []
    for (feature, values) in sample.columns.enumerated() {
      let present = values.filter { !$0.isNaN }.sorted()
      let mostHaveNone = present.count * 2 < values.count
      let isNumber = schema.features[feature].isNumber
      typical.append(isNumber && !mostHaveNone ? quantile(present, 0.5) : nil)
      bins.append(
        try translating {
          isNumber
            ? try ReferenceBins(of: values)
            : try ReferenceBins(of: values, levels: schema.levels[feature].count)
        })
    }
    let reference = Model.Reference(
      means: sample.means, typical: typical,
      bandLimits: [0.99, 0.95, 0.8].map { quantile(logits, $0) },
      logits: try translating { try ReferenceBins(of: logits) }, features: bins)
    return (reference, logits)
  }

  /// Made-up vectors inside the ranges the silent population has, with their logits: each takes,
  /// feature by feature, a decile chosen by a fixed rule, and leaves every seventh one missing.
  func golden(_ model: Model) throws(DetractionError) -> [Model.GoldenVector] {
    var vectors: [Model.GoldenVector] = []
    for index in 0..<5 {
      let values = schema.features.indices.map { feature -> Double? in
        if (feature + index) % 7 == 6 { return nil }
        if !schema.features[feature].isNumber {
          let levels = schema.levels[feature]
          return levels.isEmpty ? nil : Double((feature + index) % levels.count)
        }
        let deciles = model.reference.features[feature].cuts
        return deciles.isEmpty ? nil : deciles[(feature * 3 + index * 2) % deciles.count]
      }
      let logit = try model.logit(values)
      vectors.append(Model.GoldenVector(values: values, logit: logit))
    }
    return vectors
  }

  /// SHA-256 over what training saw: every account, snapshot, label and value, in row order.
  func dataDigest(_ raw: Matrix, _ rows: [TrainingRow]) -> String {
    var hasher = SHA256()
    for (index, row) in rows.enumerated() {
      hasher.update(data: Data(base.account(row.account).utf8))
      hasher.update(data: Data([0, row.isDetractor ? 1 : 0, UInt8(row.snapshot & 255)]))
      raw.row(index).withUnsafeBytes { hasher.update(bufferPointer: $0) }
    }
    return hexadecimal(hasher.finalize())
  }
}

/// Quantile of sorted values by linear interpolation (numpy's default, Hyndman and Fan's type 7).
func quantile(_ sorted: [Double], _ share: Double) -> Double {
  let place = share * Double(sorted.count - 1)
  let low = Int(place)
  let high = min(low + 1, sorted.count - 1)
  return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
}

extension HistoryBase {
  /// The vectors of `rows` as a matrix, NaN missing.
  func matrix(_ schema: FeatureSchema, _ rows: [VectorRow], threads: Int)
    throws(DetractionError) -> Matrix
  {
    try translating {
      try Matrix(
        rows: rows.count, columns: schema.count,
        elements: try vectors(schema, rows: rows, threads: threads))
    }
  }
}

extension FeatureSchema {
  /// What each feature is to the learner.
  package var designSources: [DesignSource] {
    features.indices.map {
      features[$0].isNumber ? .numeric : .categorical(levels: levels[$0].count)
    }
  }
}

extension FeatureSchema {
  /// Features that say how long ago something last happened.
  package var recency: [Int] {
    features.indices.filter { if case .daysSinceLast = features[$0] { true } else { false } }
  }
}

extension Feature {
  /// Whether its cells are numbers, not places in a list of levels.
  var isNumber: Bool {
    if case .categorical = self { false } else { true }
  }
}

/// The lower triangle of a symmetric matrix, row by row.
func lowerTriangle(_ matrix: Matrix) -> [Double] {
  (0..<matrix.rows).flatMap { row in (0...row).map { matrix[row, $0] } }
}
