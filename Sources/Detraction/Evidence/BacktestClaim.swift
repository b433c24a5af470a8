import Foundation
import Learning

extension Backtest {
  /// What may be said of the silenced detractors, by `BacktestRule`.
  package static func claim(_ silenced: Silenced) -> Claim {
    if silenced.customers < BacktestRule.leastSilenced { return .tooFew }
    if silenced.called >= silenced.accounts { return .everybodyCalled }
    guard let low = silenced.lift.low, let high = silenced.lift.high else { return .notTold }
    if low > 1 { return .beyondChance }
    return high < 1 ? .worseThanChance : .notTold
  }

  /// The claim in one sentence for a retention lead.
  func statement(_ claim: Claim, _ silenced: Silenced) -> String {
    let met =
      "\(silenced.customers) customer\(silenced.customers == 1 ? "" : "s") who had never spoken "
      + "first spoke as \(silenced.customers == 1 ? "a detractor" : "detractors") within "
      + "\(horizonDays) days"
    let lift = silenced.lift
    func times(_ value: Double?) -> String { String(format: "%.1f", value ?? .nan) }
    let range =
      "\(times(lift.value)) times what a list by lot would hold (95 %: "
      + "\(times(lift.low)) to \(times(lift.high)))"
    switch claim {
    case .tooFew:
      return "Nothing can be claimed about silent customers: only \(met), at least "
        + "\(BacktestRule.leastSilenced) are needed."
    case .everybodyCalled:
      return
        "Nothing can be claimed about silent customers: the team could have called every one of "
        + "them, so that any list holds all. Ask with a smaller --k."
    case .notTold:
      return "Nothing can be claimed about silent customers: \(met), and the lists held \(range), "
        + "which is not told from chance."
    case .worseThanChance:
      return "The lists were worse than chance: \(met), and they held \(range)."
    case .beyondChance:
      return "The lists were better than chance: \(met), and they held \(range)."
    }
  }
}
