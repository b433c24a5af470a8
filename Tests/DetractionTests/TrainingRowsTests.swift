import Detraction
import Foundation
import Histories
import TestSupport
import Testing

/// Who becomes a training row, and with what label: DESIGN 2, case by case.
@Suite struct TrainingRowsTests {
  /// D is 2026-01-01; with a gap of 1 day and a label window of 30 the latest snapshot is
  /// 2025-12-01 and its window [2025-12-02, 2026-01-01). Two snapshots, 30 days apart.
  static let asOf = Instant(iso8601: Array("2026-01-01T00:00:00Z".utf8)[...], zone: nil)!

  private struct Found: Equatable {
    var rows: [String]
    var counts: SnapshotCounts
  }

  /// The rows of the latest snapshot as "account label voice", in the order of the account ids.
  private func rows(
    _ events: String, objectors: [String] = [], contacts: [(account: String, at: Instant)] = [],
    leftAlone: [(account: String, since: Instant, chance: Double)] = []
  ) throws -> Found {
    let folder = try temporaryFolder()
    try Data(("account,at,known_at,kind,value\n" + events).utf8)
      .write(to: folder.appendingPathComponent("events.csv"))
    let accounts = (["id,objected"] + objectors.map { "\($0),true" }).joined(separator: "\n") + "\n"
    try Data((objectors.isEmpty ? accounts + "nobody,false\n" : accounts).utf8)
      .write(to: folder.appendingPathComponent("accounts.csv"))
    try Data(
      """
      [[events]]
      path = "events.csv"
      account = "account"
      at = "at"
      known_at = "known_at"
      kind = "kind"
      value = "value"
      [accounts]
      path = "accounts.csv"
      account = "id"
      do_not_profile = "objected"
      [feedback]
      silent_for_days = 100
      [[feedback.signal]]
      kind = "nps"
      detractor = { at_most = 6 }
      [[feedback.signal]]
      kind = "complaint"
      detractor = "always"
      [[feedback.signal]]
      kind = "outreach_answer"
      detractor = { at_least = 1 }
      [[feedback.signal]]
      kind = "survey"
      mechanics = true
      [training]
      snapshots = { every_days = 30, count = 2 }
      """.utf8
    ).write(to: folder.appendingPathComponent("tacit.toml"))
    let project = try ProjectFile(path: folder.appendingPathComponent("tacit.toml").path)
    let settings = HistorySettings(project: project)
    let feedback = try #require(FeedbackSettings(project: project))
    let training = TrainingSettings(project: project)
    try project.check()
    let base = try HistoryBase.read(settings, roles: feedback.roles, threads: 1)
    let found = TrainingRows(
      base: base, feedback: feedback, training: training, asOf: Self.asOf,
      trace: OutreachTrace(contacts: contacts, leftAlone: leftAlone, in: base))
    #expect(found.snapshots.map(\.description) == ["2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z"])
    return Found(
      rows: found.rows.filter { $0.snapshot == 1 }.map {
        "\(base.account($0.account)) \($0.isDetractor ? "detractor" : "other") \($0.voice.rawValue)"
          + ($0.weight == 1 ? "" : " \($0.weight)")
      }.sorted(),
      counts: found.counts[1])
  }

  private let order = { (account: String) in "\(account),2025-01-05T00:00:00Z,,order,1\n" }

  /// A row of an account with an order long ago and the given feedback.
  private func account(_ id: String, _ feedback: (at: String, kind: String, value: String)...)
    -> String
  {
    order(id)
      + feedback.map { "\(id),\($0.at),\($0.at),\($0.kind),\($0.value)\n" }.joined()
  }

