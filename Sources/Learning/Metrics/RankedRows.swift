/// One forecast's rows from the highest score down, with what every metric needs of them, so that one
/// walk over them measures eight replicates.
struct RankedRows: Sendable {
  struct Row: Sendable {
    var weight: Double
    var probability: Double
    var logit: Double
    /// softplus(logit) − y logit.
    var loss: Double
    /// The probability on the calibration line, 0 where there is none.
    var onLine: Double
    /// What is resampled together.
    var unit: Int32
    var isPositive: Bool
    /// The last of the rows of its score.
    var endsScore: Bool
    /// The last of the rows of its calibration bin.
    var endsBin: Bool
  }

  private(set) var rows: [Row] = []
  /// Sum of weights.
  let total: Double
  /// Sum of weights of positive rows.
  let positives: Double
  /// Nil where the logits are all equal or tell the classes apart without error.
  let line: CalibrationLine?

  /// Bins of equal weight, cut between scores only.
  static let bins = 15

  /// `order`: rows with weight by falling score; `unit`: of each row. O(rows).
  init(_ forecast: Forecast, _ outcomes: Outcomes, order: [Int], unit: [Int32]) {
    let scores = forecast.scores
    let labels = outcomes.labels
    rows.reserveCapacity(order.count)
    var total = 0.0
    var positives = 0.0
    for (rank, row) in order.enumerated() {
      let weight = outcomes.weights?[row] ?? 1
      let logit = forecast.logit(row)
      rows.append(
        Row(
          weight: weight, probability: forecast.probability(row), logit: logit,
          loss: SigmoidKernel.softplus(logit) - labels[row] * logit, onLine: 0, unit: unit[row],
          isPositive: labels[row] == 1,
          endsScore: rank + 1 == order.count || scores[order[rank + 1]] != scores[row],
          endsBin: false))
      total += weight
      positives += weight * labels[row]
    }
    self.total = total
    self.positives = positives
    line = try? CalibrationLine(
      logits: rows.map(\.logit), labels: rows.map { $0.isPositive ? 1 : 0 },
      weights: rows.map(\.weight))
    if let line {
      for k in rows.indices {
        rows[k].onLine = SigmoidKernel.sigmoid(line.intercept + line.slope * rows[k].logit)
      }
    }
    markBins()
  }

  /// A score's rows go to the bin in which the middle of their weight falls; few scores are a bin
  /// each.
  private mutating func markBins() {
    let eachOwn = rows.count { $0.endsScore } <= Self.bins
    var before = 0.0
    var tied = 0.0
    var bin = -1
    var lastEnd: Int?
    for k in rows.indices {
      tied += rows[k].weight
      guard rows[k].endsScore else { continue }
      let middle = (before + tied / 2) / total * Double(Self.bins)
      let next = eachOwn ? bin + 1 : min(Int(middle), Self.bins - 1)
      if next != bin, let end = lastEnd { rows[end].endsBin = true }
      bin = next
      lastEnd = k
      before += tied
      tied = 0
    }
    rows[rows.count - 1].endsBin = true
  }
}
