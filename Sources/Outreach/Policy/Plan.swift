package import Detraction
package import Histories

/// What a run decided for an account.
package enum Disposition: String, Sendable, Codable, CaseIterable {
  case flagged
  /// Reached by capacity and left alone by lot; contacted by lot whatever the score.
  case holdout
  case exploration
  case openCase = "open_case"
  case coolingDown = "cooling_down"
  case snoozed
  case onHold = "on_hold"
  case yearlyMaximum = "yearly_maximum"
  case doNotContact = "do_not_contact"
  case openComplaint = "open_complaint"
  /// One of many with a cause that surged.
  case incident
  /// What contact would bring is less than what it costs.
  case notWorthIt = "not_worth_it"
  case noQueue = "no_queue"
  case noCapacity = "no_capacity"
}

/// One account's decision, as the run keeps it.
package struct Decision: Sendable, Equatable {
  package var account: Int32
  package var id: String
  /// The account's place among all the silent by score, from 1.
  package var rank: Int
  /// Its index in the ranking that was decided over.
  package var place = 0
  package var logit: Double
  package var probability: Double
  package var disposition: Disposition
  /// The queue whose rule takes the account, whether it had room or not; nil with none.
  package var queue: Queue?
  /// Below the cut and removed by a rule or the lot: kept only where it is news, where the account's last
  /// decision was another, so that what holds for a year is not written down every night.
  package var isBelowCut = false
}

/// What stands in the store before a run: the work that is already there, and what was done of late.
package struct OpenWork: Sendable {
  /// Accounts with an open case, and why it was opened.
  package var accounts: [AccountKey: Case.Form]
  /// Open predicted cases that nobody has claimed, by queue name.
  package var unclaimed: [String: Int]
  /// Contacts of the last 365 days: the last of them, and how many.
  package var touches: [AccountKey: (last: Instant, count: Int)]
  /// When an account's last case closed, within the last 365 days.
  package var closed: [AccountKey: Instant]
  package var holds: [AccountKey: [Hold]]
  /// Arms of the experiment that is named by its seed.
  package var enrolments: [String: [AccountKey: Enrolment.Arm]]
  /// As they were registered on their first nights.
  package var experiments: [Experiment] = []
  /// The first reasons of the predicted cases of each earlier night, oldest first.
  package var firstReasons: [[String: Int]]
  /// Flagged accounts of each earlier night, oldest first; and when the last was.
  package var flaggedBefore: [Int]
  package var lastRun: Instant?

  package init(
    accounts: [AccountKey: Case.Form] = [:], unclaimed: [String: Int] = [:],
    touches: [AccountKey: (last: Instant, count: Int)] = [:],
    closed: [AccountKey: Instant] = [:], holds: [AccountKey: [Hold]] = [:],
    enrolments: [String: [AccountKey: Enrolment.Arm]] = [:],
    firstReasons: [[String: Int]] = [], flaggedBefore: [Int] = [], lastRun: Instant? = nil
  ) {
    self.accounts = accounts
    self.unclaimed = unclaimed
    self.touches = touches
    self.closed = closed
    self.holds = holds
    self.enrolments = enrolments
    self.firstReasons = firstReasons
    self.flaggedBefore = flaggedBefore
    self.lastRun = lastRun
  }
}

