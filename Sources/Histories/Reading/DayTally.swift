/// How many events became known on each local day: one worker's count, then a table's.
///
/// Most events are of the same day as the one before them, which costs two comparisons.
struct DayTally {
  /// Events outside of these years are counted with the first and the last day.
  private static let first = daysSinceEpoch(year: 1900, month: 1, day: 1)
  private static let last = daysSinceEpoch(year: 2200, month: 1, day: 1)

  private let zone: LocalTime
  /// By days since `first`; made when the first event comes.
  private var counts: [UInt32] = []
  private var used = (least: Int.max, most: Int.min)
  /// The day that the last event fell on: where it is counted, and its instants, microseconds.
  private var slot = 0
  private var day: (from: Int64, to: Int64) = (0, 0)

  init(zone: LocalTime) { self.zone = zone }

  /// Counts an event that is known from `time` on, microseconds.
  @inline(__always)
  mutating func add(_ time: Int64) {
    if time < day.from || time >= day.to { move(to: time) }
    counts[slot] &+= 1
  }

  private mutating func move(to time: Int64) {
    if counts.isEmpty { counts = Array(repeating: 0, count: Self.last - Self.first + 1) }
    let date = zone.date(of: Instant(microseconds: time))
    slot = min(max(date, Self.first), Self.last) - Self.first
    day = (zone.midnight(date: date).microseconds, zone.midnight(date: date + 1).microseconds)
    used = (min(used.least, slot), max(used.most, slot))
  }

  /// The days with events, as days since 1970-01-01 in their order, and how many each has; counting
  /// begins anew. O(days from the first to the last).
  mutating func take() -> [Int: Int] {
    defer {
      counts = []
      used = (Int.max, Int.min)
      day = (0, 0)
    }
    guard used.least <= used.most else { return [:] }
    var found: [Int: Int] = [:]
    for slot in used.least...used.most where counts[slot] > 0 {
      found[slot + Self.first] = Int(counts[slot])
    }
    return found
  }
}
