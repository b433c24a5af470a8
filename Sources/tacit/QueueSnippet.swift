import ArgumentParser
import Foundation
import Histories
import Outreach

extension QueueCommand {
  /// `tacit queue snippet add|list|drop`
  struct SnippetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "snippet",
      abstract: "Words that worked, kept for others: they stand under the script.",
      subcommands: [Add.self, List.self, Drop.self], defaultSubcommand: List.self)

    struct Add: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Keeps what you said on a case to which the customer answered.",
        discussion: """
          It is kept with the case's form and cause, and refused when it holds the account's id, its \
          name, e-mail address or telephone number: {name} stands for the name. The same words from \
          another case count once more for them.

          Try:
            tacit queue snippet add 00417 --part empathy "I would be cross too, {name}." --by anna
          """)

      @Option(help: "The project file.")
      var project = "tacit.toml"
      @Argument(help: "The account, whose newest case is meant.")
      var account: String
      @Argument(help: "What you said.")
      var text: String
      @Option(help: "The part of the talk it belongs to.")
      var part: String
      @Option(help: ArgumentHelp("Who does it, as an id of the team's.", valueName: "agent"))
      var by: String
      @Option(help: ArgumentHelp("When (default: now).", valueName: "instant"))
      var now: String?

      func run() throws {
        let desk = try Desk(project)
        let number = try desk.store.addSnippet(
          text, part: try named(part), account: account, by: by,
          at: try time(now, "--now", desk.zone))
        print("snippet \(number) is kept")
      }
    }

    struct List: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Lists snippets: those whose cases were resolved most often first.")

      @Option(help: "The project file.")
      var project = "tacit.toml"
      @Option(help: "Of this part of the talk.")
      var part: String?
      @Option(help: "From cases with this form of feedback.")
      var form: String?
      @Option(help: "From cases with this cause.")
      var cause: String?
      @Flag(help: "An array of objects.")
      var json = false

      func run() throws {
        let desk = try Desk(project)
        let part = try part.map(named)
        let known = [
          ("form", form, desk.practice.forms), ("cause", cause, desk.practice.causes.map(\.name)),
        ]
        for (what, name, names) in known {
          if let name, !names.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            throw unknown(what, name, among: names)
          }
        }
        let found = try desk.store.snippets(part: part, form: form, cause: cause)
        if json { return try printJSON(found) }
        if found.isEmpty {
          return printToStandardError("no snippet yet: `tacit queue snippet add` keeps one")
        }
        for one in found {
          let about = [one.part.title, one.form, one.cause].compactMap(\.self)
            .map { inert($0.replacing("_", with: " ")) }
          print(
            "\(one.number)  \(about.joined(separator: ", ")); \(one.cases) "
              + "case\(one.cases == 1 ? "" : "s"), \(one.resolved) resolved")
          print("   \(inert(one.text))")
        }
      }
    }

    struct Drop: ParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Takes a snippet out of the library.")

      @Option(help: "The project file.")
      var project = "tacit.toml"
      @Argument(help: "Its number, as the list shows it.")
      var number: Int64

      func run() throws {
        try Desk(project).store.dropSnippet(number)
      }
    }
  }
}

private func named(_ part: String) throws -> Playbook.Part {
  guard let known = Playbook.Part(rawValue: part) else {
    throw unknown("part", part, among: Playbook.Part.allCases.map(\.rawValue))
  }
  return known
}
