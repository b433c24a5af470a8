package import Learning

/// How far respondents stand for the silent, in numbers for a reader.
package struct Overlap: Sendable, Codable, Equatable {
  /// Rows of either side.
  package let respondents: Int
  package let silent: Int
  /// λ of the propensity.
  package let lambda: Double
  /// The area of telling respondents from silent accounts, out of fold, with its 95 % DeLong interval:
  /// near 0.5 they are alike, above 0.8 far apart, above 0.95 nothing carries over.
  package let domainAUC: Evaluation.Estimate
  /// The same by the days since the last event of each kind alone. Surveys that follow an event find the
  /// account just after it: were respondents looked at on the day of their survey, this would be far
  /// from ½ and tell nothing but that. Both sides are looked at on calendar dates, so that it should not
  /// be. Nil without such features.
  package let recencyAUC: Evaluation.Estimate?
  /// Kish's, of the odds weights; the effective size in rows and as a share of the respondents.
  package let designEffect: Double
  package let effectiveSize: Double
  package let effectiveShare: Double
  /// Respondents whose e was clipped, and whose weight was trimmed.
  package let clipped: Int
  package let trimmed: Int
  package let features: [FeatureBalance]
  /// Share of silent accounts less likely to speak than 99 % of respondents; and their share of the
  /// sum of all silent probabilities.
  package let outside: Double
  package let outsideScores: Double?
  /// Each stratum by itself, where both sides have rows for it.
  package let strata: [Stratum]

  /// From ½ on, an area that surely tells two sides apart for a reader (0.6 and above).
  package static let telling = 0.1

  /// A stratum by the caller's number.
  package struct Stratum: Sendable, Codable, Equatable {
    package let stratum: Int
    package let respondents: Int
    package let silent: Int
    /// Nil with fewer than `ResponseStudy.leastOfStratum` rows on either side.
    package let domainAUC: Evaluation.Estimate?
    package let effectiveShare: Double?
    package let outside: Double?
  }
}

