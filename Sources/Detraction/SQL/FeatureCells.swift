import Histories

/// The features in SQL: exhaustive over `Feature`, whose doc comment defines each.
extension FeatureColumns {
  /// The expression of feature `index` over `people` (or `derived`) and `accounts`.
  mutating func cell(_ index: Int) -> String {
    switch schema.features[index] {
    case .count(let kind, let window): return number(count(kind, inside(window)))
    case .sum(let kind, let window):
      return "coalesce(\(stat(kind, "sum(value)", inside(window))), 0e0)"
    case .mean(let kind, let window):
      let sum = stat(kind, "sum(value)", inside(window))
      return "\(sum) / \(number("nullif(\(stat(kind, "count(value)", inside(window))), 0)"))"
    case .activeDays(let kind, let window):
      return number(count(kind, isNewDate(), inside(window)))
    case .daysSinceLast(let kind): return days("\(t) - \(last(kind))")
    case .daysSinceFirst(let kind): return days("\(t) - \(first(kind))")
    case .meanGap(let kind): return meanGap(kind)
    case .lastGapRatio(let kind):
      let newest = stat(kind, "max(\(gap()))", "\(place()) = 1")
      let mean = meanGap(kind)
      return "CASE WHEN \(count(kind)) > 2 AND \(last(kind)) > \(first(kind)) "
        + "THEN \(days(newest)) / (\(mean)) END"
    case .trend(let kind, let recent, let longer):
      func rate(_ days: Int) -> String {
        let scale = SQLText.literal(30 / Double(days))
        return "ln(1e0 + \(number(count(kind, inside(.days(days))))) * \(scale))"
      }
      return "\(rate(recent)) - \(rate(longer))"
    case .decayedCount(let kind, let halfLife):
      let halves = "\(days("age")) / \(SQLText.literal(Double(halfLife)))"
      return "coalesce(\(stat(kind, "sum(power(2e0, -(\(halves))))")), 0e0)"
    case .overdue(let kind):
      let median = stat(kind, "median(\(gap()))")
      return "CASE WHEN \(count(kind)) > 2 AND \(median) > 0 "
        + "THEN \(number("\(t) - \(last(kind))")) / \(median) END"
    case .ownChange(let kind, let window, let earlier): return ownChange(kind, window, earlier)
    case .valueSlope(let kind, let months): return valueSlope(kind, months)
    case .openCount(let opened, let resolved): return number(openCount(opened, resolved))
    case .openAge(let opened, let resolved):
      let height = height(opened, resolved)
      let open = heights.name(
        of: "sum(\(step(opened, resolved))) OVER (PARTITION BY \(keys)) "
          + "- least(0, min(\(height)) OVER (PARTITION BY \(keys)))")
      let oldest = stat(opened, "min(\(at))", "\(place()) <= \(open)")
      return days("\(t) - \(oldest)")
    case .burst(let kind, let window):
      return "coalesce(\(number(stat(kind, "max(\(within24Hours()))", inside(window)))), 0e0)"
    case .channelShare(let channel, let window):
      let isChannel = "channel = \(dialect.literal(channel))"
      return share(isChannel, of: "channel IS NOT NULL", window)
    case .weekendShare(let window):
      return share("\(dialect.weekday(dialect.localDate(at))) >= 6", of: nil, window)
    case .nightShare(let window):
      let hour = dialect.localHour(at)
      return share("(\(hour) >= 22 OR \(hour) < 6)", of: nil, window)
    case .tenure: return days("\(t) - \(firstEvent())")
    case .numeric(let attribute):
      guard let place = place(attribute, accounts?.numeric) else {
        return "CAST(NULL AS DOUBLE)"
      }
      return known("accounts.n\(place)")
    case .categorical(let attribute):
      guard let place = place(attribute, accounts?.categorical),
        !schema.levels[index].isEmpty
      else { return "CAST(NULL AS \(dialect.text))" }
      let levels = schema.levels[index].map(dialect.literal).joined(separator: ", ")
      return "CASE WHEN accounts.c\(place) IN (\(levels)) THEN \(known("accounts.c\(place)")) END"
    }
  }

