import Foundation
import Learning
import TestSupport
import Testing

@Suite struct CrossValidationTests {
  /// A row's fold in a fixed jumble of unequal folds; rows of a group of 5 stay together.
  private func folds(_ rows: Int, _ count: Int) -> [Int] {
    (0..<rows).map { ($0 / 5 * 7 + $0 / 35) % count }
  }

  /// Every fold fitted apart on its own rows, without warm starts or shared matrices, and the
  /// held-out losses and their error by definition.
  private func expectEqualsFoldsFittedApart(
    _ problem: Problem, x: Matrix? = nil, offsets: [Double]? = nil, folds: [Int],
    lambdas: [Double], penalty: Penalty, standardise: Bool = true, weighted: Bool = true,
    accuracy: Double = 1e-7
  ) throws {
    let x = x ?? problem.x
    let n = x.rows
    let weights = weighted ? problem.weights : [Double](repeating: 1, count: n)
    let parameters = try LogisticParameters(
      penalty: penalty, standardise: standardise, tolerance: 1e-10)
    let data = try LogisticData(
      x, labels: problem.labels, weights: weighted ? weights : nil, offsets: offsets)
    let (validation, path) = try crossValidate(
      data, folds: folds, lambdas: lambdas.shuffledByStride, parameters: parameters,
      tolerance: 1e-10)
    let count = (folds.max() ?? 0) + 1
    #expect(validation.points.map(\.lambda) == lambdas)
    #expect(path.lambdas == lambdas)
    for (k, lambda) in lambdas.enumerated() {
      let whole = try fitLogistic(data, parameters: parameters.with(lambda: lambda))
      #expect(distance(path.fits[k].coefficients, whole.coefficients) < 1e-6)
      #expect(abs(path.fits[k].intercept - whole.intercept) < 1e-6 * max(1, abs(whole.intercept)))
      #expect(abs(path.fits[k].objective - whole.objective) < 1e-12)
      #expect(path.fits[k].penalty == whole.penalty)
      #expect(validation.points[k].nonzero == whole.coefficients.count { $0 != 0 })
      var losses: [Double] = []
      var sums: [Double] = []
      for fold in 0..<count {
        let inside = (0..<n).filter { folds[$0] != fold }
        let outside = (0..<n).filter { folds[$0] == fold }
        let fit = try fitLogistic(
          LogisticData(
            x.selecting(rows: inside), labels: inside.map { problem.labels[$0] },
            weights: inside.map { weights[$0] }, offsets: offsets.map { o in inside.map { o[$0] } }),
          parameters: parameters.with(lambda: lambda))
        let eta = try fit.linearPredictors(x.selecting(rows: outside))
        if lambda == validation.chosen {
          #expect(distance(outside.map { validation.outOfFoldLogits[$0] }, eta) < 1e-6)
        }
        var loss = 0.0
        for (k, row) in outside.enumerated() {
          let t = eta[k] + (offsets?[row] ?? 0)
          loss +=
            weights[row] * (max(t, 0) + log1p(exp(-abs(t))) - problem.labels[row] * t)
        }
        let weight = outside.reduce(0) { $0 + weights[$1] }
        losses.append(loss / weight)
        sums.append(weight)
      }
      let total = sums.reduce(0, +)
      let mean = zip(losses, sums).reduce(0) { $0 + $1.0 * $1.1 } / total
      let variance =
        zip(losses, sums).reduce(0) { $0 + $1.1 * pow($1.0 - mean, 2) } / total / Double(count - 1)
      #expect(abs(validation.points[k].logLoss - mean) < accuracy)
      #expect(abs(validation.points[k].standardError - variance.squareRoot()) < accuracy)
    }
    let best = validation.points.min { $0.logLoss < $1.logLoss }
    #expect(validation.minimum == best?.lambda)
    let limit = (best?.logLoss ?? 0) + (best?.standardError ?? 0)
    #expect(validation.oneStandardError == validation.points.first { $0.logLoss <= limit }?.lambda)
  }

