import Detraction
import Histories

extension OpenWork {
  /// Nights before that first reasons and volumes are compared with.
  static let nightsBefore = 28

  /// What the store holds as of a date. O(open cases + contacts of a year + holds + enrolments that
  /// run).
  init(_ db: any StoreConnection, _ dialect: Dialect, asOf: Instant) throws {
    self.init()
    for row in try db.rows(StoreSQL.openAccounts) {
      accounts[AccountKey(try row.text(0))] = Case.Form(rawValue: try row.text(1))
    }
    for row in try db.rows(StoreSQL.unclaimed) { unclaimed[try row.text(0)] = try row.int(1) }
    let year = SQLValue(asOf.adding(days: -365).microseconds)
    for row in try db.rows(StoreSQL.touches, [year]) {
      touches[AccountKey(try row.text(0))] = (
        Instant(microseconds: try row.integer(1)), try row.int(2)
      )
    }
    for row in try db.rows(StoreSQL.closedSince, [year]) {
      closed[AccountKey(try row.text(0))] = Instant(microseconds: try row.integer(1))
    }
    for row in try db.rows(StoreSQL.holds) {
      guard let kind = Hold.Kind(rawValue: try row.text(1)) else { throw SQLRow.damaged }
      let hold = Hold(
        account: try row.text(0), kind: kind,
        since: Instant(microseconds: try row.integer(2)),
        until: try row.optionalInteger(3).map { Instant(microseconds: $0) })
      holds[AccountKey(hold.account), default: []].append(hold)
    }
    for row in try db.rows(StoreSQL.runningArms, [SQLValue(asOf.microseconds)]) {
      guard let arm = Enrolment.Arm(rawValue: try row.text(2)) else { throw SQLRow.damaged }
      enrolments[try row.text(0), default: [:]][AccountKey(try row.text(1))] = arm
    }
    experiments = try db.rows(StoreSQL.experiments).map(Experiment.init)
    let runs = try db.rows(StoreSQL.runs).map(Run.init).filter { $0.asOf < asOf }
    lastRun = runs.last?.asOf
    let recent = runs.filter(\.businessDay).suffix(Self.nightsBefore)
    flaggedBefore = recent.map(\.flagged)
    if let first = recent.first {
      var found: [Instant: [String: Int]] = [:]
      for row in try db.rows(
        StoreSQL.firstReasons(dialect), [SQLValue(first.asOf.microseconds)])
      {
        guard let feature = try row.optionalText(1) else { continue }
        found[Instant(microseconds: try row.integer(0)), default: [:]][feature] = try row.int(2)
      }
      firstReasons = recent.map { found[$0.asOf] ?? [:] }
    }
  }
}
