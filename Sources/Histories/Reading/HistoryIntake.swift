import Foundation

/// What is made of the packed histories while everything is read.
package enum Packing: Sendable {
  /// They are read where they are current; nothing is written.
  case read
  /// What they lack is added; `verifying` digests the inputs first.
  case extend(verifying: Bool)
}

/// Everything read and encoded, not yet gathered by account: what comes between the files and
/// the partitions. `tacit features` works through it partition by partition; `HistoryBase` keeps
/// them, as far as memory goes.
struct HistoryIntake {
  let partitions: Int
  let kinds: [KindSummary]
  /// The names of channels; channel 0 of an event is none, n is `channels[n − 1]`.
  let channels: [String]
  let accounts: AccountsFile?
  let contacts: ContactsFile?
  let report: IntakeReport
  private let erased: Tombstones
  /// What stands on disk.
  let stored: StoredParts
  private let workers: [EventReader]
  private let names: HistoryNames

  /// About this many bytes of CSV make a partition that fits in a core's cache.
  private static let bytesPerPartition = 1 << 21
  private static let mostPartitions = 4096
  /// Packed histories are divided for so many times what they begin with.
  private static let growth = 4

  /// Reads all sources, and what is made of the packed histories with it: `body` gets everything. Where a
  /// packed file proves damaged, all is read anew without it, so `body` may be called again. The
  /// order of rows, files and chunks, the number of threads and what is packed change nothing in what
  /// comes out.
  ///
  /// - Parameters:
  ///   - memory: how many bytes of encoded events are held before they are moved to disk.
  ///   - resident: with more bytes of events than this nothing but the accounts' rows is left in memory, so
  ///     that partitions can be taken again and again.
  static func reading<Result>(
    _ settings: HistorySettings, roles: [String: KindRole], threads: Int, quarantine: URL?,
    chunkBytes: Int = RowChunks.defaultChunkBytes, packing: Packing = .read, texts: Bool = false,
    memory: Int = EventIntake.defaultMemory, resident: Int = .max,
    progress: (@Sendable (Int, Int) -> Void)?,
    _ body: (HistoryIntake) throws -> Result
  ) throws(HistoriesError) -> Result {
    var damaged: Set<String> = []
    while true {
      do {
        let intake = try HistoryIntake(
          settings, roles: roles, threads: threads, quarantine: quarantine, chunkBytes: chunkBytes,
          packing: packing, texts: texts, memory: memory, resident: resident, ignoring: damaged,
          progress: progress)
        return try body(intake)
      } catch let fault as PackedFault {
        guard damaged.insert(fault.path).inserted else {
          throw .output("\(fault.path): what was written there cannot be read again")
        }
      } catch let error as HistoriesError {
        throw error
      } catch {
        throw .output("\(error)")
      }
    }
  }

