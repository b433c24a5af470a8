import Foundation

/// Fills vectors of one schema from histories. One for each worker: it owns scratch memory.
///
/// A history is walked once a date, from the newest seen event back. Windows are nested, so each
/// event is counted in the narrowest ring that holds it and rings are added up at the end; a
/// local date is counted where its newest event stands, which is right for every wider window.
final class FeatureWalk {
  private struct KindState {
    var last = Int64.min
    var lastButOne = Int64.min
    var first = Int64.min
    var events = 0
    var lastDate = Int.min
    var wantsValue = false
    var wantsDates = false
  }

  /// How one cell of the vector comes out of the rings and states.
  private enum Cell {
    case count(Int)
    case sum(Int)
    case mean(Int)
    case activeDays(Int)
    case daysSinceLast(Int)
    case daysSinceFirst(Int)
    case meanGap(Int)
    case lastGapRatio(Int)
    case trend(recent: Int, longer: Int, recentScale: Double, longerScale: Double)
    case tenure
    case numeric(Int)
    /// The attribute, and for each of the file's levels the schema's (−1 for none).
    case categorical(Int, [Int32])
    case missing
  }

  private let cells: [Cell]
  /// Window lengths in microseconds, ascending; the ring after them is everything older.
  private let windows: [Int64]
  /// The schema's slot of each of the base's kinds, −1 for none; whether it is a feature kind.
  private let slots: [Int16]
  private let isFeature: [Bool]
  private let accounts: AccountsFile?
  private let zone: LocalTime
  private var stretch: (from: Int64, to: Int64, offset: Int) = (0, 0, 0)
  private let rings: Int
  /// By slot × ring.
  private var counts: [Int]
  private var sums: [Double]
  private var valued: [Int]
  private var dates: [Int]
  private let fresh: [KindState]
  private var states: [KindState]
  private let wantsSums: Bool
  private let wantsDates: Bool

  init(_ schema: FeatureSchema, kinds: [KindSummary], accounts: AccountsFile?) {
    self.accounts = accounts
    zone = LocalTime(identifier: schema.timeZone) ?? .utc
    var lengths: Set<Int> = []
    for feature in schema.features {
      switch feature {
      case .count(_, .days(let days)), .sum(_, .days(let days)), .mean(_, .days(let days)),
        .activeDays(_, .days(let days)):
        lengths.insert(days)
      case .trend(_, let recent, let longer): lengths.formUnion([recent, longer])
      default: break
      }
    }
    let days = lengths.sorted()
    windows = days.map { Int64($0) * Instant.microsecondsPerDay }
    let rings = days.count + 1
    self.rings = rings
    slots = kinds.map { kind in
      Int16(schema.kinds.firstIndex { $0.utf8.elementsEqual(kind.name.utf8) } ?? -1)
    }
    isFeature = kinds.map { $0.role == .feature }
    var states = Array(repeating: KindState(), count: schema.kinds.count)
    func slot(_ kind: String) -> Int {
      schema.kinds.firstIndex { $0.utf8.elementsEqual(kind.utf8) } ?? 0
    }
    func ring(_ kind: String, _ window: Window) -> Int {
      switch window {
      case .days(let length): slot(kind) * rings + (days.firstIndex(of: length) ?? 0)
      case .lifetime: slot(kind) * rings + rings - 1
      }
    }
    cells = zip(schema.features, schema.levels).map { feature, levels in
      switch feature {
      case .count(let kind, let window): return .count(ring(kind, window))
      case .sum(let kind, let window):
        states[slot(kind)].wantsValue = true
        return .sum(ring(kind, window))
      case .mean(let kind, let window):
        states[slot(kind)].wantsValue = true
        return .mean(ring(kind, window))
      case .activeDays(let kind, let window):
        states[slot(kind)].wantsDates = true
        return .activeDays(ring(kind, window))
      case .daysSinceLast(let kind): return .daysSinceLast(slot(kind))
      case .daysSinceFirst(let kind): return .daysSinceFirst(slot(kind))
      case .meanGap(let kind): return .meanGap(slot(kind))
      case .lastGapRatio(let kind): return .lastGapRatio(slot(kind))
      case .trend(let kind, let recent, let longer):
        return .trend(
          recent: ring(kind, .days(recent)), longer: ring(kind, .days(longer)),
          recentScale: 30 / Double(recent), longerScale: 30 / Double(longer))
      case .tenure: return .tenure
      case .numeric(let name):
        let place = accounts?.source.numeric.firstIndex { $0.utf8.elementsEqual(name.utf8) }
        return place.map(Cell.numeric) ?? .missing
      case .categorical(let name):
        let place = accounts?.source.categorical.firstIndex { $0.utf8.elementsEqual(name.utf8) }
        guard let accounts, let place else { return .missing }
        let known = accounts.levels[place].map { level in
          Int32(levels.firstIndex { $0.utf8.elementsEqual(level.utf8) } ?? -1)
        }
        return .categorical(place, known)
      }
    }
    fresh = states
    self.states = states
    wantsSums = states.contains { $0.wantsValue }
    wantsDates = states.contains { $0.wantsDates }
    let size = states.count * rings
    counts = Array(repeating: 0, count: size)
    sums = Array(repeating: 0, count: size)
    valued = Array(repeating: 0, count: size)
    dates = Array(repeating: 0, count: size)
  }

