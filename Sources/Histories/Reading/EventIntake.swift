import Crypto
import Foundation
import Synchronization

/// Reads event tables into the memory of its workers, and moves what is there into packed files when it
/// fills up: named ones in the folder of packed histories, or, without one, files without a name that
/// last as long as this reading.
final class EventIntake {
  /// So much encoded, some 25 million events, is held before it is moved to disk.
  static let defaultMemory = 640 << 20
  /// Whole inputs are packed together up to about so much.
  private static let packBytes = 64 << 20
  /// Reading stops when so many rows, and more than half of all, are unusable.
  private static let hopeless = 100_000

  let workers: [EventReader]
  let partitions: Int
  /// What was moved to disk, beside what the folder had.
  private(set) var spilled: [PackedFile] = []
  private(set) var packed: PackedHistories?
  private let chunkBytes: Int
  private let memory: Int
  private let erased: Tombstones
  /// Inputs that are whole in memory, of one fingerprint, and which slice of one comes next.
  private var waiting: [PackedInput] = []
  private var fingerprint = ""
  private var slice = 0

  /// `packed`: the histories to be extended, if so.
  init(
    partitions: Int, zone: LocalTime, threads: Int, chunkBytes: Int, memory: Int,
    erased: Tombstones,
    extending packed: PackedHistories?
  ) {
    self.partitions = partitions
    self.chunkBytes = chunkBytes
    self.memory = memory
    self.erased = erased
    self.packed = packed
    workers = (0..<max(1, threads)).map { _ in EventReader(partitions: partitions, zone: zone) }
  }

  /// What was read of one table.
  struct Table {
    var rows = 0
    var bytes = 0
    var bad: [BadRowLog.Row] = []
    /// Wall time of reading it; 0 where it was packed.
    var seconds = 0.0
    /// How many of the events became known on each local day.
    var arrivals: [Int: Int] = [:]

    init() {}

    /// One that was packed, from its slices.
    init(packed: [PackedInput], lines: String, table: Int) {
      for input in packed {
        rows += input.rows
        arrivals.merge(input.days, uniquingKeysWith: +)
        bytes = input.identity.size
        bad += input.bad.map {
          BadRowLog.Row(
            file: lines, line: $0.line, what: $0.what, bytes: [UInt8]($0.bytes), group: table)
        }
      }
    }
  }

  private var bytesInMemory: Int { workers.reduce(0) { $0 + $1.encoded.bytes } }

  /// Reads one table to its end. `lines`: what lines are of, for messages. `packing`: what it is packed as, nil for what has no identity.
  /// Throws what reading does, and `output` where the disk takes no more.
  func read(
    _ source: ByteSource, _ mapping: SourceMapping, table: Int, lines: String,
    packing: (fingerprint: String, identity: FileIdentity)?, progress: (Int) -> Void
  ) throws(HistoriesError) -> Table {
    let isPacked = packed != nil && packing != nil
    let clock = ContinuousClock()
    let start = clock.now
    if !waiting.isEmpty {
      // Encoded, an event takes some 0.6 of its CSV.
      let bytes = try source.bytesAsText(atMost: true) / 5 * 3
      if !isPacked || packing?.fingerprint != fingerprint || bytesInMemory + bytes > memory {
        try packWaiting()
      }
    }
    let chunks = try RowChunks(source, chunkBytes: chunkBytes)
    if isPacked { chunks.stream.startDigest() }
    var results: [EventReader.ChunkResult] = []
    slice = 0
    var written = 0
    while try readRound(chunks, mapping, into: &results, progress: progress) {
      if isPacked, !waiting.isEmpty { continue }
      let rows = written..<results.reduce(0) { $0 + $1.rows }
      written = rows.upperBound
      try moveToDisk(
        isPacked
          ? packing.map {
            PackedContents(
              fingerprint: $0.fingerprint, inputs: [PackedInput(identity: $0.identity)],
              slice: slice, isLast: false, rows: rows)
          } : nil)
      slice += 1
    }
    results.sort { $0.chunk < $1.chunk }
    var read = Table()
    read.rows = results.reduce(0) { $0 + $1.rows }
    read.bytes = source.countsRows ? chunks.stream.consumed : chunks.stream.size
    read.bad = BadRowLog.rows(results, path: lines, group: table)
    for worker in workers { read.arrivals.merge(worker.takeArrivals(), uniquingKeysWith: +) }
    read.seconds = (clock.now - start) / .seconds(1)
    guard isPacked, let packing else { return read }
    // Changed while it was read, it is not what its identity says.
    guard FileIdentity(path: source.path) == packing.identity else {
      throw .dataContract(
        "\(source.path) changed while it was read: run again when whoever writes it is done")
    }
    var input = PackedInput(
      identity: packing.identity,
      sha256: try digest(of: chunks.stream), rows: read.rows)
    input.days = read.arrivals
    input.bad = read.bad.map {
      PackedBadRow(line: $0.line, what: $0.what, bytes: Data($0.bytes))
    }
    fingerprint = packing.fingerprint
    if slice > 0 {
      try moveToDisk(
        PackedContents(
          fingerprint: fingerprint, inputs: [input], slice: slice, isLast: true,
          rows: written..<read.rows))
    } else {
      waiting.append(input)
      if bytesInMemory > Self.packBytes { try packWaiting() }
    }
    return read
  }

