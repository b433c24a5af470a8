package import Histories

extension CaseStore {
  /// What to say on an account's open case, with what worked for others; for who holds it, with what
  /// the customer has said so far.
  /// - Parameter agent: who asks; the customer's words are theirs alone who hold the case at `now`.
  package func script(
    account: String, by agent: String?, at now: Instant, playbook: Playbook? = nil,
    _ practice: Practice, zone: LocalTime
  ) throws(OutreachError) -> Script {
    guard let open = try openCase(account: account) else {
      throw .missing("no open case for account \(account)")
    }
    let spent = try spentRemedies(account: account, practice, at: now)
    var script = try practice.script(
      for: open, agent: agent ?? open.state.owner, playbook: playbook, spent: spent, zone: zone)
    script.snippets = try snippets(for: script, open)
    if let agent, open.state.isHeld(at: now), open.state.owner == agent {
      for action in try actions(of: open.number) {
        let fields = StepField.allCases.map(\.rawValue).filter { action.record[$0] != nil }
        script.said += fields.map { ($0, action.record[$0] ?? "") }
        if let note = action.note { script.said.append(("note", note)) }
      }
    }
    return script
  }

  /// At most three of each part, those of the case's own form and cause before those of any.
  private func snippets(for script: Script, _ open: Case) throws(OutreachError) -> [Snippet] {
    let work = open.state.steps
    let parts = script.parts.map(\.part)
    func fits(_ found: String?, _ own: String?) -> Bool {
      guard let found, let own else { return true }
      return found.utf8.elementsEqual(own.utf8)
    }
    let all = try snippets().filter { fits($0.form, work?.form) && fits($0.cause, work?.cause) }
    return parts.flatMap { part in all.filter { $0.part == part }.prefix(3) }
  }

  /// Remedies that an account has had as often as it may within the year before `now`.
  private func spentRemedies(
    account: String, _ practice: Practice, at now: Instant
  ) throws(OutreachError) -> [String] {
    let limited = practice.remedies.filter { $0.yearlyLimit != nil }
    guard !limited.isEmpty else { return [] }
    let details: [[String: String]] = try reading { db in
      try db.rows(
        StoreSQL.stepsOfAccount,
        [try SQLValue(account), SQLValue(now.adding(days: -365).microseconds)]
      ).map { try decoded(try $0.text(0)) }
    }
    return limited.filter { remedy in
      details.count { $0[StepField.remedy.rawValue] == remedy.name } >= (remedy.yearlyLimit ?? .max)
    }.map(\.name)
  }
}
