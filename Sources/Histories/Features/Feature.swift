/// A stretch of time that ends at the as-of date t.
package enum Window: Hashable, Sendable, Codable {
  /// [t − d · 86,400 s, t)
  case days(Int)
  /// Everything before t.
  case lifetime

  /// `30d` or `lifetime`, in names and in the model file.
  package var name: String {
    switch self {
    case .days(let days): "\(days)d"
    case .lifetime: "lifetime"
    }
  }

  fileprivate init?(name: String) {
    if name == "lifetime" {
      self = .lifetime
    } else if name.hasSuffix("d"), let days = Int(name.dropLast()), (1...36_500).contains(days) {
      self = .days(days)
    } else {
      return nil
    }
  }

  fileprivate var words: String {
    switch self {
    case .days(let days): "in the \(days) days before the as-of date"
    case .lifetime: "before the as-of date"
    }
  }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let window = Window(name: text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "no window is called \(text)"))
    }
    self = window
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// One number computed from an account's history as of a date t.
///
/// An event is *seen* as of t when it happened before t and was known before t. Everything below
/// speaks of seen events of one kind; "never" is an account without one. A missing number is NaN
/// in vectors and an empty cell in files. Days are 86,400 s, fractions kept; dates are local ones
/// in the project's time zone.
///
/// | feature | is | unit, range | never |
/// |---|---|---|---|
/// | `count` | events in the window | events, 0 and up | 0 |
/// | `sum` | sum of their values, those without a value left out | unit of value | 0 |
/// | `mean` | sum ÷ events with a value in the window | unit of value | missing |
/// | `activeDays` | distinct local dates with an event in the window | days, 0 and up | 0 |
/// | `daysSinceLast` | t − the last event | days, above 0 | missing |
/// | `daysSinceFirst` | t − the first event | days, above 0 | missing |
/// | `meanGap` | (last − first) ÷ (events − 1) | days, 0 and up | missing below 2 events |
/// | `lastGapRatio` | (last − last but one) ÷ meanGap | 0 to events − 1 | missing below 3 events, or when all are at one instant |
/// | `trend` | ln(1 + recent rate) − ln(1 + longer rate), rates in events per 30 days of the whole window | no unit, any sign | 0 |
/// | `tenure` | t − the first event of any of the schema's kinds | days, above 0 | missing |
/// | `numeric` | the account's attribute | unit of the attribute | missing |
/// | `categorical` | the account's attribute, as its level's place in the schema | a level | missing |
package enum Feature: Hashable, Sendable {
  case count(kind: String, window: Window)
  case sum(kind: String, window: Window)
  case mean(kind: String, window: Window)
  case activeDays(kind: String, window: Window)
  case daysSinceLast(kind: String)
  case daysSinceFirst(kind: String)
  case meanGap(kind: String)
  case lastGapRatio(kind: String)
  case trend(kind: String, recent: Int, longer: Int)
  case tenure
  case numeric(name: String)
  case categorical(name: String)

  /// The name in files: `order.count.30d`, `order.days_since_last`, `tenure_days`, and an
  /// attribute's own name.
  package var name: String {
    switch self {
    case .count(let kind, let window): "\(kind).count.\(window.name)"
    case .sum(let kind, let window): "\(kind).sum.\(window.name)"
    case .mean(let kind, let window): "\(kind).mean.\(window.name)"
    case .activeDays(let kind, let window): "\(kind).active_days.\(window.name)"
    case .daysSinceLast(let kind): "\(kind).days_since_last"
    case .daysSinceFirst(let kind): "\(kind).days_since_first"
    case .meanGap(let kind): "\(kind).mean_gap"
    case .lastGapRatio(let kind): "\(kind).last_gap_ratio"
    case .trend(let kind, let recent, let longer): "\(kind).trend.\(recent)d_\(longer)d"
    case .tenure: "tenure_days"
    case .numeric(let name), .categorical(let name): name
    }
  }

  package var unit: String {
    switch self {
    case .count: "events"
    case .sum, .mean: "value"
    case .activeDays, .daysSinceLast, .daysSinceFirst, .meanGap, .tenure: "days"
    case .lastGapRatio: "ratio"
    case .trend: "log ratio"
    case .numeric: "attribute"
    case .categorical: "level"
    }
  }

  /// The kind of event it is made from; nil for tenure and attributes.
  package var kind: String? {
    switch self {
    case .count(let kind, _), .sum(let kind, _), .mean(let kind, _), .activeDays(let kind, _),
      .daysSinceLast(let kind), .daysSinceFirst(let kind), .meanGap(let kind),
      .lastGapRatio(let kind), .trend(let kind, _, _):
      kind
    case .tenure, .numeric, .categorical: nil
    }
  }

  /// The definition, its range and what "never" gives, and its meaning as SQL over
  /// `seen(account, at, kind, value)`: the events with `at < t` and `known_at < t`.
  package var explanation: String {
    switch self {
    case .count(let kind, let window):
      "`\(kind)` events \(window.words); 0 when there is none. "
        + Self.sql("count(*)", kind, window)
    case .sum(let kind, let window):
      "sum of the values of `\(kind)` events \(window.words); 0 when there is none. "
        + Self.sql("coalesce(sum(value), 0)", kind, window)
    case .mean(let kind, let window):
      "mean value of the `\(kind)` events with a value \(window.words); missing when there is "
        + "none. " + Self.sql("avg(value)", kind, window)
    case .activeDays(let kind, let window):
      "distinct local dates with a `\(kind)` event \(window.words); 0 when there is none. "
        + Self.sql("count(DISTINCT local_date(at))", kind, window)
    case .daysSinceLast(let kind):
      "days from the last `\(kind)` event to the as-of date; missing when there is none. "
        + Self.sql("seconds(t - max(at)) / 86400", kind, .lifetime)
    case .daysSinceFirst(let kind):
      "days from the first `\(kind)` event to the as-of date; missing when there is none. "
        + Self.sql("seconds(t - min(at)) / 86400", kind, .lifetime)
    case .meanGap(let kind):
      "mean days between one `\(kind)` event and the next; missing below two events. "
        + Self.sql(
          "seconds(max(at) - min(at)) / 86400 / nullif(count(*) - 1, 0)", kind, .lifetime)
    case .lastGapRatio(let kind):
      "days between the last two `\(kind)` events over the mean gap; missing below three events "
        + "or when all are at one instant. "
        + Self.sql(
          "CASE WHEN count(*) > 2 THEN seconds(max(at) - max_but_one(at)) "
            + "/ nullif(seconds(max(at) - min(at)) / (count(*) - 1), 0) END", kind, .lifetime)
    case .trend(let kind, let recent, let longer):
      "ln(1 + rate of the last \(recent) days) - ln(1 + rate of the last \(longer) days), rates "
        + "in `\(kind)` events per 30 days; 0 when there is none. "
        + Self.sql(
          "ln(1 + 30.0 / \(recent) * count(*) FILTER (WHERE at >= t - \(recent) days)) "
            + "- ln(1 + 30.0 / \(longer) * count(*))", kind, .days(longer))
    case .tenure:
      "days from the first event of any of the schema's kinds to the as-of date. "
        + "SQL: SELECT seconds(t - min(at)) / 86400 FROM seen WHERE kind IN (kinds)"
    case .numeric(let name):
      "the account's `\(name)`; missing when the cell is empty or not known yet. "
        + "SQL: SELECT \(name) FROM accounts WHERE known_at < t"
    case .categorical(let name):
      "the account's `\(name)`; missing when the cell is empty, not known yet or of a level that "
        + "the schema does not have. SQL: SELECT \(name) FROM accounts WHERE known_at < t"
    }
  }

  private static func sql(_ expression: String, _ kind: String, _ window: Window) -> String {
    let quoted =
      "'"
      + kind.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "''") + "'"
    let bound: String
    if case .days(let days) = window { bound = " AND at >= t - \(days) days" } else { bound = "" }
    return "SQL: SELECT \(expression) FROM seen WHERE kind = \(quoted)\(bound)"
  }
}

