import Foundation
package import Histories
import Learning

extension Backtest {
  /// How a silent account's first words came, if they did.
  package enum FirstWords: Equatable {
    /// None known before the as-of date, or after the horizon.
    case none
    /// Negative, and so soon that what happened just before may be the complaint itself.
    case guarded
    case detractor(Instant)
    /// Content, or without a verdict; or spoken before the origin, and not known then.
    case otherwise
  }

  /// The first words of an account that had never spoken at `at`, as far as known before D: all
  /// feedback at that first instant together, negative if any of it is.
  package func firstWords(_ spoken: [HistoryBase.Feedback], after at: Instant) -> FirstWords {
    guard let first = spoken.first(where: { $0.knownAt < asOf }),
      first.at < at.adding(days: horizonDays)
    else { return .none }
    let rules = Dictionary(uniqueKeysWithValues: feedback.signals.map { ($0.kind, $0.rule) })
    let isNegative = spoken.contains {
      $0.at == first.at && $0.knownAt < asOf && rules[$0.kind]?.isNegative(value: $0.value) == true
    }
    guard first.at >= at, isNegative else { return .otherwise }
    return first.at < at.adding(days: training.gapDays) ? .guarded : .detractor(first.at)
  }

  /// One origin's accounts that had never spoken, with where its silenced detractors stand.
  struct SilencedAccounts {
    var accounts: [Int32]
    var k: Double
    var guarded = 0
    var contacted = 0
    var spokeOtherwise = 0
    /// The silenced detractors, with the days until they spoke.
    var detractors: [Int32] = []
    var leadDays: [Double] = []
    /// Where each stands by the model, and by each of the rules.
    var standings: [Standing] = []
    var rules: [(rule: Rule, standings: [Standing])] = []

    var size: Double { Double(accounts.count) }
    /// What a list by lot holds of each.
    var chance: Double { size > 0 ? min(1, k / size) : 0 }
  }

  /// Ranks everybody who had never spoken at an origin, may be profiled and has a history; guarded
  /// accounts stay on the list, as the team would have called them.
  func silenced(_ at: Instant, _ model: Model, _ best: SingleRule?, k: Int)
    throws(DetractionError) -> SilencedAccounts
  {
    let silence = SilenceRule(silentForDays: feedback.silentForDays)
    var found = SilencedAccounts(accounts: [], k: 0)
    for account in 0..<base.accountCount where base.hasFeatureEvent(account, seenAsOf: at) {
      guard base.record(account)?.doNotProfile != true else { continue }
      let spoken = base.feedback(account)
      guard silence.voice(of: spoken, at: at) == .neverSpoken else { continue }
      found.accounts.append(Int32(account))
      switch firstWords(spoken, after: at) {
      case .none: break
      case .guarded: found.guarded += 1
      case .otherwise: found.spokeOtherwise += 1
      case .detractor(let spoke) where trace.isContacted(account, before: spoke):
        found.contacted += 1
      case .detractor(let spoke):
        found.detractors.append(Int32(account))
        found.leadDays.append(spoke.days(since: at))
      }
    }
    found.k = Double(min(k, found.accounts.count))
    let rankings = try Rankings(self, at, model, best)
    var few = [[Double]](repeating: [], count: rankings.count)
    try rankings.scores(found.detractors) { (scores) in
      for index in few.indices { few[index] += scores[index] }
    }
    var ranks = few.map { Ranks(of: $0) }
    if !found.detractors.isEmpty {
      try rankings.scores(found.accounts) { (scores) in
        for index in ranks.indices {
          for score in scores[index] { ranks[index].pass(score) }
        }
      }
    }
    let standings = zip(ranks, few).map { $0.standings(of: $1) }
    found.standings = standings[0]
    found.rules = zip(rankings.rules, standings.dropFirst()).map { ($0, $1) }
    return found
  }

