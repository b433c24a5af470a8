/// How often values repeat in a stream, from all rows of a sample of the values: those whose hash
/// starts with `level` zero bits, the level rising so that at most `limit` distinct values are kept.
/// Exact up to the limit, an estimate beyond; the same in any order of the stream but for where a
/// value was first. Memory: 20 bytes a slot, at most 2 × `limit` slots.
/// Source: P. Gibbons, Distinct sampling, VLDB 2001.
struct RepeatSample {
  private let limit: Int
  private var level = 0
  private var kept = 0
  private var keptRepeats = 0
  /// Open addressing on the hash; 0 is free.
  private var keys: [UInt64]
  private var firsts: [Int]
  private var counts: [UInt32]

  init(limit: Int = 1 << 20) {
    self.limit = limit
    keys = Array(repeating: 0, count: 1024)
    firsts = Array(repeating: 0, count: 1024)
    counts = Array(repeating: 0, count: 1024)
  }

  /// Distinct values, and rows whose value an earlier row has.
  var distinct: Int { kept << level }
  var repeats: Int { keptRepeats << level }
  var isEstimate: Bool { level > 0 }

  /// Takes in a value by its hash, met at `place`; the place of its first row, if it is in the sample
  /// and this is not that one.
  @discardableResult
  mutating func add(_ hash: UInt64, at place: Int) -> Int? {
    if hash.leadingZeroBitCount < level { return nil }
    let key = hash == 0 ? 1 : hash
    let slot = slot(of: key)
    if keys[slot] == key {
      counts[slot] &+= 1
      keptRepeats += 1
      return firsts[slot]
    }
    keys[slot] = key
    firsts[slot] = place
    counts[slot] = 1
    kept += 1
    if kept > limit {
      level += 1
      rebuild(keys.count)
    } else if kept * 2 > keys.count {
      rebuild(keys.count * 2)
    }
    return nil
  }

  /// Takes in what another sample of the same limit has seen.
  mutating func add(_ other: RepeatSample) {
    if other.level > level {
      level = other.level
      rebuild(keys.count)
    }
    for slot in other.keys.indices where other.keys[slot] != 0 {
      for _ in 0..<other.counts[slot] { add(other.keys[slot], at: other.firsts[slot]) }
    }
  }

  private func slot(of key: UInt64) -> Int {
    let mask = keys.count &- 1
    var slot = Int(truncatingIfNeeded: key) & mask
    while keys[slot] != 0, keys[slot] != key { slot = (slot &+ 1) & mask }
    return slot
  }

  /// Into `capacity` slots, without the values that are out of the sample by now.
  private mutating func rebuild(_ capacity: Int) {
    let old = (keys, firsts, counts)
    keys = Array(repeating: 0, count: capacity)
    firsts = Array(repeating: 0, count: capacity)
    counts = Array(repeating: 0, count: capacity)
    kept = 0
    keptRepeats = 0
    for place in old.0.indices
    where old.0[place] != 0 && old.0[place].leadingZeroBitCount >= level {
      let slot = slot(of: old.0[place])
      keys[slot] = old.0[place]
      firsts[slot] = old.1[place]
      counts[slot] = old.2[place]
      kept += 1
      keptRepeats += Int(old.2[place]) - 1
    }
  }
}
