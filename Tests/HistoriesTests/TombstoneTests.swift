import Foundation
import Histories
import TestSupport
import Testing

/// Accounts that were erased, in whatever is read.
@Suite struct TombstoneTests {
  private static let ids = ["gone", "a longer account id", "also gone, with a comma", "stays"]

  private func settings(_ folder: TestFolder, erased: Tombstones) throws -> HistorySettings {
    let rows = Self.ids.enumerated().map { "\"\($1)\",2024-01-0\($0 + 1)" }
    let accounts = Self.ids.map { "\"\($0)\",3" } + ["only in accounts,4"]
    var events = rows.joined(separator: "\n")
    // Rows that cannot be read: of an erased account, quoted or not, and of another.
    events += "\n\"gone\",never\ngone\nother,never\n"
    return HistorySettings(
      events: [
        EventSource(
          path: try folder.write("events.csv", "id,at\n" + events), account: "id",
          at: TimeMapping(column: "at"), kind: .constant("order"))
      ],
      accounts: AccountsSource(
        path: try folder.write(
          "accounts.csv", "id,seats\n" + accounts.joined(separator: "\n") + "\n"),
        account: "id", numeric: ["seats"]), badRowShare: 1, erased: erased)
  }

  private func erased(_ ids: [String], _ folder: TestFolder) throws -> Tombstones {
    var tombstones = Tombstones()
    _ = try tombstones.add(ids, folder: folder.url)
    return tombstones
  }

  @Test func theErasedAreLeftOutAndCounted() throws {
    let folder = try TestFolder()
    let tombstones = try erased(
      ["gone", "a longer account id", "also gone, with a comma", "only in accounts", "nobody"],
      folder)
    let settings = try settings(folder, erased: tombstones)
    let quarantine = folder.url.appendingPathComponent("quarantine.csv")
    let base = try HistoryBase.read(settings, threads: 2, quarantine: quarantine)
    #expect(base.accountCount == 1 && base.account(0) == "stays")
    #expect(base.firstEvent(0) == Instant(asOf: "2024-01-04", zone: .utc))
    #expect(base.record(0)?.numeric == [3])
    #expect(base.intake.erasedAccounts == 4)
    #expect(base.intake.lines.contains { $0.contains("4 erased accounts left out") })
    #expect(base.index(of: "gone") == nil)
    #expect(AccountBookProbe.names(try AccountBook(settings, of: Self.ids)) == ["stays"])
    let rows = try String(contentsOf: quarantine, encoding: .utf8)
    #expect(rows.contains("other,never") && !rows.contains("gone"), "\(rows)")
    // The same without tombstones has all five.
    let all = try HistoryBase.read(try self.settings(folder, erased: Tombstones()), threads: 2)
    #expect(all.accountCount == 5 && all.intake.erasedAccounts == 0)
  }

  /// The vectors of a file are those that a base without the erased has.
  @Test func vectorsOfTheOthersDoNotChange() throws {
    let folder = try TestFolder()
    let out = folder.url.appendingPathComponent("vectors.csv")
    let written = try VectorFile.write(
      try settings(folder, erased: try erased(["gone"], folder)), roles: [:],
      asOf: Instant(asOf: "2024-02-01", zone: .utc)!, to: out.path, format: .csv, threads: 2)
    #expect(written.rows == 3 && written.intake.erasedAccounts == 1)
    #expect(try !String(contentsOf: out, encoding: .utf8).contains("\ngone,"))
  }

  /// The digest is that of OpenSSL: `printf 'tacit erase00417' | sha256sum`.
  @Test func theFileHoldsDigestsAlone() throws {
    let folder = try TestFolder()
    var tombstones = Tombstones()
    #expect(try tombstones.add(["00417"], folder: folder.url) == 1)
    #expect(try tombstones.add(["00417"], folder: folder.url) == 0)
    #expect(try tombstones.add(["e\u{301}"], folder: folder.url) == 1)
    #expect(!tombstones.contains("\u{E9}") && tombstones.contains("e\u{301}"))
    let file = folder.url.appendingPathComponent("erased.txt")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(
      lines.first == "1184cdc5aa83d51bbe25bf07e452153eb89012ccaa4a1ca40fe35d9645d8432d")
    #expect(lines.count == 2)
    // What the project reads is what was written; a line that is none is told.
    _ = try folder.write("tacit.toml", "")
    let path = folder.url.appendingPathComponent("tacit.toml").path
    #expect(Tombstones(project: try ProjectFile(path: path)) == tombstones)
    _ = try folder.write("erased.txt", lines.joined(separator: "\n") + "\n00417\n")
    let project = try ProjectFile(path: path)
    _ = Tombstones(project: project)
    let error = #expect(throws: HistoriesError.self) { try project.check() }
    #expect(error?.exitStatus == 78 && error?.description.contains("entry 3") == true)
  }
}

private enum AccountBookProbe {
  static func names(_ book: AccountBook) -> [String] {
    ["gone", "a longer account id", "also gone, with a comma", "stays"].filter { book[$0] != nil }
  }
}
