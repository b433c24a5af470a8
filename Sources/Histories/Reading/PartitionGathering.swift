extension Partition {
  /// Gathers partition `index` from what every worker encoded: interns the ids with full
  /// comparison, sorts, and releases the encoded bytes. `kinds[w][k]` is the base's number of
  /// worker w's kind k; `channels` likewise, after the none at 0.
  ///
  /// O(n) for n events, but for events of one account within 2^-22 of the partition's time range,
  /// which are sorted by comparison.
  init(
    _ index: Int, from workers: [EventReader], kinds: [[UInt16]], channels: [[UInt16]],
    erased: Tombstones
  ) {
    let total = workers.reduce(0) { $0 + $1.encoded.count(index) }
    let gathered = UnsafeMutablePointer<Event>.allocate(capacity: max(total, 1))
    defer { gathered.deallocate() }
    var count = 0
    var ids = InternedIds(erased: erased)
    var earliest = Int64.max
    var latest = Int64.min
    var runs = AscendingRuns()
    // By the place of gathering, as far as there are any.
    var gatheredKeys: [UInt64] = []
    var gatheredTexts: [(place: Int, text: UnsafeBufferPointer<UInt8>)] = []
    for (worker, reader) in workers.enumerated() {
      kinds[worker].withUnsafeBufferPointer { kindOf in
        channels[worker].withUnsafeBufferPointer { channelOf in
          reader.encoded.forEach(index) { event in
            let account = ids.index(event.id, event.idCount)
            if ids.erasedCount > 0, ids.isErased(account) { return }
            if event.kind == EncodedEvents.accountRow {
              ids.setRow(account, Int32(truncatingIfNeeded: event.at))
              return
            }
            runs.add(event.at, at: count)
            earliest = min(earliest, event.at)
            latest = max(latest, event.at)
            gathered[count] = Event(
              at: event.at, knownAt: event.knownAt, value: event.value,
              kind: kindOf[Int(event.kind)], channel: channelOf[Int(event.channel)],
              mark: UInt32(truncatingIfNeeded: account))
            if event.key != 0 {
              if gatheredKeys.isEmpty { gatheredKeys = Array(repeating: 0, count: total) }
              gatheredKeys[count] = event.key
            }
            if event.textCount >= 0 {
              gatheredTexts.append(
                (count, UnsafeBufferPointer(start: event.text, count: event.textCount)))
            }
            ids.countEvent(account)
            count += 1
          }
        }
      }
    }
    let order = ids.inOrder()
    var rank = Array(repeating: UInt32(0), count: ids.count)
    var ends: [Int] = []
    var starts = Array(repeating: 0, count: order.count)
    var rows: [Int32] = []
    var bytes: [UInt8] = []
    var idEnds: [UInt32] = []
    var sortedHashes: [UInt64] = []
    ends.reserveCapacity(order.count)
    rows.reserveCapacity(order.count)
    idEnds.reserveCapacity(order.count)
    sortedHashes.reserveCapacity(order.count)
    bytes.reserveCapacity(ids.byteCount)
    var place = 0
    for (position, account) in order.enumerated() {
      rank[account] = UInt32(position)
      starts[position] = place
      place += ids.eventCount(account)
      ends.append(place)
      rows.append(ids.row(account))
      bytes.append(contentsOf: ids.id(account))
      idEnds.append(UInt32(bytes.count))
      sortedHashes.append(ids.hash(account))
    }
    let events = [Event](unsafeUninitializedCapacity: count) { target, filled in
      filled = count
      guard count > 0 else { return }
      let sorter = EventSorter(earliest: earliest, latest: latest)
      if let ends = runs.ends(count) {
        sorter.merge(
          gathered, runEnds: ends, rank: rank, starts: &starts, into: target.baseAddress!)
      } else {
        sorter.scatter(
          gathered, count, rank: rank, starts: &starts, into: target.baseAddress!)
      }
      var start = 0
      for end in ends {
        sorter.settle(target.baseAddress! + start, end - start)
        start = end
      }
    }
    var texts = EventTexts()
    if !gatheredTexts.isEmpty {
      var textOf = Array(repeating: UnsafeBufferPointer<UInt8>(start: nil, count: 0), count: count)
      for (place, text) in gatheredTexts { textOf[place] = text }
      for event in events { texts.append(textOf[Int(event.mark)]) }
    }
    self.init(
      idBytes: bytes, idEnds: idEnds, hashes: sortedHashes, eventEnds: ends, events: events,
      keys: gatheredKeys.isEmpty ? [] : events.map { gatheredKeys[Int($0.mark)] }, texts: texts,
      accountRows: rows, erasedHashes: ids.erasedHashes, repeats: 0)
    for reader in workers { reader.encoded.release(index) }
  }
}
