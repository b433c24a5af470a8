/// What a forecast is measured by. Those at a cut name it by its place among `Evaluation.cuts`.
package enum Metric: Hashable, Sendable {
  case rocArea
  case averagePrecision
  /// Mean of softplus(logit) − y logit.
  case logLoss
  /// Mean of (p − y)² = reliability − resolution + uncertainty.
  case brier
  /// Σ over bins of their share × (mean p − share of positives)²: what wrong levels cost.
  case reliability
  /// What telling rows apart earns: uncertainty + reliability − Brier. Within bins it counts too, and
  /// is Murphy's where a bin holds one score. Source: Stephenson et al. 2008,
  /// doi:10.1175/2007WAF2006116.1.
  case resolution
  /// The Brier score of calling everybody by the base rate: ȳ (1 − ȳ).
  case uncertainty
  /// Mean of p minus mean of y.
  case inTheLarge
  case slope
  case intercept
  /// Σ over bins of their share × |mean p − share of positives|, noise and all (ECE).
  case plugInError
  /// Reliability less what noise alone adds to it, the square of the debiased calibration error;
  /// may be below 0. Source: Kumar et al. 2019, arXiv:1909.10155.
  case debiasedSquare
  case precision(Int)
  case recall(Int)
  case lift(Int)

  /// In every replicate these gain from noise; their replicates are moved back by what they gained.
  var isRaisedByNoise: Bool {
    switch self {
    case .reliability, .resolution, .plugInError, .debiasedSquare: true
    default: false
    }
  }

  /// The least value there is, or none.
  var least: Double { self == .reliability || self == .plugInError ? 0 : -.infinity }

  /// Whether more is better (1), less is better (−1), or neither (0: nearer to a value is).
  package var direction: Int {
    switch self {
    case .rocArea, .averagePrecision, .resolution, .precision, .recall, .lift: 1
    case .logLoss, .brier, .reliability, .plugInError, .debiasedSquare: -1
    case .uncertainty, .inTheLarge, .slope, .intercept: 0
    }
  }

  /// All metrics, with those at each of so many cuts.
  static func all(cuts: Int) -> [Metric] {
    [
      .rocArea, .averagePrecision, .logLoss, .brier, .reliability, .resolution, .uncertainty,
      .inTheLarge, .slope, .intercept, .plugInError, .debiasedSquare,
    ] + (0..<cuts).flatMap { [.precision($0), .recall($0), .lift($0)] }
  }
}

extension Tally {
  /// A metric in each of the eight replicates; not a number where a replicate has no such value.
  func value(_ metric: Metric, _ line: CalibrationLine?, cuts: [Double]) -> Lanes {
    let base = positives / total
    switch metric {
    case .rocArea: return pairs / (positives * (total - positives))
    case .averagePrecision: return precisions / positives
    case .logLoss: return loss / total
    case .brier: return square / total
    case .reliability: return gap2 / total
    case .resolution: return base * (1 - base) + (gap2 - square) / total
    case .uncertainty: return base * (1 - base)
    case .inTheLarge: return (probability - positives) / total
    case .slope: return (line?.slope ?? .nan) + lineStep.slope
    case .intercept: return (line?.intercept ?? .nan) + lineStep.intercept
    case .plugInError: return gap / total
    case .debiasedSquare: return (gap2 - noise) / total
    case .precision(let cut): return found[cut] / (cuts[cut] * total)
    case .recall(let cut): return found[cut] / positives
    case .lift(let cut): return found[cut] / (cuts[cut] * positives)
    }
  }
}
