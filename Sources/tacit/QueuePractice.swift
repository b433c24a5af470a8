import ArgumentParser
import Foundation
import Histories
import Outreach

// `tacit queue step|skip|track|approve|refer`: the practice, step by step.

extension QueueCommand {
  struct DoStep: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "step",
      abstract: "Records a step of the practice, with what the customer said.",
      discussion: """
        A customer who spoke: acknowledge, engage, correct, communicate, validate. One who is silent: \
        ask; then the five when they say that something is wrong. What a step must hold is said when \
        something is missing; `tacit queue show` says what comes next.

        Try:
          tacit queue step 00417 ask said="it has been fine, but slow" --by anna
          tacit queue step 00417 acknowledge heard="two late deliveries" apologised=yes said_back=yes --by anna
          tacit queue step 00417 correct options="refund or new date" chosen=refund promised=2026-03-09 cause=quality --by anna
          tacit queue step 00417 validate agreed=yes thanked=yes --by anna
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "The step.")
    var step: String
    @Argument(help: ArgumentHelp("The record, as field=value …", valueName: "field=value"))
    var record: [String] = []

    func run() throws {
      let desk = try Desk(work.project)
      let step = try namedStep(step)
      var detail = ["step": step.rawValue]
      var texts: [String: String] = [:]
      for (field, value) in try fields(record, of: step, desk) {
        if field.kind == .text {
          texts[field.rawValue] = value
        } else {
          detail[field.rawValue] = value
        }
      }
      try work.act(account, .step, detail: detail, record: texts, desk)
    }

    /// The record as it was given, each value checked.
    private func fields(
      _ record: [String], of step: Step, _ desk: Desk
    ) throws -> [(StepField, String)] {
      let known = Track.allCases.flatMap {
        step.fields(on: $0).required + step.fields(on: $0).optional
      }
      return try record.map { entry in
        guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else {
          throw ValidationError("\(entry) is no record: expected field=value")
        }
        let name = String(entry[..<equals])
        let value = String(entry[entry.utf8.index(after: equals)...])
        guard let field = StepField(rawValue: name), known.contains(field) else {
          var names: [String] = []
          for one in known where !names.contains(one.rawValue) { names.append(one.rawValue) }
          throw unknown("field of \(step.rawValue)", name, among: names)
        }
        return (field, try checked(value, field, desk))
      }
    }

    private func checked(_ value: String, _ field: StepField, _ desk: Desk) throws -> String {
      let name = field.rawValue
      switch field.kind {
      case .text:
        guard !value.isEmpty else { throw ValidationError("\(name) is empty") }
        return value
      case .yes:
        guard value == "yes" else {
          throw ValidationError("\(name)=\(value): expected yes, once it is so")
        }
        return value
      case .either:
        guard value == "yes" || value == "no" else {
          throw ValidationError("\(name)=\(value): expected yes or no")
        }
        return value
      case .date: return try time(value, name, desk.zone).description
      case .days:
        guard let days = Int(value), (1...365).contains(days) else {
          throw ValidationError("\(name)=\(value): expected a number of days, 1 to 365")
        }
        return String(days)
      case .choice:
        let names = desk.practice.choices(of: field)
        guard names.contains(where: { $0.utf8.elementsEqual(value.utf8) }) else {
          throw unknown(name, value, among: names)
        }
        return value
      }
    }
  }

  struct Skip: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Leaves out a step, for a reason.",
      discussion: """
        Not every customer needs every step. The reason is kept with the case.

        Try:
          tacit queue skip 00417 engage --because "told us everything in the ticket" --by anna
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "The step.")
    var step: String
    @Option(help: "Why it is not needed.")
    var because: String

    func run() throws {
      let desk = try Desk(work.project)
      try work.act(
        account, .skipped, detail: ["step": try namedStep(step).rawValue],
        record: [StepField.because.rawValue: because], desk)
    }
  }

  struct SetTrack: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "track",
      abstract: "Sets how much of the practice one case gets: light, standard or strategic.",
      discussion:
        "Light: heard, put right, agreed. Strategic: the five steps with a plan, its owners and an "
        + "offer to take part. Where nothing is set it is the queue's `track`.")

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "light, standard or strategic.")
    var track: String

    func run() throws {
      let desk = try Desk(work.project)
      guard let track = Track(rawValue: track) else {
        throw unknown("track", track, among: Track.allCases.map(\.rawValue))
      }
      try work.act(account, .tracked, detail: ["track": track.rawValue], desk)
    }
  }

  struct Approve: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Approves a remedy for an account: by whom the project file names.")

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "The remedy.")
    var remedy: String

    func run() throws {
      let desk = try Desk(work.project)
      let names = desk.practice.remedies.map(\.name)
      guard names.contains(remedy) else { throw unknown("remedy", remedy, among: names) }
      try work.act(account, .approved, detail: ["remedy": remedy], desk)
    }
  }

  struct Refer: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Hands a case over: from a mail tool to a person, or to legal.",
      discussion: """
        human: what is sensitive or complex is no matter for a mail tool. legal: safety, or what the \
        law rules; the account is held until the hold is lifted (`tacit queue lift ACCOUNT legal`).

        Try:
          tacit queue refer 00417 legal --because "hurt by the product" --by anna
        """)

    @OptionGroup var work: WorkOptions
    @Argument(help: "The account.")
    var account: String
    @Argument(help: "human or legal.")
    var to: String
    @Option(help: "Why.")
    var because: String
    @Option(help: "The queue that works it from now on.")
    var queue: String?

    func run() throws {
      let desk = try Desk(work.project)
      guard ["human", "legal"].contains(to) else {
        throw unknown("hand-over", to, among: ["human", "legal"])
      }
      if let queue { try desk.requireQueue(queue) }
      let now = try work.instant(desk.zone)
      let place = queue ?? (to == "legal" ? desk.practice.legalQueue : nil)
      let referred = Action(
        at: now, kind: .referred, actor: work.by, detail: ["to": to],
        record: [StepField.because.rawValue: because])
      var open = try desk.store.act(
        .account(account), referred, by: desk.practice, webhooks: desk.webhooks)
      if let place {
        open = try desk.store.act(
          .account(account),
          Action(at: now, kind: .reassigned, actor: work.by, detail: ["queue": place]),
          webhooks: desk.webhooks)
      }
      if to == "legal" {
        try desk.store.hold(
          Hold(account: account, kind: .legal, since: now, until: nil), by: work.by)
      }
      try work.reportProgress(open, desk)
    }
  }
}

private func namedStep(_ name: String) throws -> Step {
  guard let step = Step(rawValue: name) else {
    throw unknown("step", name, among: Step.allCases.map(\.rawValue))
  }
  return step
}
