import Foundation
import Histories

/// Why an engine failed, from its exit status and what it printed.
///
/// An engine's words may quote a value that it cannot read, and so a customer's data: of its line all but
/// the sort of error is kept back, unless errors of that sort are about names, files or the machine.
struct EngineFailure {
  let error: HistoriesError

  init(of engine: EngineProgram, status: Int32, log: URL) {
    let name = engine.name
    let seen = "what it printed: \(log.path)"
    let printed = (try? Data(contentsOf: log, options: .mappedIfSafe)) ?? Data()
    guard let words = Self.words(in: printed, engine.dialect) else {
      let what: String =
        switch status {
        case 126, 127: "cannot be run"
        case 128...: "was ended by signal \(status - 128)" + (status == 137 ? Self.memory : "")
        default: "failed with status \(status)"
        }
      error = .service("\(name) \(what); nothing of it is used; \(seen)")
      return
    }
    let text = "\(name) failed: \(words.text); \(seen)"
    switch words.blame {
    case .input: error = .inputMissing(text)
    case .data: error = .dataContract(text)
    case .service: error = .service(text)
    }
  }

  private static let memory =
    ", as the system does where memory runs out (or somebody did)"

  private enum Blame { case input, data, service }

  private struct Words {
    var text: String
    var blame: Blame
  }

  /// What the first line that says it says. O(bytes).
  private static func words(in printed: Data, _ dialect: SQLDialect) -> Words? {
    for line in printed.split(separator: UInt8(ascii: "\n")) {
      let found =
        switch dialect {
        case .duckdb: duckdb(line)
        case .spark: spark(line, after: printed[line.startIndex...])
        }
      if let found { return found }
      let text = String(decoding: line.prefix(2000), as: UTF8.self)
      if text.contains("JAVA_HOME is not set") || text.contains("java: not found") {
        return Words(
          text: "it finds no Java: apt-get install openjdk-17-jre-headless, or set JAVA_HOME",
          blame: .service)
      }
      if text.contains("java.lang.OutOfMemoryError") {
        return Words(
          text: "its memory is too small: set spark.driver.memory or spark.executor.memory in "
            + "spark-defaults.conf (SPARK_DRIVER_MEMORY for local masters)",
          blame: .service)
      }
      // Of a start that failed, so that there are no data yet.
      let early = "Exception in thread \"main\" org.apache.spark.SparkException: "
      if text.hasPrefix(early) {
        return Words(text: String(text.dropFirst(early.count).prefix(400)), blame: .service)
      }
      if text.contains("Connection refused") || text.contains("UnknownHostException") {
        return Words(
          text: "a connection was refused: is the cluster up, and its master's URL right?",
          blame: .service)
      }
      if text.contains("No space left on device") {
        return Words(text: "no space left on its disk", blame: .service)
      }
    }
    return nil
  }

  /// `[ERROR_CLASS] words … SQLSTATE: 42P01`, maybe behind the name of an exception.
  private static func spark(_ line: Data.SubSequence, after rest: Data.SubSequence) -> Words? {
    guard let (from, to) = errorClass(line) else { return nil }
    let name = String(decoding: line[from..<to], as: UTF8.self)
    let near = String(decoding: rest.prefix(4000), as: UTF8.self)
    let mark = "SQLSTATE: "
    let state = near.range(of: mark).map { String(near[$0.upperBound...].prefix(5)) } ?? ""
    // Of syntax and names; of reading and writing; of a connection, the system, the machine.
    let isHarmless = ["42", "KD", "58", "08", "53", "57"].contains(String(state.prefix(2)))
    let text = isHarmless ? cut(line[from...]) : name + hidden
    if name.hasPrefix("[PATH_NOT_FOUND") { return Words(text: text, blame: .input) }
    let isData = ["42", "22", "21", "0A"].contains(String(state.prefix(2)))
    return Words(text: text, blame: isData ? .data : .service)
  }

  /// The place of the first `[WORDS_LIKE.THIS]` of a line.
  private static func errorClass(_ line: Data.SubSequence) -> (from: Int, to: Int)? {
    var open: Int?
    for place in line.indices {
      switch line[place] {
      case UInt8(ascii: "["): open = place
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "."):
        continue
      case UInt8(ascii: "]"):
        if let open, place - open > 5 { return (open, place + 1) }
        open = nil
      default: open = nil
      }
    }
    return nil
  }

  /// `Catalog Error: words`.
  private static func duckdb(_ line: Data.SubSequence) -> Words? {
    let text = String(decoding: line.prefix(2000), as: UTF8.self)
    guard let end = text.range(of: " Error: ") else { return nil }
    let kind = String(text[..<end.lowerBound])
    guard let sort = kind.split(separator: " ").last, kind.utf8.count <= 60 else { return nil }
    switch sort {
    case "Catalog", "Binder", "Parser", "Syntax", "implemented":
      return Words(text: cut(line), blame: .data)
    case "IO":
      let isMissing = text.contains("No files found") || text.contains("No such file")
      return Words(
        text: cut(line),
        blame: isMissing ? .input : text.contains("No space left") ? .service : .data)
    case "Memory", "HTTP", "Permission":
      return Words(text: cut(line), blame: .service)
    default:
      return Words(text: "\(kind) Error" + hidden, blame: .data)
    }
  }

  private static let hidden = " (its words may quote data, so they stand in its log alone)"

  /// A line for a message, not longer than others are.
  private static func cut(_ line: Data.SubSequence) -> String {
    line.count <= 400
      ? String(decoding: line, as: UTF8.self)
      : String(decoding: line.prefix(397), as: UTF8.self) + "…"
  }
}
