import Histories

/// What an engine found when it scored everybody: counts of all, and the few to be looked at, with the
/// number of silent accounts above each.
package struct Census: Sendable {
  package struct Candidate: Sendable {
    package var logit: Double
    /// Silent accounts with a higher logit.
    package var above: Int

    package init(logit: Double, above: Int) {
      self.logit = logit
      self.above = above
    }
  }

  package var counts: SilentCounts
  private let candidates: [[UInt8]: Candidate]
  /// By how much an engine's logit may differ, relative to 1 or the logit.
  static let tolerance = 1e-9

  /// `candidates`: by account id.
  package init(counts: SilentCounts, candidates: [(account: String, candidate: Candidate)]) {
    self.counts = counts
    self.candidates = Dictionary(
      candidates.map { (Array($0.account.utf8), $0.candidate) },
      uniquingKeysWith: { first, _ in first })
  }

  func above(_ account: String) -> Int { candidates[Array(account.utf8)]?.above ?? 0 }

  /// The candidates among the silent of a base, with the counts of everybody.
  func chosen(_ silent: SilentPopulation, of base: HistoryBase) -> SilentPopulation {
    var chosen = silent
    let kept = silent.accounts.indices.filter {
      candidates[Array(base.account(silent.accounts[$0]).utf8)] != nil
    }
    chosen.accounts = kept.map { silent.accounts[$0] }
    chosen.neverSpoken = kept.map { silent.neverSpoken[$0] }
    chosen.counts = counts
    return chosen
  }

  /// Gives each of the ranked its place among all. Throws `insufficient` where a candidate is missing
  /// or has another logit than the engine gave it.
  func place(
    _ ranking: inout [RankedAccount], of base: HistoryBase
  ) throws(DetractionError) {
    var worst = 0.0
    var last = 0
    for index in ranking.indices {
      guard let own = candidates[Array(base.account(Int(ranking[index].account)).utf8)] else {
        continue
      }
      worst = max(
        worst, abs(own.logit - ranking[index].logit) / max(1, abs(ranking[index].logit)))
      // Equal logits stand in the order of the base.
      last = max(last + 1, own.above + 1)
      ranking[index].rank = last
    }
    guard ranking.count == candidates.count else {
      throw .insufficient(
        "the engine names \(candidates.count) silent accounts to look at, and by the native rule "
          + "\(ranking.count) of them are silent: nothing was published. Run the night natively, and "
          + "tell us of it: the two must agree")
    }
    guard worst <= Self.tolerance else {
      throw .insufficient(
        "the engine's logits differ from the native ones by up to \(worst), relative to 1 or the "
          + "logit, where \(Self.tolerance) is the most that rounding explains: nothing was published. "
          + "Run the night natively, and tell us of it: the two must agree")
    }
  }
}
