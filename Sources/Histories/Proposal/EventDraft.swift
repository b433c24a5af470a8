/// One `[[events]]` table to be proposed, each part with its reason.
struct EventDraft: Sendable {
  struct Part: Sendable {
    var column: String
    var reason: String
  }

  var table: Int
  var account: Part
  var at: (column: SeenColumn, form: TimeForm)
  var knownAt: (column: SeenColumn, form: TimeForm, reason: String)?
  var kind: Part?
  var constant: Part?
  var value: Part?
  var channel: Part?
  var id: Part?
  var text: Part?
  var onlyWhere: Part?
  /// Lines to stand below it as comments.
  var notes: [String] = []
  /// Rows that cannot be used as they are.
  var unusable = 0
  /// Whether the kind is a question of the company's: survey mechanics by its place.
  var isAsking = false
  var kinds: [EventLook.Kind] = []
  var times = EventLook.Times()
  /// The columns used, for the list of those that are not.
  var used: Set<String> = []
}

/// Makes `[[events]]` of one table.
struct EventDrafts {
  private let table: TableLook
  private let index: Int
  private let account: SeenColumn
  private let accountReason: String
  private let partner: SeenColumn?
  private let threads: Int
  private(set) var drafts: [EventDraft] = []
  private(set) var questions: [String] = []

  /// Throws what reading the table again does.
  init(
    _ table: TableLook, index: Int, account: SeenColumn, reason: String, partner: SeenColumn?,
    threads: Int
  ) throws(HistoriesError) {
    self.table = table
    self.index = index
    self.account = account
    accountReason = reason
    self.partner = partner
    self.threads = threads
    let dates = table.columns.filter { $0.time != nil && $0.name != account.name }
    let plans = dates.filter { $0.words.mean(.planned) }
    let rewritten = dates.filter { column in
      column.words.mean(.modified) && !plans.contains { $0.name == column.name }
    }
    let births = dates.filter { $0.words.mean(.birth) }
    let loads = dates.filter { $0.words.mean(.known) && $0.filled == 1 }
    let left = [plans, rewritten, births, loads].joined().map(\.name)
    var times = dates.filter { !left.contains($0.name) }
    // A column that only seems to be about something else is better than none.
    if times.isEmpty { times = loads.isEmpty ? rewritten : loads }
    guard !times.isEmpty else { return }
    let known = loads.first { column in !times.contains { $0.name == column.name } }
    let kind = kindColumn(times: times.count)
    if let kind {
      try log(kind, times, known)
    } else if times.count > 1 {
      try wide(times, known)
    } else {
      try single(times[0], known)
    }
    note(plans, "plans, not what happened")
    note(
      rewritten.filter { column in !times.contains { $0.name == column.name } },
      "rewritten with every change of the row: as of an earlier date it held another time")
    note(births, "no event of an account's history")
    for column in table.columns {
      guard let why = column.unreadable else { continue }
      questions.append(
        "\(table.paths[0]): \"\(column.name)\" holds \(why), which no format here reads: write them as "
          + "2026-03-02 14:30 and run init again")
    }
  }

  private mutating func note(_ columns: [SeenColumn], _ why: String) {
    guard !columns.isEmpty, !drafts.isEmpty else { return }
    let names = columns.map(\.name).joined(separator: ", ")
    drafts[drafts.count - 1].notes.append("left out: \(names) (\(why))")
    for column in columns { drafts[0].used.insert(column.name) }
  }

  /// A column that says what happened, if there is one.
  private func kindColumn(times: Int) -> SeenColumn? {
    let columns = table.columns.filter {
      $0.content == .category && $0.distinct <= 500 && $0.filled > 0.98 && $0.name != account.name
        && $0.levels.allSatisfy { $0.text.utf8.count <= 64 }
    }
    if let strong = columns.first(where: { $0.words.mean(.strongKind) }) { return strong }
    guard times == 1 else { return nil }
    return columns.first { column in
      column.words.mean(.weakKind)
        && column.words.without(.weakKind).allSatisfy { $0 == table.noun }
    }
  }

