import Detraction
package import Foundation
package import Histories

/// Open cases in words, for a terminal of 100 columns: who, why, how sure, by when.
package struct CaseListing {
  /// Zone of the due times.
  package var zone: LocalTime
  /// When calls may be made, as of an instant; nil: nothing is said of it.
  package var hours: Hours?
  private let width = 100

  package struct Hours {
    package var calls: CallRules
    package var now: Instant

    package init(_ calls: CallRules, now: Instant) {
      self.calls = calls
      self.now = now
    }
  }

  package init(zone: LocalTime, hours: Hours? = nil) {
    self.zone = zone
    self.hours = hours
  }

  /// Cases under a line for each queue, numbered through within it in the order given, and a line
  /// that says what the percentages mean. `cases` are grouped by queue; of each queue at most
  /// `perQueue` are shown and the rest counted.
  package func text(_ cases: [Case], perQueue: Int = .max) -> String {
    let reasonWidth = min(72, cases.flatMap(reasonTexts).map(columns).max() ?? 0)
    var lines: [String] = []
    var start = 0
    while start < cases.count {
      let queue = cases[start].queue
      let group = cases[start...].prefix { $0.queue == queue }
      if start > 0 { lines.append("") }
      let count = group.count == 1 ? "1 open case" : "\(grouped(group.count)) open cases"
      lines.append(
        clipped(inert(queue), to: 60) + " · " + clipped(inert(group.first!.channel), to: 20)
          + " · " + count)
      let rankWidth = String(group.count).utf8.count
      for (place, open) in group.prefix(perQueue).enumerated() {
        let rank = String(place + 1)
        let lead = String(repeating: " ", count: rankWidth - rank.utf8.count) + rank + "  "
        lines += head(open, lead)
        if let hours = hoursLine(open) {
          let indent = String(repeating: " ", count: rankWidth + 2)
          lines += wrapped(hours, to: width - rankWidth - 2).map { indent + $0 }
        }
        lines += reasons(open, indent: rankWidth + 2, width: reasonWidth)
      }
      if group.count > perQueue { lines.append("… and \(grouped(group.count - perQueue)) more") }
      start += group.count
    }
    if let first = cases.lazy.compactMap(\.score).first {
      lines.append("")
      lines += wrapped(
        "\(chance(first)): the chance that feedback, if this account gave any in the label "
          + "window, would be negative, with its 95 % interval; the level is not measured. top 1 %: "
          + "place among the silent. +0.9: what a reason adds to the logit.", to: width)
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Everything about one case; with what comes next by a team's practice.
  package func detail(_ open: Case, practice: Practice? = nil) -> String {
    var lines = wrapped(inert(open.account), to: width)
    func field(_ label: String, _ text: String) { lines += labelled(label, text) }
    if open.number > 0 { field("case", "\(open.number), \(formText(open))") }
    if let person = open.person {
      if let name = person.name { field("name", inert(name)) }
      if let phone = person.phone { field("phone", inert(phone)) }
      if let email = person.email { field("email", inert(email)) }
      if let channel = person.preferredChannel { field("prefers", inert(channel)) }
      for contact in person.contacts ?? [] { field("contact", text(contact)) }
    }
    if let segment = open.segment { field("segment", inert(segment)) }
    if let value = open.value { field("value", "\(money(value)) a year") }
    field("queue", "\(inert(open.queue)), by \(inert(open.channel))")
    field("opened", dateText(open.openedAt))
    field("due", bothDates(open.due, open))
    if let close = open.closeDue { field("close by", bothDates(close, open)) }
    for line in hoursTexts(open) { field(line.label, line.text) }
    for line in stateTexts(open) { field(line.label, line.text) }
    if let practice {
      for line in practiceTexts(open, practice) { field(line.label, line.text) }
    }
    for words in open.said {
      field(
        "said",
        "\(dateText(words.at)), \(inert(words.kind.replacing("_", with: " "))): "
          + inert(onOneLine(words.text)))
    }
    guard let score = open.score else { return lines.map { $0 + "\n" }.joined() }
    field(
      "chance",
      "\(chance(score)) that feedback, if this account gave any in the label window, would be "
        + "negative; the level is not measured"
    )
    field("place", "\(top(score)) of the silent, band \(score.band.rawValue)")
    field("spoke", score.neverSpoken ? "never" : "before, and is silent now")
    if let model = open.model { field("model", inert(model)) }
    let texts = reasonTexts(open)
    lines.append("why")
    lines += reasons(open, indent: 2, width: min(72, texts.map(columns).max() ?? 0))
    if let like = likeness(open.exemplars) { field("like", like) }
    return lines.map { $0 + "\n" }.joined()
  }

  /// How far the work on a case is, and what comes next by a team's practice.
  package func progress(_ open: Case, practice: Practice) -> String {
    let texts = stateTexts(open) + practiceTexts(open, practice)
    let lines =
      wrapped("\(inert(open.account)), case \(open.number), queue \(inert(open.queue))", to: width)
      + texts.flatMap { labelled($0.label, $0.text) }
    return lines.map { $0 + "\n" }.joined()
  }

  private func labelled(_ label: String, _ text: String) -> [String] {
    wrapped(text, to: width - 12).enumerated().map {
      padded($0.offset == 0 ? label : "", to: 12) + $0.element
    }
  }

  /// The cases as an array of flat objects, keys in alphabetical order; the same bytes for the
  /// same cases.
  package static func json(_ cases: [Case]) throws -> Data { try encoded(cases) }

  /// One case as a flat object.
  package static func json(_ open: Case) throws -> Data { try encoded(open) }

  static func encoded(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value) + [0x0A]
  }

  // MARK: - Parts

  /// What the account shares with the known detractors nearest to it, and how near they are; never who
  /// they are.
  private func likeness(_ exemplars: [Exemplar]) -> String? {
    guard let nearest = exemplars.first else { return nil }
    if exemplars.isUnlikeAny {
      return "unlike any known detractor: the nearest is further away than known detractors are "
        + "from each other"
    }
    let shared = nearest.shared.map { inert($0.replacing("_", with: " ")) }
    let count = exemplars.count
    let near = nearest.percentile.map {
      "; \(percent($0 / 100)) % of known detractors have another as near as the nearest of these"
    }
    return "\(count) known detractor\(count == 1 ? "" : "s")"
      + (shared.isEmpty
        ? ", by no one factor" : " by " + shared.joined(separator: ", "))
      + (near ?? "")
  }

  /// `00417  Plus · 1,240 a year · top 1 % · 61 % (52–69 %)      due Mon 2 Mar 17:00`
  private func head(_ open: Case, _ lead: String) -> [String] {
    let due = "due \(timeText(open.due))"
    let details = [
      open.state.escalation > 0 ? "escalated" : nil,
      open.form == .predicted ? nil : formText(open),
      open.segment.map { clipped(inert($0), to: 24) }, open.value.map { "\(money($0)) a year" },
      open.score.map(top), open.score.map(chance),
      open.state.owner.map { "with " + clipped(inert($0), to: 20) },
    ].compactMap { $0 }.joined(separator: " · ")
    let who = lead + clipped(inert(open.account), to: 48)
    let room = width - 2 - columns(due)
    if columns(who) + 2 + columns(details) <= room {
      return [padded(who + "  " + details, to: room + 2) + due]
    }
    return [
      padded(who, to: room + 2) + due, String(repeating: " ", count: columns(lead)) + details,
    ]
  }

  private func reasons(_ open: Case, indent: Int, width: Int) -> [String] {
    guard let score = open.score else { return [] }
    let margin = String(repeating: " ", count: indent)
    let parts = score.reasons.map(\.contribution) + [score.other]
    var lines: [String] = []
    for (text, part) in zip(reasonTexts(open), parts) {
      let rows = wrapped(text, to: width)
      lines += rows.dropLast().map { margin + $0 }
      lines.append(margin + padded(rows[rows.count - 1], to: width) + "   " + signed(part))
    }
    if score.extrapolated {
      lines.append(margin + "unlike the accounts that training saw: less sure than it says")
    }
    return lines
  }

  private func reasonTexts(_ open: Case) -> [String] {
    guard let score = open.score else { return [] }
    return score.reasons.map { inert($0.text) + ($0.sayable ? "" : "  [do not say]") }
      + (score.otherCount == 0
        ? [] : ["\(score.otherCount) other feature\(score.otherCount == 1 ? "" : "s")"])
  }

  private func formText(_ open: Case) -> String {
    switch open.form {
    case .predicted: "opened by its score"
    case .exploration: "drawn by lot"
    case .voiced:
      "spoke: "
        + (open.voice.map {
          clipped(inert($0.kind.replacing("_", with: " ")), to: 30) + ", \(timeText($0.at))"
        } ?? "")
    }
  }

  /// How far the work is.
  private func stateTexts(_ open: Case) -> [(label: String, text: String)] {
    let state = open.state
    var texts: [(String, String)] = []
    if let owner = state.owner {
      texts.append(
        ("with", inert(owner) + (state.leaseUntil.map { ", until \(timeText($0))" } ?? "")))
    }
    if state.escalation > 0 {
      let why =
        Escalation(rawValue: state.escalation).map {
          $0 == .notClosed ? ", not closed in time" : ", not taken up in time"
        } ?? ""
      texts.append(("escalated", "to level \(state.escalation)\(why)"))
    }
    if let at = state.acknowledgedAt { texts.append(("taken up", dateText(at))) }
    if state.touches > 0 {
      let last = state.lastTouch.map { ", the last \(timeText($0))" } ?? ""
      let many =
        state.touches == 1 ? "1 contact or attempt" : "\(state.touches) contacts or attempts"
      texts.append(("contact", many + last))
    }
    if let since = state.waitingSince {
      texts.append(("waiting", "for the customer since \(dateText(since))"))
    }
    if let meeting = state.appointment { texts.append(("agreed", bothDates(meeting.from, open))) }
    if let verdict = state.verdict {
      texts.append(("answered", verdict == .detractor ? "unhappy" : "not unhappy"))
    }
    if let at = state.closedAt {
      let outcome = state.outcome?.rawValue.replacing("_", with: " ") ?? ""
      texts.append(("closed", "\(outcome), \(dateText(at))"))
    }
    return texts
  }

  /// The share of the silent that stand higher, rounded up to whole percent.
  private func top(_ score: Score) -> String {
    "top \(max(1, Int((100 - score.percentile - 1e-9).rounded(.up)))) %"
  }

  private func chance(_ score: Score) -> String {
    "\(percent(score.probability)) % (\(percent(score.low))–\(percent(score.high)) %)"
  }

  /// A time as the list prints it: `Mon 2 Mar 17:00`, in the listing's zone.
  package func timeText(_ instant: Instant) -> String {
    let local = parts(instant)
    return "\(local.weekday) \(local.day) \(local.month) \(local.time)"
  }

  /// The same without the time where it is midnight: a day that was promised.
  func dayText(_ instant: Instant) -> String {
    let local = parts(instant)
    return local.time == "00:00"
      ? "\(local.weekday) \(local.day) \(local.month)" : timeText(instant)
  }

  /// `Mon 2 Mar 2026 17:00 (Europe/Berlin)`.
  private func dateText(_ instant: Instant) -> String {
    let local = parts(instant)
    return "\(local.weekday) \(local.day) \(local.month) \(local.year) \(local.time) "
      + "(\(zone.identifier))"
  }

  private func bothDates(_ instant: Instant, _ open: Case) -> String {
    dateText(instant) + (theirTime(instant, open).map { ", " + $0 } ?? "")
  }

  private func parts(
    _ instant: Instant
  ) -> (weekday: String, day: Int, month: String, year: Int, time: String) {
    let date = zone.date(of: instant)
    let (year, month, day) = civilDate(daysSinceEpoch: date)
    let second = instant.microseconds.flooredDivision(by: 1_000_000)
    let minute = (Int(second) + zone.stretch(at: instant).offset) / 60 - date * 1440
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    return (
      days[weekday(ofDate: date)], day, months[month - 1], year,
      "\(padded(minute / 60, 2)):\(padded(minute % 60, 2))"
    )
  }
}

/// Whole percent, but never 0 or 100 for what is neither.
private func percent(_ share: Double) -> Int {
  share <= 0 ? 0 : share >= 1 ? 100 : min(99, max(1, Int((share * 100).rounded())))
}

/// `+0.9`, `−0.3`: one decimal, with a true minus sign.
private func signed(_ number: Double) -> String {
  let tenths = (number * 10).rounded()
  return (tenths < 0 ? "−" : "+") + fixed(abs(tenths) / 10, 1)
}

private func fixed(_ number: Double, _ decimals: Int) -> String {
  String(format: "%.\(decimals)f", number)
}

/// Whole units with a comma between thousands; no currency, since none is configured.
private func money(_ value: Double) -> String {
  guard abs(value) < 1e15 else { return "\(value)" }
  return grouped(Int(value.rounded()))
}

/// A count with commas: 1,234,567.
func grouped(_ number: Int) -> String {
  var digits = Array(String(number.magnitude).utf8)
  var place = digits.count - 3
  while place > 0 {
    digits.insert(UInt8(ascii: ","), at: place)
    place -= 3
  }
  return (number < 0 ? "−" : "") + String(decoding: digits, as: UTF8.self)
}
