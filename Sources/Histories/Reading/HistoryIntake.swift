import Foundation
import Synchronization

/// Everything read and encoded, not yet gathered by account: what comes between the files and
/// the partitions. `tacit features` works through it partition by partition; `HistoryBase` keeps
/// them all.
struct HistoryIntake {
  let partitions: Int
  let kinds: [KindSummary]
  /// The names of channels; channel 0 of an event is none, n is `channels[n − 1]`.
  let channels: [String]
  let accounts: AccountsFile?
  let contacts: ContactsFile?
  let report: IntakeReport
  private let erased: Tombstones
  private let workers: [EventReader]
  private let kindNumbers: [[UInt16]]
  private let channelNumbers: [[UInt16]]

  /// About this many bytes of CSV make a partition that fits in a core's cache.
  private static let bytesPerPartition = 1 << 21
  private static let mostPartitions = 4096
  /// Reading stops when so many rows, and more than half of all, are unusable.
  private static let hopeless = 100_000

  /// Reads all sources. The order of rows, files and chunks and the number of threads change
  /// nothing in what comes out.
  init(
    _ settings: HistorySettings, roles: [String: KindRole], threads: Int, quarantine: URL?,
    chunkBytes: Int, progress: (@Sendable (Int, Int) -> Void)?
  ) throws(HistoriesError) {
    var files: [(source: Int, table: ByteSource)] = []
    for (index, source) in settings.events.enumerated() {
      for table in try source.tables() { files.append((index, table)) }
    }
    var total = 0
    for file in files { total += try file.table.bytesAsText() }
    let wanted = min(max(total / Self.bytesPerPartition, 1), Self.mostPartitions)
    var partitions = 1
    while partitions < wanted { partitions *= 2 }
    self.partitions = partitions
    erased = settings.erased
    let workers = (0..<max(1, threads)).map { _ in EventReader(partitions: partitions) }
    self.workers = workers

    var log = BadRowLog()
    var report = IntakeReport()
    var bytesBefore = 0
    for file in files {
      let source = settings.events[file.source]
      let mapping = try SourceMapping(
        source, header: Header.read(from: file.table, chunkBytes: chunkBytes),
        zone: settings.timeZone)
      let chunks = try RowChunks(file.table, chunkBytes: chunkBytes)
      let results = try Self.read(chunks, mapping, workers) { consumed in
        progress?(bytesBefore + consumed, total)
      }
      let bytes = file.table.countsRows ? chunks.stream.consumed : chunks.stream.size
      bytesBefore += bytes
      let bad = results.reduce(0) { $0 + $1.bad.count }
      let rows = results.reduce(0) { $0 + $1.rows }
      report.files.append(
        .init(
          path: file.table.path, section: "events", rows: rows, bytes: bytes, badRows: bad))
      log.add(
        results, path: file.table.path + (file.table.countsRows ? " as CSV" : ""),
        group: file.source)
    }
    if let source = settings.accounts {
      var source = source
      source.path = try sourceFiles(source.path)[0]
      let accounts = try AccountsFile(
        source, zone: settings.timeZone, erased: settings.erased, chunkBytes: chunkBytes)
      report.files.append(
        .init(
          path: source.path, section: "accounts", rows: accounts.rows, bytes: accounts.bytes,
          badRows: accounts.bad.count))
      log.add(accounts.bad, path: source.path, group: -1)
      // Erased ones as well: each partition counts whom it leaves out.
      for (row, id) in (accounts.ids + accounts.erased).enumerated() {
        let bytes = Array(id.utf8)
        (bytes + [0, 0, 0, 0, 0, 0, 0, 0]).withUnsafeBufferPointer {
          workers[0].append(
            account: Field(start: $0.baseAddress!, count: bytes.count), row: row)
        }
      }
      self.accounts = accounts
    } else {
      accounts = nil
    }
    contacts = try settings.contacts.map { (source) throws(HistoriesError) in
      try ContactsFile(source, erased: settings.erased, chunkBytes: chunkBytes)
    }
    if let contacts {
      report.files.append(
        .init(
          path: contacts.path, section: "contacts", rows: contacts.rows, bytes: contacts.bytes,
          badRows: contacts.bad.count))
      log.add(contacts.bad, path: contacts.path, group: -2)
    }
    for worker in workers { worker.encoded.finish() }
    report.examples = log.examples
    if let quarantine, !log.rows.isEmpty {
      try log.write(to: quarantine.path, leavingOut: settings.erased)
      report.quarantine = quarantine.path
    }
    try log.check(report, share: settings.badRowShare, sources: files.map(\.source))
    (kinds, kindNumbers) = try Self.merge(workers, roles)
    report.unmet = Self.unmet(settings, roles, kinds)
    self.report = report
    let channelNames = Self.union(workers.map(\.channels.names))
    channels = channelNames.names.map { String(decoding: $0, as: UTF8.self) }
    channelNumbers = channelNames.numbers.map { [0] + $0.map { $0 + 1 } }
    if kinds.isEmpty {
      throw .dataContract(
        "no events: \(files.map(\.table.path).joined(separator: ", ")) "
          + "\(files.count == 1 ? "has" : "have") no rows below the header")
    }
  }

