import Foundation
package import Histories

/// What is looked for among all cases, open and closed; everything that is named must fit.
package struct CaseQuestion: Sendable {
  package var account: String?
  package var cause: String?
  /// Linked to this correction.
  package var correction: Int64?
  /// In what the customer said, in notes and records, without regard to the case of ASCII letters.
  package var text: String?

  package init(
    account: String? = nil, cause: String? = nil, correction: Int64? = nil, text: String? = nil
  ) {
    self.account = account
    self.cause = cause
    self.correction = correction
    self.text = text
  }
}

/// A case that was found.
package struct FoundCase: Sendable {
  package var found: Case
  /// What was said and noted on it, oldest first; nil for those who neither hold nor worked it.
  package var said: [Quote]?

  package struct Quote: Sendable, Encodable {
    package var at: Instant
    package var by: String
    /// A field of a record, or `note`.
    package var field: String
    package var text: String
  }
}

extension CaseStore {
  /// Cases that fit a question, the newest first; what customers said only to who holds a case or has
  /// worked it, and by what was said only their own cases are found.
  ///
  /// O(all cases and actions).
  package func search(
    _ question: CaseQuestion, by agent: String
  ) throws(OutreachError) -> [FoundCase] {
    let cases = try cases(account: question.account)
    let linked = try question.correction.map { (number) throws(OutreachError) in
      Set(try links(of: number))
    }
    let isOne = question.account != nil
    var found: [FoundCase] = []
    let all = isOne ? [:] : Dictionary(grouping: try actions(), by: \.caseNumber)
    for one in cases.reversed() {
      if let cause = question.cause,
        one.state.steps?.cause.map({ $0.utf8.elementsEqual(cause.utf8) }) != true
      {
        continue
      }
      if let linked, !linked.contains(one.number) { continue }
      let log = isOne ? try actions(of: one.number) : all[one.number] ?? []
      let words = one.said.map {
        FoundCase.Quote(at: $0.at, by: "customer", field: $0.kind, text: $0.text)
      }
      let quotes =
        words
        + log.flatMap { action in
          let record = StepField.allCases.compactMap { field in
            action.record[field.rawValue].map { (field.rawValue, $0) }
          }
          return (record + (action.note.map { [("note", $0)] } ?? [])).map {
            FoundCase.Quote(at: action.at, by: action.actor, field: $0.0, text: $0.1)
          }
        }
      let mayRead = Self.mayRead(one, log, agent)
      if let text = question.text,
        !mayRead || !quotes.contains(where: { holds($0.text, text) })
      {
        continue
      }
      found.append(FoundCase(found: one, said: mayRead ? quotes : nil))
    }
    return found
  }

  /// Whether an agent holds a case or has worked it. A note or an escalation, which anybody may add to
  /// another's case, is no work on it.
  private static func mayRead(_ open: Case, _ log: [Action], _ agent: String) -> Bool {
    open.state.owner.map { $0.utf8.elementsEqual(agent.utf8) } == true
      || log.contains {
        $0.kind != .noted && $0.kind != .escalated && $0.kind != .opened
          && $0.actor.utf8.elementsEqual(agent.utf8)
      }
  }
}

/// Whether a text holds another, byte for byte but for the case of ASCII letters.
func holds(_ text: String, _ wanted: String) -> Bool {
  func folded(_ text: String) -> Data {
    Data(text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 })
  }
  return wanted.isEmpty || folded(text).range(of: folded(wanted)) != nil
}
