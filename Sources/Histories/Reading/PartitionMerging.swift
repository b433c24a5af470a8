extension Partition {
  /// Several parts of one partition as one: an account's events of all parts in their order, and one
  /// event for each id that events have.
  ///
  /// Of events with one id that is seen first stays, whatever comes later: so no vector changes by
  /// what is known only after its date. O(n), times the number of parts where accounts alternate.
  init(merging parts: [Partition]) {
    if parts.count == 1 {
      self = parts[0].withoutRepeats()
    } else {
      var merging = PartitionMerging(parts)
      self = merging.merged().withoutRepeats()
    }
  }

  /// Without the events whose id an event seen earlier has.
  private func withoutRepeats() -> Partition {
    if keys.isEmpty { return self }
    var left: [Int] = []
    for account in 0..<accountCount where range(account).count > 1 {
      // By id, then by when it is seen, then in the order of events.
      let order = range(account).filter { keys[$0] != 0 }.sorted {
        if keys[$0] != keys[$1] { return keys[$0] < keys[$1] }
        let (a, b) = (events[$0].seen, events[$1].seen)
        return a != b ? a < b : $0 < $1
      }
      for (a, b) in zip(order, order.dropFirst()) where keys[a] == keys[b] { left.append(b) }
    }
    if left.isEmpty { return self }
    var stays = Array(repeating: true, count: events.count)
    for place in left { stays[place] = false }
    var ends: [Int] = []
    var count = 0
    for account in 0..<accountCount {
      count += range(account).reduce(0) { $0 + (stays[$1] ? 1 : 0) }
      ends.append(count)
    }
    let places = events.indices.filter { stays[$0] }
    var texts = EventTexts()
    if !self.texts.ends.isEmpty { for place in places { texts.append(self.texts[place]) } }
    return Partition(
      idBytes: idBytes, idEnds: idEnds, hashes: hashes, eventEnds: ends,
      events: places.map { events[$0] }, keys: places.map { keys[$0] }, texts: texts,
      accountRows: accountRows, erasedHashes: erasedHashes, repeats: repeats + left.count)
  }
}

extension Event {
  /// The instant as of whose successor the event is seen.
  var seen: Int64 { max(at, knownAt) }
}

/// Parts of one partition on their way into one. What many accounts in a row or many events in a row have
/// in one part is copied at once, and no part is copied as a value, which would count nine references.
private struct PartitionMerging {
  private let parts: [Partition]
  /// The next account of each part.
  private var cursors: [Int]
  /// Scratch: the parts that have the next account, and what is left of its events in each.
  private var among: [Int] = []
  private var rest: [(part: Int, places: Range<Int>)] = []
  private let hasKeys: Bool
  private let hasTexts: Bool
  private var events: [Event] = []
  private var ends: [Int] = []
  private var keys: [UInt64] = []
  private var texts = EventTexts()
  private var rows: [Int32] = []
  private var idBytes: [UInt8] = []
  private var idEnds: [UInt32] = []
  private var hashes: [UInt64] = []

  init(_ parts: [Partition]) {
    self.parts = parts
    cursors = parts.map { _ in 0 }
    hasKeys = parts.contains { !$0.keys.isEmpty }
    hasTexts = parts.contains { !$0.texts.ends.isEmpty }
    let most = parts.reduce(0) { $0 + $1.accountCount }
    events.reserveCapacity(parts.reduce(0) { $0 + $1.events.count })
    ends.reserveCapacity(most)
    hashes.reserveCapacity(most)
    rows.reserveCapacity(most)
    idEnds.reserveCapacity(most)
    idBytes.reserveCapacity(parts.reduce(0) { $0 + $1.idBytes.count })
  }

  mutating func merged() -> Partition {
    while let run = stretch() {
      if run.accounts.isEmpty { takeShared() } else { takeWhole(run.part, run.accounts) }
    }
    return Partition(
      idBytes: idBytes, idEnds: idEnds, hashes: hashes, eventEnds: ends, events: events,
      keys: keys, texts: texts, accountRows: rows,
      erasedHashes: Set(parts.flatMap(\.erasedHashes)).sorted(),
      repeats: parts.reduce(0) { $0 + $1.repeats })
  }

  /// The accounts of one part that stand before the next of every other; empty where that is shared, or
  /// has the hash of another. Nil at the end.
  private func stretch() -> (part: Int, accounts: Range<Int>)? {
    var next: (part: Int, hash: UInt64)?
    var limit: UInt64?
    for index in parts.indices where cursors[index] < parts[index].hashes.count {
      let hash = parts[index].hashes[cursors[index]]
      if let least = next?.hash, hash >= least {
        limit = min(limit ?? hash, hash)
      } else {
        if let least = next?.hash { limit = least }
        next = (index, hash)
      }
    }
    guard let next else { return nil }
    let rest = cursors[next.part]..<parts[next.part].hashes.count
    guard let limit else { return (next.part, rest) }
    return (
      next.part,
      parts[next.part].hashes.withUnsafeBufferPointer { hashes in
        rest.prefix { hashes[$0] < limit }
      }
    )
  }

