import Foundation
import TestSupport
import Testing

/// `tacit backtest` as its users run it.
@Suite struct BacktestTests {
  static let asOf = "2026-03-02"
  /// One origin and a short list keep a run to seconds.
  static let short = ["backtest", "--as-of", asOf, "--origins", "1", "--k", "150", "--json"]

  private func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func edit(_ file: URL, _ change: (String) -> String) throws {
    try change(String(contentsOf: file, encoding: .utf8))
      .write(to: file, atomically: true, encoding: .utf8)
  }

  private struct Input: Encodable {
    var folder, at, asOf: String
    var k, horizonDays, gapDays, windowDays: Int
  }

  /// From the scores that `score` writes and the events alone, in Python.
  private static let oracle = """
    import csv, json, sys
    from datetime import datetime, timedelta
    from scipy.stats import beta
    from sklearn.metrics import average_precision_score, roc_auc_score
    i = json.load(open(sys.argv[1]))
    day = timedelta(days=1)
    when = lambda text: datetime.fromisoformat(text)
    T, D = when(i["at"]), when(i["asOf"])
    spoken = {}
    for e in csv.DictReader(open(i["folder"] + "/events.csv")):
        if e["kind"] in ("nps", "complaint", "refund_request"):
            bad = e["kind"] != "nps" or float(e["value"]) <= 6
            spoken.setdefault(e["account_id"], []).append((when(e["at"]), e["kind"] == "nps", bad))
    logit = {r["account_id"]: float(r["logit"])
             for r in csv.DictReader(open(i["folder"] + "/scores.csv"))}
    never = [a for a in logit if all(s[0] >= T for s in spoken.get(a, []))]
    lead, other, guarded = {}, 0, 0
    for a in never:
        first = min((s[0] for s in spoken.get(a, []) if s[0] < D), default=None)
        if first is None or first >= T + i["horizonDays"] * day: continue
        if not any(s[0] == first and s[2] for s in spoken[a]): other += 1
        elif first < T + i["gapDays"] * day: guarded += 1
        else: lead[a] = (first - T) / day
    k = min(i["k"], len(never))
    def called(a):
        above = sum(logit[b] > logit[a] for b in never)
        tied = sum(logit[b] == logit[a] for b in never)
        return min(1, max(0, (k - above) / tied))
    chance = {a: called(a) for a in lead}
    captured, n, lot = sum(chance.values()), len(lead), k / len(never)
    days = sorted((lead[a], chance[a]) for a in lead)
    def quantile(q):
        total = 0
        for d, w in days:
            total += w
            if w > 0 and total >= q * captured: return d
    start, answered = T + i["gapDays"] * day, {}
    for a in never:
        inside = [s for s in spoken.get(a, []) if start <= s[0] < start + i["windowDays"] * day]
        if any(s[1] for s in inside): answered[a] = int(any(s[2] for s in inside))
    y, s = list(answered.values()), [logit[a] for a in answered]
    print(json.dumps({
        "accounts": len(never), "detractors": n, "spoke_otherwise": other, "guarded": guarded,
        "captured": captured, "by_lot": n * lot, "share": captured / n,
        "low": beta.ppf(.025, captured, n - captured + 1) / lot,
        "high": beta.ppf(.975, captured + 1, n - captured) / lot,
        "lift": captured / n / lot, "lead": [quantile(q) for q in (.25, .5, .75)],
        "auc": roc_auc_score(y, s), "ap": average_precision_score(y, s),
        "rows": len(y), "negative": sum(y)}))
    """

