import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

/// `tacit sql`: features, scores or flags as one SQL text for an engine.
struct SQLCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sql",
    abstract: "Print features, scores or flags as SQL for DuckDB or Spark.",
    discussion: """
      One script, to be run from the project file's folder by an engine that stands where the data is: \
      it reads the project's events and accounts and gives what Tacit gives natively, to 1e-9.

        features  the vector of every account with a history, as `tacit features` writes it
        score     one row per silent account: account_id, as_of, model, logit, probability, band, \
      reasons, eligible (not on do_not_contact)
        flags     whom a free day would flag: the first of each queue by score, before holds, \
      cooling down and open cases, which stand in the store

      Try:
        tacit sql --dialect duckdb --as-of 2026-03-02 > score.sql
        duckdb -c ".read score.sql"
        tacit sql --dialect spark --as-of 2026-03-02 --stage features > features.sql
        spark-sql -f features.sql

      Tables of a warehouse are mapped by query = "select * from shop.events" and via = "spark". \
      `tacit nightly --engine` runs the whole night in this way.
      """)

  enum Stage: String, ExpressibleByArgument, CaseIterable { case features, score, flags }

  @OptionGroup var options: ProjectOptions
  @OptionGroup var date: AsOfOption

  @Option(help: "Whose SQL: duckdb or spark.")
  var dialect: SQLDialect

  @Option(help: "What to compute: features, score or flags.")
  var stage = Stage.score

  @Option(help: "The model version, whose features are computed (default: the champion).")
  var model: String?

  func run() throws {
    let session = try Session(options)
    let feedback = try session.requireFeedback()
    if stage == .flags {
      OutreachSettings.requireQueue(session.file)
      try session.file.check()
    }
    let asOf = try date.instant(in: session.histories.timeZone)
    let version = try session.models.load(model)
    let script = try SQLScript(
      session.histories, schema: version.model.schema, roles: feedback.roles,
      silentForDays: feedback.silentForDays, asOf: asOf, folder: session.file.folder.path,
      dialect: dialect)
    switch stage {
    case .features: print(script.features, terminator: "")
    case .score: print(try script.scores(version), terminator: "")
    case .flags:
      let candidates = try CandidateSQL(
        session.outreach, work: OpenWork(), asOf: asOf, dialect: dialect)
      let flags = try script.query(
        candidates.flags(model: version.version), over: version.model, adding: candidates.columns)
      print(script.script(flags), terminator: "")
    }
  }
}

extension SQLDialect: ExpressibleByArgument {}
