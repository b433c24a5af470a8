package import Histories

/// One queue of the project file: whom it takes, and how much of them a day.
package struct Queue: Sendable, Equatable {
  package var name: String
  package var rule: QueueRule
  /// Cases that the team behind it can begin on one business day.
  package var capacity: Int
  package var channel: String
  /// Within how many business days a case is due.
  package var dueBusinessDays: Int
  /// Who works it: people, case by case, or a mail tool, as a segment.
  package var mode: Mode
  /// Whether the lot may leave its accounts alone: not the strategic, not the vulnerable.
  package var holdout: Bool
  /// What working a case costs, in the currency of account values, and how long it takes.
  package var cost: Double
  package var minutes: Double

  package enum Mode: String, Sendable, CaseIterable { case people, batch }

  package init(
    name: String, rule: QueueRule = QueueRule(), capacity: Int, channel: String,
    dueBusinessDays: Int = 1, mode: Mode = .people, holdout: Bool = true, cost: Double = 0,
    minutes: Double = 1
  ) {
    self.mode = mode
    self.holdout = holdout
    self.cost = cost
    self.minutes = minutes
    self.name = name
    self.rule = rule
    self.capacity = capacity
    self.channel = channel
    self.dueBusinessDays = dueBusinessDays
  }
}

/// What the project file says of outreach: `[[queue]]`, `[policy]`, `[experiment]`, `[calendar]`,
/// `[webhooks]` and `[store]`.
package struct OutreachSettings: Sendable {
  /// In the order of the file: the first whose rule fits takes the account.
  package var queues: [Queue]
  package var calendar: BusinessCalendar
  package var policy: ContactPolicy
  package var experiment: Experiment?
  package var voices: VoiceRules
  /// Where the opening and closing of cases is told.
  package var webhooks: [String]
  /// Where the store is.
  package var store: StorePlace

  package init(
    queues: [Queue], calendar: BusinessCalendar, policy: ContactPolicy = ContactPolicy(),
    experiment: Experiment? = nil, voices: VoiceRules = VoiceRules(), webhooks: [String] = [],
    store: StorePlace
  ) {
    self.queues = queues
    self.calendar = calendar
    self.policy = policy
    self.experiment = experiment
    self.voices = voices
    self.webhooks = webhooks
    self.store = store
  }

  /// Decodes the sections and reports their problems to the file; the caller calls
  /// `project.check()`. `numeric` and `categorical` are the mapped attributes in the order of
  /// `AccountRecord.numeric` and `.categorical`.
  package init(
    project: ProjectFile, timeZone: LocalTime, numeric: [String], categorical: [String]
  ) {
    let attributes = QueueRule.Attributes(
      numeric: numeric, categorical: categorical, accounts: project.root.value("accounts"))
    queues = []
    let tables = project.root.tables("queue")
    for table in tables {
      guard let queue = Queue(table, attributes) else { continue }
      if queues.contains(where: { $0.name == queue.name }) {
        table.report("name", "two queues are named `\(queue.name)`: names must differ")
      }
      queues.append(queue)
    }
    calendar = BusinessCalendar(project.root.table("calendar"), zone: timeZone)
    policy = ContactPolicy(project.root.table("policy"), hasValue: attributes.value)
    experiment = project.root.table("experiment").flatMap { Experiment($0, zone: timeZone) }
    voices = VoiceRules(project: project)
    webhooks = []
    store = Self.storePlace(project)
  }

  /// Reports a project without any `[[queue]]`: what a run needs and training does not.
  package static func requireQueue(_ project: ProjectFile) {
    guard project.root.value("queue") == nil else { return }
    project.root.report(
      nil,
      "no queue to put flags in: add [[queue]] with name = \"calls\", "
        + "capacity_per_business_day = 20 and channel = \"phone\"")
  }

  /// Where the store is: `[store] path`, by default `tacit.sqlite` beside the project file, or
  /// `[store] url`.
  package static func storePlace(_ project: ProjectFile) -> StorePlace {
    let usual = StorePlace.file(project.resolve("tacit.sqlite"))
    guard let table = project.root.table("store") else { return usual }
    table.allow(["path", "url"])
    if table.value("url") != nil {
      if table.value("path") != nil {
        table.report("url", "a store has a `path` or a `url`, not both")
      }
      guard let url = table.required("url") else { return usual }
      if let problem = StorePlace.problem(ofURL: url) {
        table.report("url", problem)
        return usual
      }
      return .postgres(url)
    }
    return table.value("path") == nil
      ? usual : .file(project.resolve(table.required("path") ?? "tacit.sqlite"))
  }
}

