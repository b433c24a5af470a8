import Foundation

/// Fills vectors of one schema from histories. One for each worker: it owns scratch memory.
///
/// A history is walked once a date, from the newest event before it back. Windows are nested, so each
/// event is counted in the narrowest ring that holds it and rings are added up at the end; a
/// local date is counted where its newest event stands, which is right for every wider window. Most
/// kinds have no event in most histories, and cost nothing there.
final class FeatureWalk {
  private struct KindState {
    /// `min` where none was met.
    var last = Int64.min
    var lastButOne = Int64.min
    var first = Int64.max
    var lastDate = Int.min
    var wantsValue = false
    var wantsDates = false
    var wantsLastGap = false
    /// Where its cells end among `kindCells`; they begin where those of the slot before end.
    var cellEnd = 0

    /// Whether counts and the times of the first and the last are all that is wanted.
    var isPlain: Bool { !wantsValue && !wantsDates && !wantsLastGap }
  }

  /// How one cell of the vector comes out of the rings and states.
  private enum Rule: UInt8 {
    case count, sum, mean, activeDays, daysSinceLast, daysSinceFirst, meanGap, lastGapRatio, trend
    case tenure, numeric, categorical, listed, missing
  }

  private struct Cell {
    var rule: Rule
    /// The kind whose events alone make it; −1 where there is no such kind.
    var slot = -1
    /// A ring (slot × rings + ring), an attribute or a place in `listed`.
    var place = 0
    /// Of a trend: the longer window's ring, and what makes counts into rates per 30 days.
    var longer = 0
    var recentScale = 0.0
    var longerScale = 0.0
    /// Its place in the vector.
    var index = 0
  }

  /// The cells that the events of one kind make, by slots, and where each slot's end; then those of no
  /// one kind.
  private let kindCells: UnsafeMutablePointer<Cell>
  private let otherCells: [Cell]
  /// The vector of somebody without an event of any kind: most kinds have none in most histories.
  private let blank: UnsafeMutablePointer<Double>
  private let width: Int
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
  private let fresh: UnsafeMutablePointer<KindState>
  private let states: UnsafeMutablePointer<KindState>

