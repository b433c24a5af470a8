package import Histories
import Learning

/// How well the silent were ranked, where a synthetic base knows the answer.
///
/// Nothing of this reaches training, scoring or a queue: it is for bases whose truth was drawn.
package struct KnownTruth: Sendable {
  package let base: HistoryBase
  package let schema: FeatureSchema
  package let asOf: Instant
  /// Whether an account is a detractor, by account id.
  package let isDetractor: [String: Bool]
  package let threads: Int

  package init(
    base: HistoryBase, schema: FeatureSchema, asOf: Instant, isDetractor: [String: Bool],
    threads: Int
  ) {
    self.base = base
    self.schema = schema
    self.asOf = asOf
    self.isDetractor = isDetractor
    self.threads = threads
  }

  /// One way of ranking the silent accounts: how many of its first k are detractors, and its AUC.
  package struct Ranking: Codable, Sendable {
    package var name: String
    package var found: Double
    package var auc: Double
  }

  /// Out-of-fold logits of a learner that knew everybody's answer, with the same features and
  /// shapes as training: for every account of the base with a history, by account index.
  package func oracleLogits() throws(DetractionError) -> [Int: Double] {
    let known = (0..<base.accountCount).filter {
      isDetractor[base.account($0)] != nil && base.hasFeatureEvent($0, seenAsOf: asOf)
    }
    let labels = known.map { isDetractor[base.account($0)] == true ? 1.0 : 0.0 }
    let raw = try base.matrix(
      schema, known.map { VectorRow(account: Int32($0), asOf: asOf) }, threads: threads)
    return try translating {
      let shaped = try fitShaped(
        raw, sources: schema.designSources, labels: labels,
        folds: known.map { Trainer.fold(of: base.account($0)) },
        mostPairs: Trainer.mostPairs,
        threads: threads)
      return Dictionary(uniqueKeysWithValues: zip(known, shaped.outOfFoldLogits))
    }
  }

  /// Holds a ranking of accounts (higher is called first) against the truth: detractors among the
  /// first k, ties shared (METHODS 4.1), and the ROC AUC.
  package func judge(_ name: String, accounts: [Int], scores: [Double], k: Int)
    throws(DetractionError) -> Ranking
  {
    let labels = accounts.map { isDetractor[base.account($0)] == true ? 1.0 : 0.0 }
    return try translating {
      let cut = Cut.weight(Double(k))
      let evaluation = try Evaluation(
        [.logits(scores)], Outcomes(labels: labels), cuts: [cut], replicates: 0, threads: threads)
      return Ranking(
        name: name, found: (evaluation.estimate(.precision(cut)).value ?? 0) * Double(k),
        auc: evaluation.estimate(.rocArea).value ?? 0.5)
    }
  }

  /// One feature's values for some accounts, by name; nil when the schema has no such feature.
  package func feature(_ name: String, of accounts: [Int]) throws(DetractionError) -> [Double]? {
    guard let index = schema.names.firstIndex(of: name) else { return nil }
    return try base.matrix(
      schema, accounts.map { VectorRow(account: Int32($0), asOf: asOf) }, threads: threads
    ).column(index)
  }
}
