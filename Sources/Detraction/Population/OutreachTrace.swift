package import Histories

/// What outreach has done to the accounts of a base, so that its own effect is not learnt as theirs.
///
/// A contacted account's later history is what contact made of it. Its rows are left out of
/// training, and those drawn by lot not to be contacted stand for it, each for 1 / chance of them.
/// Were the contacted only dropped, the top of the risk would be missing. What a contacted customer
/// answered when asked is no later history: it is the label of the row before the contact.
package struct OutreachTrace: Sendable {
  /// First contact of an account, and of one left alone by lot the chance of that.
  private var contacts: [Int: Instant] = [:]
  private var leftAlone: [Int: (since: Instant, chance: Double)] = [:]

  /// The kind of event that an answer to outreach is.
  package static let answerKind = "outreach_answer"

  package init() {}

  /// The traces of accounts by id; those that the base does not hold are left out. `chance`: of
  /// having been left alone, in (0, 1].
  package init(
    contacts: [(account: String, at: Instant)],
    leftAlone: [(account: String, since: Instant, chance: Double)] = [], in base: HistoryBase
  ) {
    for (account, at) in contacts {
      guard let index = base.index(of: account) else { continue }
      self.contacts[index] = min(self.contacts[index] ?? at, at)
    }
    for (account, since, chance) in leftAlone {
      precondition(chance > 0 && chance <= 1, "a chance of being left alone is above 0")
      guard let index = base.index(of: account) else { continue }
      if let known = self.leftAlone[index], known.since <= since { continue }
      self.leftAlone[index] = (since, chance)
    }
  }

  package func isContacted(_ account: Int, before t: Instant) -> Bool {
    contacts[account].map { $0 < t } ?? false
  }

  /// What a row whose answer came before `end` counts for: 0 after a contact, 1 / chance for an
  /// account that was drawn not to be contacted, else 1.
  package func weight(_ account: Int, before end: Instant) -> Double {
    if isContacted(account, before: end) { return 0 }
    guard let drawn = leftAlone[account], drawn.since < end else { return 1 }
    return 1 / drawn.chance
  }
}
