import Histories
import Learning

/// Which features speak as one reason: those of one kind of event about how much there was, those
/// of one kind about when, and every other feature by itself. Windows of one kind overlap, and a
/// ridge spreads one cause over them: by themselves none of them would say it.
struct ReasonGroups: Sendable {
  /// Group of each source feature, and how many groups there are.
  private let group: [Int]
  private let count: Int
  static let shown = 4

  init(schema: FeatureSchema) {
    var names: [String: Int] = [:]
    var group: [Int] = []
    for feature in schema.features {
      let name = Self.theme(feature)
      let index = names[name] ?? names.count
      names[name] = index
      group.append(index)
    }
    self.group = group
    count = names.count
  }

  private static func theme(_ feature: Feature) -> String {
    switch feature {
    case .count(let kind, _), .sum(let kind, _), .mean(let kind, _), .activeDays(let kind, _),
      .trend(let kind, _, _):
      "amount \(kind)"
    case .daysSinceLast(let kind), .daysSinceFirst(let kind), .meanGap(let kind),
      .lastGapRatio(let kind):
      "timing \(kind)"
    case .tenure: "tenure"
    case .numeric(let name), .categorical(let name): "attribute \(name)"
    }
  }

  /// The reasons of one account from its contributions per source feature: the largest groups up
  /// to four, in the words of the member that pulls most their way, and the rest summed. Reasons
  /// and `other` add up to the contributions' sum exactly as far as floating point does.
  func explain(_ contributions: [Double], values: [Double], words: ReasonWords)
    -> (reasons: [Reason], other: Double, otherCount: Int)
  {
    var sums = [Double](repeating: 0, count: count)
    var strongest = [Int?](repeating: nil, count: count)
    for (feature, contribution) in contributions.enumerated() { sums[group[feature]] += contribution }
    for (feature, contribution) in contributions.enumerated() {
      let index = group[feature]
      let pull = contribution * (sums[index] < 0 ? -1 : 1)
      if let best = strongest[index] {
        let bestPull = contributions[best] * (sums[index] < 0 ? -1 : 1)
        if pull > bestPull { strongest[index] = feature }
      } else {
        strongest[index] = feature
      }
    }
    // Why flagged first: at most three pushing up, then the strongest that protects.
    let order = (0..<count).filter { sums[$0] != 0 }
    let bySize = order.sorted { (-abs(sums[$0]), $0) < (-abs(sums[$1]), $1) }
    let up = bySize.filter { sums[$0] > 0 }
    let down = bySize.filter { sums[$0] < 0 }
    let protective = down.prefix(max(1, Self.shown - up.count))
    let chosen = Set(up.prefix(Self.shown - protective.count) + protective)
    let shown = bySize.filter(chosen.contains)
    let reasons = shown.compactMap { index -> Reason? in
      guard let feature = strongest[index] else { return nil }
      return words.reason(feature: feature, contribution: sums[index], value: values[feature])
    }
    let rest = order.filter { !shown.contains($0) }
    return (
      reasons, rest.reduce(0) { $0 + sums[$1] },
      contributions.indices.count { contributions[$0] != 0 && !shown.contains(group[$0]) }
    )
  }
}

/// Says a feature's value beside the typical one, in words a retention team uses: association,
/// not cause, and no statistics.
struct ReasonWords: Sendable {
  let schema: FeatureSchema
  let typical: [Double?]
  /// Kinds whose events may be mentioned to the customer.
  let sayable: Set<String>

  func reason(feature index: Int, contribution: Double, value: Double) -> Reason {
    let feature = schema.features[index]
    let value = value.isNaN ? nil : value
    return Reason(
      feature: feature.name, contribution: contribution,
      value: feature.isNumber ? value : nil, typical: typical[index],
      text: text(feature, index, value), sayable: feature.kind.map(sayable.contains) ?? false)
  }

  private func text(_ feature: Feature, _ index: Int, _ value: Double?) -> String {
    let typical = typical[index]
    switch feature {
    case .count(let kind, let window):
      return "\(spoken(kind)): \(count(value)) \(within(window)) (typically \(count(typical)))"
    case .sum(let kind, let window):
      return "\(spoken(kind)): \(number(value)) in all \(within(window)) "
        + "(typically \(number(typical)))"
    case .mean(let kind, let window):
      return "\(spoken(kind)): \(number(value)) on average \(within(window)) "
        + "(typically \(number(typical)))"
    case .activeDays(let kind, let window):
      return "\(spoken(kind)) on \(count(value)) days \(within(window)) "
        + "(typically \(count(typical)))"
    case .daysSinceLast(let kind):
      return value.map { "last \(spoken(kind)) \(days($0)) ago\(typically(typical, days))" }
        ?? "no \(spoken(kind)) ever\(typically(typical) { "last \(days($0)) ago" })"
    case .daysSinceFirst(let kind):
      return value.map { "first \(spoken(kind)) \(days($0)) ago\(typically(typical, days))" }
        ?? "no \(spoken(kind)) ever\(typically(typical) { "first \(days($0)) ago" })"
    case .meanGap(let kind):
      return value.map {
        "\(spoken(kind)) every \(days($0))\(typically(typical) { "every \(days($0))" })"
      } ?? "\(spoken(kind)): fewer than two so far"
    case .lastGapRatio(let kind):
      return value.map {
        "\(spoken(kind)): last gap \(decimal($0)) times its own habit"
          + typically(typical) { "\(decimal($0)) times" }
      } ?? "\(spoken(kind)): no habit yet"
    case .trend(let kind, _, _):
      guard let value else { return "\(spoken(kind)): no trend yet" }
      return value < 0
        ? "\(spoken(kind)): fewer lately than before" : "\(spoken(kind)): more lately than before"
    case .tenure:
      return value.map { "a customer for \(days($0))\(typically(typical, days))" }
        ?? "no history yet"
    case .numeric(let name):
      return "\(spoken(name)) \(number(value)) (typically \(number(typical)))"
    case .categorical(let name):
      let level = value.map { schema.levels[index][Int($0)] }
      return "\(spoken(name)): \(level ?? "not known")"
    }
  }

  /// A name from the data as words: underscores and dots are spaces.
  private func spoken(_ name: String) -> String {
    String(
      String.UnicodeScalarView(
        name.unicodeScalars.map { $0 == "_" || $0 == "." || $0 == "-" ? " " : $0 }))
  }

  private func within(_ window: Window) -> String {
    switch window {
    case .days(let days): "in \(days) days"
    case .lifetime: "ever"
    }
  }

  private func typically(_ typical: Double?, _ words: (Double) -> String) -> String {
    typical.map { " (typically \(words($0)))" } ?? ""
  }

  private func count(_ value: Double?) -> String {
    guard let value, value != 0 else { return "none" }
    return number(value)
  }

  private func number(_ value: Double?) -> String { value.map(decimal) ?? "none" }

  /// Whole from 100 on, else at most one decimal.
  private func decimal(_ value: Double) -> String {
    let rounded = abs(value) >= 100 ? value.rounded() : (value * 10).rounded() / 10
    return rounded == rounded.rounded() && abs(rounded) < 1e15
      ? String(Int(rounded)) : "\(rounded)"
  }

  private func days(_ value: Double) -> String {
    if value >= 730 { return "\(decimal(value / 365.25)) years" }
    let whole = Int(value.rounded())
    return whole == 1 ? "1 day" : "\(whole) days"
  }
}
