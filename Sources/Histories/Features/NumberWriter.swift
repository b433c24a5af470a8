/// A growing buffer of output bytes that knows how to write numbers fast.
struct NumberWriter {
  private var bytes: [UInt8] = []
  private var used = 0
  /// Room that any number fits in.
  private static let longest = 40

  init(capacity: Int) {
    bytes = Array(repeating: 0, count: max(capacity, 256))
  }

  /// The bytes written so far.
  mutating func finish() -> [UInt8] {
    bytes.removeLast(bytes.count - used)
    return bytes
  }

  private mutating func need(_ count: Int) {
    if used + count > bytes.count {
      bytes.append(contentsOf: repeatElement(0, count: max(count, bytes.count / 2)))
    }
  }

  @inline(__always)
  mutating func append(byte: UInt8) {
    need(1)
    bytes[used] = byte
    used &+= 1
  }

  mutating func append(field: some Collection<UInt8>) {
    need(2 * field.count + 2)
    let special = field.contains { $0 == 0x2c || $0 == 0x22 || $0 == 0x0a || $0 == 0x0d }
    if special { append(byte: 0x22) }
    for byte in field {
      if byte == 0x22 { append(byte: byte) }
      append(byte: byte)
    }
    if special { append(byte: 0x22) }
  }

  mutating func append(raw values: UnsafePointer<Double>, count: Int) {
    let count = count * 8
    need(count)
    bytes.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[used..<(used + count)])
        .copyMemory(from: UnsafeRawBufferPointer(start: values, count: count))
    }
    used += count
  }

  /// Appends the shortest decimal that reads back as `value`; nothing for NaN (missing).
  @inline(__always)
  mutating func append(_ value: Double) {
    need(Self.longest)
    let units = Int64(truncatingIfNeeded: Int(exactly: value) ?? .min)
    if units > -1_000_000_000_000_000, units < 1_000_000_000_000_000 {
      append(integer: units)
    } else if !value.isNaN {
      append(general: value)
    }
  }

  @inline(__always)
  private mutating func append(integer value: Int64) {
    if value >= 0, value < 10 {
      bytes[used] = 0x30 &+ UInt8(truncatingIfNeeded: value)
      used &+= 1
      return
    }
    if value < 0 {
      bytes[used] = 0x2d
      used &+= 1
    }
    append(digits: value.magnitude)
  }

  private mutating func append(digits value: UInt64) {
    var count = 1
    var bound: UInt64 = 10
    while count < 19, value >= bound {
      count += 1
      bound = bound &* 10
    }
    var rest = value
    var place = used + count
    while place > used {
      place -= 1
      bytes[place] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    used += count
  }

  private mutating func append(general value: Double) {
    for byte in value.description.utf8 {
      bytes[used] = byte
      used += 1
    }
  }
}
