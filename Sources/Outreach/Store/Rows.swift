import Detraction
import Foundation
import GRDB
import Histories

// How runs, decisions and cases become rows and are read again. Columns stand in the order of the
// lists in `StoreSQL`.

extension Run {
  init(_ row: Row) {
    self.init(
      asOf: Instant(microseconds: row[0]), model: row[1], scoresPath: row[2], scoresSHA256: row[3],
      tacitVersion: row[4], accounts: row[5], silent: row[6], decided: row[7], flagged: row[8],
      businessDay: row[9], cut: row[10])
  }

  var arguments: StatementArguments {
    get throws {
      [
        asOf.microseconds, try kept(model), try kept(scoresPath), try kept(scoresSHA256),
        try kept(tacitVersion), accounts, silent, decided, flagged, businessDay, cut,
      ]
    }
  }
}

extension Decision {
  func arguments(_ asOf: Instant) throws -> StatementArguments {
    [
      asOf.microseconds, try kept(id), rank, logit, probability, disposition.rawValue,
      try kept(queue?.name),
    ]
  }
}

extension Case {
  init(_ row: Row) throws {
    let reader = JSONDecoder()
    guard let band = Band(rawValue: row[11]) else { throw UnknownBand() }
    let score = Score(
      account: row[0], logit: row[12], referenceLogit: row[13], probability: row[7], low: row[8],
      high: row[9], percentile: row[10], band: band,
      reasons: try reader.decode([Reason].self, from: Data((row[14] as String).utf8)),
      other: row[15], otherCount: row[16], extrapolated: row[17], neverSpoken: row[18])
    self.init(
      queue: row[1], channel: row[2], asOf: Instant(microseconds: row[3]),
      openedAt: Instant(microseconds: row[4]), due: Instant(microseconds: row[5]), model: row[6],
      score: score,
      exemplars: try reader.decode([Exemplar].self, from: Data((row[19] as String).utf8)),
      name: row[20], value: row[21], segment: row[22])
  }

  var arguments: StatementArguments {
    get throws {
      let writer = JSONEncoder()
      writer.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      let reasons = String(decoding: try writer.encode(score.reasons), as: UTF8.self)
      let exemplars = String(decoding: try writer.encode(exemplars), as: UTF8.self)
      return [
        try kept(account), try kept(queue), try kept(channel), asOf.microseconds,
        openedAt.microseconds, due.microseconds, try kept(model), score.probability, score.low,
        score.high, score.percentile, score.band.rawValue, score.logit, score.referenceLogit,
        reasons, score.other, score.otherCount, score.extrapolated, score.neverSpoken, exemplars,
        try kept(name), value, try kept(segment),
      ]
    }
  }
}

/// A band that this version does not know: the row is damaged.
private struct UnknownBand: Error {}

/// A text that a database keeps as it is: one with a NUL would end there.
private func kept(_ text: String?) throws(OutreachError) -> String? {
  if text?.utf8.contains(0) == true {
    throw .dataContract(
      "an id, a name or a path has a NUL byte in it, which the store cannot keep: take it out of "
        + "the accounts file or the project file")
  }
  return text
}
