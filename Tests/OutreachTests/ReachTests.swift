import Detraction
import Foundation
import Histories
import Outreach
import Synchronization
import TestSupport
import Testing

private let seven = monday.adding(seconds: 7 * 3600)
private let nine = monday.adding(seconds: 9 * 3600)
private let ten = monday.adding(seconds: 10 * 3600)
private let two = monday.adding(seconds: 14 * 3600)
private let six = monday.adding(seconds: 18 * 3600)
private let rules = CallRules(team: BusinessCalendar(zone: berlin))
private let reach = Reach(calls: rules)

/// Who of an account may be contacted, and when, on every database.
@Suite(.serialized)
struct ReachTests {
  /// One open case an entry, due alike, in this order; by phone unless named otherwise.
  private func opened(
    _ kind: StoreKind, channel: String = "phone", _ records: [AccountRecord?]
  ) throws -> CaseStore? {
    guard let store = try kind.fresh()?.store() else { return nil }
    let queues = [Queue(name: "calls", capacity: records.count, channel: channel)]
    try Base(records.count) {
      "a\($0)"
    } record: {
      records[$0]
    }.publish(store, settings(queues))
    return store
  }

  private func record(
    _ zone: String? = nil, times: String = "", people contacts: [ContactRecord] = []
  ) -> AccountRecord {
    AccountRecord(
      account: "a", timeZone: zone, callTimes: Appointment.list(times) ?? [], contacts: contacts)
  }

