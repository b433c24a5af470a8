import Detraction
import Foundation
import Histories
import Learning
import TestSupport
import Testing

/// The score as SQL beside the native path, in DuckDB and in Spark: logits, probabilities, bands, and the
/// reasons in their order.
@Suite struct ScoreStagesTests {
  static let asOf = "2026-02-02"
  static let trained = Result {
    try SampleTraining.shared.get().version(asOf: "2026-02-01").model
  }

  /// Rows whose answer is asked for, with the raw vectors they stand for.
  struct Asked {
    var rows: [ScoreEngines.Row] = []
    var raw: [[Double]] = []
    /// Of the first rows, which are silent accounts.
    var places: [Int] = []

    mutating func append(_ raw: [Double], _ model: Model, account: String? = nil) {
      self.raw.append(raw)
      rows.append(
        ScoreEngines.Row(
          account: account ?? "row \(rows.count)", values: ScoreEngines.cells(raw, model)))
    }
  }

  /// Every silent account of the sample, or every n-th, then rows with nothing, with each column missing,
  /// and with numbers far outside what training saw.
  private func asked(_ model: Model, _ scorer: Scorer, every step: Int) throws -> Asked {
    var asked = Asked()
    asked.places = Array(stride(from: 0, to: scorer.ranking.count, by: step))
    let ranked = asked.places.map { scorer.ranking[$0] }
    let vectors = try scorer.base.vectors(
      model.schema,
      rows: ranked.map { VectorRow(account: $0.account, asOf: scorer.asOf) }, threads: 2)
    let width = model.schema.count
    for (place, account) in ranked.enumerated() {
      asked.append(
        Array(vectors[(place * width)..<((place + 1) * width)]), model,
        account: scorer.base.account(Int(account.account)))
    }
    let some = asked.raw[ranked.count / 3]
    asked.append([Double](repeating: .nan, count: width), model)
    for column in 0..<width {
      var row = some
      row[column] = .nan
      asked.append(row, model)
    }
    for extreme in [0, -0.0, 1e12, -1e12, .leastNonzeroMagnitude, -77] {
      asked.append(
        model.schema.features.indices.map {
          if case .categorical = model.schema.features[$0] { return .nan }
          return extreme
        }, model)
    }
    return asked
  }

  private func close(_ a: Double, _ b: Double, _ scale: Double = 1) -> Bool {
    abs(a - b) <= 1e-9 * max(1, abs(b), scale)
  }