/// Respondents held against the silent: propensity, weights, overlap.
package struct ResponseStudy: Sendable {
  /// Fitted on all rows; says of any account whether it lies outside the respondents' support.
  package let propensity: ResponsePropensity
  /// One a respondent's row.
  package let weights: OddsWeights
  /// One a silent row.
  package let isOutside: [Bool]
  package let overlap: Overlap
  /// Whether weights were made stratum by stratum: every stratum that silent rows are in has enough
  /// rows on both sides.
  package let isStratified: Bool

  /// Rows on either side below which a stratum is not fitted by itself.
  package static let leastOfStratum = 100

  /// `silentProbabilities`: the model's, one a silent row, for the share of scores outside. `recency`:
  /// sources that say how long ago something last happened. A sample by
  /// stride of the silent serves as well. Stratum by stratum, weights sum to the stratum's share of the
  /// silent. Throws as `Design.init` and `crossValidate`. O(rows × columns²).
  package init(
    respondents: ResponseRows, silent: ResponseRows, sources: [DesignSource], names: [String],
    recency: [Int] = [], silentProbabilities: [Double]? = nil, threads: Int
  ) throws(LearningError) {
    guard names.count == sources.count else {
      throw .sizeMismatch(what: "names of features", expected: sources.count, got: names.count)
    }
    let (propensity, outOfFold) = try ResponsePropensity.fit(
      respondents, silent, sources: sources, threads: threads)
    let n = respondents.raw.rows
    let pooled = OddsWeights(
      propensityLogits: try propensity.logits(respondents.raw, threads: threads))
    let split = try Self.split(respondents, silent, sources: sources, threads: threads)
    isStratified = split.isWhole
    weights = split.isWhole ? split.weights : pooled
    isOutside =
      split.isWhole
      ? split.isOutside : try propensity.isOutside(silent.raw, threads: threads)
    self.propensity = propensity
    let isOutside = isOutside
    var outsideScores: Double?
    if let p = silentProbabilities, p.count == silent.raw.rows, p.contains(where: { $0 > 0 }) {
      let mass = p.indices.reduce(0) { $0 + (isOutside[$1] ? p[$1] : 0) }
      outsideScores = mass / p.reduce(0, +)
    }
    overlap = Overlap(
      respondents: n, silent: silent.raw.rows, lambda: propensity.fit.penalty.lambda,
      domainAUC: try Self.domainArea(outOfFold, respondents, silent),
      recencyAUC: try Self.area(
        of: recency, respondents, silent, sources: sources, threads: threads),
      designEffect: weights.designEffect, effectiveSize: weights.effectiveSize,
      effectiveShare: weights.effectiveSize / Double(n), clipped: weights.clipped,
      trimmed: weights.trimmed,
      features: featureBalance(
        respondents: respondents.raw, silent: silent.raw, weights: weights.values,
        sources: sources, names: names, threads: threads),
      outside: Double(isOutside.count { $0 }) / Double(isOutside.count),
      outsideScores: outsideScores, strata: split.strata)
  }

  /// The domain area by some sources alone.
  private static func area(
    of columns: [Int], _ respondents: ResponseRows, _ silent: ResponseRows,
    sources: [DesignSource], threads: Int
  ) throws(LearningError) -> Evaluation.Estimate? {
    guard !columns.isEmpty else { return nil }
    let sides = try [respondents, silent].map { (side) throws(LearningError) in
      try ResponseRows(raw: side.raw.selecting(columns: columns), customers: side.customers)
    }
    let (_, outOfFold) = try ResponsePropensity.fit(
      sides[0], sides[1], sources: columns.map { sources[$0] }, threads: threads)
    return try domainArea(outOfFold, sides[0], sides[1])
  }

  private static func domainArea(
    _ outOfFold: [Double], _ respondents: ResponseRows, _ silent: ResponseRows
  ) throws(LearningError) -> Evaluation.Estimate {
    let n = respondents.raw.rows
    let area = try RocArea(
      scores: outOfFold, labels: outOfFold.indices.map { $0 < n ? 1 : 0 },
      clusters: Outcomes.clusters(of: respondents.customers + silent.customers))
    return .init(value: area.area, low: area.interval.low, high: area.interval.high)
  }

  private struct Split {
    var strata: [Overlap.Stratum] = []
    var weights = OddsWeights(values: [], clipped: 0, trimmed: 0)
    var isOutside: [Bool] = []
    var isWhole = false
  }

  /// Every stratum by itself; `isWhole` where together they cover the silent.
  private static func split(
    _ respondents: ResponseRows, _ silent: ResponseRows, sources: [DesignSource], threads: Int
  ) throws(LearningError) -> Split {
    guard let ours = respondents.strata, let theirs = silent.strata else { return Split() }
    var result = Split()
    var weights = [Double](repeating: 0, count: ours.count)
    var (clipped, trimmed) = (0, 0)
    result.isOutside = [Bool](repeating: true, count: theirs.count)
    var isWhole = true
    for stratum in Set(theirs + ours).sorted() {
      let inside = ours.indices.filter { ours[$0] == stratum }
      let target = theirs.indices.filter { theirs[$0] == stratum }
      guard min(inside.count, target.count) >= leastOfStratum else {
        if !target.isEmpty { isWhole = false }
        result.strata.append(
          .init(
            stratum: stratum, respondents: inside.count, silent: target.count, domainAUC: nil,
            effectiveShare: nil, outside: nil))
        continue
      }
      let (a, b) = (try respondents.selecting(inside), try silent.selecting(target))
      let (propensity, outOfFold) = try ResponsePropensity.fit(
        a, b, sources: sources, threads: threads)
      let own = OddsWeights(propensityLogits: try propensity.logits(a.raw, threads: threads))
      let outside = try propensity.isOutside(b.raw, threads: threads)
      let share = Double(target.count) / Double(inside.count)
      for (k, row) in inside.enumerated() { weights[row] = own.values[k] * share }
      for (k, row) in target.enumerated() { result.isOutside[row] = outside[k] }
      clipped += own.clipped
      trimmed += own.trimmed
      result.strata.append(
        .init(
          stratum: stratum, respondents: inside.count, silent: target.count,
          domainAUC: try domainArea(outOfFold, a, b),
          effectiveShare: own.effectiveSize / Double(inside.count),
          outside: Double(outside.count { $0 }) / Double(outside.count)))
    }
    result.weights = OddsWeights(values: weights, clipped: clipped, trimmed: trimmed)
    // One stratum is the whole.
    result.isWhole = isWhole && result.strata.count { $0.domainAUC != nil } > 1
    return result
  }
}
