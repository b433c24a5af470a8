import Detraction
import Foundation
import Histories
import TestSupport
import Testing

/// Why a score changed: parts that add up, and the earlier logit is what was scored then.
@Suite struct ScoreChangeTests {
  private static let version = Result {
    try SampleTraining.shared.get().version(asOf: "2026-01-15", name: "old")
  }

  @Test func partsAddUpToTheChange() throws {
    let sample = try SampleTraining.shared.get()
    let version = try Self.version.get()
    let now = try sample.scorer(version, asOf: "2026-02-20")
    let then = try sample.scorer(version, asOf: "2026-01-20")
    let earlier = Dictionary(
      uniqueKeysWithValues: then.ranking.map { ($0.account, $0.logit) })
    let changes = try now.changes(
      at: 0..<now.ranking.count, since: EarlierScores(asOf: sample.instant("2026-01-20")))
    var scoredBefore = 0
    for (ranked, change) in zip(now.ranking, changes) {
      guard let before = earlier[ranked.account] else {
        #expect(change == nil)
        continue
      }
      let change = try #require(change)
      scoredBefore += 1
      #expect(abs(change.then - before) < 1e-9)
      let sum = change.parts.reduce(change.then) { $0 + $1.contribution }
      #expect(abs(sum - ranked.logit) < 1e-9)
      #expect(!change.parts.contains { $0.feature == "model" || $0.feature == "history" })
      let sizes = change.parts.map { abs($0.contribution) }
      #expect(sizes == sizes.sorted(by: >))
    }
    #expect(scoredBefore > 500 && scoredBefore < now.ranking.count)
  }

  /// By another model, the change of model is a part of its own; by the same, there is none.
  @Test func aChangeOfModelIsAPartOfItsOwn() throws {
    let sample = try SampleTraining.shared.get()
    let old = try Self.version.get()
    let folder = try temporaryFolder()
    let path = folder.appendingPathComponent("scores.csv").path
    let then = try sample.scorer(old, asOf: "2026-01-20")
    _ = try ScoreFile.write(then, to: path, progress: { _, _ in })
    let earlier = try EarlierScores(path: path, base: sample.base)
    #expect(earlier.model == "old")
    func changes(_ version: ModelVersion) throws -> [(RankedAccount, ScoreChange)] {
      let now = try sample.scorer(version, asOf: "2026-02-20")
      return zip(now.ranking, try now.changes(at: 0..<now.ranking.count, since: earlier))
        .compactMap { ranked, change in change.map { (ranked, $0) } }
    }
    for (_, change) in try changes(old) {
      #expect(!change.parts.contains { abs($0.contribution) > 1e-9 && $0.feature == "history" })
      #expect(!change.parts.contains { $0.feature == "model" })
    }
    var new = old
    new.version = "new"
    new.model.intercept += 0.25
    new.model.golden = []
    let found = try changes(new)
    #expect(found.count > 500)
    for (ranked, change) in found {
      let sum = change.parts.reduce(change.then) { $0 + $1.contribution }
      #expect(abs(sum - ranked.logit) < 1e-9)
      let model = try #require(change.parts.first { $0.feature == "model" })
      #expect(abs(model.contribution - 0.25) < 1e-9)
    }
  }

  @Test func aFileOfTwoRunsIsRefused() throws {
    let sample = try SampleTraining.shared.get()
    let file = try temporaryFolder().appendingPathComponent("scores.csv")
    try Data(
      """
      account_id,as_of,model,logit
      00001,2026-01-01T00:00:00Z,a,0.5
      00002,2026-01-02T00:00:00Z,a,0.5

      """.utf8
    ).write(to: file)
    do {
      _ = try EarlierScores(path: file.path, base: sample.base)
      Issue.record("read")
    } catch {
      #expect(error.description.contains("line 3") && error.exitStatus == 65)
    }
  }
}
