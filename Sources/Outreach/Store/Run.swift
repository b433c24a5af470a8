package import Histories

/// What a nightly pass scored, before it is decided.
package struct RunFacts: Sendable {
  /// Name and version of the model.
  package var model: String
  /// The run's immutable score file and the SHA-256 of its bytes, in hex.
  package var scoresPath: String
  package var scoresSHA256: String
  package var tacitVersion: String
  /// Accounts in the base as of the date, and the silent among them.
  package var accounts: Int
  package var silent: Int

  package init(
    model: String, scoresPath: String, scoresSHA256: String, tacitVersion: String, accounts: Int,
    silent: Int
  ) {
    self.model = model
    self.scoresPath = scoresPath
    self.scoresSHA256 = scoresSHA256
    self.tacitVersion = tacitVersion
    self.accounts = accounts
    self.silent = silent
  }
}

/// A night's work, ready to be published.
package struct Night: Sendable {
  package var facts: RunFacts
  package var plan: Plan
  /// To be opened, in the order of their numbers.
  package var cases: [Case]
  /// Open cases that end with this run, by account.
  package var closings: [(account: String, outcome: Action.Outcome)]
  package var experiment: Experiment?
  package var enrolments: [Enrolment]
  package var incidents: [Incident]
  /// Where the opening and closing of cases is told.
  package var webhooks: [String]
  /// By which late cases are escalated before new ones open; nil: none is.
  package var escalation: EscalationRule?

  package init(
    facts: RunFacts, plan: Plan, cases: [Case],
    closings: [(account: String, outcome: Action.Outcome)] = [], experiment: Experiment? = nil,
    enrolments: [Enrolment] = [], incidents: [Incident] = [], webhooks: [String] = [],
    escalation: EscalationRule? = nil
  ) {
    self.facts = facts
    self.plan = plan
    self.cases = cases
    self.closings = closings
    self.experiment = experiment
    self.enrolments = enrolments
    self.incidents = incidents
    self.webhooks = webhooks
    self.escalation = escalation
  }
}

/// A published run, as the store keeps it.
package struct Run: Sendable, Equatable {
  package var asOf: Instant
  package var model: String
  package var scoresPath: String
  package var scoresSHA256: String
  package var tacitVersion: String
  package var accounts: Int
  package var silent: Int
  /// Decision rows, and the cases opened: by a score, by what a customer said, and by lot.
  package var decided: Int
  package var flagged: Int
  package var businessDay: Bool
  /// See `Plan.cut`.
  package var cut: Double?
  package var voiced = 0
  package var explored = 0
}

/// What became of an attempt to publish.
package enum Publication: Sendable, Equatable {
  case published(Run)
  /// A run as of the same date stood there; nothing was changed.
  case alreadyPublished(Run)
}
