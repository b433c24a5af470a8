import Detraction
import Histories

/// `[policy]`: how often an account may be contacted, and what contact is worth.
package struct ContactPolicy: Sendable, Equatable {
  /// Days after a contact, or after a case closed, in which no case opens by a score.
  package var cooldownDays: Int
  /// Contacts in 365 days, at most.
  package var perYear: Int
  /// Share of the value at stake that contact with an unhappy customer saves; nil: not known, and
  /// accounts are taken by their score.
  package var effect: Double?

  package init(cooldownDays: Int = 30, perYear: Int = 3, effect: Double? = nil) {
    self.cooldownDays = cooldownDays
    self.perYear = perYear
    self.effect = effect
  }

  /// What contact with each ranked account is expected to bring, less its cost, per effort:
  /// (p × value × effect − cost) ÷ minutes, and the order by it; accounts without a value have one of 0
  /// before costs. Nil where no effect is set.
  func expectedValues(
    _ ranking: [RankedAccount], _ queues: [Queue], record: (Int32) -> AccountRecord?
  ) -> (value: [Double], order: [Int])? {
    guard let effect else { return nil }
    let value = ranking.map { ranked -> Double in
      let record = record(ranked.account)
      guard let queue = queues.first(where: { $0.rule.fits(record) }) else { return 0 }
      let gain = ranked.probability * (record?.value ?? 0) * effect
      return (gain - queue.cost) / queue.minutes
    }
    // The order of the ranking among equals.
    return (value, value.indices.sorted { (-value[$0], $0) < (-value[$1], $1) })
  }
}

extension ContactPolicy {
  init(_ table: ProjectTable?, hasValue: Bool) {
    self.init()
    guard let table else { return }
    table.allow(["cooldown_days", "contacts_per_year", "effect"])
    if let days = table.integer("cooldown_days", in: 0...3650) { cooldownDays = days }
    if let most = table.integer("contacts_per_year", in: 0...1000) { perYear = most }
    guard let share = table.number("effect") else { return }
    if !(share > 0 && share <= 1) {
      table.report("effect", "`effect` is \(share), expected a share above 0 and at most 1")
    } else if !hasValue {
      table.report(
        "effect",
        "`effect` needs what an account is worth: map [accounts] value = \"a column\"")
    } else {
      effect = share
    }
  }
}
