package import Histories

/// Corrections in words, for a terminal.
package struct CorrectionText {
  private let zone: LocalTime
  private var listing: CaseListing { CaseListing(zone: zone) }

  package init(zone: LocalTime) { self.zone = zone }

  /// Two lines each.
  package func list(_ corrections: [CaseStore.RankedCorrection]) -> [String] {
    corrections.flatMap { one in
      [head(one.correction), "   " + whom(one.impact)]
    }
  }

  package func detail(
    _ one: CaseStore.RankedCorrection, log: [CorrectionAction], linked: [Case]
  ) -> [String] {
    var lines = [head(one.correction), "   " + whom(one.impact)]
    if one.votes.yes + one.votes.no > 0 { lines.append("   " + votes(one.votes)) }
    if let reason = one.impact.sharedReason {
      lines.append("   the linked share a first reason: \(name(reason))")
    }
    let numbers = Dictionary(
      linked.map { (AccountKey($0.account), $0) }, uniquingKeysWith: { $1 })
    lines.append("linked:")
    lines += one.impact.linked.map { member in
      let known = numbers[AccountKey(member.account)]
      let state =
        known.map { $0.isOpen ? "open" : words($0.state.outcome?.rawValue ?? "closed") } ?? ""
      return "  \(name(member.account)) (case \(member.caseNumber), \(state)), "
        + worth(member.value)
    }
    if one.impact.linked.isEmpty { lines.append("  nobody") }
    if !one.impact.lookAlikes.isEmpty {
      lines.append("silent ones who look like them:")
      let most = 20
      lines += one.impact.lookAlikes.prefix(most).map { member in
        let chance = member.probability.map { "\(decimal(100 * $0, 0)) %, " } ?? ""
        return
          "  \(name(member.account)) (case \(member.caseNumber)), \(chance)\(worth(member.value))"
      }
      if one.impact.lookAlikes.count > most {
        lines.append("  … and \(grouped(one.impact.lookAlikes.count - most)) more")
      }
    }
    lines.append("log:")
    lines += log.map { action in
      let detail = action.detail.sorted { $0.key < $1.key }
        .map { "\($0.key) \(name($0.value))" }.joined(separator: ", ")
      return "  \(listing.timeText(action.at))  \(name(action.actor))  \(action.kind.rawValue)"
        + (detail.isEmpty ? "" : " (\(detail))") + (action.because.map { ": " + inert($0) } ?? "")
    }
    return lines
  }

  /// A group a paragraph, with what to type next.
  package func suggestions(_ groups: [Suggestion], practice: Practice) -> [String] {
    groups.flatMap { one -> [String] in
      let by = one.reason.map { ", by \(name($0))" } ?? ""
      let made =
        one.corrections.isEmpty
        ? "no correction yet"
        : "correction \(one.corrections.map(String.init).joined(separator: ", ")) "
          + "(\(one.linked) of \(one.accounts) linked)"
      let evidence =
        one.isEnough
        ? "enough for a pilot"
        : "not enough yet: \(one.accounts) of \(practice.minimumCases) accounts"
      var lines = [
        "\(name(words(one.cause)))\(by): \(evidence); \(made)", "   " + whom(one.impact),
      ]
      if one.isEnough, one.linked < one.accounts {
        let some = one.impact.linked.prefix(8).map { name($0.account) }.joined(separator: " ")
        let more = one.accounts > 8 ? " …" : ""
        lines.append(
          one.corrections.isEmpty
            ? "   tacit corrections propose \"…\" --cause \(name(one.cause)) --owner … --by …, then link "
              + some + more
            : "   tacit corrections link \(one.corrections[0]) \(some)\(more) --by …")
      }
      return lines
    }
  }

  /// What became of what an agent heard.
  package func changes(
    _ changes: [(correction: Correction, since: [CorrectionState.Move])]
  ) -> [String] {
    changes.flatMap { one -> [String] in
      [head(one.correction)]
        + (one.since.isEmpty
          ? ["   nothing since you heard of it"]
          : one.since.map {
            "   \(words($0.stage.rawValue)) on \(listing.timeText($0.at)), by \(name($0.by))"
          })
    }
  }

  package func votes(_ votes: CaseStore.Votes) -> String {
    "votes of former detractors: \(votes.yes) yes, \(votes.no) no"
  }

  private func head(_ one: Correction) -> String {
    "\(one.number)  \(clipped(inert(one.title), to: 100)) · \(words(one.state.stage.rawValue)) · "
      + "\(name(words(one.state.cause))) · with \(name(one.state.owner))"
  }

  /// `7 customers (41,200 a year) and 12 silent ones like them (expected 18,300 a year, …)`
  private func whom(_ impact: CorrectionImpact) -> String {
    let linked = impact.linked.count
    let alike = impact.lookAlikes.count
    var text =
      "\(grouped(linked)) customer\(linked == 1 ? "" : "s") (\(money(impact.linkedValue)) a year)"
    if alike > 0 {
      text +=
        " and \(grouped(alike)) silent like them (\(money(impact.expected)) a year expected, "
        + "\(money(impact.low)) to \(money(impact.high)): the level is not measured)"
    }
    if impact.withoutValue > 0 { text += "; \(grouped(impact.withoutValue)) without a value" }
    return text
  }

  private func worth(_ value: Double?) -> String {
    value.map { "\(money($0)) a year" } ?? "value not known"
  }

  private func money(_ value: Double) -> String {
    abs(value) < 1e15 ? grouped(Int(value.rounded())) : "\(value)"
  }

  private func words(_ text: String) -> String { text.replacing("_", with: " ") }
  private func name(_ text: String) -> String { clipped(inert(text), to: 60) }
}

// MARK: - As objects

extension CorrectionImpact: Encodable {
  private enum CodingKeys: String, CodingKey {
    case linked, lookAlikes, sharedReason, linkedValue, expected, low, high, withoutValue, total
  }

  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(linked, forKey: .linked)
    try object.encode(lookAlikes, forKey: .lookAlikes)
    try object.encode(sharedReason, forKey: .sharedReason)
    try object.encode(linkedValue, forKey: .linkedValue)
    try object.encode(expected, forKey: .expected)
    try object.encode(low, forKey: .low)
    try object.encode(high, forKey: .high)
    try object.encode(withoutValue, forKey: .withoutValue)
    try object.encode(total, forKey: .total)
  }
}

extension CorrectionImpact.Member: Encodable {
  private enum CodingKeys: String, CodingKey {
    case account = "accountId"
    case caseNumber = "case"
    case value, probability
  }

  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(account, forKey: .account)
    try object.encode(caseNumber, forKey: .caseNumber)
    try object.encode(value, forKey: .value)
    try object.encode(probability, forKey: .probability)
  }
}

extension Correction: Encodable {
  private enum CodingKeys: String, CodingKey {
    case number = "correction"
    case title, stage, cause, owner, moves
  }

  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(number, forKey: .number)
    try object.encode(title, forKey: .title)
    try object.encode(state.stage, forKey: .stage)
    try object.encode(state.cause, forKey: .cause)
    try object.encode(state.owner, forKey: .owner)
    try object.encode(state.moves, forKey: .moves)
  }
}

extension CaseStore.RankedCorrection: Encodable {
  private enum CodingKeys: String, CodingKey { case impact, votes }

  package func encode(to encoder: any Encoder) throws {
    try correction.encode(to: encoder)
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(impact, forKey: .impact)
    try object.encode(votes, forKey: .votes)
  }
}
