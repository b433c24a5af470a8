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
  /// Accounts left out since they are erased.
  let erasedAccounts: Int

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
  init(
    _ index: Int, from workers: [EventReader], kinds: [[UInt16]], channels: [[UInt16]],
    erased: Tombstones
  ) {
    let total = workers.reduce(0) { $0 + $1.encoded.count(index) }
    let gathered = UnsafeMutablePointer<Event>.allocate(capacity: max(total, 1))
    defer { gathered.deallocate() }
    var count = 0
    var ids = InternedIds(erased: erased)
    var earliest = Int64.max
    var latest = Int64.min
    var runs = AscendingRuns()
    for (worker, reader) in workers.enumerated() {
      kinds[worker].withUnsafeBufferPointer { kindOf in
        channels[worker].withUnsafeBufferPointer { channelOf in
          reader.encoded.forEach(index) { event in
            let account = ids.index(event.id, event.idCount)
            if ids.erasedCount > 0, ids.isErased(account) { return }
            if event.kind == EncodedEvents.accountRow {
              ids.setRow(account, Int32(truncatingIfNeeded: event.at))
              return
            }
            runs.add(event.at, at: count)
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
    erasedAccounts = ids.erasedCount
    var rank = Array(repeating: UInt32(0), count: ids.count)
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
      if let ends = runs.ends(count) {
        sorter.merge(
          gathered, runEnds: ends, rank: rank, starts: &starts, into: target.baseAddress!)
      } else {
        sorter.scatter(
          gathered, count, rank: rank, starts: &starts, into: target.baseAddress!)
      }
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
    /// The first eight bytes, zeros behind a shorter id: all there is to compare of most ids.
    var head: UInt64
    var start: UnsafePointer<UInt8>
    var count: Int32
    var row: Int32 = -1
    var events = 0
    var isErased = false
  }

  private let erased: Tombstones
  private(set) var erasedCount = 0
  private var entries: [Entry] = []
  /// By number; 2^`bits` slots hold the number plus one, 0 is free.
  private var hashes: [UInt64] = []
  private var slots: [UInt32] = Array(repeating: 0, count: 2048)
  private var bits: UInt64 = 11
  private(set) var byteCount = 0

  init(erased: Tombstones) { self.erased = erased }

  /// The number of an id, new if need be; eight bytes may be read at `start` whatever its length.
  @inline(__always)
  mutating func index(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
    let head = Self.head(start, count)
    // Multiplied (Fibonacci hashing), the top bits depend on every byte; longer ids are hashed.
    let mixed = Self.mixed(count <= 8 ? head &+ UInt64(count) : AccountHash.of(start, count))
    var slot = Int(truncatingIfNeeded: mixed &>> (64 &- bits))
    while slots[slot] != 0 {
      let found = Int(slots[slot]) &- 1
      let matches = entries.withUnsafeBufferPointer { entries in
        entries[found].head == head && Int(entries[found].count) == count
          && (count <= 8 || Self.equal(entries[found].start, start, count))
      }
      if matches { return found }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    return insert(start, count, head, slot)
  }

  @inline(__always)
  private static func head(_ start: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    let word = UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
    return count >= 8 ? word : word & ((1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1)
  }

  @inline(__always)
  private static func mixed(_ key: UInt64) -> UInt64 { key &* 0x9E37_79B9_7F4A_7C15 }

  private static func equal(
    _ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int
  ) -> Bool {
    UnsafeBufferPointer(start: a, count: count)
      .elementsEqual(UnsafeBufferPointer(start: b, count: count))
  }

  private mutating func insert(
    _ start: UnsafePointer<UInt8>, _ count: Int, _ head: UInt64, _ slot: Int
  ) -> Int {
    entries.append(
      Entry(head: head, start: start, count: Int32(truncatingIfNeeded: count)))
    hashes.append(AccountHash.of(start, count))
    if erased.contains(UnsafeRawBufferPointer(start: start, count: count)) {
      entries[entries.count - 1].isErased = true
      erasedCount += 1
    }
    byteCount += count
    slots[slot] = UInt32(entries.count)
    if entries.count * 2 > slots.count {
      bits += 1
      slots = Array(repeating: 0, count: slots.count * 2)
      for (index, entry) in entries.enumerated() {
        let key = entry.count <= 8 ? entry.head &+ UInt64(entry.count) : hashes[index]
        var slot = Int(truncatingIfNeeded: Self.mixed(key) >> (64 - bits))
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(index + 1)
      }
    }
    return entries.count - 1
  }

  @inline(__always)
  mutating func countEvent(_ index: Int) { entries[index].events &+= 1 }
  mutating func setRow(_ index: Int, _ row: Int32) { entries[index].row = row }
  @inline(__always)
  func isErased(_ index: Int) -> Bool { entries[index].isErased }
  var count: Int { entries.count }
  func eventCount(_ index: Int) -> Int { entries[index].events }
  func row(_ index: Int) -> Int32 { entries[index].row }
  func hash(_ index: Int) -> UInt64 { hashes[index] }
  func id(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: entries[index].start, count: Int(entries[index].count))
  }

  /// The numbers in the order of hash, then bytes; without the erased.
  func inOrder() -> [Int] {
    let keys = hashes.enumerated().map { (hash: $1, index: $0) }.filter { !isErased($0.index) }
    return keys.sorted {
      $0.hash != $1.hash
        ? $0.hash < $1.hash : id($0.index).lexicographicallyPrecedes(id($1.index))
    }.map(\.index)
  }
}
