import ArgumentParser
import Foundation
import Histories
import Synchronization

/// `tacit features`: the vectors of all accounts as of a date, as a file.
struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Write the feature vector of every account as of a date.",
    discussion: """
      One row for each account with an event that may be a feature, happened before the date and \
      was known before it. OUT ending in .npy is a float64 array, with OUT.features.txt and \
      OUT.accounts.csv beside it; anything else is CSV: account_id, then one column a feature, an \
      empty cell where a number is missing.
      """)

  @Option(
    help: ArgumentHelp(
      "The instant that features look back from, exclusive: YYYY-MM-DD is local midnight.",
      valueName: "date"))
  var asOf: String

  @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
  var out: String

  @Option(help: "The project file.")
  var project = "tacit.toml"

  @Option(help: "How many threads to use; never changes the result.")
  var threads = ProcessInfo.processInfo.activeProcessorCount

  @Flag(help: "Report as JSON on stdout.")
  var json = false

  @Flag(help: "Say nothing but errors.")
  var quiet = false

  func validate() throws {
    if threads < 1 || threads > 1024 { throw ValidationError("--threads is from 1 to 1024") }
  }

  func run() throws {
    do {
      try write()
    } catch let error as HistoriesError {
      FileHandle.standardError.write(Data("tacit: \(error)\n".utf8))
      throw ExitCode(error.exitStatus)
    }
  }

  /// What each kind may be used for. Until `[feedback]` is decoded, every kind is a feature.
  private func roles(_ project: ProjectFile) -> [String: KindRole] { [:] }

  private func write() throws {
    let file = try ProjectFile(path: project)
    let settings = HistorySettings(project: file)
    let roles = roles(file)
    try file.check()
    guard let date = Instant(asOf: asOf, zone: settings.timeZone) else {
      throw ValidationError("--as-of \(asOf) is no date: write YYYY-MM-DD or a full instant")
    }
    let started = ContinuousClock.now
    let bar = ProgressLine(shown: !quiet && isatty(STDERR_FILENO) == 1)
    let result = try VectorFile.write(
      settings, roles: roles, asOf: date, to: out, format: out.hasSuffix(".npy") ? .npy : .csv,
      threads: threads, quarantine: URL(fileURLWithPath: out + ".quarantine.csv"),
      progress: { bar.show($0, of: $1) })
    bar.clear()
    let seconds = Double((ContinuousClock.now - started) / .milliseconds(1)) / 1000
    if !quiet { FileHandle.standardError.write(Data(summary(result, seconds).utf8)) }
    if json { print(try jsonReport(result, date, seconds)) }
  }

  private func summary(_ result: VectorFile, _ seconds: Double) -> String {
    var text = ""
    let intake = result.intake
    for file in intake.files {
      text += "\(file.section)  \(file.path)  \(file.rows) rows  \(file.bytes) bytes"
      text += file.badRows > 0 ? "  \(file.badRows) unusable\n" : "\n"
    }
    for bad in intake.examples { text += "  \(bad.file), line \(bad.line): \(bad.what)\n" }
    if let path = intake.quarantine { text += "  unusable rows are in \(path)\n" }
    text += "\(result.rows) accounts × \(result.schema.count) features as of \(asOf) in "
    text += "\((seconds * 100).rounded() / 100) s: \(out)\n"
    return text
  }

  private struct Report: Encodable {
    struct File: Encodable {
      var section: String
      var path: String
      var rows: Int
      var bytes: Int
      var unusable: Int
    }
    var asOf: String
    var accounts: Int
    var features: [String]
    var out: String
    var seconds: Double
    var quarantine: String?
    var read: [File]

    enum CodingKeys: String, CodingKey {
      case asOf = "as_of"
      case accounts, features, out, seconds, quarantine, read
    }
  }

  private func jsonReport(
    _ result: VectorFile, _ date: Instant, _ seconds: Double
  ) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let report = Report(
      asOf: date.description, accounts: result.rows, features: result.schema.names, out: out,
      seconds: seconds, quarantine: result.intake.quarantine,
      read: result.intake.files.map {
        .init(
          section: $0.section, path: $0.path, rows: $0.rows, bytes: $0.bytes,
          unusable: $0.badRows)
      })
    return String(decoding: try encoder.encode(report), as: UTF8.self)
  }
}

/// A line on the terminal that says how far reading is; nothing elsewhere.
private final class ProgressLine: Sendable {
  private let shown: Bool
  private let percent = Mutex(-1)

  init(shown: Bool) { self.shown = shown }

  func show(_ done: Int, of total: Int) {
    guard shown, total > 0 else { return }
    let now = min(99, done * 100 / total)
    let isNew = percent.withLock { last in
      defer { last = max(last, now) }
      return now > last
    }
    if isNew { FileHandle.standardError.write(Data("\rreading \(now) %".utf8)) }
  }

  func clear() {
    if shown { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
  }
}
