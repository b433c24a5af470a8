package import Detraction
import Foundation
package import Histories

/// Whether contact helps: one outcome of one experiment, by intention to treat.
///
/// Accounts count in the arm that the lot gave them, whether anybody reached them or not: who can be
/// reached is another customer than who cannot, so that only the arms as drawn are alike.
///
/// An outcome is read once, at a time that the experiment fixes: when the horizon of the last account it
/// can enrol is over. Before that there are counts only. Who looks every night and stops at the first
/// difference finds one in far more than 5 of 100 experiments in which contact does nothing.
package struct ExperimentReading: Sendable, Equatable {
  /// An arm's accounts, by whether their horizon is over.
  package struct Progress: Sendable, Equatable {
    package var complete = 0
    package var running = 0
  }

  package enum State: String, Sendable, Codable {
    /// The reading date is yet to come.
    case running
    /// It is there, and an arm has fewer than `ArmDifference.leastAccounts` accounts.
    case tooFew = "too_few"
    case read
  }

  package struct BandReading: Sendable, Equatable {
    package var band: Band
    package var contact: Int
    package var holdout: Int
    /// Nil before the reading, and where an arm is too small.
    package var difference: ArmDifference?
  }

  package var outcome: OutcomeMeasure
  package var seed: String
  package var readOn: Instant
  package var state: State
  package var contact: Progress
  package var holdout: Progress
  /// Enrolled accounts that have no history any more, such as erased ones; in no arm.
  package var gone = 0
  package var overall: ArmDifference?
  /// What working the cases of an account cost, on average over the arm: of the contacted, and of those
  /// left alone, some of whom speak and are answered. Nil before the reading.
  package var cost: Double?
  package var holdoutCost: Double?
  /// Where the outcome is a sum of money: the difference that is left when each account's cost is taken
  /// off what it brought.
  package var net: ArmDifference?
  /// From the highest band down; those with anybody enrolled.
  package var bands: [BandReading]
  /// Accounts over both arms that are still needed: to have any reading, or, where the interval has none
  /// in it, to tell a difference as small as the one seen from none.
  package var moreAccounts: Int?

  /// When an outcome of an experiment can be read.
  package static func readingDate(_ experiment: Experiment, _ outcome: OutcomeMeasure) -> Instant {
    experiment.ends.adding(days: outcome.horizonDays)
  }

  /// - Parameters:
  ///   - enrolments: of any experiment; those of others are left out, and so is who was drawn for
  ///     exploration, which is no arm of this comparison.
  ///   - value: an account's outcome from its enrolment on, as `OutcomeMeasure.Reader` has it; nil where
  ///     it is gone. Not called before the reading date.
  ///   - cost: what working an account's cases cost from its enrolment on, within the outcome's horizon.
  package init(
    _ experiment: Experiment, _ outcome: OutcomeMeasure, _ enrolments: [Enrolment], asOf: Instant,
    value: (Enrolment) -> Double?, cost: (Enrolment) -> Double = { _ in 0 }
  ) {
    self.outcome = outcome
    seed = experiment.seed
    readOn = Self.readingDate(experiment, outcome)
    let own = enrolments.filter {
      $0.seed.utf8.elementsEqual(experiment.seed.utf8) && $0.arm != .exploration
        && $0.asOf < asOf
    }
    func progress(_ arm: Enrolment.Arm) -> Progress {
      var progress = Progress()
      for one in own where one.arm == arm {
        if one.asOf.adding(days: outcome.horizonDays) <= asOf {
          progress.complete += 1
        } else {
          progress.running += 1
        }
      }
      return progress
    }
    contact = progress(.contact)
    holdout = progress(.holdout)
    let isDue = readOn <= asOf
    var strata = Band.allCases.map { _ in Stratum() }
    var (net, costs) = (strata, Stratum())
    var counts = Band.allCases.map { _ in (contact: 0, holdout: 0) }
    for one in own {
      let place = Band.allCases.firstIndex(of: one.band) ?? 0
      if one.arm == .contact { counts[place].contact += 1 } else { counts[place].holdout += 1 }
      guard isDue else { continue }
      guard let value = value(one) else {
        gone += 1
        continue
      }
      let spent = cost(one)
      if one.arm == .contact {
        strata[place].contact.add(value)
        net[place].contact.add(value - spent)
        costs.contact.add(spent)
      } else {
        strata[place].holdout.add(value)
        net[place].holdout.add(value - spent)
        costs.holdout.add(spent)
      }
    }
    overall = isDue ? ArmDifference(strata, isShare: outcome.isShare) : nil
    if overall != nil {
      self.cost = costs.contact.mean
      holdoutCost = costs.holdout.mean
      if !outcome.isShare { self.net = ArmDifference(net, isShare: false) }
    }
    state = !isDue ? .running : overall == nil ? .tooFew : .read
    bands = Band.allCases.indices.filter { counts[$0].contact + counts[$0].holdout > 0 }.map {
      BandReading(
        band: Band.allCases[$0], contact: counts[$0].contact, holdout: counts[$0].holdout,
        difference: isDue ? ArmDifference([strata[$0]], isShare: outcome.isShare) : nil)
    }
    moreAccounts = more(experiment, strata)
  }

  private func more(_ experiment: Experiment, _ strata: [Stratum]) -> Int? {
    let share = experiment.holdout
    guard share > 0, share < 1 else { return nil }
    let enrolled = contact.complete + contact.running + holdout.complete + holdout.running
    switch state {
    case .running: return nil
    case .tooFew:
      let least = Double(ArmDifference.leastAccounts) / min(share, 1 - share)
      return max(1, Int(least.rounded(.up)) - enrolled + gone)
    case .read:
      guard let overall, !overall.excludesNone, overall.difference != 0 else { return nil }
      var heldOut = ArmSummary()
      for stratum in strata { heldOut.add(stratum.holdout) }
      let needed = SampleSize.accounts(
        difference: overall.difference, variance: heldOut.variance, holdout: share)
      guard needed.isFinite, needed < 1e9 else { return nil }
      let more = Int(needed.rounded(.up)) - (enrolled - gone)
      return more > 0 ? more : nil
    }
  }
}

