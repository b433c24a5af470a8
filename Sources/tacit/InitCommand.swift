import ArgumentParser
import Detraction
import Foundation
import Histories

/// `tacit init`: looks at files and proposes a project file.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Look at files and propose a project file, with reasons.",
    discussion: """
      Give it what you have: exports of orders, tickets, events, surveys, customers (CSV with commas, \
      plain or gzip; Parquet files and folders through the duckdb program). It finds out by their \
      contents which file holds events and which customers, which column is the account, the time and \
      how it is written, what happened (kinds), what customers said and on which scale, and writes a \
      project file that works, with the reason beside each line. What the files cannot tell is marked \
      DECIDE there and listed at the end. No value of a row but the names of kinds is written.

      Files with the same columns in one folder are taken for parts of one table. Of large files the \
      first 512 MiB are looked at.

      Try:
        tacit init events.csv accounts.csv
        tacit init exports/*.csv --out project/tacit.toml
      """)

  @Argument(help: "The files to look at.")
  var files: [String]

  @Option(help: ArgumentHelp("The project file to write.", valueName: "file"))
  var out = "tacit.toml"

  @Flag(help: "Write over a file that is there.")
  var force = false

  @Option(help: "Threads to use (default: all cores). Never changes a result.")
  var threads = ProcessInfo.processInfo.activeProcessorCount

  @Flag(help: "Print what was found as JSON.")
  var json = false

  @Flag(help: "No messages but errors.")
  var quiet = false

  func validate() throws {
    try checkThreads(threads)
    if files.isEmpty { throw ValidationError("Name the files to look at.") }
  }

  func run() throws {
    if !force, FileManager.default.fileExists(atPath: out) {
      throw HistoriesError.output(
        "\(out) is there already: name another file with --out, or write over it with --force")
    }
    let folder = URL(fileURLWithPath: out).deletingLastPathComponent()
    let proposal = try ProjectProposal(files: files, folder: folder, threads: threads)
    try check(proposal)
    let file = try OutputFile(path: out)
    try file.write(proposal.text)
    try file.commit()
    if json {
      return try printJSON(
        Report(
          out: out, asOf: proposal.asOf, tables: proposal.tables, decide: proposal.questions,
          next: next(proposal)))
    }
    if quiet { return }
    for table in proposal.tables {
      let account = table.account.map { ", account \"\($0)\"" } ?? ""
      printToStandardError("\(table.path): \(table.role), \(grouped(table.rows)) rows\(account)")
    }
    if !proposal.questions.isEmpty {
      printToStandardError("\nTo decide:")
      for question in proposal.questions { printToStandardError("  - \(question)") }
    }
    printToStandardError("\nWritten: \(out). Read it through, then:")
    for command in next(proposal) { printToStandardError("  \(command)") }
  }

  private struct Report: Encodable {
    var out: String
    var asOf: String
    var tables: [ProjectProposal.Table]
    var decide: [String]
    var next: [String]
  }

  private func next(_ proposal: ProjectProposal) -> [String] {
    let project = out == "tacit.toml" ? "" : " --project \(out)"
    var commands = ["tacit features\(project) --as-of \(proposal.asOf) --out vectors.csv"]
    if proposal.hasFeedback {
      commands.append("tacit train\(project) --as-of \(proposal.asOf)")
    }
    return commands
  }

  /// What was made is read as any project file is; that it cannot be is our fault.
  private func check(_ proposal: ProjectProposal) throws {
    let file = try ProjectFile(path: out, text: proposal.text)
    _ = HistorySettings(project: file)
    _ = FeedbackSettings(project: file)
    _ = TrainingSettings(project: file)
    do throws(HistoriesError) { try file.check() } catch {
      throw DetractionError.bug("the proposed project file cannot be read: \(error)")
    }
  }
}
