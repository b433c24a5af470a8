import Foundation
import Learning
import TestSupport
import Testing

/// Labels dealt by lot: exact on noise, sharp on signal, rows of a customer together.
@Suite struct PermutationTests {
  private struct Base {
    var data: LogisticData
    var folds: [Int]
    var groups: [Int]
    var strata: [Int]
  }

  /// Customers of one to three rows whose labels hang together; `signal` is the first column's
  /// weight.
  private func base(
    customers: Int, columns: Int, signal: Double, seed: UInt64, threads: Int = 2
  ) throws -> Base {
    var random = SplitMix64(seed)
    var (x, labels, folds, groups, strata): ([Double], [Double], [Int], [Int], [Int]) =
      ([], [], [], [], [])
    for customer in 0..<customers {
      let own = (0..<columns).map { _ in random.normal() }
      let mood = 1.5 * random.normal()
      for row in 0..<(1 + customer % 3) {
        let z = own.map { 0.8 * $0 + 0.6 * random.normal() }
        x += z
        let eta = signal * z[0] + mood - 1 + 0.5 * Double(row)
        labels.append(random.uniform() < 1 / (1 + exp(-eta)) ? 1 : 0)
        folds.append(customer % 5)
        groups.append(customer)
        strata.append(row)
      }
    }
    return Base(
      data: try LogisticData(
        Matrix(rows: labels.count, columns: columns, elements: x), labels: labels,
        threads: threads),
      folds: folds, groups: groups, strata: strata)
  }

  /// On pure noise p is uniform: no level is passed more often than it says, rows of a customer and
  /// the trend over snapshots notwithstanding.
  @Test func noiseIsUniform() throws {
    var counts = [0, 0, 0]
    let runs = 800
    for run in 0..<runs {
      let base = try base(customers: 48, columns: 5, signal: 0, seed: UInt64(70_000 + run))
      let test = try permutationTest(
        base.data, folds: base.folds, groups: base.groups, strata: base.strata,
        permutations: 59, seed: UInt64(run))
      for (k, level) in [0.05, 0.1, 0.5].enumerated() where test.p <= level { counts[k] += 1 }
    }
    // 40, 80 and 400 expected; beyond these once in a thousand.
    #expect(counts[0] <= 61 && counts[0] >= 22)
    #expect(counts[1] <= 108 && counts[1] >= 55)
    #expect(counts[2] <= 445 && counts[2] >= 355)
  }

  /// Permuting rows as if each were a customer of its own is what the test must not do: features and
  /// moods that a customer's rows share would pass for signal.
  @Test func rowsOfACustomerKeepTogether() throws {
    var (together, apart) = (0, 0)
    for run in 0..<150 {
      var random = SplitMix64(UInt64(900 + run))
      var (x, labels, folds, groups): ([Double], [Double], [Int], [Int]) = ([], [], [], [])
      for customer in 0..<40 {
        let label = random.uniform() < 0.4 ? 1.0 : 0
        let own = (0..<3).map { _ in random.normal() }
        for _ in 0..<6 {
          x += own
          labels.append(label)
          // Folds that split customers would do the rest; these do not.
          folds.append(customer % 4)
          groups.append(customer)
        }
      }
      let data = try LogisticData(
        Matrix(rows: labels.count, columns: 3, elements: x), labels: labels, threads: 1)
      func p(_ groups: [Int]) throws -> Double {
        try permutationTest(
          data, folds: folds, groups: groups, permutations: 39
        ).p
      }
      if try p(groups) <= 0.05 { together += 1 }
      if try p(Array(0..<labels.count)) <= 0.05 { apart += 1 }
    }
    // 7.5 expected; 18 or more once in a thousand.
    #expect(together <= 17)
    #expect(apart >= 30)
  }

  @Test func signalIsSeen() throws {
    let base = try base(customers: 800, columns: 10, signal: 0.7, seed: 3)
    let test = try permutationTest(
      base.data, folds: base.folds, groups: base.groups, strata: base.strata)
    #expect(test.p == 1.0 / 201 && test.hits == 0)
    #expect(test.area > test.largest && test.area > 0.6)
    #expect(abs(test.mean - 0.5) < 0.02)
    #expect(test.inPlace == 0)
  }

