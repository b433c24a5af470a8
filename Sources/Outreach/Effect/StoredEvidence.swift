package import Detraction
package import Histories

/// What the work on cases tells training.
extension CaseStore {
  /// Accounts that an experiment's lot left alone, with the chance of that.
  package func leftAlone() throws(OutreachError) -> [(
    account: String, since: Instant, chance: Double
  )] {
    let shares = Dictionary(
      uniqueKeysWithValues: try experiments().map { ($0.seed, $0.holdout) })
    return try enrolments().filter { $0.arm == .holdout }.compactMap { one in
      shares[one.seed].map { (one.account, one.asOf, $0) }
    }
  }

  /// What those answered whom the lot drew from the silent: an answer of the customer's own, or that
  /// nobody was reached. An agent's opinion is no answer.
  package func levelAnswers() throws(OutreachError) -> [LevelAnswers.Answer] {
    try cases().compactMap { drawn in
      guard drawn.form == .exploration else { return nil }
      if let verdict = drawn.state.verdict, let at = drawn.state.answeredAt {
        return LevelAnswers.Answer(
          account: drawn.account, drawnAt: drawn.asOf, knownAt: at,
          outcome: verdict == .detractor ? .detractor : .nonDetractor)
      }
      guard let at = drawn.state.closedAt else { return nil }
      return LevelAnswers.Answer(
        account: drawn.account, drawnAt: drawn.asOf, knownAt: at, outcome: .unreached)
    }
  }

  package func experiments() throws(OutreachError) -> [Experiment] {
    try reading { db in
      try db.rows(StoreSQL.experiments).map { row in
        Experiment(
          seed: try row.text(0), starts: Instant(microseconds: try row.integer(1)),
          ends: Instant(microseconds: try row.integer(2)), holdout: try row.real(3),
          exploration: try row.int(4))
      }
    }
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
