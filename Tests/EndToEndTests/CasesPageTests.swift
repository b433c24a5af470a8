import Foundation
import TestSupport
import Testing

/// docs/CASES.md: ten cases played through by the command line, each answer the program's own.
struct CasesPageTests {
  @Test func thePageIsWhatTheCommandsPrint() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let replay = Process()
    replay.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    replay.arguments = ["python3", "scripts/replay", "docs/CASES.md"]
    replay.currentDirectoryURL = root
    let errors = Pipe()
    replay.standardError = errors
    try replay.run()
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    replay.waitUntilExit()
    #expect(replay.terminationStatus == 0, "\(said)")
  }
}
