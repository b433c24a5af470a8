import Detraction
import Foundation
import Histories
import Learning
import TestSupport
import Testing

/// Training and scoring on the shipped sample, as properties.
@Suite struct TrainingTests {
  static let asOf = Instant(iso8601: Array("2026-02-02T00:00:00Z".utf8)[...], zone: nil)!

  /// The sample's project file and its rows with a known_at column, the rows' own time where no
  /// other is given.
  private struct Case {
    let folder: URL
    var rows: [String]

    init() throws {
      folder = try sampleCopy()
      let project = folder.appendingPathComponent("tacit.toml")
      let text = try String(contentsOf: project, encoding: .utf8)
      try text.replacing("at = \"at\"", with: "at = \"at\"\nknown_at = \"known_at\"")
        .write(to: project, atomically: true, encoding: .utf8)
      rows = try String(
        contentsOf: folder.appendingPathComponent("events.csv"), encoding: .utf8
      ).split(separator: "\n").dropFirst().map { line in
        "\(line),\(line.split(separator: ",", omittingEmptySubsequences: false)[1])"
      }
    }

    func train(threads: Int = 2) throws -> (result: Trainer.Result, base: HistoryBase) {
      let text = "account_id,at,kind,value,channel,known_at\n" + rows.joined(separator: "\n") + "\n"
      try text.write(
        to: folder.appendingPathComponent("events.csv"), atomically: true, encoding: .utf8)
      let file = try ProjectFile(path: folder.appendingPathComponent("tacit.toml").path)
      let settings = HistorySettings(project: file)
      let feedback = try #require(FeedbackSettings(project: file))
      let training = TrainingSettings(project: file)
      let base = try HistoryBase.read(settings, roles: feedback.roles, threads: threads)
      let trainer = Trainer(
        base: base, feedback: feedback, training: training,
        schema: try base.schema(settings.features, asOf: TrainingTests.asOf),
        asOf: TrainingTests.asOf, threads: threads)
      return (try trainer.train(name: "test", timeZone: "UTC", projectDigest: ""), base)
    }
  }

  @Test func whatIsKnownLaterChangesNoBit() throws {
    var base = try Case()
    let before = try SealedFile.bytes(try base.train().result.model).digest
    // Feedback and events that happened before the as-of date and were known at or after it, and
    // some that happen at or after it.
    for index in 0..<400 {
      let account =
        String(repeating: "0", count: 5 - String(index * 7 + 1).count) + String(index * 7 + 1)
      let kind = ["nps", "complaint", "late_delivery", "order", "brand_new_kind"][index % 5]
      let late = index % 3 == 0 ? "2026-02-02T00:00:00Z" : "2026-02-20T10:00:00Z"
      let at = index % 2 == 0 ? "2026-01-\(10 + index % 20)T12:00:00Z" : late
      base.rows.append("\(account),\(at),\(kind),\(index % 11),,\(late)")
    }
    #expect(try SealedFile.bytes(try base.train().result.model).digest == before)
    // The same rows known in time do change it: the test can fail.
    base.rows = base.rows.map {
      $0.replacing(",2026-02-20T10:00:00Z", with: ",2026-01-31T10:00:00Z")
    }
    #expect(try SealedFile.bytes(try base.train().result.model).digest != before)
  }

  @Test func theOrderOfRowsAndThreadsChangeNoBit() throws {
    var base = try Case()
    let before = try SealedFile.bytes(try base.train(threads: 1).result.model).digest
    base.rows.reverse()
    #expect(try SealedFile.bytes(try base.train(threads: 3).result.model).digest == before)
  }

