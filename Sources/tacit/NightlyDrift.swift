import Detraction
import Foundation
import Histories
import Outreach

/// Tonight's drift as far as scores tell it; its volume is known when the night is decided. Nil where an
/// engine handed out the candidates alone: they are no sample of the silent.
func nightDrift(_ session: Session, _ scorer: Scorer, _ store: CaseStore?) throws -> NightDrift? {
  if scorer.isOfCandidates { return nil }
  let folder = session.file.folder
  let nights =
    try store?.runs(model: scorer.version.version, before: scorer.asOf).map {
      PastNight(asOf: $0.asOf, scores: folder.appendingPathComponent($0.scoresPath).path)
    }.filter { FileManager.default.fileExists(atPath: $0.scores) } ?? []
  guard !nights.isEmpty else { return try NightDrift(scorer, fresh: nil) }
  let feedback = try FreshFeedback(
    scorer, nights: nights,
    trace: try session.outreachTrace(scorer.base, try session.levelAnswers()))
  for night in feedback.unreadable {
    session.options.say(
      "\(night.scores) is no score file any more: what was said after that night is not held against "
        + "it")
  }
  return try NightDrift(scorer, fresh: feedback.fresh)
}

/// Where the drift of a night is kept: beside its score file.
func driftFile(_ session: Session, _ scoresPath: String) -> URL {
  session.file.folder.appendingPathComponent(scoresPath).deletingLastPathComponent()
    .appendingPathComponent("drift.json")
}

extension NightDrift {
  /// At most three lines: the state, and what to do. `file` has all of it.
  func lines(_ session: Session, file: String?) -> [String] {
    let most = 3
    var lines = Array(drift.advice.prefix(most))
    let since = dateName(self.since, session.histories.timeZone)
    lines[0] = "drift since \(since): \(drift.state.rawValue). \(lines[0])"
    if drift.advice.count > most, let file {
      lines[most - 1] += " (\(drift.advice.count - most) more in \(file))"
    }
    return lines
  }

  /// Said on stderr when it is time to act: cases open all the same.
  func warn(_ session: Session, file: String) {
    guard drift.state == .act else { return }
    session.options.say(
      "warning: drift: \(drift.advice[0]) Cases open all the same; \(file) has the numbers, and "
        + "`tacit report --as-of DATE` shows them")
  }
}
