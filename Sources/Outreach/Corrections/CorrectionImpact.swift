import Detraction
package import Histories

/// Whom a correction would help, and what they are worth a year: those whose cases are linked to it, and
/// the silent who look like them.
///
/// A silent look-alike is an account with a predicted case, open or closed within the last
/// `recentDays` days, that is not linked, has not spoken since (no case of it was overtaken by one of its
/// own voice) and has not said that all is well; and either
/// * an exemplar of that case, one of the known detractors nearest to it, is a linked account, or
/// * the first reason of its score is of the feature that is the first reason of most of the linked
///   predicted cases: of two of them at least; of several equally frequent the first by bytes.
///
/// Impact is the value of the linked accounts plus the sum of probability × value over the
/// look-alikes. An account counts once, by its newest case; without a value it counts as 0 and is
/// counted beside. As nobody has measured how many of the silent are unhappy, the look-alikes' part
/// stands between odds of half and of twice each probability. Sums go in the order of the accounts' bytes,
/// so that they do not hang on who was linked first.
package struct CorrectionImpact: Sendable, Equatable {
  package struct Member: Sendable, Equatable {
    package var account: String
    package var caseNumber: Int64
    package var value: Double?
    /// Of a look-alike; nil of one who is linked.
    package var probability: Double?
  }

  package static let recentDays = 90

  /// By account, ascending in bytes.
  package private(set) var linked: [Member] = []
  package private(set) var lookAlikes: [Member] = []
  /// The feature that the linked predicted cases share.
  package private(set) var sharedReason: String?
  package private(set) var linkedValue = 0.0
  package private(set) var expected = 0.0
  package private(set) var low = 0.0
  package private(set) var high = 0.0
  /// Accounts, linked or alike, whose value is not known.
  package private(set) var withoutValue = 0

  package var total: Double { linkedValue + expected }
  package var people: Int { linked.count + lookAlikes.count }

  /// - Parameters:
  ///   - linked: the cases that are linked.
  ///   - predicted: cases among which the look-alikes are; others are passed over.
  /// - Complexity: O(linked + predicted).
  package init(linked cases: [Case], among predicted: [Case], at now: Instant) {
    let linkedKeys = Set(cases.map { AccountKey($0.account) })
    sharedReason = Self.sharedReason(cases)
    linked = Self.newest(cases).map {
      Member(account: $0.account, caseNumber: $0.number, value: $0.value)
    }
    let alike = predicted.filter { one in
      guard !linkedKeys.contains(AccountKey(one.account)), one.mayBeAlike(at: now) else {
        return false
      }
      return one.exemplars.contains { linkedKeys.contains(AccountKey($0.account)) }
        || (sharedReason.map { one.firstReason?.utf8.elementsEqual($0.utf8) == true } ?? false)
    }
    lookAlikes = Self.newest(alike).map {
      Member(
        account: $0.account, caseNumber: $0.number, value: $0.value,
        probability: $0.score?.probability)
    }
    for one in linked { linkedValue += one.value ?? 0 }
    for one in lookAlikes {
      let (p, value) = (one.probability ?? 0, one.value ?? 0)
      expected += p * value
      low += Self.scaled(p, odds: 0.5) * value
      high += Self.scaled(p, odds: 2) * value
    }
    withoutValue = (linked + lookAlikes).count { $0.value == nil }
  }

  private static func scaled(_ p: Double, odds: Double) -> Double {
    p * odds / (1 - p + p * odds)
  }

  /// The newest case of each account, in the order of their bytes.
  private static func newest(_ cases: [Case]) -> [Case] {
    var newest: [AccountKey: Case] = [:]
    for one in cases {
      let key = AccountKey(one.account)
      if let known = newest[key], known.number > one.number { continue }
      newest[key] = one
    }
    return newest.values.sorted { $0.account.utf8.lexicographicallyPrecedes($1.account.utf8) }
  }

  private static func sharedReason(_ cases: [Case]) -> String? {
    var counts: [AccountKey: Int] = [:]
    for one in newest(cases.filter { $0.form == .predicted }) {
      if let reason = one.firstReason { counts[AccountKey(reason), default: 0] += 1 }
    }
    let most = counts.max { left, right in
      left.value != right.value
        ? left.value < right.value
        : right.key.id.utf8.lexicographicallyPrecedes(left.key.id.utf8)
    }
    return most.flatMap { $0.value > 1 ? $0.key.id : nil }
  }
}

extension Case {
  /// The feature of the reason that weighs most; nil without a score.
  package var firstReason: String? { score?.reasons.first?.feature }

  /// Whether it may be one of the silent look-alikes of others.
  func mayBeAlike(at now: Instant) -> Bool {
    guard form == .predicted, score != nil, state.verdict != .nonDetractor else { return false }
    switch state.outcome {
    case .nothingWrong, .overtaken, .erased: return false
    default: break
    }
    return state.closedAt.map { $0 >= now.adding(days: -CorrectionImpact.recentDays) } ?? true
  }
}
