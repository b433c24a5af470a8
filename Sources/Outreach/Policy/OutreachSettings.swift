package import Histories

/// One queue of the project file: whom it takes, and how much of them a day.
package struct Queue: Sendable, Equatable {
  package var name: String
  package var rule: QueueRule
  /// Cases that the team behind it can begin on one business day.
  package var capacity: Int
  package var channel: String
  /// Within how many business days a case is due: acknowledged.
  package var dueBusinessDays: Int
  /// Within how many it is closed; nil when the team promises nothing about it.
  package var closeBusinessDays: Int?
  /// Who works it: people, case by case, or a mail tool, as a segment.
  package var mode: Mode
  /// Whether the lot may leave its accounts alone: not the strategic, not the vulnerable.
  package var holdout: Bool
  /// What working a case costs, in the currency of account values, and how long it takes.
  package var cost: Double
  package var minutes: Double

  package enum Mode: String, Sendable, CaseIterable { case people, batch }

  package var serviceLevel: ServiceLevel {
    ServiceLevel(acknowledgeBusinessDays: dueBusinessDays, closeBusinessDays: closeBusinessDays)
  }

  package init(
    name: String, rule: QueueRule = QueueRule(), capacity: Int, channel: String,
    dueBusinessDays: Int = 1, closeBusinessDays: Int? = nil, mode: Mode = .people,
    holdout: Bool = true, cost: Double = 0, minutes: Double = 1
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
    self.closeBusinessDays = closeBusinessDays
  }
}

/// What the project file says of outreach: `[[queue]]`, `[policy]`, `[escalation]`, `[retention]`, `[experiment]`, `[[outcome]]`,
/// `[calendar]`, `[calls]`, `[webhooks]` and `[store]`.
package struct OutreachSettings: Sendable {
  /// In the order of the file: the first whose rule fits takes the account.
  package var queues: [Queue]
  package var calendar: BusinessCalendar
  /// When a call is lawful, on the customer's own clock.
  package var calls: OpeningHours
  package var policy: ContactPolicy
  /// To whom cases go that are late.
  package var escalation: EscalationRule
  package var retention = RetentionRule()
  package var experiment: Experiment?
  /// How cases are worked.
  package var practice: Practice
  /// What help should change.
  package var outcomes: [OutcomeMeasure]
  package var voices: VoiceRules
  /// Where the opening and closing of cases is told.
  package var webhooks: [String]
  /// The environment variable that holds the secret by which they are signed.
  package var webhookSecret: String
  /// Where the store is.
  package var store: StorePlace

  package init(
    queues: [Queue], calendar: BusinessCalendar, calls: OpeningHours = .callWeek,
    policy: ContactPolicy = ContactPolicy(), escalation: EscalationRule? = nil,
    experiment: Experiment? = nil, practice: Practice = Practice(),
    outcomes: [OutcomeMeasure] = [], voices: VoiceRules = VoiceRules(), webhooks: [String] = [],
    webhookSecret: String = WebhookSettings.usualSecret, store: StorePlace
  ) {
    self.queues = queues
    self.calendar = calendar
    self.calls = calls
    self.policy = policy
    self.escalation = escalation ?? EscalationRule(calendar: calendar)
    self.experiment = experiment
    self.practice = practice
    self.practice.calendar = calendar
    self.outcomes = outcomes
    self.voices = voices
    self.webhooks = webhooks
    self.webhookSecret = webhookSecret
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
    calls = OpeningHours(calls: project.root.table("calls"))
    policy = ContactPolicy(project.root.table("policy"), hasValue: attributes.value)
    escalation = EscalationRule(
      project.root.table("escalation"), calendar: calendar, queues: queues)
    experiment = project.root.table("experiment").flatMap { Experiment($0, zone: timeZone) }
    practice = Practice(project: project, queues: queues)
    practice.calendar = calendar
    outcomes = OutcomeMeasure.all(
      project: project, hasFeedback: project.root.value("feedback") != nil)
    retention = RetentionRule(
      project.root.table("retention"), horizons: outcomes.map(\.horizonDays))
    voices = VoiceRules(project: project)
    let hooks = WebhookSettings(project.root.table("webhooks"))
    webhooks = hooks.urls
    webhookSecret = hooks.secret
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
      "name", "where", "capacity_per_business_day", "channel", "due_business_days",
      "close_business_days", "mode",
      "holdout", "cost_per_case", "minutes_per_case", "track",
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
    let close = table.integer("close_business_days", in: 1...1000)
    if let close, close < due {
      table.report(
        "close_business_days",
        "`close_business_days` is \(close), less than the \(due) of `due_business_days`: a case is "
          + "acknowledged before it is closed")
    }
    guard let name, let channel, let capacity else { return nil }
    self.init(
      name: name, rule: rule, capacity: capacity, channel: channel, dueBusinessDays: due,
      closeBusinessDays: close, mode: mode, holdout: table.boolean("holdout") ?? true, cost: cost,
      minutes: max(minutes, .leastNormalMagnitude))
  }
}
