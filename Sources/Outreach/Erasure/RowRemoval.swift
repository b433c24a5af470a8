import Crypto
import Foundation
import Histories

/// A CSV file without the rows of some accounts: every other byte as it was.
package struct RowRemoval {
  private let contents: Data
  private var removed: [Range<Int>] = []
  package var rows: Int { removed.count }

  /// Finds the rows whose `column` (by the header) is one of the accounts, also with the apostrophe
  /// that keeps a spreadsheet from running it. Nil where there is none, or no such column. O(bytes).
  package init?(path: String, column: String = "account_id", accounts: [String]) throws {
    contents = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    let written = accounts.flatMap { [$0, "'" + $0] }
    guard Self.mentions(contents, written) else { return nil }
    let gone = Set(written.map { Array($0.utf8) })
    contents.withUnsafeBytes { bytes in
      removed = Self.rows(bytes, column: Array(column.utf8), gone)
    }
    if removed.isEmpty { return nil }
  }

  /// A file of rows that could not be used, as `quarantine.csv` keeps them: those that name an account
  /// go, told by the tombstones.
  package init?(quarantine path: String, accounts: [String]) throws {
    contents = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    contents.withUnsafeBytes { bytes in
      removed = Self.rows(bytes, mentioning: accounts.map { Array($0.utf8) })
    }
    if removed.isEmpty { return nil }
  }

  private var kept: [Range<Int>] {
    var start = 0
    var kept: [Range<Int>] = []
    for gone in removed {
      if start < gone.lowerBound { kept.append(start..<gone.lowerBound) }
      start = gone.upperBound
    }
    if start < contents.count { kept.append(start..<contents.count) }
    return kept
  }

  /// SHA-256 of what stays, in hexadecimal digits. O(bytes).
  package var sha256: String {
    var hash = SHA256()
    contents.withUnsafeBytes { bytes in
      for range in kept {
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[range]))
      }
    }
    return hash.finalize().map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count < 2 ? "0" + digits : digits
    }.joined()
  }

  /// Writes what stays, whole or not at all.
  package func write(to path: String) throws {
    let file = try OutputFile(path: path)
    try contents.withUnsafeBytes { bytes in
      for range in kept { try file.write(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }
    try file.commit()
  }

  // MARK: - Rows

  /// Whether a field of one of these texts may be there: a fast look before the rows are taken apart.
  private static func mentions(_ contents: Data, _ texts: [String]) -> Bool {
    contents.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      return texts.contains { text in
        // A quote within is written twice.
        let written = Array(text.replacing("\"", with: "\"\"").utf8)
        guard let first = written.first else { return true }
        var place = 0
        while place + written.count <= bytes.count,
          let found = memchr(start + place, Int32(first), bytes.count - written.count - place + 1)
        {
          if memcmp(found, written, written.count) == 0 { return true }
          place = start.distance(to: UnsafeRawPointer(found)) + 1
        }
        return false
      }
    }
  }

  private static func rows(
    _ bytes: UnsafeRawBufferPointer, column: [UInt8], _ gone: Set<[UInt8]>
  ) -> [Range<Int>] {
    var place: Int?
    var found: [Range<Int>] = []
    forEachRow(bytes) { row, fields in
      guard let place else {
        place = fields.firstIndex(of: column) ?? -1
        return place != -1
      }
      if place < fields.count, gone.contains(fields[place]) { found.append(row) }
      return true
    }
    return found
  }

  /// Rows in whose last field one of the texts is a whole field of its own, quoted or not.
  private static func rows(
    _ bytes: UnsafeRawBufferPointer, mentioning texts: [[UInt8]]
  ) -> [Range<Int>] {
    let ends: Set<UInt8> = [0x2c, 0x3b, 0x09, 0x0a, 0x0d]
    let gone = Set(texts)
    var found: [Range<Int>] = []
    forEachRow(bytes) { row, fields in
      let parts = (fields.last ?? []).split(whereSeparator: ends.contains)
      let named = parts.contains { part in
        if gone.contains(Array(part)) { return true }
        let bare = part.drop { $0 == 0x22 || $0 == 0x20 }
        let end = bare.lastIndex { $0 != 0x22 && $0 != 0x20 }.map { $0 + 1 } ?? bare.startIndex
        return gone.contains(Array(bare[..<end]))
      }
      if named { found.append(row) }
      return true
    }
    return found
  }

  /// Rows with their fields (RFC 4180, lines ended by LF or CRLF) until `body` says false.
  private static func forEachRow(
    _ bytes: UnsafeRawBufferPointer, _ body: (Range<Int>, [[UInt8]]) -> Bool
  ) {
    var start = 0
    var fields: [[UInt8]] = [[]]
    var isQuoted = false
    var place = 0
    while place < bytes.count {
      let byte = bytes[place]
      if isQuoted {
        if byte == 0x22 {
          if place + 1 < bytes.count, bytes[place + 1] == 0x22 {
            fields[fields.count - 1].append(0x22)
            place += 1
          } else {
            isQuoted = false
          }
        } else {
          fields[fields.count - 1].append(byte)
        }
      } else if byte == 0x22 {
        isQuoted = true
      } else if byte == 0x2c {
        fields.append([])
      } else if byte == 0x0a {
        guard body(start..<place + 1, fields) else { return }
        start = place + 1
        fields = [[]]
      } else if byte != 0x0d {
        fields[fields.count - 1].append(byte)
      }
      place += 1
    }
    if start < bytes.count { _ = body(start..<bytes.count, fields) }
  }
}
