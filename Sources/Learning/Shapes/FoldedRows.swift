import Foundation

/// Labels, weights and offsets in the order of the folds.
struct FoldedRows: Sendable {
  /// A run of tiles of one fold, whose sums are made in one piece.
  struct Stripe: Sendable {
    let fold: Int
    /// Indices in `tiles`.
    let tiles: Range<Int>
  }

  /// Most rows in a tile: its columns stay in the second-level cache.
  static let tile = 128

  /// The row of the data that stands at each place.
  let order: [Int]
  let folds: [Range<Int>]
  let labels: [Double]
  let weights: [Double]?
  let offsets: [Double]?
  /// The rows of each tile; none has rows of two folds.
  let tiles: [Range<Int>]
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
    var tiles: [Range<Int>] = []
    var stripes: [Stripe] = []
    for (fold, range) in ranges.enumerated() {
      let first = tiles.count
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.tile) {
        tiles.append(start..<min(start + Self.tile, range.upperBound))
      }
      let most = max(2, 64 / count)
      for part in StripedWork.bounds(of: tiles.count - first, unit: 1, maximum: most) {
        stripes.append(
          Stripe(fold: fold, tiles: (part.lowerBound + first)..<(part.upperBound + first)))
      }
    }
    self.tiles = tiles
    self.stripes = stripes
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

/// What a pass makes of the rows of a tile.
extension FoldedRows {
  private typealias Lanes = SigmoidKernel.Lanes

  /// The losses and residuals of some rows, `eta` being their linear predictors less `plus` and their
  /// offsets. Writes each row's predictor into `predictors`, and w (p − y) in place of `eta`. Returns
  /// the sums of both. O(rows).
  func losses<Scalar: BlockScalar>(
    _ range: Range<Int>, from eta: UnsafeMutablePointer<Scalar>, plus intercept: Double,
    into predictors: UnsafeMutablePointer<Double>
  ) -> (loss: Double, residual: Double) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    var loss = Lanes(repeating: 0)
    var residual = Lanes(repeating: 0)
    for i in Swift.stride(from: 0, to: range.count, by: 2) {
      let row = range.lowerBound + i
      let isLast = i + 1 == range.count
      let next = isLast ? 0 : 1
      var value = Lanes(Double(eta[i]), Double(eta[i + next])) + intercept
      if let offsets { value += Lanes(offsets[row], offsets[row + next]) }
      let weight =
        weights.map { Lanes($0[row], isLast ? 0 : $0[row + 1]) } ?? Lanes(1, isLast ? 0 : 1)
      let sums = SigmoidKernel.rows(
        eta: value, label: Lanes(labels[row], labels[row + next]), weight: weight)
      loss += sums.loss
      residual += sums.residual
      predictors[i] = value[0]
      eta[i] = Scalar(sums.residual[0])
      guard !isLast else { break }
      predictors[i + 1] = value[1]
      eta[i + 1] = Scalar(sums.residual[1])
    }
    return (loss[0] + loss[1], residual[0] + residual[1])
  }

  /// √(w p (1 − p)) of some rows. O(rows).
  func rootCurvatures(_ range: Range<Int>, _ predictors: [Double]) -> [Float] {
    range.map { row in
      let p = SigmoidKernel.sigmoid(predictors[row])
      return Float(((weights?[row] ?? 1) * max(p * (1 - p), 1e-10)).squareRoot())
    }
  }
}
