import Foundation

/// Removes what runs that died left half-written in a folder: files under a name of their own, with
/// the number of a process that is no more (`….PID.tmp`, `.scores-PID.csv`). Those of living runs
/// stay, and so does what cannot be removed: it is in nobody's way.
func removeLeftovers(in folder: URL) {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
  for name in names {
    let parts = name.split(whereSeparator: { $0 == "." || $0 == "-" })
    let isOurs =
      name.hasSuffix(".tmp") || (name.hasPrefix(".scores-") && name.hasSuffix(".csv"))
    guard isOurs, parts.count >= 2, let process = pid_t(parts[parts.count - 2]), process > 0,
      kill(process, 0) != 0, errno == ESRCH
    else { continue }
    unlink(folder.appendingPathComponent(name).path)
  }
}
