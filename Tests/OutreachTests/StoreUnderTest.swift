import Foundation
import GRDB
import Histories
import Outreach
import Synchronization
import Testing
import TestSupport

/// The databases that every behaviour of the store is tried on.
enum StoreKind: CaseIterable, CustomTestStringConvertible, Codable {
  case sqlite, postgres

  var testDescription: String { self == .sqlite ? "SQLite" : "PostgreSQL" }

  /// An empty place for a store; nil, said aloud, where there is no PostgreSQL.
  func fresh(test: String = #function) throws -> StoreUnderTest? {
    switch self {
    case .sqlite:
      return StoreUnderTest(
        place: .file(try temporaryFolder().appendingPathComponent("tacit.sqlite").path))
    case .postgres:
      return try PostgresServer.database(test: test).map { StoreUnderTest(place: .postgres($0)) }
    }
  }
}

/// A place, and what a stranger can do to it behind the store's back.
struct StoreUnderTest {
  let place: StorePlace

  func store(patience: Double = 30) throws(OutreachError) -> CaseStore {
    try CaseStore(place, patience: patience)
  }

  func failure() -> OutreachError? {
    do throws(OutreachError) {
      _ = try store()
      return nil
    } catch { return error }
  }

  /// Runs statements as another program would.
  func tamper(_ sql: String) throws {
    switch place {
    case .file(let path): try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    case .postgres(let url): try PostgresServer.sql(sql, on: url)
    }
  }

  /// The one number that a query gives.
  func number(_ sql: String) throws -> Int? {
    switch place {
    case .file(let path): try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: sql) }
    case .postgres(let url): Int(try PostgresServer.sql(sql, on: url))
    }
  }
}

/// Runs `body` in as many threads at once, which tasks of a small pool are not; what each gives.
func atOnce<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
  let results = Mutex<[Result<Value, any Error>]>([])
  let (start, done) = (DispatchSemaphore(value: 0), DispatchGroup())
  for number in 0..<count {
    done.enter()
    Thread.detachNewThread {
      start.wait()
      let result = Result { try body(number) }
      results.withLock { $0.append(result) }
      done.leave()
    }
  }
  for _ in 0..<count { start.signal() }
  done.wait()
  return try results.withLock { try $0.map { try $0.get() } }
}

func published(_ publication: Publication) -> Run? {
  if case .published(let run) = publication { run } else { nil }
}

extension Instant {
  func adding(seconds: Int) -> Instant {
    Instant(microseconds: microseconds + Int64(seconds) * 1_000_000)
  }
}
