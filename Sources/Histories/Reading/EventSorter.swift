/// Sorts the events of a partition by account and time. A log in time order comes as an ascending
/// run from each worker, and merging them is all that time asks for; else two counting passes over
/// 22 bits of the time (least significant first, over eight-byte pairs). Then the events move to
/// their account, and comparisons settle only what those bits cannot tell apart.
struct EventSorter {
  private static let digitBits = 11
  private static let buckets = 1 << digitBits

  private let earliest: Int64
  /// Times are told apart in steps of 2^shift microseconds.
  private let shift: UInt64

  init(earliest: Int64, latest: Int64) {
    self.earliest = earliest
    let range = UInt64(bitPattern: latest &- earliest)
    shift = UInt64(max(0, 64 - range.leadingZeroBitCount - 2 * Self.digitBits))
  }

  @inline(__always)
  private func key(_ at: Int64) -> UInt32 {
    UInt32(truncatingIfNeeded: UInt64(bitPattern: at &- earliest) >> shift)
  }

  /// Moves `count` events to `target`, those of the account ranked r from `starts[r]` on, in the
  /// order of their keys, each marked with its place here.
  func scatter(
    _ events: UnsafeMutablePointer<Event>, _ count: Int, rank: [UInt32], starts: inout [Int],
    into target: UnsafeMutablePointer<Event>
  ) {
    let pairs = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
    let other = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
    let tallies = UnsafeMutablePointer<UInt32>.allocate(capacity: 2 * Self.buckets)
    defer {
      pairs.deallocate()
      other.deallocate()
      tallies.deallocate()
    }
    tallies.initialize(repeating: 0, count: 2 * Self.buckets)
    let mask = UInt32(Self.buckets - 1)
    for index in 0..<count {
      let key = key(events[index].at)
      tallies[Int(key & mask)] &+= 1
      tallies[Self.buckets &+ Int(key >> UInt32(Self.digitBits))] &+= 1
      pairs[index] = UInt64(key) << 32 | UInt64(UInt32(truncatingIfNeeded: index))
    }
    var low: UInt32 = 0
    var high: UInt32 = 0
    for bucket in 0..<Self.buckets {
      (tallies[bucket], low) = (low, low &+ tallies[bucket])
      (tallies[Self.buckets + bucket], high) = (high, high &+ tallies[Self.buckets + bucket])
    }
    for index in 0..<count {
      let bucket = Int(UInt32(truncatingIfNeeded: pairs[index] >> 32) & mask)
      other[Int(tallies[bucket])] = pairs[index]
      tallies[bucket] &+= 1
    }
    for index in 0..<count {
      let bucket = Self.buckets &+ Int(other[index] >> UInt64(32 + Self.digitBits))
      pairs[Int(tallies[bucket])] = other[index]
      tallies[bucket] &+= 1
    }
    rank.withUnsafeBufferPointer { rank in
      starts.withUnsafeMutableBufferPointer { starts in
        for index in 0..<count {
          let place = Int(pairs[index] & 0xffff_ffff)
          var event = events[place]
          let account = Int(rank[Int(event.mark)])
          event.mark = UInt32(truncatingIfNeeded: place)
          (target + starts[account]).initialize(to: event)
          starts[account] &+= 1
        }
      }
    }
  }

  /// What `scatter` does, for events in ascending runs of `at` that end at `runEnds`. An event
  /// costs a look at every run only where the next one is of another run.
  func merge(
    _ events: UnsafeMutablePointer<Event>, runEnds: [Int], rank: [UInt32], starts: inout [Int],
    into target: UnsafeMutablePointer<Event>
  ) {
    var cursors = [0] + runEnds.dropLast()
    rank.withUnsafeBufferPointer { rank in
      starts.withUnsafeMutableBufferPointer { starts in
        while true {
          // The run with the least time, and how far it leads.
          var run = -1
          var least = Int64.max
          var bound = Int64.max
          for candidate in cursors.indices where cursors[candidate] < runEnds[candidate] {
            let at = events[cursors[candidate]].at
            if run < 0 || at < least {
              (run, least, bound) = (candidate, at, run < 0 ? bound : least)
            } else {
              bound = min(bound, at)
            }
          }
          guard run >= 0 else { return }
          var index = cursors[run]
          let end = runEnds[run]
          repeat {
            var event = events[index]
            let account = Int(rank[Int(event.mark)])
            event.mark = UInt32(truncatingIfNeeded: index)
            (target + starts[account]).initialize(to: event)
            starts[account] &+= 1
            index &+= 1
          } while index < end && events[index].at <= bound
          cursors[run] = index
        }
      }
    }
  }

  /// Brings one account's events, already in the order of their keys, into their full order.
  func settle(_ events: UnsafeMutablePointer<Event>, _ count: Int) {
    var start = 0
    while start &+ 1 < count {
      let key = key(events[start].at)
      var end = start &+ 1
      while end < count, self.key(events[end].at) == key { end &+= 1 }
      if end &- start > 32 {
        var run = UnsafeMutableBufferPointer(start: events + start, count: end - start)
        run.sort(by: Event.precedes)
      } else {
        insertionSort(events + start, end &- start)
      }
      start = end
    }
  }

  @inline(__always)
  private func insertionSort(_ events: UnsafeMutablePointer<Event>, _ count: Int) {
    var index = 1
    while index < count {
      let event = events[index]
      var place = index
      while place > 0, Event.precedes(event, events[place &- 1]) {
        events[place] = events[place &- 1]
        place &-= 1
      }
      events[place] = event
      index &+= 1
    }
  }
}

/// Where ascending runs of times end, as long as there are few.
struct AscendingRuns {
  /// With more runs than these, counting passes are cheaper than merging.
  private static let most = 16
  private var last = Int64.min
  private var inner: [Int] = []

  /// Takes the time of event `index`, in the order of indexes.
  @inline(__always)
  mutating func add(_ at: Int64, at index: Int) {
    if at < last, inner.count < Self.most { inner.append(index) }
    last = at
  }

  /// The end of each run of `count` events; nil when there are too many.
  func ends(_ count: Int) -> [Int]? { inner.count < Self.most ? inner + [count] : nil }
}
