import Detraction
import Foundation
import Histories

/// Vectors that an engine makes where the data is.
struct EngineFeatures {
  let schema: FeatureSchema
  let rows: Int

  /// Writes the vectors of everybody as of a date, or with `labels` of the rows of a training as of it,
  /// as Parquet: one file by DuckDB, a folder of them by Spark. `out` is replaced at the end.
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

  /// In the place of what is there, in one step: who looks finds the old or the new, whatever is killed.
  /// What is replaced goes with the run. Only where a file system cannot exchange two names (NFS, say),
  /// what a folder takes the place of, or a folder, is removed before, so that a kill just then leaves none.
  private static func move(_ written: URL, to out: URL) throws {
    if rename(written.path, out.path) == 0 { return }
    // One of them is a folder.
    if [ENOTEMPTY, EEXIST, EISDIR, ENOTDIR].contains(errno) {
      if exchange(written.path, out.path) { return }
      if [EINVAL, ENOSYS, ENOTSUP].contains(errno) {
        try FileManager.default.removeItem(at: out)
        if rename(written.path, out.path) == 0 { return }
      }
    }
    throw HistoriesError.output(
      "cannot rename \(written.path) to \(out.path): \(String(cString: strerror(errno)))")
  }

  /// Exchanges what two names stand for, in one step; false, with `errno`, where it cannot be done.
  private static func exchange(_ one: String, _ other: String) -> Bool {
    typealias Rename =
      @convention(c) (
        Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
      ) -> Int32
    // Of GNU's own calls Swift's Glibc shows none.
    guard let found = dlsym(nil, "renameat2") else {
      errno = ENOSYS
      return false
    }
    let exchanging: UInt32 = 2  // RENAME_EXCHANGE
    return unsafeBitCast(found, to: Rename.self)(AT_FDCWD, one, AT_FDCWD, other, exchanging) == 0
  }
}
