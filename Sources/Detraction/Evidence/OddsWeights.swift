import Foundation
import Learning

/// Weights that make respondents stand for the silent: (1 − e)/e, e clipped, weights trimmed, their
/// sum the number of respondents (METHODS 1.3).
package struct OddsWeights: Sendable, Codable, Equatable {
  /// A weight a respondent, mean 1.
  package let values: [Double]
  /// Respondents whose e was clipped, and whose weight was trimmed.
  package let clipped: Int
  package let trimmed: Int

  package static let clip = 0.01
  package static let trimQuantile = 0.99
  package static let trimRatio = 20.0

  /// `logits` are those of e. e stays within 0.01 … 0.99; weights at most their 99 % point and 20
  /// times their mean. O(n log n).
  package init(propensityLogits logits: [Double]) {
    var clipped = 0
    let raw = logits.map { logit in
      let e = LogisticFit.probability(logit: logit)
      let inside = min(max(e, Self.clip), 1 - Self.clip)
      if inside != e { clipped += 1 }
      return (1 - inside) / inside
    }
    let most =
      raw.isEmpty
      ? 0
      : min(
        Evaluation.quantile(raw.sorted(), Self.trimQuantile),
        Self.trimRatio * raw.reduce(0, +) / Double(raw.count))
    trimmed = raw.count { $0 > most }
    self.clipped = clipped
    values = Self.normalised(raw.map { min($0, most) })
  }

  /// Weights made elsewhere, scaled to mean 1.
  init(values: [Double], clipped: Int, trimmed: Int) {
    self.values = Self.normalised(values)
    self.clipped = clipped
    self.trimmed = trimmed
  }

  private static func normalised(_ weights: [Double]) -> [Double] {
    let sum = weights.reduce(0, +)
    return sum > 0 ? weights.map { $0 * Double(weights.count) / sum } : weights
  }

  /// Kish's design effect, mean(w²) / mean(w)²: by how much unequal weights shrink a sample.
  package var designEffect: Double {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    return values.reduce(0) { $0 + $1 * $1 } / n / (mean * mean)
  }

  /// (Σ w)² / Σ w², in rows.
  package var effectiveSize: Double { Double(values.count) / designEffect }

  /// The weights to a power from 0 (none) to 1, mean 1: flattened (Shimodaira 2000).
  package func flattened(_ tau: Double) -> [Double] {
    Self.normalised(values.map { tau == 0 ? 1 : pow($0, tau) })
  }
}
