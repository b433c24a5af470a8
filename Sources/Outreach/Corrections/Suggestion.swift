package import Histories

/// Cases that point to one cause, and that a correction might be made of.
///
/// Grouped are the cases in which step `correct` recorded a cause. Where the score's first reason of two
/// accounts or more of a cause is of the same feature, they are a group of their own; those that
/// share none stand together.
package struct Suggestion: Sendable, Equatable, Encodable {
  package var cause: String
  /// The feature that is the first reason of all of them; nil of those that share none.
  package var reason: String?
  package var impact: CorrectionImpact
  /// Corrections of the cause that are not withdrawn, and the accounts linked to one of them.
  package var corrections: [Int64]
  package var linked: Int
  /// Whether it has as many accounts as a pilot asks for.
  package var isEnough: Bool

  package var accounts: Int { impact.linked.count }
}

extension CaseStore {
  /// Groups of cases: first those with enough evidence that no correction is made for, then those with
  /// enough, then the rest; within each the greatest impact first, then by the bytes of cause and
  /// reason. A correction is made for a group where it has the cause and one of the group's
  /// accounts is linked to it. O(cases × log + groups × predicted cases).
  package func suggestions(
    practice: Practice, at now: Instant
  ) throws(OutreachError) -> [Suggestion] {
    try reading { db in
      let predicted = try Self.recentPredicted(db, now)
      let corrections = try db.rows(StoreSQL.corrections).map(Correction.init).filter {
        $0.state.stage != .withdrawn
      }
      let cases = try db.rows(StoreSQL.casesWithSteps).map(Case.init).filter {
        $0.state.steps?.cause != nil
      }
      let byCause = Dictionary(grouping: cases) { AccountKey($0.state.steps?.cause ?? "") }
      var found: [Suggestion] = []
      for (cause, own) in byCause {
        for (reason, group) in Self.split(own) {
          let keys = Set(group.map { AccountKey($0.account) })
          let impact = CorrectionImpact(linked: group, among: predicted, at: now)
          let numbers = Set(group.map(\.number))
          let made = corrections.filter {
            $0.state.cause.utf8.elementsEqual(cause.id.utf8)
              && $0.state.links.contains(where: numbers.contains)
          }
          let links = Set(made.flatMap(\.state.links))
          let linked = Set(
            group.filter { links.contains($0.number) }.map { AccountKey($0.account) })
          found.append(
            Suggestion(
              cause: cause.id, reason: reason, impact: impact,
              corrections: made.map(\.number), linked: linked.count,
              isEnough: keys.count >= practice.minimumCases))
        }
      }
      return found.sorted { $0.comesBefore($1) }
    }
  }

  private static func split(_ cases: [Case]) -> [(reason: String?, cases: [Case])] {
    let byReason = Dictionary(grouping: cases) { $0.firstReason.map { AccountKey($0) } }
    var alone: [Case] = []
    var groups: [(reason: String?, cases: [Case])] = []
    for (reason, own) in byReason {
      if let reason, Set(own.map { AccountKey($0.account) }).count > 1 {
        groups.append((reason.id, own))
      } else {
        alone += own
      }
    }
    if !alone.isEmpty { groups.append((nil, alone)) }
    return groups
  }
}

extension Suggestion {
  fileprivate func comesBefore(_ other: Suggestion) -> Bool {
    func rank(_ one: Suggestion) -> Int {
      one.isEnough ? (one.corrections.isEmpty ? 0 : 1) : 2
    }
    if rank(self) != rank(other) { return rank(self) < rank(other) }
    if impact.total != other.impact.total { return impact.total > other.impact.total }
    if !cause.utf8.elementsEqual(other.cause.utf8) {
      return cause.utf8.lexicographicallyPrecedes(other.cause.utf8)
    }
    return (reason ?? "").utf8.lexicographicallyPrecedes((other.reason ?? "").utf8)
  }
}
