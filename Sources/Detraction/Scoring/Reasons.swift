import Histories
import Learning

/// Says a feature's value beside the typical one, in words a retention team uses: association,
/// not cause, and no statistics.
struct ReasonWords: Sendable {
  let schema: FeatureSchema
  /// See `Model.Reference.typical`.
  let typical: [Double?]
  /// Kinds whose events may be mentioned to the customer.
  let sayable: Set<String>
  let terms: [Contributions.Term]
  private let shapes: [LocalShape]
  /// What a higher score goes with.
  private let speech: String

  init(_ model: Model, terms: [Contributions.Term], sayable: Set<String>) {
    schema = model.schema
    typical = model.reference.typical
    self.sayable = sayable
    self.terms = terms
    speech = model.isComplaintsOnly ? "complaints" : "negative answers"
    shapes = model.schema.features.indices.map {
      LocalShape(model.design, coefficients: model.coefficients, source: $0)
    }
  }

  /// The reason of a group, in the words of the member that shows it best: one that pulls the
  /// group's way with a value that differs from the typical one, and of those the strongest, where
  /// what people can picture (a count, a last time) counts for twice its pull.
  func reason(
    _ group: ReasonGroups.Group, contribution: Double, _ contributions: [Double],
    _ values: [Double]
  ) -> Reason {
    let sign: Double = contribution < 0 ? -1 : 1
    if group.isPair {
      let best = group.terms.max { contributions[$0] * sign < contributions[$1] * sign }
      if let best, case .pair(let a, let b) = terms[best] {
        return pair(group.name, contribution, a, b, values)
      }
    }
    func rank(_ term: Int) -> (Int, Double) {
      guard case .source(let feature) = terms[term] else { return (-1, 0) }
      let value = values[feature]
      let differs = (value.isNaN ? nil : value) != typical[feature]
      let pull = contributions[term] * sign
      return (pull > 0 && differs ? 1 : 0, isPlain(schema.features[feature]) ? 2 * pull : pull)
    }
    let best = group.terms.max { rank($0) < rank($1) }
    guard let best, case .source(let index) = terms[best] else {
      return Reason(
        feature: group.name, contribution: contribution, measure: group.name, value: nil,
        typical: nil, text: words(group.name), sayable: false)
    }
    let feature = schema.features[index]
    let value = values[index].isNaN ? nil : values[index]
    var reason = Reason(
      feature: group.name, contribution: contribution, measure: feature.name,
      value: feature.isNumber ? value : nil, typical: typical[index],
      text: text(feature, index, value), sayable: feature.kind.map(sayable.contains) ?? false)
    describeShape(&reason, feature, index)
    return reason
  }

  /// Two sources together, beyond what each adds alone.
  private func pair(
    _ name: String, _ contribution: Double, _ a: Int, _ b: Int, _ values: [Double]
  ) -> Reason {
    let features = [a, b].map { schema.features[$0] }
    return Reason(
      feature: name, contribution: contribution,
      measure: features.map(\.name).joined(separator: " & "), value: nil, typical: nil,
      text: [a, b].map { level(schema.features[$0], $0, values[$0]) }
        .joined(separator: " and ") + " together",
      sayable: features.allSatisfy { $0.kind.map(sayable.contains) ?? false },
      pattern: contribution > 0
        ? "together these go with more \(speech) than by themselves"
        : "together these go with fewer \(speech) than by themselves")
  }

  /// Where the curve has a step between the typical value and this one, and which way it goes there;
  /// nothing where the feature itself goes against the group.
  private func describeShape(_ reason: inout Reason, _ feature: Feature, _ index: Int) {
    guard let value = reason.value, let usual = reason.typical, value != usual else { return }
    let shape = shapes[index]
    let change = shape.effect(value) - shape.effect(usual)
    guard change * reason.contribution > 0 else { return }
    let goes = change > 0 ? "with \(speech)" : "with fewer \(speech)"
    switch shape.course(from: usual, to: value) {
    case .step(let knot):
      reason.threshold = knot
      reason.pattern = "\(side(feature, of: knot, isAbove: value > usual)) goes \(goes)"
    case .slope: reason.pattern = "\(value > usual ? "more" : "less") of it goes \(goes)"
    case .other: reason.pattern = "values like this go \(goes)"
    }
  }

