import ArgumentParser
import Detraction
import Foundation
import Histories
import Learning

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Learn from those who spoke: a new immutable model version.",
    discussion: """
      Looks back from snapshots before the as-of date, takes as rows the accounts that answered in \
      the label window after each, and learns which histories came before a negative answer. \
      Nothing known at or after the as-of date is seen.

      The version stands in models/<name>/<as-of>-<digest>/; the first one becomes the champion, \
      which `score` and `nightly` use.
      """)

  @OptionGroup var options: ProjectOptions
  @OptionGroup var date: AsOfOption

  private struct Report: Encodable {
    var version: String
    var champion: Bool
    var grade: String?
    var rows, customers, detractors, features, columns: Int
    var lambda: Double
    var metrics: Model.Evidence
    var silent: SilentCounts
    var snapshots: [SnapshotCounts]
  }

  func run() throws {
    let session = try Session(options)
    let feedback = try session.requireFeedback()
    let asOf = try date.instant(in: session.histories.timeZone)
    let base = try session.readBase()
    let result = try trainModel(session, base, feedback, asOf)
    let published = try session.models.publish(result)
    let model = result.model
    let report = Report(
      version: published.version, champion: published.isChampion, grade: nil,
      rows: model.evidence.rows, customers: model.evidence.customers,
      detractors: model.evidence.detractors, features: model.schema.features.count,
      columns: model.coefficients.count, lambda: model.penalty.lambda, metrics: model.evidence,
      silent: model.silent, snapshots: model.populations)
    if options.json { return try printJSON(report) }
    let evidence = model.evidence
    print(
      """
      \(evidence.rows) answers of \(evidence.customers) customers over \
      \(model.populations.count) snapshots, \(evidence.detractors) of them negative
      told apart out of fold: AUC \(three(evidence.auc)) \
      (95 %: \(three(evidence.aucLow)) to \(three(evidence.aucHigh)))\
      \(evidence.silentAUC.map { ", of those silent before \(three($0))" } ?? "")
      as of \(date.asOf): \(model.silent.accounts) accounts with a history, \
      \(model.silent.silent) silent (\(model.silent.neverSpoken) never spoke, \
      \(model.silent.lapsed) not lately), \(model.silent.recent) spoke lately, \
      \(model.silent.objected) may not be profiled
      model \(published.version)\(published.isChampion ? " is the champion" : "")
      """)
    if !published.isChampion {
      print(
        "the champion stays \(try session.models.championVersion()): to use the new one write its "
          + "name into \(session.models.folder.appendingPathComponent("champion").path)")
    }
  }
}

/// Trains as of a date on what was read.
func trainModel(
  _ session: Session, _ base: HistoryBase, _ feedback: FeedbackSettings, _ asOf: Instant
) throws -> Trainer.Result {
  let schema = try base.schema(session.histories.features, asOf: asOf)
  let trainer = Trainer(
    base: base, feedback: feedback, training: session.training, schema: schema, asOf: asOf,
    trace: try session.outreachTrace(base, try session.levelAnswers()), threads: session.options.threadCount)
  session.options.say("training on \(schema.features.count) features")
  return try trainer.train(
    name: session.models.name, timeZone: session.histories.timeZone.identifier,
    projectDigest: sha256(session.file.contents))
}

/// A number with three decimals.
func three(_ value: Double) -> String { String(format: "%.3f", value) }
