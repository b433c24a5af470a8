import Detraction
import Foundation
import Histories
import TestSupport
import Testing

/// The file of `[level] answers`: read as written, refused with the line where it is not clear.
@Suite struct LevelAnswersTests {
  private func read(_ rows: String) throws -> LevelAnswers {
    let file = try temporaryFolder().appendingPathComponent("answers.csv")
    try Data(rows.utf8).write(to: file)
    return try LevelAnswers(file: file, zone: try #require(LocalTime(identifier: "Europe/Berlin")))
  }

  @Test func answersAsWritten() throws {
    let found = try read(
      """
      account_id,drawn_at,known_at,outcome
      007,2026-02-01,2026-02-03T10:00:00Z,detractor
      "a,b",2026-02-01T00:00:00Z,2026-02-01T00:00:00Z,unreached
      c,2026-02-01,2026-02-04,non-detractor

      """)
    #expect(found.answers.map(\.account) == ["007", "a,b", "c"])
    #expect(found.answers.map(\.outcome) == [.detractor, .unreached, .nonDetractor])
    // A date is midnight in the project's zone.
    #expect(found.answers[0].drawnAt.description == "2026-01-31T23:00:00Z")
    #expect(found.answers[0].knownAt.description == "2026-02-03T10:00:00Z")
  }

  @Test(arguments: [
    ("x,2026-02-01,2026-02-03,Detractor", "detractor, non-detractor or unreached"),
    ("x,2026-02-01,2026-01-31,detractor", "at or after drawn_at"),
    ("x,soon,2026-01-31,detractor", "time such as"),
    (",2026-02-01,2026-02-03,detractor", "account id"),
  ])
  func whatIsUnclearIsRefusedWithItsLine(_ row: String, _ expected: String) throws {
    do {
      _ = try read(
        "account_id,drawn_at,known_at,outcome\ny,2026-02-01,2026-02-03,detractor\n\(row)\n")
      Issue.record("read without a word")
    } catch let error as HistoriesError {
      #expect("\(error)".contains("line 3") && "\(error)".contains(expected))
      #expect(error.exitStatus == 65)
    }
  }
}
