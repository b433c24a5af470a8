package import Foundation

/// The `duckdb` program of the project's own environment.
package struct DuckDB {
  private let program: URL

  /// Makes `.venv/bin/duckdb` of `folder` lead to it, where `tacit` looks; nil, with a line that says
  /// what was skipped, where the environment is not made.
  package static func linked(into folder: URL, test: String = #function) throws -> DuckDB? {
    let program = Shared.root.appendingPathComponent(".venv/bin/duckdb")
    guard FileManager.default.isExecutableFile(atPath: program.path) else {
      print("SKIPPED: \(test): .venv/bin/duckdb not found, run make venv")
      return nil
    }
    let bin = folder.appendingPathComponent(".venv/bin")
    try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      at: bin.appendingPathComponent("duckdb"), withDestinationURL: program)
    return DuckDB(program: program)
  }

  /// Runs SQL, or a command such as `.read FILE`, one after another; what they print, as CSV.
  @discardableResult
  package func run(_ commands: String...) throws -> String {
    let process = Process()
    process.executableURL = program
    process.arguments = ["-no-init", "-batch", "-bail", "-csv"] + commands.flatMap { ["-c", $0] }
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure() }
    return String(decoding: said, as: UTF8.self)
  }

  private struct Failure: Error, CustomStringConvertible {
    var description: String { "DuckDB failed, see its message above" }
  }
}
