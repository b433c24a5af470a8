import Foundation
package import Histories
import Learning

/// A silent account in the order in which outreach would like to call: by logit, highest first;
/// equal logits by account index, which stands for (stable hash, id), so that no alphabet and no
/// sign-up order is favoured.
package struct RankedAccount: Sendable, Equatable, Comparable {
  /// Index in the base.
  package var account: Int32
  package var logit: Double
  /// Calibrated.
  package var probability: Double
  package var neverSpoken: Bool

  package init(account: Int32, logit: Double, probability: Double, neverSpoken: Bool) {
    self.account = account
    self.logit = logit
    self.probability = probability
    self.neverSpoken = neverSpoken
  }

  /// Whether `left` is called before `right`: `ranking.sort()` puts the unhappiest first.
  package static func < (left: RankedAccount, right: RankedAccount) -> Bool {
    left.logit != right.logit ? left.logit > right.logit : left.account < right.account
  }
}

/// Scores the silent accounts of a base as of a date by one model.
///
/// Ranking keeps one logit an account; vectors, reasons and intervals are made again for the
/// accounts that are asked for, a chunk at a time, so that memory does not grow with the columns.
package struct Scorer: Sendable {
  package let version: ModelVersion
  package let base: HistoryBase
  package let asOf: Instant
  package let threads: Int
  /// The silent accounts, highest logit first; equal logits in the base's own order (by hash).
  package let ranking: [RankedAccount]
  package let counts: SilentCounts
  private let words: ReasonWords
  private let groups: ReasonGroups
  private let covariance: Matrix

  private var model: Model { version.model }

  /// Ranks everybody silent as of `asOf`. O(accounts × columns).
  package init(
    version: ModelVersion, base: HistoryBase, asOf: Instant, sayable: Set<String>, threads: Int
  ) throws(DetractionError) {
    self.version = version
    self.base = base
    self.asOf = asOf
    self.threads = threads
    let model = version.model
    let silent = SilentPopulation(base: base, feedback: model.feedback, asOf: asOf)
    counts = silent.counts
    words = ReasonWords(schema: model.schema, typical: model.reference.typical, sayable: sayable)
    groups = ReasonGroups(schema: model.schema)
    covariance = model.covarianceMatrix()
    var ranking: [RankedAccount] = []
    ranking.reserveCapacity(silent.accounts.count)
    for start in stride(from: 0, to: silent.accounts.count, by: Trainer.chunk) {
      let places = start..<min(start + Trainer.chunk, silent.accounts.count)
      let raw = try base.matrix(
        model.schema, silent.accounts[places].map { VectorRow(account: Int32($0), asOf: asOf) },
        threads: threads)
      let logits = model.logits(try model.expand(raw, threads: threads), threads: threads)
      for (place, logit) in zip(places, logits) {
        ranking.append(
          RankedAccount(
            account: Int32(silent.accounts[place]), logit: logit,
            probability: model.probability(logit: logit), neverSpoken: silent.neverSpoken[place]))
      }
    }
    ranking.sort()
    self.ranking = ranking
  }

  private func raw(_ ranked: [RankedAccount]) throws(DetractionError) -> Matrix {
    try base.matrix(
      model.schema, ranked.map { VectorRow(account: $0.account, asOf: asOf) }, threads: threads)
  }

  /// The full scores at places of the ranking, in that order.
  package func scores(at places: some Sequence<Int>) throws(DetractionError) -> [Score] {
    let ranked = places.map { ranking[$0] }
    let raw = try raw(ranked)
    let x = try model.expand(raw, threads: threads)
    let (variances, contributions) = try translating {
      (
        try x.predictorVariances(covariance, threads: threads),
        try Contributions(
          model.design, coefficients: model.coefficients, intercept: model.intercept,
          reference: model.reference.means)
      )
    }
    let stripes = StripedWork.bounds(of: ranked.count, unit: 64)
    return StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      stripes[stripe].map { row in
        score(
          ranked[row], raw.row(row), contributions.of(row: x.row(row)),
          contributions.referenceLogit, variances[row])
      }
    }.flatMap(\.self)
  }

  private func score(
    _ account: RankedAccount, _ values: [Double], _ contributions: [Double], _ reference: Double,
    _ variance: Double
  ) -> Score {
    let explained = groups.explain(contributions, values: values, words: words)
    let reach = 1.959963984540054 * variance.squareRoot()
    return Score(
      account: base.account(Int(account.account)), logit: account.logit,
      referenceLogit: reference, probability: account.probability,
      low: model.probability(logit: account.logit - reach),
      high: model.probability(logit: account.logit + reach),
      percentile: percentile(of: account.logit), band: band(account.logit),
      reasons: explained.reasons, other: explained.other, otherCount: explained.otherCount,
      extrapolated: variance > model.maximumVariance, neverSpoken: account.neverSpoken)
  }

  /// Silent detractors expected when a silent detractor's odds of having spoken are `oddsRatio`
  /// times those of the others: the level is not measured, so a caller tells a range of ratios
  /// (METHODS 1.4: logit p_S = logit p_R − ln ratio).
  package func expectedDetractors(oddsRatio: Double) -> Double {
    let shift = log(oddsRatio)
    return ranking.reduce(0) {
      $0 + LogisticFit.probability(logit: model.calibration.calibrated(logit: $1.logit) - shift)
    }
  }

  /// Share of the silent scored at or below a logit, in percent. O(log accounts).
  private func percentile(of logit: Double) -> Double {
    var low = 0
    var high = ranking.count
    while low < high {
      let middle = (low + high) / 2
      if ranking[middle].logit > logit { low = middle + 1 } else { high = middle }
    }
    return 100 * Double(ranking.count - low) / Double(ranking.count)
  }

  private func band(_ logit: Double) -> Band {
    let limits = model.reference.bandLimits
    for (index, band) in [Band.top, .high, .medium].enumerated() where logit >= limits[index] {
      return band
    }
    return .low
  }

  /// The three known detractors nearest to each of the given places, by Euclidean distance of
  /// their contributions: ‖u_i − u_j‖² from one matrix product. Accounts that are no longer in the
  /// base, or may no longer be profiled, are nobody's exemplar.
  package func exemplars(at places: [Int], count: Int = 3) throws(DetractionError)
    -> [[Exemplar]]
  {
    let known = version.knownDetractors.compactMap { detractor -> VectorRow? in
      guard let account = base.index(of: detractor.account),
        base.record(account)?.doNotProfile != true
      else { return nil }
      return VectorRow(account: Int32(account), asOf: detractor.asOf)
    }
    guard !known.isEmpty, !places.isEmpty else { return places.map { _ in [] } }
    let theirs = try model.expand(
      try base.matrix(model.schema, known, threads: threads), threads: threads
    ).scalingColumns(by: model.coefficients)
    var found: [[Exemplar]] = []
    for start in stride(from: 0, to: places.count, by: 256) {
      let part = places[start..<min(start + 256, places.count)].map { ranking[$0] }
      let ours = try model.expand(try raw(part), threads: threads)
        .scalingColumns(by: model.coefficients)
      let distances = try translating { try ours.squaredDistances(to: theirs, threads: threads) }
      for (row, ranked) in part.enumerated() {
        found.append(nearest(distances.row(row), known, to: ranked.account, count: count))
      }
    }
    return found
  }

  /// The accounts of the `count` least distances; one seen at several snapshots counts once, at
  /// the nearest of them, and nobody is their own exemplar. Equal distances keep training's order.
  /// O(known).
  private func nearest(_ distances: [Double], _ known: [VectorRow], to account: Int32, count: Int)
    -> [Exemplar]
  {
    var best: [(account: Int32, distance: Double)] = []
    for (row, distance) in zip(known, distances) where row.account != account {
      if best.count == count, distance >= best[count - 1].distance { continue }
      if let same = best.firstIndex(where: { $0.account == row.account }) {
        if distance >= best[same].distance { continue }
        best.remove(at: same)
      }
      let place = best.firstIndex { distance < $0.distance } ?? best.count
      best.insert((row.account, distance), at: place)
      if best.count > count { best.removeLast() }
    }
    return best.map {
      Exemplar(account: base.account(Int($0.account)), distance: $0.distance.squareRoot())
    }
  }
}