  @Test(arguments: StoreKind.allCases)
  func whoMayNotBeCalledNowIsPassedOver(_ kind: StoreKind) throws {
    guard
      let store = try opened(
        kind,
        [
          record("America/New_York"), record("Asia/Kolkata"), nil, record(times: "tue 10:00-11:00"),
        ])
    else { return }
    func claim(_ now: Instant) throws -> String? {
      try store.claim(
        by: "ann", at: now, until: now.adding(days: 5), reach: reach)?.account
    }
    // Nobody of the team is there.
    #expect(try claim(seven) == nil)
    #expect(try store.nextCall(at: seven, reach: reach) == nine)
    // 03:00 in New York, 13:30 in Kolkata.
    #expect(try claim(nine) == "a1")
    #expect(try claim(nine) == "a2")
    #expect(try claim(nine) == nil)
    #expect(try store.nextCall(at: nine, reach: reach) == two)
    #expect(try store.nextCall(queue: "calls", at: nine, reach: reach) == two)
    #expect(try store.nextCall(queue: "none", at: nine, reach: reach) == nil)
    #expect(try claim(two) == "a0")
    #expect(try store.nextCall(at: two, reach: reach) == date("2026-03-03T10:00"))
    // Who is named is taken; nothing was closed on the way.
    #expect(
      try store.claim(.account("a3"), by: "bob", at: two, until: six, reach: reach).account == "a3")
    #expect(try store.openCount() == 4)
    #expect(try store.actions().count { $0.kind == .claimed } == 4)
    #expect(try store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func whatIsWrittenNeedsNoHour(_ kind: StoreKind) throws {
    guard let store = try opened(kind, channel: "email", [record("America/New_York")]) else {
      return
    }
    let night = date("2026-03-02T03:00")
    #expect(
      try store.claim(by: "ann", at: night, until: nine, reach: reach)?.account == "a0")
    for kind in [Action.Kind.reached, .messaged] {
      _ = try store.act(
        .account("a0"), Action(at: night, kind: kind, actor: "ann"), reach: reach)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func anAppointmentBindsTheNextClaim(_ kind: StoreKind) throws {
    guard let store = try opened(kind, [nil]) else { return }
    // In the evening, when nobody of the team works: they agreed on it.
    let (from, to) = (date("2026-03-04T21:00"), date("2026-03-04T22:00"))
    _ = try store.act(
      .account("a0"),
      Action(
        at: nine, kind: .appointed, actor: "ann",
        detail: ["from": from.description, "to": to.description]), reach: reach)
    func claim(_ now: Instant) throws -> Bool {
      let taken = try store.claim(by: "ann", at: now, until: now.adding(days: 1), reach: reach)
      if taken != nil {
        _ = try store.act(.account("a0"), Action(at: now, kind: .released, actor: "ann"))
      }
      return taken != nil
    }
    for now in [ten, date("2026-03-03T10:00"), date("2026-03-04T20:59")] {
      #expect(try !claim(now))
      #expect(try store.nextCall(at: now, reach: reach) == from)
    }
    #expect(try claim(from) && claim(date("2026-03-04T21:59")))
    _ = try store.act(
      .account("a0"), Action(at: date("2026-03-04T21:30"), kind: .reached, actor: "ann"),
      reach: reach)
    // Missed or not, the usual hours hold again.
    #expect(try !claim(to) && store.nextCall(at: to, reach: reach) == date("2026-03-05T09:00"))
    #expect(try claim(date("2026-03-05T09:00")))
  }

  @Test(arguments: StoreKind.allCases)
  func consentIsAPersons(_ kind: StoreKind) throws {
    let people = [
      ContactRecord(contact: "x", name: "X", doNotContact: true),
      ContactRecord(contact: "y", preferredChannel: "email", timeZone: "America/New_York"),
      ContactRecord(contact: "z", preferredChannel: "phone", timeZone: "Asia/Kolkata"),
    ]
    guard
      let store = try opened(
        kind,
        [record("UTC", people: people), record(people: [people[2]]), record(people: [people[0]])])
    else { return }
    // All of a2's people refuse, so that it has no case.
    let open = try store.openCases()
    #expect(open.map(\.account) == ["a0", "a1"])
    #expect(open[0].person?.contacts?.map(\.contact) == ["z", "y"])
    // z has come to refuse since: y is left to a0, and lives in New York; to a1 nobody is.
    let later = Reach(calls: rules) { contact, _ in
      ["x", "y", "z"].contains(contact) ? contact != "y" : nil
    }
    #expect(try store.nextCall(at: nine, reach: later) == two)
    #expect(try store.claim(by: "ann", at: nine, until: ten, reach: later) == nil)
    #expect(try store.cases(account: "a1")[0].state.outcome == .declined)
    let taken = try store.claim(by: "ann", at: two, until: six, reach: later)
    #expect(taken?.person?.contacts?.map(\.contact) == ["y"])

    func act(_ step: Action.Kind, _ detail: [String: String]) -> OutreachError? {
      do throws(OutreachError) {
        _ = try store.act(
          .account("a0"), Action(at: two, kind: step, actor: "ann", detail: detail), reach: later)
        return nil
      } catch { return error }
    }
    let refused = act(.reached, ["contact": "z"])
    #expect(refused?.exitStatus == 64)
    #expect(refused?.description.contains("do_not_contact") == true)
    #expect(refused?.description.contains("contact another: y") == true)
    #expect(act(.reached, ["contact": "nobody"])?.description.contains("known are z, y") == true)
    #expect(act(.reached, ["contact": "y"]) == nil)
    #expect(act(.reached, ["contact": "z", "inbound": "yes"]) == nil)
    let log = try store.actions(of: open[0].number)
    #expect(log.compactMap { $0.detail["contact"] } == ["y", "z"])
    #expect(try store.openWork(asOf: six).touches[AccountKey("a0")]?.count == 2)
    #expect(try store.damagedCases().isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func aCallOutsideLawfulHoursIsNotRecorded(_ kind: StoreKind) throws {
    guard let store = try opened(kind, [record("America/New_York")]) else { return }
    func act(_ step: Action.Kind, _ at: Instant, _ detail: [String: String] = [:]) -> String? {
      do throws(OutreachError) {
        _ = try store.act(
          .account("a0"), Action(at: at, kind: step, actor: "ann", detail: detail), reach: reach)
        return nil
      } catch { return error.description }
    }
    for step in [Action.Kind.attempted, .messageLeft, .reached] {
      let message = try #require(act(step, nine))
      #expect(message.contains("Mon 2 Mar 08:00 on the customer's clock (America/New_York)"))
      #expect(message.contains("Mon 2 Mar 14:00 here") && message.contains("--inbound"))
    }
    #expect(try store.actions().count == 1)
    #expect(act(.messaged, nine) == nil && act(.noted, nine) == nil)
    #expect(act(.reached, nine, ["inbound": "yes"]) == nil)
    // The team has gone home by then, and the customer's day goes on: lawful.
    #expect(act(.attempted, six) == nil)
    // What was recorded is there already and is not asked about again.
    #expect(act(.attempted, six) == nil)
    #expect(try store.actions().count == 5)
  }

  /// Far down the line, over many pages, in the order of claims whatever stands before.
  @Test(arguments: StoreKind.allCases)
  func theLineIsWalkedInItsOrder(_ kind: StoreKind) throws {
    let zones = ["Pacific/Auckland", "America/Los_Angeles"]
    let count = 700
    guard
      let store = try opened(
        kind,
        (0..<count).map { $0 % 150 == 149 ? nil : record(zones[$0 % 2]) })
    else { return }
    let expected = try store.openCases().filter { rules.mayCall($0, at: nine) }.map(\.account)
    #expect(expected == [149, 299, 449, 599].map { "a\($0)" })
    var taken: [String] = []
    while let open = try store.claim(by: "ann", queue: "calls", at: nine, until: six, reach: reach)
    {
      taken.append(open.account)
    }
    #expect(taken == expected)
    #expect(try store.openWork(asOf: six).unclaimed == ["calls": count - expected.count])
  }

  /// As `ClaimCrowdTests`, where every other customer sleeps.
  @Test(arguments: StoreKind.allCases)
  func aCrowdTakesEachWhoMayBeCalledOnce(_ kind: StoreKind) throws {
    let (agents, count) = kind == .postgres ? (50, 600) : (8, 40)
    guard let place = try kind.fresh() else { return }
    let store = try place.store()
    try Base(count) {
      "a\($0)"
    } record: {
      $0 % 2 == 0 ? record("America/New_York") : nil
    }.publish(store, settings([Queue(name: "calls", capacity: count, channel: "phone")]))
    let taken = try atOnce(agents) { agent in
      let desk = try place.store()
      var mine: [String] = []
      while let open = try desk.claim(by: "agent-\(agent)", at: nine, until: six, reach: reach) {
        mine.append(open.account)
      }
      return mine
    }
    let all = taken.joined().sorted()
    #expect(all == (0..<count).filter { $0 % 2 == 1 }.map { "a\($0)" }.sorted())
    #expect(try store.openWork(asOf: six).unclaimed == ["calls": count / 2])
    #expect(try store.damagedCases().isEmpty)
  }
}

