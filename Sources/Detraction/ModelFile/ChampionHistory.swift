import Foundation
package import Histories

/// One line of `history.jsonl`: how a version became the champion.
package struct ChampionChange: Codable, Sendable, Equatable {
  package enum Action: String, Codable, Sendable {
    /// The first version of a model, put there by its training.
    case first
    case promote
    case rollback
    /// The champion file was found to name another version than the history: changed by hand.
    case found
  }

  package var action: Action
  package var at: Instant
  package var by: String
  /// The champion before; nil for the first.
  package var from: String?
  package var to: String
  package var grade: String?
  /// Whether a gate that refused was passed over, for `reason`.
  package var forced: Bool
  package var reason: String?
  /// What was measured before the change.
  package var comparison: ModelComparison?

  package init(
    action: Action, at: Instant, by: String, from: String?, to: String, grade: String? = nil,
    forced: Bool = false, reason: String? = nil, comparison: ModelComparison? = nil
  ) {
    self.action = action
    self.at = at
    self.by = by
    self.from = from
    self.to = to
    self.grade = grade
    self.forced = forced
    self.reason = reason
    self.comparison = comparison
  }
}

/// The champion of a model and how it came to be that, in two files that a crash leaves consistent.
///
/// A change is first written to `champion.pending`, then the champion file is renamed into place,
/// which is the moment it happens, then the history gets its line, and the pending file goes. Whoever
/// reads in between counts a pending change exactly if the champion is what it says; the next change
/// does the rest of the work or throws the pending one away. One process at a time changes anything:
/// an advisory lock (flock) on `.lock`, let go by the system when a process dies.
struct ChampionHistory {
  let folder: URL

  var championFile: URL { folder.appendingPathComponent("champion") }
  var historyFile: URL { folder.appendingPathComponent("history.jsonl") }
  var pendingFile: URL { folder.appendingPathComponent("champion.pending") }

  /// The name in the champion file; nil where there is no file.
  func champion() -> String? {
    guard let contents = FileManager.default.contents(atPath: championFile.path),
      let text = String(validating: contents, as: UTF8.self)
    else { return nil }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Every change, oldest first. Throws `modelFile` with the line that is none.
  func changes() throws(DetractionError) -> [ChampionChange] {
    var changes = try lines(of: historyFile)
    let pending = try lines(of: pendingFile)
    if let last = pending.last, last.to == champion(), changes.last != last { changes += pending }
    return changes
  }

  /// Makes a change happen. Throws `locked` (75) when another process is at it, or the champion is no
  /// longer `change.from`; `output` where files cannot be written.
  func enact(_ change: ChampionChange) throws(DetractionError) {
    try withLock {
      let found = champion()
      guard found == change.from else {
        throw DetractionError.locked(
          "the champion of \(folder.path) changed meanwhile from \(change.from ?? "none") to "
            + "\(found ?? "none"): look, and run this again")
      }
      var history = try changes()
      var new = [change]
      if let last = history.last, last.to != found, let found {
        new.insert(
          ChampionChange(
            action: .found, at: change.at, by: change.by, from: last.to, to: found,
            reason: "the champion file was changed by other means"), at: 0)
      }
      try OutputFile.write(try Self.encoded(history), to: historyFile)
      try OutputFile.write(try Self.encoded(new), to: pendingFile)
      try OutputFile.write(Data("\(change.to)\n".utf8), to: championFile)
      history += new
      try OutputFile.write(try Self.encoded(history), to: historyFile)
      unlink(pendingFile.path)
    }
  }

  /// The version that a rollback leads to: the one that was the champion before the present one came
  /// by promotion. Rollbacks lead further back, one promotion each. Nil where nothing is known before.
  static func previous(_ changes: [ChampionChange]) -> String? {
    var champions: [String] = []
    for change in changes {
      if champions.isEmpty, let from = change.from { champions.append(from) }
      switch change.action {
      case .first, .promote, .found: champions.append(change.to)
      case .rollback:
        while champions.count > 1, champions.last != change.to { champions.removeLast() }
      }
    }
    return champions.dropLast().last
  }

  private func lines(of file: URL) throws(DetractionError) -> [ChampionChange] {
    guard let contents = FileManager.default.contents(atPath: file.path) else { return [] }
    var changes: [ChampionChange] = []
    for (index, line) in contents.split(separator: UInt8(ascii: "\n")).enumerated() {
      do { changes.append(try JSONDecoder().decode(ChampionChange.self, from: line)) } catch {
        throw .modelFile(
          "\(file.path), line \(index + 1): no change of champion in one JSON object; take the line "
            + "out if it was written by hand")
      }
    }
    return changes
  }

  private static func encoded(_ changes: [ChampionChange]) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var lines = Data()
    for change in changes { lines += try encoder.encode(change) + Data("\n".utf8) }
    return lines
  }

  private func withLock(_ body: () throws -> Void) throws(DetractionError) {
    let path = folder.appendingPathComponent(".lock").path
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .output("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .locked("another command is changing the champion of \(folder.path): try again")
    }
    try translating(body)
  }
}