extension ExperimentReading: Encodable {
  private enum CodingKeys: String, CodingKey {
    case outcome, words, experiment, state, contact, holdout, gone, difference, low, high, bands
    case readOn = "read_on"
    case contactRunning = "contact_running"
    case holdoutRunning = "holdout_running"
    case contactMean = "contact_mean"
    case holdoutMean = "holdout_mean"
    case moreAccounts = "more_accounts"
    case cost
    case holdoutCost = "holdout_cost"
    case net
    case netLow = "net_low"
    case netHigh = "net_high"
  }

  /// A flat object; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(outcome.name, forKey: .outcome)
    try object.encode(outcome.words, forKey: .words)
    try object.encode(seed, forKey: .experiment)
    try object.encode(state, forKey: .state)
    try object.encode(readOn, forKey: .readOn)
    try object.encode(contact.complete, forKey: .contact)
    try object.encode(contact.running, forKey: .contactRunning)
    try object.encode(holdout.complete, forKey: .holdout)
    try object.encode(holdout.running, forKey: .holdoutRunning)
    try object.encode(gone, forKey: .gone)
    try object.encode(overall?.contact, forKey: .contactMean)
    try object.encode(overall?.holdout, forKey: .holdoutMean)
    try object.encode(overall?.difference, forKey: .difference)
    try object.encode(overall?.low, forKey: .low)
    try object.encode(overall?.high, forKey: .high)
    try object.encode(cost, forKey: .cost)
    try object.encode(holdoutCost, forKey: .holdoutCost)
    try object.encode(net?.difference, forKey: .net)
    try object.encode(net?.low, forKey: .netLow)
    try object.encode(net?.high, forKey: .netHigh)
    try object.encode(moreAccounts, forKey: .moreAccounts)
    try object.encode(bands, forKey: .bands)
  }
}

extension ExperimentReading.BandReading: Encodable {
  private enum CodingKeys: String, CodingKey {
    case band, contact, holdout, difference, low, high
  }

  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(band, forKey: .band)
    try object.encode(contact, forKey: .contact)
    try object.encode(holdout, forKey: .holdout)
    try object.encode(difference?.difference, forKey: .difference)
    try object.encode(difference?.low, forKey: .low)
    try object.encode(difference?.high, forKey: .high)
  }
}
