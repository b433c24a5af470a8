/// What happened to scored rows: labels, weights, and which rows belong to one customer.
package struct Outcomes: Sendable {
  /// 0 or 1, one a row.
  let labels: [Double]
  /// 0 or more, one a row; all 1 if nil.
  let weights: [Double]?
  /// Numbers from 0, equal where rows are resampled together; each row for itself if nil.
  let clusters: [Int]?

  /// Clusters of rows with equal keys, such as hashes of a customer's name. Their numbers are the
  /// ranks of the keys, so that the order of rows does not matter. O(rows log rows).
  package static func clusters(of keys: [UInt64]) -> [Int] {
    let order = keys.indices.sorted { keys[$0] < keys[$1] }
    var result = [Int](repeating: 0, count: keys.count)
    var cluster = 0
    for (rank, row) in order.enumerated() {
      if rank > 0, keys[row] != keys[order[rank - 1]] { cluster += 1 }
      result[row] = cluster
    }
    return result
  }

  /// Throws `sizeMismatch`, `tooFewRows`, `nonFinite`, `labelOutOfRange`, `negativeWeight`,
  /// `oneClass`, and `badParameter` for a cluster below 0.
  package init(
    labels: [Double], weights: [Double]? = nil, clusters: [Int]? = nil
  ) throws(LearningError) {
    try Scored.check(labels, labels, weights: weights)
    if let clusters { try Scored.check(clusters: clusters, rows: labels.count) }
    self.labels = labels
    self.weights = weights
    self.clusters = clusters
  }
}

/// What was said of rows: by logit or by probability. Rows are ranked by the number as it was given,
/// since a logarithm may merge two scores into one.
package enum Forecast: Sendable {
  case logits([Double])
  case probabilities([Double])

  /// Probabilities of 0 and 1 count as this far from them in logits and log losses (as
  /// scikit-learn).
  static let leastProbability = 0x1p-52

  var scores: [Double] {
    switch self {
    case .logits(let values), .probabilities(let values): values
    }
  }

  func logit(_ row: Int) -> Double {
    switch self {
    case .logits(let values): return values[row]
    case .probabilities(let values):
      return logOdds(min(max(values[row], Self.leastProbability), 1 - Self.leastProbability))
    }
  }

  func probability(_ row: Int) -> Double {
    switch self {
    case .logits(let values): SigmoidKernel.sigmoid(values[row])
    case .probabilities(let values): values[row]
    }
  }

  /// Throws `sizeMismatch`, `nonFinite`, `probabilityOutOfRange`.
  func check(rows: Int) throws(LearningError) {
    guard scores.count == rows else {
      throw .sizeMismatch(what: "scores", expected: rows, got: scores.count)
    }
    for (row, score) in scores.enumerated() {
      guard score.isFinite else { throw .nonFinite(what: "scores", row: row) }
      if case .probabilities = self, !(0...1).contains(score) {
        throw .probabilityOutOfRange(row: row, value: score)
      }
    }
  }
}

/// Checks shared by everything that compares scores with labels.
enum Scored {
  static func check(clusters: [Int], rows: Int) throws(LearningError) {
    guard clusters.count == rows else {
      throw .sizeMismatch(what: "clusters", expected: rows, got: clusters.count)
    }
    if let bad = clusters.first(where: { $0 < 0 || $0 >= rows }) {
      throw .badParameter(
        name: "cluster", value: Double(bad), needed: "from 0, below the number of rows")
    }
  }

  static func check(
    _ scores: [Double], _ labels: [Double], weights: [Double]?
  ) throws(LearningError) {
    guard labels.count == scores.count else {
      throw .sizeMismatch(what: "labels", expected: scores.count, got: labels.count)
    }
    if let weights, weights.count != scores.count {
      throw .sizeMismatch(what: "weights", expected: scores.count, got: weights.count)
    }
    guard !scores.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    var seen = [0.0, 0.0]
    for row in scores.indices {
      guard scores[row].isFinite else { throw .nonFinite(what: "scores", row: row) }
      let label = labels[row]
      guard label == 0 || label == 1 else { throw .labelOutOfRange(row: row, value: label) }
      let weight = weights?[row] ?? 1
      guard weight.isFinite else { throw .nonFinite(what: "weights", row: row) }
      guard weight >= 0 else { throw .negativeWeight(row: row, value: weight) }
      seen[Int(label)] += weight
    }
    guard seen[0] > 0 else { throw .oneClass(label: 1, rows: scores.count) }
    guard seen[1] > 0 else { throw .oneClass(label: 0, rows: scores.count) }
  }
}
