/// The ordered list of features that a vector consists of, with what they need to mean the same
/// on another day: kinds, the levels of categorical attributes, the time zone of dates.
package struct FeatureSchema: Codable, Sendable, Equatable {
  /// The kinds that features (and tenure) look at, in the order of name bytes.
  package let kinds: [String]
  package let features: [Feature]
  /// For each feature its levels in order; empty unless it is categorical.
  package let levels: [[String]]
  /// The IANA zone of local dates.
  package let timeZone: String

  package var count: Int { features.count }
  package var names: [String] { features.map(\.name) }

  /// Throws `insufficient` when a feature would be made from feedback or survey mechanics
  /// (DESIGN 5.5), or when two features have one name.
  package init(
    kinds: [String], features: [Feature], levels: [[String]], timeZone: String,
    roles: [String: KindRole]
  ) throws(HistoriesError) {
    precondition(levels.count == features.count, "levels for each feature")
    self.kinds = kinds
    self.features = features
    self.levels = levels
    self.timeZone = timeZone
    try check(roles: roles)
    var seen: Set<[UInt8]> = []
    for feature in features where !seen.insert(Array(feature.name.utf8)).inserted {
      throw .dataContract(
        "two features are called \"\(feature.name)\": rename the attribute in the accounts file")
    }
  }

  /// The guard of DESIGN 5.5, also to be asked of a schema that comes out of a model file: no
  /// kind whose role is feedback or mechanics may be looked at.
  package func check(roles: [String: KindRole]) throws(HistoriesError) {
    for kind in kinds + features.flatMap(\.kindsNamed) {
      if let role = roles[kind], role != .feature {
        throw .insufficient(
          "the kind \"\(kind)\" is \(role.rawValue) by [feedback] and a feature looks at it: "
            + "a model that sees it would learn who speaks, and find nobody silent. "
            + "Take it out of [features] kinds, or train anew")
      }
    }
  }

  /// The windows of a trend: the shortest that is at least 28 days and has a longer one (else
  /// the shortest of all), against the next longer one. Nil with fewer than two windows.
  static func trendWindows(_ days: [Int]) -> (recent: Int, longer: Int)? {
    guard days.count >= 2 else { return nil }
    let recent = days.dropLast().firstIndex { $0 >= 28 } ?? 0
    return (days[recent], days[recent + 1])
  }

  /// The schema that `settings` ask for over the kinds and attributes of a base, as of `date`:
  /// what is only seen later has no part in it.
  init(
    _ settings: FeatureSettings, kinds all: [KindSummary], accounts: AccountsFile?,
    zone: LocalTime, asOf date: Instant
  ) throws(HistoriesError) {
    let chosen = try Self.chooseKinds(settings, all, date)
    var features: [Feature] = []
    if settings.aggregates.containsOfAccount(.tenure) { features.append(.tenure) }
    let trend = Self.trendWindows(settings.windowsDays)
    let month = trend?.recent ?? settings.windowsDays.last
    let season = (trend?.longer ?? settings.windowsDays.last).map(Window.days) ?? .lifetime
    for kind in chosen {
      let name = kind.name
      let choice = settings.aggregates
      func wants(_ aggregate: Aggregate) -> Bool { choice.contains(aggregate, kind: name) }
      let valued = kind.hasValue(asOf: date) || choice.names(name)
      for window in settings.windows {
        if wants(.count) { features.append(.count(kind: name, window: window)) }
        if wants(.sum), valued { features.append(.sum(kind: name, window: window)) }
        if wants(.mean), valued { features.append(.mean(kind: name, window: window)) }
        if wants(.activeDays) { features.append(.activeDays(kind: name, window: window)) }
      }
      if wants(.daysSinceLast) { features.append(.daysSinceLast(kind: name)) }
      if wants(.daysSinceFirst) { features.append(.daysSinceFirst(kind: name)) }
      if wants(.meanGap) { features.append(.meanGap(kind: name)) }
      if wants(.lastGapRatio) { features.append(.lastGapRatio(kind: name)) }
      if wants(.trend), let trend {
        features.append(.trend(kind: name, recent: trend.recent, longer: trend.longer))
      }
      if wants(.decayedCount) {
        features += [14, 90].map { .decayedCount(kind: name, halfLife: $0) }
      }
      if wants(.overdue) { features.append(.overdue(kind: name)) }
      if wants(.ownChange), let month {
        features.append(.ownChange(kind: name, window: month, earlier: 12))
      }
      if wants(.valueSlope), valued { features.append(.valueSlope(kind: name, months: 6)) }
      if wants(.burst) { features.append(.burst(kind: name, window: season)) }
    }
    // What is opened by no event yet is no feature yet; a kind that may not be one is refused below.
    for pair in settings.open {
      let opened = all.first { $0.name.utf8.elementsEqual(pair.opened.utf8) }
      guard let opened, opened.isSeen(asOf: date) else { continue }
      features.append(.openCount(opened: pair.opened, resolved: pair.resolved))
      features.append(.openAge(opened: pair.opened, resolved: pair.resolved))
    }
    if settings.aggregates.containsOfAccount(.channelShare) {
      let channels = Set(chosen.flatMap { $0.channels(asOf: date) })
        .sorted { $0.lexicographicallyPrecedes($1) }
      features += channels.map {
        .channelShare(channel: String(decoding: $0, as: UTF8.self), window: season)
      }
    }
    if settings.aggregates.containsOfAccount(.weekendShare) {
      features.append(.weekendShare(window: season))
    }
    if settings.aggregates.containsOfAccount(.nightShare) {
      features.append(.nightShare(window: season))
    }
    var levels: [[String]] = features.map { _ in [] }
    if let accounts {
      for name in accounts.source.numeric {
        features.append(.numeric(name: name))
        levels.append([])
      }
      for (index, name) in accounts.source.categorical.enumerated() {
        features.append(.categorical(name: name))
        levels.append(accounts.levels(of: index, asOf: date))
      }
    }
    var roles: [String: KindRole] = [:]
    for kind in all { roles[kind.name] = kind.role }
    try self.init(
      kinds: chosen.map(\.name), features: features, levels: levels, timeZone: zone.identifier,
      roles: roles)
  }

  private static func chooseKinds(
    _ settings: FeatureSettings, _ all: [KindSummary], _ date: Instant
  ) throws(HistoriesError) -> [KindSummary] {
    if let wanted = settings.kinds {
      var chosen: [KindSummary] = []
      for name in wanted {
        guard let kind = all.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
          let nearest = nearestName(to: name, among: all.map(\.name))
          throw .dataContract(
            "[features] kinds names \"\(name)\", and no event is of that kind"
              + (nearest.map { ": did you mean \"\($0)\"?" } ?? ""))
        }
        chosen.append(kind)
      }
      return chosen.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
    let chosen = all.filter { $0.role == .feature && $0.isSeen(asOf: date) }
    if chosen.isEmpty {
      let first = all.filter { $0.role == .feature }.compactMap(\.firstKnown).min()
      throw .insufficient(
        "no event that may be a feature happened and was known before \(date): "
          + (first.map { "the first one is at \($0); choose a later as-of date" }
            ?? "every kind is feedback or mechanics by [feedback]"))
    }
    return chosen
  }
}

extension HistoryBase {
  /// The schema for `settings` over what is seen as of `date`: every kind of role `feature` with
  /// a seen event (or the kinds chosen), and aggregates of value only for kinds that have
  /// values (or are named in `aggregates`). Throws `insufficient` when there is nothing.
  package func schema(
    _ settings: FeatureSettings, asOf date: Instant
  ) throws(HistoriesError) -> FeatureSchema {
    try FeatureSchema(settings, kinds: kinds, accounts: accounts, zone: timeZone, asOf: date)
  }
}

extension AccountsFile {
  /// The levels of a categorical attribute among the rows known as of `date`.
  func levels(of attribute: Int, asOf date: Instant) -> [String] {
    var seen = Array(repeating: false, count: levels[attribute].count)
    for (row, level) in categorical[attribute].enumerated()
    where level >= 0 && knownAt[row] < date.microseconds {
      seen[Int(level)] = true
    }
    return zip(levels[attribute], seen).filter(\.1).map(\.0)
  }
}
