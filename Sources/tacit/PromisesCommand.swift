import ArgumentParser
import Foundation
import Histories
import Outreach

/// `tacit promises …`: what customers may expect of us, and by when.
struct PromisesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promises",
    abstract: "What customers may expect of us, by when, and with whom.",
    discussion: """
      Promises make themselves: of the date in step correct, of how often a customer wants to hear in \
      step communicate, of an appointment, of a follow-up once a case is resolved, of each move of a \
      correction that the customer's case is linked to. A contact within an appointment keeps it; the \
      rest is kept by `tacit promises keep`. Closing a case, a hold and erasure end what nobody waits \
      for any more. `tacit queue report` counts what was kept and broken.
      """,
    subcommands: [List.self, Keep.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists promises that somebody must still see to, soonest due first.")

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Option(help: ArgumentHelp("Only those of one agent.", valueName: "agent"))
    var by: String?
    @Flag(help: "Only those whose time is over.")
    var overdue = false
    @Option(help: ArgumentHelp("As of when (default: now).", valueName: "instant"))
    var now: String?
    @Flag(help: "An array of objects.")
    var json = false

    func run() throws {
      let desk = try Desk(project)
      let now = try time(now, "--now", desk.zone)
      let promises = try desk.store.promises(at: now).filter { one in
        !one.isSettled(at: now) && (by.map { one.owner.utf8.elementsEqual($0.utf8) } ?? true)
          && (!overdue || one.state(at: now) == .broken)
      }
      if json { return try printJSON(promises.map { PromiseObject($0, at: now) }) }
      if promises.isEmpty {
        return printToStandardError(overdue ? "no promise is overdue" : "no promise waits")
      }
      print(PromiseText(zone: desk.zone, at: now).lines(promises).joined(separator: "\n"))
    }
  }

  struct Keep: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says that a promise was kept; once.")

    @OptionGroup var work: WorkOptions
    @Argument(help: "Its number.")
    var number: Int64
    @Option(help: "What was said; erased with the customer.")
    var note: String?

    func run() throws {
      let desk = try Desk(work.project)
      let now = try work.instant(desk.zone)
      let kept = try desk.store.keepPromise(
        number, by: work.by, at: now, note: note, practice: desk.practice)
      if work.json { return try printJSON(PromiseObject(kept, at: now)) }
      print(
        kept.state(at: now) == .kept
          ? "promise \(number) is kept" : "promise \(number) is kept, and was due before")
    }
  }
}
