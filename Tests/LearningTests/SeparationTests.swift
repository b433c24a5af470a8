import Foundation
import Learning
import TestSupport
import Testing

@Suite struct SeparationTests {
  private func fit(
    _ x: [[Double]], _ y: [Double], weights: [Double]? = nil, l2: Double = 0,
    factors: [Double]? = nil, tolerance: Double = 1e-9, standardise: Bool = false
  ) throws -> LogisticFit {
    try fitLogistic(
      LogisticData(matrix(x), labels: y, weights: weights),
      parameters: LogisticParameters(
        penalty: Penalty(lambda: l2, factors: factors), standardise: standardise,
        tolerance: tolerance))
  }

  /// The column that a refusal names, nil if the fit goes through.
  private func separated(_ body: () throws -> LogisticFit) throws -> Int? {
    do {
      _ = try body()
      return nil
    } catch LearningError.separated(let column, _) {
      return column
    }
  }

  @Test(arguments: [1e-6, 1e-9, 1e-12]) func endometrial(_ tolerance: Double) throws {
    guard let path = Shared.path("reference/endometrial.csv") else { return }
    let rows = try readCSV(path).rows.map { $0.compactMap(Double.init) }
    let y = rows.map { $0[3] }
    #expect(
      try separated { try fit(rows.map { [$0[1], $0[0], $0[2]] }, y, tolerance: tolerance) } == 1)
    #expect(
      try separated { try fit(rows.map { [$0[1], $0[2]] }, y, tolerance: tolerance) } == nil)
    #expect(try separated { try fit(rows.map { Array($0[0..<3]) }, y, l2: 1e-6) } == nil)
  }

  /// One level of a category has one label only; a rare one is found all the same.
  @Test(arguments: [3, 40, 400]) func aLevelWithOneLabel(_ size: Int) throws {
    let problem = try Problem(rows: 20_000, columns: 2, seed: 77)
    let level = (0..<20_000).map { $0 % 5000 < size / 4 + 1 && $0 < 20_000 ? 3 : $0 % 3 }
    var y = problem.labels
    for i in y.indices where level[i] == 3 { y[i] = 1 }
    func x(_ levels: [Int]) -> [[Double]] {
      (0..<20_000).map { i in problem.x.row(i) + levels.map { level[i] == $0 ? 1 : 0 } }
    }
    #expect(try separated { try fit(x([1, 2, 3]), y) } == 4)
    #expect(try separated { try fit(x([1, 2]), y) } == nil)
    // The reference level is the one with one label.
    #expect(try separated { try fit(x([0, 1, 2]), y) } != nil)
    // One row of the other label, and the optimum is finite: strong, but there.
    let other = level.firstIndex(of: 3)!
    y[other] = 0
    let strong = try fit(x([1, 2, 3]), y)
    #expect(strong.maxGradient <= 1e-9)
    // Labels in between never separate.
    let soft = problem.labels.indices.map { level[$0] == 3 ? 0.999 : problem.labels[$0] }
    let almost = try fit(x([1, 2, 3]), soft)
    #expect(almost.coefficients[4] > 3)
  }

  /// However near to 1, a label below it holds its rows' logit: a level's is log(y / (1 − y)). Beside
  /// it a level that has one label only is separated all the same.
  @Test(arguments: [1e-3, 1e-6, 1e-8], [40, 4000]) func labelsCloseToOne(
    _ short: Double, _ size: Int
  ) throws {
    let problem = try Problem(rows: 20_000, columns: 2, seed: 78)
    let x = (0..<20_000).map { i in
      problem.x.row(i) + [i < size ? 1 : 0, i >= size && i < 2 * size ? 1 : 0]
    }
    let y = problem.labels.indices.map { $0 < size ? 1 - short : problem.labels[$0] }
    let free = try fit(x.map { Array($0[..<3]) }, y, tolerance: 1e-14)
    // The level's other two columns shift its rows by their own effects; its mean residual is 0.
    let eta = try free.linearPredictors(matrix(x[..<size].map { Array($0[..<3]) }))
    let mean = eta.reduce(0) { $0 + 1 / (1 + exp($1)) } / Double(size)
    #expect(abs(mean / short - 1) < 1e-3)
    for tolerance in [1e-6, 1e-9] {
      #expect(try separated { try fit(x, y, tolerance: tolerance) } == nil)
    }
    #expect(try separated { try fit(x, y.indices.map { x[$0][3] == 1 ? 1 : y[$0] }) } == 3)
  }

  @Test func completeSeparationOfSeveralColumns() throws {
    for seed in 0..<20 {
      let problem = try Problem(rows: 300, columns: 4, seed: UInt64(seed), shift: 1)
      let x = (0..<300).map { problem.x.row($0) }
      let y = x.map { $0[0] - 0.5 * $0[2] > x[0][0] - 0.5 * x[0][2] ? 1.0 : 0 }
      guard y.contains(1) else { continue }
      let column = try separated { try fit(x, y) }
      #expect(column != nil)
      #expect(try separated { try fit(x, y, l2: 1e-4) } == nil)
      // A row on the wrong side, far in: no longer separated.
      let far = y.indices.filter { y[$0] == 1 }.max {
        x[$0][0] - 0.5 * x[$0][2] < x[$1][0] - 0.5 * x[$1][2]
      }!
      var noisy = y
      noisy[far] = 0
      #expect(try separated { try fit(x, noisy) } == nil)
      // Of weight 0 it is no row.
      let weights = y.indices.map { $0 == far ? 0.0 : 1 }
      #expect(try separated { try fit(x, noisy, weights: weights) } != nil)
    }
  }

  /// The separating column is penalised, the others are not.
  @Test func aPenaltyOnTheSeparatingColumnIsEnough() throws {
    let problem = try Problem(rows: 400, columns: 2, seed: 3)
    let x = (0..<400).map { problem.x.row($0) + [problem.labels[$0] == 1 && $0 % 4 == 0 ? 1 : 0] }
    #expect(try separated { try fit(x, problem.labels) } == 2)
    #expect(
      try separated { try fit(x, problem.labels, l2: 1e-4, factors: [0, 0, 1]) } == nil)
    #expect(
      try separated { try fit(x, problem.labels, l2: 1e-4, factors: [1, 1, 0]) } == 2)
  }

  /// Strong effects, columns that nearly repeat, far-away outliers: finite optima, no refusal.
  @Test func strongEffectsAreNotRefused() throws {
    var random = SplitMix64(8)
    for strength in [5.0, 20, 60] {
      var x: [[Double]] = []
      var y: [Double] = []
      for _ in 0..<4000 {
        let a = random.normal()
        x.append([a, a + 1e-5 * random.normal(), random.uniform() < 0.001 ? 500 : random.normal()])
        y.append(random.uniform() < 1 / (1 + exp(-strength * a)) ? 1 : 0)
      }
      let model = try fit(x, y)
      #expect(model.maxGradient <= 1e-9)
      #expect(try separated { try fit(x, y, tolerance: 1e-6, standardise: true) } == nil)
    }
  }
}