/// Against clocks that Foundation reads: teams and customers of zones with changes of the clocks, half
/// hours and skipped dates, near those.
struct CallRulesTests {
  private func may(_ team: Calendar, _ customer: Calendar, _ at: Instant) -> Bool {
    let moment = Date(timeIntervalSince1970: Double(at.microseconds) / 1e6)
    let ours = team.dateComponents([.weekday, .hour], from: moment)
    let theirs = customer.dateComponents([.weekday, .hour], from: moment)
    return (2...6).contains(ours.weekday!) && (9..<17).contains(ours.hour!)
      && theirs.weekday != 1 && (8..<20).contains(theirs.hour!)
  }

  private func calendar(_ zone: String) -> Calendar {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: zone)!
    return calendar
  }

  @Test func callsAreMadeWhileBothAreThere() {
    var random = SplitMix64(20_260_302)
    let quarter = 15
    var nights = 0
    for _ in 0..<150 {
      let noted = random.pick(notedDays)
      let other = random.pick(notedDays).zone
      let (ours, theirs) = random.below(2) == 0 ? (noted.zone, other) : (other, noted.zone)
      let rules = CallRules(team: BusinessCalendar(zone: zone(ours)))
      var open = Case(
        form: .predicted, account: "a", queue: "q", channel: "phone", asOf: monday,
        openedAt: monday, due: monday, record: AccountRecord(account: "a", timeZone: theirs))
      let (team, customer) = (calendar(ours), calendar(theirs))
      let start = (day(noted.date) - 1) * 1440 + quarter * random.below(2 * 96)
      let now = Instant(minutes: start + random.below(quarter))
      #expect(rules.mayCall(open, at: now) == may(team, customer, now), "\(ours) \(theirs) \(now)")
      guard let next = rules.nextCall(open, at: now) else {
        #expect(
          !(0..<14 * 96).contains { may(team, customer, Instant(minutes: start + quarter * $0)) })
        continue
      }
      #expect(next >= now && may(team, customer, next) && rules.mayCall(open, at: next))
      var minutes = start + quarter
      while minutes < next.minutes, minutes < start + 21 * 1440 {
        #expect(!may(team, customer, Instant(minutes: minutes)), "\(ours) \(theirs) \(now)")
        minutes += quarter
      }
      if next > now {
        nights += 1
        // An agreed time within the night goes before it all.
        open.state.appointment = CaseState.Pause(from: now.adding(seconds: 60), to: next)
        #expect(!rules.mayCall(open, at: now))
        #expect(rules.nextCall(open, at: now) == now.adding(seconds: 60))
        #expect(rules.mayCall(open, at: now.adding(seconds: 60)))
        #expect(rules.isLawful(open, contact: nil, at: now.adding(seconds: 60)))
      }
    }
    #expect(nights > 30)
  }

  /// One of several who may be called is enough, and each by their own clock.
  @Test func oneOfSeveralIsEnough() {
    let people = [
      ContactRecord(contact: "ny", timeZone: "America/New_York"),
      ContactRecord(contact: "akl", timeZone: "Pacific/Auckland"),
      ContactRecord(contact: "tue", callTimes: Appointment.list("tue 10:00-11:00") ?? []),
    ]
    func open(_ people: [ContactRecord]) -> Case {
      Case(
        form: .predicted, account: "a", queue: "q", channel: "phone", asOf: monday,
        openedAt: monday, due: monday,
        record: AccountRecord(account: "a", timeZone: "Asia/Kolkata", contacts: people))
    }
    #expect(rules.nextCall(open(people), at: nine) == two)
    // Tuesday 10:00 in Kolkata, the account's clock, is before the team's day: never.
    #expect(rules.nextCall(open([people[2]]), at: nine) == nil)
    #expect(rules.isLawful(open(people), contact: "tue", at: nine))
    #expect(!rules.isLawful(open(people), contact: "ny", at: nine))
    #expect(!rules.isLawful(open([people[0], people[1]]), contact: nil, at: nine))
    #expect(rules.nextLawful(open(people), contact: "ny", at: nine)?.instant == two)
  }

  @Test func theViewSaysWhen() throws {
    func listing(_ now: Instant) -> CaseListing {
      CaseListing(zone: berlin, hours: CaseListing.Hours(rules, now: now))
    }
    var open = Case(
      form: .predicted, account: "a", queue: "calls", channel: "phone", asOf: monday,
      openedAt: monday, due: date("2026-03-02T17:00"),
      record: AccountRecord(
        account: "a", timeZone: "America/New_York",
        callTimes: Appointment.list("mon-fri 09:00-10:00") ?? [],
        contacts: [ContactRecord(contact: "c1", name: "Ada", phone: "030 1", role: "buyer")]))
    let called = "may be called from Mon 2 Mar 09:00 their time, Mon 2 Mar 15:00 here"
    let detail = listing(nine).detail(open)
    #expect(detail.contains(called))
    #expect(
      detail.contains("Mon 2 Mar 2026 17:00 (Europe/Berlin), Mon 2 Mar 11:00 their time"))
    #expect(detail.contains("c1: Ada, buyer · 030 1 · calls at mon-fri 09:00-10:00"))
    func onOneLine(_ text: String) -> String {
      text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    let list = onOneLine(listing(nine).text([open]))
    #expect(list.contains(" due Mon 2 Mar 11:00 their time · \(called)"))
    #expect(listing(date("2026-03-02T15:00")).detail(open).contains("may be called now"))
    #expect(!listing(date("2026-03-02T15:00")).text([open]).contains("may be called"))
    open.state.appointment = CaseState.Pause(
      from: date("2026-03-04T16:00"), to: date("2026-03-04T17:00"))
    #expect(
      onOneLine(listing(nine).text([open])).contains(
        "appointment Wed 4 Mar 10:00 their time, Wed 4 Mar 16:00 here"))
    let json = String(decoding: try listing(nine).timedJSON([open]), as: UTF8.self)
    #expect(json.contains("\"call_from\" : \"2026-03-04T15:00:00Z\""))
    // On one clock nothing is said twice, and of what is no call nothing.
    open.person = nil
    open.state.appointment = nil
    #expect(!listing(nine).detail(open).contains("their time"))
    #expect(listing(seven).detail(open).contains("may be called from Mon 2 Mar 09:00\n"))
    open.channel = "email"
    #expect(!listing(seven).detail(open).contains("may be called"))
    #expect(!listing(seven).text([open]).contains("may be called"))
  }
}
