package import Foundation
package import Histories

/// An engine's own program, `duckdb` or `spark-sql`, on a script.
///
/// It runs in the project file's folder, so that paths start there, and writes into an `EngineFolder`.
/// What it wrote counts only when it ended without an error and marked each output as finished (a
/// `_SUCCESS` beside the Parquet files, as Spark does it); else nothing is left but its log.
package struct EngineProgram: Sendable {
  package let dialect: SQLDialect
  private let program: String
  private let project: URL
  private let master: String?
  private let readsWarehouse: Bool

  /// Finds the program: `duckdb` and `spark-sql` on the PATH, then in the virtual environment that is
  /// active or stands in the project's folder; `spark-sql` in $SPARK_HOME/bin before. Throws `service`
  /// where it is not there.
  ///
  /// - Parameters:
  ///   - project: the project file's folder.
  ///   - master: a master URL of Spark; else its own configuration says it, else `local[*]`.
  ///   - readsWarehouse: whether the script names tables of Spark's own catalogue. Otherwise it gets one in
  ///     memory, so that nothing of a metastore is started or left in the folder.
  package init(
    _ dialect: SQLDialect, project: URL, master: String? = nil, readsWarehouse: Bool = false
  ) throws(HistoriesError) {
    let program: String
    switch dialect {
    case .duckdb: program = try DuckDBProgram.find(project: project.path)
    case .spark:
      let home = ProcessInfo.processInfo.environment["SPARK_HOME"].map { ["\($0)/bin"] }
      guard let found = findProgram("spark-sql", in: home ?? [], project: project.path) else {
        throw .service(
          "--engine spark needs the `spark-sql` program of Apache Spark 4, found neither in "
            + "$SPARK_HOME/bin nor on the PATH nor in .venv/bin: pip install pyspark, and Java 17 "
            + "(apt-get install openjdk-17-jre-headless)")
      }
      program = found
    }
    self.init(
      dialect, program: program, project: project, master: master, readsWarehouse: readsWarehouse)
  }

  /// The same with a program that is known.
  package init(
    _ dialect: SQLDialect, program: String, project: URL, master: String? = nil,
    readsWarehouse: Bool = false
  ) {
    self.dialect = dialect
    self.program = program
    self.project = project
    self.master = master
    self.readsWarehouse = readsWarehouse
  }

  /// What messages call it.
  package var name: String { dialect == .duckdb ? "duckdb" : "spark-sql" }

  /// Runs a script that writes the outputs named, each a folder of the run by `SQLDialect.write`, and
  /// returns when all are there.
  /// `progress` is called about once a second with the seconds so far.
  ///
  /// Throws `dataContract` where the engine refuses the script or what it reads, `inputMissing` where it
  /// finds no file, `service` where it cannot run or work to its end; always with its own words, as far as they
  /// cannot hold data, and the path of its log. Nothing else is left then.
  package func run(
    _ script: String, outputs: [String], in run: EngineFolder, progress: (Int) -> Void = { _ in }
  ) throws(HistoriesError) {
    do throws(HistoriesError) {
      let status = try start(script, outputs, run, progress)
      if status != 0 { throw EngineFailure(of: self, status: status, log: run.log).error }
      for output in outputs where !isFinished(output, in: run) {
        throw .service(
          "\(name) ended as if all were well, but did not finish what it was to write (\(output)): "
            + "nothing of it is used. What it printed: \(run.log.path)")
      }
    } catch {
      run.keepLogAlone()
      throw error
    }
  }

  private func start(
    _ script: String, _ outputs: [String], _ run: EngineFolder, _ progress: (Int) -> Void
  ) throws(HistoriesError) -> Int32 {
    let file = run.url.appendingPathComponent("script.sql")
    let space = run.url.appendingPathComponent("tmp")
    var text = script
    try OutputFile.makeFolder(space)
    if dialect == .duckdb {
      text =
        "SET temp_directory = \(dialect.literal(space.path));\nSET preserve_insertion_order = false;\n"
        + text + "\n;\n"
      for output in outputs {
        let folder = run.url.appendingPathComponent(output)
        try OutputFile.makeFolder(folder)
        text +=
          "COPY (SELECT 1) TO \(dialect.literal(folder.path + "/" + Self.marker)) (FORMAT csv);\n"
      }
    }
    let output = try OutputFile(path: file.path)
    try output.write(text)
    try output.commit()
    let child = try EngineChild(
      command(file.path, run), in: project.path, environment: environment(space),
      log: run.log.path)
    let clock = ContinuousClock()
    let start = clock.now
    var shown = 0
    return child.wait {
      let seconds = Int((clock.now - start).components.seconds)
      if seconds > shown { progress(seconds) }
      shown = seconds
    }
  }

  private static let marker = "_SUCCESS"

  private func isFinished(_ output: String, in run: EngineFolder) -> Bool {
    let folder = run.url.appendingPathComponent(output).path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.contains(Self.marker) && names.contains { $0.hasSuffix(".parquet") }
  }

  private func command(_ script: String, _ run: EngineFolder) -> [String] {
    switch dialect {
    case .duckdb: return [program, "-no-init", "-batch", "-bail", "-f", script]
    case .spark:
      var settings = ["spark.ui.showConsoleProgress=false"]
      if isLocal { settings.append("spark.ui.enabled=false") }
      if !readsWarehouse {
        settings += [
          "spark.sql.catalogImplementation=in-memory",
          "spark.sql.warehouse.dir=file://\(run.url.appendingPathComponent("warehouse").path)",
        ]
      }
      return [program] + (master.map { ["--master", $0] } ?? [])
        + settings.flatMap { ["--conf", $0] } + ["-S", "-f", script]
    }
  }

  /// Whether nothing but this machine is to work, unless Spark's own configuration says otherwise.
  private var isLocal: Bool { master?.hasPrefix("local") ?? true }

  private func environment(_ space: URL) -> [String: String] {
    var environment = ProcessInfo.processInfo.environment
    // Names of files and the script are UTF-8, messages English.
    environment["LC_ALL"] = "C.UTF-8"
    // Beside `spark-sql` of a virtual environment stands the Python that it asks for Spark's home.
    let beside = URL(fileURLWithPath: program).deletingLastPathComponent().path
    environment["PATH"] = beside + (environment["PATH"].map { ":" + $0 } ?? "")
    guard dialect == .spark else { return environment }
    // Defaults, which its configuration files overrule.
    if isLocal {
      let megabytes = ProcessInfo.processInfo.physicalMemory >> 20
      environment["SPARK_DRIVER_MEMORY"] =
        environment["SPARK_DRIVER_MEMORY"] ?? "\(max(1024, megabytes / 2))m"
      environment["SPARK_LOCAL_DIRS"] = environment["SPARK_LOCAL_DIRS"] ?? space.path
    }
    return environment
  }
}
