package import Histories
package import Learning

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

  /// Out-of-fold logits of a learner that knew everybody's answer, with the same features, bases
  /// and penalties as training: for every account of the base with a history, by account index.
  package func oracleLogits() throws(DetractionError) -> [Int: Double] {
    let known = (0..<base.accountCount).filter {
      base.hasHistory($0, before: asOf) && isDetractor[base.account($0)] != nil
    }
    let labels = known.map { isDetractor[base.account($0)] == true ? 1.0 : 0.0 }
    let rows = known.map { VectorRow(account: $0, asOf: 0) }
    let values = base.vectors(schema, rows: rows, asOf: [asOf], threads: threads)
    do {
      let raw = try Matrix(rows: rows.count, columns: schema.features.count, elements: values)
      let design = try Design(
        fitting: raw, sources: schema.sourceKinds, weights: nil, threads: threads)
      let validation = try crossValidateL2(
        design.expand(raw, threads: threads), labels: labels, weights: nil,
        folds: known.map { Int(base.hash($0) % UInt64(Trainer.folds)) },
        lambdas: Trainer.penalties,
        parameters: LogisticParameters(l2: 0, standardise: false, threads: threads))
      return Dictionary(uniqueKeysWithValues: zip(known, validation.outOfFold))
    } catch let error as LearningError {
      throw .learning(error)
    } catch {
      throw .bug("\(error)")
    }
  }

  /// Holds a ranking of accounts (higher is called first) against the truth: detractors among the
  /// first k, ties shared (METHODS 4.1), and the ROC AUC.
  package func judge(_ name: String, accounts: [Int], scores: [Double], k: Int)
    throws(DetractionError) -> Ranking
  {
    let labels = accounts.map { isDetractor[base.account($0)] == true ? 1.0 : 0.0 }
    do {
      let top = topK(scores: scores, labels: labels, k: k)
      return Ranking(
        name: name, found: top.truePositives,
        auc: try rocAUC(scores: scores, labels: labels).auc)
    } catch { throw .learning(error) }
  }

  /// One feature's values for some accounts, by name; nil when the schema has no such feature.
  package func feature(_ name: String, of accounts: [Int]) -> [Double]? {
    guard let index = schema.features.firstIndex(where: { $0.name == name }) else { return nil }
    let values = base.vectors(
      schema, rows: accounts.map { VectorRow(account: $0, asOf: 0) }, asOf: [asOf],
      threads: threads)
    return accounts.indices.map { values[$0 * schema.features.count + index] }
  }
}
