import Foundation

/// A feature that needs the events themselves, not their counts and sums by window, with kinds as
/// the schema's slots. `Feature` defines each. Nil is a kind or channel that the base does not have.
enum ListFeature {
  case decayedCount(slot: Int, halfLife: Int)
  case overdue(slot: Int)
  case ownChange(slot: Int, window: Window, earlier: Int)
  case valueSlope(slot: Int, months: Int)
  case openCount(opened: Int?, resolved: Int?)
  case openAge(opened: Int?, resolved: Int?)
  case burst(slot: Int, window: Window)
  case channelShare(channel: Int?, window: Window)
  case weekendShare(window: Window)
  case nightShare(window: Window)

  /// The slots whose events it reads; nil for those of all.
  var slots: [Int]? {
    switch self {
    case .decayedCount(let slot, _), .overdue(let slot), .ownChange(let slot, _, _),
      .valueSlope(let slot, _), .burst(let slot, _):
      [slot]
    case .openCount(let opened, let resolved), .openAge(let opened, let resolved):
      [opened, resolved].compactMap(\.self)
    case .channelShare, .weekendShare, .nightShare: nil
    }
  }
}

/// The seen events of one account as of one date, newest first, by kind and all together; its
/// memory serves one account after another.
struct SeenEvents {
  private struct Moment {
    var at: Int64
    /// NaN where there is none.
    var value: Double
  }

  private var t: Int64 = 0
  /// By slot; empty for slots that no feature reads.
  private var moments: [[Moment]]
  private var all: [(at: Int64, channel: Int)] = []
  private let wanted: [Bool]
  private let wantsAll: Bool
  private var clock: LocalClock
  /// Scratch: gaps of a kind in microseconds.
  private var gaps: [Int64] = []

  init(_ features: [ListFeature], slots: Int, zone: LocalTime) {
    var wanted = Array(repeating: false, count: slots)
    for slot in features.compactMap(\.slots).joined() { wanted[slot] = true }
    self.wanted = wanted
    wantsAll = features.contains { $0.slots == nil }
    moments = Array(repeating: [], count: slots)
    clock = LocalClock(zone)
  }

  /// Takes the place of what was gathered before. O(events).
  mutating func gather(_ events: UnsafeBufferPointer<Event>, _ t: Int64, _ slots: [Int16]) {
    self.t = t
    for slot in moments.indices { moments[slot].removeAll(keepingCapacity: true) }
    all.removeAll(keepingCapacity: true)
    for event in events[..<happened(events, before: t)].reversed() where event.knownAt < t {
      let slot = Int(slots[Int(event.kind)])
      if slot < 0 { continue }
      if wanted[slot] { moments[slot].append(Moment(at: event.at, value: event.value)) }
      if wantsAll { all.append((event.at, Int(event.channel))) }
    }
  }

  private static let day = Instant.microsecondsPerDay
  private static let perDay = Double(Instant.microsecondsPerDay)

  /// `first`: the account's first seen event of the schema's kinds. O(events of the kind), but for
  /// `overdue`, which sorts their gaps.
  mutating func value(of feature: ListFeature, first: Int64?) -> Double {
    switch feature {
    case .decayedCount(let slot, let halfLife): return decayedCount(slot, Double(halfLife))
    case .overdue(let slot): return overdue(slot)
    case .ownChange(let slot, let window, let earlier):
      return ownChange(slot, length(window), earlier, first ?? t)
    case .valueSlope(let slot, let months): return valueSlope(slot, months)
    case .openCount(let opened, let resolved): return Double(stillOpen(opened, resolved).count)
    case .openAge(let opened, let resolved):
      return stillOpen(opened, resolved).oldest.map { Double(t - $0) / Self.perDay } ?? .nan
    case .burst(let slot, let window): return burst(slot, length(window))
    case .channelShare(let channel, let window):
      return share(window, among: { $0.channel > 0 }, { _, event in event.channel == channel })
    case .weekendShare(let window):
      return share(window, among: { _ in true }, { clock, event in clock.isWeekend(event.at) })
    case .nightShare(let window):
      return share(window, among: { _ in true }, { clock, event in clock.isNight(event.at) })
    }
  }

  private func length(_ window: Window) -> Int64 {
    switch window {
    case .days(let days): Int64(days) * Self.day
    case .lifetime: .max
    }
  }

