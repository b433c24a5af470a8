package import Foundation
import Synchronization

/// The way from a project's files to a file of vectors as of one date, partition by partition: no
/// more than a few partitions are ever gathered at once (`tacit features`).
///
/// What 20 million events of 42 bytes to 753,143 rows of 54 cells (benchmarks/features.py) ask of
/// memory at least, each byte once: 0.84 GB of CSV copied from the page cache, 0.40 GB encoded (20
/// bytes an event) written and read, 0.64 GB of events (32 bytes) written and read twice, 0.14 GB
/// of text written: 5.3 GB with the other half of each copy, 0.3 s at 18 GB/s. On a night, when all but
/// one day is packed, it is 0.27 GB of blocks, 0.64 GB of events written twice (decoded, merged) and read,
/// and the text. Instructions weigh more in both: taking text apart where it is CSV, else the walk
/// and the 3.7 million numbers among the cells that have more than a few digits.
package struct VectorFile {
  package enum Format: Sendable {
    /// `account_id`, then a column for each feature; categorical cells hold the level's text.
    case csv
    /// A float64 array of rows × features in C order; beside it, `<name>.features.txt` (a name a
    /// line) and `<name>.accounts.csv` (`account_id`, in the order of rows). Categorical cells
    /// hold the level's place.
    case npy
  }

  /// What was written and read.
  package let schema: FeatureSchema
  package let rows: Int
  package let intake: IntakeReport

  /// Reads `settings`' sources and writes the vectors of all accounts with a feature event seen
  /// as of `date`, in the order of the accounts' stable hash. The same bytes for any number of
  /// threads. Throws what `HistoryBase.read` and `schema` throw, and `output`.
  package static func write(
    _ settings: HistorySettings, roles: [String: KindRole], asOf date: Instant, to path: String,
    format: Format, threads: Int, quarantine: URL? = nil,
    memory: Int = EventIntake.defaultMemory, progress: (@Sendable (Int, Int) -> Void)? = nil
  ) throws(HistoriesError) -> VectorFile {
    // Opened once before, so that a place that cannot be written is known before everything is read.
    _ = try Outputs(path: path, format: format)
    return try HistoryIntake.reading(
      settings, roles: roles, threads: threads, quarantine: quarantine, memory: memory,
      progress: progress
    ) { intake in
      try write(intake, settings, asOf: date, to: path, format: format, threads: threads)
    }
  }

  private static func write(
    _ intake: HistoryIntake, _ settings: HistorySettings, asOf date: Instant, to path: String,
    format: Format, threads: Int
  ) throws -> VectorFile {
    let schema = try FeatureSchema(
      settings.features, kinds: intake.kinds, accounts: intake.accounts, zone: settings.timeZone,
      asOf: date)
    let outputs = try Outputs(path: path, format: format)
    try outputs.begin(schema)
    let tickets = Tickets(intake.partitions)
    let failure = FirstFailure()
    let ordered = Mutex(Ordered())
    withWorkers(threads) { _ in
      let walk = FeatureWalk(
        schema, kinds: intake.kinds, channels: intake.channels, accounts: intake.accounts)
      while !failure.happened, let index = tickets.next() {
        do {
          let partition = try intake.takePartition(index)
          let text = VectorText(partition, schema, walk, date, format)
          try ordered.withLock { state in
            state.erased += partition.erasedAccounts
            state.repeats += partition.repeats
            state.waiting[index] = text
            while let ready = state.waiting.removeValue(forKey: state.next) {
              try outputs.write(ready)
              state.rows += ready.rows
              state.next += 1
            }
          }
        } catch let error as HistoriesError {
          failure.report(error, at: index)
        } catch let fault as PackedFault {
          failure.report(.output(""), at: index)
          ordered.withLock { $0.fault = fault }
        } catch {
          failure.report(.output("\(error)"), at: index)
        }
      }
    }
    let done = ordered.withLock { $0 }
    if let fault = done.fault { throw fault }
    try failure.check()
    if done.rows == 0 {
      throw HistoriesError.insufficient("no account has a feature event seen before \(date)")
    }
    try outputs.commit(rows: done.rows)
    var report = intake.report
    report.erasedAccounts = done.erased
    report.repeats = done.repeats
    return VectorFile(schema: schema, rows: done.rows, intake: report)
  }

  private struct Ordered {
    var next = 0
    var waiting: [Int: VectorText] = [:]
    var rows = 0
    var erased = 0
    var repeats = 0
    var fault: PackedFault?
  }
}

