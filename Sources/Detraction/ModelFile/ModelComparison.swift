import Foundation
package import Histories
import Learning

/// A challenger held against the champion on the same rows: the two-sided answers that the
/// challenger's training saw, less those that are not fair to the champion.
///
/// The challenger's scores are out of fold. A row is fair to the champion when its label window began
/// at or after the champion's as-of date, so that the champion, which then scores it, had not seen the
/// answer; or when the champion met the same row in its own training and its out-of-fold score is
/// kept. The challenger has seen other customers' answers of the later months and the champion has
/// not: the comparison can tell that a challenger is worse, and leans its way where it is better.
package struct ModelComparison: Codable, Sendable, Equatable {
  package enum Verdict: String, Codable, Sendable {
    case better, worse
    case noDifference = "no_difference"
    /// Too few rows are fair to both.
    case notCompared = "not_compared"
  }

  /// A measure of both on the same rows, with the paired 95 % interval of challenger minus champion: of
  /// the area by DeLong, of precision by drawing customers.
  package struct Measure: Codable, Sendable, Equatable {
    package var champion: Double
    package var challenger: Double
    package var difference: Double
    package var low: Double
    package var high: Double
  }

  package var champion: String
  package var challenger: String
  package var verdict: Verdict
  /// Why nothing was compared; nil where it was.
  package var obstacle: String?
  package var rows: Int
  package var customers: Int
  package var detractors: Int
  /// Of the rows: scored by the champion, whose label window is after its as-of date; and known to
  /// both, both out of fold.
  package var later: Int
  package var heldOutByBoth: Int
  /// Rows of the challenger's training whose answers the champion had learnt from.
  package var leftOut: Int
  package var auc: Measure?
  /// DeLong's paired test of the areas, a customer's rows hanging together (two-sided).
  package var delongZ: Double?
  package var delongP: Double?
  /// Precision among the first `called` rows, the share of the silent accounts that the team can call.
  package var precision: Measure?
  package var called: Double?

  /// Fewer rows of a class than this tell nothing.
  static let leastOfClass = 10
  /// Precision is taken over at least so many rows.
  static let leastCalled = 10.0

  /// Compares on the rows of a base. `capacity`: the share of the silent accounts that can be called
  /// within a label window; nil where it is not known. O(rows × columns + 1000 × rows).
  package init(
    champion: ModelVersion, challenger: ModelVersion, base: HistoryBase, capacity: Double?,
    threads: Int
  ) throws(DetractionError) {
    self.champion = champion.version
    self.challenger = challenger.version
    verdict = .notCompared
    (rows, customers, detractors, later, heldOutByBoth, leftOut) = (0, 0, 0, 0, 0, 0)
    guard !challenger.heldOut.isEmpty else {
      obstacle = "version \(challenger.version) keeps no out-of-fold scores: train it anew"
      return
    }
    let fair = try FairRows(champion, challenger, base, threads: threads)
    rows = fair.labels.count
    detractors = fair.labels.count { $0 == 1 }
    customers = Set(fair.customers).count
    later = fair.later
    heldOutByBoth = rows - later
    leftOut = challenger.heldOut.count - rows
    guard min(detractors, rows - detractors) >= Self.leastOfClass else {
      obstacle =
        "of \(challenger.heldOut.count) answers that the challenger was trained with, \(rows) are "
        + "fair to the champion, \(detractors) of them negative: at least \(Self.leastOfClass) of "
        + "either kind are needed"
      return
    }
    try measure(fair, capacity: capacity, threads: threads)
  }

  private mutating func measure(
    _ fair: FairRows, capacity: Double?, threads: Int
  ) throws(DetractionError) {
    let called = min(
      Double(rows), max(Self.leastCalled, ((capacity ?? 0) * Double(rows)).rounded()))
    do {
      let evaluation = try Evaluation(
        [.logits(fair.challenger), .logits(fair.champion)],
        try Outcomes(labels: fair.labels, clusters: fair.customers), cuts: [.weight(called)],
        threads: threads)
      precision = Measure(evaluation, .precision(.weight(called)))
      self.called = called
      let areas = (
        try RocArea(scores: fair.challenger, labels: fair.labels, clusters: fair.customers),
        try RocArea(scores: fair.champion, labels: fair.labels, clusters: fair.customers)
      )
      let delong = try areas.0.minus(areas.1)
      let half = 1.959963984540054 * delong.standardError
      auc = Measure(
        champion: areas.1.area, challenger: areas.0.area, difference: delong.difference,
        low: delong.difference - half, high: delong.difference + half)
      (delongZ, delongP) = (delong.z, delong.p)
    } catch { throw .learning(error) }
    let measures = [auc, precision].compactMap(\.self)
    if measures.contains(where: { $0.high < 0 }) {
      verdict = .worse
    } else if measures.contains(where: { $0.low > 0 }) {
      verdict = .better
    } else {
      verdict = .noDifference
    }
  }

  /// What it says in one line, with its numbers.
  package var summary: String {
    if let obstacle { return "not compared: \(obstacle)" }
    func words(_ name: String, _ measure: Measure?) -> String? {
      measure.map {
        "\(name) \(number($0.challenger)) against \(number($0.champion)) (difference "
          + "\(number($0.difference)), 95 %: \(number($0.low)) to \(number($0.high)))"
      }
    }
    let parts = [
      words("AUC", auc), words("precision of the first \(Int(called ?? 0))", precision),
      delongP.map { "DeLong p = \(String(format: "%.2g", $0))" },
    ].compactMap(\.self)
    return "on \(rows) answers of \(customers) customers: " + parts.joined(separator: "; ")
  }

  private func number(_ value: Double) -> String { String(format: "%.3f", value) }
}

