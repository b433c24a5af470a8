/// Events on their way from parsing to their partition: packed bytes in blocks, one list of
/// blocks for each partition, filled by one worker.
///
/// Layout of an event, unaligned and in the byte order of the processor (it never leaves memory):
/// flags (1), length of the account − 1 (1), kind and two flags more (2), at (4 when whole seconds of
/// 1970–2106, else 8), value (0, 4 or 8), knownAt (8, only where it differs from at), channel (2), key
/// (8), length of the text (4), each only where there is one, the account's bytes, the text's bytes.
final class EncodedEvents {
  struct Block {
    var start: UnsafeMutableRawPointer
    var used: Int
  }

  /// Where the next event of a partition goes, where a new block is needed, and the number of
  /// events so far: side by side, as an event touches all three.
  private struct Writing {
    var cursor: UnsafeMutableRawPointer?
    var limit: UnsafeMutableRawPointer?
    var count = 0
  }

  static let blockBytes = 16_384
  /// Of a day beside packed histories, a partition has a handful of events.
  private static let firstBlockBytes = 2048
  /// More than the largest event takes, its text apart.
  private static let largest = 2 + 2 + 8 + 8 + 8 + 2 + 8 + 4 + 256 + 8

  /// Bits of the flags byte: 0–1 the form of the value, 2–4 its scale, then whether at has eight
  /// bytes, whether knownAt and the channel are there.
  private static let wideTime: UInt8 = 1 << 5
  private static let hasKnownAt: UInt8 = 1 << 6
  private static let hasChannel: UInt8 = 1 << 7
  /// Bits beside the kind: whether the key and the text are there.
  private static let hasKey: UInt16 = 1 << 15
  private static let hasText: UInt16 = 1 << 14
  /// The kind that marks a row of the accounts file, whose number stands in the time.
  static let accountRow: UInt16 = hasText - 1

  /// By partition. Partitions are independent memory, so that different workers may read and
  /// release different ones once `finish` was called.
  private let writing: UnsafeMutablePointer<Writing>
  private let blocks: UnsafeMutablePointer<[Block]>
  private let partitions: Int
  private let shift: UInt64
  /// Memory taken for blocks so far.
  private(set) var bytes = 0

  /// `partitions` is a power of two; an id's partition is the top bits of its hash.
  init(partitions: Int) {
    writing = .allocate(capacity: partitions)
    writing.initialize(repeating: Writing(), count: partitions)
    blocks = .allocate(capacity: partitions)
    blocks.initialize(repeating: [], count: partitions)
    self.partitions = partitions
    shift = UInt64(64 - partitions.trailingZeroBitCount)
  }

  deinit {
    for partition in 0..<partitions { release(partition) }
    blocks.deinitialize(count: partitions)
    blocks.deallocate()
    writing.deallocate()
  }

  func count(_ partition: Int) -> Int { writing[partition].count }

  @inline(__always)
  func append(
    account: Field, kind: UInt16, at: Int64, knownAt: Int64, value: EncodedValue, channel: UInt16,
    key: UInt64 = 0, text: Field? = nil
  ) {
    let hash = AccountHash.of(account.start, account.count)
    let partition = shift == 64 ? 0 : Int(truncatingIfNeeded: hash >> shift)
    let start = room(partition, text?.count ?? 0)
    var kind = kind
    var place = start + 4
    var flags: UInt8 = 0
    let seconds = at / 1_000_000
    if seconds &* 1_000_000 == at, seconds >= 0, seconds <= Int64(UInt32.max) {
      place.storeBytes(of: UInt32(truncatingIfNeeded: seconds), as: UInt32.self)
      place += 4
    } else {
      flags |= Self.wideTime
      place.storeBytes(of: at, as: Int64.self)
      place += 8
    }
    flags |= value.form.rawValue | value.places &<< 2
    switch value.form {
    case .none: break
    case .scaled:
      place.storeBytes(of: UInt32(truncatingIfNeeded: value.bits), as: UInt32.self)
      place += 4
    case .double:
      place.storeBytes(of: value.bits, as: UInt64.self)
      place += 8
    }
    if knownAt != at {
      flags |= Self.hasKnownAt
      place.storeBytes(of: knownAt, as: Int64.self)
      place += 8
    }
    if channel != 0 {
      flags |= Self.hasChannel
      place.storeBytes(of: channel, as: UInt16.self)
      place += 2
    }
    if key != 0 {
      kind |= Self.hasKey
      place.storeBytes(of: key, as: UInt64.self)
      place += 8
    }
    if let text {
      kind |= Self.hasText
      place.storeBytes(of: UInt32(truncatingIfNeeded: text.count), as: UInt32.self)
      place += 4
    }
    start.storeBytes(of: flags, as: UInt8.self)
    start.storeBytes(
      of: UInt8(truncatingIfNeeded: account.count &- 1), toByteOffset: 1, as: UInt8.self)
    start.storeBytes(of: kind, toByteOffset: 2, as: UInt16.self)
    if account.count <= 8 {
      // Eight bytes may be read past any field and written past any event.
      place.storeBytes(
        of: UnsafeRawPointer(account.start).loadUnaligned(as: UInt64.self), as: UInt64.self)
    } else {
      place.copyMemory(from: account.start, byteCount: account.count)
    }
    place += account.count
    if let text {
      place.copyMemory(from: text.start, byteCount: text.count)
      place += text.count
    }
    writing[partition].cursor = place
    writing[partition].count &+= 1
  }

