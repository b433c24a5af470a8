import Detraction
import Foundation
import Histories
import Outreach

/// A project opened by a command: its settings decoded, every problem told at once.
struct Session {
  let file: ProjectFile
  let histories: HistorySettings
  let feedback: FeedbackSettings?
  let training: TrainingSettings
  let models: ModelStore
  let outreach: OutreachSettings
  /// The file of `[level] answers`.
  let answers: URL?
  let options: ProjectOptions

  init(_ options: ProjectOptions) throws {
    self.options = options
    file = try ProjectFile(path: options.project)
    histories = HistorySettings(project: file)
    feedback = FeedbackSettings(project: file)
    training = TrainingSettings(project: file)
    models = ModelStore(project: file)
    outreach = OutreachSettings(
      project: file, timeZone: histories.timeZone, numeric: histories.accounts?.numeric ?? [],
      categorical: histories.accounts?.categorical ?? [])
    answers = LevelAnswers.path(project: file)
    try file.check()
  }

  /// What silent accounts answered that were drawn at random: from the project's file, and from the
  /// queue.
  func levelAnswers() throws -> LevelAnswers {
    var level =
      try answers.map { try LevelAnswers(file: $0, zone: histories.timeZone) } ?? LevelAnswers()
    if outreach.store.mayExist {
      level.answers += try CaseStore(existing: outreach.store).levelAnswers()
    }
    return level
  }

  /// Whom outreach has touched: every account that ever had a case, and those asked at random.
  func outreachTrace(_ base: HistoryBase, _ answers: LevelAnswers) throws -> OutreachTrace {
    var contacts = answers.answers.map { (account: $0.account, at: $0.drawnAt) }
    guard outreach.store.mayExist else { return OutreachTrace(contacts: contacts, in: base) }
    let store = try CaseStore(existing: outreach.store)
    contacts += try store.firstCases()
    return OutreachTrace(contacts: contacts, leftAlone: try store.leftAlone(), in: base)
  }

  /// Where rows that cannot be used are written.
  var quarantine: URL { file.folder.appendingPathComponent("quarantine.csv") }

  /// What `train`, `score` and `nightly` need on top of `features`.
  func requireFeedback() throws -> FeedbackSettings {
    guard let feedback else {
      throw HistoriesError.projectFile(
        path: options.project,
        problems: [
          "[feedback] is missing: say by which kinds customers speak and what makes one negative, "
            + "such as [[feedback.signal]] kind = \"nps\", detractor = { at_most = 6 }"
        ])
    }
    return feedback
  }

  /// The share of the silent accounts that the queues can begin within one label window after the
  /// model's as-of date, at most 1; nil without a queue, or without anybody silent.
  func capacity(of model: Model) -> Double? {
    guard model.silent.silent > 0, let capacity = try? Capacity(k: nil, self) else { return nil }
    let callable = capacity.callable(from: model.asOf, lot: model.lot)
    return min(1, Double(callable) / Double(model.silent.silent))
  }

  /// Reads every history of the project and says what was read. `extending` the packed histories on the
  /// way; `texts`: what customers said too.
  func readBase(extending: Bool = false, texts: Bool = false) throws -> HistoryBase {
    let progress = Progress(options, "reading")
    func read(_ packing: Packing) throws(HistoriesError) -> HistoryBase {
      try HistoryBase.read(
        histories, roles: feedback?.roles ?? [:], threads: options.threadCount,
        quarantine: quarantine, packing: packing, texts: texts,
        progress: { progress.report($0, $1) })
    }
    let base: HistoryBase
    do throws(HistoriesError) {
      if extending, let packed = histories.packed { removeLeftovers(in: URL(filePath: packed)) }
      base = try read(extending ? .extend(verifying: false) : .read)
    } catch {
      // A cache that cannot be written keeps nobody from being called.
      guard extending, case .output(let message) = error else { throw error }
      options.say("warning: \(message); this run reads the inputs and keeps nothing packed")
      base = try read(.read)
    }
    progress.done()
    for line in base.intake.lines { options.say(line) }
    return base
  }
}

/// What the days before a date lack against the weeks before them.
func deliveryWarnings(_ base: HistoryBase, _ asOf: Instant) -> [String] {
  base.intake.volumes.flatMap { $0.warnings(before: asOf, zone: base.timeZone) }
}

/// A line on the terminal that says how far long work is; nothing where stderr is no terminal.
final class Progress: Sendable {
  private let title: String
  private let shown: Bool

  init(_ options: ProjectOptions, _ title: String) {
    self.title = title
    shown = !options.quiet && isatty(STDERR_FILENO) == 1
  }

  func report(_ done: Int, _ total: Int) {
    guard shown, total > 0 else { return }
    FileHandle.standardError.write(Data("\r\(title) \(100 * done / total) % ".utf8))
  }

  /// How far work is whose end is not known.
  func say(_ number: Int) {
    guard shown else { return }
    FileHandle.standardError.write(Data("\r\(title) \(number) ".utf8))
  }

  func done() {
    if shown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }
}
