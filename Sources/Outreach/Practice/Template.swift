/// What a line of a playbook may leave to be filled in.
enum Placeholder: String, CaseIterable {
  /// The customer's name, from the accounts file.
  case name
  /// For those who spoke: what they said and when. For others: what the company did, as far as it may
  /// be mentioned.
  case facts
  /// What can be offered.
  case options
  /// By when it was promised.
  case promised
  /// Who speaks, and for whom.
  case agent, company
  /// Of what the customer said; in `[said]` alone.
  case date

  static let talk: [Placeholder] = [.name, .facts, .options, .promised, .agent, .company]
}

/// A line with its placeholders: `Hello {name}, this is {agent}.`
struct Template {
  private enum Piece {
    case text(String)
    case hole(String)
  }
  private var pieces: [Piece] = []

  /// A brace that is never closed is text.
  init(_ line: String) {
    var rest = line.utf8[...]
    while let open = rest.firstIndex(of: UInt8(ascii: "{")),
      let close = rest[open...].firstIndex(of: UInt8(ascii: "}"))
    {
      pieces.append(.text(String(decoding: rest[..<open], as: UTF8.self)))
      let name = rest[rest.index(after: open)..<close]
      pieces.append(.hole(String(decoding: name, as: UTF8.self)))
      rest = rest[rest.index(after: close)...]
    }
    pieces.append(.text(String(decoding: rest, as: UTF8.self)))
  }

  /// What stands in braces.
  var names: [String] {
    pieces.compactMap { if case .hole(let name) = $0 { name } else { nil } }
  }

  /// The line with everything put in, once: what is put in is not looked at again. Nil where there is
  /// nothing to put in, except for a name: then its place closes.
  func filled(_ values: [Placeholder: String]) -> String? {
    var line = ""
    var isClosing = false
    for piece in pieces {
      switch piece {
      case .text(var text):
        if isClosing, line.isEmpty { text = Self.asBeginning(text) }
        isClosing = false
        line += text
      case .hole(let name):
        if let value = Placeholder(rawValue: name).flatMap({ values[$0] }) {
          line += value
        } else if name == Placeholder.name.rawValue {
          line = Self.withoutJoint(line)
          isClosing = true
        } else {
          return nil
        }
      }
    }
    return line
  }

  /// `Thank you, ` becomes `Thank you`.
  private static func withoutJoint(_ text: String) -> String {
    var bytes = Array(text.utf8)
    while bytes.last == 0x20 { bytes.removeLast() }
    if bytes.last == UInt8(ascii: ",") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `, thank you` becomes `Thank you`.
  private static func asBeginning(_ text: String) -> String {
    let rest = text.unicodeScalars.drop { $0 == "," || $0 == " " }
    guard let first = rest.first else { return "" }
    return first.properties.titlecaseMapping + String(rest.dropFirst())
  }
}
