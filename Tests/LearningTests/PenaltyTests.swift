import Foundation
import Learning
import TestSupport
import Testing

/// Penalties with corners, factors and sides, held against their definition.
@Suite struct PenaltyTests {
  /// F and what is left of its conditions at a fit, by METHODS 2.1 and Foundation's functions.
  private struct Judge {
    let x: Matrix
    let labels: [Double]
    let weights: [Double]
    let offsets: [Double]
    let penalty: Penalty
    /// Penalised coordinates: columns are (x − means) / scales.
    let means: [Double]
    let scales: [Double]

    init(_ problem: Problem, _ fit: LogisticFit, offsets: [Double]? = nil) {
      x = problem.x
      labels = problem.labels
      weights = problem.weights
      self.offsets = offsets ?? [Double](repeating: 0, count: problem.x.rows)
      penalty = fit.penalty
      let p = problem.x.columns
      means = fit.isStandardised ? fit.means : [Double](repeating: 0, count: p)
      scales = fit.isStandardised ? fit.scales : [Double](repeating: 1, count: p)
    }

    func l1(_ j: Int) -> Double { penalty.lambda * penalty.l1Ratio * (penalty.factors?[j] ?? 1) }
    func l2(_ j: Int) -> Double {
      penalty.lambda * (1 - penalty.l1Ratio) * (penalty.factors?[j] ?? 1)
    }

    /// F at raw coefficients, the smooth part and the whole.
    func objective(_ b: [Double], _ intercept: Double) -> (smooth: Double, whole: Double) {
      var loss = 0.0
      for i in 0..<x.rows {
        let eta = b.indices.reduce(intercept + offsets[i]) { $0 + x[i, $1] * b[$1] }
        loss += weights[i] * (max(eta, 0) + log1p(exp(-abs(eta))) - labels[i] * eta)
      }
      loss /= weights.reduce(0, +)
      for j in b.indices { loss += l2(j) / 2 * pow(b[j] * scales[j], 2) }
      return (loss, loss + b.indices.reduce(0) { $0 + l1($1) * abs(b[$1] * scales[$1]) })
    }

    /// ∂ of the smooth part over the penalised coordinates, intercept last.
    func gradient(_ fit: LogisticFit) -> [Double] {
      var g = [Double](repeating: 0, count: x.columns + 1)
      let total = weights.reduce(0, +)
      for i in 0..<x.rows {
        let eta = fit.coefficients.indices.reduce(fit.intercept + offsets[i]) {
          $0 + x[i, $1] * fit.coefficients[$1]
        }
        let r = weights[i] * (1 / (1 + exp(-eta)) - labels[i]) / total
        for j in 0..<x.columns { g[j] += r * (x[i, j] - means[j]) / scales[j] }
        g[x.columns] += r
      }
      for j in 0..<x.columns { g[j] += l2(j) * fit.coefficients[j] * scales[j] }
      return g
    }

    /// The largest violation of the conditions of Karush, Kuhn and Tucker.
    func violation(_ fit: LogisticFit) -> Double {
      let g = gradient(fit)
      var worst = abs(g[x.columns])
      for j in 0..<x.columns {
        let b = fit.coefficients[j]
        let sign = penalty.signs?[j] ?? .free
        let up = max(0, -(g[j] + l1(j)))
        let down = max(0, g[j] - l1(j))
        switch (b, sign) {
        case (_, .nonNegative) where b < 0, (_, .nonPositive) where b > 0: return .infinity
        case (0, .nonNegative): worst = max(worst, up)
        case (0, .nonPositive): worst = max(worst, down)
        case (0, .free): worst = max(worst, up, down)
        default: worst = max(worst, abs(g[j] + (b > 0 ? l1(j) : -l1(j))))
        }
      }
      return worst
    }
  }