  /// Captured at k, lift, lead times and AUC from what `train` and `score` give as of the origin.
  @Test func theNumbersAreThoseOfTrainingAndScoringThen() throws {
    let folder = try sampleCopy()
    let run = try Program.run(Self.short, in: folder)
    #expect(run.status == 0, "\(run.errors)")
    let result = try json(run.output)
    let origins = try #require(result["origins"] as? [[String: Any]])
    let origin = try #require(origins.first)
    let at = try #require(origin["at"] as? String)
    let train = try Program.run("train", "--as-of", at, "--json", in: folder)
    #expect(train.status == 0, "\(train.errors)")
    let version = try #require(try json(train.output)["version"] as? String)
    let model = try String(
      contentsOf: folder.appendingPathComponent("models/sample/\(version)/model.json"),
      encoding: .utf8)
    let digest = try #require(origin["training_digest"] as? String)
    #expect(model.contains(digest), "the origin saw what training as of it sees")
    let score = try Program.run("score", "--as-of", at, "--out", "scores.csv", in: folder)
    #expect(score.status == 0, "\(score.errors)")
    let input = Input(
      folder: folder.path, at: at, asOf: try #require(result["as_of"] as? String), k: 150,
      horizonDays: 90, gapDays: 1, windowDays: 30)
    guard let data = try Python.run(Self.oracle, on: input) else { return }
    let expected = try json(String(decoding: data, as: UTF8.self))
    let silenced = try #require(origin["silenced"] as? [String: Any])
    func close(_ ours: Any?, _ name: String, _ tolerance: Double = 1e-9) {
      let (a, b) = (ours as? Double ?? .nan, expected[name] as? Double ?? .nan)
      #expect(abs(a - b) <= tolerance, "\(name): \(a), expected \(b)")
    }
    for name in ["accounts", "detractors", "spoke_otherwise", "guarded", "captured", "by_lot"] {
      close(silenced[name], name)
    }
    let lift = silenced["lift"] as? [String: Any]
    close(lift?["value"], "lift")
    close(lift?["low"], "low")
    close(lift?["high"], "high")
    let lead = try #require(silenced["lead_days"] as? [String: Double])
    let days = try #require(expected["lead"] as? [Double])
    for (name, value) in zip(["lower", "median", "upper"], days) {
      #expect(abs((lead[name] ?? .nan) - value) < 1e-6, "\(name)")
    }
    let answers = try #require(origin["answers"] as? [String: Any])
    let group = try #require(answers["never_spoken"] as? [String: Any])
    close(group["rows"], "rows")
    close(group["detractors"], "negative")
    close((group["auc"] as? [String: Any])?["value"], "auc")
    close((group["average_precision"] as? [String: Any])?["value"], "ap")
  }

  /// A training tries itself on the same past dates, and its grade stands on what that gave.
  @Test func trainingKnowsItsPast() throws {
    let folder = try sampleCopy()
    func output(_ arguments: [String]) throws -> [String: Any] {
      try json(Program.run(arguments + ["--as-of", Self.asOf, "--json"], in: folder).output)
    }
    let full = try output(["backtest", "--origins", "3"])
    let trained = try output(["train"])
    let metrics = try #require(trained["metrics"] as? [String: Any])
    let stability = try #require(metrics["stability"] as? [String: Any])
    let tried = try #require(stability["origins"] as? [[String: Any]])
    let origins = try #require(full["origins"] as? [[String: Any]])
    #expect(tried.count == 3 && origins.count == 3)
    for (one, other) in zip(tried, origins) {
      let all = try #require((other["answers"] as? [String: Any])?["all"] as? [String: Any])
      #expect(one["at"] as? String == other["at"] as? String)
      #expect(one["auc"] as? NSDictionary == all["auc"] as? NSDictionary)
      #expect(one["rows"] as? Int == all["rows"] as? Int)
    }
    #expect(stability["silenced"] as? NSDictionary == full["silenced"] as? NSDictionary)
    #expect(stability["statement"] as? String == full["statement"] as? String)
    let grading = try #require(trained["grading"] as? [String: Any])
    let checks = try #require(grading["checks"] as? [[String: Any]])
    let check = try #require(checks.first { $0["name"] as? String == "origins of the back-test" })
    #expect(check["value"] as? Double == 3)
  }

