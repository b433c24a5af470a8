import Histories

/// `[calendar]` and `[calls]` of the project file. Each key has a default, and so has a table that
/// is not there; a problem is reported with its key and what to write, and the default stands in.
extension BusinessCalendar {
  /// `hours`, `days`, `holidays` as in `OpeningHours`, `[calendar.half_days]` and
  /// `[[calendar.pause]]`. A calendar that leaves a year without work is refused.
  init(_ table: ProjectTable?, zone: LocalTime) {
    self.init(zone: zone)
    guard let table else { return }
    table.allow(["hours", "days", "holidays", "half_days", "pause"])
    let hours = OpeningHours(table, usual: .officeWeek, halfDays: true)
    let pauses = table.tables("pause").compactMap { Self.pause($0, zone) }
    let calendar = BusinessCalendar(zone: zone, hours: hours, pauses: TimeSpans(pauses))
    if !hours.workEveryYear {
      table.report("holidays", "`days` and yearly `holidays` leave a year without a working day")
    } else if let year = calendar.yearWithoutWork {
      let key = table.value("pause") == nil ? "holidays" : "pause"
      table.report(key, "holidays and pauses leave no working day in \(year): shorten them")
    } else {
      self = calendar
    }
  }

  /// `from` and `to`: dates, both off, or local times, of which the second is when work goes on.
  private static func pause(_ table: ProjectTable, _ zone: LocalTime) -> Range<Instant>? {
    table.allow(["from", "to"])
    func instant(_ key: String, dateEnds: Bool) -> Instant? {
      guard let text = table.required(key) else { return nil }
      if let date = CalendarText.date(text) {
        return BusinessCalendar(zone: zone).instant(date: date + (dateEnds ? 1 : 0), minutes: 0)
      }
      if CalendarText.date(String(decoding: text.utf8.prefix(10), as: UTF8.self)) != nil,
        let instant = Instant(asOf: text, zone: zone)
      {
        return instant
      }
      table.report(
        key,
        "`\(key)` is \"\(text)\", expected a date such as \"2026-08-03\", or a local time "
          + "such as \"2026-08-03T12:00\", of 1970 to 2199")
      return nil
    }
    guard let from = instant("from", dateEnds: false), let to = instant("to", dateEnds: true) else {
      return nil
    }
    guard from < to else {
      table.report("to", "the pause ends before it begins: write `from` before `to`")
      return nil
    }
    return from..<to
  }
}

extension OpeningHours {
  /// `[calls]`: when a call is lawful on the customer's own clock.
  init(calls table: ProjectTable?) {
    guard let table else {
      self = .callWeek
      return
    }
    table.allow(["hours", "days", "holidays"])
    self.init(table, usual: .callWeek, halfDays: false)
    if !workEveryYear {
      table.report(
        "holidays", "`days` and yearly `holidays` leave a year in which nobody is called")
    }
  }

  /// `hours` for all `days`, or by day in a table of its own, which then says the days, too;
  /// `holidays`; half days.
  fileprivate init(_ table: ProjectTable, usual: OpeningHours, halfDays: Bool) {
    var week = usual.week
    if case .table = table.value("hours"), let byDay = table.table("hours") {
      byDay.allow(CalendarText.weekdays)
      week = CalendarText.weekdays.map { Self.spans(byDay, $0, orNone: true) ?? [] }
      if table.value("days") != nil {
        table.report("days", "`hours` by day say the days already: leave `days` out")
      }
      if week.allSatisfy(\.isEmpty) {
        byDay.report(nil, "no day has hours: write mon = \"09:00-17:00\"")
        week = usual.week
      }
    } else {
      let spans = Self.spans(table, "hours", orNone: false) ?? usual.week[0]
      var days = usual.week.map { !$0.isEmpty }
      if let names = table.strings("days") { days = Self.days(names, table) }
      week = days.map { $0 ? spans : [] }
    }
    var dates: [Int: [Range<Int>]] = [:]
    var yearly: [YearlyDate: [Range<Int>]] = [:]
    /// Says what a date is; a second word about it is a problem.
    func set(_ text: String, _ spans: [Range<Int>], _ key: String, in table: ProjectTable) {
      let earlier: [Range<Int>]?
      if let date = CalendarText.date(text) {
        earlier = dates.updateValue(spans, forKey: date)
      } else if let date = CalendarText.yearlyDate(text) {
        earlier = yearly.updateValue(spans, forKey: date)
      } else {
        table.report(
          key,
          "\"\(text)\" is no date that exists: write YYYY-MM-DD, of 1970 to 2199, or MM-DD for "
            + "every year")
        return
      }
      if let earlier, earlier != spans {
        table.report(key, "\"\(text)\" is a holiday and a half day: write it once")
      }
    }
    for text in table.strings("holidays") ?? [] { set(text, [], "holidays", in: table) }
    if halfDays, let table = table.table("half_days") {
      for text in table.keys {
        if let spans = Self.spans(table, text, orNone: false) { set(text, spans, text, in: table) }
      }
    }
    self.init(week: week, dates: dates, yearly: yearly)
  }

  /// One span or a list of them in the order of the day; nil where the key is absent or wrong.
  private static func spans(
    _ table: ProjectTable, _ key: String, orNone: Bool
  ) -> [Range<Int>]? {
    let texts: [String]
    switch table.value(key) {
    case nil: return nil
    case .string(let text): texts = [text]
    default:
      guard let list = table.strings(key) else { return nil }
      texts = list
    }
    var spans: [Range<Int>] = []
    for text in texts {
      guard let span = CalendarText.span(text.utf8[...]) else {
        table.report(
          key,
          "`\(key)` is \"\(text)\", expected a span such as \"09:00-17:00\"; one over midnight "
            + "is two: \"22:00-24:00\" and, on the next day, \"00:00-06:00\"")
        return nil
      }
      spans.append(span)
    }
    if spans.isEmpty && !orNone {
      table.report(key, "`\(key)` is an empty list: write a span such as \"09:00-17:00\"")
      return nil
    }
    guard areInOrder(spans) else {
      table.report(
        key,
        "the spans of `\(key)` overlap or are out of order: write them as the day goes, such as "
          + "[\"09:00-12:30\", \"13:30-17:00\"]")
      return nil
    }
    return spans
  }

  private static func days(_ names: [String], _ table: ProjectTable) -> [Bool] {
    let known = CalendarText.weekdays
    for name in names where !known.contains(name) {
      let nearest = nearestName(to: name, among: known)
      table.report(
        "days",
        "no day is named `\(name)`"
          + (nearest.map { ": did you mean `\($0)`?" } ?? ": write \(known.joined(separator: ", "))")
      )
    }
    let days = known.map(names.contains)
    if days.contains(true) { return days }
    table.report("days", "`days` leaves no working day")
    return known.map { $0 == known[0] }
  }
}
