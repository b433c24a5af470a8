import Foundation
import Learning
import TestSupport
import Testing

/// Data that cannot carry a model: each refused plainly, the column named, with its exit status.
@Suite struct RefusalTests {
  private func refusal(
    _ rows: [[Double]], _ labels: [Double], penalty: Penalty = .none, standardise: Bool = true
  ) throws -> LearningError? {
    try refusal(matrix(rows), labels, penalty: penalty, standardise: standardise)
  }

  private func refusal(
    _ x: Matrix, _ labels: [Double], penalty: Penalty, standardise: Bool = true
  ) throws -> LearningError? {
    do throws(LearningError) {
      _ = try fitLogistic(
        LogisticData(x, labels: labels),
        parameters: LogisticParameters(penalty: penalty, standardise: standardise))
      return nil
    } catch {
      return error
    }
  }

  private func separatedColumn(_ error: LearningError?) -> Int? {
    guard let error, case .separated(let column, _) = error else { return nil }
    return column
  }

  @Test func aliasesAreNamedWithWhatTheyRepeat() throws {
    let problem = try Problem(rows: 300, columns: 5)
    var random = SplitMix64(77)
    let rows = (0..<300).map { i -> [Double] in
      let row = problem.x.row(i)
      // 5: constant; 6: a sum; 7: a copy at another scale; 8: its own; 9: an affine mixture.
      return row + [4, row[1] - 2 * row[3], 1e5 * row[0], random.normal(), 7 - row[2] + row[4]]
    }
    let expected = LearningError.rankDeficient(
      aliases: [
        .init(column: 5, dependsOn: []), .init(column: 6, dependsOn: [1, 3]),
        .init(column: 7, dependsOn: [0]), .init(column: 9, dependsOn: [2, 4]),
      ], columns: 10)
    #expect(try refusal(rows, problem.labels) == expected)
    #expect(try refusal(rows, problem.labels, standardise: false) == expected)
    #expect(expected.exitStatus == 3)
    #expect(
      expected.named(columns: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
        == """
        of 10 columns column "f" is constant, column "g" is a linear combination of column "b" and \
        column "d", column "h" is a linear combination of column "a", column "j" is a linear \
        combination of column "c" and column "e"; drop what repeats, or use a penalty above 0
        """)
    // Unpenalised columns among penalised ones have to stand by themselves too.
    let penalty = try Penalty(
      lambda: 0.1, l1Ratio: 1, factors: [0, 1, 1, 1, 1, 1, 1, 0, 1, 1])
    #expect(
      try refusal(rows, problem.labels, penalty: penalty)
        == .rankDeficient(aliases: [.init(column: 7, dependsOn: [0])], columns: 10))
    #expect(try refusal(rows, problem.labels, penalty: .l2(1e-3)) == nil)
    #expect(try refusal(rows, problem.labels, penalty: .l1(1e-3)) == nil)
  }

  /// All the dummies of a category and an intercept.
  @Test func theDummyTrap() throws {
    var random = SplitMix64(5)
    let rows = (0..<200).map { i in (0..<3).map { i % 3 == $0 ? 1.0 : 0 } + [random.normal()] }
    let labels = (0..<200).map { _ in random.uniform() < 0.4 ? 1.0 : 0 }
    #expect(
      try refusal(rows, labels)
        == .rankDeficient(aliases: [.init(column: 2, dependsOn: [0, 1])], columns: 4))
  }

  @Test(arguments: [1e300, 1e200, -1e160]) func aColumnBeyondSquaring(_ value: Double) throws {
    let problem = try Problem(rows: 100, columns: 3)
    let rows = (0..<100).map { problem.x.row($0) + [$0 % 2 == 0 ? value : -value] }
    for penalty in [try Penalty.l2(0.1), try .l1(0.1), .none] {
      for standardise in [true, false] {
        let error = try refusal(
          rows, problem.labels, penalty: penalty, standardise: standardise)
        #expect(error == .tooLarge(column: 3))
        #expect(error?.exitStatus == 65)
      }
    }
  }

  @Test func largeButBearable() throws {
    let problem = try Problem(rows: 100, columns: 3)
    let rows = (0..<100).map { i in
      problem.x.row(i) + [1e100 * cos(Double(i)), 1e-100 * sin(Double(i))]
    }
    #expect(try refusal(rows, problem.labels, penalty: .l2(0.1)) == nil)
    #expect(try refusal(rows, problem.labels, penalty: .l1(0.01)) == nil)
    #expect(try refusal(rows, problem.labels) == nil)
  }

  @Test(arguments: [true, false]) func separationNamesItsColumn(_ standardise: Bool) throws {
    for seed in 0..<20 {
      var random = SplitMix64(UInt64(seed) + 900)
      let rare = seed % 2 == 0
      var rows: [[Double]] = []
      var labels: [Double] = []
      for i in 0..<400 {
        let row = [random.normal(), random.normal(), i % (rare ? 100 : 4) == 0 ? 1.0 : 0]
        let p = 1 / (1 + exp(-(row[0] - 0.5 * row[1])))
        rows.append(row)
        // Where column 2 is 1 the label always is: its coefficient has no finite optimum.
        labels.append(row[2] == 1 || random.uniform() < p ? 1 : 0)
      }
      for penalty in [
        Penalty.none, try Penalty(lambda: 0.01, l1Ratio: 1, factors: [1, 1, 0]),
        try Penalty(lambda: 0.01, l1Ratio: 0, factors: [1, 0, 0]),
      ] {
        let error = try refusal(rows, labels, penalty: penalty, standardise: standardise)
        #expect(separatedColumn(error) == 2, "seed \(seed), \(penalty)")
        #expect(error?.exitStatus == 3)
      }
      #expect(try refusal(rows, labels, penalty: .l2(0.001), standardise: standardise) == nil)
    }
  }

  @Test func completeSeparation() throws {
    var random = SplitMix64(4)
    let rows = (0..<200).map { _ in [random.normal(), random.normal()] }
    let labels = rows.map { $0[1] > 0.3 ? 1.0 : 0 }
    #expect(separatedColumn(try refusal(rows, labels)) == 1)
    // A column may be forbidden the side on which it separates.
    let penalty = try Penalty(lambda: 0, signs: [.free, .nonPositive])
    #expect(try refusal(rows, labels, penalty: penalty) == nil)
  }

  /// Far from separated: ill-conditioned, and rare.
  @Test func whatOnlyLooksSeparated() throws {
    for seed in 0..<10 {
      var random = SplitMix64(UInt64(seed) + 50)
      let rows = (0..<5000).map { _ -> [Double] in
        let z = random.normal()
        return [z, z + 1e-4 * random.normal(), random.uniform() < 0.002 ? 1 : 0]
      }
      let labels = rows.map { row in
        random.uniform() < 1 / (1 + exp(4.5 - row[0] - 2 * row[2])) ? 1.0 : 0
      }
      let ones = zip(rows, labels).filter { $0[2] == 1 && $1 == 1 }.count
      let all = rows.count { $0[2] == 1 }
      guard ones > 0, ones < all else { continue }
      #expect(try refusal(rows, labels) == nil)
    }
  }

  @Test func moreColumnsThanMemoryHolds() throws {
    let columns = 400_000
    let error = try refusal(
      Matrix.zeros(rows: 4, columns: columns), [0, 1, 0, 1], penalty: .l2(1))
    #expect(error?.exitStatus == 3)
    // Eight matrices of (columns + 1)² numbers.
    let text = error?.description ?? ""
    #expect(text.contains("400000 columns: their Gram matrices need 10240.1 GB, the limit is "))
  }

  @Test func messagesNameColumns() throws {
    let names = ["a\nb", "größe"]
    #expect(
      LearningError.nonFiniteInput(row: 7, column: 1).named(columns: names)
        == "not a finite number in the matrix at row 7 (counted from 0), column \"größe\"")
    #expect(
      LearningError.separated(column: 5, standardisedCoefficient: 11).named(columns: names)
        .contains("column 5 "))
    #expect(
      LearningError.separated(column: 1, standardisedCoefficient: 11).description
        .contains("column 1 (counted from 0)"))
  }
}
