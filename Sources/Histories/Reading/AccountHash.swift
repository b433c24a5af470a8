/// The stable hash of an account id: XXH64 with seed 0 over its UTF-8 bytes (Y. Collet,
/// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
///
/// It orders accounts and splits them into partitions, so it may never change. It says nothing
/// about equality: ids are always compared byte by byte.
package enum AccountHash {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  package static func of(_ id: String) -> UInt64 {
    var id = id
    return id.withUTF8 { bytes in
      bytes.isEmpty ? avalanche(prime5) : of(bytes.baseAddress!, bytes.count)
    }
  }

  @inline(__always)
  static func of(_ start: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    var place = UnsafeRawPointer(start)
    // The most common length, without the loops.
    if count == 8 { return avalanche(step(prime5 &+ 8, word(place))) }
    let end = place + count
    var hash: UInt64
    if count >= 32 {
      (hash, place) = stripes(place, end)
    } else {
      hash = prime5
    }
    hash = hash &+ UInt64(count)
    while end - place >= 8 {
      hash = step(hash, word(place))
      place += 8
    }
    if end - place >= 4 {
      hash ^= UInt64(UInt32(littleEndian: place.loadUnaligned(as: UInt32.self))) &* prime1
      hash = rotate(hash, 23) &* prime2 &+ prime3
      place += 4
    }
    while place < end {
      hash ^= UInt64(place.load(as: UInt8.self)) &* prime5
      hash = rotate(hash, 11) &* prime1
      place += 1
    }
    return avalanche(hash)
  }

  private static func stripes(
    _ start: UnsafeRawPointer, _ end: UnsafeRawPointer
  ) -> (UInt64, UnsafeRawPointer) {
    var place = start
    var lanes = (prime1 &+ prime2, prime2, UInt64(0), 0 &- prime1)
    repeat {
      lanes.0 = round(lanes.0, word(place))
      lanes.1 = round(lanes.1, word(place + 8))
      lanes.2 = round(lanes.2, word(place + 16))
      lanes.3 = round(lanes.3, word(place + 24))
      place += 32
    } while end - place >= 32
    var hash =
      rotate(lanes.0, 1) &+ rotate(lanes.1, 7) &+ rotate(lanes.2, 12) &+ rotate(lanes.3, 18)
    for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
      hash = (hash ^ round(0, lane)) &* prime1 &+ prime4
    }
    return (hash, place)
  }

  @inline(__always)
  private static func word(_ place: UnsafeRawPointer) -> UInt64 {
    UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
  }

  /// Takes in eight bytes behind the stripes.
  @inline(__always)
  private static func step(_ hash: UInt64, _ input: UInt64) -> UInt64 {
    rotate(hash ^ round(0, input), 27) &* prime1 &+ prime4
  }

  @inline(__always)
  private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
    rotate(lane &+ input &* prime2, 31) &* prime1
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    (value << bits) | (value >> (64 - bits))
  }

  @inline(__always)
  private static func avalanche(_ value: UInt64) -> UInt64 {
    var hash = value
    hash ^= hash >> 33
    hash = hash &* prime2
    hash ^= hash >> 29
    hash = hash &* prime3
    hash ^= hash >> 32
    return hash
  }
}
