import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

/// `tacit queue export`: cases, or what customers answered, as a file for other programs.
struct QueueExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes cases to a file for a CRM, a mail tool or a spreadsheet.",
    discussion: """
      CSV, JSON Lines or Parquet, by --format or the file's name; columns by [export.NAME] of the \
      project file (docs/EXPORT.md has maps for Zendesk, Salesforce and HubSpot). In CSV a text that a \
      spreadsheet would run gets an apostrophe before it, which `queue import` takes off again.

      --hand-over is for queues with mode = "batch": writes their open cases but those who opted out, \
      and closes the cases as handed over once the file stands. Run again it changes nothing.

      --answers writes what customers answered as events that training can read, with the mode of \
      contact as their channel.
      """)

  @Option(help: "The project file.")
  var project = "tacit.toml"
  @Option(help: "Only the cases of this queue.")
  var queue: String?
  @Option(help: "csv, jsonl or parquet (default: by the file's name, else csv).")
  var format: String?
  @Option(help: "The columns: NAME of [export.NAME] in the project file.")
  var map: String?
  @Option(help: "The file to write.")
  var out: String
  @Flag(help: "Closed cases as well.")
  var all = false
  @Flag(help: "Close the cases of batch queues as handed over.")
  var handOver = false
  @Flag(help: "Write what customers answered, as events, in place of cases.")
  var answers = false
  @Option(help: "The instant of the hand-over, or before which answers are known (default: now).")
  var now: String?
  @Flag(help: "Say what would be written or handed over; change nothing.")
  var dryRun = false
  @Flag(help: "Print the counts as JSON.")
  var json = false

  func validate() throws {
    if answers, handOver || all || queue != nil || map != nil {
      throw ValidationError("--answers goes with --format, --out and --now alone")
    }
    if handOver, all { throw ValidationError("--hand-over is of open cases: leave out --all") }
    if let format, ExportFormat(rawValue: format) == nil {
      throw ValidationError("--format is \(format), expected csv, jsonl or parquet")
    }
  }

  func run() throws {
    let exchange = try Exchange(project)
    let map = try self.map.map { try exchange.exportMap($0) } ?? ExportMap()
    if let queue { try exchange.requireQueue(queue) }
    let store = try CaseStore(existing: exchange.outreach.store)
    let now = try exchange.now(now)
    let format =
      format.flatMap(ExportFormat.init)
      ?? ExportFormat(rawValue: URL(fileURLWithPath: out).pathExtension.lowercased()) ?? .csv
    if handOver { return try handOver(exchange, store, map, format, now) }
    let table =
      answers
      ? try store.answers(before: now) : try store.exported(map, queue: queue, all: all)
    // Answers are read by programs, which must find each account's id as it is.
    if !dryRun { try table.write(format, to: out, formulaSafe: !answers) }
    if json { return try printJSON(Written(rows: table.rows.count, written: !dryRun)) }
    print("\(table.rows.count) \(answers ? "answers" : "cases") \(dryRun ? "to write" : "written")")
  }

  private struct Written: Encodable {
    var rows: Int
    var written: Bool
  }

  private struct HandedOver: Encodable {
    var handOver: CaseStore.HandOver
    var written: Bool
  }

  private func handOver(
    _ exchange: Exchange, _ store: CaseStore, _ map: ExportMap, _ format: ExportFormat,
    _ now: Instant
  ) throws {
    let batch = exchange.outreach.queues.filter { $0.mode == .batch }.map(\.name)
    if let queue, !batch.contains(queue) {
      throw ValidationError("the queue \(queue) is worked by people: it has no mode = \"batch\"")
    }
    if batch.isEmpty {
      throw ValidationError("no queue has mode = \"batch\": there is nobody to hand over")
    }
    let book = try AccountBook(
      exchange.histories, of: try store.openCases().map(\.account))
    struct OnlyLooking: Error { var rows: Int }
    do {
      let report = try store.handOver(
        queues: queue.map { [$0] } ?? batch, map: map, by: Action.run, at: now,
        webhooks: exchange.outreach.webhooks, refused: book.doNotContact
      ) { table in
        if dryRun { throw OnlyLooking(rows: table.rows.count) }
        try table.write(format, to: out)
      }
      let written = report.handedOver > 0
      if json { return try printJSON(HandedOver(handOver: report, written: written)) }
      print(
        written
          ? "\(report.handedOver) cases handed over" : "nobody to hand over: no file was written")
      if report.optedOut > 0 { print("\(report.optedOut) left out: not to be contacted") }
      if report.onHold > 0 { print("\(report.onHold) left out: on hold") }
      if report.held > 0 { print("\(report.held) left out: somebody works them") }
    } catch let looking as OnlyLooking {
      if json { return try printJSON(Written(rows: looking.rows, written: false)) }
      print("\(looking.rows) cases to hand over")
    }
  }
}

/// What commands that exchange files and posts need of a project.
struct Exchange {
  let file: ProjectFile
  let histories: HistorySettings
  let outreach: OutreachSettings

  init(_ path: String) throws {
    file = try ProjectFile(path: path)
    histories = HistorySettings(project: file)
    outreach = OutreachSettings(
      project: file, timeZone: histories.timeZone, numeric: histories.accounts?.numeric ?? [],
      categorical: histories.accounts?.categorical ?? [])
    try file.check()
  }

  func exportMap(_ name: String) throws -> ExportMap {
    let map = ExportMap(name, project: file)
    try file.check()
    return map ?? ExportMap()
  }

  /// A queue that the project has.
  func requireQueue(_ name: String) throws {
    let known = outreach.queues.map(\.name)
    guard !known.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else { return }
    let nearest = nearestName(to: name, among: known)
    throw ValidationError(
      "no queue is named \(name)" + (nearest.map { ": did you mean \($0)?" } ?? ""))
  }

  /// `--now`, or the clock: only a command reads it.
  func now(_ text: String?) throws -> Instant {
    guard let text else { return .clock() }
    guard let instant = Instant(asOf: text, zone: histories.timeZone) else {
      throw ValidationError(
        "--now \(text) is no time: expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")
    }
    return instant
  }
}

extension Instant {
  /// What the clock says.
  static func clock() -> Instant {
    Instant(microseconds: Int64((Date().timeIntervalSince1970 * 1e6).rounded(.down)))
  }
}
