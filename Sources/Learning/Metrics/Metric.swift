/// How far down the ranking rows are called.
package enum Cut: Hashable, Sendable {
  /// A sum of weight: a number of rows where they count alike.
  case weight(Double)
  /// A part of all weight.
  case share(Double)
}

/// Where cuts lie among rows of known weight.
struct Cuts: Sendable {
  /// Rising, above 0 and at most 1.
  let shares: [Double]
  private let places: [Cut: Int]

  /// Throws `badParameter` for a cut that is not above 0 or is more than all.
  init(_ cuts: [Cut], total: Double) throws(LearningError) {
    var placed: [Cut: Double] = [:]
    for cut in cuts {
      switch cut {
      case .weight(let k):
        guard k > 0, k <= total else {
          throw .badParameter(name: "k", value: k, needed: "above 0, at most \(total)")
        }
        placed[cut] = k / total
      case .share(let share):
        guard share > 0, share <= 1 else {
          throw .badParameter(name: "share", value: share, needed: "above 0, at most 1")
        }
        placed[cut] = share
      }
    }
    let shares = Set(placed.values).sorted()
    self.shares = shares
    places = placed.mapValues { share in shares.firstIndex(of: share) ?? 0 }
  }

  /// Nil for a cut that was not asked for.
  func place(_ cut: Cut) -> Int? { places[cut] }
}

/// What a forecast is measured by.
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
  case precision(Cut)
  case recall(Cut)
  case lift(Cut)

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

  /// All metrics, with those at each cut.
  static func all(_ cuts: [Cut]) -> [Metric] {
    [
      .rocArea, .averagePrecision, .logLoss, .brier, .reliability, .resolution, .uncertainty,
      .inTheLarge, .slope, .intercept, .plugInError, .debiasedSquare,
    ] + cuts.flatMap { [.precision($0), .recall($0), .lift($0)] }
  }
}

extension Tally {
  /// A metric in each of the eight replicates; not a number where a replicate has no such value.
  func value(_ metric: Metric, _ line: CalibrationLine?, _ cuts: Cuts) -> Lanes {
    let base = positives / total
    func called(_ cut: Cut) -> (found: Lanes, weight: Lanes) {
      guard let place = cuts.place(cut) else {
        return (Lanes(repeating: .nan), Lanes(repeating: .nan))
      }
      return (found[place], cuts.shares[place] * total)
    }
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
    case .precision(let cut):
      let (found, weight) = called(cut)
      return found / weight
    case .recall(let cut): return called(cut).found / positives
    case .lift(let cut):
      let (found, weight) = called(cut)
      return found / weight / base
    }
  }
}