  /// "3 or more", "at most 30 days": the side of a knot k, above being x > k.
  private func side(_ feature: Feature, of knot: Double, isAbove: Bool) -> String {
    switch feature {
    case .count, .activeDays, .openCount, .burst:
      let whole = knot.rounded(.down)
      if isAbove { return "\(number(whole + 1)) or more" }
      return whole == 0 ? "none" : "at most \(number(whole))"
    case .daysSinceLast, .daysSinceFirst, .meanGap, .openAge, .tenure:
      return "\(isAbove ? "more than" : "at most") \(days(knot))"
    case .channelShare, .weekendShare, .nightShare:
      return "\(isAbove ? "more than" : "at most") \(percent(knot))"
    case .sum, .mean, .lastGapRatio, .trend, .decayedCount, .overdue, .ownChange, .valueSlope,
      .numeric, .categorical:
      return "\(isAbove ? "more than" : "at most") \(number(knot))"
    }
  }

  private func isPlain(_ feature: Feature) -> Bool {
    switch feature {
    case .count, .daysSinceLast, .openCount, .openAge, .tenure, .numeric, .categorical: true
    case .sum, .mean, .activeDays, .daysSinceFirst, .meanGap, .lastGapRatio, .trend,
      .decayedCount, .overdue, .ownChange, .valueSlope, .burst, .channelShare, .weekendShare,
      .nightShare:
      false
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
      if let value, let usual = typical[index], value > usual {
        return "no \(words(kind)) for \(days(value)) (typically \(habit(kind) ?? days(usual)))"
      }
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
    case .decayedCount(let kind, _):
      return compare(
        value == 0
          ? "no \(words(kind)) yet"
          : "\(words(kind)): \(number(value ?? 0)) of late, older ones counting less", number)
    case .overdue(let kind):
      return compare(
        value.map { "\(words(kind)): the last one \(number($0)) times its own usual gap ago" }
          ?? "\(words(kind)): no habit yet", { "\(number($0)) times" })
    case .ownChange(let kind, let window, _):
      guard let value else { return "\(words(kind)): too short a history to compare with" }
      if value == 0 { return "\(words(kind)): as often as before" }
      return "\(words(kind)): \(value < 0 ? "less" : "more") often in the last \(window) days than "
        + "by its own habit"
    case .valueSlope(let kind, let months):
      guard let value else { return "\(words(kind)): too few values to see a direction" }
      if value == 0 { return "\(words(kind)): values as before" }
      return "\(words(kind)): values \(value < 0 ? "falling" : "rising") over \(months * 30) days"
    case .openCount(let opened, _):
      return compare(
        "\(words(opened)): \(value == 0 ? "none" : number(value ?? 0)) still open",
        none)
    case .openAge(let opened, _):
      return compare(
        value.map { "\(words(opened)): one still open for \(days($0))" }
          ?? "\(words(opened)): none still open", days)
    case .burst(let kind, let window):
      return compare(
        value == 0
          ? "no \(words(kind)) \(within(window))"
          : "\(words(kind)): up to \(number(value ?? 0)) within a day \(within(window))", none)
    case .channelShare(let channel, let window):
      return compare(
        value.map { "\(percent($0)) by \(words(channel)) \(within(window))" }
          ?? "nothing by any channel \(within(window))", percent)
    case .weekendShare(let window):
      return compare(
        value.map { "\(percent($0)) at weekends \(within(window))" }
          ?? "nothing happened \(within(window))", percent)
    case .nightShare(let window):
      return compare(
        value.map { "\(percent($0)) at night \(within(window))" }
          ?? "nothing happened \(within(window))", percent)
    case .tenure:
      return compare(value.map { "a customer for \(days($0))" } ?? "no history yet", days)
    case .numeric(let name):
      return compare("\(words(name)): \(value.map(number) ?? "not known")", number)
    case .categorical(let name):
      return "\(words(name)): \(value.map { schema.levels[index][Int($0)] } ?? "not known")"
    }
  }

