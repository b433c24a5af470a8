/// A worker's own numbering of kinds or channels, in the order in which it met them.
///
/// Open addressing on the first eight bytes and the length, with the whole name compared.
final class NameTable {
  private struct Entry {
    var head: UInt64 = 0
    var count = -1
    var index = 0
  }

  private(set) var names: [[UInt8]] = []
  private var slots: [Entry]
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
    slots = Array(repeating: Entry(), count: 64)
  }

  /// The number of a name, new if need be; nil when it is not UTF-8, holds NUL, is longer than
  /// 256 bytes, or would be one too many.
  @inline(__always)
  func index(of field: Field) -> Int? {
    let head = Self.head(field)
    var slot = Self.slot(head, field.count) & (slots.count &- 1)
    while true {
      let entry = slots[slot]
      if entry.head == head, entry.count == field.count,
        field.count <= 8 || names[entry.index].elementsEqual(field.bytes)
      {
        return entry.index
      }
      if entry.count < 0 { return insert(field, head) }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
  }

  private func insert(_ field: Field, _ head: UInt64) -> Int? {
    guard field.count <= 256, names.count < limit, field.text != nil, !field.bytes.contains(0)
    else { return nil }
    names.append(Array(field.bytes))
    if names.count * 4 > slots.count {
      let old = slots
      slots = Array(repeating: Entry(), count: old.count * 2)
      for entry in old where entry.count >= 0 { place(entry) }
    }
    place(Entry(head: head, count: field.count, index: names.count - 1))
    return names.count - 1
  }

  private func place(_ entry: Entry) {
    var slot = Self.slot(entry.head, entry.count) & (slots.count - 1)
    while slots[slot].count >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = entry
  }

  @inline(__always)
  private static func head(_ field: Field) -> UInt64 {
    let word = UInt64(
      littleEndian: UnsafeRawPointer(field.start).loadUnaligned(as: UInt64.self))
    return field.count >= 8 ? word : word & ((1 << UInt64(field.count &* 8)) &- 1)
  }

  @inline(__always)
  private static func slot(_ head: UInt64, _ count: Int) -> Int {
    Int(truncatingIfNeeded: ((head &+ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15) >> 40)
  }
}
