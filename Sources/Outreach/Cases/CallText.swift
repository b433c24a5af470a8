package import Foundation
import Histories

// When the customer of a case may be called, in words and in JSON.

extension CaseListing {
  /// The cases as an array of flat objects, each with `call_from`: the first instant from `now` on at
  /// which a call may be made; null where the case is no call, or no time within a year.
  package func timedJSON(_ cases: [Case]) throws -> Data { try Self.encoded(cases.map(timed)) }

  /// One case as such an object.
  package func timedJSON(_ open: Case) throws -> Data { try Self.encoded(timed(open)) }

  private func timed(_ open: Case) -> TimedCase {
    guard let hours, open.isOpen, hours.calls.binds(open) else {
      return TimedCase(open: open, callFrom: nil)
    }
    return TimedCase(open: open, callFrom: hours.calls.nextCall(open, at: hours.now))
  }

  /// Beneath the head of a case in the list: what of its hours is out of the usual; nil where nothing
  /// is.
  func hoursLine(_ open: Case) -> String? {
    guard let hours, hours.calls.binds(open) else { return nil }
    var parts: [String] = []
    if let theirs = theirTime(open.due, open) { parts.append("due \(theirs)") }
    if let agreed = open.state.appointment, hours.now < agreed.to {
      parts.append("appointment " + bothTimes(agreed.from, open))
    } else if !hours.calls.mayCall(open, at: hours.now) {
      parts.append(mayBeCalled(open, hours))
    }
    return parts.isEmpty ? nil : parts.joined(separator: " · ")
  }

  /// What the whole view of a case says of its hours.
  func hoursTexts(_ open: Case) -> [(label: String, text: String)] {
    guard let hours, open.isOpen, hours.calls.binds(open) else { return [] }
    var texts: [(String, String)] = []
    let asked = Set(open.callPlaces.compactMap(\.times)).sorted()
    if open.person?.contacts == nil, let times = asked.first {
      texts.append(("asked for", "calls at \(inert(times))"))
    }
    texts.append(("call", mayBeCalled(open, hours)))
    return texts
  }

  /// `may be called from Mon 2 Mar 09:00 their time`.
  private func mayBeCalled(_ open: Case, _ hours: Hours) -> String {
    guard let next = hours.calls.nextCall(open, at: hours.now) else {
      return "may not be called within a year: see [calls], [calendar] and call_times"
    }
    if next <= hours.now { return "may be called now" }
    return "may be called from " + bothTimes(next, open)
  }

  /// On the customer's clock, and on the team's where they differ.
  private func bothTimes(_ instant: Instant, _ open: Case) -> String {
    theirTime(instant, open).map { "\($0), \(timeText(instant)) here" } ?? timeText(instant)
  }

  /// `Mon 2 Mar 11:00 their time`; nil where both clocks show the same.
  func theirTime(_ instant: Instant, _ open: Case) -> String? {
    guard let hours else { return nil }
    let theirs = hours.calls.zone(open)
    if theirs.stretch(at: instant).offset == zone.stretch(at: instant).offset { return nil }
    return CaseListing(zone: theirs).timeText(instant) + " their time"
  }

  /// `Ada Lovelace, buyer · 030 1234 · ada@example.com · prefers phone · America/New_York`.
  func text(_ contact: Contact) -> String {
    let name = [contact.name, contact.role].compactMap(\.self).map(inert).joined(separator: ", ")
    let rest = [
      contact.phone, contact.email, contact.preferredChannel.map { "prefers " + $0 },
      contact.callTimes.map { "calls at " + $0 }, contact.timeZone,
    ].compactMap(\.self).map(inert)
    return ([inert(contact.contact) + (name.isEmpty ? "" : ": " + name)] + rest)
      .joined(separator: " · ")
  }
}

/// A case with its hours; the keys of both in one object.
private struct TimedCase: Encodable {
  var open: Case
  var callFrom: Instant?

  private enum CodingKeys: String, CodingKey { case callFrom = "call_from" }

  func encode(to encoder: any Encoder) throws {
    try open.encode(to: encoder)
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(callFrom, forKey: .callFrom)
  }
}
