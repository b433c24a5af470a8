import Foundation

/// A column of a query's answer.
struct PostgresColumn {
  var name: String
  var type: PostgresType
}

/// The binary form of `COPY` into lines of CSV, however it is cut into messages
/// (https://www.postgresql.org/docs/current/sql-copy.html, Binary Format).
struct PostgresRows {
  private let types: [PostgresType]
  /// What of the messages so far made no whole row.
  private var rest: [UInt8] = []
  private var hasBegun = false
  private var hasEnded = false
  private(set) var count = 0

  init(_ types: [PostgresType]) { self.types = types }

  /// Whether the trailer was met, and nothing behind it.
  var isComplete: Bool { hasEnded && rest.isEmpty }

  /// Appends the rows that a message completes; false where it is not of this format. O(bytes).
  mutating func add(_ message: UnsafeRawBufferPointer, to csv: inout [UInt8]) -> Bool {
    if rest.isEmpty {
      guard let used = parse(message, &csv) else { return false }
      rest.append(contentsOf: message[used...])
    } else {
      var bytes = rest
      rest = []
      bytes.append(contentsOf: message)
      guard let used = bytes.withUnsafeBytes({ parse($0, &csv) }) else { return false }
      rest.append(contentsOf: bytes[used...])
    }
    return true
  }

  /// How many of the bytes were whole; nil for what cannot be.
  private mutating func parse(_ bytes: UnsafeRawBufferPointer, _ csv: inout [UInt8]) -> Int? {
    var place = 0
    if !hasBegun {
      guard bytes.count >= 19 else { return 0 }
      let signature: [UInt8] = [
        0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0,
      ]
      let extra = Int(bytes.bigEndian(at: 15, as: Int32.self))
      // Flags would mean a newer format.
      guard bytes.starts(with: signature), bytes.bigEndian(at: 11, as: Int32.self) == 0, extra >= 0
      else { return nil }
      guard bytes.count >= 19 + extra else { return 0 }
      hasBegun = true
      place = 19 + extra
    }
    while bytes.count - place >= 2 {
      if hasEnded { return nil }
      let fields = Int(bytes.bigEndian(at: place, as: Int16.self))
      if fields == -1 {
        hasEnded = true
        place += 2
        continue
      }
      guard fields == types.count else { return nil }
      let start = csv.count
      guard let next = row(bytes, place + 2, &csv) else { return nil }
      if next == 0 {
        csv.removeLast(csv.count - start)
        break
      }
      place = next
      count += 1
    }
    return place
  }

  /// Where the next row begins, 0 where this one is not whole yet, nil for what cannot be.
  private func row(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ csv: inout [UInt8]) -> Int? {
    var place = start
    let begin = csv.count
    for (column, type) in types.enumerated() {
      guard bytes.count - place >= 4 else { return 0 }
      let length = Int(bytes.bigEndian(at: place, as: Int32.self))
      place += 4
      if column > 0 { csv.append(0x2c) }
      if length == -1 { continue }
      guard length >= 0 else { return nil }
      guard bytes.count - place >= length else { return 0 }
      let value = UnsafeRawBufferPointer(rebasing: bytes[place..<(place + length)])
      guard type.append(value, to: &csv) else { return nil }
      place += length
    }
    // An empty line would be no row.
    if csv.count == begin { csv += [0x22, 0x22] }
    csv.append(0x0a)
    return place
  }
}

/// The types that are read, by their ids (pg_type.dat); domains come as the type that they are of.
enum PostgresType {
  case text, jsonb, bool, int2, int4, int8, float4, float8, numeric, uuid, date, timestamp
  case timestamptz

  init?(_ id: UInt32) {
    switch id {
    case 16: self = .bool
    case 20: self = .int8
    case 21: self = .int2
    case 23: self = .int4
    // name, text, json, unknown, bpchar, varchar
    case 19, 25, 114, 705, 1042, 1043: self = .text
    case 700: self = .float4
    case 701: self = .float8
    case 1082: self = .date
    case 1114: self = .timestamp
    case 1184: self = .timestamptz
    case 1700: self = .numeric
    case 2950: self = .uuid
    case 3802: self = .jsonb
    default: return nil
    }
  }

