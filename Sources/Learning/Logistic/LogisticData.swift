import Foundation

/// Rows to fit on, checked once, here: rows × columns values, and a label, a weight and an offset a
/// row.
package struct LogisticData: Sendable {
  package let x: Matrix
  /// In [0, 1], commonly 0 or 1.
  package let labels: [Double]
  /// 0 or more, all 1 if nil; a weight of 2 is the row twice.
  package let weights: [Double]?
  /// What the linear predictor of each row starts from, all 0 if nil; no part of a fit's predictions.
  package let offsets: [Double]?
  package let weightSum: Double
  /// Σ w y.
  let positiveWeight: Double
  /// Never changes a result.
  package let threads: Int

  /// Throws `LearningError`: sizes, values, too few rows, one class. Values of `x` are checked by
  /// what is computed from them. O(rows).
  package init(
    _ x: Matrix, labels: [Double], weights: [Double]? = nil, offsets: [Double]? = nil,
    threads: Int = ProcessInfo.processInfo.activeProcessorCount
  ) throws(LearningError) {
    guard threads >= 1 else {
      throw .badParameter(name: "threads", value: Double(threads), needed: "1 or more")
    }
    guard x.rows >= 2 else { throw .tooFewRows(rows: x.rows, needed: 2) }
    guard labels.count == x.rows else {
      throw .sizeMismatch(what: "labels", expected: x.rows, got: labels.count)
    }
    for (row, y) in labels.enumerated() where !(y >= 0 && y <= 1) {
      guard y.isFinite else { throw .nonFinite(what: "labels", row: row) }
      throw .labelOutOfRange(row: row, value: y)
    }
    var sum = Double(x.rows)
    var positive = 0.0
    if let weights {
      guard weights.count == x.rows else {
        throw .sizeMismatch(what: "weights", expected: x.rows, got: weights.count)
      }
      sum = 0
      for (row, w) in weights.enumerated() {
        guard w.isFinite else { throw .nonFinite(what: "weights", row: row) }
        guard w >= 0 else { throw .negativeWeight(row: row, value: w) }
        sum += w
        positive += w * labels[row]
      }
      guard sum > 0 else { throw .noWeight(rows: x.rows) }
    } else {
      for y in labels { positive += y }
    }
    if let offsets {
      guard offsets.count == x.rows else {
        throw .sizeMismatch(what: "offsets", expected: x.rows, got: offsets.count)
      }
      for (row, offset) in offsets.enumerated() where !offset.isFinite {
        throw .nonFinite(what: "offsets", row: row)
      }
    }
    guard positive > 0 else { throw .oneClass(label: 0, rows: x.rows) }
    guard positive < sum else { throw .oneClass(label: 1, rows: x.rows) }
    self.x = x
    self.labels = labels
    self.weights = weights
    self.offsets = offsets
    self.weightSum = sum
    self.positiveWeight = positive
    self.threads = threads
  }

  /// The optimum, with what a later fit on like rows can start from.
  struct Solved: Sendable {
    var solution: NewtonSolver.Solution
    var objective: LogisticObjective
    /// Weighted mean and deviation; only where the penalty is on standardised coefficients.
    var statistics: ColumnStatistics?
    /// Whether a column did not vary in these rows: then its curvature here is no guide elsewhere.
    var hasConstantColumn = false

    func fit(_ data: LogisticData, _ parameters: LogisticParameters) -> LogisticFit {
      let (coefficients, intercept) = objective.raw(solution.theta)
      return LogisticFit(
        coefficients: coefficients, intercept: intercept, means: statistics?.means ?? [],
        scales: statistics?.deviations.map { $0 > 0 ? $0 : 1 } ?? [], penalty: parameters.penalty,
        objective: solution.value.loss, maxGradient: solution.maxGradient,
        iterations: solution.passes, weightSum: data.weightSum, rows: data.x.rows)
    }
  }

  /// The optimum, from a sample's where there is one.
  func solve(_ parameters: LogisticParameters) throws(LearningError) -> Solved {
    let sampled = sample(parameters)
    var statistics: ColumnStatistics?
    if sampled == nil || parameters.standardise {
      statistics = try ColumnStatistics(
        of: x, weights: weights, weightSum: weightSum, threads: threads)
    }
    let center = sampled?.objective.center ?? statistics?.means ?? []
    let scale =
      sampled?.objective.scale ?? statistics?.deviations.map { $0 > 0 ? $0 : 1 } ?? []
    let hasConstantColumn = statistics?.deviations.contains(0) ?? false
    if !parameters.standardise { statistics = nil }
    var solved = try solve(
      parameters, statistics: statistics, center: center, scale: scale,
      start: sampled?.solution.theta, isNear: sampled != nil, inverse: nil)
    solved.hasConstantColumn = hasConstantColumn
    return solved
  }

  /// Solves in given internal coordinates from a given start (the base rate if nil).
  func solve(
    _ parameters: LogisticParameters, statistics: ColumnStatistics?, center: [Double],
    scale: [Double], start: [Double]?, isNear: Bool = false, inverse: InverseHessian?
  ) throws(LearningError) -> Solved {
    let p = x.columns
    // One unit of θ_j is unit_j / scale_j penalised units.
    let unit = statistics?.deviations.map { $0 > 0 ? $0 : 1 } ?? [Double](repeating: 1, count: p)
    let penalty = (0..<p).map { j in
      parameters.penalty.l2(j) * (unit[j] / scale[j]) * (unit[j] / scale[j])
    }
    let objective = LogisticObjective(
      x: x, labels: labels, weights: weights, offsets: offsets, weightSum: weightSum,
      center: center, scale: scale, penalty: penalty, threads: threads)
    // Columns far from 0 against their spread lose digits to the algebra that centres them: there a
    // centred copy is solved instead.
    var solvable = objective
    if (0..<p).contains(where: { abs(center[$0]) > 1e4 * scale[$0] }) {
      solvable = LogisticObjective(
        x: x.standardised(center: center, scale: scale, threads: threads), labels: labels,
        weights: weights, offsets: offsets, weightSum: weightSum,
        center: [Double](repeating: 0, count: p),
        scale: [Double](repeating: 1, count: p), penalty: penalty, threads: threads)
    }
    let solver = NewtonSolver(
      objective: solvable, tolerance: parameters.tolerance,
      maximumPasses: parameters.maximumIterations
    ) { gradient in
      var largest = abs(gradient[p])
      for j in 0..<p {
        // From internal to penalised coordinates: their columns are (x − reference) / unit.
        let reference = statistics?.means[j] ?? 0
        let g = (scale[j] * gradient[j] + (center[j] - reference) * gradient[p]) / unit[j]
        largest = max(largest, abs(g))
      }
      return largest
    }
    var theta = start ?? [Double](repeating: 0, count: p + 1)
    if start == nil {
      let odds = positiveWeight / (weightSum - positiveWeight)
      theta[p] = log(odds)
    }
    let solution = try solver.minimise(from: theta, isNear: isNear, inverse: inverse)
    return Solved(solution: solution, objective: objective, statistics: statistics)
  }

  /// The solution on an eighth to a thirty-second of the rows, taken by stride in blocks of 32, or
  /// nil where that is not worth it or does not go well. It ends within about √(p/m) of the full
  /// optimum.
  private func sample(_ parameters: LogisticParameters) -> Solved? {
    let block = 32
    let p = x.columns
    let every = max(8, min(32, x.rows / (500 * (p + 1))))
    let blocks = x.rows / (block * every)
    let count = blocks * block
    guard count >= max(4096, 50 * (p + 1)) else { return nil }
    let rowOf: @Sendable (Int) -> Int = { $0 / block * (block * every) + $0 % block }
    let sampledLabels = (0..<count).map { labels[rowOf($0)] }
    let sampledWeights = weights.map { weights in (0..<count).map { weights[rowOf($0)] } }
    // A sample poor in one class says little: its optimum may lie far away.
    let positives = sampledLabels.reduce(0, +)
    guard min(positives, Double(count) - positives) >= Double(10 * (p + 1)) else { return nil }
    let sampledOffsets = offsets.map { offsets in (0..<count).map { offsets[rowOf($0)] } }
    let gathered = Matrix(gathering: count, from: x, threads: threads, row: rowOf)
    guard
      let parameters = try? parameters.with(lambda: parameters.penalty.lambda, tolerance: 1e-4),
      let data = try? LogisticData(
        gathered, labels: sampledLabels, weights: sampledWeights, offsets: sampledOffsets,
        threads: threads),
      let solved = try? data.solve(parameters),
      !solved.hasConstantColumn
    else { return nil }
    return solved
  }
}
