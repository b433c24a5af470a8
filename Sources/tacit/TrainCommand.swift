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

      Where every signal of [feedback] is one-sided (complaints alone), nobody is known to be content: \
      it then learns from those who complained against everybody else, says how far that can be \
      told from a liking to complain, and gives no grade above C.

      The version stands in models/<name>/<as-of>-<digest>/; the first one becomes the champion, \
      which `score` and `nightly` use.

      --engine duckdb or spark: where the base is too big to be moved, the engine hands out the \
      histories of a share of the accounts, drawn by lot, and the training is of those:
        tacit train --as-of 2026-03-02 --engine spark --share 0.01
      """)

  @OptionGroup var options: ProjectOptions
  @OptionGroup var date: AsOfOption
  @Option(help: "Who reads the histories: native, duckdb or spark.")
  var engine = NightEngine.native
  @Option(help: "Spark's master (default: its own configuration, else all cores of this machine).")
  var master: String?
  @Option(help: "With --engine: the share of the accounts to learn from, by lot.")
  var share = 1.0

  func validate() throws {
    if master != nil && engine != .spark {
      throw ValidationError("--master is for --engine spark")
    }
    guard share > 0, share <= 1 else {
      throw ValidationError("--share is \(share), expected a share above 0 and at most 1")
    }
    if share < 1 && engine == .native {
      throw ValidationError("--share is for an engine: natively every account is learnt from")
    }
  }

  private struct Report: Encodable {
    var version: String
    var champion: Bool
    var grade: Grade?
    var rows, customers, detractors, features, columns: Int?
    var lambda: Double
    var metrics: Model.Evidence?
    /// In place of the metrics where only complaints were to be learnt from.
    var complaints: ComplaintsEvidence?
    var grading: Grading?
    var silent: SilentCounts
    /// Of all accounts, drawn by lot; absent: all.
    var lot: Double?
    var snapshots: [SnapshotCounts]
    var report: String?
  }

  func run() throws {
    let session = try Session(options)
    let feedback = try session.requireFeedback()
    let asOf = try date.instant(in: session.histories.timeZone)
    let base =
      try engine.dialect.map { try session.drawnBase($0, master: master, share: share) }
      ?? session.readBase()
    let result = try trainModel(
      session, base, feedback, asOf, lot: share < 1 ? share : nil)
    let published = try session.models.publish(result)
    let model = result.model
    let page = try writeReport(session, published.version, base, asOf)
    let report = Report(
      version: published.version, champion: published.isChampion, grade: model.grading?.grade,
      rows: model.evidence?.rows ?? model.complaints?.rows,
      customers: model.evidence?.customers ?? model.complaints?.customers,
      detractors: model.evidence?.detractors ?? model.complaints?.labelled,
      features: model.schema.features.count,
      columns: model.coefficients.count, lambda: model.penalty.lambda, metrics: model.evidence,
      complaints: model.complaints,
      grading: model.grading, silent: model.silent, lot: model.lot, snapshots: model.populations,
      report: page)
    if options.json { return try printJSON(report) }
    if let lot = model.lotWords { print("of \(lot), as is every count that follows:") }
    for line in lines(model) { print(line) }
    print("model \(published.version)\(published.isChampion ? " is the champion" : "")")
    if !published.isChampion {
      print(
        session.models.hasChampion
          ? "the champion stays \(try session.models.championVersion()); to change it: "
            + "tacit models promote \(published.version)"
          : "there is no champion: a version graded D does not become one")
    }
    if let page { print("report \(page)") }
  }

  /// The report beside the model; nil, with a word, where there is no gnuplot to draw it.
  private func writeReport(
    _ session: Session, _ version: String, _ base: HistoryBase, _ asOf: Instant
  ) throws -> String? {
    guard let gnuplot = try? Gnuplot() else {
      options.say("no gnuplot here, so no report: install gnuplot-nox, then `tacit report`")
      return nil
    }
    return try tacit.writeReport(
      session, try session.models.load(version, heldOut: true), base, asOf: asOf,
      isLot: share < 1, with: gnuplot
    ).report
  }

  private func lines(_ model: Model) -> [String] {
    if model.isComplaintsOnly { return complaintsLines(model) }
    guard let evidence = model.evidence, let grading = model.grading else { return [] }
    let silent = model.silent
    let overlap = evidence.overlap
    let capacity = evidence.capacity
    var lines = [
      "\(evidence.rows) answers of \(evidence.customers) customers over "
        + "\(model.populations.count) snapshots, \(evidence.detractors) of them negative",
      "told apart out of fold: AUC \(three(evidence.auc)) (95 %: \(three(evidence.aucLow)) to "
        + "\(three(evidence.aucHigh)))"
        + (evidence.silentAUC.map { ", of those silent before \(three($0))" } ?? "")
        + (evidence.neverSpokenAUC.map { ", of those who had never spoken \(three($0))" } ?? ""),
      "as of \(date.asOf): \(silent.accounts) accounts with a history, \(silent.silent) silent "
        + "(\(silent.neverSpoken) never spoke, \(silent.lapsed) not lately), \(silent.recent) spoke "
        + "lately, \(silent.objected) may not be profiled",
    ]
    if silent.neverAsked + silent.ignored + silent.askedEarlier > 0 {
      lines.append(
        "of the silent: \(silent.ignored) were asked lately and did not answer, "
          + "\(silent.askedEarlier) were asked before that, \(silent.neverAsked) never")
    }
    lines.append(
      "at capacity (\(percent(capacity.share)) of the silent, respondents weighted like them): "
        + "\(range(capacity.precision)) of those called would be unhappy, lift "
        + "\(three(capacity.lift.value ?? .nan))"
        + (evidence.bestFeature.map {
          "; by the best single feature, \($0.name), \(range($0.precision.first))"
        } ?? ""))
    lines.append(
      "respondents stand for the silent: told apart with AUC "
        + "\(three(overlap.domainAUC.value ?? .nan)), \(percent(overlap.outside)) of the silent have "
        + "nobody like them who spoke, effective share \(percent(overlap.effectiveShare))")
    if let stability = evidence.stability {
      lines.append(
        stability.statement.map {
          "trained on \(stability.origins.count) past dates, AUC surely above ½ at "
            + "\(stability.aboveChance): " + $0
        } ?? "no past date could be tried" + (stability.missing.map { ": \($0)" } ?? ""))
    }
    if let recency = overlap.recencyAUC?.value {
      lines.append(
        "how recently an account acted \(abs(recency - 0.5) > Overlap.telling ? "tells" : "hardly tells") "
          + "them apart: AUC \(three(recency)) by days since last events alone; both are looked at on "
          + "calendar dates, not on the day of a survey")
    }
    if let pooling = evidence.pooling {
      lines.append(
        "\(pooling.oneSidedRows) rows of one-sided feedback "
          + (pooling.joins
            ? "joined: precision at capacity rose" : "stayed out: with them no more were found"))
    }
    if evidence.weighting.wins {
      lines.append("trained on rows weighted like the silent: precision at capacity rose")
    }
    lines.append(levelLine(evidence.level, silent: silent.silent))
    lines.append("grade \(grading.grade.rawValue)")
    return lines + grading.reasons.map { "  \($0)" }
  }
}

/// Trains as of a date on what was read: of every account, or of a share of them, drawn by lot.
func trainModel(
  _ session: Session, _ base: HistoryBase, _ feedback: FeedbackSettings, _ asOf: Instant,
  lot: Double? = nil
) throws -> Trainer.Result {
  let schema = try base.schema(session.histories.features, asOf: asOf)
  let answers = try session.levelAnswers()
  var trainer = Trainer(
    base: base, feedback: feedback, training: session.training, schema: schema, asOf: asOf,
    trace: try session.outreachTrace(base, answers), threads: session.options.threadCount)
  trainer.answers = answers
  let capacity = try? Capacity(k: nil, session)
  trainer.backtest = Backtest(
    base: base, feedback: feedback, training: session.training,
    features: session.histories.features, asOf: asOf,
    capacity: { capacity?.callable(from: $0, lot: lot) }, origins: GradeRule.leastOrigins,
    trace: trainer.trace, threads: trainer.threads)
  session.options.say("training on \(schema.features.count) features")
  var result = try trainer.train(
    name: session.models.name, timeZone: session.histories.timeZone.identifier,
    projectDigest: sha256(session.file.contents))
  result.model.lot = lot
  return result
}

/// A number with three decimals.
func three(_ value: Double) -> String { String(format: "%.3f", value) }
