import Foundation
import Learning
import TestSupport
import Testing

@Suite struct DesignTests {
  /// 200 rows: a plain number, a heavy-tailed one with gaps, a category, a constant, a copy.
  private func sample() throws -> (Matrix, [DesignSource]) {
    var random = SplitMix64(41)
    let rows = (0..<200).map { i -> [Double] in
      let plain = random.normal()
      let heavy = i % 5 == 0 ? Double.nan : (exp(2 * random.normal()) * 10).rounded()
      let code = i % 100 == 7 ? 2.0 : i % 100 == 9 ? 3 : Double(i % 2)
      return [plain, heavy, code, 5, plain]
    }
    return (
      try matrix(rows), [.numeric, .numeric, .categorical(levels: 4), .numeric, .numeric]
    )
  }

  @Test func columnsByRule() throws {
    let (x, sources) = try sample()
    let design = try Design(fitting: x, sources: sources, minimumLevelCount: 10, threads: 2)
    #expect(design.columns.map(\.source) == [0, 1, 1, 2, 2])
    #expect(
      design.columns.map(\.basis) == [.linear, .log1p, .missing, .level(1), .pooled([2, 3])]
        || design.columns.map(\.basis) == [.linear, .log1p, .missing, .level(0), .pooled([2, 3])])
    #expect(design.dropped.map(\.source) == [3, 4])
    #expect(design.dropped.map(\.reason) == [.constant, .duplicate(of: 0)])
    let z = try design.expand(x, threads: 2)
    for k in 0..<5 {
      let column = z.column(k)
      // Missing values are 0 and stand for the mean of those present.
      let present = (0..<200).filter { !x[$0, design.columns[k].source].isNaN || k == 2 }
      let mean = present.reduce(0) { $0 + column[$1] } / Double(present.count)
      let square = present.reduce(0) { $0 + column[$1] * column[$1] } / Double(present.count)
      #expect(abs(mean) < 1e-12 && abs(square - 1) < 1e-12)
      for i in 0..<200 where x[i, 1].isNaN && k == 1 { #expect(column[i] == 0) }
    }
    #expect(z[3, 1] == (log1p(x[3, 1]) - design.columns[1].mean) / design.columns[1].scale)
    let coded = try JSONDecoder().decode(Design.self, from: JSONEncoder().encode(design))
    #expect(coded == design)
  }

  @Test func negativeValuesHaveASignedLogarithm() throws {
    var random = SplitMix64(42)
    let x = Matrix(rows: 500, columns: 1) { span in
      for i in 0..<500 { span[i] = -exp(2 * random.normal()) }
    }
    let design = try Design(fitting: x, sources: [.numeric])
    #expect(design.columns[0].basis == .log1p)
    #expect(
      design.columns[0].value(-3) == (-log1p(3) - design.columns[0].mean)
        / design.columns[0].scale)
  }

  @Test func fewMissingHaveNoIndicator() throws {
    let x = Matrix(rows: 1000, columns: 1) { span in
      for i in 0..<1000 { span[i] = i < 10 ? .nan : Double(i % 17) }
    }
    let design = try Design(fitting: x, sources: [.numeric])
    #expect(design.columns.map(\.basis) == [.linear])
  }

  @Test func contributionsAddUpToTheLogit() throws {
    let (x, sources) = try sample()
    let design = try Design(fitting: x, sources: sources, minimumLevelCount: 10)
    let z = try design.expand(x)
    var random = SplitMix64(43)
    let labels = (0..<200).map { _ in random.uniform() < 0.4 ? 1.0 : 0 }
    let fit = try fitLogistic(
      LogisticData(z, labels: labels, threads: 1),
      parameters: LogisticParameters(penalty: .l2(0.01)))
    let reference = z.selecting(rows: Array(0..<50)).columnSums().map { $0 / 50 }
    let contributions = try Contributions(
      design, coefficients: fit.coefficients, intercept: fit.intercept, reference: reference)
    let logits = try fit.linearPredictors(z)
    for i in 0..<200 {
      let parts = contributions.of(row: z.row(i))
      let sum = parts.reduce(contributions.referenceLogit, +)
      #expect(abs(sum - logits[i]) < 1e-13)
      #expect(parts.count == 5 && parts[3] == 0 && parts[4] == 0)
    }
  }

  @Test func refusals() throws {
    let x = try matrix([[1, 0], [2, 4]])
    #expect(throws: LearningError.badLevel(row: 1, source: 1, value: 4, levels: 4)) {
      try Design(fitting: x, sources: [.numeric, .categorical(levels: 4)])
    }
    #expect(
      throws: LearningError.sizeMismatch(
        what: "sources of the design", expected: 2, got: 1)
    ) {
      try Design(fitting: x, sources: [.numeric])
    }
    let infinite = try matrix([[1, 0], [.infinity, 4]])
    #expect(throws: LearningError.nonFiniteInput(row: 1, column: 0)) {
      try Design(fitting: infinite, sources: [.numeric, .numeric])
    }
  }
}
