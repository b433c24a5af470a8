import Crypto
import Foundation

/// Files that were delivered twice under different names, within one `[[events]]` table: known by
/// the SHA-256 of their bytes, of gzip files the inflated ones.
///
/// Only files that can be the same are read for it: equally long, with the same end (plain) or the
/// same check sum (gzip).
struct SameFiles {
  /// For each file the first one before it with the same contents, as an index; nil for the first.
  private(set) var earlier: [Int?]

  /// `paths` are in the order in which they are read. Throws what reading them does. O(files), and the
  /// bytes of those that may be the same.
  init(_ paths: [String]) throws(HistoriesError) {
    earlier = Array(repeating: nil, count: paths.count)
    guard paths.count > 1 else { return }
    var groups: [UInt64: [(index: Int, looks: Looks)]] = [:]
    for (index, path) in paths.enumerated() {
      let looks = try Looks(path)
      if looks.length == 0 { continue }
      groups[looks.length, default: []].append((index, looks))
    }
    for group in groups.values where group.count > 1 {
      // A plain file and a packed one have nothing but their length to compare.
      let areAlike = Set(group.map(\.looks.isPacked)).count == 1
      var rivals: [UInt64: [Int]] = [:]
      for (index, looks) in group { rivals[areAlike ? looks.end : 0, default: []].append(index) }
      for indexes in rivals.values where indexes.count > 1 {
        var first: [[UInt8]: Int] = [:]
        for index in indexes {
          let digest = try Self.digest(of: paths[index])
          if let before = first[digest] { earlier[index] = before } else { first[digest] = index }
        }
      }
    }
  }

  /// The same for the inputs of one table; nil for all where it is a query's, or where events have an
  /// `id`, which tells more.
  static func earlier(
    _ source: EventSource, _ paths: [String]
  ) throws(HistoriesError) -> [Int?] {
    source.query == nil && source.id == nil
      ? try SameFiles(paths).earlier : Array(repeating: nil, count: paths.count)
  }

  private static func digest(of path: String) throws(HistoriesError) -> [UInt8] {
    let stream = try ByteStream(path: path)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var hash = SHA256()
    while true {
      let got = try stream.read(into: buffer)
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<got]))
      if got < buffer.count { return Array(hash.finalize()) }
    }
  }

  /// What can be seen of a file without reading it.
  private struct Looks {
    var isPacked: Bool
    /// Of the inflated bytes (of the last member of a gzip file, modulo 2^32).
    var length: UInt64
    /// A hash of the last bytes, of a gzip file its check sum.
    var end: UInt64

    init(_ path: String) throws(HistoriesError) {
      let stream = try ByteStream(path: path)
      isPacked = stream.isCompressed
      let tail = stream.tail(4096)
      if isPacked, tail.count >= 8 {
        // RFC 1952: CRC32, then the length, least significant byte first.
        func word(_ from: Int) -> UInt64 {
          tail[(tail.count - from)...].prefix(4).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        length = word(4)
        end = word(8)
      } else {
        length = UInt64(stream.size)
        end = (tail + [0]).withUnsafeBufferPointer { AccountHash.of($0.baseAddress!, tail.count) }
      }
    }
  }
}
