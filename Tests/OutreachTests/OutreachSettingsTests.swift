import Foundation
import Histories
import Outreach
import TestSupport
import Testing

private let accounts = """
  [accounts]
  path = "accounts.csv"
  account = "id"
  numeric = ["seats"]
  categorical = ["plan", "region"]
  value = "annual_value"
  segment = "tier"

  """

private func decode(_ text: String) throws -> OutreachSettings {
  let file = try project(text)
  let settings = OutreachSettings(
    project: file, timeZone: berlin, numeric: ["seats"], categorical: ["plan", "region"])
  try file.check()
  return settings
}

private func problems(_ text: String) throws -> [String] {
  do {
    _ = try decode(text)
    return []
  } catch HistoriesError.projectFile(_, let problems) {
    return problems
  }
}

struct OutreachSettingsTests {
  @Test func readsEverything() throws {
    let settings = try decode(
      accounts + """
        [[queue]]
        name = "strategic"
        where = { segment = ["strategic", "key"], value = { at_least = 50000, below = 1e6 } }
        capacity_per_business_day = 20
        channel = "phone"
        due_business_days = 2

        [[queue]]
        name = "big"
        where = { plan = "Plus", seats = { above = 10, at_most = 99.5 } }
        capacity_per_business_day = 5
        channel = "email"

        [calendar]
        hours = "08:30-24:00"
        days = ["sun", "mon"]
        holidays = ["2026-12-25", "2026-01-01"]

        [store]
        path = "desk/cases.sqlite"
        """)
    #expect(
      settings.queues == [
        Queue(
          name: "strategic",
          rule: QueueRule([
            .segment(["strategic", "key"]), .value(.init(atLeast: 50000, below: 1e6)),
          ]), capacity: 20, channel: "phone", dueBusinessDays: 2),
        Queue(
          name: "big",
          rule: QueueRule([.categorical(0, ["Plus"]), .numeric(0, .init(atMost: 99.5, above: 10))]),
          capacity: 5, channel: "email"),
      ])
    #expect(
      settings.calendar
        == BusinessCalendar(
          zone: berlin, opens: 510, closes: 1440,
          workingDays: [true, false, false, false, false, false, true], holidays: [20454, 20812]))
    #expect(path(settings.store).hasSuffix("/desk/cases.sqlite"))
  }

  @Test func defaultsToAWorkingWeekAndAStoreBesideTheProject() throws {
    let settings = try decode(
      "[[queue]]\nname = \"q\"\ncapacity_per_business_day = 1\nchannel = \"phone\"\n")
    #expect(settings.calendar == BusinessCalendar(zone: berlin))
    #expect(settings.queues[0].dueBusinessDays == 1 && settings.queues[0].rule.fits(nil))
    #expect(path(settings.store).hasSuffix("/tacit.sqlite"))
  }

  /// Training needs no queue, a run does.
  @Test func aRunWithoutAQueueIsRefused() throws {
    let folder = try temporaryFolder()
    let path = folder.appendingPathComponent("tacit.toml")
    try Data("time_zone = \"UTC\"\n".utf8).write(to: path)
    let project = try ProjectFile(path: path.path)
    _ = OutreachSettings(project: project, timeZone: .utc, numeric: [], categorical: [])
    try project.check()
    OutreachSettings.requireQueue(project)
    #expect(throws: HistoriesError.self) { try project.check() }
  }

  private static let queue: String = "[[queue]]\nname = \"q\"\ncapacity_per_business_day = 1\n"
  private static let mistakes: [(String, String)] = [
    (queue, "line 1: `channel` is missing"),
    ("\(queue)channel = 3", "line 4: `channel` is a whole number, expected a text"),
    ("\(queue)chanel = \"x\"", "line 4: unknown key `chanel`: did you mean `channel`?"),
    ("[[queue]]\nname = \"q\"\nchannel = \"x\"", "line 1: `capacity_per_business_day` is missing"),
    (
      "[[queue]]\nname = \"q\"\nchannel = \"x\"\ncapacity_per_business_day = -1",
      "line 4: `capacity_per_business_day` is -1, expected 0"
    ),
    (
      "\(queue)channel = \"x\"\n\(queue)channel = \"y\"",
      "line 6: two queues are named `q`"
    ),
    (
      "\(queue)channel = \"x\"\nwhere = { plam = \"Plus\" }",
      "line 5: `where` asks for `plam`, which no account has: did you mean `plan`?"
    ),
    (
      "\(queue)channel = \"x\"\nwhere = { segment = \"x\" }",
      "line 5: `where` asks for `segment`, which [accounts] does not map"
    ),
    (
      "\(accounts)\(queue)channel = \"x\"\nwhere = { value = 7 }",
      "line 12: `value` in `where` wants"
    ),
    (
      "\(accounts)\(queue)channel = \"x\"\nwhere = { value = { least = 7 } }",
      "line 12: unknown key `least`"
    ),
    (
      "\(accounts)\(queue)channel = \"x\"\nwhere = { plan = [] }",
      "line 12: `plan` is an empty list"
    ),
    ("\(queue)channel = \"x\"\n[calendar]\nhours = \"17:00-09:00\"", "line 6: `hours` is"),
    ("\(queue)channel = \"x\"\n[calendar]\nhours = \"9-17\"", "line 6: `hours` is"),
    ("\(queue)channel = \"x\"\n[calendar]\ndays = [\"Mon\"]", "line 6: no day is named `Mon`"),
    ("\(queue)channel = \"x\"\n[calendar]\nholidays = [\"2026-02-30\"]", "line 6: \"2026-02-30\""),
    ("\(queue)channel = \"x\"\n[calendar]\nholiday = []", "did you mean `holidays`?"),
    (
      "\(queue)channel = \"x\"\n[store]\nurl = \"postgres://me:secret@desk\"",
      "line 6: `url` holds a password: take it out"
    ),
    ("\(queue)channel = \"x\"\n[store]\npath = \"\"", "line 6: `path` is empty"),
  ]

  @Test(arguments: mistakes)
  func aProblemNamesItsLineAndWhatToWrite(text: String, problem: String) throws {
    let found = try problems(text)
    #expect(found.contains { $0.hasPrefix(problem) || $0.contains(problem) }, "\(found)")
  }

  @Test func allProblemsAreToldAtOnce() throws {
    let found = try problems("[[queue]]\nnam = \"q\"\n[calendar]\ndays = []\n[store]\nurl = \"u\"")
    #expect(found.count == 6, "\(found)")
  }
}

private func path(_ place: StorePlace) -> String {
  if case .file(let path) = place { path } else { "" }
}
