package import Histories

/// Something that a customer may expect of us by an instant.
///
/// As of any instant a promise is in exactly one state: kept in time; ended before it was due, because
/// another took its place, the matter closed or the account is to be left alone; open; or broken.
package struct Promise: Sendable, Equatable {
  package enum Kind: String, Sendable, Codable, CaseIterable {
    /// To tell how it goes.
    case update
    /// To ask again some time after it was resolved.
    case followUp = "follow_up"
    /// To have it put right.
    case promised
    /// To call at a time that was agreed on.
    case callback
  }

  package enum State: String, Sendable, Codable, CaseIterable { case open, kept, broken, ended }

  package var number: Int64
  package var account: String
  /// On which it hangs, and so on the account: erasure finds it by the case.
  package var caseNumber: Int64
  /// The correction that an update is about; nil: about the case.
  package var correction: Int64?
  package var kind: Kind
  package var madeAt: Instant
  /// Before which it cannot be kept: of callbacks.
  package var starts: Instant?
  package var due: Instant
  /// Who sees to it, as an id of the team's.
  package var owner: String
  package var keptAt: Instant?
  package var keptBy: String?
  package var endedAt: Instant?
  /// How the customer wants to be told: their own words of it, or the accounts file's.
  package var manner: String?

  /// Where it stands as of an instant at which it was made already.
  package func state(at now: Instant) -> State {
    if let keptAt, keptAt <= now, keptAt <= due { return .kept }
    if let endedAt, endedAt <= now, endedAt <= due { return .ended }
    return now <= due ? .open : .broken
  }

  /// Whether nobody needs to see to it any more, in time or late.
  package func isSettled(at now: Instant) -> Bool {
    (keptAt.map { $0 <= now } ?? false) || (endedAt.map { $0 <= now } ?? false)
  }
}

extension Promise {
  init(_ row: SQLRow) throws(OutreachError) {
    guard let kind = Kind(rawValue: try row.text(4)) else { throw SQLRow.damaged }
    func instant(_ column: Int) throws(OutreachError) -> Instant? {
      try row.optionalInteger(column).map { Instant(microseconds: $0) }
    }
    let state: CaseState = try decoded(try row.text(12))
    var person: Person?
    if let text = try row.optionalText(13) { person = try decoded(text) }
    self.init(
      number: try row.integer(0), account: try row.text(1), caseNumber: try row.integer(2),
      correction: try row.optionalInteger(3), kind: kind,
      madeAt: Instant(microseconds: try row.integer(5)), starts: try instant(6),
      due: Instant(microseconds: try row.integer(7)), owner: try row.text(8),
      keptAt: try instant(9), keptBy: try row.optionalText(10), endedAt: try instant(11),
      manner: state.steps?.manner ?? person?.preferredChannel)
  }
}

/// A promise on its way into the store.
struct NewPromise {
  var kind: Promise.Kind
  var starts: Instant?
  var due: Instant
}

extension Practice {
  /// How often a customer is told: as they said, else as the accounts file has it, else as usual.
  func updateDays(of one: Case) -> Int {
    one.state.steps?.everyDays ?? one.person?.updateEveryDays ?? updateEveryDays
  }

  /// What an action on a case promises; nil for nothing. `one` is the case with the action.
  func promise(by action: Action, on one: Case) -> NewPromise? {
    let work = one.state.steps
    switch action.kind {
    case .appointed:
      guard let agreed = one.state.appointment else { return nil }
      return NewPromise(kind: .callback, starts: agreed.from, due: agreed.to)
    case .step:
      switch action.detail["step"].flatMap(Step.init) {
      case .correct:
        guard action.detail[StepField.promised.rawValue] != nil, let date = work?.promised else {
          return nil
        }
        return NewPromise(kind: .promised, due: dueOn(date, after: action.at))
      case .communicate:
        guard work?.manner != "none" else { return nil }
        return NewPromise(kind: .update, due: dueIn(updateDays(of: one), after: action.at))
      case .validate:
        guard action.detail[StepField.followUp.rawValue] != nil, let date = work?.followUp else {
          return nil
        }
        return NewPromise(kind: .followUp, due: endOfBusiness(date))
      default: return nil
      }
    case .closed:
      guard one.state.outcome == .resolved else { return nil }
      return NewPromise(kind: .followUp, due: dueIn(followUpDays, after: action.at))
    default: return nil
    }
  }

  /// The end of business so many days later, or of the next day on which somebody works.
  func dueIn(_ days: Int, after at: Instant) -> Instant { endOfBusiness(at.adding(days: days)) }

  private func endOfBusiness(_ at: Instant) -> Instant {
    let date = calendar.date(of: at)
    let day = calendar.isBusinessDay(date: date) ? date : calendar.businessDay(after: date)
    return calendar.open(on: day).last?.upperBound ?? at
  }

  /// A date that a customer was given is over when we close on it; where nobody works on it, or no more,
  /// when the date itself is. A time of day is that time.
  private func dueOn(_ at: Instant, after now: Instant) -> Instant {
    let date = calendar.date(of: at)
    guard calendar.instant(date: date, minutes: 0) == at else { return at }
    if let closing = calendar.open(on: date).last?.upperBound, closing > now { return closing }
    return Instant(microseconds: calendar.instant(date: date + 1, minutes: 0).microseconds - 1)
  }
}
