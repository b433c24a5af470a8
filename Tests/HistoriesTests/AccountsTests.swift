import Foundation
import Histories
import TestSupport
import Testing

private let events = "id,at\n1,2024-01-01\n2,2024-01-01\n3,2024-01-01\n"

private func base(_ accounts: String, _ change: (inout AccountsSource) -> Void = { _ in }) throws
  -> Result<HistoryBase, HistoriesError>
{
  let folder = try TestFolder()
  var source = AccountsSource(
    path: try folder.write("accounts.csv", accounts), account: "id", numeric: ["seats"],
    categorical: ["plan"])
  change(&source)
  let settings = HistorySettings(
    events: [
      EventSource(
        path: try folder.write("events.csv", events), account: "id",
        at: TimeMapping(column: "at"), kind: .constant("order"))
    ], accounts: source)
  do throws(HistoriesError) {
    return .success(try HistoryBase.read(settings, threads: 2))
  } catch {
    return .failure(error)
  }
}

@Suite struct AccountsTests {
  @Test func attributesBecomeFeaturesAndTheRestDoesNot() throws {
    let text =
      "id,seats,plan,worth,dnc,every\n1,5,pro,1000.5,yes,7\n2,,basic,,0,\n9,2.5,,3,FALSE,\n"
    let base = try base(text) {
      $0.value = "worth"
      $0.doNotContact = "dnc"
      $0.updateEveryDays = "every"
    }.get()
    #expect(base.accountCount == 4)
    let one = try #require(base.index(of: "1").flatMap(base.record))
    #expect(one.numeric == [5] && one.categorical == ["pro"] && one.value == 1000.5)
    #expect(one.doNotContact && !one.doNotProfile && one.updateEveryDays == 7)
    #expect(base.record(base.index(of: "3")!) == nil)
    #expect(base.record(base.index(of: "9")!)?.doNotContact == false)
    #expect(base.firstEvent(base.index(of: "9")!) == nil)
    let date = Instant(asOf: "2024-02-01", zone: .utc)!
    let schema = try base.schema(
      FeatureSettings(windowsDays: [90], aggregates: .list([.count])), asOf: date)
    #expect(schema.names == ["order.count.90d", "seats", "plan"])
    #expect(schema.levels == [[], [], ["basic", "pro"]])
    let rows = ["1", "2", "3", "9"].map {
      VectorRow(account: Int32(base.index(of: $0)!), asOf: date)
    }
    let cells = try base.vectors(schema, rows: rows, threads: 1)
    #expect(Array(cells[0..<3]) == [1, 5, 1])
    #expect(cells[3] == 1 && cells[4].isNaN && cells[5] == 0)
    #expect(cells[6] == 1 && cells[7].isNaN && cells[8].isNaN)
    #expect(cells[9...].count { !$0.isNaN } == 0)
  }

  /// Texts for outreach are kept as they are written, row by row; columns not mapped are not kept.
  @Test func textsForOutreachComeBackAsWritten() throws {
    let text = """
      id,seats,plan,who,zone
      1,5,pro,"Zo\u{301}e, Ltd",America/New_York
      2,1,pro,,
      9,1,pro,Zo\u{308}e,Asia/Kolkata
      """
    let base = try base(text + "\n") {
      $0.name = "who"
      $0.timeZone = "zone"
    }.get()
    let records = try ["1", "2", "9"].map {
      try #require(base.index(of: $0).flatMap(base.record))
    }
    #expect(records.map(\.name) == ["Zo\u{301}e, Ltd", nil, "Zo\u{308}e"])
    #expect(records.map(\.timeZone) == ["America/New_York", nil, "Asia/Kolkata"])
    #expect(records.allSatisfy { $0.email == nil && $0.segment == nil })
  }

  /// A row that cannot be used must not make an account callable that objected.
  @Test func aBadRowKeepsItsConsent() throws {
    let text = "id,seats,plan,dnc,dnp\n1,many,pro,yes,no\n2,1,pro,perhaps,1\n3,x,pro,no,\n"
    guard case .failure(let error) = try consenting(text) else {
      Issue.record("three bad rows of three were taken")
      return
    }
    #expect(error.exitStatus == 65)
    let good = (10..<400).map { "\($0),1,pro,no,no\n" }.joined()
    let rest = try consenting(text + good).get()
    func record(_ id: String) throws -> AccountRecord {
      try #require(rest.index(of: id).flatMap(rest.record))
    }
    #expect(rest.intake.badRows == 3)
    #expect(try record("1").doNotContact && !record("1").doNotProfile)
    #expect(try record("2").doNotContact && record("2").doNotProfile)
    #expect(try !record("3").doNotContact && !record("3").doNotProfile)
    #expect(try record("1").numeric == [nil] && record("1").categorical == [nil])
  }

  private func consenting(_ text: String) throws -> Result<HistoryBase, HistoriesError> {
    try base(text) {
      $0.doNotContact = "dnc"
      $0.doNotProfile = "dnp"
    }
  }

  @Test func anAccountsFileWithoutRowsIsRefused() throws {
    guard case .failure(let error) = try base("id,seats,plan\n") else {
      Issue.record("an accounts file with no row was taken")
      return
    }
    #expect(error.exitStatus == 65)
    #expect(error.description.contains("accounts.csv has no rows below the header"))
  }

  @Test func anAttributeNotYetKnownIsMissing() throws {
    let text = "id,seats,plan,loaded\n1,5,pro,2024-01-20\n2,6,new,2024-02-01\n"
    let base = try base(text) { $0.knownAt = TimeMapping(column: "loaded") }.get()
    let date = Instant(asOf: "2024-02-01", zone: .utc)!
    let schema = try base.schema(
      FeatureSettings(windowsDays: [90], aggregates: .list([])), asOf: date)
    #expect(schema.levels == [[], ["pro"]])
    let rows = ["1", "2"].map { VectorRow(account: Int32(base.index(of: $0)!), asOf: date) }
    let cells = try base.vectors(schema, rows: rows, threads: 1)
    #expect(Array(cells[0..<2]) == [5, 0] && cells[2].isNaN && cells[3].isNaN)
  }

  @Test func brokenAccountsFilesAreRefused() throws {
    func message(_ text: String, _ change: (inout AccountsSource) -> Void = { _ in }) throws
      -> String
    {
      switch try base(text, change) {
      case .success: return "taken"
      case .failure(let error): return "\(error.exitStatus) \(error)"
      }
    }
    #expect(
      try message("id,seats,plan\n1,2,a\n2,3,b\n1,4,c\n").contains(
        "accounts.csv, line 4: the same account as on line 2"))
    #expect(try message("id,seat,plan\n1,2,a\n").contains("did you mean \"seat\"?"))
    #expect(
      try message("id,seats,plan\n1,many,a\n").contains(
        "line 2: attribute \"seats\" is not a finite decimal number"))
    #expect(
      try message("id,seats,plan,dnc\n1,1,a,maybe\n") { $0.doNotContact = "dnc" }.contains(
        "`do_not_contact` is none of true, false, yes, no, 1, 0"))
    #expect(
      try message("id,seats,plan,zone\n1,1,a,Berlin\n") { $0.timeZone = "zone" }.contains(
        "line 2: `time_zone` is no time zone, such as Europe/Berlin"))
    #expect(try message("").hasPrefix("65 "))
  }
}
