import Dispatch
import Synchronization

/// Runs `work` for worker 0 up to `count` − 1 at once and returns when all have returned.
/// Workers must not wait for one another: fewer of them may run at a time.
func withWorkers(_ count: Int, _ work: (Int) -> Void) {
  guard count > 1 else { return work(0) }
  withoutActuallyEscaping(work) { work in
    let shared = SharedWork(run: work)
    DispatchQueue.concurrentPerform(iterations: count) { shared.run($0) }
  }
}

/// Unchecked because the closures given to `withWorkers` keep what they share behind locks or in
/// memory of which each worker touches its own part.
private struct SharedWork: @unchecked Sendable {
  let run: (Int) -> Void
}

/// Hands out 0, 1, 2 … below a limit to several workers, each number once.
final class Tickets: Sendable {
  private let taken = Atomic<Int>(0)
  private let limit: Int

  init(_ limit: Int) { self.limit = limit }

  func next() -> Int? {
    let ticket = taken.add(1, ordering: .relaxed).oldValue
    return ticket < limit ? ticket : nil
  }
}

/// The failure that comes first in the order of the input, whichever worker met it.
final class FirstFailure: Sendable {
  private let kept = Mutex<(place: Int, error: HistoriesError)?>(nil)

  func report(_ error: HistoriesError, at place: Int) {
    kept.withLock { if $0.map({ place < $0.place }) ?? true { $0 = (place, error) } }
  }

  var happened: Bool { kept.withLock { $0 != nil } }

  func check() throws(HistoriesError) {
    if let failure = kept.withLock({ $0 }) { throw failure.error }
  }
}
