import Detraction
import Foundation
import Histories
import Learning
import TestSupport
import Testing

/// Complaints alone: what the whole way recovers beside an oracle that knows everybody, and what it says
/// where it cannot.
@Suite struct ComplaintsTests {
  static let asOf = "2026-03-02"

  /// Accounts with four attributes as their history; who of the unhappy complains in February is drawn
  /// by `chance` of the attributes.
  struct Base {
    let folder: URL
    var x: [[Double]] = []
    var unhappy: [Bool] = []
    var complained: [Bool] = []

    static func id(_ account: Int) -> String { String(format: "a%05d", account) }

    init(
      accounts: Int, seed: UInt64, eta: ([Double]) -> Double, chance: ([Double]) -> Double
    ) throws {
      folder = try temporaryFolder().appendingPathComponent("base")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      var random = SplitMix64(seed)
      var attributes = "id,a,b,c,d\n"
      var events = "account,at,kind\n"
      for account in 0..<accounts {
        let z = (0..<4).map { _ in random.normal() }
        let isUnhappy = random.uniform() < 1 / (1 + exp(-eta(z)))
        let complains = isUnhappy && random.uniform() < chance(z)
        x.append(z)
        unhappy.append(isUnhappy)
        complained.append(complains)
        attributes += Self.id(account) + z.map { ",\($0)" }.joined() + "\n"
        events += "\(Self.id(account)),2025-06-01T00:00:00Z,signup\n"
        if complains { events += "\(Self.id(account)),2026-02-10T00:00:00Z,complaint\n" }
      }
      try write("accounts.csv", attributes)
      try write("events.csv", events)
      try write("tacit.toml", Self.project)
    }

    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    static let project = """
      [[events]]
      path = "events.csv"
      account = "account"
      at = "at"
      kind = "kind"
      [accounts]
      path = "accounts.csv"
      account = "id"
      numeric = ["a", "b", "c", "d"]
      [feedback]
      [[feedback.signal]]
      kind = "complaint"
      detractor = "always"
      [training]
      snapshots = { every_days = 30, count = 1 }
      [[queue]]
      name = "all"
      capacity_per_business_day = 20
      channel = "phone"
      due_business_days = 1

      """

    /// Answers of the first accounts that did not complain, as they truly feel.
    func answer(_ count: Int) throws {
      var text = "account_id,drawn_at,known_at,outcome\n"
      for account in x.indices.filter({ !complained[$0] }).prefix(count) {
        text += "\(Self.id(account)),2026-02-20,2026-02-25,"
        text += unhappy[account] ? "detractor\n" : "non-detractor\n"
      }
      try write("answers.csv", text)
      try write("tacit.toml", Self.project + "[level]\nanswers = \"answers.csv\"\n")
    }

    func train() throws -> [String: Any] {
      let result = try Program.run("train", "--as-of", ComplaintsTests.asOf, "--json", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return try ComplaintsTests.json(result.output)
    }
  }

  static func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  /// METHODS 1.5's base, complaining by a column that has no part in unhappiness.
  private static func vocal(_ accounts: Int, seed: UInt64) throws -> Base {
    try Base(
      accounts: accounts, seed: seed, eta: { -1.1 + 1.5 * $0[0] - 1.1 * $0[1] + 0.7 * $0[2] },
      chance: { 1 / (1 + exp(1 - 1.6 * $0[3])) })
  }

