import Foundation

/// Distinct texts, numbered in the order in which they were met, and how often each was.
///
/// Open addressing on the stable hash, with the bytes compared. Memory: the texts and about 32
/// bytes each.
final class TextTable {
  private var slots = [Int32](repeating: -1, count: 16)
  private var hashes: [UInt64] = []
  private var bytes: [UInt8] = []
  private var ends = [0]
  private(set) var counts: [Int] = []

  var count: Int { hashes.count }

  /// The bytes of a text.
  subscript(_ index: Int) -> ArraySlice<UInt8> { bytes[ends[index]..<ends[index + 1]] }

  /// The number of a text that was added; nil for any other. O(length).
  @inline(__always)
  func find(_ text: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int? {
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if hashes[index] == hash, isEqual(index, text) { return index }
      slot = (slot &+ 1) & mask
    }
    return nil
  }

  func find(_ text: UnsafeBufferPointer<UInt8>) -> Int? { find(text, hash: Self.hash(text)) }

  static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
    text.isEmpty ? 0 : AccountHash.of(text.baseAddress!, text.count)
  }

  /// Counts a text `times` more, adding it if need be; its number.
  @discardableResult
  func add(_ text: UnsafeBufferPointer<UInt8>, hash: UInt64, times: Int = 1) -> Int {
    if let known = find(text, hash: hash) {
      counts[known] += times
      return known
    }
    hashes.append(hash)
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
    counts.append(times)
    if count * 2 > slots.count {
      slots = [Int32](repeating: -1, count: slots.count * 2)
      for index in hashes.indices { place(index) }
    } else {
      place(count - 1)
    }
    return count - 1
  }

  /// Counts what another table counted.
  func add(_ other: TextTable) {
    for index in 0..<other.count {
      other[index].withUnsafeBufferPointer {
        _ = add($0, hash: other.hashes[index], times: other.counts[index])
      }
    }
  }

  private func place(_ index: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hashes[index]) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots[slot] = Int32(index)
  }

  @inline(__always)
  private func isEqual(_ index: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = ends[index]
    guard ends[index + 1] - start == text.count else { return false }
    return text.isEmpty
      || bytes.withUnsafeBufferPointer {
        memcmp($0.baseAddress! + start, text.baseAddress!, text.count) == 0
      }
  }
}
