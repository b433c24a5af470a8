import Foundation
import Learning
import TestSupport
import Testing

@Suite struct ShapedFitTests {
  /// Labels by a rule on columns of which the first two act together, in a data set of normal ones.
  private func sample(
    rows: Int, columns: Int, seed: UInt64, _ logit: ([Double]) -> Double
  ) throws -> (x: Matrix, labels: [Double], folds: [Int]) {
    var random = SplitMix64(seed)
    let z = (0..<rows).map { _ in (0..<columns).map { _ in random.normal() } }
    let labels = z.map { random.uniform() < 1 / (1 + exp(-logit($0))) ? 1.0 : 0 }
    return (try matrix(z), labels, (0..<rows).map { $0 % 5 })
  }

  private func fit(
    _ sample: (x: Matrix, labels: [Double], folds: [Int]), weights: [Double]? = nil,
    offsets: [Double]? = nil, threads: Int = 2
  ) throws -> ShapedFit {
    try fitShaped(
      sample.x, sources: [DesignSource](repeating: .numeric, count: sample.x.columns),
      labels: sample.labels, weights: weights, offsets: offsets, folds: sample.folds,
      threads: threads)
  }

  private func area(_ fit: ShapedFit, _ labels: [Double]) throws -> Double {
    try RocArea(scores: fit.outOfFoldLogits, labels: labels).area
  }

  @Test func exclusiveOrIsFoundAsAPair() throws {
    let sample = try sample(rows: 2000, columns: 5, seed: 61) {
      (($0[0] > 0) == ($0[1] > 0) ? 2 : -2) + 0.3 * $0[2]
    }
    let fit = try fit(sample)
    #expect(fit.trials[fit.kept].kind == .pairs)
    #expect(!fit.design.pairs.isEmpty)
    // Bayes: 0.88 and the third column's bit; without the pair there is nothing but that bit.
    #expect(try area(fit, sample.labels) > 0.85)
    let mains = fit.trials.filter { $0.kind != .pairs }.map(\.logLoss).min() ?? 0
    #expect(mains > 0.67 && fit.trials[fit.kept].logLoss < mains - 0.1)
    // The pair carries the logit.
    let z = try fit.design.expand(sample.x)
    let contributions = try Contributions(
      fit.design, coefficients: fit.fit.coefficients, intercept: fit.fit.intercept,
      reference: z.columnSums().map { $0 / 2000 })
    let place = try #require(contributions.terms.firstIndex(of: .pair(0, 1)))
    var sizes = [Double](repeating: 0, count: contributions.terms.count)
    for row in 0..<2000 {
      for (k, part) in contributions.of(row: z.row(row)).enumerated() { sizes[k] += part * part }
    }
    #expect(sizes.indices.max { sizes[$0] < sizes[$1] } == place)
  }

  @Test func noiseKeepsNoPairs() throws {
    let sample = try sample(rows: 1500, columns: 12, seed: 62) { 0.8 * $0[0] - 0.6 * $0[1] }
    let fit = try fit(sample)
    #expect(fit.design.pairs.isEmpty)
    #expect(fit.trials.contains { $0.kind == .pairs })
  }

