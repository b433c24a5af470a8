/// The published rule for versions learnt from one-sided feedback alone: never above C, and D unless
/// all of it holds. It was fixed before any result was seen and is the same for every base.
///
/// - 200 label permutations or more, p at most 1/201: somebody's complaint is foreseeable at all.
/// - Out of fold, those who complained are ranked above the others: AUC 0.55 or more, its 99.9 %
///   interval above ½.
/// - 50 customers who complained, 50 who did not. No feature leaks.
/// - What makes a customer unhappy can be told from what makes one complain: either the likelihood
///   tells them apart (a fit without doubts), or the unhappy themselves show it, 100 answers of silent
///   accounts drawn by lot (5 of either kind) whose scores have an AUC with its 95 % interval above ½.
///   Without it a ranking by temperament would look the same.
///
/// B and A ask for satisfied customers' answers, which this mode has none of. Thresholds shared with
/// `GradeRule` are that rule's own; a fact that is not known is a check not passed.
package struct ComplaintsFacts: Codable, Sendable, Equatable {
  /// Label permutations tried, and (1 + those at least as good) / (1 + tried).
  package var permutations: Int?
  package var permutationP: Double?
  /// Of those who complained against all others, out of fold, with the lower end of its 99.9 % interval.
  package var auc: Double?
  package var aucLow999: Double?
  /// Customers with a row of either kind.
  package var complained: Int
  package var others: Int
  package var leaks: [String]
  /// Whether the split into unhappy and vocal left no doubt.
  package var isIdentified: Bool
  /// The lower end of the 95 % interval of the AUC on answers of silent accounts drawn by lot; nil with
  /// too few.
  package var answersAUCLow: Double?

  package init(
    permutations: Int? = nil, permutationP: Double? = nil, auc: Double? = nil,
    aucLow999: Double? = nil, complained: Int, others: Int, leaks: [String] = [],
    isIdentified: Bool, answersAUCLow: Double? = nil
  ) {
    self.permutations = permutations
    self.permutationP = permutationP
    self.auc = auc
    self.aucLow999 = aucLow999
    self.complained = complained
    self.others = others
    self.leaks = leaks
    self.isIdentified = isIdentified
    self.answersAUCLow = answersAUCLow
  }
}

extension Grading {
  package init(_ facts: ComplaintsFacts) {
    let rule = GradeRule.self
    let isShown = Self.known(facts.answersAUCLow) { $0 > rule.chance }
    self.init(
      checks: [
        Self.atLeast(
          .C, "label permutations tried", facts.permutations.map(Double.init),
          Double(rule.permutations)),
        Check(
          grade: .C, name: "p-value of the permutation test", value: facts.permutationP,
          needed: "at most 1/201",
          passed: Self.known(facts.permutationP) { $0 <= rule.permutationP }),
        Check(
          grade: .C, name: "AUC of those who complained, lower end at 99.9 %",
          value: facts.aucLow999, needed: "above \(rule.chance)",
          passed: Self.known(facts.aucLow999) { $0 > rule.chance }),
        Self.atLeast(.C, "AUC of those who complained, out of fold", facts.auc, rule.leastAUC),
        Self.atLeast(
          .C, "customers who complained", Double(facts.complained), Double(rule.leastOfClass)),
        Self.atLeast(
          .C, "customers who did not", Double(facts.others), Double(rule.leastOfClass)),
        Self.atMost(.C, "features that leak", Double(facts.leaks.count), 0),
        Check(
          grade: .C, name: "unhappy told from vocal",
          value: facts.isIdentified ? 1 : facts.answersAUCLow,
          needed:
            "a split without doubts, or answers of silent accounts drawn by lot ranked by the "
            + "scores (AUC, lower end at 95 %, above \(rule.chance))",
          passed: facts.isIdentified || isShown),
        Check(
          grade: .B, name: "answers by which satisfied customers speak too", value: 0,
          needed: "two-sided feedback, such as a survey, enough to train on", passed: false),
      ], leaks: facts.leaks)
  }
}
