import Foundation
import TestSupport
import Testing

/// The level of the silent: a range until some of them, drawn at random, have answered.
@Suite struct LevelTests {
  private func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func rows(_ file: URL) throws -> [[String]] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  private func logit(_ p: Double) -> Double { log(p / (1 - p)) }

  @Test func answersOfTheSilentSetTheLevel() throws {
    let folder = try sampleCopy()
    let asOf = SampleTests.asOf
    #expect(try Program.run("train", "--as-of", asOf, in: folder).status == 0)
    let before = try Program.run(
      "score", "--as-of", asOf, "--out", "before.csv", "--json", in: folder)
    let unmeasured = try json(before.output)
    #expect(unmeasured["level_measured"] as? Bool == false)
    let range = try #require(unmeasured["hidden"] as? [String: Any])
    #expect(range["value"] == nil)

    // 400 of the silent by lot (their order is by a hash of the id), as they truly feel.
    let scored = try rows(folder.appendingPathComponent("before.csv"))
    let truth = Dictionary(
      uniqueKeysWithValues: try rows(folder.appendingPathComponent("truth.csv")).map {
        ($0[0], $0[3] == "1")
      })
    var random = SplitMix64(400)
    let drawn = scored.map { $0[0] }.sorted().shuffled(using: &random).prefix(410)
    var answers = "account_id,drawn_at,known_at,outcome\n"
    for (place, account) in drawn.enumerated() {
      let outcome =
        place >= 400
        ? "unreached" : try #require(truth[account] as Bool?) ? "detractor" : "non-detractor"
      answers += "\(account),2026-03-01,2026-03-01,\(outcome)\n"
    }
    try Data(answers.utf8).write(to: folder.appendingPathComponent("answers.csv"))
    let project = folder.appendingPathComponent("tacit.toml")
    let text = try String(contentsOf: project, encoding: .utf8)
    try Data((text + "\n[level]\nanswers = \"answers.csv\"\n").utf8).write(to: project)
    try FileManager.default.removeItem(at: folder.appendingPathComponent("models"))

    let trained = try json(try Program.run("train", "--as-of", asOf, "--json", in: folder).output)
    let metrics = try #require(trained["metrics"] as? [String: Any])
    let level = try #require(metrics["level"] as? [String: Any])
    // A day earlier a few had no history yet.
    let used = try #require(level["answers"] as? Int)
    #expect((395...400).contains(used))
    #expect(try #require(level["attempts"] as? Int) > used)
    let offset = try #require((level["offset"] as? [String: Any])?["value"] as? Double)
    let rate = try #require(level["rate"] as? [String: Any])
    let (low, high) = (
      try #require(rate["low"] as? Double), try #require(rate["high"] as? Double)
    )
    // Three standard errors: the draw is one of many.
    let value = try #require(rate["value"] as? Double)
    let silent = scored.compactMap { truth[$0[0]] }
    let actual = Double(silent.count { $0 }) / Double(silent.count)
    #expect(abs(value - actual) < 3 / 1.96 * (high - low) / 2)
    #expect(high - low < 0.1)

    // The answers of those never asked and of those who ignored a question add up to all.
    let asked = try #require(metrics["asked_levels"] as? [[String: Any]])
    #expect(asked.reduce(0) { $0 + ($1["answers"] as? Int ?? 0) } == level["answers"] as? Int)
    #expect(asked.count >= 2 && asked.allSatisfy { ($0["silent"] as? Int ?? 0) > 0 })

    let after = try json(
      try Program.run("score", "--as-of", asOf, "--out", "after.csv", "--json", in: folder).output)
    #expect(after["level_measured"] as? Bool == true)
    let hidden = try #require((after["hidden"] as? [String: Any])?["value"] as? Double)
    #expect(abs(hidden / Double(silent.count) - value) < 1e-9)
    // The same ranking; every probability moved by the offset.
    let moved = try rows(folder.appendingPathComponent("after.csv"))
    #expect(moved.map { $0[0] } == scored.map { $0[0] })
    for (one, other) in zip(scored, moved) {
      let (p, q) = (try #require(Double(one[3])), try #require(Double(other[3])))
      #expect(abs(logit(q) - logit(p) - offset) < 1e-9)
    }
  }
}
