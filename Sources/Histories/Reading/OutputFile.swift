package import Foundation

/// A file that appears whole or not at all: written beside its place under another name, synced,
/// renamed, and the folder synced (DESIGN 9). Without `commit` nothing is left behind.
///
/// A link is followed, and what is no file (a device, a pipe) is written straight into: a rename
/// would put a file in its place.
package final class OutputFile {
  package let path: String
  /// Nil where the place itself is written into.
  private let temporary: String?
  private var isUnnamed = false
  /// What `path` leads to.
  private let place: String
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private static let bufferBytes = 1 << 18
  /// What is longer goes to the system as it is.
  private static let copiedBytes = 1 << 14
  /// Bytes given to the system so far, and how many of them it was told to start storing: done on
  /// the way, the disk works beside the processor and the final sync has little left to wait for.
  private var given = 0
  private var started = 0
  private static let startBytes = 8 << 20

  /// Throws `output` when the folder is not there or may not be written, or `path` is a folder.
  package init(path: String) throws(HistoriesError) {
    self.path = path
    var status = stat()
    let isThere = stat(path, &status) == 0
    let kind = status.st_mode & S_IFMT
    guard !isThere || kind != S_IFDIR, !path.hasSuffix("/") else {
      throw .output("\(path) is a folder: name a file to write")
    }
    if isThere, kind != S_IFREG {
      place = path
      temporary = nil
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
    } else {
      place = isThere ? Self.resolved(path) : path
      let beside = "\(place).\(getpid()).tmp"
      temporary = beside
      descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    }
    guard descriptor >= 0 else { throw Self.failure(path) }
    buffer.reserveCapacity(Self.bufferBytes)
  }

  /// A file without a name, for what one process writes and reads again; it is gone with its last
  /// descriptor. Throws `output` where the folder takes none.
  init(unnamedIn folder: String) throws(HistoriesError) {
    path = folder
    place = folder
    temporary = nil
    isUnnamed = true
    // O_TMPFILE, whose macro Swift does not see (Linux, asm-generic/fcntl.h), is this bit and O_DIRECTORY.
    descriptor = open(folder, O_RDWR | O_CLOEXEC | O_DIRECTORY | 0o20000000, 0o600)
    guard descriptor >= 0 else { throw Self.failure(folder) }
  }

  /// A descriptor of its own for reading what was written. Throws `output`.
  func reading() throws(HistoriesError) -> Int32 {
    let copy = dup(descriptor)
    guard copy >= 0 else { throw Self.failure(path) }
    return copy
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    if let temporary { unlink(temporary) }
  }

  /// Links followed to the file they lead to.
  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  package func write(_ text: String) throws(HistoriesError) {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(HistoriesError) {
    let isCopied = bytes.count <= Self.copiedBytes
    if !isCopied || buffer.count + bytes.count >= Self.bufferBytes { try flush() }
    if !isCopied {
      try writeOut(bytes)
    } else {
      buffer.append(contentsOf: bytes)
    }
  }

  package func write(_ bytes: [UInt8]) throws(HistoriesError) {
    var failed: HistoriesError?
    bytes.withUnsafeBytes { bytes in
      do throws(HistoriesError) { try write(bytes) } catch { failed = error }
    }
    if let failed { throw failed }
  }

  /// Writes over the first bytes, as a header with a count known last needs.
  package func overwriteStart(with bytes: [UInt8]) throws(HistoriesError) {
    try flush()
    guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
      throw Self.failure(path)
    }
  }

  /// Makes the file appear under its name.
  package func commit() throws(HistoriesError) {
    try flush()
    if isUnnamed { return }
    guard let temporary else {
      // What is no file need not know of syncing.
      let closed = close(descriptor)
      descriptor = -1
      guard closed == 0 else { throw Self.failure(path) }
      return
    }
    guard fsync(descriptor) == 0 else { throw Self.failure(path) }
    close(descriptor)
    descriptor = -1
    guard rename(temporary, place) == 0 else {
      let error = Self.failure(path)
      unlink(temporary)
      throw error
    }
    try Self.sync(URL(fileURLWithPath: place).deletingLastPathComponent())
  }

  /// Makes a folder, and those above it, so that they are still there after a loss of power.
  package static func makeFolder(_ folder: URL) throws(HistoriesError) {
    if access(folder.path, F_OK) == 0 { return }
    let above = folder.deletingLastPathComponent()
    try makeFolder(above)
    guard mkdir(folder.path, 0o755) == 0 || errno == EEXIST else { throw failure(folder.path) }
    try sync(above)
  }

  private static func sync(_ folder: URL) throws(HistoriesError) {
    let descriptor = open(folder.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // Where a folder cannot be synced at all, EINVAL says so.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(folder.path) }
  }

  private func flush() throws(HistoriesError) {
    var failed: HistoriesError?
    buffer.withUnsafeBytes { bytes in
      do throws(HistoriesError) { try writeOut(bytes) } catch { failed = error }
    }
    buffer.removeAll(keepingCapacity: true)
    if let failed { throw failed }
  }

  private func writeOut(_ bytes: UnsafeRawBufferPointer) throws(HistoriesError) {
    var done = 0
    while done < bytes.count {
      let wrote = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if wrote < 0 {
        if errno == EINTR { continue }
        throw Self.failure(path)
      }
      done += wrote
    }
    given += done
    if !isUnnamed, given - started >= Self.startBytes {
      // Advice only: what makes the bytes durable, and reports failures, is the sync in `commit`.
      // Linux starts to store the changed pages of the range, and lets go only of stored ones.
      posix_fadvise(descriptor, started, given - started, POSIX_FADV_DONTNEED)
      started = given
    }
  }

  private static func failure(_ path: String) -> HistoriesError {
    .output("\(path) cannot be written: \(String(cString: strerror(errno)))")
  }
}
