import Foundation
package import Histories

/// Words that worked: said on a case to which the customer answered, kept for others without anything
/// of the customer's.
package struct Snippet: Sendable, Equatable, Encodable {
  package var number: Int64
  package var part: Playbook.Part
  /// Of the cases: what kind of feedback it was, and what it came from; nil where that is not known.
  package var form: String?
  package var cause: String?
  package var text: String
  /// On how many cases it was said, how many of them were resolved, and how many answered.
  package var cases: Int
  package var resolved: Int
  package var answered: Int

  package init(
    number: Int64, part: Playbook.Part, form: String?, cause: String?, text: String, cases: Int,
    resolved: Int, answered: Int
  ) {
    self.number = number
    self.part = part
    self.form = form
    self.cause = cause
    self.text = text
    self.cases = cases
    self.resolved = resolved
    self.answered = answered
  }

  /// Best first: most resolved, most answered, oldest.
  static func isBetter(_ a: Snippet, _ b: Snippet) -> Bool {
    (b.resolved, b.answered, a.number) < (a.resolved, a.answered, b.number)
  }

  /// Whether the customer answered on a case, and whether in the end it was well.
  static func worked(_ state: CaseState) -> (answered: Bool, resolved: Bool) {
    let resolved =
      state.steps?.agreed == true
      || [.resolved, .nothingWrong, .partedWell].contains(state.outcome)
    return (resolved || state.answeredAt != nil || state.reachedAt != nil, resolved)
  }
}

/// Finds what a text says of a customer that must not be kept elsewhere.
struct CustomerTraces {
  /// Words of a name that are anybody's.
  private static let common = [
    "the", "and", "ltd", "inc", "llc", "gmbh", "company", "group", "customer",
  ]
  private let account: String
  /// Of the account and of all its people.
  private let names, emails, phones: [String]

  init(_ open: Case) {
    account = Self.folded(open.account)
    let person = open.person
    let people = person?.contacts ?? []
    names = ([person?.name] + people.map(\.name)).compactMap { $0.map(Self.folded) }
    emails = ([person?.email] + people.map(\.email)).compactMap { $0.map(Self.folded) }
    phones = ([person?.phone] + people.map(\.phone)).compactMap { $0.map(Self.digits) }
  }

  /// What it says of the customer, in words; nil where it says nothing.
  func found(in text: String) -> String? {
    let text = Self.folded(text)
    let words = Self.words(text)
    if words.contains(account) || (account.utf8.count > 3 && holds(text, account)) {
      return "the account's id"
    }
    for name in names where !trimmed(name).isEmpty {
      let own = Self.words(name).filter {
        $0.unicodeScalars.count > 2 && !Self.common.contains($0)
      }
      if holds(text, name) || own.contains(where: words.contains) {
        return "the customer's name (say {name})"
      }
    }
    if emails.contains(where: { !$0.isEmpty && holds(text, $0) })
      || Self.tokens(text).contains(where: { token in
        token.unicodeScalars.dropFirst().dropLast().contains("@")
      })
    {
      return "an e-mail address"
    }
    let digits = Self.numbers(text)
    if digits.contains(where: { $0.count > 6 }) { return "a telephone number, or a number as long" }
    for phone in phones
    where phone.count > 3 && digits.contains(where: { $0.count > 3 && phone.hasSuffix($0) }) {
      return "the customer's telephone number"
    }
    return nil
  }

  /// Without case, and with marks apart, so that one name is one text.
  private static func folded(_ text: String) -> String {
    text.decomposedStringWithCompatibilityMapping.lowercased()
  }

  private static func words(_ text: String) -> [String] {
    text.unicodeScalars.split { scalar in
      let properties = scalar.properties
      return !properties.isAlphabetic && properties.numericType == nil
        && properties.generalCategory != .nonspacingMark && scalar != "_"
    }.map { String($0) }
  }

  private static func tokens(_ text: String) -> [String] {
    text.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }
  }

  private static func digits(_ text: String) -> String {
    String(text.unicodeScalars.filter { ("0"..."9").contains($0) })
  }

  /// Runs of digits as telephone numbers are written: `+49 (30) 123-45` is one.
  private static func numbers(_ text: String) -> [String] {
    text.unicodeScalars.split {
      !("0"..."9").contains($0) && !" -/().+".unicodeScalars.contains($0)
    }
    .map { digits(String($0)) }.filter { !$0.isEmpty }
  }
}

