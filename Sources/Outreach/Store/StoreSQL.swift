/// The statements of the store, in SQL that SQLite and PostgreSQL both read; `?` is a place for a value.
/// Columns are named in the order in which rows are written and read.
enum StoreSQL {
  static let createVersion = "CREATE TABLE store_version (version INTEGER NOT NULL)"
  static let insertVersion = "INSERT INTO store_version (version) VALUES (0)"
  static let version = "SELECT version FROM store_version"
  static let setVersion = "UPDATE store_version SET version = ?"

  // MARK: Runs and decisions

  private static let runColumns = """
    as_of, model, scores_path, scores_sha256, tacit_version, accounts, silent, decided, flagged, \
    business_day, cut, voiced, explored
    """
  static let insertRun = "INSERT INTO runs (\(runColumns)) VALUES (\(places(13)))"
  static let run = "SELECT \(runColumns) FROM runs WHERE as_of = ?"
  static let runsOfModel = """
    SELECT \(runColumns) FROM runs WHERE model = ? AND as_of < ? ORDER BY as_of
    """
  /// Of each run before one, the newest 60: accounts above its cut that a queue would take if nothing
  /// else were open.
  static let volumes = """
    SELECT r.as_of, count(d.account) FROM runs r LEFT JOIN decisions d ON d.as_of = r.as_of \
    AND d.logit >= r.cut AND d.disposition IN ('flagged', 'open_case', 'no_capacity') \
    WHERE r.as_of < ? GROUP BY r.as_of ORDER BY r.as_of DESC LIMIT 60
    """
  static let newestRun = "SELECT \(runColumns) FROM runs ORDER BY as_of DESC LIMIT 1"
  static let runs = "SELECT \(runColumns) FROM runs ORDER BY as_of"

  static let insertDecision = """
    INSERT INTO decisions (as_of, account, position, logit, probability, disposition, queue) \
    VALUES (\(places(7)))
    """
  static let dispositions = """
    SELECT disposition, count(*) FROM decisions WHERE as_of = ? GROUP BY disposition
    """
  static let latestDisposition = """
    SELECT disposition FROM decisions WHERE account = ? ORDER BY as_of DESC LIMIT 1
    """
  static let decisionsOf = """
    SELECT as_of, position, probability, disposition, queue FROM decisions WHERE account = ? \
    ORDER BY as_of
    """

  // MARK: Cases

  private static let caseColumns = """
    id, account, form, queue, channel, as_of, opened_at, due, close_due, model, probability, low, \
    high, percentile, band, logit, reference_logit, reasons, other, other_count, extrapolated, \
    never_spoken, exemplars, voice, person, value, segment, state, said
    """
  static let nextCase = "SELECT coalesce(max(id), 0) + 1 FROM cases"
  static let insertCase = "INSERT INTO cases (\(caseColumns)) VALUES (\(places(29)))"
  static let openCases = """
    SELECT \(caseColumns) FROM cases WHERE closed_at IS NULL \
    ORDER BY due, coalesce(logit, 1e300) DESC, account
    """
  static let openCase = "SELECT \(caseColumns) FROM cases WHERE closed_at IS NULL AND account = ?"
  static let caseNumbered = "SELECT \(caseColumns) FROM cases WHERE id = ?"
  static let casesOf = "SELECT \(caseColumns) FROM cases WHERE account = ? ORDER BY id"
  static let everyCase = "SELECT \(caseColumns) FROM cases ORDER BY id"
  /// Open cases beyond a promise, if nothing put it off; in the order of `openCases`.
  static let dueCases = """
    SELECT \(caseColumns) FROM cases WHERE closed_at IS NULL AND (due < ? OR close_due < ?) \
    ORDER BY due, coalesce(logit, 1e300) DESC, account
    """
  static let escalatedAt = """
    SELECT count(*) FROM actions WHERE at = ? AND kind = 'escalated' AND actor = ?
    """
  static let openAccounts = "SELECT account, form, id FROM cases WHERE closed_at IS NULL"
  /// The first reasons of predicted cases since an instant, by night.
  static func firstReasons(_ dialect: Dialect) -> String {
    """
    SELECT as_of, \(dialect.firstReason) AS reason, count(*) FROM cases \
    WHERE as_of >= ? AND form = 'predicted' AND reasons IS NOT NULL GROUP BY as_of, reason
    """
  }
  static let explored = """
    SELECT account, as_of, state FROM cases WHERE form = 'exploration' ORDER BY id
    """
  static let firstCases = "SELECT account, min(opened_at) FROM cases GROUP BY account"
  static let unclaimed = """
    SELECT queue, count(*) FROM cases \
    WHERE closed_at IS NULL AND owner IS NULL AND form = 'predicted' GROUP BY queue
    """
  /// The next case to be worked: nobody's, or one whose lease has ended.
  private static let claimable = """
    SELECT \(caseColumns) FROM cases WHERE closed_at IS NULL \
    AND (owner IS NULL OR lease_until <= ?)
    """
  static let claimAny = claimable + " ORDER BY due, coalesce(logit, 1e300) DESC, account LIMIT 1"
  static let claimFromQueue =
    claimable + " AND queue = ? ORDER BY due, coalesce(logit, 1e300) DESC, account LIMIT 1"
  /// The same cases from one on, without the case itself: what decides whether a customer may be called.
  static let claimableAfter = """
    SELECT id, due, coalesce(logit, 1e300), account, channel, person, state, queue FROM cases \
    WHERE closed_at IS NULL AND (owner IS NULL OR lease_until <= ?) AND due >= ? \
    AND (due > ? OR coalesce(logit, 1e300) < ? OR (coalesce(logit, 1e300) = ? AND account > ?)) \
    ORDER BY due, coalesce(logit, 1e300) DESC, account LIMIT ?
    """
  static let claimableAfterInQueue = claimableAfter.replacing(
    " AND due >= ?", with: " AND queue = ? AND due >= ?")
  /// Cases that were given to one agent and that nobody has taken up.
  static let assigned = """
    SELECT id, queue FROM cases WHERE closed_at IS NULL AND lease_until IS NULL AND owner = ? \
    ORDER BY due, id
    """
  static let claimNumbered = claimable + " AND id = ?"
  static let setState = """
    UPDATE cases SET queue = ?, owner = ?, lease_until = ?, closed_at = ?, outcome = ?, state = ? \
    WHERE id = ?
    """

