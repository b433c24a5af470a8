import Foundation
import Synchronization

/// How far a fit has come, on a terminal only; one line that is written over and then wiped.
final class ProgressBar: Sendable {
  private let shown: Bool
  /// What stands there, so that the same is not written again.
  private let last = Mutex("")

  init(quiet: Bool) {
    shown = !quiet && isatty(STDERR_FILENO) == 1
  }

  func report(_ line: String) {
    guard shown else { return }
    last.withLock { last in
      guard line != last else { return }
      last = line
      FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
    }
  }

  func clear() {
    if shown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }
}
