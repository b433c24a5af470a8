package import Histories

/// What working cases cost: a queue's `cost_per_case` for each that somebody took up, and the remedies
/// that were given, once a case each.
package struct WorkCost: Sendable {
  private var byAccount: [AccountKey: [(at: Instant, cost: Double)]] = [:]

  /// - Parameters:
  ///   - cases: all of the store, and their actions.
  /// - Complexity: O(cases + actions).
  package init(_ cases: [Case], _ actions: [Action], settings: OutreachSettings) {
    var costs: [Int64: Double] = [:]
    var given: Set<String> = []
    for action in actions where action.kind == .step {
      guard let name = action.detail[StepField.remedy.rawValue],
        let remedy = settings.practice.remedy(named: name),
        given.insert("\(action.caseNumber)\u{1F}\(name)").inserted
      else { continue }
      costs[action.caseNumber, default: 0] += remedy.cost
    }
    for one in cases {
      let queue = settings.queues.first { $0.name.utf8.elementsEqual(one.queue.utf8) }
      let worked = one.state.acknowledgedAt == nil ? 0 : queue?.cost ?? 0
      byAccount[AccountKey(one.account), default: []].append(
        (one.openedAt, worked + (costs[one.number] ?? 0)))
    }
  }

  /// Of an account's cases that were opened in [from, to).
  package func of(_ account: String, from: Instant, to: Instant) -> Double {
    byAccount[AccountKey(account)]?.reduce(0) { sum, one in
      one.at >= from && one.at < to ? sum + one.cost : sum
    } ?? 0
  }
}
