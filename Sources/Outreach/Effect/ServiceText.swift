import Detraction
package import Histories

/// Service levels for the first screen of whoever leads the team.
package struct ServiceText {
  private let zone: LocalTime

  package init(zone: LocalTime) { self.zone = zone }

  package func lines(_ report: ServiceReport) -> [String] {
    let listing = CaseListing(zone: zone)
    var lines: [String] = []
    for line in report.queues {
      var head = ["\(grouped(line.open)) open"]
      func add(_ count: Int, _ words: String) {
        if count > 0 { head.append("\(grouped(count)) \(words)") }
      }
      add(line.overdue, "overdue")
      add(line.escalated, "escalated")
      add(line.escalationsDue, "to be escalated")
      add(line.unclaimed, "with nobody")
      add(line.waiting, "waiting for the customer")
      lines.append("\(name(line.queue)): \(head.joined(separator: ", "))")
      var kept: [String] = []
      if let text = share(line.acknowledged) { kept.append("acknowledged in time \(text)") }
      if let text = share(line.closed) { kept.append("closed in time \(text)") }
      if !kept.isEmpty {
        lines.append(
          "  " + kept.joined(separator: ", ") + ", of the last \(ServiceReport.recentDays) days")
      }
      if let middle = line.middleHours, let oldest = line.oldestHours {
        let ages = zip(["up to a day", "3 days", "a week", "longer"], line.ageing)
          .map { "\($0) \(grouped($1))" }
        lines.append(
          "  open for " + ages.joined(separator: ", ")
            + "; working hours: middle \(decimal(middle, 1)), most \(decimal(oldest, 1))")
      }
    }
    for line in report.overdue {
      lines.append(
        "overdue: \(name(line.queue)), \(line.owner.map(name) ?? "nobody's"): \(grouped(line.cases)), "
          + (line.escalated > 0 ? "\(grouped(line.escalated)) escalated, " : "")
          + "the first since \(listing.timeText(line.since))")
    }
    if report.appointments.of + report.appointmentsToCome > 0 {
      lines.append(
        "appointments: \(share(report.appointments).map { "\($0) kept" } ?? "none over yet"), "
          + "\(grouped(report.appointmentsToCome)) to come")
    }
    for line in report.promises {
      lines.append(
        "promises with \(name(line.owner)): \(grouped(line.kept)) kept, "
          + "\(grouped(line.broken)) broken, \(grouped(line.open)) open"
          + (line.ended > 0 ? ", \(grouped(line.ended)) ended" : ""))
    }
    for line in report.remedies {
      lines.append(
        "remedy \(name(line.remedy)): given \(grouped(line.given)) time\(line.given == 1 ? "" : "s")"
          + (line.cost.map { $0 > 0 ? ", cost \(decimal($0, 2))" : "" }
            ?? ", cost not known any more")
          + (line.approvals > 0 ? ", approved \(grouped(line.approvals))" : ""))
    }
    for line in report.outcomes {
      lines.append(
        "closed as \(line.outcome.rawValue): \(grouped(line.cases)), "
          + "\(decimal(Double(line.contacts) / Double(line.cases), 1)) contacts each")
    }
    return lines.isEmpty ? ["no queue and no case"] : lines
  }

  private func share(_ kept: ServiceReport.Kept) -> String? {
    guard kept.of > 0 else { return nil }
    return "\(grouped(kept.kept)) of \(grouped(kept.of)) "
      + "(\(decimal(100 * Double(kept.kept) / Double(kept.of), 0)) %)"
  }

  private func name(_ text: String) -> String { clipped(inert(text), to: 40) }
}

extension ServiceReport: Encodable {
  private enum CodingKeys: String, CodingKey {
    case now, queues, overdue, outcomes, promises, remedies
    case appointmentsKept = "appointments_kept"
    case appointmentsOver = "appointments_over"
    case appointmentsToCome = "appointments_to_come"
  }

  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(now, forKey: .now)
    try object.encode(queues, forKey: .queues)
    try object.encode(overdue, forKey: .overdue)
    try object.encode(outcomes, forKey: .outcomes)
    try object.encode(promises, forKey: .promises)
    try object.encode(remedies, forKey: .remedies)
    try object.encode(appointments.kept, forKey: .appointmentsKept)
    try object.encode(appointments.of, forKey: .appointmentsOver)
    try object.encode(appointmentsToCome, forKey: .appointmentsToCome)
  }
}