/// The vectors of one partition as bytes of the output. Unchecked because the writer is written to by
/// `init` alone.
private struct VectorText: @unchecked Sendable {
  var rows = 0
  let main: NumberWriter
  /// The accounts, where they have a file of their own.
  var accounts: [UInt8] = []

  init(
    _ partition: Partition, _ schema: FeatureSchema, _ walk: FeatureWalk, _ date: Instant,
    _ format: VectorFile.Format
  ) {
    let width = schema.count
    let numbers = schema.levels.firstIndex { !$0.isEmpty } ?? width
    let row = UnsafeMutablePointer<Double>.allocate(capacity: max(width, 1))
    defer { row.deallocate() }
    let writer = NumberWriter(capacity: partition.accountCount * (width * 3 + 64))
    for account in 0..<partition.accountCount {
      let filled = partition.withEvents(account) { events in
        walk.fill(
          events, accountRow: partition.accountRows[account], asOf: date, into: row)
      }
      guard filled else { continue }
      rows += 1
      switch format {
      case .csv:
        writer.append(field: partition.id(account))
        // Attributes come last, so the cells before the first one with levels are all numbers.
        writer.append(cells: row, count: numbers)
        for index in numbers..<width {
          writer.append(byte: 0x2c)
          if row[index].isNaN { continue }
          if schema.levels[index].isEmpty {
            writer.append(row[index])
          } else {
            writer.append(field: schema.levels[index][Int(row[index])].utf8)
          }
        }
        writer.append(byte: 0x0a)
      case .npy:
        writer.append(raw: row, count: width)
        CSVText.append(partition.id(account), to: &accounts)
        accounts.append(0x0a)
      }
    }
    main = writer
  }
}

/// The files of one run; all appear at the end or none.
private final class Outputs {
  private let format: VectorFile.Format
  private let main: OutputFile
  private let names: OutputFile?
  private let accounts: OutputFile?
  private var width = 0

  init(path: String, format: VectorFile.Format) throws(HistoriesError) {
    self.format = format
    main = try OutputFile(path: path)
    switch format {
    case .csv: (names, accounts) = (nil, nil)
    case .npy:
      names = try OutputFile(path: path + ".features.txt")
      accounts = try OutputFile(path: path + ".accounts.csv")
    }
  }

  func begin(_ schema: FeatureSchema) throws(HistoriesError) {
    width = schema.count
    switch format {
    case .csv:
      var line = Array("account_id".utf8)
      for name in schema.names {
        line.append(0x2c)
        CSVText.append(Array(name.utf8), to: &line)
      }
      line.append(0x0a)
      try main.write(line)
    case .npy:
      try main.write(header(rows: 0))
      for name in schema.names { try names?.write(name + "\n") }
      try accounts?.write("account_id\n")
    }
  }

  func write(_ text: VectorText) throws(HistoriesError) {
    try text.main.withWritten { (bytes) throws(HistoriesError) in try main.write(bytes) }
    try accounts?.write(text.accounts)
  }

  func commit(rows: Int) throws(HistoriesError) {
    if format == .npy { try main.overwriteStart(with: header(rows: rows)) }
    try names?.commit()
    try accounts?.commit()
    try main.commit()
  }

  /// The header of format 1.0 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html),
  /// 128 bytes whatever the number of rows.
  private func header(rows: Int) -> [UInt8] {
    var text = Array(
      "{'descr': '<f8', 'fortran_order': False, 'shape': (\(rows), \(width)), }".utf8)
    while text.count < 117 { text.append(0x20) }
    text.append(0x0a)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count), 0] + text
  }
}
