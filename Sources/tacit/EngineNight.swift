import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

/// Who does the large part of a night.
enum NightEngine: String, ExpressibleByArgument, CaseIterable {
  case native, duckdb, spark

  var dialect: SQLDialect? { SQLDialect(rawValue: rawValue) }
}

/// A night whose large part an engine did: the base of those whom it chose, ranked natively in their
/// places among all.
struct EngineNight {
  let base: HistoryBase
  let scorer: Scorer

  /// Has the engine score everybody, takes the chosen back and scores them again. Nothing of what it
  /// wrote is left. Throws `service` where it cannot do it, `dataContract` where too many rows cannot be
  /// used, `insufficient` where it and native code do not agree.
  init(
    _ session: Session, _ dialect: SQLDialect, master: String?, _ version: ModelVersion,
    _ asOf: Instant, work: OpenWork, under kind: String, _ seconds: inout NightSeconds
  ) throws {
    let feedback = try session.requireFeedback()
    let model = version.model
    try requireScorable(session, version, asOf)
    let project = session.file.folder
    let program = try EngineProgram(
      dialect, project: project, master: master,
      readsWarehouse: session.histories.readsWarehouse)
    let run = try EngineFolder(in: runFolder(session, asOf, under: kind))
    let candidates = try CandidateSQL(session.outreach, work: work, asOf: asOf, dialect: dialect)
    let script = try SQLScript(
      session.histories, schema: model.schema, roles: feedback.roles,
      silentForDays: feedback.silentForDays,
      watched: session.outreach.voices.watched(since: work.lastRun, asOf: asOf), asOf: asOf,
      folder: project.path, dialect: dialect)
    let place = (dialect == .spark ? "file://" : "") + run.url.path
    let text = try NightScript.text(
      script, candidates, model: model, hasMechanics: !feedback.mechanics.isEmpty, folder: place)
    let listed =
      "account_id\n"
      + version.knownDetractors.map { DuckDBProgram.identifier($0.account) + "\n" }.joined()
    try OutputFile.write(
      Data(listed.utf8), to: run.url.appendingPathComponent(NightScript.listedFile))
    let outputs = NightScript.outputs(of: session.histories)
    let progress = Progress(session.options, "\(program.name) at work, seconds")
    try seconds.spend(on: \.scoring) {
      try program.run(text, outputs: outputs, in: run) { progress.say($0) }
    }
    progress.done()
    let census = try Self.census(of: run.url, project: project, asOf, session)
    let fetched = try FetchedHistories.settings(
      session.histories, from: run.url, project: project)
    base = try seconds.spend(on: \.reading) {
      try HistoryBase.read(
        fetched, roles: feedback.roles, threads: session.options.threadCount, texts: true)
    }
    let base = base
    scorer = try seconds.spend(on: \.scoring) {
      try makeScorer(session, version, base, asOf, census: census)
    }
    session.options.say(
      "\(program.name) scored \(grouped(census.counts.silent)) silent accounts; "
        + "\(grouped(base.accountCount)) were taken back and scored again, all alike")
  }

  /// Reads the counts and candidates that the engine wrote.
  private static func census(
    of folder: URL, project: URL, _ asOf: Instant, _ session: Session
  ) throws -> Census {
    func table(_ output: NightScript.Output) -> SourceQuery {
      SourceQuery(written: output.rawValue, in: folder, project: project)
    }
    let names = [
      "accounts", "objected", "recent", "lapsed", "never_spoken", "never_asked", "ignored",
      "asked_earlier", "events", "set_aside", "copies",
    ]
    var values: [Double] = []
    try table(.census).eachRow(cells: names) { row, _ in values = row }
    guard values.count == names.count else {
      throw HistoriesError.service("the engine wrote no counts: nothing was published")
    }
    let number = Dictionary(uniqueKeysWithValues: zip(names, values.map { Int($0) }))
    func count(_ name: String) -> Int { number[name] ?? 0 }
    try session.requireUsable(events: count("events"), setAside: count("set_aside"))
    guard count("copies") == 0 else {
      throw HistoriesError.dataContract(
        "\(grouped(count("copies"))) rows of [accounts] are of an account that another row has: keep "
          + "one row an account")
    }
    var counts = SilentCounts(asOf: asOf)
    counts.accounts = count("accounts")
    counts.objected = count("objected")
    counts.recent = count("recent")
    counts.lapsed = count("lapsed")
    counts.neverSpoken = count("never_spoken")
    counts.neverAsked = count("never_asked")
    counts.ignored = count("ignored")
    counts.askedEarlier = count("asked_earlier")
    guard counts.silent > 0 else {
      throw DetractionError.insufficient("no account is silent as of \(asOf): nothing to score")
    }
    var candidates: [(account: String, candidate: Census.Candidate)] = []
    try table(.candidates).eachRow(cells: ["logit", "above"], text: "account_id") {
      candidates.append(
        (String(decoding: $1, as: UTF8.self), .init(logit: $0[0], above: Int($0[1]))))
    }
    return Census(counts: counts, candidates: candidates)
  }
}
