/// What `[features]` asks for.
package struct FeatureSettings: Sendable, Equatable {
  /// Window lengths in days of 86,400 s, ascending.
  package var windowsDays: [Int]
  /// Whether the time since the beginning is a window too.
  package var lifetime: Bool
  /// The kinds to count, or nil for every kind whose role is `feature` and that has been seen.
  package var kinds: [String]?
  package var aggregates: AggregateChoice
  /// Pairs of kinds of which one opens an item and the other closes it.
  package var open: [OpenItems]
  /// Kinds that may be mentioned to a customer: what the company itself did, such as a late
  /// delivery. Changes no feature.
  package var sayable: Set<String> = []

  package init(
    windowsDays: [Int] = [7, 30, 90, 365], lifetime: Bool = false, kinds: [String]? = nil,
    aggregates: AggregateChoice = .standard, open: [OpenItems] = []
  ) {
    self.windowsDays = windowsDays
    self.lifetime = lifetime
    self.kinds = kinds
    self.aggregates = aggregates
    self.open = open
  }

  /// The windows in order, the shortest first and `lifetime` last.
  package var windows: [Window] {
    windowsDays.map(Window.days) + (lifetime ? [.lifetime] : [])
  }

  init(_ table: ProjectTable) {
    self.init()
    table.allow(["windows_days", "lifetime", "kinds", "aggregates", "open", "sayable"])
    if let days = table.integers("windows_days", in: 1...36_500) {
      windowsDays = Set(days).sorted()
      if windowsDays.count != days.count {
        table.report("windows_days", "`windows_days` names a window twice")
      }
    }
    lifetime = table.boolean("lifetime") ?? false
    if windows.isEmpty {
      table.report("windows_days", "`windows_days` is empty: name a window or set lifetime = true")
    }
    kinds = table.strings("kinds")
    if let kinds, kinds.isEmpty || Set(kinds).count != kinds.count {
      table.report("kinds", "`kinds` is empty or names a kind twice")
    }
    for pair in table.tables("open") {
      pair.allow(["opened", "resolved"])
      guard let opened = pair.required("opened"), let resolved = pair.required("resolved") else {
        continue
      }
      let items = OpenItems(opened: opened, resolved: resolved)
      if opened.utf8.elementsEqual(resolved.utf8) {
        pair.report("resolved", "the kind `\(opened)` cannot both open and resolve")
      } else if open.contains(items) {
        pair.report("opened", "`open` names this pair twice")
      } else {
        open.append(items)
      }
      if let kinds {
        for kind in [opened, resolved] where !kinds.contains(kind) {
          pair.report(nil, "`open` names the kind `\(kind)`, `kinds` does not")
        }
      }
    }
    sayable = Set(table.strings("sayable") ?? [])
    switch table.value("aggregates") {
    case nil: break
    case .table:
      guard let choices = table.table("aggregates") else { break }
      var lists: [String: [Aggregate]] = [:]
      for kind in choices.keys {
        lists[kind] = Self.aggregates(choices, kind)
        if let kinds, kind != "*", !kinds.contains(kind) {
          choices.report(kind, "`aggregates` names the kind `\(kind)`, `kinds` does not")
        }
      }
      aggregates = .perKind(lists)
    default: aggregates = .list(Self.aggregates(table, "aggregates"))
    }
  }

  private static func aggregates(_ table: ProjectTable, _ key: String) -> [Aggregate] {
    let known = [standardName] + Aggregate.allCases.map(\.rawValue)
    return (table.strings(key) ?? []).flatMap { name in
      if name == standardName { return Aggregate.standard }
      if let aggregate = Aggregate(rawValue: name) { return [aggregate] }
      let nearest = nearestName(to: name, among: known)
      table.report(
        key,
        "no aggregate is called `\(name)`: "
          + (nearest.map { "did you mean `\($0)`?" } ?? "there are \(known.joined(separator: ", "))")
      )
      return []
    }
  }

  /// In a list of aggregates: those made without one.
  private static let standardName = "default"
}

/// Two kinds of event of which one opens something, such as a ticket, and the other closes it.
/// Each closing closes the oldest open one, if there is one.
package struct OpenItems: Sendable, Hashable {
  package var opened: String
  package var resolved: String

  package init(opened: String, resolved: String) {
    self.opened = opened
    self.resolved = resolved
  }
}

/// Which aggregates are made of which kind.
package enum AggregateChoice: Sendable, Equatable {
  /// `Aggregate.standard`, with those of value only for kinds that have values.
  case standard
  /// These for every kind; the order of the list does not matter.
  case list([Aggregate])
  /// By kind, with `*` for the kinds not named. A kind named here gets what is listed even where
  /// it has no values yet.
  case perKind([String: [Aggregate]])

  func contains(_ aggregate: Aggregate, kind: String) -> Bool {
    switch self {
    case .standard: Aggregate.standard.contains(aggregate)
    case .list(let list): list.contains(aggregate)
    case .perKind(let lists): (lists[kind] ?? lists["*"] ?? []).contains(aggregate)
    }
  }

  /// Whether `kind` was asked for by its own name.
  func names(_ kind: String) -> Bool {
    if case .perKind(let lists) = self { lists[kind] != nil } else { false }
  }

  /// Tenure and shares belong to no kind: what the list for all kinds (or for `*`) says holds.
  func containsOfAccount(_ aggregate: Aggregate) -> Bool { contains(aggregate, kind: "*") }
}

/// The names that `[features] aggregates` takes; `Feature` defines each.
package enum Aggregate: String, CaseIterable, Sendable {
  case count
  case sum
  case mean
  case activeDays = "active_days"
  case daysSinceLast = "days_since_last"
  case daysSinceFirst = "days_since_first"
  case meanGap = "mean_gap"
  case lastGapRatio = "last_gap_ratio"
  case trend
  case tenure
  case decayedCount = "decayed_count"
  case overdue
  case ownChange = "own_change"
  case valueSlope = "value_slope"
  case burst
  case channelShare = "channel_share"
  case weekendShare = "weekend_share"
  case nightShare = "night_share"

  /// Made where the project file does not choose. The others did not earn a place for every base
  /// (benchmarks/results/gain.md) and are made where they are named.
  package static let standard: [Aggregate] = [
    .count, .sum, .mean, .activeDays, .daysSinceLast, .daysSinceFirst, .meanGap, .lastGapRatio,
    .trend, .tenure,
  ]
}

/// What the events of one kind may be used for (DESIGN 5.5): only `feature` kinds may become
/// features, however the other two are named.
package enum KindRole: String, Sendable, Codable {
  case feature
  /// An event by which a customer speaks.
  case feedback
  /// Invitations, reminders, ignored surveys.
  case mechanics
}
