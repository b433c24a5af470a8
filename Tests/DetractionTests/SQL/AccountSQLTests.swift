import Detraction
import Foundation
import Histories
import Learning
import TestSupport
import Testing

/// Who spoke, who was asked, who refuses, and what the accounts file says of everybody, by an engine and
/// natively; and the schema that an engine's excerpt gives.
@Suite struct AccountSQLTests {
  private static let rule = SilenceRule(silentForDays: 90)

  /// One column, the accounts file's seats.
  private func model(_ base: DifficultBase) throws -> Model {
    var model = try ScoreStagesTests.trained.get()
    model.schema = try FeatureSchema(
      kinds: base.schema.kinds, features: [.numeric(name: "seats")], levels: [[]],
      timeZone: base.schema.timeZone, roles: [:])
    model.design = try JSONDecoder().decode(
      Design.self,
      from: Data(
        #"""
        {"sources":[{"numeric":{}}],
         "columns":[{"source":0,"basis":{"linear":{}},"mean":0,"scale":1}],"dropped":[]}
        """#.utf8))
    model.coefficients = [0.5]
    model.reference.means = [0]
    model.covariance = [0.01, 0, 0.01]
    model.reference.bandLimits = [3, 2, 1]
    model.calibration = .none
    return model
  }

  private func rows(
    _ base: DifficultBase, _ duckDB: DuckDB, _ script: SQLScript, _ query: String
  ) throws -> [[String: Any]] {
    let file = base.folder.appendingPathComponent("accounts.sql")
    try Data(script.script(try script.query(query, over: model(base))).utf8).write(to: file)
    let said = try duckDB.run(".mode json", ".read \(file.path)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(said.utf8)) as? [[String: Any]])
  }

  @Test func everybodyIsWhatNativeReadingSays() throws {
    let base = try DifficultBase(events: 5000, accounts: 90)
    defer { base.remove() }
    guard let duckDB = try DuckDB.linked(into: base.folder) else { return }
    let (feedback, _) = try base.labels()
    for days in [0, -1, -7, -30, -200] as [Int] {
      let asOf = FeatureSQLTests.asOf.adding(days: days)
      // The border is an instant at which something became known.
      let heard = (0..<base.base.accountCount)
        .flatMap { base.base.feedback($0) }.filter { $0.kind == "nps" && $0.at < asOf }
        .map(\.knownAt).filter { $0 < asOf }.sorted()
      let since = heard[heard.count * 3 / 4]
      let script = try SQLScript(
        base.settings, schema: try model(base).schema, roles: FeatureSQLTests.roles,
        silentForDays: 90, watched: .init(kinds: ["nps"], since: since), asOf: asOf,
        folder: DifficultBase.elsewhere, dialect: .duckdb)
      let all = try rows(base, duckDB, script, "SELECT * FROM scores")
      let aside = all.filter { $0["account_id"] is NSNull }
      let bad = base.base.intake.files.filter { $0.section == "events" }
        .reduce(0) { $0 + $1.badRows }
      #expect(aside.count == 1 && (aside[0]["events"] as? NSNumber)?.intValue == bad)
      var found: [[UInt8]: [String: Any]] = [:]
      for row in all {
        if let id = row["account_id"] as? String { found[Array(id.utf8)] = row }
      }
      let population = SilentPopulation(base: base.base, feedback: feedback, asOf: asOf)
      let silent = Set(population.accounts)
      #expect(silent.count > 3 && population.counts.objected > 3)
      var calls = 0
      for account in 0..<base.base.accountCount {
        let id = base.base.account(account)
        let words = base.base.feedback(account).filter { $0.at < asOf && $0.knownAt < asOf }
        guard base.base.hasFeatureEvent(account, seenAsOf: asOf) else {
          let row = found[Array(id.utf8)]
          #expect((row?["ordinary"] as? NSNumber)?.intValue ?? 0 == 0, "\(id)")
          #expect((row?["silent"] as? NSNumber)?.boolValue != true, "\(id)")
          continue
        }
        let row = try #require(found[Array(id.utf8)], "\(id)")
        func flag(_ name: String) -> Bool? { (row[name] as? NSNumber)?.boolValue }
        #expect(flag("silent") == silent.contains(account), "\(id)")
        let voice =
          switch Self.rule.voice(of: words, at: asOf) {
          case .recent: "recent"
          case .lapsed: "lapsed"
          case .neverSpoken: "never_spoken"
          }
        #expect(row["voice"] as? String == voice, "\(id)")
        let asked =
          switch Self.rule.asked(by: base.base.mechanics(account), at: asOf) {
          case .never: "never"
          case .ignored: "ignored"
          case .earlier: "earlier"
          }
        #expect(row["asked"] as? String == asked, "\(id)")
        let isCalled = words.contains { $0.kind == "nps" && $0.knownAt >= since }
        calls += isCalled ? 1 : 0
        #expect(flag("called") == isCalled, "\(id)")
        let record = base.base.record(account)
        #expect(flag("do_not_profile") == (record?.doNotProfile ?? false), "\(id)")
        #expect(flag("eligible") == !(record?.doNotContact ?? false), "\(id)")
        #expect((row["n0"] as? NSNumber)?.doubleValue == record?.numeric[0], "\(id)")
        #expect(
          (row["c0"] as? String).map { Array($0.utf8) }
            == record?.categorical[0].map { Array($0.utf8) }, "\(id)")
        #expect((row["worth"] as? NSNumber)?.doubleValue == record?.value, "\(id)")
        #expect(row["segment"] as? String == record?.segment, "\(id)")
        #expect((row["copies"] as? NSNumber)?.intValue == 1, "\(id)")
      }
      #expect(calls > 0)
      // `scores` has the silent alone.
      let scores = try script.scores(
        ModelVersion(version: "m", model: model(base), knownDetractors: []))
      let file = base.folder.appendingPathComponent("scores.sql")
      try Data(scores.utf8).write(to: file)
      let said = try duckDB.run(".mode json", ".read \(file.path)")
      let scored = try #require(
        try JSONSerialization.jsonObject(with: Data(said.utf8)) as? [[String: Any]])
      #expect(
        Set(scored.compactMap { ($0["account_id"] as? String).map { Array($0.utf8) } })
          == Set(population.accounts.map { Array(base.base.account($0).utf8) }))
    }
  }

  /// An account that stands twice in the accounts file, of whom one row refuses: it is counted, which ends
  /// a night, and refuses.
  @Test func aSecondRowOfAnAccountIsCountedAndItsRefusalStands() throws {
    let base = try DifficultBase()
    defer { base.remove() }
    guard let duckDB = try DuckDB.linked(into: base.folder) else { return }
    let file = base.folder.appendingPathComponent("accounts.csv")
    var text = try String(contentsOf: file, encoding: .utf8)
    text += "d4,2020-01-01,7,gold,yes,0,1,x\n"
    try Data(text.utf8).write(to: file)
    let script = try SQLScript(
      base.settings, schema: try model(base).schema, roles: FeatureSQLTests.roles,
      silentForDays: 90, asOf: FeatureSQLTests.asOf, folder: DifficultBase.elsewhere,
      dialect: .duckdb)
    let found = try rows(
      base, duckDB, script, "SELECT * FROM scores WHERE account_id = 'd4'")
    #expect(found.count == 1 && (found[0]["copies"] as? NSNumber)?.intValue == 2)
    #expect((found[0]["do_not_profile"] as? NSNumber)?.boolValue == true)
    #expect((found[0]["eligible"] as? NSNumber)?.boolValue == false)
  }

  /// The excerpt that an engine makes for a schema, as of any date.
  @Test func theSchemaIsThatOfAllHistories() throws {
    let base = try DifficultBase(events: 600)
    defer { base.remove() }
    guard try DuckDB.linked(into: base.folder) != nil else { return }
    let engine = EngineProgram(
      .duckdb, program: base.folder.appendingPathComponent(".venv/bin/duckdb").path,
      project: base.folder)
    let run = try EngineFolder(in: base.folder)
    try engine.run(
      SchemaSQL.script(
        base.settings, folder: DifficultBase.elsewhere, dialect: .duckdb, to: run.url.path),
      outputs: ["events", "accounts"], in: run)
    let excerpt = try HistoryBase.read(
      FetchedHistories.settings(base.settings, from: run.url, project: base.folder),
      roles: FeatureSQLTests.roles, threads: 1)
    #expect(excerpt.intake.files.reduce(0) { $0 + $1.rows } < 400, "an excerpt")
    var settings = FeatureSettings()
    settings.aggregates = .list(Aggregate.allCases)
    var seen: Set<Int> = []
    for days in stride(from: -900, through: 0, by: 12) {
      let asOf = FeatureSQLTests.asOf.adding(days: days)
      guard let whole = try? base.base.schema(settings, asOf: asOf) else { continue }
      let made = try excerpt.schema(settings, asOf: asOf)
      #expect(made == whole, "\(asOf)")
      seen.insert(whole.count)
    }
    #expect(seen.count > 5, "kinds, channels and levels come with time")
  }
}
