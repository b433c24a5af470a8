import Synchronization

/// The part of `check` that reads the `[[events]]` tables, file by file in the order of paths.
struct EventCheck {
  private(set) var findings: [Finding] = []
  /// What reading for a run would have stopped at.
  private(set) var failures: [HistoriesError] = []
  private(set) var files: [IntakeReport.File] = []
  private(set) var volumes: [TableVolume] = []
  private(set) var kinds: [KindFacts] = []
  /// Accounts of the accounts file with an event; those of events that it does not have, and their
  /// events.
  private(set) var knownWithEvents = 0
  private(set) var others = RepeatSample()
  private(set) var otherEvents = 0

  private let settings: HistorySettings
  private let readers: [CheckReader]
  private let buffers: [ChunkBuffer]

  init(
    _ settings: HistorySettings, now: Instant, known: KnownAccounts?, threads: Int,
    progress: (@Sendable (Int, Int) -> Void)?
  ) {
    self.settings = settings
    readers = (0..<max(1, threads)).map { _ in
      CheckReader(zone: settings.timeZone, now: now, known: known, erased: settings.erased)
    }
    buffers = readers.map { _ in ChunkBuffer() }
    var tables: [[EventInput]] = []
    for source in settings.events {
      do throws(HistoriesError) {
        tables.append(try source.inputs())
      } catch {
        tables.append([])
        refuse(error)
      }
    }
    let total = tables.joined().reduce(0) { $0 + ((try? $1.bytesAsText()) ?? 0) }
    var before = 0
    for (number, source) in settings.events.enumerated() {
      volumes.append(TableVolume(table: number + 1, path: source.path))
      check(source, number + 1, tables[number], now: now) { consumed, isDone in
        progress?(before + consumed, total)
        if isDone { before += consumed }
      }
    }
    gather(known)
  }

  private mutating func refuse(_ error: HistoriesError) {
    findings.append(Finding(.error, "unreadable", error.description))
    failures.append(error)
  }

  /// What is met in the files of one table.
  private struct TableFacts {
    var rows = 0
    var unusable: UnusableRows
    var early = Sightings()
    var future = Sightings()
    var futureKnown = Sightings()
    var old = Sightings()
    var repeats = Sightings()
    var repeatRows = 0
    var repeatsAreEstimated = false
    var ids = RepeatSample()
    var idRepeats = Sightings()
    var same = Sightings()
    /// Changes of columns, each with the files in which it was met.
    var changes: [(severity: Finding.Severity, code: String, text: String, seen: Sightings)] = []

    mutating func change(
      _ severity: Finding.Severity, _ code: String, _ text: String, _ place: Finding.Place
    ) {
      if !changes.contains(where: { $0.text == text }) {
        changes.append((severity, code, text, Sightings()))
      }
      for index in changes.indices where changes[index].text == text {
        changes[index].seen.add(place)
      }
    }
  }

  private mutating func check(
    _ source: EventSource, _ number: Int, _ inputs: [EventInput], now: Instant,
    progress: (Int, Bool) -> Void
  ) {
    let section = settings.events.count > 1 ? "[[events]] number \(number)" : "[[events]]"
    var facts = TableFacts(unusable: UnusableRows(section: section))
    let earlier = try? SameFiles.earlier(source, inputs.map(\.path))
    var shape: TableShape?
    var repeated = IntakeReport()
    for (index, input) in inputs.enumerated() {
      if let first = earlier?[index] {
        repeated.files = files
        repeated.passOver([(number, input.path, inputs[first].path)])
        files = repeated.files
        if files.contains(where: { $0.path == input.path && $0.sameAs != nil }) {
          facts.same.add(Finding.Place(file: input.path, line: 1, countsRows: false))
        }
        continue
      }
      do throws(HistoriesError) {
        let table = try input.source()
        let header = try Header.read(from: table)
        var next = TableShape(header)
        if let shape, compare(next, with: shape, source, table, &facts) { continue }
        let mapping = try SourceMapping(
          source, table: number - 1, header: header, zone: settings.timeZone)
        next.contents = try read(
          table, number, mapping, &facts, progress)
        if let shape { compareContents(next, with: shape, source, table, &facts) }
        shape = next
      } catch {
        refuse(error)
      }
    }
    findings += facts.unusable.findings(of: facts.rows, share: settings.badRowShare)
    report(facts, section, now)
  }

