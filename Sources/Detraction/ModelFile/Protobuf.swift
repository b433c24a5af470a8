/// Protocol Buffers as they stand in a file: fields of a message, one after another.
///
/// Format: https://protobuf.dev/programming-guides/encoding/. Only what ONNX needs: varints and
/// lengths with bytes.
struct Protobuf {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, _ value: Int) {
    varint(UInt64(field) << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: Int, _ value: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(value.count))
    bytes += value
  }

  mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

  mutating func add(_ field: Int, _ message: Protobuf) { add(field, message.bytes) }

  /// A message made on the spot.
  mutating func add(_ field: Int, _ build: (inout Protobuf) -> Void) {
    var message = Protobuf()
    build(&message)
    add(field, message)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
