import Foundation
import Histories
import Learning

extension Backtest {
  /// Penalties tried, per unit of mean loss on standardised columns.
  private static let lambdas = (0..<13).map { pow(10, -4 + 0.375 * Double($0)) }

  /// Known detractors hidden among the silent (METHODS 4.4, variant B): a quarter of them is drawn, a
  /// model is fitted as of D without any row of theirs (the plain shapes of every feature under one
  /// penalty: a search for shapes and pairs twenty times over would take as many trainings), and each is ranked, as of the snapshot before
  /// its first negative answer, among the accounts silent at D. Twenty drawings.
  ///
  /// Without a masking the reason: too few known, or nothing left to learn from.
  func masking(progress: (String) -> Void)
    throws(DetractionError) -> (masking: Masking?, missing: String?)
  {
    let rows = TrainingRows(
      base: base, feedback: feedback, training: training, asOf: asOf, trace: trace)
    var first: [Int: Instant] = [:]
    for row in rows.rows where row.isDetractor && first[row.account] == nil {
      first[row.account] = rows.snapshots[row.snapshot]
    }
    let known = first.keys.sorted()
    let size = Int((BacktestRule.maskedShare * Double(known.count)).rounded(.up))
    guard known.count - size >= Trainer.minimumOfClass else {
      return (
        nil,
        "of \(known.count) known detractors fewer than \(Trainer.minimumOfClass) would be left to "
          + "learn from"
      )
    }
    let places = known.map { AccountHash.of(base.account($0)) }
    let silent = SilentPopulation(
      base: base, feedback: feedback, asOf: asOf, trace: trace
    ).accounts
    progress("who speaks")
    let weights = try oddsOfSilence(known.map { ($0, first[$0] ?? asOf) }, rows, among: silent)
    let schema = try translating { try base.schema(features, asOf: asOf) }
    var fitted = Fitted(
      schema: schema, accounts: rows.rows.map(\.account),
      labels: rows.rows.map { $0.isDetractor ? 1 : 0 },
      raw: try base.matrix(
        schema,
        rows.rows.map { VectorRow(account: Int32($0.account), asOf: rows.snapshots[$0.snapshot]) },
        threads: threads))
    var repeats: [Repeat] = []
    for number in 0..<BacktestRule.maskings {
      progress("masking \(number + 1) of \(BacktestRule.maskings)")
      let drawn = Lot(seed: UInt64(number)).draw(
        size, places: places, weights: weights ?? known.map { _ in 1 }
      )
      .map { known[$0] }
      do throws(DetractionError) {
        repeats.append(
          try hide(drawn.map { (account: $0, at: first[$0] ?? asOf) }, among: silent, &fitted))
      } catch {
        guard error.exitStatus == 3 else { throw error }
        return (nil, error.description)
      }
    }
    return (
      masking(known: known.count, masked: size, repeats, weighted: weights != nil), nil
    )
  }

  /// (1 − e)/e of known detractors as of their snapshots, for the chance e that one like them is a
  /// respondent: those like the silent are drawn more often. e is kept within 0.01 and 0.99
  /// (METHODS 1.3). Nil where who speaks cannot be told.
  private func oddsOfSilence(
    _ known: [(account: Int, at: Instant)], _ rows: TrainingRows, among silent: [Int]
  ) throws(DetractionError) -> [Double]? {
    let schema = try translating { try base.schema(features, asOf: asOf) }
    func spread<Item>(_ items: [Item]) -> [Item] {
      let count = min(BacktestRule.mostPool, items.count)
      return (0..<count).map { items[$0 * items.count / count] }
    }
    func side(_ items: [(account: Int, at: Instant)]) throws(DetractionError) -> ResponseRows {
      let raw = try base.matrix(
        schema, items.map { VectorRow(account: Int32($0.account), asOf: $0.at) }, threads: threads)
      return try translating {
        try ResponseRows(
          raw: raw, customers: items.map { AccountHash.of(base.account($0.account)) })
      }
    }
    let respondents = try side(
      spread(rows.rows).map { ($0.account, rows.snapshots[$0.snapshot]) })
    let others = try side(spread(silent).map { ($0, asOf) })
    guard
      let propensity = try? ResponsePropensity.fit(
        respondents, others, sources: schema.designSources, threads: threads
      ).propensity
    else { return nil }
    let theirs = try side(known)
    return try translating {
      try propensity.logits(theirs.raw, threads: threads).map { exp(-min(max($0, -limit), limit)) }
    }
  }

