import Foundation

/// What the project file says about account histories: where they are, what their columns mean,
/// and which features are wanted (DESIGN 6: `time_zone`, `[reading]`, `[[events]]`, `[accounts]`,
/// `[contacts]`, `[features]`).
package struct HistorySettings: Sendable {
  /// The zone of local times without an offset, of `--as-of` dates and of active days; UTC unless
  /// said otherwise.
  package var timeZone: LocalTime
  package var events: [EventSource]
  package var accounts: AccountsSource?
  package var contacts: ContactsSource?
  /// The share of a source's rows that may be unusable before the run is refused, 0 to 1.
  package var badRowShare: Double
  package var features: FeatureSettings
  /// Accounts that are left out wherever they stand.
  package var erased: Tombstones
  /// The folder of packed histories; nil: none.
  package var packed: String?
  /// Whether the inputs are a part of a base, so that a table without a row is none that went missing.
  var isExcerpt = false

  package init(
    timeZone: LocalTime = .utc, events: [EventSource], accounts: AccountsSource? = nil,
    contacts: ContactsSource? = nil,
    badRowShare: Double = 0.01, features: FeatureSettings = FeatureSettings(),
    erased: Tombstones = Tombstones()
  ) {
    self.erased = erased
    self.timeZone = timeZone
    self.events = events
    self.accounts = accounts
    self.contacts = contacts
    self.badRowShare = badRowShare
    self.features = features
  }

  /// Decodes the sections above; what is wrong is reported to `project`, whose `check()` the
  /// caller then calls.
  package init(project: ProjectFile) {
    let root = project.root
    timeZone = .utc
    if let name = root.string("time_zone") {
      if let zone = LocalTime(identifier: name) {
        timeZone = zone
      } else {
        root.report("time_zone", "no time zone is called \"\(name)\": write one like Europe/Berlin")
      }
    }
    badRowShare = 0.01
    if let reading = root.table("reading") {
      reading.allow(["max_bad_row_share"])
      if let share = reading.number("max_bad_row_share") {
        if share >= 0, share <= 1 {
          badRowShare = share
        } else {
          reading.report("max_bad_row_share", "`max_bad_row_share` is \(share), expected 0 to 1")
        }
      }
    }
    events = root.tables("events").compactMap { EventSource($0, project: project) }
    if root.value("events") == nil {
      root.report(nil, "`[[events]]` is missing: say where the events are")
    }
    accounts = root.table("accounts").flatMap { AccountsSource($0, project: project) }
    contacts = root.table("contacts").flatMap { ContactsSource($0, project: project) }
    erased = Tombstones(project: project)
    packed = project.folder.appendingPathComponent(PackedHistories.folderName).path
    features = root.table("features").map { FeatureSettings($0) } ?? FeatureSettings()
  }
}

/// Where a text comes from: a column by its header, or one text for every row.
package enum TextMapping: Sendable, Equatable {
  case column(String)
  case constant(String)
}

/// Where a number comes from: a column by its header, or one number for every row.
package enum NumberMapping: Sendable, Equatable {
  case column(String)
  case constant(Double)
}

/// A column of times and how they are written.
package struct TimeMapping: Sendable, Equatable {
  package enum Format: Sendable, Equatable {
    case iso8601
    /// Seconds since 1970-01-01T00:00:00Z, with or without a fraction.
    case unix
    /// Milliseconds since then.
    case unixMilliseconds
    /// Microseconds since then, always whole.
    case unixMicroseconds
    case pattern(TimePattern)
  }
  package var column: String
  package var format: Format

  package init(column: String, format: Format = .iso8601) {
    self.column = column
    self.format = format
  }
}

