import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// What an engine leaves out changes nothing: `decide` over the candidates decides as over everybody,
/// whatever the queues, the lot and the work that is there.
@Suite struct CandidateTests {
  /// Scored accounts with many ties, some of whom are not silent, and the unhappiest first.
  private struct Scored {
    var base: Base
    /// Of each account; those that are not silent stand in the engine's table alone.
    var table: [String] = []
    var called: [String] = []

    init(_ draw: inout SplitMix64, silent count: Int) {
      let segments = ["gold", "silver", "o'x \\", nil]
      base = Base(count, id: { "a'\(String(1000 + $0))\\" })
      func cell(_ text: String?) -> String { text.map(SQLDialect.duckdb.literal) ?? "NULL" }
      func cell(_ number: Double?) -> String { number.map(SQLText.literal) ?? "NULL" }
      for place in 0..<count + 40 {
        let isSilent = place < count
        let id = isSilent ? base.ids[place] : "loud \(place)"
        let record = AccountRecord(
          account: id, numeric: [[nil, 1, 2, 3][draw.below(4)]],
          categorical: [["x", nil][draw.below(2)], ["north", "south", nil][draw.below(3)]],
          value: [nil, 10, 20, 30][draw.below(4)], segment: segments[draw.below(4)],
          doNotContact: draw.below(6) == 0)
        // Ties of about three.
        let logit = Double(count - place) / 3
        let tied = isSilent ? logit.rounded(.down) / 8 : 100
        let isCalled = isSilent && draw.below(40) == 0
        if isSilent {
          base.records[place] = draw.below(9) == 0 ? nil : record
          base.ranking[place].logit = tied
          if isCalled { called.append(id) }
        }
        let known = isSilent ? base.records[place] : record
        table.append(
          "(\(cell(id)), \(cell(tied)), \(isSilent), \(known?.doNotContact != true), \(isCalled), "
            + "\(cell(known?.segment)), \(cell(known?.value)), \(cell(known?.numeric[0])), "
            + "\(cell(known?.categorical[0])), \(cell(known?.categorical[1])))")
      }
    }
  }

  private func span(_ draw: inout SplitMix64, _ steps: [Double]) -> QueueRule.Span {
    func step() -> Double { steps[draw.below(steps.count)] }
    switch draw.below(5) {
    case 0: return QueueRule.Span(atLeast: step())
    case 1: return QueueRule.Span(atMost: step())
    case 2: return QueueRule.Span(above: step())
    case 3: return QueueRule.Span(below: step())
    default: return QueueRule.Span(atLeast: steps[0], below: step())
    }
  }

  private func queues(_ draw: inout SplitMix64) -> [Queue] {
    (0..<1 + draw.below(4)).map { place in
      let conditions: [QueueRule.Condition] =
        switch draw.below(6) {
        case 0: []
        case 1: [.segment(["gold", "o'x \\"])]
        case 2: [.value(span(&draw, [10, 20, 30]))]
        case 3: [.categorical(1, ["north"]), .categorical(0, ["x"])]
        case 4: [.numeric(0, span(&draw, [1, 2, 3]))]
        // Few or none.
        default:
          [.segment(["silver"]), .value(QueueRule.Span(above: 20)), .numeric(0, .init(above: 2))]
        }
      return Queue(
        name: "q'\(place)", rule: QueueRule(conditions), capacity: draw.below(7), channel: "phone",
        mode: draw.below(4) == 0 ? .batch : .people, holdout: draw.below(3) > 0)
    }
  }

  private func work(
    _ draw: inout SplitMix64, _ ids: [String], _ experiment: Experiment?
  ) -> OpenWork {
    var work = OpenWork()
    // Among the unhappiest, where it removes.
    func some(_ share: Int) -> [AccountKey] {
      ids.prefix(80).filter { _ in draw.below(100) < share }.map(AccountKey.init)
    }
    let most = [0, 5, 25][draw.below(3)]
    for key in some(most) { work.accounts[key] = .predicted }
    for key in some(most) {
      work.touches[key] = (monday.adding(days: -draw.below(60)), draw.below(4))
    }
    for key in some(most) { work.closed[key] = monday.adding(days: -draw.below(60)) }
    for key in some(most) {
      work.holds[key] = [
        Hold(account: key.id, kind: .snooze, since: monday.adding(days: -9), until: nil)
      ]
    }
    if let experiment {
      for key in some(most) {
        work.enrolments[experiment.seed, default: [:]][key] =
          [.contact, .holdout, .exploration][draw.below(3)]
      }
      if draw.below(2) == 0 { work.experiments = [experiment] }
    }
    for place in 0..<draw.below(2) { work.unclaimed["q'\(place)"] = draw.below(4) }
    return work
  }

  private func untold(_ plan: Plan) -> [Decision] {
    plan.decisions.map {
      var decision = $0
      decision.place = 0
      // Numbered in the excerpt, as in the base.
      decision.account = 0
      return decision
    }
  }

