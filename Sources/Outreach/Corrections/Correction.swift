import Detraction
import Foundation
package import Histories

/// Something that the company changes because customers told it what is wrong.
package struct Correction: Sendable, Equatable {
  /// From 1.
  package var number: Int64
  /// What is wrong, in the team's words.
  package var title: String
  package var state: CorrectionState

  package init(number: Int64, title: String, state: CorrectionState) {
    self.number = number
    self.title = title
    self.state = state
  }
}

/// Where a correction stands: the sum of its log.
package struct CorrectionState: Sendable, Equatable, Codable {
  package enum Stage: String, Sendable, Codable, CaseIterable {
    case proposed, pilot, approved
    case rolledOut = "rolled_out"
    case withdrawn

    /// Whether nothing more is to be done.
    package var isDone: Bool { self == .rolledOut || self == .withdrawn }

    /// The next on the way to everybody; nil at its end, and of what was withdrawn.
    package var next: Stage? {
      switch self {
      case .proposed: .pilot
      case .pilot: .approved
      case .approved: .rolledOut
      case .rolledOut, .withdrawn: nil
      }
    }
  }

  package struct Move: Sendable, Equatable, Codable {
    package var stage: Stage
    package var at: Instant
    package var by: String
  }

  /// What a former detractor thinks of it: the last word of each counts.
  package struct Vote: Sendable, Equatable, Codable {
    package var caseNumber: Int64
    package var isFor: Bool
  }

  package var stage = Stage.proposed
  /// One of the project's causes.
  package var cause = ""
  /// Who sees to it.
  package var owner = ""
  /// The proposal and every move after it, oldest first.
  package var moves: [Move] = []
  /// Numbers of the cases that speak for it, ascending. A case is named and no account, so that the
  /// log has nothing that erasure would have to take out.
  package var links: [Int64] = []
  package var votes: [Vote] = []

  package init() {}

  /// The state after one more action. Throws `refused` for what does not fit it.
  mutating func apply(_ action: CorrectionAction) throws(OutreachError) {
    func number() throws(OutreachError) -> Int64 {
      guard let number = action.detail["case"].flatMap({ Int64($0) }) else {
        throw .refused("a case's number is missing")
      }
      return number
    }
    switch action.kind {
    case .proposed:
      guard moves.isEmpty else { throw .refused("the correction is proposed already") }
      cause = action.detail["cause"] ?? ""
      owner = action.detail["owner"] ?? ""
      moves = [Move(stage: .proposed, at: action.at, by: action.actor)]
    case .linked:
      let number = try number()
      guard !links.contains(number) else { throw .refused("the case is linked already") }
      links = (links + [number]).sorted()
    case .unlinked:
      let number = try number()
      guard links.contains(number) else { throw .refused("the case is not linked") }
      links.removeAll { $0 == number }
    case .moved:
      guard let to = action.detail["stage"].flatMap(Stage.init), to != stage else {
        throw .refused("a move is to another stage")
      }
      stage = to
      moves.append(Move(stage: to, at: action.at, by: action.actor))
    case .voted:
      let number = try number()
      let vote = Vote(caseNumber: number, isFor: action.detail["vote"] == "yes")
      votes = (votes.filter { $0.caseNumber != number } + [vote]).sorted {
        $0.caseNumber < $1.caseNumber
      }
    }
  }
}

/// One recorded step of a correction; only ever added.
package struct CorrectionAction: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    /// `cause`, `owner`.
    case proposed
    /// `case`, by number.
    case linked, unlinked
    /// `stage`.
    case moved
    /// `case`, `vote` yes or no.
    case voted
  }

  package var correction: Int64
  /// Its place in the correction's log, from 1.
  package var number: Int
  package var at: Instant
  package var kind: Kind
  /// Who did it, as an id of the team's.
  package var actor: String
  package var detail: [String: String]
  /// Why, in somebody's own words: kept apart from the log.
  package var because: String?
  /// Of this action and all before it in the correction's log.
  package var hash = ""

  package init(
    correction: Int64 = 0, number: Int = 0, at: Instant, kind: Kind, actor: String,
    detail: [String: String] = [:], because: String? = nil
  ) {
    self.correction = correction
    self.number = number
    self.at = at
    self.kind = kind
    self.actor = actor
    self.detail = detail
    self.because = because
  }

  /// SHA-256 over the hash before it and everything but the reason, fields apart by a unit separator.
  func chained(after previous: String) -> String {
    let fields = [
      previous, "\(correction)", "\(number)", "\(at.microseconds)", kind.rawValue, actor,
      canonicalJSON(detail),
    ]
    return sha256(Data(fields.map { $0 + "\u{1F}" }.joined().utf8))
  }
}

// MARK: - Rows

extension Correction {
  init(_ row: SQLRow) throws(OutreachError) {
    self.init(
      number: try row.integer(0), title: try row.text(1), state: try decoded(try row.text(2)))
  }
}

extension CorrectionAction {
  init(_ row: SQLRow) throws(OutreachError) {
    guard let kind = Kind(rawValue: try row.text(3)) else { throw SQLRow.damaged }
    self.init(
      correction: try row.integer(0), number: try row.int(1),
      at: Instant(microseconds: try row.integer(2)), kind: kind, actor: try row.text(4),
      detail: try decoded(try row.text(5)), because: try row.optionalText(7))
    hash = try row.text(6)
  }

  func values() throws(OutreachError) -> [SQLValue] {
    [
      SQLValue(correction), SQLValue(number), SQLValue(at.microseconds), .text(kind.rawValue),
      try SQLValue(actor), try SQLValue(canonicalJSON(detail)), .text(hash),
    ]
  }
}
