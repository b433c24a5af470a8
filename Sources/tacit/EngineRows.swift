import Detraction
import Foundation
import Histories

/// What an engine wrote, read back.
extension SourceQuery {
  /// The rows of one of a run's folders of Parquet files.
  init(written output: String, in folder: URL, project: URL) {
    let files = folder.appendingPathComponent(output).path + "/*.parquet"
    self.init(
      sql: "SELECT * FROM read_parquet(\(DuckDBProgram.literal(files)))",
      server: .duckdb(folder: project.path))
  }

  /// Calls `body` with each row: numbers by name, in order, and the bytes of one column of text.
  func eachRow(
    cells: [String], text: String? = nil, _ body: ([Double], ArraySlice<UInt8>) -> Void
  ) throws {
    let reader = try TableReader(
      rows(named: "what the engine wrote"), cells: cells.map { WantedCell($0, .number) },
      text: text, threads: 1)
    while true {
      let parts = try reader.next()
      if parts.isEmpty { return }
      for part in parts {
        for row in 0..<part.rows {
          let start = row * cells.count
          body(Array(part.values[start..<start + cells.count]), text == nil ? [] : part.text(row))
        }
      }
    }
  }
}

extension Session {
  /// Says how many events an engine set aside; throws `dataContract` where they are too many.
  func requireUsable(events: Int, setAside: Int) throws {
    guard Double(setAside) <= histories.badRowShare * Double(events) else {
      throw HistoriesError.dataContract(
        "\(grouped(setAside)) of \(grouped(events)) events cannot be used (no account, kind or time, or "
          + "a value that is no number), more than [reading] max_bad_row_share allows: `tacit check` "
          + "shows them, where the inputs can be read natively")
    }
    if setAside > 0 {
      options.say("\(grouped(setAside)) events cannot be used and were left out")
    }
  }

  /// Has an engine hand out the histories of a share of all accounts, drawn by lot, and reads them.
  /// Nothing of what it wrote is left. Throws `service` where it cannot do it, `dataContract` where too
  /// many rows cannot be used.
  func drawnBase(_ dialect: SQLDialect, master: String?, share: Double) throws -> HistoryBase {
    let project = file.folder
    let program = try EngineProgram(
      dialect, project: project, master: master, readsWarehouse: histories.readsWarehouse)
    let run = try EngineFolder(in: project.appendingPathComponent("runs"))
    let place = (dialect == .spark ? "file://" : "") + run.url.path
    let script = try LotSQL.script(
      histories, share: share, folder: project.path, dialect: dialect, to: place)
    let progress = Progress(options, "\(program.name) at work, seconds")
    try program.run(script, outputs: LotSQL.outputs(of: histories), in: run) { progress.say($0) }
    progress.done()
    let counts = SourceQuery(written: LotSQL.counts, in: run.url, project: project)
    var (events, aside) = (0, 0)
    try counts.eachRow(cells: ["events", "set_aside"]) { row, _ in
      (events, aside) = (Int(row[0]), Int(row[1]))
    }
    try requireUsable(events: events, setAside: aside)
    let base = try HistoryBase.read(
      try FetchedHistories.settings(histories, from: run.url, project: project),
      roles: feedback?.roles ?? [:], threads: options.threadCount)
    options.say(
      "\(program.name) handed out \(grouped(base.accountCount)) accounts"
        + (share < 1 ? ", drawn by lot from all" : ""))
    return base
  }
}
