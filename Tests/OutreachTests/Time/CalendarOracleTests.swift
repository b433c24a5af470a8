import Foundation
import Histories
import Outreach
import TestSupport
import Testing

/// Python's zoneinfo, walked minute by minute, against the calendar: on each minute it reads the
/// zone's clock, holds it while it runs through an hour again, and looks up whether that minute of
/// that date is open.
private let oracle = """
  import json, sys
  from datetime import date, datetime, timedelta
  from zoneinfo import ZoneInfo
  import numpy as np

  EPOCH = date(1970, 1, 1)
  clocks = {}

  def clock(zone, start, count):
      key = (zone, start, count)
      if key not in clocks:
          tz = ZoneInfo(zone)
          held, local = 0, []
          for minute in range(start - 2880, start + count):
              offset = datetime.fromtimestamp(minute * 60, tz).utcoffset()
              held = max(held, minute + int(offset.total_seconds()) // 60)
              local.append(held)
          clocks[key] = np.array(local[2880:])
      return clocks[key]

  def spans(c, day):
      if str(day) in c["dates"]:
          return c["dates"][str(day)]
      d = EPOCH + timedelta(days=day)
      usual = c["week"][d.weekday()]
      yearly = c["yearly"].get(f"{d.month}-{d.day}")
      return usual if not usual or yearly is None else yearly

  def opened(c, start, count):
      local = clock(c["zone"], start, count)
      days, times = local // 1440, local % 1440
      first = days[0]
      table = np.zeros((days[-1] - first + 1, 1440), bool)
      for day in range(first, days[-1] + 1):
          for a, b in spans(c, day):
              table[day - first, a:b] = True
      result = table[days - first, times]
      for a, b in c["pauses"]:
          result[max(0, a - start):max(0, b - start)] = False
      return result, days

  class Time:
      def __init__(self, is_open, start):
          self.start = start
          self.passed = np.concatenate([[0], np.cumsum(is_open)])
      def between(self, a, b):
          return int(self.passed[b - self.start] - self.passed[a - self.start])
      def adding(self, amount, a):
          if amount <= 0:
              return a
          wanted = self.passed[a - self.start] + amount
          place = int(np.searchsorted(self.passed, wanted))
          return None if place == len(self.passed) else self.start + place

  def first(mask, start, a):
      places = np.flatnonzero(mask[a - start:])
      return None if len(places) == 0 else int(places[0]) + a

  def due(is_open, days, start, a, count):
      work = np.unique(days[is_open]).tolist()
      work = [d for d in work if days[a - start] < d < days[-1]]
      if len(work) < count:
          return None
      return int(np.flatnonzero(is_open & (days == work[count - 1]))[-1]) + 1 + start

  def calls(w, c, is_open, start, count):
      mask = is_open & opened(c["customer"], start, count)[0]
      if not c["appointments"]:
          return mask
      local = clock(c["customer"]["zone"], start, count)
      asked, until, weekly = np.zeros(count, bool), start, False
      for days, dated, a, b in c["appointments"]:
          held = (local % 1440 >= a) & (local % 1440 < b)
          if dated is None:
              weekly = True
              held &= ((local // 1440 + 3) % 7 >= days[0]) & ((local // 1440 + 3) % 7 <= days[1])
          else:
              held &= local // 1440 == dated
              if held.any():
                  until = max(until, int(np.flatnonzero(held)[-1]) + 1 + start)
          asked |= held
      if not weekly:
          asked[until - start:] = True
      return mask & asked

  answers = []
  for w in json.load(open(sys.argv[1])):
      start, count = w["start"], w["count"]
      for c in w["cases"]:
          is_open, days = opened(c["team"], start, count)
          time = Time(is_open, start)
          a, b, n = c["from"], c["to"], c["businessDays"]
          waiting = is_open.copy()
          for x, y in c["waits"]:
              waiting[x - start:max(0, y - start)] = False
          running = Time(waiting, start)
          by = due(is_open, days, start, a, n)
          moved = None if by is None else running.adding(time.between(a, by), a)
          answers.append(dict(
              time=time.between(a, b), added=time.adding(c["amount"], a),
              open=bool(is_open[a - start]), next=first(is_open, start, a),
              businessDay=None if days[a - start] in (days[0], days[-1])
                  else bool(is_open[days == days[a - start]].any()),
              due=by, deadline=moved, age=running.between(a, b),
              call=first(calls(w, c, is_open, start, count), start, a)))
  print(json.dumps(answers))
  """

