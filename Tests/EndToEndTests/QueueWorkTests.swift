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
    let log = try queue("log", account, "--by", "anna").output
    #expect(try !queue("log", account, "--by", "ben").output.contains("late twice"))
    #expect(try !queue("log", account).output.contains("late twice"))
    for step in ["opened", "claimed", "reached", "answered", "step engage", "late twice", "closed"]
    {
      #expect(log.contains(step), "\(log)")
    }
    #expect(try queue("check").output.contains("whole"))
  }

  /// Every account has two people: one who refuses, and one in New York.
  @Test func callsWaitForTheCustomersMorning() throws {
    let folder = try sampleCopy()
    let accounts = try String(
      contentsOf: folder.appendingPathComponent("accounts.csv"), encoding: .utf8)
    var people = "account_id,person,who,phone,zone,dnc\n"
    for row in accounts.split(separator: "\n").dropFirst() {
      let id = row.prefix { $0 != "," }
      people += "\(id),\(id)-1,Ada,1,,yes\n\(id),\(id)-2,Grace,2,America/New_York,\n"
    }
    try Data(people.utf8).write(to: folder.appendingPathComponent("contacts.csv"))
    let toml = folder.appendingPathComponent("tacit.toml")
    let contacts = """

      [contacts]
      path = "contacts.csv"
      account = "account_id"
      contact = "person"
      name = "who"
      phone = "phone"
      time_zone = "zone"
      do_not_contact = "dnc"

      """
    try Data((String(contentsOf: toml, encoding: .utf8) + contacts).utf8).write(to: toml)
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    _ = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    func queue(_ words: String..., status: Int32 = 0) throws -> (output: String, errors: String) {
      let result = try Program.run(["queue"] + words, in: folder)
      #expect(result.status == status, "\(words): \(result.errors)")
      return (result.output, result.errors)
    }
    let early = try queue(
      "claim", "--by", "anna", "--queue", "strategic", "--now", "2026-03-02T09:00")
    #expect(early.output == "")
    #expect(early.errors.contains("the first from Mon 2 Mar 14:00"), "\(early.errors)")
    let taken = try queue(
      "claim", "--by", "anna", "--queue", "strategic", "--now", "2026-03-02T14:00", "--json"
    ).output
    let open = try #require(
      try JSONSerialization.jsonObject(with: Data(taken.utf8)) as? [String: Any])
    let account = try #require(open["account_id"] as? String)
    #expect(open["call_from"] as? String == "2026-03-02T13:00:00Z")
    let view = try queue("show", account, "--now", "2026-03-02T09:00").output
    #expect(view.contains("\(account)-2: Grace · 2 · America/New_York"))
    #expect(!view.contains("\(account)-1"))
    #expect(view.contains("may be called from Mon 2 Mar 08:00 their time"))
    #expect(view.contains("Tue 3 Mar 11:00 their time"))
    func reached(_ words: String..., status: Int32 = 0) throws -> String {
      let all = ["queue", "act", account, "reached", "--by", "anna"] + words
      let result = try Program.run(all, in: folder)
      #expect(result.status == status, "\(words): \(result.errors)")
      return result.errors
    }
    let night = try reached("--now", "2026-03-02T09:00", status: 64)
    #expect(night.contains("Mon 2 Mar 08:00 on the customer's clock"))
    let refused = try reached(
      "--now", "2026-03-02T14:30", "--contact", "\(account)-1", status: 64)
    #expect(refused.contains("contact another: \(account)-2"))
    _ = try reached("--now", "2026-03-02T14:30", "--contact", "\(account)-2")
    _ = try reached("--now", "2026-03-02T20:30", "--contact", "\(account)-1", "--inbound")
    let log = try queue("log", account).output
    #expect(log.contains("contact \(account)-2") && log.contains("inbound yes"))
    #expect(try queue("check").output.contains("whole"))
  }
}
