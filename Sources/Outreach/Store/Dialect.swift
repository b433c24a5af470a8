/// What differs between the databases: how a place for a value is written, how a row is claimed, and
/// how tables are defined. Every other statement is in `StoreSQL`, once for both.
///
/// Text is compared by bytes, instants are whole microseconds since 1970-01-01T00:00:00Z.
enum Dialect: Sendable {
  case sqlite, postgres

  /// Said on every SQLite connection. A rollback journal, because write-ahead logging has a reset bug
  /// before SQLite 3.51.3 (DESIGN 5.9); `FULL`, so that what is published survives power loss;
  /// what is deleted is written over.
  static let connection = [
    "PRAGMA journal_mode = DELETE",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
  ]

  /// A statement of `StoreSQL` as this database reads it. None of ours holds a `?` of its own.
  func placed(_ sql: String) -> String {
    guard self == .postgres else { return sql }
    var placed = ""
    var number = 0
    for scalar in sql.unicodeScalars {
      if scalar == "?" {
        number += 1
        placed += "$\(number)"
      } else {
        placed.unicodeScalars.append(scalar)
      }
    }
    return placed
  }

  /// After a SELECT of one row to be claimed: rows that others are claiming are passed over. SQLite
  /// has one writer at a time.
  var skippingClaimed: String { self == .sqlite ? "" : " FOR UPDATE SKIP LOCKED" }
  /// After a SELECT of a row that is going to be changed.
  var forUpdate: String { self == .sqlite ? "" : " FOR UPDATE" }

  /// The feature of a case's first reason, as text or NULL.
  var firstReason: String {
    self == .sqlite
      ? "json_extract(reasons, '$[0].feature')" : "reasons::json -> 0 ->> 'feature'"
  }

  /// How many tables there are, ours and others'.
  var countTables: String {
    switch self {
    case .sqlite: "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
    case .postgres:
      "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
    }
  }
  var hasVersionTable: String {
    switch self {
    case .sqlite:
      "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'store_version'"
    case .postgres:
      "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() "
        + "AND tablename = 'store_version'"
    }
  }

  /// One list of statements a version of the store, appended and never edited.
  var migrations: [[String]] {
    switch self {
    case .sqlite: [Self.first, Self.secondFromFirst + tables + logIsKept, third]
    // Stores in PostgreSQL begin with the second version.
    case .postgres: [[], tables + logIsKept, third]
    }
  }

  /// The third version: how long what is no longer needed stays.
  private var third: [String] {
    [
      "ALTER TABLE notes ADD COLUMN record \(text)",
      // In the order of claims from any queue.
      "CREATE INDEX cases_by_due ON cases (due, (coalesce(logit, 1e300)) DESC, account) "
        + "WHERE closed_at IS NULL",
      // What a night asks about the year before it is answered from these alone, however wide the rows.
      "CREATE INDEX closed_cases ON cases (closed_at, account) WHERE closed_at IS NOT NULL",
      "DROP INDEX cases_of_account",
      "CREATE INDEX cases_of_account ON cases (account, opened_at)",
      "CREATE INDEX cases_of_run ON cases (as_of)",
      "CREATE INDEX explored_cases ON cases (id) WHERE form = 'exploration'",
      "CREATE INDEX contacts ON actions (at, case_id) WHERE \(StoreSQL.isContact)",
      "CREATE INDEX decisions_of_account ON decisions (account, as_of)",
      "ALTER TABLE experiments ADD COLUMN outcomes \(text)",
      "CREATE INDEX delivered_posts ON outbox (delivered_at) WHERE delivered_at IS NOT NULL",
      // A row of each erased account, which says what went and not whose it was.
      table(
        "erasures",
        [
          "number INTEGER PRIMARY KEY", "at INTEGER NOT NULL", "actor TEXT NOT NULL",
          "cases INTEGER NOT NULL", "decisions INTEGER NOT NULL", "enrolments INTEGER NOT NULL",
        ]),
      "ALTER TABLE cases ADD COLUMN erased_at \(integer)",
      // Rows taken out of a run's score file since, and its digest as it was published.
      "ALTER TABLE runs ADD COLUMN erased_rows \(integer) NOT NULL DEFAULT 0",
      "ALTER TABLE runs ADD COLUMN published_sha256 \(text)",
      table("snippets", Self.snippetColumns),
    ]
  }

