import Foundation
import Learning
import TestSupport
import Testing

@Suite struct CrossValidationTests {
  private let lambdas = [0.3, 0.01, 0.001]

  /// Every fold fitted apart on its own rows, without warm starts or shared matrices.
  @Test func equalsFoldsFittedApart() throws {
    let problem = try Problem(rows: 600, columns: 6, seed: 21)
    let folds = (0..<600).map { ($0 / 5) % 4 }
    let parameters = try LogisticParameters(penalty: .none)
    let validation = try crossValidateL2(
      LogisticData(problem.x, labels: problem.labels, weights: problem.weights), folds: folds,
      lambdas: lambdas, parameters: parameters)
    #expect(validation.points.map(\.l2) == [0.3, 0.01, 0.001])
    for point in validation.points {
      var total = 0.0
      var means: [Double] = []
      var sums: [Double] = []
      for fold in 0..<4 {
        let inside = (0..<600).filter { folds[$0] != fold }
        let outside = (0..<600).filter { folds[$0] == fold }
        let fit = try fitLogistic(
          LogisticData(
            problem.x.selecting(rows: inside), labels: inside.map { problem.labels[$0] },
            weights: inside.map { problem.weights[$0] }),
          parameters: parameters.with(lambda: point.l2))
        let eta = try fit.linearPredictors(problem.x.selecting(rows: outside))
        if point.l2 == validation.chosen {
          #expect(distance(outside.map { validation.outOfFoldLogits[$0] }, eta) < 1e-4)
        }
        let metrics = try ProbabilityMetrics(
          logits: eta, labels: outside.map { problem.labels[$0] },
          weights: outside.map { problem.weights[$0] })
        let weight = outside.reduce(0) { $0 + problem.weights[$1] }
        total += weight * metrics.logLoss
        means.append(metrics.logLoss)
        sums.append(weight)
      }
      let mean = total / sums.reduce(0, +)
      #expect(abs(point.logLoss - mean) < 1e-6)
      let variance = zip(means, sums).reduce(0) { $0 + $1.1 * pow($1.0 - mean, 2) }
      let error = (variance / sums.reduce(0, +) / 3).squareRoot()
      #expect(abs(point.standardError - error) < 1e-6)
    }
    #expect(validation.minimum == validation.points.min { $0.logLoss < $1.logLoss }?.l2)
    #expect(validation.oneStandardError >= validation.minimum)
  }

  @Test func noiseWantsAStrongPenalty() throws {
    var random = SplitMix64(31)
    let x = Matrix(rows: 300, columns: 20) { span in
      for i in 0..<6000 { span[i] = random.normal() }
    }
    let labels = (0..<300).map { _ in random.uniform() < 0.4 ? 1.0 : 0 }
    let validation = try crossValidateL2(
      LogisticData(x, labels: labels, threads: 1), folds: (0..<300).map { $0 % 5 },
      parameters: LogisticParameters(penalty: .none))
    #expect(validation.minimum >= 0.1)
  }

  @Test func sameBitsWithAnyThreads() throws {
    let problem = try Problem(rows: 5_000, columns: 8, seed: 22)
    func run(_ threads: Int) throws -> L2CrossValidation {
      try crossValidateL2(
        LogisticData(problem.x, labels: problem.labels, threads: threads),
        folds: (0..<5_000).map { $0 % 3 }, lambdas: lambdas, rule: .oneStandardError,
        parameters: LogisticParameters(penalty: .none))
    }
    let one = try run(1)
    #expect(try run(2) == one)
    #expect(try run(3) == one)
    #expect(one.chosen == one.oneStandardError)
  }

  @Test func refusals() throws {
    let problem = try Problem(rows: 60, columns: 2)
    let parameters = try LogisticParameters(penalty: .none)
    #expect(throws: LearningError.sizeMismatch(what: "folds", expected: 60, got: 2)) {
      try crossValidateL2(
        LogisticData(problem.x, labels: problem.labels), folds: [0, 1], parameters: parameters)
    }
    #expect(throws: LearningError.self) {
      try crossValidateL2(
        LogisticData(problem.x, labels: problem.labels), folds: [Int](repeating: 0, count: 60),
        parameters: parameters)
    }
    // All positives in one fold.
    #expect(
      throws: LearningError.foldWithoutClass(
        fold: 0, label: 0, rows: problem.labels.filter { $0 == 1 }.count)
    ) {
      try crossValidateL2(
        LogisticData(problem.x, labels: problem.labels), folds: problem.labels.map { Int($0) },
        parameters: parameters)
    }
  }
}
