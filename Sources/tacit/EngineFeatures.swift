import Detraction
import Foundation
import Histories

/// Vectors that an engine makes where the data is.
struct EngineFeatures {
  let schema: FeatureSchema
  let rows: Int

  /// Writes the vectors of everybody as of a date, or with `labels` of the rows of a training as of it,
  /// as Parquet: one file by DuckDB, a folder of them by Spark. `out` is replaced at the end: a file by
  /// one rename; a folder is removed first, so a kill just then leaves none.
  init(
    _ session: Session, _ dialect: SQLDialect, master: String?, labels: FeatureSQL.Labels?,
    _ asOf: Instant, to out: URL
  ) throws {
    let settings = session.histories
    let project = session.file.folder
    let program = try EngineProgram(
      dialect, project: project, master: master, readsWarehouse: settings.readsWarehouse)
    let run = try EngineFolder(in: out.deletingLastPathComponent())
    let place = (dialect == .spark ? "file://" : "") + run.url.path
    let progress = Progress(session.options, "\(program.name) at work, seconds")
    let roles = session.feedback?.roles ?? [:]
    try program.run(
      try SchemaSQL.script(settings, folder: project.path, dialect: dialect, to: place),
      outputs: ["events"] + (settings.accounts == nil ? [] : ["accounts"]), in: run
    ) { progress.say($0) }
    var alone = settings
    alone.contacts = nil
    let first = try HistoryBase.read(
      try FetchedHistories.settings(alone, from: run.url, project: project), roles: roles,
      threads: 1)
    schema = try first.schema(settings.features, asOf: asOf)
    let script = try SQLScript(
      settings, schema: schema, roles: roles, silentForDays: session.feedback?.silentForDays ?? 180,
      asOf: asOf, labels: labels, folder: project.path, dialect: dialect)
    try program.run(
      script.script(dialect.write(script.vectors, to: place + "/vectors")), outputs: ["vectors"],
      in: run
    ) { progress.say($0) }
    progress.done()
    let written = run.url.appendingPathComponent("vectors")
    rows = try Self.count(written, project)
    try Self.move(
      dialect == .duckdb ? written.appendingPathComponent("part.parquet") : written, to: out)
  }

  private static func count(_ folder: URL, _ project: URL) throws -> Int {
    let files = DuckDBProgram.literal(folder.path + "/*.parquet")
    let query = SourceQuery(
      sql: "SELECT count(*) AS n FROM read_parquet(\(files))", server: .duckdb(folder: project.path)
    )
    let reader = try TableReader(
      query.rows(named: "what the engine wrote"), cells: [WantedCell("n", .number)], text: nil,
      threads: 1)
    return Int(try reader.next().first?.values.first ?? 0)
  }

  /// In the place of what is there: a file by one rename, a folder after what it replaces is gone.
  private static func move(_ written: URL, to out: URL) throws {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: out.path, isDirectory: &isFolder), isFolder.boolValue
    {
      try FileManager.default.removeItem(at: out)
    } else if FileManager.default.fileExists(atPath: written.path, isDirectory: &isFolder),
      isFolder.boolValue
    {
      unlink(out.path)
    }
    guard rename(written.path, out.path) == 0 else {
      throw HistoriesError.output(
        "cannot rename \(written.path) to \(out.path): \(String(cString: strerror(errno)))")
    }
  }
}
