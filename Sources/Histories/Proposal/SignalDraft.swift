/// What one kind of event is to `[feedback]`, by its name and its values.
struct SignalDraft: Sendable {
  enum Meaning: Sendable, Equatable {
    /// By which customers speak; `detractor` as the project file writes it.
    case speech(detractor: String, opensCase: Bool)
    /// By which the company asks.
    case mechanics
    /// Perhaps speech: the line that would say so.
    case perhaps(detractor: String)
  }

  var kind: String
  var meaning: Meaning
  var reason: String
  var events: Int
  /// When the first of them happened, microseconds since 1970.
  var first: Int64

  /// Nil for an ordinary event.
  init?(_ kind: EventLook.Kind, isAsking: Bool) {
    self.kind = kind.name
    events = kind.events
    first = kind.first
    let words = HeaderWords(kind.name)
    let count = "\(grouped(kind.events)) events"
    let isAbout = words.mean(.feedback)
    if isAsking || (isAbout && words.mean(.asking) && kind.valued * 10 < kind.events * 9) {
      meaning = .mechanics
      reason = "\(count); the company asks, nobody speaks"
      return
    }
    if words.mean(.complaint) {
      meaning = .speech(detractor: "\"always\"", opensCase: true)
      reason = "\(count) by its name: only the unhappy speak here"
      return
    }
    if words.mean(.refund) {
      meaning = .speech(detractor: "\"always\"", opensCase: false)
      reason = "\(count) by its name: money asked back"
      return
    }
    if words.mean(.cancellation) {
      meaning = .speech(detractor: "\"always\"", opensCase: false)
      reason = "\(count) by its name: customers who leave; take it out if the company cancels too"
      return
    }
    let scale = Self.scale(kind, words)
    if isAbout, let scale, kind.valued > 0 {
      meaning = .speech(detractor: scale.rule, opensCase: false)
      reason = "\(count), \(scale.text)"
      return
    }
    if isAbout {
      meaning = .perhaps(detractor: "\"always\"")
      reason = "\(count) by its name, but without values on a scale: what makes one negative?"
      return
    }
    if let scale, kind.least < 0, kind.most <= 10, kind.valued == kind.events,
      !kind.name.hasSuffix("_received")
    {
      meaning = .perhaps(detractor: scale.rule)
      reason = "\(count), \(scale.text), if this is a judgement"
      return
    }
    guard
      words.words.contains(where: { ["cancelled", "canceled", "returned", "return"].contains($0) })
    else { return nil }
    meaning = .perhaps(detractor: "\"always\"")
    reason = "\(count): speech if customers do it, not if the company does"
  }

  /// The usual borders of the usual scales.
  private static func scale(
    _ kind: EventLook.Kind, _ words: HeaderWords
  ) -> (rule: String, text: String)? {
    guard kind.valued > 0, kind.isWhole else { return nil }
    let span = "whole values from \(Int(kind.least)) to \(Int(kind.most))"
    if kind.least < 0 {
      return kind.least >= -100 && kind.most <= 100
        ? ("{ below = 0 }", "\(span): below zero is negative") : nil
    }
    switch kind.most {
    case ...1: return ("{ at_most = 0 }", "\(span): thumbs, 0 is down")
    case ...5 where !words.words.contains("nps"):
      return ("{ at_most = 2 }", "\(span): five points, the lowest two are negative")
    case ...7 where !words.words.contains("nps"):
      return ("{ at_most = 3 }", "\(span): seven points, the lowest three are negative")
    case ...10:
      return ("{ at_most = 6 }", "\(span): the usual NPS border, 0 to 6 are detractors")
    case ...100: return ("{ at_most = 50 }", "\(span): half of a hundred, a guess: set your own")
    default: return nil
    }
  }

  var isTwoSided: Bool {
    if case .speech(let detractor, _) = meaning { detractor != "\"always\"" } else { false }
  }
}