  /// What is known at or after the as-of date changes no byte, nor do threads or the order of rows;
  /// what is known at or after an origin changes nothing of its training, and what was known before
  /// does.
  @Test func whatIsKnownLaterChangesNothing() throws {
    let folder = try sampleCopy()
    try edit(folder.appendingPathComponent("tacit.toml")) {
      $0.replacing("at = \"at\"", with: "at = \"at\"\nknown_at = \"known_at\"")
    }
    let events = folder.appendingPathComponent("events.csv")
    let rows = try String(contentsOf: events, encoding: .utf8).split(separator: "\n").dropFirst()
      .map { "\($0),\($0.split(separator: ",", omittingEmptySubsequences: false)[1])" }
    func run(_ extra: [String], reversed: Bool = false, threads: Int = 2) throws -> String {
      let all = reversed ? (rows + extra).reversed() : rows + extra
      try ("account_id,at,kind,value,channel,known_at\n" + all.joined(separator: "\n") + "\n")
        .write(to: events, atomically: true, encoding: .utf8)
      let result = try Program.run(Self.short + ["--threads", "\(threads)"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return result.output
    }
    func digest(_ output: String) throws -> String {
      let origins = try #require(try json(output)["origins"] as? [[String: Any]])
      return try #require(origins[0]["training_digest"] as? String)
    }
    /// Answers and events of before the origin of 2025-12-01T23:00Z.
    func late(known: String) -> [String] {
      (0..<200).map { index in
        let kind = ["nps", "complaint", "late_delivery", "order"][index % 4]
        return String(format: "%05d", index * 13 + 1)
          + ",2025-11-\(10 + index % 15)T12:00:00Z,\(kind),\(index % 11),,\(known)"
      }
    }
    let before = try run([])
    #expect(try run(late(known: "2026-03-01T23:00:00Z"), reversed: true, threads: 1) == before)
    let later = try run(late(known: "2025-12-01T23:00:00Z"))
    #expect(later != before)
    #expect(try digest(later) == digest(before))
    #expect(try digest(try run(late(known: "2025-12-01T22:59:59Z"))) != digest(before))
  }

  /// A kind that is written when somebody complains, and dated back to before: refused, by name.
  @Test func anEventThatIsTheAnswerIsRefused() throws {
    let folder = try sampleCopy()
    let events = folder.appendingPathComponent("events.csv")
    var rows = try String(contentsOf: events, encoding: .utf8).split(separator: "\n")
      .map(String.init)
    let format = ISO8601DateFormatter()
    for row in rows where row.contains(",nps,") {
      let fields = row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard (Double(fields[3]) ?? 10) <= 6, let at = format.date(from: fields[1]) else { continue }
      rows.append(
        "\(fields[0]),\(format.string(from: at.addingTimeInterval(-31.5 * 86_400))),follow_up,,")
    }
    try (rows.joined(separator: "\n") + "\n").write(to: events, atomically: true, encoding: .utf8)
    let result = try Program.run(Self.short, in: folder)
    #expect(result.status == 3, "\(result.output.prefix(500))")
    #expect(result.errors.contains("follow_up"), "\(result.errors)")
    #expect(result.errors.contains("leak") && result.output.isEmpty)
  }

  /// An attribute written after the answers, without a date, is refused by name.
  @Test func anAttributeThatIsTheAnswerIsRefused() throws {
    let folder = try sampleCopy()
    var said: [String: (bad: Double, all: Double)] = [:]
    let events = try String(
      contentsOf: folder.appendingPathComponent("events.csv"), encoding: .utf8)
    for row in events.split(separator: "\n") where row.contains(",nps,") {
      let fields = row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard fields[1] >= "2025-03-06" else { continue }
      said[fields[0], default: (0, 0)].all += 1
      if (Double(fields[3]) ?? 10) <= 6 { said[fields[0]]?.bad += 1 }
    }
    try edit(folder.appendingPathComponent("accounts.csv")) { text in
      text.split(separator: "\n").enumerated().map { line, row in
        let share = said[String(row.prefix(5))].map { $0.bad / $0.all } ?? 0
        return line == 0 ? "\(row),at_risk" : "\(row),\(share)"
      }.joined(separator: "\n") + "\n"
    }
    try edit(folder.appendingPathComponent("tacit.toml")) {
      $0.replacing("numeric = [\"seats\"]", with: "numeric = [\"seats\", \"at_risk\"]")
    }
    let result = try Program.run(Self.short, in: folder)
    #expect(result.status == 3, "\(result.output.prefix(500))")
    #expect(result.errors.contains("\"at_risk\""), "\(result.errors)")
  }

  /// Members of a marketplace that hardly ever complain: the back-test runs, says by itself that
  /// nothing can be claimed, and the hidden detractors give numbers.
  @Test func bitcoinClaimsNothing() throws {
    guard let data = Shared.path("data/bitcoin_otc/soc-sign-bitcoinotc.csv") else { return }
    let folder = try temporaryFolder()
    try FileManager.default.copyItem(
      at: Shared.root.appendingPathComponent("datasets/bitcoin-otc/tacit.toml"),
      to: folder.appendingPathComponent("tacit.toml"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.appendingPathComponent("soc-sign-bitcoinotc.csv").path,
      withDestinationPath: data)
    let run = try Program.run(
      "backtest", "--as-of", "2014-01-01", "--k", "100", "--json", in: folder)
    #expect(run.status == 0, "\(run.errors)")
    let result = try json(run.output)
    #expect(result["claim"] as? String == "too_few")
    #expect((result["statement"] as? String)?.hasPrefix("Nothing can be claimed") == true)
    let masking = try #require(result["masking"] as? [String: Any])
    let recall = try #require(masking["recall"] as? [String: Double])
    let (low, value, high) = (
      recall["low"] ?? .nan, recall["value"] ?? .nan, recall["high"] ?? .nan
    )
    #expect(0 <= low && low < value && value < high && high <= 1)
  }

  @Test func figuresComeWithTheirNumbers() throws {
    let folder = try sampleCopy()
    let run = try Program.run(
      ["backtest", "--as-of", Self.asOf, "--origins", "2", "--figures", "plots"], in: folder)
    if run.status == 69 { return print("SKIPPED: figuresComeWithTheirNumbers: gnuplot not found") }
    #expect(run.status == 0, "\(run.errors)")
    for name in ["capture", "gains"] {
      let place = folder.appendingPathComponent("plots/\(name)")
      let svg = try String(contentsOf: place.appendingPathExtension("svg"), encoding: .utf8)
      #expect(svg.contains("<svg") && svg.contains("the model"))
      let csv = try String(contentsOf: place.appendingPathExtension("csv"), encoding: .utf8)
      #expect(csv.contains("model") && csv.split(separator: "\n").count >= 3)
    }
    for words in ["Silenced detractors", "by lot", "Precision: at least", "Hidden:"] {
      #expect(run.output.contains(words), "\(run.output)")
    }
  }

  @Test func withoutACapacityOrAnAnswerItSaysSo() throws {
    let folder = try sampleCopy()
    let project = folder.appendingPathComponent("tacit.toml")
    for arguments in [["--k", "0"], ["--origins", "0"], ["--horizon-days", "1"]] {
      let result = try Program.run(
        ["backtest", "--as-of", Self.asOf] + arguments, in: folder)
      #expect(result.status == 64 && result.errors.contains(arguments[0]), "\(result.errors)")
    }
    let early = try Program.run("backtest", "--as-of", "2024-06-01", in: folder)
    #expect(early.status == 3 && early.output.isEmpty, "\(early.errors)")
    try edit(project) { String($0[..<$0.range(of: "[[queue]]")!.lowerBound]) }
    let result = try Program.run("backtest", "--as-of", Self.asOf, in: folder)
    #expect(result.status == 64 && result.errors.contains("--k"), "\(result.errors)")
  }
}
