import Foundation

/// A whole file mapped read-only, its pages read in at once.
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
    #if os(Linux)
      let flags = MAP_PRIVATE | Int32(MAP_POPULATE)
    #else
      let flags = MAP_PRIVATE
    #endif
    let address = mmap(nil, size, PROT_READ, flags, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw Self.failure(path, "map") }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }

  static func failure(_ path: String, _ operation: String) -> LearningError {
    .file(path: path, operation: operation, reason: String(cString: strerror(errno)))
  }
}

/// Files that are there whole or not at all.
package enum AtomicFile {
  /// Writes the bytes beside `path`, syncs, renames; on failure nothing is left behind.
  package static func write(_ bytes: [UInt8], to path: String) throws(LearningError) {
    try write(bytes, UnsafeRawBufferPointer(start: nil, count: 0), to: path)
  }

  static func write(
    _ head: [UInt8], _ tail: UnsafeRawBufferPointer, to path: String
  ) throws(LearningError) {
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw MappedFile.failure(path, "write") }
    let complete =
      head.withUnsafeBytes { writeAll($0, to: descriptor) } && writeAll(tail, to: descriptor)
      && fsync(descriptor) == 0
    guard complete, close(descriptor) == 0, rename(temporary, path) == 0 else {
      let failure = MappedFile.failure(path, "write")
      if !complete { close(descriptor) }
      unlink(temporary)
      throw failure
    }
  }

  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
      guard written > 0 else { return false }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
    return true
  }
}
