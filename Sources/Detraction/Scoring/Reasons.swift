import Histories

/// Which features speak as one reason: all those of one kind of event, and every other feature by
/// itself. A kind's windows overlap, and a ridge spreads one cause over its counts, sums and gaps:
/// by themselves none of them would say it.
struct ReasonGroups: Sendable {
  private let names: [String]
  /// Group of each source feature.
  private let group: [Int]
  static let shown = 4
  /// A protective reason, and any past the first, must be at least this share of the largest.
  static let worthSaying = 0.1

  init(schema: FeatureSchema) {
    var names: [String] = []
    var places: [String: Int] = [:]
    group = schema.features.map { feature in
      let name = feature.kind ?? feature.name
      if let place = places[name] { return place }
      places[name] = names.count
      names.append(name)
      return names.count - 1
    }
    self.names = names
  }

  /// The reasons of one account from its contributions per source feature: why it is called first,
  /// with the strongest that speaks against it, at most four, largest first; the rest is summed.
  /// Reasons and `other` add up to the contributions' sum but for rounding.
  func explain(_ contributions: [Double], values: [Double], words: ReasonWords)
    -> (reasons: [Reason], other: Double, otherCount: Int)
  {
    var sums = [Double](repeating: 0, count: names.count)
    for (feature, contribution) in contributions.enumerated() {
      sums[group[feature]] += contribution
    }
    let bySize = names.indices.filter { sums[$0] != 0 }
      .sorted { (-abs(sums[$0]), $0) < (-abs(sums[$1]), $1) }
    let least = Self.worthSaying * (bySize.first.map { abs(sums[$0]) } ?? 0)
    let worth = bySize.filter { abs(sums[$0]) >= least }
    let protective = worth.filter { sums[$0] < 0 }
    let pushing = worth.filter { sums[$0] > 0 }
    let against = protective.prefix(max(min(1, protective.count), Self.shown - pushing.count))
    let chosen = Set(pushing.prefix(Self.shown - against.count) + against)
    let shown = bySize.filter(chosen.contains)
    let reasons = shown.map { index in
      words.reason(
        names[index], contribution: sums[index],
        members: group.indices.filter { group[$0] == index }, contributions, values)
    }
    let rest = bySize.filter { !chosen.contains($0) }
    return (
      reasons, rest.reduce(0) { $0 + sums[$1] },
      contributions.indices.count { contributions[$0] != 0 && !chosen.contains(group[$0]) }
    )
  }
}

/// Says a feature's value beside the typical one, in words a retention team uses: association,
/// not cause, and no statistics.
struct ReasonWords: Sendable {
  let schema: FeatureSchema
  /// See `Model.Reference.typical`.
  let typical: [Double?]
  /// Kinds whose events may be mentioned to the customer.
  let sayable: Set<String>

  /// The reason of a group, in the words of the member that shows it best: one that pulls the
  /// group's way with a value that differs from the typical one, and of those the strongest, where
  /// what people can picture (a count, a last time) counts for twice its pull.
  func reason(
    _ name: String, contribution: Double, members: [Int], _ contributions: [Double],
    _ values: [Double]
  ) -> Reason {
    let sign: Double = contribution < 0 ? -1 : 1
    func rank(_ feature: Int) -> (Int, Double) {
      let value = values[feature]
      let differs = (value.isNaN ? nil : value) != typical[feature]
      let pull = contributions[feature] * sign
      return (pull > 0 && differs ? 1 : 0, isPlain(schema.features[feature]) ? 2 * pull : pull)
    }
    let best = members.max { rank($0) < rank($1) } ?? members[0]
    let feature = schema.features[best]
    let value = values[best].isNaN ? nil : values[best]
    return Reason(
      feature: name, contribution: contribution, measure: feature.name,
      value: feature.isNumber ? value : nil, typical: typical[best],
      text: text(feature, best, value), sayable: feature.kind.map(sayable.contains) ?? false)
  }

