import Foundation
import TestSupport
import Testing

/// Drift as a user meets it: what `nightly` and `report` say of another night than training's.
@Suite struct DriftTests {
  private static let trained = "2026-02-02"
  private static let tonight = "2026-03-02"

  private struct Night: Decodable {
    struct Shift: Decodable {
      var name: String
      var index: Double
      var is_shifted: Bool
    }
    struct Part: Decodable {
      var name: String
      var change: Double
    }
    struct Estimate: Decodable { var value: Double }
    struct Fresh: Decodable {
      var rows, negative: Int
      var in_the_large: Estimate
      var worse, better: Double
    }
    struct Volume: Decodable { var flagged: Int }
    struct Drift: Decodable {
      var state: String
      var advice: [String]
      var score: Shift
      var features: [Shift]
      var mean_logit_change: Double
      var parts: [Part]
      var fresh: Fresh?
      var volume: Volume?
    }
    var as_of, model, since: String
    var drift: Drift
  }

  private func trained(_ asOf: String) throws -> URL {
    let folder = try sampleCopy()
    let train = try Program.run("train", "--as-of", asOf, in: folder)
    #expect(train.status == 0, "\(train.errors)")
    return folder
  }

  private func night(_ asOf: String, in folder: URL) throws -> Night {
    let result = try Program.run("nightly", "--as-of", asOf, in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let night = try JSONDecoder().decode(
      Night.self, from: Data(contentsOf: folder.appendingPathComponent("runs/\(asOf)/drift.json")))
    #expect(result.output.contains("drift since \(Self.trained): \(night.drift.state). "))
    #expect(result.errors.contains("warning: drift") == (night.drift.state == "act"))
    return night
  }

  private func edit(_ folder: URL, _ change: (Substring) -> String) throws {
    let file = folder.appendingPathComponent("events.csv")
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(change)
      .joined(separator: "\n").appending("\n").write(to: file, atomically: true, encoding: .utf8)
  }

  /// Nothing has moved since the very night of training; and a month on nothing is wrong either.
  @Test func theNightOfTrainingIsSteady() throws {
    let folder = try trained(Self.trained)
    let same = try night(Self.trained, in: folder)
    #expect(same.drift.state == "steady" && same.drift.score.index == 0)
    #expect(same.drift.features.allSatisfy { $0.index < 1e-12 })
    #expect(same.drift.mean_logit_change == 0 && same.drift.fresh == nil)
    #expect(same.as_of == same.since && same.drift.volume?.flagged == 30)
    // A dry run says the same and writes nothing.
    let dry = try Program.run("nightly", "--as-of", Self.tonight, "--dry-run", in: folder)
    #expect(dry.output.contains("drift since \(Self.trained): steady. "), "\(dry.output)")
    #expect(
      !FileManager.default.fileExists(
        atPath: folder.appendingPathComponent("runs/\(Self.tonight)").path))
    let later = try night(Self.tonight, in: folder)
    #expect(later.drift.state == "steady", "\(later.drift.advice)")
    // Run again, it says what it said.
    let again = try Program.run("nightly", "--as-of", Self.tonight, "--json", in: folder)
    #expect(again.output.contains("\"state\" : \"steady\""))
  }

  /// A kind renamed at its source, and a value that is suddenly in cents: named, and no case is kept
  /// from opening.
  @Test(arguments: ["renamed", "multiplied"]) func aBrokenSourceIsNamed(how: String) throws {
    let folder = try trained(Self.trained)
    try edit(folder) { line in
      var cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      if how == "renamed" {
        if cells[2] == "late_delivery" { cells[2] = "delivery_late" }
      } else if cells[2] == "order", let value = Double(cells[3]) {
        cells[3] = "\(value * 100)"
      }
      return cells.joined(separator: ",")
    }
    let night = try night(Self.trained, in: folder)
    #expect(night.drift.state != "steady")
    let kind = how == "renamed" ? "late_delivery." : "order.sum"
    #expect(night.drift.advice.joined().contains(kind), "\(night.drift.advice)")
    #expect(night.drift.features.contains { $0.is_shifted && $0.name.hasPrefix(kind) })
    let moved = night.drift.features.filter(\.is_shifted).map(\.name)
    let own = how == "renamed" ? "late_delivery." : "order."
    #expect(moved.allSatisfy { $0.hasPrefix(own) }, "\(moved)")
    let queue = try Program.run("queue", "list", "--json", in: folder)
    #expect(queue.output.contains("account_id"))
  }

