import CZlib
import Crypto
import Foundation

/// The bytes of one file in order, inflated when the file is gzip (known by its first bytes; any
/// number of members), of a program's output, or of a database's answer. One reader at a time.
final class ByteStream {
  let path: String
  /// Bytes on disk, and how many of them have been read.
  let size: Int
  private(set) var consumed = 0
  private let descriptor: Int32
  private var inflater: Inflater?
  /// The program whose output this is; it owns the descriptor.
  private let child: ChildProcess?
  private var hash: SHA256?
  private let rows: PostgresTable?

  init(path: String, rows: PostgresTable) {
    self.path = path
    self.rows = rows
    child = nil
    descriptor = -1
    size = 0
  }

  init(path: String, child: ChildProcess) {
    self.path = path
    self.child = child
    rows = nil
    descriptor = child.descriptor
    size = 0
  }

  init(path: String) throws(HistoriesError) {
    self.path = path
    child = nil
    rows = nil
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .inputMissing("\(path): \(String(cString: strerror(errno)))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
      close(descriptor)
      throw .inputMissing("\(path) is a folder: name files, as in \(path)/*.csv")
    }
    size = Int(status.st_size)
    var magic: (UInt8, UInt8) = (0, 0)
    let got = withUnsafeMutableBytes(of: &magic) { pread(descriptor, $0.baseAddress, 2, 0) }
    if got == 2, magic == (0x1f, 0x8b) {
      inflater = Inflater(path: path)
    } else if path.hasSuffix(".gz"), status.st_mode & S_IFMT == S_IFREG {
      // Torn or changed at its very beginning it must not be taken for text. (deinit closes it.)
      throw .dataContract(
        "\(path) is no gzip file, whatever its name says: fetch it again, or if it is plain CSV call "
          + "it so")
    }
  }

  deinit {
    if child == nil, descriptor >= 0 { close(descriptor) }
  }

  var isCompressed: Bool { inflater != nil }

  /// From here on what is read is digested.
  func startDigest() { hash = SHA256() }

  /// SHA-256 of the bytes on disk, hex, once all are read; nil of a program's output, and where nothing
  /// was started.
  func digest() -> String? { child == nil ? hash.map { hexadecimal($0.finalize()) } : nil }

  /// The last bytes of a file as they are on disk, at most `most`; where the reading stands does not
  /// change.
  func tail(_ most: Int) -> [UInt8] {
    let count = min(most, size)
    return Array(unsafeUninitializedCapacity: count) { target, filled in
      filled = max(0, pread(descriptor, target.baseAddress, count, off_t(size - count)))
    }
  }

  /// Fills `target` as far as the file goes; fewer bytes than asked for mean the end.
  func read(into target: UnsafeMutableRawBufferPointer) throws(HistoriesError) -> Int {
    if let rows {
      let got = try rows.read(into: target)
      consumed += got
      return got
    }
    guard let inflater else { return try readFile(into: target) }
    return try inflater.fill(target) { (buffer) throws(HistoriesError) in
      try readFile(into: buffer)
    }
  }

  private func readFile(into target: UnsafeMutableRawBufferPointer) throws(HistoriesError) -> Int {
    var filled = 0
    while filled < target.count {
      let got = Foundation.read(descriptor, target.baseAddress! + filled, target.count - filled)
      if got < 0 {
        if errno == EINTR { continue }
        throw .inputMissing("\(path): \(String(cString: strerror(errno)))")
      }
      if got == 0 { break }
      hash?.update(
        bufferPointer: UnsafeRawBufferPointer(rebasing: target[filled..<filled + got]))
      filled += got
    }
    consumed += filled
    if filled < target.count { try child?.finish() }
    return filled
  }
}

/// zlib's state, and the compressed bytes not yet taken by it.
private final class Inflater {
  private let path: String
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  private var ended = false
  private var inMember = true

  init(path: String) {
    self.path = path
    stream.initialize(to: z_stream())
    // 16 asks for gzip framing, whose check sum and length zlib verifies.
    let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(status == Z_OK, "zlib cannot start: \(status)")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    input.deallocate()
  }

  func fill(
    _ target: UnsafeMutableRawBufferPointer,
    refill: (UnsafeMutableRawBufferPointer) throws(HistoriesError) -> Int
  ) throws(HistoriesError) -> Int {
    stream.pointee.next_out = target.baseAddress!.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(target.count)
    while stream.pointee.avail_out > 0, !ended {
      if stream.pointee.avail_in == 0 {
        let got = try refill(input)
        stream.pointee.next_in = input.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(got)
        if got == 0 {
          guard !inMember else {
            throw .dataContract(
              "\(path) is a truncated gzip file: it ends before its data do; fetch it again")
          }
          ended = true
          break
        }
      }
      if !inMember {
        guard inflateReset(stream) == Z_OK else { throw corrupt }
        inMember = true
      }
      switch inflate(stream, Z_NO_FLUSH) {
      case Z_OK, Z_BUF_ERROR: continue
      case Z_STREAM_END: inMember = false
      default: throw corrupt
      }
    }
    return target.count - Int(stream.pointee.avail_out)
  }

  private var corrupt: HistoriesError {
    .dataContract("\(path) is a corrupt gzip file: its data do not inflate; fetch it again")
  }
}
