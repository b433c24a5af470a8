import Foundation
import TestSupport
import Testing

/// A person erased from the command line: out of every file that Tacit wrote, and not back again.
@Suite(.serialized)
struct ErasureTests {
  private static let asOf = "2026-03-02"
  private static let person = "zq-erase-me"

  /// A sample that ran a night and a shadow night and has a case of the person at work, whose id is like
  /// no other text. The person is a detractor that training knew, too.
  private func worked() throws -> URL {
    let folder = try sampleCopy()
    let probe = try sampleCopy()
    _ = try Program.run("train", "--as-of", Self.asOf, in: probe)
    _ = try Program.run("nightly", "--as-of", Self.asOf, in: probe)
    let list = try Program.run("queue", "list", "--json", in: probe)
    let cases = try #require(
      try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
    let open = cases.compactMap { $0["account_id"] as? String }
    let known = try versionFile(probe, "known-detractors.csv")
    let id = open.first { known.contains("\n\($0),") } ?? open[0]
    for name in ["events.csv", "accounts.csv"] {
      let file = folder.appendingPathComponent(name)
      let text = try String(contentsOf: file, encoding: .utf8)
      let renamed = text.replacing("\n\(id),", with: "\n\(Self.person),")
      // And a row that cannot be used.
      let bad = name == "events.csv" ? "\(Self.person),never,order,,\n" : ""
      try Data((renamed + bad).utf8).write(to: file)
    }
    func tacit(_ words: String...) throws {
      let result = try Program.run(words, in: folder)
      #expect(result.status == 0, "\(words): \(result.errors)")
    }
    try tacit("train", "--as-of", Self.asOf)
    try tacit("nightly", "--as-of", Self.asOf, "--shadow")
    try tacit("nightly", "--as-of", Self.asOf)
    try tacit("queue", "claim", Self.person, "--by", "ann", "--now", "2026-03-02T09:00")
    try tacit(
      "queue", "act", Self.person, "opinion", "--view", "zq-view: not at risk", "--by", "ann",
      "--now", "2026-03-02T09:05")
    return folder
  }

