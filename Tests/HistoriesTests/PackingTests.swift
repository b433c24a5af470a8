import Foundation
import Histories
import Synchronization
import TestSupport
import Testing

/// The packed histories are a cache: with them, without them and with damaged ones the same comes out.
@Suite struct PackingTests {
  private static let asOf = Instant(asOf: "2024-11-05", zone: .utc)!
  private static let zone = LocalTime(identifier: "Europe/Berlin")!

  /// A project of daily files, some gzip, with ids, channels and texts.
  private struct Project: Sendable {
    let folder: TestFolder
    var settings: HistorySettings

    init(files: Int, rows: Int, seed: UInt64 = 1) throws {
      folder = try TestFolder()
      try FileManager.default.createDirectory(
        atPath: folder.path("events"), withIntermediateDirectories: true)
      var source = TestEvent.source
      source.path = folder.path("events/*")
      source.id = "id"
      source.text = "text"
      settings = HistorySettings(
        timeZone: PackingTests.zone, events: [source],
        accounts: AccountsSource(
          path: try folder.write(
            "accounts.csv",
            "account,seats\n" + (0..<60).map { "a\($0),\($0)\n" }.joined() + "only here,3\n"),
          account: "account", numeric: ["seats"]),
        badRowShare: 0.5)
      settings.packed = folder.path("packed")
      settings.features = everyFeature
      for file in 0..<files { try write(file, rows: rows, seed: seed) }
    }

    /// One daily file; every third is gzip.
    func write(_ file: Int, rows: Int, seed: UInt64 = 1, named name: String? = nil) throws {
      let events = generatedEvents(
        rows, accounts: 50, asOf: PackingTests.asOf, zone: PackingTests.zone,
        seed: seed &* 1000 &+ UInt64(file))
      var text = TestEvent.header + ",id,text\n"
      for (row, event) in events.enumerated() {
        let said = row % 4 == 0 ? "\"said \(file), \(row)\nsecond line\"" : ""
        text += event.row + ",\(file)-\(row),\(said)\n"
      }
      text += "a1,never,never,order,,,x,private words\n"
      let path = try folder.write("events/\(name ?? "day-\(file)").csv", text)
      if file % 3 == 2 { try gzip(path) }
    }

    private func gzip(_ path: String) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["gzip", "-nf", path]
      try process.run()
      process.waitUntilExit()
    }

    func vectors(
      packed: Bool = true, threads: Int = 2, memory: Int? = nil
    ) throws -> (bytes: Data, intake: IntakeReport) {
      var settings = settings
      if !packed { settings.packed = nil }
      let out = folder.path("vectors-\(UInt64.random(in: 0...UInt64.max)).csv")
      defer { try? FileManager.default.removeItem(atPath: out) }
      let quarantine = URL(fileURLWithPath: out + ".quarantine")
      defer { try? FileManager.default.removeItem(at: quarantine) }
      let file = try VectorFile.write(
        settings, roles: testRoles, asOf: PackingTests.asOf, to: out, format: .csv,
        threads: threads, quarantine: quarantine, memory: memory ?? 640 << 20)
      let bytes = FileManager.default.contents(atPath: out) ?? Data()
      let bad = FileManager.default.contents(atPath: quarantine.path) ?? Data()
      return (bytes + bad, file.intake)
    }

    @discardableResult
    func pack(memory: Int = 640 << 20, verifying: Bool = false) throws -> PackedHistories.Extended {
      try PackedHistories.extend(
        settings, threads: 2, verifying: verifying, quarantine: nil, memory: memory,
        progress: nil)
    }

