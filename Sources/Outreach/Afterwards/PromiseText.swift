package import Histories

/// Promises in words, for a terminal.
package struct PromiseText {
  private let listing: CaseListing
  private let now: Instant

  package init(zone: LocalTime, at now: Instant) {
    listing = CaseListing(zone: zone)
    self.now = now
  }

  /// A line each: what, to whom, by when, with whom.
  package func lines(_ promises: [Promise]) -> [String] {
    promises.map { one in
      let what =
        switch one.kind {
        case .update:
          one.correction.map { "tell them what became of correction \($0)" }
            ?? "tell them how it goes"
        case .followUp: "ask again whether all is well"
        case .promised: "put it right, as promised"
        case .callback: "call, as agreed"
        }
      let manner = one.manner.map { ", by \(name($0))" } ?? ""
      let late = one.state(at: now) == .broken ? " (overdue)" : ""
      return "\(one.number)  \(name(one.account))  \(what)\(manner)  by "
        + "\(listing.timeText(one.due))\(late), with \(name(one.owner))"
    }
  }

  private func name(_ text: String) -> String { clipped(inert(text), to: 48) }
}

/// A promise as an object, as of an instant.
package struct PromiseObject: Encodable {
  private let promise: Promise
  private let state: Promise.State

  package init(_ promise: Promise, at now: Instant) {
    self.promise = promise
    state = promise.state(at: now)
  }

  private enum CodingKeys: String, CodingKey {
    case number = "promise"
    case account = "accountId"
    case caseNumber = "case"
    case correction, kind, state, due, owner, manner, madeAt, starts, keptAt, keptBy, endedAt
  }

  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(promise.number, forKey: .number)
    try object.encode(promise.account, forKey: .account)
    try object.encode(promise.caseNumber, forKey: .caseNumber)
    try object.encode(promise.correction, forKey: .correction)
    try object.encode(promise.kind, forKey: .kind)
    try object.encode(state, forKey: .state)
    try object.encode(promise.due, forKey: .due)
    try object.encode(promise.owner, forKey: .owner)
    try object.encode(promise.manner, forKey: .manner)
    try object.encode(promise.madeAt, forKey: .madeAt)
    try object.encode(promise.starts, forKey: .starts)
    try object.encode(promise.keptAt, forKey: .keptAt)
    try object.encode(promise.keptBy, forKey: .keptBy)
    try object.encode(promise.endedAt, forKey: .endedAt)
  }
}
