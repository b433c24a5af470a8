import Foundation
import Synchronization

/// What a packed file holds besides events.
struct PackedContents: Codable, Sendable {
  /// What the events of an input depend on beside its bytes (`PackedHistories.fingerprint`).
  var fingerprint: String
  /// The inputs whose events stand here, wholly or, of one input, a slice.
  var inputs: [PackedInput]
  /// Which slice of its input it is, from 0, and whether the last.
  var slice = 0
  var isLast = true
  /// Which rows of its input the slice holds. Slices that another reading cut elsewhere do not fit.
  var rows = 0..<0
  var kinds: [PackedKind] = []
  var channels: [String] = []
}

/// An input as it was when it was packed.
struct PackedInput: Codable, Sendable, Equatable {
  var identity: FileIdentity
  /// SHA-256 of its bytes, hex.
  var sha256: String?
  var rows = 0
  var bad: [PackedBadRow] = []
  /// Alternately a local day, since 1970-01-01, and how many events became known on it.
  private var arrivals: [Int] = []

  init(identity: FileIdentity, sha256: String? = nil, rows: Int = 0) {
    self.identity = identity
    self.sha256 = sha256
    self.rows = rows
  }

  /// How many events became known on each local day.
  var days: [Int: Int] {
    get {
      Dictionary(
        stride(from: 0, to: arrivals.count - 1, by: 2).map { (arrivals[$0], arrivals[$0 + 1]) },
        uniquingKeysWith: +)
    }
    set { arrivals = newValue.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] } }
  }
}

struct PackedBadRow: Codable, Sendable, Equatable {
  var line: Int
  var what: String
  var bytes: Data
}

struct PackedKind: Codable, Sendable, Equatable {
  var name: String
  var tally: EventReader.KindTally
  /// The channels by which its events came, in the order of bytes.
  var channels: [PackedChannel]
}

struct PackedChannel: Codable, Sendable, Equatable {
  var name: String
  /// The earliest instant as of which one of the events is seen, microseconds.
  var firstSeen: Int64
}

/// By what a file is known again without reading it.
struct FileIdentity: Codable, Sendable, Equatable {
  var path: String
  var size: Int
  var inode: UInt64
  /// Of the last change, nanoseconds.
  var modified: Int64

  /// Nil where there is no such file.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.path = path
    size = Int(status.st_size)
    inode = UInt64(status.st_ino)
    modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
  }
}

/// A file of packed events: a block for each partition, each with a check sum, a directory, contents.
///
/// Layout: magic (8), blocks, directory (offset, length and check sum of each block, 8 bytes each),
/// contents (JSON), then offsets of directory and contents, length of the contents, check sum of both,
/// magic (8 each). Check sums are XXH64: they tell accidents, not intent. It may vanish or change at any time:
/// what is wrong with it is `PackedFault`, and its inputs are read instead.
final class PackedFile: Sendable {
  let path: String
  let contents: PackedContents
  let partitions: Int
  let bytes: Int
  private let descriptor: Int32
  private let directory: [Place]

  struct Place: Sendable {
    var offset: UInt64
    var length: UInt64
    var checkSum: UInt64
  }

  static let magic: UInt64 = 0x3130_4b43_4150_5454  // "TTPACK01"
  static let footerBytes = 5 * 8
  private static let mostPartitions = 1 << 16

  deinit { close(descriptor) }

  /// Opens a packed file; nil where it is not there or is none.
  convenience init?(path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    self.init(descriptor: descriptor, path: path)
  }

