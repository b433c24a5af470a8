import Foundation
import TestSupport
import Testing

/// Versions promoted, compared and taken back by the program.
@Suite struct ModelsTests {
  private func json(_ result: Program.Result) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any],
      "\(result.errors)")
  }

  /// The sample with two versions trained, the first the champion; trained once, copied for each test.
  private struct Trained {
    var folder: URL
    var first: String
    var second: String

    static let once = Result { try Trained() }

    private init() throws {
      folder = try sampleCopy()
      var versions: [String] = []
      for asOf in ["2026-01-05", "2026-03-02"] {
        let result = try Program.run("train", "--as-of", asOf, "--json", in: folder)
        let report = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        versions.append(try #require((report as? [String: Any])?["version"] as? String))
      }
      (first, second) = (versions[0], versions[1])
    }

    /// A folder of its own.
    func copy() throws -> URL {
      let place = try temporaryFolder().appendingPathComponent("sample")
      try FileManager.default.copyItem(at: folder, to: place)
      return place
    }
  }

  private func history(_ folder: URL) throws -> [[String: Any]] {
    let text = try String(
      contentsOf: folder.appendingPathComponent("models/sample/history.jsonl"), encoding: .utf8)
    return try text.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  private func champion(_ folder: URL) throws -> String {
    try String(
      contentsOf: folder.appendingPathComponent("models/sample/champion"), encoding: .utf8
    ).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test func promoteCompareAndRollBack() throws {
    let trained = try Trained.once.get()
    let (first, second) = (trained.first, trained.second)
    let folder = try trained.copy()
    #expect(try champion(folder) == first)

    let list = try Program.run("models", "list", "--json", in: folder)
    let rows = try #require(
      try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["version"] as? String } == [first, second])
    #expect(rows.map { $0["champion"] as? Bool } == [true, false])

    let compare = try json(
      try Program.run("models", "compare", second, "--json", in: folder))
    #expect(compare["champion"] as? String == first)
    let fair = try #require(compare["rows"] as? Int)
    #expect(fair > 50 && (compare["auc"] as? [String: Any])?["low"] != nil)
    #expect((compare["later"] as? Int ?? 0) + (compare["held_out_by_both"] as? Int ?? 0) == fair)

    // Without force only what the gate lets pass; with it, anything, and it is written down.
    let dry = try Program.run(
      "models", "promote", second, "--force", "drill", "--dry-run", in: folder)
    #expect(dry.status == 0 && dry.output.contains("would be"), "\(dry.errors)")
    #expect(try champion(folder) == first)
    let empty = try Program.run("models", "promote", second, "--force", " ", in: folder)
    #expect(empty.status == 64)
    let promote = try Program.run(
      "models", "promote", second, "--force", "drill, \"quoted\"", "--by", "eva", "--now",
      "2026-03-02T08:00:00Z", "--json", in: folder)
    #expect(promote.status == 0, "\(promote.errors)")
    #expect(try champion(folder) == second)
    let line = try #require(try history(folder).last)
    #expect(line["by"] as? String == "eva" && line["at"] as? String == "2026-03-02T08:00:00Z")
    #expect(line["from"] as? String == first && line["to"] as? String == second)
    #expect(line["reason"] as? String == "drill, \"quoted\"")

    let again = try Program.run("models", "promote", second, in: folder)
    #expect(again.status == 0 && again.output.contains("nothing was changed"))
    let back = try Program.run("models", "rollback", "--reason", "worse calls", in: folder)
    #expect(back.status == 0 && back.output.contains(first), "\(back.errors)")
    #expect(try champion(folder) == first)
    let none = try Program.run("models", "rollback", in: folder)
    #expect(none.status == 3 && none.errors.contains("no champion before"))
    #expect(try history(folder).count == 3)
  }

  @Test func showVerifies() throws {
    let trained = try Trained.once.get()
    let version = trained.first
    let folder = try trained.copy()
    let shown = try Program.run("models", "show", "--verify", in: folder)
    #expect(shown.status == 0, "\(shown.errors)")
    for part in [version, "golden vectors", "as the manifest says", "project file (the same now)"] {
      #expect(shown.output.contains(part), "\(part)\n\(shown.output)")
    }
    let project = folder.appendingPathComponent("tacit.toml")
    let text = try String(contentsOf: project, encoding: .utf8)
    try (text + "\n# another\n").write(to: project, atomically: true, encoding: .utf8)
    let known = folder.appendingPathComponent("models/sample/\(version)/known-detractors.csv")
    try Data("account_id,as_of\n".utf8).write(to: known)
    let changed = try json(
      try Program.run("models", "show", version, "--verify", "--json", in: folder))
    let verification = try #require(changed["verification"] as? [String: Any])
    #expect(verification["same_project_file"] as? Bool == false)
    #expect(verification["changed_files"] as? [String] == ["known-detractors.csv"])
    let model = folder.appendingPathComponent("models/sample/\(version)/model.json")
    let bytes = try String(contentsOf: model, encoding: .utf8)
    try bytes.replacing("\"intercept\":", with: "\"intercept\": ")
      .write(to: model, atomically: true, encoding: .utf8)
    let damaged = try Program.run("models", "show", "--verify", in: folder)
    #expect(damaged.status == 65 && !damaged.errors.isEmpty)
    let listed = try Program.run("models", "list", in: folder)
    #expect(listed.status == 0 && listed.output.contains("cannot be used"))
  }

  /// While another process holds the lock nothing changes and the status says: try again.
  @Test func aHeldLockIsStatus75() throws {
    let trained = try Trained.once.get()
    let second = trained.second
    let folder = try trained.copy()
    let lock = folder.appendingPathComponent("models/sample/.lock").path
    let descriptor = open(lock, O_RDWR)
    #expect(descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    let before = try champion(folder)
    let held = try Program.run("models", "promote", second, "--force", "x", in: folder)
    #expect(held.status == 75 && held.errors.contains("try again"), "\(held.errors)")
    #expect(try champion(folder) == before)
    close(descriptor)
    let free = try Program.run("models", "promote", second, "--force", "x", in: folder)
    #expect(free.status == 0, "\(free.errors)")
  }

  /// Rollbacks and promotions killed at any moment: champion and history always agree, by the
  /// program's own reading.
  @Test func killedAtAnyMoment() throws {
    let trained = try Trained.once.get()
    let (first, second) = (trained.first, trained.second)
    let folder = try trained.copy()
    let store = folder.appendingPathComponent("models/sample")
    try Data("\(second)\n".utf8).write(to: store.appendingPathComponent("champion"))
    try? FileManager.default.removeItem(at: store.appendingPathComponent("history.jsonl"))
    func entry(_ from: String, _ to: String, _ action: String) -> String {
      #"{"action":"\#(action)","at":"2026-03-02T08:00:00Z","by":"t","forced":false,"#
        + #""from":"\#(from)","to":"\#(to)"}"# + "\n"
    }
    // A long history of promotions, so that there is much to roll back through.
    var text = ""
    for round in 0..<200 {
      text += round % 2 == 0 ? entry(second, first, "promote") : entry(first, second, "promote")
    }
    try Data(text.utf8).write(to: store.appendingPathComponent("history.jsonl"))
    var rolledBack = 0
    for round in 0..<40 {
      let started = try Program.start(["models", "rollback", "--quiet"], in: folder)
      usleep(UInt32(2_000 + round * 8_000))
      kill(started.process.processIdentifier, SIGKILL)
      started.process.waitUntilExit()
      let shown = try json(
        try Program.run("models", "show", "--json", in: folder))
      let history = try #require(shown["history"] as? [[String: Any]])
      #expect(history.last?["to"] as? String == shown["version"] as? String)
      if history.last?["action"] as? String == "rollback" { rolledBack += 1 }
    }
    #expect(rolledBack > 0, "no rollback lived long enough to happen")
  }
}