private struct CalendarInput: Encodable {
  var zone: String
  var week: [[[Int]]]
  var dates: [String: [[Int]]]
  var yearly: [String: [[Int]]]
  var pauses: [[Int]]

  init(_ zone: String, _ hours: OpeningHours, _ pauses: [Range<Int>] = []) {
    func pairs(_ spans: [Range<Int>]) -> [[Int]] { spans.map { [$0.lowerBound, $0.upperBound] } }
    self.zone = zone
    week = hours.week.map(pairs)
    dates = Dictionary(uniqueKeysWithValues: hours.dates.map { ("\($0.key)", pairs($0.value)) })
    yearly = Dictionary(
      uniqueKeysWithValues: hours.yearly.map { ("\($0.key.month)-\($0.key.day)", pairs($0.value)) })
    self.pauses = pairs(pauses)
  }
}

private struct AppointmentInput: Encodable {
  var appointment: Appointment

  func encode(to encoder: any Encoder) throws {
    var list = encoder.unkeyedContainer()
    switch appointment.days {
    case .weekdays(let days):
      try list.encode([days.lowerBound, days.upperBound])
      try list.encodeNil()
    case .date(let date):
      try list.encodeNil()
      try list.encode(date)
    }
    try list.encode(appointment.minutes.lowerBound)
    try list.encode(appointment.minutes.upperBound)
  }
}

private struct CaseInput: Encodable {
  var team: CalendarInput
  var customer: CalendarInput
  var appointments: [AppointmentInput]
  var from: Int
  var to: Int
  var amount: Int
  var businessDays: Int
  var waits: [[Int]]
}

private struct WindowInput: Encodable {
  var start: Int
  var count: Int
  var cases: [CaseInput]
}

private struct Answer: Decodable {
  var time: Int
  var added: Int?
  var open: Bool
  var next: Int?
  var businessDay: Bool?
  var due: Int?
  var deadline: Int?
  var age: Int
  var call: Int?
}

private struct Generated {
  var calendar: BusinessCalendar
  var window: CallWindow
  var waits: [Range<Int>]
  var input: CaseInput
  var end: Int
  var place: String

  init(
    _ chance: inout SplitMix64, _ place: (zone: String, date: String), elsewhere: String,
    window: Range<Int>
  ) {
    let noted = day(place.date)
    let hours = chance.hours(near: noted)
    let pauses = chance.below(2) == 0 ? [] : chance.stretches(3, in: window)
    calendar = BusinessCalendar(
      zone: zone(place.zone), hours: hours, pauses: TimeSpans(pauses.map(instants)))
    // Often in the hours in which something happens to the clock.
    let early =
      chance.below(3) > 0
      ? window.lowerBound + chance.below(window.count * 2 / 3)
      : zone(place.zone).midnight(date: noted).minutes - 120 + chance.below(360)
    let late = early + chance.below(window.upperBound - early)
    waits = chance.stretches(3, in: early..<window.upperBound)
    let elsewhere = chance.below(2) == 0 ? place.zone : elsewhere
    let lawful = chance.hours(near: noted)
    let appointments = (0..<chance.below(3)).map { _ in
      let first = chance.below(7)
      return Appointment(
        days: chance.below(2) == 0
          ? .date(noted - 6 + chance.below(12))
          : .weekdays(first...(first + chance.below(7 - first))),
        minutes: chance.spans()[0])
    }
    self.window = CallWindow(
      team: calendar, lawful: lawful, zone: zone(elsewhere), appointments: appointments)
    input = CaseInput(
      team: CalendarInput(place.zone, hours, pauses), customer: CalendarInput(elsewhere, lawful),
      appointments: appointments.map(AppointmentInput.init), from: early, to: late,
      amount: chance.below(4000), businessDays: 1 + chance.below(4),
      waits: waits.map { [$0.lowerBound, $0.upperBound] })
    end = window.upperBound
    self.place = "\(place) \(input.from) \(hours) \(pauses)"
  }
}

