package import Foundation
import Histories

extension Script {
  private static let width = 100

  /// The script in words, inert, for a terminal of 100 columns.
  package var text: String {
    var lines: [String] = []
    func block(_ title: String, _ texts: [String], mark: String = "  ") {
      if texts.isEmpty { return }
      if !title.isEmpty { lines.append(title) }
      for text in texts {
        let rows = wrapped(inert(text), to: Self.width - 4)
        lines += rows.enumerated().map { ($0.offset == 0 ? mark : "  ") + $0.element }
      }
    }
    lines += wrapped(
      "what to say to \(clipped(inert(account), to: 48)): playbook \(inert(playbook))",
      to: Self.width)
    if let advice { block("for you", [advice]) }
    for part in parts { block(part.part.title, part.lines) }
    block(
      "others said",
      snippets.map {
        "\($0.part.title): \($0.text)  (number \($0.number); \($0.cases) "
          + "case\($0.cases == 1 ? "" : "s"), \($0.resolved) resolved)"
      })
    block("they said", said.map { "\($0.field.replacing("_", with: " ")): \($0.text)" })
    block(
      "to be approved before you offer it",
      needsApproval.map { "\($0.text) (\($0.name), by \($0.approver ?? ""))" })
    if !others.isEmpty {
      block(
        "", ["another for this customer: --playbook " + others.joined(separator: ", ")], mark: "")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The script as one object; the same bytes for the same script.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + [0x0A]
  }
}

extension Script: Encodable {
  private enum CodingKeys: String, CodingKey {
    case account = "account_id"
    case playbook, advice, parts
    case others = "other_playbooks"
    case snippets = "others_said"
    case said = "they_said"
    case needsApproval = "needs_approval"
  }

  private struct Quote: Encodable {
    var field, text: String
  }

  private struct Offer: Encodable {
    var name, text: String
    var approver: String?
  }

  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(account, forKey: .account)
    try object.encode(playbook, forKey: .playbook)
    try object.encode(advice, forKey: .advice)
    try object.encode(parts, forKey: .parts)
    try object.encode(others, forKey: .others)
    try object.encode(snippets, forKey: .snippets)
    try object.encode(said.map { Quote(field: $0.field, text: $0.text) }, forKey: .said)
    try object.encode(
      needsApproval.map { Offer(name: $0.name, text: $0.text, approver: $0.approver) },
      forKey: .needsApproval)
  }
}