  private func versionFile(_ folder: URL, _ name: String) throws -> String {
    let models = folder.appendingPathComponent("models/sample")
    let version = try #require(
      try FileManager.default.contentsOfDirectory(atPath: models.path).first { $0.contains("-") })
    return try String(
      contentsOf: models.appendingPathComponent("\(version)/\(name)"), encoding: .utf8)
  }

  /// Every file under a folder but the inputs, with its bytes.
  private func files(_ folder: URL) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
      if ["events.csv", "accounts.csv", ".tacit.lock"].contains(name) { continue }
      let path = folder.appendingPathComponent(name).path
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      if !isFolder.boolValue { found[name] = FileManager.default.contents(atPath: path) }
    }
    return found
  }

  private func mentions(_ folder: URL) throws -> [String] {
    try files(folder).filter { file in
      [Self.person, "zq-view"].contains { file.value.range(of: Data($0.utf8)) != nil }
    }.map(\.key).sorted()
  }

  @Test func thePersonGoesAndDoesNotComeBack() throws {
    let folder = try worked()
    let before = try files(folder)
    let named = try mentions(folder)
    #expect(named.contains("tacit.sqlite") && named.contains("quarantine.csv"))
    #expect(named.contains { $0.hasPrefix("runs/") } && named.contains { $0.hasPrefix("shadow/") })
    let look = try Program.run("erase", Self.person, "--dry-run", in: folder)
    #expect(look.status == 0 && look.output.contains("would go:"), "\(look.errors)")
    #expect(look.output.contains("1 open, closed as erased"))
    let unsaid = try Program.run("erase", Self.person, in: folder)
    #expect(unsaid.status == 64 && unsaid.errors.contains("--yes"))
    #expect(try files(folder) == before)

    let gone = try Program.run(
      "erase", Self.person, "--yes", "--by", "dpo", "--now", "2026-03-02T12:00", in: folder)
    #expect(gone.status == 0, "\(gone.errors)")
    #expect(gone.output.contains("out of reach") && gone.output.contains("events.csv"))
    #expect(try mentions(folder) == [])
    let check = try Program.run("queue", "check", in: folder)
    #expect(check.status == 0, "\(check.errors)")
    // The run points to the file that stands there, and its name is that of its bytes.
    let run = try #require(
      try JSONSerialization.jsonObject(
        with: Data(
          try Program.run("nightly", "--as-of", Self.asOf, "--json", in: folder).output.utf8))
        as? [String: Any])
    let scores = try #require(run["scores"] as? String)
    let digest = try #require(run["scores_sha256"] as? String)
    #expect(scores.hasSuffix("scores-\(digest.prefix(8)).csv"))
    #expect(
      FileManager.default.fileExists(atPath: folder.appendingPathComponent(scores).path))
    // A second time there is nothing to do, and nothing changes.
    let after = try files(folder)
    let again = try Program.run("erase", Self.person, "--yes", "--now", "2026-03-03", in: folder)
    #expect(again.status == 0 && again.output.contains("nothing was known"))
    #expect(
      try files(folder).filter { $0.key != "tacit.sqlite" }
        == after.filter { $0.key != "tacit.sqlite" })

    // The inputs still have the person; the next nights, another training, a score file have not.
    let next = try Program.run("nightly", "--as-of", "2026-03-03", in: folder)
    #expect(next.status == 0 && next.errors.contains("1 erased account left out"), "\(next.errors)")
    _ = try Program.run("train", "--as-of", "2026-03-03", in: folder)
    _ = try Program.run("score", "--as-of", "2026-03-03", "--out", "scores.csv", in: folder)
    _ = try Program.run("features", "--as-of", "2026-03-03", "--out", "vectors.csv", in: folder)
    #expect(
      FileManager.default.fileExists(atPath: folder.appendingPathComponent("vectors.csv").path))
    #expect(try mentions(folder) == [])
    let why = try Program.run("queue", "why", Self.person, in: folder)
    #expect(why.output.contains("nothing is known of this account"))
    #expect(try Program.run("queue", "show", Self.person, in: folder).status == 66)
    let hold = try Program.run("queue", "hold", Self.person, "legal", "--by", "ann", in: folder)
    #expect(hold.status == 64 && hold.errors.contains("erased"))
    try Data(
      "account_id,at,form,queue,agent\n\(Self.person),2026-03-03T09:00:00Z,voiced,everyone,a\n".utf8
    )
    .write(to: folder.appendingPathComponent("in.csv"))
    let imported = try Program.run("queue", "import", "in.csv", in: folder)
    #expect(imported.output.contains("1 skipped: erased"), "\(imported.output)\(imported.errors)")
  }

  /// Killed before any of its changes to files, the same command completes it: what is left is what one
  /// undisturbed erasure leaves.
  @Test func killedAnywhereItIsCompleted() throws {
    guard FileManager.default.fileExists(atPath: "/usr/bin/strace") else {
      return print("SKIPPED: \(#function): strace not found, install strace")
    }
    let prepared = try worked()
    func copy() throws -> URL {
      let folder = try temporaryFolder().appendingPathComponent("sample")
      try FileManager.default.copyItem(at: prepared, to: folder)
      return folder
    }
    let words = ["erase", Self.person, "--yes", "--by", "dpo", "--now", "2026-03-02T12:00"]
    /// Names and bytes; of the store its contents.
    func left(_ folder: URL) throws -> [String: Data] {
      var files = try files(folder)
      let dump = Process()
      let pipe = Pipe()
      dump.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
      dump.arguments = [
        "-c",
        "import sqlite3,sys; print('\\n'.join(sqlite3.connect(sys.argv[1]).iterdump()))",
        folder.appendingPathComponent("tacit.sqlite").path,
      ]
      dump.standardOutput = pipe
      try dump.run()
      files["tacit.sqlite"] = pipe.fileHandleForReading.readDataToEndOfFile()
      dump.waitUntilExit()
      return files
    }
    let calm = try copy()
    #expect(try Program.run(words, in: calm).status == 0)
    let expected = try left(calm)
    #expect(expected["tacit.sqlite"]?.isEmpty == false)
    var (kills, unfinished) = (0, 0)
    for call in ["fsync,fdatasync", "rename", "unlink", "pwrite64"] {
      var number = 1
      while true {
        let folder = try copy()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/strace")
        process.arguments =
          [
            "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
            "inject=\(call):signal=SIGKILL:when=\(number)", Program.url.path,
          ] + words
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        if process.terminationReason == .exit, process.terminationStatus == 0 { break }
        kills += 1
        if try !mentions(folder).isEmpty {
          unfinished += 1
          // Once a trace is gone from the store, no reader takes the person in again.
          let tombstone = folder.appendingPathComponent("erased.txt").path
          let isKnown = try Program.run("queue", "show", Self.person, in: folder).status == 0
          #expect(isKnown || FileManager.default.fileExists(atPath: tombstone))
        }
        let again = try Program.run(words, in: folder)
        #expect(again.status == 0, "\(call) \(number): \(again.errors)")
        #expect(try left(folder) == expected, "\(call) \(number)")
        try FileManager.default.removeItem(at: folder)
        number += call == "pwrite64" ? 61 : call == "fsync,fdatasync" ? 3 : 1
      }
    }
    print("\(kills) kills of an erasure, \(unfinished) of them before its end: each completed")
    #expect(unfinished > 10)
  }
}
