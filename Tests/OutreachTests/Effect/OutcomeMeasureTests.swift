import Detraction
import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// What accounts did after they were enrolled, against a plain count in Python.
struct OutcomeMeasureTests {
  private struct Question: Codable {
    var events: String
    var starts: [Int]
    var asOf: Int
    var horizon: Int
    /// By account, for each outcome.
    var values: [[Double]]? = nil
  }

  private func base(_ events: String) throws -> (HistoryBase, FeedbackSettings, String) {
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
      [[feedback.signal]]
      kind = "nps"
      detractor = { at_most = 6 }
      [[feedback.signal]]
      kind = "complaint"
      detractor = "always"
      """)
    let path = file.folder.appendingPathComponent("events.csv").path
    try Data(events.utf8).write(to: URL(fileURLWithPath: path))
    let histories = HistorySettings(project: file)
    let feedback = try #require(FeedbackSettings(project: file))
    try file.check()
    return (
      try HistoryBase.read(histories, roles: feedback.roles, threads: 2), feedback, path
    )
  }

  @Test func agreesWithAPlainCount() throws {
    var chance = SplitMix64(31)
    let day = 86_400
    var rows = ["account,at,known,kind,value"]
    for account in 0..<150 {
      rows.append("a\(account),\(10 * day),\(10 * day),signup,")
      for _ in 0..<Int.random(in: 0...30, using: &chance) {
        // Whole days often, so that ends of windows are met.
        let at =
          Int.random(in: 80...200, using: &chance) * day
          + (Bool.random(using: &chance) ? 0 : Int.random(in: 0..<day, using: &chance))
        let known = at + (Int.random(in: 0...9, using: &chance) > 6 ? 40 * day : 0)
        let kind = ["order", "cancellation", "nps", "complaint"].randomElement(using: &chance)!
        let value =
          kind == "complaint" || Int.random(in: 0...9, using: &chance) == 0
          ? "" : "\(Int.random(in: 0...10, using: &chance))"
        rows.append("a\(account),\(at),\(known),\(kind),\(value)")
      }
    }
    let (base, feedback, path) = try base(rows.joined(separator: "\n") + "\n")
    let starts = (0..<150).map { _ in Int.random(in: 90...150, using: &chance) * day }
    let (asOf, horizon) = (190 * day, 45)
    let script = """
      import csv, json, sys
      q = json.load(open(sys.argv[1]))
      rows = list(csv.DictReader(open(q["events"])))
      out = []
      for number, start in enumerate(q["starts"]):
        seen = [r for r in rows if r["account"] == f"a{number}"
          and start <= int(r["at"]) < start + q["horizon"] * 86400
          and int(r["at"]) < q["asOf"] and int(r["known"]) < q["asOf"]]
        orders = [r for r in seen if r["kind"] == "order"]
        said = sorted((int(r["at"]), r["kind"] == "complaint" or float(r["value"]) <= 6)
          for r in seen
          if r["kind"] == "complaint" or (r["kind"] == "nps" and r["value"] != ""))
        first = [bad for at, bad in said if at == said[0][0]]
        out.append([
          1.0 if orders else 0.0,
          0.0 if any(r["kind"] == "cancellation" for r in seen) else 1.0,
          sum(float(r["value"] or 0) for r in orders),
          -1.0 if len(set(first)) > 1 else 0.0 if first and first[0] else 1.0])
      q["values"] = out
      print(json.dumps(q))
      """
    let question = Question(events: path, starts: starts, asOf: asOf, horizon: horizon)
    guard let answer = try Python.run(script, on: question) else { return }
    let expected = try #require(try JSONDecoder().decode(Question.self, from: answer).values)
    let measures: [OutcomeMeasure.Measure] = [
      .happens(event: "order", wanted: true), .happens(event: "cancellation", wanted: false),
      .sum(event: "order"), .nextFeedback,
    ]
    func instant(_ seconds: Int) -> Instant { Instant(microseconds: Int64(seconds) * 1_000_000) }
    for (place, measure) in measures.enumerated() {
      let reader = OutcomeMeasure.Reader(
        OutcomeMeasure(name: "o", measure: measure, horizonDays: horizon), base, feedback,
        asOf: instant(asOf))
      var met: Set<Double> = []
      for (number, start) in starts.enumerated() {
        let account = try #require(base.index(of: "a\(number)"))
        let value = reader.value(account, from: instant(start))
        met.insert(value)
        // −1: both were said at once, and which comes first is the histories' own order.
        if expected[number][place] >= 0 {
          #expect(value == expected[number][place], "a\(number) \(measure)")
        }
      }
      #expect(met.count > 1)
    }
  }

  @Test func aKindThatNobodyEverDid() throws {
    let (base, feedback, _) = try base("account,at,known,kind,value\na,1,1,signup,\n")
    func value(_ measure: OutcomeMeasure.Measure) -> Double {
      OutcomeMeasure.Reader(
        OutcomeMeasure(name: "o", measure: measure, horizonDays: 3), base, feedback,
        asOf: Instant(microseconds: .max / 2)
      ).value(0, from: Instant(microseconds: 0))
    }
    #expect(value(.happens(event: "order", wanted: true)) == 0)
    #expect(value(.happens(event: "order", wanted: false)) == 1)
    #expect(value(.sum(event: "order")) == 0 && value(.nextFeedback) == 1)
  }
}
