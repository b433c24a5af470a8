import Foundation
package import Histories
package import Learning

/// A silent account with its logit, before anything is explained.
package struct RankedAccount: Sendable, Equatable {
  /// Index in the base.
  package var account: Int
  package var logit: Double
  package var neverSpoken: Bool
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
  package let counts: SilentPopulation.SilentCounts
  private let words: ReasonWords
  private let groups: ReasonGroups

  private var model: Model { version.model }

  /// Ranks everybody silent as of `asOf`. O(accounts × columns).
  package init(version: ModelVersion, base: HistoryBase, asOf: Instant, sayable: Set<String>, threads: Int)
    throws(DetractionError)
  {
    self.version = version
    self.base = base
    self.asOf = asOf
    self.threads = threads
    let model = version.model
    let silent = SilentPopulation(base: base, feedback: model.feedback, asOf: asOf)
    counts = silent.counts
    words = ReasonWords(schema: model.schema, typical: model.reference.typical, sayable: sayable)
    groups = ReasonGroups(schema: model.schema)
    let rule = SilenceRule(silentForDays: model.feedback.silentForDays)
    var ranking: [RankedAccount] = []
    ranking.reserveCapacity(silent.accounts.count)
    for start in stride(from: 0, to: silent.accounts.count, by: Trainer.chunk) {
      let accounts = silent.accounts[start..<min(start + Trainer.chunk, silent.accounts.count)]
      let raw = try Self.raw(accounts, model.schema, base, asOf, threads)
      let logits = model.logits(model.design.expand(raw, threads: threads))
      for (account, logit) in zip(accounts, logits) {
        let voice = rule.voice(of: base.feedback(account), at: asOf)
        ranking.append(
          RankedAccount(account: account, logit: logit, neverSpoken: voice == .neverSpoken))
      }
    }
    ranking.sort { ($1.logit, $0.account) < ($0.logit, $1.account) }
    self.ranking = ranking
  }

  private static func raw(
    _ accounts: some Sequence<Int>, _ schema: FeatureSchema, _ base: HistoryBase, _ asOf: Instant,
    _ threads: Int
  ) throws(DetractionError) -> Matrix {
    let rows = accounts.map { VectorRow(account: $0, asOf: 0) }
    let values = base.vectors(schema, rows: rows, asOf: [asOf], threads: threads)
    do {
      return try Matrix(rows: rows.count, columns: schema.features.count, elements: values)
    } catch { throw .learning(error) }
  }

  /// The full scores at places of the ranking, in that order.
  package func scores(at places: Range<Int>) throws(DetractionError) -> [Score] {
    let ranked = Array(ranking[places])
    let raw = try Self.raw(ranked.map(\.account), model.schema, base, asOf, threads)
    let x = model.design.expand(raw, threads: threads)
    let variances = x.variances(model.covariance, threads: threads)
    let columnReference = model.reference.means
    let referenceLogit =
      zip(columnReference, model.coefficients).reduce(model.intercept) { $0 + $1.0 * $1.1 }
    var scores: [Score] = []
    scores.reserveCapacity(ranked.count)
    for (row, account) in ranked.enumerated() {
      let bySource = model.design.contributions(
        x.row(row), coefficients: model.coefficients, reference: columnReference)
      let explained = groups.explain(bySource, values: raw.row(row), words: words)
      let reach = 1.959963984540054 * variances[row].squareRoot()
      scores.append(
        Score(
          account: base.account(account.account), logit: account.logit,
          referenceLogit: referenceLogit, probability: sigmoid(account.logit),
          low: sigmoid(account.logit - reach), high: sigmoid(account.logit + reach),
          percentile: percentile(of: account.logit), band: band(account.logit),
          reasons: explained.reasons, other: explained.other, otherCount: explained.otherCount,
          extrapolated: variances[row] > model.maximumVariance,
          neverSpoken: account.neverSpoken))
    }
    return scores
  }

  /// Silent detractors expected when a silent detractor's odds of having spoken are `oddsRatio`
  /// times those of the others: the level is not measured, so a caller tells a range of ratios
  /// (METHODS 1.4: logit p_S = logit p_R − ln ratio).
  package func expectedDetractors(oddsRatio: Double) -> Double {
    let shift = log(oddsRatio)
    return ranking.reduce(0) { $0 + sigmoid($1.logit - shift) }
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
    let known = version.knownDetractors.compactMap { detractor -> (Int, Instant)? in
      guard let account = base.index(of: detractor.account),
        base.record(account)?.doNotProfile != true
      else { return nil }
      return (account, detractor.asOf)
    }
    guard !known.isEmpty, !places.isEmpty else { return places.map { _ in [] } }
    let dates = Array(Set(known.map(\.1))).sorted()
    let rows = known.map { VectorRow(account: $0.0, asOf: dates.firstIndex(of: $0.1)!) }
    let values = base.vectors(model.schema, rows: rows, asOf: dates, threads: threads)
    do {
      let raw = try Matrix(rows: rows.count, columns: model.schema.features.count, elements: values)
      let theirs = model.design.expand(raw, threads: threads).scalingColumns(model.coefficients)
      let ours = model.design.expand(
        try Self.raw(places.map { ranking[$0].account }, model.schema, base, asOf, threads),
        threads: threads
      ).scalingColumns(model.coefficients)
      let distances = ours.squaredDistances(to: theirs)
      return places.indices.map { place in
        // A known detractor seen at several snapshots counts once, at the nearest of them.
        var nearest: [Exemplar] = []
        let row = distances.row(place)
        for other in row.indices.sorted(by: { (row[$0], $0) < (row[$1], $1) }) {
          guard known[other].0 != ranking[places[place]].account else { continue }
          let name = base.account(known[other].0)
          if nearest.contains(where: { $0.account == name }) { continue }
          nearest.append(Exemplar(account: name, distance: max(0, row[other]).squareRoot()))
          if nearest.count == count { break }
        }
        return nearest
      }
    } catch let error as LearningError {
      throw .learning(error)
    } catch let error as DetractionError {
      throw error
    } catch {
      throw .bug("\(error)")
    }
  }
}
