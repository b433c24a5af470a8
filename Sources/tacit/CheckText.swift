import Foundation
import Histories
import Outreach

/// What `check` found, for people.
struct CheckText {
  let lines: [String]

  /// More kinds than this are told by their commonest.
  private static let mostKinds = 40

  init(_ check: DataCheck, asOf: Instant, zone: LocalTime) {
    var lines = readTable(check.files)
    lines += [""] + Self.volumes(check, asOf, zone)
    lines += [""] + Self.kinds(check, zone)
    for finding in check.findings {
      let isOne = finding.places.isEmpty && finding.count == 1
      let count = isOne ? "" : " (\(grouped(finding.count)))"
      lines += ["", "\(finding.severity.rawValue)\(count): \(inert(finding.text))"]
      lines += finding.places.map { "  \(inert($0.text))" }
      if !finding.places.isEmpty, finding.count > finding.places.count {
        lines.append("  … and \(grouped(finding.count - finding.places.count)) more")
      }
    }
    self.lines = lines + ["", Self.verdict(check)]
  }

  private static func verdict(_ check: DataCheck) -> String {
    let counts = Finding.Severity.allCases.map { severity in
      let count = check.count(severity)
      return "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
    }.joined(separator: ", ")
    let meaning =
      check.status != 0
      ? "a run would refuse this (exit status \(check.status))"
      : check.count(.warning) > 0
        ? "a run would go on; look at the warnings" : "nothing stands in a run's way"
    return "\(counts): \(meaning)"
  }

  private static func volumes(_ check: DataCheck, _ asOf: Instant, _ zone: LocalTime) -> [String] {
    let events = check.kinds.reduce(0) { $0 + $1.events }
    let about = check.accountsAreEstimated ? "about " : ""
    var lines = [
      "\(grouped(events)) events of \(about)\(grouped(check.accountsWithEvents)) accounts"
        + (check.accounts.map { "; [accounts] has \(grouped($0)) rows that can be used" } ?? "")
    ]
    for volume in check.volumes {
      guard let state = volume.state(before: asOf, zone: zone) else {
        lines.append("\(inert(volume.name)): no event is known before the as-of date")
        continue
      }
      let usual =
        state.median.map { " (usual for the weekday: \(grouped(Int($0.rounded()))))" } ?? ""
      lines.append(
        "\(inert(volume.name)): newest of \(calendarDay(state.newest)), \(state.age) "
          + "day\(state.age == 1 ? "" : "s") before; \(grouped(state.lastDay)) events known on the "
          + "last complete day\(usual)")
    }
    return lines
  }

  private static func kinds(_ check: DataCheck, _ zone: LocalTime) -> [String] {
    guard !check.kinds.isEmpty else { return ["no kinds of events"] }
    var shown = check.kinds
    if shown.count > mostKinds {
      shown.sort { ($1.events, $0.name) < ($0.events, $1.name) }
      shown.removeLast(shown.count - mostKinds)
    }
    func day(_ time: Int64) -> String {
      calendarDay(zone.date(of: Instant(microseconds: time)))
    }
    var rows = [["kind", "role", "events", "with value", "least", "most", "first", "last"]]
    rows += shown.map {
      [
        inert($0.name), $0.role.rawValue, grouped($0.events), grouped($0.valued),
        $0.valued > 0 ? short($0.least) : "", $0.valued > 0 ? short($0.most) : "", day($0.first),
        day($0.last),
      ]
    }
    let rest = check.kinds.count - shown.count
    return alignedLines(rows, texts: 2)
      + (rest > 0
        ? ["… and \(rest) rarer kinds: is the column mapped to `kind` one of kinds?"] : [])
  }

  private static func short(_ value: Double) -> String { String(format: "%.6g", value) }
}
