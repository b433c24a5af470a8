import Foundation
import TestSupport
import Testing

/// Slips of the hand that must not pass in silence, nor leave anything behind.
@Suite struct MishapTests {
  static let asOf = "2026-03-02"

  private func edit(_ file: URL, _ change: (String) -> String) throws {
    try change(String(contentsOf: file, encoding: .utf8))
      .write(to: file, atomically: true, encoding: .utf8)
  }

  @Test func aSignalOfNoEventIsToldWithTheNearestKind() throws {
    let folder = try sampleCopy()
    try edit(folder.appendingPathComponent("tacit.toml")) {
      $0.replacing("kind = \"nps\"", with: "kind = \"npss\"")
    }
    let result = try Program.run("features", "--as-of", Self.asOf, "--out", "o.csv", in: folder)
    #expect(result.status == 0)
    #expect(result.errors.contains("\"npss\""), "\(result.errors)")
    #expect(result.errors.contains("did you mean \"nps\"?"))
  }

  @Test func aNightWithoutAModelLeavesNoStore() throws {
    let folder = try sampleCopy()
    let night = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    #expect(night.status == 3)
    let store = folder.appendingPathComponent("tacit.sqlite").path
    #expect(!FileManager.default.fileExists(atPath: store))
  }

  @Test(arguments: ["nope", "../elsewhere", ""]) func aChampionThatIsNotThereIsNamed(_ name: String)
    throws
  {
    let folder = try sampleCopy()
    #expect(try Program.run("train", "--as-of", Self.asOf, in: folder).status == 0)
    let champion = folder.appendingPathComponent("models/sample/champion")
    try edit(champion) { _ in name + "\n" }
    let score = try Program.run("score", "--as-of", Self.asOf, "--out", "s.csv", in: folder)
    #expect(score.status == 65)
    #expect(score.errors.contains("models/sample/champion names no version"), "\(score.errors)")
  }

  @Test(arguments: ["0", "1025"]) func absurdNumbersOfThreadsAreRefused(_ threads: String) throws {
    let folder = try sampleCopy()
    let result = try Program.run(
      "features", "--as-of", Self.asOf, "--out", "o.csv", "--threads", threads, in: folder)
    #expect(result.status == 64)
    #expect(result.errors.contains("expected 1 to 1024"))
  }

  /// A model knows the silent by the [feedback] it was trained with.
  @Test func anotherFeedbackThanTheModelsIsRefused() throws {
    let folder = try sampleCopy()
    _ = try Program.run("train", "--as-of", "2026-03-02", in: folder)
    let project = folder.appendingPathComponent("tacit.toml")
    let text = try String(contentsOf: project, encoding: .utf8)
    func score(_ from: String, _ to: String) throws -> Program.Result {
      #expect(text.contains(from))
      try text.replacing(from, with: to).write(to: project, atomically: true, encoding: .utf8)
      return try Program.run("score", "--as-of", "2026-03-02", "--out", "s.csv", in: folder)
    }
    #expect(try score("silent_for_days = 180", "silent_for_days = 30").status == 3)
    let refused = try score("at_most = 6", "at_most = 5")
    #expect(refused.status == 3 && refused.errors.contains("train anew"))
    // What opens a case changes nothing about who is silent.
    #expect(try score("opens_case = true", "opens_case = false").status == 0)
  }
}
