import Detraction
import Foundation
import Histories
import Outreach
import Testing
import TestSupport

private func storePath() throws -> String {
  try temporaryFolder().appendingPathComponent("tacit.sqlite").path
}

private func published(_ publication: Publication) -> Run? {
  if case .published(let run) = publication { run } else { nil }
}

struct CaseStoreTests {
  @Test func aNightIsKeptAsItWas() throws {
    let path = try storePath()
    let base = Base(10) {
      "a\($0)"
    } record: {
      AccountRecord(
        account: "a\($0)", value: 1240.5, segment: "Plus", name: "N\($0)", doNotContact: $0 == 1)
    }
    let night = base.night(settings(), OpenWork(), at: monday)
    let run = try #require(published(try base.publish(try CaseStore(path: path), settings())))
    #expect(run.flagged == 3 && run.decided == 4 && run.businessDay && run.cut == night.plan.cut)
    #expect(run.silent == 10 && run.accounts == 20)
    let store = try CaseStore(existing: path)
    #expect(try store.run(asOf: monday) == run)
    #expect(try store.openCases() == numbered(night.cases))
    #expect(try store.openCase(account: "a2") == numbered(night.cases)[1])
    #expect(try store.openCase(account: "a1") == nil)
    let decided = try store.dispositions(asOf: monday)
    #expect(decided.map(\.disposition) == [.flagged, .doNotContact])
    #expect(decided.map(\.count) == [3, 1])
    #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
  }

  @Test func theSecondTimeChangesNothing() throws {
    let path = try storePath()
    let store = try CaseStore(path: path)
    let base = Base(10)
    let run = try #require(published(try base.publish(store, settings())))
    let bytes = FileManager.default.contents(atPath: path)
    let again = try store.publish(asOf: monday) { work in
      Issue.record("decided a night that is published")
      return base.night(settings(), work, at: monday)
    }
    #expect(again == .alreadyPublished(run))
    #expect(FileManager.default.contents(atPath: path) == bytes)
  }

