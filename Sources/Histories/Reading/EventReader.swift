/// One worker's reading of event rows: rows of a chunk in, encoded events and bad rows out.
final class EventReader {
  /// More kinds than this are a mapping mistake.
  static let mostKinds = 4096
  static let mostChannels = 4096
  /// Of a longer text the beginning is kept.
  static let longestText = 1 << 20

  /// What a worker learnt of one kind.
  struct KindTally: Codable, Equatable, Sendable {
    var events = 0
    var valued = 0
    /// The earliest instant as of which an event (with a value) is seen: the later of at and
    /// knownAt, microseconds. An event is seen as of any later date.
    var firstSeen = Int64.max
    var firstValueSeen = Int64.max
  }

  /// What came of one chunk.
  struct ChunkResult {
    var chunk: Int
    var lines: Int
    var rows = 0
    var bad: [BadRowDraft] = []
  }

  let encoded: EncodedEvents
  let kinds = NameTable(limit: mostKinds)
  let channels = NameTable(limit: mostChannels)
  /// By this worker's numbers of kinds.
  private let tallies: UnsafeMutablePointer<KindTally>
  /// By this worker's numbers of kinds, then of channels: as `firstSeen` of the tally. Nil for a
  /// kind none of whose events has a channel.
  private let channelTallies: UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>
  /// Events since they were last taken, by the day on which they became known.
  private let arrivals: UnsafeMutablePointer<DayTally>

  init(partitions: Int, zone: LocalTime) {
    encoded = EncodedEvents(partitions: partitions)
    arrivals = .allocate(capacity: 1)
    arrivals.initialize(to: DayTally(zone: zone))
    tallies = .allocate(capacity: Self.mostKinds)
    tallies.initialize(repeating: KindTally(), count: Self.mostKinds)
    channelTallies = .allocate(capacity: Self.mostKinds)
    channelTallies.initialize(repeating: nil, count: Self.mostKinds)
  }

  deinit {
    tallies.deallocate()
    for kind in 0..<Self.mostKinds { channelTallies[kind]?.deallocate() }
    channelTallies.deallocate()
    arrivals.deinitialize(count: 1)
    arrivals.deallocate()
  }

  /// How many events became known on each local day since this was last asked.
  func takeArrivals() -> [Int: Int] { arrivals.pointee.take() }

  func tally(_ kind: Int) -> KindTally { tallies[kind] }

  /// The channels by which events of a kind came, by the worker's numbers of both, and the earliest
  /// instant as of which one of them is seen.
  func channelsSeen(_ kind: Int) -> [(channel: [UInt8], firstSeen: Int64)] {
    guard let seen = channelTallies[kind] else { return [] }
    return channels.names.enumerated().filter { seen[$0.offset] < .max }
      .map { ($0.element, seen[$0.offset]) }
  }

  /// Whether nothing but rows of the accounts file was read since `restart`.
  var hasNoEvents: Bool { kinds.names.indices.allSatisfy { tallies[$0].events == 0 } }

  /// Counts anew, once what was read stands elsewhere.
  func restart() {
    tallies.update(repeating: KindTally(), count: Self.mostKinds)
    for kind in 0..<Self.mostKinds {
      channelTallies[kind]?.update(repeating: .max, count: Self.mostChannels)
    }
    encoded.restart()
  }

  func read(_ chunk: ChunkBuffer, _ source: SourceMapping) -> ChunkResult {
    var source = source
    let fields = UnsafeMutablePointer<Field>.allocate(capacity: source.columns)
    defer { fields.deallocate() }
    var rows = RowReader(chunk, columns: source.columns, fields: fields)
    defer { rows.deallocate() }
    var result = ChunkResult(chunk: chunk.chunk, lines: 0)
    // The constants of this source, in this worker's numbering.
    let kind = source.kindConstant.map { UInt16(name($0, in: kinds)) }
    let channel = source.channelConstant.map { UInt16(name($0, in: channels) + 1) } ?? 0
    if chunk.chunk == 0 { _ = rows.next() }
    while let count = rows.next() {
      result.rows &+= 1
      let problem =
        count != source.columns
        ? .fields(found: count, expected: source.columns)
        : rows.malformed
          ? .quote
          : source.hasNoEvent(fields) ? nil : take(fields, &source, kind, channel)
      if let problem {
        result.bad.append(
          BadRowDraft(lineInChunk: rows.rowLine, what: problem, bytes: Array(rows.rowBytes)))
      }
    }
    result.lines = rows.lines
    return result
  }

