/// Statements of corrections, of promises and of who agreed to take part.
extension StoreSQL {
  // MARK: Corrections

  static let nextCorrection = "SELECT coalesce(max(id), 0) + 1 FROM corrections"
  static let insertCorrection = "INSERT INTO corrections (id, title, state) VALUES (?, ?, ?)"
  static let correction = "SELECT id, title, state FROM corrections WHERE id = ?"
  static let corrections = "SELECT id, title, state FROM corrections ORDER BY id"
  static let setCorrection = "UPDATE corrections SET state = ? WHERE id = ?"
  static let insertCorrectionAction = """
    INSERT INTO correction_actions (correction, number, at, kind, actor, detail, hash) \
    VALUES (?, ?, ?, ?, ?, ?, ?)
    """
  static let lastCorrectionAction = """
    SELECT number, hash FROM correction_actions WHERE correction = ? ORDER BY number DESC LIMIT 1
    """
  static let insertCorrectionNote = """
    INSERT INTO correction_notes (correction, number, because) VALUES (?, ?, ?)
    """
  private static let correctionLog = """
    SELECT a.correction, a.number, a.at, a.kind, a.actor, a.detail, a.hash, n.because \
    FROM correction_actions a LEFT JOIN correction_notes n \
    ON n.correction = a.correction AND n.number = a.number
    """
  static let correctionActions =
    correctionLog + " WHERE a.correction = ? ORDER BY a.number"
  static let everyCorrectionAction = correctionLog + " ORDER BY a.correction, a.number"
  /// Who proposed the same at the same time.
  static let proposedAt = """
    SELECT c.id FROM corrections c JOIN correction_actions a ON a.correction = c.id \
    WHERE a.number = 1 AND a.at = ? AND a.actor = ? AND c.title = ?
    """
  /// Cases in which an agent did something, with when that was first.
  static let casesWorkedBy = """
    SELECT case_id, min(at) FROM actions WHERE actor = ? GROUP BY case_id ORDER BY case_id
    """
  /// Who last did something on a case, of the team.
  static let lastAgent = """
    SELECT actor FROM actions WHERE case_id = ? AND actor <> ? ORDER BY number DESC LIMIT 1
    """
  /// Cases of accounts that are not erased.
  static let standingCase = caseNumbered + " AND erased_at IS NULL"
  static let standingCasesOf = casesOf.replacing(
    " ORDER BY id", with: " AND erased_at IS NULL ORDER BY id")
  /// The case of an account that was resolved last.
  static let newestResolved = casesOf.replacing(
    " ORDER BY id",
    with: " AND outcome = 'resolved' AND erased_at IS NULL ORDER BY id DESC LIMIT 1")
  /// Predicted cases that are open or were closed since an instant.
  static let recentPredicted = everyCase.replacing(
    " ORDER BY id",
    with: " WHERE form = 'predicted' AND (closed_at IS NULL OR closed_at >= ?) "
      + "AND erased_at IS NULL ORDER BY id")

  /// Cases in which a cause may be recorded: by a text of their state, which JSON writes so.
  static let casesWithSteps = everyCase.replacing(
    " ORDER BY id", with: " WHERE state LIKE '%\"cause\":%' AND erased_at IS NULL ORDER BY id")

  // MARK: Promises

  static let insertPromise = """
    INSERT INTO promises (case_id, correction, kind, made_at, starts, due, owner) \
    VALUES (?, ?, ?, ?, ?, ?, ?)
    """
  private static let standing = "kept_at IS NULL AND ended_at IS NULL"
  private static let promiseColumns = """
    SELECT p.id, c.account, p.case_id, p.correction, p.kind, p.made_at, p.starts, p.due, p.owner, \
    p.kept_at, p.kept_by, p.ended_at, c.state, c.person FROM promises p JOIN cases c ON c.id = p.case_id
    """
  static let promises = promiseColumns + " ORDER BY p.due, p.id"
  static let promise = promiseColumns + " WHERE p.id = ?"
  static let keepPromise = """
    UPDATE promises SET kept_at = ?, kept_by = ?, note = ? WHERE id = ? AND \(standing)
    """
  /// Calls that were agreed on are kept by a contact within their time.
  static let keepCallback = """
    UPDATE promises SET kept_at = ?, kept_by = ? WHERE case_id = ? AND kind = 'callback' \
    AND starts <= ? AND due >= ? AND \(standing)
    """
  static let keepPromised = """
    UPDATE promises SET kept_at = ?, kept_by = ? WHERE case_id = ? AND kind = 'promised' \
    AND \(standing)
    """
  /// An appointment that is moved before it began.
  static let endCallback = """
    UPDATE promises SET ended_at = ? WHERE case_id = ? AND kind = 'callback' AND starts > ? \
    AND \(standing)
    """
  /// Of the case alone, not of a correction.
  static let endPromises = """
    UPDATE promises SET ended_at = ? WHERE case_id = ? AND kind = ? AND correction IS NULL \
    AND \(standing)
    """
  static let endPromisesOfCase = """
    UPDATE promises SET ended_at = ? WHERE case_id = ? AND \(standing)
    """
  static let endPromisesOfAccount = """
    UPDATE promises SET ended_at = ? WHERE \(standing) \
    AND case_id IN (SELECT id FROM cases WHERE account = ?)
    """
  static let endUpdates = """
    UPDATE promises SET ended_at = ? WHERE case_id = ? AND correction = ? AND \(standing)
    """
  static let hasUpdate = """
    SELECT count(*) FROM promises p JOIN cases c ON c.id = p.case_id \
    WHERE c.account = ? AND p.correction = ? AND p.kind = 'update' \
    AND p.kept_at IS NULL AND p.ended_at IS NULL
    """
  static let hasFollowUp = """
    SELECT count(*) FROM promises WHERE case_id = ? AND kind = 'follow_up'
    """

  // MARK: Taking part

  static let takePart = """
    INSERT INTO participations (case_id, kind, given_at, given_by) VALUES (?, ?, ?, ?)
    """
  /// Those that stand, of an account.
  static let takingPart = """
    SELECT p.case_id, p.kind FROM participations p JOIN cases c ON c.id = p.case_id \
    WHERE c.account = ? AND p.revoked_at IS NULL ORDER BY p.kind, p.case_id
    """
  static let revokePart = """
    UPDATE participations SET revoked_at = ?, revoked_by = ? WHERE kind = ? AND revoked_at IS NULL \
    AND case_id IN (SELECT id FROM cases WHERE account = ?)
    """
  static let participants = """
    SELECT p.case_id, min(p.given_at) FROM participations p \
    WHERE p.kind = ? AND p.revoked_at IS NULL GROUP BY p.case_id ORDER BY p.case_id
    """

  static let closedCases = everyCase.replacing(
    " ORDER BY id", with: " WHERE closed_at <= ? AND erased_at IS NULL ORDER BY id")

  // MARK: Erasure

  /// What of an account goes when it is erased, beside what hangs on its cases.
  static let erasePromiseNotes = """
    UPDATE promises SET note = NULL WHERE case_id IN (SELECT id FROM cases WHERE account = ?)
    """
  static let expirePromiseNotes = "UPDATE promises SET note = NULL WHERE case_id = ?"
  static let eraseParticipations = """
    DELETE FROM participations WHERE case_id IN (SELECT id FROM cases WHERE account = ?)
    """
}
