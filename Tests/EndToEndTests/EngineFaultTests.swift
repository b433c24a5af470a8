import Foundation
import Synchronization
import TestSupport
import Testing

/// Engines that are missing, fail, or are killed, and a `tacit` that is killed while one works: nothing
/// is published or written, nothing runs on, nothing is left that a later run believes.
@Suite struct EngineFaultTests {
  /// The sample, and a `spark-sql` in $SPARK_HOME that is a shell script.
  private struct Project {
    let folder: URL
    var environment: [String: String]

    init(_ script: String) throws {
      folder = try sampleCopy()
      let bin = folder.appendingPathComponent("fake/bin")
      try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
      let program = bin.appendingPathComponent("spark-sql")
      try Data(
        """
        #!/bin/sh
        for last in "$@"; do :; done
        OUT=$(dirname "$last")
        mkdir -p "$OUT/events" "$OUT/scores"
        echo half > "$OUT/events/part.parquet"
        \(script)
        """.utf8
      ).write(to: program)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
      environment = ["SPARK_HOME": folder.appendingPathComponent("fake").path]
    }

    static let features = [
      "features", "--engine", "spark", "--as-of", "2026-03-02", "--out", "out.parquet",
    ]

    func run(_ arguments: [String]) throws -> Program.Result {
      try Program.run(arguments, in: folder, environment: environment)
    }

    /// What an engine's run left, relative to the folder.
    var left: [String] {
      (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? [])
        .filter { $0.contains(".engine-") }
    }

    func has(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
    }
  }

