import Detraction
import Foundation
import Histories
import TestSupport
import Testing

/// Vectors by an engine against the native ones, on histories made to be difficult: changes of clocks,
/// leap days, ties in time, late knowledge, hostile names.
@Suite struct FeatureSQLTests {
  static let zone = LocalTime(identifier: "Europe/Berlin")!
  static let asOf = Instant(asOf: "2024-11-01", zone: zone)!
  static let hostile = [
    "order", "Order", "o'brien \"x\"", "${spark.app.name}", "a;b -- c", "back\\slash\\n",
    "line\nbreak", "%d_%s", "comma,kind", "👩\u{200D}🚀", "tic`ket",
  ]
  static let roles: [String: KindRole] = [
    "nps": .feedback, "rating": .feedback, "complaint": .feedback, "survey_sent": .mechanics,
  ]

  @Test func duckDBGivesTheSameVectors() throws {
    let base = try DifficultBase()
    defer { base.remove() }
    guard let duckDB = try DuckDB.linked(into: base.folder) else { return }
    #expect(base.base.intake.erasedAccounts == 2 && base.base.intake.repeats > 50)
    for date in [Self.asOf, Self.asOf.adding(days: -5), Self.asOf.adding(days: -214)] {
      let script = try base.script(.duckdb, date).features
      let file = base.folder.appendingPathComponent("features.sql")
      try Data(script.utf8).write(to: file)
      let said = try duckDB.run(".mode json", ".read \(file.path)")
      let rows = try #require(
        try JSONSerialization.jsonObject(with: Data(said.utf8)) as? [[String: Any]])
      try base.compare(rows, date)
    }
  }

  @Test func sparkGivesTheSameVectors() throws {
    let base = try DifficultBase()
    defer { base.remove() }
    guard let rows = try base.rows(bySpark: base.script(.spark, Self.asOf).features) else { return }
    try base.compare(rows, Self.asOf)
  }

  @Test func trainingRowsAreTheNativeOnes() throws {
    let base = try DifficultBase(events: 6000)
    defer { base.remove() }
    guard let duckDB = try DuckDB.linked(into: base.folder) else { return }
    let (feedback, training) = try base.labels()
    let native = TrainingRows(
      base: base.base, feedback: feedback, training: training, asOf: Self.asOf)
    #expect(native.rows.count > 30)
    let vectors = try base.base.vectors(
      base.schema,
      rows: native.rows.map {
        VectorRow(account: Int32($0.account), asOf: native.snapshots[$0.snapshot])
      }, threads: 2)
    func script(_ dialect: SQLDialect, _ share: Double) throws -> String {
      try SQLScript(
        base.settings, schema: base.schema, roles: Self.roles,
        silentForDays: feedback.silentForDays,
        asOf: Self.asOf,
        labels: FeatureSQL.Labels(feedback: feedback, training: training, controls: share),
        folder: DifficultBase.elsewhere, dialect: dialect
      ).features
    }
    func byDuckDB(_ share: Double) throws -> [[String: Any]] {
      let file = base.folder.appendingPathComponent("labels.sql")
      try Data(script(.duckdb, share).utf8).write(to: file)
      let said = try duckDB.run(".mode json", ".read \(file.path)")
      return try #require(
        try JSONSerialization.jsonObject(with: Data(said.utf8)) as? [[String: Any]])
    }
    func check(_ rows: [[String: Any]]) throws {
      #expect(rows.count == native.rows.count)
      var found: [[UInt8]: [String: Any]] = [:]
      for row in rows {
        let account = try #require(row["account_id"] as? String)
        let snapshot = try #require(row["as_of"] as? String)
        found[Array("\(account)\0\(snapshot)".utf8)] = row
      }
      for (place, want) in native.rows.enumerated() {
        let key = base.base.account(want.account) + "\0\(native.snapshots[want.snapshot])"
        let row = try #require(found[Array(key.utf8)], "\(key) is missing")
        #expect((row["is_detractor"] as? NSNumber)?.boolValue == want.isDetractor)
        #expect((row["was_silent"] as? NSNumber)?.boolValue == want.voice.isSilent)
        for index in base.schema.features.indices {
          base.expectSame(
            vectors[place * base.schema.count + index], row[base.schema.features[index].name],
            index,
            key)
        }
      }
    }
    try check(byDuckDB(1))
    if let rows = try base.rows(bySpark: script(.spark, 1)) { try check(rows) }
    // All detractors, some of the others, with weights and offsets that make up for them.
    let sampled = try byDuckDB(0.5)
    func detractors(_ rows: [[String: Any]]) -> Int {
      rows.count { ($0["is_detractor"] as? NSNumber)?.boolValue == true }
    }
    #expect(detractors(sampled) == native.rows.count(where: \.isDetractor))
    #expect(sampled.count < native.rows.count)
    for row in sampled {
      let isDetractor = (row["is_detractor"] as? NSNumber)?.boolValue == true
      #expect((row["weight"] as? NSNumber)?.doubleValue == (isDetractor ? 1 : 2))
      #expect(abs(((row["offset"] as? NSNumber)?.doubleValue ?? 0) - log(2)) < 1e-15)
    }
  }

  /// One pass over the events and one join, of the accounts, by the engines' own plans; and a text that
  /// grows with features by as much for the fifth kind as for the third.
  @Test func thePlanReadsTheEventsOnce() throws {
    let base = try DifficultBase()
    defer { base.remove() }
    func script(_ schema: FeatureSchema, _ dialect: SQLDialect) throws -> SQLScript {
      try SQLScript(
        base.settings, schema: schema, roles: Self.roles, silentForDays: 180, asOf: Self.asOf,
        folder: DifficultBase.elsewhere, dialect: dialect)
    }
    func explaining(_ word: String, _ dialect: SQLDialect) throws -> String {
      let script = try script(base.schema, dialect)
      return script.preamble.map { $0 + ";\n" }.joined() + word + " " + script.vectors + ";\n"
    }
    if let duckDB = try DuckDB.linked(into: base.folder) {
      let file = base.folder.appendingPathComponent("plan.sql")
      try Data(explaining("EXPLAIN (FORMAT json)", .duckdb).utf8).write(to: file)
      let plan = try duckDB.run(".read \(file.path)")
      #expect(
        plan.matches(of: /"name":\s*"READ_CSV"/).count == base.settings.events.count + 1,
        "events and accounts, each once")
      #expect(!plan.contains("NESTED_LOOP_JOIN") && !plan.contains("PIECEWISE_MERGE_JOIN"))
    }
    if let rows = try base.rows(bySpark: explaining("EXPLAIN FORMATTED", .spark)) {
      let plan = try #require(rows.first?["plan"] as? String)
      let scans = plan.split(separator: "\n").count { $0.contains(") Scan csv") }
      #expect(
        scans == base.settings.events.count + 1,
        "events and accounts, each once: \(plan.prefix(4000))")
      #expect(!plan.contains("CartesianProduct") && !plan.contains("NestedLoopJoin"))
    }
    let sizes = try [1, 3, 5].map { count in
      let kinds = Self.hostile.filter { $0.utf8.count < 12 }
      return try script(
        base.base.schema(
          FeatureSettings(
            windowsDays: [7, 30], kinds: Array(kinds.prefix(count)),
            aggregates: .list(Aggregate.allCases)), asOf: Self.asOf), .duckdb
      ).vectors.utf8.count
    }
    let (first, second) = (sizes[1] - sizes[0], sizes[2] - sizes[1])
    #expect(abs(Double(second) / Double(first) - 1) < 0.2)
  }
}

