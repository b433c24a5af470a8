import Detraction
import Foundation
import Histories
import Synchronization
import TestSupport
import Testing

/// Champions come and go with a history that a crash, a hand or a race does not falsify.
@Suite struct ChampionHistoryTests {
  private let store: ModelStore

  init() throws {
    store = ModelStore(folder: try temporaryFolder().appendingPathComponent("models/m"))
    for version in ["a", "b", "c", "d"] { try write("{}", to: "\(version)/model.json") }
  }

  private func write(_ text: String, to name: String) throws {
    let file = store.folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  private func contents(_ name: String) -> String? {
    (try? Data(contentsOf: store.folder.appendingPathComponent(name)))
      .map { String(decoding: $0, as: UTF8.self) }
  }

  private func change(
    _ action: ChampionChange.Action, _ from: String?, _ to: String, at second: Int64 = 0
  ) -> ChampionChange {
    ChampionChange(
      action: action, at: Instant(microseconds: second * 1_000_000), by: "eva@desk", from: from,
      to: to, grade: "B")
  }

  private func promote(_ to: String, at second: Int64 = 0) throws {
    let champion = try? store.championVersion()
    try store.enact(change(champion == nil ? .first : .promote, champion, to, at: second))
  }

  @Test func rollbacksRetraceThePromotions() throws {
    for (second, version) in ["a", "b", "c"].enumerated() {
      try promote(version, at: Int64(second))
    }
    #expect(try store.rollbackTarget() == "b")
    try store.enact(change(.rollback, "c", "b"))
    #expect(try store.rollbackTarget() == "a")
    try store.enact(change(.rollback, "b", "a"))
    #expect(throws: DetractionError.self) { try store.rollbackTarget() }
    try promote("d")
    #expect(try store.rollbackTarget() == "a")
    #expect(try store.history().map(\.to) == ["a", "b", "c", "b", "a", "d"])
    #expect(contents("champion") == "d\n")
    #expect(contents("champion.pending") == nil)
  }

  /// A champion from before there was a history is what the first rollback leads to.
  @Test func aChampionWithoutHistoryIsRemembered() throws {
    try write("a\n", to: "champion")
    try promote("b")
    #expect(try store.rollbackTarget() == "a")
  }

  @Test func aChangeAgainstAnotherChampionIsRefused() throws {
    try promote("a")
    #expect(throws: DetractionError.self) { try store.enact(change(.promote, "b", "c")) }
    #expect(throws: DetractionError.self) { try store.enact(change(.first, nil, "c")) }
    #expect(try store.history().count == 1)
    do { try store.enact(change(.promote, "b", "c")) } catch { #expect(error.exitStatus == 75) }
  }

  /// The three places where a process may die within a promotion of b.
  @Test func aCrashLeavesChampionAndHistoryConsistent() throws {
    try promote("a")
    try promote("b", at: 7)
    let whole = try #require(contents("history.jsonl"))
    let line = try #require(whole.split(separator: "\n").last) + "\n"
    let before = try #require(whole.split(separator: "\n").first) + "\n"

    func expectConsistent(_ champion: String) throws {
      #expect(try store.championVersion() == champion)
      #expect(try store.history().last?.to == champion)
    }
    // Died before the champion was renamed: it did not happen.
    try write(String(before), to: "history.jsonl")
    try write("a\n", to: "champion")
    try write(String(line), to: "champion.pending")
    try expectConsistent("a")
    try promote("c", at: 8)
    #expect(try store.history().map(\.to) == ["a", "c"])

    // Died before the history got its line: it did happen.
    try write(String(before), to: "history.jsonl")
    try write("b\n", to: "champion")
    try write(String(line), to: "champion.pending")
    try expectConsistent("b")
    #expect(try store.history().map(\.to) == ["a", "b"])
    #expect(try store.rollbackTarget() == "a")
    try promote("c", at: 8)
    #expect(try store.history().map(\.to) == ["a", "b", "c"])
    #expect(contents("history.jsonl")?.split(separator: "\n").count == 3)

    // Died before the pending change was taken away: it is counted once.
    try write(whole, to: "history.jsonl")
    try write("b\n", to: "champion")
    try write(String(line), to: "champion.pending")
    #expect(try store.history().map(\.to) == ["a", "b"])
    try promote("c", at: 8)
    #expect(try store.history().map(\.to) == ["a", "b", "c"])
  }

  @Test func aChampionChangedByHandIsWrittenDown() throws {
    try promote("a")
    try write("b\n", to: "champion")
    try promote("c")
    #expect(try store.history().map(\.action) == [.first, .found, .promote])
    #expect(try store.history().map(\.to) == ["a", "b", "c"])
    #expect(try store.rollbackTarget() == "b")
  }

  private final class Count: Sendable {
    let value = Mutex(0)
  }

  /// Sixteen at once: every success has its line, and each goes on from the one before.
  @Test func racesLoseNoEntry() async throws {
    try promote("a")
    let done = Count()
    let store = store
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<16 {
        group.addTask { @Sendable in
          for round in 0..<20 {
            do throws(DetractionError) {
              let from = try store.championVersion()
              let to = ["a", "b", "c", "d"][(worker + round) % 4]
              guard to != from else { continue }
              try store.enact(
                ChampionChange(
                  action: .promote, at: Instant(microseconds: Int64(round)), by: "\(worker)",
                  from: from, to: to))
              done.value.withLock { $0 += 1 }
            } catch {
              #expect(error.exitStatus == 75)
            }
          }
        }
      }
    }
    let history = try store.history()
    #expect(history.count == 1 + done.value.withLock { $0 })
    #expect(done.value.withLock { $0 } > 0)
    for (before, after) in zip(history, history.dropFirst()) { #expect(after.from == before.to) }
    #expect(try store.championVersion() == history.last?.to)
  }

  @Test func aHistoryThatIsNoneIsRefusedWithItsLine() throws {
    try promote("a")
    try write((contents("history.jsonl") ?? "") + "promoted b, sorry\n", to: "history.jsonl")
    do {
      _ = try store.history()
      Issue.record("read")
    } catch {
      #expect(error.description.contains("line 2"))
      #expect(error.exitStatus == 65)
    }
    #expect(throws: DetractionError.self) { try promote("b") }
    #expect(contents("champion") == "a\n")
  }

  @Test func aVersionIsFoundByItsBeginning() throws {
    try write("{}", to: "2026-01-01-aaaa/model.json")
    try write("{}", to: "2026-02-01-bbbb/model.json")
    #expect(try store.version(named: "2026-02") == "2026-02-01-bbbb")
    #expect(throws: DetractionError.self) { try store.version(named: "2026") }
    #expect(throws: DetractionError.self) { try store.version(named: "") }
    #expect(throws: DetractionError.self) { try store.version(named: "../m/a") }
    try promote("d")
    #expect(try store.version(named: "champion") == "d")
  }
}
