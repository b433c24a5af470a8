import Foundation

/// A worker's own numbering of kinds or channels, in the order in which it met them.
///
/// Open addressing on the first eight bytes and the length, with the whole name compared.
final class NameTable {
  private struct Entry {
    var head: UInt64 = 0
    var start: UnsafeMutablePointer<UInt8>?
    var count: Int32 = -1
    var index: Int32 = 0
  }

  private(set) var names: [[UInt8]] = []
  /// Four slots a name, so that the table never needs to grow.
  private let slots: UnsafeMutablePointer<Entry>
  private let capacity: Int
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
    var capacity = 64
    while capacity < 4 * limit { capacity *= 2 }
    self.capacity = capacity
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Entry(), count: capacity)
  }

  deinit {
    for slot in 0..<capacity { slots[slot].start?.deallocate() }
    slots.deallocate()
  }

  /// The number of a name, new if need be; nil when it is not UTF-8, holds NUL, is longer than
  /// 256 bytes, or would be one too many.
  @inline(__always)
  func index(of field: Field) -> Int? {
    let word = UInt64(
      littleEndian: UnsafeRawPointer(field.start).loadUnaligned(as: UInt64.self))
    let head = field.count >= 8 ? word : word & ((1 << UInt64(field.count &* 8)) &- 1)
    var slot =
      Int(
        truncatingIfNeeded: ((head &+ UInt64(field.count)) &* 0x9E37_79B9_7F4A_7C15) >> 40)
      & (capacity &- 1)
    while true {
      let entry = slots + slot
      if entry.pointee.head == head, Int(entry.pointee.count) == field.count,
        field.count <= 8 || memcmp(entry.pointee.start!, field.start, field.count) == 0
      {
        return Int(entry.pointee.index)
      }
      if entry.pointee.count < 0 { return insert(field, head, entry) }
      slot = (slot &+ 1) & (capacity &- 1)
    }
  }

  private func insert(
    _ field: Field, _ head: UInt64, _ entry: UnsafeMutablePointer<Entry>
  ) -> Int? {
    guard field.count <= 256, names.count < limit, field.text != nil, !field.bytes.contains(0)
    else { return nil }
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(field.count, 1))
    copy.update(from: field.start, count: field.count)
    entry.pointee = Entry(
      head: head, start: copy, count: Int32(field.count), index: Int32(names.count))
    names.append(Array(field.bytes))
    return names.count - 1
  }
}