  private func isPlain(_ feature: Feature) -> Bool {
    switch feature {
    case .count, .daysSinceLast, .tenure, .numeric, .categorical: true
    case .sum, .mean, .activeDays, .daysSinceFirst, .meanGap, .lastGapRatio, .trend: false
    }
  }

  private func text(_ feature: Feature, _ index: Int, _ value: Double?) -> String {
    /// "name: value words (typically usual)", without the typical value where it is the same.
    func compare(_ said: String, _ usual: (Double) -> String) -> String {
      guard let typical = typical[index], typical != value else { return said }
      return "\(said) (typically \(usual(typical)))"
    }
    func none(_ count: Double) -> String { count == 0 ? "none" : number(count) }
    switch feature {
    case .count(let kind, let window):
      let said = value == 0 ? "no \(words(kind))" : "\(words(kind)): \(number(value ?? 0))"
      return compare("\(said) \(within(window))", none)
    case .sum(let kind, let window):
      return compare(
        "\(words(kind)): value \(number(value ?? 0)) in total \(within(window))", number)
    case .mean(let kind, let window):
      return compare(
        value.map { "\(words(kind)): value \(number($0)) on average \(within(window))" }
          ?? "no \(words(kind)) \(within(window))", number)
    case .activeDays(let kind, let window):
      return compare(
        value == 0
          ? "no \(words(kind)) \(within(window))"
          : "\(words(kind)) on \(days(value ?? 0)) \(within(window))", { "on \(days($0))" })
    case .daysSinceLast(let kind):
      return compare(
        value.map { "last \(words(kind)) \(days($0)) ago" } ?? "no \(words(kind)) yet",
        { "\(days($0)) ago" })
    case .daysSinceFirst(let kind):
      return compare(
        value.map { "first \(words(kind)) \(days($0)) ago" } ?? "no \(words(kind)) yet",
        { "\(days($0)) ago" })
    case .meanGap(let kind):
      return compare(
        value.map { "\(words(kind)) every \(days($0))" } ?? "\(words(kind)): at most one so far",
        { "every \(days($0))" })
    case .lastGapRatio(let kind):
      return compare(
        value.map { "\(words(kind)): the last gap was \(number($0)) times its own habit" }
          ?? "\(words(kind)): no habit yet", { "\(number($0)) times" })
    case .trend(let kind, let recent, let longer):
      guard let value, value != 0 else { return "\(words(kind)): as often as before" }
      return "\(words(kind)): \(value < 0 ? "less" : "more") often in \(recent) days than in "
        + "\(longer) days"
    case .tenure:
      return compare(value.map { "a customer for \(days($0))" } ?? "no history yet", days)
    case .numeric(let name):
      return compare("\(words(name)): \(value.map(number) ?? "not known")", number)
    case .categorical(let name):
      return "\(words(name)): \(value.map { schema.levels[index][Int($0)] } ?? "not known")"
    }
  }

  /// A name from the data as words: underscores, dots and dashes are spaces.
  private func words(_ name: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in name.unicodeScalars {
      text.append(scalar == "_" || scalar == "." || scalar == "-" ? " " : scalar)
    }
    return String(text)
  }

  private func within(_ window: Window) -> String {
    switch window {
    case .days(let days): "in \(days) days"
    case .lifetime: "ever"
    }
  }

  /// Whole from 100 on, else at most one decimal.
  private func number(_ value: Double) -> String {
    let rounded = abs(value) >= 100 ? value.rounded() : (value * 10).rounded() / 10
    return rounded == rounded.rounded() && abs(rounded) < 1e15
      ? String(Int(rounded)) : "\(rounded)"
  }

  private func days(_ value: Double) -> String {
    if value >= 730 { return "\(number(value / 365.25)) years" }
    let whole = Int(value.rounded())
    return whole == 1 ? "1 day" : "\(whole) days"
  }
}