  private func digest(of stream: ByteStream) throws(HistoriesError) -> String {
    if let digest = stream.digest() { return digest }
    return try sha256(ofFile: stream.path)
  }

  /// To be called when the last table is read. `releasing`: leaves nothing in memory.
  func finish(releasing: Bool) throws(HistoriesError) {
    if !waiting.isEmpty { try packWaiting() }
    if releasing, bytesInMemory > 0 { try moveToDisk(nil) }
    for worker in workers { worker.encoded.finish() }
  }

  private func packWaiting() throws(HistoriesError) {
    let inputs = waiting
    waiting = []
    try moveToDisk(PackedContents(fingerprint: fingerprint, inputs: inputs))
  }

  /// Gathers, sorts and writes all that is in memory; `contents` as far as they are known, or nil
  /// for a file without a name.
  private func moveToDisk(_ contents: PackedContents?) throws(HistoriesError) {
    for worker in workers { worker.encoded.finish() }
    let names = HistoryNames(workers: workers)
    var full = contents ?? PackedContents(fingerprint: "", inputs: [])
    full.kinds = names.kinds
    full.channels = names.channels
    let readers = workers
    try writePacked(full, named: contents != nil) { [erased] index in
      Partition(
        index, from: readers, kinds: names.kindNumbers, channels: names.channelNumbers,
        erased: erased)
    }
    for worker in workers { worker.restart() }
  }

  /// Writes a packed file of what `part` gives for each partition, and takes it among the files.
  private func writePacked(
    _ contents: PackedContents, named: Bool, part: (Int) throws(PackedFault) -> Partition
  ) throws(HistoriesError) {
    let path = named ? packed?.path(of: contents, partitions: partitions) : nil
    let file: OutputFile
    if let path, let packed {
      try OutputFile.makeFolder(URL(fileURLWithPath: packed.folder))
      file = try OutputFile(path: path)
    } else {
      file = try OutputFile(unnamedIn: Self.temporaryFolder)
    }
    let reading = path == nil ? try file.reading() : nil
    let writer = try PackedFileWriter(file, partitions: partitions)
    let tickets = Tickets(partitions)
    let failure = FirstFailure()
    withWorkers(workers.count) { _ in
      while !failure.happened, let index = tickets.next() {
        do { try writer.write(try part(index), at: index) } catch {
          failure.report(
            error as? HistoriesError ?? .output("a packed file changed while it was read"),
            at: index)
        }
      }
    }
    try failure.check()
    try writer.finish(contents)
    let opened =
      reading.flatMap { PackedFile(descriptor: $0, path: Self.temporaryFolder) }
      ?? path.flatMap(PackedFile.init(path:))
    guard let opened else {
      throw .output("\(path ?? Self.temporaryFolder): what was written there cannot be read again")
    }
    if path == nil { spilled.append(opened) } else { packed?.add(opened) }
  }

  /// TMPDIR, else /var/tmp: larger than memory, so not on a file system that is memory.
  private static var temporaryFolder: String {
    ProcessInfo.processInfo.environment["TMPDIR"] ?? "/var/tmp"
  }

  /// Cuts a file into chunks under a lock and reads them side by side, until its end (false) or until
  /// memory is full (true).
  private func readRound(
    _ chunks: RowChunks, _ mapping: SourceMapping, into results: inout [EventReader.ChunkResult],
    progress: (Int) -> Void
  ) throws(HistoriesError) -> Bool {
    let lock = Mutex(())
    let failure = FirstFailure()
    let read = Mutex<[EventReader.ChunkResult]>([])
    let isFull = Atomic<Bool>(false)
    let share = memory / workers.count
    withWorkers(workers.count) { worker in
      let buffer = ChunkBuffer()
      var mine: [EventReader.ChunkResult] = []
      var rows = 0
      var bad = 0
      while !failure.happened, !isFull.load(ordering: .relaxed) {
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
        if workers[worker].encoded.bytes > share { isFull.store(true, ordering: .relaxed) }
        if bad > Self.hopeless, bad * 2 > rows {
          failure.report(
            .dataContract(
              "\(chunks.stream.path): most rows cannot be used, reading stopped after the first "
                + "\(Self.hopeless): \(result.bad.first?.what.text ?? ""); "
                + "check the mapping in the project file"),
            at: 0)
        }
      }
      read.withLock { $0 += mine }
    }
    try failure.check()
    results += read.withLock { $0 }
    return isFull.load(ordering: .relaxed)
  }

