import Detraction
import Foundation
import Histories

// How runs, decisions, cases and actions become rows and are read again. Columns stand in the order of
// the lists in `StoreSQL`.

extension Run {
  init(_ row: SQLRow) throws(OutreachError) {
    self.init(
      asOf: Instant(microseconds: try row.integer(0)), model: try row.text(1),
      scoresPath: try row.text(2), scoresSHA256: try row.text(3), tacitVersion: try row.text(4),
      accounts: try row.int(5), silent: try row.int(6), decided: try row.int(7),
      flagged: try row.int(8), businessDay: try row.bool(9), cut: try row.optionalReal(10),
      voiced: try row.int(11), explored: try row.int(12))
  }

  func values() throws(OutreachError) -> [SQLValue] {
    [
      SQLValue(asOf.microseconds), try SQLValue(model), try SQLValue(scoresPath),
      try SQLValue(scoresSHA256), try SQLValue(tacitVersion), SQLValue(accounts),
      SQLValue(silent), SQLValue(decided), SQLValue(flagged), SQLValue(businessDay),
      SQLValue(cut), SQLValue(voiced), SQLValue(explored),
    ]
  }
}

extension Decision {
  func values(_ asOf: Instant) throws(OutreachError) -> [SQLValue] {
    [
      SQLValue(asOf.microseconds), try SQLValue(id), SQLValue(rank), SQLValue(logit),
      SQLValue(probability), .text(disposition.rawValue), try SQLValue(queue?.name),
    ]
  }
}

extension Case {
  init(_ row: SQLRow) throws(OutreachError) {
    guard let form = Form(rawValue: try row.text(2)) else { throw SQLRow.damaged }
    var score: Score?
    if let logit = try row.optionalReal(15) {
      guard let band = Band(rawValue: try row.text(14)) else { throw SQLRow.damaged }
      score = Score(
        account: try row.text(1), logit: logit, referenceLogit: try row.real(16),
        probability: try row.real(10), low: try row.real(11), high: try row.real(12),
        percentile: try row.real(13), band: band, reasons: try decoded(try row.text(17)),
        other: try row.real(18), otherCount: try row.int(19),
        extrapolated: try row.bool(20), neverSpoken: try row.bool(21))
    }
    self.init(
      form: form, account: try row.text(1), queue: try row.text(3), channel: try row.text(4),
      asOf: Instant(microseconds: try row.integer(5)),
      openedAt: Instant(microseconds: try row.integer(6)),
      due: Instant(microseconds: try row.integer(7)),
      closeDue: try row.optionalInteger(8).map { Instant(microseconds: $0) },
      model: try row.optionalText(9), score: score, exemplars: try decoded(try row.text(22)))
    number = try row.integer(0)
    if let text = try row.optionalText(23) { voice = try decoded(text) }
    if let text = try row.optionalText(24) { person = try decoded(text) }
    value = try row.optionalReal(25)
    segment = try row.optionalText(26)
    state = try decoded(try row.text(27))
    if let text = try row.optionalText(28) { said = try decoded(text) }
  }

  func values() throws(OutreachError) -> [SQLValue] {
    [
      SQLValue(number), try SQLValue(account), .text(form.rawValue), try SQLValue(queue),
      try SQLValue(channel), SQLValue(asOf.microseconds), SQLValue(openedAt.microseconds),
      SQLValue(due.microseconds), SQLValue(closeDue?.microseconds), try SQLValue(model),
      SQLValue(score?.probability), SQLValue(score?.low), SQLValue(score?.high),
      SQLValue(score?.percentile), try SQLValue(score?.band.rawValue), SQLValue(score?.logit),
      SQLValue(score?.referenceLogit), try SQLValue(score.map { canonicalJSON($0.reasons) }),
      SQLValue(score?.other), SQLValue(score.map { Int64($0.otherCount) }),
      SQLValue(score.map { $0.extrapolated ? 1 : 0 } as Int64?),
      SQLValue(score.map { $0.neverSpoken ? 1 : 0 } as Int64?),
      try SQLValue(canonicalJSON(exemplars)), try SQLValue(voice.map { canonicalJSON($0) }),
      try SQLValue(person.map { canonicalJSON($0) }), SQLValue(value), try SQLValue(segment),
      try SQLValue(canonicalJSON(state)),
      try SQLValue(said.isEmpty ? nil : canonicalJSON(said)),
    ]
  }

  /// What `StoreSQL.setState` takes.
  func stateValues() throws(OutreachError) -> [SQLValue] {
    [
      try SQLValue(queue), try SQLValue(state.owner), SQLValue(state.leaseUntil?.microseconds),
      SQLValue(state.closedAt?.microseconds), try SQLValue(state.outcome?.rawValue),
      try SQLValue(canonicalJSON(state)), SQLValue(number),
    ]
  }
}

extension Action {
  init(_ row: SQLRow) throws(OutreachError) {
    guard let kind = Kind(rawValue: try row.text(3)) else { throw SQLRow.damaged }
    self.init(
      caseNumber: try row.integer(0), number: try row.int(1),
      at: Instant(microseconds: try row.integer(2)), kind: kind, actor: try row.text(4),
      detail: try decoded(try row.text(5)),
      note: try row.optionalText(6).flatMap { $0.isEmpty ? nil : $0 })
    hash = try row.text(7)
    if let text = try row.optionalText(8) { record = try decoded(text) }
  }

  func values() throws(OutreachError) -> [SQLValue] {
    [
      SQLValue(caseNumber), SQLValue(number), SQLValue(at.microseconds), .text(kind.rawValue),
      try SQLValue(actor), try SQLValue(detailText), .text(hash),
    ]
  }
}

extension Enrolment {
  init(_ row: SQLRow) throws(OutreachError) {
    guard let arm = Arm(rawValue: try row.text(2)), let band = Band(rawValue: try row.text(5))
    else { throw SQLRow.damaged }
    self.init(
      seed: try row.text(0), account: try row.text(1), arm: arm,
      asOf: Instant(microseconds: try row.integer(3)), probability: try row.real(4), band: band,
      queue: try row.text(6))
  }

  func values() throws(OutreachError) -> [SQLValue] {
    [
      try SQLValue(seed), try SQLValue(account), .text(arm.rawValue),
      SQLValue(asOf.microseconds), SQLValue(probability), .text(band.rawValue),
      try SQLValue(queue),
    ]
  }
}

/// A value as JSON, its keys in the order of bytes: the same text for the same value.
func canonicalJSON(_ value: some Encodable) -> String {
  let writer = JSONEncoder()
  writer.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  // Of plain values with finite numbers, which always encode.
  guard let data = try? writer.encode(value) else { preconditionFailure("a value has no JSON") }
  return String(decoding: data, as: UTF8.self)
}

func decoded<Value: Decodable>(_ text: String) throws(OutreachError) -> Value {
  do { return try JSONDecoder().decode(Value.self, from: Data(text.utf8)) } catch {
    throw SQLRow.damaged
  }
}
