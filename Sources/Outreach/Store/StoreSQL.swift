/// The statements of the store, in SQL that SQLite and PostgreSQL both read but for the
/// placeholders. Columns are named in the order in which `CaseStore` binds and reads them.
enum StoreSQL {
  static let createVersion = "CREATE TABLE store_version (version INTEGER NOT NULL)"
  static let insertVersion = "INSERT INTO store_version (version) VALUES (0)"
  static let version = "SELECT version FROM store_version"
  static let setVersion = "UPDATE store_version SET version = ?"

  private static let runColumns = """
    as_of, model, scores_path, scores_sha256, tacit_version, accounts, silent, decided, flagged, \
    business_day, cut
    """
  static let insertRun = "INSERT INTO runs (\(runColumns)) VALUES (\(placeholders(11)))"
  static let run = "SELECT \(runColumns) FROM runs WHERE as_of = ?"
  static let newestRun = "SELECT \(runColumns) FROM runs ORDER BY as_of DESC LIMIT 1"

  static let insertDecision = """
    INSERT INTO decisions (as_of, account, position, logit, probability, disposition, queue) \
    VALUES (\(placeholders(7)))
    """
  static let decisions = """
    SELECT account, disposition FROM decisions WHERE as_of = ? ORDER BY position
    """

  private static let caseColumns = """
    account, queue, channel, as_of, opened_at, due, model, probability, low, high, percentile, \
    band, logit, reference_logit, reasons, other, other_count, extrapolated, never_spoken, \
    exemplars, name, value, segment
    """
  static let insertCase = """
    INSERT INTO cases (\(caseColumns)) VALUES (\(placeholders(23))) RETURNING id
    """
  static let openCases = """
    SELECT \(caseColumns) FROM cases WHERE closed_at IS NULL ORDER BY due, logit DESC, account
    """
  static let openCase = """
    SELECT \(caseColumns) FROM cases WHERE closed_at IS NULL AND account = ?
    """
  static let openAccounts = "SELECT account FROM cases WHERE closed_at IS NULL"
  static let firstCases = "SELECT account, min(opened_at) FROM cases GROUP BY account"
  static let unclaimed = """
    SELECT queue, count(*) FROM cases WHERE closed_at IS NULL AND claimed_at IS NULL \
    GROUP BY queue
    """

  static let insertAction = "INSERT INTO actions (case_id, at, kind) VALUES (?, ?, ?)"

  private static func placeholders(_ count: Int) -> String {
    Array(repeating: "?", count: count).joined(separator: ", ")
  }
}
