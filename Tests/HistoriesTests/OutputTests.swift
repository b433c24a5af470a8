import Foundation
import Histories
import TestSupport
import Testing

@Suite struct OutputTests {
  private func text(_ value: Double) -> String {
    let writer = NumberWriter(capacity: 0)
    writer.append(value)
    return String(decoding: writer.written, as: UTF8.self)
  }

  /// The reference is the standard library's `description`, which is the shortest text that reads
  /// back, and the nearest among those.
  @Test func numbersReadBackAndAreAsShortAsCanBe() {
    var draw = SplitMix64(8)
    var values: [Double] = [
      0, 9, 10, 0.1, 0.3, 1 / 3, 1e15, 1e16, 123456.789, 1e-3, .leastNonzeroMagnitude,
      999_999_999.9,
    ]
    for _ in 0..<100_000 {
      values.append(Double(draw.below(4_000_000)) / 86_400)
      values.append(Double(draw.below(100_000)) / 100)
      values.append(Double.random(in: 0.001..<1000, using: &draw))
      values.append(Double.random(in: 1..<1e9, using: &draw))
      values.append(Double(bitPattern: draw.next()))
    }
    var wrong = 0
    for value in values where value.isFinite {
      for signed in [value, -value] {
        let text = text(signed)
        var shortest = signed.description
        if shortest.hasSuffix(".0") { shortest.removeLast(2) }
        if shortest == "-0" { shortest = "0" }
        let same =
          text == shortest
          || (abs(signed) >= 1e15 && Double(text) == signed)
        if !same {
          wrong += 1
          if wrong < 5 { Issue.record("\(text), expected \(shortest)") }
        }
      }
    }
    #expect(wrong == 0)
    #expect(text(.nan) == "")
  }

  @Test func aPipeIsWrittenIntoAndALinkIsFollowed() throws {
    let folder = try TestFolder()
    let pipe = folder.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    func write(_ text: String, to path: String) throws {
      let file = try OutputFile(path: path)
      try file.write(text)
      try file.commit()
    }
    try write("through", to: pipe)
    var bytes = [UInt8](repeating: 0, count: 16)
    #expect(read(reader, &bytes, 16) == 7)
    #expect(Array(bytes.prefix(7)) == Array("through".utf8))
    var status = stat()
    #expect(lstat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)

    let (target, link) = (folder.path("target"), folder.path("link"))
    try write("old", to: target)
    #expect(symlink(target, link) == 0)
    try write("new", to: link)
    #expect(lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "new")
    do throws(HistoriesError) {
      _ = try OutputFile(path: folder.path(""))
      Issue.record("a folder was taken for a file")
    } catch {
      #expect(error.exitStatus == 73 && error.description.contains("is a folder"))
    }
  }

  @Test func filesOfVectorsSayWhatTheBaseSays() throws {
    let folder = try TestFolder()
    let zone = LocalTime(identifier: "Europe/Berlin")!
    let date = Instant(asOf: "2024-11-01", zone: zone)!
    let events = generatedEvents(3000, accounts: 100, asOf: date, zone: zone, seed: 31)
    let base = try base(of: events, in: folder, zone: zone)
    var source = TestEvent.source
    source.path = folder.path("events.csv")
    let settings = HistorySettings(timeZone: zone, events: [source])
    let schema = try base.schema(settings.features, asOf: date)
    let expected = try vectors(base, schema, date)
    func write(_ name: String, _ format: VectorFile.Format, _ threads: Int) throws -> [UInt8] {
      let path = folder.path(name)
      let file = try VectorFile.write(
        settings, roles: testRoles, asOf: date, to: path, format: format, threads: threads)
      #expect(file.rows == expected.count && file.schema == schema)
      return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    let csv = try write("v.csv", .csv, 1)
    #expect(try write("v2.csv", .csv, 2) == csv)
    let table = try CSVTable(path: folder.path("v.csv"))
    #expect(table.header == ["account_id"] + schema.names)
    #expect(table.rowCount == expected.count)
    for row in 0..<table.rowCount {
      let cells = try #require(expected[table.text(row, 0)!])
      for (column, cell) in cells.enumerated() {
        let got = table.number(row, column + 1)
        #expect(got == (cell == .max ? .empty : .number(Double(bitPattern: cell))))
      }
    }
    let npy = try write("v.npy", .npy, 2)
    #expect(npy.count == 128 + expected.count * schema.count * 8)
    #expect(Array(npy[0..<8]) == [0x93] + Array("NUMPY".utf8) + [1, 0])
    #expect(
      String(decoding: npy[10..<128], as: UTF8.self).contains(
        "'shape': (\(expected.count), \(schema.count)), "))
    let ids = try CSVTable(path: folder.path("v.npy.accounts.csv"))
    #expect(
      (0..<ids.rowCount).map { ids.text($0, 0) } == (0..<table.rowCount).map { table.text($0, 0) })
    let names = try String(contentsOfFile: folder.path("v.npy.features.txt"), encoding: .utf8)
    #expect(names.split(separator: "\n").map(String.init) == schema.names)
  }

  @Test func aRefusedRunLeavesNothingHalfWritten() throws {
    let folder = try TestFolder()
    let path = try folder.write("e.csv", "account,at\na,2024-01-01\nb,never\n")
    let source = EventSource(
      path: path, account: "account", at: TimeMapping(column: "at"), kind: .constant("order"))
    do {
      _ = try VectorFile.write(
        HistorySettings(events: [source]), roles: [:],
        asOf: Instant(asOf: "2024-02-01", zone: .utc)!, to: folder.path("v.csv"), format: .csv,
        threads: 2)
      Issue.record("was taken")
    } catch {
      #expect(error.exitStatus == 65)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["e.csv"])
    #expect(throws: HistoriesError.self) { try OutputFile(path: folder.path("no/such/folder.csv")) }
  }

  @Test func tablesGiveStrictNumbers() throws {
    let folder = try TestFolder()
    let table = try CSVTable(path: try folder.write("t.csv", "a,b\n1.5,\nnan,\"2\"\n0x10,1e400"))
    #expect(table.rowCount == 3 && table.line(2) == 4)
    #expect(table.number(0, 0) == .number(1.5) && table.number(0, 1) == .empty)
    #expect(table.number(1, 0) == .invalid && table.number(1, 1) == .number(2))
    #expect(table.number(2, 0) == .invalid && table.number(2, 1) == .invalid)
    #expect(try table.column("b", for: "`--target`") == 1)
    #expect(throws: HistoriesError.self) { try table.column("c", for: "`--target`") }
  }
}