  /// What was said on a case and worked; without its text once it is dropped, so that numbers stay.
  private static let snippetColumns = [
    "id INTEGER PRIMARY KEY", "case_id INTEGER NOT NULL REFERENCES cases (id)",
    "at INTEGER NOT NULL", "actor TEXT NOT NULL", "part TEXT NOT NULL", "form TEXT", "cause TEXT",
    "text TEXT",
  ]

  private var text: String { self == .sqlite ? "TEXT" : "TEXT COLLATE \"C\"" }
  private var integer: String { self == .sqlite ? "INTEGER" : "BIGINT" }
  private var real: String { self == .sqlite ? "REAL" : "DOUBLE PRECISION" }
  private var strict: String { self == .sqlite ? " STRICT" : "" }

  /// The tables of the second version; `columns` as "name TYPE…", the types written as SQLite does.
  private func table(_ name: String, _ columns: [String]) -> String {
    let defined = columns.map { column in
      var words = column.split(separator: " ", maxSplits: 2).map(String.init)
      guard words.count > 1 else { return column }
      switch words[1] {
      case "TEXT": words[1] = text
      case "INTEGER": words[1] = integer
      case "REAL": words[1] = real
      default: return column
      }
      return words.joined(separator: " ")
    }
    return "CREATE TABLE \(name) (\n  " + defined.joined(separator: ",\n  ") + "\n)" + strict
  }

  private var tables: [String] {
    var statements: [String] = []
    if self == .postgres {
      statements += [
        table(
          "runs",
          [
            "as_of INTEGER NOT NULL UNIQUE", "model TEXT NOT NULL", "scores_path TEXT NOT NULL",
            "scores_sha256 TEXT NOT NULL", "tacit_version TEXT NOT NULL",
            "accounts INTEGER NOT NULL", "silent INTEGER NOT NULL", "decided INTEGER NOT NULL",
            "flagged INTEGER NOT NULL", "business_day INTEGER NOT NULL", "cut REAL",
          ]),
        table(
          "decisions",
          [
            "as_of INTEGER NOT NULL REFERENCES runs (as_of)", "account TEXT NOT NULL",
            "position INTEGER NOT NULL", "logit REAL NOT NULL", "probability REAL NOT NULL",
            "disposition TEXT NOT NULL", "queue TEXT", "UNIQUE (as_of, account)",
          ]),
      ]
    }
    statements += [
      "ALTER TABLE runs ADD COLUMN voiced \(integer) NOT NULL DEFAULT 0",
      "ALTER TABLE runs ADD COLUMN explored \(integer) NOT NULL DEFAULT 0",
      table(
        "cases",
        [
          "id INTEGER PRIMARY KEY", "account TEXT NOT NULL", "form TEXT NOT NULL",
          "queue TEXT NOT NULL", "channel TEXT NOT NULL",
          "as_of INTEGER NOT NULL REFERENCES runs (as_of)", "opened_at INTEGER NOT NULL",
          "due INTEGER NOT NULL", "close_due INTEGER", "model TEXT", "probability REAL",
          "low REAL", "high REAL", "percentile REAL", "band TEXT", "logit REAL",
          "reference_logit REAL", "reasons TEXT", "other REAL", "other_count INTEGER",
          "extrapolated INTEGER", "never_spoken INTEGER", "exemplars TEXT NOT NULL",
          "voice TEXT", "person TEXT", "value REAL", "segment TEXT", "owner TEXT",
          "lease_until INTEGER", "closed_at INTEGER", "outcome TEXT", "state TEXT NOT NULL",
        ]),
      "CREATE UNIQUE INDEX one_open_case ON cases (account) WHERE closed_at IS NULL",
      // In the order in which they are claimed, so that a claim reads no further than it must.
      "CREATE INDEX open_cases ON cases (queue, due, (coalesce(logit, 1e300)) DESC, account) "
        + "WHERE closed_at IS NULL",
      "CREATE INDEX cases_of_account ON cases (account)",
      table(
        "actions",
        [
          "case_id INTEGER NOT NULL REFERENCES cases (id)", "number INTEGER NOT NULL",
          "at INTEGER NOT NULL", "kind TEXT NOT NULL", "actor TEXT NOT NULL",
          "detail TEXT NOT NULL", "hash TEXT NOT NULL", "PRIMARY KEY (case_id, number)",
        ]),
      "CREATE INDEX actions_by_time ON actions (at)",
      table(
        "notes",
        [
          "case_id INTEGER NOT NULL", "number INTEGER NOT NULL", "note TEXT NOT NULL",
          "PRIMARY KEY (case_id, number)",
        ]),
      table(
        "holds",
        [
          "account TEXT NOT NULL", "kind TEXT NOT NULL", "since INTEGER NOT NULL", "until INTEGER",
          "actor TEXT NOT NULL", "PRIMARY KEY (account, kind)",
        ]),
      table(
        "experiments",
        [
          "seed TEXT PRIMARY KEY", "starts INTEGER NOT NULL", "ends INTEGER NOT NULL",
          "holdout REAL NOT NULL", "exploration INTEGER NOT NULL",
        ]),
      table(
        "enrolments",
        [
          "seed TEXT NOT NULL REFERENCES experiments (seed)", "account TEXT NOT NULL",
          "arm TEXT NOT NULL", "as_of INTEGER NOT NULL", "probability REAL NOT NULL",
          "band TEXT NOT NULL", "queue TEXT NOT NULL", "PRIMARY KEY (seed, account)",
        ]),
      table(
        "incidents",
        [
          "as_of INTEGER NOT NULL", "feature TEXT NOT NULL", "accounts INTEGER NOT NULL",
          "expected REAL NOT NULL", "p REAL NOT NULL", "PRIMARY KEY (as_of, feature)",
        ]),
      table(
        "outbox",
        [
          "case_id INTEGER NOT NULL", "number INTEGER NOT NULL", "url TEXT NOT NULL",
          "attempts INTEGER NOT NULL", "next_at INTEGER NOT NULL", "delivered_at INTEGER",
          "dead_at INTEGER", "problem TEXT", "PRIMARY KEY (case_id, number, url)",
        ]),
      "CREATE INDEX outbox_waiting ON outbox (next_at) "
        + "WHERE delivered_at IS NULL AND dead_at IS NULL",
    ]
    if self == .sqlite {
      statements += Self.copyFirst
    }
    return statements
  }

