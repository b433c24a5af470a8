import Foundation
package import Histories

/// What is read of corrections.
extension CaseStore {
  /// Votes of those who still take part.
  package struct Votes: Sendable, Equatable, Encodable {
    package var yes = 0
    package var no = 0

    package init(yes: Int = 0, no: Int = 0) {
      self.yes = yes
      self.no = no
    }
  }

  /// A correction with whom it would help.
  package struct RankedCorrection: Sendable, Equatable {
    package var correction: Correction
    package var impact: CorrectionImpact
    package var votes: Votes

    /// What is under way before what is done, then the greater impact, then more people, then by number.
    func comesBefore(_ other: RankedCorrection) -> Bool {
      let (one, two) = (correction.state.stage.isDone, other.correction.state.stage.isDone)
      if one != two { return two }
      if impact.total != other.impact.total { return impact.total > other.impact.total }
      if impact.people != other.impact.people { return impact.people > other.impact.people }
      return correction.number < other.correction.number
    }
  }

  /// Every correction by its impact, the greatest first; those that are done come last.
  /// O(linked cases + predicted cases that are open or new, for each).
  package func corrections(at now: Instant) throws(OutreachError) -> [RankedCorrection] {
    try reading { db in
      let predicted = try Self.recentPredicted(db, now)
      return try db.rows(StoreSQL.corrections).map(Correction.init).map { one in
        RankedCorrection(
          correction: one,
          impact: CorrectionImpact(
            linked: try Self.linkedCases(one.state, db), among: predicted, at: now),
          votes: try Self.votes(one.state, db))
      }.sorted { $0.comesBefore($1) }
    }
  }

  /// Numbers of the cases that are linked to a correction, ascending.
  package func links(of number: Int64) throws(OutreachError) -> [Int64] {
    try reading { db in
      guard let row = try db.row(StoreSQL.correction, [SQLValue(number)]) else {
        throw Self.noCorrection(number)
      }
      return try Correction(row).state.links
    }
  }

  /// One correction, its log and the cases that are linked to it.
  package func correction(
    _ number: Int64, at now: Instant
  ) throws(OutreachError) -> (RankedCorrection, log: [CorrectionAction], linked: [Case]) {
    try reading { db in
      guard
        let one = try db.row(StoreSQL.correction, [SQLValue(number)]).map(Correction.init)
      else { throw Self.noCorrection(number) }
      let linked = try Self.linkedCases(one.state, db)
      let ranked = RankedCorrection(
        correction: one,
        impact: CorrectionImpact(
          linked: linked, among: try Self.recentPredicted(db, now), at: now),
        votes: try Self.votes(one.state, db))
      let log = try db.rows(StoreSQL.correctionActions, [SQLValue(number)])
        .map(CorrectionAction.init)
      return (ranked, log, linked)
    }
  }

  /// Corrections of cases that an agent worked, with what became of them since the agent's first action
  /// on one; in the order of their numbers.
  package func changes(
    for agent: String
  ) throws(OutreachError) -> [(correction: Correction, since: [CorrectionState.Move])] {
    try reading { db in
      var first: [Int64: Instant] = [:]
      for row in try db.rows(StoreSQL.casesWorkedBy, [try SQLValue(agent)]) {
        first[try row.integer(0)] = Instant(microseconds: try row.integer(1))
      }
      return try db.rows(StoreSQL.corrections).map(Correction.init).compactMap { one in
        guard let heard = one.state.links.compactMap({ first[$0] }).min() else { return nil }
        return (one, one.state.moves.filter { $0.at >= heard })
      }
    }
  }

  /// Numbers of corrections whose log was changed after it was written, or does not give their state.
  package func damagedCorrections() throws(OutreachError) -> [Int64] {
    try reading { db in
      let actions = try db.rows(StoreSQL.everyCorrectionAction).map(CorrectionAction.init)
      let logs = Dictionary(grouping: actions, by: \.correction)
      return try db.rows(StoreSQL.corrections).map(Correction.init).filter { one in
        var state = CorrectionState()
        var hash = ""
        for (place, action) in (logs[one.number] ?? []).enumerated() {
          hash = action.chained(after: hash)
          guard action.number == place + 1, hash == action.hash,
            (try? state.apply(action)) != nil
          else { return true }
        }
        return state != one.state || logs[one.number] == nil
      }.map(\.number)
    }
  }

  // MARK: - Inside a transaction

  /// The linked cases that are not erased, by number.
  static func linkedCases(
    _ state: CorrectionState, _ db: any StoreConnection
  ) throws -> [Case] {
    try state.links.compactMap {
      try db.row(StoreSQL.standingCase, [SQLValue($0)]).map(Case.init)
    }
  }

  static func recentPredicted(_ db: any StoreConnection, _ now: Instant) throws -> [Case] {
    let since = now.adding(days: -CorrectionImpact.recentDays)
    return try db.rows(StoreSQL.recentPredicted, [SQLValue(since.microseconds)]).map(Case.init)
  }

  static func votes(
    _ state: CorrectionState, _ db: any StoreConnection
  ) throws -> Votes {
    var votes = Votes()
    for vote in state.votes {
      guard let row = try db.row(StoreSQL.standingCase, [SQLValue(vote.caseNumber)]),
        try voter(try Case(row).account, db) != nil
      else { continue }
      if vote.isFor { votes.yes += 1 } else { votes.no += 1 }
    }
    return votes
  }
}