    var packs: [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder.path("packed"))) ?? [])
        .sorted().map { folder.path("packed/" + $0) }
    }
  }

  /// Files without how long they took.
  private func untimed(_ files: [IntakeReport.File]) -> [IntakeReport.File] {
    files.map {
      var file = $0
      file.seconds = 0
      return file
    }
  }

  @Test func theSameWithAndWithoutAndInLittleMemory() throws {
    let project = try Project(files: 6, rows: 400)
    let plain = try project.vectors(packed: false)
    #expect(plain.bytes.count > 10_000)
    for threads in [1, 2, 3] {
      let spilled = try project.vectors(packed: false, threads: threads, memory: 20_000)
      #expect(spilled.bytes == plain.bytes)
      #expect(untimed(spilled.intake.files) == untimed(plain.intake.files))
    }
    let packed = try project.pack()
    #expect(packed.files == 1 && packed.intake.packedFiles == 0)
    let again = try project.vectors()
    #expect(again.bytes == plain.bytes)
    #expect(again.intake.packedFiles == 6)
    #expect(untimed(again.intake.files) == untimed(plain.intake.files))
    #expect(again.intake.examples == plain.intake.examples)
    #expect(try project.pack().intake.packedFiles == 6)
  }

  /// What a base answers does not depend on where its partitions are.
  @Test func aBaseLargerThanMemoryAnswersTheSame() throws {
    let project = try Project(files: 5, rows: 300)
    var settings = project.settings
    settings.packed = nil
    let whole = try HistoryBase.read(settings, roles: testRoles, threads: 2, texts: true)
    let schema = try whole.schema(everyFeature, asOf: Self.asOf)
    let rows = (0..<whole.accountCount).map { VectorRow(account: Int32($0), asOf: Self.asOf) }
    let vectors = try whole.vectors(schema, rows: rows, threads: 2)
    for (packing, memory) in [(Packing.read, 30_000), (.extend(verifying: false), 30_000)] {
      settings.packed = project.settings.packed
      let base = try HistoryBase.read(
        settings, roles: testRoles, threads: 2, packing: packing, texts: true, memory: memory,
        resident: 1000)
      #expect(base.accountCount == whole.accountCount && base.kinds == whole.kinds)
      let other = try base.vectors(schema, rows: rows, threads: 2)
      #expect(zip(vectors, other).allSatisfy { $0.bitPattern == $1.bitPattern })
      for account in 0..<base.accountCount {
        #expect(base.account(account) == whole.account(account))
        #expect(base.feedback(account) == whole.feedback(account))
        #expect(base.record(account)?.numeric == whole.record(account)?.numeric)
        #expect(
          base.words(account, knownBefore: Self.asOf)
            == whole.words(account, knownBefore: Self.asOf))
      }
    }
    #expect((0..<whole.accountCount).contains { !whole.words($0, knownBefore: Self.asOf).isEmpty })
  }

  @Test func onlyWhatIsNewIsRead() throws {
    let project = try Project(files: 4, rows: 200)
    try project.pack()
    try project.write(4, rows: 100)
    #expect(try project.vectors().intake.packedFiles == 4)
    #expect(try project.pack().intake.packedFiles == 4)
    #expect(try project.vectors().intake.packedFiles == 5)
    #expect(try project.vectors().bytes == project.vectors(packed: false).bytes)
    // A changed file takes those that it was packed with along, and no others.
    try project.write(4, rows: 90, seed: 7)
    #expect(try project.vectors().intake.packedFiles == 4)
    #expect(try project.vectors().bytes == project.vectors(packed: false).bytes)
    try project.pack()
    try project.write(0, rows: 90, seed: 7)
    #expect(try project.vectors().intake.packedFiles == 1)
    #expect(try project.vectors().bytes == project.vectors(packed: false).bytes)
    try project.pack()
    // One that is gone takes its events along.
    try FileManager.default.removeItem(atPath: project.folder.path("events/day-1.csv"))
    #expect(try project.vectors().bytes == project.vectors(packed: false).bytes)
    // Another mapping, another zone, somebody erased: nothing packed is of use.
    var other = project
    other.settings.events[0].value = nil
    #expect(try other.vectors().intake.packedFiles == 0)
    other = project
    other.settings.timeZone = .utc
    #expect(try other.vectors().intake.packedFiles == 0)
  }

  /// A day's file a night, for longer than small files are left alone.
  @Test func manyNightsMakeFewFiles() throws {
    let project = try Project(files: 1, rows: 50)
    try project.pack()
    for night in 1..<40 {
      try project.write(night, rows: 20)
      let packed = try project.pack()
      #expect(packed.intake.packedFiles == night)
      #expect(packed.files <= 17)
    }
    #expect(project.packs.count <= 17)
    let packed = try project.vectors()
    #expect(packed.intake.packedFiles == 40)
    #expect(try packed.bytes == project.vectors(packed: false).bytes)
  }

  /// Files larger than memory are packed in slices, which count only together.
  @Test func slicesStandOrFallTogether() throws {
    let project = try Project(files: 2, rows: 3000)
    let packed = try project.pack(memory: 100_000)
    #expect(packed.files > 3)
    let plain = try project.vectors(packed: false)
    #expect(try project.vectors().bytes == plain.bytes)
    #expect(try project.vectors().intake.packedFiles == 2)
    try FileManager.default.removeItem(atPath: project.packs[1])
    let less = try project.vectors()
    #expect(less.bytes == plain.bytes && less.intake.packedFiles == 1)
    try project.pack(memory: 100_000)
    #expect(try project.vectors().intake.packedFiles == 2)
  }

  /// A byte changed anywhere, or the end cut off, costs time only.
  @Test func damageIsFoundAndMended() throws {
    let project = try Project(files: 3, rows: 120)
    let plain = try project.vectors(packed: false)
    try project.pack()
    let path = try #require(project.packs.first)
    let good = try #require(FileManager.default.contents(atPath: path))
    var found = 0
    for place in stride(from: 0, to: good.count, by: max(good.count / 150, 1)) {
      var bytes = good
      bytes[place] ^= 0x40
      try bytes.write(to: URL(fileURLWithPath: path))
      let read = try project.vectors()
      #expect(read.bytes == plain.bytes, "at \(place)")
      found += read.intake.packedFiles == 0 ? 1 : 0
    }
    // All but the first eight bytes, which nobody asks, are under a check sum.
    #expect(found >= 149)
    for length in stride(from: 0, to: good.count, by: good.count / 20) {
      try good.prefix(length).write(to: URL(fileURLWithPath: path))
      #expect(try project.vectors().bytes == plain.bytes)
    }
    #expect(try project.pack().intake.packedFiles == 0)
    #expect(try project.vectors().intake.packedFiles == 3)
    #expect(project.packs.count == 1)
  }

  /// Same size, same time, same inode, other bytes: only `verify` sees it.
  @Test func verifyingLooksAtTheBytes() throws {
    let project = try Project(files: 2, rows: 50)
    let path = project.folder.path("events/day-0.csv")
    var status = stat()
    stat(path, &status)
    try project.pack()
    var bytes = try #require(FileManager.default.contents(atPath: path))
    let place = try #require(bytes.firstRange(of: Data(",order,".utf8)))
    bytes.replaceSubrange(place, with: Data(",0rder,".utf8))
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: bytes)
    try handle.close()
    var times = [status.st_atim, status.st_mtim]
    utimensat(AT_FDCWD, path, &times, 0)
    #expect(try project.vectors().intake.packedFiles == 2)
    #expect(try project.pack(verifying: true).intake.packedFiles == 0)
    #expect(try project.vectors().bytes == project.vectors(packed: false).bytes)
  }

  @Test func packersMayMeet() throws {
    let project = try Project(files: 5, rows: 200)
    let plain = try project.vectors(packed: false)
    for _ in 0..<5 {
      let failures = Mutex<[String]>([])
      DispatchQueue.concurrentPerform(iterations: 4) { index in
        do {
          if index % 2 == 0 {
            try project.pack(memory: index == 0 ? 640 << 20 : 30_000)
          } else if try project.vectors().bytes != plain.bytes {
            failures.withLock { $0.append("other bytes") }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
      #expect(failures.withLock { $0 } == [])
      #expect(try project.vectors().bytes == plain.bytes)
      #expect(PackedHistories.remove(folder: project.folder.path("packed")).isEmpty)
    }
  }

  /// An event that comes again under its id counts once; as it was known first, whatever is said later.
  @Test func anEventComesOnce() throws {
    let project = try Project(files: 2, rows: 200)
    let before = try project.vectors(packed: false)
    #expect(before.intake.repeats == 0)
    try project.write(1, rows: 200, named: "again-1")
    for packed in [false, true] {
      if packed { try project.pack() }
      let after = try project.vectors(packed: packed)
      #expect(after.intake.repeats == 200)
      #expect(
        after.bytes.prefix(before.bytes.count / 2) == before.bytes.prefix(before.bytes.count / 2))
    }
    _ = try project.folder.write(
      "events/corrected.csv",
      TestEvent.header + ",id,text\n"
        + "a1,2024-11-01T00:00:00Z,2024-11-01T00:00:00Z,order,5,,one,\n"
        + "a1,2024-11-01T00:00:00Z,2024-11-04T00:00:00Z,order,900,,one,\n")
    let corrected = try HistoryBase.read(project.settings, roles: testRoles, threads: 1)
    let account = try #require(corrected.index(of: "a1"))
    let order = try #require(corrected.kinds.firstIndex { $0.name == "order" })
    let day = Instant(asOf: "2024-11-01T00:00:00Z", zone: .utc)!
    let sum = corrected.tally(
      account, kind: order, in: day..<day.adding(days: 1), knownBefore: Self.asOf)
    #expect(sum.sum < 800)
  }

  @Test func nothingOfTheErasedIsPacked() throws {
    var project = try Project(files: 2, rows: 200)
    var tombstones = Tombstones()
    _ = try tombstones.add(["a7"], folder: project.folder.url)
    project.settings.erased = tombstones
    let plain = try project.vectors(packed: false)
    #expect(plain.intake.erasedAccounts == 1)
    try project.pack()
    #expect(try project.vectors().bytes == plain.bytes)
    #expect(try project.vectors().intake.erasedAccounts == 1)
  }
}