  @Test(arguments: [0, 0.4, 1]) func equalsFoldsFittedApart(_ l1Ratio: Double) throws {
    let problem = try Problem(rows: 600, columns: 6, seed: 21)
    try expectEqualsFoldsFittedApart(
      problem, folds: folds(600, 4), lambdas: [0.3, 0.05, 0.01, 0.002, 0.0001],
      penalty: Penalty(lambda: 0, l1Ratio: l1Ratio))
    try expectEqualsFoldsFittedApart(
      problem, x: problem.columnMajor, offsets: (0..<600).map { sin(Double($0)) },
      folds: folds(600, 3), lambdas: [0.1, 0.01, 0.001],
      penalty: Penalty(lambda: 0, l1Ratio: l1Ratio),
      standardise: false, weighted: false)
  }

  @Test func factorsAndSignsHoldInEveryFold() throws {
    let problem = try Problem(rows: 500, columns: 6, seed: 23)
    try expectEqualsFoldsFittedApart(
      problem, offsets: (0..<500).map { 0.3 * cos(Double($0)) }, folds: folds(500, 5),
      lambdas: [0.1, 0.01, 0.0005],
      penalty: Penalty(
        lambda: 0, l1Ratio: 0.7, factors: [1, 0, 2, 0.5, 1, 1],
        signs: [.nonNegative, .free, .nonPositive, .nonNegative, .free, .nonPositive]))
    try expectEqualsFoldsFittedApart(
      problem, folds: folds(500, 5), lambdas: [0.1, 0.001],
      penalty: Penalty(
        lambda: 0, l1Ratio: 0, factors: [1, 0, 2, 0.5, 1, 1],
        signs: [.nonNegative, .free, .nonPositive, .nonNegative, .free, .nonPositive]))
  }