  // MARK: Actions

  static let insertAction = """
    INSERT INTO actions (case_id, number, at, kind, actor, detail, hash) VALUES (\(places(7)))
    """
  static let lastAction = """
    SELECT number, hash FROM actions WHERE case_id = ? ORDER BY number DESC LIMIT 1
    """
  static let insertNote = """
    INSERT INTO notes (case_id, number, note, record) VALUES (?, ?, ?, ?)
    """
  static let actions = """
    SELECT a.case_id, a.number, a.at, a.kind, a.actor, a.detail, n.note, a.hash, n.record FROM actions a \
    LEFT JOIN notes n ON n.case_id = a.case_id AND n.number = a.number
    """
  static let actionsOf = actions + " WHERE a.case_id = ? ORDER BY a.number"
  static let actionNumbered = actions + " WHERE a.case_id = ? AND a.number = ?"
  static let everyAction = actions + " ORDER BY a.case_id, a.number"
  /// Notes of open cases, or of all, the newest of a case last.
  static let notes = """
    SELECT n.case_id, n.note FROM notes n WHERE n.note <> '' ORDER BY n.case_id, n.number
    """
  static let notesOfOpen = """
    SELECT n.case_id, n.note FROM notes n JOIN cases c ON c.id = n.case_id \
    WHERE c.closed_at IS NULL AND n.note <> '' ORDER BY n.case_id, n.number
    """
  /// What customers answered; not those who are erased.
  static let answers = """
    SELECT c.account, c.id, c.form, c.channel, c.as_of, a.at, a.detail FROM actions a \
    JOIN cases c ON c.id = a.case_id \
    WHERE a.kind = 'answered' AND c.erased_at IS NULL \
    ORDER BY a.at, a.case_id, a.number
    """
  /// Contacts since an instant, by account.
  static let touches = """
    SELECT c.account, max(a.at), count(*) FROM actions a JOIN cases c ON c.id = a.case_id \
    WHERE a.at >= ? AND a.\(isContact) GROUP BY c.account
    """
  /// As the index `contacts` has it.
  static let isContact = "kind IN ('attempted', 'message_left', 'reached', 'messaged')"
  /// Cases closed since an instant, the latest of an account.
  static let closedSince = """
    SELECT account, max(closed_at) FROM cases WHERE closed_at >= ? GROUP BY account
    """

