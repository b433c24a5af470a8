import Foundation
import TestSupport
import Testing

/// What a company learns, from the command line: cases are resolved, a correction is made of them, and
/// those it concerns are told.
@Suite struct CorrectionCommandTests {
  private static let asOf = "2026-03-02"

  @Test func fromComplaintsToAChangeThatCustomersAreToldOf() throws {
    let folder = try sampleCopy()
    let file = folder.appendingPathComponent("tacit.toml")
    var settings = try String(contentsOf: file, encoding: .utf8)
    settings = settings.replacing("channel = \"email\"", with: "channel = \"phone\"")
    settings += """

      [practice]
      minimum_cases = 2
      update_every_days = 10

      [[remedy]]
      name = "voucher"
      text = "a voucher for the next order"
      cost = 12.5
      """
    settings = settings.replacing(
      "name = \"everyone\"", with: "name = \"everyone\"\ntrack = \"light\"\nminutes_per_case = 15")
    try Data(settings.utf8).write(to: file)
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    _ = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    func tacit(_ words: [String], status: Int32 = 0) throws -> (output: String, errors: String) {
      let result = try Program.run(words, in: folder)
      #expect(result.status == status, "\(words): \(result.errors)")
      return (result.output, result.errors)
    }
    func object(_ text: String) throws -> Any {
      try JSONSerialization.jsonObject(with: Data(text.utf8))
    }
    let when = ["--by", "anna", "--now", "2026-03-02T10:00"]

    let block = try #require(
      try object(
        tacit(["queue", "block", "--minutes", "50", "--queue", "everyone", "--json"] + when).output)
        as? [[String: Any]])
    let accounts = block.compactMap { $0["account_id"] as? String }
    #expect(accounts.count == 3, "three of 15 minutes fit into 50")
    let silent = try #require(block.first { $0["form"] as? String == "predicted" })
    let account = try #require(silent["account_id"] as? String)

    let actions = [
      ["act", account, "reached"],
      ["act", account, "answered", "--verdict", "detractor", "--mode", "phone"],
      ["step", account, "ask", "said=late twice"],
      ["step", account, "acknowledge", "heard=late twice", "apologised=yes"],
      [
        "step", account, "correct", "chosen=voucher", "cause=quality", "remedy=voucher",
        "promised=2026-03-05",
      ],
    ]
    for words in actions { _ = try tacit(["queue"] + words + when) }
    var promises = try tacit(["promises", "--by", "anna", "--now", "2026-03-02T11:00"]).output
    #expect(promises.contains("put it right, as promised"), "\(promises)")
    #expect(promises.contains("by Thu 5 Mar 17:00, with anna"), "\(promises)")
    let unready = try tacit(["queue", "consent", account, "advise"] + when, status: 64).errors
    #expect(unready.contains("closed as resolved"), "\(unready)")
    for words in [
      ["step", account, "validate", "agreed=yes", "thanked=yes"], ["close", account, "resolved"],
    ] {
      _ = try tacit(["queue"] + words + when)
    }
    _ = try tacit(["queue", "consent", account, "story"] + when)
    _ = try tacit(["queue", "consent", account, "advise"] + when)

    #expect(try tacit(["corrections", "suggest"]).output.contains("1 of 2 accounts"))
    let slip = try tacit(
      ["corrections", "propose", "late", "--cause", "qualty", "--owner", "ops"] + when, status: 64)
    #expect(slip.errors.contains("did you mean quality?"))
    _ = try tacit(
      ["corrections", "propose", "late to the islands", "--cause", "quality", "--owner", "ops"]
        + when)
    let alone = try tacit(["corrections", "link", "1", account] + when).output
    #expect(alone.contains("1 customer ("), "\(alone)")
    let early = try tacit(["corrections", "move", "1", "pilot"] + when, status: 64).errors
    #expect(early.contains("1 account speaks for it and 2 are needed"), "\(early)")
    let other = try #require(accounts.first { $0 != account })
    _ = try tacit(["corrections", "link", "1", other] + when)
    #expect(
      try tacit(["corrections", "move", "1", "pilot"] + when).output.contains(
        "2 customers are to be told"))
    #expect(
      try tacit(["corrections", "vote", "1", account, "yes"] + when).output.contains("pilot"))
    let stranger = try tacit(["corrections", "vote", "1", other, "yes"] + when, status: 64).errors
    #expect(stranger.contains("has not agreed"), "\(stranger)")
    let shown = try tacit(["corrections", "show", "1"]).output
    #expect(shown.contains("votes of former detractors: 1 yes, 0 no"), "\(shown)")
    #expect(
      try tacit(["corrections", "changes", "--by", "anna"]).output.contains("pilot on Mon 2 Mar"))
    #expect(
      try tacit(["corrections", "show", "9"], status: 66).errors.contains("no correction has"))

    promises = try tacit(["promises", "list", "--now", "2026-03-13T11:00", "--overdue"]).output
    #expect(
      promises.split(separator: "\n").count { $0.contains("what became of correction 1") } == 2,
      "\(promises)")
    let number = try #require(promises.split(separator: " ").first)
    _ = try tacit(["promises", "keep", String(number)] + when)
    #expect(
      try tacit(["promises", "keep", String(number)] + when, status: 64).errors.contains("once"))

    _ = try tacit(["queue", "former", "--list", "story", "--out", "stories.csv"])
    _ = try tacit(["queue", "segment", "quality", "--out", "quality.csv"])
    for name in ["stories.csv", "quality.csv"] {
      let rows = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        .split(separator: "\r\n")
      #expect(rows.count == 2 && rows[1].hasPrefix(account + ","), "\(rows)")
    }
    let wrong = try tacit(["queue", "segment", "qualty", "--out", "x.csv"], status: 64).errors
    #expect(wrong.contains("did you mean quality?"), "\(wrong)")
    let report = try tacit(["queue", "report", "--now", "2026-03-13T11:00", "--quiet"]).output
    #expect(report.contains("remedy voucher: given 1 time, cost 12.50"), "\(report)")
    #expect(report.contains("promises with anna: "), "\(report)")
    #expect(try tacit(["queue", "check"]).output.contains("every log is whole"))
  }
}
