import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// What became of detractors, look-alikes and others, against pandas.
struct LaterConductTests {
  private struct Question: Encodable {
    var folder: String
    var asOf, now, horizon, silentFor, cut: Double
  }

  private struct Answer: Decodable {
    /// Counts and means of detractors, look-alikes, others, for the two outcomes.
    var groups: [[[Double]]]
  }

  private static let day = 86_400

  /// Accounts, a night's scores, and what came later.
  private func write(_ folder: URL) throws {
    var chance = SplitMix64(41)
    var events = ["account,at,known,kind,value"]
    var scores = ["account_id,as_of,logit,reasons"]
    for account in 0..<400 {
      let id = "\"a\(account)\(account % 7 == 0 ? "\"\"," : "")\""
      events.append("\(id),\(5 * Self.day),\(5 * Self.day),order,1")
      var spoke = false
      for _ in 0..<chance.below(12) {
        // Windows' edges are often met.
        let at = (20 + chance.below(160)) * Self.day + (chance.below(2) == 0 ? 0 : 7_000)
        let known = at + (chance.below(5) == 0 ? 50 * Self.day : 0)
        let kind = ["order", "nps", "complaint", "cancellation"][chance.below(4)]
        let value = kind == "complaint" || chance.below(9) == 0 ? "" : "\(chance.below(11))"
        events.append("\(id),\(at),\(known),\(kind),\(value)")
        spoke = spoke || kind == "nps"
      }
      if !spoke { scores.append("\(id),x,\(6 * chance.uniform() - 4),") }
    }
    scores.append("erased,x,0.25,")
    for (name, rows) in [("events", events), ("scores", scores)] {
      try Data((rows.joined(separator: "\n") + "\n").utf8)
        .write(to: folder.appendingPathComponent(name + ".csv"))
    }
  }

  private static let script = """
    import json, sys, numpy as np, pandas as pd
    q = json.load(open(sys.argv[1]))
    read = lambda n: pd.read_csv(q["folder"] + "/" + n + ".csv", keep_default_na=False, dtype=str)
    scores, events = read("scores"), read("events")
    scores["logit"] = scores.logit.astype(float)
    for c in ("at", "known"): events[c] = events[c].astype(int)
    events["value"] = pd.to_numeric(events.value)
    ids = events.account.drop_duplicates()
    T, now, end = q["asOf"], q["now"], q["asOf"] + q["horizon"]
    seen = events[(events["at"] >= T) & (events["at"] < end) & (events.known < now) & (events["at"] < now)]
    neg = lambda d: (d.kind == "complaint") | ((d.kind == "nps") & (d.value <= 6))
    said = events[neg(events) & (events["at"] >= T - q["silentFor"]) & (events["at"] < T) & (events.known < T)]
    detractors = set(said.account)
    cancelled = set(seen[seen.kind == "cancellation"].account)
    spent = seen[seen.kind == "order"].groupby("account").value.sum()
    values = [lambda a: float(a not in cancelled), lambda a: float(spent.get(a, 0.0))]
    known = set(ids)
    alike = [a for a, l in zip(scores.account_id, scores.logit) if l >= q["cut"] and a in known]
    others = [a for a, l in zip(scores.account_id, scores.logit) if l < q["cut"] and a in known]
    groups = [[[len(g), float(np.mean([f(a) for a in g]))] for g in (sorted(detractors), alike, others)] for f in values]
    json.dump(dict(groups=groups), sys.stdout)
    """

  @Test func agreesWithPandas() throws {
    let file = try project(
      """
      time_zone = "UTC"
      [[events]]
      path = "events.csv"
      account = "account"
      at = { column = "at", format = "unix" }
      known_at = { column = "known", format = "unix" }
      kind = "kind"
      value = "value"
      [feedback]
      silent_for_days = 40
      [[feedback.signal]]
      kind = "nps"
      detractor = { at_most = 6 }
      [[feedback.signal]]
      kind = "complaint"
      detractor = "always"
      """)
    try write(file.folder)
    let histories = HistorySettings(project: file)
    let feedback = try #require(FeedbackSettings(project: file))
    try file.check()
    let base = try HistoryBase.read(histories, roles: feedback.roles, threads: 2)
    let (asOf, now, horizon, cut) = (100, 145, 45, 0.5)
    let store = try CaseStore(path: file.folder.appendingPathComponent("tacit.sqlite").path)
    var run = try #require(published(try Base(3).publish(store, settings())))
    run.asOf = Instant(microseconds: Int64(asOf * Self.day) * 1_000_000)
    run.cut = cut
    let question = Question(
      folder: file.folder.path, asOf: Double(asOf * Self.day), now: Double(now * Self.day),
      horizon: Double(horizon * Self.day), silentFor: Double(40 * Self.day), cut: cut)
    guard let data = try Python.run(Self.script, on: question) else { return }
    let answer = try JSONDecoder().decode(Answer.self, from: data)

    let scores = file.folder.appendingPathComponent("scores.csv").path
    let measures: [OutcomeMeasure.Measure] = [
      .happens(event: "cancellation", wanted: false), .sum(event: "order"),
    ]
    for (measure, theirs) in zip(measures, answer.groups) {
      let conduct = try LaterConduct(
        OutcomeMeasure(name: "o", measure: measure, horizonDays: horizon), run, scores: scores,
        base: base, feedback: feedback,
        now: Instant(microseconds: Int64(now * Self.day) * 1_000_000), threads: 2)
      #expect(conduct.groups.map(\.name) == ["detractors", "look-alikes", "others"])
      for (ours, theirs) in zip(conduct.groups, theirs) {
        #expect(Double(ours.accounts) == theirs[0] && ours.accounts > 20)
        #expect(abs((ours.mean ?? .nan) - theirs[1]) < 1e-9, "\(ours): \(theirs)")
      }
    }
  }
}
