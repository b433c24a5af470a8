/// What the store says to SQLite in particular; every other statement is in `StoreSQL` and is
/// meant for any SQL database. Text is compared by bytes (SQLite's `BINARY`), instants are whole
/// microseconds since 1970-01-01T00:00:00Z.
enum Dialect {
  /// Said on every connection. A rollback journal, because write-ahead logging has a reset bug
  /// before SQLite 3.51.3 (DESIGN 5.9); `FULL`, so that what is published survives power loss.
  static let connection = [
    "PRAGMA journal_mode = DELETE",
    "PRAGMA synchronous = FULL",
  ]

  /// How many tables there are, ours and others'.
  static let countTables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
  static let hasVersionTable =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'store_version'"

  /// One list of statements a version of the store, appended and never edited.
  static let migrations = [
    [
      """
      CREATE TABLE runs (
        as_of INTEGER NOT NULL UNIQUE,
        model TEXT NOT NULL,
        scores_path TEXT NOT NULL,
        scores_sha256 TEXT NOT NULL,
        tacit_version TEXT NOT NULL,
        accounts INTEGER NOT NULL,
        silent INTEGER NOT NULL,
        decided INTEGER NOT NULL,
        flagged INTEGER NOT NULL,
        business_day INTEGER NOT NULL,
        cut REAL
      ) STRICT
      """,
      """
      CREATE TABLE decisions (
        as_of INTEGER NOT NULL REFERENCES runs (as_of),
        account TEXT NOT NULL,
        position INTEGER NOT NULL,
        logit REAL NOT NULL,
        probability REAL NOT NULL,
        disposition TEXT NOT NULL,
        queue TEXT,
        UNIQUE (as_of, account)
      ) STRICT
      """,
      """
      CREATE TABLE cases (
        id INTEGER PRIMARY KEY,
        account TEXT NOT NULL,
        queue TEXT NOT NULL,
        channel TEXT NOT NULL,
        as_of INTEGER NOT NULL REFERENCES runs (as_of),
        opened_at INTEGER NOT NULL,
        due INTEGER NOT NULL,
        model TEXT NOT NULL,
        probability REAL NOT NULL,
        low REAL NOT NULL,
        high REAL NOT NULL,
        percentile REAL NOT NULL,
        band TEXT NOT NULL,
        logit REAL NOT NULL,
        reference_logit REAL NOT NULL,
        reasons TEXT NOT NULL,
        other REAL NOT NULL,
        other_count INTEGER NOT NULL,
        extrapolated INTEGER NOT NULL,
        never_spoken INTEGER NOT NULL,
        exemplars TEXT NOT NULL,
        name TEXT,
        value REAL,
        segment TEXT,
        claimed_at INTEGER,
        closed_at INTEGER
      ) STRICT
      """,
      "CREATE UNIQUE INDEX one_open_case ON cases (account) WHERE closed_at IS NULL",
      "CREATE INDEX open_cases ON cases (queue, due) WHERE closed_at IS NULL",
      """
      CREATE TABLE actions (
        id INTEGER PRIMARY KEY,
        case_id INTEGER NOT NULL REFERENCES cases (id),
        at INTEGER NOT NULL,
        kind TEXT NOT NULL
      ) STRICT
      """,
      "CREATE INDEX actions_of_case ON actions (case_id)",
      """
      CREATE TRIGGER actions_are_not_changed BEFORE UPDATE ON actions
      BEGIN SELECT RAISE (ABORT, 'actions are only ever added'); END
      """,
      """
      CREATE TRIGGER actions_are_not_deleted BEFORE DELETE ON actions
      BEGIN SELECT RAISE (ABORT, 'actions are only ever added'); END
      """,
    ]
  ]
}