  @Test func anEngineThatIsNotThereIsNamedWithWhatToInstall() throws {
    var project = try Project("")
    project.environment = ["PATH": "/nowhere", "SPARK_HOME": "", "VIRTUAL_ENV": ""]
    let spark = try project.run(Project.features)
    #expect(spark.status == 69 && spark.errors.contains("pip install pyspark"), "\(spark.errors)")
    #expect(spark.errors.contains("openjdk-17-jre-headless"), "\(spark.errors)")
    let duckdb = try project.run(Project.features.map { $0 == "spark" ? "duckdb" : $0 })
    #expect(
      duckdb.status == 69 && duckdb.errors.contains("pip install duckdb-cli"), "\(duckdb.errors)")
    #expect(project.left == [] && !project.has("out.parquet"))
  }

  @Test func aNightWhoseEngineFailsPublishesNothing() throws {
    for (script, status, part) in [
      (
        "echo '[CAST_INVALID_INPUT] Ann Smith SQLSTATE: 22018' >&2; exit 1", Int32(65),
        "CAST_INVALID"
      ),
      ("kill -KILL $$", 69, "signal 9"), ("exit 0", 69, "did not finish"),
    ] {
      let project = try Project(script)
      let train = try project.run(["train", "--as-of", "2026-03-02"])
      #expect(train.status == 0, "\(train.errors)")
      let night = try project.run(["nightly", "--engine", "spark", "--as-of", "2026-03-03"])
      #expect(night.status == status && night.errors.contains(part), "\(night.errors)")
      #expect(!night.errors.contains("Smith") && !project.has("tacit.sqlite"))
      #expect(project.left.count == 2 && project.left.contains { $0.hasSuffix("/engine.log") })
      // The same night by another way: as if nothing had been.
      let native = try project.run(["nightly", "--as-of", "2026-03-03"])
      #expect(native.status == 0 && project.has("tacit.sqlite"), "\(native.errors)")
    }
  }

  /// Vectors in the place of older ones, a folder or a file: whoever looks finds the old or the new.
  @Test func vectorsTakeThePlaceOfOlderOnesInOneStep() throws {
    let project = try Project(
      """
      rm -rf "$OUT/events"
      cp -r made/. "$OUT"
      for name in events accounts vectors; do touch "$OUT/$name/_SUCCESS"; done
      """)
    guard let duckDB = try DuckDB.linked(into: project.folder) else { return }
    let made = project.folder.appendingPathComponent("made")
    for name in ["events", "accounts", "vectors"] {
      try FileManager.default.createDirectory(
        at: made.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    func write(_ query: String, _ name: String) throws {
      try duckDB.run("COPY (\(query)) TO '\(made.path)/\(name)/part.parquet' (FORMAT parquet)")
    }
    try write(
      "SELECT 'any' AS account, 0::BIGINT AS \"at\", 0::BIGINT AS known_at, 'order' AS kind, "
        + "1e0 AS value, ''::VARCHAR AS channel, ''::VARCHAR AS id, ''::VARCHAR AS text, 0 AS source",
      "events")
    try write(
      "FROM read_csv('\(project.folder.path)/accounts.csv', all_varchar = true) LIMIT 3",
      "accounts")
    try write("SELECT 'c1' AS account_id", "vectors")
    let out = project.folder.appendingPathComponent("out.parquet")
    for isFolder in [true, false, true] {
      try? FileManager.default.removeItem(at: out)
      if isFolder {
        try FileManager.default.createDirectory(at: out, withIntermediateDirectories: true)
        for number in 0..<5000 {
          close(open(out.path + "/old-\(number).parquet", O_CREAT | O_WRONLY, 0o644))
        }
      } else {
        try Data("old".utf8).write(to: out)
      }
      let isDone = Atomic<Bool>(false)
      let absent = Atomic<Int>(0)
      DispatchQueue.concurrentPerform(iterations: 2) { index in
        if index == 0 {
          while !isDone.load(ordering: .relaxed) {
            if access(out.path, F_OK) != 0 { absent.add(1, ordering: .relaxed) }
          }
        } else {
          let run = try? project.run(Project.features)
          #expect(run?.status == 0, "\(run?.errors ?? "")")
          isDone.store(true, ordering: .relaxed)
        }
      }
      #expect(absent.load(ordering: .relaxed) == 0, "there all the time")
      #expect(
        Set(try FileManager.default.contentsOfDirectory(atPath: out.path))
          == ["part.parquet", "_SUCCESS"])
      #expect(project.left == [])
    }
  }

  /// Killed, as by anything else that ends it: a test's thread may have other signals blocked, and
  /// `tacit` handles none.
  @Test func anEngineEndsWithTacit() throws {
    let project = try Project("echo $$ > pid; sleep 600 & echo $! > child; wait")
    let started = try Program.start(
      Project.features, in: project.folder, environment: project.environment)
    func pid(_ name: String) throws -> pid_t {
      let file = project.folder.appendingPathComponent(name)
      for _ in 0..<1000 {
        if let text = try? String(contentsOf: file, encoding: .utf8), text.hasSuffix("\n"),
          let pid = pid_t(text.dropLast())
        {
          return pid
        }
        usleep(10_000)
      }
      throw CocoaError(.fileReadUnknown)
    }
    let engine = [try pid("pid"), try pid("child")]
    kill(started.process.processIdentifier, SIGKILL)
    started.process.waitUntilExit()
    #expect(started.process.terminationReason == .uncaughtSignal)
    func isRunning(_ pid: pid_t) -> Bool {
      guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else {
        return false
      }
      return !stat.contains(") Z ")
    }
    for _ in 0..<500 where engine.contains(where: isRunning) { usleep(10_000) }
    #expect(!engine.contains(where: isRunning) && !project.has("out.parquet"))
    // What it wrote is in nobody's way, and gone with the next run.
    let dead = ".engine-\(started.process.processIdentifier)"
    #expect(project.has("\(dead)/events/part.parquet"))
    let program = project.folder.appendingPathComponent("fake/bin/spark-sql")
    try Data("#!/bin/sh\nexit 1\n".utf8).write(to: program)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
    #expect(try project.run(Project.features).status == 69)
    #expect(!project.has(dead) && !project.has("out.parquet"))
  }
}