  @Test func labels() throws {
    var events = ""
    events += account("a", ("2025-12-10T00:00:00Z", "nps", "9"))
    events += account("b", ("2025-12-10T00:00:00Z", "nps", "6"))
    // Any negative answer in the window makes a detractor, in whatever order they came.
    events += account(
      "c", ("2025-12-10T00:00:00Z", "nps", "2"), ("2025-12-20T00:00:00Z", "nps", "10"))
    events += account(
      "d", ("2025-12-10T00:00:00Z", "nps", "10"), ("2025-12-20T00:00:00Z", "complaint", ""))
    // One-sided feedback alone is counted, not trained on; a survey sent is no speech; an answer
    // without a value has no label.
    events += account("e", ("2025-12-10T00:00:00Z", "complaint", ""))
    events += account("f", ("2025-12-10T00:00:00Z", "survey", ""))
    events += account("g", ("2025-12-10T00:00:00Z", "nps", ""))
    let found = try rows(events.replacing(",,order", with: ",2025-01-05T00:00:00Z,order"))
    #expect(
      found.rows == [
        "a other neverSpoken", "b detractor neverSpoken", "c detractor neverSpoken",
        "d detractor neverSpoken",
      ])
    #expect(found.counts.population.accounts == 7 && found.counts.respondents == 4)
    #expect(found.counts.detractors == 3 && found.counts.oneSidedOnly == 1)
    #expect(found.counts.silentRespondents == 4)
  }

  @Test func theWindowsEdges() throws {
    var events = ""
    events += account("before", ("2025-12-01T23:59:59Z", "nps", "1"))
    events += account("first", ("2025-12-02T00:00:00Z", "nps", "1"))
    events += account("last", ("2025-12-31T23:59:59Z", "nps", "1"))
    events += account("after", ("2026-01-01T00:00:00Z", "nps", "1"))
    events += order("late") + "late,2025-12-10T00:00:00Z,2026-01-01T00:00:00Z,nps,1\n"
    // No history at the snapshot: the order was known too late.
    events += "new,2025-01-05T00:00:00Z,2025-12-05T00:00:00Z,order,1\n"
    events += "new,2025-12-10T00:00:00Z,2025-12-10T00:00:00Z,nps,1\n"
    let found = try rows(events.replacing(",,order", with: ",2025-01-05T00:00:00Z,order"))
    #expect(found.rows == ["first detractor neverSpoken", "last detractor neverSpoken"])
  }

  @Test func voicesAndObjections() throws {
    var events = ""
    for (id, at) in [
      ("recent", "2025-11-20T00:00:00Z"), ("lapsed", "2025-06-01T00:00:00Z"), ("never", ""),
      ("objector", ""),
    ] {
      events += account(id, ("2025-12-10T00:00:00Z", "nps", "9"))
      if !at.isEmpty { events += "\(id),\(at),\(at),complaint,\n" }
    }
    let found = try rows(
      events.replacing(",,order", with: ",2025-01-05T00:00:00Z,order"), objectors: ["objector"])
    #expect(
      found.rows == ["lapsed other lapsed", "never other neverSpoken", "recent other recent"])
    #expect(found.counts.population.objected == 1 && found.counts.silentRespondents == 2)
  }

  /// A question tells never asked from asked and ignored; it is no speech. The snapshot is
  /// 2025-12-01, silence 100 days.
  @Test func askedAndIgnored() throws {
    var events = ""
    for (id, at) in [
      ("lately", "2025-11-20T00:00:00Z"), ("edge", "2025-08-23T00:00:00Z"),
      ("before", "2025-08-22T23:59:59Z"), ("later", "2025-12-01T00:00:00Z"),
    ] { events += account(id, (at, "survey", "")) }
    events += account("never")
    events += account(
      "answered", ("2025-11-20T00:00:00Z", "survey", ""), ("2025-11-21T00:00:00Z", "nps", "9"))
    let found = try rows(events.replacing(",,order", with: ",2025-01-05T00:00:00Z,order"))
    let counts = found.counts.population
    #expect(counts.silent == 5 && counts.recent == 1)
    #expect(counts.ignored == 2 && counts.askedEarlier == 1 && counts.neverAsked == 2)
  }

  /// Whom outreach contacted before the window's end is left out; whom the lot left alone stands
  /// for the others like it.
  @Test func contactedAndLeftAlone() throws {
    func at(_ text: String) -> Instant { Instant(iso8601: Array(text.utf8)[...], zone: nil)! }
    var events = ""
    for id in ["before", "inside", "after", "alone", "drawnLater"] {
      events += account(id, ("2025-12-10T00:00:00Z", "nps", "1"))
    }
    let found = try rows(
      events.replacing(",,order", with: ",2025-01-05T00:00:00Z,order"),
      contacts: [
        ("before", at("2025-11-01T00:00:00Z")), ("before", at("2026-02-01T00:00:00Z")),
        ("inside", at("2025-12-31T23:59:59Z")), ("after", at("2026-01-01T00:00:00Z")),
        ("nobody", at("2025-11-01T00:00:00Z")),
      ],
      leftAlone: [
        ("alone", at("2025-11-01T00:00:00Z"), 0.2), ("drawnLater", at("2026-01-01T00:00:00Z"), 0.2),
      ])
    #expect(
      found.rows == [
        "after detractor neverSpoken", "alone detractor neverSpoken 5.0",
        "drawnLater detractor neverSpoken",
      ])
    #expect(found.counts.contacted == 2 && found.counts.respondents == 3)
    #expect(found.counts.population.contacted == 1)
  }

  /// What a contacted customer answered when asked is the label of the row before the contact; what
  /// else it said then is not, nor is an answer to a contact from before the snapshot.
  @Test func whatWasAnsweredToOutreach() throws {
    func at(_ text: String) -> Instant { Instant(iso8601: Array(text.utf8)[...], zone: nil)! }
    let asked = "2025-12-10T00:00:00Z"
    var events = ""
    for (id, said) in [("unhappy", "1"), ("happy", "0"), ("earlier", "1")] {
      events += account(
        id, (asked, "outreach_answer", said), ("2025-12-20T00:00:00Z", "nps", "1"))
    }
    events += account("silent", ("2025-12-20T00:00:00Z", "nps", "1"))
    let found = try rows(
      events.replacing(",,order", with: ",2025-01-05T00:00:00Z,order"),
      contacts: [
        ("unhappy", at("2025-12-05T00:00:00Z")), ("happy", at("2025-12-01T00:00:00Z")),
        ("earlier", at("2025-11-30T00:00:00Z")), ("silent", at("2025-12-05T00:00:00Z")),
      ])
    #expect(found.rows == ["happy other neverSpoken", "unhappy detractor neverSpoken"])
    #expect(found.counts.contacted == 2 && found.counts.detractors == 1)
  }
}
