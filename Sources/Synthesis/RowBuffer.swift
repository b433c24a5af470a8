/// Bytes of CSV rows being made, written by hand: no formatter, no String per field.
///
/// Owns its memory; room is checked once a field. Every index written is below `room`, which
/// `reserve` has just seen to.
struct RowBuffer: ~Copyable {
  private var base: UnsafeMutablePointer<UInt8>
  private var room: Int
  private(set) var count = 0

  init(capacity: Int) {
    room = max(capacity, 64)
    base = .allocate(capacity: room)
  }

  deinit {
    base.deallocate()
  }

  /// The bytes written so far, for as long as `body` runs.
  func withBytes<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  mutating func removeAll() {
    count = 0
  }

  @inline(__always)
  private mutating func reserve(_ more: Int) {
    if count + more > room { grow(more) }
  }

  private mutating func grow(_ more: Int) {
    room = max(2 * room, count + more)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
  }

  mutating func byte(_ value: UInt8) {
    reserve(1)
    base[count] = value
    count += 1
  }

  mutating func comma() {
    byte(UInt8(ascii: ","))
  }

  mutating func newline() {
    byte(UInt8(ascii: "\n"))
  }

  mutating func raw(_ other: borrowing RowBuffer) {
    reserve(other.count)
    (base + count).update(from: other.base, count: other.count)
    count += other.count
  }

  mutating func text(_ value: StaticString) {
    reserve(value.utf8CodeUnitCount)
    (base + count).update(from: value.utf8Start, count: value.utf8CodeUnitCount)
    count += value.utf8CodeUnitCount
  }

  mutating func text(_ value: String) {
    for unit in value.utf8 { byte(unit) }
  }

  mutating func flag(_ value: Bool) {
    byte(value ? 49 : 48)
  }

  mutating func boolean(_ value: Bool) {
    if value { text("true" as StaticString) } else { text("false" as StaticString) }
  }

  /// A whole number ≥ 0, with leading zeros up to `width` digits, 24 at most.
  mutating func integer(_ value: Int, width: Int = 1) {
    var digits = 1
    var rest = value / 10
    while rest > 0 {
      digits += 1
      rest /= 10
    }
    digits = max(digits, width)
    reserve(digits)
    rest = value
    var place = count + digits
    while place > count {
      place -= 1
      base[place] = UInt8(48 + rest % 10)
      rest /= 10
    }
    count += digits
  }

  /// A number ≥ 0 given in units of 10^-places, all its places written.
  mutating func decimal(_ scaled: Int, places: Int) {
    if places == 0 {
      integer(scaled)
      return
    }
    var unit = 1
    for _ in 0..<places { unit *= 10 }
    integer(scaled / unit)
    byte(UInt8(ascii: "."))
    integer(scaled % unit, width: places)
  }

  /// An instant as yyyy-MM-ddTHH:mm:ssZ.
  mutating func instant(_ seconds: Int, in calendar: borrowing Calendar) {
    let (date, second) = calendar.date(of: seconds)
    reserve(20)
    let room = UnsafeMutableRawPointer(base + count)
    room.storeBytes(of: date.first.littleEndian, as: UInt64.self)
    room.storeBytes(of: date.last.littleEndian, toByteOffset: 8, as: UInt16.self)
    base[count + 10] = UInt8(ascii: "T")
    pair(second / 3_600, at: count + 11)
    base[count + 13] = UInt8(ascii: ":")
    pair(second / 60 % 60, at: count + 14)
    base[count + 16] = UInt8(ascii: ":")
    pair(second % 60, at: count + 17)
    base[count + 19] = UInt8(ascii: "Z")
    count += 20
  }

  private func pair(_ value: Int, at place: Int) {
    base[place] = UInt8(48 + value / 10)
    base[place + 1] = UInt8(48 + value % 10)
  }
}
