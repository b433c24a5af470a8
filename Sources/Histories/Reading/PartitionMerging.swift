extension Partition {
  /// Several parts of one partition as one: an account's events of all parts in their order, and one
  /// event for each id that events have.
  ///
  /// Of events with one id that is seen first stays, whatever comes later: so no vector changes by
  /// what is known only after its date. O(n) for accounts in one part; else O(n log n) in the account.
  init(merging parts: [Partition]) {
    self = (parts.count == 1 ? parts[0] : Self.merged(parts)).withoutRepeats()
  }

  private static func merged(_ parts: [Partition]) -> Partition {
    var events: [Event] = []
    var ends: [Int] = []
    var keys: [UInt64] = []
    var texts = EventTexts()
    var rows: [Int32] = []
    var idBytes: [UInt8] = []
    var idEnds: [UInt32] = []
    var hashes: [UInt64] = []
    let most = parts.reduce(0) { $0 + $1.accountCount }
    let hasKeys = parts.contains { !$0.keys.isEmpty }
    let hasTexts = parts.contains { !$0.texts.ends.isEmpty }
    events.reserveCapacity(parts.reduce(0) { $0 + $1.events.count })
    ends.reserveCapacity(most)
    hashes.reserveCapacity(most)
    rows.reserveCapacity(most)
    idEnds.reserveCapacity(most)
    func take(_ part: Partition, _ places: Range<Int>) {
      events.append(contentsOf: part.events[places])
      if hasKeys {
        keys.append(
          contentsOf: part.keys.isEmpty
            ? ArraySlice(repeating: 0, count: places.count) : part.keys[places])
      }
      if hasTexts { for place in places { texts.append(part.texts[place]) } }
    }
    var cursors = parts.map { _ in 0 }
    var among: [Int] = []
    func takeWhole(_ part: Partition, _ accounts: Range<Int>) {
      let (first, last) = (accounts.lowerBound, accounts.upperBound - 1)
      let places = part.range(first).lowerBound..<part.range(last).upperBound
      let shift = events.count - places.lowerBound
      for account in accounts { ends.append(part.range(account).upperBound + shift) }
      take(part, places)
      let start = first == 0 ? 0 : Int(part.idEnds[first - 1])
      let bytes = start..<Int(part.idEnds[last])
      let moved = idBytes.count - start
      for account in accounts { idEnds.append(UInt32(Int(part.idEnds[account]) + moved)) }
      idBytes.append(contentsOf: part.idBytes[bytes])
      hashes.append(contentsOf: part.hashes[accounts])
      rows.append(contentsOf: part.accountRows[accounts])
    }
    /// The accounts of one part that stand before the next of every other; empty where that is shared.
    func stretch() -> (part: Int, accounts: Range<Int>)? {
      var next: (part: Int, hash: UInt64)?
      var limit: UInt64?
      for (index, part) in parts.enumerated() where cursors[index] < part.accountCount {
        let hash = part.hashes[cursors[index]]
        if let least = next?.hash, hash >= least {
          limit = min(limit ?? hash, hash)
        } else {
          if let least = next?.hash { limit = least }
          next = (index, hash)
        }
      }
      guard let next else { return nil }
      let part = parts[next.part]
      let from = cursors[next.part]
      guard let limit else { return (next.part, from..<part.accountCount) }
      // Steps that double, then halve: short where accounts alternate.
      var step = 1
      while from + step < part.accountCount, part.hashes[from + step] < limit { step *= 2 }
      var (low, high) = (from + step / 2, min(from + step, part.accountCount))
      if next.hash == limit { return (next.part, from..<from) }
      while low < high {
        let middle = (low + high) / 2
        if part.hashes[middle] < limit { low = middle + 1 } else { high = middle }
      }
      return (next.part, from..<low)
    }
    while let run = stretch() {
      if !run.accounts.isEmpty {
        takeWhole(parts[run.part], run.accounts)
        cursors[run.part] = run.accounts.upperBound
        continue
      }
      // The parts that have the next account.
      among.removeAll(keepingCapacity: true)
      for (index, part) in parts.enumerated() where cursors[index] < part.accountCount {
        guard let first = among.first else {
          among.append(index)
          continue
        }
        let hash = part.hashes[cursors[index]]
        let least = parts[first].hashes[cursors[first]]
        if hash > least { continue }
        if hash < least {
          among = [index]
          continue
        }
        let id = part.id(cursors[index])
        let other = parts[first].id(cursors[first])
        if id == other {
          among.append(index)
        } else if id.lexicographicallyPrecedes(other) {
          among = [index]
        }
      }
      guard let first = among.first else { break }
      idBytes.append(contentsOf: parts[first].id(cursors[first]))
      idEnds.append(UInt32(idBytes.count))
      hashes.append(parts[first].hashes[cursors[first]])
      rows.append(among.reduce(-1) { max($0, parts[$1].accountRows[cursors[$1]]) })
      let withEvents = among.filter { !parts[$0].range(cursors[$0]).isEmpty }
      if withEvents.count == 1 {
        take(parts[withEvents[0]], parts[withEvents[0]].range(cursors[withEvents[0]]))
      } else if withEvents.count > 1 {
        var order = withEvents.flatMap { part in
          parts[part].range(cursors[part]).map { (part: part, place: $0) }
        }
        order.sort {
          Event.precedes(parts[$0.part].events[$0.place], parts[$1.part].events[$1.place])
        }
        for (part, place) in order { take(parts[part], place..<place + 1) }
      }
      ends.append(events.count)
      for part in among { cursors[part] += 1 }
    }
    return Partition(
      idBytes: idBytes, idEnds: idEnds, hashes: hashes, eventEnds: ends, events: events,
      keys: keys, texts: texts, accountRows: rows,
      erasedHashes: Set(parts.flatMap(\.erasedHashes)).sorted(),
      repeats: parts.reduce(0) { $0 + $1.repeats })
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
