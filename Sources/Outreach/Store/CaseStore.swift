import Detraction
import Foundation
import GRDB
package import Histories

/// The store of runs, decisions, cases and actions: one SQLite file.
///
/// Exactly-once stands on unique indexes, not on locks: one run an as-of date, one decision an
/// account and run, one open case an account. Each method is one transaction; any number of
/// processes may use the store at once, and a process that dies leaves it as it was before its
/// transaction. Nothing here reads the clock.
package struct CaseStore: Sendable {
  package let path: String
  private let database: DatabaseQueue

  /// Opens the store, makes it where there is none, and brings an older one up to date.
  /// - Parameter patience: for how many seconds another process's transaction is waited for.
  /// - Throws: `.unusable` when the file cannot be made or opened, `.dataContract` when it is no
  ///   store of ours or that of a newer version, `.locked`.
  package init(path: String, patience: Double = 30) throws(OutreachError) {
    self.path = path
    var configuration = Configuration()
    configuration.busyMode = .timeout(patience)
    configuration.prepareDatabase { db in
      for statement in Dialect.connection { try db.execute(sql: statement) }
    }
    do {
      database = try DatabaseQueue(path: path, configuration: configuration)
      try Self.migrate(database, path)
    } catch {
      throw Self.explained(error, path)
    }
  }

  /// Opens a store that must be there already.
  package init(existing path: String, patience: Double = 30) throws(OutreachError) {
    guard FileManager.default.fileExists(atPath: path) else {
      throw .missing("no store at \(path) yet: `tacit nightly --as-of …` makes it")
    }
    try self.init(path: path, patience: patience)
  }

  /// Publishes a night in one transaction: its run, its decisions, its cases and their opening.
  ///
  /// `night` is called inside the transaction with the work that the store holds, so that what it
  /// decides cannot be overtaken; it is not called when a run as of `asOf` is there already. What
  /// it throws is passed on and nothing is written.
  /// - Throws: `OutreachError.refused` when a later run is published, `.dataContract` for a NUL in
  ///   a text, `.locked`, `.unusable`, `.inputOutput`; and whatever `night` throws.
  package func publish(
    asOf: Instant, _ night: (OpenWork) throws -> Night
  ) throws -> Publication {
    try Self.inTransaction(database, path) { db in
      if let run = try Self.run(db, asOf) { return .alreadyPublished(run) }
      if let newest = try Row.fetchOne(db, sql: StoreSQL.newestRun).map(Run.init),
        newest.asOf > asOf
      {
        throw OutreachError.refused(
          "a run as of \(newest.asOf) is published, so none as of \(asOf) can be: its cases would "
            + "open in the past. Give a later --as-of, or use `tacit score` to look back")
      }
      let night = try night(try Self.openWork(db))
      return .published(try Self.insert(night, asOf, db))
    }
  }

  /// The work that stands open: what `decide` needs to know, outside any run.
  package func openWork() throws(OutreachError) -> OpenWork {
    try reading { try Self.openWork($0) }
  }

  /// The published run as of a date, nil where there is none.
  package func run(asOf: Instant) throws(OutreachError) -> Run? {
    try reading { try Self.run($0, asOf) }
  }

  /// How often a run decided each way, in the order of `Disposition.allCases`; zeros left out.
  package func dispositions(
    asOf: Instant
  ) throws(OutreachError) -> [(disposition: Disposition, count: Int)] {
    let decided = try reading { db in
      try Row.fetchAll(db, sql: StoreSQL.decisions, arguments: [asOf.microseconds])
        .compactMap { Disposition(rawValue: $0[1]) }
    }
    return Disposition.allCases.compactMap { disposition in
      let count = decided.count { $0 == disposition }
      return count == 0 ? nil : (disposition, count)
    }
  }

  /// All open cases: soonest due first, then highest logit, then id by bytes.
  package func openCases() throws(OutreachError) -> [Case] {
    try reading { try Row.fetchAll($0, sql: StoreSQL.openCases).map(Case.init) }
  }

  /// The open case of an account, nil where there is none.
  package func openCase(account: String) throws(OutreachError) -> Case? {
    if account.utf8.contains(0) { return nil }
    return try reading {
      try Row.fetchOne($0, sql: StoreSQL.openCase, arguments: [account]).map(Case.init)
    }
  }

  /// Every account that ever had a case, with the opening of its first.
  package func firstCases() throws(OutreachError) -> [(account: String, at: Instant)] {
    try reading { db in
      try Row.fetchAll(db, sql: StoreSQL.firstCases).map {
        (account: $0[0], at: Instant(microseconds: $0[1]))
      }
    }
  }

  // MARK: - Inside a transaction

  private static func run(_ db: Database, _ asOf: Instant) throws -> Run? {
    try Row.fetchOne(db, sql: StoreSQL.run, arguments: [asOf.microseconds]).map(Run.init)
  }

  private static func openWork(_ db: Database) throws -> OpenWork {
    var work = OpenWork()
    for row in try Row.fetchAll(db, sql: StoreSQL.openAccounts) {
      work.accounts.insert(AccountKey(row[0]))
    }
    for row in try Row.fetchAll(db, sql: StoreSQL.unclaimed) { work.unclaimed[row[0]] = row[1] }
    return work
  }

  private static func insert(_ night: Night, _ asOf: Instant, _ db: Database) throws -> Run {
    let flagged = night.plan.flagged
    precondition(
      flagged.map { AccountKey($0.id) } == night.cases.map { AccountKey($0.account) },
      "a case for each flag, in their order")
    let facts = night.facts
    let run = Run(
      asOf: asOf, model: facts.model, scoresPath: facts.scoresPath,
      scoresSHA256: facts.scoresSHA256, tacitVersion: facts.tacitVersion,
      accounts: facts.accounts, silent: facts.silent, decided: night.plan.decisions.count,
      flagged: flagged.count, businessDay: night.plan.businessDay, cut: night.plan.cut)
    try db.execute(sql: StoreSQL.insertRun, arguments: try run.arguments)
    let decisions = try db.makeStatement(sql: StoreSQL.insertDecision)
    for decision in night.plan.decisions {
      try decisions.execute(arguments: try decision.arguments(asOf))
    }
    let cases = try db.makeStatement(sql: StoreSQL.insertCase)
    let actions = try db.makeStatement(sql: StoreSQL.insertAction)
    for opened in night.cases {
      let id = try Int64.fetchOne(cases, arguments: try opened.arguments)
      try actions.execute(arguments: [id, opened.openedAt.microseconds, "opened"])
    }
    return run
  }

  // MARK: - Opening and failing

  private static func migrate(_ database: DatabaseQueue, _ path: String) throws {
    if try database.read({ try version($0, path) }) == Dialect.migrations.count { return }
    try inTransaction(database, path) { db in
      let version = try version(db, path)
      if version == nil {
        try db.execute(sql: StoreSQL.createVersion)
        try db.execute(sql: StoreSQL.insertVersion)
      }
      for migration in Dialect.migrations[(version ?? 0)...] {
        for statement in migration { try db.execute(sql: statement) }
      }
      try db.execute(sql: StoreSQL.setVersion, arguments: [Dialect.migrations.count])
    }
  }

  /// The version of the store's tables, nil for an empty file.
  private static func version(_ db: Database, _ path: String) throws -> Int? {
    guard try Int.fetchOne(db, sql: Dialect.hasVersionTable) == 1 else {
      if try Int.fetchOne(db, sql: Dialect.countTables) == 0 { return nil }
      throw OutreachError.dataContract(
        "\(path) is a database of something else: name another file in [store] path")
    }
    let version = try Int.fetchOne(db, sql: StoreSQL.version) ?? -1
    guard (0...Dialect.migrations.count).contains(version) else {
      throw OutreachError.dataContract(
        "the store \(path) has version \(version), this Tacit knows up to "
          + "\(Dialect.migrations.count): use the newer Tacit that made it")
    }
    return version
  }

  /// Runs `body` in a transaction that holds the write lock from its start, and commits.
  private static func inTransaction<Value>(
    _ database: DatabaseQueue, _ path: String, _ body: (Database) throws -> Value
  ) throws -> Value {
    do {
      var value: Value?
      try database.writeWithoutTransaction { db in
        try db.inTransaction(.immediate) {
          value = try body(db)
          return .commit
        }
      }
      return value!
    } catch let error as DatabaseError {
      throw explained(error, path)
    }
  }

  private func reading<Value>(
    _ body: (Database) throws -> Value
  ) throws(OutreachError) -> Value {
    do { return try database.read(body) } catch { throw Self.explained(error, path) }
  }

  /// SQLite's own words carry no row's contents.
  private static func explained(_ error: any Error, _ path: String) -> OutreachError {
    if let error = error as? OutreachError { return error }
    guard let error = error as? DatabaseError else {
      return .dataContract("the store \(path) holds what cannot be read: restore it from a backup")
    }
    let reason = error.message ?? error.resultCode.description
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return .locked("another run holds the store \(path): try again when it is done")
    case .SQLITE_NOTADB:
      return .dataContract(
        "\(path) is no SQLite database: name another file in [store] path")
    case .SQLITE_CORRUPT:
      return .dataContract("the store \(path) is damaged (\(reason)): restore it from a backup")
    case .SQLITE_CANTOPEN:
      return .unusable(
        "the store \(path) cannot be opened or made (\(reason)): its folder must be there and "
          + "be writable, and the path must not name a folder")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
      return .unusable("the store \(path) may not be written (\(reason)): nothing was changed")
    case .SQLITE_FULL:
      return .inputOutput("no space left for the store \(path): nothing was changed")
    default:
      return .inputOutput("the store \(path) failed (\(reason)): nothing was changed")
    }
  }
}
