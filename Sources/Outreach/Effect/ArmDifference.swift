/// One arm of an experiment in one stratum: how many, the mean of the outcome and its sample variance.
package struct ArmSummary: Sendable, Equatable {
  package private(set) var count = 0
  package private(set) var mean = 0.0
  private var squares = 0.0

  package init() {}

  package init(_ values: [Double]) {
    for value in values { add(value) }
  }

  /// Welford's update.
  package mutating func add(_ value: Double) {
    count += 1
    let step = value - mean
    mean += step / Double(count)
    squares += step * (value - mean)
  }

  /// Both together (Chan, Golub and LeVeque 1983).
  package mutating func add(_ other: ArmSummary) {
    guard other.count > 0 else { return }
    let all = Double(count + other.count)
    let step = other.mean - mean
    squares += other.squares + step * step * Double(count) * Double(other.count) / all
    mean += step * Double(other.count) / all
    count += other.count
  }

  /// Divided by n − 1; 0 of fewer than two.
  package var variance: Double { count > 1 ? squares / Double(count - 1) : 0 }

  /// Wilson's 95 % interval of a share (1927). Of at least one.
  fileprivate var wilson: (low: Double, high: Double) {
    let z = normalQuantile975
    let n = Double(count)
    let middle = mean + z * z / (2 * n)
    let half = z * (mean * (1 - mean) / n + z * z / (4 * n * n)).squareRoot()
    let scale = 1 + z * z / n
    return (max(0, (middle - half) / scale), min(1, (middle + half) / scale))
  }
}

/// The accounts of one score band, or of several, in both arms.
package struct Stratum: Sendable, Equatable {
  package var contact: ArmSummary
  package var holdout: ArmSummary

  package init(contact: ArmSummary = ArmSummary(), holdout: ArmSummary = ArmSummary()) {
    self.contact = contact
    self.holdout = holdout
  }

  var count: Int { contact.count + holdout.count }
  var smaller: Int { min(contact.count, holdout.count) }

  fileprivate mutating func add(_ other: Stratum) {
    contact.add(other.contact)
    holdout.add(other.holdout)
  }
}

/// The difference that being assigned to contact makes: contacted less held out, as assigned and not as
/// reached (intention to treat), with a 95 % interval.
package struct ArmDifference: Sendable, Equatable {
  /// Means of the arms, strata weighted alike in both.
  package var contact: Double
  package var holdout: Double
  package var difference: Double
  package var low: Double
  package var high: Double

  package var excludesNone: Bool { low > 0 || high < 0 }

  /// An arm of a stratum has at least so many accounts; else it is joined to the next stratum.
  package static let leastAccounts = 10

  /// Over strata in their order, each weighted by its accounts. Strata with an arm that is too small are
  /// joined with the next, by counts alone. Nil where even all of them together have too few.
  ///
  /// Shares: each difference by Wilson limits, put together in squares (MOVER: Zou and Donner 2008,
  /// doi:10.1002/sim.3095), which for one stratum is Newcombe's hybrid score interval (1998, method 10).
  /// Means: Welch's, with Satterthwaite's degrees of freedom over all arms. O(strata).
  package init?(_ strata: [Stratum], isShare: Bool) {
    let strata = Self.joined(strata)
    guard !strata.isEmpty else { return nil }
    let all = Double(strata.reduce(0) { $0 + $1.count })
    (contact, holdout) = (0, 0)
    var (below, above, variance, fourths) = (0.0, 0.0, 0.0, 0.0)
    for stratum in strata {
      let weight = Double(stratum.count) / all
      let (one, other) = (stratum.contact, stratum.holdout)
      contact += weight * one.mean
      holdout += weight * other.mean
      if isShare {
        let (a, b) = (one.wilson, other.wilson)
        below += weight * weight * (square(one.mean - a.low) + square(b.high - other.mean))
        above += weight * weight * (square(a.high - one.mean) + square(other.mean - b.low))
      } else {
        for arm in [one, other] {
          let part = weight * weight * arm.variance / Double(arm.count)
          variance += part
          fourths += part * part / Double(arm.count - 1)
        }
      }
    }
    difference = contact - holdout
    if !isShare, variance > 0 {
      let t = studentQuantile975(variance * variance / fourths)
      below = t * t * variance
      above = below
    }
    low = difference - below.squareRoot()
    high = difference + above.squareRoot()
  }

  private static func joined(_ strata: [Stratum]) -> [Stratum] {
    var done: [Stratum] = []
    var open = Stratum()
    for stratum in strata {
      open.add(stratum)
      if open.smaller >= leastAccounts {
        done.append(open)
        open = Stratum()
      }
    }
    if open.count > 0, !done.isEmpty { done[done.count - 1].add(open) }
    return done
  }
}

private func square(_ x: Double) -> Double { x * x }
