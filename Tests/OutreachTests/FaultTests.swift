import Foundation
import Histories
import Outreach
import Testing
import TestSupport

/// Deaths and crowds of whole processes. Each child is a test process of its own.
@Suite(.serialized)
struct FaultTests {
  static let crowd = settings([Queue(name: "calls", capacity: 1000, channel: "phone")])
  static let base = Base(3000) {
    "account-\($0)"
  } record: {
    AccountRecord(account: "account-\($0)", name: String(repeating: "n", count: 2000))
  }

  /// Killed (signal 9) at moments spread over publishing: what stands afterwards is all of the
  /// night or none of it, and publishing again gives what one undisturbed run gives.
  @Test func aKillLeavesAllOrNothing() async throws {
    let undisturbed = try CaseStore(
      path: try temporaryFolder().appendingPathComponent("tacit.sqlite").path)
    try Self.base.publish(undisturbed, Self.crowd)
    let (run, cases) = (try undisturbed.run(asOf: monday), try undisturbed.openCases())
    var (whole, none, rolledBack) = (0, 0, 0)
    for step in 0..<24 {
      let folder = try temporaryFolder().path
      let path = folder + "/tacit.sqlite"
      _ = try CaseStore(path: path)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [folder = folder as String, step = step as Int] in
        // How long it takes here and now, on a store beside it.
        let scratch = try CaseStore(path: folder + "/scratch.sqlite")
        let time = try ContinuousClock().measure {
          try FaultTests.base.publish(scratch, FaultTests.crowd)
        }
        let store = try CaseStore(path: folder + "/tacit.sqlite")
        let delay = time * (Double(step) / 20)
        Thread.detachNewThread {
          usleep(UInt32(delay / .microseconds(1)))
          kill(getpid(), SIGKILL)
        }
        try FaultTests.base.publish(store, FaultTests.crowd)
        sleep(20)
      }
      if FileManager.default.fileExists(atPath: path + "-journal") { rolledBack += 1 }
      let store = try CaseStore(existing: path)
      if let found = try store.run(asOf: monday) {
        whole += 1
        #expect(found == run)
      } else {
        none += 1
        #expect(try store.openCases().isEmpty && store.dispositions(asOf: monday).isEmpty)
      }
      try Self.base.publish(store, Self.crowd)
      #expect(try store.run(asOf: monday) == run)
      #expect(try store.openCases() == cases)
      try FileManager.default.removeItem(atPath: folder)
    }
    print(
      "24 kills: \(none) left nothing (\(rolledBack) with a journal to roll back), \(whole) all")
    #expect(none > 0 && rolledBack > 0)
  }

  @Test func twentyProcessesAtOnceEndWithOneRun() async throws {
    let folder = try temporaryFolder().path
    await withTaskGroup { group in
      for number in 0..<20 {
        group.addTask {
          await #expect(processExitsWith: .success) {
            [folder = folder as String, number = number as Int] in
            let store = try CaseStore(path: folder + "/tacit.sqlite")
            if case .published = try FaultTests.base.publish(store, FaultTests.crowd) {
              try Data().write(to: URL(fileURLWithPath: folder + "/published-\(number)"))
            }
          }
        }
      }
    }
    let store = try CaseStore(existing: folder + "/tacit.sqlite")
    #expect(try store.openCases().count == 1000)
    let winners = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasPrefix("published-") }
    #expect(winners.count == 1)
  }

  /// A file that may not grow stands for a full disk.
  @Test func aFullDiskLeavesTheStoreAsItWas() async throws {
    let folder = try temporaryFolder().path
    let store = try CaseStore(path: folder + "/tacit.sqlite")
    try Base(10).publish(store, settings())
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      let store = try CaseStore(path: folder + "/tacit.sqlite")
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 150_000, rlim_max: 150_000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      do {
        try FaultTests.base.publish(store, FaultTests.crowd, at: date("2026-03-03"))
        exit(1)
      } catch let error as OutreachError {
        exit(error.exitStatus == 74 ? 0 : 2)
      }
    }
    #expect(try store.run(asOf: date("2026-03-03")) == nil)
    #expect(try store.openCases().count == 3)
  }
}