  /// Encodes one row, or says why not.
  @inline(__always)
  private func take(
    _ fields: UnsafeMutablePointer<Field>, _ source: inout SourceMapping,
    _ kindConstant: UInt16?, _ channelConstant: UInt16
  ) -> RowProblem? {
    let account = fields[source.account]
    if let problem = Self.checkAccount(account) { return problem }
    guard let at = source.at.read(fields[source.atColumn]) else {
      return .notTime(key: "`at`", format: source.atFormat)
    }
    var knownAt = at
    if source.knownAtColumn >= 0 {
      guard let known = source.knownAt!.read(fields[source.knownAtColumn]) else {
        return .notTime(key: "`known_at`", format: source.knownAtFormat)
      }
      knownAt = known
    }
    var value = source.valueConstant
    if source.valueColumn >= 0, fields[source.valueColumn].count > 0 {
      guard let number = EncodedValue(fields[source.valueColumn]) else {
        return .notNumber(key: "`value`")
      }
      value = number
    }
    var channel = channelConstant
    if source.channelColumn >= 0, fields[source.channelColumn].count > 0 {
      guard let index = channels.index(of: fields[source.channelColumn]) else {
        return Self.nameProblem(
          fields[source.channelColumn], "`channel`", channels, Self.mostChannels)
      }
      channel = UInt16(truncatingIfNeeded: index &+ 1)
    }
    let kind: UInt16
    if let kindConstant {
      kind = kindConstant
    } else {
      let field = fields[source.kindColumn]
      if field.count == 0 { return .empty(key: "`kind`") }
      guard let index = kinds.index(of: field) else {
        return Self.nameProblem(field, "`kind`", kinds, Self.mostKinds)
      }
      kind = UInt16(truncatingIfNeeded: index)
    }
    var key: UInt64 = 0
    if source.idColumn >= 0, fields[source.idColumn].count > 0 {
      key = source.key(of: fields[source.idColumn])
    }
    var text: Field?
    if source.textColumn >= 0, fields[source.textColumn].count > 0 {
      text = fields[source.textColumn]
      text?.count = min(fields[source.textColumn].count, Self.longestText)
    }
    tally(Int(kind), max(at, knownAt), hasValue: value.form != .none)
    if channel > 0 { tally(Int(kind), channel: Int(channel) &- 1, max(at, knownAt)) }
    encoded.append(
      account: account, kind: kind, at: at, knownAt: knownAt, value: value, channel: channel,
      key: key, text: text)
    return nil
  }

  @inline(__always)
  private func tally(_ kind: Int, _ seen: Int64, hasValue: Bool) {
    arrivals.pointee.add(seen)
    tallies[kind].events &+= 1
    if seen < tallies[kind].firstSeen { tallies[kind].firstSeen = seen }
    if hasValue {
      tallies[kind].valued &+= 1
      if seen < tallies[kind].firstValueSeen { tallies[kind].firstValueSeen = seen }
    }
  }

  @inline(__always)
  private func tally(_ kind: Int, channel: Int, _ seen: Int64) {
    let channels = channelTallies[kind] ?? channelTally(kind)
    if seen < channels[channel] { channels[channel] = seen }
  }

  private func channelTally(_ kind: Int) -> UnsafeMutablePointer<Int64> {
    let channels = UnsafeMutablePointer<Int64>.allocate(capacity: Self.mostChannels)
    channels.initialize(repeating: .max, count: Self.mostChannels)
    channelTallies[kind] = channels
    return channels
  }

  /// Takes the accounts file's row number `row` to the partition of its account.
  func append(account: Field, row: Int) {
    encoded.append(
      account: account, kind: EncodedEvents.accountRow, at: Int64(row), knownAt: Int64(row),
      value: .none, channel: 0)
  }

