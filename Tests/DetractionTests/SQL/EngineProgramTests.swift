import Detraction
import Foundation
import Histories
import TestSupport
import Testing

/// An engine counts only when it did everything; of one that fails, whatever the way, nothing is left
/// that anybody could believe, and the message says why without a customer's data.
@Suite struct EngineProgramTests {
  /// A project's folder with a program that is a shell script. `$OUT` is the folder of the run.
  private struct Project {
    let folder: URL
    let program: URL

    init(_ script: String = "", folder: URL? = nil) throws {
      self.folder = try folder ?? temporaryFolder().appendingPathComponent("a project; it's `one`")
      try FileManager.default.createDirectory(
        at: self.folder, withIntermediateDirectories: true)
      program = self.folder.appendingPathComponent("engine")
      // The script's path is the last argument, and the folder of the run is its own.
      let text = """
        #!/bin/sh
        for last in "$@"; do :; done
        OUT=$(dirname "$last")
        half() { mkdir -p "$OUT/events"; echo half > "$OUT/events/part.parquet"; }
        whole() { half; touch "$OUT/events/_SUCCESS"; }
        \(script)
        """
      try Data(text.utf8).write(to: program)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: program.path)
    }

    func engine(_ dialect: SQLDialect) -> EngineProgram {
      EngineProgram(dialect, program: program.path, project: folder)
    }