  /// What one drawing gave: the chance of each of the masked to be called, and that of a list by lot.
  private struct Repeat {
    var accounts: [Int]
    var called: [Double]
    var byLot: Double
    var pool: Int
    var k: Int

    var recall: Double { called.reduce(0, +) / Double(called.count) }
  }

  /// Training rows with what they are fitted by.
  private struct Fitted {
    let schema: FeatureSchema
    let accounts: [Int]
    let labels: [Double]
    let raw: Matrix
    /// Chosen once, by cross-validation without the first drawing.
    var lambda: Double?
  }

  private func hide(
    _ masked: [(account: Int, at: Instant)], among silent: [Int], _ training: inout Fitted
  ) throws(DetractionError) -> Repeat {
    let accounts = Set(masked.map(\.account))
    let kept = training.accounts.indices.filter { !accounts.contains(training.accounts[$0]) }
    let (raw, schema) = (training.raw.selecting(rows: kept), training.schema)
    let labels = kept.map { training.labels[$0] }
    let known = training.lambda
    let (design, fit) = try translating {
      let design = try Design(fitting: raw, sources: schema.designSources, threads: threads)
      let data = try LogisticData(
        try design.expand(raw, threads: threads), labels: labels, threads: threads)
      let lambda =
        try known
        ?? crossValidate(
          data, folds: kept.map { Trainer.fold(of: base.account(training.accounts[$0])) },
          lambdas: Self.lambdas,
          parameters: LogisticParameters(penalty: .none, standardise: false)
        ).validation.chosen
      return (
        design,
        try fitLogistic(
          data, parameters: LogisticParameters(penalty: .l2(lambda), standardise: false))
      )
    }
    training.lambda = fit.penalty.lambda
    func logits(_ raw: Matrix) throws(DetractionError) -> [Double] {
      try translating {
        try fit.linearPredictors(try design.expand(raw, threads: threads), threads: threads)
      }
    }
    let theirs = try logits(
      try base.matrix(
        schema, masked.map { VectorRow(account: Int32($0.account), asOf: $0.at) },
        threads: threads))
    let pool = silent.filter { !accounts.contains($0) }
    let step = max(1, (pool.count + BacktestRule.mostPool - 1) / BacktestRule.mostPool)
    let sample = stride(from: 0, to: pool.count, by: step).map { Int32(pool[$0]) }
    var ranks = Ranks(of: theirs)
    for score in theirs { ranks.pass(score) }
    try forEachChunk(sample, asOf: asOf, schema) { (_, raw) throws(DetractionError) in
      for score in try logits(raw) {
        ranks.pass(score, weight: Double(pool.count) / Double(sample.count))
      }
    }
    let all = pool.count + masked.count
    let k = min(callable(at: asOf, of: all), all)
    return Repeat(
      accounts: masked.map(\.account),
      called: ranks.standings(of: theirs).map { $0.isCalled(Double(k)) },
      byLot: Double(k) / Double(all), pool: pool.count, k: k)
  }

  /// Customers were masked several times: the interval is that of as many trials as they are.
  private func masking(known: Int, masked: Int, _ repeats: [Repeat], weighted: Bool) -> Masking {
    let recalls = repeats.map(\.recall)
    let mean = recalls.reduce(0, +) / Double(recalls.count)
    let byLot = repeats.reduce(0) { $0 + $1.byLot } / Double(repeats.count)
    let customers = Double(Set(repeats.flatMap(\.accounts)).count)
    let interval = exactShare(found: min(mean, 1) * customers, of: customers)
    return Masking(
      known: known, masked: masked, repeats: repeats.count, pool: repeats[0].pool,
      called: repeats[0].k,
      recall: Estimate(value: mean, low: interval.low, high: interval.high),
      least: recalls.min() ?? mean, most: recalls.max() ?? mean, byLot: byLot,
      lift: byLot > 0
        ? Estimate(
          value: mean / byLot, low: interval.low / byLot, high: interval.high / byLot)
        : Estimate(),
      weighted: weighted)
  }
}

/// logit 0.99
private let limit = logOdds(0.99)
