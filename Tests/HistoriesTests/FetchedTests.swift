import Foundation
import Histories
import TestSupport
import Testing

/// What an engine fetched of some accounts is, account by account and to the bit, what the inputs give.
@Suite struct FetchedTests {
  private static let zone = LocalTime(identifier: "Europe/Berlin")!
  private static let asOf = Instant(asOf: "2024-11-05", zone: zone)!
  private static let ids = (0..<400).map { number in
    ["\(number)", "00\(number)", "id, \"\(number)\"", "Kund\u{e9}\(number)"][number % 4]
  }

  /// A base of two tables of events whose ids overlap, accounts and contacts; some accounts have no row
  /// there, some no event.
  private struct Project {
    let folder: TestFolder
    var settings: HistorySettings

    init() throws {
      folder = try TestFolder()
      func cell(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }
      func id(_ event: TestEvent) -> String {
        cell(FetchedTests.ids[Int(event.account.dropFirst()) ?? 0])
      }
      let events = generatedEvents(
        9000, accounts: 380, asOf: FetchedTests.asOf, zone: FetchedTests.zone, seed: 31)
      var (first, second) = ("who,at,known_at,kind,value,channel,id,text\n", "who,ts,points,id\n")
      var draw = SplitMix64(5)
      for event in events {
        let key = draw.below(3) == 0 ? "" : "\(draw.below(60))"
        if draw.below(5) == 0 {
          let seconds = "\(event.at.microseconds / 1_000_000)"
          second += "\(id(event)),\(seconds),\(event.value.map { "\($0)" } ?? ""),\(key)\n"
        } else {
          let text = draw.below(4) == 0 ? cell("said, \"\(first.utf8.count)\"\nfür 東京\r\n") : ""
          let rest = event.row.split(separator: ",", maxSplits: 1)[1]
          first += "\(id(event)),\(rest),\(key),\(text)\n"
        }
      }
      var accounts = "who,since,seats,plan,worth,full name,dnc\n"
      var contacts = "who,person,name,dnc\n"
      for (number, id) in FetchedTests.ids.enumerated() where number % 7 != 0 {
        let since = number % 3 == 0 ? "2025-01-01" : "2024-01-01"
        accounts +=
          "\(cell(id)),\(since),\(number % 5 == 0 ? "" : "\(Double(number) / 7)"),"
          + "\(["basic", "", "Größe L"][number % 3]),\(number * 1000),\(cell("N. \"\(number)\"")),"
          + "\(["yes", "", "0", "FALSE"][number % 4])\n"
        for person in 0..<(number % 4) {
          contacts += "\(cell(id)),p\(person),\(cell("P, \(person)")),\(person == 1 ? "1" : "")\n"
        }
      }
      let one = EventSource(
        path: try folder.write("one.csv", first), account: "who", at: TimeMapping(column: "at"),
        knownAt: TimeMapping(column: "known_at"), kind: .column("kind"), value: .column("value"),
        channel: .column("channel"), id: "id", text: "text")
      let two = EventSource(
        path: try folder.write("two.csv", second), account: "who",
        at: TimeMapping(column: "ts", format: .unix), kind: .constant("points"),
        value: .column("points"), channel: .constant("shop"), id: "id")
      var people = AccountsSource(
        path: try folder.write("accounts.csv", accounts), account: "who", numeric: ["seats"],
        categorical: ["plan"])
      people.knownAt = TimeMapping(column: "since")
      people.value = "worth"
      people.name = "full name"
      people.doNotContact = "dnc"
      var persons = ContactsSource(
        path: try folder.write("contacts.csv", contacts), account: "who", contact: "person")
      persons.name = "name"
      persons.doNotContact = "dnc"
      settings = HistorySettings(
        timeZone: FetchedTests.zone, events: [one, two], accounts: people, contacts: persons,
        features: everyFeature)
    }

    /// Writes the fetched tables, as SQL over the inputs, of the accounts of a list.
    func fetch(_ accounts: [String], to folder: URL, with duckdb: DuckDB) throws {
      func read(_ name: String) -> String {
        "(SELECT * FROM read_csv('\(self.folder.path(name))', all_varchar = true, header = true, "
          + "quote = '\"', escape = '\"', allow_quoted_nulls = false, strict_mode = false))"
      }
      let wanted = accounts.map { "'" + $0.replacing("'", with: "''") + "'" }
      let among = "WHERE who IN (\((["'nobody'"] + wanted).joined(separator: ", ")))"
      func write(_ query: String, _ table: String, _ file: String) throws {
        let place = folder.appendingPathComponent(table)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try duckdb.run(
          "SET TimeZone = 'Europe/Berlin'",
          "COPY (\(query)) TO '\(place.path)/\(file).parquet' (FORMAT parquet)")
      }
      func us(_ column: String) -> String { "epoch_us(CAST(\(column) AS TIMESTAMPTZ))" }
      try write(
        "SELECT who AS account, \(us("\"at\"")) AS \"at\", \(us("known_at")) AS known_at, kind, "
          + "CAST(value AS DOUBLE) AS value, channel, id, text, CAST(0 AS INTEGER) AS source "
          + "FROM \(read("one.csv")) \(among)", "events", "b")
      try write(
        "SELECT who AS account, CAST(ts AS BIGINT) * 1000000 AS \"at\", "
          + "CAST(ts AS BIGINT) * 1000000 AS known_at, 'points' AS kind, "
          + "CAST(points AS DOUBLE) AS value, 'shop' AS channel, id, CAST(NULL AS VARCHAR) AS text, "
          + "CAST(1 AS INTEGER) AS source FROM \(read("two.csv")) \(among)", "events", "a")
      try write("SELECT * FROM \(read("accounts.csv")) \(among)", "accounts", "part-0")
      try write("SELECT * FROM \(read("contacts.csv")) \(among)", "contacts", "part-0")
    }
  }

  @Test func oneHundredAccountsAreThoseOfTheWholeBase() throws {
    let project = try Project()
    guard let duckdb = try DuckDB.linked(into: project.folder.url) else { return }
    var draw = SplitMix64(9)
    var wanted: [String] = []
    while wanted.count < 100 {
      let id = Self.ids[draw.below(Self.ids.count)]
      if !wanted.contains(id) { wanted.append(id) }
    }
    let folder = project.folder.url.appendingPathComponent("fetched [*]")
    try project.fetch(wanted, to: folder, with: duckdb)
    let whole = try HistoryBase.read(project.settings, roles: testRoles, threads: 2, texts: true)
    let settings = try FetchedHistories.settings(
      project.settings, from: folder, project: project.folder.url)
    let part = try HistoryBase.read(settings, roles: testRoles, threads: 2, texts: true)
    #expect(whole.intake.repeats > 50 && part.intake.badRows == 0)
    #expect(part.accountCount > 80 && part.accountCount <= 100)
    let schema = try whole.schema(project.settings.features, asOf: Self.asOf)
    let all = try vectors(whole, schema, Self.asOf)
    let some = try vectors(part, schema, Self.asOf)
    #expect(some.count > 50 && some == all.filter { wanted.contains($0.key) })
    var (spoken, said, recorded) = (0, 0, 0)
    for id in wanted {
      let (there, here) = (whole.index(of: id), part.index(of: id))
      #expect((there == nil) == (here == nil), "\(id)")
      guard let there, let here else { continue }
      #expect(part.record(here) == whole.record(there))
      func told(_ base: HistoryBase, _ account: Int) -> [HistoryBase.Feedback] {
        (base.feedback(account) + base.mechanics(account)).map {
          var feedback = $0
          feedback.kindIndex = 0
          return feedback
        }
      }
      #expect(told(part, here) == told(whole, there))
      #expect(part.firstEvent(here) == whole.firstEvent(there))
      #expect(
        part.words(here, knownBefore: Self.asOf) == whole.words(there, knownBefore: Self.asOf))
      spoken += told(part, here).count
      said += part.words(here, knownBefore: Self.asOf).count
      recorded += part.record(here)?.contacts.count ?? 0
    }
    #expect(spoken > 100 && said > 100 && recorded > 50)
    // Whoever is erased is left out of what was fetched before.
    var erased = settings
    _ = try erased.erased.add([wanted[1]], folder: project.folder.url)
    let left = try HistoryBase.read(erased, roles: testRoles, threads: 2)
    #expect(part.index(of: wanted[1]) != nil && left.index(of: wanted[1]) == nil)
  }

  /// A night may have nobody to fetch, and those it fetches no row of their own.
  @Test func tablesWithoutARowAreNoneThatWentMissing() throws {
    let project = try Project()
    guard let duckdb = try DuckDB.linked(into: project.folder.url) else { return }
    let folder = project.folder.url.appendingPathComponent("fetched")
    try project.fetch([], to: folder, with: duckdb)
    let settings = try FetchedHistories.settings(
      project.settings, from: folder, project: project.folder.url)
    #expect(try HistoryBase.read(settings, threads: 1).accountCount == 0)
    // One account with events and nothing else.
    try project.fetch([Self.ids[7]], to: folder, with: duckdb)
    let base = try HistoryBase.read(settings, threads: 1)
    #expect(base.accountCount == 1 && base.record(0) == nil)
    try FileManager.default.removeItem(at: folder.appendingPathComponent("accounts/part-0.parquet"))
    #expect(throws: HistoriesError.self) {
      _ = try FetchedHistories.settings(
        project.settings, from: folder, project: project.folder.url)
    }
  }
}
