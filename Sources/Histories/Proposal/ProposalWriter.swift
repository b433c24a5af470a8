import Foundation

/// Puts what was found into the words of a project file.
struct ProposalWriter {
  private let looks: [TableLook]
  private let accounts: AccountColumns
  private let drafts: [EventDraft]
  private let used: [Set<String>]
  private let folder: URL
  private var out = ProjectText()
  private(set) var questions: [String] = []
  private(set) var hasFeedback = false
  private(set) var asOf = ""
  private var people: [Int: PeopleDraft] = [:]
  private var signals: [SignalDraft] = []

  var text: String { out.text }

  init(
    looks: [TableLook], accounts: AccountColumns, drafts: [EventDraft], used: [Set<String>],
    folder: URL
  ) {
    self.looks = looks
    self.accounts = accounts
    self.drafts = drafts
    self.used = used
    self.folder = folder
    for index in looks.indices {
      guard let choice = accounts.choices[index] else { continue }
      let role = accounts.roles[index]
      guard role == .accounts || role == .contacts else { continue }
      people[index] = PeopleDraft(
        looks[index], account: choice.column, reason: choice.reason, isContacts: role == .contacts)
      questions += people[index]!.questions
    }
    let last = drafts.map(\.times.last).max() ?? 0
    let day = Int(last.flooredDivision(by: Instant.microsecondsPerDay)) + 1
    let date = civilDate(daysSinceEpoch: day)
    asOf = "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
    signals = drafts.flatMap { draft in
      draft.kinds.compactMap { SignalDraft($0, isAsking: draft.isAsking) }
    }
    head()
    for draft in drafts { events(draft) }
    section("accounts", of: .accounts)
    section("contacts", of: .contacts)
    feedback()
    features()
    training()
    queue()
  }

  func role(_ index: Int) -> String {
    if drafts.contains(where: { $0.table == index }), accounts.roles[index] == .accounts {
      return "accounts and events"
    }
    return accounts.roles[index].rawValue
  }

  func role(of column: SeenColumn, in index: Int) -> String? {
    for draft in drafts where draft.table == index {
      let name = column.name
      if draft.account.column == name { return "account" }
      if draft.at.column.name == name { return "at" }
      if draft.knownAt?.column.name == name { return "known_at" }
      let parts: [(String, EventDraft.Part?)] = [
        ("kind", draft.kind), ("value", draft.value), ("channel", draft.channel), ("id", draft.id),
        ("text", draft.text),
      ]
      if let part = parts.first(where: { $0.1?.column == name }) { return part.0 }
    }
    return people[index]?.roles[column.name]
  }

  // MARK: The parts of the file

  private mutating func head() {
    out.comment("Proposed by `tacit init` by looking at:")
    for look in looks {
      let count = "\(grouped(look.rows)) rows" + (look.isWhole ? "" : " (the first of them)")
      let bad = look.badRows == 0 ? "" : ", \(grouped(look.badRows)) not of the header's width"
      for path in look.paths { out.comment("  \(shown(path)): \(count)\(bad)") }
    }
    out.comment(
      "The reason stands beside each line. \"DECIDE\" marks what the files cannot tell.")
    out.blank()
    zone()
    let unusable = Dictionary(grouping: drafts, by: \.table).map { table, drafts in
      (drafts.map(\.unusable).max() ?? 0, looks[table].rows)
    }
    let share = unusable.map { $1 == 0 ? 0 : Double($0) / Double($1) }.max() ?? 0
    let peopleShare = people.map { Double($1.unusable) / Double(max(1, looks[$0].rows)) }.max() ?? 0
    let worst = max(share, peopleShare)
    guard worst > 0.009 else { return }
    out.header("[reading]")
    let allowed = min(1, (worst * 1.2 * 100).rounded(.up) / 100)
    out.line(
      "max_bad_row_share", "\(allowed)",
      "\(percent(worst)) of the rows of a file cannot be used as they are (they go to quarantine.csv); "
        + "the default is 0.01: lower this once they are repaired")
    questions.append(
      "\(percent(worst)) of the rows of a file cannot be used: see max_bad_row_share, and look at "
        + "quarantine.csv after the first run")
  }

