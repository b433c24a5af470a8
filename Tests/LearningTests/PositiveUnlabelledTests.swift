import Foundation
import Learning
import TestSupport
import Testing

/// Complaints only: what can be recovered, beside an oracle that knows the class, and when it cannot.
@Suite struct PositiveUnlabelledTests {
  private struct Base {
    var x: Matrix
    var y: [Double]
    var s: [Double]
    var prevalence: Double { y.reduce(0, +) / Double(y.count) }
  }

  enum Labelling: String, CaseIterable {
    /// 30 % of the class, by lot.
    case completelyAtRandom
    /// By x3, which has no part in the class.
    case byAnotherColumn
    /// By x0, which has.
    case byTheClassColumn
  }

  /// METHODS 1.5: 20,000 rows, 4 columns, a class of about a third.
  private func base(_ labelling: Labelling, rows: Int = 20_000, seed: UInt64) throws -> Base {
    var random = SplitMix64(seed)
    var (x, y, s): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<rows {
      let z = (0..<4).map { _ in random.normal() }
      x += z
      let eta = -1.1 + 1.5 * z[0] - 1.1 * z[1] + 0.7 * z[2]
      let isMember = random.uniform() < 1 / (1 + exp(-eta))
      let chance =
        switch labelling {
        case .completelyAtRandom: 0.3
        case .byAnotherColumn: 1 / (1 + exp(1 - 1.6 * z[3]))
        case .byTheClassColumn: 1 / (1 + exp(0.6 + 0.9 * z[0]))
        }
      y.append(isMember ? 1 : 0)
      s.append(isMember && random.uniform() < chance ? 1 : 0)
    }
    return Base(x: try Matrix(rows: rows, columns: 4, elements: x), y: y, s: s)
  }

  private static let parameters = try? LogisticParameters(penalty: .l2(1.0 / 20_000))

  /// The area over rows without a label.
  private func area(_ logits: [Double], _ base: Base) throws -> Double {
    let silent = base.s.indices.filter { base.s[$0] == 0 }
    return try RocArea(
      scores: silent.map { logits[$0] }, labels: silent.map { base.y[$0] }
    ).area
  }

  private func plain(_ base: Base, _ labels: [Double]) throws -> [Double] {
    try fitLogistic(
      LogisticData(base.x, labels: labels), parameters: #require(Self.parameters)
    ).linearPredictors(base.x)
  }