  private func decayedCount(_ slot: Int, _ halfLife: Double) -> Double {
    moments[slot].reduce(0) { $0 + exp2(-(Double(t - $1.at) / Self.perDay / halfLife)) }
  }

  private mutating func overdue(_ slot: Int) -> Double {
    let times = moments[slot]
    guard times.count > 2 else { return .nan }
    gaps.removeAll(keepingCapacity: true)
    for (newer, older) in zip(times, times.dropFirst()) { gaps.append(newer.at - older.at) }
    gaps.sort()
    let middle = gaps.count / 2
    let median =
      gaps.count % 2 == 1
      ? Double(gaps[middle]) : (Double(gaps[middle - 1]) + Double(gaps[middle])) / 2
    return median > 0 ? Double(t - times[0].at) / median : .nan
  }

  private func ownChange(_ slot: Int, _ window: Int64, _ earlier: Int, _ first: Int64) -> Double {
    let before = min(Int64(earlier), (t - first) / window - 1)
    guard before > 0 else { return .nan }
    var recent = 0
    var past = 0
    for moment in moments[slot] {
      let age = t - moment.at
      if age > window * (before + 1) { break }
      if age <= window { recent += 1 } else { past += 1 }
    }
    return log1p(Double(recent)) - log1p(Double(past) / Double(before))
  }

  /// Σ (x − x̄)(y − ȳ) ÷ Σ (x − x̄)² over bins with values, x their number with sign −.
  private func valueSlope(_ slot: Int, _ months: Int) -> Double {
    let bin = 30 * Self.day
    var means: [(x: Double, y: Double)] = []
    var sum = 0.0
    var count = 0
    var current: Int64 = -1
    func close() {
      if count > 0 { means.append((-Double(current), sum / Double(count))) }
    }
    for moment in moments[slot] where !moment.value.isNaN {
      // Bin 0 has the ages above 0 up to 30 days, as windows have.
      let number = (t - moment.at - 1) / bin
      if number >= Int64(months) { break }
      if number != current {
        close()
        (current, sum, count) = (number, 0, 0)
      }
      sum += moment.value
      count += 1
    }
    close()
    guard means.count > 2 else { return .nan }
    let n = Double(means.count)
    let x = means.reduce(0) { $0 + $1.x } / n
    let y = means.reduce(0) { $0 + $1.y } / n
    let cross = means.reduce(0) { $0 + ($1.x - x) * ($1.y - y) }
    return cross / means.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
  }

  /// What is open when every closing has closed the oldest open one: the newest `count` of the
  /// opened. At one instant what opens comes first.
  private func stillOpen(_ opened: Int?, _ resolved: Int?) -> (count: Int, oldest: Int64?) {
    let opens = opened.map { moments[$0] } ?? []
    let closes = resolved.map { moments[$0] } ?? []
    var next = opens.count - 1
    var count = 0
    for close in closes.reversed() {
      while next >= 0, opens[next].at <= close.at {
        count += 1
        next -= 1
      }
      count = max(0, count - 1)
    }
    count += next + 1
    return (count, count > 0 ? opens[count - 1].at : nil)
  }

  private func burst(_ slot: Int, _ window: Int64) -> Double {
    let times = moments[slot]
    var most = 0
    // times[newest] … times[oldest] are less than a day apart.
    var newest = 0
    for (oldest, moment) in times.enumerated() {
      if t - moment.at > window { break }
      while times[newest].at - moment.at >= Self.day { newest += 1 }
      most = max(most, oldest - newest + 1)
    }
    return Double(most)
  }

  private mutating func share(
    _ window: Window, among counts: ((at: Int64, channel: Int)) -> Bool,
    _ isHit: (inout LocalClock, (at: Int64, channel: Int)) -> Bool
  ) -> Double {
    let length = length(window)
    var total = 0
    var hits = 0
    for event in all {
      if t - event.at > length { break }
      guard counts(event) else { continue }
      total += 1
      if isHit(&clock, event) { hits += 1 }
    }
    return total == 0 ? .nan : Double(hits) / Double(total)
  }
}

/// How many events of a history in time order happened before t. O(log events).
@inline(__always)
func happened(_ events: UnsafeBufferPointer<Event>, before t: Int64) -> Int {
  var low = 0
  var high = events.count
  if high == 0 || events[high &- 1].at < t { return high }
  while low < high {
    let middle = (low &+ high) / 2
    if events[middle].at < t { low = middle &+ 1 } else { high = middle }
  }
  return low
}
