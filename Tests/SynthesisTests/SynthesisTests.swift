import Dispatch
import Foundation
import Synchronization
import Synthesis
import TestSupport
import Testing

/// The files of one base, read with the plainest means.
private struct Files {
  static let names = ["accounts.csv", "events.csv", "tacit.toml", "truth.csv"]
  var bytes: [String: Data] = [:]

  init(_ folder: URL) throws {
    for name in Self.names { bytes[name] = try Data(contentsOf: folder.appending(path: name)) }
  }

  /// Rows below the header, split at commas: no field of a base is quoted.
  func rows(_ name: String) -> [[Substring]] {
    String(decoding: bytes[name]!, as: UTF8.self).split(separator: "\n").dropFirst()
      .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
  }
}

private func make(
  accounts: Int, events: Int, seed: UInt64, bias: Double? = nil, asOf: String? = nil,
  threads: Int = 2
) throws -> (files: Files, summary: SyntheticBase.Summary) {
  let folder = try temporaryFolder()
  defer { try? FileManager.default.removeItem(at: folder) }
  let base = try SyntheticBase(
    accounts: accounts, events: events, seed: seed, asOf: asOf ?? SyntheticBase.defaultAsOf,
    responseBias: bias ?? SyntheticBase.defaultResponseBias)
  let summary = try base.write(to: folder.path, threads: threads)
  return (try Files(folder), summary)
}

/// Instants of this fixed width sort as text; the as-of midnight of Berlin in UTC.
private let asOf = "2026-03-01T23:00:00Z"

@Suite struct `The same values give the same base` {
  @Test func `on any number of threads`() throws {
    let one = try make(accounts: 9_000, events: 200_000, seed: 5, threads: 1)
    for threads in [2, 3] {
      let other = try make(accounts: 9_000, events: 200_000, seed: 5, threads: threads)
      #expect(other.files.bytes == one.files.bytes)
      #expect(other.summary == one.summary)
    }
  }

  @Test func `though a later stripe is made first`() throws {
    let turnstile = Turnstile()
    let passed = Mutex<[Int]>([])
    DispatchQueue.concurrentPerform(iterations: 2) { stripe in
      if stripe == 0 { usleep(100_000) }
      turnstile.pass(stripe, adding: .init()) { passed.withLock { $0.append(stripe) } }
    }
    #expect(passed.withLock { $0 } == [0, 1])
    // The first error stays, and nothing passes after it.
    turnstile.pass(2, adding: .init()) { () throws(SynthesisError) in throw .badDate("a") }
    turnstile.pass(3, adding: .init()) { () throws(SynthesisError) in throw .badDate("b") }
    #expect(throws: SynthesisError.badDate("a")) { try turnstile.result() }
  }

  @Test func `another seed gives another base`() throws {
    let one = try make(accounts: 300, events: 15_000, seed: 5)
    let other = try make(accounts: 300, events: 15_000, seed: 6)
    for name in ["accounts.csv", "events.csv", "truth.csv"] {
      #expect(one.files.bytes[name] != other.files.bytes[name])
    }
    #expect(one.files.bytes["tacit.toml"] == other.files.bytes["tacit.toml"])
  }

