import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

// `tacit queue claim|act|release|close|hold|lift|why|log|check`: working the cases.

/// What everybody who works a case says of themselves.
struct WorkOptions: ParsableArguments {
  @Option(help: "The project file.")
  var project = "tacit.toml"
  @Option(help: ArgumentHelp("Who does it, as an id of the team's.", valueName: "agent"))
  var by: String
  @Option(help: ArgumentHelp("When (default: now).", valueName: "instant"))
  var now: String?
  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if by.isEmpty || by == Action.run { throw ValidationError("--by \(by) names no agent") }
  }

  func instant(_ zone: LocalTime) throws -> Instant { try time(now, "--now", zone) }

  func report(_ open: Case, _ desk: Desk) throws {
    let listing = desk.listing(at: try instant(desk.zone))
    try FileHandle.standardOutput.write(
      contentsOf: json
        ? listing.timedJSON(open) : Data(listing.detail(open, practice: desk.practice).utf8))
  }

  /// How far the work on a case is.
  func reportProgress(_ open: Case, _ desk: Desk) throws {
    if json { return try report(open, desk) }
    let listing = desk.listing(at: try instant(desk.zone))
    try FileHandle.standardOutput.write(
      contentsOf: Data(listing.progress(open, practice: desk.practice).utf8))
  }

  /// Adds an action to an account's open case by the rules of the practice, and shows how far it is.
  func act(
    _ account: String, _ kind: Action.Kind, detail: [String: String] = [:], note: String? = nil,
    record: [String: String] = [:], _ desk: Desk
  ) throws {
    let action = Action(
      at: try instant(desk.zone), kind: kind, actor: by, detail: detail, note: note, record: record)
    // The files are read only where a person is named.
    let reach =
      detail[Action.contact] == nil ? Reach(calls: desk.calls) : desk.reach(try desk.consent())
    try reportProgress(
      try desk.store.act(
        .account(account), action, by: desk.practice, webhooks: desk.webhooks, reach: reach), desk)
  }
}

/// An instant as people type it; this instant where they do not. The one place that reads the clock.
func time(_ text: String?, _ option: String, _ zone: LocalTime) throws -> Instant {
  guard let text else {
    return Instant(microseconds: Int64((Date().timeIntervalSince1970 * 1e6).rounded(.down)))
  }
  guard let instant = Instant(asOf: text, zone: zone) else {
    throw ValidationError(
      "\(option) \(text) is no time: expected YYYY-MM-DD, YYYY-MM-DDThh:mm or a full instant")
  }
  return instant
}

