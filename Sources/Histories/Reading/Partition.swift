/// One event of a history as features see it. `kind` and `channel` are indexes into the base's
/// names (channel 0 is none); `value` is NaN where there is none.
struct Event {
  var at: Int64
  var knownAt: Int64
  var value: Double
  var kind: UInt16
  var channel: UInt16
  /// While a partition is gathered: the account, in the order of first occurrence; once sorted, the
  /// place where the event was gathered. Afterwards without a meaning.
  var mark: UInt32

  /// The order of events within an account: by every field, so that it does not depend on the
  /// order of rows. Equal events cannot be told apart.
  @inline(__always)
  static func precedes(_ a: Event, _ b: Event) -> Bool {
    if a.at != b.at { return a.at < b.at }
    if a.knownAt != b.knownAt { return a.knownAt < b.knownAt }
    if a.kind != b.kind { return a.kind < b.kind }
    // A missing value (NaN), which equals nothing, comes first.
    if a.value.isNaN != b.value.isNaN { return a.value.isNaN }
    if a.value < b.value || b.value < a.value { return a.value < b.value }
    return a.channel < b.channel
  }
}

/// The accounts whose hash falls into one part of the range, each with its events in time order.
/// Accounts are in the order of hash, then id bytes; partitions in that of the hash.
struct Partition: Sendable {
  let idBytes: [UInt8]
  let idEnds: [UInt32]
  let hashes: [UInt64]
  let eventEnds: [Int]
  let events: [Event]
  /// A digest of each event's own id, 0 where it has none; empty where no event has one.
  let keys: [UInt64]
  let texts: EventTexts
  /// For each account its row of the accounts file, −1 without one.
  let accountRows: [Int32]
  /// The hashes of the accounts left out since they are erased, ascending.
  let erasedHashes: [UInt64]
  /// Events left out since one with the same id is there.
  let repeats: Int

  var erasedAccounts: Int { erasedHashes.count }
  var accountCount: Int { hashes.count }

  /// Its size in memory, about.
  var bytes: Int {
    idBytes.count + idEnds.count * 4 + (hashes.count + eventEnds.count + keys.count) * 8
      + accountRows.count * 4 + events.count * MemoryLayout<Event>.stride + texts.bytes.count
      + texts.ends.count * 8
  }

  func id(_ account: Int) -> ArraySlice<UInt8> {
    idBytes[(account == 0 ? 0 : Int(idEnds[account - 1]))..<Int(idEnds[account])]
  }

  /// The places of an account's events.
  @inline(__always)
  func range(_ account: Int) -> Range<Int> {
    (account == 0 ? 0 : eventEnds[account - 1])..<eventEnds[account]
  }

  /// The account with this id and hash, by binary search over the hashes.
  func index(of id: [UInt8], hash: UInt64) -> Int? {
    var low = 0
    var high = hashes.count
    while low < high {
      let middle = (low + high) / 2
      if hashes[middle] < hash { low = middle + 1 } else { high = middle }
    }
    while low < hashes.count, hashes[low] == hash {
      if self.id(low).elementsEqual(id) { return low }
      low += 1
    }
    return nil
  }

  @inline(__always)
  func withEvents<Result>(
    _ account: Int, _ body: (UnsafeBufferPointer<Event>) -> Result
  ) -> Result {
    events.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range(account)])) }
  }
}

/// What was said in a partition's events: bytes one after another, and the end of each event's;
/// no ends where nobody said anything.
struct EventTexts: Sendable, Equatable {
  var bytes: [UInt8] = []
  var ends: [Int] = []

  subscript(_ event: Int) -> ArraySlice<UInt8> {
    ends.isEmpty ? [] : bytes[(event == 0 ? 0 : ends[event - 1])..<ends[event]]
  }

  mutating func append(_ text: some Collection<UInt8>) {
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
  }
}