  private init(
    _ settings: HistorySettings, roles: [String: KindRole], threads: Int, quarantine: URL?,
    chunkBytes: Int, packing: Packing, texts: Bool, memory: Int, resident: Int,
    ignoring damaged: Set<String>, progress: (@Sendable (Int, Int) -> Void)?
  ) throws {
    let plan = try Self.plan(settings, packing, ignoring: damaged)
    partitions = plan.partitions
    erased = settings.erased
    var isExtending = false
    if case .extend = packing { isExtending = true }
    let intake = EventIntake(
      partitions: partitions, zone: settings.timeZone, threads: threads, chunkBytes: chunkBytes,
      memory: memory, erased: settings.erased, extending: isExtending ? plan.packed : nil)
    var log = BadRowLog()
    var report = IntakeReport()
    var tables: [EventIntake.Table?] = plan.inputs.map { _ in nil }
    var bytesBefore = 0
    // What cannot be packed comes last, as all before it leaves memory.
    let order = plan.inputs.indices.sorted {
      let (a, b) = (plan.inputs[$0], plan.inputs[$1])
      return a.isPackable == b.isPackable ? $0 < $1 : a.isPackable
    }
    for index in order where plan.inputs[index].packed.isEmpty {
      let input = plan.inputs[index]
      let source = try input.input.source()
      let mapping = try SourceMapping(
        settings.events[input.table], table: input.table,
        header: Header.read(from: source, chunkBytes: chunkBytes), zone: settings.timeZone,
        keepsTexts: texts || isExtending)
      let before = bytesBefore
      let read = try intake.read(
        source, mapping, table: input.table, lines: input.input.lines,
        packing: input.identity.map { (input.fingerprint, $0) },
        progress: { progress?(before + $0, plan.unread) })
      bytesBefore += read.bytes
      tables[index] = read
    }
    report.volumes = settings.events.enumerated().map {
      TableVolume(table: $0 + 1, path: $1.path)
    }
    for (index, input) in plan.inputs.enumerated() {
      let table =
        tables[index]
        ?? EventIntake.Table(packed: input.packed, lines: input.input.lines, table: input.table)
      report.files.append(
        .init(
          path: input.input.path, section: "events", rows: table.rows, bytes: table.bytes,
          badRows: table.bad.count, table: input.table + 1, seconds: table.seconds))
      if tables[index] == nil { report.packedFiles += 1 }
      report.volumes[input.table].add(table.arrivals)
      log.add(table.bad)
    }
    report.passOver(plan.repeated)
    try intake.finish(
      releasing: plan.bytes > resident || !intake.spilled.isEmpty && resident < .max)
    try intake.compact()
    let clock = ContinuousClock()
    if let source = settings.accounts {
      let start = clock.now
      let accounts = try AccountsFile(
        source, zone: settings.timeZone, erased: settings.erased, chunkBytes: chunkBytes,
        mayBeEmpty: settings.isExcerpt)
      try accounts.refuseDuplicates()
      report.files.append(
        .init(
          path: accounts.table.path, section: "accounts", rows: accounts.rows,
          bytes: accounts.bytes, badRows: accounts.bad.count,
          seconds: (clock.now - start) / .seconds(1)))
      log.add(accounts.bad, path: accounts.table.path, group: -1)
      // Erased ones as well: each partition counts whom it leaves out.
      for (row, id) in (accounts.ids + accounts.erased).enumerated() {
        let bytes = Array(id.utf8)
        (bytes + [0, 0, 0, 0, 0, 0, 0, 0]).withUnsafeBufferPointer {
          intake.workers[0].append(
            account: Field(start: $0.baseAddress!, count: bytes.count), row: row)
        }
      }
      self.accounts = accounts
    } else {
      accounts = nil
    }
    if let source = settings.contacts {
      let start = clock.now
      let contacts = try ContactsFile(
        source, erased: settings.erased, chunkBytes: chunkBytes, mayBeEmpty: settings.isExcerpt)
      try contacts.refuseDuplicates()
      report.files.append(
        .init(
          path: contacts.table.path, section: "contacts", rows: contacts.rows,
          bytes: contacts.bytes, badRows: contacts.bad.count,
          seconds: (clock.now - start) / .seconds(1)))
      log.add(contacts.bad, path: contacts.table.path, group: -2)
      self.contacts = contacts
    } else {
      contacts = nil
    }
    workers = intake.workers
    for worker in workers { worker.encoded.finish() }
    let files = (intake.packed ?? plan.packed).files + intake.spilled
    intake.packed?.removeObsolete()
    report.examples = log.examples
    if let quarantine, !log.rows.isEmpty {
      try log.write(to: quarantine.path, leavingOut: settings.erased)
      report.quarantine = quarantine.path
    }
    try log.check(report, share: settings.badRowShare)
    names = HistoryNames(files: files.map(\.contents), workers: workers)
    stored = StoredParts(files: files, names: names, texts: texts)
    guard names.kinds.count <= EventReader.mostKinds else {
      throw HistoriesError.dataContract(
        "the events have more than \(EventReader.mostKinds) kinds: "
          + "is the column mapped to `kind` the kind of event?")
    }
    kinds = names.kinds.map {
      KindSummary($0, role: roles[$0.name] ?? .feature)
    }
    report.unmet = Self.unmet(settings, roles, kinds.map(\.name))
    self.report = report
    channels = names.channels
    if kinds.isEmpty, !settings.isExcerpt {
      throw HistoriesError.dataContract(
        "no events: \(plan.inputs.map(\.input.path).joined(separator: ", ")) "
          + "\(plan.inputs.count == 1 ? "has" : "have") no rows below the header")
    }
  }

  /// Whether all events stand on disk, so that partitions can be taken again.
  var holdsRowsAlone: Bool { workers.allSatisfy { $0.hasNoEvents } }

  /// Gathers and sorts partition `index`, and gives back the memory it was read into. To be called
  /// once for each; different ones at once. Throws where a packed file is damaged.
  func takePartition(_ index: Int) throws(PackedFault) -> Partition {
    try stored.partition(index, with: takeLive(index))
  }

  /// Of partition `index` what is in memory, which is given back. To be called once for each.
  func takeLive(_ index: Int) -> Partition {
    Partition(
      index, from: workers, kinds: Array(names.kindNumbers[stored.files.count...]),
      channels: Array(names.channelNumbers[stored.files.count...]), erased: erased)
  }

  // MARK: What is read and what is packed

  private struct Plan {
    struct Input {
      var table: Int
      var input: EventInput
      var fingerprint: String
      var identity: FileIdentity?
      /// What is packed of it: all or nothing.
      var packed: [PackedInput] = []

      var isPackable: Bool { identity != nil }
    }
    var inputs: [Input] = []
    /// Files with the bytes of an earlier one of their table (from 1), which stands for them.
    var repeated: [(table: Int, path: String, earlier: String)] = []
    var packed: PackedHistories
    var partitions = 1
    /// About how many bytes of CSV there are, in all and not packed.
    var bytes = 0
    var unread = 0
  }

