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
    // Some events come again, nights later.
    for night in 1..<40 {
      try project.write(night % 30, rows: 20, named: "night-\(night)")
      let packed = try project.pack()
      #expect(packed.intake.packedFiles == night)
      #expect(packed.files <= 17)
    }
    #expect(project.packs.count <= 17)
    let packed = try project.vectors()
    #expect(packed.intake.packedFiles == 40)
    let plain = try project.vectors(packed: false)
    #expect(packed.bytes == plain.bytes)
    #expect(packed.intake.repeats == plain.intake.repeats && plain.intake.repeats > 100)
  }

  /// Files larger than memory are packed in slices, which count only together.
  @Test func slicesStandOrFallTogether() throws {
    let project = try Project(files: 2, rows: 3000)
    let packed = try project.pack(memory: 100_000)
    #expect(packed.files > 3)
    let plain = try project.vectors(packed: false)
    #expect(try project.vectors().bytes == plain.bytes)
    #expect(try project.vectors().intake.packedFiles == 2)
    // Whichever is missing, first, last or between.
    for path in project.packs {
      let kept = try #require(FileManager.default.contents(atPath: path))
      try FileManager.default.removeItem(atPath: path)
      let less = try project.vectors()
      #expect(less.bytes == plain.bytes && less.intake.packedFiles == 1)
      try kept.write(to: URL(fileURLWithPath: path))
    }
    try FileManager.default.removeItem(atPath: project.packs[1])
    try project.pack(memory: 100_000)
    #expect(try project.vectors().intake.packedFiles == 2)
  }

  /// Slices of two packings, as packers that met or one that was killed may leave them: they are cut at
  /// other rows, and together no input.
  @Test func slicesOfTwoPackingsAreNotOneInput() throws {
    let project = try Project(files: 1, rows: 60_000)
    let plain = try project.vectors(packed: false)
    var slices: [[String: Data]] = []
    for memory in [100_000, 1_800_000] {
      #expect(PackedHistories.remove(folder: project.folder.path("packed")).isEmpty)
      try project.pack(memory: memory)
      slices.append([:])
      for path in project.packs {
        slices[slices.count - 1][path] = FileManager.default.contents(atPath: path)
      }
    }
    let shared = Set(slices[0].keys).intersection(slices[1].keys).sorted()
    try #require(shared.count > 1, "the same names")
    #expect(slices[0].count > slices[1].count, "cut at other rows")
    for path in shared.prefix(2) {
      #expect(PackedHistories.remove(folder: project.folder.path("packed")).isEmpty)
      for (name, bytes) in slices[1].merging(slices[0], uniquingKeysWith: { $1 }) {
        let kept = name == path ? slices[1][name] ?? bytes : bytes
        try kept.write(to: URL(fileURLWithPath: name))
      }
      #expect(try project.vectors().bytes == plain.bytes)
    }
  }

  /// What few events hold is kept where it is, and left out where it is not: each by itself.
  @Test func whateverAnEventHoldsIsPacked() throws {
    let plain = (0..<400).map { "a\($0 % 9),2024-01-0\(1 + $0 % 8)T00:00:00Z" }
    let tables: [[String]] = [
      plain.map { "\($0),\($0.suffix(20)),nps,,,," },
      plain.map { "\($0),\($0.suffix(20)),nps,,,," } + [
        "a1,1969-12-31T23:59:59Z,1969-12-31T23:59:59Z,nps,,,,",
        "a2,1970-01-01T00:00:00Z,1970-01-01T00:00:00Z,nps,,,,",
      ],
      plain.map { "\($0),\($0.suffix(20)),nps,,,," } + [
        "a1,2106-02-07T06:28:15Z,2106-02-07T06:28:15Z,nps,,,,",
        "a2,2106-02-07T06:28:16Z,2106-02-07T06:28:16Z,nps,,,,",
        "a3,2999-02-07T06:28:16Z,2999-02-07T06:28:16Z,nps,,,,",
      ], plain.map { "\($0),2024-02-01T00:00:00Z,nps,,,," },
      plain.enumerated().map { "\($1),\($1.suffix(20)),nps,\($0 % 7),,," },
      plain.enumerated().map { "\($1),\($1.suffix(20)),nps,,c\($0 % 3),," },
      plain.enumerated().map { "\($1),\($1.suffix(20)),nps,,,id \($0 % 200)," },
      plain.enumerated().map { "\($1),\($1.suffix(20)),nps,,,,said \($0)" },
      // More kinds than a byte tells apart.
      plain.enumerated().map { "\($1),\($1.suffix(20)),kind \($0 % 300),\($0),,," },
    ]
    var roles: [String: KindRole] = ["nps": .feedback]
    for number in 0..<300 { roles["kind \(number)"] = .feedback }
    for rows in tables {
      let project = try Project(files: 0, rows: 0)
      _ = try project.folder.write(
        "events/day.csv", (TestEvent.header + ",id,text\n") + rows.joined(separator: "\n") + "\n")
      var unpacked = project.settings
      unpacked.packed = nil
      let whole = try HistoryBase.read(unpacked, roles: roles, threads: 2, texts: true)
      try project.pack()
      let packed = try HistoryBase.read(project.settings, roles: roles, threads: 2, texts: true)
      #expect(packed.intake.packedFiles == 1 && packed.accountCount == whole.accountCount)
      #expect(packed.intake.repeats == whole.intake.repeats)
      let late = Instant(asOf: "3000-01-01", zone: .utc)!
      for account in 0..<whole.accountCount {
        #expect(packed.account(account) == whole.account(account))
        #expect(packed.feedback(account) == whole.feedback(account), "\(rows[0])")
        #expect(
          packed.words(account, knownBefore: late) == whole.words(account, knownBefore: late))
      }
    }
  }

  /// Same path and length, and one of time or inode alone is another: what is read is the file.
  @Test func aFileIsKnownByMoreThanItsLength() throws {
    let project = try Project(files: 2, rows: 60)
    let path = project.folder.path("events/day-0.csv")
    let old = try #require(FileManager.default.contents(atPath: path))
    var new = old
    new.replaceSubrange(
      try #require(new.firstRange(of: Data(",order,".utf8))), with: Data(",0rder,".utf8))
    var status = stat()
    for isInPlace in [true, false] {
      try old.write(to: URL(fileURLWithPath: path))
      try project.pack()
      #expect(try project.vectors().intake.packedFiles == 2)
      stat(path, &status)
      var times = [status.st_atim, status.st_mtim]
      if isInPlace {
        // A moment later, within the second.
        times[1].tv_nsec += times[1].tv_nsec > 500_000_000 ? -1000 : 1000
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.write(contentsOf: new)
        try handle.close()
      } else {
        // Another file, put in its place with its time.
        let other = project.folder.path("other")
        try new.write(to: URL(fileURLWithPath: other))
        #expect(rename(other, path) == 0)
      }
      utimensat(AT_FDCWD, path, &times, 0)
      let packed = try project.vectors()
      #expect(packed.intake.packedFiles == 0)
      #expect(try packed.bytes == project.vectors(packed: false).bytes)
    }
  }

  /// Files of two packings that hold one input, as two packers that met may leave them.
  @Test func anInputCountsOnce() throws {
    let project = try Project(files: 2, rows: 80)
    try project.pack()
    let both = try #require(project.packs.first)
    let kept = try #require(FileManager.default.contents(atPath: both))
    try FileManager.default.removeItem(atPath: both)
    // The first alone, then both beside it.
    let second = project.folder.path("events/day-1.csv")
    let moved = project.folder.path("day-1.csv")
    try FileManager.default.moveItem(atPath: second, toPath: moved)
    try project.pack()
    try FileManager.default.moveItem(atPath: moved, toPath: second)
    try kept.write(to: URL(fileURLWithPath: both))
    #expect(project.packs.count == 2)
    let packed = try project.vectors()
    #expect(packed.intake.packedFiles == 2, "the file that holds more of them is read")
    #expect(try packed.bytes == project.vectors(packed: false).bytes)
    // One file in two tables is read for each.
    var twice = project
    twice.settings.events.append(project.settings.events[0])
    try twice.pack()
    #expect(try twice.vectors().bytes == twice.vectors(packed: false).bytes)
  }

  /// Events of an account in several packed files and in the inputs, at one instant: in one order, whoever
  /// read them; the accounts' rows and the arrivals by day as well.
  @Test func tiesStandInOneOrderWhereverTheyWereRead() throws {
    let project = try Project(files: 1, rows: 30)
    var draw = SplitMix64(77)
    for file in 0..<6 {
      var text = TestEvent.header + ",id,text\n"
      for row in 0..<300 {
        let known = 1 + draw.below(3)
        let kind = ["order", "login", "visit"][draw.below(3)]
        let value = ["", "1", "2.5", "-1"][draw.below(4)]
        let channel = ["", "web", "shop"][draw.below(3)]
        text +=
          "a\(draw.below(12)),2024-10-0\(1 + draw.below(2))T00:00:00Z,"
          + "2024-10-0\(known)T00:00:00Z,\(kind),\(value),\(channel),,said \(file) \(row)\n"
      }
      _ = try project.folder.write("events/tie-\(file).csv", text)
      if file % 2 == 1 { try project.pack() }
    }
    // A kind that has values from some day on, by files in another order.
    for (month, value) in [(1, ""), (6, "1"), (3, "2")] {
      _ = try project.folder.write(
        "events/points-\(month).csv",
        TestEvent.header + ",id,text\n"
          + (0..<9).map {
            "a\($0),2024-0\(month)-01T00:00:00Z,2024-0\(month)-01T00:00:00Z,points,\(value),,,\n"
          }.joined())
      if month != 3 { try project.pack() }
    }
    var plain = project.settings
    plain.packed = nil
    func read(_ settings: HistorySettings, threads: Int, memory: Int) throws -> HistoryBase {
      try HistoryBase.read(
        settings, roles: ["visit": .feedback], threads: threads, texts: true, memory: memory)
    }
    let whole = try read(plain, threads: 1, memory: 640 << 20)
    for (settings, threads, memory) in [
      (plain, 3, 640 << 20), (plain, 2, 20_000), (project.settings, 1, 640 << 20),
      (project.settings, 2, 20_000),
    ] {
      let other = try read(settings, threads: threads, memory: memory)
      #expect(other.intake.volumes == whole.intake.volumes)
      for days in stride(from: -330, through: 0, by: 15) {
        let date = Self.asOf.adding(days: days)
        #expect(
          try other.schema(everyFeature, asOf: date) == whole.schema(everyFeature, asOf: date))
      }
      for account in 0..<whole.accountCount {
        #expect(other.feedback(account) == whole.feedback(account))
        #expect(other.record(account) == whole.record(account))
      }
    }
    #expect((0..<whole.accountCount).map { whole.feedback($0).count }.max() ?? 0 > 50)
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
    #expect(try project.pack(verifying: true).intake.packedFiles == 2, "as they were")
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
    // Seen first is what had happened and was known first, whichever of the two came later.
    _ = try project.folder.write(
      "events/moved.csv",
      TestEvent.header + ",id,text\n"
        + "moved,2024-10-20T00:00:00Z,2024-11-04T00:00:00Z,nps,1,,late,\n"
        + "moved,2024-11-01T00:00:00Z,2024-11-01T00:00:00Z,nps,2,,late,\n"
        + "moved,2024-11-03T00:00:00Z,2024-10-01T00:00:00Z,nps,3,,early,\n"
        + "moved,2024-10-30T00:00:00Z,2024-10-31T00:00:00Z,nps,4,,early,\n"
        + "moved,2024-10-30T00:00:00Z,2024-10-31T00:00:00Z,nps,5,,,\n"
        + "moved,2024-10-30T00:00:00Z,2024-10-31T00:00:00Z,nps,6,,,\n")
    for packed in [false, true] {
      if packed { try project.pack() }
      let moved = try HistoryBase.read(project.settings, roles: testRoles, threads: 1)
      let words = moved.feedback(try #require(moved.index(of: "moved"))).map(\.value)
      #expect(words == [4, 5, 6, 2])
    }
  }

  /// Whoever writes an input while it is packed: it is not what its identity says.
  @Test func aFileThatChangesWhileItIsReadIsNotPacked() throws {
    let project = try Project(files: 1, rows: 200)
    let path = project.folder.path("events/day-0.csv")
    let error = #expect(throws: HistoriesError.self) {
      try PackedHistories.extend(
        project.settings, threads: 1, verifying: false, quarantine: nil,
        progress: { _, _ in
          if let handle = FileHandle(forWritingAtPath: path) {
            _ = try? handle.seekToEnd()
            try? handle.write(contentsOf: Data("\n".utf8))
            try? handle.close()
          }
        })
    }
    #expect(error?.exitStatus == 65 && error?.description.contains("changed while") == true)
    #expect(try project.vectors().intake.packedFiles == 0)
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
    // Of somebody who is in no other file, packed or not.
    _ = try tombstones.add(["gone"], folder: project.folder.url)
    project.settings.erased = tombstones
    try project.pack()
    _ = try project.folder.write(
      "events/gone.csv",
      TestEvent.header + ",id,text\ngone,2024-10-01T00:00:00Z,2024-10-01T00:00:00Z,order,1,,,\n")
    #expect(try project.vectors().intake.erasedAccounts == 2)
    try project.pack()
    #expect(try project.vectors().intake.erasedAccounts == 2)
    try FileManager.default.removeItem(atPath: project.folder.path("events/gone.csv"))
    // Erased after it was packed: of that nothing is believed.
    _ = try tombstones.add(["a9"], folder: project.folder.url)
    project.settings.erased = tombstones
    let later = try project.vectors(packed: false)
    #expect(later.bytes != plain.bytes && later.intake.erasedAccounts == 2)
    let read = try project.vectors()
    #expect(read.bytes == later.bytes && read.intake.packedFiles == 0)
    // In several packed files and the inputs it is still one account.
    try project.pack()
    try project.write(2, rows: 100)
    try project.pack()
    try project.write(3, rows: 100)
    #expect(try project.vectors().intake.erasedAccounts == 2)
    #expect(PackedHistories.remove(folder: project.folder.path("packed")).isEmpty)
    #expect(project.packs.isEmpty)
  }
}
