import Histories
import Learning

/// Labelled rows as the learner takes them.
struct Respondents {
  let rows: [TrainingRow]
  let raw: Matrix
  let labels: [Double]
  /// What each row counts for; nil where all are alike.
  let weights: [Double]?
  /// A customer's rows share a fold.
  let folds: [Int]
  /// A hash of each row's account.
  let customers: [UInt64]
  /// How each row's account had been asked; nil without survey mechanics.
  let strata: [Int]?

  init(
    _ rows: [TrainingRow], at snapshots: [Instant], _ trainer: Trainer
  ) throws(DetractionError) {
    let base = trainer.base
    self.rows = rows
    raw = try trainer.vectors(of: rows, at: snapshots)
    labels = rows.map { $0.isDetractor ? 1 : 0 }
    weights = rows.contains { $0.weight != 1 } ? rows.map(\.weight) : nil
    customers = rows.map { AccountHash.of(base.account($0.account)) }
    folds = rows.map { Trainer.fold(of: base.account($0.account)) }
    strata =
      base.hasMechanics
      ? rows.map { trainer.asked($0.account, at: snapshots[$0.snapshot]) } : nil
  }

  var response: ResponseRows {
    get throws(LearningError) {
      try ResponseRows(raw: raw, customers: customers, strata: strata)
    }
  }
}

/// A sample of the silent by stride, for what need not see all of them.
struct SilentSample {
  let raw: Matrix
  let response: ResponseRows

  static let most = 20_000

  init(_ silent: SilentPopulation, _ trainer: Trainer) throws(DetractionError) {
    let count = silent.accounts.count
    let step = (count + Self.most - 1) / Self.most
    let accounts = stride(from: 0, to: count, by: step).map { silent.accounts[$0] }
    let raw = try trainer.base.matrix(
      trainer.schema, accounts.map { VectorRow(account: Int32($0), asOf: trainer.asOf) },
      threads: trainer.threads)
    self.raw = raw
    response = try translating {
      try ResponseRows(
        raw: raw, customers: accounts.map { AccountHash.of(trainer.base.account($0)) },
        strata: trainer.base.hasMechanics
          ? accounts.map { trainer.asked($0, at: trainer.asOf) } : nil)
    }
  }
}

extension Trainer {
  /// How an account had been asked by t, as a stratum.
  func asked(_ account: Int, at t: Instant) -> Int {
    let asked = SilenceRule(silentForDays: feedback.silentForDays)
      .asked(by: base.mechanics(account), at: t)
    return Asked.allCases.firstIndex(of: asked) ?? 0
  }
}
