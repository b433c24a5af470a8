package import Foundation
package import Histories
import Learning

/// `drift.json` beside a night's score file: tonight's silent against those whom the model was made
/// for. It names no account.
package struct NightDrift: Sendable, Codable, Equatable {
  package let asOf: Instant
  package let model: String
  /// The date whose silent accounts are the reference.
  package let since: Instant
  /// Silent accounts tonight, and those whose features were looked at.
  package let silent: Int
  package let sampled: Int
  package private(set) var drift: Drift

  /// The scorer has to have been made with `sampling`. O(silent × log bins + sampled × features).
  package init(_ scorer: Scorer, fresh: Drift.Fresh?) throws(DetractionError) {
    guard let sample = scorer.sample else {
      throw .bug("drift is told from a sample, none was kept")
    }
    let model = scorer.model
    asOf = scorer.asOf
    self.model = scorer.version.version
    since = model.asOf
    silent = scorer.ranking.count
    sampled = sample.columns.first?.count ?? 0
    let days = scorer.asOf.days(since: model.asOf)
    let growth = model.schema.features.map { feature in
      switch feature {
      case .daysSinceFirst, .tenure: days
      default: 0.0
      }
    }
    drift = try translating {
      try Drift(
        Drift.Input(
          scoreReference: model.reference.logits, featureReferences: model.reference.features,
          names: model.schema.names, logits: scorer.ranking.map(\.logit), columns: sample.columns,
          contributions: scorer.contributions, means: sample.means, fresh: fresh,
          growth: growth),
        threads: scorer.threads)
    }
  }

  /// The same with tonight's volume and that of the nights before (`Drift.Volume`).
  package func counting(flagged: Int, before: [Int]) -> NightDrift {
    var night = self
    night.drift = drift.counting(flagged: flagged, before: before)
    return night
  }

  /// Reads what `contents` wrote; nil for anything else.
  package init?(contents: Data) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let night = try? decoder.decode(NightDrift.self, from: contents) else { return nil }
    self = night
  }

  /// The bytes of the file: JSON, keys in order. The same drift gives the same bytes.
  package func contents() throws(DetractionError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return try translating { try encoder.encode(self) + Data("\n".utf8) }
  }
}
