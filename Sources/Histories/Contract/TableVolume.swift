/// How many events of one `[[events]]` table became known on each day of the project's zone.
package struct TableVolume: Sendable, Equatable {
  /// Its number, from 1, and what it was read from.
  package let table: Int
  package let path: String
  /// By days since 1970-01-01.
  private(set) var days: [Int: Int] = [:]

  init(table: Int, path: String) {
    self.table = table
    self.path = path
  }

  mutating func add(_ other: [Int: Int]) { days.merge(other, uniquingKeysWith: +) }

  /// What the project file calls it.
  package var name: String { "[[events]] number \(table) (\(path))" }

  /// How a table stands before a date: what `check` shows and `nightly` warns of.
  package struct State: Sendable, Equatable {
    /// The last day before the date with events, and how many days it is before it (1: the day
    /// before).
    package var newest: Int
    package var age: Int
    /// The longest time from one day with events to the next in the eight weeks up to `newest`.
    package var usualGap: Int
    /// Events of the day before the date, and the median of the same weekday in the eight weeks
    /// before; nil where the table is younger than four weeks.
    package var lastDay: Int
    package var median: Double?

    /// Nothing came for longer than it ever took in the eight weeks before.
    package var isStale: Bool { age > usualGap }
    /// The last complete day has half of its usual events or less. Fewer than 20 a day halve by chance.
    package var isLow: Bool {
      guard let median, !isStale else { return false }
      return median >= 20 && Double(lastDay) * 2 <= median
    }
  }

  /// The state before the local day that `date` falls on; nil where no event is known before it.
  /// O(days).
  package func state(before date: Instant, zone: LocalTime) -> State? {
    let today = zone.date(of: date)
    let known = days.keys.filter { $0 < today }.sorted()
    guard let first = known.first, let newest = known.last else { return nil }
    let recent = known.filter { $0 > newest - 57 }
    let gaps = zip(recent, recent.dropFirst()).map { $1 - $0 }
    let same = (1...8).map { today - 1 - 7 * $0 }.filter { $0 >= first }
      .map { days[$0] ?? 0 }.sorted()
    let middle = same.count / 2
    return State(
      newest: newest, age: today - newest, usualGap: max(1, gaps.max() ?? .max),
      lastDay: days[today - 1] ?? 0,
      median: same.count < 4
        ? nil
        : same.count % 2 == 1
          ? Double(same[middle]) : Double(same[middle - 1] + same[middle]) / 2)
  }

  /// The warnings before a date, in words.
  package func warnings(before date: Instant, zone: LocalTime) -> [String] {
    guard let state = state(before: date, zone: zone) else { return [] }
    func name(_ day: Int) -> String {
      let (year, month, day) = civilDate(daysSinceEpoch: day)
      return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
    if state.isStale {
      return [
        "\(self.name): nothing is newer than \(name(state.newest)), \(state.age) days before; "
          + "until then there was never more than \(state.usualGap) "
          + "day\(state.usualGap == 1 ? "" : "s") between: did a delivery fail?"
      ]
    }
    guard state.isLow, let median = state.median else { return [] }
    return [
      "\(self.name): \(state.lastDay) events on \(name(zone.date(of: date) - 1)), half or less of "
        + "what that weekday has (median of eight weeks: \(Int(median.rounded()))): "
        + "is a part missing?"
    ]
  }
}
