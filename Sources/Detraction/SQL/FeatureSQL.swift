package import Histories

/// The vectors of all accounts as of a date, as a chain of common table expressions, each one row set
/// over the one before:
///
///     events → seen (what happened and was known before the date) → moments (places in time, where a
///     feature asks for them) → kinds (one row an account and kind) → people (one row an account) →
///     features
///
/// One pass over the events whatever the number of features; each feature adds a constant number of
/// expressions. Exhaustive over `Feature`, whose doc comment defines each.
package struct FeatureSQL {
  private let sources: EventSQL
  private let schema: FeatureSchema
  private let roles: [String: KindRole]
  private let silentForDays: Int
  private let watched: Watched?
  private let erased: [String]
  private let asOf: Instant
  private let labels: Labels?
  private let dialect: SQLDialect

  // Names and expressions of the columns that each stage adds, as features ask for them.
  private var moments = Columns("m")
  private var heights = Columns("h")
  private var kinds = Columns("k")
  private var people = Columns("p")
  private var derived = Columns("d")

  /// Columns of a stage by what they are, so that what several features ask for is made once.
  private struct Columns {
    private let prefix: String
    private(set) var expressions: [String] = []
    private var places: [String: Int] = [:]

    init(_ prefix: String) { self.prefix = prefix }

    mutating func name(of expression: String) -> String {
      if let place = places[expression] { return prefix + String(place) }
      places[expression] = expressions.count
      expressions.append(expression)
      return prefix + String(expressions.count - 1)
    }

    /// ",\n  expression AS name" of each.
    var list: String {
      expressions.enumerated().map { ",\n  \($0.element) AS \(prefix)\($0.offset)" }.joined()
    }
  }

  /// Kinds by which customers ask for an answer, and since when such words are news.
  package struct Watched: Sendable {
    package var kinds: [String]
    package var since: Instant

    package init(kinds: [String], since: Instant) {
      self.kinds = kinds
      self.since = since
    }
  }

  /// In place of everybody as of one date, the labelled rows of a training as of it (DESIGN 2): of each
  /// snapshot the accounts that answered in its label window.
  package struct Labels: Sendable {
    package var feedback: FeedbackSettings
    package var training: TrainingSettings
    /// Which share of the rows of no detractor is kept, by a lot over accounts; detractors all are.
    package var controls: Double

    package init(feedback: FeedbackSettings, training: TrainingSettings, controls: Double) {
      self.feedback = feedback
      self.training = training
      self.controls = controls
    }
  }

  /// `roles`: of kinds; `silentForDays`: by which the column `voice` is told; `watched`: of which the
  /// column `called` tells. `folder`: from which the paths in the script start. Throws `insufficient` where the schema looks at feedback (DESIGN 5.5).
  init(
    _ settings: HistorySettings, schema: FeatureSchema, roles: [String: KindRole],
    silentForDays: Int, watched: Watched? = nil, asOf: Instant, labels: Labels? = nil,
    folder: String, dialect: SQLDialect
  ) throws(DetractionError) {
    do { try schema.check(roles: roles) } catch { throw .histories(error) }
    sources = EventSQL(settings: settings, dialect: dialect, folder: folder)
    self.schema = schema
    self.roles = roles
    self.silentForDays = silentForDays
    self.watched = watched
    self.asOf = asOf
    self.labels = labels
    self.dialect = dialect
    erased = settings.erased.hexadecimalDigests
  }

  func preamble() throws(DetractionError) -> [String] { try sources.preamble() }

  /// The stages, the last of which is `features`, a row for everybody with an event: account_id, f0 …
  /// (NULL is missing; a level is its text), voice, asked, called, do_not_profile, do_not_contact,
  /// events (all that are seen), ordinary (those that are neither feedback nor mechanics: without one
  /// there is no history), copies (rows of the accounts file), and of the accounts file worth, segment,
  /// n0 …, c0 …. One row without an account_id counts the events that were set aside.
  mutating func stages() throws(DetractionError) -> [(name: String, body: String)] {
    let cells = schema.features.indices.map { cell($0) }
    let voices = voiceColumns()
    var stages: [(name: String, body: String)] = [("events", try sources.events())]
    stages += labels.map(labelStages) ?? []
    stages.append(("seen", seen()))
    var last = "seen"
    if sources.hasIds {
      stages.append(("ids", numbered(last)))
      stages.append(("once", "SELECT * FROM ids WHERE id IS NULL OR copy = 1"))
      last = "once"
    }
    if !moments.expressions.isEmpty {
      stages.append(("moments", "SELECT *\(moments.list)\nFROM \(last)"))
      last = "moments"
    }
    if !heights.expressions.isEmpty {
      stages.append(("heights", "SELECT *\(heights.list)\nFROM \(last)"))
      last = "heights"
    }
    stages.append(
      ("kinds", "SELECT \(keys), kind\(kinds.list)\nFROM \(last)\nGROUP BY \(keys), kind"))
    stages.append(("people", "SELECT \(keys)\(people.list)\nFROM kinds\nGROUP BY \(keys)"))
    last = "people"
    if !derived.expressions.isEmpty {
      stages.append(("derived", "SELECT *\(derived.list)\nFROM people"))
      last = "derived"
    }
    let accounts = try sources.accounts()
    if let accounts { stages.append(("accounts", accounts)) }
    var columns = ["\(last).account AS account_id"]
    columns += cells.enumerated().map { "\($0.element) AS f\($0.offset)" }
    columns += voices
    if labels != nil { columns += ["\(last).t AS t", "\(last).negative AS negative"] }
    if accounts == nil {
      columns += ["FALSE AS do_not_profile", "FALSE AS do_not_contact", "1 AS copies"]
    } else {
      columns += [
        "coalesce(accounts.objects, FALSE) AS do_not_profile",
        "coalesce(accounts.refuses, FALSE) AS do_not_contact",
        "coalesce(accounts.copies, 1) AS copies",
      ]
    }
    columns += recordColumns
    let join =
      accounts == nil ? "" : "\nLEFT JOIN accounts ON accounts.account = \(last).account"
    stages.append(
      (
        "features",
        "SELECT \(columns.joined(separator: ",\n  "))\nFROM \(last)\(join)"
      ))
    return stages
  }

  // MARK: Rows

  /// The as-of date in microseconds: a number, or with labels the snapshot's.
  private var t: String { labels == nil ? String(asOf.microseconds) : "t" }
  /// Of whom a row is.
  private var keys: String { labels == nil ? "account" : "account, t, negative" }

  private func seen() -> String {
    guard labels == nil else {
      return "SELECT events.*, chosen.t, chosen.negative, chosen.t - events.\(at) AS age\n"
        + "FROM events JOIN chosen ON chosen.account = events.account\n"
        + "WHERE events.\(at) < chosen.t AND events.known_at < chosen.t"
    }
    var conditions = ["(account IS NULL OR (\(at) < \(t) AND known_at < \(t)))"]
    if let isErased = erasure("account") {
      conditions.append("(account IS NULL OR NOT \(isErased))")
    }
    return "SELECT *, \(t) - \(at) AS age\nFROM events\nWHERE "
      + conditions.joined(separator: "\n  AND ")
  }

  private func erasure(_ account: String) -> String? {
    if erased.isEmpty { return nil }
    let digest = dialect.sha256("concat('tacit erase', \(account))")
    return "\(digest) IN (\(erased.map { "'\($0)'" }.joined(separator: ", ")))"
  }

  /// Who answered in the label window after which snapshot (`TrainingRows`), and of the others the lot.
  private func labelStages(_ labels: Labels) -> [(name: String, body: String)] {
    let snapshots = labels.training.snapshots(asOf: asOf)
      .map { "(CAST(\($0.microseconds) AS BIGINT))" }
    let start = Int64(labels.training.gapDays) * Self.day
    let end = start + Int64(labels.training.labelWindowDays) * Self.day
    func isKind(_ signal: FeedbackSettings.Signal) -> String {
      "kind = \(dialect.literal(signal.kind))"
    }
    func isNegative(_ signal: FeedbackSettings.Signal) -> String {
      guard case .value(let comparison, let limit) = signal.rule else { return "TRUE" }
      let sign =
        switch comparison {
        case .atMost: "<="
        case .atLeast: ">="
        case .below: "<"
        case .above: ">"
        }
      return "value \(sign) \(SQLText.literal(limit))"
    }
    let signals = labels.feedback.signals
    let told = signals.map {
      $0.rule.isTwoSided ? "(\(isKind($0)) AND value IS NOT NULL)" : isKind($0)
    }
    let answered = signals.filter(\.rule.isTwoSided).map(isKind)
    let negative = signals.map { "(\(isKind($0)) AND \(isNegative($0)))" }
    func any(_ conditions: [String]) -> String {
      conditions.isEmpty ? "FALSE" : "(\(conditions.joined(separator: " OR ")))"
    }
    var kept = "answered"
    if labels.controls < 1 {
      let lot = dialect.sha256("concat('tacit controls', account)")
      kept += " AND (negative OR \(lot) < '\(dialect.bound(ofShare: labels.controls))')"
    }
    let present = erasure("account").map { " AND NOT \($0)" } ?? ""
    return [
      (
        "snapshots",
        "SELECT * FROM (VALUES \(snapshots.joined(separator: ", "))) AS dates (t)"
      ),
      (
        "answers",
        "SELECT account, t, bool_or(\(any(answered))) AS answered, "
          + "bool_or(\(any(negative))) AS negative\n"
          + "FROM events JOIN snapshots ON \(at) >= t + \(start) AND \(at) < t + \(end)\n"
          + "WHERE known_at < \(asOf.microseconds) AND \(any(told))\(present)\nGROUP BY account, t"
      ), ("chosen", "SELECT account, t, negative FROM answers WHERE \(kept)"),
    ]
  }

  /// An event whose id an event seen earlier has, in its account and source, is a second delivery.
  private func numbered(_ before: String) -> String {
    "SELECT *, row_number() OVER (PARTITION BY \(keys), \(name("source")), id "
      + "ORDER BY greatest(\(at), known_at), \(at), kind, value, channel) AS copy\nFROM \(before)"
  }

  private func name(_ column: String) -> String { dialect.identifier(column) }
  private var at: String { name("at") }

  // MARK: Columns that features ask for

  private static let day = Instant.microsecondsPerDay
  private static let perDay = SQLText.literal(Double(Instant.microsecondsPerDay))

  private func inside(_ window: Window) -> String? {
    switch window {
    case .days(let days): "age <= \(Int64(days) * Self.day)"
    case .lifetime: nil
    }
  }

  private func filtered(_ aggregate: String, _ conditions: [String?]) -> String {
    let conditions = conditions.compactMap(\.self)
    return conditions.isEmpty
      ? aggregate : "\(aggregate) FILTER (WHERE \(conditions.joined(separator: " AND ")))"
  }

  /// An aggregate of one account's events of one kind; NULL where there is none.
  private mutating func stat(
    _ kind: String, _ aggregate: String, _ conditions: String?...
  ) -> String {
    let column = kinds.name(of: filtered(aggregate, conditions))
    return people.name(
      of: "max(\(column)) FILTER (WHERE kind = \(dialect.literal(kind)))")
  }

  /// An aggregate of one account's rows of `kinds`, over all the schema's kinds.
  private mutating func total(
    _ fold: String, _ aggregate: String, _ conditions: String?...
  ) -> String {
    let column = kinds.name(of: filtered(aggregate, conditions))
    return people.name(
      of: filtered("\(fold)(\(column))", [among(schema.kinds)]))
  }

  private func among(_ kinds: [String]) -> String {
    kinds.isEmpty ? "FALSE" : "kind IN (\(kinds.map(dialect.literal).joined(separator: ", ")))"
  }

  private func number(_ integer: String) -> String { "CAST(\(integer) AS DOUBLE)" }
  private func days(_ micros: String) -> String { "\(number(micros)) / \(Self.perDay)" }

  private mutating func count(_ kind: String, _ conditions: String?...) -> String {
    let column = kinds.name(of: filtered("count(*)", conditions))
    return "coalesce("
      + people.name(of: "max(\(column)) FILTER (WHERE kind = \(dialect.literal(kind)))") + ", 0)"
  }

  private mutating func first(_ kind: String) -> String { stat(kind, "min(\(at))") }
  private mutating func last(_ kind: String) -> String { stat(kind, "max(\(at))") }

  /// The account's first seen event of the schema's kinds.
  private mutating func firstEvent() -> String { total("min", "min(\(at))") }

  private var byKind: String { "PARTITION BY \(keys), kind" }
  private var newestFirst: String { "OVER (\(byKind) ORDER BY \(at) DESC)" }

  private mutating func place() -> String { moments.name(of: "row_number() \(newestFirst)") }
  /// From the event before, in microseconds; NULL for the first.
  private mutating func gap() -> String { moments.name(of: "\(at) - lead(\(at)) \(newestFirst)") }
  /// Whether no newer event of the kind is of the same local date.
  private mutating func isNewDate() -> String {
    let date = dialect.localDate(at)
    return moments.name(of: "coalesce(\(date) <> lag(\(date)) \(newestFirst), TRUE)")
  }
  /// Events of the kind from this one on, less than a day after it.
  private mutating func within24Hours() -> String {
    moments.name(
      of: "count(*) OVER (\(byKind) ORDER BY \(at) RANGE BETWEEN CURRENT ROW AND "
        + "\(Self.day - 1) FOLLOWING)")
  }

  private mutating func meanGap(_ kind: String) -> String {
    let (newest, oldest, events) = (last(kind), first(kind), count(kind))
    return "\(days("\(newest) - \(oldest)")) / \(number("nullif(\(events) - 1, 0)"))"
  }

  /// The steps of a pair: 1 for what opens, −1 for what closes.
  private func step(_ opened: String, _ resolved: String) -> String {
    func isKind(_ kind: String) -> String {
      schema.kinds.contains { $0.utf8.elementsEqual(kind.utf8) }
        ? "kind = \(dialect.literal(kind))" : "FALSE"
    }
    return "(CASE WHEN \(isKind(opened)) THEN 1 ELSE 0 END - CASE WHEN \(isKind(resolved)) THEN 1 "
      + "ELSE 0 END)"
  }

  /// The running sum of a pair's steps in time; at one instant what opens comes first.
  private mutating func height(_ opened: String, _ resolved: String) -> String {
    let step = step(opened, resolved)
    return moments.name(
      of: "sum(\(step)) OVER (PARTITION BY \(keys) ORDER BY \(at), \(step) DESC "
        + "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)")
  }

  // MARK: Features

  /// The expression of feature `index` over `people` (or `derived`) and `accounts`.
  private mutating func cell(_ index: Int) -> String {
    switch schema.features[index] {
    case .count(let kind, let window): return number(count(kind, inside(window)))
    case .sum(let kind, let window):
      return "coalesce(\(stat(kind, "sum(value)", inside(window))), 0e0)"
    case .mean(let kind, let window):
      let sum = stat(kind, "sum(value)", inside(window))
      return "\(sum) / \(number("nullif(\(stat(kind, "count(value)", inside(window))), 0)"))"
    case .activeDays(let kind, let window):
      return number(count(kind, isNewDate(), inside(window)))
    case .daysSinceLast(let kind): return days("\(t) - \(last(kind))")
    case .daysSinceFirst(let kind): return days("\(t) - \(first(kind))")
    case .meanGap(let kind): return meanGap(kind)
    case .lastGapRatio(let kind):
      let newest = stat(kind, "max(\(gap()))", "\(place()) = 1")
      let mean = meanGap(kind)
      return "CASE WHEN \(count(kind)) > 2 AND \(last(kind)) > \(first(kind)) "
        + "THEN \(days(newest)) / (\(mean)) END"
    case .trend(let kind, let recent, let longer):
      func rate(_ days: Int) -> String {
        let scale = SQLText.literal(30 / Double(days))
        return "ln(1e0 + \(number(count(kind, inside(.days(days))))) * \(scale))"
      }
      return "\(rate(recent)) - \(rate(longer))"
    case .decayedCount(let kind, let halfLife):
      let halves = "\(days("age")) / \(SQLText.literal(Double(halfLife)))"
      return "coalesce(\(stat(kind, "sum(power(2e0, -(\(halves))))")), 0e0)"
    case .overdue(let kind):
      let median = stat(kind, dialect.median(gap()))
      return "CASE WHEN \(count(kind)) > 2 AND \(median) > 0 "
        + "THEN \(number("\(t) - \(last(kind))")) / \(median) END"
    case .ownChange(let kind, let window, let earlier): return ownChange(kind, window, earlier)
    case .valueSlope(let kind, let months): return valueSlope(kind, months)
    case .openCount(let opened, let resolved): return number(openCount(opened, resolved))
    case .openAge(let opened, let resolved):
      let height = height(opened, resolved)
      let open = heights.name(
        of: "sum(\(step(opened, resolved))) OVER (PARTITION BY \(keys)) "
          + "- least(0, min(\(height)) OVER (PARTITION BY \(keys)))")
      let oldest = stat(opened, "min(\(at))", "\(place()) <= \(open)")
      return days("\(t) - \(oldest)")
    case .burst(let kind, let window):
      return "coalesce(\(number(stat(kind, "max(\(within24Hours()))", inside(window)))), 0e0)"
    case .channelShare(let channel, let window):
      let isChannel = "channel = \(dialect.literal(channel))"
      return share(isChannel, of: "channel IS NOT NULL", window)
    case .weekendShare(let window):
      return share("\(dialect.weekday(dialect.localDate(at))) >= 6", of: nil, window)
    case .nightShare(let window):
      let hour = dialect.localHour(at)
      return share("(\(hour) >= 22 OR \(hour) < 6)", of: nil, window)
    case .tenure: return days("\(t) - \(firstEvent())")
    case .numeric(let attribute):
      guard let place = place(attribute, sources.settings.accounts?.numeric) else {
        return "CAST(NULL AS DOUBLE)"
      }
      return known("accounts.n\(place)")
    case .categorical(let attribute):
      guard let place = place(attribute, sources.settings.accounts?.categorical),
        !schema.levels[index].isEmpty
      else { return "CAST(NULL AS \(dialect.text))" }
      let levels = schema.levels[index].map(dialect.literal).joined(separator: ", ")
      return "CASE WHEN accounts.c\(place) IN (\(levels)) THEN \(known("accounts.c\(place)")) END"
    }
  }

  private func place(_ attribute: String, _ among: [String]?) -> Int? {
    among?.firstIndex { $0.utf8.elementsEqual(attribute.utf8) }
  }

  /// An attribute, where it is known before the date.
  private func known(_ attribute: String) -> String {
    sources.settings.accounts?.knownAt == nil
      ? attribute : "CASE WHEN accounts.known_at < \(t) THEN \(attribute) END"
  }

  private mutating func share(_ isHit: String, of counts: String?, _ window: Window) -> String {
    let hits = total("sum", "count(*)", isHit, inside(window))
    let all = total("sum", "count(*)", counts, inside(window))
    return "\(number(hits)) / \(number("nullif(\(all), 0)"))"
  }

  private mutating func ownChange(_ kind: String, _ window: Int, _ earlier: Int) -> String {
    func upTo(_ windows: Int) -> String { count(kind, inside(.days(window * windows))) }
    let length = SQLText.literal(Double(Int64(window) * Self.day))
    let covered =
      "floor(\(number("\(t) - \(firstEvent())")) / \(length)) - 1e0"
    let n = derived.name(of: "least(\(SQLText.literal(Double(earlier))), \(covered))")
    let recent = upTo(1)
    let past = (1...max(earlier, 1)).map {
      "WHEN \($0) THEN \(number("\(upTo($0 + 1)) - \(recent)"))"
    }
    return "CASE WHEN \(n) > 0 THEN ln(1e0 + \(number(recent))) - ln(1e0 + CASE CAST(\(n) AS INT) "
      + past.joined(separator: " ") + " END / \(n)) END"
  }

  private mutating func valueSlope(_ kind: String, _ months: Int) -> String {
    let bin = 30 * Self.day
    var bins: [(x: String, y: String)] = []
    for month in 0..<months {
      let (from, to) = (Int64(month) * bin, Int64(month + 1) * bin)
      let condition = "age > \(from) AND age <= \(to)"
      let sum = stat(kind, "sum(value)", condition)
      let count = stat(kind, "count(value)", condition)
      bins.append(
        (SQLText.literal(-Double(month)), "\(sum) / \(number("nullif(\(count), 0)"))"))
    }
    func over(_ term: (String, String) -> String) -> String {
      "(" + bins.map { "coalesce(\(term($0.x, $0.y)), 0e0)" }.joined(separator: " + ") + ")"
    }
    let n = derived.name(of: over { _, y in "CASE WHEN \(y) IS NOT NULL THEN 1e0 END" })
    let x = over { x, y in "CASE WHEN \(y) IS NOT NULL THEN \(x) END" }
    let y = over { _, y in y }
    // The means are written out: a stage cannot name its own columns.
    let count = over { _, y in "CASE WHEN \(y) IS NOT NULL THEN 1e0 END" }
    let meanX = derived.name(of: "\(x) / nullif(\(count), 0e0)")
    let meanY = derived.name(of: "\(y) / nullif(\(count), 0e0)")
    let cross = over { x, y in "(\(x) - \(meanX)) * (\(y) - \(meanY))" }
    let square = over { x, y in
      "CASE WHEN \(y) IS NOT NULL THEN (\(x) - \(meanX)) * (\(x) - \(meanX)) END"
    }
    return "CASE WHEN \(n) > 2 THEN \(cross) / \(square) END"
  }

  private mutating func openCount(_ opened: String, _ resolved: String) -> String {
    let height = height(opened, resolved)
    let steps = kinds.name(of: "sum(\(step(opened, resolved)))")
    let least = kinds.name(of: "min(\(height))")
    return "coalesce(\(people.name(of: "sum(\(steps))")) "
      + "- least(0, \(people.name(of: "min(\(least))"))), 0)"
  }

  // MARK: Who spoke

  /// voice and asked by the silence rule, called, events and ordinary.
  private mutating func voiceColumns() -> [String] {
    let newest = kinds.name(of: "max(\(at))")
    let rows = kinds.name(of: "count(*)")
    func kindsOf(_ role: KindRole) -> [String] {
      roles.filter { $0.value == role }.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
    func newestOf(_ names: [String]) -> String? {
      names.isEmpty ? nil : people.name(of: filtered("max(\(newest))", [among(names)]))
    }
    let (spoken, asked) = (newestOf(kindsOf(.feedback)), newestOf(kindsOf(.mechanics)))
    let others = kindsOf(.feedback) + kindsOf(.mechanics)
    let ordinary = people.name(
      of: filtered("sum(\(rows))", others.isEmpty ? [] : ["NOT \(among(others))"]))
    let all = people.name(of: "sum(\(rows))")
    var called = "FALSE"
    if let watched, !watched.kinds.isEmpty {
      let known = kinds.name(of: "max(known_at)")
      let last = people.name(of: filtered("max(\(known))", [among(watched.kinds)]))
      called = "coalesce(\(last) >= \(watched.since.microseconds), FALSE)"
    }
    let start = "\(t) - \(Int64(silentForDays) * Self.day)"
    func word(_ last: String?, _ none: String, _ recent: String, _ earlier: String) -> String {
      guard let last else { return "'\(none)'" }
      return "CASE WHEN \(last) IS NULL THEN '\(none)' WHEN \(last) >= \(start) THEN '\(recent)' "
        + "ELSE '\(earlier)' END"
    }
    return [
      "\(word(spoken, "never_spoken", "recent", "lapsed")) AS voice",
      "\(word(asked, "never", "ignored", "earlier")) AS asked", "\(called) AS called",
      "CAST(\(all) AS BIGINT) AS events", "CAST(coalesce(\(ordinary), 0) AS BIGINT) AS ordinary",
    ]
  }

  /// What the accounts file says that a queue's rule may ask for.
  private var recordColumns: [String] {
    guard let source = sources.settings.accounts else { return [] }
    var columns = source.value == nil ? [] : ["accounts.worth AS worth"]
    if source.segment != nil { columns.append("accounts.segment AS segment") }
    columns += source.numeric.indices.map { "accounts.n\($0) AS n\($0)" }
    columns += source.categorical.indices.map { "accounts.c\($0) AS c\($0)" }
    return columns
  }
}
