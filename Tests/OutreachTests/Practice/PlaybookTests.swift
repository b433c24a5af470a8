import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// What a project with these playbooks says of the practice; its problems are thrown.
func practice(_ text: String = "", playbooks: [String: String] = [:]) throws -> Practice {
  let folder = try temporaryFolder()
  if !playbooks.isEmpty {
    let books = folder.appendingPathComponent("playbooks")
    try FileManager.default.createDirectory(at: books, withIntermediateDirectories: true)
    for (name, text) in playbooks {
      try Data(text.utf8).write(to: books.appendingPathComponent(name))
    }
  }
  return try practice(text, in: folder)
}

func practice(_ text: String = "", in folder: URL) throws -> Practice {
  let path = folder.appendingPathComponent("tacit.toml")
  try Data(text.utf8).write(to: path)
  let file = try ProjectFile(path: path.path)
  let practice = OutreachSettings(project: file, timeZone: berlin, numeric: [], categorical: [])
    .practice
  try file.check()
  return practice
}

/// The least that a folder needs.
let leastVoiced = """
  form = "voiced"
  [parts]
  empathy = "Hello {name}."
  facts = "{facts}."
  options = "Well: {options}."
  positive_close = "Goodbye {name}."
  """
let leastSilent = """
  form = ["predicted", "exploration"]
  [parts]
  question = "Hello {name}. How are things?\\nWe know that {facts}."
  listening = "Go on."
  offer = "Goodbye."
  """
let leastBooks = ["v.toml": leastVoiced, "s.toml": leastSilent]

/// A case that a customer opened by speaking, or that a score opened.
func playedCase(
  spoke kind: String? = nil, by channel: String = "email", answered: String = "phone",
  track: Track? = nil, name: String? = "Ada Lovelace", reasons: [Reason] = []
) -> Case {
  var open = Case(
    form: kind == nil ? .predicted : .voiced, account: "00417", queue: "calls", channel: answered,
    asOf: monday, openedAt: monday, due: monday.adding(days: 1),
    score: score("00417"),
    voice: kind.map {
      VoicedFeedback(
        kind: $0, at: date("2026-02-26T16:37"), knownAt: date("2026-02-27"), value: 3,
        channel: channel)
    }, record: AccountRecord(account: "00417", name: name))
  open.score?.reasons = reasons
  if let track {
    var work = StepWork()
    work.track = track
    open.state.steps = work
  }
  return open
}

extension Practice {
  /// The name of the playbook that a case gets.
  func book(_ open: Case) throws -> String {
    try script(for: open, agent: "anna", zone: berlin).playbook
  }
}