  /// Rows held out are unknown to all that is chosen: labels by lot are not predicted.
  @Test func nothingLeaksOutOfFold() throws {
    let sample = try sample(rows: 600, columns: 40, seed: 63) { _ in 0 }
    let fit = try fit(sample)
    #expect(try area(fit, sample.labels) < 0.55)
    for trial in fit.trials { #expect(trial.calibratedLoss > 0.68) }
  }

  /// Folds of unlike base rates: what the others teach points the wrong way in each. Turned round it
  /// would look like knowledge.
  @Test func logitsThatPointTheWrongWayKnowNothing() throws {
    var sample = try sample(rows: 1000, columns: 3, seed: 71) { _ in 0 }
    // Two in ten of fold 0 are 1, three of fold 1, … six of fold 4.
    sample.labels = (0..<1000).map { $0 / 5 % 10 < 2 + $0 % 5 ? 1 : 0 }
    let rate = 0.4
    let baseRate = -rate * log(rate) - (1 - rate) * log(1 - rate)
    for trial in try fit(sample).trials {
      #expect(abs(trial.calibratedLoss - baseRate) < 1e-12)
      #expect(trial.logLoss > baseRate)
    }
  }

  @Test func whatIsKeptChangesNoBit() throws {
    let sample = try sample(rows: 1100, columns: 4, seed: 72) {
      ($0[0] > 0) == ($0[1] > 0.3) ? 1.2 : -1.2
    }
    let sources = [DesignSource](repeating: .numeric, count: 4)
    let kept = try fit(sample)
    let made = try fitShaped(
      sample.x, sources: sources, labels: sample.labels, folds: sample.folds, mostKept: 0)
    #expect(!kept.design.pairs.isEmpty)
    #expect(kept.design == made.design && kept.fit == made.fit && kept.trials == made.trials)
    #expect(kept.outOfFoldLogits == made.outOfFoldLogits)
  }

  @Test func thresholdsBeatThePlainFit() throws {
    let sample = try sample(rows: 3000, columns: 4, seed: 64) {
      2 * (abs($0[0]) > 1 ? 1 : 0) - 1 + 0.5 * $0[1]
    }
    let fit = try fit(sample)
    #expect(fit.trials[fit.kept].kind != .plain)
    #expect(try area(fit, sample.labels) > 0.70)
  }

  @Test func threadsChangeNoBit() throws {
    let sample = try sample(rows: 1200, columns: 4, seed: 65) {
      ($0[0] > 0) == ($0[1] > 0.3) ? 1.2 : -1.2
    }
    let one = try fit(sample, threads: 1)
    let three = try fit(sample, threads: 3)
    #expect(one.design == three.design)
    #expect(!one.design.pairs.isEmpty)
    #expect(one.fit == three.fit)
    #expect(one.outOfFoldLogits == three.outOfFoldLogits)
    #expect(one.trials == three.trials)
  }

  @Test func weightTwoIsTheRowTwice() throws {
    let sample = try sample(rows: 1200, columns: 3, seed: 66) {
      (abs($0[0]) > 1 ? 1 : -1) + 0.4 * $0[1]
    }
    let weights = sample.labels.indices.map { Double(1 + $0 % 4 / 3) }
    let again = sample.labels.indices.filter { weights[$0] == 2 }
    let rows = Array(sample.labels.indices) + again
    let weighted = try fit(sample, weights: weights)
    let repeated = try fit(
      (
        sample.x.selecting(rows: rows), rows.map { sample.labels[$0] },
        rows.map { sample.folds[$0] }
      ))
    #expect(weighted.design.columns.map(\.basis) == repeated.design.columns.map(\.basis))
    #expect(weighted.design.pairs.map(\.first) == repeated.design.pairs.map(\.first))
    #expect(distance(weighted.fit.coefficients, repeated.fit.coefficients) < 1e-5)
    #expect(
      distance(
        weighted.outOfFoldLogits, Array(repeated.outOfFoldLogits.prefix(1200))) < 1e-2)
  }

  /// The fit is the optimum of its penalty on its design, by the solver that is certified.
  @Test func isTheOptimumOnItsDesign() throws {
    let sample = try sample(rows: 1500, columns: 3, seed: 67) {
      ($0[0] > 0) == ($0[1] > 0) ? 1.5 : -1.5
    }
    let shaped = try fit(sample)
    let z = try shaped.design.expand(sample.x, threads: 2)
    let plain = try fitLogistic(
      LogisticData(z, labels: sample.labels),
      parameters: LogisticParameters(penalty: shaped.fit.penalty, standardise: false))
    #expect(shaped.design.width == plain.coefficients.count && !shaped.design.pairs.isEmpty)
    #expect(shaped.fit.maxGradient <= 1e-9)
    #expect(distance(shaped.fit.coefficients, plain.coefficients) < 1e-5)
    #expect(abs(shaped.fit.objective - plain.objective) < 1e-12)
  }

  @Test func reasonsSumToTheLogit() throws {
    let sample = try sample(rows: 1500, columns: 4, seed: 68) {
      ($0[0] > 0) == ($0[3] > 0) ? 1.5 : -1.5
    }
    let shaped = try fit(sample)
    let z = try shaped.design.expand(sample.x)
    let contributions = try Contributions(
      shaped.design, coefficients: shaped.fit.coefficients, intercept: shaped.fit.intercept,
      reference: z.selecting(rows: Array(0..<50)).columnSums().map { $0 / 50 })
    let logits = try shaped.fit.linearPredictors(z)
    for row in 0..<1500 {
      let parts = contributions.of(row: z.row(row))
      let sum = parts.reduce(contributions.referenceLogit, +)
      #expect(abs(sum - logits[row]) < 1e-12)
    }
    #expect(contributions.terms.prefix(4) == [.source(0), .source(1), .source(2), .source(3)])
    // A source's part depends on that source alone, a pair's on its two.
    var moved = sample.x.row(0)
    moved[3] += 1
    let before = contributions.of(row: z.row(0))
    let after = contributions.of(row: try shaped.design.expand(matrix([moved])).row(0))
    for (k, term) in contributions.terms.enumerated() {
      switch term {
      case .source(3), .pair(_, 3): continue
      case .source, .pair: #expect(before[k] == after[k])
      }
    }
    let coded = try JSONDecoder().decode(
      Design.self, from: JSONEncoder().encode(shaped.design))
    #expect(coded == shaped.design)
  }