/// One `[[events]]` table: where its rows are and what their columns mean.
package struct EventSource: Sendable, Equatable {
  /// A file, a folder of Parquet files or a pattern with `*`, `?`, `[…]`, with the project's folder put
  /// before it; of a query, what messages call it.
  package var path: String
  /// Rows by SQL in place of a file's.
  package var query: SourceQuery?
  package var account: String
  package var at: TimeMapping
  package var knownAt: TimeMapping?
  package var kind: TextMapping
  package var value: NumberMapping?
  package var channel: TextMapping?
  /// Columns that must be there, and that no feature reads.
  package var id: String?
  package var text: String?
  /// A row whose cell in this column is empty has no such event: an order not yet delivered, a ticket
  /// that nobody rated.
  package var onlyWhere: String?

  package init(
    path: String, account: String, at: TimeMapping, knownAt: TimeMapping? = nil,
    kind: TextMapping, value: NumberMapping? = nil, channel: TextMapping? = nil,
    id: String? = nil, text: String? = nil
  ) {
    self.path = path
    self.account = account
    self.at = at
    self.knownAt = knownAt
    self.kind = kind
    self.value = value
    self.channel = channel
    self.id = id
    self.text = text
  }

  init?(_ table: ProjectTable, project: ProjectFile) {
    table.allow(
      ProjectTable.sourceKeys + [
        "account", "at", "known_at", "kind", "value", "channel", "id", "text", "only_where",
      ] + table.refuseConnection())
    let source = table.source(project)
    let account = table.required("account")
    let at = table.time("at", required: true)
    knownAt = table.time("known_at", required: false)
    let kind = table.text("kind", required: true)
    value = table.numberMapping("value")
    channel = table.text("channel", required: false)
    id = table.optionalColumn("id")
    text = table.optionalColumn("text")
    onlyWhere = table.optionalColumn("only_where")
    guard let source, let account, let at, let kind else { return nil }
    (path, query) = source
    self.account = account
    self.at = at
    self.kind = kind
  }
}

/// The `[accounts]` table: a file or query with one row an account. All but `account`, `numeric` and
/// `categorical` is for outreach and never becomes a feature.
package struct AccountsSource: Sendable, Equatable {
  package var path: String
  /// Rows by SQL in place of a file's.
  package var query: SourceQuery?
  package var account: String
  /// When the row became known; its attributes are missing as of that instant and before.
  package var knownAt: TimeMapping?
  package var numeric: [String]
  package var categorical: [String]
  package var value: String?
  package var segment: String?
  package var name: String?
  package var email: String?
  package var phone: String?
  package var owner: String?
  package var preferredChannel: String?
  package var updateEveryDays: String?
  package var timeZone: String?
  package var callTimes: String?
  package var doNotContact: String?
  package var doNotProfile: String?

  package init(
    path: String, account: String, numeric: [String] = [], categorical: [String] = []
  ) {
    self.path = path
    self.account = account
    self.numeric = numeric
    self.categorical = categorical
  }

  init?(_ table: ProjectTable, project: ProjectFile) {
    table.allow(
      ProjectTable.sourceKeys + [
        "account", "known_at", "numeric", "categorical", "value", "segment", "name", "email",
        "phone", "owner", "preferred_channel", "update_every_days", "time_zone",
        "call_times", "do_not_contact", "do_not_profile",
      ] + table.refuseConnection())
    let source = table.source(project)
    let account = table.required("account")
    knownAt = table.time("known_at", required: false)
    numeric = table.strings("numeric") ?? []
    categorical = table.strings("categorical") ?? []
    value = table.optionalColumn("value")
    segment = table.optionalColumn("segment")
    name = table.optionalColumn("name")
    email = table.optionalColumn("email")
    phone = table.optionalColumn("phone")
    owner = table.optionalColumn("owner")
    preferredChannel = table.optionalColumn("preferred_channel")
    updateEveryDays = table.optionalColumn("update_every_days")
    timeZone = table.optionalColumn("time_zone")
    callTimes = table.optionalColumn("call_times")
    doNotContact = table.optionalColumn("do_not_contact")
    doNotProfile = table.optionalColumn("do_not_profile")
    var seen: Set<String> = []
    for attribute in numeric + categorical where !seen.insert(attribute).inserted {
      table.report("numeric", "the attribute `\(attribute)` is listed twice")
    }
    guard let source, let account else { return nil }
    (path, query) = source
    self.account = account
  }
}

