import Foundation
import TestSupport
import Testing

/// The whole way on the shipped sample, by the program, as its users run it.
@Suite struct SampleTests {
  static let asOf = "2026-03-02"

  private func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func theWholeWay() throws {
    let folder = try sampleCopy()
    let train = try Program.run("train", "--as-of", Self.asOf, "--json", in: folder)
    #expect(train.status == 0, "\(train.errors)")
    let trained = try json(train.output)
    let version = try #require(trained["version"] as? String)
    #expect(version.hasPrefix("\(Self.asOf)-"))
    #expect(trained["champion"] as? Bool == true)

    let nightly = try Program.run("nightly", "--as-of", Self.asOf, "--json", in: folder)
    #expect(nightly.status == 0, "\(nightly.errors)")
    let opened = try #require(try json(nightly.output)["cases_opened"] as? Int)
    #expect(opened > 0)

    let list = try Program.run("queue", "list", "--json", in: folder)
    let cases = try #require(
      try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
    #expect(cases.count == opened)
    for item in cases {
      for key in ["account_id", "queue", "due", "probability", "reasons"] {
        #expect(item[key] != nil, "a case without \(key)")
      }
    }

    // Once more: nothing changes, and it says so.
    let store = folder.appendingPathComponent("tacit.sqlite")
    let before = try Data(contentsOf: store)
    let again = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    #expect(again.status == 0)
    #expect(again.output.contains("already published"))
    #expect(again.output.contains("nothing was changed"))
    #expect(try Data(contentsOf: store) == before)
  }

  @Test func reasonsAddUpToTheLogit() throws {
    let folder = try sampleCopy()
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    let score = try Program.run(
      "score", "--as-of", Self.asOf, "--out", "scores.jsonl", in: folder)
    #expect(score.status == 0, "\(score.errors)")
    let text = try String(
      contentsOf: folder.appendingPathComponent("scores.jsonl"), encoding: .utf8)
    var rows = 0
    var last = Double.infinity
    var lastProbability = 1.0
    for line in text.split(separator: "\n") {
      let row = try json(String(line))
      let logit = try #require(row["logit"] as? Double)
      let reasons = try #require(row["reasons"] as? [[String: Any]])
      let sum = reasons.reduce(0.0) { $0 + ($1["contribution"] as? Double ?? .nan) }
      #expect(abs(sum - logit) <= 1e-9 * max(1, abs(logit)))
      let probability = try #require(row["probability"] as? Double)
      // Calibrated: never against the order of the logits.
      #expect(logit <= last && probability <= lastProbability)
      last = logit
      lastProbability = probability
      rows += 1
    }
    #expect(rows > 1000)
  }

  @Test func threadsAndDaysChangeNoBit() throws {
    var models: [Data] = []
    var scores: [Data] = []
    for threads in ["1", "2", "3"] {
      let folder = try sampleCopy()
      let train = try Program.run(
        "train", "--as-of", Self.asOf, "--threads", threads, "--json", in: folder)
      let version = try #require(try json(train.output)["version"] as? String)
      let path = "models/sample/\(version)/model.json"
      models.append(try Data(contentsOf: folder.appendingPathComponent(path)))
      _ = try Program.run(
        "score", "--as-of", Self.asOf, "--threads", threads, "--out", "scores.csv", in: folder)
      scores.append(try Data(contentsOf: folder.appendingPathComponent("scores.csv")))
    }
    #expect(models[0] == models[1] && models[1] == models[2])
    #expect(scores[0] == scores[1] && scores[1] == scores[2])
  }