extension QueueCommand {
  struct Claim: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Takes the next case, or the one of an account, for a time.",
      discussion: """
        The next case is one that was given to you, else the one due first among those nobody holds, or \
        whose holder's time is over; \
        what to say on it is printed with it. Two who claim at once get two cases. Consent and holds are \
        checked again: who must not be contacted by now is passed over.

        Of the cases by phone the next is one whose customer may be called now: in the team's hours \
        ([calendar]), in lawful ones on the customer's own clock ([calls], time_zone), at times that \
        the customer asked for (call_times), not before an appointment. An account that is named is \
        taken whatever the hour, and its view says from when it may be called.

        Try:
          tacit queue claim --by anna
          tacit queue claim --by anna --queue strategic --hours 8
          tacit queue claim 00417 --by anna
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account whose open case is taken.")
    var account: String?
    @Option(help: "Only from this queue.")
    var queue: String?
    @Option(help: "How long it is held without a further claim.")
    var hours = 4

    func validate() throws {
      guard (1...720).contains(hours) else {
        throw ValidationError("--hours is \(hours), expected 1 to 720")
      }
    }

    func run() throws {
      let desk = try Desk(work.project)
      if let queue { try desk.requireQueue(queue) }
      let now = try work.instant(desk.zone)
      let until = Instant(microseconds: now.microseconds + Int64(hours) * 3_600_000_000)
      let consent = try desk.consent()
      let reach = desk.reach(consent)
      if let account {
        return try show(
          try desk.store.claim(
            .account(account), by: work.by, at: now, until: until, webhooks: desk.webhooks,
            reach: reach, refused: consent.refuses), now, desk)
      }
      guard
        let taken = try desk.store.claim(
          by: work.by, queue: queue, at: now, until: until, webhooks: desk.webhooks, reach: reach,
          refused: consent.refuses)
      else {
        return printToStandardError(
          try nothing(at: now, next: desk.store.nextCall(queue: queue, at: now, reach: reach), desk)
        )
      }
      try show(taken, now, desk)
    }

    /// The case, and what to say on it.
    private func show(_ open: Case, _ now: Instant, _ desk: Desk) throws {
      try work.report(open, desk)
      if work.json { return }
      let script = try desk.store.script(
        account: open.account, by: work.by, at: now, desk.practice, zone: desk.zone)
      try FileHandle.standardOutput.write(contentsOf: Data(("\n" + script.text).utf8))
    }

    private func nothing(at now: Instant, next: Instant?, _ desk: Desk) -> String {
      guard let next, next > now else {
        return
          "no case to take: everything open is held by somebody, or may not be called within a year"
      }
      return "no case to take: nobody who waits may be called now, the first from "
        + "\(desk.listing(at: now).timeText(next)). `tacit queue list` says when each"
    }
  }

  struct Act: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Records one step of the work on a case.",
      discussion: """
        Steps: attempted (nobody there), message_left, reached, messaged; answered --verdict \
        detractor|non-detractor --mode phone (what the customer said); opinion --view "…" (what you \
        think: never taken for an answer); waiting and resumed (the next move is the customer's: \
        your clock stands still); appointed --from … --to …; reassigned --owner … or --queue …; noted; \
        public_reply and invited (where the customer posted in public: answer there, and invite to \
        speak in private). `tacit queue step` records the five steps of the practice.

        attempted, message_left and reached on a case by phone are refused outside lawful hours on \
        the customer's clock, but for what the customer began (--inbound) and for an appointment. \
        --contact says with whom of the account it was; who refuses contact is not recorded as \
        contacted.

        Try:
          tacit queue act 00417 attempted --by anna
          tacit queue act 00417 reached --contact 00417-2 --by anna
          tacit queue act 00417 answered --verdict detractor --mode phone --by anna --note "late twice"
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "The step.")
    var step: String
    @Option(help: ArgumentHelp("With whom of the account's people, by their id.", valueName: "id"))
    var contact: String?
    @Flag(help: "The customer began it: with attempted, message_left, reached, messaged.")
    var inbound = false
    @Option(help: "detractor or non-detractor: with answered.")
    var verdict: String?
    @Option(help: "How the customer was spoken with: with answered.")
    var mode: String?
    @Option(help: "The agent's own view: with opinion.")
    var view: String?
    @Option(help: "Beginning and end of an appointment.")
    var from: String?
    @Option(help: .hidden)
    var to: String?
    @Option(help: "To whom: with reassigned.")
    var owner: String?
    @Option(help: "To which queue: with reassigned.")
    var queue: String?
    @Option(help: "What was said or seen; kept apart from the log.")
    var note: String?

    private static let steps: [Action.Kind] = [
      .attempted, .messageLeft, .reached, .messaged, .answered, .opinion, .waiting, .resumed,
      .appointed, .escalated, .reassigned, .noted, .publicReply, .invited,
    ]

