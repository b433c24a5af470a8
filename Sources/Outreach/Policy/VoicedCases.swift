package import Detraction
package import Histories

/// What `[[feedback.signal]]` says of the cases that customers open by speaking: `opens_case`, the
/// `channel` they are answered in whatever they came by, and whether such a word `ends` the relation.
package struct VoiceRules: Sendable, Equatable {
  package struct Rule: Sendable, Equatable {
    package var kind: String
    package var opensCase: Bool
    package var channel: String?
    package var ends: Bool

    package init(kind: String, opensCase: Bool, channel: String? = nil, ends: Bool = false) {
      self.kind = kind
      self.opensCase = opensCase
      self.channel = channel
      self.ends = ends
    }
  }

  package var rules: [Rule]

  package init(rules: [Rule] = []) { self.rules = rules }

  init(project: ProjectFile) {
    rules = []
    guard let section = project.root.table("feedback") else { return }
    for table in section.tables("signal") {
      guard let kind = table.string("kind") else { continue }
      let opens = table.boolean("opens_case") ?? false
      let channel = table.string("channel")
      if channel != nil && !opens {
        table.report("channel", "`channel` is for signals with opens_case = true")
      }
      rules.append(
        Rule(kind: kind, opensCase: opens, channel: channel, ends: table.boolean("ends") ?? false))
    }
  }

  /// The kinds that `Voices` looks for, and since when.
  package func watched(since: Instant?, asOf: Instant) -> FeatureSQL.Watched {
    FeatureSQL.Watched(
      kinds: rules.filter { $0.opensCase || $0.ends }.map(\.kind),
      since: Voices.start(since, asOf))
  }

  func rule(of kind: String) -> Rule? {
    rules.first { $0.kind.utf8.elementsEqual(kind.utf8) }
  }
}

/// What customers said since the last run that asks for an answer, or ends the relation.
package struct Voices: Sendable {
  /// The latest negative word of each account that opens a case, by account index; rising.
  package var opening: [(account: Int32, said: VoicedFeedback)] = []
  package var ended: Set<AccountKey> = []

  /// How far the first run looks back.
  static let firstDays = 7

  static func start(_ lastRun: Instant?, _ asOf: Instant) -> Instant {
    lastRun ?? asOf.adding(days: -firstDays)
  }

  /// Words known in [since, asOf). O(events).
  package init(
    _ base: HistoryBase, _ feedback: FeedbackSettings, _ rules: VoiceRules, since: Instant?,
    asOf: Instant
  ) {
    guard rules.rules.contains(where: { $0.opensCase || $0.ends }) else { return }
    let since = Self.start(since, asOf)
    for account in 0..<base.accountCount {
      var latest: HistoryBase.Feedback?
      for word in base.feedback(account)
      where word.knownAt >= since && word.knownAt < asOf && word.at < asOf {
        guard let rule = rules.rule(of: word.kind) else { continue }
        if rule.ends { ended.insert(AccountKey(base.account(account))) }
        let signal = feedback.signals.first { $0.kind.utf8.elementsEqual(word.kind.utf8) }
        if rule.opensCase, signal?.rule.isNegative(value: word.value) == true { latest = word }
      }
      if let latest {
        opening.append(
          (
            Int32(account),
            VoicedFeedback(
              kind: latest.kind, at: latest.at, knownAt: latest.knownAt, value: latest.value,
              channel: latest.channel)
          ))
      }
    }
  }
}
