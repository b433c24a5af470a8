package import Foundation

/// The built `tacit` program, run as a user runs it.
package enum Program {
  package struct Result: Sendable {
    package var status: Int32
    package var output: String
    package var errors: String
  }

  /// The program stands beside the test bundle.
  package static let url: URL = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let beside = bundle.appendingPathComponent("tacit")
    if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
    return Shared.root.appendingPathComponent(".build/release/tacit")
  }()

  /// Runs `tacit` with `arguments` in `folder` and waits for its end.
  package static func run(_ arguments: String..., in folder: URL) throws -> Result {
    try run(arguments, in: folder)
  }

  /// `input` is what it reads from stdin. `environment` is added to the test's own; `dataMegabytes` limits the memory of its own that the
  /// program may have (RLIMIT_DATA; mapped files do not count).
  package static func run(
    _ arguments: [String], in folder: URL, environment: [String: String] = [:],
    dataMegabytes: Int? = nil, input: String? = nil
  ) throws -> Result {
    let process = try start(
      arguments, in: folder, environment: environment, dataMegabytes: dataMegabytes, input: input)
    process.process.waitUntilExit()
    return Result(
      status: process.process.terminationStatus,
      output: String(decoding: try Data(contentsOf: process.output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: process.errors), as: UTF8.self))
  }

  /// Starts `tacit` and returns at once; what it prints goes to two files.
  package static func start(
    _ arguments: [String], in folder: URL, environment: [String: String] = [:],
    dataMegabytes: Int? = nil, input: String? = nil
  ) throws -> (process: Process, output: URL, errors: URL) {
    let outputs = try temporaryFolder()
    let process = Process()
    process.executableURL = url
    process.arguments = arguments
    if let dataMegabytes {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments =
        ["-c", "ulimit -d \(dataMegabytes << 10); exec \"$0\" \"$@\"", url.path] + arguments
    }
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    if let input {
      let file = outputs.appendingPathComponent("in")
      try Data(input.utf8).write(to: file)
      process.standardInput = try FileHandle(forReadingFrom: file)
    }
    let output = outputs.appendingPathComponent("out")
    let errors = outputs.appendingPathComponent("err")
    for file in [output, errors] {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    return (process, output, errors)
  }
}

/// A fresh copy of the shipped sample, ready to work in.
package func sampleCopy() throws -> URL {
  let folder = try temporaryFolder().appendingPathComponent("sample")
  try FileManager.default.copyItem(
    at: Shared.root.appendingPathComponent("datasets/sample"), to: folder)
  return folder
}