  /// Writes a value in its binary form as a field of CSV; false where it is none of this type.
  func append(_ bytes: UnsafeRawBufferPointer, to csv: inout [UInt8]) -> Bool {
    switch self {
    case .text: CSVText.append(bytes, to: &csv)
    case .jsonb:
      guard bytes.first == 1 else { return false }
      CSVText.append(bytes.dropFirst(), to: &csv)
    case .bool:
      guard bytes.count == 1 else { return false }
      csv += (bytes[0] == 0 ? "false" : "true").utf8
    case .int2:
      guard bytes.count == 2 else { return false }
      csv += String(bytes.bigEndian(at: 0, as: Int16.self)).utf8
    case .int4:
      guard bytes.count == 4 else { return false }
      csv += String(bytes.bigEndian(at: 0, as: Int32.self)).utf8
    case .int8:
      guard bytes.count == 8 else { return false }
      csv += String(bytes.bigEndian(at: 0, as: Int64.self)).utf8
    case .float4:
      // Widened, so that it arrives as the double that it is.
      guard bytes.count == 4 else { return false }
      csv += "\(Double(Float(bitPattern: bytes.bigEndian(at: 0, as: UInt32.self))))".utf8
    case .float8:
      guard bytes.count == 8 else { return false }
      csv += "\(Double(bitPattern: bytes.bigEndian(at: 0, as: UInt64.self)))".utf8
    case .numeric: return Self.appendNumeric(bytes, to: &csv)
    case .uuid:
      guard bytes.count == 16 else { return false }
      let digits = Array("0123456789abcdef".utf8)
      for (place, byte) in bytes.enumerated() {
        if [4, 6, 8, 10].contains(place) { csv.append(UInt8(ascii: "-")) }
        csv.append(digits[Int(byte >> 4)])
        csv.append(digits[Int(byte & 15)])
      }
    case .date:
      guard bytes.count == 4 else { return false }
      let days = bytes.bigEndian(at: 0, as: Int32.self)
      csv += (Self.infinity(days) ?? Self.date(Int(days) + Self.epochDays)).utf8
    case .timestamp, .timestamptz:
      guard bytes.count == 8 else { return false }
      let time = bytes.bigEndian(at: 0, as: Int64.self)
      csv += (Self.infinity(time) ?? Self.time(time, isInstant: self == .timestamptz)).utf8
    }
    return true
  }

  /// 2000-01-01 as days since 1970-01-01: where PostgreSQL counts from.
  private static let epochDays = 10_957

  /// What PostgreSQL calls the ends of a type's range; no reader takes it for a time.
  private static func infinity(_ value: some FixedWidthInteger) -> String? {
    value == .max ? "infinity" : value == .min ? "-infinity" : nil
  }

  private static func date(_ days: Int) -> String {
    let (year, month, day) = civilDate(daysSinceEpoch: days)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  private static func time(_ microseconds: Int64, isInstant: Bool) -> String {
    let days = microseconds.flooredDivision(by: Instant.microsecondsPerDay)
    let rest = Int(microseconds - days * Instant.microsecondsPerDay)
    let seconds = rest / 1_000_000
    var text = date(Int(days) + epochDays)
    text +=
      "T\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    if rest % 1_000_000 != 0 { text += ".\(padded(rest % 1_000_000, 6))" }
    return isInstant ? text + "Z" : text
  }

  /// Digits to the base 10,000 (utils/adt/numeric.c, numeric_send): how many, the weight of the first,
  /// the sign, and how many decimals are shown; then the digits. As the server itself prints it.
  private static func appendNumeric(
    _ bytes: UnsafeRawBufferPointer, to csv: inout [UInt8]
  ) -> Bool {
    guard bytes.count >= 8 else { return false }
    let count = Int(bytes.bigEndian(at: 0, as: UInt16.self))
    let weight = Int(bytes.bigEndian(at: 2, as: Int16.self))
    let sign = bytes.bigEndian(at: 4, as: UInt16.self)
    let decimals = Int(bytes.bigEndian(at: 6, as: UInt16.self))
    guard bytes.count == 8 + 2 * count else { return false }
    switch sign {
    case 0: break
    case 0x4000: csv.append(UInt8(ascii: "-"))
    case 0xc000, 0xd000, 0xf000:
      csv += (sign == 0xc000 ? "NaN" : sign == 0xd000 ? "Infinity" : "-Infinity").utf8
      return true
    default: return false
    }
    func digits(_ place: Int) -> [UInt8]? {
      guard place >= 0, place < count else { return Array("0000".utf8) }
      let value = bytes.bigEndian(at: 8 + 2 * place, as: UInt16.self)
      return value < 10_000 ? Array(padded(Int(value), 4).utf8) : nil
    }
    var whole: [UInt8] = []
    for place in 0..<max(weight + 1, 0) {
      guard let four = digits(place) else { return false }
      whole += four
    }
    let shown = whole.drop { $0 == 0x30 }
    csv += shown.isEmpty ? [0x30] : Array(shown)
    guard decimals > 0 else { return true }
    csv.append(0x2e)
    var left = decimals
    var place = weight + 1
    while left > 0 {
      guard let four = digits(place) else { return false }
      csv += four.prefix(left)
      left -= 4
      place += 1
    }
    return true
  }
}

extension UnsafeRawBufferPointer {
  /// A number in network order; the bytes must be there.
  fileprivate func bigEndian<Number: FixedWidthInteger>(
    at place: Int, as type: Number.Type
  ) -> Number {
    precondition(place >= 0 && place + MemoryLayout<Number>.size <= count, "past the end")
    return Number(bigEndian: loadUnaligned(fromByteOffset: place, as: Number.self))
  }
}