  private func draft(_ time: SeenColumn) -> EventDraft {
    var draft = EventDraft(
      table: index, account: .init(column: account.name, reason: accountReason),
      at: (time, time.time!))
    draft.used = [account.name, time.name]
    if time.present < time.rows {
      draft.onlyWhere = .init(
        column: time.name,
        reason:
          "\(grouped(time.rows - time.present)) of \(grouped(time.rows)) rows have no such time")
    }
    draft.unusable =
      time.time!.present - time.time!.readable + (account.rows - account.present) + table.badRows
    return draft
  }

  private mutating func log(
    _ kind: SeenColumn, _ times: [SeenColumn], _ known: SeenColumn?
  ) throws(HistoriesError) {
    let candidates = times + (known.map { [$0] } ?? [])
    let value = valueColumn()
    let look = try EventLook(
      table, times: mappings(candidates), kind: kind.name, value: value?.column, threads: threads)
    // What happened first is when it happened; what comes later is when it was known.
    let order = times.indices.sorted { look.times[$0].mean < look.times[$1].mean }
    var draft = draft(times[order[0]])
    draft.kind = .init(column: kind.name, reason: "\(kind.distinct) kinds, see below")
    draft.unusable += kind.rows - kind.present
    draft.value = value
    draft.times = look.times[order[0]]
    draft.kinds = look.kinds
    let later = known ?? order.dropFirst().map { times[$0] }.first { $0.filled == 1 }
    if let later, let place = candidates.firstIndex(where: { $0.name == later.name }) {
      let both = look.both[order[0]][place]
      let inOrder = look.inOrder[order[0]][place]
      if both > 0, inOrder * 1000 >= both * 999 {
        draft.knownAt = (
          later, later.time!,
          "not before \"\(times[order[0]].name)\" in \(percent(Double(inOrder) / Double(both))) of rows: "
            + "when it could be known"
        )
        draft.used.insert(later.name)
      } else {
        questions.append(
          "\(table.paths[0]): is \"\(later.name)\" when an event was known? It is earlier than "
            + "\"\(times[order[0]].name)\" in \(grouped(both - inOrder)) rows, so it was left out")
      }
    }
    addDetails(&draft, withText: true)
    drafts.append(draft)
  }

  private mutating func single(
    _ time: SeenColumn, _ known: SeenColumn?
  ) throws(HistoriesError) {
    let feedback = scaleColumns().first
    let value =
      feedback.map {
        EventDraft.Part(column: $0.name, reason: "\(span($0)): a scale")
      } ?? valueColumn()
    let look = try EventLook(table, times: mappings([time]), threads: threads)
    var draft = draft(time)
    draft.value = value
    draft.times = look.times[0]
    if let known, let form = known.time { draft.knownAt = (known, form, "by its header") }
    let name = kindOfRows(feedback)
    draft.constant = .init(
      column: name, reason: "no column says what happened; the name is of the file or a column")
    addDetails(&draft, withText: true)
    guard let partner, let value else {
      draft.kinds = [kind(name, draft, value)]
      drafts.append(draft)
      return
    }
    // Rows between two accounts: the first does something, to the second it happens.
    let noun = HeaderWords(value.column).words.joined(separator: "_")
    for (column, end) in [(account, "given"), (partner, "received")] {
      var side = draft
      side.account = .init(
        column: column.name,
        reason: "\"\(account.name)\" and \"\(partner.name)\" hold the same ids: "
          + "a row is between two accounts")
      side.constant = .init(column: "\(noun)_\(end)", reason: "this side of the row")
      side.used.insert(column.name)
      side.kinds = [kind("\(noun)_\(end)", side, value)]
      drafts.append(side)
    }
    questions.append(
      "\(table.paths[0]): does \"\(account.name)\" act and \"\(partner.name)\" receive? If not, swap "
        + "the kinds \(noun)_given and \(noun)_received")
  }