  /// Copies, a constant, a column that varies in one fold's rows only, and one far from 0.
  @Test(arguments: [0, 1]) func collinearAndConstantColumns(_ l1Ratio: Double) throws {
    var problem = try Problem(rows: 400, columns: 3, seed: 24)
    let folds = folds(400, 4)
    problem.x = try matrix(
      (0..<400).map { i in
        let row = problem.x.row(i)
        return row + [row[0] * 2, 7, folds[i] == 1 ? Double(i % 3) : 0, 1e7 + row[1]]
      })
    let lambdas = [0.1, 0.01, 0.001]
    let parameters = try LogisticParameters(
      penalty: Penalty(lambda: 0, l1Ratio: l1Ratio), tolerance: 1e-10)
    let data = try LogisticData(problem.x, labels: problem.labels)
    let (validation, path) = try crossValidate(
      data, folds: folds, lambdas: lambdas, parameters: parameters, tolerance: 1e-10)
    for (k, lambda) in lambdas.enumerated() {
      // Copies leave lasso coefficients undetermined, never the fit.
      let whole = try fitLogistic(data, parameters: parameters.with(lambda: lambda))
      #expect(abs(path.fits[k].objective - whole.objective) < 1e-12)
      #expect(
        distance(
          try path.fits[k].linearPredictors(problem.x), try whole.linearPredictors(problem.x))
          < 1e-5)
      #expect(path.fits[k].coefficients[4] == 0)
      var loss = 0.0
      for fold in 0..<4 {
        let inside = (0..<400).filter { folds[$0] != fold }
        let outside = (0..<400).filter { folds[$0] == fold }
        let fit = try fitLogistic(
          LogisticData(
            problem.x.selecting(rows: inside), labels: inside.map { problem.labels[$0] }),
          parameters: parameters.with(lambda: lambda))
        let eta = try fit.linearPredictors(problem.x.selecting(rows: outside))
        for (k, row) in outside.enumerated() {
          loss += max(eta[k], 0) + log1p(exp(-abs(eta[k]))) - problem.labels[row] * eta[k]
        }
      }
      #expect(abs(validation.points[k].logLoss - loss / 400) < 1e-6)
    }
  }

  /// Where few rows nearly separate the classes, fold models lie far from the full one at small λ.
  @Test(arguments: [0, 1]) func nearSeparation(_ l1Ratio: Double) throws {
    var random = SplitMix64(41)
    let x = Matrix(rows: 60, columns: 12) { span in
      for i in 0..<720 { span[i] = random.normal() }
    }
    let labels = (0..<60).map { x[$0, 0] + 0.8 * x[$0, 1] + 0.1 * x[$0, 2] > 0.2 ? 1.0 : 0 }
    let problem = Problem(x: x, labels: labels, weights: [Double](repeating: 1, count: 60))
    try expectEqualsFoldsFittedApart(
      problem, folds: (0..<60).map { $0 % 6 }, lambdas: [0.01, 1e-4, 1e-5],
      penalty: Penalty(lambda: 0, l1Ratio: l1Ratio), accuracy: 1e-5)
  }

  @Test func noiseWantsAStrongPenalty() throws {
    var random = SplitMix64(31)
    let x = Matrix(rows: 300, columns: 20) { span in
      for i in 0..<6000 { span[i] = random.normal() }
    }
    let labels = (0..<300).map { _ in random.uniform() < 0.4 ? 1.0 : 0 }
    let (ridge, _) = try crossValidate(
      LogisticData(x, labels: labels, threads: 1), folds: (0..<300).map { $0 % 5 },
      parameters: LogisticParameters(penalty: .none))
    #expect(ridge.minimum >= 0.1)
    let (lasso, path) = try crossValidate(
      LogisticData(x, labels: labels, threads: 1), folds: (0..<300).map { $0 % 5 },
      rule: .oneStandardError, parameters: LogisticParameters(penalty: .l1(0)))
    #expect(lasso.points.first { $0.lambda == lasso.chosen }?.nonzero == 0)
    // The path starts where the first coefficient leaves 0.
    #expect(lasso.points.count == 100)
    #expect(lasso.points[0].nonzero == 0 && lasso.points[1].nonzero > 0)
    #expect(abs(path.lambdas[99] / path.lambdas[0] - 1e-4) < 1e-12)
  }

  @Test(arguments: [0, 1]) func sameBitsWithAnyThreads(_ l1Ratio: Double) throws {
    let problem = try Problem(rows: 30_000, columns: 8, seed: 22)
    func run(_ threads: Int) throws -> (CrossValidation, PathFit) {
      try crossValidate(
        LogisticData(problem.x, labels: problem.labels, threads: threads),
        folds: (0..<30_000).map { $0 % 3 }, lambdas: [0.3, 0.01, 0.001], rule: .oneStandardError,
        parameters: LogisticParameters(penalty: Penalty(lambda: 0, l1Ratio: l1Ratio)))
    }
    let one = try run(1)
    #expect(try run(2) == one)
    #expect(try run(3) == one)
    #expect(one.0.chosen == one.0.oneStandardError)
  }

  /// scikit-learn, a fit a fold and a C, with glmnet's definition of the mean and its error.
  @Test func agreesWithScikitLearn() throws {
    struct Input: Encodable {
      var x: [[Double]]
      var y: [Double]
      var folds: [Int]
      var lambdas: [Double]
      var ratios: [Double]
    }
    struct Answer: Decodable {
      var losses: [Double]
      var errors: [Double]
      var coefficients: [[Double]]
    }
    let problem = try Problem(rows: 300, columns: 4, seed: 61)
    let folds = folds(300, 4)
    // Not so strong that saga meets nothing but zeros in its first epoch, and ends there.
    let lambdas = [0.03, 0.01, 0.003]
    let ratios = [0, 0.5, 1.0]
    let script = """
      import json, sys, warnings
      import numpy as np
      from sklearn.linear_model import LogisticRegression
      warnings.filterwarnings("ignore")
      q = json.load(open(sys.argv[1]))
      x, y, folds = map(np.array, (q["x"], q["y"], q["folds"]))
      def fit(x, y, l, ratio):
          s = x.std(0)
          m = LogisticRegression(C=1 / (l * len(y)), l1_ratio=ratio, tol=1e-9, max_iter=100000,
              solver="newton-cholesky" if ratio == 0 else "saga")
          m.fit((x - x.mean(0)) / s, y)
          return m, x.mean(0), s
      answers = []
      for ratio in q["ratios"]:
          out = dict(losses=[], errors=[], coefficients=[])
          for l in q["lambdas"]:
              means, sizes = [], []
              for k in range(folds.max() + 1):
                  inside = folds != k
                  m, c, s = fit(x[inside], y[inside], l, ratio)
                  t = m.decision_function((x[~inside] - c) / s)
                  means.append(np.mean(np.logaddexp(0, t) - y[~inside] * t))
                  sizes.append(np.sum(~inside))
              mean = np.average(means, weights=sizes)
              out["losses"].append(mean)
              out["errors"].append(np.sqrt(np.average((means - mean) ** 2, weights=sizes)
                  / (len(means) - 1)))
              m, c, s = fit(x, y, l, ratio)
              out["coefficients"].append((m.coef_[0] / s).tolist())
          answers.append(out)
      print(json.dumps(answers))
      """
    guard
      let output = try Python.run(
        script,
        on: Input(
          x: (0..<300).map(problem.x.row), y: problem.labels, folds: folds, lambdas: lambdas,
          ratios: ratios))
    else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: output)
    for (ratio, answer) in zip(ratios, answers) {
      let (validation, path) = try crossValidate(
        LogisticData(problem.x, labels: problem.labels), folds: folds, lambdas: lambdas,
        parameters: LogisticParameters(penalty: Penalty(lambda: 0, l1Ratio: ratio)),
        tolerance: 1e-9)
      for k in lambdas.indices {
        #expect(abs(validation.points[k].logLoss - answer.losses[k]) < 1e-7)
        #expect(abs(validation.points[k].standardError - answer.errors[k]) < 1e-7)
        #expect(distance(path.fits[k].coefficients, answer.coefficients[k]) < 1e-5)
      }
    }
  }

  @Test func progressGoesUpToTheEnd() throws {
    let problem = try Problem(rows: 300, columns: 3)
    let seen = Seen()
    _ = try crossValidate(
      LogisticData(problem.x, labels: problem.labels), folds: (0..<300).map { $0 % 3 },
      lambdas: [0.1, 0.01], parameters: LogisticParameters(penalty: .none)
    ) { seen.add($0) }
    #expect(seen.values.last?.done == 8)
    #expect(seen.values.allSatisfy { $0.total == 8 })
    #expect(zip(seen.values, seen.values.dropFirst()).allSatisfy { $0.done <= $1.done })
  }

  @Test func refusals() throws {
    let problem = try Problem(rows: 60, columns: 2)
    let parameters = try LogisticParameters(penalty: .none)
    let data = try LogisticData(problem.x, labels: problem.labels)
    #expect(throws: LearningError.sizeMismatch(what: "folds", expected: 60, got: 2)) {
      try crossValidate(data, folds: [0, 1], parameters: parameters)
    }
    for folds in [
      [Int](repeating: 0, count: 60), [-1] + [Int](repeating: 1, count: 59),
      [60] + [Int](repeating: 1, count: 59),
    ] {
      #expect(throws: LearningError.self) {
        try crossValidate(data, folds: folds, parameters: parameters)
      }
    }
    #expect(throws: LearningError.self) {
      try crossValidate(data, folds: folds(60, 2), lambdas: [], parameters: parameters)
    }
    #expect(throws: LearningError.self) {
      try crossValidate(data, folds: folds(60, 2), lambdas: [-1], parameters: parameters)
    }
    #expect(throws: LearningError.sizeMismatch(what: "penalty factors", expected: 2, got: 1)) {
      try fitPath(
        data, parameters: LogisticParameters(penalty: Penalty(lambda: 0, factors: [1])))
    }
    // All positives in one fold.
    #expect(
      throws: LearningError.foldWithoutClass(
        fold: 0, label: 0, rows: problem.labels.filter { $0 == 1 }.count)
    ) {
      try crossValidate(data, folds: problem.labels.map { Int($0) }, parameters: parameters)
    }
  }
}

/// What a progress handler was told.
private final class Seen: @unchecked Sendable {
  // Handlers are called by one thread after another.
  private(set) var values: [FitProgress] = []
  func add(_ value: FitProgress) { values.append(value) }
}

extension [Double] {
  /// The same values in another order.
  fileprivate var shuffledByStride: [Double] {
    indices.filter { $0 % 2 == 1 }.map { self[$0] }
      + indices.filter { $0 % 2 == 0 }.map { self[$0] }
  }
}
