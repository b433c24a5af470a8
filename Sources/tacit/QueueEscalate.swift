import ArgumentParser
import Foundation
import Histories
import Outreach

extension QueueCommand {
  /// `tacit queue escalate`: late cases go to whoever is named for them.
  struct Escalate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Escalates cases that nobody took up, or closed, in time.",
      discussion: """
        By the business calendar, with the time that a case waited for the customer left out. Level 1: \
        not taken up by its due time; level 2: not closed by its close-due time. Each once. [escalation] \
        of the project file says to which owner or queue each goes; without it the case stays where it \
        is. Escalated cases are listed first and webhooks are told. `tacit nightly` does the same; this \
        is for a scheduler in between, and safe to run twice and beside agents at work.

        Try:
          tacit queue escalate --dry-run
          */15 8-18 * * 1-5  cd /srv/crm && tacit queue escalate
        """)

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Option(help: ArgumentHelp("As of when (default: now).", valueName: "instant"))
    var now: String?
    @Flag(help: "Say which cases are late; change nothing.")
    var dryRun = false
    @Flag(help: "An array of objects, one a case.")
    var json = false

    func run() throws {
      let desk = try Desk(project)
      let now = try time(now, "--now", desk.zone)
      let cases =
        dryRun
        ? try desk.store.toEscalate(by: desk.escalation, at: now)
        : try desk.store.escalate(by: desk.escalation, at: now, webhooks: desk.webhooks)
      if json { return FileHandle.standardOutput.write(try CaseListing.json(cases)) }
      let count = cases.count == 1 ? "1 case" : "\(grouped(cases.count)) cases"
      print(cases.isEmpty ? "no case is late" : "\(count) \(dryRun ? "to escalate" : "escalated")")
      for one in cases {
        print(
          "  \(inert(one.account))  queue \(inert(one.queue)), "
            + (one.state.owner.map { "with \(inert($0))" } ?? "with nobody"))
      }
    }
  }
}