  /// What keeps a field from being the id of an account, or of another thing.
  @inline(__always)
  static func checkAccount(_ field: Field, key: StaticString = "account") -> RowProblem? {
    if field.count == 0 { return .empty(key: "`\(key)`") }
    if field.count > 256 { return .tooLong(key: "`\(key)`") }
    let ones: UInt64 = 0x0101_0101_0101_0101
    var place = UnsafeRawPointer(field.start)
    var rest = field.count
    var suspicious: UInt64 = 0
    while rest > 0 {
      var word = UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
      if rest < 8 {
        // Bytes past the end become spaces.
        let kept = (UInt64(1) << UInt64(rest &* 8)) &- 1
        word = (word & kept) | ((ones &* 0x20) & ~kept)
      }
      suspicious |= (word | ((word &- ones) & ~word)) & (ones &* 0x80)
      place += 8
      rest &-= 8
    }
    if suspicious == 0 { return nil }
    return field.text == nil || field.bytes.contains(0) ? .notText(key: "`\(key)`") : nil
  }

  private static func nameProblem(
    _ field: Field, _ key: String, _ table: NameTable, _ limit: Int
  ) -> RowProblem {
    if field.count > 256 { return .tooLong(key: key) }
    if table.names.count >= limit { return .tooManyNames(key: key, limit: limit) }
    return .notText(key: key)
  }

  private func name(_ text: String, in table: NameTable) -> Int {
    let bytes = Array(text.utf8) + Array(repeating: 0, count: 8)
    return bytes.withUnsafeBufferPointer {
      table.index(of: Field(start: $0.baseAddress!, count: text.utf8.count)) ?? 0
    }
  }
}

/// An `[[events]]` table against the header of one of its files.
struct SourceMapping {
  var columns: Int
  var account: Int
  var at: TimeReader
  var atColumn: Int
  var atFormat: String
  var knownAt: TimeReader?
  /// −1 where nothing is mapped to a column.
  var knownAtColumn = -1
  var knownAtFormat = ""
  var kindColumn = -1
  var kindConstant: String?
  var valueColumn = -1
  var valueConstant = EncodedValue.none
  var channelColumn = -1
  var channelConstant: String?
  var idColumn = -1
  var textColumn = -1
  /// Which `[[events]]` table it is, from 0: ids mean something within one.
  var table: Int
  /// The column whose empty cells say that a row has no such event; −1 where all rows have one.
  var onlyWhereColumn = -1

  func hasNoEvent(_ fields: UnsafeMutablePointer<Field>) -> Bool {
    onlyWhereColumn >= 0 && fields[onlyWhereColumn].count == 0
  }

  init(
    _ source: EventSource, table: Int = 0, header: Header, zone: LocalTime, keepsTexts: Bool = false
  ) throws(HistoriesError) {
    self.table = table
    columns = header.names.count
    account = try header.column(source.account, for: "account")
    at = TimeReader(source.at, zone: zone)
    atColumn = try header.column(source.at.column, for: "at")
    atFormat = source.at.format.name
    if let mapping = source.knownAt {
      knownAt = TimeReader(mapping, zone: zone)
      knownAtColumn = try header.column(mapping.column, for: "known_at")
      knownAtFormat = mapping.format.name
    }
    switch source.kind {
    case .column(let name): kindColumn = try header.column(name, for: "kind")
    case .constant(let text): kindConstant = text
    }
    switch source.value {
    case .column(let name): valueColumn = try header.column(name, for: "value")
    case .constant(let number): valueConstant = EncodedValue(number)
    case nil: break
    }
    switch source.channel {
    case .column(let name): channelColumn = try header.column(name, for: "channel")
    case .constant(let text): channelConstant = text
    case nil: break
    }
    if let id = source.id { idColumn = try header.column(id, for: "id") }
    if let text = source.text {
      let column = try header.column(text, for: "text")
      if keepsTexts { textColumn = column }
    }
    if let name = source.onlyWhere {
      onlyWhereColumn = try header.column(name, for: "only_where")
    }
  }

  /// A digest of an event's id, never 0: equal for equal ids of one account and one table.
  func key(of id: Field) -> UInt64 {
    max(AccountHash.of(id.start, id.count) ^ UInt64(table) &* 0x9E37_79B9_7F4A_7C15, 1)
  }
}

extension TimeMapping.Format {
  /// For messages.
  var name: String {
    switch self {
    case .iso8601: "ISO 8601"
    case .unix: "Unix seconds"
    case .unixMilliseconds: "Unix milliseconds"
    case .unixMicroseconds: "whole Unix microseconds"
    case .pattern: "the format of the project file"
    }
  }
}
