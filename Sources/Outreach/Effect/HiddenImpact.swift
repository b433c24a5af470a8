package import Detraction
package import Histories

/// The hidden detractors of a published night, by segment, with the money in them: everybody whom the
/// night scored, contacted or not, from its score file.
package struct HiddenImpact: Sendable, Encodable {
  package struct Line: Sendable, Encodable {
    /// "" for accounts without a segment.
    package var segment: String
    package var silent = 0
    package var hidden = SilentSummary.Span()
    /// Their yearly value; nil where the accounts file maps none.
    package var money: SilentSummary.Span?
  }

  package var asOf: Instant
  /// Whether the level is measured: else counts and money are a range over odds ratios of ½ to 2.
  package var isMeasured: Bool
  package var total = Line(segment: "")
  /// In the order of their names' bytes.
  package var segments: [Line] = []

  /// Reads the score file of a run. Segments and values are today's, as the accounts file has them.
  /// O(file).
  /// - Throws: as `TableReader`.
  package init(
    _ run: Run, scores path: String, model: Model, base: HistoryBase, threads: Int
  ) throws(HistoriesError) {
    asOf = run.asOf
    isMeasured = model.level?.isMeasured ?? false
    var lines: [AccountKey: Line] = [:]
    let hasMoney = base.hasAccountValues
    if hasMoney { total.money = SilentSummary.Span() }
    try forEachScore(path, threads: threads) { account, logit in
      let record = base.index(of: account).flatMap { base.record($0) }
      let key = AccountKey(record?.segment ?? "")
      if lines[key] == nil {
        lines[key] = Line(segment: key.id, money: hasMoney ? SilentSummary.Span() : nil)
      }
      func count(_ line: inout Line) {
        line.silent += 1
        line.hidden.add(scored: logit, by: model)
        line.money?.add(scored: logit, by: model, times: record?.value ?? 0)
      }
      count(&lines[key]!)
      count(&total)
    }
    segments = lines.values.sorted { $0.segment.utf8.lexicographicallyPrecedes($1.segment.utf8) }
  }
}

/// What became, in a horizon after a night, of customers who had spoken badly, of the silent whom the
/// night placed above its cut, and of the other silent: a description, no effect of anything.
package struct LaterConduct: Sendable, Encodable {
  package struct Group: Sendable, Encodable {
    package var name: String
    package var accounts: Int
    /// A share for outcomes that happen or not, else a mean; nil without an account.
    package var mean: Double?
  }

  package var outcome: String
  package var words: String
  package var isShare: Bool
  package var asOf: Instant
  package var groups: [Group]

  /// `run`: one whose horizon is over before `now`. O(file + events).
  package init(
    _ outcome: OutcomeMeasure, _ run: Run, scores path: String, base: HistoryBase,
    feedback: FeedbackSettings, now: Instant, threads: Int
  ) throws(HistoriesError) {
    let reader = OutcomeMeasure.Reader(outcome, base, feedback, asOf: now)
    self.outcome = outcome.name
    words = outcome.words
    isShare = outcome.isShare
    asOf = run.asOf
    var (detractors, alike, others) = (ArmSummary(), ArmSummary(), ArmSummary())
    let since = run.asOf.adding(days: -feedback.silentForDays)
    for account in 0..<base.accountCount {
      let isDetractor = base.feedback(account).contains { word in
        word.at >= since && word.at < run.asOf && word.knownAt < run.asOf
          && feedback.signals.first { $0.kind.utf8.elementsEqual(word.kind.utf8) }?.rule
            .isNegative(value: word.value) == true
      }
      if isDetractor { detractors.add(reader.value(account, from: run.asOf)) }
    }
    try forEachScore(path, threads: threads) { account, logit in
      guard let account = base.index(of: account) else { return }
      let value = reader.value(account, from: run.asOf)
      if let cut = run.cut, logit >= cut { alike.add(value) } else { others.add(value) }
    }
    groups = [("detractors", detractors), ("look-alikes", alike), ("others", others)].map {
      Group(name: $0.0, accounts: $0.1.count, mean: $0.1.count > 0 ? $0.1.mean : nil)
    }
  }
}

/// Every account of a score file with its logit, in the file's order.
private func forEachScore(
  _ path: String, threads: Int, _ body: (String, Double) -> Void
) throws(HistoriesError) {
  let reader = try TableReader(
    ByteSource.file(path), cells: [WantedCell("logit", .number)], text: "account_id",
    threads: threads)
  while true {
    let parts = try reader.next()
    if parts.isEmpty { return }
    for part in parts {
      for row in 0..<part.rows {
        body(String(decoding: part.text(row), as: UTF8.self), part.values[row])
      }
    }
  }
}
