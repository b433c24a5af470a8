/// Bytes of CSV rows being made, written by hand: no formatter, no String per field.
struct RowBuffer {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int) {
    bytes.reserveCapacity(capacity)
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
  }

  mutating func byte(_ value: UInt8) {
    bytes.append(value)
  }

  mutating func comma() {
    bytes.append(UInt8(ascii: ","))
  }

  mutating func newline() {
    bytes.append(UInt8(ascii: "\n"))
  }

  mutating func raw(_ text: [UInt8]) {
    bytes.append(contentsOf: text)
  }

  mutating func raw(_ text: ArraySlice<UInt8>) {
    bytes.append(contentsOf: text)
  }

  mutating func text(_ value: String) {
    bytes.append(contentsOf: value.utf8)
  }

  mutating func flag(_ value: Bool) {
    bytes.append(value ? 49 : 48)
  }

  mutating func boolean(_ value: Bool) {
    text(value ? "true" : "false")
  }

  /// A whole number ≥ 0, with leading zeros up to `width` digits.
  mutating func integer(_ value: Int, width: Int = 1) {
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { room in
      var rest = value
      var place = room.count
      repeat {
        place -= 1
        room[place] = UInt8(48 + rest % 10)
        rest /= 10
      } while rest > 0
      while room.count - place < width {
        place -= 1
        room[place] = 48
      }
      bytes.append(contentsOf: room[place...])
    }
  }

  /// A number ≥ 0 given in units of 10^-places, all its places written.
  mutating func decimal(_ scaled: Int, places: Int) {
    var unit = 1
    for _ in 0..<places { unit *= 10 }
    integer(scaled / unit)
    byte(UInt8(ascii: "."))
    integer(scaled % unit, width: places)
  }

  /// An instant as yyyy-MM-ddTHH:mm:ssZ.
  mutating func instant(_ seconds: Int, in calendar: Calendar) {
    let (date, second) = calendar.date(of: seconds)
    raw(date)
    byte(UInt8(ascii: "T"))
    pair(second / 3_600)
    byte(UInt8(ascii: ":"))
    pair(second / 60 % 60)
    byte(UInt8(ascii: ":"))
    pair(second % 60)
    byte(UInt8(ascii: "Z"))
  }

  private mutating func pair(_ value: Int) {
    bytes.append(UInt8(48 + value / 10))
    bytes.append(UInt8(48 + value % 10))
  }
}
