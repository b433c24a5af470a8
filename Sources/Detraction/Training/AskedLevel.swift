import Histories
package import Learning

extension Model {
  /// The level among the silent by how they had been asked: who was never asked is another than who was
  /// asked and kept silent (survey mechanics are no feature, but they stratify).
  package struct AskedLevel: Codable, Sendable, Equatable {
    package var asked: Asked
    /// Silent accounts of this kind.
    package var silent: Int
    /// Answers of those drawn by lot among them, and how many were unhappy.
    package var answers: Int
    package var detractors: Int
    /// With its exact 95 % interval (Clopper and Pearson).
    package var rate: Evaluation.Estimate
  }
}

extension Trainer {
  /// Nil without survey mechanics, or without answers. O(answers).
  func askedLevels(_ silent: SilentCounts) -> [Model.AskedLevel]? {
    guard base.hasMechanics else { return nil }
    var found: [Asked: (answers: Int, detractors: Int)] = [:]
    for answer in answers.answers where answer.knownAt < asOf && answer.outcome != .unreached {
      guard let account = base.index(of: answer.account),
        base.record(account)?.doNotProfile != true,
        base.hasFeatureEvent(account, seenAsOf: answer.drawnAt)
      else { continue }
      let stratum = Asked.allCases[asked(account, at: answer.drawnAt)]
      let before = found[stratum] ?? (0, 0)
      found[stratum] = (
        before.answers + 1, before.detractors + (answer.outcome == .detractor ? 1 : 0)
      )
    }
    guard !found.isEmpty else { return nil }
    return Asked.allCases.compactMap { stratum in
      guard let (answers, detractors) = found[stratum] else { return nil }
      let ends = exactShare(found: Double(detractors), of: Double(answers))
      return Model.AskedLevel(
        asked: stratum, silent: silent.count(of: stratum), answers: answers,
        detractors: detractors,
        rate: .init(
          value: Double(detractors) / Double(answers), low: ends.low, high: ends.high))
    }
  }
}