  private mutating func takeWhole(_ part: Int, _ accounts: Range<Int>) {
    let (first, last) = (accounts.lowerBound, accounts.upperBound - 1)
    let places = parts[part].range(first).lowerBound..<parts[part].range(last).upperBound
    let shift = events.count - places.lowerBound
    for end in parts[part].eventEnds[accounts] { ends.append(end + shift) }
    take(part, places)
    let start = first == 0 ? 0 : Int(parts[part].idEnds[first - 1])
    let moved = idBytes.count - start
    for end in parts[part].idEnds[accounts] { idEnds.append(UInt32(Int(end) + moved)) }
    idBytes.append(contentsOf: parts[part].idBytes[start..<Int(parts[part].idEnds[last])])
    hashes.append(contentsOf: parts[part].hashes[accounts])
    rows.append(contentsOf: parts[part].accountRows[accounts])
    cursors[part] = accounts.upperBound
  }

  private mutating func take(_ part: Int, _ places: Range<Int>) {
    events.append(contentsOf: parts[part].events[places])
    if hasKeys {
      keys.append(
        contentsOf: parts[part].keys.isEmpty
          ? ArraySlice(repeating: 0, count: places.count) : parts[part].keys[places])
    }
    if hasTexts { for place in places { texts.append(parts[part].texts[place]) } }
  }

  /// Takes the next account, of all parts that have it.
  private mutating func takeShared() {
    among.removeAll(keepingCapacity: true)
    for index in parts.indices where cursors[index] < parts[index].hashes.count {
      guard let first = among.first else {
        among.append(index)
        continue
      }
      let hash = parts[index].hashes[cursors[index]]
      let least = parts[first].hashes[cursors[first]]
      if hash > least { continue }
      if hash < least {
        among.removeAll(keepingCapacity: true)
        among.append(index)
        continue
      }
      let id = parts[index].id(cursors[index])
      let other = parts[first].id(cursors[first])
      if id == other {
        among.append(index)
      } else if id.lexicographicallyPrecedes(other) {
        among.removeAll(keepingCapacity: true)
        among.append(index)
      }
    }
    guard let first = among.first else { return }
    idBytes.append(contentsOf: parts[first].id(cursors[first]))
    idEnds.append(UInt32(idBytes.count))
    hashes.append(parts[first].hashes[cursors[first]])
    rows.append(among.reduce(-1) { max($0, parts[$1].accountRows[cursors[$1]]) })
    takeEvents()
    ends.append(events.count)
    for part in among { cursors[part] += 1 }
  }

  /// The events of the account that `among` have, each of them in order; of events that cannot be told
  /// apart that of the earlier part comes first.
  private mutating func takeEvents() {
    rest.removeAll(keepingCapacity: true)
    for part in among {
      let places = parts[part].range(cursors[part])
      if !places.isEmpty { rest.append((part, places)) }
    }
    while rest.count > 1 {
      // Of which part the next event is, and of which the one that ends its lead.
      var (first, second) = (0, 1)
      if precedes(rest[1], rest[0]) { swap(&first, &second) }
      for index in rest.indices.dropFirst(2) {
        if precedes(rest[index], rest[first]) {
          (first, second) = (index, first)
        } else if precedes(rest[index], rest[second]) {
          second = index
        }
      }
      let (leading, limit) = (rest[first], rest[second])
      let isEarlier = leading.part < limit.part
      let lead = parts[leading.part].events.withUnsafeBufferPointer { events in
        let end = parts[limit.part].events[limit.places.lowerBound]
        return leading.places.prefix {
          isEarlier ? !Event.precedes(end, events[$0]) : Event.precedes(events[$0], end)
        }
      }
      take(leading.part, lead)
      rest[first].places = lead.upperBound..<leading.places.upperBound
      if rest[first].places.isEmpty { rest.remove(at: first) }
    }
    if let last = rest.first { take(last.part, last.places) }
  }

  private func precedes(
    _ a: (part: Int, places: Range<Int>), _ b: (part: Int, places: Range<Int>)
  ) -> Bool {
    Event.precedes(
      parts[a.part].events[a.places.lowerBound], parts[b.part].events[b.places.lowerBound])
  }
}

extension Range<Int> {
  /// The places from the first on for which `holds` does, which holds for none behind one that it does
  /// not hold for. Steps that double, then halve: O(log result).
  @inline(__always)
  fileprivate func prefix(_ holds: (Int) -> Bool) -> Range<Int> {
    if isEmpty || !holds(lowerBound) { return lowerBound..<lowerBound }
    var step = 1
    while lowerBound + step < upperBound, holds(lowerBound + step) { step *= 2 }
    var (low, high) = (lowerBound + step / 2 + 1, Swift.min(lowerBound + step, upperBound))
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { low = middle + 1 } else { high = middle }
    }
    return lowerBound..<low
  }
}
