import Foundation
import Histories
import TestSupport
import Testing

@Suite struct SettingsTests {
  private func decode(_ text: String) throws -> (HistorySettings, String?) {
    let folder = try TestFolder()
    let project = try ProjectFile(path: try folder.write("tacit.toml", text))
    let settings = HistorySettings(project: project)
    do throws(HistoriesError) {
      try project.check()
      return (settings, nil)
    } catch {
      #expect(error.exitStatus == 78)
      return (settings, error.description)
    }
  }

  @Test func theShapeOfTheDesignIsUnderstood() throws {
    let (settings, problem) = try decode(
      """
      time_zone = "Europe/Berlin"
      [reading]
      max_bad_row_share = 0.2
      [[events]]
      path     = "history/events-*.csv.gz"
      account  = "customer_id"
      at       = { column = "ts", format = "unix_ms" }
      known_at = "loaded_at"
      kind     = { constant = "order" }
      value    = { constant = 1 }
      channel  = "channel"
      id       = "id"
      text     = "comment"
      [[events]]
      path     = "/data/tickets.csv"
      account  = "customer_id"
      at       = { column = "ts", format = "dd.MM.yyyy HH:mm" }
      kind     = "event"
      [accounts]
      path = "accounts.csv"
      account = "customer_id"
      numeric = ["seats"]
      categorical = ["plan"]
      do_not_contact = "dnc"
      [features]
      windows_days = [90, 7]
      lifetime = true
      kinds = ["order", "ticket"]
      aggregates = { order = ["sum"], "*" = ["count", "tenure"] }
      open = [{ opened = "ticket", resolved = "order" }]
      """)
    #expect(problem == nil)
    #expect(settings.timeZone.identifier == "Europe/Berlin" && settings.badRowShare == 0.2)
    #expect(settings.events.count == 2)
    let first = try #require(settings.events.first)
    #expect(first.path.hasSuffix("/history/events-*.csv.gz"))
    #expect(first.at.format == .unixMilliseconds && first.kind == .constant("order"))
    #expect(first.value == .constant(1) && first.channel == .column("channel"))
    #expect(settings.events[1].path == "/data/tickets.csv")
    #expect(settings.accounts?.doNotContact == "dnc" && settings.accounts?.categorical == ["plan"])
    #expect(settings.features.windows == [.days(7), .days(90), .lifetime])
    #expect(
      settings.features.aggregates == .perKind(["order": [.sum], "*": [.count, .tenure]]))
    #expect(settings.features.open == [OpenItems(opened: "ticket", resolved: "order")])
    let (more, none) = try decode(
      "[[events]]\npath = \"e.csv\"\naccount = \"a\"\nat = \"t\"\nkind = \"k\"\n"
        + "[features]\naggregates = [\"default\", \"overdue\"]\n")
    let (spark, clean) = try decode(
      "[[events]]\nquery = \"select * from crm.events\"\nvia = \"spark\"\naccount = \"a\"\n"
        + "at = { column = \"t\", format = \"unix_us\" }\nkind = \"k\"\n")
    #expect(clean == nil && spark.events.first?.at.format == .unixMicroseconds)
    #expect(
      spark.events.first?.query == SourceQuery(sql: "select * from crm.events", server: .spark))
    #expect(none == nil && more.features.aggregates == .list(Aggregate.standard + [.overdue]))
  }

  @Test(arguments: [
    ("query = \"select 1\"\nvia = \"oracle\"", "expected \"duckdb\", \"postgres\" or \"spark\""),
    (
      "query = \"select 1\"\nvia = \"postgres\"\npassword = \"x\"", "does not belong into a project"
    ),
    (
      "query = \"select 1\"\nvia = \"spark\"\nservice = \"x\"",
      "Spark's own configuration says where its tables are"
    ),
    ("query = \"select 1\"", "Add via = \"duckdb\""),
    ("path = \"e.csv\"\nknow_at = \"x\"", "did you mean `known_at`?"),
    ("path = \"e.csv\"\nvalue = true", "`value` is true or false, expected a text"),
    ("path = \"e.csv\"\nchannel = { column = \"x\" }", "unknown key `column`"),
  ])
  func mistakesAreNamed(lines: String, message: String) throws {
    let (_, problem) = try decode(
      "[[events]]\naccount = \"a\"\nat = \"t\"\nkind = \"k\"\n\(lines)\n")
    #expect(problem?.contains(message) == true, "\(problem ?? "no problem")")
    #expect(problem?.contains("line ") == true)
  }

  @Test func featureMistakesAreNamedTogether() throws {
    let (_, problem) = try decode(
      """
      time_zone = "Mars/Olympus"
      [features]
      windows_days = [7, 7]
      kinds = ["order"]
      open = [{ opened = "order", resolved = "order" }, { opened = "order", closed = "reply" }]
      [features.aggregates]
      ticket = ["cuont"]
      """)
    for part in [
      "no time zone is called \"Mars/Olympus\"", "`[[events]]` is missing",
      "`windows_days` names a window twice", "did you mean `count`?",
      "names the kind `ticket`, `kinds` does not", "`order` cannot both open and resolve",
      "`resolved` is missing", "unknown key `closed`",
    ] {
      #expect(problem?.contains(part) == true, "\(part)")
    }
  }
}
