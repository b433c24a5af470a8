/// One partition of a packed file as bytes: columns one after another, little-endian, unaligned.
///
/// Header: accounts, events, bytes of ids, erased accounts, repeats, flags (4 bytes each), bytes of
/// texts (8). Then: the end of each id (4), the ids, how many events each account has (4), hashes of
/// the erased (8); of the events `at` (4 where all are whole seconds of 1970–2106, else 8), kinds (1 where
/// all fit, else 2), and where there are any: `knownAt` (8), values (8), channels (2), keys (8), ends of
/// texts (8), texts.
package enum PackedBlock {
  private static let headerBytes = 6 * 4 + 8

  private struct Flags: OptionSet {
    let rawValue: UInt32
    static let seconds = Flags(rawValue: 1)
    static let wideKinds = Flags(rawValue: 2)
    static let knownAt = Flags(rawValue: 4)
    static let values = Flags(rawValue: 8)
    static let channels = Flags(rawValue: 16)
    static let keys = Flags(rawValue: 32)
    static let texts = Flags(rawValue: 64)
    static let all = Flags(rawValue: 127)
  }

  /// The bytes of a partition, whose rows of the accounts file are left out. O(events).
  static func encode(_ part: Partition) -> [UInt8] {
    var flags: Flags = [.seconds]
    for event in part.events {
      let second = event.at.flooredDivision(by: 1_000_000)
      if second &* 1_000_000 != event.at || second < 0 || second > Int64(UInt32.max) {
        flags.remove(.seconds)
      }
      if event.kind > UInt8.max { flags.insert(.wideKinds) }
      if event.knownAt != event.at { flags.insert(.knownAt) }
      if !event.value.isNaN { flags.insert(.values) }
      if event.channel != 0 { flags.insert(.channels) }
    }
    if !part.keys.isEmpty { flags.insert(.keys) }
    if !part.texts.ends.isEmpty { flags.insert(.texts) }
    let count = size(
      flags, accounts: part.accountCount, events: part.events.count, ids: part.idBytes.count,
      erased: part.erasedHashes.count, texts: part.texts.bytes.count)
    var block = [UInt8](repeating: 0, count: count)
    block.withUnsafeMutableBytes { target in
      var writer = Writer(place: target.baseAddress!)
      for number in [
        part.accountCount, part.events.count, part.idBytes.count, part.erasedHashes.count,
        part.repeats, Int(flags.rawValue),
      ] {
        writer.put(UInt32(truncatingIfNeeded: number))
      }
      writer.put(UInt64(part.texts.bytes.count))
      writer.put(all: part.idEnds)
      writer.put(all: part.idBytes)
      for account in 0..<part.accountCount {
        writer.put(UInt32(truncatingIfNeeded: part.range(account).count))
      }
      writer.put(all: part.erasedHashes)
      if flags.contains(.seconds) {
        for event in part.events {
          writer.put(UInt32(truncatingIfNeeded: event.at / 1_000_000))
        }
      } else {
        for event in part.events { writer.put(event.at) }
      }
      if flags.contains(.wideKinds) {
        for event in part.events { writer.put(event.kind) }
      } else {
        for event in part.events { writer.put(UInt8(truncatingIfNeeded: event.kind)) }
      }
      if flags.contains(.knownAt) { for event in part.events { writer.put(event.knownAt) } }
      if flags.contains(.values) { for event in part.events { writer.put(event.value) } }
      if flags.contains(.channels) { for event in part.events { writer.put(event.channel) } }
      writer.put(all: part.keys)
      writer.put(all: part.texts.ends)
      writer.put(all: part.texts.bytes)
    }
    return block
  }

  private static func size(
    _ flags: Flags, accounts: Int, events: Int, ids: Int, erased: Int, texts: Int
  ) -> Int {
    var each = flags.contains(.seconds) ? 4 : 8
    each += flags.contains(.wideKinds) ? 2 : 1
    for flag in [Flags.knownAt, .values, .keys, .texts] where flags.contains(flag) { each += 8 }
    if flags.contains(.channels) { each += 2 }
    return headerBytes + accounts * 8 + ids + erased * 8 + events * each + texts
  }

  /// The block written anew, or nil where the bytes are none: what is read of a sound block is what was
  /// written. For checks of the format.
  package static func rewritten(_ bytes: [UInt8]) -> [UInt8]? {
    let numbers = Array(UInt16(0)..<512)
    return bytes.withUnsafeBytes {
      decode($0, kinds: numbers, channels: numbers, texts: true).map(encode)
    }
  }

  /// The partition that the bytes hold, its kinds and channels renumbered (`kinds[k]` for kind k;
  /// channel c − 1 is `channels[c]`, none stays 0). Nil where they are no block: whatever they are, nothing
  /// but them is read. O(bytes).
  static func decode(
    _ bytes: UnsafeRawBufferPointer, kinds: [UInt16], channels: [UInt16], texts wantsTexts: Bool
  ) -> Partition? {
    guard bytes.count >= headerBytes, let base = bytes.baseAddress else { return nil }
    func number(_ place: Int) -> Int {
      Int(UInt32(littleEndian: base.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self)))
    }
    let (accounts, events, idCount, erased) = (number(0), number(1), number(2), number(3))
    let flags = Flags(rawValue: UInt32(truncatingIfNeeded: number(5)))
    let textCount = base.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    guard Flags.all.isSuperset(of: flags), textCount <= bytes.count,
      size(
        flags, accounts: accounts, events: events, ids: idCount, erased: erased,
        texts: Int(textCount)) == bytes.count
    else { return nil }
    var reader = Reader(place: base + headerBytes)
    let idEnds = reader.take(accounts, as: UInt32.self)
    let ids = reader.take(idCount, as: UInt8.self)
    let counts = reader.take(accounts, as: UInt32.self)
    let erasedHashes = reader.take(erased, as: UInt64.self)
    guard let eventEnds = ends(counts, total: events), let hashes = hashes(ids, idEnds) else {
      return nil
    }
    let at = reader.skip(events * (flags.contains(.seconds) ? 4 : 8))
    let kind = reader.skip(events * (flags.contains(.wideKinds) ? 2 : 1))
    let knownAt = reader.skip(flags.contains(.knownAt) ? events * 8 : 0)
    let value = reader.skip(flags.contains(.values) ? events * 8 : 0)
    let channel = reader.skip(flags.contains(.channels) ? events * 2 : 0)
    let keys = flags.contains(.keys) ? reader.take(events, as: UInt64.self) : []
    var isSound = true
    let decoded = [Event](unsafeUninitializedCapacity: events) { target, filled in
      /// Inlined for the flags of most blocks, so that their loop asks for no flag.
      @inline(__always)
      func decodeAll(
        _ flags: Flags, _ kinds: UnsafeBufferPointer<UInt16>,
        _ channels: UnsafeBufferPointer<UInt16>
      ) {
        for index in 0..<events {
          let happened =
            flags.contains(.seconds)
            ? Int64(at.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self)) &* 1_000_000
            : at.loadUnaligned(fromByteOffset: index &* 8, as: Int64.self)
          let kindPlace =
            flags.contains(.wideKinds)
            ? Int(kind.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
            : Int(kind.load(fromByteOffset: index, as: UInt8.self))
          let channelPlace =
            flags.contains(.channels)
            ? Int(channel.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)) : 0
          guard kindPlace < kinds.count, channelPlace < channels.count else {
            isSound = false
            return
          }
          (target.baseAddress! + index).initialize(
            to: Event(
              at: happened,
              knownAt: flags.contains(.knownAt)
                ? knownAt.loadUnaligned(fromByteOffset: index &* 8, as: Int64.self) : happened,
              value: flags.contains(.values)
                ? value.loadUnaligned(fromByteOffset: index &* 8, as: Double.self) : .nan,
              kind: kinds[kindPlace], channel: channels[channelPlace], mark: 0))
        }
        filled = events
      }
      kinds.withUnsafeBufferPointer { kinds in
        channels.withUnsafeBufferPointer { channels in
          switch flags.subtracting([.keys, .texts]) {
          case [.seconds, .values]: decodeAll([.seconds, .values], kinds, channels)
          case [.seconds, .values, .channels]:
            decodeAll([.seconds, .values, .channels], kinds, channels)
          default: decodeAll(flags, kinds, channels)
          }
        }
      }
    }
    guard isSound else { return nil }
    var texts = EventTexts()
    if flags.contains(.texts), wantsTexts {
      texts.ends = reader.take(events, as: Int.self)
      texts.bytes = reader.take(Int(textCount), as: UInt8.self)
      let isInOrder = zip(texts.ends, texts.ends.dropFirst()).allSatisfy { $0 <= $1 }
      guard isInOrder, texts.ends.first ?? 0 >= 0, texts.ends.last ?? 0 == texts.bytes.count else {
        return nil
      }
    }
    return Partition(
      idBytes: ids, idEnds: idEnds, hashes: hashes, eventEnds: eventEnds, events: decoded,
      keys: keys, texts: texts, accountRows: Array(repeating: -1, count: accounts),
      erasedHashes: erasedHashes, repeats: number(4))
  }

  /// Where each account's events end; nil where they are not `total`.
  private static func ends(_ counts: [UInt32], total: Int) -> [Int]? {
    var ends: [Int] = []
    ends.reserveCapacity(counts.count)
    var end = 0
    for count in counts {
      end += Int(count)
      ends.append(end)
    }
    return end == total ? ends : nil
  }

  /// The hash of each id; nil where the ids do not fill their bytes or do not stand in order.
  private static func hashes(_ ids: [UInt8], _ ends: [UInt32]) -> [UInt64]? {
    var hashes: [UInt64] = []
    hashes.reserveCapacity(ends.count)
    var start = 0
    var previous: (hash: UInt64, id: Range<Int>)?
    let isSound = ids.withUnsafeBufferPointer { ids in
      for end in ends {
        let range = start..<max(start, Int(end))
        guard !range.isEmpty, range.count <= 256, range.upperBound <= ids.count else {
          return false
        }
        let hash = AccountHash.of(ids.baseAddress! + start, range.count)
        if let previous, hash <= previous.hash,
          hash < previous.hash || !ids[previous.id].lexicographicallyPrecedes(ids[range])
        {
          return false
        }
        hashes.append(hash)
        previous = (hash, range)
        start = range.upperBound
      }
      return start == ids.count
    }
    return isSound ? hashes : nil
  }

  private struct Writer {
    var place: UnsafeMutableRawPointer

    @inline(__always)
    mutating func put<Number: BitwiseCopyable>(_ number: Number) {
      place.storeBytes(of: number, as: Number.self)
      place += MemoryLayout<Number>.size
    }

    mutating func put<Number: BitwiseCopyable>(all numbers: [Number]) {
      numbers.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { place.copyMemory(from: start, byteCount: bytes.count) }
        place += bytes.count
      }
    }
  }

  private struct Reader {
    var place: UnsafeRawPointer

    mutating func skip(_ count: Int) -> UnsafeRawPointer {
      defer { place += count }
      return place
    }

    mutating func take<Number: BitwiseCopyable>(_ count: Int, as: Number.Type) -> [Number] {
      let size = count * MemoryLayout<Number>.size
      let start = skip(size)
      return [Number](unsafeUninitializedCapacity: count) { target, filled in
        filled = count
        if count > 0 {
          UnsafeMutableRawPointer(target.baseAddress!).copyMemory(from: start, byteCount: size)
        }
      }
    }
  }
}