extension ModelComparison.Measure {
  /// Nil where the rows do not tell.
  fileprivate init?(_ evaluation: Evaluation, _ metric: Metric) {
    let difference = evaluation.difference(metric)
    guard let challenger = evaluation.estimate(metric, of: 0).value,
      let champion = evaluation.estimate(metric, of: 1).value, let value = difference.value,
      let low = difference.low, let high = difference.high
    else { return nil }
    self.init(
      champion: champion, challenger: challenger, difference: value, low: low, high: high)
  }
}

/// The challenger's held-out rows that are fair to the champion, with both scores.
private struct FairRows {
  var labels: [Double] = []
  /// Numbers from 0, one a customer.
  var customers: [Int] = []
  var challenger: [Double] = []
  var champion: [Double] = []
  /// How many of them come after the champion's as-of date.
  var later = 0

  init(
    _ champion: ModelVersion, _ challenger: ModelVersion, _ base: HistoryBase, threads: Int
  ) throws(DetractionError) {
    struct Place: Hashable {
      var account: [UInt8]
      var asOf: Instant
    }
    var met: [Place: Double] = [:]
    for row in champion.heldOut {
      met[Place(account: Array(row.account.utf8), asOf: row.asOf)] = row.logit
    }
    let gap = challenger.model.training.gapDays
    var numbers: [[UInt8]: Int] = [:]
    var toScore: [(place: Int, row: VectorRow)] = []
    for row in challenger.heldOut {
      let id = Array(row.account.utf8)
      let kept = met[Place(account: id, asOf: row.asOf)]
      let isLater = row.asOf.adding(days: gap) >= champion.model.asOf
      if isLater {
        guard let account = base.index(of: row.account) else { continue }
        toScore.append((labels.count, VectorRow(account: Int32(account), asOf: row.asOf)))
        later += 1
      } else if kept == nil {
        continue
      }
      let number = numbers[id] ?? numbers.count
      numbers[id] = number
      labels.append(row.isDetractor ? 1 : 0)
      customers.append(number)
      self.challenger.append(row.logit)
      self.champion.append(kept ?? 0)
    }
    for start in stride(from: 0, to: toScore.count, by: Trainer.chunk) {
      let part = toScore[start..<min(start + Trainer.chunk, toScore.count)]
      let raw = try base.matrix(champion.model.schema, part.map(\.row), threads: threads)
      let logits = champion.model.logits(
        try champion.model.expand(raw, threads: threads), threads: threads)
      for (item, logit) in zip(part, logits) { self.champion[item.place] = logit }
    }
  }
}
