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
  /// Which rows take part; sums are over them.
  let sample: RowSample

  /// How many rows take part.
  var rows: Int { sample.count(of: x.rows) }

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
    sample = .all
  }

  /// One block of rows in `every`, or nil where they are poor in one class: their optimum may lie far
  /// away. Nothing is copied.
  private init?(sampling data: LogisticData, every: Int, atLeast: Double) {
    sample = RowSample(every: every)
    (x, labels, weights, offsets) = (data.x, data.labels, data.weights, data.offsets)
    threads = data.threads
    var (sum, positive, positives) = (0.0, 0.0, 0.0)
    let count = sample.count(of: data.x.rows)
    for i in 0..<count {
      let row = sample.row(i)
      let weight = data.weights?[row] ?? 1
      sum += weight
      positive += weight * data.labels[row]
      positives += data.labels[row]
    }
    guard min(positives, Double(count) - positives) >= atLeast, positive > 0, positive < sum else {
      return nil
    }
    weightSum = sum
    positiveWeight = positive
  }

  /// The same rows, copied to lie together where that takes 32 MB at most: every pass after the first
  /// then finds them in cache.
  private func together() throws(LearningError) -> LogisticData {
    guard rows * x.columns <= 1 << 22 else { return self }
    func gathered(_ values: [Double]) -> [Double] { (0..<rows).map { values[sample.row($0)] } }
    return try LogisticData(
      Matrix(gathering: rows, from: x, threads: threads) { [sample] in sample.row($0) },
      labels: gathered(labels), weights: weights.map(gathered), offsets: offsets.map(gathered),
      threads: threads)
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
        scales: statistics?.units ?? [], penalty: parameters.penalty,
        objective: solution.objective, maxGradient: solution.maxGradient,
        iterations: solution.passes, weightSum: data.weightSum, rows: data.x.rows)
    }
  }

  /// Refuses what no solver could do: a penalty of another width, a Gram matrix beyond memory, more
  /// free columns than rows.
  private func check(_ parameters: LogisticParameters) throws(LearningError) {
    let p = x.columns
    let penalty = parameters.penalty
    for (what, count) in [
      ("penalty factors", penalty.factors?.count), ("signs", penalty.signs?.count),
    ] {
      guard count ?? p == p else {
        throw .sizeMismatch(what: what, expected: p, got: count ?? 0)
      }
    }
    try GramMemory.check(columns: p)
    let free = (0..<p).count { penalty.l1($0) == 0 && penalty.l2($0) == 0 }
    guard free > 0 else { return }
    let counted = weights.map { $0.count { $0 > 0 } } ?? x.rows
    guard counted > free else { throw .tooFewRows(rows: counted, needed: free + 1) }
  }

  /// The optimum, from a sample's where there is one.
  func solve(_ parameters: LogisticParameters) throws(LearningError) -> Solved {
    try check(parameters)
    let sampled = sampled(parameters)
    var statistics: ColumnStatistics?
    if sampled == nil || parameters.standardise {
      statistics = try ColumnStatistics(of: self)
    }
    let center = sampled?.objective.center ?? statistics?.means ?? []
    let scale = sampled?.objective.scale ?? statistics?.units ?? []
    let hasConstantColumn = statistics?.deviations.contains(0) ?? false
    if !parameters.standardise { statistics = nil }
    var solved = try solve(
      parameters, statistics: statistics, center: center, scale: scale,
      start: sampled?.solution.theta, isNear: sampled != nil, model: nil)
    solved.hasConstantColumn = hasConstantColumn
    return solved
  }

  /// Solves in given internal coordinates from a given start (the base rate if nil).
  func solve(
    _ parameters: LogisticParameters, statistics: ColumnStatistics?, center: [Double],
    scale: [Double], start: [Double]?, isNear: Bool = false, model: (any LocalModel)?
  ) throws(LearningError) -> Solved {
    let p = x.columns
    let unit = statistics?.units ?? [Double](repeating: 1, count: p)
    let objective = LogisticObjective(self, center: center, scale: scale)
    // One unit of θ_j is unit_j / scale_j penalised units.
    let ratio = (0..<p).map { unit[$0] / scale[$0] }
    let penalised = parameters.penalty.inCoordinates(ratio: [Double](repeating: 1, count: p))
    var null = [Double](repeating: 0, count: p + 1)
    null[p] = log(positiveWeight / (weightSum - positiveWeight))
    let solver = NewtonSolver(
      objective: objective, penalty: parameters.penalty.inCoordinates(ratio: ratio),
      tolerance: parameters.tolerance, maximumPasses: parameters.maximumIterations, null: null
    ) { theta, gradient in
      var largest = abs(gradient[p])
      for j in 0..<p {
        // From internal to penalised coordinates: their columns are (x − reference) / unit.
        let reference = statistics?.means[j] ?? 0
        let g = (scale[j] * gradient[j] + (center[j] - reference) * gradient[p]) / unit[j]
        largest = max(largest, abs(penalised.residual(j, at: theta[j] * ratio[j], gradient: g)))
      }
      return largest
    }
    let solution = try solver.minimise(from: start ?? null, isNear: isNear, model: model)
    return Solved(solution: solution, objective: objective, statistics: statistics)
  }

  /// The solution on an eighth to a thirty-second of the rows, taken by stride in blocks of 32, or
  /// nil where that is not worth it or does not go well. It ends within about √(p/m) of the full
  /// optimum.
  private func sampled(_ parameters: LogisticParameters) -> Solved? {
    let every = sample.every * max(8, min(32, rows / (500 * (x.columns + 1))))
    let count = RowSample(every: every).count(of: x.rows)
    guard count >= max(4096, 50 * (x.columns + 1)),
      let data = LogisticData(
        sampling: self, every: every, atLeast: Double(10 * (x.columns + 1))),
      let parameters = try? parameters.with(lambda: parameters.penalty.lambda, tolerance: 1e-4),
      let solved = try? data.together().solve(parameters), !solved.hasConstantColumn
    else { return nil }
    return solved
  }
}
