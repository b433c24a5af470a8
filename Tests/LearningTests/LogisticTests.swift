import Foundation
import Learning
import TestSupport
import Testing

@Suite struct LogisticTests {
  private func parameters(
    _ l2: Double, standardise: Bool = false, tolerance: Double = 1e-10
  ) throws -> LogisticParameters {
    try LogisticParameters(
      penalty: .l2(l2), standardise: standardise, tolerance: tolerance)
  }

  /// F by its definition, with Foundation's functions and none of ours.
  private func objective(
    _ x: Matrix, _ y: [Double], _ w: [Double], _ l2: Double, _ b: [Double], _ intercept: Double,
    unit: [Double]? = nil
  ) -> Double {
    var loss = 0.0
    for i in 0..<x.rows {
      let eta = (0..<x.columns).reduce(intercept) { $0 + x[i, $1] * b[$1] }
      loss += w[i] * (max(eta, 0) + log1p(exp(-abs(eta))) - y[i] * eta)
    }
    let square = b.indices.reduce(0) { $0 + pow(b[$1] * (unit?[$1] ?? 1), 2) }
    return loss / w.reduce(0, +) + l2 / 2 * square
  }

  @Test(arguments: [false, true]) func gradientVanishesByFiniteDifferences(_ standardise: Bool)
    throws
  {
    let problem = try Problem(rows: 700, columns: 5)
    let l2 = 0.01
    let fit = try fitLogistic(
      LogisticData(problem.x, labels: problem.labels, weights: problem.weights),
      parameters: parameters(l2, standardise: standardise))
    func f(_ b: [Double], _ c: Double) -> Double {
      objective(
        problem.x, problem.labels, problem.weights, l2, b, c,
        unit: standardise ? fit.scales : nil)
    }
    #expect(abs(f(fit.coefficients, fit.intercept) - fit.objective) < 1e-14)
    let step = 1e-5
    for j in 0..<5 {
      var up = fit.coefficients
      var down = fit.coefficients
      up[j] += step
      down[j] -= step
      let slope = (f(up, fit.intercept) - f(down, fit.intercept)) / (2 * step)
      #expect(abs(slope) < 1e-8)
      #expect(f(up, fit.intercept) > fit.objective && f(down, fit.intercept) > fit.objective)
    }
  }

  @Test func standardisingOurselvesIsStandardising() throws {
    let problem = try Problem(rows: 900, columns: 4)
    let inside = try fitLogistic(
      LogisticData(problem.x, labels: problem.labels, weights: problem.weights),
      parameters: parameters(0.02, standardise: true))
    let z = try matrix(
      (0..<900).map { i in
        (0..<4).map { (problem.x[i, $0] - inside.means[$0]) / inside.scales[$0] }
      })
    let outside = try fitLogistic(
      LogisticData(z, labels: problem.labels, weights: problem.weights),
      parameters: parameters(0.02))
    let mapped = (0..<4).map { inside.coefficients[$0] * inside.scales[$0] }
    #expect(distance(mapped, outside.coefficients) < 1e-8)
    #expect(abs(inside.objective - outside.objective) < 1e-13)
  }

  @Test func weightTwoIsTheRowTwice() throws {
    let problem = try Problem(rows: 400, columns: 4)
    let weights = (0..<400).map { $0 % 3 == 0 ? 2.0 : $0 % 7 == 1 ? 0 : 1 }
    let repeated = (0..<400).flatMap { [Int](repeating: $0, count: Int(weights[$0])) }
    let weighted = try fitLogistic(
      LogisticData(problem.x, labels: problem.labels, weights: weights),
      parameters: parameters(0.01, standardise: true))
    let twice = try fitLogistic(
      LogisticData(
        problem.x.selecting(rows: repeated), labels: repeated.map { problem.labels[$0] }),
      parameters: parameters(0.01, standardise: true))
    #expect(distance(weighted.coefficients, twice.coefficients) < 1e-8)
    #expect(abs(weighted.objective - twice.objective) < 1e-13)
    #expect(weighted.weightSum == twice.weightSum)
  }