  /// Every combination of penalty, factors, signs, standardising, weights and offsets.
  private static func cases(_ count: Int) throws -> [(Problem, LogisticParameters, [Double]?)] {
    try (0..<count).map { seed in
      var draw = SplitMix64(UInt64(seed) &+ 9000)
      let columns = 1 + draw.below(14)
      var problem = try Problem(
        rows: 60 + draw.below(300), columns: columns, seed: UInt64(seed) &+ 77,
        shift: [0, 2, 6][seed % 3])
      if seed % 4 == 0 { problem.weights = problem.weights.map { _ in 1 } }
      if seed % 5 == 0 { problem.labels = problem.labels.map { 0.1 + 0.75 * $0 } }
      let ratio = [0, 1, 0.5, 0.9, 1][seed % 5]
      let factors =
        draw.below(2) == 0 ? nil : (0..<columns).map { _ in [0, 0.5, 1, 3][draw.below(4)] }
      let signs: [Penalty.Sign]? =
        draw.below(2) == 0
        ? nil : (0..<columns).map { _ in [.free, .nonNegative, .nonPositive][draw.below(3)] }
      let offsets =
        seed % 3 == 1 ? (0..<problem.x.rows).map { _ in draw.normal() } : nil
      let parameters = try LogisticParameters(
        penalty: Penalty(
          lambda: exp(-8 + 6 * draw.uniform()), l1Ratio: ratio, factors: factors, signs: signs),
        standardise: seed % 2 == 0, tolerance: 1e-10)
      return (problem, parameters, offsets)
    }
  }

  @Test func conditionsOfAnOptimumHold() throws {
    var (zeros, passes) = (0, 0)
    for (problem, parameters, offsets) in try Self.cases(400) {
      let fit = try fitLogistic(
        LogisticData(
          problem.x, labels: problem.labels, weights: problem.weights, offsets: offsets),
        parameters: parameters)
      let judge = Judge(problem, fit, offsets: offsets)
      #expect(fit.maxGradient <= 1e-10)
      #expect(judge.violation(fit) <= 2e-10 * max(1, fit.isStandardised ? 1 : 20))
      let whole = judge.objective(fit.coefficients, fit.intercept).whole
      #expect(abs(whole - fit.objective) < 1e-13)
      zeros += fit.coefficients.count { $0 == 0 }
      passes += fit.iterations
    }
    #expect(zeros > 300)
    // A model solved short of its minimum shows in passes, not in the result.
    #expect(passes < 400 * 7)
  }

  @Test func gradientIsThatOfTheObjective() throws {
    for (problem, parameters, offsets) in try Self.cases(25) {
      let fit = try fitLogistic(
        LogisticData(
          problem.x, labels: problem.labels, weights: problem.weights, offsets: offsets),
        parameters: parameters)
      let judge = Judge(problem, fit, offsets: offsets)
      let gradient = judge.gradient(fit)
      for j in fit.coefficients.indices {
        // One penalised unit moves b_j by 1 / scale, and the intercept so that means stay.
        let unit = judge.scales[j]
        func f(_ step: Double) -> Double {
          var b = fit.coefficients
          b[j] += step / unit
          return judge.objective(b, fit.intercept - step / unit * judge.means[j]).smooth
        }
        let slope = (f(1e-5) - f(-1e-5)) / 2e-5
        #expect(abs(slope - gradient[j]) < 1e-7 * max(1, abs(gradient[j])))
      }
    }
  }

  /// At λ_max every penalised coefficient is 0, just below it one is not.
  @Test func theLargestPenaltyThatMatters() throws {
    let problem = try Problem(rows: 500, columns: 8, seed: 12)
    let data = try LogisticData(problem.x, labels: problem.labels, weights: problem.weights)
    func fit(_ lambda: Double) throws -> LogisticFit {
      try fitLogistic(
        data,
        parameters: LogisticParameters(
          penalty: Penalty(lambda: lambda, l1Ratio: 0.5), tolerance: 1e-12))
    }
    let total = problem.weights.reduce(0, +)
    var base = 0.0
    for i in 0..<500 { base += problem.weights[i] * problem.labels[i] / total }
    let some = try fit(0.1)
    var largest = 0.0
    for j in 0..<8 {
      var sum = 0.0
      for i in 0..<500 {
        let z = (problem.x[i, j] - some.means[j]) / some.scales[j]
        sum += problem.weights[i] * (problem.labels[i] - base) * z
      }
      largest = max(largest, abs(sum) / total / 0.5)
    }
    #expect(try fit(largest * (1 + 1e-9)).coefficients.allSatisfy { $0 == 0 })
    #expect(try fit(largest * 0.999).coefficients.count { $0 != 0 } == 1)
  }