    func run() throws {
      let desk = try Desk(work.project)
      guard let kind = Self.steps.first(where: { $0.rawValue == step }) else {
        let names = Self.steps.map(\.rawValue)
        throw unknown("step", step, among: names)
      }
      var detail: [String: String] = [:]
      var words = note
      switch kind {
      case .answered:
        guard let verdict, Action.Verdict(rawValue: verdict) != nil, let mode else {
          throw ValidationError(
            "answered needs --verdict detractor or non-detractor, and --mode such as phone")
        }
        detail = ["verdict": verdict, "mode": mode]
      case .opinion:
        guard let view else { throw ValidationError("opinion needs --view") }
        // In their own words, which erasure must be able to take out.
        words = [view, note].compactMap(\.self).joined(separator: "\n")
      case .appointed:
        guard let from, let to else { throw ValidationError("appointed needs --from and --to") }
        detail = [
          "from": try time(from, "--from", desk.zone).description,
          "to": try time(to, "--to", desk.zone).description,
        ]
      case .reassigned:
        if let queue { try desk.requireQueue(queue) }
        detail = ["owner": owner, "queue": queue].compactMapValues(\.self)
        if detail.isEmpty { throw ValidationError("reassigned needs --owner or --queue") }
      default: break
      }
      if inbound {
        guard kind.isTouch else {
          throw ValidationError("--inbound goes with a contact, such as reached, not with \(step)")
        }
        detail[Action.inbound] = "yes"
      }
      if let contact {
        guard kind.isTouch || [.answered, .appointed].contains(kind) else {
          throw ValidationError("--contact goes with a contact, such as reached, not with \(step)")
        }
        detail[Action.contact] = contact
      }
      try work.act(account, kind, detail: detail, note: words, desk)
    }
  }

  struct Release: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Gives a case back to its queue.")

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String

    func run() throws {
      let desk = try Desk(work.project)
      try work.act(account, .released, desk)
    }
  }

  struct Close: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Closes a case with its outcome.",
      discussion: """
        Outcomes: resolved (the customer said so), unresolved, nothing_wrong (a silent customer said \
        that all is well), unreached, declined (wants no contact about it), lost, parted_well (was in \
        the wrong seat, and was helped to leave).
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "The outcome.")
    var outcome: String
    @Option(help: "What was said or seen; kept apart from the log.")
    var note: String?

    private static let outcomes: [Action.Outcome] = [
      .resolved, .unresolved, .nothingWrong, .unreached, .declined, .lost, .partedWell,
    ]

    func run() throws {
      let desk = try Desk(work.project)
      guard Self.outcomes.contains(where: { $0.rawValue == outcome }) else {
        let names = Self.outcomes.map(\.rawValue)
        throw unknown("outcome", outcome, among: names)
      }
      try work.act(account, .closed, detail: ["outcome": outcome], note: note, desk)
    }
  }

  struct HoldAccount: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "hold",
      abstract: "Leaves an account alone for a time: no case opens, none is claimed.",
      discussion:
        "Kinds: bereavement, dispute, legal, complaint (others handle it), snooze, opt_out.")

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "Why.")
    var kind: String
    @Option(help: ArgumentHelp("Until when (default: until it is lifted).", valueName: "date"))
    var until: String?

    func run() throws {
      let desk = try Desk(work.project)
      let kind = try holdKind(kind)
      let now = try work.instant(desk.zone)
      let until = try until.map { try time($0, "--until", desk.zone) }
      if let until, until <= now {
        throw ValidationError("--until is not later than now: the hold would hold nothing")
      }
      guard !desk.erased.contains(account) else {
        throw OutreachError.refused(
          "the account is erased: nothing is kept of it, and no case opens")
      }
      try desk.store.hold(
        Hold(account: account, kind: kind, since: now, until: until), by: work.by)
    }
  }

  struct Lift: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ends a hold.")

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "The kind of hold.")
    var kind: String

    func run() throws {
      let desk = try Desk(work.project)
      if try !desk.store.lift(try holdKind(kind), of: account) {
        throw OutreachError.missing("account \(account) has no hold of this kind")
      }
    }
  }

  struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says what each night decided about an account, and why.")

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Argument(help: "The account.")
    var account: String
    @Flag(help: "An array of objects.")
    var json = false

    private struct Report: Encodable {
      var asOf, decision: String
      var rank: Int
      var probability: Double
      var queue: String?
    }

    func run() throws {
      let desk = try Desk(project)
      let decisions = try desk.store.decisions(account: account)
      if json {
        return try printJSON(
          decisions.map {
            Report(
              asOf: $0.asOf.description, decision: $0.disposition.rawValue, rank: $0.rank,
              probability: $0.probability, queue: $0.queue)
          })
      }
      if desk.erased.contains(account) {
        print("nothing is known of this account: it is erased, and left out of what is read")
      } else if decisions.isEmpty {
        print(
          "no night decided anything about this account: it stood below the cut, had spoken, or "
            + "may not be profiled. The score file of the run has its score.")
      }
      for decision in decisions {
        print(
          "\(dateName(decision.asOf, desk.zone))  \(words(decision.disposition))"
            + (decision.queue.map { ", queue \(inert($0))" } ?? "")
            + "; number \(grouped(decision.rank)) of the silent")
      }
    }
  }

  struct Log: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows every step of the work on an account's cases.",
      discussion: """
        What was said and noted is shown for cases that you hold or have worked: say who you are with \
        --by.
        """)

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Argument(help: "The account.")
    var account: String
    @Option(help: ArgumentHelp("Who asks, as an id of the team's.", valueName: "agent"))
    var by: String?

    func run() throws {
      let desk = try Desk(project)
      let listing = CaseListing(zone: desk.zone)
      let cases = try desk.store.cases(account: account)
      if cases.isEmpty { throw OutreachError.missing("no case for account \(account)") }
      let readable = try by.map { agent in
        try desk.store.search(CaseQuestion(account: account), by: agent)
          .filter { $0.said != nil }.map(\.found.number)
      }
      for one in cases {
        let mayRead = readable?.contains(one.number) == true
        print("case \(one.number), queue \(inert(one.queue))")
        for action in try desk.store.actions(of: one.number) {
          let detail = action.detail.sorted { $0.key < $1.key }
            .map { "\($0.key) \(inert($0.value))" }.joined(separator: ", ")
          print(
            "  \(listing.timeText(action.at))  \(inert(action.actor))  "
              + action.kind.rawValue.replacing("_", with: " ")
              + (detail.isEmpty ? "" : " (\(detail))")
              + (action.note.map { ": " + (mayRead ? inert($0) : "…") } ?? ""))
          if !mayRead, !action.record.isEmpty {
            print("    …")
            continue
          }
          for (field, text) in action.record.sorted(by: { $0.key < $1.key }) {
            print("    \(field.replacing("_", with: " ")): \(inert(text))")
          }
        }
      }
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Checks that every log is whole, and that the state of each case and correction follows.")

    @Option(help: "The project file.")
    var project = "tacit.toml"

    func run() throws {
      let desk = try Desk(project)
      let damaged = try desk.store.damagedCases()
      guard damaged.isEmpty else {
        throw OutreachError.dataContract(
          "the log of \(damaged.count) case\(damaged.count == 1 ? "" : "s") was changed after it was "
            + "written (numbers \(damaged.prefix(20).map(String.init).joined(separator: ", "))): "
            + "restore the store from a backup")
      }
      let corrections = try desk.store.damagedCorrections()
      guard corrections.isEmpty else {
        throw OutreachError.dataContract(
          "the log of corrections \(corrections.prefix(20).map(String.init).joined(separator: ", ")) "
            + "was changed after it was written: restore the store from a backup")
      }
      print("every log is whole, of cases and of corrections")
    }
  }
}

private func holdKind(_ name: String) throws -> Hold.Kind {
  guard let kind = Hold.Kind(rawValue: name) else {
    let names = Hold.Kind.allCases.map(\.rawValue)
    throw unknown("hold", name, among: names)
  }
  return kind
}

/// What is said of a name that is none of those known: the nearest, or all of them.
func unknown(_ what: String, _ name: String, among names: [String]) -> ValidationError {
  ValidationError(
    "no \(what) is named \(name)"
      + (nearestName(to: name, among: names).map { ": did you mean \($0)?" }
        ?? ": expected one of \(names.joined(separator: ", "))"))
}
