/// Local dates and hours of many neighbouring instants: the zone is looked up once a stretch.
struct LocalClock {
  private let zone: LocalTime
  private var stretch: (from: Int64, to: Int64, offset: Int) = (0, 0, 0)

  init(_ zone: LocalTime) { self.zone = zone }

  /// The local date of an instant in microseconds, as days since 1970-01-01.
  mutating func date(_ at: Int64) -> Int {
    Int(localSecond(at).flooredDivision(by: 86_400))
  }

  /// Whether the local date is a Saturday or Sunday. 1970-01-01 was a Thursday.
  mutating func isWeekend(_ at: Int64) -> Bool {
    let day = localSecond(at).flooredDivision(by: 86_400) + 3
    return day - 7 * day.flooredDivision(by: 7) >= 5
  }

  /// Whether the local time is from 22:00 to 06:00.
  mutating func isNight(_ at: Int64) -> Bool {
    let second = localSecond(at)
    let hour = (second - 86_400 * second.flooredDivision(by: 86_400)) / 3600
    return hour >= 22 || hour < 6
  }

  private mutating func localSecond(_ at: Int64) -> Int64 {
    let second = at.flooredDivision(by: 1_000_000)
    if second < stretch.from || second >= stretch.to {
      stretch = zone.stretch(at: Instant(microseconds: at))
    }
    return second + Int64(stretch.offset)
  }
}
