package import Histories

/// The vectors of all accounts as of a date, as a chain of common table expressions, each one row set
/// over the one before:
///
///     events → seen (what happened and was known before the date) → moments (places in time, where a
///     feature asks for them) → kinds (one row an account and kind) → people (one row an account) →
///     features
///
/// One pass over the events whatever the number of features; each feature adds a constant number of
/// expressions (`FeatureCells`, over what `FeatureColumns` computes in the stages). For the rows of a
/// training `LabelSQL` puts stages between.
package struct FeatureSQL {
  private let sources: EventSQL
  private let roles: [String: KindRole]
  private let silentForDays: Int
  private let watched: Watched?
  private let asOf: Instant
  private let labels: Labels?
  private let dialect: SQLDialect
  private var columns: FeatureColumns

  /// Kinds by which customers ask for an answer, and since when such words are news.
  package struct Watched: Sendable {
    package var kinds: [String]
    package var since: Instant

    package init(kinds: [String], since: Instant) {
      self.kinds = kinds
      self.since = since
    }
  }

  /// `roles`: of kinds; `silentForDays`: by which the column `voice` is told; `watched`: of which the
  /// column `called` tells. `folder`: from which the paths in the script start. Throws `insufficient`
  /// where the schema looks at feedback (DESIGN 5.5).
  init(
    _ settings: HistorySettings, schema: FeatureSchema, roles: [String: KindRole],
    silentForDays: Int, watched: Watched? = nil, asOf: Instant, labels: Labels? = nil,
    folder: String, dialect: SQLDialect
  ) throws(DetractionError) {
    do { try schema.check(roles: roles) } catch { throw .histories(error) }
    sources = EventSQL(settings: settings, dialect: dialect, folder: folder)
    self.roles = roles
    self.silentForDays = silentForDays
    self.watched = watched
    self.asOf = asOf
    self.labels = labels
    self.dialect = dialect
    columns = FeatureColumns(
      schema, accounts: settings.accounts, t: labels == nil ? String(asOf.microseconds) : "t",
      keys: labels == nil ? "account" : "account, t, negative", dialect: dialect)
  }

  func preamble() throws(DetractionError) -> [String] { try sources.preamble() }

  /// The stages, the last of which is `features`, a row for everybody with an event: account_id, f0 …
  /// (NULL is missing; a level is its text), voice, asked, called, do_not_profile, do_not_contact,
  /// events (all that are seen), ordinary (those that are neither feedback nor mechanics: without one
  /// there is no history), copies (rows of the accounts file), and of the accounts file worth, segment,
  /// n0 …, c0 …. One row without an account_id counts the events that were set aside.
  mutating func stages() throws(DetractionError) -> [(name: String, body: String)] {
    let cells = columns.schema.features.indices.map { columns.cell($0) }
    let voices = columns.voice(roles, silentForDays: silentForDays, watched: watched)
    var stages: [(name: String, body: String)] = [("events", try sources.events())]
    if let labels { stages += LabelSQL(labels: labels, asOf: asOf, sources: sources).stages }
    stages.append(("seen", seen()))
    var last = "seen"
    if sources.hasIds {
      stages.append(("ids", numbered(last)))
      stages.append(("once", "SELECT * FROM ids WHERE id IS NULL OR copy = 1"))
      last = "once"
    }
    if !columns.moments.expressions.isEmpty {
      stages.append(("moments", "SELECT *\(columns.moments.list)\nFROM \(last)"))
      last = "moments"
    }
    if !columns.heights.expressions.isEmpty {
      stages.append(("heights", "SELECT *\(columns.heights.list)\nFROM \(last)"))
      last = "heights"
    }
    stages.append(
      ("kinds", "SELECT \(keys), kind\(columns.kinds.list)\nFROM \(last)\nGROUP BY \(keys), kind"))
    stages.append(("people", "SELECT \(keys)\(columns.people.list)\nFROM kinds\nGROUP BY \(keys)"))
    last = "people"
    if !columns.derived.expressions.isEmpty {
      stages.append(("derived", "SELECT *\(columns.derived.list)\nFROM people"))
      last = "derived"
    }
    let accounts = try sources.accounts()
    if let accounts { stages.append(("accounts", accounts)) }
    var made = ["\(last).account AS account_id"]
    made += cells.enumerated().map { "\($0.element) AS f\($0.offset)" }
    made += voices
    if labels != nil { made += ["\(last).t AS t", "\(last).negative AS negative"] }
    if accounts == nil {
      made += ["FALSE AS do_not_profile", "FALSE AS do_not_contact", "1 AS copies"]
    } else {
      made += [
        "coalesce(accounts.objects, FALSE) AS do_not_profile",
        "coalesce(accounts.refuses, FALSE) AS do_not_contact",
        "coalesce(accounts.copies, 1) AS copies",
      ]
    }
    made += recordColumns
    let join =
      accounts == nil ? "" : "\nLEFT JOIN accounts ON accounts.account = \(last).account"
    stages.append(
      (
        "features",
        "SELECT \(made.joined(separator: ",\n  "))\nFROM \(last)\(join)"
      ))
    return stages
  }

  // MARK: Rows

  private var t: String { columns.t }
  private var keys: String { columns.keys }
  private var at: String { dialect.identifier("at") }

  private func seen() -> String {
    guard labels == nil else {
      return "SELECT events.*, chosen.t, chosen.negative, chosen.t - events.\(at) AS age\n"
        + "FROM events JOIN chosen ON chosen.account = events.account\n"
        + "WHERE events.\(at) < chosen.t AND events.known_at < chosen.t"
    }
    var conditions = ["(account IS NULL OR (\(at) < \(t) AND known_at < \(t)))"]
    if let isErased = sources.isErased("account") {
      conditions.append("(account IS NULL OR NOT \(isErased))")
    }
    return "SELECT *, \(t) - \(at) AS age\nFROM events\nWHERE "
      + conditions.joined(separator: "\n  AND ")
  }

  /// An event whose id an event seen earlier has, in its account and source, is a second delivery; of
  /// those seen at one instant the first in the order of events stays (`Event.precedes`).
  private func numbered(_ before: String) -> String {
    "SELECT *, row_number() OVER (PARTITION BY \(keys), \(dialect.identifier("source")), id "
      + "ORDER BY greatest(\(at), known_at), \(at), known_at, kind, value NULLS FIRST, "
      + "channel NULLS FIRST) AS copy\nFROM \(before)"
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
