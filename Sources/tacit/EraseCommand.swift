import ArgumentParser
import Detraction
import Foundation
import Histories
import Outreach

/// `tacit erase`: everything that Tacit keeps of a person goes, and the person does not come back.
///
/// The order is that of what must not be lost: the tombstone first, synced, so that no reader takes the
/// person in again; then the store, in one transaction; then files, each whole or not at all. Killed
/// anywhere, the same command completes it.
struct EraseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "erase",
    abstract: "Takes accounts out of everything that Tacit keeps, for good.",
    discussion: """
      The open case closes as erased. Who it was, what was said, notes, holds, scores, reasons and \
      decisions go from the store; rows of the account go from the score files of nights, from the \
      sidecars of every model version and from quarantine; packed/ is removed, and made anew \
      without the account by the next night. erased.txt beside the project file keeps a \
      digest of the id, by which the account is left out of all that is read from then on.

      Stopped half-way, the same command completes it. What Tacit cannot reach is named at the end: the \
      inputs, what other systems were told, files written elsewhere, backups.

      Try:
        tacit erase 00417 --dry-run
        tacit erase 00417 --yes --by dpo
      """)

  @OptionGroup var options: ProjectOptions
  @Argument(help: "The accounts' ids.")
  var accounts: [String]
  @Option(help: ArgumentHelp("Who asks for it, as an id of the team's.", valueName: "agent"))
  var by = Action.run
  @Option(help: ArgumentHelp("When (default: now).", valueName: "instant"))
  var now: String?
  @Flag(help: "Say what would go; change nothing.")
  var dryRun = false
  @Flag(help: "Do not ask.")
  var yes = false

  func validate() throws {
    for account in accounts where account.isEmpty || account.utf8.contains(0) {
      throw ValidationError("an account's id is empty or holds a NUL")
    }
  }

  private struct Report: Encodable {
    var erased: Bool
    /// Accounts that had no tombstone before.
    var accounts: Int
    var store: CaseStore.Erased
    var nightFiles, nightRows: Int
    var modelFiles, modelRows: Int
    var quarantineRows: Int
    var outOfReach: [String]
  }

  func run() throws {
    let session = try Session(options)
    let now = try time(now, "--now", session.histories.timeZone)
    if !dryRun { try ask() }
    let lock = dryRun ? nil : try RunLock(folder: session.file.folder)
    defer { withExtendedLifetime(lock) {} }
    let place = session.outreach.store
    let store = place.mayExist ? try CaseStore(existing: place) : nil
    var tombstones = Tombstones(project: session.file)
    try session.file.check()
    var report = Report(
      erased: !dryRun, accounts: accounts.count { !tombstones.contains($0) },
      store: CaseStore.Erased(), nightFiles: 0, nightRows: 0, modelFiles: 0, modelRows: 0,
      quarantineRows: 0, outOfReach: outOfReach(session))
    if !dryRun {
      removeLeftovers(in: session.file.folder)
      report.accounts = try tombstones.add(accounts, folder: session.file.folder)
    }
    if let store {
      report.store =
        try dryRun
        ? store.known(of: accounts)
        : store.erase(accounts, by: by, at: now, webhooks: session.outreach.webhooks)
      if !dryRun { try store.forget() }
    }
    for (folder, _) in nightFolders(session) {
      if !dryRun { removeLeftovers(in: folder) }
      for file in nightFiles(in: folder) where file.pathExtension == "csv" {
        guard let removal = try RowRemoval(path: file.path, accounts: accounts) else { continue }
        report.nightFiles += 1
        report.nightRows += removal.rows
        if !dryRun { try rewrite(file, removal, session, store) }
      }
    }
    for file in sidecars(session) {
      guard let removal = try RowRemoval(path: file.path, accounts: accounts) else { continue }
      report.modelFiles += 1
      if !dryRun { removeLeftovers(in: file.deletingLastPathComponent()) }
      report.modelRows += removal.rows
      if !dryRun { try removal.write(to: file.path) }
    }
    if !dryRun, let folder = session.histories.packed {
      for path in PackedHistories.remove(folder: folder) {
        report.outOfReach.append("\(path), which cannot be removed")
      }
    }
    let quarantine = session.quarantine.path
    if FileManager.default.fileExists(atPath: quarantine),
      let removal = try RowRemoval(quarantine: quarantine, accounts: accounts)
    {
      report.quarantineRows = removal.rows
      if !dryRun { try removal.write(to: quarantine) }
    }
    try say(report)
  }

  /// What cannot be undone is asked for twice: on a terminal by a word, elsewhere by --yes.
  private func ask() throws {
    if yes { return }
    guard isatty(STDIN_FILENO) == 1 else {
      throw ValidationError("erasure cannot be undone: say --yes, or look first with --dry-run")
    }
    let many = accounts.count == 1 ? "this account" : "these \(accounts.count) accounts"
    printToStandardError("Erase \(many) for good? Type yes:")
    guard readLine() == "yes" else { throw ValidationError("nothing was erased") }
  }

  /// A run's score file is named by its digest: the new one stands before the run points to it, and
  /// the old one goes last.
  private func rewrite(
    _ file: URL, _ removal: RowRemoval, _ session: Session, _ store: CaseStore?
  ) throws {
    guard file.lastPathComponent.hasPrefix("scores-") else {
      return try removal.write(to: file.path)
    }
    let digest = removal.sha256
    let folder = file.deletingLastPathComponent()
    let new = folder.appendingPathComponent("scores-\(digest.prefix(8)).csv")
    try removal.write(to: new.path)
    let kind = folder.deletingLastPathComponent().lastPathComponent
    let place = "\(kind)/\(folder.lastPathComponent)/"
    _ = try store?.moveScores(
      from: place + file.lastPathComponent, to: place + new.lastPathComponent, sha256: digest,
      rows: removal.rows)
    if new.path != file.path { unlink(file.path) }
  }

  /// The files by account of every version of every model beside the project file.
  private func sidecars(_ session: Session) -> [URL] {
    func entries(_ folder: URL) -> [URL] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      return names.sorted().map { folder.appendingPathComponent($0) }
    }
    return entries(session.models.folder.deletingLastPathComponent()).flatMap(entries)
      .flatMap(entries).filter { $0.pathExtension == "csv" }
  }

  private func outOfReach(_ session: Session) -> [String] {
    var places = session.histories.events.map { "the input \($0.path)" }
    if let accounts = session.histories.accounts { places.append("the input \(accounts.path)") }
    if let answers = session.answers { places.append("the input \(answers.path)") }
    places += session.outreach.webhooks.map { "what \($0) was told" }
    return places + ["files written elsewhere with --out", "backups"]
  }

  private func say(_ report: Report) throws {
    if options.json { return try printJSON(report) }
    let known = report.store
    let isKnown =
      !known.isNothing || report.nightRows + report.modelRows + report.quarantineRows > 0
    print(
      "\(report.accounts) of \(accounts.count) accounts \(dryRun ? "would be" : "were") new to "
        + Tombstones.fileName)
    if isKnown {
      print(dryRun ? "would go:" : "gone:")
      func line(_ count: Int, _ what: String) {
        if count > 0 { print("  \(grouped(count)) \(what)") }
      }
      line(known.cases, "cases' persons, scores and notes (\(known.open) open, closed as erased)")
      line(known.decisions, "decisions")
      line(known.enrolments, "places in experiments, kept without the account")
      line(known.holds, "holds")
      line(known.exemplars, "mentions as a known detractor in other cases")
      line(report.nightRows, "rows in \(report.nightFiles) files of nights")
      line(report.modelRows, "rows in \(report.modelFiles) files of model versions")
      line(report.quarantineRows, "quarantined rows")
    } else {
      print("nothing was known of them here: look whether the ids are right")
    }
    print("out of reach, to be seen to by you:")
    for place in report.outOfReach { print("  \(place)") }
  }
}