/// The `[contacts]` table: a file or query with one row a person, several an account. For outreach alone.
package struct ContactsSource: Sendable, Equatable {
  package var path: String
  /// Rows by SQL in place of a file's.
  package var query: SourceQuery?
  package var account: String
  /// The person's id, unique within the account.
  package var contact: String
  package var name: String?
  package var email: String?
  package var phone: String?
  package var role: String?
  package var preferredChannel: String?
  package var timeZone: String?
  package var callTimes: String?
  package var doNotContact: String?

  package init(path: String, account: String, contact: String) {
    self.path = path
    self.account = account
    self.contact = contact
  }

  init?(_ table: ProjectTable, project: ProjectFile) {
    table.allow(
      ProjectTable.sourceKeys + [
        "account", "contact", "name", "email", "phone", "role", "preferred_channel",
        "time_zone", "call_times", "do_not_contact",
      ] + table.refuseConnection())
    let source = table.source(project)
    let account = table.required("account")
    let contact = table.required("contact")
    name = table.optionalColumn("name")
    email = table.optionalColumn("email")
    phone = table.optionalColumn("phone")
    role = table.optionalColumn("role")
    preferredChannel = table.optionalColumn("preferred_channel")
    timeZone = table.optionalColumn("time_zone")
    callTimes = table.optionalColumn("call_times")
    doNotContact = table.optionalColumn("do_not_contact")
    guard let source, let account, let contact else { return nil }
    (path, query) = source
    self.account = account
    self.contact = contact
  }
}

extension ProjectTable {
  fileprivate func optionalColumn(_ key: String) -> String? {
    value(key) == nil ? nil : required(key)
  }

  fileprivate func text(_ key: String, required isRequired: Bool) -> TextMapping? {
    guard case .table = value(key) else {
      if value(key) == nil, !isRequired { return nil }
      return required(key).map(TextMapping.column)
    }
    guard let table = table(key) else { return nil }
    table.allow(["constant"])
    guard let constant = table.required("constant") else { return nil }
    guard constant.utf8.count <= 256, !constant.utf8.contains(0) else {
      table.report("constant", "`constant` is longer than 256 bytes or holds a NUL")
      return nil
    }
    return .constant(constant)
  }

  fileprivate func numberMapping(_ key: String) -> NumberMapping? {
    guard case .table = value(key) else {
      return optionalColumn(key).map(NumberMapping.column)
    }
    guard let table = table(key) else { return nil }
    table.allow(["constant"])
    if table.value("constant") == nil { table.report(nil, "`constant` is missing") }
    return table.number("constant").map(NumberMapping.constant)
  }

  fileprivate func time(_ key: String, required isRequired: Bool) -> TimeMapping? {
    guard case .table = value(key) else {
      if value(key) == nil, !isRequired { return nil }
      return required(key).map { TimeMapping(column: $0) }
    }
    guard let table = table(key) else { return nil }
    table.allow(["column", "format"])
    guard let column = table.required("column") else { return nil }
    guard let name = table.string("format") else { return TimeMapping(column: column) }
    switch name {
    case "iso8601": return TimeMapping(column: column)
    case "unix": return TimeMapping(column: column, format: .unix)
    case "unix_ms": return TimeMapping(column: column, format: .unixMilliseconds)
    case "unix_us": return TimeMapping(column: column, format: .unixMicroseconds)
    default:
      guard let pattern = TimePattern(name) else {
        table.report(
          "format",
          "no time format \"\(name)\": write iso8601, unix, unix_ms, unix_us or a pattern of "
            + "yyyy MM dd HH mm ss SSS and punctuation, such as \"yyyy-MM-dd HH:mm:ss\"")
        return nil
      }
      return TimeMapping(column: column, format: .pattern(pattern))
    }
  }
}