  /// `models/sample` is what training on `datasets/sample` gives: to the bit on the processor that
  /// made it, to 1e-9 on another.
  @Test func theShippedModelIsMadeAnew() throws {
    let shipped = Shared.root.appendingPathComponent("models/sample")
    let champion = try String(
      contentsOf: shipped.appendingPathComponent("champion"), encoding: .utf8
    ).trimmingCharacters(in: .whitespacesAndNewlines)
    let folder = try sampleCopy()
    let train = try Program.run("train", "--as-of", Self.asOf, "--json", in: folder)
    let version = try #require(try json(train.output)["version"] as? String)
    let file = { (root: URL, version: String) in
      try Data(contentsOf: root.appendingPathComponent("\(version)/model.json"))
    }
    let ours = try file(folder.appendingPathComponent("models/sample"), version)
    let theirs = try file(shipped, champion)
    if ours == theirs { return }
    func body(_ data: Data) throws -> [String: Any] {
      try #require(try json(String(decoding: data, as: UTF8.self))["body"] as? [String: Any])
    }
    let (a, b) = (try body(ours), try body(theirs))
    #expect(
      a["processor"] as? String != b["processor"] as? String,
      "another model on the same kind of processor")
    let (x, y) = (a["coefficients"] as? [Double] ?? [], b["coefficients"] as? [Double] ?? [])
    try #require(x.count == y.count && !x.isEmpty)
    for (one, other) in zip(x, y) { #expect(abs(one - other) <= 1e-9 * max(1, abs(other))) }
  }

  /// A kill at any moment leaves no run or the whole run, and the next night ends right.
  @Test func aKilledNightLeavesNothingHalfDone() throws {
    let folder = try sampleCopy()
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    let calm = try temporaryFolder().appendingPathComponent("sample")
    try FileManager.default.copyItem(at: folder, to: calm)
    _ = try Program.run("nightly", "--as-of", Self.asOf, in: calm)
    let expected = try Program.run("queue", "list", "--json", in: calm).output
    #expect(expected.contains("account_id"))
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for _ in 0..<12 {
      for name in ["tacit.sqlite", "tacit.sqlite-journal", "runs"] {
        try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
      }
      let running = try Program.start(["nightly", "--as-of", Self.asOf], in: folder)
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      usleep(UInt32(state >> 33) % 400_000)
      kill(running.process.processIdentifier, SIGKILL)
      running.process.waitUntilExit()
      let after = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
      #expect(after.status == 0, "\(after.errors)")
      #expect(try Program.run("queue", "list", "--json", in: folder).output == expected)
    }
  }

  /// However many run at once, there is one run and each account has one case.
  @Test func nightsAtOnceEndAsOne() throws {
    let folder = try sampleCopy()
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    let running = try (0..<6).map { _ in
      try Program.start(["nightly", "--as-of", Self.asOf, "--json"], in: folder)
    }
    var published = 0
    for one in running {
      one.process.waitUntilExit()
      #expect(one.process.terminationStatus == 0)
      let report = try json(String(decoding: try Data(contentsOf: one.output), as: UTF8.self))
      if report["published"] as? Bool == true { published += 1 }
    }
    #expect(published == 1)
    let list = try Program.run("queue", "list", "--json", in: folder)
    let cases = try #require(
      try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
    #expect(Set(cases.compactMap { $0["account_id"] as? String }).count == cases.count)
    // As many as the queues take a day, and one for a customer who complained.
    #expect(cases.count { $0["form"] as? String == "predicted" } == 30)
    #expect(cases.count { $0["form"] as? String == "voiced" } == 1)
  }

  /// Accounts that may not be profiled are not scored; those not to be contacted get no case.
  @Test func consentIsAHardFilter() throws {
    let folder = try sampleCopy()
    _ = try Program.run("train", "--as-of", Self.asOf, in: folder)
    func column(_ name: String) throws -> Set<String> {
      let lines = try String(
        contentsOf: folder.appendingPathComponent("accounts.csv"), encoding: .utf8
      ).split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      let place = try #require(lines[0].firstIndex { $0 == name })
      return Set(lines.dropFirst().filter { $0[place] == "true" }.map { String($0[0]) })
    }
    _ = try Program.run("score", "--as-of", Self.asOf, "--out", "s.csv", in: folder)
    let scored = try String(contentsOf: folder.appendingPathComponent("s.csv"), encoding: .utf8)
      .split(separator: "\n").dropFirst().map { String($0.prefix { $0 != "," }) }
    #expect(try column("do_not_profile").isDisjoint(with: scored))
    #expect(try !column("do_not_profile").isEmpty)
    _ = try Program.run("nightly", "--as-of", Self.asOf, in: folder)
    let list = try Program.run("queue", "list", "--json", in: folder)
    let cases = try #require(
      try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
    let called = cases.compactMap { $0["account_id"] as? String }
    #expect(try column("do_not_contact").isDisjoint(with: called))
    #expect(try !column("do_not_contact").isDisjoint(with: scored))
  }
}
