/// How many distinct values a stream has, and how often they repeat, from a sample of the values
/// (not of the rows): all rows whose hash starts with `level` zero bits, the level rising so that at
/// most 512 distinct values are kept. Exact up to 512; the same whatever the order of the stream.
/// Source: P. Gibbons, Distinct sampling, VLDB 2001.
///
/// The owner calls `deallocate`.
struct DistinctSample {
  private static let limit = 512
  private static let capacity = 2048

  private var level = 0
  private(set) var distinct = 0
  private let keys: UnsafeMutablePointer<UInt64>
  private let counts: UnsafeMutablePointer<Int>

  init() {
    keys = .allocate(capacity: Self.capacity)
    keys.initialize(repeating: 0, count: Self.capacity)
    counts = .allocate(capacity: Self.capacity)
    counts.initialize(repeating: 0, count: Self.capacity)
  }

  func deallocate() {
    keys.deallocate()
    counts.deallocate()
  }

  /// An estimate of the number of distinct values; exact below 513.
  var estimate: Int { distinct << level }

  /// The share of distinct values among the rows sampled: 1 where none repeats.
  var distinctShare: Double {
    let rows = (0..<Self.capacity).reduce(0) { $0 + counts[$1] }
    return rows == 0 ? 0 : Double(distinct) / Double(rows)
  }

  /// The hashes kept, all of those that start with `level` zero bits, in no order.
  var kept: (hashes: [UInt64], level: Int) {
    ((0..<Self.capacity).map { keys[$0] }.filter { $0 != 0 }, level)
  }

  /// Takes in `times` rows with a value of this hash, whose bits are all well mixed.
  @inline(__always)
  mutating func add(_ hash: UInt64, times: Int = 1) {
    if hash.leadingZeroBitCount < level { return }
    let key = hash == 0 ? 1 : hash
    var slot = Int(truncatingIfNeeded: key) & (Self.capacity &- 1)
    while keys[slot] != 0 {
      if keys[slot] == key {
        counts[slot] &+= times
        return
      }
      slot = (slot &+ 1) & (Self.capacity &- 1)
    }
    keys[slot] = key
    counts[slot] = times
    distinct &+= 1
    if distinct > Self.limit { rise() }
  }

  mutating func add(_ other: DistinctSample) {
    while level < other.level { rise() }
    for slot in 0..<Self.capacity where other.keys[slot] != 0 {
      add(other.keys[slot], times: other.counts[slot])
    }
  }

  /// Keeps the half of the values with one more zero bit.
  private mutating func rise() {
    level += 1
    let kept = (0..<Self.capacity).filter { keys[$0] != 0 }.map { (keys[$0], counts[$0]) }
    keys.update(repeating: 0, count: Self.capacity)
    counts.update(repeating: 0, count: Self.capacity)
    distinct = 0
    for (key, times) in kept { add(key, times: times) }
  }
}
