import Foundation
import Learning
import TestSupport
import Testing

@Suite struct BootstrapTests {
  private func plain(_ l2: Double = 0) throws -> LogisticParameters {
    try LogisticParameters(penalty: .l2(l2), standardise: false, tolerance: 1e-11)
  }

  /// The steps' covariance is the sandwich's; 4000 replicates leave 1.1 % of chance.
  @Test(arguments: [false, true]) func standardErrorsAreTheSandwichs(_ grouped: Bool) throws {
    let problem = try Problem(rows: 1500, columns: 4, seed: 21)
    var random = SplitMix64(1)
    let groups = (0..<1500).map { _ in random.below(400) }
    for l2 in [0, 0.02] {
      let data = try LogisticData(
        problem.x, labels: problem.labels, weights: problem.weights,
        offsets: (0..<1500).map { _ in 0.3 * random.normal() })
      let fit = try fitLogistic(data, parameters: plain(l2))
      let bootstrap = try fit.scoreBootstrap(
        data, groups: grouped ? groups : nil, replicates: 4000, seed: 5)
      let sandwich = try fit.inference(
        data,
        grouped ? .clustered(by: groups, corrected: false) : .robust(corrected: false))
      let errors = bootstrap.standardErrors
      for (j, parameter) in sandwich.parameters.enumerated() {
        #expect(abs(errors[j] / parameter.standardError - 1) < 0.045)
        let interval = bootstrap.intervals[j]
        #expect(abs(interval.low - parameter.low) < 0.2 * parameter.standardError)
        #expect(abs(interval.high - parameter.high) < 0.2 * parameter.standardError)
        let stable = Normal.cumulative(abs(parameter.z))
        #expect(abs(bootstrap.signStability[j] - stable) < 0.03)
      }
    }
  }

  /// A balanced design, where a replicate's intercept is a sum of counts.
  @Test func countsArePoisson() throws {
    // s_i = ± ½ (x_i, 1) and H = n/4: the intercept moves by 2/n Σ ± (m_i − 1).
    let n = 64
    let data = try LogisticData(
      matrix((0..<n).map { [Double($0 / 2 % 2 * 2 - 1)] }), labels: (0..<n).map { Double($0 % 2) })
    let fit = try fitLogistic(data, parameters: plain())
    // Rows 0 and 1 by themselves; the scores of the others add up to 0.
    let groups = (0..<n).map { $0 < 2 ? $0 : 2 }
    let bootstrap = try fit.scoreBootstrap(data, groups: groups, replicates: 20_000, seed: 9)
    // Row 1 less row 0: the difference of two Poisson(1) counts.
    var seen: [Int: Int] = [:]
    for b in 0..<20_000 {
      let difference = bootstrap.replicates[b, 1] * Double(n) / 2
      #expect(abs(difference - difference.rounded()) < 1e-9)
      seen[Int(difference.rounded()), default: 0] += 1
    }
    // P(0) = e⁻² I₀(2), P(±1) = e⁻² I₁(2), P(±2) = e⁻² I₂(2): Skellam's distribution.
    for (value, part) in [
      (0, 0.308508322554), (1, 0.215269289249), (-1, 0.215269289249), (2, 0.093239033304),
      (-3, 0.028791222640),
    ] {
      #expect(abs(Double(seen[value] ?? 0) / 20_000 - part) < 0.012)
    }
  }

  @Test func sameBitsWithAnyThreadsAndSeed() throws {
    let problem = try Problem(rows: 9001, columns: 5, seed: 2)
    func run(_ threads: Int, seed: UInt64) throws -> [[Double]] {
      let data = try LogisticData(problem.x, labels: problem.labels, threads: threads)
      let fit = try fitLogistic(data, parameters: plain(0.01))
      let bootstrap = try fit.scoreBootstrap(data, replicates: 101, seed: seed)
      return (0..<6).map { bootstrap.replicates.column($0) }
    }
    let one = try run(1, seed: 7)
    #expect(try run(2, seed: 7) == one)
    #expect(try run(5, seed: 7) == one)
    #expect(try run(2, seed: 8) != one)
  }