  private mutating func zone() {
    let forms = drafts.map(\.at.form)
    let instants = forms.allSatisfy { $0.withOffset == $0.readable }
    if instants {
      out.line(
        "time_zone", "\"UTC\"",
        "DECIDE: all times say their offset, so this is only where your days begin and end")
    } else {
      out.line(
        "time_zone", "\"UTC\"",
        "DECIDE: times without an offset are on this clock, which the files do not name; such as "
          + "\"Europe/Berlin\"")
      questions.append(
        "time_zone: on which clock were the times written? The files do not say; UTC was taken")
    }
  }

  private mutating func events(_ draft: EventDraft) {
    let look = looks[draft.table]
    out.header("[[events]]")
    if accounts.roles[draft.table] == .bridged, let bridge = accounts.bridges[draft.table] {
      join(look, bridge)
    } else {
      out.line("path", ProjectText.string(pattern(look)))
      out.line("account", ProjectText.string(draft.account.column), draft.account.reason)
    }
    time("at", draft.at.column, draft.at.form, nil)
    if let known = draft.knownAt { time("known_at", known.column, known.form, known.reason) }
    if let kind = draft.kind {
      out.line("kind", ProjectText.string(kind.column), kind.reason)
      kinds(draft.kinds)
    } else if let constant = draft.constant {
      out.line("kind", "{ constant = \(ProjectText.string(constant.column)) }", constant.reason)
    }
    let parts: [(String, EventDraft.Part?)] = [
      ("value", draft.value), ("channel", draft.channel), ("id", draft.id), ("text", draft.text),
      ("only_where", draft.onlyWhere),
    ]
    for (key, part) in parts {
      if let part { out.line(key, ProjectText.string(part.column), part.reason) }
    }
    for note in draft.notes { out.comment(note) }
    let isLast = drafts.last { $0.table == draft.table }.map {
      $0.at.column.name == draft.at.column.name && $0.constant?.column == draft.constant?.column
    }
    guard isLast == true else { return }
    let left = look.columns.filter {
      !used[draft.table].contains($0.name) && people[draft.table]?.roles[$0.name] == nil
    }
    if !left.isEmpty, accounts.roles[draft.table] != .accounts {
      out.comment("not used: " + left.map(\.name).joined(separator: ", "))
    }
  }

  private mutating func time(_ key: String, _ column: SeenColumn, _ form: TimeForm, _ why: String?)
  {
    var reason =
      "\(percent(form.share)) of \(grouped(form.present)) read as "
      + (form.isISO ? "ISO 8601" : form.format)
    if form.isISO, form.withOffset > 0 {
      reason +=
        form.withOffset == form.readable
        ? ", all with an offset"
        : ", \(percent(Double(form.withOffset) / Double(form.readable))) with an offset"
    }
    if let other = form.other {
      if form.isAmbiguous {
        reason += "; DECIDE: no day is above 12, so it may be \(other) as well"
        questions.append(
          "\(column.name): \(form.format) or \(other)? No day is above 12, so both read every row; "
            + "\(form.format) was taken")
      } else {
        reason +=
          "; \(grouped(form.againstOther)) rows decide day and month this way, "
          + "\(grouped(form.againstThis)) the other way"
      }
    }
    if let why { reason = why + "; " + reason }
    out.line(key, timeValue(column, form), reason)
  }

  private mutating func kinds(_ kinds: [EventLook.Kind]) {
    let shown = kinds.prefix(40)
    for kind in shown {
      var line = "  \(kind.name): \(grouped(kind.events))"
      if kind.valued > 0 {
        line +=
          ", value in \(percent(Double(kind.valued) / Double(kind.events)))"
          + (kind.isWhole && abs(kind.least) <= 1000 && abs(kind.most) <= 1000
            ? " (whole, \(Int(kind.least)) to \(Int(kind.most)))" : "")
      }
      out.comment(line)
    }
    if kinds.count > shown.count { out.comment("  … and \(kinds.count - shown.count) more kinds") }
  }

