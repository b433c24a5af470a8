import Foundation
import Learning
import TestSupport
import Testing

/// Random problems without a penalty against statsmodels' GLM: weights as repeats, offsets,
/// fractional labels, rare classes, columns of wildly different scale; and with corners against
/// scikit-learn's objective.
@Suite struct StatsmodelsTests {
  private struct Sent: Codable {
    var x: [[Double]]
    var y, w, offsets: [Double]
  }

  private struct Answer: Codable {
    var coefficients, errors: [Double]
    var likelihood: Double
  }

  private static let script = """
    import json, sys, warnings
    import numpy as np
    import statsmodels.api as sm
    warnings.simplefilter("ignore")
    answers = []
    for p in json.load(open(sys.argv[1])):
        x, y, w, o = (np.array(p[k]) for k in ("x", "y", "w", "offsets"))
        # statsmodels solves raw columns: give it scaled ones and map back.
        s = x.std(axis=0)
        z = np.column_stack([x / s, np.ones(len(y))])
        m = sm.GLM(y, z, family=sm.families.Binomial(), freq_weights=w, offset=o)
        r = m.fit(tol=1e-13, maxiter=200)
        eta = z @ r.params + o
        answers.append(dict(
            coefficients=(r.params / np.append(s, 1)).tolist(),
            errors=(r.bse / np.append(s, 1)).tolist(),
            likelihood=float(np.sum(w * (y * eta - np.logaddexp(0, eta))))))
    print(json.dumps(answers))
    """

  @Test func coefficientsErrorsAndLikelihoodAgree() throws {
    var problems: [(Problem, [Double])] = []
    for seed in 0..<150 {
      var draw = SplitMix64(UInt64(seed) &+ 7000)
      let columns = 1 + draw.below(8)
      var problem = try Problem(
        rows: 150 + draw.below(400), columns: columns, seed: UInt64(seed) &+ 3000,
        shift: [0, 1, 4][seed % 3])
      if seed % 3 == 0 { problem.labels = problem.labels.map { 0.05 + 0.8 * $0 } }
      if seed % 7 == 1 {
        // A rare class: only some of the ones stay.
        problem.labels = problem.labels.map { draw.uniform() < 0.25 ? $0 : 0 }
      }
      if seed % 4 == 2 {
        let scale = (0..<columns).map { _ in pow(10, Double(draw.below(13)) - 6) }
        problem.x = try matrix(
          (0..<problem.x.rows).map { i in zip(problem.x.row(i), scale).map { $0 * $1 } })
      }
      let offsets = (0..<problem.x.rows).map { _ in seed % 2 == 0 ? 0 : draw.normal() }
      problems.append((problem, offsets))
    }
    let sent = problems.map { problem, offsets in
      Sent(
        x: (0..<problem.x.rows).map { problem.x.row($0) }, y: problem.labels,
        w: problem.weights, offsets: offsets)
    }
    guard let output = try Python.run(Self.script, on: sent) else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: output)
    #expect(answers.count == problems.count)
    for ((problem, offsets), answer) in zip(problems, answers) {
      let data = try LogisticData(
        problem.x, labels: problem.labels, weights: problem.weights, offsets: offsets)
      let fit = try fitLogistic(
        data, parameters: LogisticParameters(penalty: .none, tolerance: 1e-12))
      let likelihood = -fit.objective * fit.weightSum
      #expect(abs(likelihood / answer.likelihood - 1) < 1e-12)
      let covariance = try fit.covariance(data)
      for j in fit.coefficients.indices {
        // Ours are on standardised columns.
        let error = covariance[j, j].squareRoot() / fit.scales[j]
        #expect(abs(error / answer.errors[j] - 1) < 1e-6)
        #expect(abs(fit.coefficients[j] - answer.coefficients[j]) < 1e-7 * answer.errors[j])
      }
      #expect(abs(fit.intercept - answer.coefficients.last!) < 1e-7 * answer.errors.last!)
    }
  }

  private struct Corner: Codable {
    var x: [[Double]]
    var y, w: [Double]
    var c, ratio: Double
  }

  private static let corners = """
    import json, sys, warnings
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    warnings.simplefilter("ignore")
    answers = []
    for p in json.load(open(sys.argv[1])):
        x, y, w = (np.array(p[k]) for k in ("x", "y", "w"))
        m = LogisticRegression(
            C=p["c"], l1_ratio=p["ratio"], penalty="elasticnet", solver="saga", tol=1e-10,
            max_iter=20000)
        m.fit(x, y, sample_weight=w)
        b, eta = m.coef_[0], m.decision_function(x)
        lam = 1 / (p["c"] * w.sum())
        answers.append(dict(
            coefficients=b.tolist(), intercept=float(m.intercept_[0]),
            objective=float(
                np.sum(w * (np.logaddexp(0, eta) - y * eta)) / w.sum()
                + lam * ((1 - p["ratio"]) / 2 * b @ b + p["ratio"] * np.abs(b).sum()))))
    print(json.dumps(answers))
    """

  @Test func neverAboveScikitLearnsObjective() throws {
    struct Answer: Codable {
      var coefficients: [Double]
      var intercept, objective: Double
    }
    var problems: [(Problem, Penalty)] = []
    for seed in 0..<60 {
      var draw = SplitMix64(UInt64(seed) &+ 100)
      let columns = 1 + draw.below(10)
      var problem = try Problem(
        rows: 80 + draw.below(150), columns: columns, seed: UInt64(seed) &+ 600, shift: 0)
      // Its solver needs columns of like size.
      let rows = (0..<problem.x.rows).map { problem.x.row($0) }
      let size = (0..<columns).map { j in
        (rows.reduce(0) { $0 + $1[j] * $1[j] } / Double(rows.count)).squareRoot()
      }
      problem.x = try matrix(rows.map { zip($0, size).map { $0 / $1 } })
      problems.append(
        (
          problem,
          try Penalty(lambda: exp(-7 + 5 * draw.uniform()), l1Ratio: [1, 0.5, 0.1][seed % 3])
        ))
    }
    let sent = problems.map { problem, penalty in
      Corner(
        x: (0..<problem.x.rows).map { problem.x.row($0) }, y: problem.labels, w: problem.weights,
        c: 1 / (penalty.lambda * problem.weights.reduce(0, +)), ratio: penalty.l1Ratio)
    }
    guard let output = try Python.run(Self.corners, on: sent) else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: output)
    #expect(answers.count == problems.count)
    var arrived = 0
    for ((problem, penalty), answer) in zip(problems, answers) {
      let fit = try fitLogistic(
        LogisticData(problem.x, labels: problem.labels, weights: problem.weights),
        parameters: LogisticParameters(penalty: penalty, standardise: false, tolerance: 1e-11))
      #expect(fit.objective <= answer.objective + 1e-14)
      // Its stochastic solver does not always arrive.
      guard answer.objective - fit.objective < 1e-12 else { continue }
      arrived += 1
      #expect(distance(fit.coefficients, answer.coefficients) < 1e-4)
    }
    #expect(arrived >= 50)
  }
}
