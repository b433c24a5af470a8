import Foundation
import Learning
import TestSupport
import Testing

@Suite struct LeaveOneOutTests {
  /// Leaving every row out in turn, each time with a fit of its own.
  private func exact(
    _ x: Matrix, _ labels: [Double], _ weights: [Double]?, _ offsets: [Double]?,
    _ parameters: LogisticParameters
  ) throws -> [Double] {
    try (0..<x.rows).map { out in
      let inside = (0..<x.rows).filter { $0 != out }
      let fit = try fitLogistic(
        LogisticData(
          x.selecting(rows: inside), labels: inside.map { labels[$0] },
          weights: weights.map { w in inside.map { w[$0] } },
          offsets: offsets.map { o in inside.map { o[$0] } }, threads: 1),
        parameters: parameters)
      return try fit.linearPredictors(x.selecting(rows: [out]))[0]
    }
  }

  /// METHODS 2.7: .588395 for ALO, .588464 for leave-one-out and .574094 in sample, with gre and gpa
  /// standardised, the ranks' indicators as they are, and scikit-learn's C = 1.
  @Test func uclaAdmissions() throws {
    guard let path = Shared.path("reference/binary.csv") else { return }
    let rows = try readCSV(path).rows.map { $0.compactMap(Double.init) }
    func standardised(_ column: Int) -> [Double] {
      let mean = rows.reduce(0) { $0 + $1[column] } / 400
      let variance = rows.reduce(0) { $0 + pow($1[column] - mean, 2) } / 400
      return rows.map { ($0[column] - mean) / variance.squareRoot() }
    }
    let (gre, gpa) = (standardised(1), standardised(2))
    let x = try matrix(
      rows.indices.map { i in
        [gre[i], gpa[i]] + [2, 3, 4].map { rows[i][3] == $0 ? 1 : 0 }
      })
    let labels = rows.map { $0[0] }
    let parameters = try LogisticParameters(
      penalty: .l2(1.0 / 400), standardise: false, tolerance: 1e-10)
    let data = try LogisticData(x, labels: labels)
    let fit = try fitLogistic(data, parameters: parameters)
    func logLoss(_ logits: [Double]) throws -> Double {
      try ProbabilityMetrics(logits: logits, labels: labels).logLoss
    }
    #expect(abs(try logLoss(fit.linearPredictors(x)) - 0.574094) < 1e-6)
    let answer = try approximateLeaveOneOut(fit, data: data)
    #expect(abs(answer.logLoss - 0.588395) < 1e-6)
    #expect(abs(try logLoss(answer.logits) - 0.588395) < 1e-6)
    let ofOthers = try parameters.with(lambda: 1.0 / 399)
    #expect(abs(try logLoss(exact(x, labels, nil, nil, ofOthers)) - 0.588464) < 1e-6)
  }

  @Test(arguments: [0, 1]) func isCloseToLeavingEveryRowOut(_ l1Ratio: Double) throws {
    let problem = try Problem(rows: 250, columns: 5, seed: 51)
    let offsets = (0..<250).map { 0.4 * sin(Double($0)) }
    let parameters = try LogisticParameters(penalty: Penalty(lambda: 0.01, l1Ratio: l1Ratio))
    let data = try LogisticData(
      problem.x, labels: problem.labels, weights: problem.weights, offsets: offsets)
    let fit = try fitLogistic(data, parameters: parameters)
    let answer = try approximateLeaveOneOut(fit, data: data)
    let truth = try exact(
      problem.x, problem.labels, problem.weights, offsets, parameters)
    let inSample = try fit.linearPredictors(problem.x)
    let error = zip(answer.logits, truth).reduce(0) { $0 + abs($1.0 - $1.1) }
    let distance = zip(inSample, truth).reduce(0) { $0 + abs($1.0 - $1.1) }
    #expect(error < 0.1 * distance)
    // By definition, from the logits.
    var (sum, square) = (0.0, 0.0)
    var total = 0.0
    for i in 0..<250 {
      let t = answer.logits[i] + offsets[i]
      let loss = max(t, 0) + log1p(exp(-abs(t))) - problem.labels[i] * t
      sum += problem.weights[i] * loss
      square += problem.weights[i] * loss * loss
      total += problem.weights[i]
    }
    #expect(abs(answer.logLoss - sum / total) < 1e-12)
    let variance = square / total - pow(sum / total, 2)
    #expect(abs(answer.standardError - (variance / 249).squareRoot()) < 1e-12)
  }

  @Test func choosesAsCrossValidationByRowsDoes() throws {
    let problem = try Problem(rows: 200, columns: 8, seed: 52)
    let data = try LogisticData(problem.x, labels: problem.labels)
    let parameters = try LogisticParameters(penalty: .none)
    let lambdas = [1, 0.1, 0.01, 0.001, 0.0001]
    let path = try fitPath(data, lambdas: lambdas, parameters: parameters)
    let quick = try approximateLeaveOneOut(path, data: data, rule: .oneStandardError)
    let (slow, _) = try crossValidate(
      data, folds: Array(0..<200), lambdas: lambdas, parameters: parameters)
    #expect(quick.minimum == slow.minimum)
    for (a, b) in zip(quick.points, slow.points) {
      #expect(a.lambda == b.lambda && a.nonzero == b.nonzero)
      #expect(abs(a.logLoss - b.logLoss) < 1e-3)
      #expect(abs(a.standardError - b.standardError) < 1e-3)
    }
    let chosen = try fitLogistic(data, parameters: parameters.with(lambda: quick.chosen))
    #expect(quick.chosen == quick.oneStandardError)
    #expect(
      distance(
        quick.outOfFoldLogits, try approximateLeaveOneOut(chosen, data: data).logits) < 1e-6)
  }

  @Test func copiesWithoutPenaltyAreRefusedByName() throws {
    var problem = try Problem(rows: 100, columns: 2)
    let data = try LogisticData(problem.x, labels: problem.labels)
    let fit = try fitLogistic(data, parameters: LogisticParameters(penalty: .l1(0.001)))
    problem.x = try matrix((0..<100).map { [problem.x[$0, 0], problem.x[$0, 0]] })
    let copies = try LogisticData(problem.x, labels: problem.labels)
    #expect(throws: LearningError.self) { try approximateLeaveOneOut(fit, data: copies) }
  }
}
