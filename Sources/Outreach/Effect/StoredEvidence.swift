package import Detraction
package import Histories

/// What the work on cases tells training.
extension CaseStore {
  /// Accounts that an experiment's lot left alone, with the chance of that.
  package func leftAlone() throws(OutreachError) -> [(
    account: String, since: Instant, chance: Double
  )] {
    try reading { db in
      try db.rows(StoreSQL.leftAlone).map {
        (try $0.text(0), Instant(microseconds: try $0.integer(1)), try $0.real(2))
      }
    }
  }

  /// What those answered whom the lot drew from the silent: an answer of the customer's own, or that
  /// nobody was reached. An agent's opinion is no answer.
  package func levelAnswers() throws(OutreachError) -> [LevelAnswers.Answer] {
    try reading { db in
      try db.rows(StoreSQL.explored).compactMap { row in
        let (account, drawn) = (try row.text(0), Instant(microseconds: try row.integer(1)))
        let state: CaseState = try decoded(try row.text(2))
        if let verdict = state.verdict, let at = state.answeredAt {
          return LevelAnswers.Answer(
            account: account, drawnAt: drawn, knownAt: at,
            outcome: verdict == .detractor ? .detractor : .nonDetractor)
        }
        guard let at = state.closedAt else { return nil }
        return LevelAnswers.Answer(
          account: account, drawnAt: drawn, knownAt: at, outcome: .unreached)
      }
    }
  }

  package func experiments() throws(OutreachError) -> [Experiment] {
    try reading { try $0.rows(StoreSQL.experiments).map(Experiment.init) }
  }

  package func enrolments() throws(OutreachError) -> [Enrolment] {
    try reading { try $0.rows(StoreSQL.enrolments).map(Enrolment.init) }
  }

  package func incidents() throws(OutreachError) -> [Incident] {
    try reading { db in
      try db.rows(StoreSQL.incidents).map { row in
        Incident(
          asOf: Instant(microseconds: try row.integer(0)), feature: try row.text(1),
          accounts: try row.int(2), expected: try row.real(3), p: try row.real(4))
      }
    }
  }
}

extension Experiment {
  /// A row of `StoreSQL.experiments`.
  init(_ row: SQLRow) throws {
    self.init(
      seed: try row.text(0), starts: Instant(microseconds: try row.integer(1)),
      ends: Instant(microseconds: try row.integer(2)), holdout: try row.real(3),
      exploration: try row.int(4), outcomes: try row.optionalText(5).map { try decoded($0) })
  }
}