  /// Origins together. A customer may be a silenced detractor at several: intervals are those of as
  /// many trials as there are customers, and customers are resampled with all of theirs.
  func pooled(_ origins: [SilencedAccounts]) -> Silenced {
    var pooled = Silenced()
    var lead: [(days: Double, weight: Double)] = []
    var chances: [Double] = []
    var captures: [(account: Int32, captured: Double, others: [Rule: Double])] = []
    for origin in origins {
      pooled.accounts += origin.accounts.count
      pooled.called += Int(origin.k)
      pooled.guarded += origin.guarded
      pooled.contacted += origin.contacted
      pooled.spokeOtherwise += origin.spokeOtherwise
      for (index, account) in origin.detractors.enumerated() {
        let captured = origin.standings[index].isCalled(origin.k)
        var others: [Rule: Double] = [:]
        for (rule, standings) in origin.rules {
          others[rule] = standings[index].isCalled(origin.k)
        }
        captures.append((account, captured, others))
        chances.append(origin.chance)
        lead.append((origin.leadDays[index], captured))
      }
    }
    pooled.detractors = captures.count
    pooled.byLot = chances.reduce(0, +)
    pooled.captured = captures.reduce(0) { $0 + $1.captured }
    pooled.precisionAtLeast =
      pooled.called > 0 ? pooled.captured / Double(pooled.called) : nil
    pooled.leadDays = Self.quartiles(lead)
    pooled.gains = gains(origins)
    guard !captures.isEmpty else { return pooled }

    let total = Double(captures.count)
    func byCustomer(_ value: (Int) -> Double) -> [(sum: Double, count: Double)] {
      var sums: [Int32: (sum: Double, count: Double)] = [:]
      for index in captures.indices {
        sums[captures[index].account, default: (0, 0)].sum += value(index)
        sums[captures[index].account]?.count += 1
      }
      return sums.sorted { $0.key < $1.key }.map(\.value)
    }
    pooled.customers = Set(captures.map(\.account)).count
    let share = pooled.captured / total
    let customers = Double(pooled.customers)
    let interval = exactShare(found: share * customers, of: customers)
    pooled.captureShare = Estimate(value: share, low: interval.low, high: interval.high)
    let chance = pooled.byLot / total
    if chance > 0 {
      pooled.lift = Estimate(
        value: share / chance, low: interval.low / chance, high: interval.high / chance)
    }
    for rule in Rule.allCases where captures.allSatisfy({ $0.others[rule] != nil }) {
      let captured = captures.reduce(0) { $0 + ($1.others[rule] ?? 0) }
      let differences = byCustomer { captures[$0].captured - (captures[$0].others[rule] ?? 0) }
      let interval = Lot(seed: 1).meanInterval(differences, replicates: BacktestRule.replicates)
      pooled.baselines.append(
        Baseline(
          rule: rule, captured: captured, captureShare: captured / total,
          lift: chance > 0 ? captured / total / chance : nil,
          difference: Estimate(
            value: (pooled.captured - captured) / total, low: interval?.low, high: interval?.high)))
    }
    return pooled
  }

  /// The least days by which a quarter, a half and three quarters of those captured had spoken, each
  /// counting by how surely it was called.
  static func quartiles(_ lead: [(days: Double, weight: Double)]) -> Lead? {
    let sorted = lead.filter { $0.weight > 0 }.sorted { $0.days < $1.days }
    let total = sorted.reduce(0) { $0 + $1.weight }
    guard total > 0 else { return nil }
    func quantile(_ share: Double) -> Double {
      var sum = 0.0
      for (days, weight) in sorted {
        sum += weight
        if sum >= share * total { return days }
      }
      return sorted[sorted.count - 1].days
    }
    return Lead(lower: quantile(0.25), median: quantile(0.5), upper: quantile(0.75))
  }

  /// Share of the silenced detractors captured when a share of the silent is called at each origin.
  private func gains(_ origins: [SilencedAccounts]) -> [Gain] {
    let total = origins.reduce(0) { $0 + $1.detractors.count }
    guard total > 0 else { return [] }
    let withBest = origins.filter { !$0.detractors.isEmpty }.allSatisfy {
      $0.rules.contains { $0.rule == .bestFeature }
    }
    let shares = [0, 0.01, 0.02, 0.03, 0.05, 0.075] + (2...20).map { Double($0) / 20 }
    return shares.map { share in
      func captured(_ standings: (SilencedAccounts) -> [Standing]?) -> Double {
        origins.reduce(0.0) { sum, origin in
          (standings(origin) ?? []).reduce(sum) { $0 + $1.isCalled(share * origin.size) }
        } / Double(total)
      }
      return Gain(
        called: share, captured: captured(\.standings),
        bestFeature: withBest
          ? captured { $0.rules.first { $0.rule == .bestFeature }?.standings } : nil)
    }
  }
}
