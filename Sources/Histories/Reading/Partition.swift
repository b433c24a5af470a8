/// One event of a history as features see it. `kind` and `channel` are indexes into the base's
/// names (channel 0 is none); `value` is NaN where there is none.
struct Event {
  var at: Int64
  var knownAt: Int64
  var value: Double
  var kind: UInt16
  var channel: UInt16
  /// While a partition is being built: the account, in the order of first occurrence.
  var account: UInt32

  /// The order of events within an account: by every field, so that it does not depend on the
  /// order of rows. Equal events cannot be told apart.
  @inline(__always)
  static func precedes(_ a: Event, _ b: Event) -> Bool {
    if a.at != b.at { return a.at < b.at }
    if a.knownAt != b.knownAt { return a.knownAt < b.knownAt }
    if a.kind != b.kind { return a.kind < b.kind }
    if a.value != b.value {
      // A missing value (NaN) comes first.
      if a.value.isNaN { return !b.value.isNaN }
      return a.value < b.value
    }
    return a.channel < b.channel
  }
}

/// The accounts whose hash falls into one part of the range, each with its events in time order.
/// Accounts are in the order of hash, then id bytes; partitions in that of the hash.
struct Partition: Sendable {
  private let idBytes: [UInt8]
  private let idEnds: [UInt32]
  private let hashes: [UInt64]
  private let eventEnds: [Int]
  private let events: [Event]
  /// For each account its row of the accounts file, −1 without one.
  let accountRows: [Int32]

  var accountCount: Int { hashes.count }

  func id(_ account: Int) -> ArraySlice<UInt8> {
    idBytes[(account == 0 ? 0 : Int(idEnds[account - 1]))..<Int(idEnds[account])]
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
    let start = account == 0 ? 0 : eventEnds[account - 1]
    return events.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[start..<eventEnds[account]]))
    }
  }

  /// Gathers partition `index` from what every worker encoded: interns the ids with full
  /// comparison, sorts, and releases the encoded bytes. `kinds[w][k]` is the base's number of
  /// worker w's kind k; `channels` likewise, after the none at 0.
  ///
  /// O(n) for n events, but for events of one account within 2^-22 of the partition's time range,
  /// which are sorted by comparison.
  init(_ index: Int, from workers: [EventReader], kinds: [[UInt16]], channels: [[UInt16]]) {
    let total = workers.reduce(0) { $0 + $1.encoded.count(index) }
    let gathered = UnsafeMutablePointer<Event>.allocate(capacity: max(total, 1))
    defer { gathered.deallocate() }
    var count = 0
    var ids = InternedIds()
    var earliest = Int64.max
    var latest = Int64.min
    for (worker, reader) in workers.enumerated() {
      kinds[worker].withUnsafeBufferPointer { kindOf in
        channels[worker].withUnsafeBufferPointer { channelOf in
          reader.encoded.forEach(index) { event in
            let account = ids.index(event.id, event.idCount)
            if event.kind == EncodedEvents.accountRow {
              ids.setRow(account, Int32(truncatingIfNeeded: event.at))
              return
            }
            earliest = min(earliest, event.at)
            latest = max(latest, event.at)
            gathered[count] = Event(
              at: event.at, knownAt: event.knownAt, value: event.value,
              kind: kindOf[Int(event.kind)], channel: channelOf[Int(event.channel)],
              account: UInt32(truncatingIfNeeded: account))
            ids.countEvent(account)
            count += 1
          }
        }
      }
    }
    let order = ids.inOrder()
    var rank = Array(repeating: UInt32(0), count: order.count)
    var ends: [Int] = []
    var starts = Array(repeating: 0, count: order.count)
    var rows: [Int32] = []
    var bytes: [UInt8] = []
    var idEnds: [UInt32] = []
    var sortedHashes: [UInt64] = []
    ends.reserveCapacity(order.count)
    rows.reserveCapacity(order.count)
    idEnds.reserveCapacity(order.count)
    sortedHashes.reserveCapacity(order.count)
    bytes.reserveCapacity(ids.byteCount)
    var place = 0
    for (position, account) in order.enumerated() {
      rank[account] = UInt32(position)
      starts[position] = place
      place += ids.eventCount(account)
      ends.append(place)
      rows.append(ids.row(account))
      bytes.append(contentsOf: ids.id(account))
      idEnds.append(UInt32(bytes.count))
      sortedHashes.append(ids.hash(account))
    }
    hashes = sortedHashes
    idBytes = bytes
    self.idEnds = idEnds
    eventEnds = ends
    accountRows = rows
    events = Array(unsafeUninitializedCapacity: count) { target, filled in
      filled = count
      guard count > 0 else { return }
      let sorter = EventSorter(earliest: earliest, latest: latest)
      sorter.scatter(
        gathered, count, rank: rank, starts: &starts, into: target.baseAddress!)
      var start = 0
      for end in ends {
        sorter.settle(target.baseAddress! + start, end - start)
        start = end
      }
    }
    for reader in workers { reader.encoded.release(index) }
  }
}

