import Foundation

/// Labels, weights and offsets in the order of the folds.
struct FoldedRows: Sendable {
  struct Stripe: Sendable {
    let fold: Int
    let range: Range<Int>
  }

  /// The row of the data that stands at each place.
  let order: [Int]
  let folds: [Range<Int>]
  let labels: [Double]
  let weights: [Double]?
  let offsets: [Double]?
  let stripes: [Stripe]
  private let foldWeights: [Double]

  var count: Int { order.count }

  /// Throws `sizeMismatch`, `badParameter`, `foldWithoutClass`.
  init(_ data: LogisticData, folds: [Int]) throws(LearningError) {
    let n = data.labels.count
    guard folds.count == n else {
      throw .sizeMismatch(what: "folds", expected: n, got: folds.count)
    }
    let count = (folds.max() ?? 0) + 1
    guard count >= 2, (folds.min() ?? 0) >= 0, count <= n else {
      throw .badParameter(name: "number of folds", value: Double(count), needed: "2 to \(n)")
    }
    var members = [[Int]](repeating: [], count: count)
    for row in 0..<n { members[folds[row]].append(row) }
    let order = Array(members.joined())
    var ranges: [Range<Int>] = []
    for fold in members {
      let start = ranges.last?.upperBound ?? 0
      ranges.append(start..<(start + fold.count))
    }
    self.order = order
    self.folds = ranges
    labels = order.map { data.labels[$0] }
    weights = data.weights.map { weights in order.map { weights[$0] } }
    offsets = data.offsets.map { offsets in order.map { offsets[$0] } }
    stripes = ranges.indices.flatMap { fold in
      StripedWork.bounds(of: ranges[fold].count, unit: 64, maximum: 16).map {
        Stripe(
          fold: fold,
          range: ($0.lowerBound + ranges[fold].lowerBound)..<($0.upperBound
            + ranges[fold].lowerBound))
      }
    }
    foldWeights = members.map { fold in
      fold.reduce(0) { $0 + (data.weights?[$1] ?? 1) }
    }
    let total = foldWeights.reduce(0, +)
    let positive = members.map { fold in
      fold.reduce(0) { $0 + data.labels[$1] * (data.weights?[$1] ?? 1) }
    }
    let positives = positive.reduce(0, +)
    for fold in members.indices {
      let rest = positives - positive[fold]
      let left = total - foldWeights[fold]
      guard rest > 0, rest < left else {
        throw .foldWithoutClass(
          fold: fold, label: rest > 0 ? 0 : 1, rows: n - members[fold].count)
      }
    }
  }

  /// Σ w of the rows that problem k learns from.
  func weight(without problem: Int) -> Double {
    var sum = 0.0
    for fold in foldWeights.indices where fold != problem { sum += foldWeights[fold] }
    return sum
  }

  /// The log odds of the rows that problem k learns from.
  func logOdds(without problem: Int) -> Double {
    var positive = 0.0
    for (fold, range) in folds.enumerated() where fold != problem {
      for i in range { positive += labels[i] * (weights?[i] ?? 1) }
    }
    return log(positive / (weight(without: problem) - positive))
  }

  /// Every row's predictor from the problem that has not seen it, in the order of the folds.
  func heldOut(_ predictors: [[Double]]) -> [Double] {
    folds.indices.flatMap { fold in folds[fold].map { predictors[fold][$0] } }
  }

  /// From the order of the folds back to that of the data.
  func unfolded(_ values: [Double]) -> [Double] {
    var result = values
    for (place, row) in order.enumerated() { result[row] = values[place] }
    return result
  }
}