  /// How often columns are chosen: one step of proximal Newton against the fit made anew on other
  /// resamples, by rows and by groups. 400 draws of each leave √(2 · ¼ / 400), 3.5 points of chance.
  @Test(arguments: [false, true], [1, 0.5]) func selectionFrequencies(
    _ isGrouped: Bool, _ ratio: Double
  ) throws {
    var problem = try Problem(rows: 900, columns: 2, seed: 6, shift: 0)
    var random = SplitMix64(5)
    problem.x = try matrix(
      (0..<900).map { i in
        let x = problem.x.row(i)
        return x + [random.normal(), random.normal() + x[0], 0.1 * random.normal() + x[1]]
      })
    let groups = (0..<900).map { $0 / 3 }
    let data = try LogisticData(problem.x, labels: problem.labels, weights: problem.weights)
    let parameters = try LogisticParameters(
      penalty: Penalty(lambda: 0.03, l1Ratio: ratio), tolerance: 1e-9)
    let fit = try fitLogistic(data, parameters: parameters)
    let quick = try fit.scoreBootstrap(
      data, groups: isGrouped ? groups : nil, replicates: 400, seed: 1)
    var chosen = [Double](repeating: 0, count: 5)
    for _ in 0..<400 {
      var counts = [Double](repeating: 0, count: isGrouped ? 300 : 900)
      for k in counts.indices {
        // Poisson(1) by products of uniform numbers (Knuth).
        var product = random.uniform()
        while product > exp(-1) {
          counts[k] += 1
          product *= random.uniform()
        }
      }
      let weights = (0..<900).map { problem.weights[$0] * counts[isGrouped ? groups[$0] : $0] }
      let again = try fitLogistic(
        LogisticData(problem.x, labels: problem.labels, weights: weights), parameters: parameters)
      for j in 0..<5 where again.coefficients[j] != 0 { chosen[j] += 1.0 / 400 }
    }
    for j in 0..<5 { #expect(abs(quick.selectionFrequency[j] - chosen[j]) < 0.1, "\(j)") }
    #expect(chosen.contains { $0 > 0.97 } && chosen.contains { $0 > 0.02 && $0 < 0.6 })
    // What the fit leaves out has no sign to keep, and the intercept is always there.
    for j in 0..<5 where fit.coefficients[j] == 0 { #expect(quick.signStability[j] == 0) }
    #expect(quick.selectionFrequency[5] == 1)
  }

  /// Under L1 no Wald table; the covariance for scores is that of the kept columns.
  @Test func selectionHasNoWaldTable() throws {
    let problem = try Problem(rows: 800, columns: 2, seed: 6, shift: 0)
    var random = SplitMix64(5)
    let data = try LogisticData(
      matrix((0..<800).map { problem.x.row($0) + [random.normal(), random.normal()] }),
      labels: problem.labels)
    let parameters = try LogisticParameters(penalty: .l1(0.03), tolerance: 1e-8)
    let fit = try fitLogistic(data, parameters: parameters)
    #expect(fit.coefficients[2] == 0 && fit.coefficients[3] == 0 && fit.coefficients[0] != 0)
    #expect(throws: LearningError.noStandardErrors) { try fit.inference(data) }
    // For score intervals: the covariance of the kept columns as if they were all.
    let covariance = try fit.parameterCovariance(data).raw()
    let kept = (0..<4).filter { fit.coefficients[$0] != 0 }
    #expect((0..<5).allSatisfy { covariance[2, $0] == 0 && covariance[$0, 3] == 0 })
    let plain = try fitLogistic(
      LogisticData(data.x.selecting(columns: kept), labels: data.labels),
      parameters: plain())
    let width = covariance[4, 4].squareRoot()
    let alone = try plain.covariance(
      LogisticData(data.x.selecting(columns: kept), labels: data.labels))
    #expect(abs(width / alone[kept.count, kept.count].squareRoot() - 1) < 0.2)
  }
}
