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
}