/// A project with difficult histories in a folder of its own.
struct DifficultBase {
  let folder: URL
  let settings: HistorySettings
  let base: HistoryBase
  let schema: FeatureSchema

  /// Engines of tests run in other folders, so paths in scripts are to be whole.
  static let elsewhere = "/elsewhere"

  init(seed: UInt64 = 8, events: Int = 3000, accounts: Int = 50) throws {
    folder = try temporaryFolder().resolvingSymlinksInPath()
    var draw = SplitMix64(seed)
    var ids = [
      "A1", "a1", "\u{E4}", "a\u{308}", " x ", "q\"'", "-1", "007", "7", "${x}", "l\nm", "z\\",
      "é;--",
    ]
    for number in ids.count..<accounts { ids.append("c\(number)") }
    let day = Instant.microsecondsPerDay
    let t = FeatureSQLTests.asOf.microseconds
    var special: [Int64] = [t, t - 1, t + 1]
    for days in [1, 7, 30, 90, 365] as [Int64] {
      special += [t - days * day - 1, t - days * day, t - days * day + 1]
    }
    for text in [
      "2024-02-29T12:00:00Z", "2024-02-29T23:30:00Z", "2024-03-31T00:59:59Z",
      "2024-03-31T01:00:00Z", "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z",
      "2023-12-31T23:30:00Z", "1969-12-31T23:59:59Z",
    ] {
      special.append(Instant(asOf: text, zone: .utc)!.microseconds)
    }
    let kinds = FeatureSQLTests.hostile + ["nps", "survey_sent"]
    var lines = ["account,at,known_at,kind,value,channel"]
    var last = ""
    while lines.count <= events {
      if !last.isEmpty, draw.below(12) == 0 {
        lines.append(last)
        continue
      }
      let at: Int64 =
        switch draw.below(4) {
        case 0: special[draw.below(special.count)]
        case 1: t - Int64(draw.below(800)) * day + Int64(draw.below(3)) * 3_600_000_000
        default: t - Int64(draw.below(500 * 86_400)) * 1_000_000 + Int64(draw.below(9))
        }
      // Late, known just when a date is, or before it happened, as what is planned may be.
      let late: Int64 =
        switch draw.below(16) {
        case 0..<4: Int64(draw.below(100)) * day
        case 4: max(t - at, 0) + Int64(draw.below(3)) - 1
        case 5: -Int64(draw.below(3)) * day - 1
        default: 0
        }
      let value = draw.below(3) == 0 ? "" : "\(Double(draw.below(2000) - 300) / 100)"
      let channel = ["", "web", "we''b\\", "Web"][draw.below(4)]
      // A few kinds have most of the events, so that habits show.
      let kind = draw.below(2) == 0 ? kinds[draw.below(2)] : kinds[draw.below(kinds.count)]
      last = [
        ids[draw.below(ids.count)], "\(Instant(microseconds: at))",
        "\(Instant(microseconds: at + late))", kind, value, channel,
      ].map(Self.field).joined(separator: ",")
      lines.append(last)
    }
    var people = ["id,since,seats,plan,gone,quiet,money,tier"]
    for (index, id) in ids.enumerated() where index % 5 != 4 {
      people.append(
        [
          id, ["2020-01-01", "2024-10-30T12:00", "2025-01-01", "2024-11-01"][index % 4],
          ["", "3", "2.5", "1e3"][index % 4], ["", "gold", "Gold", "o'x\\"][index % 4],
          ["", "yes", "NO", "0", "False"][index * 7 % 5], ["0", "1"][index % 2],
          ["", "12.5", "3"][index * 3 % 5 % 3], ["", "\u{E4} 'b'"][index % 2],
        ].map(Self.field).joined(separator: ","))
    }
    // Answers at the borders of label windows, of values at those of rules, known before the date or not.
    for place in 0..<events / 10 {
      let at = t - Int64(60 * (1 + place % 7)) * day + [-1, 0, 1][draw.below(3)]
      let known = draw.below(5) == 0 ? t + [-1, 0][draw.below(2)] : at
      let value = ["", "4", "3.999", "2", "2.001", "1"][draw.below(6)]
      lines.append(
        "\(Self.field(ids[draw.below(ids.count)])),\(Instant(microseconds: at)),"
          + "\(Instant(microseconds: known)),\(["nps", "rating", "complaint"][draw.below(3)]),"
          + "\(value),web")
    }
    // What cannot be read loses its attributes, and no refusal.
    people += [
      "d1,2020-01-01,many,gold,yes,1,5,x", "d2,never,3,gold,yes,1,5,x",
      "d3,2020-01-01,3,gold,yes,1,much,x", "d4,2020-01-01,3,gold,no,1,5,x",
    ]
    for number in 1...4 {
      lines.append("d\(number),2024-05-0\(number)T10:00:00Z,2024-05-09T10:00:00Z,order,1,")
    }
    // What native reading sets aside.
    lines += [
      ",2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,order,1,", "A1,never,2024-01-01,order,1,",
      "A1,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,,1,",
      "A1,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,order,nan,",
      "A1,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,order,0x1p3,",
    ]
    try Data((lines.joined(separator: "\n") + "\n").utf8)
      .write(to: folder.appendingPathComponent("events.csv"))
    try Data((people.joined(separator: "\n") + "\n").utf8)
      .write(to: folder.appendingPathComponent("accounts.csv"))
    var source = EventSource(
      path: folder.path + "/events.csv", account: "account", at: TimeMapping(column: "at"),
      knownAt: TimeMapping(column: "known_at"), kind: .column("kind"), value: .column("value"),
      channel: .column("channel"))
    source.text = nil
    var file = AccountsSource(
      path: folder.path + "/accounts.csv", account: "id", numeric: ["seats"], categorical: ["plan"])
    file.knownAt = TimeMapping(column: "since")
    file.doNotProfile = "gone"
    file.doNotContact = "quiet"
    file.value = "money"
    file.segment = "tier"
    var tombstones = Tombstones()
    _ = try tombstones.add(["c\(accounts - 1)", "007"], folder: folder)
    var settings = HistorySettings(
      timeZone: FeatureSQLTests.zone,
      events: [source] + (try Self.others(ids, events / 6, folder, &draw)), accounts: file,
      badRowShare: 0.1)
    settings.erased = tombstones
    self.settings = settings
    base = try HistoryBase.read(settings, roles: FeatureSQLTests.roles, threads: 2)
    let features = FeatureSettings(
      windowsDays: [1, 7, 30, 90, 365], lifetime: true,
      kinds: ["order", "Order", "o'brien \"x\"", "${spark.app.name}", "line\nbreak", "tic`ket"],
      aggregates: .list(Aggregate.allCases),
      open: [OpenItems(opened: "order", resolved: "Order")])
    // One level of each attribute was never seen in training.
    let whole = try base.schema(features, asOf: FeatureSQLTests.asOf)
    schema = try FeatureSchema(
      kinds: whole.kinds, features: whole.features,
      levels: whole.levels.map { Array($0.dropLast()) },
      timeZone: whole.timeZone, roles: FeatureSQLTests.roles)
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  /// Tables by other clocks, with ids under which events come again: elsewhere in the table, known
  /// earlier or later, with another value; and in another table, where they mean another event.
  private static func others(
    _ accounts: [String], _ rows: Int, _ folder: URL, _ draw: inout SplitMix64
  ) throws -> [EventSource] {
    let t = FeatureSQLTests.asOf.microseconds
    func padded(_ number: Int, _ width: Int = 2) -> String {
      String(repeating: "0", count: max(0, width - "\(number)".utf8.count)) + "\(number)"
    }
    func sent(_ days: Int) -> String {
      // Written like 3.11.2024 7:05:09, on the clock of no zone's change.
      "\(1 + days % 28).\(1 + days / 28 % 12).\(2023 + days / 336) \(days % 2 + 7):"
        + "\(padded(days % 60)):09"
    }
    var one = "who,sent,loaded,what,points,way,key\n"
    var two = "who,ms,key,gone\n"
    var three = "who,day\n"
    for _ in 0..<rows {
      let who = field(accounts[draw.below(accounts.count)])
      let known = Double(t - Int64(draw.below(300 * 86_400)) * 1_000_000) / 1e6
      let kind = field(FeatureSQLTests.hostile[draw.below(3)])
      let when = "\(who),\(sent(draw.below(672))),\(known)999,\(kind)"
      let key = ["", "\(draw.below(9))"][draw.below(2)]
      // Now and then known together with another of its id.
      for _ in 0..<(draw.below(3) == 0 ? 3 : 1) {
        let value = ["", "2.5", "-1", "7"][draw.below(4)]
        let way = ["", "web", "Web"][draw.below(3)]
        one += "\(when),\(value),\(way),\(key)\n"
      }
      let ms = Double(t / 1000 - Int64(draw.below(400 * 86_400)) * 1000)
      two += "\(who),\(ms + 0.1239),\(draw.below(9)),\(["", "yes"][draw.below(2)])\n"
      three += "\(who),2024-\(padded(1 + draw.below(12)))-\(padded(1 + draw.below(28)))T23:30:00Z\n"
    }
    for (name, text) in [("one", one), ("two", two), ("three", three)] {
      try Data(text.utf8).write(to: folder.appendingPathComponent("\(name).csv"))
    }
    let first = EventSource(
      path: folder.path + "/one.csv", account: "who",
      at: TimeMapping(
        column: "sent", format: .pattern(try #require(TimePattern("d.M.yyyy H:mm:ss")))),
      knownAt: TimeMapping(column: "loaded", format: .unix), kind: .column("what"),
      value: .column("points"), channel: .column("way"), id: "key")
    var second = EventSource(
      path: folder.path + "/two.csv", account: "who",
      at: TimeMapping(column: "ms", format: .unixMilliseconds), kind: .constant("o'brien \"x\""),
      value: .constant(2.5), channel: .constant("we''b\\"), id: "key")
    second.onlyWhere = "gone"
    let third = EventSource(
      path: folder.path + "/three.csv", account: "who",
      at: TimeMapping(
        column: "day",
        format: .pattern(try #require(TimePattern("yyyy-MM-dd'T'HH:mm:ssZ")))),
      kind: .constant("order"))
    return [first, second, third]
  }

  private static func field(_ text: String) -> String {
    text.utf8.contains { [0x22, 0x2c, 0x0a].contains($0) } ? DuckDBProgram.identifier(text) : text
  }

  func script(_ dialect: SQLDialect, _ date: Instant) throws -> SQLScript {
    try SQLScript(
      settings, schema: schema, roles: FeatureSQLTests.roles, silentForDays: 180, asOf: date,
      folder: Self.elsewhere, dialect: dialect)
  }

  /// Everybody with a history once, every feature equal to 1e-9.
  func compare(_ rows: [[String: Any]], _ date: Instant) throws {
    var found: [[UInt8]: [String: Any]] = [:]
    for row in rows {
      let id = try #require(row["account_id"] as? String)
      #expect(found.updateValue(row, forKey: Array(id.utf8)) == nil, "\(id) twice")
    }
    let accounts = (0..<base.accountCount).filter { base.hasFeatureEvent($0, seenAsOf: date) }
    #expect(accounts.count == found.count)
    let cells = try base.vectors(
      schema, rows: accounts.map { VectorRow(account: Int32($0), asOf: date) }, threads: 2)
    for (place, account) in accounts.enumerated() {
      let id = base.account(account)
      let row = try #require(found[Array(id.utf8)], "\(id) is missing")
      for (index, feature) in schema.features.enumerated() {
        expectSame(
          cells[place * schema.count + index], row[feature.name], index, "\(id) at \(date)")
      }
    }
  }

  func expectSame(_ want: Double, _ got: Any?, _ index: Int, _ place: String) {
    let same: Bool
    if want.isNaN {
      same = got is NSNull || got == nil
    } else if !schema.levels[index].isEmpty {
      same = (got as? String)?.utf8.elementsEqual(schema.levels[index][Int(want)].utf8) == true
    } else if let number = (got as? NSNumber)?.doubleValue {
      same = abs(number - want) <= 1e-9 * max(1, abs(want))
    } else {
      same = false
    }
    #expect(
      same, "\(schema.features[index].name) of \(place): \(got ?? "nil"), expected \(want)")
  }

  /// What Spark answers, as JSON would have it; nil where it is not installed.
  func rows(bySpark script: String, test: String = #function) throws -> [[String: Any]]? {
    guard let answer = try Spark.run(script, test: test) else { return nil }
    return answer.rows.map { row in
      var named: [String: Any] = [:]
      for (name, cell) in zip(answer.columns, row) {
        switch cell {
        case .null: break
        case .boolean(let flag): named[name] = flag
        case .integer(let number): named[name] = NSNumber(value: number)
        case .double(let number): named[name] = NSNumber(value: number)
        case .text(let text): named[name] = text
        }
      }
      return named
    }
  }

  /// How customers speak here, and the snapshots of a training.
  func labels() throws -> (FeedbackSettings, TrainingSettings) {
    let text = """
      [feedback]
      silent_for_days = 90
      [[feedback.signal]]
      kind = "nps"
      detractor = { below = 4.0 }
      [[feedback.signal]]
      kind = "rating"
      detractor = { at_most = 2.0 }
      [[feedback.signal]]
      kind = "complaint"
      detractor = "always"
      [[feedback.signal]]
      kind = "survey_sent"
      mechanics = true
      [training]
      label_window_days = 60
      gap_days = 1
      snapshots = { every_days = 60, count = 6 }
      """
    let path = folder.appendingPathComponent("labels.toml")
    try Data(text.utf8).write(to: path)
    let file = try ProjectFile(path: path.path)
    let feedback = try #require(FeedbackSettings(project: file))
    let training = TrainingSettings(project: file)
    return (feedback, training)
  }
}
