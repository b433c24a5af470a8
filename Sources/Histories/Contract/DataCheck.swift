/// Everything that is wrong with a project's data, in one reading: what `tacit check` says.
///
/// Bounded memory: the accounts file, samples of at most a million hashes (of rows of one file, of
/// event ids of one table, of accounts that no accounts file has), and some chunks. Above a million
/// distinct ones the counts of repeats are estimates, and are said to be.
package struct DataCheck: Sendable {
  package private(set) var findings: [Finding] = []
  package private(set) var files: [IntakeReport.File] = []
  package private(set) var volumes: [TableVolume] = []
  /// Kinds in the order of their names' bytes.
  package private(set) var kinds: [KindFacts] = []
  /// Rows of the accounts file; nil without one.
  package private(set) var accounts: Int?
  /// Accounts with events, about as many where `accountsAreEstimated`.
  package private(set) var accountsWithEvents = 0
  package private(set) var accountsAreEstimated = false
  /// The exit status that reading for a run would have: 0 where nothing is an error.
  package private(set) var status: Int32 = 0

  /// Reads all sources of `settings`.
  ///
  /// - Parameters:
  ///   - roles: of kinds, as for `HistoryBase.read`.
  ///   - judged: kinds of feedback whose value says what is negative.
  ///   - asOf: volumes and freshness are those before its local day.
  ///   - now: later events cannot have happened yet.
  /// - Complexity: O(n) for n rows.
  package init(
    _ settings: HistorySettings, roles: [String: KindRole], judged: Set<String>, asOf: Instant,
    now: Instant, threads: Int, progress: (@Sendable (Int, Int) -> Void)? = nil
  ) {
    let clock = ContinuousClock()
    let start = clock.now
    var accountsFile: AccountsFile?
    var people: [IntakeReport.File] = []
    if let source = settings.accounts {
      do throws(HistoriesError) {
        let file = try AccountsFile(
          source, zone: settings.timeZone, erased: settings.erased,
          chunkBytes: RowChunks.defaultChunkBytes)
        people.append(
          Self.file(file.table, "accounts", file.rows, file.bytes, file.bad.count, clock, start))
        check(file, share: settings.badRowShare)
        accountsFile = file
        accounts = file.ids.count
      } catch {
        refuse(error)
      }
    }
    let events = EventCheck(
      settings, now: now, known: accountsFile.map { KnownAccounts($0.ids + $0.erased) },
      threads: threads, progress: progress)
    findings += events.findings
    for failure in events.failures { note(failure) }
    files = events.files
    volumes = events.volumes
    kinds = events.kinds.map {
      var kind = $0
      kind.role = roles[kind.name] ?? .feature
      return kind
    }
    checkKinds(settings, roles, judged)
    for volume in volumes {
      for text in volume.warnings(before: asOf, zone: settings.timeZone) {
        let isStale = volume.state(before: asOf, zone: settings.timeZone)?.isStale == true
        findings.append(Finding(.warning, isStale ? "stale" : "volume_low", text))
      }
    }
    if kinds.isEmpty, events.failures.isEmpty {
      add(.error, "no_events", "no [[events]] table has a usable row")
    }
    compareAccounts(accountsFile, events)
    if let source = settings.contacts {
      let start = clock.now
      do throws(HistoriesError) {
        let file = try ContactsFile(source, erased: settings.erased)
        people.append(
          Self.file(file.table, "contacts", file.rows, file.bytes, file.bad.count, clock, start))
        check(file, accountsFile, share: settings.badRowShare)
      } catch {
        refuse(error)
      }
    }
    files += people
    findings = Finding.Severity.allCases.flatMap { severity in
      findings.filter { $0.severity == severity }
    }
    if status == 0, findings.contains(where: { $0.severity == .error }) { status = 65 }
  }

  private static func file(
    _ table: ByteSource, _ section: String, _ rows: Int, _ bytes: Int, _ bad: Int,
    _ clock: ContinuousClock, _ start: ContinuousClock.Instant
  ) -> IntakeReport.File {
    .init(
      path: table.path, section: section, rows: rows, bytes: bytes, badRows: bad,
      seconds: (clock.now - start) / .seconds(1))
  }

  private mutating func add(
    _ severity: Finding.Severity, _ code: String, _ text: String, _ seen: Sightings? = nil
  ) {
    findings.append(
      Finding(severity, code, text, count: seen?.count ?? 1, places: seen?.places ?? []))
  }

  /// What reading for a run would stop at.
  private mutating func refuse(_ error: HistoriesError) {
    add(.error, "unreadable", error.description)
    note(error)
  }

  /// The data's own fault comes before what is missing or down.
  private mutating func note(_ error: HistoriesError) {
    if status == 0 || error.exitStatus == 65 { status = error.exitStatus }
  }

  private mutating func check(_ file: AccountsFile, share: Double) {
    unusable("[accounts]", file.table, file.bad.map { ($0.line, $0.what) }, of: file.rows, share)
    twice(
      "account_twice", "rows of [accounts] are of an account that an earlier row has",
      file.duplicates, file.table)
    var negative = Sightings()
    for row in file.ids.indices where (file.record(row).value ?? 0) < 0 {
      negative.add(Self.place(file.table, file.lines[row]))
    }
    if negative.count > 0 {
      add(
        .warning, "negative_value",
        "rows of [accounts] have a `value` below zero: is it what the account is worth a year?",
        negative)
    }
  }

  private mutating func check(_ file: ContactsFile, _ accounts: AccountsFile?, share: Double) {
    unusable("[contacts]", file.table, file.bad.map { ($0.line, $0.what) }, of: file.rows, share)
    twice(
      "contact_twice", "rows of [contacts] are of a person whom an earlier row of the account has",
      file.duplicates, file.table)
    guard let accounts else { return }
    let known = Set(accounts.ids.map { Array($0.utf8) })
    let unknown = file.unknown { known.contains(Array($0.utf8)) }
    if unknown.rows > 0 {
      findings.append(
        Finding(
          .warning, "contacts_unknown",
          "rows of [contacts] are of accounts that [accounts] does not have "
            + "(\(unknown.accounts) accounts)", count: unknown.rows))
    }
  }

  private mutating func twice(
    _ code: String, _ text: String, _ rows: [(line: Int, earlier: Int)], _ table: ByteSource
  ) {
    var seen = Sightings()
    for row in rows { seen.add(Self.place(table, row.line)) }
    if seen.count > 0 { add(.error, code, text + ": keep one", seen) }
  }

  private mutating func unusable(
    _ section: String, _ table: ByteSource, _ bad: [(line: Int, what: RowProblem)], of rows: Int,
    _ share: Double
  ) {
    var log = UnusableRows(section: section)
    for row in bad { log.add(row.what, Self.place(table, row.line)) }
    findings += log.findings(of: rows, share: share)
  }

  private static func place(_ table: ByteSource, _ line: Int) -> Finding.Place {
    Finding.Place(file: table.path, line: line, countsRows: table.countsRows)
  }

  private mutating func checkKinds(
    _ settings: HistorySettings, _ roles: [String: KindRole], _ judged: Set<String>
  ) {
    for text in HistoryIntake.unmet(settings, roles, kinds.map(\.name)) {
      add(.warning, "kind_unmet", text)
    }
    for kind in kinds where judged.contains(kind.name) && kind.valued < kind.events {
      findings.append(
        Finding(
          .warning, "feedback_without_value",
          "events of the kind \"\(kind.name)\" have no value, and [[feedback.signal]] judges by it: "
            + "they say nothing", count: kind.events - kind.valued))
    }
    for kind in kinds {
      guard let meant = kinds.first(where: { Self.isSlip(kind, of: $0) }) else { continue }
      findings.append(
        Finding(
          .warning, "kind_misspelt",
          "events are of the kind \"\(kind.name)\", which looks like \"\(meant.name)\" "
            + "(\(meant.events) events) misspelt", count: kind.events))
    }
  }

  /// Whether a kind is rare beside another and written nearly like it: but for case and punctuation
  /// the same, or one letter off, or two swapped.
  private static func isSlip(_ kind: KindFacts, of other: KindFacts) -> Bool {
    guard kind.name != other.name, kind.events <= max(1, other.events / 1000),
      kind.events < other.events
    else { return false }
    func plain(_ text: String) -> [UInt8] {
      text.utf8.filter { $0 > 0x7f || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a) || $0.isDigit }
        .map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }
    }
    let (a, b) = (plain(kind.name), plain(other.name))
    // Short names, and those that differ by a number, are names of their own.
    guard a != b else { return true }
    guard min(a.count, b.count) >= 4, a.filter(\.isDigit) == b.filter(\.isDigit) else {
      return false
    }
    let distance = editDistance(a, b)
    return distance == 1 || (distance == 2 && a.sorted() == b.sorted())
  }

  private mutating func compareAccounts(_ file: AccountsFile?, _ events: EventCheck) {
    accountsWithEvents = events.knownWithEvents + events.others.distinct
    accountsAreEstimated = events.others.isEstimate
    guard let file else { return }
    if events.otherEvents > 0 {
      findings.append(
        Finding(
          .warning, "events_unknown",
          "events are of \(events.others.isEstimate ? "about " : "")\(events.others.distinct) "
            + "accounts that [accounts] does not have: they are scored without attributes, and nobody "
            + "knows whether they may be contacted", count: events.otherEvents))
    }
    let without = file.ids.count - events.knownWithEvents
    if without > 0, !kinds.isEmpty {
      findings.append(
        Finding(
          .note, "accounts_without_events",
          "accounts of \(file.ids.count) have no event: they are not scored", count: without))
    }
  }
}

