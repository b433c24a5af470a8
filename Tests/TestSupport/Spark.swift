package import Foundation
import Synchronization

/// Apache Spark of the project's own environment (PyPI `pyspark`, Java 17): one session of `local[2]` for
/// the whole test process. Its JVM, which takes some ten seconds, is started when it is first asked for
/// and ends with the process, however that ends.
package enum Spark {
  /// What a statement answers, to the bit.
  package struct Rows: Decodable, Sendable {
    package var columns: [String]
    package var rows: [[Cell]]
  }

  package enum Cell: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    /// A text; whatever is none of the above as Python writes it.
    case text(String)

    /// The number, if it is one.
    package var number: Double? {
      switch self {
      case .double(let number): number
      case .integer(let number): Double(number)
      case .null, .boolean, .text: nil
      }
    }

    package var text: String? { if case .text(let text) = self { text } else { nil } }
  }

  /// The failure of a statement, in Spark's own words.
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  /// Runs statements that end with `;` one after another, each call in a session of its own (settings,
  /// temporary views), and returns the rows of the last one; nil, with a line that says what was
  /// skipped, where Spark or Java is not installed. Calls wait for one another.
  package static func run(_ script: String, test: String = #function) throws -> Rows? {
    guard isInstalled(test) else { return nil }
    let answer = try session.withLock { session in
      if session == nil { session = try Session() }
      return try session?.ask(script) ?? Data()
    }
    let decoded = try JSONDecoder().decode(Answer.self, from: answer)
    if let failure = decoded.failure { throw Failure(description: failure) }
    return decoded.rows
  }

  /// Puts a `.venv/bin/spark-sql` into `folder`, where `tacit` looks, that runs the program; false, with a line
  /// that says what was skipped, where it is not installed.
  package static func linked(into folder: URL, test: String = #function) throws -> Bool {
    guard isInstalled(test) else { return false }
    let bin = folder.appendingPathComponent(".venv/bin")
    try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
    // Not a link: the program looks for what stands beside it, and for a Python that has it.
    let real = Shared.root.appendingPathComponent(".venv/bin").path
    let script = bin.appendingPathComponent("spark-sql")
    try Data("#!/bin/sh\nPATH='\(real)':$PATH exec '\(real)/spark-sql' \"$@\"\n".utf8)
      .write(to: script)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
    return true
  }

  private struct Answer: Decodable {
    var rows: Rows?
    var failure: String?
  }

  private static let session = Mutex<Session?>(nil)

  private static func isInstalled(_ test: String) -> Bool {
    let files = FileManager.default
    let spark = Shared.root.appendingPathComponent(".venv/bin/spark-sql").path
    guard files.isExecutableFile(atPath: spark) else {
      print("SKIPPED: \(test): .venv/bin/spark-sql not found, run make venv")
      return false
    }
    let environment = ProcessInfo.processInfo.environment
    let folders =
      (environment["JAVA_HOME"].map { ["\($0)/bin"] } ?? [])
      + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    guard folders.contains(where: { files.isExecutableFile(atPath: "\($0)/java") }) else {
      print("SKIPPED: \(test): no java, install openjdk-17-jre-headless")
      return false
    }
    return true
  }

  /// Python with its JVM. It ends when its standard input does.
  private final class Session {
    private let process = Process()
    private let questions = Pipe()
    private let answers = Pipe()
    private let log: URL
    private var unread = Data()

    init() throws {
      // A dead session is to be an error of the test that asks it, not the end of all tests.
      signal(SIGPIPE, SIG_IGN)
      let folder = try temporaryFolder()
      log = folder.appendingPathComponent("log")
      let source = folder.appendingPathComponent("session.py")
      try Data(Spark.server.utf8).write(to: source)
      _ = FileManager.default.createFile(atPath: log.path, contents: nil)
      process.executableURL = Shared.root.appendingPathComponent(".venv/bin/python")
      process.arguments = [source.path]
      process.currentDirectoryURL = folder
      process.environment = ProcessInfo.processInfo.environment
        .merging(["TZ": "UTC", "LC_ALL": "C.UTF-8", "SPARK_LOCAL_IP": "127.0.0.1"]) { $1 }
        .filter { $0.key != "SPARK_HOME" }
      process.standardInput = questions
      process.standardOutput = answers
      process.standardError = try FileHandle(forWritingTo: log)
      try process.run()
    }

    func ask(_ script: String) throws -> Data {
      let question = try JSONEncoder().encode([script]) + Data("\n".utf8)
      try questions.fileHandleForWriting.write(contentsOf: question)
      while true {
        if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
          let answer = Data(unread[..<end])
          unread = Data(unread[(end + 1)...])
          return answer
        }
        let more = answers.fileHandleForReading.availableData
        if more.isEmpty {
          let said = (try? Data(contentsOf: log)) ?? Data()
          throw Failure(
            description:
              "Spark's session ended: \(String(decoding: said.suffix(4000), as: UTF8.self))")
        }
        unread += more
      }
    }
  }

  /// A JSON array with a script on a line in; `{"rows": …}` or `{"failure": …}` on a line out. Cells are
  /// null or a text whose first letter says what the rest is.
  private static let server = #"""
    import json, os, shutil, sys

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else prints
    folder = os.getcwd()

    from pyspark.sql import SparkSession

    session = (SparkSession.builder.master("local[2]")
               .config("spark.ui.enabled", "false")
               .config("spark.driver.bindAddress", "127.0.0.1")
               .config("spark.driver.host", "127.0.0.1")
               .config("spark.sql.catalogImplementation", "in-memory")
               .config("spark.sql.warehouse.dir", folder + "/warehouse")
               .config("spark.local.dir", folder + "/local")
               .config("spark.sql.shuffle.partitions", "2")
               .config("spark.default.parallelism", "2")
               .getOrCreate())
    session.sparkContext.setLogLevel("OFF")


    def statements(script):
        """The statements of a script, as spark-sql divides it."""
        found, start, place, has_words = [], 0, 0, False
        while place < len(script):
            c = script[place]
            if c in "'\"`":
                place += 1
                while place < len(script) and script[place] != c:
                    place += 2 if script[place] == "\\" and c != "`" else 1
                has_words = True
            elif script.startswith("--", place):
                while place < len(script) and script[place] != "\n":
                    place += 1
            elif script.startswith("/*", place):
                end = script.find("*/", place + 2)
                place = len(script) if end < 0 else end + 1
            elif c == ";":
                if has_words:
                    found.append(script[start:place])
                start, has_words = place + 1, False
            elif not c.isspace():
                has_words = True
            place += 1
        return found + ([script[start:]] if has_words else [])


    def cell(value):
        if value is None:
            return None
        if isinstance(value, bool):
            return "b1" if value else "b0"
        if isinstance(value, int):
            return "i%d" % value
        if isinstance(value, float):
            return "d" + repr(value)
        return "t" + str(value)


    for line in sys.stdin:
        try:
            own = session.newSession()
            frame = None
            for statement in statements(json.loads(line)[0]):
                frame = own.sql(statement)
            answer = {"rows": {"columns": frame.columns,
                               "rows": [[cell(v) for v in row] for row in frame.collect()]}}
        except Exception as error:
            answer = {"failure": str(error)[:4000]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    session.stop()
    shutil.rmtree(folder, ignore_errors=True)
    """#
}

extension Spark.Cell: Decodable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
      return
    }
    let written = try container.decode(String.self)
    let rest = String(decoding: written.utf8.dropFirst(), as: UTF8.self)
    func number<Number: LosslessStringConvertible>(_ text: String) throws -> Number {
      guard let number = Number(text) else {
        throw Spark.Failure(description: "Spark's session answered no number: \(text)")
      }
      return number
    }
    switch written.utf8.first {
    case UInt8(ascii: "b"): self = .boolean(rest == "1")
    case UInt8(ascii: "i"): self = try .integer(number(rest))
    case UInt8(ascii: "d"): self = try .double(number(rest))
    default: self = .text(rest)
    }
  }
}
