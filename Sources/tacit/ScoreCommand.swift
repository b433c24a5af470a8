import ArgumentParser
import Detraction
import Foundation
import Histories
import Learning

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score every silent account, with reasons.",
    discussion: """
      One row per silent account, the most at risk first. `probability` is that feedback, if this \
      account gave any in the label window, would be negative; by a model learnt from complaints \
      alone, that the account is unhappy enough to complain, whether or not it ever does. Its level \
      for silent accounts is not measured until some have been asked. The contributions in `reasons` add up to `logit`.

      A name that ends in .jsonl is written as JSON Lines, any other as CSV.
      """)

  @OptionGroup var options: ProjectOptions
  @OptionGroup var date: AsOfOption

  @Option(help: "The file to write.")
  var out: String

  @Option(help: "The model version (default: the champion).")
  var model: String?

  @Option(
    help: ArgumentHelp(
      """
      Say why each logit is another than it was: since a score file (CSV) of an earlier run, or since \
      an earlier date by the same model. Adds the columns since, logit_then and changes, whose parts \
      add up to the difference.
      """, valueName: "scores.csv|date"))
  var since: String?

  private struct Report: Encodable {
    var out: String
    var sha256: String
    var model: String
    /// What `probability` says of an account.
    var meaning: String
    var accounts: SilentCounts
    /// Whether the probabilities' level is that of silent accounts, by answers of some.
    var levelMeasured: Bool
    /// How many of the silent are unhappy; without a value where the level is not measured.
    var hidden: Evaluation.Estimate
  }

  func validate() throws { try refuseParquet(out) }

  func run() throws {
    let session = try Session(options)
    _ = try session.requireFeedback()
    let asOf = try date.instant(in: session.histories.timeZone)
    let version = try session.models.load(model)
    let base = try session.readBase()
    let scorer = try makeScorer(session, version, base, asOf)
    let progress = Progress(options, "scoring")
    let digest = try ScoreFile.write(
      scorer, since: try earlier(session, base, asOf), to: out, progress: progress.report)
    progress.done()
    if options.json {
      return try printJSON(
        Report(
          out: out, sha256: digest, model: version.version, meaning: version.model.meaning,
          accounts: scorer.counts,
          levelMeasured: version.model.levelIsMeasured, hidden: scorer.hidden))
    }
    options.say(
      "\(scorer.ranking.count) silent accounts scored by \(version.version), written to \(out)")
    if version.model.isComplaintsOnly {
      options.say("learnt from complaints alone: `probability` is \(version.model.meaning)")
    }
    let hidden = [scorer.hidden.low, scorer.hidden.high].map { grouped(Int(($0 ?? 0).rounded())) }
    options.say(
      "hidden unhappy customers: \(hidden[0]) to \(hidden[1])"
        + (version.model.levelIsMeasured
          ? " (95 %), measured by answers of silent accounts drawn at random"
          : version.model.level?.isOpen == true
            ? ", open: complaints alone do not bound it until silent accounts have been asked"
            : ", not measured: the range over how much likelier the unhappy are to speak"))
  }

  private func earlier(
    _ session: Session, _ base: HistoryBase, _ asOf: Instant
  ) throws -> EarlierScores? {
    guard let since else { return nil }
    let earlier =
      if let date = Instant(asOf: since, zone: session.histories.timeZone) {
        EarlierScores(asOf: date)
      } else {
        try EarlierScores(path: since, base: base)
      }
    guard earlier.asOf < asOf else {
      throw ValidationError("--since \(since) is of \(earlier.asOf), not before \(asOf)")
    }
    return earlier
  }
}

/// Ranks the silent accounts of a base by a model; `sampling`: for drift; `census`: among those whom an
/// engine has scored.
func makeScorer(
  _ session: Session, _ version: ModelVersion, _ base: HistoryBase, _ asOf: Instant,
  sampling: Bool = false, census: Census? = nil
) throws -> Scorer {
  try requireScorable(session, version, asOf)
  let scorer = try Scorer(
    version: version, base: base, asOf: asOf, sayable: session.histories.features.sayable,
    sampling: sampling, census: census, threads: session.options.threadCount)
  guard !scorer.ranking.isEmpty else {
    throw DetractionError.insufficient("no account is silent as of \(asOf): nothing to score")
  }
  return scorer
}

/// Refuses a date that the model has seen answers of, and silence by another rule than its own.
func requireScorable(
  _ session: Session, _ version: ModelVersion, _ asOf: Instant
) throws {
  guard asOf >= version.model.asOf else {
    throw DetractionError.insufficient(
      "model \(version.version) has seen answers up to \(version.model.asOf); scoring as of "
        + "\(asOf) would look back on what it learnt from: train as of that date")
  }
  guard try session.requireFeedback().agrees(with: version.model.feedback) else {
    throw DetractionError.insufficient(
      "[feedback] of \(session.options.project) is not what model \(version.version) was trained "
        + "with, so it would score accounts as silent that it does not know as such: train anew, or "
        + "bring the section back")
  }
}