extension Feature: Codable {
  private enum Key: String, CodingKey { case of, kind, window, recent, longer, name }

  private enum Name: String, Codable {
    case count, sum, mean
    case activeDays = "active_days"
    case daysSinceLast = "days_since_last"
    case daysSinceFirst = "days_since_first"
    case meanGap = "mean_gap"
    case lastGapRatio = "last_gap_ratio"
    case trend, tenure, numeric, categorical
  }

  /// `{"of": "count", "kind": "order", "window": "30d"}`, and likewise the others.
  package init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: Key.self)
    func kind() throws -> String { try box.decode(String.self, forKey: .kind) }
    func window() throws -> Window { try box.decode(Window.self, forKey: .window) }
    func name() throws -> String { try box.decode(String.self, forKey: .name) }
    switch try box.decode(Name.self, forKey: .of) {
    case .count: self = .count(kind: try kind(), window: try window())
    case .sum: self = .sum(kind: try kind(), window: try window())
    case .mean: self = .mean(kind: try kind(), window: try window())
    case .activeDays: self = .activeDays(kind: try kind(), window: try window())
    case .daysSinceLast: self = .daysSinceLast(kind: try kind())
    case .daysSinceFirst: self = .daysSinceFirst(kind: try kind())
    case .meanGap: self = .meanGap(kind: try kind())
    case .lastGapRatio: self = .lastGapRatio(kind: try kind())
    case .trend:
      self = .trend(
        kind: try kind(), recent: try box.decode(Int.self, forKey: .recent),
        longer: try box.decode(Int.self, forKey: .longer))
    case .tenure: self = .tenure
    case .numeric: self = .numeric(name: try name())
    case .categorical: self = .categorical(name: try name())
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: Key.self)
    func put(_ of: Name, _ kind: String? = nil, _ window: Window? = nil) throws {
      try box.encode(of, forKey: .of)
      try box.encodeIfPresent(kind, forKey: .kind)
      try box.encodeIfPresent(window, forKey: .window)
    }
    switch self {
    case .count(let kind, let window): try put(.count, kind, window)
    case .sum(let kind, let window): try put(.sum, kind, window)
    case .mean(let kind, let window): try put(.mean, kind, window)
    case .activeDays(let kind, let window): try put(.activeDays, kind, window)
    case .daysSinceLast(let kind): try put(.daysSinceLast, kind)
    case .daysSinceFirst(let kind): try put(.daysSinceFirst, kind)
    case .meanGap(let kind): try put(.meanGap, kind)
    case .lastGapRatio(let kind): try put(.lastGapRatio, kind)
    case .trend(let kind, let recent, let longer):
      try put(.trend, kind)
      try box.encode(recent, forKey: .recent)
      try box.encode(longer, forKey: .longer)
    case .tenure: try put(.tenure)
    case .numeric(let name):
      try put(.numeric)
      try box.encode(name, forKey: .name)
    case .categorical(let name):
      try put(.categorical)
      try box.encode(name, forKey: .name)
    }
  }
}
