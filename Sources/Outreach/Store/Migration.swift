import Histories

/// Brings a store's tables up to date, each version in its turn, in one transaction.
struct Migration {
  let database: any StoreDatabase

  init(_ database: any StoreDatabase) { self.database = database }

  func run() throws {
    let dialect = database.dialect
    let newest = dialect.migrations.count
    if try database.reading({ try version($0) }) == newest { return }
    try database.writing(alone: true) { db in
      let version = try version(db)
      if version == newest { return }
      if version == nil {
        try db.execute(StoreSQL.createVersion)
        try db.execute(StoreSQL.insertVersion)
      }
      for statement in dialect.migrations[(version ?? 0)...].joined() { try db.execute(statement) }
      if version == 1 { try openAgain(db) }
      if version == 2 { try followLogs(db) }
      try db.execute(StoreSQL.setVersion, [SQLValue(newest)])
    }
  }

  /// The version of the store's tables, nil where there is none.
  private func version(_ db: any StoreConnection) throws -> Int? {
    let dialect = database.dialect
    guard try db.row(dialect.hasVersionTable)?.int(0) == 1 else {
      if try db.row(dialect.countTables)?.int(0) == 0 { return nil }
      throw OutreachError.dataContract(
        "\(database.name) is a database of something else: name another one in [store]")
    }
    let version = try db.row(StoreSQL.version)?.int(0) ?? -1
    guard (0...dialect.migrations.count).contains(version) else {
      throw OutreachError.dataContract(
        "the store \(database.name) has version \(version), this Tacit knows up to "
          + "\(dialect.migrations.count): use the newer Tacit that made it")
    }
    return version
  }

  /// States of the third version hold more of what the log says.
  private func followLogs(_ db: any StoreConnection) throws {
    let actions = try db.rows(StoreSQL.everyAction).map(Action.init)
    for (number, log) in Dictionary(grouping: actions, by: \.caseNumber) {
      var state = CaseState()
      for action in log { try state.apply(action) }
      guard state.steps != nil else { continue }
      try db.execute(
        "UPDATE cases SET state = ? WHERE id = ?",
        [try SQLValue(canonicalJSON(state)), SQLValue(number)])
    }
  }

  /// The first version's log held the opening of each case and nothing else.
  private func openAgain(_ db: any StoreConnection) throws {
    for row in try db.rows(
      "SELECT id, opened_at, form, queue FROM cases WHERE state = '{}' ORDER BY id")
    {
      let number = try row.integer(0)
      let opened = Action(
        caseNumber: number, number: 1, at: Instant(microseconds: try row.integer(1)),
        kind: .opened, actor: Action.run,
        detail: ["form": try row.text(2), "queue": try row.text(3)])
      var logged = opened
      logged.hash = opened.chained(after: "")
      try db.execute(StoreSQL.insertAction, try logged.values())
      try db.execute(
        "UPDATE cases SET state = ? WHERE id = ?",
        [try SQLValue(canonicalJSON(CaseState())), SQLValue(number)])
    }
  }
}
