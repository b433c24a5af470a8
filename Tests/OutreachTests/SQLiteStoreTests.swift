import Foundation
import GRDB
import Outreach
import TestSupport
import Testing

/// What holds of the store's SQLite file alone.
struct SQLiteStoreTests {
  private func storePath() throws -> String {
    try temporaryFolder().appendingPathComponent("tacit.sqlite").path
  }

  @Test func theFileKeepsItsJournalBesideAndNothingElse() throws {
    let path = try storePath()
    let store = try CaseStore(path: path)
    let base = Base(10)
    try base.publish(store, settings())
    let bytes = FileManager.default.contents(atPath: path)
    try base.publish(store, settings())
    #expect(FileManager.default.contents(atPath: path) == bytes)
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["tacit.sqlite"])
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
}
