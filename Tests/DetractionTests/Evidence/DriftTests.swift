import Detraction
import Foundation
import Learning
import TestSupport
import Testing

/// Steady, watch, act: silent on chance, exact in what it adds up.
@Suite struct DriftTests {
  /// Reference rows, a model on them, and a way to make a night of other rows.
  private struct Made {
    var design: Design
    var coefficients: [Double]
    var intercept: Double
    var reference: Matrix

    init(rows: Int = 2_000, seed: UInt64 = 1) throws {
      reference = try Self.rows(rows, seed: seed) { $0 }
      design = try Design(
        fitting: reference, sources: [.numeric, .numeric, .categorical(levels: 3)])
      let width = design.width
      coefficients = (0..<width).map { 0.5 - 0.3 * Double($0) }
      intercept = -1
    }

    static func rows(_ count: Int, seed: UInt64, _ move: ([Double]) -> [Double]) throws -> Matrix {
      var random = SplitMix64(seed)
      return try ResponseTests.matrix(
        (0..<count).map { _ in
          let zero = random.uniform() < 0.4
          let number = zero ? 0 : exp(random.normal())
          let gap = random.uniform() < 0.1 ? Double.nan : random.normal()
          return move([number, gap, Double(random.below(3))])
        })
    }

    func logits(_ raw: Matrix) throws -> [Double] {
      try design.expand(raw).predictorsRowByRow(
        coefficients: coefficients, intercept: intercept, threads: 1)
    }

    func means(_ raw: Matrix) throws -> [Double] {
      try design.expand(raw).columnSums().map { $0 / Double(raw.rows) }
    }

    func input(_ night: Matrix) throws -> Drift.Input {
      Drift.Input(
        scoreReference: try ReferenceBins(of: logits(reference)),
        featureReferences: [
          try ReferenceBins(of: reference.column(0)), try ReferenceBins(of: reference.column(1)),
          try ReferenceBins(of: reference.column(2), levels: 3),
        ], names: ["orders", "delay", "plan"], logits: try logits(night),
        columns: (0..<night.columns).map { night.column($0) },
        contributions: try Contributions(
          design, coefficients: coefficients, intercept: intercept,
          reference: means(reference)),
        means: try means(night))
    }
  }

  /// A report on nothing but chance stays silent, small nights too.
  @Test(arguments: [40, 200, 3_000]) func neverFiresOnChance(rows: Int) throws {
    let made = try Made()
    var fired = 0
    for night in 0..<300 {
      let drift = try Drift(
        made.input(Made.rows(rows, seed: UInt64(night) &+ 77) { $0 }), threads: 1)
      if drift.state != .steady { fired += 1 }
    }
    // At one in 100 reports at most; 10 or more of 300 once in a thousand.
    #expect(fired <= 9)
  }

  @Test func partsSumToTheChange() throws {
    let made = try Made()
    let night = try Made.rows(500, seed: 5) { [$0[0] * 2 + 1, $0[1], $0[2]] }
    let drift = try Drift(made.input(night), threads: 2)
    let now = try made.logits(night).reduce(0, +) / 500
    let then = try made.logits(made.reference).reduce(0, +) / 2_000
    #expect(abs(drift.meanLogitChange - (now - then)) < 1e-12)
    #expect(abs(drift.parts.reduce(0) { $0 + $1.change } - (now - then)) < 1e-12)
    #expect(drift.parts.first?.name == "orders")
    #expect(drift.features[0].isShifted && !drift.features[1].isShifted)
    #expect(drift.state > .steady)
    #expect(drift.advice.contains { $0.contains("orders") })
    // A night of the same rows has not moved at all.
    let same = try Drift(made.input(made.reference), threads: 1)
    #expect(same.state == .steady && same.score.index == 0)
    #expect(abs(same.meanLogitChange) < 1e-12)
    #expect(same.advice == ["Nothing has moved beyond chance: go on."])
  }

  /// An age that grew by the time since has not moved, nor one that stayed; one that halved has.
  @Test func agesMayGrow() throws {
    let made = try Made()
    func age(_ change: (Double) -> Double) throws -> Drift.Shift {
      let night = try Made.rows(900, seed: 9) { [$0[0], change($0[1]), $0[2]] }
      var input = try made.input(night)
      input.growth = [0, 2, 0]
      return try Drift(input, threads: 1).features[1]
    }
    #expect(try !age { $0 + 2 }.isShifted && !age { $0 }.isShifted)
    #expect(try age { $0 + 1 }.isShifted && age { $0 / 3 }.isShifted)
  }

  /// A source that stopped coming, and one that turned into its missing value.
  @Test func brokenSources() throws {
    let made = try Made()
    let stopped = try Drift(
      made.input(Made.rows(400, seed: 6) { [0, $0[1], $0[2]] }), threads: 1)
    #expect(stopped.features[0].isShifted && stopped.state >= .watch)
    let missing = try Drift(
      made.input(Made.rows(400, seed: 7) { [$0[0], .nan, $0[2]] }), threads: 1)
    #expect(missing.features[1].isShifted)
    let levels = try Drift(
      made.input(Made.rows(400, seed: 8) { [$0[0], $0[1], 1] }), threads: 1)
    #expect(levels.features[2].isShifted)
  }

