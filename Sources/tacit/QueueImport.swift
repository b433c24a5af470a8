import ArgumentParser
import Foundation
import Histories
import Outreach

/// `tacit queue import`: what was done about cases in another system.
struct QueueImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Records what was done about cases elsewhere, from a CSV file.",
    discussion: """
      Columns: case or account_id, at, kind, outcome, verdict, mode, view, note, agent, from, to, \
      queue, form, channel; under other names by [import.NAME] of the project file. An empty cell says \
      nothing and overwrites nothing. `verdict` is what the customer answered and `mode` how they were \
      asked; `view` is what the agent thinks, and never a label.

      The whole file is checked first: every problem is told with its line, and nothing is imported. \
      Then it is imported in one transaction. The same file a second time changes nothing.
      """)

  @Option(help: "The project file.")
  var project = "tacit.toml"
  @Argument(help: "The CSV file.")
  var file: String
  @Option(
    help: "upsert, update (opens no case) or create (only what rows with form voiced open).")
  var mode = CaseStore.ImportMode.upsert
  @Option(help: "The columns: NAME of [import.NAME] in the project file.")
  var map: String?
  @Option(help: "The instant at which the file became known (default: now).")
  var now: String?
  @Flag(help: "Check the file; import nothing.")
  var dryRun = false
  @Flag(help: "Print the counts as JSON.")
  var json = false

  func run() throws {
    let exchange = try Exchange(project)
    let columns = OutcomeFile.columns(map, project: exchange.file)
    try exchange.file.check()
    let now = try exchange.now(now)
    let rows = try OutcomeFile.read(
      file, columns: columns, mapped: map != nil, queues: exchange.outreach.queues.map(\.name),
      zone: exchange.histories.timeZone, now: now)
    if dryRun {
      if json { return try printJSON(["rows": rows.count]) }
      return print("\(rows.count) rows can be imported")
    }
    let store = try CaseStore(existing: exchange.outreach.store)
    let book = try AccountBook(
      exchange.histories, of: rows.filter { $0.opening != nil }.compactMap(\.account))
    let report = try store.importOutcomes(
      rows, mode: mode, settings: exchange.outreach, at: now, record: { book[$0] },
      isErased: exchange.histories.erased.contains)
    let skips = CaseStore.ImportSkip.allCases.compactMap { reason in
      report.skipped[reason].map { (reason: reason.rawValue, count: $0) }
    }
    if json {
      return try printJSON(
        Imported(
          rows: report.rows, opened: report.opened, added: report.added,
          unchanged: report.unchanged,
          skipped: Dictionary(uniqueKeysWithValues: skips.map { ($0.reason, $0.count) })))
    }
    print(
      "\(report.rows) rows: \(report.added) actions added, \(report.opened) cases opened, "
        + "\(report.unchanged) there already")
    for skip in skips {
      print("\(skip.count) skipped: \(skip.reason.replacing("_", with: " "))")
    }
  }

  private struct Imported: Encodable {
    var rows: Int
    var opened: Int
    var added: Int
    var unchanged: Int
    var skipped: [String: Int]
  }
}

extension CaseStore.ImportMode: ExpressibleByArgument {}
