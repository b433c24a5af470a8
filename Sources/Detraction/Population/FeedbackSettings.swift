package import Histories

/// What makes one piece of feedback of a kind negative.
package enum DetractorRule: Codable, Sendable, Equatable {
  /// One-sided: only the unhappy use this channel (complaints, refund requests).
  case always
  /// Two-sided: satisfied customers speak here too, and the value tells (surveys, reviews).
  case value(Comparison, Double)

  package enum Comparison: String, Codable, Sendable, CaseIterable {
    case atMost = "at_most"
    case atLeast = "at_least"
    case below
    case above
  }

  package var isTwoSided: Bool { self != .always }

  /// Whether feedback with this value is negative; nil when the rule needs a value and none came.
  package func isNegative(value: Double?) -> Bool? {
    switch self {
    case .always: return true
    case .value(let comparison, let limit):
      guard let value else { return nil }
      switch comparison {
      case .atMost: return value <= limit
      case .atLeast: return value >= limit
      case .below: return value < limit
      case .above: return value > limit
      }
    }
  }
}

/// `[feedback]`: how customers speak, and how long a silence makes an account silent.
package struct FeedbackSettings: Codable, Sendable, Equatable {
  package struct Signal: Codable, Sendable, Equatable {
    package var kind: String
    package var rule: DetractorRule
    package var opensCase: Bool
  }

  package var silentForDays: Int
  package var signals: [Signal]
  /// Kinds by which the company asks or reminds: not speech, and never a feature.
  package var mechanics: [String]

  /// Whether only the unhappy speak: no signal by which satisfied customers do, too.
  package var isOneSided: Bool { !signals.contains { $0.rule.isTwoSided } }

  /// The role of each kind named in `[feedback]`; every other kind is an ordinary event.
  package var roles: [String: KindRole] {
    var roles: [String: KindRole] = [:]
    for signal in signals { roles[signal.kind] = .feedback }
    for kind in mechanics { roles[kind] = .mechanics }
    return roles
  }

  /// Decodes `[feedback]`; problems go to the file. Nil when the section is absent: enough for
  /// `features`, not for `train` and `score`.
  package init?(project: ProjectFile) {
    guard let section = project.root.table("feedback") else { return nil }
    section.allow(["silent_for_days", "signal"])
    silentForDays = section.integer("silent_for_days", in: 1...36_500) ?? 180
    signals = []
    mechanics = []
    for table in section.tables("signal") {
      table.allow(["kind", "detractor", "opens_case", "mechanics", "channel", "ends"])
      guard let kind = table.required("kind") else { continue }
      if signals.contains(where: { $0.kind == kind }) || mechanics.contains(kind) {
        table.report("kind", "the kind `\(kind)` already has a [[feedback.signal]]")
      } else if table.boolean("mechanics") == true {
        if table.value("detractor") != nil {
          table.report("detractor", "`\(kind)` is mechanics, which nobody says: no `detractor`")
        }
        mechanics.append(kind)
      } else if let rule = Self.rule(table, kind: kind) {
        signals.append(
          Signal(kind: kind, rule: rule, opensCase: table.boolean("opens_case") ?? false))
      }
    }
    if signals.isEmpty {
      section.report(
        nil,
        "[feedback] has no [[feedback.signal]] by which a customer speaks; write one such as "
          + "kind = \"nps\", detractor = { at_most = 6 }")
    }
  }

  private static func rule(_ table: ProjectTable, kind: String) -> DetractorRule? {
    let expected =
      "`detractor` of `\(kind)` must be \"always\" or a condition on the value such as "
      + "{ at_most = 6 }"
    switch table.value("detractor") {
    case .string("always"): return .always
    case .table:
      guard let condition = table.table("detractor") else { return nil }
      let known = DetractorRule.Comparison.allCases
      condition.allow(known.map(\.rawValue))
      let given = known.filter { condition.value($0.rawValue) != nil }
      guard given.count == 1, let limit = condition.number(given[0].rawValue) else {
        table.report("detractor", expected)
        return nil
      }
      return .value(given[0], limit)
    default:
      table.report("detractor", expected)
      return nil
    }
  }

  /// Whether both mean the same by speech, silence and detractor; what opens a case is no part of
  /// that.
  package func agrees(with other: FeedbackSettings) -> Bool {
    func meaning(_ settings: FeedbackSettings) -> FeedbackSettings {
      var settings = settings
      for index in settings.signals.indices { settings.signals[index].opensCase = false }
      settings.signals.sort { $0.kind < $1.kind }
      settings.mechanics.sort()
      return settings
    }
    return meaning(self) == meaning(other)
  }
}

/// `[training]`: which past moments are looked back from, and what counts as the answer.
package struct TrainingSettings: Codable, Sendable, Equatable {
  /// The label window is [s + gap, s + gap + window), in days of 86,400 s.
  package var labelWindowDays: Int
  package var gapDays: Int
  /// Snapshots step back from the latest one, D − gap − window, by this many days.
  package var everyDays: Int
  package var count: Int

  package init(project: ProjectFile) {
    labelWindowDays = 30
    gapDays = 1
    everyDays = 30
    count = 12
    guard let section = project.root.table("training") else { return }
    section.allow(["label_window_days", "gap_days", "snapshots"])
    labelWindowDays = section.integer("label_window_days", in: 1...3650) ?? labelWindowDays
    gapDays = section.integer("gap_days", in: 0...365) ?? gapDays
    everyDays = max(everyDays, labelWindowDays)
    if let snapshots = section.table("snapshots") {
      snapshots.allow(["every_days", "count"])
      everyDays = snapshots.integer("every_days", in: 1...3650) ?? everyDays
      count = snapshots.integer("count", in: 1...1000) ?? count
    }
    if everyDays < labelWindowDays {
      section.report(
        "snapshots",
        "snapshots every \(everyDays) days with label windows of \(labelWindowDays) days would "
          + "count the same answer twice: every_days must be \(labelWindowDays) or more")
    }
  }

  /// The snapshots of a training as of D, oldest first.
  package func snapshots(asOf: Instant) -> [Instant] {
    let latest = asOf.adding(days: -(gapDays + labelWindowDays))
    return (0..<count).reversed().map { latest.adding(days: -$0 * everyDays) }
  }
}
