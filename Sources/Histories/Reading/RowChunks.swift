import Foundation

/// Cuts one file into chunks of whole rows, in order, under the caller's lock.
///
/// A chunk is read into the caller's buffer and cut after the last line end that stands outside
/// quotes, so that every chunk starts at the start of a row whatever the fields hold. Where cuts
/// fall depends on the bytes and the chunk size alone, never on the number of workers.
final class RowChunks {
  /// Small enough to stay in a core's cache between reading and parsing.
  static let defaultChunkBytes = 1 << 20
  /// A longer row is refused: the usual cause is a quote that is never closed.
  static let longestRow = 64 << 20

  let stream: ByteStream
  private let source: ByteSource
  private let chunkBytes: Int
  private var carry: [UInt8] = []
  private var carryHasQuote = false
  private var emitted = 0
  private var chunk = 0
  private var finished = false
  /// Nothing has been read: a byte order mark may come, once.
  private var isFresh = true

  convenience init(path: String, chunkBytes: Int) throws(HistoriesError) {
    try self.init(.file(path), chunkBytes: chunkBytes)
  }

  /// `header`: no more than the first row is wanted.
  init(_ source: ByteSource, chunkBytes: Int, header: Bool = false) throws(HistoriesError) {
    self.source = source
    stream = try source.open(header: header)
    // Enough for a byte order mark to be seen whole.
    self.chunkBytes = max(chunkBytes, 3)
  }

  /// Puts the next whole rows into `buffer`; false at the end of the file.
  func next(into buffer: ChunkBuffer) throws(HistoriesError) -> Bool {
    if finished { return false }
    buffer.begin(with: carry, chunk: chunk)
    var hasQuote = carryHasQuote
    while true {
      var got = try stream.read(into: buffer.room(for: chunkBytes))
      let isEnd = got < chunkBytes
      if isFresh { got -= buffer.dropByteOrderMark(of: got) }
      isFresh = false
      let fresh = buffer.filled
      buffer.filled += got
      let base = buffer.base
      hasQuote = hasQuote || memchr(base + fresh, 0x22, got) != nil
      let cut: QuoteScan =
        hasQuote
        ? QuoteScan(base, buffer.filled)
        : QuoteScan(lastRowEnd: lastLineEnd(base, 0, buffer.filled), openQuote: nil)
      buffer.quoted = hasQuote
      if isEnd {
        finished = true
        if let quote = cut.openQuote { throw try unclosed(at: emitted + quote) }
        buffer.rowBytes = buffer.filled
      } else if let end = cut.lastRowEnd, chunk > 0 || !isBlank(base, end) {
        buffer.rowBytes = end
      } else if buffer.filled > Self.longestRow {
        throw try unclosed(at: emitted + (cut.openQuote ?? 0))
      } else {
        continue
      }
      carry = Array(
        UnsafeBufferPointer(start: base + buffer.rowBytes, count: buffer.filled - buffer.rowBytes))
      carryHasQuote = hasQuote && carry.contains(0x22)
      buffer.seal()
      emitted += buffer.rowBytes
      chunk += 1
      return true
    }
  }

  /// The line is counted only when it is needed, by reading the file again.
  private func unclosed(at offset: Int) throws(HistoriesError) -> HistoriesError {
    let again = try source.open()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var line = 1
    var place = 0
    while place < offset {
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(1 << 20, offset - place)])
      let got = try again.read(into: part)
      if got == 0 { break }
      for byte in part[..<got] where byte == 0x0a { line += 1 }
      place += got
    }
    return .dataContract(
      "\(stream.path), line \(line): a quote opens here and is never closed "
        + "(or its row is longer than \(Self.longestRow >> 20) MiB): close it, or double it inside "
        + "a quoted field")
  }
}

/// Where rows end in bytes that start outside quotes at a field's start. A quote opens only at
/// the start of a field; inside quotes a doubled one is data (RFC 4180; elsewhere a quote is
/// taken literally, as Python's `csv` does).
struct QuoteScan {
  /// The offset just after the last line end outside quotes.
  var lastRowEnd: Int?
  /// The offset of the quote that is still open at the end.
  var openQuote: Int?

  init(lastRowEnd: Int?, openQuote: Int?) {
    self.lastRowEnd = lastRowEnd
    self.openQuote = openQuote
  }

  init(_ base: UnsafePointer<UInt8>, _ count: Int) {
    var place = 0
    while place < count {
      let quote = find(base, place, count)
      let plainEnd = quote ?? count
      lastRowEnd = lastLineEnd(base, place, plainEnd) ?? lastRowEnd
      guard let quote else { return }
      place = quote + 1
      let before = quote == 0 ? 0x0a : base[quote - 1]
      guard before == 0x2c || before == 0x0a else { continue }
      while true {
        guard let closing = find(base, place, count) else {
          openQuote = quote
          return
        }
        place = closing + 1
        // A quote in the very last byte may yet prove doubled: it counts as closing here, and as
        // no line end follows it, the row is carried over and looked at again.
        guard place < count, base[place] == 0x22 else { break }
        place += 1
      }
    }
  }

  private func find(_ base: UnsafePointer<UInt8>, _ from: Int, _ end: Int) -> Int? {
    memchr(base + from, 0x22, end - from).map {
      UnsafeRawPointer(base).distance(to: UnsafeRawPointer($0))
    }
  }
}

/// Whether there is nothing but line ends: the first chunk must hold the header.
private func isBlank(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  (0..<count).allSatisfy { base[$0] == 0x0a || base[$0] == 0x0d }
}

/// The offset just after the last line feed in [from, end).
private func lastLineEnd(_ base: UnsafePointer<UInt8>, _ from: Int, _ end: Int) -> Int? {
  var place = end
  while place > from {
    if base[place &- 1] == 0x0a { return place }
    place &-= 1
  }
  return nil
}

/// One worker's buffer for chunks: bytes, with room behind them for loads past the end.
final class ChunkBuffer {
  private var storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 16)
  private static let slack = 64
  var filled = 0
  /// How many bytes are whole rows. After `seal` a line end follows them.
  var rowBytes = 0
  /// Whether there may be a quote among them.
  var quoted = false
  private(set) var chunk = 0

  deinit { storage.deallocate() }

  var base: UnsafePointer<UInt8> {
    UnsafePointer(storage.baseAddress!.assumingMemoryBound(to: UInt8.self))
  }

  func begin(with carry: [UInt8], chunk: Int) {
    self.chunk = chunk
    filled = 0
    let target = room(for: carry.count)
    target.copyBytes(from: carry)
    filled = carry.count
  }

  func room(for count: Int) -> UnsafeMutableRawBufferPointer {
    if filled + count + Self.slack > storage.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(filled + count + Self.slack, storage.count * 3 / 2), alignment: 64)
      larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<filled]))
      storage.deallocate()
      storage = larger
    }
    return UnsafeMutableRawBufferPointer(rebasing: storage[filled..<(filled + count)])
  }

  /// Removes a UTF-8 byte order mark from the first `count` bytes; returns how long it was.
  func dropByteOrderMark(of count: Int) -> Int {
    guard count >= 3, storage[0] == 0xef, storage[1] == 0xbb, storage[2] == 0xbf else { return 0 }
    memmove(storage.baseAddress!, storage.baseAddress! + 3, count - 3)
    return 3
  }

  func seal() { storage[rowBytes] = 0x0a }
}
