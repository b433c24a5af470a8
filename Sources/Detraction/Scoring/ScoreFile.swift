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
  }

  private struct Part: Encodable {
    var feature: String
    var contribution: Double
    var measure: String?
    var value: Double?
    var typical: Double?
    var text: String?
    var sayable: Bool?
    /// How many source features `other` stands for.
    var features: Int?
  }

  /// Writes `path` whole or not at all, and returns the SHA-256 of its bytes.
  package static func write(
    _ scorer: Scorer, to path: String, progress: (Int, Int) -> Void
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
      if format == .csv { try put(columns + "\n") }
      for start in stride(from: 0, to: total, by: Trainer.chunk) {
        let places = start..<min(start + Trainer.chunk, total)
        let scores = try scorer.scores(at: places)
        let stripes = StripedWork.bounds(of: scores.count, unit: 64)
        let lines = StripedWork.map(stripes: stripes.count, threads: scorer.threads) { stripe in
          Result {
            let encoder = encoder()
            return try stripes[stripe].map { try line(scores[$0], scorer, format, encoder) }
              .joined()
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
    _ score: Score, _ scorer: Scorer, _ format: Format, _ encoder: JSONEncoder
  ) throws -> String {
    let model = scorer.version.version
    switch format {
    case .jsonLines:
      let line = Line(
        account_id: score.account, as_of: scorer.asOf.description, model: model,
        probability: score.probability, low: score.low, high: score.high,
        percentile: score.percentile, band: score.band, logit: score.logit,
        reasons: parts(score), extrapolated: score.extrapolated)
      return String(decoding: try encoder.encode(line), as: UTF8.self) + "\n"
    case .csv:
      let reasons = String(decoding: try encoder.encode(parts(score)), as: UTF8.self)
      return "\(csvField(score.account)),\(scorer.asOf),\(model),\(score.probability),"
        + "\(score.low),\(score.high),\(score.percentile),\(score.band.rawValue),"
        + "\(score.logit),\(csvField(reasons)),\(score.extrapolated)\n"
    }
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
        typical: $0.typical, text: $0.text, sayable: $0.sayable)
    }
    parts.append(Part(feature: "other", contribution: score.other, features: score.otherCount))
    return parts
  }
}
