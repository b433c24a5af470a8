import Detraction
import Foundation
import Learning
import TestSupport
import Testing

/// One-sided signals: pooled blindly they teach who complains.
@Suite struct PoolingTests {
  /// Column 0 and 1 make unhappy; column 2 is the temperament by which the unhappy complain.
  private struct Base {
    var twoSided: PoolingChoice.Rows
    var oneSided: PoolingChoice.Rows
    var silent: Matrix
    var silentLabels: [Double]
    var customers: [UInt64] { twoSided.labels.indices.map(UInt64.init) }
  }

  private func base(
    answered: Int, complaints: Int, temper: Double, columns: Int = 6, level: Double = -1.4,
    strength: Double = 1, seed: UInt64
  ) throws -> Base {
    var random = SplitMix64(seed)
    func draw() -> (z: [Double], isUnhappy: Bool) {
      let z = (0..<columns).map { _ in random.normal() }
      let eta = level + strength * (0.7 * z[0] + 0.6 * z[1])
      return (z, random.uniform() < 1 / (1 + exp(-eta)))
    }
    func rows(_ count: Int, _ takes: (([Double], Bool)) -> Bool) throws -> (Matrix, [Double]) {
      var (x, y): ([[Double]], [Double]) = ([], [])
      while y.count < count {
        let (z, isUnhappy) = draw()
        guard takes((z, isUnhappy)) else { continue }
        x.append(z)
        y.append(isUnhappy ? 1 : 0)
      }
      return (try ResponseTests.matrix(x), y)
    }
    let (x, y) = try rows(answered) { _ in true }
    var lot = SplitMix64(seed &+ 1)
    let (c, cy) = try rows(complaints) { row in
      row.1 && lot.uniform() < 1 / (1 + exp(1 - temper * row.0[2]))
    }
    let (silent, silentLabels) = try rows(4_000) { _ in true }
    return Base(
      twoSided: .init(x: x, labels: y, folds: y.indices.map { $0 % 5 }),
      oneSided: .init(x: c, labels: cy, folds: cy.indices.map { $0 % 5 }), silent: silent,
      silentLabels: silentLabels)
  }

  private func choose(_ base: Base) throws -> PoolingChoice {
    try PoolingChoice(
      twoSided: base.twoSided, oneSided: base.oneSided, weights: nil, customers: base.customers,
      share: 0.1, lambdas: [1, 0.1, 0.01, 1e-3],
      parameters: LogisticParameters(penalty: .none, standardise: false), threads: 2)
  }

  /// METHODS' trap: the silent are ranked worse while the rows at hand, complaints among them, read
  /// better; held-out two-sided rows tell.
  @Test func blindPoolingTeachesTemperament() throws {
    let base = try base(answered: 2_000, complaints: 2_000, temper: 2.5, seed: 1)
    func silentArea(_ x: Matrix, _ y: [Double]) throws -> Double {
      let fit = try fitLogistic(
        LogisticData(x, labels: y), parameters: LogisticParameters(penalty: .l2(0.001)))
      return try RocArea(scores: fit.linearPredictors(base.silent), labels: base.silentLabels).area
    }
    let both = Matrix(rows: 4_000, columns: 6) { span in
      for row in 0..<4_000 {
        for column in 0..<6 {
          span[row * 6 + column] =
            row < 2_000 ? base.twoSided.x[row, column] : base.oneSided.x[row - 2_000, column]
        }
      }
    }
    let labels = base.twoSided.labels + base.oneSided.labels
    let alone = try silentArea(base.twoSided.x, base.twoSided.labels)
    let pooled = try silentArea(both, labels)
    let (validation, _) = try crossValidate(
      LogisticData(both, labels: labels), folds: base.twoSided.folds + base.oneSided.folds,
      lambdas: [0.001], parameters: LogisticParameters(penalty: .none))
    let read = try RocArea(scores: validation.outOfFoldLogits, labels: labels).area
    let choice = try choose(base)
    #expect(pooled < alone - 0.04)
    #expect(read > alone + 0.03)
    #expect(!choice.joins)
    #expect(choice.pooledAUC < choice.auc - 0.03)
    #expect(choice.twoSidedRows == 2_000 && choice.oneSidedRows == 2_000)
  }

  /// Few detractors among many columns, and complaints of all kinds of people: they help, and join.
  @Test func honestComplaintsJoin() throws {
    let base = try base(
      answered: 3_000, complaints: 4_000, temper: 0, columns: 150, level: -2.6, strength: 1.5,
      seed: 10)
    let choice = try choose(base)
    #expect(choice.joins)
    #expect(choice.pooledAUC > choice.auc + 0.01)
  }

  /// Rows that say nothing new do not join by luck.
  @Test func luckDoesNotJoin() throws {
    var joined = 0
    for seed in 0..<40 {
      let base = try base(answered: 600, complaints: 40, temper: 1, seed: UInt64(seed) &+ 100)
      if try choose(base).joins { joined += 1 }
    }
    #expect(joined <= 3)
  }
}
