import Foundation
import Histories
import Outreach

/// The lock of a project's nightly run: for manners, so that two runs do not score at once. What keeps
/// a night from being published twice are the store's indexes. The system lets go of it when the
/// process ends, however it ends.
struct RunLock: ~Copyable {
  private let descriptor: Int32

  /// How long another run is waited for, in tenths of a second.
  private static let patience = 600

  /// Throws `locked` (75) where another run holds it for longer than a minute.
  init(folder: URL) throws {
    let path = folder.appendingPathComponent(".tacit.lock").path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw HistoriesError.output("cannot open \(path): \(String(cString: strerror(errno)))")
    }
    var tries = 0
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      tries += 1
      if tries <= Self.patience {
        usleep(100_000)
        continue
      }
      close(descriptor)
      throw OutreachError.locked(
        "another nightly run is at work here (it holds \(path)): try again when it is done")
    }
  }

  deinit { close(descriptor) }
}
