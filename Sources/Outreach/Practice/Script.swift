import Detraction
package import Histories

/// What to say on a case: its playbook, filled in.
package struct Script: Sendable, Equatable {
  package struct Spoken: Sendable, Equatable, Encodable {
    package var part: Playbook.Part
    package var lines: [String]
  }

  package var account: String
  package var playbook: String
  /// For the agent alone.
  package var advice: String?
  package var parts: [Spoken]
  /// Playbooks that the agent may take by their names.
  package var others: [String] = []
  /// What worked for others.
  package var snippets: [Snippet] = []
  /// What the customer said so far, for who holds the case.
  package var said: [(field: String, text: String)] = []
  /// Remedies that are not offered before somebody approves them.
  package var needsApproval: [Remedy] = []

  package static func == (a: Script, b: Script) -> Bool {
    a.account == b.account && a.playbook == b.playbook && a.advice == b.advice
      && a.parts == b.parts && a.others == b.others && a.snippets == b.snippets
      && a.said.elementsEqual(b.said, by: ==) && a.needsApproval == b.needsApproval
  }
}

extension Practice {
  /// What to say on a case.
  /// - Parameters:
  ///   - agent: who speaks; nil leaves a blank.
  ///   - playbook: one by its name, instead of the one that fits.
  ///   - spent: remedies that the account has had as often as it may.
  /// - Throws: `.refused` for a playbook that is for others: one for customers who spoke is not read to
  ///   one who did not.
  package func script(
    for open: Case, agent: String?, playbook named: Playbook? = nil, spent: [String] = [],
    zone: LocalTime
  ) throws(OutreachError) -> Script {
    guard let book = named ?? playbooks.choice(for: open, self) else {
      throw .refused("no playbook fits this case: `tacit playbooks` lists them")
    }
    if book.isSilent == hasSpoken(open) {
      throw .refused(
        book.isSilent
          ? "\(book.name) is for customers who have not spoken, and this one did"
          : "\(book.name) is for customers who spoke, and this one has not said that anything is wrong"
      )
    }
    let values = values(open, book, agent, spent, zone)
    let parts = Playbook.Part.allCases.compactMap { part -> Script.Spoken? in
      let lines = (book.parts[part] ?? []).compactMap { Template($0).filled(values) }
        .filter { !$0.isEmpty }
      return lines.isEmpty ? nil : Script.Spoken(part: part, lines: lines)
    }
    var script = Script(
      account: open.account, playbook: book.name, advice: book.advice, parts: parts)
    script.others = playbooks.all.filter {
      $0.byName && $0.isSilent == book.isSilent && $0.name != book.name
    }.map(\.name)
    if !book.isSilent {
      script.needsApproval = remedies.filter { $0.approver != nil && !isOffered($0, open, spent) }
    }
    return script
  }

  /// What goes into the placeholders.
  func values(
    _ open: Case, _ book: Playbook, _ agent: String?, _ spent: [String], _ zone: LocalTime
  ) -> [Placeholder: String] {
    let words = book.words.or(playbooks.common)
    let facts =
      book.isSilent ? sayable(open, words) : said(open, words, zone)
    var offers = open.state.steps?.cause.flatMap { words.options[$0] }.map { [$0] } ?? []
    offers += remedies.filter { isOffered($0, open, spent) }.map(\.text)
    var values: [Placeholder: String] = [
      .agent: agent ?? "[your name]", .company: company ?? "[your company]",
    ]
    // Of several people of an account the first is the one to be spoken with.
    let name = open.person?.contacts?.first?.name ?? open.name
    values[.name] = name.map { clipped(trimmed($0), to: 80) }.flatMap { $0.isEmpty ? nil : $0 }
    values[.facts] = facts
    values[.options] = offers.isEmpty ? nil : listed(offers, "; ", "; or ")
    values[.promised] = open.state.steps?.promised.map { spokenDate($0, zone) }
    return values
  }

  /// A remedy that somebody must approve is offered once they did.
  private func isOffered(_ remedy: Remedy, _ open: Case, _ spent: [String]) -> Bool {
    if spent.contains(where: { $0.utf8.elementsEqual(remedy.name.utf8) }) { return false }
    let work = open.state.steps
    return remedy.approver == nil || (work?.approvedBy != nil && work?.remedy == remedy.name)
  }

  /// What the company did that may be mentioned to a customer who has not spoken: of the strongest
  /// reasons that speak for the flag, at most two, those that are `sayable`, that did happen, and that
  /// have a phrase. Nothing of the score, no value, no word of a reason's own.
  private func sayable(_ open: Case, _ words: PlaybookWords) -> String? {
    var phrases: [String] = []
    for reason in open.score?.reasons ?? []
    where reason.sayable && reason.contribution > 0 && reason.happened {
      if let phrase = words.phrases[reason.feature], !phrases.contains(phrase) {
        phrases.append(phrase)
      }
    }
    return phrases.isEmpty ? nil : listed(Array(phrases.prefix(2)), ", ", " and ")
  }

  /// What the customer said, by its kind, else its form.
  private func said(_ open: Case, _ words: PlaybookWords, _ zone: LocalTime) -> String? {
    guard let voice = open.voice else { return words.said["just_now"] }
    let named = [voice.kind, open.state.steps?.form, "other"]
    guard let phrase = named.lazy.compactMap({ $0.flatMap { words.said[$0] } }).first else {
      return nil
    }
    return Template(phrase).filled([.date: spokenDate(voice.at, zone)])
  }
}

extension Reason {
  /// Whether it speaks of something that did happen to the account, and not of something missing.
  fileprivate var happened: Bool {
    let prefix = feature + "."
    guard measure.utf8.starts(with: prefix.utf8), let value else { return false }
    switch measure.utf8.dropFirst(prefix.utf8.count).split(separator: UInt8(ascii: ".")).first
      .map({ String(decoding: $0, as: UTF8.self) })
    {
    case "count", "sum", "active_days": return value > 0
    case "mean": return true
    case "days_since_last": return typical.map { value <= $0 } ?? true
    default: return false
    }
  }
}

/// `a, b and c`.
func listed(_ texts: [String], _ comma: String, _ last: String) -> String {
  guard let end = texts.last, texts.count > 1 else { return texts.first ?? "" }
  return texts.dropLast().joined(separator: comma) + last + end
}

/// `Thursday 26 February`: as people say it, on the zone's calendar.
func spokenDate(_ instant: Instant, _ zone: LocalTime) -> String {
  let date = zone.date(of: instant)
  let (_, month, day) = civilDate(daysSinceEpoch: date)
  let days = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ]
  let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  return "\(days[weekday(ofDate: date)]) \(day) \(months[month - 1])"
}