  /// Gathers and sorts partition `index`, and gives back the memory it was read into. To be
  /// called once for each; different ones at once.
  func takePartition(_ index: Int) -> Partition {
    Partition(
      index, from: workers, kinds: kindNumbers, channels: channelNumbers,
      erased: erased)
  }

  /// A warning for each kind that the project file names and no event has. A misspelt signal is no
  /// error, since a kind may be yet to come, but it lets feedback in among the features.
  private static func unmet(
    _ settings: HistorySettings, _ roles: [String: KindRole], _ kinds: [KindSummary]
  ) -> [String] {
    let names = kinds.map(\.name)
    let met = Set(names.map { Array($0.utf8) })
    func warnings(_ wanted: some Sequence<String>, _ place: String, _ end: String) -> [String] {
      wanted.filter { !met.contains(Array($0.utf8)) }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        .map { name in
          "\(place) names the kind \"\(name)\", and no event is of it"
            + (nearestName(to: name, among: names).map { ": did you mean \"\($0)\"?" } ?? "")
            + end
        }
    }
    return warnings(
      roles.keys, "[[feedback.signal]]", " (a kind that is no signal counts as a feature)")
      + warnings(settings.features.sayable, "[features] sayable", "")
  }

  /// Cuts one file into chunks under a lock and reads them side by side.
  private static func read(
    _ chunks: RowChunks, _ mapping: SourceMapping, _ workers: [EventReader],
    progress: (Int) -> Void
  ) throws(HistoriesError) -> [EventReader.ChunkResult] {
    let lock = Mutex(())
    let failure = FirstFailure()
    let results = Mutex<[EventReader.ChunkResult]>([])
    withWorkers(workers.count) { worker in
      let buffer = ChunkBuffer()
      var mine: [EventReader.ChunkResult] = []
      var rows = 0
      var bad = 0
      while !failure.happened {
        var more = false
        do throws(HistoriesError) {
          more = try lock.withLock { _ throws(HistoriesError) in
            defer { progress(chunks.stream.consumed) }
            return try chunks.next(into: buffer)
          }
        } catch {
          failure.report(error, at: 0)
        }
        if !more { break }
        let result = workers[worker].read(buffer, mapping)
        rows += result.rows
        bad += result.bad.count
        mine.append(result)
        if bad > hopeless, bad * 2 > rows {
          failure.report(
            .dataContract(
              "\(chunks.stream.path): most rows cannot be used, reading stopped after the first "
                + "\(hopeless): \(result.bad.first?.what.text ?? ""); "
                + "check the mapping in the project file"),
            at: 0)
        }
      }
      results.withLock { $0 += mine }
    }
    try failure.check()
    return results.withLock { $0 }.sorted { $0.chunk < $1.chunk }
  }

  /// The base's kinds in the order of their bytes, and each worker's numbers in it.
  private static func merge(
    _ workers: [EventReader], _ roles: [String: KindRole]
  ) throws(HistoriesError) -> ([KindSummary], [[UInt16]]) {
    let merged = union(workers.map(\.kinds.names))
    guard merged.names.count <= EventReader.mostKinds else {
      throw .dataContract(
        "the events have more than \(EventReader.mostKinds) kinds: "
          + "is the column mapped to `kind` the kind of event?")
    }
    var kinds = merged.names.map { name in
      let text = String(decoding: name, as: UTF8.self)
      return KindSummary(name: text, role: roles[text] ?? .feature)
    }
    for (worker, reader) in workers.enumerated() {
      for (number, place) in merged.numbers[worker].enumerated() {
        kinds[Int(place)].add(reader.tally(number))
      }
    }
    // A source whose rows were all unusable names its constant kind without having an event.
    return (kinds.contains { $0.events > 0 } ? kinds : [], merged.numbers)
  }

  private static func union(
    _ tables: [[[UInt8]]]
  ) -> (names: [[UInt8]], numbers: [[UInt16]]) {
    let names = Set(tables.joined()).sorted { $0.lexicographicallyPrecedes($1) }
    var numberOf: [[UInt8]: UInt16] = [:]
    for (number, name) in names.enumerated() {
      numberOf[name] = UInt16(truncatingIfNeeded: number)
    }
    return (names, tables.map { $0.map { numberOf[$0] ?? 0 } })
  }
}

/// What the events of one kind are, over the whole base.
package struct KindSummary: Sendable, Equatable {
  package let name: String
  package let role: KindRole
  package private(set) var events = 0
  /// How many of them have a value.
  package private(set) var valued = 0
  private var firstSeen = Int64.max
  private var firstValueSeen = Int64.max

  package var hasValue: Bool { valued > 0 }

  init(name: String, role: KindRole) {
    self.name = name
    self.role = role
  }

  mutating func add(_ tally: EventReader.KindTally) {
    events += tally.events
    valued += tally.valued
    firstSeen = min(firstSeen, tally.firstSeen)
    firstValueSeen = min(firstValueSeen, tally.firstValueSeen)
  }

  /// The earliest instant after which one of these events is seen: it happened and was known.
  package var firstKnown: Instant? {
    events > 0 ? Instant(microseconds: firstSeen) : nil
  }

  /// Whether an event of this kind (with a value) is seen as of `date`.
  package func isSeen(asOf date: Instant) -> Bool { firstSeen < date.microseconds }
  package func hasValue(asOf date: Instant) -> Bool { firstValueSeen < date.microseconds }
}
