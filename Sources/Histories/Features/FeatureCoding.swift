extension Feature: Codable {
  private enum Key: String, CodingKey {
    case of, kind, window, recent, longer, name, earlier, months, opened, resolved, channel
    case halfLife = "half_life"
  }

  private enum Name: String, Codable {
    case count, sum, mean
    case activeDays = "active_days"
    case daysSinceLast = "days_since_last"
    case daysSinceFirst = "days_since_first"
    case meanGap = "mean_gap"
    case lastGapRatio = "last_gap_ratio"
    case trend, tenure, numeric, categorical
    case decayedCount = "decayed_count"
    case overdue
    case ownChange = "own_change"
    case valueSlope = "value_slope"
    case openCount = "open_count"
    case openAge = "open_age"
    case burst
    case channelShare = "channel_share"
    case weekendShare = "weekend_share"
    case nightShare = "night_share"
  }

  /// `{"of": "count", "kind": "order", "window": "30d"}`, and likewise the others.
  package init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: Key.self)
    func kind() throws -> String { try box.decode(String.self, forKey: .kind) }
    func window() throws -> Window { try box.decode(Window.self, forKey: .window) }
    func name() throws -> String { try box.decode(String.self, forKey: .name) }
    func number(_ key: Key) throws -> Int {
      let number = try box.decode(Int.self, forKey: key)
      guard (1...36_500).contains(number) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: box, debugDescription: "\(number) is not from 1 to 36,500")
      }
      return number
    }
    func text(_ key: Key) throws -> String { try box.decode(String.self, forKey: key) }
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
        kind: try kind(), recent: try number(.recent), longer: try number(.longer))
    case .decayedCount: self = .decayedCount(kind: try kind(), halfLife: try number(.halfLife))
    case .overdue: self = .overdue(kind: try kind())
    case .ownChange:
      self = .ownChange(
        kind: try kind(), window: try number(.window), earlier: try number(.earlier))
    case .valueSlope: self = .valueSlope(kind: try kind(), months: try number(.months))
    case .openCount: self = .openCount(opened: try text(.opened), resolved: try text(.resolved))
    case .openAge: self = .openAge(opened: try text(.opened), resolved: try text(.resolved))
    case .burst: self = .burst(kind: try kind(), window: try window())
    case .channelShare: self = .channelShare(channel: try text(.channel), window: try window())
    case .weekendShare: self = .weekendShare(window: try window())
    case .nightShare: self = .nightShare(window: try window())
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
    func putPair(_ of: Name, _ opened: String, _ resolved: String) throws {
      try put(of)
      try box.encode(opened, forKey: .opened)
      try box.encode(resolved, forKey: .resolved)
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
    case .decayedCount(let kind, let halfLife):
      try put(.decayedCount, kind)
      try box.encode(halfLife, forKey: .halfLife)
    case .overdue(let kind): try put(.overdue, kind)
    case .ownChange(let kind, let window, let earlier):
      try put(.ownChange, kind)
      try box.encode(window, forKey: .window)
      try box.encode(earlier, forKey: .earlier)
    case .valueSlope(let kind, let months):
      try put(.valueSlope, kind)
      try box.encode(months, forKey: .months)
    case .openCount(let opened, let resolved): try putPair(.openCount, opened, resolved)
    case .openAge(let opened, let resolved): try putPair(.openAge, opened, resolved)
    case .burst(let kind, let window): try put(.burst, kind, window)
    case .channelShare(let channel, let window):
      try put(.channelShare, nil, window)
      try box.encode(channel, forKey: .channel)
    case .weekendShare(let window): try put(.weekendShare, nil, window)
    case .nightShare(let window): try put(.nightShare, nil, window)
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