  /// The statistic is the area of one Newton step from the base rate, by numpy; the converged fit's is
  /// next to it.
  @Test func statisticIsOneNewtonStep() throws {
    struct Sent: Codable {
      var x, y, w: [Double]
      var folds: [Int]
      var columns: Int
      var l2: Double
    }
    struct Answer: Codable { var area, converged: Double }
    let script = """
      import json, sys
      import numpy as np
      from sklearn.linear_model import LogisticRegression
      from sklearn.metrics import roc_auc_score
      d = json.load(open(sys.argv[1]))
      y, w, f = np.array(d["y"]), np.array(d["w"]), np.array(d["folds"])
      X = np.array(d["x"]).reshape(len(y), d["columns"])
      Z = np.c_[X, np.ones(len(y))]
      rate = (w * y).sum() / w.sum()
      s, c = np.zeros(len(y)), np.zeros(len(y))
      for k in range(f.max() + 1):
          t = f != k
          W = w[t].sum()
          H = rate * (1 - rate) * (Z[t].T * w[t]) @ Z[t] / W
          H[np.arange(X.shape[1]), np.arange(X.shape[1])] += d["l2"]
          b = np.linalg.solve(H, Z[t].T @ (w[t] * (y[t] - rate)) / W)
          s[~t] = Z[~t] @ b
          m = LogisticRegression(C=1 / (d["l2"] * W), tol=1e-10, max_iter=10000)
          c[~t] = m.fit(X[t], y[t], sample_weight=w[t]).decision_function(X[~t])
      print(json.dumps(dict(area=roc_auc_score(y, s), converged=roc_auc_score(y, c))))
      """
    let base = try base(customers: 300, columns: 8, signal: 0.3, seed: 17)
    let rows = base.data.labels.count
    let weights = (0..<rows).map { Double(1 + $0 % 3) }
    let sent = Sent(
      x: (0..<rows).flatMap { base.data.x.row($0) }, y: base.data.labels, w: weights,
      folds: base.folds, columns: 8, l2: 0.02)
    guard let output = try Python.run(script, on: sent) else { return }
    let answer = try JSONDecoder().decode(Answer.self, from: output)
    let test = try permutationTest(
      LogisticData(base.data.x, labels: base.data.labels, weights: weights, threads: 1),
      folds: base.folds, groups: base.groups, lambdas: [0.02], permutations: 8)
    #expect(abs(test.area - answer.area) < 1e-12)
    #expect(abs(test.area - answer.converged) < 0.01)
  }

  @Test func threadsAndOrderInMemoryChangeNothing() throws {
    let one = try base(customers: 200, columns: 5, signal: 0.2, seed: 4, threads: 1)
    let three = try base(customers: 200, columns: 5, signal: 0.2, seed: 4, threads: 3)
    func test(_ base: Base, _ data: LogisticData? = nil) throws -> PermutationTest {
      try permutationTest(
        data ?? base.data, folds: base.folds, groups: base.groups, strata: base.strata,
        permutations: 100, seed: 9)
    }
    #expect(try test(one) == test(three))
    let byColumn = try Matrix(
      rows: one.data.x.rows, columns: 5, order: .columnMajor,
      elements: (0..<5).flatMap { one.data.x.column($0) })
    #expect(try test(one, LogisticData(byColumn, labels: one.data.labels)) == test(one))
  }

  /// 200 permutations of 3,000 rows × 100 columns, three penalties each: 0.03 Gflop for the matrices, 0.24
  /// Gflop a penalty for predictors and gradients, against 6,000 refits of 3,000 × 100.
  @Test func manyPermutationsAreCheap() throws {
    let base = try base(customers: 1_500, columns: 100, signal: 0, seed: 10)
    let clock = ContinuousClock()
    let start = clock.now
    let test = try permutationTest(
      base.data, folds: base.folds, groups: base.groups, strata: base.strata)
    let time = clock.now - start
    print("200 permutations of", base.groups.count, "× 100:", time, "p", test.p)
    // A generous bound, for busy machines: it takes a fraction of a second on a quiet one.
    #expect(time < .seconds(10))
  }

  @Test func groupsAloneStayInPlace() throws {
    let base = try base(customers: 31, columns: 2, signal: 0, seed: 6)
    // One customer of 30 rows, the others of one each.
    let groups = (0..<base.groups.count).map { $0 < 30 ? 0 : $0 }
    let test = try permutationTest(
      base.data, folds: (0..<groups.count).map { $0 < 30 ? 0 : $0 % 2 }, groups: groups,
      permutations: 8)
    #expect(test.inPlace == 30 / Double(groups.count))
  }

  @Test func refusals() throws {
    let base = try base(customers: 30, columns: 2, signal: 0, seed: 8)
    #expect(throws: LearningError.self) {
      try permutationTest(base.data, folds: [0], groups: base.groups)
    }
    #expect(throws: LearningError.self) {
      try permutationTest(
        base.data, folds: base.folds.map { _ in 0 }, groups: base.groups)
    }
    let twice = try LogisticData(
      Matrix(
        rows: 60, columns: 2,
        fill: { span in
          for row in 0..<60 {
            span[2 * row] = base.data.x[row, 0]
            span[2 * row + 1] = base.data.x[row, 0]
          }
        }), labels: base.data.labels)
    #expect(throws: LearningError.self) {
      try permutationTest(twice, folds: base.folds, groups: base.groups, lambdas: [0])
    }
  }
}