  /// Fresh feedback: a level that is right is left alone, one that is off is acted on.
  @Test func freshFeedback() throws {
    var (alarms, fired, missed) = (0, 0, 0)
    for run in 0..<400 {
      var random = SplitMix64(UInt64(run) &+ 300)
      let p = (0..<150).map { _ in 0.1 + 0.4 * random.uniform() }
      let y = p.map { random.uniform() < $0 ? 1.0 : 0 }
      let fresh = try Drift.Fresh(
        probabilities: p, labels: y, customers: p.indices.map { UInt64($0 / 2) }, threads: 1)
      if (fresh.inTheLarge.low ?? -1) > 0 || (fresh.inTheLarge.high ?? 1) < 0 { missed += 1 }
      if fresh.isBeyondChance { alarms += 1 }
      if max(fresh.worse, fresh.better) > Drift.Fresh.evidenceLimit { fired += 1 }
    }
    // 5 %, 1 % and at most 0.1 %: more than this once in a thousand.
    #expect(missed <= 36 && alarms <= 11 && fired <= 3)
    // A few answers tell nothing, all of one kind or not.
    let few = try Drift.Fresh(
      probabilities: [Double](repeating: 0.1, count: 40), labels: [Double](repeating: 0, count: 40),
      customers: (0..<40).map(UInt64.init), threads: 1)
    #expect(few.deviations == nil && few.worse == 0)
    let made = try Made()
    var input = try made.input(made.reference)
    input.fresh = try Drift.Fresh(
      probabilities: [Double](repeating: 0.6, count: 400),
      labels: (0..<400).map { $0 % 5 == 0 ? 1 : 0 }, customers: (0..<400).map(UInt64.init),
      threads: 2)
    let drift = try Drift(input, threads: 1)
    #expect(drift.state == .act)
    #expect(drift.advice[0].contains("more unhappy customers than there are, by 40.0 points"))
    #expect(throws: LearningError.self) {
      try Drift.Fresh(probabilities: [0.5], labels: [], customers: [], threads: 1)
    }
  }

  @Test func volume() throws {
    let made = try Made()
    let input = try made.input(made.reference)
    let calm = try Drift(input, threads: 1)
    let before = [100, 104, 96, 110, 99, 101]
    #expect(calm.volume == nil)
    #expect(calm.counting(flagged: 112, before: before).state == .steady)
    let drift = calm.counting(flagged: 180, before: before)
    #expect(drift.state == .watch && drift.volume?.isOutside == true)
    #expect(drift.advice[0].hasPrefix("180 accounts flagged"))
    #expect(calm.counting(flagged: 180, before: [100, 104]).state == .steady)
  }

  /// The sums beside those of a loop in Python, and what they are for: a change is seen that the mean
  /// over all answers hides.
  @Test func cumulativeSums() throws {
    struct Rows: Codable { var p, y: [Double] }
    struct Sums: Codable { var worse, better, deviations, gap: Double }
    var random = SplitMix64(41)
    let p = (0..<900).map { _ in 0.05 + 0.4 * random.uniform() }
    let y = p.enumerated().map { place, p -> Double in
      let odds = (place < 750 ? 0.85 : 3) * p / (1 - p)
      return random.uniform() < odds / (1 + odds) ? 1 : 0
    }
    let fresh = try Drift.Fresh(
      probabilities: p, labels: y, customers: p.indices.map(UInt64.init), threads: 2)
    #expect(!fresh.isBeyondChance && fresh.worse > Drift.Fresh.evidenceLimit)
    let made = try Made()
    var input = try made.input(made.reference)
    input.fresh = fresh
    let drift = try Drift(input, threads: 1)
    #expect(drift.state == .watch)
    #expect(drift.advice[0].contains("of late worse than the model says"))
    let script = """
      import json, sys
      from math import exp, log
      d = json.load(open(sys.argv[1]))
      worse = better = 0.0
      for p, y in zip(d["p"], d["y"]):
          def ratio(r):
              q = r * p / (1 - p + r * p)
              return log((q if y else 1 - q) / (p if y else 1 - p))
          worse = max(0.0, worse + ratio(2.0))
          better = max(0.0, better + ratio(0.5))
      gap = sum(d["p"]) - sum(d["y"])
      print(json.dumps(dict(worse=worse, better=better, gap=gap / len(d["p"]),
        deviations=gap / max(sum(p * (1 - p) for p in d["p"]),
          sum((p - y) ** 2 for p, y in zip(d["p"], d["y"]))) ** 0.5)))
      """
    guard let output = try Python.run(script, on: Rows(p: p, y: y)) else { return }
    let sums = try JSONDecoder().decode(Sums.self, from: output)
    #expect(abs(fresh.worse - sums.worse) < 1e-9 && abs(fresh.better - sums.better) < 1e-9)
    #expect(abs(try #require(fresh.deviations) - sums.deviations) < 1e-9)
    #expect(abs(try #require(fresh.inTheLarge.value) - sums.gap) < 1e-12)
  }

  @Test func refusals() throws {
    let made = try Made()
    var input = try made.input(made.reference)
    input.names = ["orders"]
    #expect(throws: LearningError.self) { try Drift(input, threads: 1) }
  }
}
