package import Detraction
package import Histories

/// The script by which an engine does a night's large part: it scores everybody, counts them, chooses
/// the candidates and hands out what native code needs of them, each as a folder of Parquet files.
///
/// The events are read twice: for the scores, and for the rows of the chosen, whose names the engine
/// joins, so that the base does not travel.
package enum NightScript {
  /// Folders of the run, by what is in them.
  package enum Output: String, CaseIterable {
    case scores, census, candidates, chosen, events, accounts, contacts
  }

  /// A CSV file of the run with the column account_id: accounts that native code asks for by name.
  package static let listedFile = "listed.csv"

  /// What a night of a project writes.
  package static func outputs(of settings: HistorySettings) -> [String] {
    Output.allCases.filter {
      switch $0 {
      case .accounts: settings.accounts != nil
      case .contacts: settings.contacts != nil
      case .scores, .census, .candidates, .chosen, .events: true
      }
    }.map(\.rawValue)
  }

  /// `folder`: where outputs go, as the engine is to write it.
  package static func text(
    _ script: SQLScript, _ candidates: CandidateSQL, model: Model, hasMechanics: Bool,
    folder: String
  ) throws(DetractionError) -> String {
    let dialect = script.dialect
    func place(_ output: Output) -> String { "\(folder)/\(output.rawValue)" }
    func written(_ output: Output) -> String { dialect.written(in: place(output)) }
    let columns =
      "account_id, logit, voice, asked, called, silent, eligible, do_not_profile, events, ordinary, "
      + "copies" + candidates.columns.map { ", \($0.name)" }.joined()
    var statements = script.preamble
    func write(_ query: String, _ output: Output) {
      statements.append(dialect.write(query, to: place(output)))
    }
    write(
      try script.query(
        "SELECT \(columns)\nFROM scores", over: model, adding: candidates.columns), .scores)
    write(census(written(.scores), hasMechanics: hasMechanics), .census)
    write(ranked(written(.scores), candidates), .candidates)
    let listed: String
    switch dialect {
    case .duckdb:
      let path = dialect.literal("\(folder)/\(listedFile)")
      listed =
        "read_csv(\(path), header = true, columns = {'account_id': 'VARCHAR'}, "
        + "quote = '\"', escape = '\"', delim = ',')"
    case .spark:
      statements.append(
        "CREATE OR REPLACE TEMPORARY VIEW listed (account_id STRING)\nUSING csv OPTIONS (path "
          + "\(dialect.literal("\(folder)/\(listedFile)")), header 'true', multiLine 'true', "
          + "quote '\"', escape '\"')")
      listed = "listed"
    }
    write(
      """
      SELECT account_id FROM \(written(.candidates)) AS a
      UNION SELECT account_id FROM \(written(.scores)) AS b WHERE called AND account_id IS NOT NULL
      UNION SELECT account_id FROM \(listed) AS c WHERE account_id IS NOT NULL
      """, .chosen)
    let rows = try script.rows(of: "SELECT account_id FROM \(written(.chosen))")
    write(rows.events, .events)
    if let accounts = rows.accounts { write(accounts, .accounts) }
    if let contacts = rows.contacts { write(contacts, .contacts) }
    return statements.map { $0 + ";\n" }.joined(separator: "\n")
  }

  /// One row of counts.
  private static func census(_ scores: String, hasMechanics: Bool) -> String {
    let person = "account_id IS NOT NULL AND ordinary > 0"
    func count(_ condition: String) -> String { "count(*) FILTER (WHERE \(condition))" }
    func asked(_ word: String) -> String {
      hasMechanics ? count("silent AND asked = '\(word)'") : "CAST(0 AS BIGINT)"
    }
    return """
      SELECT \(count(person)) AS accounts, \(count("\(person) AND do_not_profile")) AS objected,
        \(count("\(person) AND NOT do_not_profile AND voice = 'recent'")) AS recent,
        \(count("silent AND voice = 'lapsed'")) AS lapsed,
        \(count("silent AND voice = 'never_spoken'")) AS never_spoken,
        \(asked("never")) AS never_asked, \(asked("ignored")) AS ignored,
        \(asked("earlier")) AS asked_earlier,
        CAST(coalesce(sum(events), 0) AS BIGINT) AS events,
        CAST(coalesce(sum(CASE WHEN account_id IS NULL THEN events END), 0) AS BIGINT) AS set_aside,
        CAST(coalesce(sum(copies - 1), 0) AS BIGINT) AS copies
      FROM \(scores) AS scores
      """
  }

  /// The candidates and how many of the silent have a higher logit: counted by bins of a thousandth,
  /// and by rank within the bins that hold candidates, so that nothing is sorted as a whole.
  private static func ranked(_ scores: String, _ candidates: CandidateSQL) -> String {
    """
    WITH marked AS (
    SELECT account_id, logit, CAST(floor(logit * 1000) AS BIGINT) AS bin,
      \(candidates.isCandidate(in: scores)) AS candidate
    FROM \(scores) AS scores
    WHERE silent
    ), bins AS (
    SELECT bin, count(*) AS held, bool_or(candidate) AS wanted FROM marked GROUP BY bin
    ), higher AS (
    SELECT bin, wanted, coalesce(sum(held) OVER (ORDER BY bin DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS above
    FROM bins
    ), placed AS (
    SELECT marked.account_id, marked.logit, marked.candidate,
      CAST(higher.above + rank() OVER (PARTITION BY marked.bin ORDER BY marked.logit DESC) - 1
        AS BIGINT) AS above
    FROM marked JOIN higher ON higher.bin = marked.bin AND higher.wanted
    )
    SELECT account_id, logit, above FROM placed WHERE candidate
    """
  }
}
