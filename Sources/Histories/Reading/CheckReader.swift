/// What `check` learns of one kind.
package struct KindFacts: Sendable, Equatable {
  package var name = ""
  package var role = KindRole.feature
  package var events = 0
  /// How many of them have a value; the least and the most of those.
  package var valued = 0
  package var least = Double.infinity
  package var most = -Double.infinity
  /// When the first and the last of them happened, microseconds.
  package var first = Int64.max
  package var last = Int64.min

  mutating func add(_ event: EncodedEvents.EncodedEvent) {
    events += 1
    first = min(first, event.at)
    last = max(last, event.at)
    if !event.value.isNaN {
      valued += 1
      least = min(least, event.value)
      most = max(most, event.value)
    }
  }

  mutating func add(_ other: KindFacts) {
    events += other.events
    valued += other.valued
    first = min(first, other.first)
    last = max(last, other.last)
    least = min(least, other.least)
    most = max(most, other.most)
  }
}

/// The accounts of the accounts file by their hashes: which of them a row of events is of.
struct KnownAccounts: Sendable {
  private var slots: [Int32]
  private let hashes: [UInt64]

  init(_ ids: [String]) {
    hashes = ids.map(AccountHash.of)
    var capacity = 16
    while capacity < hashes.count * 2 { capacity *= 2 }
    slots = Array(repeating: -1, count: capacity)
    for (index, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (capacity - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (capacity - 1) }
      slots[slot] = Int32(truncatingIfNeeded: index)
    }
  }

  var count: Int { hashes.count }

  @inline(__always)
  func index(_ hash: UInt64) -> Int? {
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if hashes[index] == hash { return index }
      slot = (slot &+ 1) & mask
    }
    return nil
  }
}

/// One worker of `check`: reads rows as a run does, and looks at each on the way. Events are dropped
/// as soon as their chunk is done.
final class CheckReader {
  /// Times before this are not of a customer's history: 1990-01-01.
  static let longAgo: Int64 = 631_152_000_000_000

  /// Places within a chunk, from 0: lines, or rows where nobody has seen lines.
  struct Spots {
    var count = 0
    var first: [Int] = []

    mutating func add(_ place: Int) {
      count += 1
      if first.count < 3 { first.append(place) }
    }
  }

  /// What came of one chunk.
  struct ChunkFacts {
    var chunk: Int
    /// Lines, or rows, in it.
    var length = 0
    var rows = 0
    var bad: [(place: Int, what: RowProblem)] = []
    /// Events known before they happened; that happen after now; that happened and are known after
    /// now; of long ago.
    var early = Spots()
    var future = Spots()
    var futureKnown = Spots()
    var old = Spots()
    /// Of every usable row: where it is, the hash of its bytes, and of its event id and account (0: none).
    var places: [Int32] = []
    var rowHashes: [UInt64] = []
    var idHashes: [UInt64] = []
    /// Of the first chunk: what the columns hold.
    var contents: [TableShape.Contents] = []
  }

  private let reader: EventReader
  private let now: Int64
  private let known: KnownAccounts?
  private let erased: Tombstones
  /// By this worker's numbers of kinds.
  private(set) var kinds: [KindFacts] = []
  /// Accounts of events: those of the accounts file by its rows, and the others.
  private(set) var met: [Bool]
  private(set) var others = RepeatSample()
  private(set) var otherEvents = 0

  init(zone: LocalTime, now: Instant, known: KnownAccounts?, erased: Tombstones) {
    reader = EventReader(partitions: 1, zone: zone)
    self.now = now.microseconds
    self.known = known
    self.erased = erased
    met = Array(repeating: false, count: known?.count ?? 0)
  }

  var kindNames: [[UInt8]] { reader.kinds.names }
  func takeArrivals() -> [Int: Int] { reader.takeArrivals() }

  func read(
    _ chunk: ChunkBuffer, _ mapping: SourceMapping, countsRows: Bool
  ) -> ChunkFacts {
    let hasIds = mapping.idColumn >= 0
    let result = reader.read(chunk, mapping)
    reader.encoded.finish()
    var facts = ChunkFacts(chunk: chunk.chunk)
    facts.rows = result.rows
    let fields = UnsafeMutablePointer<Field>.allocate(capacity: mapping.columns)
    defer { fields.deallocate() }
    var rows = RowReader(chunk, columns: mapping.columns, fields: fields)
    defer { rows.deallocate() }
    if chunk.chunk == 0 { _ = rows.next() }
    var contents = ContentsTally(columns: mapping.columns)
    var number = -1
    var bad = result.bad[...]
    /// Goes to the next usable row; past unusable ones, each with its problem.
    func toUsableRow() -> Bool {
      while let count = rows.next() {
        number += 1
        if chunk.chunk == 0, count == mapping.columns, !rows.malformed { contents.add(fields) }
        guard let next = bad.first, next.lineInChunk == rows.rowLine else { return true }
        facts.bad.append((countsRows ? number : rows.rowLine, next.what))
        bad = bad.dropFirst()
      }
      return false
    }
    reader.encoded.forEach(0) { event in
      guard toUsableRow() else { return }
      let place = countsRows ? number : rows.rowLine
      let account = look(at: event, place, &facts)
      facts.places.append(Int32(truncatingIfNeeded: place))
      let bytes = rows.rowBytes
      facts.rowHashes.append(TextTable.hash(bytes))
      // 0 where the row has none, so that it stands beside its place.
      if hasIds { facts.idHashes.append(event.key == 0 ? 0 : event.key ^ account) }
    }
    _ = toUsableRow()
    reader.encoded.release(0)
    reader.encoded.restart()
    facts.length = countsRows ? number + 1 : result.lines
    if chunk.chunk == 0 { facts.contents = contents.result }
    return facts
  }

  /// Looks at an event; the hash of its account.
  private func look(
    at event: EncodedEvents.EncodedEvent, _ place: Int, _ facts: inout ChunkFacts
  ) -> UInt64 {
    let hash = AccountHash.of(event.id, event.idCount)
    let kind = Int(event.kind)
    while kinds.count <= kind { kinds.append(KindFacts()) }
    kinds[kind].add(event)
    if event.knownAt < event.at { facts.early.add(place) }
    if event.at > now { facts.future.add(place) }
    if event.knownAt > now, event.at <= now { facts.futureKnown.add(place) }
    if event.at < Self.longAgo { facts.old.add(place) }
    if !erased.isEmpty,
      erased.contains(UnsafeRawBufferPointer(start: event.id, count: event.idCount))
    {
      return hash
    }
    if let row = known?.index(hash) {
      met[row] = true
    } else {
      others.add(hash, at: 0)
      otherEvents += 1
    }
    return hash
  }
}
