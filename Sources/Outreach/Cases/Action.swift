import Detraction
import Foundation
package import Histories

/// One recorded step of the work on a case. Actions are only ever added; what a case's state is
/// follows from them.
package struct Action: Sendable, Equatable {
  package enum Kind: String, Sendable, Codable, CaseIterable {
    case opened
    case claimed
    case released
    /// Tried and nobody there; a message left; spoken with; written to.
    case attempted
    case messageLeft = "message_left"
    case reached
    case messaged
    /// What the customer said of being content: `verdict`, `mode`.
    case answered
    /// What the agent thinks, which is no answer of the customer's: `view`.
    case opinion
    /// The next move is the customer's; the team's clock stands still until `resumed`.
    case waiting
    case resumed
    /// The customer named a time: `from`, `to`.
    case appointed
    case escalated
    /// To another queue or owner: `queue`, `owner`.
    case reassigned
    case noted
    /// A step of the practice done, with its record: `step`, and the step's fields.
    case step
    /// A step left out; the record says why: `step`.
    case skipped
    /// A post that others can read: answered where they read it, and the customer invited to speak in
    /// private.
    case publicReply = "public_reply"
    case invited
    /// How much of the practice this case gets: `track`.
    case tracked
    /// Handed over for good reason: `to` human or legal.
    case referred
    /// The remedy may be given: `remedy`.
    case approved
    /// `outcome`.
    case closed

    /// Whether webhooks are told.
    var isPosted: Bool {
      switch self {
      case .opened, .claimed, .released, .answered, .escalated, .reassigned, .closed: true
      default: false
      }
    }

    /// Whether `StepWork` follows from it.
    var isOfPractice: Bool {
      switch self {
      case .attempted, .messageLeft, .messaged, .step, .skipped, .publicReply, .invited, .tracked,
        .referred, .approved:
        true
      default: false
      }
    }

    /// Whether it is a call where the case is by phone.
    package var isCall: Bool { [.attempted, .messageLeft, .reached].contains(self) }

    /// Whether the customer was contacted, or an attempt was made.
    package var isTouch: Bool {
      switch self {
      case .attempted, .messageLeft, .reached, .messaged: true
      default: false
      }
    }
  }

  package enum Verdict: String, Sendable, Codable, CaseIterable {
    case detractor
    case nonDetractor = "non-detractor"
  }

  package enum Outcome: String, Sendable, Codable, CaseIterable {
    case resolved
    case nothingWrong = "nothing_wrong"
    /// Nobody could be reached.
    case unreached
    /// The customer wants no contact about it, or goes.
    case declined
    case lost
    /// The customer was in the wrong seat, and was helped to leave.
    case partedWell = "parted_well"
    /// Spoken with, and not resolved to the customer's mind.
    case unresolved
    /// Handed to a mail tool with the rest of its segment.
    case handedOver = "handed_over"
    /// The customer spoke, so that a voiced case took its place.
    case overtaken
    case cancelled
    case erased
  }

  /// Of the case, and the action's place in its log, from 1.
  package var caseNumber: Int64
  package var number: Int
  package var at: Instant
  package var kind: Kind
  /// Who did it, as an id of the team's; "tacit" for what a run did.
  package var actor: String
  /// No data of the customer's: they stand in the note, which erasure can take out.
  package var detail: [String: String]
  package var note: String?
  /// What the customer said and wants, by field: a step's record. Kept with the note.
  package var record: [String: String]
  /// Of this action and all before it in the case's log.
  package var hash = ""

  package init(
    caseNumber: Int64 = 0, number: Int = 0, at: Instant, kind: Kind, actor: String,
    detail: [String: String] = [:], note: String? = nil, record: [String: String] = [:]
  ) {
    self.caseNumber = caseNumber
    self.number = number
    self.at = at
    self.kind = kind
    self.actor = actor
    self.detail = detail
    self.note = note
    self.record = record
  }

  package static let run = "tacit"
  /// Keys of `detail` on a contact: the id of the person, and that the customer began it.
  package static let contact = "contact"
  package static let inbound = "inbound"

  /// SHA-256 over the hash before it and everything but the note and
  /// the record, fields apart by a unit separator.
  func chained(after previous: String) -> String {
    let fields = [
      previous, "\(caseNumber)", "\(number)", "\(at.microseconds)", kind.rawValue, actor,
      detailText,
    ]
    return sha256(Data(fields.map { $0 + "\u{1F}" }.joined().utf8))
  }

  /// The detail as it is kept: an object with its keys in the order of bytes.
  var detailText: String { canonicalJSON(detail) }
}