  /// Fills `row` (as many cells as the schema has features) for a history in time order, as of
  /// `date`. False, and `row` untouched, when no event of a feature kind is seen.
  @inline(__always)
  func fill(
    _ events: UnsafeBufferPointer<Event>, accountRow: Int32, asOf date: Instant,
    into row: UnsafeMutablePointer<Double>
  ) -> Bool {
    let t = date.microseconds
    reset()
    guard walk(events, t) else { return false }
    addUpRings()
    for (index, cell) in cells.enumerated() { row[index] = value(of: cell, t, accountRow) }
    return true
  }

  private func reset() {
    for index in counts.indices { counts[index] = 0 }
    if wantsSums {
      for index in sums.indices {
        sums[index] = 0
        valued[index] = 0
      }
    }
    if wantsDates { for index in dates.indices { dates[index] = 0 } }
    states = fresh
  }

  private func walk(_ events: UnsafeBufferPointer<Event>, _ t: Int64) -> Bool {
    var seen = false
    var index = events.count
    while index > 0 {
      index &-= 1
      let event = events[index]
      guard event.at < t, event.knownAt < t else { continue }
      let kind = Int(event.kind)
      let slot = Int(slots[kind])
      if slot < 0 {
        seen = seen || isFeature[kind]
        continue
      }
      seen = true
      let age = t &- event.at
      var ring = slot &* rings
      for window in windows { ring &+= age > window ? 1 : 0 }
      counts[ring] &+= 1
      if states[slot].events == 0 {
        states[slot].last = event.at
      } else if states[slot].events == 1 {
        states[slot].lastButOne = event.at
      }
      states[slot].events &+= 1
      states[slot].first = event.at
      if states[slot].wantsValue, !event.value.isNaN {
        sums[ring] += event.value
        valued[ring] &+= 1
      }
      if states[slot].wantsDates {
        let date = localDate(event.at)
        if date != states[slot].lastDate {
          states[slot].lastDate = date
          dates[ring] &+= 1
        }
      }
    }
    return seen
  }

  private func localDate(_ at: Int64) -> Int {
    let second = at.flooredDivision(by: 1_000_000)
    if second < stretch.from || second >= stretch.to {
      stretch = zone.stretch(at: Instant(microseconds: at))
    }
    return Int((second + Int64(stretch.offset)).flooredDivision(by: 86_400))
  }

  private func addUpRings() {
    var ring = 0
    while ring < counts.count {
      for next in (ring &+ 1)..<(ring &+ rings) {
        counts[next] &+= counts[next &- 1]
        if wantsSums {
          sums[next] += sums[next &- 1]
          valued[next] &+= valued[next &- 1]
        }
        if wantsDates { dates[next] &+= dates[next &- 1] }
      }
      ring &+= rings
    }
  }

  private static let perDay = Double(Instant.microsecondsPerDay)

  private func value(of cell: Cell, _ t: Int64, _ accountRow: Int32) -> Double {
    switch cell {
    case .count(let ring): return Double(counts[ring])
    case .sum(let ring): return sums[ring]
    case .mean(let ring): return valued[ring] == 0 ? .nan : sums[ring] / Double(valued[ring])
    case .activeDays(let ring): return Double(dates[ring])
    case .daysSinceLast(let slot):
      let state = states[slot]
      return state.events == 0 ? .nan : Double(t &- state.last) / Self.perDay
    case .daysSinceFirst(let slot):
      let state = states[slot]
      return state.events == 0 ? .nan : Double(t &- state.first) / Self.perDay
    case .meanGap(let slot): return meanGap(states[slot])
    case .lastGapRatio(let slot):
      let state = states[slot]
      guard state.events > 2, state.last > state.first else { return .nan }
      return Double(state.last &- state.lastButOne) / Self.perDay / meanGap(state)
    case .trend(let recent, let longer, let recentScale, let longerScale):
      return log1p(Double(counts[recent]) * recentScale)
        - log1p(Double(counts[longer]) * longerScale)
    case .tenure:
      var first = Int64.max
      for state in states where state.events > 0 { first = min(first, state.first) }
      return first == .max ? .nan : Double(t &- first) / Self.perDay
    case .numeric(let attribute):
      guard let row = knownRow(accountRow, t), let accounts else { return .nan }
      return accounts.numeric[attribute][row]
    case .categorical(let attribute, let known):
      guard let row = knownRow(accountRow, t), let accounts else { return .nan }
      let level = accounts.categorical[attribute][row]
      guard level >= 0, known[Int(level)] >= 0 else { return .nan }
      return Double(known[Int(level)])
    case .missing: return .nan
    }
  }

  private func meanGap(_ state: KindState) -> Double {
    guard state.events > 1 else { return .nan }
    return Double(state.last &- state.first) / Self.perDay / Double(state.events &- 1)
  }

  private func knownRow(_ row: Int32, _ t: Int64) -> Int? {
    guard row >= 0, let accounts, accounts.knownAt[Int(row)] < t else { return nil }
    return Int(row)
  }
}
