import Foundation

/// When the effect of calling becomes provable: how many flagged accounts it takes, and how long that
/// lasts at a team's capacity, with a share of them left uncalled by lot.
package struct ProofPlan: Codable, Sendable, Equatable {
  package struct Row: Codable, Sendable, Equatable {
    /// By how much calling lowers the share, 0 to 1 of it.
    package var reduction: Double
    /// Accounts an arm where both are alike, and in all at the given holdout.
    package var perArm: Int
    package var accounts: Int
    /// Label windows of calling at capacity; nil without a capacity.
    package var windows: Double?
  }

  /// The share of uncalled flagged accounts that turn out unhappy.
  package var base: Double
  /// Share of the flagged accounts left uncalled by lot.
  package var holdout: Double
  package var rows: [Row]

  /// `base`: above 0 and below 1; `callable`: accounts called in a label window.
  package init(
    base: Double, callable: Int?, holdout: Double = 0.15, reductions: [Double] = [0.1, 0.2, 0.3]
  ) {
    self.base = base
    self.holdout = holdout
    rows = reductions.map { reduction in
      let perArm = SampleSize.perArm(base, base * (1 - reduction))
      // Arms of r to 1 take (1 + r)²/(4r) times the accounts of equal arms.
      let ratio = (1 - holdout) / holdout
      let total = 2 * perArm * (1 + ratio) * (1 + ratio) / (4 * ratio)
      return Row(
        reduction: reduction, perArm: Int(perArm.rounded(.up)), accounts: Int(total.rounded(.up)),
        windows: callable.flatMap { $0 > 0 ? total * (1 - holdout) / Double($0) : nil })
    }
  }
}
