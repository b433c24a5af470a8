import Foundation
import TestSupport
import Testing

/// A short turn of benchmarks/faults.py: kills, failing calls, a crowd, a server that restarts.
@Suite struct FaultCampaignTests {
  @Test func whatIsLeftIsAllOrNothing() throws {
    for (needed, package) in [
      ("/usr/bin/strace", "strace"), ("/usr/lib/postgresql", "postgresql"),
      ("/usr/bin/python3", "python3"),
    ] where !FileManager.default.fileExists(atPath: needed) {
      print("SKIPPED: \(#function): \(needed) not found, install \(package)")
      return
    }
    let output = try temporaryFolder().appendingPathComponent("out")
    _ = FileManager.default.createFile(atPath: output.path, contents: nil)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [
      Shared.root.appendingPathComponent("benchmarks/faults.py").path, "--short", "--tacit",
      Program.url.path,
    ]
    let handle = try FileHandle(forWritingTo: output)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    #expect(process.terminationStatus == 0, "\(text)")
    #expect(text.contains("sqlite") && text.contains("postgres"), "\(text)")
  }
}
