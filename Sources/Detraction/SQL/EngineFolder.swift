package import Foundation
package import Histories
import Synchronization

/// Where an engine works and writes: `.engine-PID` in a folder, for its owner's eyes alone.
///
/// It is gone when nobody holds it any more. What a run that was killed left is never read by
/// another, and removed by the next one. One at a time in a folder and process.
package final class EngineFolder: Sendable {
  package let url: URL
  /// What the engine printed: kept where it failed, all else of the run is removed at once.
  package let log: URL
  private let keepsLog = Atomic<Bool>(false)

  /// Throws `output` where it cannot be made.
  package init(in folder: URL) throws(HistoriesError) {
    Self.removeLeftovers(in: folder)
    try OutputFile.makeFolder(folder)
    url = folder.appendingPathComponent("\(Self.prefix)\(getpid())")
    log = url.appendingPathComponent("engine.log")
    guard mkdir(url.path, 0o700) == 0 else {
      throw .output("\(url.path) cannot be made: \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    if !keepsLog.load(ordering: .relaxed) { removeTree(url.path) }
  }

  /// Leaves nothing but the log, for people to read until the next run.
  func keepLogAlone() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    for name in names where name != log.lastPathComponent {
      removeTree(url.appendingPathComponent(name).path)
    }
    keepsLog.store(true, ordering: .relaxed)
  }

  private static let prefix = ".engine-"

  /// Removes the folders of runs whose process is no more, and of one that had this process's number.
  private static func removeLeftovers(in folder: URL) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where name.hasPrefix(prefix) {
      guard let process = pid_t(name.dropFirst(prefix.count)), process > 0 else { continue }
      if process == getpid() || kill(process, 0) != 0 && errno == ESRCH {
        removeTree(folder.appendingPathComponent(name).path)
      }
    }
  }
}

/// What cannot be removed stays: it is in nobody's way.
private func removeTree(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