struct CalendarOracleTests {
  @Test func agreesWithAWalkMinuteByMinute() throws {
    var chance = SplitMix64(5)
    var inputs: [WindowInput] = []
    var cases: [Generated] = []
    for (number, place) in notedDays.enumerated() {
      let elsewhere = notedDays[(number * 7 + 3) % notedDays.count].zone
      let start = (day(place.date) - 8) * 1440
      let window = start..<(start + 17 * 1440)
      let generated = (0..<54).map { _ in
        Generated(&chance, place, elsewhere: elsewhere, window: window)
      }
      cases += generated
      inputs.append(
        WindowInput(start: start, count: window.count, cases: generated.map(\.input)))
    }
    guard let data = try Python.run(oracle, on: inputs) else { return }
    let answers = try JSONDecoder().decode([Answer].self, from: data)
    #expect(answers.count == cases.count && cases.count > 2000)
    var told = (due: 0, added: 0, deadline: 0, call: 0)
    for (one, answer) in zip(cases, answers) {
      let from = Instant(minutes: one.input.from)
      let to = Instant(minutes: one.input.to)
      let calendar = one.calendar
      #expect(
        calendar.businessTime(from: from, to: to) == .seconds(60 * answer.time), "\(one.place)")
      #expect(calendar.isOpen(at: from) == answer.open, "\(one.place)")
      if let expected = answer.businessDay {
        #expect(calendar.isBusinessDay(at: from) == expected, "\(one.place)")
      }
      // What the walk did not find within its window lies after it.
      let next = try #require(calendar.nextOpen(at: from)).minutes
      #expect(answer.next.map { next == $0 } ?? (next >= one.end), "\(one.place)")
      let added = try #require(calendar.adding(.seconds(60 * one.input.amount), to: from)).minutes
      #expect(answer.added.map { added == $0 } ?? (added > one.end), "\(one.place)")
      let due = calendar.due(opened: from, businessDays: one.input.businessDays).minutes
      if let expected = answer.due { #expect(due == expected, "\(one.place)") }
      let clock = ServiceClock(
        calendar: calendar,
        level: ServiceLevel(acknowledgeBusinessDays: one.input.businessDays), opened: from,
        waits: Waits(over: one.waits.map(instants)))
      let deadline = try #require(clock.acknowledgeBy).minutes
      if let expected = answer.deadline { #expect(deadline == expected, "\(one.place)") }
      #expect(clock.teamAge(at: to) == .seconds(60 * answer.age), "\(one.place)")
      let call = one.window.nextCallTime(after: from)?.minutes
      #expect(answer.call.map { call == $0 } ?? (call ?? one.end >= one.end), "\(one.place)")
      if let call { #expect(one.window.mayCall(at: Instant(minutes: call))) }
      #expect(one.window.mayCall(at: from) == (call == one.input.from))
      told.due += answer.due == nil ? 0 : 1
      told.added += answer.added == nil ? 0 : 1
      told.deadline += answer.deadline == nil ? 0 : 1
      told.call += answer.call == nil ? 0 : 1
    }
    // The window was long enough for the comparison to mean something.
    #expect(told.due > 1500 && told.added > 1200 && told.deadline > 1200 && told.call > 900)
  }
}