  @Test func aSchemaThatLooksAtFeedbackIsRefused() throws {
    let base = try Case()
    let file = try ProjectFile(path: base.folder.appendingPathComponent("tacit.toml").path)
    let feedback = try #require(FeedbackSettings(project: file))
    for kind in ["nps", "complaint", "survey_sent"] {
      #expect(throws: HistoriesError.self) {
        _ = try FeatureSchema(
          kinds: ["order"], features: [.count(kind: kind, window: .days(30))], levels: [[]],
          timeZone: "UTC", roles: feedback.roles)
      }
    }
  }

  @Test func reasonsAndTheRestAreTheWholeLogit() throws {
    let (result, base) = try Case().train()
    let store = ModelStore(folder: try temporaryFolder().appendingPathComponent("models/test"))
    let published = try store.publish(result)
    #expect(published.isChampion)
    let version = try store.load()
    #expect(version.version == published.version)
    let scorer = try Scorer(
      version: version, base: base, asOf: Self.asOf, sayable: ["late_delivery"], threads: 2)
    #expect(scorer.ranking.count == scorer.counts.silent)
    let scores = try scorer.scores(at: 0..<scorer.ranking.count)
    for score in scores {
      let sum = score.reasons.reduce(score.referenceLogit + score.other) { $0 + $1.contribution }
      #expect(abs(sum - score.logit) <= 1e-9 * max(1, abs(score.logit)))
      #expect(score.reasons.count <= 4)
      #expect(score.low < score.probability && score.probability < score.high)
      #expect(score.reasons.allSatisfy { $0.sayable == ($0.feature.hasPrefix("late_delivery")) })
    }
    // The percentile is the share of the silent at or below.
    for place in [0, 7, scores.count / 2, scores.count - 1] {
      let below = scores.count { $0.logit <= scores[place].logit }
      #expect(abs(scores[place].percentile - 100 * Double(below) / Double(scores.count)) < 1e-9)
    }
  }

  @Test func aModelThatScoresOtherwiseIsRefused() throws {
    var model = try Case().train().result.model
    try model.check(path: "model.json")
    model.golden[2].logit += 1e-6
    #expect(throws: DetractionError.self) { try model.check(path: "model.json") }
    model.golden[2].logit -= 1e-6
    model.coefficients[0] += 1e-3
    #expect(throws: DetractionError.self) { try model.check(path: "model.json") }
    model.coefficients.removeLast()
    #expect(throws: DetractionError.self) { try model.check(path: "model.json") }
  }

  /// An account is marked when its predictor varies more than any training row's did.
  @Test func extrapolationIsBeyondTheTrainingRows() throws {
    let (result, base) = try Case().train()
    func marked(_ limit: Double) throws -> Int {
      var model = result.model
      model.maximumVariance = limit
      // Accounts unlike any respondent are marked, too: not asked here.
      model.propensity = nil
      let version = ModelVersion(version: "x", model: model, knownDetractors: [])
      let scorer = try Scorer(
        version: version, base: base, asOf: Self.asOf, sayable: [], threads: 2)
      return try scorer.scores(at: 0..<scorer.ranking.count).count { $0.extrapolated }
    }
    let silent = result.model.silent.silent
    #expect(try marked(0) == silent)
    #expect(try marked(.infinity) == 0)
    #expect(result.model.maximumVariance > 0)
    #expect(try marked(result.model.maximumVariance) < silent / 5)
  }

  /// Exemplars by the definition, one pair at a time, against the matrix product.
  @Test func exemplarsAreTheNearestKnownDetractors() throws {
    let (result, base) = try Case().train()
    let store = ModelStore(folder: try temporaryFolder().appendingPathComponent("models/test"))
    _ = try store.publish(result)
    var version = try store.load()
    let places = [0, 3, 50]
    func scorer() throws -> Scorer {
      try Scorer(version: version, base: base, asOf: Self.asOf, sayable: [], threads: 2)
    }
    // Flagged accounts that are known detractors as of today, at distance 0 of themselves, must
    // not be their own exemplars; the accounts next to them may.
    for place in [0, 1, 3] {
      let account = base.account(Int(try scorer().ranking[place].account))
      version.knownDetractors.append(KnownDetractor(account: account, asOf: Self.asOf))
    }
    let scorer = try scorer()
    let found = try scorer.exemplars(at: places)
    let model = version.model
    func contributions(_ account: Int32, _ asOf: Instant) throws -> [Double] {
      let values = try base.vectors(
        model.schema, rows: [VectorRow(account: account, asOf: asOf)], threads: 1)
      return model.design.columns.enumerated().map {
        model.coefficients[$0] * $1.value(values[$1.source])
      }
    }
    for (place, exemplars) in zip(places, found) {
      #expect(exemplars.count == 3)
      let account = scorer.ranking[place].account
      let ours = try contributions(account, Self.asOf)
      var distances: [String: Double] = [:]
      for known in version.knownDetractors {
        let index = try #require(base.index(of: known.account))
        if Int32(index) == account { continue }
        let theirs = try contributions(Int32(index), known.asOf)
        let distance = zip(ours, theirs).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
          .squareRoot()
        distances[known.account] = min(distances[known.account] ?? .infinity, distance)
      }
      let nearest = distances.values.sorted().prefix(3)
      for (exemplar, distance) in zip(exemplars, nearest) {
        #expect(abs(exemplar.distance - distance) < 1e-6)
        #expect(abs((distances[exemplar.account] ?? .nan) - distance) < 1e-6)
      }
    }
  }
}
