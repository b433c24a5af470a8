/// The ids of one partition while it is built: an open-addressing table from bytes to a number.
struct InternedIds {
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

  /// The hashes of the erased, ascending.
  var erasedHashes: [UInt64] {
    erasedCount == 0 ? [] : hashes.indices.filter(isErased).map { hashes[$0] }.sorted()
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
