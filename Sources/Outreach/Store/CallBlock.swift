package import Histories

extension CaseStore {
  /// Takes as many cases by phone as fit into so many minutes, in the order in which they are due: a
  /// queue's `minutes_per_case` each. One that does not fit is passed over for a shorter one. Each is
  /// claimed in a transaction of its own, so that nobody else has it; who dies half-way holds those
  /// taken so far.
  /// - Parameters:
  ///   - queues: of the project; cases of others take one minute.
  ///   - reach: by which customers may be called now; those who may not are passed over.
  /// - Complexity: O(open cases).
  package func claimBlock(
    by agent: String, minutes: Double, queue: String? = nil, of queues: [Queue], at now: Instant,
    until: Instant, webhooks: [String] = [], reach: Reach = Reach(),
    refused: (String) -> Bool = { _ in false }
  ) throws(OutreachError) -> [Case] {
    var left = minutes
    var taken: [Case] = []
    for one in try openCases() {
      guard one.channel.utf8.elementsEqual(CallRules.channel.utf8), !one.state.isHeld(at: now),
        queue.map({ one.queue.utf8.elementsEqual($0.utf8) }) ?? true
      else { continue }
      let effort = queues.first { $0.name.utf8.elementsEqual(one.queue.utf8) }?.minutes ?? 1
      guard effort <= left + 1e-9, reach.calls?.mayCall(one, at: now) ?? true else { continue }
      do {
        taken.append(
          try claim(
            .number(one.number), by: agent, at: now, until: until, webhooks: webhooks,
            reach: reach, refused: refused))
        left -= effort
      } catch {
        // Another was faster, or the account is not to be contacted after all.
        guard case .refused = error else { throw error }
      }
    }
    return taken
  }
}