  private mutating func wide(
    _ times: [SeenColumn], _ known: SeenColumn?
  ) throws(HistoriesError) {
    let scales = scaleColumns()
    let look = try EventLook(
      table, times: mappings(times), marks: scales.map(\.name), threads: threads)
    let order = times.indices.filter { look.times[$0].rows > 0 }
      .sorted { look.times[$0].mean < look.times[$1].mean }
    guard let first = order.first else { return }
    var taken: [Int: String] = [:]
    var asking: Set<Int> = []
    var spoken: [EventDraft] = []
    for (mark, scale) in scales.enumerated() {
      let own = scale.words.without(.scoreFiller)
      let related = order.filter { !Set(times[$0].words.words).isDisjoint(with: own) }
      let place =
        related.first { times[$0].words.mean(.answering) } ?? related.last
        ?? order.last { look.marked[mark][$0] * 100 >= scale.present * 99 }
        ?? order[order.count - 1]
      var draft = draft(times[place])
      let name = (own.isEmpty ? scale.words.words : own).joined(separator: "_")
      draft.constant = .init(
        column: name, reason: "\"\(scale.name)\" is \(span(scale)): the customer speaks")
      draft.value = .init(column: scale.name, reason: "in \(percent(scale.filled)) of rows")
      draft.onlyWhere =
        scale.present < scale.rows || draft.onlyWhere != nil
        ? .init(
          column: scale.name,
          reason: "\(grouped(scale.rows - scale.present)) of \(grouped(scale.rows)) rows have none")
        : nil
      // Rows that speak and have no time.
      draft.unusable += max(0, scale.present - look.marked[mark][place])
      if related.isEmpty {
        questions.append(
          "\(table.paths[0]): when is \"\(scale.name)\" given? No column says; "
            + "\"\(times[place].name)\" was taken")
      } else {
        taken[place] = name
        for other in related where other != place && times[other].words.mean(.asking) {
          asking.insert(other)
        }
      }
      draft.times = look.times[place]
      draft.kinds = [
        kind(name, draft, draft.value)
      ]
      draft.text = proseColumn(about: own)
      addDetails(&draft, withText: false)
      draft.used.insert(scale.name)
      spoken.append(draft)
    }
    let isRewritten = table.columns.contains { $0.words.mean(.modified) && $0.time != nil }
    let amount = valueColumn()
    let own = order.filter { taken[$0] == nil }
    for place in own {
      var draft = draft(times[place])
      draft.constant = .init(
        column: kindOf(times[place]), reason: "each row has this event once")
      draft.times = look.times[place]
      draft.isAsking = asking.contains(place)
      if let known, let form = known.time { draft.knownAt = (known, form, "by its header") }
      if let amount, place == (isRewritten ? own.last : first) {
        draft.value = amount
        if isRewritten {
          draft.value!.reason += "; rows are rewritten, so it is known at the end only"
        }
      }
      if place == own.first, let text = proseColumn(),
        !spoken.contains(where: {
          $0.text?.column == text.column
        })
      {
        draft.text = text
      }
      draft.kinds = [kind(draft.constant!.column, draft, draft.value)]
      addDetails(&draft, withText: false)
      drafts.append(draft)
    }
    drafts += spoken
  }

  private func mappings(_ columns: [SeenColumn]) -> [TimeMapping] {
    columns.compactMap { $0.time!.mapping($0.name) }
  }

  private func kind(_ name: String, _ draft: EventDraft, _ value: EventDraft.Part?)
    -> EventLook.Kind
  {
    var kind = EventLook.Kind(name: name)
    let column = value.flatMap { table.column($0.column) }
    kind.first = draft.times.first
    kind.events =
      draft.onlyWhere.flatMap { table.column($0.column)?.present } ?? draft.at.form.readable
    guard let column else { return kind }
    kind.valued = column.present
    kind.least = column.least
    kind.most = column.most
    kind.isWhole = column.isWhole
    return kind
  }