  /// Says which columns are gone. True where one of them is mapped, so that the file cannot be read.
  private mutating func compare(
    _ next: TableShape, with shape: TableShape, _ source: EventSource, _ table: ByteSource,
    _ facts: inout TableFacts
  ) -> Bool {
    if source.columns.allSatisfy({ next.place(of: $0.name) == nil }) {
      // Its names may be a row's contents.
      facts.change(
        .error, "header_missing",
        "line 1 has none of the mapped columns: files without a header cannot be read",
        Self.place(table, 1))
      failures.append(.dataContract("\(table.path), line 1: none of the mapped columns"))
      return true
    }
    var isUnreadable = false
    for (name, now) in next.lost(since: shape) {
      let key = source.columns.first { $0.name.utf8.elementsEqual(name.utf8) }?.key
      let isMapped = key.map { " (for `\($0)`)" } ?? ""
      let text =
        now.map { "the column \"\(name)\"\(isMapped) is gone and \"\($0)\" is new: renamed?" }
        ?? "the column \"\(name)\"\(isMapped) is gone"
      facts.change(
        key == nil ? .note : .error, now == nil ? "column_gone" : "column_renamed", text,
        Self.place(table, 1))
      if let key {
        isUnreadable = true
        failures.append(.dataContract("no column \"\(name)\" (for `\(key)`)"))
      }
    }
    return isUnreadable
  }

  private func compareContents(
    _ next: TableShape, with shape: TableShape, _ source: EventSource, _ table: ByteSource,
    _ facts: inout TableFacts
  ) {
    for (key, name) in source.columns where key != "text" {
      guard let (was, now) = next.retyped(name, since: shape) else { continue }
      facts.change(
        .warning, "column_retyped",
        "the column \"\(name)\" (for `\(key)`) holds \(now.rawValue), in the file before \(was.rawValue)",
        Self.place(table, 1))
    }
  }

  private static func place(_ table: ByteSource, _ line: Int) -> Finding.Place {
    Finding.Place(file: table.path, line: line, countsRows: table.countsRows)
  }

  /// Reads one file, some chunks at a time, each looked at side by side; what its columns hold.
  private mutating func read(
    _ table: ByteSource, _ number: Int, _ mapping: SourceMapping,
    _ facts: inout TableFacts, _ progress: (Int, Bool) -> Void
  ) throws(HistoriesError) -> [TableShape.Contents] {
    let clock = ContinuousClock()
    let start = clock.now
    let chunks = try RowChunks(table, chunkBytes: RowChunks.defaultChunkBytes)
    var file = IntakeReport.File(
      path: table.path, section: "events", rows: 0, bytes: 0, badRows: 0, table: number)
    var contents: [TableShape.Contents] = []
    var repeats = RepeatSample()
    // Where the next chunk begins: lines are counted from 1, and the header is one; rows are without it.
    var offset = 1
    defer {
      file.bytes = table.countsRows ? chunks.stream.consumed : chunks.stream.size
      file.seconds = (clock.now - start) / .seconds(1)
      files.append(file)
      for reader in readers { volumes[number - 1].add(reader.takeArrivals()) }
      facts.rows += file.rows
      facts.repeatRows += repeats.repeats
      facts.repeatsAreEstimated = facts.repeatsAreEstimated || repeats.isEstimate
    }
    while true {
      let found = try round(chunks, mapping, table)
      if found.isEmpty { break }
      for chunk in found {
        if chunk.chunk == 0 { contents = chunk.contents }
        file.rows += chunk.rows
        file.badRows += chunk.bad.count
        for row in chunk.bad { facts.unusable.add(row.what, Self.place(table, offset + row.place)) }
        for (spots, seen) in [
          (chunk.early, \TableFacts.early), (chunk.future, \.future),
          (chunk.futureKnown, \.futureKnown), (chunk.old, \.old),
        ] as [(CheckReader.Spots, WritableKeyPath<TableFacts, Sightings>)] {
          for index in 0..<spots.count {
            facts[keyPath: seen].add(
              Self.place(table, offset + (index < spots.first.count ? spots.first[index] : 0)))
          }
        }
        for (place, hash) in zip(chunk.places, chunk.rowHashes) {
          if repeats.add(hash, at: offset + Int(place)) != nil {
            facts.repeats.add(Self.place(table, offset + Int(place)))
          }
        }
        for (place, hash) in zip(chunk.places, chunk.idHashes) where hash != 0 {
          if facts.ids.add(hash, at: 0) != nil {
            facts.idRepeats.add(Self.place(table, offset + Int(place)))
          }
        }
        offset += chunk.length
      }
      progress(chunks.stream.consumed, false)
    }
    progress(chunks.stream.consumed, true)
    return contents
  }