  /// Actions are only ever added.
  private var logIsKept: [String] {
    switch self {
    case .sqlite:
      [
        """
        CREATE TRIGGER actions_are_not_changed BEFORE UPDATE ON actions
        BEGIN SELECT RAISE (ABORT, 'actions are only ever added'); END
        """,
        """
        CREATE TRIGGER actions_are_not_deleted BEFORE DELETE ON actions
        BEGIN SELECT RAISE (ABORT, 'actions are only ever added'); END
        """,
      ]
    case .postgres:
      [
        """
        CREATE FUNCTION actions_are_only_added() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'actions are only ever added'; END $$
        """,
        """
        CREATE TRIGGER actions_are_kept BEFORE UPDATE OR DELETE ON actions
        FOR EACH ROW EXECUTE FUNCTION actions_are_only_added()
        """,
      ]
    }
  }
}

// MARK: - The first version, SQLite alone

extension Dialect {
  fileprivate static let first = [
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

  /// Makes room for the second version's tables.
  fileprivate static let secondFromFirst = [
    "DROP TRIGGER actions_are_not_changed",
    "DROP TRIGGER actions_are_not_deleted",
    "DROP TABLE actions",
    "DROP INDEX one_open_case",
    "DROP INDEX open_cases",
    "ALTER TABLE cases RENAME TO first_cases",
  ]

  /// The first version knew one action, opening, which is made anew: `migrate` adds it, with its hash.
  fileprivate static let copyFirst = [
    """
    INSERT INTO cases (
      id, account, form, queue, channel, as_of, opened_at, due, model, probability, low, high,
      percentile, band, logit, reference_logit, reasons, other, other_count, extrapolated,
      never_spoken, exemplars, person, value, segment, closed_at, state)
    SELECT
      id, account, 'predicted', queue, channel, as_of, opened_at, due, model, probability, low, high,
      percentile, band, logit, reference_logit, reasons, other, other_count, extrapolated,
      never_spoken, exemplars, CASE WHEN name IS NOT NULL THEN json_object('name', name) END, value,
      segment, closed_at, '{}'
    FROM first_cases
    """,
    "DROP TABLE first_cases",
  ]
}
