import Dispatch
import Synchronization

/// Fork-join over fixed stripes: which thread does a stripe is left to chance, what a stripe is and
/// the order in which results are joined are not, so that the bits do not depend on the threads.
package enum StripedWork {
  /// Splits `count` rows into at most `maximum` runs of whole units (the last unit may be short).
  ///
  /// Depends on nothing else: never on the number of threads.
  package static func bounds(of count: Int, unit: Int, maximum: Int = 64) -> [Range<Int>] {
    let units = (count + unit - 1) / unit
    let stripes = min(maximum, units)
    return (0..<stripes).map { s in
      let lower = s * units / stripes * unit
      let upper = min((s + 1) * units / stripes * unit, count)
      return lower..<upper
    }
  }

  /// Runs `body` once for every stripe, on at most `threads` threads, and returns when all are done.
  package static func run(stripes: Int, threads: Int, body: @Sendable (Int) -> Void) {
    guard threads > 1, stripes > 1 else {
      for stripe in 0..<stripes { body(stripe) }
      return
    }
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: min(threads, stripes)) { _ in
      while true {
        let stripe = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard stripe < stripes else { return }
        body(stripe)
      }
    }
  }

  /// The results of `body` for every stripe, in stripe order.
  package static func map<Result: Sendable>(
    stripes: Int, threads: Int, body: @Sendable (Int) -> Result
  ) -> [Result] {
    let slots = Mutex([Result?](repeating: nil, count: stripes))
    run(stripes: stripes, threads: threads) { stripe in
      let result = body(stripe)
      slots.withLock { $0[stripe] = result }
    }
    return slots.withLock { $0.compactMap { $0 } }
  }
}