extension CaseStore {
  /// Keeps what was said on the newest case of an account, for others. The same text said on another
  /// case counts once more for it.
  /// - Returns: its number.
  /// - Throws: `.missing` without a case; `.refused` where the customer has not answered, where the text
  ///   has something of the customer in it or names an unknown placeholder, or where it is kept already.
  package func addSnippet(
    _ text: String, part: Playbook.Part, account: String, by actor: String, at now: Instant
  ) throws(OutreachError) -> Int64 {
    let text = trimmed(text)
    guard !text.isEmpty else { throw .refused("the snippet says nothing") }
    let known = Placeholder.talk.map(\.rawValue)
    if let name = Template(text).names.first(where: { !known.contains($0) }) {
      throw .refused(
        "unknown placeholder {\(name)}: known are "
          + known.map { "{\($0)}" }.joined(separator: ", "))
    }
    return try writing { db in
      guard !account.utf8.contains(0),
        let open = try db.rows(StoreSQL.casesOf, [.text(account)]).map(Case.init).last
      else { throw OutreachError.missing("no case for account \(account)") }
      guard Snippet.worked(open.state).answered else {
        throw OutreachError.refused(
          "nobody has answered on this case yet: what worked is known when the customer has")
      }
      if let trace = CustomerTraces(open).found(in: text) {
        throw OutreachError.refused(
          "the snippet holds \(trace): others read it on cases of other customers, so write it "
            + "without")
      }
      let work = open.state.steps
      let rows = try Self.snippetRows(db)
      if rows.contains(where: { $0.caseNumber == open.number && $0.isSame(part, text) }) {
        throw OutreachError.refused("this snippet is kept from this case already")
      }
      let number = try db.row(StoreSQL.nextSnippet)?.integer(0) ?? 1
      try db.execute(
        StoreSQL.insertSnippet,
        [
          SQLValue(number), SQLValue(open.number), SQLValue(now.microseconds), try SQLValue(actor),
          .text(part.rawValue), try SQLValue(work?.form), try SQLValue(work?.cause),
          try SQLValue(text),
        ])
      return rows.first { $0.isSame(part, text) }?.number ?? number
    }
  }

  /// Snippets, the best first; of one part, form or cause where they are named.
  package func snippets(
    part: Playbook.Part? = nil, form: String? = nil, cause: String? = nil
  ) throws(OutreachError) -> [Snippet] {
    let rows = try reading { try Self.snippetRows($0) }
    func fits(_ wanted: String?, _ found: String?) -> Bool {
      wanted == nil || found.map { $0.utf8.elementsEqual(wanted!.utf8) } == true
    }
    var found: [Snippet] = []
    for row in rows where part == nil || row.part == part {
      let (answered, resolved) = Snippet.worked(row.state)
      let place = found.firstIndex {
        $0.part == row.part && $0.text.utf8.elementsEqual(row.text.utf8)
      }
      var snippet =
        place.map { found[$0] }
        ?? Snippet(
          number: row.number, part: row.part, form: row.form, cause: row.cause, text: row.text,
          cases: 0, resolved: 0, answered: 0)
      snippet.cases += 1
      snippet.resolved += resolved ? 1 : 0
      snippet.answered += answered ? 1 : 0
      if let place { found[place] = snippet } else { found.append(snippet) }
    }
    return found.filter { fits(form, $0.form) && fits(cause, $0.cause) }
      .sorted(by: Snippet.isBetter)
  }

  /// Takes a snippet out of the library, from whatever cases it was kept.
  /// - Throws: `.missing` where there is none of that number.
  package func dropSnippet(_ number: Int64) throws(OutreachError) {
    try writing { db in
      let rows = try Self.snippetRows(db)
      guard let one = rows.first(where: { $0.number == number }) else {
        throw OutreachError.missing(
          "no snippet has the number \(number): `tacit queue snippet list` shows them")
      }
      for row in rows where row.isSame(one.part, one.text) {
        try db.execute(StoreSQL.dropSnippet, [SQLValue(row.number)])
      }
    }
  }

  private struct SnippetRow {
    var number: Int64
    var caseNumber: Int64
    var part: Playbook.Part
    var form: String?
    var cause: String?
    var text: String
    var state: CaseState

    func isSame(_ part: Playbook.Part, _ text: String) -> Bool {
      self.part == part && self.text.utf8.elementsEqual(text.utf8)
    }
  }

  private static func snippetRows(_ db: any StoreConnection) throws -> [SnippetRow] {
    try db.rows(StoreSQL.snippets).map { row in
      guard let part = Playbook.Part(rawValue: try row.text(2)) else { throw SQLRow.damaged }
      return SnippetRow(
        number: try row.integer(0), caseNumber: try row.integer(1), part: part,
        form: try row.optionalText(3), cause: try row.optionalText(4), text: try row.text(5),
        state: try decoded(try row.text(6)))
    }
  }
}
