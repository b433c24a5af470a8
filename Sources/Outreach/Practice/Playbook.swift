import Histories

/// What is said to some customers: one file of the team's, beside the project file.
///
/// It names whom it is for and holds the parts of the talk, each as lines that are said one by one.
package struct Playbook: Sendable, Equatable {
  /// The parts of a talk in their order: what others read and the way out of the public; then for
  /// customers who spoke; then for those who have not.
  package enum Part: String, Sendable, Codable, CaseIterable {
    case publicReply = "public_reply"
    case invitation
    case empathy, facts, options
    case positiveClose = "positive_close"
    case question, listening, offer

    package var title: String { rawValue.replacing("_", with: " ") }

    /// Others read it: it must not say who the customer is or what they wrote to us.
    var isPublic: Bool { self == .publicReply }
  }

  /// What a case must be for the playbook to be chosen; the most telling first.
  package enum Condition: String, Sendable, CaseIterable {
    case isPublic = "public"
    case cause, kind, form, track, channel
  }

  /// The file's name without `.toml`.
  package var name: String
  /// For customers who have not said that anything is wrong.
  package var isSilent: Bool
  /// What each condition may be, compared by bytes; a condition that is not here is not asked.
  var conditions: [Condition: [String]]
  /// Never chosen by itself: for what only the agent can hear.
  package var byName: Bool
  /// For the agent alone.
  package var advice: String?
  /// By part, each line with its placeholders.
  var parts: [Part: [String]]
  var words: PlaybookWords

  static let common = "common"

  /// What it asks of a case, by the keys of its file.
  package var when: [String: [String]] {
    var when: [String: [String]] = [:]
    for (condition, values) in conditions { when[condition.rawValue] = values }
    return when
  }

  /// The parts that such a playbook has.
  static func parts(isSilent: Bool, isPublic: Bool) -> [Part] {
    isSilent
      ? [.question, .listening, .offer]
      : isPublic ? [.publicReply, .invitation] : [.empathy, .facts, .options, .positiveClose]
  }

  func fits(_ open: Case, _ practice: Practice) -> Bool {
    guard isSilent == !practice.hasSpoken(open) else { return false }
    let work = open.state.steps
    for (condition, values) in conditions {
      let found =
        switch condition {
        case .isPublic: practice.waitsInPublic(open) ? "true" : nil as String?
        case .cause: work?.cause
        case .kind: open.voice?.kind
        case .form: isSilent ? open.form.rawValue : work?.form
        case .track: practice.track(of: open).rawValue
        case .channel: open.channel
        }
      guard let found, values.contains(where: { $0.utf8.elementsEqual(found.utf8) }) else {
        return false
      }
    }
    return true
  }

  /// Whether this one is chosen where both fit: what is public first, then more conditions, then the
  /// more telling one.
  func comesBefore(_ other: Playbook) -> Bool {
    let both = [self, other].map { book in
      [book.conditions[.isPublic] == nil ? 0 : 1, book.conditions.count]
        + Condition.allCases.map { book.conditions[$0] == nil ? 0 : 1 }
    }
    return both[1].lexicographicallyPrecedes(both[0])
  }

  /// Whether there are cases for which neither comes first.
  func ties(with other: Playbook) -> Bool {
    guard !byName, !other.byName, isSilent == other.isSilent,
      Set(conditions.keys) == Set(other.conditions.keys)
    else { return false }
    return conditions.allSatisfy { condition, values in
      values.contains { value in
        other.conditions[condition]?.contains { $0.utf8.elementsEqual(value.utf8) } == true
      }
    }
  }
}

/// How things are said to customers, by name: a playbook's own, or those of `common.toml`.
struct PlaybookWords: Sendable, Equatable {
  /// What the company did, by kind of event.
  var phrases: [String: String] = [:]
  /// What the customer said, by kind or form; `other` where neither is here, `just_now` where they
  /// said it when asked.
  var said: [String: String] = [:]
  /// What can be offered, by cause.
  var options: [String: String] = [:]

  /// These, and where they say nothing, others.
  func or(_ others: PlaybookWords) -> PlaybookWords {
    PlaybookWords(
      phrases: others.phrases.merging(phrases) { $1 }, said: others.said.merging(said) { $1 },
      options: others.options.merging(options) { $1 })
  }
}

extension Practice {
  /// Whether the customer has said that something is wrong.
  package func hasSpoken(_ open: Case) -> Bool {
    open.form == .voiced || open.state.verdict == .detractor
  }

  /// Whether the customer posted in public and is yet to be answered there or invited to a private talk.
  func waitsInPublic(_ open: Case) -> Bool {
    isPublic(open)
      && (open.state.steps?.publicReply == nil || open.state.steps?.invitation == nil)
  }
}
