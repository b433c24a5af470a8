import Foundation
package import Histories
import Learning

/// The silent accounts of a scoring in numbers, none of them an account's own: how many are likely
/// unhappy, what they are worth, what speaks from their histories.
///
/// Where answers of silent accounts drawn by lot set the level, counts and money have its 95 %
/// interval; else they are a range over odds ratios of ½ to 2 between an unhappy customer's readiness
/// to speak and the others' (METHODS 1.4), not measured.
package struct SilentSummary: Codable, Sendable {
  /// A number from the least to the most: with its interval, or under odds ratios 2, 1 and ½.
  package struct Span: Codable, Sendable, Equatable {
    package var low = 0.0
    package var middle = 0.0
    package var high = 0.0

    package init() {}

    /// Counts an account, or `factor` times it, by a model's logit as a score file has it.
    package mutating func add(scored logit: Double, by model: Model, times factor: Double = 1) {
      add(model.calibration.calibrated(logit: logit), model.level, times: factor)
    }

    /// Counts an account, or `factor` times it, by its calibrated logit.
    mutating func add(_ logit: Double, _ level: SilentLevel?, times factor: Double = 1) {
      guard let level else {
        low += factor * LogisticFit.probability(logit: logit - log(2))
        middle += factor * LogisticFit.probability(logit: logit)
        high += factor * LogisticFit.probability(logit: logit + log(2))
        return
      }
      let estimate = level.probability(logit: logit)
      low += factor * (estimate.low ?? 0)
      middle +=
        factor
        * (estimate.value ?? LogisticFit.probability(logit: logit + level.respondentOffset))
      high += factor * (estimate.high ?? 1)
    }
  }

  /// One leading reason: the known detractors it led for, and the silent accounts that look the same.
  package struct Cause: Codable, Sendable, Equatable {
    package var name: String
    /// Customers who spoke as detractors in the training's label windows.
    package var spoke = 0
    /// Silent accounts with this leading reason that score at least as high as the middle one of
    /// those; what they are worth; how many of them may be unhappy.
    package var alike = 0
    package var value = 0.0
    package var unhappy = Span()
  }

  /// A known detractor, unnamed, and the silent accounts of the list that are nearest to it: the group
  /// that one voice stands for.
  package struct Echo: Codable, Sendable, Equatable {
    package var alike = 0
    package var value = 0.0
    /// The reason that pushes most of them and the detractor alike, where there is one.
    package var shared: String?
  }

  package struct Segment: Codable, Sendable, Equatable {
    package var name: String
    package var silent = 0
    package var called = 0
    package var probability = 0.0
  }

  package var asOf: Instant
  package var silent = 0
  /// The first of the list that the team can call in a label window; nil without queues.
  package var callable: Int?
  /// Whether the level is measured.
  package var isMeasured = false
  package var hidden = Span()
  /// Yearly value of the accounts that may be unhappy; nil where the accounts file has no `value`.
  package var value: Span?
  /// The same among the callable.
  package var reached = Span()
  package var reachedValue: Span?
  /// Silent accounts by logit, in bins of `binWidth` from `firstBin` on.
  package var firstBin = 0.0
  package var binWidth = 0.25
  package var bins: [Int] = []
  package var causes: [Cause] = []
  /// The largest group first, over the first `listed` accounts of the list; those of them that are
  /// unlike any known detractor are in none.
  package var echoes: [Echo] = []
  package var listed = 0
  package var unlikeAny = 0
  package var segments: [Segment] = []

  /// O(silent accounts × columns).
  package init(_ scorer: Scorer, callable: Int?) throws(DetractionError) {
    asOf = scorer.asOf
    silent = scorer.ranking.count
    let level = scorer.model.level
    isMeasured = level?.isMeasured ?? false
    self.callable = callable.map { min($0, silent) }
    let called = self.callable ?? 0
    countBins(scorer.ranking.map(\.logit))
    var tally = CauseTally(scorer)
    try tally.addKnown()
    var segments: [String: Segment] = [:]
    var (worth, reachedWorth, hasValue) = (Span(), Span(), false)
    for start in stride(from: 0, to: silent, by: Trainer.chunk) {
      let places = start..<min(start + Trainer.chunk, silent)
      let leading = try tally.leading(at: places)
      for (place, cause) in zip(places, leading) {
        let ranked = scorer.ranking[place]
        let record = scorer.base.record(Int(ranked.account))
        let isCalled = place < called
        let logit = scorer.model.calibration.calibrated(logit: ranked.logit)
        hidden.add(logit, level)
        if isCalled { reached.add(logit, level) }
        if let value = record?.value {
          hasValue = true
          worth.add(logit, level, times: value)
          if isCalled { reachedWorth.add(logit, level, times: value) }
        }
        tally.add(cause, ranked.logit, value: record?.value ?? 0)
        if let name = record?.segment {
          var segment = segments[name] ?? Segment(name: name)
          segment.silent += 1
          if isCalled { segment.called += 1 }
          segment.probability += ranked.probability
          segments[name] = segment
        }
      }
    }
    if hasValue { (value, reachedValue) = (worth, reachedWorth) }
    try countEchoes(scorer)
    causes = tally.causes.filter { $0.spoke > 0 || $0.alike > 0 }
      .sorted { ($1.unhappy.middle, $0.name) < ($0.unhappy.middle, $1.name) }
    self.segments = segments.values.map { segment in
      var segment = segment
      segment.probability /= Double(segment.silent)
      return segment
    }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// Which known detractors the first accounts of the list are nearest to, at most 5,000 of them.
  private mutating func countEchoes(_ scorer: Scorer) throws(DetractionError) {
    listed = min(silent, callable ?? max(1, silent / 20), 5000)
    var places: [String: Int] = [:]
    var reasons: [[String: Int]] = []
    let nearest = try scorer.exemplars(at: Array(0..<listed), count: 1)
    for (place, exemplars) in nearest.enumerated() {
      guard let exemplar = exemplars.first else { continue }
      if exemplars.isUnlikeAny {
        unlikeAny += 1
        continue
      }
      let known = places[exemplar.account] ?? echoes.count
      if known == echoes.count {
        places[exemplar.account] = known
        echoes.append(Echo())
        reasons.append([:])
      }
      echoes[known].alike += 1
      let account = Int(scorer.ranking[place].account)
      echoes[known].value += scorer.base.record(account)?.value ?? 0
      if let reason = exemplar.shared.first { reasons[known][reason, default: 0] += 1 }
    }
    for known in echoes.indices {
      echoes[known].shared =
        reasons[known].max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }
    echoes = echoes.enumerated().sorted {
      ($1.element.alike, $0.offset) < ($0.element.alike, $1.offset)
    }.map(\.element)
  }

  private mutating func countBins(_ logits: [Double]) {
    guard let most = logits.max(), let least = logits.min() else { return }
    // At most 400 bins, whatever a model does at its ends.
    binWidth = max(binWidth, (most - least) / 400)
    firstBin = (least / binWidth).rounded(.down) * binWidth
    bins = [Int](repeating: 0, count: Int((most - firstBin) / binWidth) + 1)
    for logit in logits { bins[min(bins.count - 1, Int((logit - firstBin) / binWidth))] += 1 }
  }
}

/// Counts accounts by the reason that pushes them most.
private struct CauseTally {
  private let scorer: Scorer
  var causes: [SilentSummary.Cause]
  /// Middle logit of each cause's known detractors.
  private var middle: [Double]

  init(_ scorer: Scorer) {
    self.scorer = scorer
    causes = scorer.groups.groups.map { SilentSummary.Cause(name: $0.name) }
    middle = causes.map { _ in .infinity }
  }

  /// Known detractors that are still there, a customer once, at the last of their snapshots.
  mutating func addKnown() throws(DetractionError) {
    var last: [Int32: Instant] = [:]
    for known in scorer.version.knownDetractors {
      guard let account = scorer.base.index(of: known.account),
        scorer.base.record(account)?.doNotProfile != true
      else { continue }
      last[Int32(account)] = max(last[Int32(account)] ?? known.asOf, known.asOf)
    }
    let rows = last.sorted { $0.key < $1.key }.map { VectorRow(account: $0.key, asOf: $0.value) }
    var logits: [[Double]] = causes.map { _ in [] }
    for start in stride(from: 0, to: rows.count, by: Trainer.chunk) {
      let part = Array(rows[start..<min(start + Trainer.chunk, rows.count)])
      let z = try scorer.model.expand(
        try scorer.base.matrix(scorer.model.schema, part, threads: scorer.threads),
        threads: scorer.threads)
      let scores = scorer.model.logits(z, threads: scorer.threads)
      for (cause, logit) in zip(leading(z), scores) {
        guard let cause else { continue }
        causes[cause].spoke += 1
        logits[cause].append(logit)
      }
    }
    for (cause, logits) in logits.enumerated() where !logits.isEmpty {
      middle[cause] = quantile(logits.sorted(), 0.5)
    }
  }

  func leading(at places: Range<Int>) throws(DetractionError) -> [Int?] {
    leading(
      try scorer.model.expand(
        try scorer.raw(places.map { scorer.ranking[$0] }), threads: scorer.threads))
  }

  /// The group of the largest push towards detractor in each row.
  private func leading(_ z: Matrix) -> [Int?] {
    let stripes = StripedWork.bounds(of: z.rows, unit: 256)
    return StripedWork.map(stripes: stripes.count, threads: scorer.threads) { stripe in
      stripes[stripe].map { row in
        let sums = scorer.groups.sums(scorer.contributions.of(row: z.row(row)))
        let best = sums.indices.max { (sums[$0], $1) < (sums[$1], $0) }
        return best.flatMap { sums[$0] > 0 ? $0 : nil }
      }
    }.flatMap(\.self)
  }

  mutating func add(_ cause: Int?, _ logit: Double, value: Double) {
    guard let cause, logit >= middle[cause] else { return }
    causes[cause].alike += 1
    causes[cause].value += value
    causes[cause].unhappy.add(
      scorer.model.calibration.calibrated(logit: logit), scorer.model.level)
  }
}
