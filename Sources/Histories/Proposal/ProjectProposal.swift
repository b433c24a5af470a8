package import Foundation

/// A working project file for tables that nobody has described (`tacit init`): which is what, by their
/// contents first and their headers second, with the reason beside each line and no value of a row but
/// kinds.
package struct ProjectProposal: Sendable {
  package struct Table: Encodable, Sendable {
    package var path: String
    /// accounts, contacts, events, bridged (events that name an account by another table) or unused.
    package var role: String
    package var rows: Int
    package var bytes: Int
    package var account: String?
    /// Of each column: what the proposal makes of it; nil where nothing.
    package var columns: [String: String?]
  }

  /// The project file.
  package let text: String
  package let tables: [Table]
  /// What only people can decide.
  package let questions: [String]
  /// The day after the last event, as `--as-of` takes it.
  package let asOf: String
  /// Whether customers speak in these files, so that `train` can learn from them.
  package let hasFeedback: Bool

  /// Looks at `files` (paths, patterns or folders of Parquet files). Paths in the text start from
  /// `folder`. Throws `dataContract` for what cannot be read as it is, with what to do, and where no file
  /// holds events of accounts. O(bytes), of at most 512 MiB a file.
  package init(files: [String], folder: URL, threads: Int) throws(HistoriesError) {
    let looks = try UnknownTable.group(files).map { (table) throws(HistoriesError) in
      try TableLook(
        paths: table.paths, sources: table.sources, header: table.header, threads: threads)
    }
    for look in looks where look.rows == 0 {
      throw .dataContract("\(look.paths[0]) has no rows below its header: nothing to look at")
    }
    let accounts = AccountColumns(looks)
    var questions = accounts.questions
    var drafts: [EventDraft] = []
    var used: [Set<String>] = looks.map { _ in [] }
    for (index, look) in looks.enumerated() {
      var account = accounts.choices[index]
      if let bridge = accounts.bridges[index] {
        account = .init(column: bridge.column, reason: "")
      }
      guard let account else { continue }
      // The accounts file's own times are events only where no other file has any.
      guard accounts.roles[index] == .events || accounts.roles[index] == .bridged else { continue }
      let made = try EventDrafts(
        look, index: index, account: account.column, reason: account.reason,
        partner: accounts.partners[index], threads: threads)
      drafts += made.drafts
      questions += made.questions
    }
    if drafts.isEmpty, let index = accounts.roles.firstIndex(of: .accounts),
      let account = accounts.choices[index]
    {
      let made = try EventDrafts(
        looks[index], index: index, account: account.column, reason: account.reason, partner: nil,
        threads: threads)
      drafts = made.drafts
      questions += made.questions
    }
    guard !drafts.isEmpty else { throw Self.noEvents(looks, accounts, questions) }
    for draft in drafts { used[draft.table].formUnion(draft.used) }
    let writer = ProposalWriter(
      looks: looks, accounts: accounts, drafts: drafts, used: used, folder: folder)
    text = writer.text
    hasFeedback = writer.hasFeedback
    asOf = writer.asOf
    self.questions = questions + writer.questions
    tables = looks.indices.map { index in
      Table(
        path: looks[index].paths.joined(separator: ", "), role: writer.role(index),
        rows: looks[index].rows, bytes: looks[index].bytes,
        account: accounts.choices[index]?.column.name,
        columns: Dictionary(
          looks[index].columns.map { ($0.name, writer.role(of: $0, in: index)) },
          uniquingKeysWith: { first, _ in first }))
    }
  }

  private static func noEvents(
    _ looks: [TableLook], _ accounts: AccountColumns, _ questions: [String]
  ) -> HistoriesError {
    let names = looks.map { $0.paths[0] }.joined(separator: ", ")
    if !questions.isEmpty { return .dataContract(questions.joined(separator: "\n")) }
    let hasTimes = looks.contains { $0.columns.contains { $0.time != nil } }
    if !hasTimes {
      return .dataContract(
        "\(names): no column holds times, so nothing here happened at a time. Histories need a file of "
          + "events (who, when, what); a table with a row a customer is for `tacit fit DATA --target "
          + "COLUMN --model OUT`")
    }
    return .dataContract(
      "\(names): no column names an account: expected ids that repeat from row to row, or that several "
        + "files share, under a header such as customer_id")
  }
}