  /// Channel, id and text, and what was looked at.
  private func addDetails(_ draft: inout EventDraft, withText: Bool) {
    if let channel = table.columns.first(where: {
      $0.content == .category && $0.words.mean(.channel) && $0.distinct <= 100
        && $0.name != draft.kind?.column
    }) {
      draft.channel = .init(
        column: channel.name,
        reason: "\(channel.distinct) different; empty in "
          + "\(grouped(channel.rows - channel.present)) rows")
    }
    if let id = table.columns.first(where: {
      $0.isUnique && $0.name != account.name && $0.time == nil
        && ($0.content == .text || $0.isWholeNumber)
        && ($0.words.mean(.id) || $0.words.mean(.otherThing))
    }) {
      draft.id = .init(
        column: id.name, reason: "another in every row: a row delivered again counts once")
    }
    if withText, draft.text == nil { draft.text = proseColumn() }
    for part in [draft.value, draft.channel, draft.id, draft.text, draft.kind] {
      if let part { draft.used.insert(part.column) }
    }
  }

  /// `about`: its header shares a word with these.
  private func proseColumn(about words: [String]? = nil) -> EventDraft.Part? {
    let columns = table.columns.filter { column in
      let isProse =
        column.content == .prose
        || (column.content == .text && column.words.mean(.text) && !column.words.mean(.id))
      return isProse
        && (words.map { !Set($0).isDisjoint(with: column.words.words) } ?? true)
    }
    let best = columns.max {
      (($0.words.mean(.text) ? 1 : 0), $0.distinct) < (($1.words.mean(.text) ? 1 : 0), $1.distinct)
    }
    return best.map {
      .init(column: $0.name, reason: "free text: shown to whoever works the case, never a feature")
    }
  }

  /// Columns of points on a scale by which somebody judges.
  private func scaleColumns() -> [SeenColumn] {
    table.columns.filter { $0.scale != nil && $0.words.mean(.feedback) }
  }

  private func valueColumn() -> EventDraft.Part? {
    // What customers said is the value of their saying it and of nothing else.
    let scales = scaleColumns().map(\.name)
    let numbers = table.columns.filter {
      $0.content == .number && $0.notNumbers * 200 <= $0.rows && !$0.words.mean(.id)
        && $0.name != account.name && $0.name != partner?.name && !($0.isUnique && $0.isWhole)
        && !scales.contains($0.name)
    }
    let best = [HeaderWords.Meaning.money, .number, .quantity].lazy
      .compactMap { meaning in numbers.first { $0.words.mean(meaning) } }.first
    return (best ?? (numbers.count == 1 ? numbers[0] : nil)).map { chosen in
      let others = numbers.filter { $0.name != chosen.name }.map(\.name)
      return .init(
        column: chosen.name,
        reason: "numbers in \(percent(chosen.filled)) of rows"
          + (others.isEmpty ? "" : "; numbers too: " + others.joined(separator: ", ")))
    }
  }

  private func span(_ column: SeenColumn) -> String {
    "whole numbers from \(Int(column.least)) to \(Int(column.most))"
  }

  /// What a row of one time and no kind is.
  private func kindOfRows(_ feedback: SeenColumn?) -> String {
    if let feedback {
      let own = feedback.words.without(.scoreFiller)
      return (own.isEmpty ? feedback.words.words : own).joined(separator: "_")
    }
    let hasPrice = table.columns.contains { $0.words.mean(.money) && $0.content == .number }
    let hasQuantity = table.columns.contains { $0.words.mean(.quantity) && $0.content == .number }
    let known = HeaderWords(table.noun ?? "")
    if hasPrice, hasQuantity, !known.mean(.otherThing) { return "purchase" }
    return table.noun ?? "event"
  }

  /// What a time column of a row of several times is the time of.
  private func kindOf(_ column: SeenColumn) -> String {
    let words = column.words.without(.timeFiller)
    if words.isEmpty { return table.noun ?? "event" }
    let noun = table.noun ?? idNoun
    if words.count == 1, let noun, words[0] != noun { return "\(noun)_\(words[0])" }
    return words.joined(separator: "_")
  }

  private var idNoun: String? {
    table.columns.first { $0.isUnique && $0.words.mean(.id) }?.words.without(.id).first
  }
}