  /// The table of METHODS 1.5: within 0.01 of a learner that knew everybody's class, where labelling is
  /// by lot or by a column of its own; the fit on labels alone is far off the second.
  @Test(arguments: Labelling.allCases) func reachesTheOracle(_ labelling: Labelling) throws {
    // Labelling by lot is where the two methods are nearest.
    for seed in labelling == .completelyAtRandom ? [1, 2] : [1] as [UInt64] {
      let base = try base(labelling, seed: seed)
      let fit = try fitPositiveUnlabelled(
        LogisticData(base.x, labels: base.s), parameters: #require(Self.parameters))
      let oracle = try area(plain(base, base.y), base)
      let naive = try area(plain(base, base.s), base)
      let ours = try area(fit.classifier.logits(base.x), base)
      let prevalence = try #require(fit.prevalence.value)
      #expect(ours > oracle - 0.01)
      #expect(fit.isIdentified)
      switch labelling {
      case .completelyAtRandom:
        #expect(fit.method == .joint)
        #expect(abs(prevalence - base.prevalence) < 0.06)
        // Elkan and Noto: a mean of the fit over the labelled, divided by.
        let g = try plain(base, base.s).map { LogisticFit.probability(logit: $0) }
        let c =
          base.s.indices.reduce(0) { $0 + base.s[$1] * g[$1] } / base.s.reduce(0, +)
        let elkanNoto = g.reduce(0) { $0 + min(1, $1 / c) } / Double(g.count)
        #expect(elkanNoto - base.prevalence > 0.1)
      case .byAnotherColumn:
        #expect(fit.method == .sarEM)
        #expect(abs(prevalence - base.prevalence) < 0.05)
        #expect(naive < oracle - 0.05)
      case .byTheClassColumn:
        #expect(naive < oracle - 0.01)
      }
    }
  }

  /// Beside SAR-EM as ML-KULeuven/SAR-PU writes it, with scikit-learn's fits.
  @Test func agreesWithSARPU() throws {
    struct Sent: Codable { var x, s: [Double] }
    struct Answer: Codable { var f, e: [Double] }
    let script = """
      import json, sys
      import numpy as np
      from sklearn.linear_model import LogisticRegression
      d = json.load(open(sys.argv[1]))
      s = np.array(d["s"])
      x = np.array(d["x"]).reshape(len(s), 4)
      n, r = len(s), s.mean()
      fit = lambda X, y, w: LogisticRegression(C=1.0, tol=1e-8).fit(X, y, sample_weight=w)
      f = fit(x, s, s * (1 - r) + (1 - s) * r).predict_proba(x)[:, 1]
      e = fit(x, s, s + (1 - s) * f).predict_proba(x)[:, 1]
      for i in range(100):
          post = s + (1 - s) * f * (1 - e) / (1 - f * e)
          e = fit(x, s, post).predict_proba(x)[:, 1]
          f = fit(np.r_[x, x], np.r_[np.ones(n), np.zeros(n)],
                  np.r_[post, 1 - post]).predict_proba(x)[:, 1]
      print(json.dumps(dict(f=f.tolist(), e=e.tolist())))
      """
    let base = try base(.byAnotherColumn, rows: 5_000, seed: 8)
    let sent = Sent(x: (0..<5_000).flatMap { base.x.row($0) }, s: base.s)
    guard let output = try Python.run(script, on: sent) else { return }
    let answer = try JSONDecoder().decode(Answer.self, from: output)
    let fit = try fitPositiveUnlabelled(
      LogisticData(base.x, labels: base.s),
      parameters: LogisticParameters(penalty: .l2(1.0 / 5_000)))
    #expect(fit.method == .sarEM)
    func gap(_ logits: [Double], _ theirs: [Double]) -> Double {
      zip(logits, theirs).reduce(0) {
        $0 + abs(LogisticFit.probability(logit: $1.0) - $1.1) / 5_000
      }
    }
    // Both end near the same optimum, ours no lower; theirs stops on the way there.
    func likelihood(_ f: [Double], _ e: [Double]) -> Double {
      f.indices.reduce(0) {
        $0 + (base.s[$1] == 1 ? log(f[$1] * e[$1]) : log(1 - f[$1] * e[$1]))
      }
    }
    let ours = [fit.classifier, fit.propensity].map { factor in
      factor.logits(base.x).map { LogisticFit.probability(logit: $0) }
    }
    let gain = likelihood(ours[0], ours[1]) - likelihood(answer.f, answer.e)
    #expect(gain > -0.1 && gain < 2)
    #expect(gap(fit.classifier.logits(base.x), answer.f) < 0.05)
    #expect(gap(fit.propensity.logits(base.x), answer.e) < 0.05)
    #expect(abs(try area(fit.classifier.logits(base.x), base) - area(answer.f, base)) < 0.003)
  }

  /// Where the labels say nothing of the class beyond themselves, that is said.
  @Test func doubts() throws {
    // A class that is labelled without exception.
    var base = try base(.completelyAtRandom, rows: 4_000, seed: 5)
    let parameters = try LogisticParameters(penalty: .l2(1.0 / 4_000))
    let all = try fitPositiveUnlabelled(
      LogisticData(base.x, labels: base.y), parameters: parameters)
    #expect(!all.isIdentified)
    // Rare labels: σ is an exponential there, and a factor is an intercept.
    var random = SplitMix64(6)
    base.s = (0..<4_000).map { row in
      random.uniform() < exp(-5 + 0.5 * base.x[row, 0]) ? 1 : 0
    }
    let rare = try fitPositiveUnlabelled(
      LogisticData(base.x, labels: base.s), parameters: parameters)
    #expect(!rare.isIdentified)
    // Labels by lot among all.
    base.s = (0..<4_000).map { _ in random.uniform() < 0.2 ? 1 : 0 }
    let noise = try fitPositiveUnlabelled(
      LogisticData(base.x, labels: base.s), parameters: parameters)
    #expect(!noise.isIdentified)
    for fit in [all, rare, noise] {
      for doubt in fit.doubts { #expect(!doubt.description.isEmpty) }
    }
  }

  /// The joint fit's interval covers the share of the class.
  @Test func prevalenceIsCovered() throws {
    var covered = 0
    for seed in 0..<6 {
      let base = try base(.completelyAtRandom, rows: 4_000, seed: UInt64(100 + seed))
      let fit = try fitPositiveUnlabelled(
        LogisticData(base.x, labels: base.s),
        parameters: LogisticParameters(penalty: .l2(1.0 / 4_000)))
      guard let low = fit.prevalence.low, let high = fit.prevalence.high else { continue }
      if low <= base.prevalence, base.prevalence <= high { covered += 1 }
    }
    #expect(covered >= 4)
  }

  @Test func threadsChangeNothing() throws {
    let base = try base(.byAnotherColumn, rows: 3_000, seed: 3)
    let parameters = try LogisticParameters(penalty: .l2(1e-3))
    let one = try fitPositiveUnlabelled(
      LogisticData(base.x, labels: base.s, threads: 1), parameters: parameters)
    let three = try fitPositiveUnlabelled(
      LogisticData(base.x, labels: base.s, threads: 3), parameters: parameters)
    #expect(one.classifier == three.classifier && one.propensity == three.propensity)
    #expect(one.prevalence == three.prevalence && one.doubts == three.doubts)
    for row in 0..<5 { #expect(one.covariance.row(row) == three.covariance.row(row)) }
  }

  @Test func refusals() throws {
    let base = try base(.completelyAtRandom, rows: 50, seed: 4)
    let parameters = try LogisticParameters(penalty: .l2(0.1))
    #expect(throws: LearningError.labelOutOfRange(row: 0, value: 0.5)) {
      try fitPositiveUnlabelled(
        LogisticData(base.x, labels: base.s.indices.map { $0 == 0 ? 0.5 : Double($0 % 2) }),
        parameters: parameters)
    }
    #expect(throws: LearningError.self) {
      try fitPositiveUnlabelled(
        LogisticData(base.x, labels: base.s.map { _ in 0 }), parameters: parameters)
    }
  }
}
