import ArgumentParser
import Foundation
import Histories
import Outreach

/// `tacit queue …`: the cases that wait for people.
struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "Shows the cases that outreach has opened.",
    subcommands: [List.self, Show.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists open cases: who, why in words, how sure, by when.")

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Option(help: "Only the cases of this queue.")
    var queue: String?
    @Option(help: "At most so many cases.")
    var limit: Int?
    @Flag(help: "An array of objects, one a case.")
    var json = false

    func validate() throws {
      if let limit, limit < 0 { throw ValidationError("--limit is \(limit), expected 0 or more") }
    }

    func run() throws {
      let desk = try Desk(project)
      var cases = try desk.cases()
      if let queue {
        let known = desk.queues + cases.map(\.queue)
        guard known.contains(queue) else {
          let nearest = nearestName(to: queue, among: known)
          throw ValidationError(
            "no queue is named \(queue)" + (nearest.map { ": did you mean \($0)?" } ?? ""))
        }
        cases.removeAll { $0.queue != queue }
      }
      if let limit { cases = Array(cases.prefix(limit)) }
      if json {
        try FileHandle.standardOutput.write(contentsOf: CaseListing.json(cases))
      } else if cases.isEmpty {
        FileHandle.standardError.write(Data("no open case\n".utf8))
      } else {
        let text = CaseListing(zone: desk.zone).text(cases)
        try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows everything about an account's open case.")

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Argument(help: "The account's id.")
    var account: String
    @Flag(help: "One object.")
    var json = false

    func run() throws {
      let desk = try Desk(project)
      guard let open = try desk.store.openCase(account: account) else {
        throw OutreachError.missing("no open case for account \(account)")
      }
      try FileHandle.standardOutput.write(
        contentsOf: json
          ? CaseListing.json(open) : Data(CaseListing(zone: desk.zone).detail(open).utf8))
    }
  }
}

/// What looking at cases needs of a project: its store, its zone and the order of its queues.
private struct Desk {
  let store: CaseStore
  let zone: LocalTime
  let queues: [String]

  init(_ path: String) throws {
    let project = try ProjectFile(path: path)
    let named = project.root.string("time_zone")
    zone = named.flatMap { LocalTime(identifier: $0) } ?? .utc
    if let named, zone.identifier != named {
      project.root.report("time_zone", "no time zone is named `\(named)`")
    }
    let place = OutreachSettings.storePlace(project)
    queues = project.root.tables("queue").compactMap { $0.string("name") }
    try project.check()
    store = try CaseStore(existing: place)
  }

  /// Open cases by queue: the project's queues in its order, then queues it no longer has.
  func cases() throws -> [Case] {
    let cases = try store.openCases()
    let gone = Set(cases.map(\.queue)).subtracting(queues).sorted()
    return (queues + gone).flatMap { queue in cases.filter { $0.queue == queue } }
  }
}
