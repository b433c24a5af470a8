/// What calling the k highest scores finds.
///
/// Scores tied at the cut share it: the expectation under a random order among them (METHODS 4.1).
/// With weights, k and all counts are sums of weights.
package struct TopK: Sendable, Equatable {
  package let k: Double
  package let truePositives: Double
  /// truePositives / k.
  package let precision: Double
  /// truePositives / all positives.
  package let recall: Double
  /// precision / share of positives among all.
  package let lift: Double

  /// `k` above 0 and at most the sum of weights. Throws as `RocArea`, and `badParameter`.
  /// O(n log n).
  package init(
    k: Double, scores: [Double], labels: [Double], weights: [Double]? = nil
  ) throws(LearningError) {
    try Scored.check(scores, labels, weights: weights)
    let groups = ScoreGroup.descending(scores, labels, weights)
    let total = groups.reduce(0) { $0 + $1.weight }
    let positives = groups.reduce(0) { $0 + $1.positive }
    guard k > 0, k <= total else {
      throw .badParameter(name: "k", value: k, needed: "above 0, at most \(total)")
    }
    var above = 0.0
    var found = 0.0
    for group in groups where above < k {
      let part = min(1, (k - above) / group.weight)
      found += part * group.positive
      above += part * group.weight
    }
    self.k = k
    truePositives = found
    precision = found / k
    recall = found / positives
    lift = precision / (positives / total)
  }
}

/// Rows of one score: their weight, and the weight of the positives among them.
private struct ScoreGroup {
  var weight: Double
  var positive: Double

  /// From the highest score down, rows without weight left out.
  static func descending(
    _ scores: [Double], _ labels: [Double], _ weights: [Double]?
  ) -> [ScoreGroup] {
    let order = scores.indices.filter { (weights?[$0] ?? 1) > 0 }
      .sorted { (scores[$1], $0) < (scores[$0], $1) }
    var groups: [ScoreGroup] = []
    var last: Double?
    for row in order {
      let weight = weights?[row] ?? 1
      if scores[row] != last { groups.append(ScoreGroup(weight: 0, positive: 0)) }
      groups[groups.count - 1].weight += weight
      groups[groups.count - 1].positive += weight * labels[row]
      last = scores[row]
    }
    return groups
  }
}
