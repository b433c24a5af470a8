import ArgumentParser
import Foundation
import Histories
import Outreach

/// `tacit queue …`: the cases that wait for people.
struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "The cases that outreach has opened: look, take, work, close.",
    subcommands: [
      List.self, Show.self, Claim.self, Act.self, Release.self, Close.self, HoldAccount.self,
      Lift.self, Escalate.self, Why.self, Log.self, Check.self, DoStep.self, Skip.self,
      SetTrack.self, Approve.self, Refer.self,
      SayScript.self, SnippetCommand.self, Search.self, Practise.self,
      ConsentCommand.self, Former.self,
      Segment.self, Block.self,
      QueueExport.self, QueueImport.self, QueueReport.self,
    ], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists open cases: who, why in words, how sure, by when.")

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Option(help: "Only the cases of this queue.")
    var queue: String?
    @Option(help: "At most so many cases.")
    var limit: Int?
    @Option(
      help: ArgumentHelp("As of when calls may be made (default: now).", valueName: "instant"))
    var now: String?
    @Flag(help: "An array of objects, one a case; with --now each says its call_from.")
    var json = false

    func validate() throws {
      if let limit, limit < 0 { throw ValidationError("--limit is \(limit), expected 0 or more") }
    }

    func run() throws {
      let desk = try Desk(project)
      var cases = try desk.cases()
      if let queue {
        try desk.requireQueue(queue, or: cases.map(\.queue))
        cases.removeAll { $0.queue != queue }
      }
      if let limit { cases = Array(cases.prefix(limit)) }
      let listing = desk.listing(at: try time(now, "--now", desk.zone))
      if json {
        // Without --now the same cases give the same bytes, whatever the hour.
        try FileHandle.standardOutput.write(
          contentsOf: now == nil ? CaseListing.json(cases) : listing.timedJSON(cases))
      } else if cases.isEmpty {
        FileHandle.standardError.write(Data("no open case\n".utf8))
      } else {
        try FileHandle.standardOutput.write(contentsOf: Data(listing.text(cases).utf8))
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
    @Option(
      help: ArgumentHelp("As of when calls may be made (default: now).", valueName: "instant"))
    var now: String?
    @Flag(help: "One object; with --now it says its call_from.")
    var json = false

    func run() throws {
      let desk = try Desk(project)
      guard let open = try desk.store.openCase(account: account) else {
        throw OutreachError.missing("no open case for account \(account)")
      }
      let listing = desk.listing(at: try time(now, "--now", desk.zone))
      try FileHandle.standardOutput.write(
        contentsOf: !json
          ? Data(listing.detail(open, practice: desk.practice).utf8)
          : now == nil ? CaseListing.json(open) : listing.timedJSON(open))
    }
  }
}

/// What working on cases needs of a project: its store, its zone and its queues.
struct Desk {
  let store: CaseStore
  let zone: LocalTime
  let queues: [String]
  let practice: Practice
  let webhooks: [String]
  let escalation: EscalationRule
  let erased: Tombstones
  let calls: CallRules
  private let histories: HistorySettings

  init(_ path: String) throws {
    let project = try ProjectFile(path: path)
    let histories = HistorySettings(project: project)
    let outreach = OutreachSettings(
      project: project, timeZone: histories.timeZone,
      numeric: histories.accounts?.numeric ?? [],
      categorical: histories.accounts?.categorical ?? [])
    try project.check()
    zone = histories.timeZone
    queues = outreach.queues.map(\.name)
    practice = outreach.practice
    webhooks = outreach.webhooks
    escalation = outreach.escalation
    calls = CallRules(outreach)
    erased = histories.erased
    self.histories = histories
    store = try CaseStore(existing: outreach.store)
  }

  /// Open cases by queue: the project's queues in its order, then queues it no longer has; in each the
  /// escalated first.
  func cases() throws -> [Case] {
    let open = try store.openCases()
    let cases = open.filter { $0.state.escalation > 0 } + open.filter { $0.state.escalation == 0 }
    let gone = Set(cases.map(\.queue)).subtracting(queues).sorted()
    return (queues + gone).flatMap { queue in cases.filter { $0.queue == queue } }
  }

  func requireQueue(_ name: String, or more: [String] = []) throws {
    let known = queues + more
    guard !known.contains(name) else { return }
    let nearest = nearestName(to: name, among: known)
    throw ValidationError(
      "no queue is named \(name)" + (nearest.map { ": did you mean \($0)?" } ?? ""))
  }

  func listing(at now: Instant) -> CaseListing {
    CaseListing(zone: zone, hours: CaseListing.Hours(calls, now: now))
  }

  /// Whom the files, as they are now, forbid to contact: asked again when a case is taken, and when
  /// somebody is said to have been contacted.
  func consent() throws -> Consent { try Consent(histories) }

  func reach(_ consent: Consent) -> Reach {
    Reach(calls: calls) { consent.refuses($0, of: $1) }
  }
}