    /// Names in the folder that a run may leave there.
    var runs: [URL] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      return names.filter { $0.hasPrefix(".engine-") }.map(folder.appendingPathComponent)
    }

    /// The error of a run that must fail, and that of the log alone is left of it.
    func failure(_ dialect: SQLDialect = .spark, outputs: [String] = ["events"]) throws
      -> HistoriesError
    {
      let run = try EngineFolder(in: folder)
      var thrown: HistoriesError?
      do throws(HistoriesError) {
        try engine(dialect).run("SELECT 1;", outputs: outputs, in: run)
      } catch {
        thrown = error
      }
      let error = try #require(thrown)
      #expect(try FileManager.default.contentsOfDirectory(atPath: run.url.path) == ["engine.log"])
      #expect(error.description.contains(run.log.path), "\(error)")
      return error
    }
  }

  @Test func whatIsWholeIsThereUntilTheRunIsLetGo() throws {
    let project = try Project("pwd > \"$OUT/where\"; whole; exit 0")
    var run: EngineFolder? = try EngineFolder(in: project.folder)
    let folder = try #require(run).url
    try project.engine(.spark).run("SELECT 1;", outputs: ["events"], in: try #require(run))
    let place = try String(contentsOf: folder.appendingPathComponent("where"), encoding: .utf8)
    #expect(place.hasSuffix("a project; it's `one`\n"))
    #expect(
      FileManager.default.fileExists(atPath: folder.appendingPathComponent("events/_SUCCESS").path))
    let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions]
    #expect(mode as? Int == 0o700)
    run = nil
    #expect(project.runs.isEmpty)
  }

  @Test func errorsAreToldInTheEnginesWordsWithoutData() throws {
    let duckdb: [(line: String, status: Int32, part: String)] = [
      ("Catalog Error: Table with name nothing does not exist!", 65, "nothing does not exist!"),
      ("Binder Error: Referenced column \"vip\" not found", 65, "vip"),
      ("IO Error: No files found that match the pattern \"events.csv\"", 66, "events.csv"),
      ("IO Error: Could not write file: No space left on device", 69, "No space left"),
      ("Out of Memory Error: failed to allocate data of size 8.0 GiB", 69, "8.0 GiB"),
      ("Parser Error: syntax error at or near \"SELEKT\"", 65, "SELEKT"),
      ("Not implemented Error: no such window", 65, "no such window"),
      ("IO Error: No such file or directory: events.parquet", 66, "events.parquet"),
      ("IO Error: Could not read enough bytes from file \"events.parquet\"", 65, "enough bytes"),
      ("HTTP Error: 503 of https://warehouse", 69, "503"),
      ("Permission Error: Cannot access \"extension\"", 69, "extension"),
      ("Conversion Error: Could not convert string 'Ann Smith' to DOUBLE", 65, "Conversion Error"),
      // No kind of error has a name so long: these are somebody's words.
      (String(repeating: "Ann Smith said: ", count: 5) + "Error: 7", 69, "failed with status 1"),
      ("Binder Error: " + String(repeating: "column x, ", count: 90), 65, "column x, col…;"),
      ("Invalid Input Error: Ann Smith, 7 High Street", 65, "Invalid Input Error"),
    ]
    for (line, status, part) in duckdb {
      let quoted = line.replacing("'", with: "'\\''")
      let project = try Project("half; echo; echo '\(quoted)' >&2; exit 1")
      let error = try project.failure(.duckdb)
      #expect(error.exitStatus == status && error.description.contains(part), "\(error)")
      #expect(!error.description.contains("Smith"), "\(error)")
    }
    let trace = "\\tat org.apache.spark.sql.Dataset.collect(Dataset.scala:1)\\n"
    let spark: [(text: String, status: Int32, part: String)] = [
      (
        "[TABLE_OR_VIEW_NOT_FOUND] The table or view `crm` cannot be found.\\nSQLSTATE: 42P01; line 1",
        65, "The table or view `crm` cannot be found"
      ),
      (
        "26/11/22 10:00:00 ERROR Driver: x\\norg.apache.spark.SparkNumberFormatException: "
          + "[CAST_INVALID_INPUT] The value Ann Smith of the type STRING. SQLSTATE: 22018\\n\(trace)",
        65, "CAST_INVALID_INPUT"
      ),
      (
        "[PATH_NOT_FOUND] Path does not exist: file:/x/events.csv. SQLSTATE: 42K03", 66,
        "events.csv"
      ),
      (
        "Exception in thread \"main\" org.apache.spark.SparkException: Master must start with spark\\n"
          + trace, 69, "Master must start with spark"
      ),
      (
        "Caused by: java.net.ConnectException: finishConnect failed: Connection refused\\n\(trace)",
        69,
        "is the cluster up"
      ),
      (
        "java.net.UnknownHostException: warehouse: Name or service not known", 69,
        "is the cluster up"
      ),
      (
        "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file:/x/a.csv. SQLSTATE: KD001",
        69, "file:/x/a.csv"
      ),
      (
        "[UNSUPPORTED_FEATURE.X] The feature is not supported: Ann Smith. SQLSTATE: 0A000", 65,
        "UNSUPPORTED_FEATURE.X"
      ),
      ("[INTERNAL_ERROR] The Spark SQL phase failed: Ann Smith. SQLSTATE: XX000", 69, "INTERNAL"),
      // Too short for a class of errors.
      ("[INFO] Ann Smith\\n[main] Ann Smith", 69, "failed with status 1"),
      ("java.io.IOException: No space left on device", 69, "no space left on its disk"),
      ("/x/spark-class: line 71: java: not found", 69, "openjdk-17-jre-headless"),
      ("JAVA_HOME is not set", 69, "openjdk-17-jre-headless"),
      ("Exception: java.lang.OutOfMemoryError: Java heap space", 69, "spark.driver.memory"),
      ("Exception in thread main: Ann Smith\\n\(trace)", 69, "failed with status 1"),
    ]
    for (text, status, part) in spark {
      let project = try Project("half; printf '\(text)\\n' >&2; exit 1")
      let error = try project.failure(.spark)
      #expect(error.exitStatus == status && error.description.contains(part), "\(error)")
      #expect(!error.description.contains("Smith"), "\(error)")
      #expect(!error.description.contains("at org."), "\(error)")
    }
  }

  @Test func halfOfTheWorkIsNone() throws {
    let killed = try Project("half; kill -KILL $$").failure()
    #expect(killed.exitStatus == 69 && killed.description.contains("signal 9"), "\(killed)")
    #expect(killed.description.contains("where memory runs out"), "\(killed)")
    let ended = try Project("half; kill -TERM $$").failure()
    #expect(ended.exitStatus == 69 && ended.description.contains("signal 15"), "\(ended)")
    #expect(!ended.description.contains("memory"), "\(ended)")
    let locked = try Project()
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o644], ofItemAtPath: locked.program.path)
    let refused = try locked.failure()
    #expect(refused.exitStatus == 69 && refused.description.contains("cannot be run"), "\(refused)")
    for script in [
      "half; exit 0", "exit 0", "mkdir \"$OUT/events\"; touch \"$OUT/events/_SUCCESS\"",
    ] {
      let silent = try Project(script).failure()
      #expect(silent.exitStatus == 69 && silent.description.contains("did not finish"), "\(silent)")
    }
    let one = try Project("whole; exit 0").failure(outputs: ["events", "accounts"])
    #expect(one.description.contains("(accounts)"), "\(one)")
    let absent = try Project()
    try FileManager.default.removeItem(at: absent.program)
    let error = try absent.failure()
    #expect(error.exitStatus == 69 && error.description.contains("cannot be run"), "\(error)")
  }

  @Test func whatAnEnginePrintsIsOneFilesSize() throws {
    let noise = "yes 'a line of the sort that engines print' | head -c 30000000"
    let error = try Project("\(noise) >&2; \(noise); echo '[PATH_NOT_FOUND] x: y'; exit 3")
      .failure()
    #expect(error.exitStatus == 66 && error.description.utf8.count < 600, "\(error)")
    let project = try Project("\(noise); whole; exit 0")
    let run = try EngineFolder(in: project.folder)
    try project.engine(.spark).run("SELECT 1;", outputs: ["events"], in: run)
  }

  @Test func whatDeadRunsLeftIsRemoved() throws {
    let project = try Project("half; exit 1")
    let dead = project.folder.appendingPathComponent(".engine-4194303")
    let living = project.folder.appendingPathComponent(".engine-\(getppid())")
    for folder in [dead, living] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("events"), withIntermediateDirectories: true)
    }
    _ = try project.failure()
    #expect(Set(project.runs.map(\.lastPathComponent)).count == 2)
    // The log of the failure is gone with the next run.
    _ = try EngineFolder(in: project.folder)
    #expect(project.runs.map(\.lastPathComponent) == [living.lastPathComponent])
  }

  /// A script that starts a program in the background, as wrappers of a JVM may; the number of that.
  private static let wrapper = """
    sh -c 'trap "" TERM INT HUP; echo $$ > pid; sleep 600' &
    while [ ! -s pid ]; do sleep 0.01; done
    """

  /// Whether a process is there and no zombie; asked until it is not, for a few seconds.
  private func outlives(_ pid: pid_t) -> Bool {
    for _ in 0..<500 {
      guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        !stat.contains(") Z ")
      else { return false }
      usleep(10_000)
    }
    return true
  }

  private func pid(in folder: URL) throws -> pid_t {
    let file = folder.appendingPathComponent("pid")
    for _ in 0..<500 {
      if let text = try? String(contentsOf: file, encoding: .utf8), text.hasSuffix("\n"),
        let pid = pid_t(text.dropLast())
      {
        return pid
      }
      usleep(10_000)
    }
    throw CocoaError(.fileReadUnknown)
  }

  @Test func nothingOfAnEngineOutlivesItsRun() throws {
    let project = try Project("\(Self.wrapper)\nwhole; exit 0")
    let run = try EngineFolder(in: project.folder)
    try project.engine(.spark).run("SELECT 1;", outputs: ["events"], in: run)
    #expect(!outlives(try pid(in: project.folder)))
  }

  /// The pipe that holds an engine ends with this process, and here with the value.
  @Test func anEngineEndsWithWhoeverStartedIt() throws {
    let folder = try temporaryFolder()
    do {
      let child = try EngineChild(
        ["/bin/sh", "-c", Self.wrapper + "\nwait"], in: folder.path,
        environment: ["PATH": "/usr/bin:/bin"], log: folder.appendingPathComponent("log").path)
      #expect(kill(try pid(in: folder), 0) == 0)
      _ = consume child
    }
    #expect(!outlives(try pid(in: folder)))
  }
}
