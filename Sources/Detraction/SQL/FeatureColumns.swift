import Histories

/// What the stages of `FeatureSQL` compute, as features ask for it: of an event, of an account's events
/// of one kind, and of an account. Asked for twice, it is computed once.
struct FeatureColumns {
  let dialect: SQLDialect
  /// Whose features they are.
  let schema: FeatureSchema
  /// Where attributes stand, if somewhere.
  let accounts: AccountsSource?
  /// The as-of date in microseconds: a number or a column.
  let t: String
  /// Of whom a row is: columns.
  let keys: String

  /// Of events: their places in time, and heights made of those.
  var moments = Columns("m")
  var heights = Columns("h")
  /// Of an account's events of one kind; of an account, and what is made of that.
  var kinds = Columns("k")
  var people = Columns("p")
  var derived = Columns("d")

  init(
    _ schema: FeatureSchema, accounts: AccountsSource?, t: String, keys: String, dialect: SQLDialect
  ) {
    self.schema = schema
    self.accounts = accounts
    self.t = t
    self.keys = keys
    self.dialect = dialect
  }

  /// Columns of a stage by what they are, so that what several features ask for is made once.
  struct Columns {
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

  var at: String { dialect.identifier("at") }

  static let day = Instant.microsecondsPerDay
  static let perDay = SQLText.literal(Double(Instant.microsecondsPerDay))

  func inside(_ window: Window) -> String? {
    switch window {
    case .days(let days): "age <= \(Int64(days) * Self.day)"
    case .lifetime: nil
    }
  }

  func filtered(_ aggregate: String, _ conditions: [String?]) -> String {
    let conditions = conditions.compactMap(\.self)
    return conditions.isEmpty
      ? aggregate : "\(aggregate) FILTER (WHERE \(conditions.joined(separator: " AND ")))"
  }

  /// An aggregate of one account's events of one kind; NULL where there is none.
  mutating func stat(
    _ kind: String, _ aggregate: String, _ conditions: String?...
  ) -> String {
    let column = kinds.name(of: filtered(aggregate, conditions))
    return people.name(
      of: "max(\(column)) FILTER (WHERE kind = \(dialect.literal(kind)))")
  }

  /// An aggregate of one account's rows of `kinds`, over all the schema's kinds.
  mutating func total(
    _ fold: String, _ aggregate: String, _ conditions: String?...
  ) -> String {
    let column = kinds.name(of: filtered(aggregate, conditions))
    return people.name(
      of: filtered("\(fold)(\(column))", [among(schema.kinds)]))
  }

  func among(_ kinds: [String]) -> String {
    kinds.isEmpty ? "FALSE" : "kind IN (\(kinds.map(dialect.literal).joined(separator: ", ")))"
  }

  func number(_ integer: String) -> String { "CAST(\(integer) AS DOUBLE)" }
  func days(_ micros: String) -> String { "\(number(micros)) / \(Self.perDay)" }

  mutating func count(_ kind: String, _ conditions: String?...) -> String {
    let column = kinds.name(of: filtered("count(*)", conditions))
    return "coalesce("
      + people.name(of: "max(\(column)) FILTER (WHERE kind = \(dialect.literal(kind)))") + ", 0)"
  }

  mutating func first(_ kind: String) -> String { stat(kind, "min(\(at))") }
  mutating func last(_ kind: String) -> String { stat(kind, "max(\(at))") }

  /// The account's first seen event of the schema's kinds.
  mutating func firstEvent() -> String { total("min", "min(\(at))") }

  private var byKind: String { "PARTITION BY \(keys), kind" }
  private var newestFirst: String { "OVER (\(byKind) ORDER BY \(at) DESC)" }

  mutating func place() -> String { moments.name(of: "row_number() \(newestFirst)") }
  /// From the event before, in microseconds; NULL for the first.
  mutating func gap() -> String { moments.name(of: "\(at) - lead(\(at)) \(newestFirst)") }
  /// Whether no newer event of the kind is of the same local date.
  mutating func isNewDate() -> String {
    let date = dialect.localDate(at)
    return moments.name(of: "coalesce(\(date) <> lag(\(date)) \(newestFirst), TRUE)")
  }
  /// Events of the kind from this one on, less than a day after it.
  mutating func within24Hours() -> String {
    moments.name(
      of: "count(*) OVER (\(byKind) ORDER BY \(at) RANGE BETWEEN CURRENT ROW AND "
        + "\(Self.day - 1) FOLLOWING)")
  }

  mutating func meanGap(_ kind: String) -> String {
    let (newest, oldest, events) = (last(kind), first(kind), count(kind))
    return "\(days("\(newest) - \(oldest)")) / \(number("nullif(\(events) - 1, 0)"))"
  }

  /// The steps of a pair: 1 for what opens, −1 for what closes.
  func step(_ opened: String, _ resolved: String) -> String {
    func isKind(_ kind: String) -> String {
      schema.kinds.contains { $0.utf8.elementsEqual(kind.utf8) }
        ? "kind = \(dialect.literal(kind))" : "FALSE"
    }
    return "(CASE WHEN \(isKind(opened)) THEN 1 ELSE 0 END - CASE WHEN \(isKind(resolved)) THEN 1 "
      + "ELSE 0 END)"
  }

  /// The running sum of a pair's steps in time; at one instant what opens comes first.
  mutating func height(_ opened: String, _ resolved: String) -> String {
    let step = step(opened, resolved)
    return moments.name(
      of: "sum(\(step)) OVER (PARTITION BY \(keys) ORDER BY \(at), \(step) DESC "
        + "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)")
  }
}