/// The ids of one partition while it is built: an open-addressing table from bytes to a number.
private struct InternedIds {
  private struct Entry {
    var start: UnsafePointer<UInt8>
    var count: Int
    var hash: UInt64
    var events = 0
    var row: Int32 = -1
  }

  private var entries: [Entry] = []
  private var slots: [UInt32] = Array(repeating: 0, count: 2048)
  private(set) var byteCount = 0

  /// Slots hold the number plus one; 0 is free. The low bits of the hash pick the slot, as the
  /// top bits are the same in the whole partition.
  @inline(__always)
  mutating func index(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let hash = AccountHash.of(start, count)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
    while slots[slot] != 0 {
      let found = Int(slots[slot]) &- 1
      let matches = entries.withUnsafeBufferPointer { entries in
        entries[found].hash == hash && entries[found].count == count
          && Self.equal(entries[found].start, start, count)
      }
      if matches { return found }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    return insert(start, count, hash, slot)
  }

  @inline(__always)
  private static func equal(
    _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int
  ) -> Bool {
    if count == 8 {
      return UnsafeRawPointer(a).loadUnaligned(as: UInt64.self)
        == UnsafeRawPointer(b).loadUnaligned(as: UInt64.self)
    }
    return UnsafeBufferPointer(start: a, count: count)
      .elementsEqual(UnsafeBufferPointer(start: b, count: count))
  }

  private mutating func insert(
    _ start: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64, _ slot: Int
  ) -> Int {
    entries.append(Entry(start: start, count: count, hash: hash))
    byteCount += count
    slots[slot] = UInt32(entries.count)
    if entries.count * 2 > slots.count {
      slots = Array(repeating: 0, count: slots.count * 2)
      for (index, entry) in entries.enumerated() {
        var slot = Int(truncatingIfNeeded: entry.hash) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(index + 1)
      }
    }
    return entries.count - 1
  }

  @inline(__always)
  mutating func countEvent(_ index: Int) { entries[index].events &+= 1 }
  mutating func setRow(_ index: Int, _ row: Int32) { entries[index].row = row }
  func eventCount(_ index: Int) -> Int { entries[index].events }
  func row(_ index: Int) -> Int32 { entries[index].row }
  func hash(_ index: Int) -> UInt64 { entries[index].hash }
  func id(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: entries[index].start, count: entries[index].count)
  }

  /// The numbers in the order of hash, then bytes.
  func inOrder() -> [Int] {
    let keys = entries.enumerated().map { (hash: $1.hash, index: $0) }
    return keys.sorted {
      $0.hash != $1.hash
        ? $0.hash < $1.hash : id($0.index).lexicographicallyPrecedes(id($1.index))
    }.map(\.index)
  }
}