  private mutating func join(
    _ look: TableLook, _ bridge: (column: SeenColumn, table: Int, key: SeenColumn)
  ) {
    let other = looks[bridge.table]
    let account = accounts.choices[bridge.table]!.column
    func name(_ column: SeenColumn) -> String { DuckDBProgram.identifier(column.name) }
    func table(_ look: TableLook) -> String {
      let path = DuckDBProgram.literal(pattern(look))
      return look.paths[0].hasSuffix(".csv") || look.paths[0].hasSuffix(".gz")
        ? "read_csv(\(path), all_varchar = true)" : "read_parquet(\(path))"
    }
    out.comment(
      "Rows name no account, but \"\(bridge.column.name)\" is \"\(bridge.key.name)\" of "
        + "\(shown(other.paths[0])) in \(percent(bridge.column.shareFound(in: bridge.key))) of cases, "
        + "which does. Needs the `duckdb` program (pip install duckdb-cli).")
    let sql = """
      select parent.\(name(account)) as account_of_row, child.*
      from \(table(look)) child
      join \(table(other)) parent on child.\(name(bridge.column)) = parent.\(name(bridge.key))
      """
    out.line("query", sql.contains("'''") ? ProjectText.string(sql) : "'''\n\(sql)'''")
    out.line("via", "\"duckdb\"")
    out.line("account", "\"account_of_row\"")
  }

  private mutating func section(_ title: String, of role: AccountColumns.Role) {
    let found = people.keys.sorted().filter { accounts.roles[$0] == role }
    guard let index = found.first, let draft = people[index] else { return }
    let look = looks[index]
    for other in found.dropFirst() {
      questions.append(
        "\(looks[other].paths[0]) seems to hold \(title) too; one file is taken: join them first")
    }
    if look.paths.count > 1 || look.paths[0].hasSuffix(".parquet") || isFolder(look.paths[0]) {
      out.blank()
      out.comment(
        "\(shown(look.paths[0])) seems to hold \(title), which are read from one .csv or .csv.gz file: "
          + "export it so, and name it to init again")
      questions.append(
        "\(look.paths[0]) seems to hold \(title), which are read from one .csv or .csv.gz file")
      return
    }
    out.header("[\(title)]")
    out.line("path", ProjectText.string(shown(look.paths[0])))
    for line in draft.lines { out.line(line.key, line.value, line.reason) }
    for note in draft.notes { out.comment(note) }
  }

  private mutating func feedback() {
    let spoken = signals.filter { if case .speech = $0.meaning { true } else { false } }
    hasFeedback = !spoken.isEmpty
    if spoken.isEmpty {
      out.blank()
      out.comment(
        "DECIDE: no kind was recognised by which customers speak (a survey score, a complaint, a "
          + "refund request). `features` works without; `train` and `nightly` need one:")
      out.comment("[feedback]")
      out.comment("[[feedback.signal]]")
      var isNamed = false
      for signal in signals {
        guard case .perhaps(let detractor) = signal.meaning else { continue }
        out.comment("kind = \(ProjectText.string(signal.kind))")
        out.comment("detractor = \(detractor)")
        out.comment("(\(signal.reason))")
        isNamed = true
        break
      }
      if !isNamed {
        out.comment("kind = \"nps\"")
        out.comment("detractor = { at_most = 6 }")
      }
      questions.append(
        "by which kind do customers speak, and what makes one negative? Without [feedback] there are "
          + "vectors and no model")
      return
    }
    out.header("[feedback]")
    let silent = span < 400 ? 90 : 180
    out.line(
      "silent_for_days", "\(silent)",
      "who has not spoken for so long is silent; the history spans \(grouped(span)) days")
    for signal in signals {
      switch signal.meaning {
      case .speech(let detractor, let opensCase):
        out.header("[[feedback.signal]]")
        out.line("kind", ProjectText.string(signal.kind), signal.reason)
        out.line("detractor", detractor)
        if opensCase { out.line("opens_case", "true", "whoever complains gets a case at once") }
      case .mechanics:
        out.header("[[feedback.signal]]")
        out.line("kind", ProjectText.string(signal.kind), signal.reason)
        out.line("mechanics", "true")
      case .perhaps(let detractor):
        out.blank()
        out.comment("DECIDE: \(signal.reason)")
        out.comment("[[feedback.signal]]")
        out.comment("kind = \(ProjectText.string(signal.kind))")
        out.comment("detractor = \(detractor)")
        questions.append("\(signal.kind): \(signal.reason)")
      }
    }
  }

