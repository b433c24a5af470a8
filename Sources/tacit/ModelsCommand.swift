import ArgumentParser
import Detraction
import Foundation
import Histories
import Learning

/// `tacit models …`: the versions of a model, and which of them is in force.
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "Lists, compares, promotes and takes back model versions.",
    discussion: """
      A version never changes once it is written. One of them is the champion, which `score` and \
      `nightly` use; models/<name>/history.jsonl says who made which version the champion, when \
      and on what evidence. A version is named by its folder, by the beginning of that, or by \
      "champion".
      """,
    subcommands: [List.self, Show.self, Compare.self, Promote.self, Rollback.self],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the versions.")
    @OptionGroup var options: ProjectOptions

    private struct Row: Encodable {
      var version: String
      var champion: Bool
      var asOf: String?
      var grade: String?
      var auc, aucLow, aucHigh: Double?
      /// Why the version cannot be used.
      var problem: String?
    }

    func run() throws {
      let models = try Session(options).models
      let champion = try? models.championVersion()
      let rows = try models.versions().map { version in
        var row = Row(version: version, champion: version == champion)
        do {
          let model = try models.load(version).model
          row.asOf = model.asOf.description
          row.grade = model.grading?.grade.rawValue
          (row.auc, row.aucLow, row.aucHigh) = (
            model.evidence?.auc ?? model.complaints?.auc.value,
            model.evidence?.aucLow ?? model.complaints?.auc.low,
            model.evidence?.aucHigh ?? model.complaints?.auc.high
          )
        } catch let error as DetractionError {
          row.problem = error.description
        }
        return row
      }
      if options.json { return try printJSON(rows) }
      guard !rows.isEmpty else {
        return options.say("no version in \(models.folder.path): run `tacit train --as-of DATE`")
      }
      let width = rows.map(\.version.utf8.count).max() ?? 0
      for row in rows {
        let name = row.version + String(repeating: " ", count: width - row.version.utf8.count)
        let lead = (row.champion ? "* " : "  ") + name
        if let problem = row.problem {
          print("\(lead)  cannot be used: \(problem)")
        } else if let auc = row.auc, let low = row.aucLow, let high = row.aucHigh {
          print(
            "\(lead)  grade \(row.grade ?? "–")  AUC \(three(auc)) (\(three(low)) to \(three(high)))"
          )
        }
      }
      if let champion {
        options.say(
          rows.contains { $0.champion }
            ? "* the champion" : "the champion file names \(champion), which is not there")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows what a version is, how good, and what it takes to make it again.")
    @OptionGroup var options: ProjectOptions
    @Argument(help: "The version; the champion when there is none.")
    var version = "champion"
    @Flag(
      help: """
        Score the golden vectors again, hold the files against the manifest, and say whether the \
        project file is still the one it was trained with.
        """)
    var verify = false

    private struct Report: Encodable {
      var version: String
      var champion: Bool
      var asOf: String
      var features, columns: Int
      var lambda: Double
      var metrics: Model.Evidence?
      var grading: Grading?
      var silent: SilentCounts
      var snapshots: [SnapshotCounts]
      var manifest: VersionManifest?
      var history: [ChampionChange]
      var verification: Verification?
    }

    func run() throws {
      let session = try Session(options)
      let name = try session.models.version(named: version)
      let model = try session.models.load(name).model
      let manifest = try session.models.manifest(name)
      let verification =
        verify ? try Verification(session, name, model: model, manifest: manifest) : nil
      let history = try session.models.history().filter { $0.to == name || $0.from == name }
      let isChampion = (try? session.models.championVersion()) == name
      if options.json {
        try printJSON(
          Report(
            version: name, champion: isChampion, asOf: model.asOf.description,
            features: model.schema.count, columns: model.coefficients.count,
            lambda: model.penalty.lambda,
            metrics: model.evidence, grading: model.grading, silent: model.silent,
            snapshots: model.populations, manifest: manifest, history: history,
            verification: verification))
      } else {
        printText(name, isChampion, model, manifest, history)
        for line in verification?.lines ?? [] { print(line) }
      }
      if let failed = verification?.failure { throw DetractionError.modelFile(failed) }
    }

    private func printText(
      _ name: String, _ isChampion: Bool, _ model: Model, _ manifest: VersionManifest?,
      _ history: [ChampionChange]
    ) {
      print(
        """
        \(name)\(isChampion ? ", the champion" : "")
        as of      \(model.asOf), dates in \(model.timeZone); \(model.schema.count) features in \
        \(model.coefficients.count) columns
        """)
      if let evidence = model.evidence {
        print(
          """
          learnt     \(evidence.rows) answers of \(evidence.customers) customers, \
          \(evidence.detractors) negative
          held out   AUC \(three(evidence.auc)) (95 %: \(three(evidence.aucLow)) to \
          \(three(evidence.aucHigh))), calibration slope \(three(evidence.calibrationSlope))
          """)
      }
      if let evidence = model.complaints {
        print(
          """
          learnt     from complaints alone: \(evidence.labelled) of \(evidence.complained) accounts, \
          against all others
          held out   AUC of those who complained \(three(evidence.auc.value ?? .nan)) (95 %: \
          \(three(evidence.auc.low ?? .nan)) to \(three(evidence.auc.high ?? .nan))); unhappy \
          \(evidence.isIdentified ? "told" : "cannot be told") from vocal
          """)
      }
      print("grade      \(model.grading?.grade.rawValue ?? "none, from before there were grades")")
      for reason in model.grading?.reasons ?? [] { print("           \(reason)") }
      print(
        """
        made by    tacit \(manifest?.tacit ?? "of a version not recorded") on \(model.processor)
        from       data \(model.dataDigest.prefix(16))…, \
        project file \(model.projectDigest.prefix(16))…
        """)
      for change in history { print("           \(line(change))") }
    }
  }

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Holds a version against another on the same rows.",
      discussion: """
        On the two-sided answers that the challenger was trained with, it being scored out of fold, \
        and only those that are fair to the champion: given after its as-of date, or held out in \
        its own training too.
        """)
    @OptionGroup var options: ProjectOptions
    @Argument(help: "The version to hold up.")
    var challenger: String
    @Argument(help: "The version to hold it against; the champion when there is none.")
    var champion = "champion"

    func run() throws {
      let session = try Session(options)
      let comparison = try compare(
        session, champion: try session.models.version(named: champion),
        challenger: try session.models.version(named: challenger))
      if options.json { return try printJSON(comparison) }
      printComparison(comparison)
    }
  }

  struct Promote: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a version the champion, if it passes the gate.",
      discussion: """
        Refused (status 3, with the number) for a version graded D, for one without a grade where \
        there is a champion, and for one that is significantly worse than the champion on rows that \
        are fair to both. --force with a reason passes the gate over and stands in the history.
        """)
    @OptionGroup var options: ProjectOptions
    @OptionGroup var author: AuthorOptions
    @Argument(help: "The version.")
    var version: String
    @Option(help: ArgumentHelp("Pass the gate over, for this reason.", valueName: "reason"))
    var force: String?
    @Flag(help: "Compare and say what would happen; change nothing.")
    var dryRun = false

    func validate() throws {
      if let force, force.allSatisfy(\.isWhitespace) {
        throw ValidationError("--force asks for a reason, which the history keeps")
      }
    }

    func run() throws {
      let session = try Session(options)
      let models = session.models
      let name = try models.version(named: version)
      let challenger = try models.load(name)
      let champion = try models.hasChampion ? models.championVersion() : nil
      guard champion != name else {
        return try report(nil, champion: name, said: "\(name) is the champion; nothing was changed")
      }
      // What the grade alone refuses is refused before the histories are read.
      var refusal = Promotion.refusal(
        challenger, hasChampion: champion != nil, comparison: nil)
      if let refusal, force == nil { throw DetractionError.insufficient(refused(refusal)) }
      var comparison: ModelComparison?
      if let champion {
        comparison = try compare(session, champion: champion, challenger: name)
        refusal =
          refusal ?? Promotion.refusal(challenger, hasChampion: true, comparison: comparison)
      }
      if let comparison, !options.json { printComparison(comparison) }
      if let refusal {
        guard let force else { throw DetractionError.insufficient(refused(refusal)) }
        options.say("the gate refuses, and is passed over (\(force)): \(refusal)")
      }
      let change = ChampionChange(
        action: .promote, at: try author.instant(), by: author.name, from: champion, to: name,
        grade: challenger.model.grading?.grade.rawValue, forced: refusal != nil, reason: force,
        comparison: comparison)
      if !dryRun { try models.enact(change) }
      try report(
        change, champion: dryRun ? champion : name,
        said: "\(name) \(dryRun ? "would be" : "is") the champion"
          + (champion.map { "; \(dryRun ? "it is" : "before") \($0)" } ?? ""))
    }

    private func refused(_ reason: String) -> String {
      reason + "; nothing was changed (--force REASON passes this over and is recorded)"
    }

    private func report(_ change: ChampionChange?, champion: String?, said: String) throws {
      if !options.json { return print(said) }
      try printJSON(
        ChangeReport(champion: champion, changed: change != nil && !dryRun, change: change))
    }
  }

  struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Brings back the champion before this one.",
      discussion: """
        The one that the history names; once more, the one before that. No gate is asked: it was \
        the champion. Cases that are open stay as they are.
        """)
    @OptionGroup var options: ProjectOptions
    @OptionGroup var author: AuthorOptions
    @Option(help: "Why, for the history.")
    var reason: String?
    @Flag(help: "Say what would happen; change nothing.")
    var dryRun = false

    func run() throws {
      let models = try Session(options).models
      let champion = try models.championVersion()
      let target = try models.rollbackTarget()
      // A version that cannot be loaded must not come into force.
      let grade = try models.load(target).model.grading?.grade.rawValue
      let change = ChampionChange(
        action: .rollback, at: try author.instant(), by: author.name, from: champion, to: target,
        grade: grade, reason: reason)
      if !dryRun { try models.enact(change) }
      if options.json {
        return try printJSON(
          ChangeReport(champion: dryRun ? champion : target, changed: !dryRun, change: change))
      }
      print("\(target) \(dryRun ? "would be" : "is") the champion again, instead of \(champion)")
    }
  }
}

