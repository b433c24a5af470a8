import Detraction
package import Histories

/// Hidden detractors and later conduct in words.
package struct ImpactText {
  private let zone: LocalTime

  package init(zone: LocalTime) { self.zone = zone }

  /// `before`: a night about a month earlier, where there is one.
  package func lines(_ now: HiddenImpact, before: HiddenImpact?) -> [String] {
    var lines = [
      "hidden detractors among \(grouped(now.total.silent)) silent accounts as of "
        + "\(dateName(now.asOf, zone)): \(span(now.total.hidden))"
        + (now.total.money.map { ", worth \(span($0)) a year" } ?? "")
        + (now.isMeasured ? " (95 %)" : ", *not measured*")
    ]
    if let before {
      lines.append(
        "  as of \(dateName(before.asOf, zone)) it was \(span(before.total.hidden)) of "
          + "\(grouped(before.total.silent))"
          + (before.total.money.map { ", worth \(span($0))" } ?? "")
          + (before.isMeasured ? " (95 %)" : ", *not measured*"))
    }
    guard now.segments.count > 1 else { return lines }
    for line in now.segments {
      let name = line.segment.isEmpty ? "no segment" : clipped(inert(line.segment), to: 30)
      let then = before?.segments.first { $0.segment.utf8.elementsEqual(line.segment.utf8) }
      lines.append(
        "  \(name): \(span(line.hidden)) of \(grouped(line.silent))"
          + (line.money.map { ", worth \(span($0))" } ?? "")
          + (then.map { "; before \(span($0.hidden))" } ?? ""))
    }
    return lines
  }

  package func lines(_ conduct: LaterConduct) -> [String] {
    let groups = conduct.groups.map { group in
      let mean =
        group.mean.map { conduct.isShare ? "\(decimal(100 * $0, 1)) %" : decimal($0, 2) } ?? "–"
      return "\(group.name) \(mean) (\(grouped(group.accounts)))"
    }
    return [
      "\(clipped(inert(conduct.outcome), to: 40)) (\(clipped(inert(conduct.words), to: 60))) after "
        + "\(dateName(conduct.asOf, zone)): " + groups.joined(separator: ", ")
    ]
  }

  private func span(_ span: SilentSummary.Span) -> String {
    let (low, high) = (Int(span.low.rounded()), Int(span.high.rounded()))
    return low == high ? grouped(low) : "\(grouped(low)) to \(grouped(high))"
  }
}