  /// Fresh feedback, the change of the mean logit and the volume, recomputed from the files by numpy.
  @Test func agreesWithTheFiles() throws {
    let folder = try trained(Self.trained)
    _ = try night(Self.trained, in: folder)
    let first = try night("2026-02-10", in: folder)
    #expect((first.drift.fresh?.rows ?? 0) > 0)
    let night = try night(Self.tonight, in: folder)
    let script = """
      import csv, glob, json, sqlite3, sys
      from datetime import datetime, timedelta, timezone
      from math import log
      import numpy as np
      root, then, now = json.load(open(sys.argv[1]))
      def scores(night):
          path, = glob.glob(f"{root}/runs/{night}/scores-*.csv")
          return {r["account_id"]: r for r in csv.DictReader(open(path))}
      time = lambda t: datetime.fromisoformat(t.replace("Z", "+00:00"))
      old, new = scores(then), scores(now)
      s = time(next(iter(old.values()))["as_of"])
      tonight = time(next(iter(new.values()))["as_of"])
      start, end = s + timedelta(days=1), s + timedelta(days=31)
      store = sqlite3.connect(f"{root}/tacit.sqlite")
      second = lambda t: datetime.fromtimestamp(t / 1e6, timezone.utc)
      called = {a for a, at in store.execute(
          "select account, min(opened_at) from cases group by account") if second(at) < end}
      answered, negative = {}, set()
      for e in csv.DictReader(open(f"{root}/events.csv")):
          at = time(e["at"]) if e["kind"] in ("nps", "complaint", "refund_request") else None
          if at is None or not (start <= at < end and at < tonight): continue
          a = e["account_id"]
          if a not in old or a in called: continue
          if e["kind"] == "nps":
              answered[a] = min(at, answered.get(a, at))
              if float(e["value"]) <= 6: negative.add(a)
          else: negative.add(a)
      rows = sorted(answered, key=lambda a: answered[a])
      p = np.array([float(old[a]["probability"]) for a in rows])
      y = np.array([a in negative for a in rows], float)
      worse = better = 0.0
      for pi, yi in zip(p, y):
          worse = max(0.0, worse + yi * log(2) - log(1 + pi))
          better = max(0.0, better - yi * log(2) - log(1 - pi / 2))
      logits = lambda f: np.array([float(r["logit"]) for r in f.values()])
      a, b = logits(old), logits(new)
      cuts = np.quantile(a, np.arange(1, 10) / 10, method="inverted_cdf")
      r = np.bincount(np.searchsorted(cuts, a), minlength=10) / len(a)
      q = np.bincount(np.searchsorted(cuts, b), minlength=10) / len(b)
      print(json.dumps(dict(rows=len(rows), negative=int(y.sum()), gap=float(np.mean(p - y)),
        worse=worse, better=better, change=float(b.mean() - a.mean()),
        index=float(np.sum((q - r) * np.log(q / r))))))
      """
    struct Answer: Decodable {
      var rows, negative: Int
      var gap, worse, better, change, index: Double
    }
    guard let output = try Python.run(script, on: [folder.path, Self.trained, Self.tonight])
    else { return }
    let answer = try JSONDecoder().decode(Answer.self, from: output)
    let fresh = try #require(night.drift.fresh)
    #expect(answer.rows > 20 && answer.negative > 5)
    #expect(fresh.rows == answer.rows && fresh.negative == answer.negative)
    #expect(abs(fresh.in_the_large.value - answer.gap) < 1e-12)
    #expect(abs(fresh.worse - answer.worse) < 1e-9 && abs(fresh.better - answer.better) < 1e-9)
    #expect(abs(night.drift.mean_logit_change - answer.change) < 1e-12)
    let sum = night.drift.parts.reduce(0) { $0 + $1.change }
    #expect(abs(sum - night.drift.mean_logit_change) < 1e-12)
    #expect(abs(night.drift.score.index - answer.index) < 1e-12)
  }

