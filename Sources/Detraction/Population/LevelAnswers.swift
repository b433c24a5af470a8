package import Foundation
package import Histories

/// `[level]`: what silent accounts answered that were drawn at random and contacted. They alone
/// measure the level of the silent's scores (METHODS 1.4).
package struct LevelAnswers: Sendable, Equatable {
  package enum Outcome: String, Sendable, CaseIterable {
    case detractor
    case nonDetractor = "non-detractor"
    /// Nobody was reached, or nothing was said: no answer, but a bound.
    case unreached
  }

  package struct Answer: Sendable, Equatable {
    package var account: String
    /// When it was drawn from the silent: its features are those of that instant.
    package var drawnAt: Instant
    /// When the outcome was known.
    package var knownAt: Instant
    package var outcome: Outcome

    package init(account: String, drawnAt: Instant, knownAt: Instant, outcome: Outcome) {
      self.account = account
      self.drawnAt = drawnAt
      self.knownAt = knownAt
      self.outcome = outcome
    }
  }

  package var answers: [Answer]

  package init(answers: [Answer] = []) { self.answers = answers }

  /// Where `[level] answers` says the file is; nil without the section.
  package static func path(project: ProjectFile) -> URL? {
    guard let section = project.root.table("level") else { return nil }
    section.allow(["answers"])
    return section.required("answers").map { project.folder.appendingPathComponent($0) }
  }

  private static let columns = ["account_id", "drawn_at", "known_at", "outcome"]

  /// Reads `account_id,drawn_at,known_at,outcome`: instants as in events (a date is local midnight),
  /// the outcome detractor, non-detractor or unreached. Throws `dataContract` with file and line.
  package init(file: URL, zone: LocalTime) throws(HistoriesError) {
    let table = try CSVTable(path: file.path)
    var places: [Int] = []
    for name in Self.columns { places.append(try table.column(name, for: "[level] answers")) }
    answers = []
    for row in 0..<table.rowCount {
      func refuse(_ column: Int, _ expected: String) -> HistoriesError {
        .dataContract(
          "\(file.path), line \(table.line(row)): the column \"\(Self.columns[column])\" holds no "
            + "\(expected) here")
      }
      func instant(_ column: Int) throws(HistoriesError) -> Instant {
        guard let value = Instant(iso8601: table.cell(row, places[column]), zone: zone) else {
          throw refuse(column, "time such as 2026-03-02 or 2026-03-02T09:30:00Z")
        }
        return value
      }
      guard let account = table.text(row, places[0]), !account.isEmpty else {
        throw refuse(0, "account id")
      }
      let cell = table.cell(row, places[3])
      guard let outcome = Outcome.allCases.first(where: { cell.elementsEqual($0.rawValue.utf8) })
      else { throw refuse(3, "detractor, non-detractor or unreached") }
      let (drawn, known) = (try instant(1), try instant(2))
      guard known >= drawn else { throw refuse(2, "time at or after drawn_at") }
      answers.append(
        Answer(account: account, drawnAt: drawn, knownAt: known, outcome: outcome))
    }
  }
}