extension Queue {
  /// Nil where a key that must be there is not, with the problem reported.
  fileprivate init?(_ table: ProjectTable, _ attributes: QueueRule.Attributes) {
    table.allow([
      "name", "where", "capacity_per_business_day", "channel", "due_business_days", "mode",
      "holdout", "cost_per_case", "minutes_per_case",
    ])
    let key = "capacity_per_business_day"
    if table.value(key) == nil {
      table.report(nil, "`\(key)` is missing: how many cases can this team begin a day?")
    }
    let rule = table.table("where").map { QueueRule($0, attributes) } ?? QueueRule()
    let name = table.required("name")
    let channel = table.required("channel")
    let capacity = table.integer(key, in: 0...10_000_000)
    let due = table.integer("due_business_days", in: 1...1000) ?? 1
    var mode = Mode.people
    if let text = table.string("mode") {
      if let known = Mode(rawValue: text) {
        mode = known
      } else {
        table.report("mode", "`mode` is \"\(text)\", expected \"people\" or \"batch\"")
      }
    }
    let cost = table.number("cost_per_case") ?? 0
    if cost < 0 { table.report("cost_per_case", "`cost_per_case` is \(cost), expected 0 or more") }
    let minutes = table.number("minutes_per_case") ?? 1
    if !(minutes > 0) {
      table.report("minutes_per_case", "`minutes_per_case` is \(minutes), expected more than 0")
    }
    guard let name, let channel, let capacity else { return nil }
    self.init(
      name: name, rule: rule, capacity: capacity, channel: channel, dueBusinessDays: due,
      mode: mode, holdout: table.boolean("holdout") ?? true, cost: cost,
      minutes: max(minutes, .leastNormalMagnitude))
  }
}

extension BusinessCalendar {
  private static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  /// `hours = "09:00-17:00"`, `days = ["mon", …]`, `holidays = ["2026-12-25", …]`; each has a
  /// default, and so has a table that is not there.
  fileprivate init(_ table: ProjectTable?, zone: LocalTime) {
    guard let table else {
      self.init(zone: zone)
      return
    }
    table.allow(["hours", "days", "holidays"])
    var hours = (opens: 540, closes: 1020)
    if let text = table.string("hours") {
      let ends = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        .map(Self.minutes)
      if ends.count == 2, let opens = ends[0], let closes = ends[1], opens < closes {
        hours = (opens, closes)
      } else {
        table.report("hours", "`hours` is \"\(text)\", expected a span such as \"09:00-17:00\"")
      }
    }
    var working = [true, true, true, true, true, false, false]
    if let names = table.strings("days") {
      working = Self.dayNames.map(names.contains)
      for name in names where !Self.dayNames.contains(name) {
        table.report(
          "days", "no day is named `\(name)`: write \(Self.dayNames.joined(separator: ", "))")
      }
      if !working.contains(true) {
        table.report("days", "`days` leaves no working day")
        working[0] = true
      }
    }
    var holidays: [Int] = []
    for text in table.strings("holidays") ?? [] {
      if text.utf8.count == 10, let date = Instant(asOf: text, zone: .utc) {
        holidays.append(LocalTime.utc.date(of: date))
      } else {
        table.report("holidays", "\"\(text)\" is no date that exists: write YYYY-MM-DD")
      }
    }
    self.init(
      zone: zone, opens: hours.opens, closes: hours.closes, workingDays: working,
      holidays: holidays)
  }

  /// Minutes after midnight of `HH:MM`, 00:00 to 24:00; nil for anything else.
  private static func minutes(_ text: Substring.UTF8View) -> Int? {
    let bytes = text.filter { $0 != UInt8(ascii: " ") }
    let digits = bytes.enumerated().filter { $0.offset != 2 }.map { Int($0.element) - 0x30 }
    guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"),
      digits.allSatisfy({ (0...9).contains($0) })
    else { return nil }
    let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
    return minute < 60 && hour * 60 + minute <= 1440 ? hour * 60 + minute : nil
  }
}
