import Crypto
import Foundation
import Histories
import Learning

/// The scores of every silent account, highest first, as CSV or JSON Lines.
///
/// `reasons` holds the whole sum: the reference, the reasons and `other` add up to `logit`.
package struct ScoreFile {
  package enum Format { case csv, jsonLines }

  static let columns =
    "account_id,as_of,model,probability,low,high,percentile,band,logit,reasons,extrapolated"

  /// The format by the name's ending: `.jsonl` (or `.ndjson`) is JSON Lines, anything else CSV.
  package static func format(of path: String) -> Format {
    path.hasSuffix(".jsonl") || path.hasSuffix(".ndjson") ? .jsonLines : .csv
  }

  private struct Line: Encodable {
    var account_id, as_of, model: String
    var probability, low, high, percentile: Double
    var band: Band
    var logit: Double
    var reasons: [Part]
    var extrapolated: Bool
    var since: String?
    var logit_then: Double?
    var changes: [ScoreChange.Part]?
  }

  private struct Part: Encodable {
    var feature: String
    var contribution: Double
    var measure: String?
    var value: Double?
    var typical: Double?
    var text: String?
    var sayable: Bool?
    var threshold: Double?
    var pattern: String?
    /// How many source features `other` stands for.
    var features: Int?
  }

  /// What `since` adds: the earlier date, the logit then, and what makes the difference.
  static let changeColumns = ",since,logit_then,changes"

  /// Writes `path` whole or not at all, and returns the SHA-256 of its bytes. `since`: an earlier
  /// scoring to explain the differences from.
  package static func write(
    _ scorer: Scorer, since: EarlierScores? = nil, to path: String, progress: (Int, Int) -> Void
  ) throws(DetractionError) -> String {
    let format = format(of: path)
    let total = scorer.ranking.count
    var digest = SHA256()
    do {
      let file = try OutputFile(path: path)
      func put(_ text: String) throws {
        let bytes = Data(text.utf8)
        digest.update(data: bytes)
        try file.write([UInt8](bytes))
      }
      if format == .csv { try put(columns + (since == nil ? "" : changeColumns) + "\n") }
      for start in stride(from: 0, to: total, by: Trainer.chunk) {
        let places = start..<min(start + Trainer.chunk, total)
        let scores = try scorer.scores(at: places)
        let changes = try since.map { try scorer.changes(at: places, since: $0) }
        let stripes = StripedWork.bounds(of: scores.count, unit: 64)
        let lines = StripedWork.map(stripes: stripes.count, threads: scorer.threads) { stripe in
          Result {
            let encoder = encoder()
            return try stripes[stripe].map { row in
              try line(
                scores[row], since.map { ($0.asOf, changes.flatMap { $0[row] }) }, scorer, format,
                encoder)
            }.joined()
          }
        }
        let text = try lines.map { try $0.get() }.joined()
        try put(text)
        progress(places.upperBound, total)
      }
      try file.commit()
      return hexadecimal(digest.finalize())
    } catch let error as HistoriesError {
      throw .histories(error)
    } catch let error as DetractionError {
      throw error
    } catch {
      throw .bug("cannot encode a score: \(error)")
    }
  }

  private static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }

  private static func line(
    _ score: Score, _ since: (asOf: Instant, change: ScoreChange?)?, _ scorer: Scorer,
    _ format: Format, _ encoder: JSONEncoder
  ) throws -> String {
    let model = scorer.version.version
    switch format {
    case .jsonLines:
      let line = Line(
        account_id: score.account, as_of: scorer.asOf.description, model: model,
        probability: score.probability, low: score.low, high: score.high,
        percentile: score.percentile, band: score.band, logit: score.logit,
        reasons: parts(score), extrapolated: score.extrapolated, since: since?.asOf.description,
        logit_then: since?.change?.then, changes: since?.change?.parts)
      return String(decoding: try encoder.encode(line), as: UTF8.self) + "\n"
    case .csv:
      let reasons = String(decoding: try encoder.encode(parts(score)), as: UTF8.self)
      return "\(csvField(score.account)),\(scorer.asOf),\(model),\(score.probability),"
        + "\(score.low),\(score.high),\(score.percentile),\(score.band.rawValue),"
        + "\(score.logit),\(csvField(reasons)),\(score.extrapolated)"
        + (try since.map { try changeCells($0.asOf, $0.change, encoder) } ?? "") + "\n"
    }
  }

  /// Empty cells where the account had no score then.
  private static func changeCells(
    _ asOf: Instant, _ change: ScoreChange?, _ encoder: JSONEncoder
  ) throws -> String {
    guard let change else { return ",\(asOf),," }
    let parts = String(decoding: try encoder.encode(change.parts), as: UTF8.self)
    return ",\(asOf),\(change.then),\(csvField(parts))"
  }

  private static func parts(_ score: Score) -> [Part] {
    var parts = [
      Part(
        feature: "reference", contribution: score.referenceLogit,
        text: "the silent population's mean")
    ]
    parts += score.reasons.map {
      Part(
        feature: $0.feature, contribution: $0.contribution, measure: $0.measure, value: $0.value,
        typical: $0.typical, text: $0.text, sayable: $0.sayable, threshold: $0.threshold,
        pattern: $0.pattern)
    }
    parts.append(Part(feature: "other", contribution: score.other, features: score.otherCount))
    return parts
  }
}
