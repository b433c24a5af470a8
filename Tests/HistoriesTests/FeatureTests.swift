import Foundation
import Histories
import TestSupport
import Testing

private let zone = LocalTime(identifier: "Europe/Berlin")!
private let asOf = Instant(asOf: "2024-11-01", zone: zone)!

/// The standard features written once more from their definitions, slowly and without any of the
/// code under test but calendar dates.
private func oracle(_ feature: Feature, _ all: [TestEvent], _ t: Instant, _ kinds: [String])
  -> Double
{
  let seen = all.filter { $0.at < t && $0.knownAt < t }
  func of(_ kind: String, _ window: Window) -> [TestEvent] {
    seen.filter { event in
      guard event.kind == kind else { return false }
      if case .days(let days) = window {
        return event.at.microseconds >= t.microseconds - Int64(days) * 86_400_000_000
      }
      return true
    }
  }
  func days(_ a: Instant, _ b: Instant) -> Double {
    Double(b.microseconds - a.microseconds) / 1e6 / 86_400
  }
  func times(_ kind: String) -> [Instant] { of(kind, .lifetime).map(\.at).sorted() }
  switch feature {
  case .count(let kind, let window): return Double(of(kind, window).count)
  case .sum(let kind, let window): return of(kind, window).compactMap(\.value).reduce(0, +)
  case .mean(let kind, let window):
    let values = of(kind, window).compactMap(\.value)
    return values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
  case .activeDays(let kind, let window):
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: "Europe/Berlin")!
    let dates = of(kind, window).map { event in
      let date = Date(timeIntervalSince1970: Double(event.at.microseconds / 1_000_000))
      let parts = calendar.dateComponents([.year, .month, .day], from: date)
      return [parts.year!, parts.month!, parts.day!]
    }
    return Double(Set(dates).count)
  case .daysSinceLast(let kind): return times(kind).last.map { days($0, t) } ?? .nan
  case .daysSinceFirst(let kind): return times(kind).first.map { days($0, t) } ?? .nan
  case .meanGap(let kind):
    let times = times(kind)
    return times.count < 2 ? .nan : days(times[0], times.last!) / Double(times.count - 1)
  case .lastGapRatio(let kind):
    let times = times(kind)
    guard times.count > 2, times[0] < times.last! else { return .nan }
    let mean = days(times[0], times.last!) / Double(times.count - 1)
    return days(times[times.count - 2], times.last!) / mean
  case .trend(let kind, let recent, let longer):
    func rate(_ days: Int) -> Double { Double(of(kind, .days(days)).count) * 30 / Double(days) }
    return log(1 + rate(recent)) - log(1 + rate(longer))
  case .tenure:
    return seen.filter { kinds.contains($0.kind) }.map(\.at).min().map { days($0, t) } ?? .nan
  default: fatalError("\(feature.name) is held against its SQL alone, by FeatureOracleTests")
  }
}

@Suite struct FeatureTests {
  @Test func everyFeatureIsWhatItsDefinitionSays() throws {
    let folder = try TestFolder()
    for seed in 1...4 as ClosedRange<UInt64> {
      let events = generatedEvents(3000, accounts: 120, asOf: asOf, zone: zone, seed: seed)
      let base = try base(of: events, in: folder, zone: zone, chunkBytes: 4096)
      let settings = FeatureSettings(windowsDays: [1, 7, 30, 90, 365], lifetime: true)
      let schema = try base.schema(settings, asOf: asOf)
      #expect(schema.kinds == ["login", "order", "ticket"])
      #expect(schema.count == 1 + 3 * (6 * 4 + 5))
      // The last one is the instant of an account's last event, which is not seen then.
      let last = try #require(events.filter { testRoles[$0.kind] == nil }.map(\.at).max())
      for date in [asOf, asOf.adding(days: -200), asOf.adding(days: -31), last] {
        let got = try vectors(base, schema, date)
        let expected = Dictionary(grouping: events, by: \.account).filter { _, events in
          events.contains { $0.at < date && $0.knownAt < date && testRoles[$0.kind] == nil }
        }
        #expect(Set(got.keys) == Set(expected.keys))
        for (account, cells) in got {
          for (feature, cell) in zip(schema.features, cells) {
            let want = oracle(feature, expected[account] ?? [], date, schema.kinds)
            let value = cell == .max ? Double.nan : Double(bitPattern: cell)
            let same = want.isNaN ? value.isNaN : abs(value - want) <= 1e-12 * max(1, abs(want))
            #expect(same, "\(feature.name) of \(account) at \(date): \(value), expected \(want)")
          }
        }
      }
    }
  }