  /// "every 12 days": how often a kind typically happens, where the schema has its gap.
  private func habit(_ kind: String) -> String? {
    let place = schema.features.firstIndex { $0 == .meanGap(kind: kind) }
    return place.flatMap { typical[$0] }.map { "every \(days($0))" }
  }

  /// How a value stands to the typical one, as half of a pair: "few logins in 30 days".
  private func level(_ feature: Feature, _ index: Int, _ value: Double) -> String {
    let usual = typical[index] ?? 0
    func by(_ low: String, _ high: String, same: String) -> String {
      value < usual ? low : value > usual ? high : same
    }
    switch feature {
    case .count(let kind, let window), .activeDays(let kind, let window),
      .sum(let kind, let window):
      let amount = value == 0 ? "no" : by("few", "many", same: "as many as usual")
      return "\(amount) \(words(kind)) \(within(window))"
    case .mean(let kind, let window):
      if value.isNaN { return "no \(words(kind)) \(within(window))" }
      let size = by("low", "high", same: "usual")
      return "\(size) values of \(words(kind)) \(within(window))"
    case .daysSinceLast(let kind), .daysSinceFirst(let kind):
      if value.isNaN { return "no \(words(kind)) yet" }
      let place = if case .daysSinceLast = feature { "last" } else { "first" }
      return "the \(place) \(words(kind)) \(days(value)) ago"
    case .meanGap(let kind):
      return value.isNaN
        ? "at most one \(words(kind))" : by("frequent", "rare", same: "usual") + " \(words(kind))"
    case .lastGapRatio(let kind):
      return value.isNaN
        ? "no habit of \(words(kind))"
        : by("a short", "a long", same: "the usual") + " last gap of \(words(kind))"
    case .trend(let kind, _, _):
      return "\(words(kind)) " + (value < 0 ? "falling" : value > 0 ? "rising" : "as before")
    case .decayedCount(let kind, _):
      return (value == 0 ? "no" : by("few", "many", same: "as many as usual")) + " \(words(kind))"
        + " of late"
    case .overdue(let kind):
      return value.isNaN
        ? "no habit of \(words(kind))" : "\(words(kind)) " + (value > 1 ? "overdue" : "not overdue")
    case .ownChange(let kind, _, _):
      return value.isNaN
        ? "too short a history of \(words(kind))"
        : "\(words(kind)) " + (value < 0 ? "below" : value > 0 ? "above" : "as") + " its own habit"
    case .valueSlope(let kind, _):
      return value.isNaN
        ? "few values of \(words(kind))"
        : "values of \(words(kind)) " + (value < 0 ? "falling" : value > 0 ? "rising" : "as before")
    case .openCount(let opened, _):
      return "\(value == 0 ? "no" : number(value)) \(words(opened)) still open"
    case .openAge(let opened, _):
      return value.isNaN
        ? "no \(words(opened)) still open" : "\(words(opened)) still open for \(days(value))"
    case .burst(let kind, let window):
      return value == 0
        ? "no \(words(kind)) \(within(window))"
        : by("spread out", "crowded", same: "as usual spread") + " \(words(kind)) \(within(window))"
    case .channelShare(let channel, _):
      return value.isNaN
        ? "nothing by any channel"
        : by("little", "much", same: "as much as usual")
          + " by \(words(channel))"
    case .weekendShare:
      return value.isNaN
        ? "nothing of late"
        : by("little", "much", same: "as much as usual")
          + " at weekends"
    case .nightShare:
      return value.isNaN
        ? "nothing of late"
        : by("little", "much", same: "as much as usual")
          + " at night"
    case .tenure: return value.isNaN ? "no history" : "a customer for \(days(value))"
    case .numeric(let name):
      return value.isNaN
        ? "\(words(name)) not known" : by("low", "high", same: "usual") + " \(words(name))"
    case .categorical(let name):
      return "\(words(name)) \(value.isNaN ? "not known" : schema.levels[index][Int(value)])"
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

  private func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

  private func days(_ value: Double) -> String {
    if value >= 730 { return "\(number(value / 365.25)) years" }
    let whole = Int(value.rounded())
    return whole == 1 ? "1 day" : "\(whole) days"
  }
}