  /// Killed anywhere, also between score file and publication: the next try leaves the same bytes, on
  /// another number of threads too.
  @Test func aKilledNightIsMadeAgainToTheByte() throws {
    let folder = try trained(Self.trained)
    _ = try night(Self.trained, in: folder)
    let calm = try temporaryFolder().appendingPathComponent("sample")
    try FileManager.default.copyItem(at: folder, to: calm)
    func files(_ folder: URL) throws -> [String: Data] {
      let place = folder.appendingPathComponent("runs/\(Self.tonight)")
      var files: [String: Data] = [:]
      for name in try FileManager.default.contentsOfDirectory(atPath: place.path)
      where !name.hasPrefix(".") {
        files[name] = try Data(contentsOf: place.appendingPathComponent(name))
      }
      return files
    }
    _ = try night(Self.tonight, in: calm)
    let expected = try files(calm)
    #expect(expected.keys.contains("drift.json") && expected.count == 2)
    // All but the publication: what the kill leaves in between.
    let store = folder.appendingPathComponent("tacit.sqlite")
    let before = try Data(contentsOf: store)
    _ = try Program.run("nightly", "--as-of", Self.tonight, "--threads", "1", in: folder)
    #expect(try files(folder) == expected)
    var random = SplitMix64(3)
    for _ in 0..<6 {
      try before.write(to: store)
      let running = try Program.start(["nightly", "--as-of", Self.tonight], in: folder)
      usleep(UInt32(random.below(500_000)))
      kill(running.process.processIdentifier, SIGKILL)
      running.process.waitUntilExit()
      let after = try Program.run("nightly", "--as-of", Self.tonight, in: folder)
      #expect(after.status == 0, "\(after.errors)")
      #expect(try files(folder) == expected)
    }
  }

  /// A score file that somebody has damaged is told and passed over; one that is gone, too.
  @Test func aDamagedScoreFileKeepsNoCaseFromOpening() throws {
    let folder = try trained(Self.trained)
    _ = try night(Self.trained, in: folder)
    let place = folder.appendingPathComponent("runs/\(Self.trained)")
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: place.path)
        .first { $0.hasPrefix("scores-") })
    let scores = place.appendingPathComponent(name)
    try Data("account_id,logit\n00001,much\n".utf8).write(to: scores)
    let result = try Program.run("nightly", "--as-of", "2026-02-10", in: folder)
    #expect(result.status == 0 && result.errors.contains("is no score file any more"))
    try FileManager.default.removeItem(at: scores)
    #expect((try night("2026-02-20", in: folder).drift.fresh?.rows ?? 0) > 0)
  }

  /// The report of a later date has the section, and one of the training's date says why it has none.
  @Test func theReportShowsIt() throws {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/gnuplot") else {
      return print("SKIPPED: no gnuplot, no report is tested")
    }
    let folder = try trained(Self.trained)
    _ = try night(Self.trained, in: folder)
    func report(_ arguments: String...) throws -> String {
      let result = try Program.run(["report", "--out", "out"] + arguments, in: folder)
      #expect(result.status == 0, "\(result.errors)")
      return try String(
        contentsOf: folder.appendingPathComponent("out/report.html"), encoding: .utf8)
    }
    let own = "Scores are of the date of training, so nothing can have drifted"
    #expect(try report().contains(own))
    let later = try report("--as-of", Self.tonight)
    #expect(!later.contains(own))
    #expect(later.contains("<p>Steady: the silent accounts of \(Self.tonight) are like those of"))
    #expect(later.contains("Feedback since, from "))
    for figure in ["drift", "drift-scores"] {
      let csv = try String(
        contentsOf: folder.appendingPathComponent("out/figures/\(figure).csv"), encoding: .utf8)
      #expect(csv.split(separator: "\n").count >= 11)
    }
  }
}