  /// The next chunks in their order; none at the end.
  private func round(
    _ chunks: RowChunks, _ mapping: SourceMapping, _ table: ByteSource
  ) throws(HistoriesError) -> [CheckReader.ChunkFacts] {
    let lock = Mutex(0)
    let failure = FirstFailure()
    let found = Mutex<[CheckReader.ChunkFacts]>([])
    withWorkers(readers.count) { worker in
      while !failure.happened {
        var more = false
        do throws(HistoriesError) {
          more = try lock.withLock { taken throws(HistoriesError) in
            guard taken < 4 * readers.count, try chunks.next(into: buffers[worker]) else {
              return false
            }
            taken += 1
            return true
          }
        } catch {
          failure.report(error, at: 0)
        }
        guard more else { return }
        let facts = readers[worker].read(
          buffers[worker], mapping, countsRows: table.countsRows)
        found.withLock { $0.append(facts) }
      }
    }
    try failure.check()
    return found.withLock { $0 }.sorted { $0.chunk < $1.chunk }
  }

  private mutating func report(_ facts: TableFacts, _ section: String, _ now: Instant) {
    for change in facts.changes {
      findings.append(
        Finding(
          change.severity, change.code, "\(section): \(change.text)", count: change.seen.count,
          places: change.seen.places))
    }
    func say(
      _ severity: Finding.Severity, _ code: String, _ text: String, _ seen: Sightings,
      count: Int? = nil
    ) {
      guard seen.count > 0 else { return }
      findings.append(
        Finding(
          severity, code, text, count: count ?? seen.count, places: seen.places))
    }
    func about(_ isEstimate: Bool) -> String { isEstimate ? " (about so many, by a sample)" : "" }
    say(
      .warning, "known_before_at",
      "events of \(section) were known before they happened (`known_at` before `at`): are the two "
        + "exchanged, or in different zones?", facts.early)
    say(
      .warning, "future_events", "events of \(section) happen after \(now): is the zone right?",
      facts.future)
    say(
      .warning, "future_known",
      "events of \(section) become known after \(now): is the zone right?",
      facts.futureKnown)
    say(
      .warning, "old_events",
      "events of \(section) are older than 1990: is an empty time written as zero, or the unit wrong?",
      facts.old)
    say(
      .warning, "file_twice",
      "files of \(section) have the same bytes as an earlier one: each counts once", facts.same)
    say(
      .warning, "id_twice",
      "events of \(section) have an `id` that an earlier event of their account has: each counts once"
        + about(facts.ids.isEstimate), facts.idRepeats, count: facts.ids.repeats)
    say(
      .note, "rows_repeat",
      "rows of \(section) repeat an earlier row of the same file, byte for byte: they may be real, and "
        + "count" + about(facts.repeatsAreEstimated), facts.repeats,
      count: facts.repeatRows)
  }

  /// Puts what the workers learnt together, in an order of its own.
  private mutating func gather(_ known: KnownAccounts?) {
    var facts: [[UInt8]: KindFacts] = [:]
    for reader in readers {
      for (name, kind) in zip(reader.kindNames, reader.kinds) {
        facts[name, default: KindFacts()].add(kind)
      }
      others.add(reader.others)
      otherEvents += reader.otherEvents
    }
    kinds = facts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.filter { $0.value.events > 0 }
      .map { name, kind in
        var kind = kind
        kind.name = String(decoding: name, as: UTF8.self)
        return kind
      }
    for row in 0..<(known?.count ?? 0) where readers.contains(where: { $0.met[row] }) {
      knownWithEvents += 1
    }
  }
}

extension EventSource {
  /// The columns that are mapped, each by its key.
  var columns: [(key: String, name: String)] {
    var columns = [("account", account), ("at", at.column)]
    if let knownAt { columns.append(("known_at", knownAt.column)) }
    if case .column(let name) = kind { columns.append(("kind", name)) }
    if case .column(let name) = value { columns.append(("value", name)) }
    if case .column(let name) = channel { columns.append(("channel", name)) }
    if let id { columns.append(("id", id)) }
    if let text { columns.append(("text", text)) }
    return columns
  }
}