  /// Trained, scored and published; the silent are ranked within 0.01 of a learner that knew everybody,
  /// where a fit of the complaints alone is far off.
  @Test func reachesTheOracle() throws {
    let base = try Self.vocal(12_000, seed: 3)
    let trained = try base.train()
    let told = try #require(trained["complaints"] as? [String: Any])
    #expect(told["method"] as? String == "sarEM")
    #expect(told["is_identified"] as? Bool == true)
    #expect(trained["grade"] as? String == "C")
    #expect(trained["champion"] as? Bool == true)
    let prevalence = try #require((told["prevalence"] as? [String: Any])?["value"] as? Double)
    let truth = Double(base.unhappy.count { $0 }) / Double(base.unhappy.count)
    #expect(abs(prevalence - truth) < 0.05)

    let score = try Program.run(
      "score", "--as-of", Self.asOf, "--out", "scores.csv", "--json", in: base.folder)
    #expect(score.status == 0, "\(score.errors)")
    let scored = try Self.json(score.output)
    #expect((scored["meaning"] as? String)?.contains("unhappy enough to complain") == true)
    #expect(scored["level_measured"] as? Bool == false)
    let rows = try String(
      contentsOf: base.folder.appendingPathComponent("scores.csv"), encoding: .utf8)
    var logits: [String: Double] = [:]
    let lines = rows.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let column = try #require(lines[0].firstIndex(of: "logit"))
    for line in lines.dropFirst() { logits[String(line[0])] = Double(line[column]) }
    let silent = base.x.indices.filter { logits[Base.id($0)] != nil }
    #expect(silent.count == base.complained.count { !$0 })

    let x = try Matrix(rows: base.x.count, columns: 4, elements: Array(base.x.joined()))
    let parameters = try LogisticParameters(penalty: .l2(1e-4))
    func area(_ scores: [Double]) throws -> Double {
      try RocArea(
        scores: silent.map { scores[$0] }, labels: silent.map { base.unhappy[$0] ? 1 : 0 }
      ).area
    }
    func plain(_ labels: [Bool]) throws -> Double {
      let data = try LogisticData(x, labels: labels.map { $0 ? 1 : 0 })
      return try area(try fitLogistic(data, parameters: parameters).linearPredictors(x))
    }
    let ours = try area(base.x.indices.map { logits[Base.id($0)] ?? 0 })
    let (oracle, naive) = (try plain(base.unhappy), try plain(base.complained))
    #expect(ours > oracle - 0.01, "\(ours) beside \(oracle)")
    #expect(naive < oracle - 0.03)

    let nightly = try Program.run("nightly", "--as-of", Self.asOf, "--json", in: base.folder)
    #expect(nightly.status == 0, "\(nightly.errors)")
    #expect(try #require(try Self.json(nightly.output)["cases_opened"] as? Int) > 0)
    for arguments in [["models", "list"], ["models", "show"], ["queue", "list"]] {
      #expect(try Program.run(arguments, in: base.folder).status == 0)
    }
    if let page = trained["report"] as? String {
      let html = try String(contentsOfFile: page, encoding: .utf8)
      #expect(html.contains("Learnt from complaints alone"))
      #expect(html.contains("The complaints tell the two apart"))
      #expect(!html.contains("nan<") && !html.contains("nan "))
      let card = try String(
        contentsOf: URL(fileURLWithPath: page).deletingLastPathComponent()
          .appendingPathComponent("card.md"), encoding: .utf8)
      #expect(card.contains("unhappy told from vocal | yes"))
    }
  }

  /// Complaints by lot: nothing is learnt, and it is a D that becomes no champion.
  @Test func noiseIsD() throws {
    let base = try Base(accounts: 4_000, seed: 4, eta: { _ in -1 }, chance: { _ in 0.3 })
    let trained = try base.train()
    #expect(trained["grade"] as? String == "D")
    #expect(trained["champion"] as? Bool == false)
    #expect(try Program.run("nightly", "--as-of", Self.asOf, in: base.folder).status == 3)
  }

  /// Where complaints cannot tell unhappy from vocal, that is said and it is a D; answers of the silent
  /// drawn by lot show the ranking and set the level, and it is a C.
  @Test func answersShowWhatComplaintsCannot() throws {
    let base = try Base(
      accounts: 4_000, seed: 6, eta: { -1 + 1.5 * $0[0] - $0[1] }, chance: { _ in 0.08 })
    let alone = try Program.run("train", "--as-of", Self.asOf, in: base.folder)
    #expect(alone.output.contains("unhappy cannot be told from vocal"))
    #expect(alone.output.contains("grade D"))
    #expect(alone.output.contains("silent are unhappy is open"))
    try base.answer(300)
    try FileManager.default.removeItem(at: base.folder.appendingPathComponent("models"))
    let trained = try base.train()
    #expect(trained["grade"] as? String == "C")
    let told = try #require(trained["complaints"] as? [String: Any])
    #expect(told["is_identified"] as? Bool == false)
    let level = try #require(told["level"] as? [String: Any])
    #expect(level["is_measured"] as? Bool == true)
    let rate = try #require(level["rate"] as? [String: Any])
    let silent = base.x.indices.filter { !base.complained[$0] }
    let truth = Double(silent.count { base.unhappy[$0] }) / Double(silent.count)
    #expect(try #require(rate["low"] as? Double) < truth)
    #expect(try #require(rate["high"] as? Double) > truth)
  }

  /// Too few answers with a two-sided signal are refused, and it is said how complaints alone do.
  @Test func twoSidedSignalsAreNotPassedOver() throws {
    let base = try Self.vocal(500, seed: 5)
    try base.write(
      "tacit.toml",
      Base.project + "[[feedback.signal]]\nkind = \"nps\"\ndetractor = { at_most = 6 }\n")
    let refused = try Program.run("train", "--as-of", Self.asOf, in: base.folder)
    #expect(refused.status == 3)
    #expect(refused.errors.contains("learns from complaints alone"))
    let few = try Base(accounts: 100, seed: 5, eta: { _ in -3 }, chance: { _ in 0.05 })
    let tooFew = try Program.run("train", "--as-of", Self.asOf, in: few.folder)
    #expect(tooFew.status == 3)
    #expect(tooFew.errors.contains("at least 10 accounts that complained"))
  }

