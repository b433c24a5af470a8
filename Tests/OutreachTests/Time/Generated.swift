import Histories
import Outreach
import TestSupport

/// Zones and dates with something about them: changes of the clocks, at midnight too, offsets of
/// half hours and quarters, dates that are skipped, ends of years.
let notedDays: [(zone: String, date: String)] = [
  ("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"), ("Europe/Berlin", "2026-12-31"),
  ("Europe/London", "1999-12-31"), ("UTC", "2100-02-28"), ("UTC", "2024-02-29"),
  ("America/New_York", "2027-03-14"), ("America/New_York", "2007-11-04"),
  ("America/St_Johns", "2006-04-02"), ("America/St_Johns", "2006-10-29"),
  ("America/Havana", "2024-11-03"), ("America/Havana", "2024-03-10"),
  ("America/Sao_Paulo", "2018-11-04"), ("America/Sao_Paulo", "2018-02-18"),
  ("America/Caracas", "2007-12-09"), ("America/Scoresbysund", "2024-03-31"),
  ("Asia/Kolkata", "2025-12-31"), ("Asia/Kathmandu", "1986-01-01"),
  ("Asia/Kathmandu", "2026-06-01"),
  ("Asia/Beirut", "2022-03-27"), ("Asia/Beirut", "2022-10-30"), ("Asia/Tehran", "2022-03-22"),
  ("Asia/Tehran", "2022-09-22"), ("Asia/Pyongyang", "2015-08-15"), ("Asia/Gaza", "2016-10-29"),
  ("Australia/Adelaide", "2026-04-05"), ("Australia/Adelaide", "2026-10-04"),
  ("Australia/Lord_Howe", "2026-04-05"), ("Australia/Lord_Howe", "2026-10-04"),
  ("Pacific/Apia", "2011-12-30"), ("Pacific/Chatham", "2026-04-05"),
  ("Pacific/Chatham", "2026-09-27"), ("Pacific/Kiritimati", "1994-12-31"),
  ("Pacific/Kwajalein", "1993-08-21"), ("Antarctica/Troll", "2019-03-31"),
  ("Antarctica/Troll", "2019-10-27"), ("Africa/Casablanca", "2025-02-23"),
  ("Africa/Casablanca", "2025-04-06"), ("Atlantic/Azores", "2026-10-25"),
]

private let zonesByName: [String: LocalTime] = Dictionary(
  notedDays.map { ($0.zone, LocalTime(identifier: $0.zone)!) }
) { first, _ in first }

func zone(_ name: String) -> LocalTime { zonesByName[name]! }

/// A date in words, as days since 1970-01-01.
func day(_ text: String) -> Int { LocalTime.utc.date(of: date(text, .utc)) }

extension SplitMix64 {
  mutating func pick<Item>(_ items: [Item]) -> Item { items[below(items.count)] }

  /// One to three spans of a day, with a liking for the times at which clocks change.
  mutating func spans() -> [Range<Int>] {
    let noted = [0, 1, 60, 61, 90, 120, 121, 150, 165, 180, 540, 720, 1020, 1381, 1410, 1439, 1440]
    var times: Set<Int> = []
    let count = 2 * (1 + below(3))
    while times.count < count { times.insert(below(3) == 0 ? below(1441) : pick(noted)) }
    let sorted = times.sorted()
    return stride(from: 0, to: count, by: 2).map { sorted[$0]..<sorted[$0 + 1] }
  }

  /// Hours with holidays and half days near `date`.
  mutating func hours(near date: Int) -> OpeningHours {
    let usual = spans()
    var week = (0..<7).map { _ -> [Range<Int>] in
      below(10) < 3 ? [] : below(2) == 0 ? usual : spans()
    }
    week[below(7)] = usual
    var dates: [Int: [Range<Int>]] = [:]
    for _ in 0..<below(8) { dates[date - 12 + below(24)] = below(2) == 0 ? [] : spans() }
    var yearly: [OpeningHours.YearlyDate: [Range<Int>]] = [:]
    for _ in 0..<below(4) {
      let civil = civilDate(daysSinceEpoch: date - 12 + below(24))
      yearly[OpeningHours.YearlyDate(month: civil.month, day: civil.day)] =
        below(2) == 0 ? [] : spans()
    }
    return OpeningHours(week: week, dates: dates, yearly: yearly)
  }

  /// Some stretches of whole minutes within `window`, overlapping or not.
  mutating func stretches(_ most: Int, in window: Range<Int>) -> [Range<Int>] {
    (0..<below(most + 1)).map { _ in
      let from = window.lowerBound + below(window.count)
      return from..<(from + 1 + below(below(2) == 0 ? 600 : 6000))
    }
  }
}

extension Instant {
  /// Minutes since 1970.
  init(minutes: Int) { self.init(microseconds: Int64(minutes) * 60_000_000) }
  var minutes: Int { Int(microseconds / 60_000_000) }
}

func instants(_ minutes: Range<Int>) -> Range<Instant> {
  Instant(minutes: minutes.lowerBound)..<Instant(minutes: minutes.upperBound)
}