  /// Whoever asks nothing of old events has few of them looked at.
  @Test(arguments: [
    FeatureSettings(
      windowsDays: [7, 30],
      aggregates: .list([.count, .sum, .mean, .activeDays, .daysSinceLast])),
    FeatureSettings(windowsDays: [1], aggregates: .list([.count])),
    FeatureSettings(windowsDays: [30, 90], aggregates: .list([.trend, .daysSinceLast])),
    FeatureSettings(windowsDays: [1], kinds: ["ticket"], aggregates: .list([.daysSinceLast])),
    FeatureSettings(windowsDays: [1], kinds: ["ticket"], aggregates: .list([.daysSinceFirst])),
  ])
  func whoAsksForLessGetsTheSame(_ settings: FeatureSettings) throws {
    let folder = try TestFolder()
    let events = generatedEvents(3000, accounts: 80, asOf: asOf, zone: zone, seed: 12)
    let base = try base(of: events, in: folder, zone: zone)
    let all = try base.schema(everyFeature, asOf: asOf)
    let some = try base.schema(settings, asOf: asOf)
    let places = try some.names.map { try #require(all.names.firstIndex(of: $0)) }
    for date in [asOf, asOf.adding(days: -40), asOf.adding(days: -300)] {
      let whole = try vectors(base, all, date)
      let expected = whole.mapValues { cells in places.map { cells[$0] } }
      #expect(expected.count > 40)
      #expect(try vectors(base, some, date) == expected)
    }
  }

  @Test func whatIsNotYetKnownChangesNothing() throws {
    let folder = try TestFolder()
    let events = generatedEvents(2000, accounts: 60, asOf: asOf, zone: zone, seed: 9)
    let seen = events.filter { $0.at < asOf && $0.knownAt < asOf }
    let settings = everyFeature
    let plain = try base(of: seen, in: folder, zone: zone)
    let schema = try plain.schema(settings, asOf: asOf)
    let expected = try vectors(plain, schema, asOf)
    var draw = SplitMix64(10)
    for round in 0..<5 {
      let later = generatedEvents(
        500, accounts: 60, asOf: asOf, zone: zone, seed: UInt64(20 + round)
      )
      .map { event in
        var event = event
        if draw.below(2) == 0 {
          event.at = max(event.at, asOf)
          event.knownAt = event.at
        } else {
          event.knownAt = max(event.knownAt, asOf)
        }
        event.kind = draw.below(5) == 0 ? "not_yet_seen" : event.kind
        event.channel = draw.below(5) == 0 ? "not_yet_used" : event.channel
        return event
      }
      let more = try base(of: (seen + later).shuffled(using: &draw), in: folder, zone: zone)
      #expect(try more.schema(settings, asOf: asOf) == schema)
      #expect(try vectors(more, schema, asOf) == expected)
    }
  }

  @Test func orderFilesChunksAndThreadsChangeNoBit() throws {
    let folder = try TestFolder()
    let events = generatedEvents(4000, accounts: 150, asOf: asOf, zone: zone, seed: 3)
    let settings = everyFeature
    let first = try base(of: events, in: folder, zone: zone, threads: 1)
    let schema = try first.schema(settings, asOf: asOf)
    let expected = try vectors(first, schema, asOf, threads: 1)
    var draw = SplitMix64(4)
    for chunkBytes in [97, 1000, 1 << 20] {
      for threads in [1, 2, 5] {
        let shuffled = try base(
          of: events.shuffled(using: &draw), in: folder, zone: zone, threads: threads,
          chunkBytes: chunkBytes)
        #expect(try vectors(shuffled, schema, asOf, threads: threads) == expected)
        #expect(
          (0..<first.accountCount).map(first.account)
            == (0..<shuffled.accountCount).map(shuffled.account))
      }
    }
    // The same rows in several files, read through a pattern.
    let rows = events.shuffled(using: &draw).map(\.row)
    for part in 0..<7 {
      let mine = rows.indices.filter { $0 % 7 == part }.map { rows[$0] }
      _ = try folder.write(
        "part-\(part).csv", ([TestEvent.header] + mine).joined(separator: "\r\n"))
    }
    var source = TestEvent.source
    source.path = folder.path("part-*.csv")
    let many = try HistoryBase.read(
      HistorySettings(timeZone: zone, events: [source]), roles: testRoles, threads: 2)
    #expect(many.intake.files.count == 7)
    #expect(try vectors(many, schema, asOf) == expected)
  }

