import Learning
import Synchronization
import TestSupport
import Testing

@Suite struct MatrixTests {
  @Test(arguments: [Matrix.Order.rowMajor, .columnMajor])
  func rowsAndColumns(_ order: Matrix.Order) throws {
    // Element (i, j) is 10 i + j.
    let elements: [Double] =
      order == .rowMajor ? [0, 1, 10, 11, 20, 21] : [0, 10, 20, 1, 11, 21]
    let x = try Matrix(rows: 3, columns: 2, order: order, elements: elements)
    #expect(x[2, 1] == 21 && x.row(1) == [10, 11] && x.column(1) == [1, 11, 21])
    let rows = x.selecting(rows: [2, 0, 2])
    #expect(rows.rows == 3 && rows.row(0) == [20, 21] && rows.row(1) == [0, 1])
    #expect(rows.row(2) == [20, 21])
    let columns = x.selecting(columns: [1])
    #expect(columns.columns == 1 && columns.column(0) == [1, 11, 21])
    #expect(x.columnSums() == [30, 33])
    #expect(
      x.linearPredictors(coefficients: [1, 100], intercept: 0.5, threads: 2)
        == [100.5, 1110.5, 2120.5])
    #expect(
      x.predictorsRowByRow(coefficients: [1, 100], intercept: 0.5, threads: 2)
        == [100.5, 1110.5, 2120.5])
    #expect(throws: LearningError.self) { try Matrix(rows: 2, columns: 2, elements: [1]) }
  }

  /// Whatever registers a processor has, a row's predictor is eight lanes added in their order.
  @Test(arguments: [1, 7, 8, 9, 50, 131])
  func predictorsHaveTheBitsOfEightLanes(_ columns: Int) throws {
    var random = SplitMix64(17)
    let rows = 1500
    let elements = (0..<(rows * columns)).map { _ in random.normal() }
    let b = (0..<columns).map { _ in random.normal() }
    let x = try Matrix(rows: rows, columns: columns, elements: elements)
    let found = x.linearPredictors(coefficients: b, intercept: 0.25, threads: 2)
    let whole = columns & ~7
    for i in 0..<rows {
      let row = x.row(i)
      var lanes = [Double](repeating: 0, count: 8)
      for j in 0..<whole { lanes[j & 7] += row[j] * b[j] }
      var rest = 0.25
      for j in whole..<columns { rest += row[j] * b[j] }
      let half = (0..<4).map { lanes[$0] + lanes[$0 + 4] }
      #expect(found[i] == rest + ((half[0] + half[2]) + (half[1] + half[3])))
    }
  }

  /// Four rows at a time or one by one: the same probabilities to the bit, at any place of a tile.
  @Test func predictionsHaveTheBitsOfTheSigmoidKernel() throws {
    var random = SplitMix64(18)
    var values = (0..<2053).map { _ in 30 * random.normal() }
    values += [0, -0.0, 708, -708, 709.5, -709.5, 1e300, -1e300, 1e-320, -5e-324]
    let x = try Matrix(rows: values.count, columns: 1, elements: values)
    let few = try Matrix(rows: 4, columns: 1, elements: [-1, 0, 1, 2])
    let fit = try fitLogistic(
      LogisticData(few, labels: [0, 1, 0, 1]),
      parameters: LogisticParameters(penalty: .l2(0.1), standardise: false))
    let pairs = try fit.predict(x, rows: 0..<x.rows, threads: 2)
    for row in values.indices {
      let logit = pairs[2 * row + 1]
      #expect(pairs[2 * row].bitPattern == SigmoidKernel.sigmoid(logit).bitPattern)
    }
    for bad in [Double.nan, .infinity, -.infinity] {
      let broken = try Matrix(rows: 3, columns: 1, elements: [1, 2, bad])
      #expect(throws: LearningError.self) {
        try fit.predict(broken, rows: 0..<3, threads: 1)
      }
    }
  }

  @Test func stripesCoverEveryRowOnceWhateverTheThreads() {
    for (count, unit) in [(0, 8), (1, 8), (7, 8), (8, 8), (9, 8), (100_001, 64), (513, 8)] {
      let stripes = StripedWork.bounds(of: count, unit: unit)
      #expect(stripes.reduce(0) { $0 + $1.count } == count)
      var end = 0
      for stripe in stripes {
        #expect(stripe.lowerBound == end && !stripe.isEmpty)
        end = stripe.upperBound
      }
      #expect(stripes.dropLast().allSatisfy { $0.upperBound % unit == 0 })
    }
    for threads in [1, 2, 9] {
      #expect(
        StripedWork.map(stripes: 50, threads: threads) { $0 * $0 } == (0..<50).map { $0 * $0 })
      let runs = Atomic<Int>(0)
      StripedWork.run(stripes: 33, threads: threads) { runs.wrappingAdd($0, ordering: .relaxed) }
      #expect(runs.load(ordering: .relaxed) == 33 * 32 / 2)
    }
  }
}
