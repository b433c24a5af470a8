extension Feature {
  /// The feature that is called so, as `name` writes it; nil for an attribute's name and any other.
  package init?(name: String) {
    if name.utf8.elementsEqual("tenure_days".utf8) {
      self = .tenure
      return
    }
    let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    for (place, part) in parts.enumerated().dropFirst() where place + 1 < parts.count {
      guard part == "open_count" || part == "open_age" else { continue }
      let opened = parts[..<place].joined(separator: ".")
      let resolved = parts[(place + 1)...].joined(separator: ".")
      self =
        part == "open_count"
        ? .openCount(opened: opened, resolved: resolved)
        : .openAge(opened: opened, resolved: resolved)
      return
    }
    guard parts.count > 1, let last = parts.last else { return nil }
    if let feature = Self.ofAllKinds(parts, Window(name: last)) {
      self = feature
    } else if let feature = Self.plain(last, kind: parts.dropLast().joined(separator: ".")) {
      self = feature
    } else if parts.count > 2,
      let feature = Self.measured(
        parts[parts.count - 2], by: last, kind: parts.dropLast(2).joined(separator: "."))
    {
      self = feature
    } else {
      return nil
    }
  }

  private static func ofAllKinds(_ parts: [String], _ window: Window?) -> Feature? {
    guard let window else { return nil }
    switch (parts[0], parts.count) {
    case ("weekend_share", 2): return .weekendShare(window: window)
    case ("night_share", 2): return .nightShare(window: window)
    case ("channel_share", 3...):
      return .channelShare(
        channel: parts[1..<(parts.count - 1)].joined(separator: "."), window: window)
    default: return nil
    }
  }

  private static func plain(_ aggregate: String, kind: String) -> Feature? {
    switch aggregate {
    case "days_since_last": .daysSinceLast(kind: kind)
    case "days_since_first": .daysSinceFirst(kind: kind)
    case "mean_gap": .meanGap(kind: kind)
    case "last_gap_ratio": .lastGapRatio(kind: kind)
    case "overdue": .overdue(kind: kind)
    default: nil
    }
  }

  private static func measured(_ aggregate: String, by measure: String, kind: String) -> Feature? {
    if let window = Window(name: measure) {
      switch (aggregate, window) {
      case ("count", _): return .count(kind: kind, window: window)
      case ("sum", _): return .sum(kind: kind, window: window)
      case ("mean", _): return .mean(kind: kind, window: window)
      case ("active_days", _): return .activeDays(kind: kind, window: window)
      case ("burst", _): return .burst(kind: kind, window: window)
      case ("decayed_count", .days(let days)): return .decayedCount(kind: kind, halfLife: days)
      default: return nil
      }
    }
    func numbers(_ pattern: Regex<(Substring, Substring, Substring)>) -> (Int, Int)? {
      guard let match = measure.wholeMatch(of: pattern), let first = Int(match.1),
        let second = Int(match.2)
      else { return nil }
      return (first, second)
    }
    switch aggregate {
    case "trend":
      return numbers(/([0-9]{1,5})d_([0-9]{1,5})d/)
        .map { .trend(kind: kind, recent: $0.0, longer: $0.1) }
    case "own_change":
      return numbers(/([0-9]{1,5})d_([0-9]{1,5})/)
        .map { .ownChange(kind: kind, window: $0.0, earlier: $0.1) }
    case "value_slope":
      return numbers(/([0-9]{1,5})x(30)d/).map { .valueSlope(kind: kind, months: $0.0) }
    default: return nil
    }
  }

  /// What `aggregate` makes of one kind, to show what it is.
  package static func examples(of aggregate: Aggregate, kind: String) -> [Feature] {
    switch aggregate {
    case .count: [.count(kind: kind, window: .days(30))]
    case .sum: [.sum(kind: kind, window: .days(30))]
    case .mean: [.mean(kind: kind, window: .days(30))]
    case .activeDays: [.activeDays(kind: kind, window: .days(30))]
    case .daysSinceLast: [.daysSinceLast(kind: kind)]
    case .daysSinceFirst: [.daysSinceFirst(kind: kind)]
    case .meanGap: [.meanGap(kind: kind)]
    case .lastGapRatio: [.lastGapRatio(kind: kind)]
    case .trend: [.trend(kind: kind, recent: 30, longer: 90)]
    case .tenure: [.tenure]
    case .decayedCount: [14, 90].map { .decayedCount(kind: kind, halfLife: $0) }
    case .overdue: [.overdue(kind: kind)]
    case .ownChange: [.ownChange(kind: kind, window: 30, earlier: 12)]
    case .valueSlope: [.valueSlope(kind: kind, months: 6)]
    case .burst: [.burst(kind: kind, window: .days(90))]
    case .channelShare: [.channelShare(channel: "web", window: .days(90))]
    case .weekendShare: [.weekendShare(window: .days(90))]
    case .nightShare: [.nightShare(window: .days(90))]
    }
  }

  /// The aggregate that makes it; nil for open items, which `[features] open` asks for, and
  /// attributes.
  package var aggregate: Aggregate? {
    switch self {
    case .count: .count
    case .sum: .sum
    case .mean: .mean
    case .activeDays: .activeDays
    case .daysSinceLast: .daysSinceLast
    case .daysSinceFirst: .daysSinceFirst
    case .meanGap: .meanGap
    case .lastGapRatio: .lastGapRatio
    case .trend: .trend
    case .tenure: .tenure
    case .decayedCount: .decayedCount
    case .overdue: .overdue
    case .ownChange: .ownChange
    case .valueSlope: .valueSlope
    case .burst: .burst
    case .channelShare: .channelShare
    case .weekendShare: .weekendShare
    case .nightShare: .nightShare
    case .openCount, .openAge, .numeric, .categorical: nil
    }
  }
}
