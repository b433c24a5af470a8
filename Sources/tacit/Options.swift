import ArgumentParser
import Foundation
import Histories

/// What every command that works on a project takes.
struct ProjectOptions: ParsableArguments {
  @Option(help: "The project file; paths in it start from its folder.")
  var project = "tacit.toml"

  @Option(help: "Threads to use (default: all cores). Never changes a result.")
  var threads: Int?

  @Flag(help: "Print the result as JSON.")
  var json = false

  @Flag(help: "No messages but errors.")
  var quiet = false

  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  func validate() throws {
    try checkThreads(threads)
  }

  /// A message for people, on stderr, unless they asked for quiet.
  func say(_ line: String) {
    if !quiet { printToStandardError(line) }
  }
}

/// What the commands of the learner alone take, which know no project.
struct LearnerOptions: ParsableArguments {
  @Option(help: "Threads to use (default: all cores). Never changes a result.")
  var threads = ProcessInfo.processInfo.activeProcessorCount

  @Flag(help: "Report as JSON.")
  var json = false

  func validate() throws { try checkThreads(threads) }
}

/// The as-of date of a command, read in the project's time zone.
struct AsOfOption: ParsableArguments {
  static let help = ArgumentHelp(
    "The instant before which everything is seen: YYYY-MM-DD (local midnight) or a full instant.",
    valueName: "date")

  @Option(help: AsOfOption.help)
  var asOf: String

  func instant(in zone: LocalTime) throws -> Instant { try Self.instant(asOf, in: zone) }

  static func instant(_ asOf: String, in zone: LocalTime) throws -> Instant {
    guard let instant = Instant(asOf: asOf, zone: zone) else {
      throw ValidationError(
        "--as-of \(asOf) is no date: expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")
    }
    return instant
  }
}

/// More threads than this are a slip of the hand, and would take the machine down.
func checkThreads(_ threads: Int?) throws {
  if let threads, !(1...1024).contains(threads) {
    throw ValidationError("--threads is \(threads), expected 1 to 1024")
  }
}

/// Parquet is neither read nor written yet: a file must not be CSV under its name.
func refuseParquet(_ path: String) throws {
  if path.hasSuffix(".parquet") {
    throw ValidationError("\(path): Parquet is not supported yet, use .csv (or .npy for vectors)")
  }
}

/// Prints a value as JSON on stdout, keys in order and in snake_case.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  FileHandle.standardOutput.write(try encoder.encode(value) + Data("\n".utf8))
}