  /// The steps by which remedies were given to an account since an instant.
  static let stepsOfAccount = """
    SELECT a.detail FROM actions a JOIN cases c ON c.id = a.case_id \
    WHERE c.account = ? AND a.at >= ? AND a.kind = 'step'
    """

  // MARK: Snippets

  static let nextSnippet = "SELECT coalesce(max(id), 0) + 1 FROM snippets"
  static let insertSnippet = """
    INSERT INTO snippets (id, case_id, at, actor, part, form, cause, text) VALUES (\(places(8)))
    """
  static let snippets = """
    SELECT s.id, s.case_id, s.part, s.form, s.cause, s.text, c.state FROM snippets s \
    JOIN cases c ON c.id = s.case_id WHERE s.text IS NOT NULL ORDER BY s.id
    """
  static let dropSnippet = "UPDATE snippets SET text = NULL WHERE id = ?"
  static let eraseSnippets = "UPDATE snippets SET text = NULL WHERE case_id = ?"

  // MARK: Holds, experiments, incidents

  static let hold = """
    INSERT INTO holds (account, kind, since, until, actor) VALUES (\(places(5))) \
    ON CONFLICT (account, kind) DO UPDATE SET since = excluded.since, until = excluded.until, \
    actor = excluded.actor
    """
  static let unhold = "DELETE FROM holds WHERE account = ? AND kind = ?"
  static let holdsOf = "SELECT account, kind, since, until FROM holds WHERE account = ?"
  static let holds = "SELECT account, kind, since, until FROM holds ORDER BY account, kind"

  static let insertExperiment = """
    INSERT INTO experiments (seed, starts, ends, holdout, exploration, outcomes) \
    VALUES (\(places(6))) ON CONFLICT (seed) DO NOTHING
    """
  static let experiments = """
    SELECT seed, starts, ends, holdout, exploration, outcomes FROM experiments ORDER BY starts, seed
    """
  static let insertEnrolment = """
    INSERT INTO enrolments (seed, account, arm, as_of, probability, band, queue) \
    VALUES (\(places(7))) ON CONFLICT (seed, account) DO NOTHING
    """
  static let enrolments = """
    SELECT seed, account, arm, as_of, probability, band, queue FROM enrolments \
    ORDER BY seed, as_of, account
    """
  /// The arms of experiments that are not over.
  static let runningArms = """
    SELECT n.seed, n.account, n.arm FROM enrolments n JOIN experiments e ON e.seed = n.seed \
    WHERE e.ends > ?
    """
  static let leftAlone = """
    SELECT n.account, n.as_of, e.holdout FROM enrolments n JOIN experiments e ON e.seed = n.seed \
    WHERE n.arm = 'holdout' ORDER BY n.seed, n.as_of, n.account
    """
  static let insertIncident = """
    INSERT INTO incidents (as_of, feature, accounts, expected, p) VALUES (\(places(5)))
    """
  static let incidents = """
    SELECT as_of, feature, accounts, expected, p FROM incidents ORDER BY as_of, feature
    """

  // MARK: The outbox

  static let post = """
    INSERT INTO outbox (case_id, number, url, attempts, next_at) VALUES (?, ?, ?, 0, ?)
    """
  /// A post waits for its time, and for every earlier one of its case to the same place.
  private static let waiting = """
    FROM outbox o WHERE o.delivered_at IS NULL AND o.dead_at IS NULL AND o.next_at <= ? \
    AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.case_id = o.case_id AND b.url = o.url \
    AND b.number < o.number AND b.delivered_at IS NULL AND b.dead_at IS NULL)
    """
  static let waitingURLs = "SELECT o.url, count(*) \(waiting) GROUP BY o.url ORDER BY o.url"
  static let waitingPost = """
    SELECT o.case_id, o.number, o.attempts, o.next_at \(waiting) AND o.url = ? \
    ORDER BY o.case_id, o.number LIMIT 1
    """
  /// Puts a post off while it is being sent, for who has seen it as it was.
  static let takePost = """
    UPDATE outbox SET next_at = ? WHERE case_id = ? AND number = ? AND url = ? AND next_at = ? \
    AND delivered_at IS NULL AND dead_at IS NULL
    """
  static let delivered = """
    UPDATE outbox SET attempts = attempts + 1, delivered_at = ?, problem = NULL \
    WHERE case_id = ? AND number = ? AND url = ?
    """
  static let notDelivered = """
    UPDATE outbox SET attempts = attempts + 1, next_at = ?, dead_at = ?, problem = ? \
    WHERE case_id = ? AND number = ? AND url = ?
    """
  /// Gives up every post to one place.
  static let buryURL = """
    UPDATE outbox SET dead_at = ?, problem = ? \
    WHERE url = ? AND delivered_at IS NULL AND dead_at IS NULL
    """
  static let buriedAs = """
    SELECT count(*) FROM outbox WHERE url = ? AND dead_at IS NOT NULL AND problem = ?
    """
  static let deadPosts = """
    SELECT case_id, number, url, attempts, problem FROM outbox WHERE dead_at IS NOT NULL \
    ORDER BY case_id, number, url
    """
  static let revive = """
    UPDATE outbox SET dead_at = NULL, attempts = 0, next_at = ? WHERE dead_at IS NOT NULL
    """

