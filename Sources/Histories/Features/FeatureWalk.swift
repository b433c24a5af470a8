import Foundation

/// Fills vectors of one schema from histories. One for each worker: it owns scratch memory.
///
/// A history is walked once a date, from the newest event before it back. Windows are nested, so each
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
  private enum Rule: UInt8 {
    case count, sum, mean, activeDays, daysSinceLast, daysSinceFirst, meanGap, lastGapRatio, trend
    case tenure, numeric, categorical, listed, missing
  }

  private struct Cell {
    var rule: Rule
    /// A ring (slot × rings + ring), a slot, an attribute or a place in `listed`.
    var place = 0
    /// Of a trend: the longer window's ring, and what makes counts into rates per 30 days.
    var longer = 0
    var recentScale = 0.0
    var longerScale = 0.0
  }

  private let cells: [Cell]
  /// For each categorical attribute, the schema's number of each of the file's levels (−1: none).
  private let knownLevels: [[Int32]]
  /// The oldest age that each ring takes, microseconds: the lengths of windows, ascending, and no
  /// limit for the last ring, which has everything older.
  private let windows: [Int64]
  /// Whether any feature asks more of what is older than all windows than when its kind was last.
  private let wantsOlder: Bool
  /// The schema's slot of each of the base's kinds, −1 for none; whether it is a feature kind.
  private let slots: [Int16]
  private let isFeature: [Bool]
  private let accounts: AccountsFile?
  private var clock: LocalClock
  /// What needs the events themselves; they are only gathered where there is some of it.
  private let listed: [ListFeature]
  private var list: SeenEvents
  private let rings: Int
  private let slotCount: Int
  /// By slot × ring.
  private let counts: UnsafeMutablePointer<Int>
  private let sums: UnsafeMutablePointer<Double>
  private let valued: UnsafeMutablePointer<Int>
  private let dates: UnsafeMutablePointer<Int>
  private let fresh: [KindState]
  private let states: UnsafeMutablePointer<KindState>
  private let wantsSums: Bool
  private let wantsDates: Bool

  deinit {
    counts.deallocate()
    sums.deallocate()
    valued.deallocate()
    dates.deallocate()
    states.deallocate()
  }

  /// `channels`: the names of the events' channels, those of number 1 and up.
  init(
    _ schema: FeatureSchema, kinds: [KindSummary], channels: [String], accounts: AccountsFile?
  ) {
    self.accounts = accounts
    let zone = LocalTime(identifier: schema.timeZone) ?? .utc
    clock = LocalClock(zone)
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
    windows = days.map { Int64($0) * Instant.microsecondsPerDay } + [.max]
    wantsOlder = schema.features.contains(where: \.wantsOlder)
    let rings = days.count + 1
    self.rings = rings
    slots = kinds.map { kind in
      Int16(schema.kinds.firstIndex { $0.utf8.elementsEqual(kind.name.utf8) } ?? -1)
    }
    isFeature = kinds.map { $0.role == .feature }
    var states = Array(repeating: KindState(), count: schema.kinds.count)
    func known(_ kind: String) -> Int? {
      schema.kinds.firstIndex { $0.utf8.elementsEqual(kind.utf8) }
    }
    func slot(_ kind: String) -> Int { known(kind) ?? 0 }
    func ring(_ kind: String, _ window: Window) -> Int {
      switch window {
      case .days(let length): slot(kind) * rings + (days.firstIndex(of: length) ?? 0)
      case .lifetime: slot(kind) * rings + rings - 1
      }
    }
    var listed: [ListFeature] = []
    func inList(_ feature: ListFeature) -> Cell {
      listed.append(feature)
      return Cell(rule: .listed, place: listed.count - 1)
    }
    var levelsKnown: [[Int32]] = accounts?.source.categorical.map { _ in [] } ?? []
    cells = zip(schema.features, schema.levels).map { feature, levels in
      switch feature {
      case .count(let kind, let window): return Cell(rule: .count, place: ring(kind, window))
      case .sum(let kind, let window):
        states[slot(kind)].wantsValue = true
        return Cell(rule: .sum, place: ring(kind, window))
      case .mean(let kind, let window):
        states[slot(kind)].wantsValue = true
        return Cell(rule: .mean, place: ring(kind, window))
      case .activeDays(let kind, let window):
        states[slot(kind)].wantsDates = true
        return Cell(rule: .activeDays, place: ring(kind, window))
      case .daysSinceLast(let kind): return Cell(rule: .daysSinceLast, place: slot(kind))
      case .daysSinceFirst(let kind): return Cell(rule: .daysSinceFirst, place: slot(kind))
      case .meanGap(let kind): return Cell(rule: .meanGap, place: slot(kind))
      case .lastGapRatio(let kind): return Cell(rule: .lastGapRatio, place: slot(kind))
      case .trend(let kind, let recent, let longer):
        return Cell(
          rule: .trend, place: ring(kind, .days(recent)), longer: ring(kind, .days(longer)),
          recentScale: 30 / Double(recent), longerScale: 30 / Double(longer))
      case .decayedCount(let kind, let halfLife):
        return inList(.decayedCount(slot: slot(kind), halfLife: halfLife))
      case .overdue(let kind): return inList(.overdue(slot: slot(kind)))
      case .ownChange(let kind, let window, let earlier):
        return inList(.ownChange(slot: slot(kind), window: .days(window), earlier: earlier))
      case .valueSlope(let kind, let months):
        return inList(.valueSlope(slot: slot(kind), months: months))
      case .openCount(let opened, let resolved):
        return inList(.openCount(opened: known(opened), resolved: known(resolved)))
      case .openAge(let opened, let resolved):
        return inList(.openAge(opened: known(opened), resolved: known(resolved)))
      case .burst(let kind, let window): return inList(.burst(slot: slot(kind), window: window))
      case .channelShare(let channel, let window):
        let place = channels.firstIndex { $0.utf8.elementsEqual(channel.utf8) }
        return inList(.channelShare(channel: place.map { $0 + 1 }, window: window))
      case .weekendShare(let window): return inList(.weekendShare(window: window))
      case .nightShare(let window): return inList(.nightShare(window: window))
      case .tenure: return Cell(rule: .tenure)
      case .numeric(let name):
        let place = accounts?.source.numeric.firstIndex { $0.utf8.elementsEqual(name.utf8) }
        return place.map { Cell(rule: .numeric, place: $0) } ?? Cell(rule: .missing)
      case .categorical(let name):
        let place = accounts?.source.categorical.firstIndex { $0.utf8.elementsEqual(name.utf8) }
        guard let accounts, let place else { return Cell(rule: .missing) }
        levelsKnown[place] = accounts.levels[place].map { level in
          Int32(levels.firstIndex { $0.utf8.elementsEqual(level.utf8) } ?? -1)
        }
        return Cell(rule: .categorical, place: place)
      }
    }
    knownLevels = levelsKnown
    self.listed = listed
    list = SeenEvents(listed, slots: schema.kinds.count, zone: zone)
    fresh = states
    slotCount = states.count
    wantsSums = states.contains { $0.wantsValue }
    wantsDates = states.contains { $0.wantsDates }
    let size = max(states.count * rings, 1)
    counts = .allocate(capacity: size)
    sums = .allocate(capacity: size)
    valued = .allocate(capacity: size)
    dates = .allocate(capacity: size)
    self.states = .allocate(capacity: max(states.count, 1))
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
    if !listed.isEmpty { list.gather(events, t, slots) }
    cells.withUnsafeBufferPointer { cells in
      for index in cells.indices { row[index] = value(of: cells[index], t, accountRow) }
    }
    return true
  }

  private func reset() {
    let size = slotCount * rings
    counts.initialize(repeating: 0, count: size)
    if wantsSums {
      sums.initialize(repeating: 0, count: size)
      valued.initialize(repeating: 0, count: size)
    }
    if wantsDates { dates.initialize(repeating: 0, count: size) }
    fresh.withUnsafeBufferPointer {
      if let start = $0.baseAddress { states.initialize(from: start, count: slotCount) }
    }
  }

  private func walk(_ events: UnsafeBufferPointer<Event>, _ t: Int64) -> Bool {
    var seen = false
    var index = happened(events, before: t)
    // Events come newest first, so that rings come in their order.
    var ring = 0
    var oldest = windows[0]
    return slots.withUnsafeBufferPointer { slots in
      while index > 0 {
        index &-= 1
        let event = events[index]
        guard event.knownAt < t else { continue }
        let kind = Int(event.kind)
        let slot = Int(slots[kind])
        if slot < 0 {
          seen = seen || isFeature[kind]
          continue
        }
        seen = true
        while t &- event.at > oldest {
          ring &+= 1
          oldest = windows[ring]
        }
        if ring &+ 1 == rings, !wantsOlder {
          findLast(events, through: index, t)
          return true
        }
        let state = states + slot
        let place = slot &* rings &+ ring
        counts[place] &+= 1
        if state.pointee.events == 0 {
          state.pointee.last = event.at
        } else if state.pointee.events == 1 {
          state.pointee.lastButOne = event.at
        }
        state.pointee.events &+= 1
        state.pointee.first = event.at
        if state.pointee.wantsValue, !event.value.isNaN {
          sums[place] += event.value
          valued[place] &+= 1
        }
        if state.pointee.wantsDates {
          let date = clock.date(event.at)
          if date != state.pointee.lastDate {
            state.pointee.lastDate = date
            dates[place] &+= 1
          }
        }
      }
      return seen
    }
  }

  /// When the kinds not met so far were last, from event `newest` back: often none is left to be found.
  private func findLast(_ events: UnsafeBufferPointer<Event>, through newest: Int, _ t: Int64) {
    var missing = 0
    for slot in 0..<slotCount where states[slot].events == 0 { missing &+= 1 }
    var index = newest &+ 1
    while index > 0, missing > 0 {
      index &-= 1
      let slot = Int(slots[Int(events[index].kind)])
      guard slot >= 0, states[slot].events == 0, events[index].knownAt < t else { continue }
      states[slot].last = events[index].at
      states[slot].events = 1
      missing &-= 1
    }
  }

  private func addUpRings() {
    for slot in 0..<slotCount {
      let first = slot &* rings
      addUp(counts + first)
      if states[slot].wantsValue {
        addUp(valued + first)
        for ring in (first &+ 1)..<(first &+ rings) { sums[ring] += sums[ring &- 1] }
      }
      if states[slot].wantsDates { addUp(dates + first) }
    }
  }

  @inline(__always)
  private func addUp(_ cells: UnsafeMutablePointer<Int>) {
    var total = cells[0]
    for ring in 1..<rings {
      total &+= cells[ring]
      cells[ring] = total
    }
  }

  private static let perDay = 86_400_000_000.0

  @inline(__always)
  private func value(of cell: Cell, _ t: Int64, _ accountRow: Int32) -> Double {
    let place = cell.place
    switch cell.rule {
    case .count: return Double(counts[place])
    case .sum: return sums[place]
    case .mean: return valued[place] == 0 ? .nan : sums[place] / Double(valued[place])
    case .activeDays: return Double(dates[place])
    case .daysSinceLast:
      return states[place].events == 0 ? .nan : Double(t &- states[place].last) / Self.perDay
    case .daysSinceFirst:
      return states[place].events == 0 ? .nan : Double(t &- states[place].first) / Self.perDay
    case .meanGap: return meanGap(states[place])
    case .lastGapRatio:
      let state = states[place]
      guard state.events > 2, state.last > state.first else { return .nan }
      return Double(state.last &- state.lastButOne) / Self.perDay / meanGap(state)
    case .trend:
      return log1p(Double(counts[place]) * cell.recentScale)
        - log1p(Double(counts[cell.longer]) * cell.longerScale)
    case .tenure: return firstEvent.map { Double(t &- $0) / Self.perDay } ?? .nan
    case .listed: return list.value(of: listed[place], first: firstEvent)
    case .numeric:
      guard let row = knownRow(accountRow, t), let accounts else { return .nan }
      return accounts.numeric[place][row]
    case .categorical:
      guard let row = knownRow(accountRow, t), let accounts else { return .nan }
      let level = accounts.categorical[place][row]
      guard level >= 0, knownLevels[place][Int(level)] >= 0 else { return .nan }
      return Double(knownLevels[place][Int(level)])
    case .missing: return .nan
    }
  }

  /// The account's first seen event of the schema's kinds.
  private var firstEvent: Int64? {
    var first = Int64.max
    for slot in 0..<slotCount where states[slot].events > 0 {
      first = min(first, states[slot].first)
    }
    return first == .max ? nil : first
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

extension Feature {
  /// Whether it asks more of events older than every window than when the last of their kind was.
  fileprivate var wantsOlder: Bool {
    switch self {
    case .count(_, let window), .sum(_, let window), .mean(_, let window),
      .activeDays(_, let window):
      window == .lifetime
    case .daysSinceLast, .trend, .numeric, .categorical: false
    // Those from a list of the events ask for the first of all, as some of them need it.
    case .daysSinceFirst, .meanGap, .lastGapRatio, .tenure, .decayedCount, .overdue, .ownChange,
      .valueSlope, .openCount, .openAge, .burst, .channelShare, .weekendShare, .nightShare:
      true
    }
  }
}