  @Test func `the shipped sample comes out byte for byte`() throws {
    let shipped = try Files(Shared.root.appending(path: "datasets/sample"))
    let again = try make(accounts: 3_000, events: 100_000, seed: 417)
    for name in Files.names { #expect(again.files.bytes[name] == shipped.bytes[name], "\(name)") }
    #expect(shipped.bytes.values.map(\.count).reduce(0, +) < 5_000_000)
  }

  @Test func `more events change neither the truth nor what was said`() throws {
    let few = try make(accounts: 500, events: 7_000, seed: 5)
    let many = try make(accounts: 500, events: 100_000, seed: 5)
    #expect(few.files.bytes["truth.csv"] == many.files.bytes["truth.csv"])
    #expect(few.files.bytes["accounts.csv"] == many.files.bytes["accounts.csv"])
    func feedback(_ files: Files) -> [[Substring]] {
      files.rows("events.csv").filter { ["nps", "complaint", "refund_request"].contains($0[2]) }
    }
    #expect(feedback(few.files) == feedback(many.files))
  }

  @Test func `exponential and logarithm agree with the system's`() {
    for step in -6_000...6_000 {
      let x = Double(step) / 97
      #expect(abs(Portable.exp(x) / exp(x) - 1) < 1e-14)
      let y = exp(x)
      #expect(abs(Portable.log(y) - log(y)) <= 1e-14 * max(1, abs(x)))
    }
  }
}

@Suite struct `A base is well formed` {
  @Test(arguments: [(1, 50), (40, 2_000), (2_000, 24_000), (2_000, 90_000), (2_000, 1_000_000)])
  func `in rows, order, kinds and counts`(accounts: Int, events: Int) throws {
    let (files, summary) = try make(accounts: accounts, events: events, seed: 11)
    let ids = files.rows("accounts.csv").map { $0[0] }
    #expect(ids.count == accounts && ids == ids.sorted() && Set(ids).count == accounts)
    #expect(ids.allSatisfy { $0.utf8.count == 5 })
    #expect(files.rows("accounts.csv").allSatisfy { $0.count == 9 })
    #expect(files.rows("truth.csv").map { $0[0] } == ids)

    let rows = files.rows("events.csv")
    #expect(rows.count == summary.events)
    if accounts >= 2_000 {
      #expect(abs(Double(rows.count) / Double(events) - 1) < 0.03)
    }
    let signups = rows.filter { $0[2] == "signup" }.map { $0[0] }
    #expect(signups == ids)
    var before: (Substring, Substring) = ("", "")
    for row in rows {
      #expect(row.count == 5 && row[1].utf8.count == 20)
      #expect(before < (row[0], row[1]) || before == (row[0], row[1]), "by account, then time")
      #expect(row[1] < asOf)
      #expect((Double(row[3]) ?? 0) >= 0)
      before = (row[0], row[1])
    }
    // Every resolved ticket was opened; some are open still.
    var open: [Substring: Int] = [:]
    for row in rows where row[2] == "ticket_opened" || row[2] == "ticket_resolved" {
      open[row[0], default: 0] += row[2] == "ticket_opened" ? 1 : -1
      #expect(open[row[0]]! >= 0)
    }
    if accounts >= 2_000 { #expect(open.values.contains { $0 > 0 }) }
  }

  @Test func `in time: Berlin's midnight, summer and winter, and days that exist`() throws {
    let summer = try make(accounts: 400, events: 20_000, seed: 3, asOf: "2025-07-01")
    #expect(summer.files.rows("events.csv").allSatisfy { $0[1] < "2025-06-30T22:00:00Z" })
    #expect(summer.files.rows("events.csv").contains { $0[1] > "2025-06-29T22:00:00Z" })
    let leap = try make(accounts: 400, events: 20_000, seed: 3, asOf: "2024-02-29")
    #expect(leap.files.rows("truth.csv").allSatisfy { $0[1] == "2024-02-29" })
    let parse = Date.ISO8601FormatStyle()
    for row in leap.files.rows("events.csv") {
      let date = try parse.parse(String(row[1]))
      #expect(date.formatted(parse) == row[1])
    }
    for bad in ["2025-02-29", "2026-13-01", "2026-3-1", "01.03.2026", "", "1999-01-01"] {
      #expect(throws: SynthesisError.badDate(bad)) {
        try SyntheticBase(accounts: 10, events: 500, seed: 1, asOf: bad)
      }
    }
  }

  @Test func `responded is what events tell`() throws {
    let (files, _) = try make(accounts: 3_000, events: 100_000, seed: 8)
    // 180 days before the as-of midnight, in summer time, is 2025-09-01 23:00 UTC.
    let since = "2025-09-01T23:00:00Z"
    let spoke = Set(
      files.rows("events.csv")
        .filter { ["nps", "complaint", "refund_request"].contains($0[2]) && $0[1] >= since }
        .map { $0[0] })
    for row in files.rows("truth.csv") { #expect((row[4] == "1") == spoke.contains(row[0])) }
  }
}

@Suite struct `Nothing is half written` {
  @Test func `a folder that holds a file of a base is left alone`() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let truth = folder.appending(path: "truth.csv")
    try Data("mine".utf8).write(to: truth)
    let base = try SyntheticBase(accounts: 10, events: 500, seed: 1)
    #expect(throws: SynthesisError.wouldOverwrite(path: truth.path)) {
      try base.write(to: folder.path, threads: 1)
    }
    #expect(SynthesisError.wouldOverwrite(path: "").exitStatus == 73)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["truth.csv"])
    #expect(try Data(contentsOf: truth) == Data("mine".utf8))
  }

  @Test func `a full disk leaves no file`() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    // A link to a device that is always full stands where the events are to be written.
    try FileManager.default.createSymbolicLink(
      atPath: folder.appending(path: ".events.csv.partial").path,
      withDestinationPath: "/dev/full")
    let base = try SyntheticBase(accounts: 10, events: 500, seed: 1)
    #expect(throws: SynthesisError.self) { try base.write(to: folder.path, threads: 2) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test func `values out of range are refused by name`() throws {
    #expect(throws: SynthesisError.self) {
      try SyntheticBase(accounts: 0, events: 500, seed: 1)
    }
    #expect(throws: SynthesisError.self) {
      try SyntheticBase(accounts: 10, events: 500, seed: 1, responseBias: .nan)
    }
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let sparse = try SyntheticBase(accounts: 100, events: 200, seed: 1)
    #expect(throws: SynthesisError.self) { try sparse.write(to: folder.path, threads: 1) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
