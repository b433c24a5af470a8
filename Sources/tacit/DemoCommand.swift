import ArgumentParser
import Detraction
import Foundation
import Histories
import Learning
import Outreach
import Synthesis

/// The sample base of `datasets/sample`, which `demo` makes anew to the byte.
enum SampleBase {
  static let asOf = SyntheticBase.defaultAsOf

  static func base() throws -> SyntheticBase {
    try SyntheticBase(accounts: 3000, events: 100_000, seed: 417)
  }
}

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "The whole way on the sample base, ending with the queue.",
    discussion: """
      Makes the sample base (about 3,000 made-up customers, the same as datasets/sample) in a \
      fresh folder, trains, scores the silent, opens cases, and says how well the silent were \
      ranked: the sample knows the truth, which no other command reads.
      """)

  @Option(help: "The folder to work in; must not be there yet, or be one of an earlier demo.")
  var out = "tacit-demo"

  @Flag(help: "Print the measured ranking as JSON instead.")
  var json = false

  private struct Report: Encodable {
    var asOf: String
    var accounts: SilentCounts
    var called: Int
    var rankings: [KnownTruth.Ranking]
    var hiddenLow, hiddenHigh: Double
    var hiddenTruth: Int
    var casesOpened: Int
  }

  func run() throws {
    try prepareFolder()
    _ = try SampleBase.base().write(to: out, threads: 2)
    _ = FileManager.default.createFile(atPath: marker, contents: nil)
    var options = ProjectOptions()
    options.project = "\(out)/tacit.toml"
    options.quiet = json
    options.json = false
    options.threads = nil

    let session = try Session(options)
    let zone = session.histories.timeZone
    guard let asOf = Instant(asOf: SampleBase.asOf, zone: zone) else {
      throw DetractionError.bug("the sample's as-of date cannot be read")
    }
    let base = try session.readBase()
    let result = try trainModel(session, base, try session.requireFeedback(), asOf)
    let published = try session.models.publish(result)
    let version = try session.models.load(published.version)
    let scorer = try makeScorer(session, version, base, asOf, sampling: true)
    let store = try CaseStore(session.outreach.store)
    var seconds = NightSeconds()
    let publication = try publishNight(session, scorer, store, &seconds)
    let open = try store.openCases()
    let cases = session.outreach.queues.flatMap { queue in open.filter { $0.queue == queue.name } }

    let called = max(
      1, min(cases.count { $0.form == .predicted }, scorer.ranking.count))
    let truth = try readTruth(scorer, threads: options.threadCount)
    let rankings = try judge(scorer, truth, k: called)
    let hiddenTruth = scorer.ranking.count {
      truth.isDetractor[base.account(Int($0.account))] == true
    }
    // Not measured here: the range over how much likelier the unhappy are to speak.
    let hidden = [scorer.hidden.low ?? 0, scorer.hidden.high ?? 0]
    if json {
      guard case .published(let run) = publication else { return }
      return try printJSON(
        Report(
          asOf: asOf.description, accounts: scorer.counts, called: called, rankings: rankings,
          hiddenLow: hidden[0], hiddenHigh: hidden[1], hiddenTruth: hiddenTruth,
          casesOpened: run.flagged))
    }
    let counts = scorer.counts
    print(
      """

      \(grouped(counts.accounts)) accounts as of \(SampleBase.asOf): \(grouped(counts.recent)) \
      spoke, \(grouped(counts.silent)) silent\
      \(counts.objected > 0 ? ", \(counts.objected) may not be profiled" : "")
      Of the \(called) silent accounts most at risk, truly unhappy (the sample knows): \
      \(rankings[0].name) \(whole(rankings[0].found))
        \(rankings.dropFirst().map { "\($0.name) \(whole($0.found))" }.joined(separator: " · "))
      All silent accounts in order of risk, AUC (0.5 is chance, 1 is perfect):
        \(rankings.dropLast().map { "\($0.name) \(three($0.auc))" }.joined(separator: " · "))
      Hidden unhappy customers: between \(grouped(Int(hidden[0].rounded()))) and \
      \(grouped(Int(hidden[1].rounded()))), not measured
        (calls will narrow it; the sample knows: \(grouped(hiddenTruth)))
      \(cases.count) cases opened in \(Set(cases.map(\.queue)).count) queues. \
      Next: \(CommandLine.arguments[0]) queue list --project \(out)/tacit.toml

      """)
    print(CaseListing(zone: zone).text(cases, perQueue: 2))
  }

  private var marker: String { "\(out)/.tacit-demo" }

  /// A folder of an earlier demo is made anew; any other is left alone.
  private func prepareFolder() throws {
    let manager = FileManager.default
    guard manager.fileExists(atPath: out) else { return }
    guard manager.fileExists(atPath: marker) else {
      throw HistoriesError.output(
        "\(out) is there and is no earlier demo's folder: name another with --out")
    }
    do { try manager.removeItem(atPath: out) } catch {
      throw HistoriesError.output("cannot remove \(out): \(error.localizedDescription)")
    }
  }

  private func readTruth(_ scorer: Scorer, threads: Int) throws -> KnownTruth {
    let table = try CSVTable(path: "\(out)/truth.csv")
    let account = try table.column("account_id", for: "the truth")
    let state = try table.column("is_detractor", for: "the truth")
    var truth: [String: Bool] = [:]
    for row in 0..<table.rowCount {
      if let id = table.text(row, account) { truth[id] = table.text(row, state) == "1" }
    }
    return KnownTruth(
      base: scorer.base, schema: scorer.version.model.schema, asOf: scorer.asOf,
      isDetractor: truth, threads: threads)
  }

  /// Tacit beside a learner that knew every answer and three plain rules.
  private func judge(
    _ scorer: Scorer, _ known: KnownTruth, k: Int
  ) throws -> [KnownTruth.Ranking] {
    let accounts = scorer.ranking.map { Int($0.account) }
    let oracle = try known.oracleLogits()
    func rule(_ name: String, _ feature: String, lowest: Bool) throws -> KnownTruth.Ranking? {
      guard let values = try known.feature(feature, of: accounts) else { return nil }
      let scores = values.map { $0.isNaN ? -Double.greatestFiniteMagnitude : lowest ? -$0 : $0 }
      return try known.judge(name, accounts: accounts, scores: scores, k: k)
    }
    let rankings: [KnownTruth.Ranking?] = [
      try known.judge("Tacit", accounts: accounts, scores: scorer.ranking.map(\.logit), k: k),
      try known.judge(
        "a learner that knew every answer", accounts: accounts,
        scores: accounts.map { oracle[$0] ?? 0 }, k: k),
      try rule("latest ticket", "ticket_opened.days_since_last", lowest: true),
      try rule("least active", "login.active_days.30d", lowest: true),
      try known.judge(
        "at random", accounts: accounts, scores: accounts.map { _ in 0 }, k: k),
    ]
    return rankings.compactMap { $0 }
  }

  private func whole(_ value: Double) -> String { String(Int(value.rounded())) }
}

/// A whole number with commas between thousands.
func grouped(_ value: Int) -> String {
  var digits = Array(String(value.magnitude).utf8)
  var place = digits.count - 3
  while place > 0 {
    digits.insert(UInt8(ascii: ","), at: place)
    place -= 3
  }
  return (value < 0 ? "-" : "") + String(decoding: digits, as: UTF8.self)
}