  /// Large enough for the sampled start, the chord steps and the float32 products.
  @Test(arguments: [false, true]) func orderOfRowsColumnsAndMemoryChangesNothing(_ sorted: Bool)
    throws
  {
    let problem = try Problem(rows: 60_000, columns: 9, seed: 5)
    let fit = try fitLogistic(
      LogisticData(problem.x, labels: problem.labels), parameters: parameters(1e-4))
    var order = Array(0..<60_000)
    if sorted {
      order.sort { (problem.labels[$0], $0) < (problem.labels[$1], $1) }
    } else {
      order.reverse()
    }
    let permuted = try fitLogistic(
      LogisticData(problem.x.selecting(rows: order), labels: order.map { problem.labels[$0] }),
      parameters: parameters(1e-4))
    #expect(distance(permuted.coefficients, fit.coefficients) < 1e-7)
    #expect(abs(permuted.objective - fit.objective) < 1e-12)

    let columns = [8, 3, 0, 1, 7, 2, 6, 5, 4]
    let moved = try fitLogistic(
      LogisticData(problem.columnMajor.selecting(columns: columns), labels: problem.labels),
      parameters: parameters(1e-4))
    #expect(distance(moved.coefficients, columns.map { fit.coefficients[$0] }) < 1e-7)
    #expect(abs(moved.objective - fit.objective) < 1e-12)
    let f = objective(
      problem.x, problem.labels, [Double](repeating: 1, count: 60_000), 1e-4, fit.coefficients,
      fit.intercept)
    #expect(abs(f - fit.objective) < 1e-12)
  }

  @Test(arguments: [Matrix.Order.rowMajor, .columnMajor])
  func sameBitsWithAnyThreads(_ order: Matrix.Order) throws {
    let problem = try Problem(rows: 50_001, columns: 11, seed: 9)
    let x = order == .rowMajor ? problem.x : try problem.columnMajor
    for standardise in [false, true] {
      let one = try fitLogistic(
        LogisticData(x, labels: problem.labels, weights: problem.weights, threads: 1),
        parameters: parameters(1e-3, standardise: standardise))
      for threads in [2, 3, 7] {
        let other = try fitLogistic(
          LogisticData(x, labels: problem.labels, weights: problem.weights, threads: threads),
          parameters: parameters(1e-3, standardise: standardise))
        #expect(other == one)
      }
    }
  }

  @Test func largeMeansKeepTheirDigits() throws {
    let near = try Problem(rows: 30_000, columns: 4, seed: 3, shift: 0)
    let far = try Matrix(
      rows: 30_000, columns: 4,
      elements: (0..<30_000).flatMap { i in (0..<4).map { near.x[i, $0] + 1e8 } })
    let a = try fitLogistic(
      LogisticData(near.x, labels: near.labels), parameters: parameters(1e-3, standardise: true))
    let b = try fitLogistic(
      LogisticData(far, labels: near.labels),
      parameters: parameters(1e-3, standardise: true, tolerance: 1e-9))
    #expect(distance(a.coefficients, b.coefficients) < 1e-6)
  }

