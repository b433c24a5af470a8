package import Histories

/// Where an account stands towards speaking, at one moment (DESIGN 2, *silent at t*).
package enum Voice: String, Codable, Sendable {
  /// No feedback before t at all, as far as was known at t.
  case neverSpoken
  /// Spoke once, but not within the silence window before t.
  case lapsed
  /// Spoke within the silence window before t.
  case recent

  package var isSilent: Bool { self != .recent }
}

/// Whether the company asked a silent account for its opinion. Survey mechanics tell it; they are
/// no feature, but somebody who ignored a question is another silent customer than one never asked.
package enum Asked: String, Codable, Sendable, CaseIterable {
  case never
  /// Asked within the silence window before t, and did not answer.
  case ignored
  /// Asked before that window only.
  case earlier
}

/// The one rule by which training, back-test and scoring tell who is silent.
package struct SilenceRule: Sendable {
  package let silentForDays: Int

  package init(silentForDays: Int) { self.silentForDays = silentForDays }

  /// Silent at t: no feedback known before t with `at` in [t − silent_for_days, t).
  package func voice(of feedback: [HistoryBase.Feedback], at t: Instant) -> Voice {
    let start = t.adding(days: -silentForDays)
    var voice = Voice.neverSpoken
    for spoken in feedback where spoken.at < t && spoken.knownAt < t {
      if spoken.at >= start { return .recent }
      voice = .lapsed
    }
    return voice
  }

  /// How a silent account was asked, by its survey mechanics known before t.
  package func asked(by mechanics: [HistoryBase.Feedback], at t: Instant) -> Asked {
    let start = t.adding(days: -silentForDays)
    var asked = Asked.never
    for question in mechanics where question.at < t && question.knownAt < t {
      if question.at >= start { return .ignored }
      asked = .earlier
    }
    return asked
  }
}
