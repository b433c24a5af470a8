import Foundation
import Learning
import TestSupport
import Testing

/// Random scores, tied and weighted, against scikit-learn's Platt and isotonic calibration and
/// against betacal.
@Suite struct CalibrationOracleTests {
  private struct Sent: Codable {
    var x, y: [Double]
    var w: [Double]?
    var grid: [Double]
  }

  private struct Answer: Codable {
    /// Slope and intercept, and the log loss on Platt's targets.
    var platt: [Double]
    var plattLoss: Double
    /// a, b, c, and the log loss.
    var beta: [Double]
    var betaLoss: Double
    /// At the grid.
    var isotonic: [Double]
  }

  private static let script = """
    import json, sys, warnings
    import numpy as np
    import betacal.beta_calibration
    from betacal import BetaCalibration
    from sklearn.linear_model import LogisticRegression
    from sklearn.calibration import _sigmoid_calibration
    from sklearn.isotonic import IsotonicRegression
    warnings.simplefilter("ignore")
    # Its own fit stops early; to the end with another solver.
    betacal.beta_calibration.LogisticRegression = lambda C: LogisticRegression(
        C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=500)
    answers = []
    for d in json.load(open(sys.argv[1])):
        x, y, grid = (np.array(d[k]) for k in ("x", "y", "grid"))
        w = np.array(d["w"]) if d.get("w") else None
        one = np.ones(len(y)) if w is None else w
        pos, neg = (one * y).sum(), (one * (1 - y)).sum()
        high, low = (pos + 1) / (pos + 2), 1 / (neg + 2)
        A, B = _sigmoid_calibration(x, y, w)
        eta, t = -(A * x + B), np.where(y == 1, high, low)
        loss = np.average(np.logaddexp(0, eta) - t * eta, weights=one)
        s = 1 / (1 + np.exp(-x))
        m = BetaCalibration(parameters="abm").fit(s, y, w).calibrator_
        c = float(m.lr_.intercept_[0])
        q = np.clip(m.predict(s), 1e-15, 1 - 1e-15)
        beta_loss = np.average(-(y * np.log(q) + (1 - y) * np.log(1 - q)), weights=one)
        iso = IsotonicRegression(y_min=low, y_max=high, out_of_bounds="clip").fit(x, y, w)
        answers.append(dict(
            platt=[-A, -B], plattLoss=loss, beta=[float(m.map_[0]), float(m.map_[1]), c],
            betaLoss=beta_loss, isotonic=iso.predict(grid).tolist()))
    print(json.dumps(answers))
    """

  @Test func fitsAgree() throws {
    let sent = (0..<200).map { seed in
      var random = SplitMix64(UInt64(seed) &+ 700)
      let count = 60 + random.below(500)
      let slope = 0.3 + random.uniform() * 1.5
      let x = (0..<count).map { _ in
        let logit = 1.4 * random.normal() - 0.6
        return seed % 2 == 0 ? logit : (logit * 5).rounded() / 5
      }
      let y = x.map { random.uniform() < 1 / (1 + exp(-slope * $0 - 0.4)) ? 1.0 : 0 }
      let w = seed % 3 == 0 ? nil : x.map { _ in Double(random.below(3)) + 0.5 }
      return Sent(x: x, y: y, w: w, grid: (-40...40).map { Double($0) / 8 })
    }
    guard let output = try Python.run(Self.script, on: sent) else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: output)
    #expect(answers.count == sent.count)
    var (boundary, falling) = (0, 0)
    for (problem, answer) in zip(sent, answers) {
      let (x, y, w) = (problem.x, problem.y, problem.w)
      let weights = w ?? x.map { _ in 1 }
      let total = weights.reduce(0, +)
      let platt = try ScoreCalibration.fitPlatt(logits: x, labels: y, weights: w)
      guard case .platt(let slope, let intercept) = platt else { continue }
      // A falling line is none of ours.
      guard answer.platt[0] >= 0 else {
        falling += 1
        #expect(slope == 0)
        continue
      }
      #expect(distance([slope, intercept], answer.platt) < 2e-3)
      // Theirs stops early (L-BFGS): ours must be at least as good, and no more than a hair better.
      let positives = zip(y, weights).reduce(0) { $0 + $1.0 * $1.1 }
      let (high, low) = ((positives + 1) / (positives + 2), 1 / (total - positives + 2))
      func loss(_ logit: (Double) -> Double, _ targets: (Double) -> Double) -> Double {
        x.indices.reduce(0) {
          let eta = logit(x[$1])
          return $0 + weights[$1] * (max(eta, 0) + log1p(exp(-abs(eta))) - targets(y[$1]) * eta)
        } / total
      }
      let plattLoss = loss({ platt.calibrated(logit: $0) }, { $0 == 1 ? high : low })
      #expect(plattLoss <= answer.plattLoss + 1e-14 && plattLoss >= answer.plattLoss - 1e-7)

      let fitted = try ScoreCalibration.fitBeta(logits: x, labels: y, weights: w)
      guard case .beta(let a, let b, let c) = fitted else { continue }
      #expect(a >= 0 && b >= 0)
      let betaLoss = loss({ fitted.calibrated(logit: $0) }, { $0 })
      #expect(betaLoss <= answer.betaLoss + 1e-12)
      // Where theirs refits to a falling coefficient it is no calibration; ours stays flat.
      if answer.beta[0] >= 0, answer.beta[1] >= 0 {
        #expect(betaLoss >= answer.betaLoss - 1e-12)
        #expect(distance([a, b, c], answer.beta) < 1e-6)
      }
      if a == 0 || b == 0 { boundary += 1 }

      let isotonic = try ScoreCalibration.fitIsotonic(logits: x, labels: y, weights: w)
      #expect(
        distance(problem.grid.map { isotonic.probability(logit: $0) }, answer.isotonic) < 1e-12)
    }
    #expect(boundary > 5 && falling < 5)
  }
}