  @Test func decidingOverTheCandidatesDecidesTheSame() throws {
    guard let duckDB = try DuckDB.linked(into: try temporaryFolder()) else { return }
    var draw = SplitMix64(41)
    struct Trial {
      var scored: Scored
      var settings: OutreachSettings
      var work: OpenWork
    }
    var trials: [Trial] = []
    var script = ""
    for number in 0..<120 {
      let scored = Scored(&draw, silent: 30 + draw.below(300))
      let experiment =
        draw.below(4) == 0
        ? nil
        : Experiment(
          seed: "lot '\(number) \\ ${x}", starts: monday.adding(days: -9),
          ends: monday.adding(days: draw.below(5) == 0 ? 0 : 9),
          holdout: [0, 0.1, 0.5, 1][draw.below(4)], exploration: draw.below(6))
      let work = work(&draw, scored.base.ids, experiment)
      var set = settings(queues(&draw))
      set.experiment = experiment
      // Edited after it was registered: what was registered counts, in the project file or not.
      if let experiment, !work.experiments.isEmpty {
        set.experiment?.holdout = experiment.holdout / 2
      }
      let candidates = try CandidateSQL(set, work: work, asOf: monday, dialect: .duckdb)
      set.experiment = work.experiments.registered(set.experiment)
      let columns = candidates.columns.map { "\($0.expression) AS \($0.name)" }
        .joined(separator: ", ")
      script += """
        CREATE TABLE t\(number) AS SELECT *, \(columns) FROM (VALUES
          \(scored.table.joined(separator: ",\n")))
          AS v(account_id, logit, silent, eligible, called, segment, worth, n0, c0, c1);
        CREATE TABLE c\(number) AS SELECT account_id FROM t\(number)
          WHERE \(candidates.isCandidate(in: "t\(number)"));
        CREATE TABLE f\(number) AS WITH scores AS (SELECT *, 0.5 AS probability, 'top' AS band,
          '[]' AS reasons FROM t\(number)) \(candidates.flags(model: "m"));

        """
      trials.append(Trial(scored: scored, settings: set, work: work))
    }
    script += trials.indices.map { "SELECT \($0) AS trial, 'c' AS what, account_id FROM c\($0)" }
      .joined(separator: "\nUNION ALL\n")
    script += "\nUNION ALL\n"
    script += trials.indices.map { "SELECT \($0), 'f' || queue, account_id FROM f\($0)" }
      .joined(separator: "\nUNION ALL\n")
    let file = try temporaryFolder().appendingPathComponent("candidates.sql")
    try Data((script + ";\n").utf8).write(to: file)
    let said = try duckDB.run(".mode json", ".read \(file.path)")
    let rows = try #require(
      try JSONSerialization.jsonObject(with: Data(said.utf8)) as? [[String: Any]])
    var chosen: [Set<String>] = trials.map { _ in [] }
    var flags: [[String: Set<String>]] = trials.map { _ in [:] }
    for row in rows {
      let trial = try #require((row["trial"] as? NSNumber)?.intValue)
      let (what, id) = (row["what"] as? String ?? "", row["account_id"] as? String ?? "")
      if what == "c" {
        chosen[trial].insert(id)
      } else {
        flags[trial][String(what.dropFirst()), default: []].insert(id)
      }
    }
    var (all, taken) = (0, 0)
    for (number, trial) in trials.enumerated() {
      var work = trial.work
      for id in trial.scored.called { work.accounts[AccountKey(id)] = .voiced }
      let base = trial.scored.base
      #expect(chosen[number].isSubset(of: base.ids), "the silent alone")
      let whole = base.plan(trial.settings, work, at: monday)
      var excerpt = base
      excerpt.ranking = base.ranking.enumerated().compactMap { place, ranked in
        var ranked = ranked
        ranked.rank = place + 1
        return chosen[number].contains(base.ids[place]) ? ranked : nil
      }
      let part = excerpt.plan(trial.settings, work, at: monday)
      #expect(untold(part) == untold(whole), "trial \(number)")
      #expect(part.cut == whole.cut && part.businessDay == whole.businessDay, "trial \(number)")
      all += base.ids.count
      taken += chosen[number].count
      // A free day, with equals in the order of their ids, as here.
      let free = base.plan(trial.settings, at: monday)
      var explored = trial.settings
      explored.experiment?.exploration = 0
      let unexplored =
        trial.settings.experiment == nil
        ? free : base.plan(explored, at: monday)
      for queue in trial.settings.queues {
        let wanted = Set(unexplored.flagged.filter { $0.queue?.name == queue.name }.map(\.id))
        #expect(flags[number][queue.name] ?? [] == wanted, "trial \(number), \(queue)")
      }
    }
    // And few: else any choice would do.
    #expect(taken < all * 2 / 3)
  }
}
