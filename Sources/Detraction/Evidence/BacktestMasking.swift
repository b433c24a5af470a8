import Histories
import Learning

extension Backtest {
  /// Known detractors hidden among the silent (METHODS 4.4, variant B): a quarter of them is drawn, a
  /// model is trained as of D without any row of theirs, and each is ranked, as of the snapshot before
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
    let weights = known.map { maskingWeight?($0) ?? 1 }
    let silent = SilentPopulation(
      base: base, feedback: feedback, asOf: asOf, trace: trace
    ).accounts
    var repeats: [Repeat] = []
    for number in 0..<BacktestRule.maskings {
      progress("masking \(number + 1) of \(BacktestRule.maskings)")
      let drawn = Lot(seed: UInt64(number)).draw(size, places: places, weights: weights)
        .map { known[$0] }
      do throws(DetractionError) {
        repeats.append(
          try hide(drawn.map { (account: $0, at: first[$0] ?? asOf) }, among: silent))
      } catch {
        guard error.exitStatus == 3 else { throw error }
        return (nil, error.description)
      }
    }
    return (masking(known: known.count, masked: size, repeats), nil)
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

  private func hide(_ masked: [(account: Int, at: Instant)], among silent: [Int])
    throws(DetractionError) -> Repeat
  {
    let accounts = Set(masked.map(\.account))
    let model = try train(asOf: asOf, masked: accounts).0
    func logits(_ raw: Matrix) throws(DetractionError) -> [Double] {
      model.logits(try model.expand(raw, threads: threads), threads: threads)
    }
    let theirs = try logits(
      try base.matrix(
        model.schema, masked.map { VectorRow(account: Int32($0.account), asOf: $0.at) },
        threads: threads))
    let pool = silent.filter { !accounts.contains($0) }
    let step = max(1, (pool.count + BacktestRule.mostPool - 1) / BacktestRule.mostPool)
    let sample = stride(from: 0, to: pool.count, by: step).map { Int32(pool[$0]) }
    var ranks = Ranks(of: theirs)
    for score in theirs { ranks.pass(score) }
    try forEachChunk(sample, asOf: asOf, model.schema) { (_, raw) throws(DetractionError) in
      for score in try logits(raw) {
        ranks.pass(score, weight: Double(pool.count) / Double(sample.count))
      }
    }
    let all = pool.count + masked.count
    let k = min(capacity(asOf), all)
    return Repeat(
      accounts: masked.map(\.account),
      called: ranks.standings(of: theirs).map { $0.isCalled(Double(k)) },
      byLot: Double(k) / Double(all), pool: pool.count, k: k)
  }

  /// Customers were masked several times: each counts once in the interval, by its mean.
  private func masking(known: Int, masked: Int, _ repeats: [Repeat]) -> Masking {
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
      weighted: maskingWeight != nil)
  }
}
