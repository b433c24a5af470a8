import Foundation
package import Histories
package import Learning

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
  /// Its place among all the silent, from 1, where a ranking holds only some of them.
  package var rank: Int?

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
  /// What drift is told from; nil where it was not asked for.
  package let sample: SilentSpread?
  private let words: ReasonWords
  let groups: ReasonGroups
  let contributions: Contributions
  private let covariance: Matrix
  /// Where an engine ranked everybody, and the base holds only those whom it chose.
  private let census: Census?
  /// Whether it ranks only those whom an engine chose among all.
  package var isOfCandidates: Bool { census != nil }

  var model: Model { version.model }

  /// Ranks everybody silent as of `asOf`; `sampling`: and keeps what drift is told from. `census`: an
  /// engine has done so, and only those it names are ranked, in their places among all; throws
  /// `insufficient` where it scored one of them otherwise. O(accounts × columns).
  package init(
    version: ModelVersion, base: HistoryBase, asOf: Instant, sayable: Set<String>,
    sampling: Bool = false, census: Census? = nil, threads: Int
  ) throws(DetractionError) {
    self.census = census
    self.version = version
    self.base = base
    self.asOf = asOf
    self.threads = threads
    let model = version.model
    var silent = SilentPopulation(base: base, feedback: model.feedback, asOf: asOf)
    if let census { silent = census.chosen(silent, of: base) }
    counts = silent.counts
    covariance = model.covarianceMatrix()
    contributions = try translating {
      try Contributions(
        model.design, coefficients: model.coefficients, intercept: model.intercept,
        reference: model.reference.means)
    }
    words = ReasonWords(model, terms: contributions.terms, sayable: sayable)
    groups = ReasonGroups(
      schema: model.schema, design: model.design, terms: contributions.terms,
      covariance: covariance)
    var ranking: [RankedAccount] = []
    ranking.reserveCapacity(silent.accounts.count)
    var sample =
      sampling ? SilentSpread(of: silent.accounts.count, features: model.schema.count) : nil
    for start in stride(from: 0, to: silent.accounts.count, by: Trainer.chunk) {
      let places = start..<min(start + Trainer.chunk, silent.accounts.count)
      let raw = try base.matrix(
        model.schema, silent.accounts[places].map { VectorRow(account: Int32($0), asOf: asOf) },
        threads: threads)
      let x = try model.expand(raw, threads: threads)
      let logits = model.logits(x, threads: threads)
      sample?.take(raw, x)
      for (place, logit) in zip(places, logits) {
        ranking.append(
          RankedAccount(
            account: Int32(silent.accounts[place]), logit: logit,
            probability: model.silentProbability(logit: logit),
            neverSpoken: silent.neverSpoken[place]))
      }
    }
    ranking.sort()
    try census?.place(&ranking, of: base)
    self.ranking = ranking
    self.sample = sample
  }

  /// The vectors of ranked accounts as of the date.
  func raw(_ ranked: [RankedAccount]) throws(DetractionError) -> Matrix {
    try base.matrix(
      model.schema, ranked.map { VectorRow(account: $0.account, asOf: asOf) }, threads: threads)
  }

  /// The full scores at places of the ranking, in that order.
  package func scores(at places: some Sequence<Int>) throws(DetractionError) -> [Score] {
    let ranked = places.map { ranking[$0] }
    let raw = try raw(ranked)
    let x = try model.expand(raw, threads: threads)
    let (variances, isOutside) = try translating {
      (
        try x.predictorVariances(covariance, threads: threads),
        try model.propensity?.isOutside(raw, threads: threads)
          ?? [Bool](repeating: false, count: raw.rows)
      )
    }
    let stripes = StripedWork.bounds(of: ranked.count, unit: 64)
    return StripedWork.map(stripes: stripes.count, threads: threads) { stripe in
      stripes[stripe].map { row in
        score(ranked[row], raw.row(row), x.row(row), variances[row], isOutside: isOutside[row])
      }
    }.flatMap(\.self)
  }

  private func score(
    _ account: RankedAccount, _ values: [Double], _ z: [Double], _ variance: Double,
    isOutside: Bool
  ) -> Score {
    let explained = groups.explain(
      contributions.of(row: z), values: values,
      deviations: zip(z, model.reference.means).map { $0 - $1 }, words: words)
    let interval = model.silentInterval(
      logit: account.logit, standardError: variance.squareRoot())
    return Score(
      account: base.account(Int(account.account)), logit: account.logit,
      referenceLogit: contributions.referenceLogit, probability: account.probability,
      low: interval.low, high: interval.high,
      percentile: percentile(of: account), band: band(account.logit),
      reasons: explained.reasons, other: explained.other, otherCount: explained.otherCount,
      extrapolated: variance > model.maximumVariance || isOutside, neverSpoken: account.neverSpoken)
  }

  /// How many of the silent are unhappy: by the measured level, with its 95 % interval; else the range
  /// over odds ratios of speaking from 2 down to ½, without a value (METHODS 1.4).
  package var hidden: Evaluation.Estimate {
    func expected(_ offset: Double) -> Double {
      ranking.reduce(0) {
        $0
          + LogisticFit.probability(
            logit: model.calibration.calibrated(logit: $1.logit) + offset)
      }
    }
    let level = model.level
    if let offset = level?.offset, let value = offset.value, let low = offset.low,
      let high = offset.high
    {
      return .init(value: expected(value), low: expected(low), high: expected(high))
    }
    if level?.isOpen == true { return .init(low: 0, high: Double(ranking.count)) }
    let aligned = level?.respondentOffset ?? 0
    return .init(low: expected(aligned - log(2)), high: expected(aligned + log(2)))
  }

  /// Share of the silent scored at or below an account, in percent. O(log accounts).
  private func percentile(of account: RankedAccount) -> Double {
    if let census {
      let above = census.above(base.account(Int(account.account)))
      return 100 * Double(census.counts.silent - above) / Double(census.counts.silent)
    }
    var low = 0
    var high = ranking.count
    while low < high {
      let middle = (low + high) / 2
      if ranking[middle].logit > account.logit { low = middle + 1 } else { high = middle }
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
}