struct PlaybookTests {
  @Test func theBuiltInOnesAreWrittenAndReadAgain() throws {
    let folder = try temporaryFolder()
    let books = folder.appendingPathComponent("playbooks").path
    let usual = Practice()
    let names = try Playbooks.write(to: books, usual)
    #expect(names.count == 9 && names.contains("common.toml"))
    let read = try practice(in: folder)
    #expect(read.playbooks.folder == books && usual.playbooks.folder == nil)
    #expect(read.playbooks.all == usual.playbooks.all && read.playbooks.all.count == 8)
    var open = playedCase(spoke: "complaint")
    open.state.steps = StepWork()
    open.state.steps?.cause = "wrong_seat"
    for silent in [open, playedCase()] {
      #expect(
        try read.script(for: silent, agent: "anna", zone: berlin)
          == usual.script(for: silent, agent: "anna", zone: berlin))
    }
    // A second time writes nothing over.
    let edited = "\(books)/voiced-phone.toml"
    try Data("edited".utf8).write(to: URL(fileURLWithPath: edited))
    let error = #expect(throws: OutreachError.self) { try Playbooks.write(to: books, usual) }
    #expect(error?.exitStatus == 64 && error?.description.contains("is there already") == true)
    #expect(FileManager.default.contents(atPath: edited) == Data("edited".utf8))
  }

  @Test func theyKnowATeamsOwnCauses() throws {
    let folder = try temporaryFolder()
    let own = "[practice]\ncauses = [\"quality\", \"quality\", \"a \\\"b\\\" \\u0007\"]\n"
    let bare = try practice(own, in: folder)
    try Playbooks.write(to: folder.appendingPathComponent("playbooks").path, bare)
    #expect(try practice(own, in: folder).playbooks.all == bare.playbooks.all)
  }

  @Test(arguments: [
    (
      leastVoiced.replacing("form =", with: "fomr ="), ["line 1", "`fomr`", "did you mean `form`?"]
    ),
    (
      leastVoiced.replacing("Goodbye {name}", with: "Goodbye {nmae}"),
      ["line 6: unknown placeholder {nmae}: did you mean {name}?"]
    ),
    (leastVoiced.replacing("empathy", with: "emphaty"), ["did you mean `empathy`?"]),
    (leastVoiced.replacing("facts = ", with: "# "), ["`facts` is missing"]),
    (leastVoiced.replacing("\"{facts}.\"", with: "\" \\n \""), ["`facts` says nothing"]),
    ("cause = \"qualty\"\n" + leastVoiced, ["line 1", "did you mean \"quality\"?"]),
    ("track = \"ligth\"\n" + leastVoiced, ["line 1", "did you mean \"light\"?"]),
    (
      leastVoiced.replacing("\"voiced\"", with: "[\"voiced\", \"predicted\"]"),
      ["line 1", "two files"]
    ),
    (leastVoiced.replacing("form = \"voiced\"", with: ""), ["`form` is missing"]),
    ("kind = \"nps\"\n" + leastSilent, ["`kind` is known of customers who spoke"]),
    ("[options]\nqualiti = \"x\"\n" + leastVoiced, ["did you mean"]),
    (leastVoiced + "\n[phrases]\nlate = \"late {name}\"\n", ["unknown placeholder {name}"]),
    (leastVoiced + "\n[said]\nother = \"of {dat}\"\n", ["did you mean {date}?"]),
    (
      "form = \"voiced\"\npublic = true\n[parts]\npublic_reply = \"Hi {name}\"\ninvitation = \"{facts}\"\n",
      ["line 4", "others read this part"]
    ),
    (leastVoiced, ["v.toml and x.toml fit the same customers equally well"]),
    ("not toml", ["not TOML"]),
  ])
  func whatIsWrongIsToldWithFileAndLine(_ text: String, _ parts: [String]) throws {
    let error = #expect(throws: HistoriesError.self) {
      try practice(playbooks: leastBooks.merging(["x.toml": text]) { $1 })
    }
    #expect(error?.exitStatus == 78)
    for part in ["playbooks/x.toml"] + parts
    where !(part == "playbooks/x.toml" && parts[0].contains(" and ")) {
      #expect(error?.description.contains(part) == true, "\(part): \(String(describing: error))")
    }
  }

  @Test func everyCustomerHasAPlaybook() throws {
    for (books, who) in [
      (["v.toml": leastVoiced], "not spoken"), (["s.toml": leastSilent], "spoke"),
    ] {
      let error = #expect(throws: HistoriesError.self) { try practice(playbooks: books) }
      #expect(error?.description.contains(who) == true, "\(String(describing: error))")
    }
    let error = #expect(throws: HistoriesError.self) {
      try practice("[practice]\nplaybooks = \"elsewhere\"\n")
    }
    #expect(error?.description.contains("tacit playbooks write") == true)
    #expect(try practice(playbooks: leastBooks).playbooks.all.map(\.name) == ["s", "v"])
  }

  @Test func theMostSpecificIsChosen() throws {
    let usual = Practice()
    #expect(try usual.book(playedCase()) == "silent-phone")
    #expect(try usual.book(playedCase(answered: "email")) == "silent-writing")
    #expect(try usual.book(playedCase(spoke: "complaint")) == "voiced-phone")
    #expect(try usual.book(playedCase(spoke: "complaint", answered: "email")) == "voiced-writing")
    #expect(try usual.book(playedCase(spoke: "refund_request")) == "voiced-refund")
    #expect(try usual.book(playedCase(spoke: "complaint", track: .strategic)) == "voiced-strategic")
    // What they want comes before who they are.
    #expect(
      try usual.book(playedCase(spoke: "refund_request", track: .strategic)) == "voiced-refund")
    // A post comes first, until it is answered and they are invited.
    var post = playedCase(spoke: "refund_request", by: "review", track: .strategic)
    #expect(try usual.book(post) == "voiced-public")
    post.state.steps?.publicReply = monday
    #expect(try usual.book(post) == "voiced-public")
    post.state.steps?.invitation = monday
    #expect(try usual.book(post) == "voiced-refund")
    // One who was silent, and says that something is wrong, has spoken.
    var asked = playedCase()
    asked.state.verdict = .nonDetractor
    #expect(try usual.book(asked) == "silent-phone")
    asked.state.verdict = .detractor
    #expect(try usual.book(asked) == "voiced-phone")
    asked.state.steps = StepWork()
    asked.state.steps?.track = .strategic
    #expect(try usual.book(asked) == "voiced-strategic")
  }

  /// Files that ask for more win; with as many, the more telling condition; whatever their names.
  @Test func precedenceDoesNotDependOnNames() throws {
    let conditions = [
      "channel = \"phone\"", "track = \"strategic\"", "form = \"review\"",
      "kind = [\"nps\", \"complaint\"]", "cause = \"quality\"",
    ]
    var open = playedCase(spoke: "complaint", track: .strategic)
    open.state.steps?.form = "review"
    open.state.steps?.cause = "quality"
    func book(_ lines: [String]) -> String {
      let body = leastVoiced.replacing("form = \"voiced\"", with: "")
      let form = lines.contains { $0.hasPrefix("form") } ? [] : ["form = \"voiced\""]
      return (lines + form).joined(separator: "\n") + body
    }
    for (place, weaker) in conditions.enumerated() {
      for stronger in conditions[(place + 1)...] {
        for names in [("a", "z"), ("z", "a")] {
          let books = leastBooks.merging([
            "\(names.0).toml": book([stronger]), "\(names.1).toml": book([weaker]),
          ]) { $1 }
          #expect(try practice(playbooks: books).book(open) == names.0, "\(stronger), \(weaker)")
          let two = books.merging(["m.toml": book([weaker, stronger])]) { $1 }
          #expect(try practice(playbooks: two).book(open) == "m")
        }
      }
    }
    // Two of the weakest are more than one of the strongest.
    let books = leastBooks.merging([
      "a.toml": book([conditions[4]]), "b.toml": book([conditions[0], conditions[1]]),
    ]) { $1 }
    #expect(try practice(playbooks: books).book(open) == "b")
    // What does not fit is never chosen.
    open.state.steps?.track = .light
    #expect(try practice(playbooks: books).book(open) == "a")
  }
}