  /// Holds an engine's answers against the oracle's.
  private func hold(
    _ model: Model, _ asked: Asked, _ dialect: SQLDialect, test: String = #function
  ) throws {
    let expected = try ScoreOracle(model).answers(asked.raw)
    let engines = try ScoreEngines(model, asked.rows)
    guard let found = try engines.run(model, dialect, test: test) else { return }
    #expect(found.count == asked.rows.count)
    let byAccount = Dictionary(found.map { ($0.account, $0) }) { $1 }
    var apart = 0
    for (row, expected) in zip(asked.rows, expected) {
      let found = try #require(byAccount[row.account])
      #expect(close(found.logit, expected.logit), "\(row.account) \(found) \(expected)")
      #expect(close(found.probability, expected.probability), "\(found) \(expected)")
      let sum = found.parts.reduce(0) { $0 + $1.contribution }
      let scale = found.parts.map { abs($0.contribution) }.max() ?? 0
      #expect(close(sum, found.logit, scale), "\(found)")
      if expected.margin < 1e-12 {
        apart += 1
        continue
      }
      #expect(found.band == expected.band.rawValue, "\(found) \(expected)")
      #expect(
        found.parts.map { Array($0.feature.utf8) } == expected.parts.map { Array($0.feature.utf8) },
        "\(found) \(expected)")
      for (found, expected) in zip(found.parts, expected.parts) {
        #expect(close(found.contribution, expected.contribution, scale), "\(found) \(expected)")
      }
    }
    #expect(apart <= asked.rows.count / 50)
  }

  /// The oracle says what `Scorer` says.
  private func holdNative(_ model: Model, _ asked: Asked, _ scorer: Scorer) throws {
    let expected = try ScoreOracle(model).answers(asked.raw)
    for (score, expected) in zip(try scorer.scores(at: asked.places), expected) {
      #expect(close(score.logit, expected.logit) && close(score.probability, expected.probability))
      #expect(score.band == expected.band)
      #expect(score.reasons.map(\.feature) == expected.parts.dropFirst().dropLast().map(\.feature))
      let contributions =
        [score.referenceLogit] + score.reasons.map(\.contribution) + [score.other]
      for (a, b) in zip(contributions, expected.parts) { #expect(close(a, b.contribution)) }
    }
  }

  private func scorer(_ model: Model) throws -> Scorer {
    try SampleTraining.shared.get().scorer(
      ModelVersion(version: "x", model: model, knownDetractors: []), asOf: Self.asOf)
  }

  @Test(arguments: SQLDialect.allCases) func asTrained(_ dialect: SQLDialect) throws {
    let model = try Self.trained.get()
    let scorer = try scorer(model)
    let asked = try asked(model, scorer, every: 1)
    try holdNative(model, asked, scorer)
    try hold(model, asked, dialect)
  }

  /// Every basis, clamps, codes for missing, pairs within and across groups; weights, covariance and
  /// reference drawn; and each calibration, with the silent level's offset and without.
  @Test(arguments: SQLDialect.allCases, 0..<4)
  func shapesAndCalibrations(_ dialect: SQLDialect, _ calibration: Int) throws {
    var model = try ScoreModels.shaped(Self.trained.get(), seed: 5 + UInt64(calibration))
    let calibrations: [ScoreCalibration] = try [
      .none, .platt(slope: 0.83, intercept: -0.4), .beta(a: 0.7, b: 1.2, c: -0.3),
      .isotonic(
        IsotonicKnots(
          logits: [-3, -1.5, -1.25, 0.5, 2, 4], probabilities: [0.001, 0.01, 0.2, 0.2, 0.7, 0.9999])
      ),
    ]
    model.calibration = calibrations[calibration]
    model = try ScoreModels.with(model, offset: [nil, 0.37, -0.9, 0.25][calibration])
    let scorer = try scorer(model)
    let asked = try asked(model, scorer, every: 7)
    if dialect == .duckdb { try holdNative(model, asked, scorer) }
    try hold(model, asked, dialect)
  }

  /// Names and levels that try to end the text, and sums in small halves: many ties, exact in binary, so
  /// that every rule of the choice is met to the bit.
  @Test(arguments: SQLDialect.allCases) func hostileNamesAndTies(_ dialect: SQLDialect) throws {
    var random = SplitMix64(11)
    let model = try ScoreModels.small(Self.trained.get())
    var asked = Asked()
    for _ in 0..<1_500 {
      asked.append(
        model.schema.features.indices.map { place in
          let levels = model.schema.levels[place].count
          let drawn = random.below(levels == 0 ? 8 : levels + 1)
          if drawn == (levels == 0 ? 7 : levels) { return .nan }
          return levels == 0 ? Double(drawn - 3) / 2 : Double(drawn)
        }, model)
    }
    // A text that is no level is as none.
    for place in asked.rows.indices where asked.raw[place][7].isNaN && place % 2 == 0 {
      asked.rows[place].values[7] = .text(["unseen", "NORTH ", "plan"][place % 3])
    }
    try hold(model, asked, dialect)
  }

  /// No weight at all: the logit is the intercept to the bit, a band starts at its limit, and there is
  /// no reason.
  @Test(arguments: SQLDialect.allCases) func aModelOfNothing(_ dialect: SQLDialect) throws {
    var model = try ScoreModels.small(Self.trained.get())
    model.coefficients = model.coefficients.map { _ in 0 }
    model.intercept = -1.25
    for (place, band) in [Band.top, .high, .medium, .low].enumerated() {
      model.reference.bandLimits = [0, 1, 2].map { Double(place - $0) * 0.5 - 1.25 }
      var asked = Asked()
      asked.append([Double](repeating: 1, count: model.schema.count), model)
      let found = try ScoreEngines(model, asked.rows).run(model, dialect)
      guard let found else { return }
      #expect(found.count == 1 && found[0].logit == -1.25 && found[0].band == band.rawValue)
      #expect(found[0].parts.map(\.feature) == ["reference", "other"])
      #expect(found[0].parts.map(\.contribution) == [-1.25, 0])
    }
  }
}
