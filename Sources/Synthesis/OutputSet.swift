import Glibc

/// Files that appear in a folder together, whole, or not at all.
///
/// Each is written beside its name (`.NAME.partial`) and synced; `commit` renames them in order, the
/// last one last. Whatever fails before that, or a set dropped uncommitted, leaves none of them.
///
/// `@unchecked Sendable`: its one user calls it from one thread at a time, under a lock.
final class OutputSet: @unchecked Sendable {
  private let folder: String
  private let names: [String]
  private var descriptors: [Int32] = []
  private var bytes = 0
  private var committed = false
  private var renamed = 0

  /// Makes the folder if absent and opens the files.
  init(folder: String, names: [String]) throws(SynthesisError) {
    self.folder = folder
    self.names = names
    for (place, byte) in folder.utf8.enumerated() where byte == 47 && place > 0 {
      _ = mkdir(String(decoding: Array(folder.utf8)[..<place], as: UTF8.self), 0o777)
    }
    if mkdir(folder, 0o777) != 0 && errno != EEXIST { throw failure(folder, "make the folder") }
    for name in names {
      if access(folder + "/" + name, F_OK) == 0 { throw .wouldOverwrite(path: folder + "/" + name) }
    }
    for name in names {
      let path = partial(name)
      let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw failure(path, "create") }
      descriptors.append(descriptor)
    }
  }

  /// Appends to one file, by its place among the names.
  func append(_ part: UnsafeRawBufferPointer, to place: Int) throws(SynthesisError) {
    var done = 0
    while done < part.count {
      let written = Glibc.write(descriptors[place], part.baseAddress! + done, part.count - done)
      if written < 0 {
        if errno == EINTR { continue }
        throw failure(folder + "/" + names[place], "write")
      }
      done += written
    }
    bytes += done
  }

  /// Syncs and renames; returns how many bytes the files hold.
  func commit() throws(SynthesisError) -> Int {
    for (place, descriptor) in descriptors.enumerated() where fsync(descriptor) != 0 {
      throw failure(folder + "/" + names[place], "sync")
    }
    for name in names {
      guard rename(partial(name), folder + "/" + name) == 0 else {
        throw failure(folder + "/" + name, "rename")
      }
      renamed += 1
    }
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      _ = fsync(directory)
      _ = close(directory)
    }
    committed = true
    return bytes
  }

  deinit {
    for descriptor in descriptors { _ = close(descriptor) }
    if committed { return }
    for name in names.prefix(descriptors.count) { _ = unlink(partial(name)) }
    for name in names.prefix(renamed) { _ = unlink(folder + "/" + name) }
  }

  private func partial(_ name: String) -> String {
    folder + "/." + name + ".partial"
  }

  private func failure(_ path: String, _ action: String) -> SynthesisError {
    .output(path: path, action: action, reason: String(cString: strerror(errno)))
  }
}
