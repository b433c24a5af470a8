import Detraction
import Foundation
import Learning
import TestSupport
import Testing

/// Pure noise is called pure noise at any size: with the facts that a training has, all else at its
/// best, a base without signal gets a D.
@Suite struct NoiseTests {
  /// Facts of a base whose labels are dealt by lot; what no noise could spoil is at its best.
  private func facts(customers: Int, columns: Int, signal: Double, seed: UInt64) throws
    -> GradeFacts
  {
    var random = SplitMix64(seed)
    var (x, y, groups): ([[Double]], [Double], [Int]) = ([], [], [])
    for customer in 0..<customers {
      let mood = random.normal()
      for _ in 0..<(1 + customer % 2) {
        let z = (0..<columns).map { _ in random.normal() }
        x.append(z)
        y.append(
          random.uniform() < 1 / (1 + exp(1 - mood - signal * (z[0] + z[1]))) ? 1 : 0)
        groups.append(customer)
      }
    }
    let folds = groups.map { $0 % 5 }
    let data = try LogisticData(ResponseTests.matrix(x), labels: y, threads: 1)
    let (validation, _) = try crossValidate(
      data, folds: folds, lambdas: [1, 0.3, 0.1, 0.03, 0.01, 1e-3],
      parameters: LogisticParameters(penalty: .none, standardise: false))
    let area = try RocArea(scores: validation.outOfFoldLogits, labels: y, clusters: groups)
    let test = try permutationTest(
      data, folds: folds, groups: groups, seed: seed)
    func customersWith(_ label: Double) -> Int {
      Set(y.indices.filter { y[$0] == label }.map { groups[$0] }).count
    }
    return GradeFacts(
      permutations: test.permutations, permutationP: test.p, auc: area.area,
      aucLow: area.interval.low, aucLow999: area.interval(z: 3.290526731491926).low,
      detractors: customersWith(1), nonDetractors: customersWith(0), domainAUC: 0.6, liftLow: 2,
      precisionGainHigh: 0.1, calibrationSlope: 1, rows: y.count, rileyRows: 1, outside: 0.01,
      effectiveShare: 0.9, origins: 6, originsAboveChance: 6, silencedDetractors: 10,
      levelMeasured: true)
  }

  @Test(arguments: [(30, 3), (120, 5), (400, 10), (1500, 20)])
  func noiseIsD(customers: Int, columns: Int) throws {
    var grades: [Grade: Int] = [:]
    let runs = customers > 1000 ? 10 : 25
    for run in 0..<runs {
      let facts = try facts(
        customers: customers, columns: columns, signal: 0,
        seed: UInt64(customers * 1000 + run))
      grades[Grading(facts).grade, default: 0] += 1
    }
    #expect(grades == [.D: runs])
  }

  @Test func signalIsNotD() throws {
    let facts = try facts(customers: 1500, columns: 10, signal: 0.8, seed: 7)
    #expect(Grading(facts).grade == .A)
  }
}
