import Foundation
import Learning
import TestSupport
import Testing

/// Random problems against scikit-learn, which minimises C Σ w·loss + ½‖b‖²: C = 1 / (λ W).
@Suite struct ScikitLearnTests {
  private struct Sent: Codable {
    var x: [[Double]]
    var y: [Double]
    var w: [Double]
    var c: Double
  }

  private struct Answer: Codable {
    var coefficients: [Double]
    var intercept: Double
    var auc, averagePrecision, logLoss, brier: Double
  }

  private static let script = """
    import json, sys, warnings
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
    warnings.simplefilter("ignore")
    answers = []
    for p in json.load(open(sys.argv[1])):
        x, y, w = np.array(p["x"]), np.array(p["y"]), np.array(p["w"])
        m = LogisticRegression(C=p["c"], solver="newton-cholesky", tol=1e-14, max_iter=200)
        m.fit(x, y, sample_weight=w)
        q = m.predict_proba(x)[:, 1]
        s = np.round(m.decision_function(x), 1)  # with ties
        answers.append(dict(
            coefficients=m.coef_[0].tolist(), intercept=float(m.intercept_[0]),
            auc=roc_auc_score(y, s), averagePrecision=average_precision_score(y, s),
            logLoss=log_loss(y, q), brier=brier_score_loss(y, q)))
    print(json.dumps(answers))
    """

  @Test func coefficientsAndMetricsAgree() throws {
    var problems: [(Problem, Double)] = []
    for seed in 0..<60 {
      var draw = SplitMix64(UInt64(seed) &+ 500)
      let columns = 1 + draw.below(12)
      let rows = 40 + draw.below(400)
      var problem = try Problem(
        rows: rows, columns: columns, seed: UInt64(seed), shift: [0, 1, 5][seed % 3])
      if seed % 2 == 0 { problem.weights = problem.weights.map { _ in 1 } }
      let l2 = exp(-9 + 8 * draw.uniform())
      problems.append((problem, l2))
    }
    let sent = problems.map { problem, l2 in
      Sent(
        x: (0..<problem.x.rows).map { problem.x.row($0) }, y: problem.labels,
        w: problem.weights, c: 1 / (l2 * problem.weights.reduce(0, +)))
    }
    guard let output = try Python.run(Self.script, on: sent) else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: output)
    #expect(answers.count == problems.count)
    for ((problem, l2), answer) in zip(problems, answers) {
      let fit = try fitLogistic(
        LogisticData(problem.x, labels: problem.labels, weights: problem.weights),
        parameters: LogisticParameters(penalty: .l2(l2), standardise: false, tolerance: 1e-12))
      for (ours, theirs) in zip(
        fit.coefficients + [fit.intercept], answer.coefficients + [answer.intercept])
      {
        #expect(abs(ours - theirs) <= 1e-7 * max(1, abs(theirs)))
      }
      let logits = try fit.linearPredictors(problem.x)
      let metrics = try ProbabilityMetrics(logits: logits, labels: problem.labels)
      #expect(abs(metrics.logLoss - answer.logLoss) < 1e-7)
      #expect(abs(metrics.brier - answer.brier) < 1e-7)
      let ties = logits.map { ($0 * 10).rounded(.toNearestOrEven) / 10 }
      let area = try RocArea(scores: ties, labels: problem.labels)
      #expect(abs(area.area - answer.auc) < 1e-12)
      let precision = try averagePrecision(scores: ties, labels: problem.labels)
      #expect(abs(precision - answer.averagePrecision) < 1e-12)
    }
  }
}
