import Foundation
import Learning
import TestSupport
import Testing

/// Hundreds of random forecasts, tied and weighted, against scikit-learn and statsmodels.
@Suite struct MetricsOracleTests {
  private struct Sent: Codable {
    var p, y, w: [Double]
    var k: [Double]
  }

  private struct Answer: Codable {
    var auc, ap, logLoss, brier: Double
    /// Slope, intercept and their errors.
    var line: [Double]?
    var precision: [Double]
    var ece, debiased: Double
  }

  private static let script = """
    import json, sys, warnings
    import numpy as np
    import statsmodels.api as sm
    from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
    warnings.simplefilter("ignore")

    def precision_at(k, p, y, w):
        above = found = 0.0
        for value in np.unique(p)[::-1]:
            tied = p == value
            part = min(1.0, max(0.0, (k - above) / w[tied].sum()))
            found += part * (w * y)[tied].sum()
            above += w[tied].sum()
        return found / k

    def errors(p, y, w, bins=15):
        # Bins from the highest probability down, each value going where its middle falls.
        values, W, before = np.unique(p)[::-1], w.sum(), 0.0
        place = {}
        for v in values:
            mass = w[p == v].sum()
            place[v] = len(place) if len(values) <= bins else int((before + mass / 2) / W * bins)
            before += mass
        index = np.array([place[v] for v in p])
        ece = debiased = 0.0
        for b in set(index):
            m = index == b
            share, conf, acc = w[m].sum() / W, np.average(p[m], weights=w[m]), np.average(y[m], weights=w[m])
            n = w[m].sum() ** 2 / (w[m] ** 2).sum()
            ece += share * abs(conf - acc)
            debiased += share * ((conf - acc) ** 2 - (acc * (1 - acc) / (n - 1) if n > 1.5 else 0))
        return ece, debiased

    answers = []
    for d in json.load(open(sys.argv[1])):
        p, y, w = (np.array(d[k]) for k in "pyw")
        line = None
        if p.min() > 0 and p.max() < 1:
            fit = sm.GLM(y, sm.add_constant(np.log(p / (1 - p))), sm.families.Binomial(),
                         freq_weights=w).fit(tol=1e-14)
            line = [fit.params[1], fit.params[0], fit.bse[1], fit.bse[0]]
        ece, debiased = errors(p, y, w)
        answers.append(dict(
            auc=roc_auc_score(y, p, sample_weight=w),
            ap=average_precision_score(y, p, sample_weight=w),
            logLoss=log_loss(y, p, sample_weight=w), brier=brier_score_loss(y, p, sample_weight=w),
            line=line, precision=[precision_at(k, p, y, w) for k in d["k"]],
            ece=ece, debiased=debiased))
    print(json.dumps(answers))
    """

  @Test func metricsAgree() throws {
    let sent = (0..<300).map { seed in
      var random = SplitMix64(UInt64(seed) &+ 90)
      let count = 30 + random.below(400)
      let grid = [0.0, 12, 40][seed % 3]
      let p = (0..<count).map { _ in
        let p = 1 / (1 + exp(1 - 1.5 * random.normal()))
        return grid == 0
          ? p
          : seed % 2 == 0
            ? (p * grid).rounded() / grid : ((p * grid).rounded(.down) + 0.5) / grid
      }
      let y = p.enumerated().map { $0 < 2 ? Double($0) : random.uniform() < $1 ? 1.0 : 0 }
      let w = p.map { _ in
        [1, Double(random.below(4)) + 1, random.uniform() * 3 + 1e-3][seed / 3 % 3]
      }
      let total = w.reduce(0, +)
      return Sent(
        p: p, y: y, w: w,
        k: [total * random.uniform(), total / 10, total * 0.999].sorted())
    }
    guard let output = try Python.run(Self.script, on: sent) else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: output)
    #expect(answers.count == sent.count && answers.count { $0.line != nil } > 150)
    for (problem, answer) in zip(sent, answers) {
      let evaluation = try Evaluation(
        [.probabilities(problem.p)], Outcomes(labels: problem.y, weights: problem.w),
        cuts: problem.k.map { .weight($0) }, replicates: 0, threads: 1)
      func differs(_ metric: Metric, _ theirs: Double) -> Double {
        abs((evaluation.estimate(metric).value ?? .nan) - theirs)
      }
      #expect(differs(.rocArea, answer.auc) < 1e-12)
      #expect(differs(.averagePrecision, answer.ap) < 1e-12)
      #expect(differs(.logLoss, answer.logLoss) < 1e-12)
      #expect(differs(.brier, answer.brier) < 1e-12)
      for cut in 0..<3 {
        #expect(differs(.precision(.weight(problem.k[cut])), answer.precision[cut]) < 1e-12)
      }
      #expect(differs(.plugInError, answer.ece) < 1e-12)
      #expect(differs(.debiasedSquare, answer.debiased) < 1e-12)
      guard let theirs = answer.line else { continue }
      let line = try CalibrationLine(
        logits: problem.p.map { log($0 / (1 - $0)) }, labels: problem.y, weights: problem.w)
      let ours = [line.slope, line.intercept, line.slopeError, line.interceptError]
      #expect(distance(ours, theirs) < 1e-8)
      #expect(differs(.slope, line.slope) < 1e-10 && differs(.intercept, line.intercept) < 1e-10)
    }
  }
}
