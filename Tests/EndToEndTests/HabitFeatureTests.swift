import Foundation
import TestSupport
import Testing

/// Features that `[features]` has to name: from the project file to the reason that a case shows.
@Suite struct HabitFeatureTests {
  private static let asOf = "2026-03-02"

  @Test func aModelOfHabitsAloneScoresAndSaysWhy() throws {
    let folder = try sampleCopy()
    let file = folder.appendingPathComponent("tacit.toml")
    let text = try String(contentsOf: file, encoding: .utf8)
      .replacing(
        "[features]\n",
        with: """
          [features]
          aggregates = ["decayed_count", "overdue", "own_change", "value_slope", "burst", \
          "channel_share", "weekend_share", "night_share"]
          open = [{ opened = "ticket_opened", resolved = "ticket_resolved" }]

          """)
    try Data(text.utf8).write(to: file)
    let features = try Program.run(
      "features", "--as-of", Self.asOf, "--out", "v.csv", in: folder)
    #expect(features.status == 0, "\(features.errors)")
    let header = try String(contentsOf: folder.appendingPathComponent("v.csv"), encoding: .utf8)
      .prefix { $0 != "\n" }.split(separator: ",").map(String.init)
    for name in [
      "login.decayed_count.14d", "order.overdue", "login.own_change.30d_12",
      "order.value_slope.6x30d", "ticket_opened.burst.90d", "channel_share.app.90d",
      "weekend_share.90d", "night_share.90d", "ticket_opened.open_age.ticket_resolved",
    ] {
      #expect(header.contains(name), "\(name)")
    }
    // Complaints and answers come by e-mail, but so do price rises.
    #expect(
      header.filter { $0.hasPrefix("channel_share") }
        == [
          "app", "chat", "email", "phone", "web",
        ].map { "channel_share.\($0).90d" })
    let train = try Program.run("train", "--as-of", Self.asOf, "--quiet", in: folder)
    #expect(train.status == 0, "\(train.errors)")
    let score = try Program.run(
      "score", "--as-of", Self.asOf, "--out", "s.csv", "--quiet", in: folder)
    #expect(score.status == 0, "\(score.errors)")
    let scores = try String(contentsOf: folder.appendingPathComponent("s.csv"), encoding: .utf8)
    for words in ["than by its own habit", "older ones counting less", " still open"] {
      #expect(scores.contains(words), "no reason says \"\(words)\"")
    }
  }

  @Test func explanationsNeedNoData() throws {
    let folder = try temporaryFolder()
    func explain(_ arguments: String...) throws -> Program.Result {
      try Program.run(["features", "--explain"] + arguments, in: folder)
    }
    let one = try explain("order.overdue")
    #expect(one.status == 0 && one.output.hasPrefix("order.overdue\n  is    days since the last"))
    for part in [
      "missing below three events", "unit  ratio", "median(gap)",
      "made  by [features] aggregates = [\"default\", \"overdue\"]", "In the SQL, t is",
    ] {
      #expect(one.output.contains(part), "\(part)")
    }
    #expect(try explain("count").output.contains("made  by default"))
    let all = try explain("all", "--json").output
    let sorts = try JSONSerialization.jsonObject(with: Data(all.utf8)) as? [[String: String]]
    #expect(sorts?.count == 21 && sorts?.allSatisfy { $0.count == 5 } == true)
    for (name, better) in [
      ("order.cuont.30d", "order.count.30d"), ("overdeu", "overdue"),
      ("x.y.decayed_cout.14d", "x.y.decayed_count.14d"),
    ] {
      let wrong = try explain(name)
      #expect(wrong.status == 64 && wrong.errors.contains("did you mean \"\(better)\"?"), "\(name)")
    }
    // An attribute is known from the project file.
    let sample = try sampleCopy()
    let seats = try Program.run("features", "--explain", "seats", in: sample)
    #expect(seats.output.contains("the account's `seats`"))
    for arguments in [
      ["--explain", "all", "--out", "x"], ["--as-of", Self.asOf], ["--out", "x.csv"],
    ] {
      #expect(try Program.run(["features"] + arguments, in: sample).status == 64)
    }
  }
}
