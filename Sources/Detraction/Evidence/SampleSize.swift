import Foundation

/// How many accounts it takes to tell two arms apart: 5 % two-sided, power 80 %.
package enum SampleSize {
  /// z.975 + z.8.
  static let z = 1.959963984540054 + 0.8416212335729143

  /// Accounts an arm, of two alike, to tell the shares `p0` and `p1` apart:
  /// (z.975 + z.8)² [p0(1 − p0) + p1(1 − p1)] / (p0 − p1)² (METHODS 7). Shares in [0, 1] that differ.
  package static func perArm(_ p0: Double, _ p1: Double) -> Double {
    z * z * (p0 * (1 - p0) + p1 * (1 - p1)) / ((p0 - p1) * (p0 - p1))
  }

  /// Accounts over both arms for a difference of means, with this share of them held out:
  /// (z.975 + z.8)² variance / (difference² × share × (1 − share)). All above 0, share below 1.
  package static func accounts(
    difference: Double, variance: Double, holdout share: Double
  ) -> Double {
    z * z * variance / (difference * difference * share * (1 - share))
  }
}

/// The least difference between a contacted and a held-out arm that an experiment of a given size sees
/// with a chance of 80 % (5 % two-sided).
///
/// It is (z.975 + z.8) × √(variance × (1/contacted + 1/held out)): the formula of METHODS 7 solved for
/// the difference, with the variance of the held-out in both arms, since which way contact moves the share
/// is not known beforehand. 30 calls on each of the 63 business days of a quarter, 15 % held out and a
/// share of 20 % give 0.0666: 6.7 points.
package struct DetectableDifference: Sendable, Equatable, Codable {
  package var contacted: Int
  package var heldOut: Int
  /// In the outcome's unit; a share's from 0 to 1.
  package var difference: Double

  /// Nil where there is nobody in an arm, or nothing varies. `variance`: p(1 − p) for a share p.
  package init?(contacted: Int, heldOut: Int, variance: Double) {
    guard contacted > 0, heldOut > 0, variance > 0, variance.isFinite else { return nil }
    self.contacted = contacted
    self.heldOut = heldOut
    difference =
      SampleSize.z * (variance * (1 / Double(contacted) + 1 / Double(heldOut))).squareRoot()
  }

  /// An experiment that contacts so many accounts in its time and holds out a share of those it
  /// reaches: the held-out use no capacity, so they come on top. At most `accounts` in all.
  package init?(contacts: Int, holdout share: Double, among accounts: Int, variance: Double) {
    guard contacts > 0, share > 0, share < 1 else { return nil }
    let reached = min(Double(contacts) / (1 - share), Double(accounts))
    self.init(
      contacted: Int((reached * (1 - share)).rounded()), heldOut: Int((reached * share).rounded()),
      variance: variance)
  }
}