  @Test func offsetsAreWhatTheFitNeedNotExplain() throws {
    let sample = try sample(rows: 2000, columns: 3, seed: 69) { 2 * $0[0] + $0[1] }
    let offsets = (0..<2000).map { 2 * sample.x[$0, 0] }
    let shaped = try fit(sample, offsets: offsets)
    let z = try shaped.design.expand(sample.x)
    let contributions = try Contributions(
      shaped.design, coefficients: shaped.fit.coefficients, intercept: shaped.fit.intercept,
      reference: z.columnSums().map { $0 / 2000 })
    var sizes = [0.0, 0, 0]
    for row in 0..<2000 {
      for (k, part) in contributions.of(row: z.row(row)).prefix(3).enumerated() {
        sizes[k] += part * part / 2000
      }
    }
    #expect(sizes[0] < 0.1 && sizes[1] > 0.6 && sizes[2] < 0.1)
  }

  @Test func refusals() throws {
    let sample = try sample(rows: 40, columns: 2, seed: 70) { $0[0] }
    #expect(throws: LearningError.sizeMismatch(what: "folds", expected: 40, got: 3)) {
      try fit((sample.x, sample.labels, [0, 1, 0]))
    }
    #expect(
      throws: LearningError.foldWithoutClass(fold: 0, label: 0, rows: 20)
    ) {
      try fit((sample.x, (0..<40).map { $0 < 20 ? 0 : 1 }, (0..<40).map { $0 / 20 }))
    }
    #expect(throws: LearningError.oneClass(label: 0, rows: 40)) {
      try fit((sample.x, [Double](repeating: 0, count: 40), sample.folds))
    }
  }

  /// Fitted on four fifths, all choices among them; judged on the fifth. Plain: 0.845.
  @Test func telco() throws {
    guard let path = Shared.path("data/telco_classic/Telco-Customer-Churn.csv") else { return }
    let table = try readCSV(path)
    let columns = table.header.indices.filter {
      !["customerID", "Churn"].contains(table.header[$0])
    }
    var sources: [DesignSource] = []
    var values: [[Double]] = []
    for column in columns {
      let cells = table.rows.map { $0[column] }
      if ["tenure", "MonthlyCharges", "TotalCharges", "SeniorCitizen"].contains(
        table.header[column])
      {
        sources.append(.numeric)
        values.append(cells.map { Double($0) ?? .nan })
      } else {
        let levels = Set(cells).sorted()
        sources.append(.categorical(levels: levels.count))
        values.append(cells.map { cell in Double(levels.firstIndex(of: cell) ?? 0) })
      }
    }
    let n = table.rows.count
    let x = try Matrix(
      rows: n, columns: columns.count, order: .columnMajor, elements: Array(values.joined()))
    let labels = table.rows.map { $0[table.header.count - 1] == "Yes" ? 1.0 : 0 }
    var random = SplitMix64(20)
    let order = Array(0..<n).shuffled(using: &random)
    var logits = [Double](repeating: 0, count: n)
    for fold in 0..<5 {
      let inside = (0..<n).filter { $0 % 5 != fold }.map { order[$0] }
      let outside = (0..<n).filter { $0 % 5 == fold }.map { order[$0] }
      let shaped = try fitShaped(
        x.selecting(rows: inside), sources: sources, labels: inside.map { labels[$0] },
        folds: inside.indices.map { $0 % 5 }, threads: 2)
      let z = try shaped.design.expand(x.selecting(rows: outside))
      for (row, logit) in zip(outside, try shaped.fit.linearPredictors(z)) { logits[row] = logit }
    }
    #expect(try RocArea(scores: logits, labels: labels).area >= 0.848)
  }
}