/// Unusable rows of one table by what is wrong with them.
struct UnusableRows {
  let section: String
  private var problems: [(what: RowProblem, seen: Sightings)] = []

  init(section: String) { self.section = section }

  var count: Int { problems.reduce(0) { $0 + $1.seen.count } }

  mutating func add(_ what: RowProblem, _ place: @autoclosure () -> Finding.Place) {
    if let known = problems.firstIndex(where: { $0.what == what }) {
      problems[known].seen.add(place())
    } else if problems.count < 100 {
      problems.append((what, Sightings()))
      problems[problems.count - 1].seen.add(place())
    } else {
      // A hundred ways to be wrong, each a number of fields: the last stands for all others.
      problems[problems.count - 1].seen.add(place())
    }
  }

  /// Errors where a run would refuse so large a share, else warnings; the commonest first.
  func findings(of rows: Int, share: Double) -> [Finding] {
    guard count > 0 else { return [] }
    let isTooMany = Double(count) > share * Double(rows)
    let severity = isTooMany ? Finding.Severity.error : .warning
    var found = problems.sorted { $0.seen.count > $1.seen.count }.map {
      Finding(
        severity, "unusable_rows", "rows of \(section) cannot be used: \($0.what.text)",
        count: $0.seen.count, places: $0.seen.places)
    }
    if isTooMany {
      found.insert(
        Finding(
          .error, "too_many_unusable_rows",
          "of \(rows) rows of \(section) cannot be used, more than the share of \(share) that "
            + "max_bad_row_share allows", count: count), at: 0)
    }
    return found
  }
}
