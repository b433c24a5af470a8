import Foundation

/// The bytes of one field; at least eight readable bytes follow `start` whatever `count` is.
struct Field {
  var start: UnsafePointer<UInt8>
  var count: Int

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }
  /// The field as text, or nil when it is not UTF-8.
  var text: String? { String(validating: bytes, as: UTF8.self) }
}

/// Splits whole rows into fields (RFC 4180; LF or CRLF; blank lines are no rows).
///
/// Lives as long as the chunk that it reads; O(bytes), eight bytes a step outside quotes.
struct RowReader {
  private let end: UnsafePointer<UInt8>
  private var cursor: UnsafePointer<UInt8>
  private let columns: Int
  private let fields: UnsafeMutablePointer<Field>
  private var unescaped: UnsafeMutablePointer<UInt8>
  private let scratch: UnsafeMutablePointer<UInt8>?
  /// Lines ended so far in the chunk.
  private(set) var lines = 0
  /// Of the row last read: where it is, on which line (from 0 in the chunk) it starts, and
  /// whether something stands between a closing quote and the next comma.
  private(set) var rowStart: UnsafePointer<UInt8>
  private(set) var rowLine = 0
  private(set) var malformed = false

  /// Reads `chunk`, keeping the first `columns` fields of each row in `fields`.
  init(_ chunk: ChunkBuffer, columns: Int, fields: UnsafeMutablePointer<Field>) {
    cursor = chunk.base
    rowStart = cursor
    end = cursor + chunk.rowBytes
    self.columns = columns
    self.fields = fields
    // Unescaped fields are shorter than what they were made of, so the chunk's size is enough.
    scratch = chunk.quoted ? .allocate(capacity: chunk.rowBytes + 16) : nil
    unescaped = scratch ?? UnsafeMutablePointer(mutating: cursor)
  }

  func deallocate() { scratch?.deallocate() }

  /// The bytes of the row last read, without its line end.
  var rowBytes: UnsafeBufferPointer<UInt8> {
    var count = min(cursor, end) - rowStart
    while count > 0, rowStart[count - 1] == 0x0a || rowStart[count - 1] == 0x0d { count -= 1 }
    return UnsafeBufferPointer(start: rowStart, count: count)
  }

  /// The number of fields of the next row, or nil at the end of the chunk.
  @inline(__always)
  mutating func next() -> Int? {
    while cursor < end {
      if cursor.pointee == 0x0a {
        cursor += 1
      } else if cursor.pointee == 0x0d, cursor[1] == 0x0a {
        cursor += 2
      } else {
        break
      }
      lines &+= 1
    }
    guard cursor < end else { return nil }
    rowStart = cursor
    rowLine = lines
    malformed = false
    var count = 0
    var place = cursor
    while true {
      var field = Field(start: place, count: 0)
      var stop: UnsafePointer<UInt8>
      if place.pointee == 0x22 {
        (field, stop) = quotedField(at: place)
      } else {
        stop = Self.fieldEnd(place)
        field.count = stop - place
      }
      let last = stop.pointee == 0x0a
      if last, field.count > 0, stop[-1] == 0x0d, place.pointee != 0x22 { field.count &-= 1 }
      if count < columns { fields[count] = field }
      count &+= 1
      place = stop + 1
      if last { break }
    }
    cursor = place
    lines &+= 1
    return count
  }

  /// The next comma or line end at or after `place`; the chunk ends with a line end.
  @inline(__always)
  private static func fieldEnd(_ place: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var place = place
    while true {
      let word = UInt64(
        littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt64.self))
      // The high bit of each byte below '-', and the lowest of them is exact: in most fields
      // commas and line ends are the only ones.
      var found = (word &- (ones &* 0x2d)) & ~word & highs
      if found == 0 {
        place += 8
        continue
      }
      let stop = place + (found.trailingZeroBitCount &>> 3)
      if stop.pointee == 0x2c || stop.pointee == 0x0a { return stop }
      // A byte is zero where it matches; the lowest byte found is exact (Mycroft's test).
      let comma = word ^ (ones &* 0x2c)
      let line = word ^ (ones &* 0x0a)
      found = (((comma &- ones) & ~comma) | ((line &- ones) & ~line)) & highs
      if found != 0 { return place + (found.trailingZeroBitCount &>> 3) }
      place += 8
    }
  }

  private mutating func quotedField(
    at opening: UnsafePointer<UInt8>
  ) -> (Field, UnsafePointer<UInt8>) {
    var place = opening + 1
    var field = Field(start: place, count: 0)
    var copied = false
    while let found = memchr(place, 0x22, end - place) {
      let quote = UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
      for byte in UnsafeBufferPointer(start: place, count: quote - place) where byte == 0x0a {
        lines &+= 1
      }
      let doubled = quote + 1 < end && quote[1] == 0x22
      if doubled || copied {
        if !copied { field.start = UnsafePointer(unescaped) }
        let part = quote - place + (doubled ? 1 : 0)
        unescaped.update(from: place, count: part)
        unescaped += part
        field.count += part
        copied = true
      } else {
        field.count = quote - place
      }
      place = quote + (doubled ? 2 : 1)
      if !doubled { break }
    }
    var stop = Self.fieldEnd(place)
    if stop > end { stop = end }
    let rest = stop - place
    if rest > 0, !(rest == 1 && place.pointee == 0x0d && stop.pointee == 0x0a) { malformed = true }
    return (field, stop)
  }
}