/// Why an account is left alone for a time, by somebody's word.
package struct Hold: Sendable, Equatable {
  package enum Kind: String, Sendable, Codable, CaseIterable {
    case bereavement, dispute, legal
    /// A complaint that others are handling.
    case complaint
    /// Later, at the customer's or the agent's wish.
    case snooze
    /// The customer wants no contact.
    case optOut = "opt_out"
  }

  package var account: String
  package var kind: Kind
  package var since: Instant
  /// Nil: until it is lifted.
  package var until: Instant?

  package init(account: String, kind: Kind, since: Instant, until: Instant?) {
    self.account = account
    self.kind = kind
    self.since = since
    self.until = until
  }

  package func holds(at t: Instant) -> Bool { since <= t && (until.map { t < $0 } ?? true) }

  var disposition: Disposition {
    switch kind {
    case .bereavement, .dispute, .legal: .onHold
    case .complaint: .openComplaint
    case .snooze: .snoozed
    case .optOut: .doNotContact
    }
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
  /// In the order of the ranking; those drawn for exploration first.
  package var decisions: [Decision]
  /// The logit of the last account above the cut (see `decide`); nil where nobody is.
  package var cut: Double?
  /// False when the day of the run is no business day: then nothing is flagged.
  package var businessDay: Bool

  /// The decisions that open a case of this kind, in their order.
  package func decided(_ disposition: Disposition) -> [Decision] {
    decisions.filter { $0.disposition == disposition }
  }

  package var flagged: [Decision] { decided(.flagged) }

  package func count(_ disposition: Disposition) -> Int {
    decisions.count { $0.disposition == disposition }
  }

  /// Accounts above the cut that a queue would take if nothing else were open: a full desk changes
  /// nothing here.
  package var volume: Int {
    guard let cut else { return 0 }
    return decisions.count {
      $0.logit >= cut && [.flagged, .openCase, .noCapacity].contains($0.disposition)
    }
  }
}

/// Decides a run: a pure function of the ranking, the settings and the open work.
///
/// An account goes to the first queue whose rule fits, and only there. A queue flags at most
/// capacity − unclaimed open cases, none on a day that is no business day. What removes an account (a
/// hold, an open case, `do_not_contact`, cooling down, the yearly maximum) comes before capacity, and
/// uses none of it; nor does the holdout: an account that the lot leaves alone is decided where it would
/// have been flagged, and the place goes to the next. Exploration is drawn first, by the order of a
/// lot that knows no score.
///
/// A decision is written for each account above the *cut*, the first C of the ranking, where C is
/// what a free day could take: each queue's capacity, or the number of accounts that fit it if
/// that is less. Below the cut, decisions are written for the flagged and for those whom a rule
/// removed while their queue still had room; of these the store keeps those that are news
/// (`Decision.isBelowCut`). So a run adds at most 2 C rows and those newly removed, however large the
/// base and however many nights: a narrow queue that never fills does not turn the base into rows.
///
/// With an expected value (`OutreachSettings.effect`) accounts are taken in its order, per effort, in
/// place of the order by score, and nobody whose contact costs more than it brings.
///
/// O(ranking) when a queue never fills, else up to where the last one does; O(ranking log ranking) with
/// exploration or expected values.
/// - Parameters:
///   - ranking: sorted; `id` and `record` are asked about its accounts only.
///   - record: what the accounts file says, nil for an account it lacks.
package func decide(
  _ ranking: [RankedAccount], asOf: Instant, settings: OutreachSettings, work: OpenWork,
  id: (Int32) -> String, record: (Int32) -> AccountRecord?
) -> Plan {
  let queues = settings.queues
  let businessDay = settings.calendar.isBusinessDay(at: asOf)
  let experiment = settings.experiment.flatMap { $0.isRunning(at: asOf) ? $0 : nil }
  let arms = experiment.flatMap { work.enrolments[$0.seed] } ?? [:]
  let lot = experiment.map { OutreachLot(seed: $0.seed) }

  func removal(_ key: AccountKey, _ record: AccountRecord?) -> Disposition? {
    if record?.doNotContact == true { return .doNotContact }
    if work.accounts[key] != nil { return .openCase }
    for hold in work.holds[key] ?? [] where hold.holds(at: asOf) { return hold.disposition }
    if let touch = work.touches[key] {
      if touch.count >= settings.policy.perYear { return .yearlyMaximum }
      if asOf < touch.last.adding(days: settings.policy.cooldownDays) { return .coolingDown }
    }
    if let closed = work.closed[key], asOf < closed.adding(days: settings.policy.cooldownDays) {
      return .coolingDown
    }
    return nil
  }
  func decision(_ index: Int, _ id: String, _ disposition: Disposition, _ queue: Int?) -> Decision {
    let ranked = ranking[index]
    return Decision(
      account: ranked.account, id: id, rank: ranked.rank ?? index + 1, place: index,
      logit: ranked.logit, probability: ranked.probability, disposition: disposition,
      queue: queue.map { queues[$0] })
  }

  var explored: [Decision] = []
  if let experiment, let lot, businessDay, experiment.exploration > 0 {
    let order = lot.order(ranking.map { id($0.account) })
    for index in order {
      guard explored.count < experiment.exploration else { break }
      let account = ranking[index].account
      let id = id(account)
      let key = AccountKey(id)
      let record = record(account)
      guard arms[key] == nil, !lot.isHeldOut(id, share: experiment.holdout),
        removal(key, record) == nil,
        let queue = queues.firstIndex(where: { $0.mode == .people && $0.rule.fits(record) })
      else { continue }
      explored.append(decision(index, id, .exploration, queue))
    }
  }
  let drawn = Set(explored.map(\.account))

  /// What each queue may still flag, and how many accounts that fit it a free day could take yet.
  var room = queues.map {
    businessDay ? max(0, $0.capacity - (work.unclaimed[$0.name] ?? 0)) : 0
  }
  var free = queues.map(\.capacity)
  let capacity = free.reduce(0, +)
  let values = settings.policy.expectedValues(ranking, queues, record: record)
  var decided: [(place: Int, index: Int, id: String, hadRoom: Bool, Disposition, queue: Int?)] = []
  for place in ranking.indices {
    if !room.contains(where: { $0 > 0 }) && !free.contains(where: { $0 > 0 }) { break }
    let index = values?.order[place] ?? place
    let account = ranking[index].account
    if drawn.contains(account) { continue }
    let record = record(account)
    let queue = queues.firstIndex { $0.rule.fits(record) }
    var hasRoom = false
    if let queue {
      hasRoom = room[queue] > 0
      free[queue] = max(0, free[queue] - 1)
    }
    if !hasRoom && place >= capacity { continue }
    let id = id(account)
    let key = AccountKey(id)
    var disposition =
      removal(key, record) ?? (queue == nil ? .noQueue : hasRoom ? .flagged : .noCapacity)
    if disposition == .flagged, let values, values.value[index] <= 0 { disposition = .notWorthIt }
    if disposition == .flagged, let queue, queues[queue].holdout, let experiment, let lot,
      arms[key] == .holdout
        || (arms[key] == nil && lot.isHeldOut(id, share: experiment.holdout))
    {
      disposition = .holdout
    }
    if disposition == .flagged, let queue { room[queue] -= 1 }
    decided.append((place, index, id, hasRoom, disposition, queue))
  }
  let cut = capacity - free.reduce(0, +)
  let kept = decided.filter { $0.place < cut || $0.hadRoom }.map { one in
    var decision = decision(one.index, one.id, one.4, one.queue)
    decision.isBelowCut = one.place >= cut && one.4 != .flagged
    return decision
  }
  return Plan(
    decisions: explored + kept,
    cut: cut == 0 ? nil : ranking[values?.order[min(cut, ranking.count) - 1] ?? cut - 1].logit,
    businessDay: businessDay)
}
