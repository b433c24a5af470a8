import Foundation
import Learning
import TestSupport
import Testing

@Suite struct FirthTests {
  private func read(_ name: String, _ columns: [String], _ label: String) throws -> LogisticData? {
    guard let path = Shared.path("reference/\(name)") else { return nil }
    let (header, rows) = try readCSV(path)
    func cell(_ row: [String], _ name: String) -> Double {
      Double(row[header.firstIndex(of: name)!]) ?? .nan
    }
    return try LogisticData(
      matrix(rows.map { row in columns.map { cell(row, $0) } }),
      labels: rows.map { cell($0, label) })
  }

  /// METHODS 8.9: R's logistf.
  @Test func sex2() throws {
    guard let data = try read("sex2.csv", ["age", "oc", "vic", "vicl", "vis", "dia"], "case") else {
      return
    }
    let fit = try FirthFit(data)
    #expect(
      relative(
        fit.coefficients + [fit.intercept],
        [
          -1.10598133138127, -0.0688167270619216, 2.26887465223913, -2.11140818530321,
          -0.788316951396694, 3.09601182735145, 0.12025404913384,
        ]) < 1e-8)
    #expect(
      distance(
        fit.parameters.map(\.standardError),
        [0.4236601, 0.4437935, 0.5484160, 0.5430824, 0.4173676, 1.6750084, 0.4855415]) < 1e-7)
    #expect(abs(fit.penalisedLogLikelihood - -132.53937953284) < 1e-9)
    let intervals = [
      (-1.9737884, -0.30742514), (-0.9414363, 0.78920202), (1.2730216, 3.43543273),
      (-3.2608611, -1.11773495), (-1.6080879, 0.01518468), (0.7745682, 8.03029352),
      (-0.8185591, 1.07315122),
    ]
    for (parameter, interval) in intervals.enumerated() {
      let profile = try fit.profile(parameter)
      #expect(abs(profile.low - interval.0) < 2e-6)
      #expect(abs(profile.high - interval.1) < 2e-6)
      #expect((profile.p < 0.05) == (profile.low > 0 || profile.high < 0))
    }
  }

  /// METHODS 8.9: NV separates the classes but for rows where it is 0.
  @Test func endometrial() throws {
    guard let data = try read("endometrial.csv", ["NV", "PI", "EH"], "HG") else { return }
    let fit = try FirthFit(data)
    #expect(
      relative(
        fit.coefficients + [fit.intercept],
        [2.92927335319712, -0.0347517598704367, -2.60416392529368, 3.77455971364712]) < 1e-8)
    #expect(abs(fit.penalisedLogLikelihood - -24.037267800698) < 1e-9)
    let intervals = [
      (0.6097244, 7.85463171), (-0.1244587, 0.04045547), (-4.3651832, -1.23272106),
      (1.0825371, 7.20928050),
    ]
    for (parameter, interval) in intervals.enumerated() {
      let profile = try fit.profile(parameter)
      #expect(abs(profile.low - interval.0) < 2e-6)
      #expect(abs(profile.high - interval.1) < 2e-6)
    }
  }

  private struct Sent: Codable {
    var x: [[Double]]
    var y, w, offset: [Double]
  }

  private struct Answer: Codable {
    var converged: Bool
    var estimates: [Double]
    var p: [Double?]
    var intervals: [[Double]]
    var likelihood: Double
  }

  private static let script = """
    import json, sys, warnings
    import numpy as np
    from firthmodels import FirthLogisticRegression
    warnings.simplefilter("ignore")
    answers = []
    def interval(m, parameter):
        try:
            ends = m.conf_int(alpha=0.05, method="pl", features=[parameter], tol=1e-6)[parameter]
            return ends.tolist() if np.isfinite(ends).all() else []
        except Exception:
            return []  # its steps run away
    for p in json.load(open(sys.argv[1])):
        x, y = np.array(p["x"]), np.array(p["y"])
        m = FirthLogisticRegression(backend="numpy", max_iter=100, gtol=1e-7, xtol=1e-7)
        m.fit(x, y, sample_weight=np.array(p["w"]), offset=np.array(p["offset"]))
        m.lrt()
        answers.append(dict(
            converged=bool(m.converged_), estimates=m.coef_.tolist() + [float(m.intercept_)],
            likelihood=float(m.loglik_),
            p=[v if np.isfinite(v) else None for v in m.lrt_pvalues_],
            intervals=[interval(m, j) for j in range(x.shape[1])]))
    print(json.dumps(answers))
    """

  /// Small problems, most of them separated by their first column. (Its standard errors are of the
  /// augmented information, logistf's and ours of the plain one.)
  @Test func firthmodelsAgrees() throws {
    var problems: [(LogisticData, Sent)] = []
    for seed in 0..<18 {
      var random = SplitMix64(UInt64(seed) &+ 70)
      let columns = 1 + random.below(4)
      let rows = 25 + random.below(60)
      let problem = try Problem(
        rows: rows, columns: columns, seed: UInt64(seed), shift: [0, 2][seed % 2])
      var y = problem.labels
      var x = (0..<rows).map { problem.x.row($0) }
      switch seed % 3 {
      case 0: y = x.map { $0[0] > x[0][0] ? 1 : 0 }  // complete
      case 1: for i in 0..<rows { x[i][0] = y[i] == 1 && i % 2 == 0 ? 1 : 0 }  // quasi-complete
      default: break
      }
      if !(y.contains(0) && y.contains(1)) { continue }
      let weights = seed % 2 == 0 ? problem.weights : [Double](repeating: 1, count: rows)
      let offsets = (0..<rows).map { _ in seed % 4 == 0 ? random.normal() : 0 }
      problems.append(
        (
          try LogisticData(matrix(x), labels: y, weights: weights, offsets: offsets),
          Sent(x: x, y: y, w: weights, offset: offsets)
        ))
    }
    guard let output = try Python.run(Self.script, on: problems.map(\.1)) else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: output)
    #expect(answers.count == problems.count && problems.count > 14)
    var compared = (fits: 0, intervals: 0, tests: 0)
    for ((data, _), answer) in zip(problems, answers) {
      let fit = try FirthFit(data)
      #expect(fit.penalisedLogLikelihood > answer.likelihood - 1e-9)
      guard answer.converged else { continue }
      compared.fits += 1
      #expect(distance(fit.coefficients + [fit.intercept], answer.estimates) < 1e-5)
      #expect(abs(fit.penalisedLogLikelihood - answer.likelihood) < 1e-8)
      for parameter in 0...data.x.columns {
        let profile = try fit.profile(parameter)
        if parameter < data.x.columns, answer.intervals[parameter].count == 2 {
          #expect(distance([profile.low, profile.high], answer.intervals[parameter]) < 1e-4)
          compared.intervals += 1
        }
        if let p = answer.p[parameter] {
          #expect(abs(profile.p - p) < 1e-5)
          compared.tests += 1
        }
      }
    }
    #expect(compared.fits > 7 && compared.intervals > 12 && compared.tests > 12, "\(compared)")
  }

  @Test func weightTwoIsTheRowTwiceAndThreadsKeepTheBits() throws {
    let problem = try Problem(rows: 120, columns: 3, seed: 14)
    let weights = (0..<120).map { Double([1, 2, 0][$0 % 3]) }
    let copies = (0..<120).flatMap { [Int](repeating: $0, count: Int(weights[$0])) }
    func fit(_ threads: Int) throws -> FirthFit {
      try FirthFit(
        LogisticData(problem.x, labels: problem.labels, weights: weights, threads: threads))
    }
    let repeated = try FirthFit(
      LogisticData(
        problem.x.selecting(rows: copies), labels: copies.map { problem.labels[$0] }))
    let weighted = try fit(1)
    #expect(distance(weighted.coefficients, repeated.coefficients) < 1e-8)
    #expect(abs(weighted.penalisedLogLikelihood - repeated.penalisedLogLikelihood) < 1e-9)

    let large = try Problem(rows: 3000, columns: 4, seed: 15)
    let one = try FirthFit(LogisticData(large.columnMajor, labels: large.labels, threads: 1))
    let three = try FirthFit(LogisticData(large.columnMajor, labels: large.labels, threads: 3))
    #expect(one.parameters == three.parameters && one.iterations < 12)
    // Little is left of the penalty in 3000 rows.
    let plain = try fitLogistic(
      LogisticData(large.x, labels: large.labels),
      parameters: LogisticParameters(penalty: .none, standardise: false))
    #expect(distance(one.coefficients, plain.coefficients) < 0.02)
  }

  @Test func refusals() throws {
    let problem = try Problem(rows: 40, columns: 2)
    let copied = try matrix((0..<40).map { problem.x.row($0) + [2 * problem.x[$0, 1] - 3] })
    #expect(
      throws: LearningError.rankDeficient(
        aliases: [.init(column: 2, dependsOn: [1])], columns: 3)
    ) {
      try FirthFit(LogisticData(copied, labels: problem.labels))
    }
    let constant = try matrix((0..<40).map { [5] + problem.x.row($0) })
    #expect(
      throws: LearningError.rankDeficient(
        aliases: [.init(column: 0, dependsOn: [])], columns: 3)
    ) {
      try FirthFit(LogisticData(constant, labels: problem.labels))
    }
  }
}
