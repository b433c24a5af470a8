package import Detraction
package import Histories

/// What a run decided for an account.
package enum Disposition: String, Sendable, Codable, CaseIterable {
  case flagged
  case openCase = "open_case"
  case doNotContact = "do_not_contact"
  case noQueue = "no_queue"
  case noCapacity = "no_capacity"
}

/// One account's decision, as the run keeps it.
package struct Decision: Sendable, Equatable {
  package var account: Int32
  package var id: String
  /// The account's place in the ranking, from 1.
  package var rank: Int
  package var logit: Double
  package var probability: Double
  package var disposition: Disposition
  /// The queue whose rule takes the account, whether it had room or not; nil with none.
  package var queue: Queue?
}

/// What stands in the store before a run: the work that is already there.
package struct OpenWork: Sendable {
  /// Accounts with an open case.
  package var accounts: Set<AccountKey>
  /// Open cases that nobody has claimed, by queue name.
  package var unclaimed: [String: Int]

  package init(accounts: Set<AccountKey> = [], unclaimed: [String: Int] = [:]) {
    self.accounts = accounts
    self.unclaimed = unclaimed
  }
}

/// An account id as a key: equal when the bytes are. (A `String` is equal to every other spelling
/// of the same letters, and an id is opaque.)
package struct AccountKey: Hashable, Sendable {
  package let id: String
  package init(_ id: String) { self.id = id }

  package static func == (left: AccountKey, right: AccountKey) -> Bool {
    left.id.utf8.elementsEqual(right.id.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var id = id
    id.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// Whom a run flags and why it does not flag the others (DESIGN 5.8).
package struct Plan: Sendable {
  /// In the order of the ranking.
  package var decisions: [Decision]
  /// The logit of the last account above the cut (see `decide`); nil where nobody is.
  package var cut: Double?
  /// False when the day of the run is no business day: then nothing is flagged.
  package var businessDay: Bool

  /// The flagged accounts' decisions, in the order of the ranking.
  package var flagged: [Decision] { decisions.filter { $0.disposition == .flagged } }

  package func count(_ disposition: Disposition) -> Int {
    decisions.count { $0.disposition == disposition }
  }
}

/// Decides a run: a pure function of the ranking, the settings and the open work.
///
/// An account goes to the first queue whose rule fits, and only there. A queue flags at most
/// capacity − unclaimed open cases, none on a day that is no business day. `do_not_contact` and an
/// open case come before capacity, and use none of it.
///
/// A decision is written for each account above the *cut*, the first C of the ranking, where C is
/// what a free day could take: each queue's capacity, or the number of accounts that fit it if
/// that is less. Below the cut, decisions are written for the flagged and for those whom a rule
/// removed while their queue still had room. So a run adds at most 2 C rows and those removed,
/// however large the base: a narrow queue that never fills does not turn the base into rows.
///
/// O(ranking) when a queue never fills, else up to where the last one does.
/// - Parameters:
///   - ranking: sorted; `id` and `record` are asked about its accounts only.
///   - record: what the accounts file says, nil for an account it lacks.
package func decide(
  _ ranking: [RankedAccount], asOf: Instant, settings: OutreachSettings, work: OpenWork,
  id: (Int32) -> String, record: (Int32) -> AccountRecord?
) -> Plan {
  let queues = settings.queues
  let businessDay = settings.calendar.isBusinessDay(at: asOf)
  /// What each queue may still flag, and how many accounts that fit it a free day could take yet.
  var room = queues.map {
    businessDay ? max(0, $0.capacity - (work.unclaimed[$0.name] ?? 0)) : 0
  }
  var free = queues.map(\.capacity)
  let capacity = free.reduce(0, +)
  var decided: [(index: Int, hadRoom: Bool, disposition: Disposition, queue: Int?)] = []
  for (index, ranked) in ranking.enumerated() {
    if !room.contains(where: { $0 > 0 }) && !free.contains(where: { $0 > 0 }) { break }
    let record = record(ranked.account)
    let queue = queues.firstIndex { $0.rule.fits(record) }
    var hasRoom = false
    if let queue {
      hasRoom = room[queue] > 0
      free[queue] = max(0, free[queue] - 1)
    }
    if !hasRoom && index >= capacity { continue }
    let disposition: Disposition =
      if record?.doNotContact == true {
        .doNotContact
      } else if work.accounts.contains(AccountKey(id(ranked.account))) {
        .openCase
      } else if queue == nil {
        .noQueue
      } else {
        hasRoom ? .flagged : .noCapacity
      }
    if disposition == .flagged, let queue { room[queue] -= 1 }
    decided.append((index, hasRoom, disposition, queue))
  }
  let cut = capacity - free.reduce(0, +)
  return Plan(
    decisions: decided.compactMap { entry in
      guard entry.index < cut || entry.hadRoom else { return nil }
      let ranked = ranking[entry.index]
      return Decision(
        account: ranked.account, id: id(ranked.account), rank: entry.index + 1, logit: ranked.logit,
        probability: ranked.probability, disposition: entry.disposition,
        queue: entry.queue.map { queues[$0] })
    },
    cut: cut == 0 ? nil : ranking[cut - 1].logit, businessDay: businessDay)
}
