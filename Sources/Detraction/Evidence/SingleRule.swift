import Histories
import Learning

/// Ranking by one numeric feature: more is worse, or less is, and those without it first or last.
struct SingleRule: Sendable {
  /// Its place in the schema.
  var feature: Int
  var name: String
  /// ROC area on the rows it was chosen on.
  var area: Double
  private var sign: Double
  private var missing: Double

  private static let most = Double.greatestFiniteMagnitude

  /// Higher is called first.
  func score(_ value: Double) -> Double { value.isNaN ? missing : sign * value }

  /// The one of `raw`'s numeric columns that tells the labels best; equal areas go to the first.
  /// Nil without one. O(columns × rows log rows).
  init?(_ raw: Matrix, schema: FeatureSchema, labels: [Double], threads: Int) {
    let found = StripedWork.map(stripes: schema.count, threads: threads) { feature in
      schema.features[feature].isNumber
        ? Self.best(raw.column(feature), labels, feature, schema.names[feature]) : nil
    }.compactMap { $0 }
    guard var best = found.first else { return nil }
    for rule in found where rule.area > best.area { best = rule }
    self = best
  }

  private init(feature: Int, name: String, area: Double, sign: Double, missing: Double) {
    self.feature = feature
    self.name = name
    self.area = area
    self.sign = sign
    self.missing = missing
  }

  private static func best(
    _ values: [Double], _ labels: [Double], _ feature: Int, _ name: String
  ) -> SingleRule? {
    var best: SingleRule?
    for missing in values.contains(where: \.isNaN) ? [-most, most] : [-most] {
      let placed = values.map { $0.isNaN ? missing : $0 }
      guard let area = try? RocArea(scores: placed, labels: labels).area else { continue }
      let rule =
        area >= 0.5
        ? SingleRule(feature: feature, name: name, area: area, sign: 1, missing: missing)
        : SingleRule(feature: feature, name: name, area: 1 - area, sign: -1, missing: -missing)
      if rule.area > best?.area ?? 0 { best = rule }
    }
    return best
  }
}

extension Backtest {
  /// Training rows to judge single features by: of either label at most
  /// `BacktestRule.mostRowsOfClass`, every so-manieth, in their order.
  func judged(_ rows: [TrainingRow]) -> [TrainingRow] {
    [true, false].flatMap { label -> [Int] in
      let all = rows.indices.filter { rows[$0].isDetractor == label }
      let count = min(BacktestRule.mostRowsOfClass, all.count)
      return (0..<count).map { all[$0 * all.count / count] }
    }.sorted().map { rows[$0] }
  }

  /// The best single feature, chosen on training rows only.
  func bestFeature(_ trained: TrainingRows, schema: FeatureSchema)
    throws(DetractionError) -> SingleRule?
  {
    let rows = judged(trained.rows)
    let raw = try base.matrix(
      schema,
      rows.map { VectorRow(account: Int32($0.account), asOf: trained.snapshots[$0.snapshot]) },
      threads: threads)
    return SingleRule(
      raw, schema: schema, labels: rows.map { $0.isDetractor ? 1 : 0 }, threads: threads)
  }
}
