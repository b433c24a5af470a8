package import Foundation

/// Python with the packages of Tests/requirements.txt, as an oracle.
package enum Python {
  /// Runs a script on some input, both as JSON; nil, with a line that says what was skipped, where
  /// the project's own environment is not made (`make venv`).
  package static func run(_ script: String, on input: some Encodable, test: String = #function)
    throws -> Data?
  {
    let python = Shared.root.appendingPathComponent(".venv/bin/python")
    guard FileManager.default.isExecutableFile(atPath: python.path) else {
      print("SKIPPED: \(test): .venv not found, run make venv")
      return nil
    }
    let folder = try temporaryFolder()
    let source = folder.appendingPathComponent("oracle.py")
    let data = folder.appendingPathComponent("input.json")
    let output = folder.appendingPathComponent("output.json")
    try Data(script.utf8).write(to: source)
    try JSONEncoder().encode(input).write(to: data)
    _ = FileManager.default.createFile(atPath: output.path, contents: nil)
    let process = Process()
    process.executableURL = python
    process.arguments = [source.path, data.path]
    process.standardOutput = try FileHandle(forWritingTo: output)
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure() }
    return try Data(contentsOf: output)
  }

  private struct Failure: Error, CustomStringConvertible {
    var description: String { "the Python oracle failed, see its message above" }
  }
}
