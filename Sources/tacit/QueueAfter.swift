import ArgumentParser
import Foundation
import Histories
import Outreach

// `tacit queue consent|segment|former|block`: what comes after a case, and many at once.

extension QueueCommand {
  struct ConsentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "consent",
      abstract: "Records how a customer whose case was resolved agreed to take part.",
      discussion: """
        advise (be asked what they think of changes), pilot (try changes first), story (be asked how it \
        went), use_case (have their use written down), referral (be asked to recommend us). Asked only \
        of customers with a case that closed as resolved; none needs to be open. --revoke takes it \
        back.

        Try:
          tacit queue consent 00417 advise --by anna
          tacit queue consent 00417 advise --revoke --by anna
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "advise, pilot, story, use_case or referral.")
    var kind: String
    @Flag(help: "They agree no longer.")
    var revoke = false

    func run() throws {
      let desk = try Desk(work.project)
      let kind = try participation(kind)
      let now = try work.instant(desk.zone)
      if revoke {
        guard try desk.store.leave(account, kind, by: work.by, at: now) else {
          throw OutreachError.missing("account \(account) has not agreed to \(kind.meaning)")
        }
        return print("account \(inert(account)) is asked no longer to \(kind.meaning)")
      }
      try desk.store.takePart(account, in: kind, by: work.by, at: now)
      print("account \(inert(account)) agrees to \(kind.meaning)")
    }
  }

  struct Former: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes a list of former detractors who agreed to take part.",
      discussion: """
        advise and pilot for those who think along, story for survey invitations and testimonials, \
        use_case, referral. Who is on hold or must not be contacted by now is left out. CSV, JSON Lines \
        or Parquet, by the file's name.
        """)

    @OptionGroup var file: ListFile
    @Option(help: "advise, pilot, story, use_case or referral.")
    var list: String

    func run() throws {
      let kind = try participation(list)
      let exchange = try Exchange(file.project)
      let store = try CaseStore(existing: exchange.outreach.store)
      let consent = try Consent(exchange.histories)
      try file.write(
        try store.participants(
          kind, at: try exchange.now(file.now), reach: Reach { consent.refuses($0, of: $1) },
          refused: consent.refuses), "account")
    }
  }

  struct Segment: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Writes the accounts whose cases closed with a cause or an outcome, for a mail tool.",
      discussion: """
        By an account's newest closed case: one of the project's causes, such as needs_training, or an \
        outcome, such as parted_well. Who has an open case or is on hold is left out. Who opted out or \
        must not be contacted has opt_out true and no address, so that the tool takes them off its \
        own list.

        Try:
          tacit queue segment needs_training --out training.csv
        """)

    @OptionGroup var file: ListFile
    @Argument(help: "A cause or an outcome.")
    var name: String

    func run() throws {
      let exchange = try Exchange(file.project)
      let causes = exchange.outreach.practice.causes.map(\.name)
      let outcomes = Action.Outcome.allCases.filter { $0 != .erased }
      let outcome = outcomes.first { $0.rawValue == name }
      guard outcome != nil || causes.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else {
        throw unknown("cause or outcome", name, among: causes + outcomes.map(\.rawValue))
      }
      let store = try CaseStore(existing: exchange.outreach.store)
      let consent = try Consent(exchange.histories)
      let table = try store.segment(
        where: { one in
          outcome.map { one.state.outcome == $0 }
            ?? (one.state.steps?.cause.map { $0.utf8.elementsEqual(name.utf8) } ?? false)
        }, at: try exchange.now(file.now), reach: Reach { consent.refuses($0, of: $1) },
        refused: consent.refuses)
      try file.write(table, "account")
    }
  }

  struct Block: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Takes as many calls as fit into some minutes, and lists them in order.",
      discussion: """
        Cases by phone that nobody holds, soonest due first, each for the minutes_per_case of its \
        queue, of customers who may be called now. Two who take a block at once get different cases.

        Try:
          tacit queue block --by anna --minutes 90
        """)

    @OptionGroup var work: WorkOptions
    @Option(help: "How long the block is.")
    var minutes: Double
    @Option(help: "Only from this queue.")
    var queue: String?

    func validate() throws {
      guard minutes > 0, minutes <= 1440 else {
        throw ValidationError("--minutes is \(minutes), expected more than 0, at most 1440")
      }
    }

    func run() throws {
      let desk = try Desk(work.project)
      let queues = try Exchange(work.project).outreach.queues
      if let queue {
        try desk.requireQueue(queue)
        if let known = queues.first(where: { $0.name.utf8.elementsEqual(queue.utf8) }),
          known.channel != CallRules.channel
        {
          throw ValidationError(
            "the queue \(queue) is worked by \(known.channel): a block is of calls")
        }
      }
      let now = try work.instant(desk.zone)
      // As long as a claim holds, or as the block is.
      let held = max(4 * 3600, minutes * 60)
      let until = Instant(microseconds: now.microseconds + Int64(held) * 1_000_000)
      let consent = try desk.consent()
      let taken = try desk.store.claimBlock(
        by: work.by, minutes: minutes, queue: queue, of: queues, at: now, until: until,
        webhooks: desk.webhooks, reach: desk.reach(consent), refused: consent.refuses)
      if work.json {
        return try FileHandle.standardOutput.write(contentsOf: CaseListing.json(taken))
      }
      if taken.isEmpty {
        return printToStandardError("no call to make: nobody waits who may be called and fits in")
      }
      let order = desk.queues + Set(taken.map(\.queue)).subtracting(desk.queues).sorted()
      let text = desk.listing(at: now).text(
        order.flatMap { name in taken.filter { $0.queue == name } })
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }
  }
}

/// What commands that write a list of accounts take.
struct ListFile: ParsableArguments {
  @Option(help: "The project file.")
  var project = "tacit.toml"
  @Option(help: "The file to write: .csv, .jsonl or .parquet.")
  var out: String
  @Option(help: ArgumentHelp("As of when (default: now).", valueName: "instant"))
  var now: String?
  @Flag(help: "Print the count as JSON.")
  var json = false

  private struct Written: Encodable { var rows: Int }

  func write(_ table: ExportTable, _ what: String) throws {
    let format =
      ExportFormat(rawValue: URL(fileURLWithPath: out).pathExtension.lowercased()) ?? .csv
    try table.write(format, to: out)
    if json { return try printJSON(Written(rows: table.rows.count)) }
    print("\(table.rows.count) \(what)\(table.rows.count == 1 ? "" : "s") written")
  }
}

private func participation(_ name: String) throws -> Participation {
  guard let kind = Participation(rawValue: name) else {
    throw unknown("consent", name, among: Participation.allCases.map(\.rawValue))
  }
  return kind
}