  /// Takes the descriptor over.
  init?(descriptor: Int32, path: String) {
    self.path = path
    self.descriptor = descriptor
    var status = stat()
    guard fstat(descriptor, &status) == 0,
      let end = Self.read(
        descriptor, at: Int(status.st_size) - Self.footerBytes, count: Self.footerBytes)
    else {
      close(descriptor)
      return nil
    }
    bytes = Int(status.st_size)
    let words = end.withUnsafeBytes { bytes in
      (0..<5).map {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
      }
    }
    let (start, middle, length) = (words[0], words[1], words[2])
    let size = UInt64(bytes - Self.footerBytes)
    guard words[4] == Self.magic, start <= middle, middle <= size, length == size - middle,
      (middle - start) % 24 == 0, (middle - start) / 24 <= Self.mostPartitions,
      let tail = Self.read(descriptor, at: Int(start), count: Int(size - start)),
      Self.checkSum(tail) == words[3],
      let contents = try? JSONDecoder().decode(
        PackedContents.self, from: Data(tail[Int(middle - start)...]))
    else {
      close(descriptor)
      return nil
    }
    self.contents = contents
    directory = tail.withUnsafeBytes { bytes in
      (0..<Int(middle - start) / 24).map { index in
        func word(_ place: Int) -> UInt64 {
          UInt64(
            littleEndian: bytes.loadUnaligned(
              fromByteOffset: index * 24 + place * 8, as: UInt64.self))
        }
        return Place(offset: word(0), length: word(1), checkSum: word(2))
      }
    }
    partitions = directory.count
  }

  /// The events of a partition. Throws where the bytes are not those that were written.
  func partition(
    _ index: Int, kinds: [UInt16], channels: [UInt16], texts: Bool
  ) throws(PackedFault) -> Partition {
    let place = directory[index]
    guard place.offset <= UInt64(bytes), place.length <= UInt64(bytes) - place.offset,
      let block = Self.read(descriptor, at: Int(place.offset), count: Int(place.length)),
      Self.checkSum(block) == place.checkSum,
      let partition = block.withUnsafeBytes({
        PackedBlock.decode($0, kinds: kinds, channels: channels, texts: texts)
      })
    else { throw PackedFault(path: path) }
    return partition
  }

  static func checkSum(_ bytes: [UInt8]) -> UInt64 {
    bytes.withUnsafeBufferPointer { $0.isEmpty ? 0 : AccountHash.of($0.baseAddress!, $0.count) }
  }

  /// Nil where there are fewer bytes.
  private static func read(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8]? {
    guard offset >= 0, count >= 0 else { return nil }
    var done = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      while done < count {
        let got = pread(descriptor, target.baseAddress! + done, count - done, off_t(offset + done))
        if got < 0, errno == EINTR { continue }
        if got <= 0 { break }
        done += got
      }
      filled = done
    }
    return done == count ? bytes : nil
  }
}

/// A packed file is not what was written.
struct PackedFault: Error {
  var path: String
}

/// Writes a packed file: blocks in any order, from any worker, then the contents.
final class PackedFileWriter: Sendable {
  private let state: Mutex<State>

  /// The file is touched under the lock alone.
  private struct State: ~Copyable {
    var file: OutputFile
    var offset: UInt64 = 8
    var directory: [PackedFile.Place]
  }

  init(_ file: sending OutputFile, partitions: Int) throws(HistoriesError) {
    try file.write([UInt8](bytes(of: PackedFile.magic)))
    state = Mutex(
      State(
        file: file,
        directory: Array(
          repeating: PackedFile.Place(offset: 8, length: 0, checkSum: 0), count: partitions)))
  }

  func write(_ partition: Partition, at index: Int) throws(HistoriesError) {
    let block = PackedBlock.encode(partition)
    let checkSum = PackedFile.checkSum(block)
    try state.withLock { state throws(HistoriesError) in
      state.directory[index] = PackedFile.Place(
        offset: state.offset, length: UInt64(block.count), checkSum: checkSum)
      state.offset += UInt64(block.count)
      try state.file.write(block)
    }
  }

  /// Writes directory and contents, and makes the file appear.
  func finish(_ contents: PackedContents) throws(HistoriesError) {
    guard let json = try? JSONEncoder().encode(contents) else {
      throw .output("the contents of a packed file cannot be written")
    }
    try state.withLock { state throws(HistoriesError) in
      var tail = state.directory.flatMap { place in
        bytes(of: place.offset) + bytes(of: place.length) + bytes(of: place.checkSum)
      }
      let middle = state.offset + UInt64(tail.count)
      tail += [UInt8](json)
      var end = bytes(of: state.offset) + bytes(of: middle) + bytes(of: UInt64(json.count))
      end += bytes(of: PackedFile.checkSum(tail)) + bytes(of: PackedFile.magic)
      try state.file.write(tail + end)
      try state.file.commit()
    }
  }
}

private func bytes(of word: UInt64) -> [UInt8] {
  withUnsafeBytes(of: word.littleEndian) { Array($0) }
}
