import Detraction
import Histories
import Learning
import Testing

/// Champion and challenger on rows that are fair to both.
@Suite struct ModelComparisonTests {
  private static let versions = Result {
    let sample = try SampleTraining.shared.get()
    return (
      sample: sample, champion: try sample.version(asOf: "2025-12-01"),
      challenger: try sample.version(asOf: "2026-03-01")
    )
  }

  private func compare(
    _ champion: ModelVersion, _ challenger: ModelVersion, capacity: Double? = 0.1
  ) throws -> ModelComparison {
    try ModelComparison(
      champion: champion, challenger: challenger, base: try Self.versions.get().sample.base,
      capacity: capacity, threads: 2)
  }

  /// By the definition: every row by itself.
  @Test func onlyFairRowsCount() throws {
    let (sample, champion, challenger) = try Self.versions.get()
    let comparison = try compare(champion, challenger)
    let gap = challenger.model.training.gapDays
    let later = challenger.heldOut.filter { $0.asOf.adding(days: gap) >= champion.model.asOf }
    #expect(comparison.later == later.count && later.count > 50)
    let both = challenger.heldOut.filter { row in
      row.asOf.adding(days: gap) < champion.model.asOf
        && champion.heldOut.contains { $0.account == row.account && $0.asOf == row.asOf }
    }
    #expect(comparison.heldOutByBoth == both.count && both.count > 50)
    #expect(comparison.rows + comparison.leftOut == challenger.heldOut.count)
    #expect(comparison.customers == Set((later + both).map(\.account)).count)
    var (labels, ours, theirs): ([Double], [Double], [Double]) = ([], [], [])
    var accounts: [String] = []
    for row in challenger.heldOut {
      let isLater = row.asOf.adding(days: gap) >= champion.model.asOf
      let kept = champion.heldOut.first { $0.account == row.account && $0.asOf == row.asOf }
      guard isLater || kept != nil else { continue }
      labels.append(row.isDetractor ? 1 : 0)
      accounts.append(row.account)
      ours.append(row.logit)
      if isLater {
        let account = try #require(sample.base.index(of: row.account))
        let raw = try Matrix(
          rows: 1, columns: champion.model.schema.count,
          elements: try sample.base.vectors(
            champion.model.schema, rows: [VectorRow(account: Int32(account), asOf: row.asOf)],
            threads: 1))
        theirs.append(
          champion.model.logits(try champion.model.expand(raw, threads: 1), threads: 1)[0])
      } else {
        theirs.append(kept?.logit ?? .nan)
      }
    }
    let customers = Outcomes.clusters(of: accounts.map(AccountHash.of))
    let delong = try RocArea(scores: ours, labels: labels, clusters: customers)
      .minus(try RocArea(scores: theirs, labels: labels, clusters: customers))
    let auc = try #require(comparison.auc)
    #expect(abs(auc.difference - delong.difference) < 1e-12)
    let p = try #require(comparison.delongP)
    #expect(abs(p - delong.p) < 1e-12)
    #expect(abs((auc.high - auc.low) / 2 - 1.959963984540054 * delong.standardError) < 1e-12)
  }

  @Test func aVersionIsNeitherBetterNorWorseThanItself() throws {
    let (_, _, challenger) = try Self.versions.get()
    let comparison = try compare(challenger, challenger)
    #expect(comparison.verdict == .noDifference)
    #expect(comparison.heldOutByBoth == challenger.heldOut.count && comparison.later == 0)
    let auc = try #require(comparison.auc)
    #expect(auc.difference == 0 && auc.high < 1e-6)
  }

  @Test func aWorseVersionIsRefusedWithTheNumber() throws {
    var (_, champion, challenger) = try Self.versions.get()
    for row in challenger.heldOut.indices { challenger.heldOut[row].logit *= -1 }
    let comparison = try compare(champion, challenger)
    #expect(comparison.verdict == .worse)
    let number = String(try #require(comparison.auc).challenger).prefix(4)
    let refusal = try #require(
      Promotion.refusal(challenger, hasChampion: true, comparison: comparison))
    #expect(refusal.contains(number) || refusal.contains("no grade"))
    // And the other way round it is better.
    for row in challenger.heldOut.indices { challenger.heldOut[row].logit *= -1 }
    for row in champion.heldOut.indices { champion.heldOut[row].logit *= -1 }
    champion.model.coefficients = champion.model.coefficients.map { -$0 }
    #expect(try compare(champion, challenger).verdict == .better)
  }

  @Test func tooFewFairRowsAreNotCompared() throws {
    var (_, champion, challenger) = try Self.versions.get()
    champion.heldOut = []
    champion.model.asOf = challenger.model.asOf
    let comparison = try compare(champion, challenger)
    #expect(comparison.verdict == .notCompared && comparison.auc == nil)
    #expect(comparison.obstacle?.contains("fair") == true)
    challenger.heldOut = []
    #expect(try compare(champion, challenger).obstacle?.contains("train it anew") == true)
  }
}