  // MARK: Fewer, larger files

  /// As many small packed files of one table are left beside one another.
  private static let mostSmall = 16

  /// Packs the small files of a table together where there are many: a night adds one.
  func compact() throws(HistoriesError) {
    guard let packed else { return }
    var tables: [String: [PackedFile]] = [:]
    for file in packed.files
    where file.bytes < Self.packBytes && file.contents.slice == 0 && file.contents.isLast {
      tables[file.contents.fingerprint, default: []].append(file)
    }
    for (fingerprint, small) in tables.sorted(by: { $0.key < $1.key })
    where small.count > Self.mostSmall {
      let names = HistoryNames(files: small.map(\.contents))
      let contents = PackedContents(
        fingerprint: fingerprint, inputs: small.flatMap(\.contents.inputs), kinds: names.kinds,
        channels: names.channels)
      try writePacked(contents, named: true) { (index) throws(PackedFault) in
        var parts: [Partition] = []
        for (place, file) in small.enumerated() {
          parts.append(
            try file.partition(
              index, kinds: names.kindNumbers[place], channels: names.channelNumbers[place],
              texts: true))
        }
        return Partition(merging: parts)
      }
      self.packed?.drop(small)
    }
  }
}

/// The kinds and channels of several workers and packed files in one numbering, by their bytes, and what
/// is known of each kind.
struct HistoryNames: Sendable {
  private(set) var kinds: [PackedKind] = []
  private(set) var channels: [String] = []
  /// For each worker or file, the number here of each of its own; channels with the none at 0.
  private(set) var kindNumbers: [[UInt16]] = []
  private(set) var channelNumbers: [[UInt16]] = []

  /// Files first, then workers.
  init(files: [PackedContents] = [], workers: [EventReader] = []) {
    self.init(
      kinds: files.map { file in
        file.kinds.map { kind in
          KindTable(
            name: Array(kind.name.utf8), tally: kind.tally,
            channels: kind.channels.map { (Array($0.name.utf8), $0.firstSeen) })
        }
      }
        + workers.map { reader in
          reader.kinds.names.enumerated().map { number, name in
            KindTable(
              name: name, tally: reader.tally(number), channels: reader.channelsSeen(number))
          }
        },
      channels: files.map { $0.channels.map { Array($0.utf8) } } + workers.map(\.channels.names))
  }

  /// What one worker or file knows of a kind.
  private struct KindTable {
    var name: [UInt8]
    var tally: EventReader.KindTally
    var channels: [(channel: [UInt8], firstSeen: Int64)]
  }

  /// Kinds without an event have no number: rows that proved unusable named them.
  private init(kinds tables: [[KindTable]], channels: [[[UInt8]]]) {
    var tallies: [[UInt8]: EventReader.KindTally] = [:]
    var channelsSeen: [[UInt8]: [[UInt8]: Int64]] = [:]
    for kind in tables.joined() where kind.tally.events > 0 {
      tallies[kind.name, default: EventReader.KindTally()].add(kind.tally)
      channelsSeen[kind.name, default: [:]].merge(
        kind.channels.map { ($0, $1) }, uniquingKeysWith: min)
    }
    let order = tallies.keys.sorted { $0.lexicographicallyPrecedes($1) }
    kinds = order.map { name in
      PackedKind(
        name: String(decoding: name, as: UTF8.self),
        tally: tallies[name] ?? EventReader.KindTally(),
        channels: (channelsSeen[name] ?? [:])
          .sorted { $0.key.lexicographicallyPrecedes($1.key) }
          .map { PackedChannel(name: String(decoding: $0.key, as: UTF8.self), firstSeen: $0.value) }
      )
    }
    let numberOf = Self.numbers(order)
    kindNumbers = tables.map { $0.map { numberOf[$0.name] ?? 0 } }
    let names = Set(channels.joined()).sorted { $0.lexicographicallyPrecedes($1) }
    self.channels = names.map { String(decoding: $0, as: UTF8.self) }
    let channelOf = Self.numbers(names)
    channelNumbers = channels.map { [0] + $0.map { (channelOf[$0] ?? 0) + 1 } }
  }

  private static func numbers(_ names: [[UInt8]]) -> [[UInt8]: UInt16] {
    var numbers: [[UInt8]: UInt16] = [:]
    for (number, name) in names.enumerated() { numbers[name] = UInt16(truncatingIfNeeded: number) }
    return numbers
  }
}

extension EventReader.KindTally {
  mutating func add(_ other: EventReader.KindTally) {
    events += other.events
    valued += other.valued
    firstSeen = min(firstSeen, other.firstSeen)
    firstValueSeen = min(firstValueSeen, other.firstValueSeen)
  }
}
