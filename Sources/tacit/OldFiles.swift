import Foundation
import Histories
import Outreach

/// Files of nights, by the names that `nightly` gives them.
func nightFiles(in folder: URL) -> [URL] {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
  return names.sorted().filter { name in
    name == "drift.json" || name == "decisions.csv"
      || (name.hasPrefix("scores-") && name.hasSuffix(".csv"))
  }.map { folder.appendingPathComponent($0) }
}

/// The folders of nights, published and not, each with its date.
func nightFolders(_ session: Session) -> [(folder: URL, date: Instant)] {
  ["runs", "shadow"].flatMap { kind in
    let parent = session.file.folder.appendingPathComponent(kind)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
    return names.sorted().compactMap { name in
      Instant(asOf: String(name.prefix(10)), zone: session.histories.timeZone)
        .map { (parent.appendingPathComponent(name), $0) }
    }
  }
}

/// What `[retention]` no longer keeps of files as of a date: nights but the newest published one, and
/// quarantined rows that no reading wrote since.
func oldFiles(
  _ session: Session, _ rule: RetentionRule, newest: Run, asOf: Instant
) -> [URL] {
  let limit = asOf.adding(days: -rule.filesDays)
  let kept = session.file.folder.appendingPathComponent(newest.scoresPath)
    .deletingLastPathComponent().standardizedFileURL.path
  var old = nightFolders(session)
    .filter { $0.date < limit && $0.folder.standardizedFileURL.path != kept }
    .flatMap { nightFiles(in: $0.folder) }
  let attributes = try? FileManager.default.attributesOfItem(atPath: session.quarantine.path)
  if let written = attributes?[.modificationDate] as? Date,
    written.timeIntervalSince1970 * 1e6 < Double(limit.microseconds)
  {
    old.append(session.quarantine)
  }
  return old
}

/// What is too old, in words; nil where nothing is.
func words(_ expired: CaseStore.Expired, files: Int) -> String? {
  let parts = [
    (expired.decisions, "decisions"), (expired.posts, "delivered posts"),
    (expired.cases, "closed cases' notes and persons"), (files, "files of nights"),
  ].filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)" }
  return parts.isEmpty ? nil : parts.joined(separator: ", ")
}
