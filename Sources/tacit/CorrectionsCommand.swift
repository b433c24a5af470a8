import ArgumentParser
import Foundation
import Histories
import Outreach

/// `tacit corrections …`: what the company changes because of what customers said.
struct CorrectionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corrections",
    abstract: "What the company changes because of what customers said: propose, try, roll out.",
    discussion: """
      A correction goes from proposed to pilot, approved and rolled_out, one stage at a time; back, or \
      to withdrawn, for a reason. A pilot needs evidence: cases of minimum_cases accounts ([practice], \
      3 unless set). Each move makes a promise to tell every linked customer, as often as they asked.

      The list is ranked by impact: the yearly value of the linked accounts, and probability × value \
      of the silent ones who look like them. Those are accounts with a predicted case, open or closed in \
      the last 90 days, that have not spoken since and have not said that all is well, of which one of \
      the nearest known detractors is a linked account, or whose first reason is the one most linked \
      predicted cases share (two at least).

      Titles and reasons name no customer: others read them.
      """,
    subcommands: [
      List.self, Show.self, Suggest.self, Propose.self, Link.self, Unlink.self, Move.self,
      Vote.self, Changes.self,
    ], defaultSubcommand: List.self)

  /// What commands that only look take.
  struct LookOptions: ParsableArguments {
    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Option(help: ArgumentHelp("As of when (default: now).", valueName: "instant"))
    var now: String?
    @Flag(help: "Print the result as JSON.")
    var json = false
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists corrections, those that help customers most first.")

    @OptionGroup var look: LookOptions

    func run() throws {
      let desk = try Desk(look.project)
      let now = try time(look.now, "--now", desk.zone)
      let corrections = try desk.store.corrections(at: now)
      if look.json { return try printJSON(corrections) }
      if corrections.isEmpty {
        return printToStandardError(
          "no correction yet: `tacit corrections suggest` says what customers point to")
      }
      print(CorrectionText(zone: desk.zone).list(corrections).joined(separator: "\n"))
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows one correction: who spoke for it, who is silent and like them, its log.")

    @OptionGroup var look: LookOptions
    @Argument(help: "Its number.")
    var number: Int64

    func run() throws {
      let desk = try Desk(look.project)
      let now = try time(look.now, "--now", desk.zone)
      let (one, log, linked) = try desk.store.correction(number, at: now)
      if look.json { return try printJSON(one) }
      print(
        CorrectionText(zone: desk.zone).detail(one, log: log, linked: linked)
          .joined(separator: "\n"))
    }
  }

  struct Suggest: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Groups cases by cause and shared reason: what a correction might be made of.",
      discussion: """
        By the cause recorded in step correct; where two accounts or more of a cause share their first \
        reason, they are a group. First come groups with enough accounts and no correction.
        """)

    @OptionGroup var look: LookOptions

    func run() throws {
      let desk = try Desk(look.project)
      let now = try time(look.now, "--now", desk.zone)
      let groups = try desk.store.suggestions(practice: desk.practice, at: now)
      if look.json { return try printJSON(groups) }
      if groups.isEmpty {
        return printToStandardError("no case has a cause yet: step correct records it")
      }
      print(
        CorrectionText(zone: desk.zone).suggestions(groups, practice: desk.practice)
          .joined(separator: "\n"))
    }
  }

  struct Propose: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Proposes a correction.",
      discussion: """
        Try:
          tacit corrections propose "late deliveries to the islands" --cause quality --owner ops --by anna
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "What is wrong, in words that name no customer.")
    var title: String
    @Option(help: "One of the project's causes.")
    var cause: String
    @Option(help: "Who sees to it.")
    var owner: String

    func validate() throws {
      if title.isEmpty { throw ValidationError("the title is empty") }
      if owner.isEmpty { throw ValidationError("--owner is empty") }
    }

    func run() throws {
      let desk = try Desk(work.project)
      let causes = desk.practice.causes.map(\.name)
      guard causes.contains(where: { $0.utf8.elementsEqual(cause.utf8) }) else {
        throw unknown("cause", cause, among: causes)
      }
      let now = try work.instant(desk.zone)
      let one = try desk.store.propose(title, cause: cause, owner: owner, by: work.by, at: now)
      try show(one, now, work, desk)
    }
  }

  struct Link: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Links accounts' cases, open or closed: they speak for it.")

    @OptionGroup var work: WorkOptions
    @Argument(help: "The correction's number.")
    var number: Int64
    @Argument(help: "The accounts.")
    var accounts: [String]

    func run() throws {
      let desk = try Desk(work.project)
      let now = try work.instant(desk.zone)
      try show(
        try desk.store.link(number, accounts: accounts, by: work.by, at: now), now, work, desk)
    }
  }

  struct Unlink: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Takes an account's case off again, for a reason.")

    @OptionGroup var work: WorkOptions
    @Argument(help: "The correction's number.")
    var number: Int64
    @Argument(help: "The account.")
    var account: String
    @Option(help: "Why it does not belong there.")
    var because: String

    func validate() throws {
      if because.isEmpty { throw ValidationError("--because is empty") }
    }

    func run() throws {
      let desk = try Desk(work.project)
      let now = try work.instant(desk.zone)
      try show(
        try desk.store.unlink(number, account: account, because: because, by: work.by, at: now),
        now, work, desk)
    }
  }

  struct Move: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Moves a correction to pilot, approved, rolled_out, or back, or withdraws it.",
      discussion: """
        Forward one stage at a time. Back, or withdrawn, with --because. Against the majority of three \
        votes or more nothing is approved without --because.

        Try:
          tacit corrections move 1 pilot --by anna
          tacit corrections move 1 withdrawn --because "the ferry runs daily again" --by anna
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The correction's number.")
    var number: Int64
    @Argument(help: "proposed, pilot, approved, rolled_out or withdrawn.")
    var stage: String
    @Option(help: "Why it goes back, or goes on all the same.")
    var because: String?

    func run() throws {
      let desk = try Desk(work.project)
      guard let to = CorrectionState.Stage(rawValue: stage) else {
        throw unknown("stage", stage, among: CorrectionState.Stage.allCases.map(\.rawValue))
      }
      let now = try work.instant(desk.zone)
      let moved = try desk.store.move(
        number, to: to, because: because, by: work.by, at: now, practice: desk.practice,
        refused: try desk.consent().refuses)
      try show(moved.correction, now, work, desk)
      if work.json { return }
      if moved.votes.yes + moved.votes.no > 0 {
        print(CorrectionText(zone: desk.zone).votes(moved.votes))
      }
      if moved.updates > 0 {
        print(
          "\(moved.updates) customer\(moved.updates == 1 ? " is" : "s are") to be told: "
            + "`tacit promises list`")
      }
    }
  }

  struct Vote: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Records what a former detractor thinks of it: yes or no.",
      discussion: """
        Of those alone who agreed to advise or to take part in pilots (`tacit queue consent`). The last \
        word of each counts.
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The correction's number.")
    var number: Int64
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "yes or no.")
    var vote: String

    func run() throws {
      let desk = try Desk(work.project)
      guard vote == "yes" || vote == "no" else {
        throw unknown("vote", vote, among: ["yes", "no"])
      }
      let now = try work.instant(desk.zone)
      try show(
        try desk.store.vote(number, account: account, isFor: vote == "yes", by: work.by, at: now),
        now, work, desk)
    }
  }

  struct Changes: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What became of what an agent heard: corrections of cases they worked.")

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Option(help: ArgumentHelp("Who heard it, as an id of the team's.", valueName: "agent"))
    var by: String
    @Flag(help: "Print the result as JSON.")
    var json = false

    private struct Change: Encodable {
      var correction: Correction
      var since: [CorrectionState.Move]
    }

    func run() throws {
      let desk = try Desk(project)
      let changes = try desk.store.changes(for: by)
      if json { return try printJSON(changes.map { Change(correction: $0, since: $1) }) }
      if changes.isEmpty {
        return printToStandardError("no correction is linked to a case that \(inert(by)) worked")
      }
      print(CorrectionText(zone: desk.zone).changes(changes).joined(separator: "\n"))
    }
  }
}

private func show(_ one: Correction, _ now: Instant, _ work: WorkOptions, _ desk: Desk) throws {
  let (ranked, _, _) = try desk.store.correction(one.number, at: now)
  if work.json { return try printJSON(ranked) }
  print(CorrectionText(zone: desk.zone).list([ranked]).joined(separator: "\n"))
}
