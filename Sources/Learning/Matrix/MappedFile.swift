import Foundation

/// A whole file mapped read-only.
///
/// `@unchecked Sendable`: the bytes never change through it.
final class MappedFile: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(path: String) throws(LearningError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure(path, "open") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.failure(path, "stat") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .file(path: path, operation: "map", reason: "not a regular file")
    }
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw Self.failure(path, "map") }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }

  /// Brings the file into memory, on two threads, as two streams keep a disk busier than one and
  /// mapping its pages is work too. A file of more than half of the machine's memory is left where it
  /// is, and the system is told that it will be read in order: it comes and goes as rows are visited.
  func readIn() {
    guard let address = bytes.baseAddress else { return }
    let start = UnsafeMutableRawPointer(mutating: address)
    guard bytes.count <= PhysicalMemory.bytes / 2 else {
      madvise(start, bytes.count, MADV_SEQUENTIAL)
      return
    }
    #if os(Linux)
      let piece = 32 << 20
      let pieces = (bytes.count + piece - 1) / piece
      let place = UInt(bitPattern: start)
      let size = bytes.count
      StripedWork.run(stripes: pieces, threads: 2) { index in
        // Advice: where the system knows it not, pages come when they are touched. 22 is
        // MADV_POPULATE_READ of Linux 5.14.
        _ = madvise(
          UnsafeMutableRawPointer(bitPattern: place + UInt(index * piece)),
          min(piece, size - index * piece), 22)
      }
    #endif
  }

  static func failure(_ path: String, _ operation: String) -> LearningError {
    .file(path: path, operation: operation, reason: String(cString: strerror(errno)))
  }
}