  private func place(_ attribute: String, _ among: [String]?) -> Int? {
    among?.firstIndex { $0.utf8.elementsEqual(attribute.utf8) }
  }

  /// An attribute, where it is known before the date.
  private func known(_ attribute: String) -> String {
    accounts?.knownAt == nil
      ? attribute : "CASE WHEN accounts.known_at < \(t) THEN \(attribute) END"
  }

  private mutating func share(_ isHit: String, of counts: String?, _ window: Window) -> String {
    let hits = total("sum", "count(*)", isHit, inside(window))
    let all = total("sum", "count(*)", counts, inside(window))
    return "\(number(hits)) / \(number("nullif(\(all), 0)"))"
  }

  private mutating func ownChange(_ kind: String, _ window: Int, _ earlier: Int) -> String {
    func upTo(_ windows: Int) -> String { count(kind, inside(.days(window * windows))) }
    let length = SQLText.literal(Double(Int64(window) * Self.day))
    let covered =
      "floor(\(number("\(t) - \(firstEvent())")) / \(length)) - 1e0"
    let n = derived.name(of: "least(\(SQLText.literal(Double(earlier))), \(covered))")
    let recent = upTo(1)
    let past = (1...max(earlier, 1)).map {
      "WHEN \($0) THEN \(number("\(upTo($0 + 1)) - \(recent)"))"
    }
    return "CASE WHEN \(n) > 0 THEN ln(1e0 + \(number(recent))) - ln(1e0 + CASE CAST(\(n) AS INT) "
      + past.joined(separator: " ") + " END / \(n)) END"
  }

  private mutating func valueSlope(_ kind: String, _ months: Int) -> String {
    let bin = 30 * Self.day
    var bins: [(x: String, y: String)] = []
    for month in 0..<months {
      let (from, to) = (Int64(month) * bin, Int64(month + 1) * bin)
      let condition = "age > \(from) AND age <= \(to)"
      let sum = stat(kind, "sum(value)", condition)
      let count = stat(kind, "count(value)", condition)
      bins.append(
        (SQLText.literal(-Double(month)), "\(sum) / \(number("nullif(\(count), 0)"))"))
    }
    func over(_ term: (String, String) -> String) -> String {
      "(" + bins.map { "coalesce(\(term($0.x, $0.y)), 0e0)" }.joined(separator: " + ") + ")"
    }
    let n = derived.name(of: over { _, y in "CASE WHEN \(y) IS NOT NULL THEN 1e0 END" })
    let x = over { x, y in "CASE WHEN \(y) IS NOT NULL THEN \(x) END" }
    let y = over { _, y in y }
    // The means are written out: a stage cannot name its own columns.
    let count = over { _, y in "CASE WHEN \(y) IS NOT NULL THEN 1e0 END" }
    let meanX = derived.name(of: "\(x) / nullif(\(count), 0e0)")
    let meanY = derived.name(of: "\(y) / nullif(\(count), 0e0)")
    let cross = over { x, y in "(\(x) - \(meanX)) * (\(y) - \(meanY))" }
    let square = over { x, y in
      "CASE WHEN \(y) IS NOT NULL THEN (\(x) - \(meanX)) * (\(x) - \(meanX)) END"
    }
    return "CASE WHEN \(n) > 2 THEN \(cross) / \(square) END"
  }

  private mutating func openCount(_ opened: String, _ resolved: String) -> String {
    let height = height(opened, resolved)
    let steps = kinds.name(of: "sum(\(step(opened, resolved)))")
    let least = kinds.name(of: "min(\(height))")
    return "coalesce(\(people.name(of: "sum(\(steps))")) "
      + "- least(0, \(people.name(of: "min(\(least))"))), 0)"
  }
}