  private mutating func features() {
    out.header("[features]")
    let windows = [7, 30, 90, 365].filter { $0 * 4 <= span * 3 || $0 == 7 }
    out.line(
      "windows_days", "[\(windows.map(String.init).joined(separator: ", "))]",
      windows.count == 4
        ? "the usual ones; the history spans \(grouped(span)) days"
        : "as long as a history of \(grouped(span)) days can fill")
    let spoken = Set(signals.map(\.kind))
    let own = drafts.flatMap(\.kinds).map(\.name).filter {
      !spoken.contains($0) && HeaderWords($0).mean(.ownDoing)
    }
    if !own.isEmpty {
      out.line(
        "sayable", ProjectText.list(own),
        "DECIDE: what the company itself did and agents may mention", isOff: true)
    }
  }

  private mutating func training() {
    guard hasFeedback else { return }
    let spoken = signals.filter { if case .speech = $0.meaning { true } else { false } }
    let last = drafts.map(\.times.last).max() ?? 0
    // Answers are learnt from, so the days since the first of them count.
    let first = max(spoken.map(\.first).min() ?? last, drafts.map(\.times.first).min() ?? last)
    let days = max(1, Int((last - min(first, last)) / Instant.microsecondsPerDay))
    let perMonth = Double(spoken.reduce(0) { $0 + $1.events }) * 30 / Double(days)
    let window = perMonth < 60 && days >= 360 ? 90 : 30
    let count = max(1, min(12, days / window - 1))
    out.header("[training]")
    out.line(
      "label_window_days", "\(window)",
      "about \(grouped(Int(perMonth.rounded()))) answers in 30 days")
    out.line("gap_days", "1")
    out.line(
      "snapshots", "{ every_days = \(window), count = \(count) }",
      "back through \(grouped(count * window)) of the \(grouped(days)) days in which customers spoke"
    )
  }

  private mutating func queue() {
    guard hasFeedback else { return }
    let index = accounts.roles.firstIndex(of: .accounts)
    let keys = Set(index.flatMap { people[$0]?.lines.map(\.key) } ?? [])
    out.header("[[queue]]")
    out.line("name", "\"everyone\"")
    out.line("channel", keys.contains("phone") ? "\"phone\"" : "\"email\"")
    out.line(
      "capacity_per_business_day", "20", "DECIDE: how many customers your team can talk to in a day"
    )
    out.line("due_business_days", "1")
  }

  // MARK: Helpers

  /// Days from the first event to the last.
  private var span: Int {
    let first = drafts.map(\.times.first).min() ?? 0
    let last = drafts.map(\.times.last).max() ?? 0
    return last <= first ? 1 : Int((last - first) / Instant.microsecondsPerDay) + 1
  }

  private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// One pattern for all parts of a table.
  private func pattern(_ look: TableLook) -> String {
    guard look.paths.count > 1 else { return shown(look.paths[0]) }
    let first = Array(look.paths[0].utf8)
    var prefix = first.count
    var suffix = first.count
    for path in look.paths.dropFirst() {
      let bytes = Array(path.utf8)
      prefix = min(prefix, zip(first, bytes).prefix { $0 == $1 }.count)
      suffix = min(suffix, zip(first.reversed(), bytes.reversed()).prefix { $0 == $1 }.count)
    }
    // A number that differs in its last digit differs as a whole.
    while prefix > 0, first[prefix - 1].isDigit { prefix -= 1 }
    while suffix > 0, first[first.count - suffix].isDigit { suffix -= 1 }
    let slash = first.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    let start = String(decoding: first[..<max(prefix, slash)], as: UTF8.self)
    let shortest = look.paths.map(\.utf8.count).min() ?? 0
    let end = first.suffix(min(suffix, shortest - max(prefix, slash)))
    return shown(start + "*" + String(decoding: end, as: UTF8.self))
  }

  /// A path from the project's folder where that is short, else from the root.
  private func shown(_ path: String) -> String {
    let base = folder.standardizedFileURL.pathComponents
    let file = URL(fileURLWithPath: path).standardizedFileURL.pathComponents
    let common = zip(base, file).prefix { $0 == $1 }.count
    guard common > 1 else { return file.dropFirst().reduce("") { $0 + "/" + $1 } }
    return (Array(repeating: "..", count: base.count - common) + file[common...])
      .joined(separator: "/")
  }
}
