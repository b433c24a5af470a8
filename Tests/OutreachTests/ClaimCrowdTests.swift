import Foundation
import Histories
import Outreach
import Synchronization
import TestSupport
import Testing

/// A team that empties one queue at once. With TACIT_CLAIMS_URL set to an empty PostgreSQL database
/// it is there that it is emptied, and the time taken is what benchmarks/claims.py reports.
@Suite(.serialized)
struct ClaimCrowdTests {
  @Test(arguments: StoreKind.allCases)
  func noCaseIsTakenTwiceAndNoneIsLost(_ kind: StoreKind) throws {
    // SQLite has one writer at a time and syncs each claim: fewer do for the same proof.
    let (agents, count) = kind == .postgres ? (50, 2000) : (8, 80)
    let named = ProcessInfo.processInfo.environment["TACIT_CLAIMS_URL"]
    var place: StoreUnderTest?
    if let named, kind == .postgres { place = StoreUnderTest(place: .postgres(named)) }
    guard let place = try place ?? kind.fresh() else { return }
    let store = try place.store()
    let queues = [Queue(name: "calls", capacity: count, channel: "phone")]
    try Base(count).publish(store, settings(queues))
    #expect(try store.openCount() == count)

    let taken = Mutex<[[Int64]]>([])
    let failures = Mutex<[String]>([])
    let (ready, start, done) = (DispatchGroup(), DispatchSemaphore(value: 0), DispatchGroup())
    let until = monday.adding(days: 1)
    for agent in 0..<agents {
      ready.enter()
      done.enter()
      Thread.detachNewThread {
        do {
          let desk = try place.store()
          ready.leave()
          start.wait()
          var mine: [Int64] = []
          while let open = try desk.claim(
            by: "agent-\(agent)", queue: "calls", at: monday, until: until)
          {
            mine.append(open.number)
          }
          taken.withLock { $0.append(mine) }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
        done.leave()
      }
    }
    ready.wait()
    let time = ContinuousClock().measure {
      for _ in 0..<agents { start.signal() }
      done.wait()
    }
    print(
      "\(agents) agents claimed \(count) cases in \(time / .seconds(1)) s on \(kind.testDescription)"
    )
    #expect(failures.withLock { $0 } == [])
    let all = taken.withLock { $0 }
    #expect(all.joined().sorted() == (1...Int64(count)).map { $0 })
    #expect(try store.openWork(asOf: until).unclaimed.isEmpty)
    #expect(try place.number("SELECT count(*) FROM actions WHERE kind = 'claimed'") == count)
    #expect(try store.damagedCases().isEmpty)
    if named == nil, kind == .postgres { #expect(all.count { !$0.isEmpty } > agents / 2) }
  }
}