/// Who does something, and when.
struct AuthorOptions: ParsableArguments {
  @Option(help: "Who does this, for the history (default: user@host).")
  var by: String?
  @Option(help: ArgumentHelp("When, as YYYY-MM-DDThh:mm:ssZ (default: now).", valueName: "instant"))
  var now: String?

  var name: String {
    if let by { return by }
    let environment = ProcessInfo.processInfo.environment
    let user = environment["USER"] ?? environment["LOGNAME"] ?? "uid \(getuid())"
    return "\(user)@\(ProcessInfo.processInfo.hostName)"
  }

  func instant() throws -> Instant {
    guard let now else {
      return Instant(microseconds: Int64((Date().timeIntervalSince1970 * 1e6).rounded(.down)))
    }
    guard let instant = Instant(iso8601: Array(now.utf8)[...], zone: nil) else {
      throw ValidationError("--now \(now) is no instant: expected YYYY-MM-DDThh:mm:ssZ")
    }
    return instant
  }
}

private struct ChangeReport: Encodable {
  var champion: String?
  var changed: Bool
  var change: ChampionChange?
}

/// Reads the histories and holds two versions against each other.
private func compare(
  _ session: Session, champion: String, challenger: String
) throws -> ModelComparison {
  _ = try session.requireFeedback()
  let versions = (
    try session.models.load(champion, heldOut: true),
    try session.models.load(challenger, heldOut: true)
  )
  return try ModelComparison(
    champion: versions.0, challenger: versions.1, base: try session.readBase(),
    capacity: session.capacity(of: versions.1.model), threads: session.options.threadCount)
}