  /// A log in time order, and a few such logs one after another, are sorted by merging; more of
  /// them by counting. Both give what a shuffled log gives.
  @Test(arguments: [1, 2, 3, 15, 16, 17, 40]) func logsInTimeOrderChangeNoBit(_ runs: Int) throws {
    let folder = try TestFolder()
    let events = generatedEvents(3000, accounts: 40, asOf: asOf, zone: zone, seed: 11)
    let shuffled = try base(of: events, in: folder, zone: zone, threads: 1)
    let schema = try shuffled.schema(FeatureSettings(lifetime: true), asOf: asOf)
    let expected = try vectors(shuffled, schema, asOf)
    let parts = (0..<runs).flatMap { part in
      events.indices.filter { $0 % runs == part }.map { events[$0] }.sorted { $0.at < $1.at }
    }
    for threads in [1, 3] {
      let inOrder = try base(of: parts, in: folder, zone: zone, threads: threads, chunkBytes: 4096)
      #expect(try vectors(inOrder, schema, asOf) == expected)
    }
  }

  @Test func feedbackNeverBecomesAFeature() throws {
    let folder = try TestFolder()
    let events = generatedEvents(500, accounts: 20, asOf: asOf, zone: zone, seed: 5)
    let base = try base(of: events, in: folder, zone: zone)
    // The canary: a schema that looks at a survey answer must be refused, however it comes about.
    #expect(throws: HistoriesError.self) {
      try base.schema(FeatureSettings(kinds: ["order", "nps"]), asOf: asOf)
    }
    #expect(throws: HistoriesError.self) {
      try FeatureSchema(
        kinds: ["order"], features: [.count(kind: "survey_sent", window: .days(7))], levels: [[]],
        timeZone: "UTC", roles: testRoles)
    }
    let leaky = try FeatureSchema(
      kinds: ["nps"], features: [.sum(kind: "nps", window: .days(30))], levels: [[]],
      timeZone: "UTC", roles: [:])
    do {
      _ = try base.vectors(leaky, rows: [], threads: 1)
      Issue.record("a model's schema with feedback in it was taken")
    } catch {
      #expect(error.exitStatus == 3)
      #expect(error.description.contains("nps"))
    }
    let schema = try base.schema(FeatureSettings(), asOf: asOf)
    #expect(schema.kinds == ["login", "order", "ticket"])
    #expect(base.kinds.map(\.role) == [.feature, .feedback, .feature, .mechanics, .feature])
  }

  @Test func aSchemaSurvivesItsModelFile() throws {
    let folder = try TestFolder()
    let events = generatedEvents(500, accounts: 20, asOf: asOf, zone: zone, seed: 6)
    let base = try base(of: events, in: folder, zone: zone)
    let schema = try base.schema(everyFeature, asOf: asOf)
    let data = try JSONEncoder().encode(schema)
    #expect(try JSONDecoder().decode(FeatureSchema.self, from: data) == schema)
    let features: [Feature] = [.numeric(name: "seats"), .categorical(name: "plan"), .tenure]
    let coded = try JSONDecoder().decode([Feature].self, from: JSONEncoder().encode(features))
    #expect(coded == features)
    for feature in schema.features {
      #expect(feature.explanation.contains("SQL: SELECT"))
      #expect(Feature(name: feature.name) == feature)
    }
    for name in [
      "order", "order.count", "order.cuont.30d", "order.trend.30d", "tenure", "count.30d",
    ] {
      #expect(Feature(name: name) == nil)
    }
    #expect(Feature(name: "app.v2.count.7d") == .count(kind: "app.v2", window: .days(7)))
    for aggregate in Aggregate.allCases {
      for feature in Feature.examples(of: aggregate, kind: "order") {
        #expect(feature.aggregate == aggregate && Feature(name: feature.name) == feature)
      }
    }
    #expect(Feature.trend(kind: "order", recent: 30, longer: 90).name == "order.trend.30d_90d")
  }

  /// A model file of before the features of habits is read as ever.
  @Test func whatModelFilesSayStays() throws {
    let text = """
      [{"of":"count","kind":"order","window":"30d"},{"of":"trend","kind":"order","recent":30,\
      "longer":90},{"of":"last_gap_ratio","kind":"order"},{"of":"tenure"},\
      {"of":"decayed_count","kind":"order","half_life":14},{"of":"own_change","kind":"order",\
      "window":30,"earlier":12},{"of":"open_age","opened":"ticket","resolved":"reply"},\
      {"of":"channel_share","channel":"web","window":"90d"}]
      """
    let features = try JSONDecoder().decode([Feature].self, from: Data(text.utf8))
    #expect(
      features.map(\.name) == [
        "order.count.30d", "order.trend.30d_90d", "order.last_gap_ratio", "tenure_days",
        "order.decayed_count.14d", "order.own_change.30d_12", "ticket.open_age.reply",
        "channel_share.web.90d",
      ])
    let wrong = #"[{"of":"decayed_count","kind":"order","half_life":0}]"#
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([Feature].self, from: Data(wrong.utf8))
    }
  }

  /// Where nobody asks for more, nothing more is made: the columns of models that are in use.
  @Test func theStandardFeaturesStay() throws {
    let folder = try TestFolder()
    let events = generatedEvents(500, accounts: 20, asOf: asOf, zone: zone, seed: 12)
    let known = try base(of: events, in: folder, zone: zone)
    let standard = try known.schema(FeatureSettings(), asOf: asOf)
    #expect(standard.count == 1 + 3 * (4 * 4 + 5))
    let more = try known.schema(
      FeatureSettings(
        aggregates: .list(Aggregate.standard + [.overdue, .nightShare]),
        open: [
          OpenItems(opened: "ticket", resolved: "reply"),
          OpenItems(opened: "not_yet", resolved: "login"),
        ]),
      asOf: asOf)
    #expect(
      more.names.filter { !standard.names.contains($0) } == [
        "login.overdue", "order.overdue", "ticket.overdue", "ticket.open_count.reply",
        "ticket.open_age.reply", "night_share.90d",
      ])
    // A pair may not bring feedback in, on either side.
    for pair in [("nps", "login"), ("ticket", "nps")] {
      #expect(throws: HistoriesError.self) {
        try known.schema(
          FeatureSettings(open: [OpenItems(opened: pair.0, resolved: pair.1)]), asOf: asOf)
      }
    }
    // Nor does a channel by which only feedback came, or that is used only later, make a column.
    var other = events
    for index in other.indices {
      if other[index].kind == "nps" { other[index].channel = "hotline" }
    }
    other.append(
      TestEvent(
        account: "a0", at: asOf, knownAt: asOf, kind: "order", value: nil, channel: "later"))
    let shares = try base(of: other, in: folder, zone: zone)
      .schema(FeatureSettings(aggregates: .list([.channelShare])), asOf: asOf)
    #expect(
      shares.names == [
        "channel_share.e-mail.90d", "channel_share.phone.90d", "channel_share.web.90d",
      ])
  }

  @Test func cdnowGivesItsKnownTotals() throws {
    guard let path = Shared.path("data/cdnow/cdnow.csv") else { return }
    let source = EventSource(
      path: path, account: "customer_id", at: TimeMapping(column: "date"),
      kind: .constant("purchase"), value: .column("amount"))
    let base = try HistoryBase.read(HistorySettings(events: [source]), threads: 2)
    let date = Instant(asOf: "1998-07-01", zone: .utc)!
    let schema = try FeatureSchema(
      kinds: ["purchase"],
      features: [
        .count(kind: "purchase", window: .lifetime), .sum(kind: "purchase", window: .lifetime),
      ], levels: [[], []], timeZone: "UTC", roles: [:])
    let rows = (0..<base.accountCount).map { VectorRow(account: Int32($0), asOf: date) }
    let cells = try base.vectors(schema, rows: rows, threads: 2)
    #expect(base.accountCount == 23_570)
    #expect(base.index(of: "00001") != nil && base.index(of: "1") == nil)
    #expect(stride(from: 0, to: cells.count, by: 2).reduce(0) { $0 + cells[$1] } == 69_659)
    let total = stride(from: 1, to: cells.count, by: 2).reduce(0) { $0 + cells[$1] }
    #expect(abs(total - 2_500_315.63) < 1e-4)
  }

  @Test func oneRatingIsTwoEvents() throws {
    guard let path = Shared.path("data/bitcoin_otc/soc-sign-bitcoinotc.csv") else { return }
    func source(_ account: String, _ kind: String) -> EventSource {
      EventSource(
        path: path, account: account, at: TimeMapping(column: "Timestamp", format: .unix),
        kind: .constant(kind), value: .column("Weight"))
    }
    let base = try HistoryBase.read(
      HistorySettings(events: [
        source("Source", "rating_given"), source("Target", "rating_received"),
      ]),
      roles: ["rating_given": .feedback], threads: 2)
    #expect(base.kinds.map(\.events) == [35_592, 35_592])
    let accounts = 0..<base.accountCount
    let feedback = accounts.map(base.feedback)
    #expect(feedback.count { !$0.isEmpty } == 4_814)
    #expect(accounts.count { base.firstEvent($0) != nil } == 5_858)
    let negative = feedback.joined().count { $0.value! < 0 }
    #expect((Double(negative) / 35_592 * 1000).rounded() == 100)
    #expect(feedback.joined().map(\.at).min()?.description.hasPrefix("2010-11-08") == true)
    #expect(feedback.joined().map(\.at).max()?.description.hasPrefix("2016-01-25") == true)
    for list in feedback { #expect(zip(list, list.dropFirst()).allSatisfy { $0.at <= $1.at }) }
  }
}
