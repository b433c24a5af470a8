import ArgumentParser
import Foundation
import Histories
import Outreach

extension QueueCommand {
  struct SayScript: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "script",
      abstract: "Prints what to say on an account's open case.",
      discussion: """
        The text is that of a playbook: the most specific that fits who spoke or did not, what they \
        said, the cause, the track and the channel. `tacit playbooks` says where they are edited. \
        What the customer said is shown to who holds the case.

        Try:
          tacit queue script 00417 --by anna
          tacit queue script 00417 --by anna --playbook voiced-angry
        """)

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Argument(help: "The account.")
    var account: String
    @Option(help: ArgumentHelp("Who speaks (default: who holds the case).", valueName: "agent"))
    var by: String?
    @Option(help: ArgumentHelp("A playbook by its name.", valueName: "name"))
    var playbook: String?
    @Option(help: ArgumentHelp("When (default: now).", valueName: "instant"))
    var now: String?
    @Flag(help: "One object.")
    var json = false

    func run() throws {
      let desk = try Desk(project)
      let books = desk.practice.playbooks
      let book = try playbook.map { name in
        guard let book = books.named(name) else {
          throw unknown("playbook", name, among: books.all.map(\.name))
        }
        return book
      }
      let script = try desk.store.script(
        account: account, by: by, at: try time(now, "--now", desk.zone), playbook: book,
        desk.practice, zone: desk.zone)
      try FileHandle.standardOutput.write(
        contentsOf: json ? script.json() : Data(script.text.utf8))
    }
  }
}
