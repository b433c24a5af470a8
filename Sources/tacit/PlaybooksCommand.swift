import ArgumentParser
import Foundation
import Histories
import Outreach

/// `tacit playbooks …`: what agents say, in files that a team edits.
struct PlaybooksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "playbooks",
    abstract: "What agents say to customers: lists the playbooks, writes them down to be edited.",
    subcommands: [List.self, Write.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the playbooks in use, and where they are.")

    @Option(help: "The project file.")
    var project = "tacit.toml"
    @Flag(help: "An array of objects.")
    var json = false

    private struct Report: Encodable {
      var name: String
      var `for`: String
      var when: [String: [String]]
      var byName: Bool
      var file: String?
    }

    func run() throws {
      let books = try outreach(of: try ProjectFile(path: project)).settings.practice.playbooks
      if json {
        return try printJSON(
          books.all.map { book in
            Report(
              name: book.name, for: book.isSilent ? "silent" : "voiced", when: book.when,
              byName: book.byName,
              file: books.folder.map { "\($0)/\(book.name).toml" })
          })
      }
      print(
        books.folder.map { "playbooks in \(inert($0)):" }
          ?? "the built-in playbooks (`tacit playbooks write` puts them down to be edited):")
      let width = books.all.map { columns(inert($0.name)) }.max() ?? 0
      for book in books.all {
        let when = book.when.sorted { $0.key < $1.key }.map {
          "\($0.key) \($0.value.map(inert).joined(separator: " or "))"
        }
        print(
          "  " + padded(inert(book.name), to: width + 2)
            + (book.isSilent ? "have not spoken" : "spoke")
            + (when.isEmpty ? "" : "; " + when.joined(separator: ", "))
            + (book.byName ? "; taken by its name" : ""))
      }
    }
  }

  struct Write: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes the built-in playbooks into the project's folder, to be edited.",
      discussion: """
        Into `playbooks/` beside the project file, or the folder that `[practice] playbooks` names. \
        From then on the folder alone counts. A file that is there already is never written over. \
        docs/PRACTICE.md says how they are edited.
        """)

    @Option(help: "The project file.")
    var project = "tacit.toml"

    func run() throws {
      let file = try ProjectFile(path: project)
      let folder = Practice.playbooksFolder(file).path
      let isNew = !FileManager.default.fileExists(atPath: folder)
      if isNew {
        // A folder that is named must be there before the project can be read.
        do {
          try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        } catch {
          throw OutreachError.unusable(
            "\(folder) cannot be made: \(error.localizedDescription)")
        }
      }
      do {
        let names = try Playbooks.write(to: folder, try outreach(of: file).settings.practice)
        print("\(names.count) files in \(folder):")
        for name in names { print("  \(name)") }
      } catch {
        if isNew { try? FileManager.default.removeItem(atPath: folder) }
        throw error
      }
    }
  }
}

/// What a project file says of outreach, and its zone; the file's problems are thrown.
func outreach(
  of project: ProjectFile
) throws -> (settings: OutreachSettings, zone: LocalTime) {
  let histories = HistorySettings(project: project)
  let settings = OutreachSettings(
    project: project, timeZone: histories.timeZone, numeric: histories.accounts?.numeric ?? [],
    categorical: histories.accounts?.categorical ?? [])
  try project.check()
  return (settings, histories.timeZone)
}
