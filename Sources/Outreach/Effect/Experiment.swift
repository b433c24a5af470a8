package import Detraction
package import Histories

/// A time in which some of the flagged are left alone by lot, so that the effect of contact can be
/// measured, and some of the silent are contacted by lot, so that their level can.
package struct Experiment: Sendable, Equatable {
  /// What the lot hangs on: the next experiment needs another, so that nobody is left alone for ever.
  package var seed: String
  package var starts: Instant
  package var ends: Instant
  /// Share of those reached by a queue's capacity that are left alone.
  package var holdout: Double
  /// Silent accounts contacted by lot on a business day.
  package var exploration: Int
  /// What it was set up to show, registered on its first night; nil before that, and where that
  /// was before outcomes were registered.
  package var outcomes: [OutcomeMeasure]?

  package init(
    seed: String, starts: Instant, ends: Instant, holdout: Double, exploration: Int,
    outcomes: [OutcomeMeasure]? = nil
  ) {
    self.seed = seed
    self.starts = starts
    self.ends = ends
    self.holdout = holdout
    self.exploration = exploration
    self.outcomes = outcomes
  }

  package func isRunning(at t: Instant) -> Bool { starts <= t && t < ends }
}

/// An account's part in an experiment, settled when a run first reached it.
package struct Enrolment: Sendable, Equatable {
  package enum Arm: String, Sendable, Codable, CaseIterable { case contact, holdout, exploration }

  package var seed: String
  package var account: String
  package var arm: Arm
  package var asOf: Instant
  package var probability: Double
  package var band: Band
  package var queue: String

  package init(
    seed: String, account: String, arm: Arm, asOf: Instant, probability: Double, band: Band,
    queue: String
  ) {
    self.seed = seed
    self.account = account
    self.arm = arm
    self.asOf = asOf
    self.probability = probability
    self.band = band
    self.queue = queue
  }
}

/// A cause that surged: one thing to be looked into, in place of a call to each account it touches.
package struct Incident: Sendable, Equatable {
  package var asOf: Instant
  /// The source feature that is the first reason of so many accounts at once.
  package var feature: String
  package var accounts: Int
  /// By the nights before, and the chance of so many by it.
  package var expected: Double
  package var p: Double

  package init(asOf: Instant, feature: String, accounts: Int, expected: Double, p: Double) {
    self.asOf = asOf
    self.feature = feature
    self.accounts = accounts
    self.expected = expected
    self.p = p
  }
}

extension Experiment {
  /// `[experiment]`: `seed`, `starts` (a date), `horizon_days`, `holdout`,
  /// `exploration_per_business_day`. Nil with a problem reported.
  init?(_ table: ProjectTable, zone: LocalTime) {
    table.allow(["seed", "starts", "horizon_days", "holdout", "exploration_per_business_day"])
    let seed = table.required("seed")
    let text = table.required("starts")
    let starts = text.flatMap { Instant(asOf: $0, zone: zone) }
    if let text, starts == nil {
      table.report("starts", "`starts` is \"\(text)\", expected a date such as 2026-03-02")
    }
    let days = table.integer("horizon_days", in: 1...1000) ?? 90
    let holdout = table.number("holdout") ?? 0.15
    if !(holdout >= 0 && holdout <= 0.5) {
      table.report("holdout", "`holdout` is \(holdout), expected a share from 0 to 0.5")
    }
    let exploration = table.integer("exploration_per_business_day", in: 0...1_000_000) ?? 0
    guard let seed, let starts, holdout >= 0, holdout <= 0.5 else { return nil }
    self.init(
      seed: seed, starts: starts, ends: starts.adding(days: days), holdout: holdout,
      exploration: exploration)
  }
}
