package import Histories

/// What of the practice has been done on a case: part of its state, and so the sum of its actions.
package struct StepWork: Sendable, Equatable, Codable {
  /// Set for this case alone.
  package var track: Track?
  /// Done, in the order in which they were; a step that is done again stands where it was last.
  package var done: [Step] = []
  package var skipped: [Step] = []
  /// When somebody tried to speak with the customer and could not.
  package var attempts: [Instant] = []
  /// When the customer was last written to in person.
  package var wrote: Instant?
  package var publicReply: Instant?
  package var invitation: Instant?
  package var form: String?
  package var cause: String?
  package var remedy: String?
  /// Who lets a remedy be given, once they did.
  package var approvedBy: String?
  package var promised: Instant?
  package var manner: String?
  package var everyDays: Int?
  /// What the customer said last, when asked whether it is resolved.
  package var agreed: Bool?
  package var thanked = false
  package var followUp: Instant?
  /// To whom it was handed: `human`, `legal`.
  package var referred: String?

  package init() {}

  package func isSettled(_ step: Step) -> Bool { done.contains(step) || skipped.contains(step) }

  mutating func apply(_ action: Action) throws(OutreachError) {
    func named<Value: RawRepresentable<String>>(_ key: String) throws(OutreachError) -> Value {
      guard let value = action.detail[key].flatMap({ Value(rawValue: $0) }) else {
        throw .refused("a \(key) is missing, or is none of those there are")
      }
      return value
    }
    func date(_ field: StepField) -> Instant? {
      action.detail[field.rawValue].flatMap { Instant(iso8601: Array($0.utf8)[...], zone: nil) }
    }
    switch action.kind {
    case .attempted, .messageLeft: attempts.append(action.at)
    case .messaged: wrote = action.at
    case .publicReply: publicReply = action.at
    case .invited: invitation = action.at
    case .tracked: track = try named("track") as Track
    case .referred: referred = action.detail["to"]
    case .approved: approvedBy = action.actor
    case .skipped:
      let step: Step = try named("step")
      done.removeAll { $0 == step }
      if !skipped.contains(step) { skipped.append(step) }
    case .step:
      let step: Step = try named("step")
      skipped.removeAll { $0 == step }
      done.removeAll { $0 == step }
      done.append(step)
      form = action.detail[StepField.form.rawValue] ?? form
      cause = action.detail[StepField.cause.rawValue] ?? cause
      promised = date(.promised) ?? promised
      manner = action.detail[StepField.manner.rawValue] ?? manner
      everyDays = action.detail[StepField.everyDays.rawValue].flatMap { Int($0) } ?? everyDays
      followUp = date(.followUp) ?? followUp
      if step == .correct {
        let chosen = action.detail[StepField.remedy.rawValue]
        if chosen != remedy { approvedBy = nil }
        remedy = chosen
      }
      if step == .validate {
        agreed = action.detail[StepField.agreed.rawValue] == "yes"
        thanked = action.detail[StepField.thanked.rawValue] == "yes"
        if agreed == false {
          // It is not resolved: what was tried is tried again.
          done.removeAll { [.correct, .communicate, .validate].contains($0) }
        }
      }
    default: break
    }
  }
}
