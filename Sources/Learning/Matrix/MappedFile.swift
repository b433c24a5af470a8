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
