import Histories
import Learning

/// A model's score as common table expressions over the features of accounts, one row an account
/// all along: no join, no shuffle, so an engine does it in the pass that made the features.
///
/// The first reads a relation called `features`: `f0`, `f1` … (feature k of the model's schema, NULL
/// being missing, a categorical one a text). The last is called `scored` and has the same rows with
/// all columns of `features` and
///
/// | column | is |
/// |---|---|
/// | `logit` | as `Model.logits` |
/// | `probability` | as `Model.silentProbability` |
/// | `band` | `top`, `high`, `medium` or `low` |
/// | `reasons` | see `ReasonStages` |
package struct ScoreStages {
  /// In order, each of the one before; names are plain words that need no quotes.
  package private(set) var stages: [(name: String, body: String)] = []

  /// Throws `learning` where the model's parts do not fit each other. O(columns of a reason's group,
  /// squared), which is the room the covariance takes in the text.
  package init(_ model: Model, dialect: SQLDialect) throws(DetractionError) {
    let sources = model.schema.features.indices.map { place in
      let isNumber = model.schema.features[place].isNumber
      return ScoreColumns.Source(
        column: dialect.identifier("f\(place)"), levels: isNumber ? nil : model.schema.levels[place]
      )
    }
    let columns = ScoreColumns(model.design, sources: sources, dialect: dialect)
    let reasons = try ReasonStages(model, columns: columns, dialect: dialect)
    let logit = dialect.identifier("logit")
    let calibration = ScoreProbability(
      calibration: model.calibration, offset: model.level?.offset?.value, dialect: dialect)
    let design = columns.stages(of: reasons.columns)
    let rest =
      [[(logit, reasons.logit)]] + calibration.stages(logit: logit) + reasons.stages
    var before = "features"
    func add(_ stage: [ScoreColumns.Added], without left: [String] = []) {
      let body = ScoreSQL.adding(stage, to: before, without: left, dialect: dialect)
      before = "score\(stages.count + 1)"
      stages.append((before, body))
    }
    for stage in design { add(stage) }
    // A plan that carried the design's thousands of columns to its end would take engines long.
    add(reasons.groups, without: design.joined().map(\.name))
    for stage in rest { add(stage) }
    let results = [
      ("probability", calibration.probability),
      ("band", Self.band(logit, model.reference.bandLimits)),
      ("reasons", reasons.text(logit: logit)),
    ].map { (dialect.identifier($0), $1) }
    let inner = ([reasons.groups] + rest).joined().map(\.name).filter { $0 != logit }
    stages.append(
      ("scored", ScoreSQL.adding(results, to: before, without: inner, dialect: dialect)))
  }

  /// `limits`: of the top, high and medium band.
  private static func band(_ logit: String, _ limits: [Double]) -> String {
    "CASE"
      + zip(limits, [Band.top, .high, .medium]).map {
        " WHEN \(logit) >= \(SQLText.literal($0)) THEN '\($1.rawValue)'"
      }.joined() + " ELSE '\(Band.low.rawValue)' END"
  }
}