  deinit {
    counts.deallocate()
    sums.deallocate()
    valued.deallocate()
    dates.deallocate()
    states.deallocate()
    fresh.deallocate()
    kindCells.deallocate()
    blank.deallocate()
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
    var cells = zip(schema.features, schema.levels).map { feature, levels in
      switch feature {
      case .count(let kind, let window):
        return Cell(rule: .count, slot: slot(kind), place: ring(kind, window))
      case .sum(let kind, let window):
        states[slot(kind)].wantsValue = true
        return Cell(rule: .sum, slot: slot(kind), place: ring(kind, window))
      case .mean(let kind, let window):
        states[slot(kind)].wantsValue = true
        return Cell(rule: .mean, slot: slot(kind), place: ring(kind, window))
      case .activeDays(let kind, let window):
        states[slot(kind)].wantsDates = true
        return Cell(rule: .activeDays, slot: slot(kind), place: ring(kind, window))
      case .daysSinceLast(let kind): return Cell(rule: .daysSinceLast, slot: slot(kind))
      case .daysSinceFirst(let kind): return Cell(rule: .daysSinceFirst, slot: slot(kind))
      case .meanGap(let kind): return Cell(rule: .meanGap, slot: slot(kind))
      case .lastGapRatio(let kind):
        states[slot(kind)].wantsLastGap = true
        return Cell(rule: .lastGapRatio, slot: slot(kind))
      case .trend(let kind, let recent, let longer):
        return Cell(
          rule: .trend, slot: slot(kind), place: ring(kind, .days(recent)),
          longer: ring(kind, .days(longer)), recentScale: 30 / Double(recent),
          longerScale: 30 / Double(longer))
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
    for index in cells.indices { cells[index].index = index }
    kindCells = .allocate(capacity: max(cells.count, 1))
    var placed = 0
    for slot in states.indices {
      for cell in cells where cell.slot == slot {
        (kindCells + placed).initialize(to: cell)
        placed += 1
      }
      states[slot].cellEnd = placed
    }
    otherCells = cells.filter { $0.slot < 0 }
    knownLevels = levelsKnown
    self.listed = listed
    list = SeenEvents(listed, slots: schema.kinds.count, zone: zone)
    slotCount = states.count
    fresh = .allocate(capacity: max(states.count, 1))
    fresh.initialize(from: states, count: states.count)
    let size = max(states.count * rings, 1)
    counts = .allocate(capacity: size)
    sums = .allocate(capacity: size)
    valued = .allocate(capacity: size)
    dates = .allocate(capacity: size)
    self.states = .allocate(capacity: max(states.count, 1))
    width = cells.count
    blank = .allocate(capacity: max(width, 1))
    for slot in 0..<slotCount { clear(slot) }
    for cell in cells { blank[cell.index] = cell.slot < 0 ? .nan : value(of: cell, 0) }
  }

  /// Fills `row` (as many cells as the schema has features) for a history in time order, as of
  /// `date`. False, and `row` untouched, when no event of a feature kind is seen.
  @inline(__always)
  func fill(
    _ events: UnsafeBufferPointer<Event>, accountRow: Int32, asOf date: Instant,
    into row: UnsafeMutablePointer<Double>
  ) -> Bool {
    let t = date.microseconds
    guard walk(events, t) else { return false }
    row.update(from: blank, count: width)
    var first = Int64.max
    var index = 0
    for slot in 0..<slotCount {
      let end = states[slot].cellEnd
      if states[slot].last > .min {
        first = min(first, states[slot].first)
        addUpRings(slot)
        for cell in index..<end {
          row[kindCells[cell].index] = value(of: kindCells[cell], t)
        }
        clear(slot)
      }
      index = end
    }
    if otherCells.isEmpty { return true }
    if !listed.isEmpty { list.gather(events, t, slots) }
    for cell in otherCells {
      row[cell.index] = value(of: cell, t, accountRow, first: first == .max ? nil : first)
    }
    return true
  }

  /// As before any event of the kind.
  private func clear(_ slot: Int) {
    let place = slot &* rings
    (counts + place).initialize(repeating: 0, count: rings)
    if fresh[slot].wantsValue {
      (sums + place).initialize(repeating: 0, count: rings)
      (valued + place).initialize(repeating: 0, count: rings)
    }
    if fresh[slot].wantsDates { (dates + place).initialize(repeating: 0, count: rings) }
    (states + slot).initialize(to: fresh[slot])
  }

  /// False where nothing is seen; then no kind's counts and times are touched.
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
        if !state.pointee.isPlain { take(event, state, place) }
        state.pointee.last = max(state.pointee.last, event.at)
        state.pointee.first = event.at
      }
      return seen
    }
  }

  /// What is wanted of an event but its count and time.
  @inline(__always)
  private func take(_ event: Event, _ state: UnsafeMutablePointer<KindState>, _ place: Int) {
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
    if state.pointee.wantsLastGap, state.pointee.last > .min, state.pointee.lastButOne == .min {
      state.pointee.lastButOne = event.at
    }
  }

  /// When the kinds not met so far were last, from event `newest` back: often none is left to be found.
  private func findLast(_ events: UnsafeBufferPointer<Event>, through newest: Int, _ t: Int64) {
    var missing = 0
    for slot in 0..<slotCount where states[slot].last == .min { missing &+= 1 }
    var index = newest &+ 1
    while index > 0, missing > 0 {
      index &-= 1
      let slot = Int(slots[Int(events[index].kind)])
      guard slot >= 0, states[slot].last == .min, events[index].knownAt < t else { continue }
      states[slot].last = events[index].at
      missing &-= 1
    }
  }

  private func addUpRings(_ slot: Int) {
    let first = slot &* rings
    addUp(counts + first)
    if states[slot].wantsValue {
      addUp(valued + first)
      for ring in (first &+ 1)..<(first &+ rings) { sums[ring] += sums[ring &- 1] }
    }
    if states[slot].wantsDates { addUp(dates + first) }
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

  /// Of the cell of a kind, whose rings are added up.
  @inline(__always)
  private func value(of cell: Cell, _ t: Int64) -> Double {
    let place = cell.place
    let state = states + max(cell.slot, 0)
    switch cell.rule {
    case .count: return Double(counts[place])
    case .sum: return sums[place]
    case .mean: return valued[place] == 0 ? .nan : sums[place] / Double(valued[place])
    case .activeDays: return Double(dates[place])
    case .daysSinceLast:
      let last = state.pointee.last
      return last == .min ? .nan : Double(t &- last) / Self.perDay
    case .daysSinceFirst:
      let first = state.pointee.first
      return first == .max ? .nan : Double(t &- first) / Self.perDay
    case .meanGap: return meanGap(cell.slot)
    case .lastGapRatio:
      let last = state.pointee.last
      guard counts[(cell.slot &+ 1) &* rings &- 1] > 2, last > state.pointee.first else {
        return .nan
      }
      return Double(last &- state.pointee.lastButOne) / Self.perDay / meanGap(cell.slot)
    case .trend:
      return log1p(Double(counts[place]) * cell.recentScale)
        - log1p(Double(counts[cell.longer]) * cell.longerScale)
    case .tenure, .listed, .numeric, .categorical, .missing: return .nan
    }
  }

  /// Of the cell of no one kind. `first`: the account's first seen event of the schema's kinds.
  private func value(of cell: Cell, _ t: Int64, _ accountRow: Int32, first: Int64?) -> Double {
    let place = cell.place
    switch cell.rule {
    case .tenure: return first.map { Double(t &- $0) / Self.perDay } ?? .nan
    case .listed: return list.value(of: listed[place], first: first)
    case .numeric:
      guard let row = knownRow(accountRow, t), let accounts else { return .nan }
      return accounts.numeric[place][row]
    case .categorical:
      guard let row = knownRow(accountRow, t), let accounts else { return .nan }
      let level = accounts.categorical[place][row]
      guard level >= 0, knownLevels[place][Int(level)] >= 0 else { return .nan }
      return Double(knownLevels[place][Int(level)])
    case .count, .sum, .mean, .activeDays, .daysSinceLast, .daysSinceFirst, .meanGap,
      .lastGapRatio, .trend, .missing:
      return .nan
    }
  }

  private func meanGap(_ slot: Int) -> Double {
    let events = counts[(slot &+ 1) &* rings &- 1]
    guard events > 1 else { return .nan }
    return Double(states[slot].last &- states[slot].first) / Self.perDay / Double(events &- 1)
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
