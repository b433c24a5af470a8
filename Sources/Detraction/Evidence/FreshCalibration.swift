import Foundation
package import Learning

extension Drift {
  /// Fresh two-sided feedback against the probabilities that were given before.
  package struct Fresh: Sendable, Codable, Equatable {
    /// Answers, and the negative ones among them.
    package let rows: Int
    package let negative: Int
    /// Mean probability less the rate that happened, with its 95 % interval by customer.
    package let inTheLarge: Evaluation.Estimate
    /// The sum of those gaps in standard deviations, were the probabilities right; nil where they
    /// expect fewer than 5 answers of either kind, which tells nothing.
    package let deviations: Double?
    /// Cumulative sums of evidence that the odds of a negative answer are lately twice, or half, what
    /// was said: beyond `evidenceLimit` they surely are.
    package let worse: Double
    package let better: Double

    /// Off by so much in probability, surely, is for acting; by this much, beyond chance, for watching.
    /// Less is within what any training is off by.
    package static let actInTheLarge = 0.05
    package static let watchInTheLarge = 0.02
    /// Of either sum, on any one night, by chance.
    package static let evidenceFalseAlarm = 0.001
    /// log(2 / false alarm). The sum is the largest log likelihood ratio of any stretch that ends now,
    /// and the ratios of such stretches, read backwards, are a martingale of mean 1: by Ville's
    /// inequality each sum is beyond this with at most half that chance, however many answers.
    package static let evidenceLimit = log(2 / evidenceFalseAlarm)
    /// Both tails, 1 % together, of a normal variable.
    private static let chanceBound = 2.5758293035489004
    private static let leastExpected = 5.0

    /// Whether the level is off by more than chance gives once in 100 reports.
    package var isBeyondChance: Bool { (deviations.map(abs) ?? 0) > Self.chanceBound }

    /// `probabilities` as given before the answers came; rows in the order in which those were known.
    /// The cumulative sums are those of Steiner, Cook, Farewell & Treasure 2000,
    /// doi:10.1093/biostatistics/1.4.441, for odds ratios 2 and ½: evidence of −log(1 − p + R p), and
    /// log R more for a negative answer, never below 0. Throws `sizeMismatch`, `tooFewRows`.
    /// O(1,000 customers).
    package init(
      probabilities: [Double], labels: [Double], customers: [UInt64], seed: UInt64 = 1,
      threads: Int
    ) throws(LearningError) {
      for (what, count) in [("labels", labels.count), ("customers", customers.count)]
      where count != probabilities.count {
        throw .sizeMismatch(what: what, expected: probabilities.count, got: count)
      }
      guard !labels.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
      let unit = Outcomes.clusters(of: customers)
      var gaps = [Double](repeating: 0, count: (unit.max() ?? 0) + 1)
      var counts = gaps
      var (variance, expected) = (0.0, 0.0)
      var (worse, better) = (0.0, 0.0)
      for (row, p) in probabilities.enumerated() {
        gaps[unit[row]] += p - labels[row]
        counts[unit[row]] += 1
        variance += p * (1 - p)
        expected += p
        worse = max(0, worse + labels[row] * log(2) - log1p(p))
        better = max(0, better - labels[row] * log(2) - log1p(-p / 2))
      }
      let replicates = bootstrapRatios(gaps, over: counts, seed: seed, threads: threads)
      let gap = gaps.reduce(0, +)
      // Several answers of one customer are not several customers.
      let spread = max(variance, gaps.reduce(0) { $0 + $1 * $1 })
      rows = labels.count
      negative = labels.count { $0 > 0 }
      inTheLarge = .init(
        value: gap / Double(labels.count),
        low: replicates.isEmpty ? nil : Evaluation.quantile(replicates, 0.025),
        high: replicates.isEmpty ? nil : Evaluation.quantile(replicates, 0.975))
      let least = min(expected, Double(labels.count) - expected)
      deviations = least >= Self.leastExpected ? gap / spread.squareRoot() : nil
      self.worse = worse
      self.better = better
    }

    /// What to do about it; nil where there is nothing beyond chance.
    var finding: (state: State, advice: String)? {
      guard isBeyondChance, let gap = inTheLarge.value, abs(gap) > Self.watchInTheLarge else {
        guard max(worse, better) > Self.evidenceLimit else { return nil }
        return (
          .watch,
          "Fresh feedback is of late \(worse > better ? "worse" : "better") than the model says "
            + "(\(rows) answers): look at what changed, and train anew if it stays."
        )
      }
      let isFar =
        (inTheLarge.low ?? 0) > Self.actInTheLarge || (inTheLarge.high ?? 0) < -Self.actInTheLarge
      return (
        isFar ? .act : .watch,
        "Fresh feedback: the model says \(gap > 0 ? "more" : "fewer") unhappy customers than there "
          + "are, by \((abs(gap) * 1000).rounded() / 10) points (\(rows) answers). "
          + (isFar
            ? "Train anew and compare before promoting; until then take the ranking, not the "
              + "probabilities."
            : "Look again when there is more feedback; train anew if it stays.")
      )
    }
  }
}