  private static func plan(
    _ settings: HistorySettings, _ packing: Packing, ignoring damaged: Set<String>
  ) throws(HistoriesError) -> Plan {
    var inputs: [Plan.Input] = []
    var identities: [String: [FileIdentity]] = [:]
    var repeated: [(table: Int, path: String, earlier: String)] = []
    for (table, source) in settings.events.enumerated() {
      let fingerprint = PackedHistories.fingerprint(
        source, table: table, zone: settings.timeZone, erased: settings.erased)
      let found = try source.inputs()
      let earlier = try SameFiles.earlier(source, found.map(\.path))
      for (place, input) in found.enumerated() {
        if let first = earlier[place] {
          repeated.append((table + 1, input.path, found[first].path))
          continue
        }
        let identity = input.identity
        inputs.append(
          Plan.Input(table: table, input: input, fingerprint: fingerprint, identity: identity))
        if let identity { identities[fingerprint, default: []].append(identity) }
      }
    }
    var isExtending = false
    var packed = PackedHistories(
      folder: settings.packed ?? "", inputs: settings.packed == nil ? [:] : identities,
      ignoring: damaged)
    if case .extend(let verifying) = packing {
      isExtending = true
      if verifying { try packed.verify() }
    }
    var plan = Plan(repeated: repeated, packed: packed)
    for var input in inputs {
      let bytes = try input.input.bytesAsText()
      plan.bytes += bytes
      if let identity = input.identity { input.packed = packed.packed(identity, input.fingerprint) }
      if input.packed.isEmpty { plan.unread += bytes }
      plan.inputs.append(input)
    }
    func partitions(_ bytes: Int) -> Int {
      let wanted = min(max(bytes / bytesPerPartition, 1), mostPartitions)
      return 1 << (Int.bitWidth - (wanted - 1).leadingZeroBitCount)
    }
    let fresh = partitions(plan.bytes * (isExtending ? growth : 1))
    if let have = packed.partitions, !isExtending || have * growth >= partitions(plan.bytes) {
      plan.partitions = have
      return plan
    }
    // Outgrown: everything is packed anew.
    packed.drop(packed.files)
    plan.packed = packed
    plan.partitions = fresh
    plan.unread = plan.bytes
    for index in plan.inputs.indices { plan.inputs[index].packed = [] }
    return plan
  }

  /// A warning for each kind that the project file names and no event has. A misspelt signal is no
  /// error, since a kind may be yet to come, but it lets feedback in among the features.
  static func unmet(
    _ settings: HistorySettings, _ roles: [String: KindRole], _ names: [String]
  ) -> [String] {
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
      + warnings(
        Set(settings.features.open.flatMap { [$0.opened, $0.resolved] }), "[features] open", "")
  }
}

/// The packed files that partitions are taken from, again and again.
struct StoredParts: Sendable {
  let files: [PackedFile]
  let names: HistoryNames
  let texts: Bool

  /// Partition `index` of all files together with what is in memory of it.
  func partition(_ index: Int, with live: Partition) throws(PackedFault) -> Partition {
    var parts: [Partition] = []
    for (place, file) in files.enumerated() {
      parts.append(
        try file.partition(
          index, kinds: names.kindNumbers[place], channels: names.channelNumbers[place],
          texts: texts))
    }
    if parts.isEmpty || live.accountCount > 0 || live.erasedAccounts > 0 { parts.append(live) }
    return Partition(merging: parts)
  }
}

/// What the events of one kind are, over the whole base.
package struct KindSummary: Sendable, Equatable {
  package let name: String
  package let role: KindRole
  package let events: Int
  /// How many of them have a value.
  package let valued: Int
  private let firstSeen: Int64
  private let firstValueSeen: Int64
  private let channels: [PackedChannel]

  package var hasValue: Bool { valued > 0 }

  init(_ kind: PackedKind, role: KindRole) {
    name = kind.name
    self.role = role
    events = kind.tally.events
    valued = kind.tally.valued
    firstSeen = kind.tally.firstSeen
    firstValueSeen = kind.tally.firstValueSeen
    channels = kind.channels
  }

  /// The names of the channels by which an event of this kind is seen as of `date`.
  func channels(asOf date: Instant) -> [[UInt8]] {
    channels.filter { $0.firstSeen < date.microseconds }.map { Array($0.name.utf8) }
  }

  /// The earliest instant after which one of these events is seen: it happened and was known.
  package var firstKnown: Instant? {
    events > 0 ? Instant(microseconds: firstSeen) : nil
  }

  /// Whether an event of this kind (with a value) is seen as of `date`.
  package func isSeen(asOf date: Instant) -> Bool { firstSeen < date.microseconds }
  package func hasValue(asOf date: Instant) -> Bool { firstValueSeen < date.microseconds }
}