private func printComparison(_ comparison: ModelComparison) {
  if let obstacle = comparison.obstacle { return print("not compared: \(obstacle)") }
  print(
    """
    \(comparison.challenger) against \(comparison.champion), on \(comparison.rows) answers of \
    \(comparison.customers) customers (\(comparison.detractors) negative) that are fair to both:
    \(comparison.later) came after the champion's as-of date and are scored by it now; \
    \(comparison.heldOutByBoth) were held out by both; \(comparison.leftOut) it had learnt from are \
    left out.
    The challenger is scored out of fold; it has seen other customers' answers of the later months, \
    the champion has not.
    """)
  func line(_ name: String, _ measure: ModelComparison.Measure?) {
    guard let measure else { return }
    print(
      "\(name)  \(three(measure.challenger)) against \(three(measure.champion)), difference "
        + "\(three(measure.difference)) (95 %: \(three(measure.low)) to "
        + "\(three(measure.high)))")
  }
  line("AUC", comparison.auc)
  line("precision of the first \(Int(comparison.called ?? 0))", comparison.precision)
  if let z = comparison.delongZ, let p = comparison.delongP {
    print("DeLong's paired test of the AUCs  z = \(String(format: "%.2f, p = %.2g", z, p))")
  }
  switch comparison.verdict {
  case .better: print("the challenger is significantly better")
  case .worse: print("the challenger is significantly worse")
  case .noDifference: print("no significant difference")
  case .notCompared: break
  }
}