  // MARK: Erasure

  static let nextErasure = "SELECT coalesce(max(number), 0) + 1 FROM erasures"
  static let insertErasure = """
    INSERT INTO erasures (number, at, actor, cases, decisions, enrolments) VALUES (\(places(6)))
    """
  static let eraseCase = """
    UPDATE cases SET account = ?, erased_at = ?, model = NULL, probability = NULL, low = NULL, \
    high = NULL, percentile = NULL, band = NULL, logit = NULL, reference_logit = NULL, \
    reasons = NULL, other = NULL, other_count = NULL, extrapolated = NULL, never_spoken = NULL, \
    exemplars = '[]', voice = NULL, said = NULL, person = NULL, value = NULL, segment = NULL WHERE id = ?
    """
  static let eraseNotes = "DELETE FROM notes WHERE case_id = ?"
  static let erasePosts = "DELETE FROM outbox WHERE case_id = ? AND delivered_at IS NULL"
  static let eraseHolds = "DELETE FROM holds WHERE account = ?"
  static let eraseDecisions = "DELETE FROM decisions WHERE account = ?"
  static let eraseEnrolments = """
    UPDATE enrolments SET account = ?, probability = 0 WHERE account = ?
    """
  static let knownAs = """
    SELECT (SELECT count(*) FROM decisions WHERE account = ?), \
    (SELECT count(*) FROM enrolments WHERE account = ?), \
    (SELECT count(*) FROM holds WHERE account = ?)
    """
  static let exemplars = "SELECT id, exemplars FROM cases WHERE exemplars <> '[]' ORDER BY id"
  static let setExemplars = "UPDATE cases SET exemplars = ? WHERE id = ?"
  static let moveScores = """
    UPDATE runs SET published_sha256 = coalesce(published_sha256, scores_sha256), \
    erased_rows = erased_rows + ?, scores_path = ?, scores_sha256 = ? WHERE scores_path = ?
    """

  // MARK: Retention

  static let oldDecisions = """
    SELECT r.as_of, count(d.account) FROM runs r JOIN decisions d ON d.as_of = r.as_of \
    WHERE r.as_of < ? AND r.as_of NOT IN (SELECT as_of FROM runs ORDER BY as_of DESC LIMIT 60) \
    GROUP BY r.as_of ORDER BY r.as_of
    """
  static let expireDecisions = "DELETE FROM decisions WHERE as_of = ?"
  private static let oldPosts = "delivered_at IS NOT NULL AND delivered_at < ?"
  static let countOldPosts = "SELECT count(*) FROM outbox WHERE \(oldPosts)"
  static let oldestPosts = """
    SELECT case_id, number, url FROM outbox WHERE \(oldPosts) ORDER BY delivered_at LIMIT 1000
    """
  static let expirePost = "DELETE FROM outbox WHERE case_id = ? AND number = ? AND url = ?"
  private static let oldCases = """
    FROM cases c WHERE c.closed_at IS NOT NULL AND c.closed_at < ? AND (c.person IS NOT NULL \
    OR c.voice IS NOT NULL OR c.said IS NOT NULL OR EXISTS (SELECT 1 FROM notes n WHERE n.case_id = c.id) \
    OR EXISTS (SELECT 1 FROM promises p WHERE p.case_id = c.id AND p.note IS NOT NULL))
    """
  static let countOldCases = "SELECT count(*) \(oldCases)"
  static let oldestCases = "SELECT c.id \(oldCases) ORDER BY c.closed_at, c.id LIMIT 500"
  static let expireCase = "UPDATE cases SET person = NULL, voice = NULL, said = NULL WHERE id = ?"

  private static func places(_ count: Int) -> String {
    Array(repeating: "?", count: count).joined(separator: ", ")
  }
}
