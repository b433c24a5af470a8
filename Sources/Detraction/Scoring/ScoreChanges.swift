package import Histories
import Learning

/// Why an account's logit is another than it was: parts that add up to the difference but for
/// rounding.
package struct ScoreChange: Sendable, Equatable {
  package struct Part: Codable, Sendable, Equatable {
    /// A reason's name; or `model`, what the change of model made of the same history; or `history`,
    /// what is known otherwise now of the time before (late data, corrections).
    package var feature: String
    /// Logit units.
    package var contribution: Double
  }

  /// The logit at the earlier date.
  package var then: Double
  /// Now less then, part by part, the largest first; what did not change is left out.
  package var parts: [Part]
}

/// An earlier scoring to hold the present one against.
package struct EarlierScores: Sendable {
  package let asOf: Instant
  /// The version that scored; nil where the present one scores the earlier date too.
  package let model: String?
  /// By account index, NaN where there was no score; nil where they are made again.
  private let logits: [Double]?

  /// The present model, as of an earlier date: differences are all of the histories.
  package init(asOf: Instant) {
    self.asOf = asOf
    model = nil
    logits = nil
  }

  /// A score file written by `tacit score` or `tacit nightly` (CSV), over the accounts of `base`.
  /// Throws `histories` for a file of another shape, and for one of several as-of dates or models.
  package init(path: String, base: HistoryBase) throws(DetractionError) {
    let read = try translating { try Self.read(path, base) }
    asOf = read.asOf
    model = read.model
    logits = read.logits
  }

  private static func read(
    _ path: String, _ base: HistoryBase
  ) throws -> (asOf: Instant, model: String, logits: [Double]) {
    let table = try CSVTable(path: path)
    let places = try ["account_id", "as_of", "model", "logit"].map {
      try table.column($0, for: "earlier scores")
    }
    guard table.rowCount > 0, let asOf = Instant(iso8601: table.cell(0, places[1]), zone: nil),
      let model = table.text(0, places[2])
    else {
      throw HistoriesError.dataContract("\(path): expected scores of `tacit score`, found none")
    }
    var logits = [Double](repeating: .nan, count: base.accountCount)
    for row in 0..<table.rowCount {
      guard table.cell(row, places[1]).elementsEqual(table.cell(0, places[1])),
        table.cell(row, places[2]).elementsEqual(table.cell(0, places[2])),
        let account = table.text(row, places[0]),
        case .number(let logit) = table.number(row, places[3])
      else {
        throw HistoriesError.dataContract(
          "\(path), line \(table.line(row)): expected an account id and a logit, as of \(asOf) and "
            + "by \(model) as in the first row")
      }
      if let index = base.index(of: account) { logits[index] = logit }
    }
    return (asOf, model, logits)
  }

  /// The logit an account had; nil where it had none, `made` where they are made again.
  func logit(_ account: Int, made: Double, wasSilent: Bool) -> Double? {
    guard let logits else { return wasSilent ? made : nil }
    return logits[account].isNaN ? nil : logits[account]
  }
}

extension Scorer {
  /// What changed since an earlier scoring, for places of the ranking; nil for an account that had no
  /// score then. O(places × columns).
  package func changes(
    at places: some Sequence<Int>, since earlier: EarlierScores
  ) throws(DetractionError) -> [ScoreChange?] {
    let ranked = places.map { ranking[$0] }
    let now = try model.expand(try raw(ranked), threads: threads)
    let then = try model.expand(
      try base.matrix(
        model.schema, ranked.map { VectorRow(account: $0.account, asOf: earlier.asOf) },
        threads: threads), threads: threads)
    let logits = model.logits(then, threads: threads)
    let rule = SilenceRule(silentForDays: model.feedback.silentForDays)
    let isSameModel = earlier.model == nil || earlier.model == version.version
    return ranked.indices.map { row in
      let account = Int(ranked[row].account)
      let wasSilent =
        base.hasFeatureEvent(account, seenAsOf: earlier.asOf)
        && rule.voice(of: base.feedback(account), at: earlier.asOf).isSilent
      guard
        let before = earlier.logit(account, made: logits[row], wasSilent: wasSilent)
      else { return nil }
      let (ours, theirs) = (
        groups.sums(contributions.of(row: now.row(row))),
        groups.sums(contributions.of(row: then.row(row)))
      )
      var parts = groups.groups.indices.map {
        ScoreChange.Part(
          feature: groups.groups[$0].name, contribution: ours[$0] - theirs[$0])
      }
      parts.append(
        ScoreChange.Part(
          feature: isSameModel ? "history" : "model", contribution: logits[row] - before))
      return ScoreChange(
        then: before,
        parts: parts.enumerated().filter { $0.element.contribution != 0 }
          .sorted {
            (-abs($0.element.contribution), $0.offset) < (-abs($1.element.contribution), $1.offset)
          }.map(\.element))
    }
  }
}
