import Foundation
import TestSupport
import Testing

/// What is said, from the command line: the script, playbooks that a team edits, snippets, practice, search.
@Suite struct PlaybookTests {
  private static let asOf = "2026-03-02"

  /// A published night's folder.
  private func night() throws -> URL {
    let folder = try sampleCopy()
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    _ = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    return folder
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func anAgentIsToldWhatToSay() throws {
    let folder = try night()
    func queue(_ words: String..., status: Int32 = 0) throws -> (output: String, errors: String) {
      let result = try Program.run(["queue"] + words, in: folder)
      #expect(result.status == status, "\(words): \(result.errors)")
      return (result.output, result.errors)
    }
    let morning = ["--by", "anna", "--now", "2026-03-02T10:00"]
    let taken = try queue("claim", "--by", "anna", "--now", "2026-03-02T09:00").output
    #expect(taken.contains("what to say to 01714: playbook voiced-writing"), "\(taken)")
    #expect(taken.contains("this is") || taken.contains("anna, [your company]"))
    #expect(taken.contains("your complaint of Thursday 26 February."))
    #expect(try queue("show", "01714").output.contains("tacit queue script 01714"))
    let json = try object(try queue("script", "01714", "--by", "anna", "--json").output)
    #expect(json["playbook"] as? String == "voiced-writing")
    // A silent customer of the same night hears none of the unsayable reasons.
    let list = try Program.run("queue", "list", "--json", in: folder).output
    let cases = try #require(
      try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [[String: Any]])
    var facts = 0
    for one in cases where one["form"] as? String == "predicted" {
      let account = try #require(one["account_id"] as? String)
      let text = try queue("script", account).output
      #expect(text.contains("how have things been with us lately?"))
      for reason in one["reasons"] as? [[String: Any]] ?? [] {
        let words = try #require(reason["text"] as? String)
        #expect(!text.contains(words), "\(words)")
      }
      facts += text.contains("We know that") ? 1 : 0
    }
    #expect(facts > 3 && facts < cases.count, "\(facts) of \(cases.count)")
    let slip = try queue("script", "01714", "--playbook", "voiced-angri", status: 64).errors
    #expect(slip.contains("did you mean voiced-angry?"))
    #expect(try queue("script", "nobody", status: 66).errors.contains("no open case"))

    // What the customer said stands under it, for who holds the case.
    for words in [["act", "01714", "messaged"], ["act", "01714", "reached"]] {
      _ = try Program.run(["queue"] + words + morning, in: folder)
    }
    let step = try Program.run(
      [
        "queue", "step", "01714", "acknowledge", "heard=it was late", "apologised=yes",
        "said_back=yes",
      ]
        + morning, in: folder)
    #expect(step.status == 0, "\(step.errors)")
    func said(_ agent: String) throws -> Bool {
      try queue("script", "01714", "--by", agent, "--now", "2026-03-02T10:30").output
        .contains("heard: it was late")
    }
    #expect(try said("anna") && !said("ben"))
    #expect(try queue("search", "--text", "LATE", "--by", "anna").output.contains("it was late"))
    // By what was said ben finds nothing of hers, else the case without its words.
    #expect(try queue("search", "--text", "LATE", "--by", "ben").output.isEmpty)
    let other = try queue("search", "--account", "01714", "--by", "ben").output
    #expect(other.contains("01714") && !other.contains("it was late"), "\(other)")
    #expect(try queue("search", "--by", "ben", status: 64).errors.contains("--account"))

    // What worked is kept, and shown to the next.
    let named = try queue(
      "snippet", "add", "01714", "As 01714 said", "--part", "empathy", "--by", "anna", status: 64)
    #expect(named.errors.contains("the account's id"))
    _ = try queue(
      "snippet", "add", "01714", "That should not have happened.", "--part", "empathy", "--by",
      "anna", "--now", "2026-03-02T11:00")
    #expect(try queue("snippet", "list").output.contains("That should not have happened."))
    #expect(try queue("script", "01714").output.contains("That should not have happened."))
    _ = try queue("snippet", "drop", "1")
    #expect(try queue("snippet").output.isEmpty)
    #expect(try queue("check").output.contains("whole"))
  }

  @Test func aTeamEditsItsPlaybooks() throws {
    let folder = try sampleCopy()
    func playbooks(_ words: String..., status: Int32 = 0) throws -> (output: String, errors: String)
    {
      let result = try Program.run(["playbooks"] + words, in: folder)
      #expect(result.status == status, "\(words): \(result.errors)")
      return (result.output, result.errors)
    }
    #expect(try playbooks().output.contains("built-in"))
    #expect(try playbooks("write").output.contains("voiced-refund.toml"))
    #expect(try playbooks("write", status: 64).errors.contains("is there already"))
    #expect(try playbooks("list").output.contains("spoke; taken by its name"))
    let file = folder.appendingPathComponent("playbooks/silent-phone.toml")
    let text = try String(contentsOf: file, encoding: .utf8)
    try Data(text.replacing("{agent}", with: "{agnet}").utf8).write(to: file)
    let line = text.split(separator: "\n", omittingEmptySubsequences: false)
      .firstIndex { $0.contains("{agent}") }
    let place = try #require(line) + 1
    for words in [["playbooks"], ["nightly", "--as-of", Self.asOf], ["queue", "practise"]] {
      let refused = try Program.run(words, in: folder)
      #expect(refused.status == 78)
      let expected =
        "playbooks/silent-phone.toml: line \(place): unknown placeholder {agnet}: did you mean {agent}?"
      #expect(refused.errors.contains(expected), "\(refused.errors)")
    }
    try Data(text.replacing("Is now a good time?", with: "Good day!").utf8).write(to: file)
    let shown = try Program.run(
      ["queue", "practise", "--seed", "0"], in: folder, input: "script\n")
    #expect(shown.status == 0, "\(shown.errors)")
    let named = try String(contentsOf: folder.appendingPathComponent("tacit.toml"), encoding: .utf8)
    try Data((named + "\n[practice]\nplaybooks = \"sayings\"\n").utf8)
      .write(to: folder.appendingPathComponent("tacit.toml"))
    #expect(try playbooks(status: 78).errors.contains("tacit playbooks write"))
    #expect(try playbooks("write").output.contains("sayings"))
    #expect(try playbooks().output.contains("sayings"))
  }

  @Test func practisingChangesNothing() throws {
    let folder = try sampleCopy()
    // Before the first night there are made-up cases.
    let seeds = (0..<6).map(String.init)
    for seed in seeds {
      let result = try Program.run(
        ["queue", "practise", "--seed", seed], in: folder,
        input: "help\nacknowledge\nclose resolved\nnonsense\n")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("Nothing you do here is kept."))
      #expect(result.output.contains("Not yet: ") && result.output.contains("not understood"))
      #expect(result.output.hasSuffix("That is all for now. Nothing is changed.\n"))
    }
    let quit = try Program.run(["queue", "practise"], in: folder, input: "quit")
    #expect(quit.status == 0 && !quit.output.contains("all for now"))
    #expect(
      !FileManager.default.fileExists(atPath: folder.appendingPathComponent("tacit.sqlite").path))
  }
}