  @Test func theNextNightSeesTheOpenCases() throws {
    let store = try CaseStore(path: try storePath())
    let base = Base(10)
    try base.publish(store, settings())
    let work = try store.openWork(asOf: date("2026-03-03"))
    #expect(Set(work.accounts.keys) == Set(["a0", "a1", "a2"].map { AccountKey($0) }))
    #expect(work.unclaimed == ["calls": 3])
    let tuesday = date("2026-03-03")
    let more = settings([Queue(name: "calls", capacity: 5, channel: "phone")])
    let run = try #require(published(try base.publish(store, more, at: tuesday)))
    #expect(run.flagged == 2)
    #expect(try store.openCases().map(\.account) == ["a0", "a1", "a2", "a3", "a4"])
    #expect(
      try store.dispositions(asOf: tuesday).map { "\($0.disposition) \($0.count)" } == [
        "flagged 2", "openCase 3",
      ])
  }

  @Test func anEarlierDateIsRefused() throws {
    let store = try CaseStore(path: try storePath())
    let base = Base(10)
    try base.publish(store, settings())
    let before = try store.openCases()
    let error = #expect(throws: OutreachError.self) {
      try base.publish(store, settings(), at: date("2026-02-27"))
    }
    #expect(error?.exitStatus == 64)
    #expect(try store.openCases() == before)
    #expect(try store.run(asOf: date("2026-02-27")) == nil)
  }

  @Test func whatFailsInsideLeavesNothing() throws {
    struct Failure: Error {}
    let store = try CaseStore(path: try storePath())
    let base = Base(10)
    #expect(throws: Failure.self) {
      try store.publish(asOf: monday) { _ in throw Failure() }
    }
    // The same account twice breaks the index after the run's row and other rows are written.
    let twins = Base(10) { "a\($0 / 2)" }
    #expect(throws: OutreachError.self) { try twins.publish(store, settings()) }
    #expect(try store.run(asOf: monday) == nil && store.openCases().isEmpty)
    #expect(try store.dispositions(asOf: monday).isEmpty)
    #expect(published(try base.publish(store, settings()))?.flagged == 3)
  }

  @Test func hostileTextComesBackAsItWent() throws {
    let store = try CaseStore(path: try storePath())
    let texts = hostileTexts
    let many = settings([Queue(name: "Robert'); DROP TABLE cases;--", capacity: 99, channel: "x")])
    let base = Base(texts.count) {
      texts[$0]
    } record: {
      AccountRecord(account: texts[$0], segment: texts[$0], name: texts[$0])
    }
    try base.publish(store, many)
    let cases = try store.openCases()
    #expect(cases.map { Array($0.account.utf8) } == texts.map { Array($0.utf8) })
    for (open, text) in zip(cases, texts) {
      #expect(open.name.map { Array($0.utf8) } == Array(text.utf8))
      #expect(open.segment.map { Array($0.utf8) } == Array(text.utf8))
      #expect(try store.openCase(account: text) == open)
    }
    #expect(try store.openWork(asOf: date("2026-03-03")).accounts.count == texts.count)
  }

  @Test func aNulIsRefused() throws {
    let store = try CaseStore(path: try storePath())
    for (id, segment) in [("a\u{0}b", "n"), ("a", "n\u{0}")] {
      let base = Base(1) { _ in
        id
      } record: { _ in
        AccountRecord(account: id, segment: segment)
      }
      let error = #expect(throws: OutreachError.self) { try base.publish(store, settings()) }
      #expect(error?.exitStatus == 65 && error?.description.contains("NUL") == true)
    }
    #expect(try store.run(asOf: monday) == nil)
    #expect(try store.openCase(account: "a\u{0}") == nil)
  }

  @Test func whatIsNoStoreSaysSo() throws {
    func failure(_ path: String) -> OutreachError? {
      do throws(OutreachError) {
        _ = try CaseStore(path: path)
        return nil
      } catch { return error }
    }
    let folder = try temporaryFolder()
    func file(_ name: String) -> String { folder.appendingPathComponent(name).path }

    let directory = failure(folder.path)
    #expect(
      directory?.exitStatus == 73 && directory?.description.contains("cannot be opened") == true)
    #expect(failure(file("no/such/folder.sqlite"))?.exitStatus == 73)

    try Data("account_id,as_of\n".utf8 + Array(repeating: 65, count: 5000))
      .write(to: URL(fileURLWithPath: file("text.csv")))
    let text = failure(file("text.csv"))
    #expect(text?.exitStatus == 65 && text?.description.contains("no SQLite database") == true)

    let missing = #expect(throws: OutreachError.self) {
      try CaseStore(existing: file("none.sqlite"))
    }
    #expect(missing?.exitStatus == 66)
    #expect(!FileManager.default.fileExists(atPath: file("none.sqlite")))

    // A database as SQLite itself makes it, with its header's bytes and one foreign table.
    _ = try CaseStore(path: file("ours.sqlite"))
    var bytes = try #require(FileManager.default.contents(atPath: file("ours.sqlite")))
    let table = try #require(bytes.firstRange(of: Data("TABLE store_version".utf8)))
    #expect(!table.isEmpty)
    while let name = bytes.firstRange(of: Data("store_version".utf8)) {
      bytes.replaceSubrange(name, with: Data("shore_version".utf8))
    }
    try bytes.write(to: URL(fileURLWithPath: file("theirs.sqlite")))
    let theirs = failure(file("theirs.sqlite"))
    #expect(theirs?.exitStatus == 65)
    #expect(theirs?.description.contains("something else") == true, "\(String(describing: theirs))")
  }

  /// SQLite lets nobody write a database whose file has been taken away (`READONLY_DBMOVED`); a
  /// file without write permission fails the same way, but not for the superuser.
  @Test func aStoreThatMayNotBeWrittenSaysSo() throws {
    let path = try storePath()
    let store = try CaseStore(path: path)
    try FileManager.default.moveItem(atPath: path, toPath: path + ".moved")
    let error = #expect(throws: OutreachError.self) { try Base(5).publish(store, settings()) }
    #expect(error?.exitStatus == 73)
    #expect(error?.description.contains("may not be written") == true)
    #expect(try CaseStore(existing: path + ".moved").openCases().isEmpty)
  }

  @Test func aNewerStoreIsRefused() throws {
    let path = try storePath()
    _ = try CaseStore(path: path)
    let before = FileManager.default.contents(atPath: path)
    try CaseStoreTests.setVersion(of: path, to: 99)
    let changed = FileManager.default.contents(atPath: path)
    #expect(changed != before)
    let error = #expect(throws: OutreachError.self) { try CaseStore(path: path) }
    #expect(error?.exitStatus == 65)
    #expect(error?.description.contains("version 99") == true)
    #expect(FileManager.default.contents(atPath: path) == changed)
  }

  @Test func anotherRunHoldingTheStoreIsToldAndLeftAlone() throws {
    let path = try storePath()
    let store = try CaseStore(path: path)
    let base = Base(10)
    _ = try store.publish(asOf: monday) { work in
      let other = try CaseStore(path: path, patience: 0.05)
      let error = #expect(throws: OutreachError.self) { try base.publish(other, settings()) }
      #expect(error?.exitStatus == 75)
      return base.night(settings(), work, at: monday)
    }
    #expect(try store.openCases().count == 3)
  }

  @Test func twentyThreadsAtOnceEndWithOneRun() async throws {
    let path = try storePath()
    let base = Base(1000)
    let many = settings([Queue(name: "calls", capacity: 50, channel: "phone")])
    let runs = try await withThrowingTaskGroup(of: Run?.self) { group in
      for _ in 0..<20 {
        group.addTask { published(try base.publish(try CaseStore(path: path), many)) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(runs.count == 20 && runs.compactMap { $0 }.count == 1)
    #expect(try CaseStore(path: path).openCases().count == 50)
  }

  /// Not a measurement, a guard against an accidental square: some 30 ms on the machine of
  /// DESIGN 10.
  @Test func aBaseOfTwoHundredThousandIsDecidedAtOnce() throws {
    let base = Base(200_000) {
      "a\($0)"
    } record: {
      AccountRecord(account: "a\($0)", segment: $0 % 97 == 0 ? "key" : "other")
    }
    let queues = [
      Queue(name: "key", rule: QueueRule([.segment(["key"])]), capacity: 5000, channel: "phone"),
      Queue(name: "rest", capacity: 300, channel: "email"),
    ]
    let store = try CaseStore(path: try storePath())
    let clock = ContinuousClock()
    let time = try clock.measure { try base.publish(store, settings(queues)) }
    print("200,000 ranked accounts decided and published in \(time)")
    #expect(time < .seconds(5))
    #expect(try store.run(asOf: monday)?.flagged == 300 + 2062)
  }

  /// Writes the version that the store says it has, as a newer Tacit would: the one row of
  /// `store_version`, a record of one small integer at the end of its page.
  private static func setVersion(of path: String, to version: UInt8) throws {
    let url = URL(fileURLWithPath: path)
    var bytes = try Data(contentsOf: url)
    let pageSize = Int(bytes[16]) * 256 + Int(bytes[17])
    // A table leaf page with one cell that ends in a small version, or in the type that means 1.
    let page = try #require(
      stride(from: 0, to: bytes.count, by: pageSize).first { start in
        start > 0 && bytes[start] == 0x0D && bytes[start + 3] == 0 && bytes[start + 4] == 1
          && bytes[start + pageSize - 1] <= 9
      })
    // Payload of 3 bytes, row 1; header of 2 bytes, type 1 (one byte), the number.
    let cell = Data([3, 1, 2, 1, version])
    let place = pageSize - cell.count
    bytes.replaceSubrange((page + place)..<(page + pageSize), with: cell)
    bytes[page + 5] = UInt8(place / 256)
    bytes[page + 6] = UInt8(place % 256)
    bytes[page + 8] = UInt8(place / 256)
    bytes[page + 9] = UInt8(place % 256)
    try bytes.write(to: url)
  }
}

/// Ids and names as they come from the world outside.
let hostileTexts = [
  "'; DROP TABLE cases; --", "\"quoted\"", "=HYPERLINK(\"http://x\")", "line\nbreak\r\n",
  "\u{1B}[2J\u{1B}]0;owned\u{7}", "\u{202E}txt.exe", "שלום", "e\u{301}", "\u{E9}",
  "👩\u{200D}👩\u{200D}👧", "\"\u{200D}", "<script>alert(1)</script>", " ", "007", "7", "%s%n",
  "tab\there", "\u{9B}31m", "\u{2028}", "\u{FEFF}bom", "NULL",
  String(repeating: "long ", count: 2048), String(repeating: "\u{301}", count: 5000),
]