  @Test(arguments: [
    (0.001, 0.9, 60, true, nil as Double?, Grade.C), (0.001, 0.9, 60, false, nil, .D),
    (0.001, 0.9, 60, false, 0.52, .C), (0.001, 0.9, 60, false, 0.49, .D),
    (0.02, 0.9, 60, true, nil, .D), (0.001, 0.54, 60, true, nil, .D),
    (0.001, 0.9, 49, true, nil, .D),
  ])
  func theRule(
    p: Double, auc: Double, complained: Int, isIdentified: Bool, answers: Double?, grade: Grade
  ) {
    let grading = Grading(
      ComplaintsFacts(
        permutations: 200, permutationP: p, auc: auc, aucLow999: auc - 0.03,
        complained: complained, others: 1_000, isIdentified: isIdentified, answersAUCLow: answers))
    #expect(grading.grade == grade)
    #expect(!grading.reasons.isEmpty)
  }
}

/// The rows of complaints-only training, and that nothing else than them moves a bit.
@Suite struct ComplaintsRowsTests {
  /// The shipped sample without its surveys.
  private func trainer(
    _ change: ([String]) -> [String] = { $0 }, trace: Bool = false, threads: Int = 2
  ) throws -> Trainer {
    let folder = try sampleCopy()
    let events = folder.appendingPathComponent("events.csv")
    let lines = try String(contentsOf: events, encoding: .utf8).split(separator: "\n").map(
      String.init)
    let text = ([lines[0]] + change(Array(lines.dropFirst()))).joined(separator: "\n") + "\n"
    try Data(text.utf8).write(to: events)
    let project = folder.appendingPathComponent("tacit.toml")
    let survey = "kind = \"nps\"\ndetractor = { at_most = 6 }\n"
    let all = try String(contentsOf: project, encoding: .utf8)
    #expect(all.contains(survey))
    try Data(all.replacing(survey, with: "kind = \"nps\"\nmechanics = true\n").utf8)
      .write(to: project)
    let file = try ProjectFile(path: project.path)
    let settings = HistorySettings(project: file)
    let feedback = try #require(FeedbackSettings(project: file))
    let base = try HistoryBase.read(settings, roles: feedback.roles, threads: threads)
    let asOf = Instant(asOf: "2026-03-02", zone: .utc)!
    return Trainer(
      base: base, feedback: feedback, training: TrainingSettings(project: file),
      schema: try base.schema(settings.features, asOf: asOf), asOf: asOf, threads: threads)
  }

  @Test func everybodyIsARow() throws {
    var trainer = try trainer()
    let all = ComplaintsRows(trainer)
    let snapshots = trainer.training.snapshots(asOf: trainer.asOf)
    #expect(all.share.complained == 1)
    let expected = snapshots.map { snapshot in
      (0..<trainer.base.accountCount).count {
        trainer.base.hasFeatureEvent($0, seenAsOf: snapshot)
          && trainer.base.record($0)?.doNotProfile != true
      }
    }
    #expect(all.labelled + all.unlabelled == expected.reduce(0, +))
    let labelled = all.rows.filter(\.isDetractor)
    #expect(labelled.count == all.labelled && labelled.count > 20)
    #expect(Set(labelled.map(\.account)) == all.complained)

    // One contacted before everything: none of its rows is left; one left alone counts for 1 / chance.
    let ids = labelled.prefix(2).map { trainer.base.account($0.account) }
    let early = snapshots[0].adding(days: -1)
    trainer.trace = OutreachTrace(
      contacts: [(account: ids[0], at: early)],
      leftAlone: [(account: ids[1], since: early, chance: 0.25)], in: trainer.base)
    let traced = ComplaintsRows(trainer)
    #expect(!traced.rows.contains { $0.account == labelled[0].account })
    #expect(
      traced.rows.filter { $0.account == labelled[1].account }.allSatisfy { $0.weight == 4 })
  }

  /// A sample takes whole accounts, keeps those that complained, and weighs to the whole.
  @Test func samplesWholeAccounts() throws {
    let trainer = try trainer()
    let all = ComplaintsRows(trainer)
    let most = all.rows.count / 3
    let some = ComplaintsRows(trainer, most: most)
    #expect(some.rows.count < Int(1.1 * Double(most)))
    #expect(some.share.others < 1)
    for (account, rows) in Dictionary(grouping: some.rows, by: \.account) {
      let snapshots = some.snapshots.count {
        trainer.base.hasFeatureEvent(account, seenAsOf: $0)
      }
      #expect(rows.count == snapshots)
    }
    if some.share.complained == 1 { #expect(some.labelled == all.labelled) }
    let weight = some.rows.reduce(0) { $0 + $1.weight } / some.share.complained
    #expect(abs(weight / Double(all.labelled + all.unlabelled) - 1) < 0.1)
  }

  @Test func onlyWhatIsKnownMovesABit() throws {
    func digest(_ given: Trainer) throws -> String {
      var trainer = given
      trainer.isJudged = false
      return try SealedFile.bytes(
        try trainer.train(name: "test", timeZone: "UTC", projectDigest: "").model
      ).digest
    }
    let before = try digest(trainer(threads: 1))
    #expect(try digest(trainer({ Array($0.reversed()) }, threads: 3)) == before)
    let later = (1...300).map { String(format: "%05d,2026-03-02T00:00:00Z,complaint,,", $0) }
    #expect(try digest(trainer { $0 + later }) == before)
    let known = later.map { $0.replacing("2026-03-02", with: "2026-02-27") }
    #expect(try digest(trainer { $0 + known }) != before)
  }
}
