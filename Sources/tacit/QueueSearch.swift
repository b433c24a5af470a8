import ArgumentParser
import Foundation
import Histories
import Outreach

extension QueueCommand {
  struct Search: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Finds cases, open and closed, by account, cause, correction or what was said.",
      discussion: """
        What customers said is shown for cases that you hold or have worked, and --text looks into \
        those alone; others are found without it. Everything that is named must fit.

        Try:
          tacit queue search --cause quality --by anna
          tacit queue search --text "late twice" --by anna
        """)

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Option(help: "Cases of this account.")
    var account: String?
    @Option(help: "Cases whose matter came from this.")
    var cause: String?
    @Option(help: "Cases on which this was said or noted.")
    var text: String?
    @Option(help: ArgumentHelp("Cases that speak for this correction.", valueName: "number"))
    var correction: Int64?
    @Option(help: ArgumentHelp("Who asks, as an id of the team's.", valueName: "agent"))
    var by: String
    @Option(help: "At most so many cases, the newest first.")
    var limit = 50
    @Flag(help: "An array of objects.")
    var json = false

    func validate() throws {
      if account == nil, cause == nil, text == nil, correction == nil {
        throw ValidationError("say what to look for: --account, --cause, --correction or --text")
      }
      if limit < 1 { throw ValidationError("--limit is \(limit), expected 1 or more") }
    }

    private struct Report: Encodable {
      var `case`: Int64
      var accountId, form, queue, openedAt: String
      var closedAt, outcome, cause, remedy, owner: String?
      var said: [Said]?

      struct Said: Encodable {
        var at, by, field, text: String
      }
    }

    func run() throws {
      let desk = try Desk(project)
      let causes = desk.practice.causes.map(\.name)
      if let cause, !causes.contains(where: { $0.utf8.elementsEqual(cause.utf8) }) {
        throw unknown("cause", cause, among: causes)
      }
      let all = try desk.store.search(
        CaseQuestion(account: account, cause: cause, correction: correction, text: text), by: by)
      let found = all.prefix(limit)
      if json {
        return try printJSON(
          found.map { one in
            let state = one.found.state
            return Report(
              case: one.found.number, accountId: one.found.account,
              form: one.found.form.rawValue, queue: one.found.queue,
              openedAt: one.found.openedAt.description, closedAt: state.closedAt?.description,
              outcome: state.outcome?.rawValue, cause: state.steps?.cause,
              remedy: state.steps?.remedy, owner: state.owner,
              said: one.said?.map {
                Report.Said(at: $0.at.description, by: $0.by, field: $0.field, text: $0.text)
              })
          })
      }
      if found.isEmpty { return printToStandardError("no case fits") }
      let listing = CaseListing(zone: desk.zone)
      for one in found { print(text(one, listing), terminator: "") }
      if all.count > found.count {
        printToStandardError("… and \(all.count - found.count) more: --limit \(all.count)")
      }
    }

    private func text(_ one: FoundCase, _ listing: CaseListing) -> String {
      let state = one.found.state
      let words = { (name: String) in inert(name.replacing("_", with: " ")) }
      let place =
        state.closedAt.map {
          "\(words(state.outcome?.rawValue ?? "closed")), \(listing.timeText($0))"
        } ?? "open" + (state.owner.map { ", with \(inert($0))" } ?? "")
      var lines = [
        [
          "case \(one.found.number)", clipped(inert(one.found.account), to: 48),
          clipped(inert(one.found.queue), to: 30), place, state.steps?.cause.map(words),
          state.steps?.remedy.map(words),
        ].compactMap(\.self).joined(separator: " · ")
      ]
      switch one.said {
      case nil: lines.append("  what was said is shown to those who work the case")
      case let said?:
        lines += said.map {
          "  \(listing.timeText($0.at))  \(inert($0.by))  \(words($0.field)): \(inert($0.text))"
        }
      }
      return lines.map { $0 + "\n" }.joined()
    }
  }
}
