import Foundation
package import Learning

/// How far a model learnt from complaints alone can be believed. Nobody is known to be content here, so
/// that neither calibration nor precision can be had; what can is in this.
package struct ComplaintsEvidence: Codable, Sendable {
  /// Rows (an account at a snapshot) with a complaint in the label window, and without; accounts that
  /// complained.
  package var labelled: Int
  package var unlabelled: Int
  package var complained: Int
  /// What was learnt from: rows, their customers, and the share taken of accounts that never complained.
  package var rows: Int
  package var customers: Int
  package var othersShare: Double
  /// How the two factors were told apart; `joint`: one chance of complaining for all the unhappy.
  package var method: PositiveUnlabelled.Method
  package var isIdentified: Bool
  /// Why the split is not to be trusted, in words; empty where it is.
  package var doubts: [String]
  /// Share of accounts that are unhappy, with its 95 % interval. It takes the rows of an account for
  /// independent, and the two factors for logistic: a surer number comes from asking the silent. Nil,
  /// as the next, where the split is in doubt: the complaints then do not bound it.
  package var prevalence: Evaluation.Estimate?
  /// Share of the unhappy that complain in a label window.
  package var labelledShare: Double?
  package var iterations: Int
  /// Out of fold, by account: those who complained against all others, with the 95 % DeLong interval
  /// clustered by customer, and the lower end of the 99.9 % one. Some of the others are unhappy too:
  /// where the unhappy complain by lot, the AUC of unhappy against content is no lower than this.
  package var auc: Evaluation.Estimate
  package var aucLow999: Double
  /// Labels dealt by lot among customers of the same snapshots.
  package var permutation: PermutationTest
  /// Of the scores on answers of silent accounts drawn by lot; nil with too few.
  package var answersAUC: Evaluation.Estimate?
  package var level: SilentLevel

  init(
    labelled: Int, unlabelled: Int, complained: Int, customers: Int, rows: Int,
    othersShare: Double, split: PositiveUnlabelled, data: LogisticData, area: RocArea,
    permutation: PermutationTest, answers: SilentAnswers, level: SilentLevel
  ) throws(LearningError) {
    self.labelled = labelled
    self.unlabelled = unlabelled
    self.complained = complained
    self.rows = rows
    self.customers = customers
    self.othersShare = othersShare
    method = split.method
    isIdentified = split.isIdentified
    doubts = split.doubts.map(Self.words)
    prevalence = split.isIdentified ? split.prevalence : nil
    let share = zip(data.labels, data.weights ?? data.labels.map { _ in 1 }).reduce(0) {
      $0 + $1.0 * $1.1
    }
    labelledShare = prevalence?.value.map { min(1, share / data.weightSum / $0) }
    iterations = split.iterations
    auc = .init(value: area.area, low: area.interval.low, high: area.interval.high)
    aucLow999 = area.interval(z: 3.290526731491926).low
    self.permutation = permutation
    self.level = level
    guard level.isMeasured else { return }
    let shown = try RocArea(scores: answers.logits, labels: answers.labels)
    answersAUC = .init(value: shown.area, low: shown.interval.low, high: shown.interval.high)
  }

  /// What the grade looks at.
  package var facts: ComplaintsFacts {
    ComplaintsFacts(
      permutations: permutation.permutations, permutationP: permutation.p, auc: auc.value,
      aucLow999: aucLow999, complained: complained, others: customers - complained,
      isIdentified: isIdentified, answersAUCLow: answersAUC?.low)
  }

  /// A doubt as a reader of no statistics takes it, with its number.
  private static func words(_ doubt: PositiveUnlabelled.Doubt) -> String {
    func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
    func p(_ value: Double) -> String { String(format: "p = %.3f", value) }
    switch doubt {
    case .everyLabelFits(let value):
      return "the data fit as well if everybody unhappy complained (\(p(value))): how many are "
        + "unhappy and silent cannot be told from them"
    case .flat(let low, let high):
      return "between \(percent(low)) and \(percent(high)) of the accounts may be unhappy: the "
        + "complaints do not say which"
    case .edge(let share):
      return "the share of the unhappy that complain is told as \(percent(share)), at its edge"
    case .alike(let correlation):
      return "what makes a customer unhappy and what makes one complain rank accounts alike "
        + String(format: "(correlation %.2f)", correlation)
        + ": the list may hold those who like to complain"
    case .labellingDepends(let value):
      return "who of the unhappy complains depends on the history "
        + (value < 0.0005 ? "(p < 0.001)" : "(\(p(value)))")
        + ", in a way that cannot be told from unhappiness"
    case .notConverged(let iterations):
      return "the search for the split had not settled after \(iterations) steps"
    }
  }
}

extension DoublyRobustRate {
  /// A rate by the model alone, where no respondents' answers could correct it; without an interval.
  init(model rate: Double) {
    self.rate = .init(value: rate)
    model = rate
    correction = 0
  }
}

extension SilentLevel {
  /// Of a model learnt from complaints alone, whose own mean stands where respondents' answers would.
  /// `complained`: accounts known to be unhappy; nobody is known not to be. As the other in all else.
  init(
    answers: SilentAnswers, silentLogits: [Double], silent: Int, complained: Int,
    isIdentified: Bool, threads: Int
  ) throws(LearningError) {
    guard !silentLogits.isEmpty else { throw .tooFewRows(rows: 0, needed: 1) }
    try self.init(
      answers: answers, silentLogits: silentLogits, silent: silent, respondents: complained,
      respondentDetractors: complained,
      doublyRobust: DoublyRobustRate(
        model: meanProbability(silentLogits, offset: 0, threads: threads)), isOpen: !isIdentified,
      threads: threads)
  }
}