  @Test func aConstantColumnNeedsAPenalty() throws {
    let problem = try Problem(rows: 300, columns: 3)
    let x = try matrix((0..<300).map { problem.x.row($0) + [7] })
    let fit = try fitLogistic(LogisticData(x, labels: problem.labels), parameters: parameters(0.01))
    #expect(abs(fit.coefficients[3]) < 1e-9)
    #expect(
      throws: LearningError.rankDeficient(
        aliases: [.init(column: 3, dependsOn: [])], columns: 4)
    ) {
      try fitLogistic(LogisticData(x, labels: problem.labels), parameters: parameters(0))
    }
  }

  @Test func aCopiedColumnNeedsAPenalty() throws {
    let problem = try Problem(rows: 300, columns: 3)
    let x = try matrix((0..<300).map { problem.x.row($0) + [problem.x[$0, 1]] })
    let fit = try fitLogistic(LogisticData(x, labels: problem.labels), parameters: parameters(0.01))
    #expect(abs(fit.coefficients[3] - fit.coefficients[1]) < 1e-8)
    #expect(
      throws: LearningError.rankDeficient(
        aliases: [.init(column: 3, dependsOn: [1])], columns: 4)
    ) {
      try fitLogistic(LogisticData(x, labels: problem.labels), parameters: parameters(0))
    }
  }

  @Test func separationNeedsAPenalty() throws {
    var random = SplitMix64(4)
    let rows = (0..<200).map { _ in [random.normal(), random.normal()] }
    let y = rows.map { $0[0] + 0.5 * $0[1] > 0 ? 1.0 : 0 }
    let x = try matrix(rows)
    let fit = try fitLogistic(LogisticData(x, labels: y), parameters: parameters(1e-3))
    #expect(fit.coefficients[0] > 1 && fit.maxGradient <= 1e-10)
    do {
      _ = try fitLogistic(LogisticData(x, labels: y), parameters: parameters(0))
      Issue.record("separated classes were fitted without a penalty")
    } catch LearningError.separated {
    }
  }

  @Test func refusals() throws {
    let problem = try Problem(rows: 50, columns: 3)
    func fit(
      _ x: Matrix? = nil, _ y: [Double]? = nil, _ w: [Double]? = nil
    ) throws {
      _ = try fitLogistic(
        LogisticData(x ?? problem.x, labels: y ?? problem.labels, weights: w),
        parameters: parameters(0.1))
    }
    var rows = (0..<50).map { problem.x.row($0) }
    rows[7][2] = .nan
    #expect(throws: LearningError.nonFiniteInput(row: 7, column: 2)) { try fit(try matrix(rows)) }
    rows[7][2] = -.infinity
    #expect(throws: LearningError.nonFiniteInput(row: 7, column: 2)) { try fit(try matrix(rows)) }
    #expect(throws: LearningError.oneClass(label: 0, rows: 50)) {
      try fit(nil, [Double](repeating: 0, count: 50))
    }
    #expect(throws: LearningError.oneClass(label: 1, rows: 50)) {
      try fit(nil, nil, problem.labels)
    }
    #expect(throws: LearningError.sizeMismatch(what: "labels", expected: 50, got: 1)) {
      try fit(nil, [1])
    }
    #expect(throws: LearningError.labelOutOfRange(row: 0, value: 2)) {
      try fit(nil, [2] + problem.labels.dropFirst())
    }
    #expect(throws: LearningError.negativeWeight(row: 1, value: -1)) {
      try fit(nil, nil, [1, -1] + [Double](repeating: 1, count: 48))
    }
    #expect(throws: LearningError.noWeight(rows: 50)) {
      try fit(nil, nil, [Double](repeating: 0, count: 50))
    }
    #expect(throws: LearningError.tooFewRows(rows: 1, needed: 2)) {
      try fit(try matrix([[1, 2, 3]]), [1])
    }
    #expect(throws: LearningError.self) { try LogisticParameters(penalty: .l2(-1)) }
    #expect(throws: LearningError.self) { try LogisticParameters(penalty: .l2(.nan)) }
    #expect(throws: LearningError.self) {
      try fitLogistic(
        LogisticData(problem.x, labels: problem.labels),
        parameters: try LogisticParameters(penalty: .l2(0.1), maximumIterations: 1))
    }
  }

  /// A value that is not finite in a large matrix, where only chord passes look at every row.
  @Test func notFiniteBetweenSampledRows() throws {
    let problem = try Problem(rows: 60_000, columns: 3, seed: 2)
    var elements = (0..<60_000).flatMap { problem.x.row($0) }
    elements[3 * 41_000 + 1] = .nan
    let x = try Matrix(rows: 60_000, columns: 3, elements: elements)
    #expect(throws: LearningError.nonFiniteInput(row: 41_000, column: 1)) {
      try fitLogistic(LogisticData(x, labels: problem.labels), parameters: parameters(0.1))
    }
  }

  @Test func softLabelsAreTheMixtureOfBoth() throws {
    let problem = try Problem(rows: 300, columns: 3)
    let soft = problem.labels.map { 0.2 + 0.6 * $0 }
    let a = try fitLogistic(LogisticData(problem.x, labels: soft), parameters: parameters(0.01))
    let doubled = Array(0..<300) + Array(0..<300)
    let b = try fitLogistic(
      LogisticData(
        problem.x.selecting(rows: doubled),
        labels: [Double](repeating: 1, count: 300) + [Double](repeating: 0, count: 300),
        weights: soft + soft.map { 1 - $0 }), parameters: parameters(0.01))
    #expect(distance(a.coefficients, b.coefficients) < 1e-8)
  }

  @Test func covarianceDoesNotDependOnCoordinates() throws {
    let problem = try Problem(rows: 500, columns: 3)
    let raw = try fitLogistic(
      LogisticData(problem.x, labels: problem.labels), parameters: parameters(0))
    let standard = try fitLogistic(
      LogisticData(problem.x, labels: problem.labels), parameters: parameters(0, standardise: true))
    let a = try raw.covariance(LogisticData(problem.x, labels: problem.labels))
    let b = try standard.covariance(LogisticData(problem.x, labels: problem.labels))
    for j in 0..<3 {
      let s = standard.scales[j]
      #expect(abs(a[j, j] * s * s / b[j, j] - 1) < 1e-6)
    }
    // Variance of the logit at one row, both ways.
    func variance(_ v: Matrix, _ z: [Double]) -> Double {
      var sum = 0.0
      for i in z.indices { for j in z.indices { sum += z[i] * v[i, j] * z[j] } }
      return sum
    }
    let x = problem.x.row(11)
    let z = (0..<3).map { (x[$0] - standard.means[$0]) / standard.scales[$0] }
    #expect(abs(variance(a, x + [1]) / variance(b, z + [1]) - 1) < 1e-6)
  }

  /// Counts in nested windows, one class rare, and a constant offset: full steps overshoot, so that the
  /// solver has to shorten them. The offset moves the intercept and nothing else.
  @Test(arguments: [0.5, 1, 2, 3, 4]) func aConstantOffsetMovesTheInterceptAlone(_ offset: Double)
    throws
  {
    var draw = SplitMix64(12)
    let rows = 4000
    var cells: [Double] = []
    var labels: [Double] = []
    for _ in 0..<rows {
      var score = 3.0
      for kind in 0..<12 {
        let rate = pow(Double(draw.below(1000)) / 1000, 6) * 20
        var sum = 0.0
        for _ in 0..<4 {
          sum += Double(draw.below(Int(rate * 3) + 1))
          cells.append(sum)
        }
        cells.append(sum > 0 ? 1 : 0)
        score -= (kind % 3 == 0 ? 0.02 : -0.01) * sum
      }
      labels.append(Double(draw.below(10_000)) / 10_000 < 1 / (1 + exp(-score)) ? 1 : 0)
    }
    let x = try Matrix(rows: rows, columns: 60, elements: cells)
    let plain = try fitLogistic(
      LogisticData(x, labels: labels), parameters: parameters(0.001, standardise: true))
    let moved = try fitLogistic(
      LogisticData(
        x, labels: labels, offsets: [Double](repeating: offset, count: rows)),
      parameters: parameters(0.001, standardise: true))
    #expect(abs(moved.intercept + offset - plain.intercept) < 1e-6)
    for (a, b) in zip(moved.coefficients, plain.coefficients) { #expect(abs(a - b) < 1e-6) }
    #expect(moved.iterations < 60)
  }
}