  /// Copies, constants and wildly different scales need no more than a penalty.
  @Test(arguments: [0.3, 1]) func collinearColumns(_ ratio: Double) throws {
    for seed in 0..<30 {
      var problem = try Problem(rows: 200, columns: 4, seed: UInt64(seed) + 40)
      let rows = (0..<200).map { i -> [Double] in
        let row = problem.x.row(i)
        return row + [row[1], 3, row[0] + row[2], row[3] * 1e6, row[2] * 1e-7]
      }
      problem.x = try matrix(rows)
      let fit = try fitLogistic(
        LogisticData(problem.x, labels: problem.labels, weights: problem.weights),
        parameters: LogisticParameters(
          penalty: Penalty(lambda: 0.01, l1Ratio: ratio), tolerance: 1e-9))
      #expect(fit.maxGradient <= 1e-9)
      #expect(fit.coefficients[5] == 0)
      #expect(Judge(problem, fit).violation(fit) <= 2e-9)
    }
  }

  @Test func moreColumnsThanRows() throws {
    let problem = try Problem(rows: 60, columns: 200, seed: 8)
    let data = try LogisticData(problem.x, labels: problem.labels, weights: problem.weights)
    let fit = try fitLogistic(
      data, parameters: LogisticParameters(penalty: .l1(0.02), tolerance: 1e-9))
    let used = fit.coefficients.count { $0 != 0 }
    #expect(used > 3 && used <= 60)
    #expect(Judge(problem, fit).violation(fit) <= 2e-9)
    #expect(throws: LearningError.tooFewRows(rows: 60, needed: 201)) {
      try fitLogistic(data, parameters: LogisticParameters(penalty: .none))
    }
  }

  /// Large enough for the sampled start, the chord steps and the float32 products.
  @Test(arguments: [Matrix.Order.rowMajor, .columnMajor])
  func threadsAndOrderChangeNothing(_ order: Matrix.Order) throws {
    let problem = try Problem(rows: 50_001, columns: 11, seed: 9)
    let x = order == .rowMajor ? problem.x : try problem.columnMajor
    let signs: [Penalty.Sign] = (0..<11).map { [.free, .nonNegative, .nonPositive][$0 % 3] }
    for standardise in [false, true] {
      let parameters = try LogisticParameters(
        penalty: Penalty(
          lambda: 0.01, l1Ratio: 0.7, factors: (0..<11).map { Double($0 % 4) }, signs: signs),
        standardise: standardise)
      let fits = try [1, 2, 5].map {
        try fitLogistic(
          LogisticData(x, labels: problem.labels, weights: problem.weights, threads: $0),
          parameters: parameters)
      }
      #expect(fits[1] == fits[0] && fits[2] == fits[0])
      #expect(Judge(problem, fits[0]).violation(fits[0]) < (standardise ? 2e-9 : 1e-8))
      #expect(fits[0].coefficients.contains(0))
      #expect(fits[0].iterations < 40)
    }
  }

  @Test func weightTwoIsTheRowTwice() throws {
    let problem = try Problem(rows: 400, columns: 6)
    let weights = (0..<400).map { $0 % 3 == 0 ? 2.0 : $0 % 7 == 1 ? 0 : 1 }
    let repeated = (0..<400).flatMap { [Int](repeating: $0, count: Int(weights[$0])) }
    let parameters = try LogisticParameters(
      penalty: Penalty(lambda: 0.02, l1Ratio: 0.8), tolerance: 1e-11)
    let weighted = try fitLogistic(
      LogisticData(problem.x, labels: problem.labels, weights: weights), parameters: parameters)
    let twice = try fitLogistic(
      LogisticData(
        problem.x.selecting(rows: repeated), labels: repeated.map { problem.labels[$0] }),
      parameters: parameters)
    #expect(distance(weighted.coefficients, twice.coefficients) < 1e-8)
    #expect(abs(weighted.objective - twice.objective) < 1e-13)
  }

  @Test func orderOfRowsAndColumnsAndScaleChangeNothing() throws {
    let problem = try Problem(rows: 700, columns: 6, seed: 21)
    let penalty = try Penalty(
      lambda: 0.01, l1Ratio: 0.8, factors: [1, 2, 0, 1, 0.5, 1],
      signs: [.free, .free, .free, .nonNegative, .nonPositive, .free])
    func fit(_ x: Matrix, _ y: [Double], _ penalty: Penalty) throws -> LogisticFit {
      try fitLogistic(
        LogisticData(x, labels: y),
        parameters: LogisticParameters(penalty: penalty, tolerance: 1e-11))
    }
    let plain = try fit(problem.x, problem.labels, penalty)
    let rows = Array((0..<700).reversed())
    let moved = try fit(
      problem.x.selecting(rows: rows), rows.map { problem.labels[$0] }, penalty)
    #expect(distance(moved.coefficients, plain.coefficients) < 1e-8)
    let columns = [3, 5, 0, 2, 4, 1]
    let permuted = try fit(
      problem.x.selecting(columns: columns), problem.labels,
      Penalty(
        lambda: 0.01, l1Ratio: 0.8, factors: columns.map { penalty.factors![$0] },
        signs: columns.map { penalty.signs![$0] }))
    #expect(distance(permuted.coefficients, columns.map { plain.coefficients[$0] }) < 1e-8)
    let factor = [1e-3, 1e3, 7, 1e6, 1e-6, 1]
    let scaled = try fit(
      matrix(
        (0..<700).map { i in
          zip(problem.x.row(i), factor).map { $0 * $1 }
        }), problem.labels, penalty)
    #expect(
      distance(zip(scaled.coefficients, factor).map { $0 * $1 }, plain.coefficients) < 1e-8)
    #expect(scaled.coefficients.map { $0 == 0 } == plain.coefficients.map { $0 == 0 })
  }

  /// An unpenalised column among penalised ones is as free as in a plain fit of it alone.
  @Test func factorZeroIsNoPenalty() throws {
    let problem = try Problem(rows: 400, columns: 5, seed: 31)
    let data = try LogisticData(problem.x, labels: problem.labels)
    let fit = try fitLogistic(
      data,
      parameters: LogisticParameters(
        penalty: Penalty(lambda: 10, l1Ratio: 1, factors: [1, 0, 1, 0, 1]), tolerance: 1e-12))
    let alone = try fitLogistic(
      LogisticData(problem.x.selecting(columns: [1, 3]), labels: problem.labels),
      parameters: LogisticParameters(penalty: .none, tolerance: 1e-12))
    #expect(distance([fit.coefficients[1], fit.coefficients[3]], alone.coefficients) < 1e-9)
    #expect([0, 2, 4].allSatisfy { fit.coefficients[$0] == 0 })
    #expect(abs(fit.objective - alone.objective) < 1e-14)
  }

  @Test func refusals() throws {
    let problem = try Problem(rows: 100, columns: 3)
    let data = try LogisticData(problem.x, labels: problem.labels)
    func fit(_ penalty: Penalty) throws {
      _ = try fitLogistic(data, parameters: LogisticParameters(penalty: penalty))
    }
    #expect(throws: LearningError.sizeMismatch(what: "penalty factors", expected: 3, got: 2)) {
      try fit(Penalty(lambda: 1, factors: [1, 1]))
    }
    #expect(throws: LearningError.sizeMismatch(what: "signs", expected: 3, got: 1)) {
      try fit(Penalty(lambda: 1, signs: [.free]))
    }
    for (lambda, ratio, factor) in [
      (-1.0, 0.0, 1.0), (.infinity, 0, 1), (1, -0.1, 1), (1, 1.1, 1), (1, .nan, 1), (1, 1, -1),
      (1, 1, .nan),
    ] {
      #expect(throws: LearningError.self) {
        try Penalty(lambda: lambda, l1Ratio: ratio, factors: [factor])
      }
    }
  }
}