  /// Where an event may be written, with a text of so many bytes.
  @inline(__always)
  private func room(_ partition: Int, _ text: Int) -> UnsafeMutableRawPointer {
    if let cursor = writing[partition].cursor, let limit = writing[partition].limit,
      cursor + text <= limit
    {
      return cursor
    }
    return newBlock(partition, text)
  }

  private func newBlock(_ partition: Int, _ text: Int) -> UnsafeMutableRawPointer {
    finish(partition)
    let usual = blocks[partition].isEmpty ? Self.firstBlockBytes : Self.blockBytes
    let size = max(usual, Self.largest + text)
    let start = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    bytes += size
    blocks[partition].append(Block(start: start, used: 0))
    writing[partition].cursor = start
    writing[partition].limit = start + (size - Self.largest)
    return start
  }

  private func finish(_ partition: Int) {
    guard let cursor = writing[partition].cursor, let last = blocks[partition].indices.last else {
      return
    }
    blocks[partition][last].used = cursor - blocks[partition][last].start
  }

  /// To be called when the last event is in, before reading back.
  func finish() {
    for partition in 0..<partitions { finish(partition) }
  }

  /// Calls `body` with each event of a partition, in the order of appending.
  @inline(__always)
  func forEach(_ partition: Int, _ body: (EncodedEvent) -> Void) {
    for block in blocks[partition] {
      var place = UnsafeRawPointer(block.start)
      let end = place + block.used
      while place < end { body(EncodedEvent(at: &place)) }
    }
  }

  /// Gives back a partition's memory; its events are counted no more. Different partitions at once.
  func release(_ partition: Int) {
    for block in blocks[partition] { block.start.deallocate() }
    blocks[partition] = []
    writing[partition] = Writing()
  }

  /// To be called when every partition was released, before more is appended.
  func restart() { bytes = 0 }

  /// One event read back. `id` and `text` point into the block.
  struct EncodedEvent {
    var at: Int64
    var knownAt: Int64
    /// NaN where there is none.
    var value: Double
    var kind: UInt16
    var channel: UInt16
    /// The digest of the event's own id; 0 where it has none.
    var key: UInt64 = 0
    var id: UnsafePointer<UInt8>
    var idCount: Int
    var text: UnsafePointer<UInt8>
    /// −1 where there is none.
    var textCount = -1

    @inline(__always)
    fileprivate init(at place: inout UnsafeRawPointer) {
      let flags = place.load(as: UInt8.self)
      idCount = Int(place.load(fromByteOffset: 1, as: UInt8.self)) &+ 1
      let marked = place.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
      kind = marked & EncodedEvents.accountRow
      place += 4
      if flags & EncodedEvents.wideTime == 0 {
        at = Int64(place.loadUnaligned(as: UInt32.self)) &* 1_000_000
        place += 4
      } else {
        at = place.loadUnaligned(as: Int64.self)
        place += 8
      }
      switch flags & 3 {
      case 1:
        let units = Double(place.loadUnaligned(as: UInt32.self))
        value = units / EncodedEvents.scale(flags >> 2 & 7)
        place += 4
      case 2:
        value = place.loadUnaligned(as: Double.self)
        place += 8
      default: value = .nan
      }
      knownAt = at
      if flags & EncodedEvents.hasKnownAt != 0 {
        knownAt = place.loadUnaligned(as: Int64.self)
        place += 8
      }
      channel = 0
      if flags & EncodedEvents.hasChannel != 0 {
        channel = place.loadUnaligned(as: UInt16.self)
        place += 2
      }
      if marked & EncodedEvents.hasKey != 0 {
        key = place.loadUnaligned(as: UInt64.self)
        place += 8
      }
      if marked & EncodedEvents.hasText != 0 {
        textCount = Int(place.loadUnaligned(as: UInt32.self))
        place += 4
      }
      id = place.assumingMemoryBound(to: UInt8.self)
      place += idCount
      text = place.assumingMemoryBound(to: UInt8.self)
      place += max(textCount, 0)
    }
  }

  /// 10^places, exact; one division then rounds correctly.
  @inline(__always)
  private static func scale(_ places: UInt8) -> Double {
    switch places {
    case 0: 1
    case 1: 1e1
    case 2: 1e2
    case 3: 1e3
    case 4: 1e4
    case 5: 1e5
    case 6: 1e6
    default: 1e7
    }
  }
}
