package import Foundation
import Synchronization

/// All account histories, read, partitioned by account hash and sorted in time.
///
/// Accounts are numbered 0 ..< `accountCount` in the order of their stable hash, then id bytes:
/// whatever has an event or a row of the accounts file. The order of rows, files and chunks and
/// the number of threads change nothing.
package struct HistoryBase: Sendable {
  package private(set) var intake: IntakeReport
  /// Every kind met, in the order of name bytes.
  package let kinds: [KindSummary]
  package let timeZone: LocalTime
  let channels: [String]
  let accounts: AccountsFile?
  private let contacts: ContactsFile?
  let partitions: PartitionShelf
  /// `firsts[p]` is the number of partition p's first account; one more at the end.
  private let firsts: [Int]

  /// Reads everything that `settings` names, and the packed histories in the place of what they have.
  ///
  /// - Parameters:
  ///   - roles: what each kind may be used for; a kind not named is a feature.
  ///   - quarantine: where unusable rows are written, if there are any.
  ///   - chunkBytes: how much of a file one worker takes at a time.
  ///   - texts: whether what customers said is kept (`words`).
  ///   - memory: how many bytes of encoded events are held before they are moved to disk.
  ///   - resident: how many bytes of events are kept in memory; of more, those used last.
  ///   - progress: called now and then, from any worker, with bytes done and in all.
  /// - Throws: `inputMissing` for files that are not there, `dataContract` for what breaks the
  ///   contract, `output` for a quarantine file that cannot be written, and for a disk that takes no
  ///   more of what memory does not hold.
  /// - Complexity: O(n) for n events. Memory: 32 bytes an event up to `resident`, and the accounts' ids.
  package static func read(
    _ settings: HistorySettings, roles: [String: KindRole] = [:], threads: Int,
    quarantine: URL? = nil, chunkBytes: Int = 1 << 20, packing: Packing = .read,
    texts: Bool = false, memory: Int = EventIntake.defaultMemory,
    resident: Int = PartitionShelf.resident, progress: (@Sendable (Int, Int) -> Void)? = nil
  ) throws(HistoriesError) -> HistoryBase {
    try HistoryIntake.reading(
      settings, roles: roles, threads: threads, quarantine: quarantine, chunkBytes: chunkBytes,
      packing: packing, texts: texts, memory: memory, resident: resident, progress: progress
    ) { intake in
      HistoryBase(
        intake, zone: settings.timeZone,
        try PartitionShelf(intake, threads: threads, resident: resident))
    }
  }

  private init(_ intake: HistoryIntake, zone: LocalTime, _ partitions: PartitionShelf) {
    var report = intake.report
    report.erasedAccounts = partitions.facts.reduce(0) { $0 + $1.erased }
    report.repeats = partitions.facts.reduce(0) { $0 + $1.repeats }
    self.intake = report
    kinds = intake.kinds
    timeZone = zone
    channels = intake.channels
    accounts = intake.accounts
    contacts = intake.contacts
    self.partitions = partitions
    var firsts = [0]
    for facts in partitions.facts { firsts.append(firsts[firsts.count - 1] + facts.accounts) }
    self.firsts = firsts
    guard let unknown = contacts?.unknown({ index(of: $0) != nil }), unknown.rows > 0 else {
      return
    }
    self.intake.unmet.append(
      "[contacts] names \(unknown.accounts) account\(unknown.accounts == 1 ? "" : "s") "
        + "(\(unknown.rows) row\(unknown.rows == 1 ? "" : "s")) that no event and no row of "
        + "[accounts] has: they are passed over")
  }

  package var accountCount: Int { firsts[firsts.count - 1] }

  /// The partition of an account and its place there. O(log partitions).
  @inline(__always)
  func locate(_ account: Int) -> (partition: Int, place: Int) {
    precondition(account >= 0 && account < accountCount, "no such account")
    var low = 0
    var high = partitions.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if firsts[middle] <= account { low = middle } else { high = middle }
    }
    return (low, account - firsts[low])
  }

  /// The id of an account.
  package func account(_ index: Int) -> String {
    let (partition, place) = locate(index)
    return String(decoding: partitions[partition].id(place), as: UTF8.self)
  }

  /// The number of the account with this id (compared byte by byte), if it is in the base.
  package func index(of account: String) -> Int? {
    let hash = AccountHash.of(account)
    let bits = partitions.count.trailingZeroBitCount
    let partition = bits == 0 ? 0 : Int(hash >> UInt64(64 - bits))
    return partitions[partition].index(of: Array(account.utf8), hash: hash).map {
      firsts[partition] + $0
    }
  }

  /// What the accounts file and the contacts file say of an account, nil where it has no row.
  /// O(log contacts).
  package func record(_ index: Int) -> AccountRecord? {
    let (partition, place) = locate(index)
    let row = partitions[partition].accountRows[place]
    var record = row < 0 ? nil : accounts?.record(Int(row))
    if let contacts {
      let id = account(index)
      let people = contacts[id]
      if !people.isEmpty {
        record = record ?? AccountRecord(account: id, unread: accounts?.source)
        record?.add(people)
      }
    }
    return record
  }

  /// The names of the accounts' attributes, in the order of the project file.
  package var attributes: (numeric: [String], categorical: [String]) {
    (accounts?.source.numeric ?? [], accounts?.source.categorical ?? [])
  }

  /// Whether the accounts file says when each row was known. Where it does not, attributes are
  /// today's at every as-of date.
  package var attributesAreDated: Bool { accounts?.source.knownAt != nil }

  /// Whether the accounts file says what each account is worth.
  package var hasAccountValues: Bool { accounts?.source.value != nil }

  /// One event by which an account spoke.
  package struct Feedback: Sendable, Equatable {
    package var at: Instant
    package var knownAt: Instant
    /// Index into `kinds`.
    package var kindIndex: Int
    package var kind: String
    package var value: Double?
    package var channel: String?

    package init(
      at: Instant, knownAt: Instant, kindIndex: Int, kind: String, value: Double?,
      channel: String? = nil
    ) {
      self.at = at
      self.knownAt = knownAt
      self.kindIndex = kindIndex
      self.kind = kind
      self.value = value
      self.channel = channel
    }
  }

  /// The account's events of role `feedback`, in time order.
  package func feedback(_ index: Int) -> [Feedback] { events(index, role: .feedback) }

  /// The account's survey mechanics (role `mechanics`), in time order.
  package func mechanics(_ index: Int) -> [Feedback] { events(index, role: .mechanics) }

  /// Whether any kind met is survey mechanics.
  package var hasMechanics: Bool { kinds.contains { $0.role == .mechanics } }

  private func events(_ index: Int, role: KindRole) -> [Feedback] {
    let (partition, place) = locate(index)
    return partitions[partition].withEvents(place) { events in
      var found: [Feedback] = []
      for event in events where kinds[Int(event.kind)].role == role {
        found.append(
          Feedback(
            at: Instant(microseconds: event.at), knownAt: Instant(microseconds: event.knownAt),
            kindIndex: Int(event.kind), kind: kinds[Int(event.kind)].name,
            value: event.value.isNaN ? nil : event.value,
            channel: event.channel == 0 ? nil : channels[Int(event.channel) - 1]))
      }
      return found
    }
  }

  /// How many events of a kind, an index into `kinds`, an account has in a window, and the sum of their
  /// values (none counts as 0), as far as known before `asOf`. O(events).
  package func tally(
    _ account: Int, kind: Int, in window: Range<Instant>, knownBefore asOf: Instant
  ) -> (count: Int, sum: Double) {
    let (partition, place) = locate(account)
    return partitions[partition].withEvents(place) { events in
      var (count, sum) = (0, 0.0)
      for event in events
      where Int(event.kind) == kind && event.at < asOf.microseconds
        && event.knownAt < asOf.microseconds
        && window.contains(Instant(microseconds: event.at))
      {
        count += 1
        if !event.value.isNaN { sum += event.value }
      }
      return (count, sum)
    }
  }

  /// When the account's first event of role `feature` happened, known or not.
  package func firstEvent(_ index: Int) -> Instant? {
    let (partition, place) = locate(index)
    return partitions[partition].withEvents(place) { events in
      events.first { kinds[Int($0.kind)].role == .feature }
        .map { Instant(microseconds: $0.at) }
    }
  }

  /// Whether the account has an event of role `feature` that is seen as of `date`, so that there
  /// is a vector for it. O(events).
  package func hasFeatureEvent(_ index: Int, seenAsOf date: Instant) -> Bool {
    let (partition, place) = locate(index)
    return partitions[partition].withEvents(place) { events in
      events.contains {
        $0.at < date.microseconds && $0.knownAt < date.microseconds
          && kinds[Int($0.kind)].role == .feature
      }
    }
  }
}