private func line(_ change: ChampionChange) -> String {
  let what =
    switch change.action {
    case .first: "first champion"
    case .promote: "promoted" + (change.forced ? " by force" : "")
    case .rollback: "brought back"
    case .found: "found as champion"
    }
  return "\(change.at)  \(change.to) \(what) by \(change.by)"
    + (change.from.map { ", before \($0)" } ?? "") + (change.reason.map { " (\($0))" } ?? "")
}

/// Whether a version is what it was, and what it takes to make it again.
private struct Verification: Encodable {
  /// Golden vectors scored again, all to 1e-9; loading fails otherwise.
  var goldenVectors: Int
  /// Files that are not what the manifest says, erasure's sidecars among them.
  var changedFiles: [String]
  var hasManifest: Bool
  var sameProjectFile: Bool
  var sameProgram: Bool?
  var sameProcessor: Bool
  /// The command that makes it again, from the same data.
  var again: String

  init(_ session: Session, _ name: String, model: Model, manifest: VersionManifest?) throws {
    goldenVectors = model.golden.count
    hasManifest = manifest != nil
    let place = session.models.place(name)
    changedFiles = (manifest?.files ?? [:]).sorted { $0.key < $1.key }.filter { file in
      FileManager.default.contents(atPath: place.appendingPathComponent(file.key).path)
        .map(sha256) != file.value
    }.map(\.key)
    sameProjectFile = sha256(session.file.contents) == model.projectDigest
    sameProgram = manifest.map { $0.tacit == tacitVersion }
    sameProcessor = openBLASCoreName() == model.processor
    again =
      "tacit train --project \(session.options.project) --as-of \(model.asOf)"
  }

  /// A model that is not the one of the manifest.
  var failure: String? {
    changedFiles.contains("model.json")
      ? "model.json is not the file that the manifest of its version names: restore it" : nil
  }

  var lines: [String] {
    func words(_ same: Bool?) -> String {
      same.map { $0 ? "the same now" : "another now" } ?? "not recorded"
    }
    return [
      "verified   seal and digest, and \(goldenVectors) golden vectors scored again, each to 1e-9",
      "files      "
        + (!hasManifest
          ? "no manifest: written before there were any"
          : changedFiles.isEmpty
            ? "as the manifest says"
            : "changed since, as erasure does: " + changedFiles.joined(separator: ", ")),
      "again      \(again)",
      "           makes the same bits from the same data (the digest of the new version tells), "
        + "project file (\(words(sameProjectFile))), program (\(words(sameProgram))) and "
        + "processor (\(words(sameProcessor)))",
    ]
  }
}
