import Foundation
import TestSupport
import Testing

/// A team's first days from the command line: a night decided and not published, then cases taken,
/// worked and closed.
@Suite struct QueueWorkTests {
  private static let asOf = "2026-03-02"

  @Test func aShadowNightOpensNothing() throws {
    let folder = try sampleCopy()
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    let shadow = try Program.run("nightly", "--as-of", Self.asOf, "--shadow", in: folder)
    #expect(shadow.status == 0, "\(shadow.errors)")
    #expect(shadow.output.contains("would be decided as of \(Self.asOf): 30 cases opened"))
    let decisions = try String(
      contentsOf: folder.appendingPathComponent("shadow/\(Self.asOf)/decisions.csv"),
      encoding: .utf8)
    let rows = decisions.split(separator: "\r\n")
    #expect(rows[0] == "account_id,decision,queue,rank,probability")
    #expect(rows.count { $0.contains(",flagged,") } == 30)
    #expect(rows.count { $0.contains(",voiced,") } == 1)
    #expect(
      !FileManager.default.fileExists(atPath: folder.appendingPathComponent("tacit.sqlite").path))
    // The night itself is then what the shadow said.
    _ = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    let list = try Program.run("queue", "list", "--json", in: folder)
    let cases = try #require(
      try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
    let opened = Set(cases.compactMap { $0["account_id"] as? String })
    let said = rows.dropFirst().filter { $0.contains(",flagged,") || $0.contains(",voiced,") }
    #expect(opened == Set(said.map { String($0.prefix { $0 != "," }) }))
  }

  @Test func aCaseIsTakenWorkedAndClosed() throws {
    let folder = try sampleCopy()
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    _ = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    func queue(_ words: String..., status: Int32 = 0) throws -> (output: String, errors: String) {
      let result = try Program.run(["queue"] + words, in: folder)
      #expect(result.status == status, "\(words): \(result.errors)")
      return (result.output, result.errors)
    }
    // Who complained was due first.
    let taken = try queue(
      "claim", "--by", "anna", "--now", "2026-03-02T09:00", "--json"
    ).output
    let open = try #require(
      try JSONSerialization.jsonObject(with: Data(taken.utf8)) as? [String: Any])
    let account = try #require(open["account_id"] as? String)
    #expect(open["form"] as? String == "voiced")
    let other = try queue(
      "act", account, "reached", "--by", "ben", "--now", "2026-03-02T09:30", status: 64)
    #expect(other.errors.contains("held by another"))
    _ = try queue("act", account, "reached", "--by", "anna", "--now", "2026-03-02T10:00")
    let unsaid = try queue("act", account, "answered", "--by", "anna", status: 64)
    #expect(unsaid.errors.contains("--verdict"))
    _ = try queue(
      "act", account, "answered", "--verdict", "detractor", "--mode", "phone", "--by", "anna",
      "--now", "2026-03-02T10:05")
    let slip = try queue("close", account, "resolvd", "--by", "anna", status: 64)
    #expect(slip.errors.contains("did you mean resolved?"))
    let ten = ["--by", "anna", "--now", "2026-03-02T10:30"]
    let early = try queue("close", account, "resolved", "--by", "anna", status: 64)
    #expect(early.errors.contains("next is acknowledge"), "\(early.errors)")
    let order = try queue(
      "step", account, "correct", "chosen=a new date", "--by", "anna", status: 64)
    #expect(order.errors.contains("comes after acknowledge"), "\(order.errors)")
    let half = try queue(
      "step", account, "acknowledge", "heard=late twice", "--by", "anna", status: 64)
    #expect(half.errors.contains("apologised (yes, when"), "\(half.errors)")
    for words: [String] in [
      ["acknowledge", "heard=late twice", "apologised=yes", "said_back=yes"],
      ["engage", "happened=in May", "expected=on time", "instead=late", "wanted=a gift"],
      [
        "correct", "options=refund or new date", "chosen=a new date", "promised=2026-03-09",
        "cause=quality",
      ],
      ["communicate", "manner=email", "every_days=2"],
    ] {
      let result = try Program.run(["queue", "step", account] + words + ten, in: folder)
      #expect(result.status == 0, "\(words): \(result.errors)")
    }
    let unthanked = try queue("step", account, "validate", "agreed=yes", "--by", "anna", status: 64)
    #expect(unthanked.errors.contains("thank them"), "\(unthanked.errors)")
    _ = try queue(
      "step", account, "validate", "agreed=yes", "thanked=yes", "--by", "anna", "--now",
      "2026-03-02T10:30")
    _ = try queue("close", account, "resolved", "--by", "anna", "--now", "2026-03-02T11:00")
    _ = try queue("close", account, "resolved", "--by", "anna", status: 66)
    let log = try queue("log", account).output
    for step in ["opened", "claimed", "reached", "answered", "step engage", "late twice", "closed"]
    {
      #expect(log.contains(step), "\(log)")
    }
    #expect(try queue("check").output.contains("whole"))
  }
}
